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

use rust_decimal::Decimal;

use self::state::State;
pub use self::{
    ledger::{Cancel, Fill, Ledger, Placement, Refusal, Rejection},
    route::{Route, Version},
    script::{Knobs, RobinhoodCryptoScript},
    settings::{Bucket, Duplicate, Numbers, Settings, UserSpec},
};
pub use crate::broker::{After, Move};
use crate::{
    broker::{self, Broker as _, Opening, Running, handle},
    clock::SimClock,
    error::Result,
    random::mix,
};

/// A running Crypto Trading API, and the strings to pull.
pub struct RobinhoodCryptoSim {
    running: Running<State>,
}

pub(crate) type Plan = broker::Plan<UserSpec, Settings, RobinhoodCryptoScript>;

handle!(RobinhoodCryptoSim, "http://127.0.0.1:4030");

impl RobinhoodCryptoSim {
    pub(crate) async fn start(plan: Plan, clock: SimClock) -> Result<Self> {
        let users = broker::users_or(plan.users, UserSpec::demo);
        let (script, mut settings) = (plan.script, plan.settings);
        script.settings.apply(&mut settings);
        let opening = Opening {
            addr: plan.addr,
            seed: mix(plan.seed, u64::MAX - 2),
            faults: script.faults,
            moves: script.moves,
            prices: script.prices,
        };
        let make = |ledger| State::new(plan.seed, users, settings, ledger);
        let running = Running::start(opening, clock, make).await?;
        Ok(Self { running })
    }

    /// Changes the settings for the requests to come.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        let mut state = self.running.state();
        change(&mut state.world.settings);
        state.world.version += 1;
    }

    /// Sets the bid of a pair such as `BTC-USD`; the ask lies a cent above. Waiting orders that
    /// are reached take a step.
    ///
    /// # Errors
    ///
    /// [`SimError::UnknownInstrument`](crate::SimError::UnknownInstrument) if no pair has that symbol.
    pub fn set_price(&self, symbol: &str, bid: Decimal) -> Result<()> {
        let mut state = self.running.state();
        let now = self.running.now();
        state.fix_price(symbol, bid, now)?;
        state.settle(now);
        Ok(())
    }
}
