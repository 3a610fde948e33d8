//! Robinhood's official Crypto Trading API, versions 1 and 2.
//!
//! Every request has to be signed by a known key; the signature is checked over the bytes that
//! came, so a client that signs other bytes than it sends is refused. Prices stand still until
//! [`RobinhoodCryptoSim::set_price`] moves them; an order takes a step with each request and
//! each [`Sim::advance`](crate::Sim::advance).
//!
//! Links in pages name the host that was asked, or `https://trading.robinhood.com` if the client
//! says in `X-Sim-Host` that it was redirected here.

mod call;
mod ledger;
mod orders;
mod place;
mod reads;
mod reply;
mod route;
mod script;
mod service;
mod settings;
mod signature;
mod state;

use std::{fmt, net::SocketAddr, sync::Arc};

use rust_decimal::Decimal;

pub use self::{
    ledger::{Cancel, Fill, Ledger, Placement, Refusal, Rejection},
    route::{Route, Version},
    script::RobinhoodCryptoScript,
    settings::{Bucket, Duplicate, Numbers, Settings, UserSpec},
};
use self::{service::RobinhoodCryptoService, state::State};
use crate::{
    clock::SimClock,
    error::{Result, SimError},
    faults::Faults,
    random::mix,
    server::Server,
};

/// Entries that each list of a ledger keeps.
const LEDGER: usize = 100_000;

/// A running Crypto Trading API, and the strings to pull.
pub struct RobinhoodCryptoSim {
    service: Arc<RobinhoodCryptoService>,
    server: Server,
    faults: Faults,
    ledger: Ledger,
    clock: SimClock,
}

/// What the API is made of.
pub(crate) struct Plan {
    pub(crate) addr: SocketAddr,
    pub(crate) seed: u64,
    pub(crate) users: Vec<UserSpec>,
    pub(crate) settings: Settings,
    pub(crate) script: RobinhoodCryptoScript,
}

impl RobinhoodCryptoSim {
    pub(crate) async fn start(plan: Plan, clock: SimClock) -> Result<Self> {
        let ledger = Ledger::new(LEDGER);
        let faults = Faults::new(mix(plan.seed, u64::MAX - 2));
        let users = if plan.users.is_empty() {
            vec![UserSpec::demo()]
        } else {
            plan.users
        };
        let mut state = State::new(plan.seed, users, plan.settings, ledger.clone())?;
        for (name, bid) in plan.script.prices {
            state.fix_price(&name, bid)?;
        }
        plan.script.faults.into_iter().for_each(|fault| {
            faults.add(fault);
        });
        let service = Arc::new(RobinhoodCryptoService::new(
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

    /// Scheme, host and port: `http://127.0.0.1:4030`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.addr())
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
        let mut state = self.service.state();
        change(&mut state.world.settings);
        state.world.version += 1;
    }

    /// Sets the bid of a pair such as `BTC-USD`; the ask lies a cent above. Waiting orders that
    /// are reached take a step.
    ///
    /// # Errors
    ///
    /// [`SimError::UnknownInstrument`] if no pair has that symbol.
    pub fn set_price(&self, symbol: &str, bid: Decimal) -> Result<()> {
        let mut state = self.service.state();
        state.fix_price(symbol, bid)?;
        state.settle(self.clock.now());
        Ok(())
    }

    pub(crate) fn settle(&self) {
        self.service.state().settle(self.clock.now());
    }

    pub(crate) async fn shutdown(&self) {
        self.server.shutdown().await;
    }
}

impl fmt::Debug for RobinhoodCryptoSim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RobinhoodCryptoSim")
            .field("addr", &self.addr())
            .finish_non_exhaustive()
    }
}

impl State {
    fn fix_price(&mut self, symbol: &str, bid: Decimal) -> Result<()> {
        self.world.version += 1;
        let pairs = &mut self.world.pairs;
        match pairs.iter_mut().find(|pair| pair.symbol() == symbol) {
            Some(pair) => {
                pair.bid = bid;
                pair.ask = bid + Decimal::new(1, 2);
                Ok(())
            }
            None => {
                let known: Vec<String> = pairs.iter().map(state::Pair::symbol).collect();
                let (name, known) = (symbol.to_owned(), known.join(", "));
                Err(SimError::UnknownInstrument { name, known })
            }
        }
    }
}
