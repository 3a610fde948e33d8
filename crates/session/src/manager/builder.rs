use std::{collections::HashMap, fmt, sync::Arc};

use tokio::sync::broadcast;
use wheelhouse_core::{BrokerId, Clock, Random, Result, SystemClock};
use wheelhouse_crypto::SystemRandom;

use super::{SessionManager, Shared, lockout::Lockouts};
use crate::{SessionPolicy, SessionStore, spelling::OneSpelling};

/// Builds a [`SessionManager`].
pub struct SessionManagerBuilder {
    store: Arc<dyn SessionStore>,
    clock: Option<Arc<dyn Clock>>,
    random: Option<Arc<dyn Random>>,
    policies: HashMap<BrokerId, SessionPolicy>,
}

impl SessionManagerBuilder {
    pub(super) fn new(store: impl SessionStore) -> Self {
        Self {
            store: Arc::new(OneSpelling(store)),
            clock: None,
            random: None,
            policies: HashMap::new(),
        }
    }

    /// Sets the clock; the machine's by default.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Sets the random source; the operating system's by default.
    #[must_use]
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = Some(random);
        self
    }

    /// Replaces the policy of a broker's adapter.
    #[must_use]
    pub fn policy(mut self, broker: BrokerId, policy: SessionPolicy) -> Self {
        self.policies.insert(broker, policy);
        self
    }

    /// Builds the manager.
    ///
    /// # Errors
    ///
    /// If the random source fails.
    pub fn build(self) -> Result<SessionManager> {
        let mut shared = Shared {
            store: self.store,
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock::new())),
            random: self.random.unwrap_or_else(|| Arc::new(SystemRandom::new())),
            holder: String::new(),
            policies: self.policies,
            events: broadcast::channel(EVENTS).0,
            sessions: Default::default(),
            logins: Default::default(),
            open_logins: Default::default(),
            lockouts: Lockouts::default(),
            pushes: Default::default(),
        };
        shared.holder = shared.random_id()?;
        Ok(SessionManager(Arc::new(shared)))
    }
}

impl fmt::Debug for SessionManagerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionManagerBuilder")
            .field("store", &self.store)
            .field("policies", &self.policies)
            .finish_non_exhaustive()
    }
}

const EVENTS: usize = 1024;
