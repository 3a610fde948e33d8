use std::{pin::pin, sync::Arc, task::Poll, time::Duration};

use wheelhouse_core::{AccessToken, Effect, Error, ErrorKind, Result};

use super::{
    Inner, destroyed,
    state::Hold,
    storing::{Reloaded, Saved},
    timing::{Moment, Timing, after},
};
use crate::{Grant, LeaseRequest, SessionEventKind, StoreError, manager::revoke};

/// Gets a token of a newer generation, from another process that has refreshed already or from the
/// broker.
pub(super) async fn run(inner: &Arc<Inner>) -> Result<AccessToken> {
    let start = inner.state().generation;
    loop {
        let until = match lease(inner, start).await? {
            Leased::Overtaken(token) => return Ok(token),
            Leased::Until(until) => until,
        };
        let result = refresh_leased(inner, start, until).await;
        let now = inner.shared.clock.now();
        let release = LeaseRequest::release(inner.lease_name(), &inner.shared.holder, now);
        // If this fails the lease runs out by itself.
        let _ = inner.shared.store.lease(&release).await;
        if let Some(token) = result? {
            return Ok(token);
        }
    }
}

/// What has come of asking for the lease.
enum Leased {
    /// Another process has refreshed meanwhile.
    Overtaken(AccessToken),
    /// This process has it until then.
    Until(Moment),
}

/// Waits until this process may refresh, or another one has.
async fn lease(inner: &Arc<Inner>, start: u64) -> Result<Leased> {
    let clock = &inner.shared.clock;
    let give_up = clock.monotonic() + LEASE_WAIT;
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(until) = take_lease(inner).await {
            return Ok(Leased::Until(until));
        }
        clock.sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        if let Ok(Reloaded::Adopted) = inner.reload().await
            && let Some(token) = newer(inner, start)
        {
            return Ok(Leased::Overtaken(token));
        }
        inner.check_alive()?;
        if clock.monotonic() >= give_up {
            let message = "another process has been refreshing the session for too long";
            let error = inner.error(ErrorKind::LockTimeout, message);
            return Err(put_off(inner, error));
        }
    }
}

/// Takes the lease, or extends it, and tells until when; `None` if another process has it.
async fn take_lease(inner: &Inner) -> Option<Moment> {
    let (name, holder) = (inner.lease_name(), &inner.shared.holder);
    // From before the store was asked: what comes late is counted as shorter, not longer.
    let now = inner.now();
    let until = now.at_wall(after(now.wall, LEASE));
    let request = LeaseRequest::take(name, holder, LEASE, now.wall);
    match inner.shared.store.lease(&request).await {
        Ok(generation) => generation.map(|_| until),
        // Another process is there, and what it does in the store is not known: to refresh beside it
        // could use a token twice.
        Err(StoreError::Locked) => None,
        Err(error) => {
            // With a store that cannot be written, refreshing in one process without a lease is
            // better than losing the session.
            inner
                .shared
                .storage_failed(&inner.broker, Some(&inner.id), error);
            Some(until)
        }
    }
}

