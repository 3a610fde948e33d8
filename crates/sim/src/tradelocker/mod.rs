//! A TradeLocker broker.

mod amend;
mod auth;
mod bars;
mod body;
mod book;
mod catalog;
mod columns;
mod config;
mod engine;
mod instruments;
mod ledger;
mod limits;
mod market;
mod orders;
mod positions;
mod quotes;
mod reply;
mod route;
mod script;
mod service;
mod settings;
mod state;
mod tables;
mod token;
mod user;

use rust_decimal::Decimal;

pub use self::{
    columns::{Columns, Table},
    ledger::{Cancel, Close, Ledger, Login, Modification, Placement, Refresh, Refusal},
    limits::{Measure, RateLimit, RateLimits, RetryAfter},
    route::Route,
    script::TradeLockerScript,
    settings::{RefreshReuse, SessionLimit, Settings},
    user::{AccountSpec, UserSpec},
};
use self::{market::Quote, state::State};
use crate::{
    broker::{self, Broker as _, Opening, Running, handle},
    clock::SimClock,
    error::{Result, SimError},
    random::mix,
};

/// A running TradeLocker broker, and the strings to pull.
pub struct TradeLockerSim {
    running: Running<State>,
}

pub(crate) type Plan = broker::Plan<UserSpec, Settings, TradeLockerScript>;

handle!(TradeLockerSim, "http://127.0.0.1:4010");

impl TradeLockerSim {
    pub(crate) async fn start(plan: Plan, clock: SimClock) -> Result<Self> {
        let users = broker::users_or(plan.users, UserSpec::demo);
        let opening = Opening {
            addr: plan.addr,
            seed: mix(plan.seed, u64::MAX),
            faults: plan.script.faults,
            moves: Vec::new(),
            prices: plan.script.prices,
        };
        let now = clock.now();
        let make = |ledger| State::new(plan.seed, users, plan.settings, ledger, now);
        let running = Running::start(opening, clock, make).await?;
        Ok(Self { running })
    }

    /// The base of all routes: the origin with `/backend-api`, which some clients add themselves.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}/backend-api", self.origin())
    }

    /// Changes the settings for the requests to come.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.running.state().world.settings);
    }

    /// Sets the bid of an instrument and lets it stand still there, the ask a spread above;
    /// resting orders that are reached fill at once. The bid is put on a tick.
    ///
    /// # Errors
    ///
    /// [`SimError::UnknownInstrument`] if no instrument has that name.
    pub fn set_price(&self, instrument: &str, bid: Decimal) -> Result<()> {
        self.running
            .settled()
            .fix_price(instrument, bid, self.running.now())
    }

    /// Lets an instrument stand still at its present price.
    ///
    /// # Errors
    ///
    /// [`SimError::UnknownInstrument`] if no instrument has that name.
    pub fn freeze(&self, instrument: &str) -> Result<()> {
        let mut state = self.running.settled();
        let now = self.running.now();
        let index = state.named(instrument)?;
        let quote = state.world.market.quote(index, now);
        state.world.market.set(index, quote);
        Ok(())
    }

    /// Lets an instrument move again.
    ///
    /// # Errors
    ///
    /// [`SimError::UnknownInstrument`] if no instrument has that name.
    pub fn unfreeze(&self, instrument: &str) -> Result<()> {
        let mut state = self.running.settled();
        let index = state.named(instrument)?;
        state.world.market.release(index);
        Ok(())
    }

    /// Bid and ask of an instrument now.
    ///
    /// # Errors
    ///
    /// [`SimError::UnknownInstrument`] if no instrument has that name.
    pub fn quote(&self, instrument: &str) -> Result<(Decimal, Decimal)> {
        let state = self.running.state();
        let index = state.named(instrument)?;
        let Quote { bid, ask } = state.world.market.quote(index, self.running.now());
        Ok((bid, ask))
    }

    /// Opens positions directly, for tests that need many: `count` of one lot step each, bought
    /// at the market without a request, an order or a look at the margin.
    ///
    /// # Errors
    ///
    /// [`SimError::UnknownInstrument`] or [`SimError::UnknownAccount`] if there is none.
    pub fn seed_positions(&self, account: &str, instrument: &str, count: usize) -> Result<()> {
        let mut state = self.running.settled();
        let index = state.named(instrument)?;
        let now = self.running.now();
        state.seed_positions(account, index, count, now)
    }

    /// Makes every access token that exists invalid, as if its time were over. Refresh tokens and
    /// sessions stay.
    pub fn expire_access_tokens(&self) {
        self.running.state().auth.expire_access();
    }

    /// Ends every session: access and refresh tokens are refused, only a login helps.
    pub fn revoke_sessions(&self) {
        self.running.state().auth.revoke_all();
    }

    /// How many sessions have a valid refresh token.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.running.state().auth.session_count(self.running.now())
    }
}

impl State {
    fn named(&self, name: &str) -> Result<usize> {
        self.world.market.find_name(name).ok_or_else(|| {
            let known: Vec<&str> = self
                .world
                .market
                .instruments
                .iter()
                .map(|instrument| instrument.name)
                .collect();
            SimError::UnknownInstrument {
                name: name.to_owned(),
                known: known.join(", "),
            }
        })
    }

    fn seed_positions(&mut self, id: &str, index: usize, count: usize, now: i64) -> Result<()> {
        let world = &mut self.world;
        let account = self
            .accounts
            .iter_mut()
            .find(|account| account.spec.id == id);
        let account = account.ok_or_else(|| SimError::UnknownAccount { id: id.to_owned() })?;
        let qty = world.market.instruments[index].lot_step;
        let price = world.market.quote(index, now).ask;
        for _ in 0..count {
            account.open_position(book::Position {
                id: world.id(),
                instrument: index,
                side: book::Side::Buy,
                qty,
                opened_qty: qty,
                avg_price: price,
                stop_loss: None,
                take_profit: None,
                trail: None,
                opened: now,
                strategy: None,
            });
        }
        Ok(())
    }
}
