//! A simulator: its clock and its brokers.

use std::{net::SocketAddr, time::Duration};

use time::OffsetDateTime;

use crate::{
    clock::{SimClock, Start, from_millis},
    error::{Result, SimError},
    faults::Script,
    tradelocker::{Plan, Settings, TradeLockerSim, UserSpec},
};

/// Simulated brokers that run until they are shut down or dropped.
#[derive(Debug)]
pub struct Sim {
    seed: u64,
    clock: SimClock,
    tradelocker: TradeLockerSim,
}

/// Sets a simulator up; see [`Sim::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct SimBuilder {
    tradelocker: Option<SocketAddr>,
    seed: u64,
    start: Start,
    users: Vec<UserSpec>,
    settings: Settings,
    script: Script,
}

impl Sim {
    /// Begins to set a simulator up.
    pub fn builder() -> SimBuilder {
        SimBuilder {
            tradelocker: None,
            seed: 1,
            start: Start::Now,
            users: Vec::new(),
            settings: Settings::default(),
            script: Script::default(),
        }
    }

    /// The TradeLocker broker.
    #[must_use]
    pub fn tradelocker(&self) -> &TradeLockerSim {
        &self.tradelocker
    }

    /// The seed that prices and chances follow from.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Simulated time.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        from_millis(self.clock.now())
    }

    /// Moves simulated time forward: tokens age, windows of rate limits pass, prices move and
    /// fill resting orders. Delays of faults are real time and are not affected.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.tradelocker.settle();
    }

    /// Stops listening, ends all connections and waits for them.
    pub async fn shutdown(self) {
        self.tradelocker.shutdown().await;
    }
}

impl SimBuilder {
    /// Simulates TradeLocker on a loopback address; port 0 takes a free one.
    pub fn tradelocker(mut self, addr: SocketAddr) -> Self {
        self.tradelocker = Some(addr);
        self
    }

    /// Sets the seed of prices, ids and chances. Default 1.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets where simulated time begins. Default: now, running.
    pub fn time(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// Adds a user. Without any, [`UserSpec::demo`] can log in.
    pub fn user(mut self, user: UserSpec) -> Self {
        self.users.push(user);
        self
    }

    /// Sets how the TradeLocker broker behaves.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Sets faults and prices from the start.
    pub fn script(mut self, script: Script) -> Self {
        self.script = script;
        self
    }

    /// Starts the simulator on the running tokio runtime.
    ///
    /// # Errors
    ///
    /// [`SimError::NoBroker`] without an address, [`SimError::NotLoopback`] or
    /// [`SimError::Bind`] for a wrong one, [`SimError::Duplicate`] for a repeated user or account,
    /// [`SimError::UnknownInstrument`] for a wrong name in the script.
    pub async fn start(self) -> Result<Sim> {
        let addr = self.tradelocker.ok_or(SimError::NoBroker)?;
        let clock = SimClock::new(self.start);
        let users = if self.users.is_empty() {
            vec![UserSpec::demo()]
        } else {
            self.users
        };
        let plan = Plan {
            addr,
            seed: self.seed,
            users,
            settings: self.settings,
            script: self.script.tradelocker,
        };
        let tradelocker = TradeLockerSim::start(plan, clock.clone()).await?;
        Ok(Sim {
            seed: self.seed,
            clock,
            tradelocker,
        })
    }
}