/// Carries `work` on while this process has the lease. `None` if another one has refreshed instead.
///
/// A process that was stopped, or whose request waits for a place in some queue, may go on after
/// others have taken its lease and used the same refresh token. So before the next step is taken,
/// the lease is, and the store is looked into.
async fn under_lease<T>(
    inner: &Arc<Inner>,
    start: u64,
    until: &mut Moment,
    work: impl Future<Output = T>,
) -> Result<Option<T>> {
    let mut work = pin!(work);
    loop {
        let over = *until;
        let step = std::future::poll_fn(|context| {
            if over.has_come(inner.now()) {
                return Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        });
        if let Some(done) = step.await {
            return Ok(Some(done));
        }
        match lease(inner, start).await {
            Ok(Leased::Overtaken(_)) => return Ok(None),
            Ok(Leased::Until(again)) => *until = again,
            Err(error) => {
                // Whether the request was out is not known.
                inner.state().in_doubt = true;
                return Err(error);
            }
        }
        match inner.reload().await {
            Ok(Reloaded::Adopted) => return Ok(None),
            Ok(Reloaded::Same) => {}
            Err(error) if inner.state().ended.is_some() => return Err(error),
            Err(error) => {
                inner
                    .shared
                    .storage_failed(&inner.broker, Some(&inner.id), error);
            }
        }
        inner.check_alive()?;
    }
}

/// Refreshes under the lease; `None` if another process has got it before this one was done.
async fn refresh_leased(
    inner: &Arc<Inner>,
    start: u64,
    mut until: Moment,
) -> Result<Option<AccessToken>> {
    match inner.reload().await {
        Ok(_) => {
            if let Some(token) = newer(inner, start) {
                return Ok(Some(token));
            }
        }
        // The session has ended: elsewhere, or because its record was tampered with.
        Err(error) if inner.state().ended.is_some() => return Err(error),
        Err(error) => {
            inner
                .shared
                .storage_failed(&inner.broker, Some(&inner.id), error);
        }
    }
    inner.check_alive()?;

    let (grant, mut lost) = {
        let state = inner.state();
        (Arc::clone(&state.grant), state.in_doubt)
    };
    let now = inner.shared.clock.now();
    if grant.refresh_expires_at().is_some_and(|at| at <= now) {
        let message = "the refresh token has expired; log in again";
        let error = inner.error(ErrorKind::SessionExpired, message);
        return Err(hold_for_good(inner, error));
    }
    loop {
        let refresh = inner.authenticator.refresh(&grant);
        let error = match under_lease(inner, start, &mut until, refresh).await? {
            // If what was adopted is too old, it is refreshed in its turn.
            None => return Ok(newer(inner, start)),
            Some(Ok(fresh)) => return accept(inner, fresh.or_from(&grant)).await.map(Some),
            Some(Err(error)) => error.at_broker(inner.broker.clone()),
        };
        match Refusal::of(&error) {
            Refusal::Final => {
                // Perhaps the token was refused because another process has used it meanwhile.
                if let Ok(Reloaded::Adopted) = inner.reload().await
                    && let Some(token) = newer(inner, start)
                {
                    return Ok(Some(token));
                }
                return Err(refuse(inner, refresh_refused(inner, error)));
            }
            Refusal::Impossible => {
                let message = "the token has expired and cannot be refreshed; log in again";
                let ended = inner.error(ErrorKind::SessionExpired, message);
                return Err(hold_for_good(inner, ended.with_source(error)));
            }
            Refusal::NotTaken => return Err(put_off(inner, error)),
            Refusal::Lost => {
                let again = !std::mem::replace(&mut lost, true);
                if again {
                    inner.state().in_doubt = true;
                    // The lease may have run out over the wait. It is taken before the look into the
                    // store, so that nobody writes between that and the next attempt.
                    match take_lease(inner).await {
                        Some(again) => until = again,
                        None => return Ok(None),
                    }
                }
                if let Ok(Reloaded::Adopted) = inner.reload().await {
                    // If what was adopted is too old, it is refreshed in its turn.
                    return Ok(newer(inner, start));
                }
                inner.check_alive()?;
                if !again {
                    return Err(hold_for_good(inner, refresh_refused(inner, error)));
                }
            }
        }
    }
}

/// Stores what the broker has given, then uses it.
async fn accept(inner: &Arc<Inner>, grant: Grant) -> Result<AccessToken> {
    let now = inner.now();
    let timing = Timing::new(&inner.policy, &grant, now.wall, now, &*inner.shared.random)?;
    let generation = inner.state().generation + 1;
    let saved = inner.save(&grant, generation, now.wall).await;

    if matches!(saved, Saved::Gone) || inner.state().ended.is_some() {
        // Destroyed while the refresh ran: the new tokens must not outlive the session.
        let given_back = Arc::new(grant.clone());
        if let Err(error) = revoke(&inner.shared, &inner.authenticator, given_back).await {
            tracing::warn!(
                code = error.code(),
                "the tokens of an ended session were not revoked"
            );
        }
        inner.end(destroyed(), SessionEventKind::Revoked);
        inner.check_alive()?;
    }
    if matches!(saved, Saved::Overtaken) {
        // Another process has written newer tokens: theirs are what everybody uses.
        inner.check_alive()?;
        return Ok(inner.state().token());
    }

    let mut state = inner.state();
    inner.check_alive_in(&mut state, now)?;
    state.put(grant, generation, timing);
    match saved {
        Saved::Yes { version } => {
            state.version = version;
            if state.storage_error.take().is_some() {
                inner.emit(SessionEventKind::StorageRecovered);
            }
        }
        Saved::No { error } => state.storage_error = Some(error),
        Saved::Gone | Saved::Overtaken => {}
    }
    let unstored = state.storage_error.is_some();
    inner.emit(SessionEventKind::Refreshed { generation });
    let mut result = Ok(state.token());
    // Seen as expired on arrival: the clock here is wrong. Asking again would not help.
    if timing.is_expired(now) {
        let message = "the broker's new token has expired already; check this machine's clock";
        let error = inner.error(ErrorKind::UnexpectedAnswer, message);
        state.hold = Some(Hold {
            until: Some(now.monotonic + CLOCK_HOLD),
            error: error.clone(),
        });
        result = Err(error);
    }
    drop(state);
    if unstored {
        inner.keep_storing();
    }
    result
}

/// Returns the present token if it is newer than `start` and can be used.
fn newer(inner: &Inner, start: u64) -> Option<AccessToken> {
    let now = inner.now();
    let state = inner.state();
    (state.generation > start && !state.timing.is_expired(now)).then(|| state.token())
}

/// What a failed refresh means for the refresh token.
enum Refusal {
    /// The broker refuses it.
    Final,
    /// The adapter cannot refresh.
    Impossible,
    /// It may have been used: the answer is lost.
    Lost,
    /// It was not used.
    NotTaken,
}

impl Refusal {
    fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::RefreshRefused
            | ErrorKind::InvalidCredentials
            | ErrorKind::SessionExpired
            | ErrorKind::SessionInvalidated => Self::Final,
            ErrorKind::Unsupported => Self::Impossible,
            // An answer came, but not one that says what was done.
            ErrorKind::BrokerFailure
            | ErrorKind::NotTheProtocol
            | ErrorKind::OutcomeUnknown
            | ErrorKind::UnexpectedAnswer => Self::Lost,
            _ if error.effect() != Effect::None => Self::Lost,
            _ => Self::NotTaken,
        }
    }
}

