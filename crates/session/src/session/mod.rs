mod flight;
mod refresh;
mod state;
mod storing;
mod timing;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use secrecy::SecretString;
use time::OffsetDateTime;
use wheelhouse_core::{AccessToken, BrokerId, Error, ErrorKind, Result, SessionId, TokenSource};

use crate::{
    Authenticator, Identity, RecordHead, RecordKey, RecordKind, SessionEventKind, SessionPolicy,
    body::StoredSession,
    manager::{Shared, detached, revoke},
};
use state::State;
use timing::{Moment, after};

/// A handle to one user's session at one broker. A clone is the same session.
///
/// It is what the request pipeline asks for tokens: see [`TokenSource`]. The session lives on when
/// the handle is dropped; [`destroy`](Self::destroy) ends it.
#[derive(Clone)]
pub struct Session(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    id: SessionId,
    broker: BrokerId,
    realm: String,
    identity: Identity,
    authenticator: Arc<dyn Authenticator>,
    policy: SessionPolicy,
    shared: Arc<Shared>,
    created_at: OffsetDateTime,
    ends: Moment,
    stored_expiry: Option<OffsetDateTime>,
    state: Mutex<State>,
}

impl Session {
    /// Returns the session's id.
    pub fn id(&self) -> &SessionId {
        &self.0.id
    }

    /// Returns the broker.
    pub fn broker(&self) -> &BrokerId {
        &self.0.broker
    }

    /// Returns whose session it is.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// Returns the policy in force.
    pub fn policy(&self) -> &SessionPolicy {
        &self.0.policy
    }

    /// Returns when the login was.
    pub fn created_at(&self) -> OffsetDateTime {
        self.0.created_at
    }

    /// Returns when the session ends whatever happens.
    pub fn ends_at(&self) -> OffsetDateTime {
        self.0.ends.wall
    }

    /// Returns when the token will be refreshed.
    pub fn refresh_due_at(&self) -> Option<OffsetDateTime> {
        self.0.state().timing.due_at()
    }

    /// Returns something that the adapter has put into the grant; see
    /// [`Grant::with_extra`](crate::Grant::with_extra).
    pub fn extra(&self, name: &str) -> Option<SecretString> {
        self.0.state().grant.extra(name).cloned()
    }

    /// Tells whether the session has not ended, as far as is known here.
    pub fn is_alive(&self) -> bool {
        self.0.is_alive()
    }

    /// Returns why the newest tokens are not in the store, while they are not.
    pub fn last_storage_error(&self) -> Option<Error> {
        self.0.state().storage_error.clone()
    }

    /// Gets new tokens now, or shares the refresh that is running.
    ///
    /// # Errors
    ///
    /// As [`token`](TokenSource::token).
    pub async fn refresh(&self) -> Result<()> {
        let next = self.0.next_newer();
        self.0.settle(next, false).await.map(drop)
    }

    /// Looks whether the session still stands in the store, and takes over tokens that another process
    /// has put there. The broker is not asked.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::SessionExpired`] or [`ErrorKind::SessionInvalidated`] if it has ended;
    /// [`ErrorKind::RolledBack`] if an older record stands there; errors of the store.
    pub async fn validate(&self) -> Result<()> {
        self.0.check_alive()?;
        self.0.reload().await?;
        self.0.check_alive()
    }

    /// Ends the session: here at once, in the store, then at the broker. It goes on if the caller
    /// drops the future.
    ///
    /// # Errors
    ///
    /// If the store or the broker could not be told. The session is unusable here in any case. If it
    /// was the store, call again: otherwise the record stays, and the session with it. The broker is
    /// told again in the background, for some minutes and while the process lives.
    pub async fn destroy(&self) -> Result<()> {
        self.end_as(SessionEventKind::Revoked).await
    }

    pub(crate) async fn end_as(&self, kind: SessionEventKind) -> Result<()> {
        let inner = Arc::clone(&self.0);
        let grant = inner.end(destroyed(), kind);
        detached(async move {
            // Also if it had ended before: its record may have stayed.
            let stored = inner.shared.store.delete(&inner.key()).await;
            let revoked = match grant {
                Some(grant) => revoke(&inner.shared, &inner.authenticator, grant).await,
                None => Ok(()),
            };
            stored?;
            revoked
        })
        .await
    }

    pub(crate) fn realm(&self) -> &str {
        &self.0.realm
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.0.id)
            .field("broker", &self.0.broker)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TokenSource for Session {
    async fn token(&self) -> Result<AccessToken> {
        let next = self.0.next();
        self.0.settle(next, true).await
    }

    async fn replace(&self, rejected: &AccessToken) -> Result<AccessToken> {
        match self.0.next_after(rejected) {
            // The session has moved on; its newer token may be due itself.
            None => self.token().await,
            Some(next) => self.0.settle(next, false).await,
        }
    }
}

impl Inner {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        authenticator: &Arc<dyn Authenticator>,
        policy: SessionPolicy,
        head: &RecordHead,
        stored: StoredSession,
    ) -> Result<Arc<Self>> {
        let now = Moment::now(&*shared.clock);
        // Neither a record nor a clock that was set back makes a session longer than the policy.
        let ends_at =
            after(head.created_at.min(now.wall), policy.max_age).min(head.expires_at.unwrap_or(
                OffsetDateTime::new_utc(time::Date::MAX, time::Time::MIDNIGHT),
            ));
        Ok(Arc::new(Self {
            id: SessionId::new(&head.key.id)?,
            broker: head.broker.clone(),
            state: Mutex::new(State::new(&policy, head.version, &stored, now, shared)?),
            realm: stored.realm,
            identity: stored.identity,
            authenticator: Arc::clone(authenticator),
            policy,
            shared: Arc::clone(shared),
            created_at: head.created_at,
            ends: now.at_wall(ends_at),
            stored_expiry: head.expires_at,
        }))
    }

    pub(crate) fn id(&self) -> &SessionId {
        &self.id
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.check_alive().is_ok()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
        Moment::now(&*self.shared.clock)
    }

    fn key(&self) -> RecordKey {
        RecordKey::new(RecordKind::SESSION, self.id.as_str())
    }

    fn error(&self, kind: ErrorKind, message: &'static str) -> Error {
        Error::new(kind, message).at_broker(self.broker.clone())
    }

    fn emit(&self, kind: SessionEventKind) {
        self.shared.emit(&self.broker, Some(&self.id), kind);
    }
}

fn destroyed() -> Error {
    Error::new(
        ErrorKind::SessionInvalidated,
        "the session was ended from this side; log in again",
    )
}
