use time::OffsetDateTime;
use tokio::sync::broadcast;
use wheelhouse_core::{BrokerId, Error, SessionId};

/// Something that has happened to a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionEvent {
    /// What has happened.
    pub kind: SessionEventKind,
    /// The broker.
    pub broker: BrokerId,
    /// The session, if it concerns one.
    pub session: Option<SessionId>,
    /// When.
    pub at: OffsetDateTime,
}

/// What has happened to a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SessionEventKind {
    /// Another process has refreshed the session, and its tokens are used from now on.
    Adopted {
        /// The generation of the token.
        generation: u64,
    },
    /// A login has succeeded.
    Created,
    /// The session has ended to make room for a new one.
    Evicted,
    /// The session has reached its end; only a new login helps.
    Expired,
    /// The session was ended because something was wrong with it.
    Invalidated {
        /// What was wrong.
        reason: Error,
    },
    /// Logins of a user are locked.
    LockedOut {
        /// Until then; `None` is until somebody unlocks it.
        until: Option<OffsetDateTime>,
    },
    /// A refresh has failed; the session goes on as long as its token lives.
    RefreshFailed {
        /// Why.
        error: Error,
    },
    /// The broker has refused the refresh token, or it is not known whether it was used.
    RefreshRefused {
        /// Why.
        error: Error,
    },
    /// The session has new tokens.
    Refreshed {
        /// The generation of the token.
        generation: u64,
    },
    /// A stored session was taken up again.
    Resumed,
    /// The session was ended from this side.
    Revoked,
    /// A stored record cannot be read and is passed over.
    Unreadable {
        /// Why.
        error: Error,
    },
    /// Something could not be stored. The session goes on in memory, and storing is tried again.
    StorageFailed {
        /// Why.
        error: Error,
    },
    /// What could not be stored has been.
    StorageRecovered,
}

/// The events of a manager, from the moment that this was asked for.
#[derive(Debug)]
pub struct SessionEvents(broadcast::Receiver<SessionEvent>);

impl SessionEvents {
    pub(crate) fn new(receiver: broadcast::Receiver<SessionEvent>) -> Self {
        Self(receiver)
    }

    /// Waits for the next event; `None` once the manager and its sessions are gone.
    ///
    /// Who falls behind by more than 1,024 events loses the oldest ones, and is told how many:
    /// that is the `Err`.
    ///
    /// # Errors
    ///
    /// The number of events that were missed.
    pub async fn next(&mut self) -> Option<Result<SessionEvent, u64>> {
        match self.0.recv().await {
            Ok(event) => Some(Ok(event)),
            Err(broadcast::error::RecvError::Closed) => None,
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Err(missed)),
        }
    }

    /// Returns the next event if there is one already.
    pub fn try_next(&mut self) -> Option<SessionEvent> {
        loop {
            match self.0.try_recv() {
                Ok(event) => return Some(event),
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => return None,
            }
        }
    }
}
