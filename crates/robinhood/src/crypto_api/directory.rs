//! The user's accounts and the trading pairs, read when needed and kept for a while.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use wheelhouse_core::{Account, AccountId, Accounts, Error, ErrorKind, InstrumentId, Result, Side};

use super::{
    CryptoApiVersion,
    api::read_json,
    client::Inner,
    convert::{self, Pair, Place},
    error::not_found,
    types::CryptoFeeTier,
    wire,
};
use crate::wire::{Page, Text};

/// The age at which an account that a call names is looked for anew.
const ACCOUNTS_AGE: Duration = Duration::from_secs(600);
/// The age at which pairs and accounts are read again because one is missing or may not trade.
const DOUBTFUL_AGE: Duration = Duration::from_secs(30);

/// An account with what core has no place for.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) account: Account,
    pub(crate) fee_tier: Option<CryptoFeeTier>,
    pub(crate) trades: Trades,
}

/// Which orders an account may place, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trades {
    All,
    /// Why there are none.
    None(&'static str),
    Sales,
}

impl Trades {
    fn of(account: &wire::Account<'_>) -> Self {
        match (account.status.as_str(), account.is_api_tradable) {
            ("deactivated", _) => Self::None("is deactivated"),
            (_, Some(false)) => Self::None("takes no orders through this API"),
            ("sell_only" | "sellonly", _) => Self::Sales,
            _ => Self::All,
        }
    }

    /// Says why an account takes no such orders, if it does not.
    pub(crate) fn refusal(self, side: Side) -> Option<&'static str> {
        match self {
            Self::None(why) => Some(why),
            Self::Sales if side == Side::Buy => Some("may only sell"),
            _ => None,
        }
    }
}

impl Inner {
    /// Reads all accounts from the broker.
    pub(crate) async fn read_accounts(&self) -> Result<Arc<Vec<Listed>>> {
        let load = || self.load_accounts();
        self.accounts.renew(&**self.api.clock(), load).await
    }

    async fn load_accounts(&self) -> Result<Vec<Listed>> {
        let mut all = Vec::new();
        let page = |body: &Bytes| {
            if self.config.version == CryptoApiVersion::V1 {
                all.push(listed(&read_json(body)?, Place::Whole(body))?);
                return Ok(None);
            }
            let page: Page<'_, wire::Account<'_>> = read_json(body)?;
            for (index, account) in page.results.iter().enumerate() {
                all.push(listed(account, Place::Row(body, index))?);
            }
            Ok(page.next.as_ref().map(Text::owned))
        };
        let endpoint = &self.api.routes.accounts;
        self.api.walk(endpoint, |call| call, page).await?;
        Ok(all)
    }

    pub(crate) async fn list_accounts(&self) -> Result<Accounts> {
        let all = self.read_accounts().await?;
        let accounts: Vec<_> = all.iter().map(|listed| listed.account.clone()).collect();
        Ok(accounts.into())
    }

    /// Makes sure that an account is the user's.
    pub(crate) async fn check_account(
        &self,
        id: &AccountId,
        operation: &'static str,
    ) -> Result<Arc<Vec<Listed>>> {
        let named = |all: &Arc<Vec<Listed>>| all.iter().any(|listed| listed.account.id == *id);
        let clock = &**self.api.clock();
        if let Some(all) = self.accounts.fresh(clock, ACCOUNTS_AGE).filter(named) {
            return Ok(all);
        }
        let all = self.read_accounts().await?;
        if named(&all) {
            return Ok(all);
        }
        Err(self.place_in(not_found("the user has no account with this id"), operation))
    }

    /// Makes sure that an account is the user's and may place such an order, looking anew before it
    /// is refused.
    pub(crate) async fn check_may_trade(&self, id: &AccountId, side: Side) -> Result<()> {
        const OPERATION: &str = "place_order";
        let refusal = |all: &[Listed]| {
            let listed = all.iter().find(|listed| listed.account.id == *id)?;
            listed.trades.refusal(side)
        };
        if refusal(&self.check_account(id, OPERATION).await?).is_none() {
            return Ok(());
        }
        let load = || self.load_accounts();
        let clock = &**self.api.clock();
        match refusal(&self.accounts.get(clock, DOUBTFUL_AGE, load).await?) {
            None => Ok(()),
            Some(why) => {
                let message = format!("the account {id} {why}");
                let error = Error::new(ErrorKind::PermissionDenied, message);
                Err(self.place_in(error, OPERATION))
            }
        }
    }

    /// Reads an account anew.
    pub(crate) async fn read_account(
        &self,
        id: &AccountId,
        operation: &'static str,
    ) -> Result<Listed> {
        let all = self.read_accounts().await?;
        let found = all.iter().find(|listed| listed.account.id == *id).cloned();
        let missing = || not_found("the user has no account with this id");
        found.ok_or_else(|| self.place_in(missing(), operation))
    }

    /// Returns all trading pairs, not older than `age`.
    pub(crate) async fn pairs_within(&self, age: Duration) -> Result<Arc<Vec<Pair>>> {
        let load = || async {
            let mut all = Vec::new();
            let page = |body: &Bytes| {
                let page: Page<'_, wire::Pair<'_>> = read_json(body)?;
                for (index, pair) in page.results.iter().enumerate() {
                    all.push(convert::pair(pair, Place::Row(body, index))?);
                }
                Ok(page.next.as_ref().map(Text::owned))
            };
            self.api
                .walk(&self.api.routes.pairs, |call| call, page)
                .await?;
            Ok(all)
        };
        self.pairs.get(&**self.api.clock(), age, load).await
    }

    /// Returns all trading pairs.
    pub(crate) async fn all_pairs(&self) -> Result<Arc<Vec<Pair>>> {
        self.pairs_within(self.config.instruments_age).await
    }

    /// Finds a pair that is `fit`, reading the pairs anew before it is given up.
    pub(crate) async fn find_pair(
        &self,
        symbol: &str,
        fit: impl Fn(&Pair) -> bool,
    ) -> Result<Option<Pair>> {
        let find = |pairs: &[Pair]| {
            let named = |pair: &&Pair| pair.instrument.id.as_str() == symbol;
            pairs.iter().find(named).cloned()
        };
        let found = find(&self.all_pairs().await?);
        if found.as_ref().is_some_and(fit) {
            return Ok(found);
        }
        let pairs = self
            .pairs_within(DOUBTFUL_AGE.min(self.config.instruments_age))
            .await?;
        Ok(find(&pairs))
    }

    /// Returns the pair that orders name.
    pub(crate) async fn pair(
        &self,
        id: &InstrumentId,
        operation: &'static str,
        fit: impl Fn(&Pair) -> bool,
    ) -> Result<Pair> {
        let found = self.find_pair(id.as_str(), fit).await?;
        found.ok_or_else(|| {
            let message = format!("there is no trading pair {id}; pairs look like BTC-USD");
            self.place_in(not_found(message), operation)
        })
    }
}

fn listed(account: &wire::Account<'_>, place: Place<'_>) -> Result<Listed> {
    Ok(Listed {
        account: convert::account(account, place)?,
        fee_tier: account.fee_tier_status.as_ref().map(convert::fee_tier),
        trades: Trades::of(account),
    })
}
