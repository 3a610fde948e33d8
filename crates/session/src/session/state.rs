use std::{sync::Arc, time::Duration};

use secrecy::SecretString;
use tokio::sync::watch;
use wheelhouse_core::{AccessToken, Error, ErrorKind, Result};

use super::{
    Inner,
    timing::{Moment, Timing},
};
use crate::{Grant, SessionEventKind, SessionPolicy, body::StoredSession, manager::Shared};

/// What changes in the life of a session. Held under a plain lock, never across an await.
pub(super) struct State {
    pub(super) grant: Arc<Grant>,
    /// Which token of its session the access token is.
    pub(super) generation: u64,
    /// The version that stands in the store, as far as is known.
    pub(super) version: u64,
    pub(super) timing: Timing,
    /// Why the session has ended.
    pub(super) ended: Option<Error>,
    /// The result of the refresh that is running.
    pub(super) flight: Option<Flight>,
    /// Why no refresh is tried at present.
    pub(super) hold: Option<Hold>,
    /// Refreshes in a row that did not succeed.
    pub(super) failures: u32,
    /// A refresh may have reached the broker without its answer reaching us.
    pub(super) in_doubt: bool,
    /// The last time that the broker refused a token which should have been good.
    pub(super) strike: Option<Strike>,
    /// The newest tokens are not in the store because of this.
    pub(super) storage_error: Option<Error>,
    /// A task is at work to get them there.
    pub(super) storing: bool,
    pub(super) used: Duration,
}

pub(super) type Flight = watch::Receiver<Option<Result<AccessToken>>>;

#[derive(Clone)]
pub(super) struct Hold {
    /// In monotonic time; `None` is for good.
    pub(super) until: Option<Duration>,
    pub(super) error: Error,
}

#[derive(Clone, Copy)]
pub(super) struct Strike {
    pub(super) generation: u64,
    pub(super) at: Duration,
}

impl State {
    pub(super) fn new(
        policy: &SessionPolicy,
        version: u64,
        stored: &StoredSession,
        now: Moment,
        shared: &Shared,
    ) -> Result<Self> {
        let random = &*shared.random;
        let timing = Timing::new(policy, &stored.grant, stored.obtained_at, now, random)?;
        Ok(Self {
            grant: Arc::new(stored.grant.clone()),
            generation: stored.generation,
            version,
            timing,
            ended: None,
            flight: None,
            hold: None,
            failures: 0,
            in_doubt: false,
            strike: None,
            storage_error: None,
            storing: false,
            used: now.monotonic,
        })
    }

    pub(super) fn token(&self) -> AccessToken {
        AccessToken::new(
            self.grant.access_token().clone(),
            self.generation,
            self.grant.expires_at(),
        )
    }

    /// Puts new tokens in the place of the old ones.
    pub(super) fn put(&mut self, grant: Grant, generation: u64, timing: Timing) {
        self.grant = Arc::new(grant);
        self.generation = generation;
        self.timing = timing;
        self.hold = None;
        self.failures = 0;
        self.in_doubt = false;
    }

    pub(super) fn hold(&self, now: Moment) -> Option<&Hold> {
        self.hold
            .as_ref()
            .filter(|hold| hold.until.is_none_or(|until| now.monotonic < until))
    }
}

impl Inner {
    /// Returns why the session has ended; ends it first if its time has come.
    pub(super) fn check_alive(&self) -> Result<()> {
        self.check_alive_in(&mut self.state(), self.now())
    }

    pub(super) fn check_alive_in(&self, state: &mut State, now: Moment) -> Result<()> {
        if state.ended.is_none() {
            let idle = self.policy.idle;
            let unused = now.monotonic.saturating_sub(state.used);
            let error = if self.ends.has_come(now) {
                self.error(
                    ErrorKind::SessionExpired,
                    "the session has reached its end; log in again",
                )
            } else if idle.is_some_and(|idle| unused >= idle) {
                self.error(
                    ErrorKind::SessionExpired,
                    "the session was not used for too long; log in again",
                )
            } else {
                return Ok(());
            };
            self.end_in(state, error, SessionEventKind::Expired);
            self.delete_later();
        }
        // The branch above has set it.
        Err(state.ended.clone().unwrap_or_else(super::destroyed))
    }

    /// Ends the session and returns what it had, or `None` if it had ended before.
    pub(super) fn end(&self, error: Error, kind: SessionEventKind) -> Option<Arc<Grant>> {
        self.end_in(&mut self.state(), error, kind)
    }

    /// Secrets leave the state at once; who holds a copy of the grant drops it with that.
    pub(super) fn end_in(
        &self,
        state: &mut State,
        error: Error,
        kind: SessionEventKind,
    ) -> Option<Arc<Grant>> {
        if state.ended.is_some() {
            return None;
        }
        tracing::debug!(broker = %self.broker, code = error.code(), "a session has ended");
        state.ended = Some(error);
        state.storage_error = None;
        self.emit(kind);
        let nothing = Arc::new(Grant::new(SecretString::default()));
        Some(std::mem::replace(&mut state.grant, nothing))
    }

    /// Deletes the stored record of a session that has ended.
    pub(super) fn delete_later(&self) {
        let (shared, key) = (Arc::clone(&self.shared), self.key());
        let (broker, id) = (self.broker.clone(), self.id.clone());
        // Without a runtime the record stays until it is pruned: it has an expiry.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = shared.store.delete(&key).await {
                    shared.storage_failed(&broker, Some(&id), error);
                }
            });
        }
    }
}
