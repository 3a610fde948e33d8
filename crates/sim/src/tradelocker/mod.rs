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

use std::{fmt, net::SocketAddr, sync::Arc};

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
use self::{market::Quote, service::TradeLockerService, state::State};
use crate::{
    clock::SimClock,
    error::{Result, SimError},
    faults::Faults,
    random::mix,
    server::Server,
};

/// Entries that each list of a ledger keeps.
const LEDGER: usize = 100_000;

/// A running TradeLocker broker, and the strings to pull.
pub struct TradeLockerSim {
    service: Arc<TradeLockerService>,
    server: Server,
    faults: Faults,
    ledger: Ledger,
    clock: SimClock,
}

/// What a broker is made of.
pub(crate) struct Plan {
    pub(crate) addr: SocketAddr,
    pub(crate) seed: u64,
    pub(crate) users: Vec<UserSpec>,
    pub(crate) settings: Settings,
    pub(crate) script: TradeLockerScript,
}

impl TradeLockerSim {
    pub(crate) async fn start(plan: Plan, clock: SimClock) -> Result<Self> {
        let ledger = Ledger::new(LEDGER);
        let faults = Faults::new(mix(plan.seed, u64::MAX));
        let mut state = State::new(
            plan.seed,
            plan.users,
            plan.settings,
            ledger.clone(),
            clock.now(),
        )?;
        for (name, bid) in plan.script.prices {
            state.fix_price(&name, bid, clock.now())?;
        }
        plan.script.faults.into_iter().for_each(|fault| {
            faults.add(fault);
        });
        let service = Arc::new(TradeLockerService::new(
            state,
            ledger.clone(),
            clock.clone(),
        ));
        let server = Server::start(plan.addr, service.clone(), faults.clone()).await?;
        Ok(Self {
            service,
            server,
            faults,
            ledger,
            clock,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Scheme, host and port: `http://127.0.0.1:4010`. Some clients add `/backend-api` themselves.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// The base of all routes: the origin with `/backend-api`.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}/backend-api", self.origin())
    }

    /// What really happened.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What goes wrong from now on.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Changes the settings for the requests to come.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.service.state().world.settings);
    }

    /// Sets the bid of an instrument and lets it stand still there, the ask a spread above;
    /// resting orders that are reached fill at once. The bid is put on a tick.
    ///
    /// # Errors
    ///
    /// [`SimError::UnknownInstrument`] if no instrument has that name.
    pub fn set_price(&self, instrument: &str, bid: Decimal) -> Result<()> {
        self.settled().fix_price(instrument, bid, self.clock.now())
    }

    /// Lets an instrument stand still at its present price.
    ///
    /// # Errors
    ///
    /// [`SimError::UnknownInstrument`] if no instrument has that name.
    pub fn freeze(&self, instrument: &str) -> Result<()> {
        let mut state = self.settled();
        let now = self.clock.now();
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
        let mut state = self.settled();
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
        let state = self.service.state();
        let index = state.named(instrument)?;
        let Quote { bid, ask } = state.world.market.quote(index, self.clock.now());
        Ok((bid, ask))
    }

    /// Opens positions directly, for tests that need many: `count` of one lot step each, bought
    /// at the market without a request, an order or a look at the margin.
    ///
    /// # Errors
    ///
    /// [`SimError::UnknownInstrument`] or [`SimError::UnknownAccount`] if there is none.
    pub fn seed_positions(&self, account: &str, instrument: &str, count: usize) -> Result<()> {
        let mut state = self.settled();
        let index = state.named(instrument)?;
        let now = self.clock.now();
        state.seed_positions(account, index, count, now)
    }

    /// Makes every access token that exists invalid, as if its time were over. Refresh tokens and
    /// sessions stay.
    pub fn expire_access_tokens(&self) {
        self.service.state().auth.expire_access();
    }

    /// Ends every session: access and refresh tokens are refused, only a login helps.
    pub fn revoke_sessions(&self) {
        self.service.state().auth.revoke_all();
    }

    /// How many sessions have a valid refresh token.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.service.state().auth.session_count(self.clock.now())
    }

    pub(crate) fn settle(&self) {
        drop(self.settled());
    }

    pub(crate) async fn shutdown(&self) {
        self.server.shutdown().await;
    }

    /// The state after everything that prices have done until now.
    fn settled(&self) -> std::sync::MutexGuard<'_, State> {
        let mut state = self.service.state();
        state.settle(self.clock.now());
        state
    }
}

impl fmt::Debug for TradeLockerSim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TradeLockerSim")
            .field("addr", &self.addr())
            .finish_non_exhaustive()
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

    fn fix_price(&mut self, name: &str, bid: Decimal, now: i64) -> Result<()> {
        let index = self.named(name)?;
        let bid = self.world.market.instruments[index].round(bid);
        let ask = bid + self.world.market.spread(index, bid);
        self.world.market.set(index, Quote { bid, ask });
        self.trigger(now);
        Ok(())
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
