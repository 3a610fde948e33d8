//! All that the broker knows, and what an account is worth.

use rust_decimal::Decimal;

use super::{
    auth::Auth, book::Account, ledger::Ledger, limits::Usage, market::Market, settings::Settings,
    user::UserSpec,
};
use crate::{
    error::{Result, SimError},
    random::mix,
};

/// What accounts share.
#[derive(Debug)]
pub(super) struct World {
    pub(super) market: Market,
    pub(super) settings: Settings,
    pub(super) ledger: Ledger,
    last_id: u64,
    ids: u64,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) world: World,
    pub(super) auth: Auth,
    pub(super) usage: Usage,
    pub(super) users: Vec<UserSpec>,
    pub(super) accounts: Vec<Account>,
    pub(super) settled: i64,
}

/// An account's figures in its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Worth {
    pub(super) open_profit: Decimal,
    pub(super) margin: Decimal,
    pub(super) available: Decimal,
}

impl World {
    /// The next id: 19 digits, rising by uneven steps.
    pub(super) fn id(&mut self) -> u64 {
        self.ids += 1;
        self.last_id += 1 + mix(self.market.seed, self.ids) % 97;
        self.last_id
    }

    pub(super) fn worth(&self, account: &Account, now: i64) -> Worth {
        let (mut open_profit, mut margin) = (Decimal::ZERO, Decimal::ZERO);
        for (index, exposure) in &account.exposures {
            let instrument = &self.market.instruments[*index];
            let quote = self.market.quote(*index, now);
            let long = exposure.long_qty * quote.bid - exposure.long_cost;
            let short = exposure.short_cost - exposure.short_qty * quote.ask;
            open_profit += (long + short) * instrument.lot_size;
            let cost = exposure.long_cost + exposure.short_cost;
            margin += cost * instrument.lot_size / instrument.leverage;
        }
        let (open_profit, margin) = (open_profit.round_dp(2), margin.round_dp(2));
        Worth {
            open_profit,
            margin,
            available: account.balance + open_profit - margin,
        }
    }

    pub(super) fn margin_for(&self, instrument: usize, qty: Decimal, price: Decimal) -> Decimal {
        let instrument = &self.market.instruments[instrument];
        (qty * instrument.lot_size * price / instrument.leverage).round_dp(2)
    }

    /// Whether reads show something that changed at `since`.
    pub(super) fn is_visible(&self, since: i64, now: i64) -> bool {
        let delay = i64::try_from(self.settings.visible_after.as_millis()).unwrap_or(i64::MAX / 4);
        now >= since + delay
    }
}

impl State {
    pub(super) fn new(
        seed: u64,
        users: Vec<UserSpec>,
        settings: Settings,
        ledger: Ledger,
        now: i64,
    ) -> Result<Self> {
        let accounts = open_accounts(&users)?;
        let first = 7_100_000_000_000_000_000 + mix(seed, 0) % 1_000_000_000_000;
        let first_serial = match settings.earlier_runs {
            true => u64::try_from(now).unwrap_or_default(),
            false => 0,
        };
        let world = World {
            market: Market::new(seed),
            settings,
            ledger,
            last_id: first,
            ids: 0,
        };
        Ok(Self {
            world,
            auth: Auth::new(seed, first_serial),
            usage: Usage::default(),
            users,
            accounts,
            settled: now,
        })
    }

    pub(super) fn accounts_of(&self, user: usize) -> impl Iterator<Item = &Account> {
        self.accounts
            .iter()
            .filter(move |account| account.user == user)
    }
}

fn open_accounts(users: &[UserSpec]) -> Result<Vec<Account>> {
    let mut accounts: Vec<Account> = Vec::new();
    for (index, user) in users.iter().enumerate() {
        let same = |other: &UserSpec| other.email == user.email && other.server == user.server;
        if users[..index].iter().any(same) {
            return Err(SimError::Duplicate {
                what: "user",
                id: user.email.clone(),
            });
        }
        for (spec, acc_num) in user.accounts.iter().zip(1..) {
            if accounts.iter().any(|account| account.spec.id == spec.id) {
                return Err(SimError::Duplicate {
                    what: "account",
                    id: spec.id.clone(),
                });
            }
            accounts.push(Account::new(spec.clone(), index, acc_num));
        }
    }
    Ok(accounts)
}