fn refresh_refused(inner: &Inner, cause: Error) -> Error {
    let message = match cause.kind() {
        ErrorKind::RefreshRefused => return cause,
        ErrorKind::InvalidCredentials
        | ErrorKind::SessionExpired
        | ErrorKind::SessionInvalidated => "the broker refuses the refresh token; log in again",
        _ => "it is not known whether the refresh token was used; log in again",
    };
    inner
        .error(ErrorKind::RefreshRefused, message)
        .with_source(cause)
}

/// Ends the session.
fn refuse(inner: &Inner, error: Error) -> Error {
    let kind = SessionEventKind::RefreshRefused {
        error: error.clone(),
    };
    inner.end(error.clone(), kind);
    inner.delete_later();
    error
}

/// Tries no refresh again: the present token is used to its end, and the session ends with it.
fn hold_for_good(inner: &Inner, error: Error) -> Error {
    let now = inner.now();
    let mut state = inner.state();
    if state.timing.is_expired(now) {
        drop(state);
        return refuse(inner, error);
    }
    state.hold = Some(Hold {
        until: None,
        error: error.clone(),
    });
    drop(state);
    inner.emit(SessionEventKind::RefreshFailed {
        error: error.clone(),
    });
    error
}

/// Tries again later.
fn put_off(inner: &Inner, error: Error) -> Error {
    let now: Moment = inner.now();
    let mut state = inner.state();
    let doubled = PUT_OFF * 2_u32.pow(state.failures.min(5));
    let asked = error.retry_after().unwrap_or_default();
    let wait = doubled.max(asked.min(LONGEST_ASKED));
    state.failures += 1;
    state.hold = Some(Hold {
        until: Some(now.monotonic + wait),
        error: error.clone(),
    });
    drop(state);
    inner.emit(SessionEventKind::RefreshFailed {
        error: error.clone(),
    });
    error
}

impl Inner {
    fn lease_name(&self) -> String {
        format!("refresh:{}", self.id)
    }
}

/// Longer than one attempt, which has the deadlines of the request pipeline.
const LEASE: Duration = Duration::from_secs(60);
/// Longer than a lease, so that one which a dead process left behind runs out first.
const LEASE_WAIT: Duration = Duration::from_secs(75);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const PUT_OFF: Duration = Duration::from_secs(1);
/// The longest wait that a broker is believed.
const LONGEST_ASKED: Duration = Duration::from_secs(24 * 60 * 60);
const CLOCK_HOLD: Duration = Duration::from_secs(5 * 60);
