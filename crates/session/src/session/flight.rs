use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use wheelhouse_core::{AccessToken, Error, ErrorKind, Result};

use super::{
    Inner, refresh,
    state::{Flight, State, Strike},
    timing::Moment,
};
use crate::SessionEventKind;

/// What a caller who wants a token does next.
pub(super) enum Next {
    Fail(Error),
    Use(AccessToken),
    Wait(Flight),
}

impl Inner {
    /// For a caller who wants a token that can be used now.
    pub(super) fn next(self: &Arc<Self>) -> Next {
        let now = self.now();
        let mut state = self.state();
        if let Err(error) = self.check_alive_in(&mut state, now) {
            return Next::Fail(error);
        }
        state.used = now.monotonic;
        let expired = state.timing.is_expired(now);
        if !expired && !state.timing.is_due(now) {
            return Next::Use(state.token());
        }
        if let Some(flight) = &state.flight {
            return Next::Wait(flight.clone());
        }
        if let Some(hold) = state.hold(now) {
            if !expired {
                return Next::Use(state.token());
            }
            let (error, for_good) = (hold.error.clone(), hold.until.is_none());
            if for_good {
                self.end_refused(&mut state, &error);
            }
            return Next::Fail(error);
        }
        Next::Wait(self.take_off(&mut state))
    }

    /// For a caller who wants a token newer than the present one.
    pub(super) fn next_newer(self: &Arc<Self>) -> Next {
        let now = self.now();
        let mut state = self.state();
        if let Err(error) = self.check_alive_in(&mut state, now) {
            return Next::Fail(error);
        }
        state.used = now.monotonic;
        self.newer_in(&mut state, now)
    }

    /// For a caller whose token the broker has refused; `None` if the session has moved on since.
    pub(super) fn next_after(self: &Arc<Self>, rejected: &AccessToken) -> Option<Next> {
        let now = self.now();
        let mut state = self.state();
        if let Err(error) = self.check_alive_in(&mut state, now) {
            return Some(Next::Fail(error));
        }
        if rejected.generation() < state.generation {
            return None;
        }
        if state.flight.is_none() && !state.timing.is_expired(now) {
            let twice = state.strike.is_some_and(|strike| {
                strike.generation + 1 == state.generation
                    && now.monotonic.saturating_sub(strike.at) < STRIKE_WINDOW
            });
            if twice {
                let reason = self.error(
                    ErrorKind::SessionInvalidated,
                    "the broker refuses tokens that have not expired; log in again",
                );
                let kind = SessionEventKind::Invalidated {
                    reason: reason.clone(),
                };
                self.end_in(&mut state, reason.clone(), kind);
                self.delete_later();
                return Some(Next::Fail(reason));
            }
            state.strike = Some(Strike {
                generation: state.generation,
                at: now.monotonic,
            });
        }
        Some(self.newer_in(&mut state, now))
    }

    fn newer_in(self: &Arc<Self>, state: &mut State, now: Moment) -> Next {
        if let Some(flight) = &state.flight {
            return Next::Wait(flight.clone());
        }
        match state.hold(now) {
            Some(hold) => Next::Fail(hold.error.clone()),
            None => Next::Wait(self.take_off(state)),
        }
    }

    /// Waits for what was decided. `or_present` gives the present token to those for whom it is good
    /// enough when a refresh fails.
    pub(super) async fn settle(&self, next: Next, or_present: bool) -> Result<AccessToken> {
        let mut flight = match next {
            Next::Fail(error) => return Err(error),
            Next::Use(token) => return Ok(token),
            Next::Wait(flight) => flight,
        };
        let result = match flight.wait_for(Option::is_some).await {
            Ok(result) => result.clone(),
            Err(_) => None,
        };
        let error = match result {
            Some(Ok(token)) => return Ok(token),
            Some(Err(error)) => error,
            None => self.error(ErrorKind::Timeout, "the refresh was broken off"),
        };
        if or_present {
            let now = self.now();
            let mut state = self.state();
            self.check_alive_in(&mut state, now)?;
            if !state.timing.is_expired(now) {
                return Ok(state.token());
            }
        }
        Err(error)
    }

    /// Starts the one refresh that all callers share. It runs in a task of its own: a caller who goes
    /// away must not break off a rotation half-way.
    fn take_off(self: &Arc<Self>, state: &mut State) -> Flight {
        let (result, flight) = watch::channel(None);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            let error = self.error(
                ErrorKind::Timeout,
                "there is no tokio runtime to refresh in",
            );
            result.send_replace(Some(Err(error)));
            return flight;
        };
        state.flight = Some(flight.clone());
        let mut landing = Landing {
            inner: Arc::clone(self),
            outcome: None,
            result,
        };
        runtime.spawn(async move {
            landing.outcome = Some(refresh::run(&landing.inner).await);
            drop(landing);
        });
        flight
    }

    fn end_refused(&self, state: &mut State, error: &Error) {
        let kind = SessionEventKind::RefreshRefused {
            error: error.clone(),
        };
        self.end_in(state, error.clone(), kind);
        self.delete_later();
    }
}

/// Clears the way for the next refresh however this one ends: done, panicked or cancelled.
struct Landing {
    inner: Arc<Inner>,
    outcome: Option<Result<AccessToken>>,
    result: watch::Sender<Option<Result<AccessToken>>>,
}

impl Drop for Landing {
    fn drop(&mut self) {
        // First this: who asks because of the outcome, such as for a token that was refused at once,
        // must not be given it again.
        self.inner.state().flight = None;
        if let Some(outcome) = self.outcome.take() {
            self.result.send_replace(Some(outcome));
        }
    }
}

/// Two refusals within this time are about the session and not about one token.
const STRIKE_WINDOW: Duration = Duration::from_secs(5 * 60);
