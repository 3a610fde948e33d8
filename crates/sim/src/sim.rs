//! A simulator: its clock and its brokers.

use std::{net::SocketAddr, time::Duration};

use time::OffsetDateTime;

use crate::{
    clock::{SimClock, Start, from_millis},
    error::{Result, SimError},
    faults::Script,
    robinhood::{self, RobinhoodSim},
    robinhood_crypto::{self, RobinhoodCryptoSim},
    tradelocker::{Plan, Settings, TradeLockerSim, UserSpec},
};

/// Simulated brokers that run until they are shut down or dropped.
#[derive(Debug)]
pub struct Sim {
    seed: u64,
    clock: SimClock,
    robinhood: Option<RobinhoodSim>,
    robinhood_crypto: Option<RobinhoodCryptoSim>,
    tradelocker: Option<TradeLockerSim>,
}

/// Sets a simulator up; see [`Sim::builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct SimBuilder {
    robinhood: Option<SocketAddr>,
    robinhood_users: Vec<robinhood::UserSpec>,
    robinhood_settings: robinhood::Settings,
    robinhood_crypto: Option<SocketAddr>,
    robinhood_crypto_users: Vec<robinhood_crypto::UserSpec>,
    robinhood_crypto_settings: robinhood_crypto::Settings,
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
            robinhood: None,
            robinhood_users: Vec::new(),
            robinhood_settings: robinhood::Settings::default(),
            robinhood_crypto: None,
            robinhood_crypto_users: Vec::new(),
            robinhood_crypto_settings: robinhood_crypto::Settings::default(),
            tradelocker: None,
            seed: 1,
            start: Start::Now,
            users: Vec::new(),
            settings: Settings::default(),
            script: Script::default(),
        }
    }

    /// The Robinhood broker.
    ///
    /// # Panics
    ///
    /// If the simulator was built without [`SimBuilder::robinhood`].
    #[must_use]
    pub fn robinhood(&self) -> &RobinhoodSim {
        simulated(self.robinhood.as_ref(), "robinhood")
    }

    /// The Robinhood Crypto API.
    ///
    /// # Panics
    ///
    /// If the simulator was built without [`SimBuilder::robinhood_crypto`].
    #[must_use]
    pub fn robinhood_crypto(&self) -> &RobinhoodCryptoSim {
        simulated(self.robinhood_crypto.as_ref(), "robinhood_crypto")
    }

    /// The TradeLocker broker.
    ///
    /// # Panics
    ///
    /// If the simulator was built without [`SimBuilder::tradelocker`].
    #[must_use]
    pub fn tradelocker(&self) -> &TradeLockerSim {
        simulated(self.tradelocker.as_ref(), "tradelocker")
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
        self.robinhood.iter().for_each(RobinhoodSim::settle);
        self.robinhood_crypto
            .iter()
            .for_each(RobinhoodCryptoSim::settle);
        self.tradelocker.iter().for_each(TradeLockerSim::settle);
    }

    /// Moves simulated time [forward](Self::advance) to an instant, and does nothing if that has
    /// passed.
    pub fn advance_to(&self, instant: OffsetDateTime) {
        if let Ok(by) = Duration::try_from(instant - self.now()) {
            self.advance(by);
        }
    }

    /// Stops listening, ends all connections and waits for them.
    pub async fn shutdown(self) {
        if let Some(robinhood) = &self.robinhood {
            robinhood.shutdown().await;
        }
        if let Some(robinhood_crypto) = &self.robinhood_crypto {
            robinhood_crypto.shutdown().await;
        }
        if let Some(tradelocker) = &self.tradelocker {
            tradelocker.shutdown().await;
        }
    }
}

fn simulated<'a, T>(broker: Option<&'a T>, name: &str) -> &'a T {
    match broker {
        Some(broker) => broker,
        None => panic!("{name} is not simulated: give the builder an address for it"),
    }
}

impl SimBuilder {
    /// Simulates Robinhood's private API on a loopback address; port 0 takes a free one.
    pub fn robinhood(mut self, addr: SocketAddr) -> Self {
        self.robinhood = Some(addr);
        self
    }

    /// Adds a Robinhood user. Without any, [`robinhood::UserSpec::demo`] can log in.
    pub fn robinhood_user(mut self, user: robinhood::UserSpec) -> Self {
        self.robinhood_users.push(user);
        self
    }

    /// Sets how the Robinhood broker behaves.
    pub fn robinhood_settings(mut self, settings: robinhood::Settings) -> Self {
        self.robinhood_settings = settings;
        self
    }

    /// Simulates the Robinhood Crypto API on a loopback address; port 0 takes a free one.
    pub fn robinhood_crypto(mut self, addr: SocketAddr) -> Self {
        self.robinhood_crypto = Some(addr);
        self
    }

    /// Adds a key for the Robinhood Crypto API. Without any, [`robinhood_crypto::UserSpec::demo`]
    /// is known.
    pub fn robinhood_crypto_user(mut self, user: robinhood_crypto::UserSpec) -> Self {
        self.robinhood_crypto_users.push(user);
        self
    }

    /// Sets how the Robinhood Crypto API behaves.
    pub fn robinhood_crypto_settings(mut self, settings: robinhood_crypto::Settings) -> Self {
        self.robinhood_crypto_settings = settings;
        self
    }

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
        let addresses = [self.robinhood, self.robinhood_crypto, self.tradelocker];
        if addresses.iter().all(Option::is_none) {
            return Err(SimError::NoBroker);
        }
        let clock = SimClock::new(self.start);
        let (seed, mut script) = (self.seed, self.script);
        let robinhood = match self.robinhood {
            None => None,
            Some(addr) => {
                let plan = robinhood::Plan {
                    addr,
                    seed,
                    users: self.robinhood_users,
                    settings: self.robinhood_settings,
                    script: std::mem::take(&mut script.robinhood),
                };
                Some(RobinhoodSim::start(plan, clock.clone()).await?)
            }
        };
        let robinhood_crypto = match self.robinhood_crypto {
            None => None,
            Some(addr) => {
                let plan = robinhood_crypto::Plan {
                    addr,
                    seed,
                    users: self.robinhood_crypto_users,
                    settings: self.robinhood_crypto_settings,
                    script: std::mem::take(&mut script.robinhood_crypto),
                };
                Some(RobinhoodCryptoSim::start(plan, clock.clone()).await?)
            }
        };
        let tradelocker = match self.tradelocker {
            None => None,
            Some(addr) => {
                let plan = Plan {
                    addr,
                    seed,
                    users: self.users,
                    settings: self.settings,
                    script: std::mem::take(&mut script.tradelocker),
                };
                Some(TradeLockerSim::start(plan, clock.clone()).await?)
            }
        };
        Ok(Sim {
            seed,
            clock,
            robinhood,
            robinhood_crypto,
            tradelocker,
        })
    }
}
