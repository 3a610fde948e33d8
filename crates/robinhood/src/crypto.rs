//! Crypto of the private API, if it was asked for.

use std::{collections::HashMap, sync::Arc, time::Duration};

use wheelhouse_adapter::Cached;
use wheelhouse_core::{
    AccountId, BrokerOrderId, Error, ErrorKind, Instrument, InstrumentId, InstrumentStatus, Order,
    Position, Quote, Result, Symbol,
};

use crate::{
    accounts::LOOK_AGAIN,
    api::{self, place, rows},
    client::Inner,
    config::Host,
    convert::{self, Place},
    endpoints,
    market::JUST_NOW,
    orders::the_one,
    resolve::{EndOfList, Which},
    wire::{Text, crypto as wire},
};

/// How long the list of accounts of crypto is kept.
const KEPT: Duration = Duration::from_secs(3_600);

/// What is remembered of crypto.
#[derive(Debug, Default)]
pub(crate) struct CryptoDesk {
    pairs: Cached<Vec<Instrument>>,
    /// The accounts of that host, by the numbers of the brokerage accounts that pay for them.
    accounts: Cached<HashMap<String, String>>,
}

impl Inner {
    async fn pairs(&self, age: Duration) -> Result<Arc<Vec<Instrument>>> {
        let load = || async {
            let endpoint = &endpoints::GET_PAIRS;
            let mut pairs = Vec::new();
            let call = self.api.call(Host::Nummus, endpoint);
            self.api
                .all_pages(Host::Nummus, endpoint, call, |body| {
                    let (items, next) = rows(body, |row: &wire::Pair<'_>, index| {
                        convert::pair(row, Place::Row(body, index)).map(Some)
                    })?;
                    pairs.extend(items);
                    Ok((next, true))
                })
                .await?;
            Ok(pairs)
        };
        self.crypto
            .pairs
            .get(self.clock(), age.min(self.config.instruments_age), load)
            .await
    }

    pub(crate) async fn pair_by_symbol(&self, symbol: &Symbol) -> Result<Option<Instrument>> {
        let pairs = self.pairs(Duration::MAX).await;
        let pairs = pairs.map_err(|error| self.place_in(error, "instrument"))?;
        Ok(pairs.iter().find(|pair| pair.symbol == *symbol).cloned())
    }

    pub(crate) async fn pair(&self, id: &InstrumentId) -> Result<Instrument> {
        if !self.config.private_crypto {
            let message = "crypto of the private API is switched off";
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        // What was read a while ago may not hold any more.
        for age in [Duration::MAX, JUST_NOW] {
            let pairs = self.pairs(age).await?;
            let found = pairs.iter().find(|pair| pair.id == *id);
            let last = age == JUST_NOW;
            let trades = |pair: &&Instrument| pair.status != Some(InstrumentStatus::Closed);
            if let Some(pair) = found.filter(|pair| last || trades(pair)) {
                return Ok(pair.clone());
            }
        }
        let message = format!("the broker has no pair {id}");
        Err(Error::new(ErrorKind::NotFound, message))
    }

    /// Finds the account of crypto that belongs to a brokerage account. It may have been opened a
    /// moment ago.
    pub(crate) async fn crypto_account(&self, account: &AccountId) -> Result<Option<String>> {
        for age in [KEPT, LOOK_AGAIN] {
            let accounts = self.crypto_accounts(age).await?;
            if let Some(own) = accounts.get(account.as_str()) {
                return Ok(Some(own.clone()));
            }
        }
        Ok(None)
    }

    async fn crypto_accounts(&self, age: Duration) -> Result<Arc<HashMap<String, String>>> {
        let load = || async {
            let endpoint = &endpoints::GET_CRYPTO_ACCOUNTS;
            let mut accounts = HashMap::new();
            let call = self.api.call(Host::Nummus, endpoint);
            self.api
                .all_pages(Host::Nummus, endpoint, call, |body| {
                    let (items, next) = rows(body, |row: &wire::CryptoAccount<'_>, _| {
                        let payer = row
                            .rhs_account_number
                            .as_ref()
                            .or(row.apex_account_number.as_ref());
                        Ok(payer.map(|payer| (payer.owned(), row.id.owned())))
                    })?;
                    accounts.extend(items);
                    Ok((next, true))
                })
                .await?;
            Ok(accounts)
        };
        let accounts = &self.crypto.accounts;
        accounts.get(self.clock(), age, load).await
    }

    pub(crate) async fn read_holdings(&self, account: &AccountId) -> Result<Vec<Position>> {
        let Some(own) = self.crypto_account(account).await? else {
            return Ok(Vec::new());
        };
        let endpoint = &endpoints::GET_HOLDINGS;
        let call = self.api.call(Host::Nummus, endpoint).query("nonzero", true);
        let mut held = Vec::new();
        self.api
            .all_pages(Host::Nummus, endpoint, call, |body| {
                let (items, next) = rows(body, |row: &wire::Holding<'_>, index| {
                    if row.account_id.as_str() != own {
                        return Ok(None);
                    }
                    convert::holding(row, account, Place::Row(body, index))
                })?;
                held.extend(items);
                Ok((next, true))
            })
            .await?;
        Ok(held)
    }

    pub(crate) async fn read_crypto_quote(&self, id: &InstrumentId) -> Result<Quote> {
        let endpoint = &endpoints::GET_FOREX_QUOTE;
        let pair = convert::own_part(id.as_str()).unwrap_or_default();
        let call = self.api.call(Host::Api, endpoint).path("pair", pair);
        let body = self.api.read(endpoint, call).await?;
        let read = || {
            let row: wire::ForexQuote<'_> = api::decode(&body)?;
            if !row.id.as_str().eq_ignore_ascii_case(pair) {
                return Err(convert::odd("the quote in the answer is of another pair"));
            }
            convert::forex_quote(&row, self.clock().now(), Place::Whole(&body))
        };
        read().map_err(|error| place(endpoint, error))
    }

    /// Reads orders of crypto of an account. Their list has no filter that is known.
    pub(crate) async fn read_crypto_orders(
        &self,
        account: &AccountId,
        endpoint: &'static wheelhouse_http::Endpoint,
        which: Which,
    ) -> Result<Vec<Order>> {
        let Some(own) = self.crypto_account(account).await? else {
            return Ok(Vec::new());
        };
        let call = self.api.call(Host::Nummus, endpoint);
        let (mut orders, mut end) = (Vec::new(), EndOfList::new(which));
        self.api
            .all_pages(Host::Nummus, endpoint, call, |body| {
                let (items, next) = rows(body, |row: &wire::CryptoOrder<'_>, index| {
                    if row.account_id.as_str() != own {
                        return Ok(None);
                    }
                    convert::crypto_order(row, account, Place::Row(body, index)).map(Some)
                })?;
                let go_on = !end.is_reached(&items);
                orders.extend(items);
                Ok((next, go_on))
            })
            .await?;
        Ok(orders)
    }

    pub(crate) async fn read_crypto_order(
        &self,
        account: &AccountId,
        order: &BrokerOrderId,
        endpoint: &'static wheelhouse_http::Endpoint,
    ) -> Result<Order> {
        let id = convert::own_part(order.as_str()).unwrap_or_default();
        let own = self.crypto_account(account).await?;
        let call = self.api.call(Host::Nummus, endpoint).path("order", id);
        let body = self.api.read(endpoint, call).await?;
        let read = || {
            let row: wire::CryptoOrder<'_> = api::decode(&body)?;
            if own.as_deref() != Some(Text::as_str(&row.account_id)) {
                return Err(Error::new(
                    ErrorKind::NotFound,
                    "the order is not in this account",
                ));
            }
            let read = convert::crypto_order(&row, account, Place::Whole(&body))?;
            the_one(read, order, account)
        };
        read().map_err(|error| place(endpoint, error))
    }
}
