mod builder;
mod end;
mod info;
mod lockout;
mod login;
mod pushes;
mod request;
mod revoke;
mod turn;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use time::OffsetDateTime;
use tokio::sync::broadcast;
use wheelhouse_core::{BrokerId, Clock, Error, ErrorKind, Random, Result, SessionId};

pub use builder::SessionManagerBuilder;
pub use info::{SessionFilter, SessionInfo};
pub use request::{AnswerRequest, Login, LoginRequest, OpenLogin};
pub(crate) use revoke::revoke;

use crate::{
    Authenticator, EncryptedStore, Identity, MemoryStore, RecordKey, RecordKind, RecordQuery,
    Session, SessionEvent, SessionEventKind, SessionEvents, SessionPolicy, SessionStore,
    StoreError, body::StoredSession, session::Inner, user_key,
};

/// Owns the sessions of a process: logs in, stores, takes up again, refreshes and ends them.
///
/// One manager serves thousands of sessions of any brokers. A clone is the same manager. It needs a
/// tokio runtime: what must not stop half-way (a login, a refresh) runs in tasks of its own.
#[derive(Clone)]
pub struct SessionManager(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) store: Arc<dyn SessionStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    /// Names this process in leases.
    pub(crate) holder: String,
    policies: HashMap<BrokerId, SessionPolicy>,
    events: broadcast::Sender<SessionEvent>,
    sessions: Mutex<HashMap<SessionId, Weak<Inner>>>,
    /// One login at a time for each broker and user.
    logins: Mutex<HashMap<(BrokerId, String), LoginLock>>,
    /// The credentials of logins in progress, which are not stored.
    open_logins: Mutex<HashMap<String, login::Kept>>,
    lockouts: lockout::Lockouts,
    pushes: pushes::Pushes,
}

type LoginLock = Arc<tokio::sync::Mutex<()>>;

impl SessionManager {
    /// Starts a manager that keeps its sessions sealed in `store`.
    pub fn builder<S: SessionStore>(store: EncryptedStore<S>) -> SessionManagerBuilder {
        SessionManagerBuilder::new(store)
    }

    /// Starts a manager that keeps its sessions in memory only.
    pub fn in_memory() -> SessionManagerBuilder {
        SessionManagerBuilder::new(MemoryStore::new())
    }

    /// Starts a manager that keeps tokens readable in `store`: whoever reads the store can trade in
    /// the name of its users.
    pub fn dangerous_accept_plaintext(store: impl SessionStore) -> SessionManagerBuilder {
        tracing::warn!("sessions are stored without encryption");
        SessionManagerBuilder::new(store)
    }

    /// Takes up the newest stored session of this user, without asking the broker.
    ///
    /// `None` means that there is none that still lives: log in. A record that is damaged is passed
    /// over, with an event.
    ///
    /// # Errors
    ///
    /// Of the store; [`ErrorKind::KeyUnavailable`] if a record is sealed with a key that is not at
    /// hand.
    pub async fn resume(
        &self,
        authenticator: Arc<dyn Authenticator>,
        identity: &Identity,
    ) -> Result<Option<Session>> {
        let now = self.0.clock.now();
        let query = RecordQuery::new()
            .with_kind(RecordKind::SESSION)
            .with_broker(authenticator.broker())
            .with_user(identity.user())
            .alive_at(now);
        for head in self.0.store.list(&query).await?.into_iter().rev() {
            let session = self.take_up(&authenticator, &head.key).await?;
            let fits = |s: &Session| s.identity() == identity && s.is_alive();
            if let Some(session) = session.filter(fits) {
                return Ok(Some(session));
            }
        }
        Ok(None)
    }

    /// Takes up a stored session by its id, without asking the broker.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::SessionExpired`] if there is none that still lives; otherwise as
    /// [`resume`](Self::resume).
    pub async fn resume_by_id(
        &self,
        authenticator: Arc<dyn Authenticator>,
        id: &SessionId,
    ) -> Result<Session> {
        let key = RecordKey::new(RecordKind::SESSION, id.as_str());
        self.take_up(&authenticator, &key).await?.ok_or_else(|| {
            Error::new(
                ErrorKind::SessionExpired,
                "there is no such session; log in",
            )
            .at_broker(authenticator.broker())
        })
    }

    /// Returns a session that is in use in this process.
    pub fn session(&self, id: &SessionId) -> Option<Session> {
        let inner = self.0.sessions().get(id)?.upgrade()?;
        Some(Session(inner))
    }

    /// Deletes what has expired in the store, and returns how many records that were.
    ///
    /// # Errors
    ///
    /// Of the store.
    pub async fn prune(&self) -> Result<u64> {
        Ok(self.0.store.prune(self.0.clock.now()).await?)
    }

    /// Returns the events from now on.
    pub fn events(&self) -> SessionEvents {
        SessionEvents::new(self.0.events.subscribe())
    }

    /// Returns the policy that is in force at a broker.
    pub fn policy(&self, authenticator: &dyn Authenticator) -> SessionPolicy {
        let own = self.0.policies.get(&authenticator.broker());
        own.cloned().unwrap_or_else(|| authenticator.policy())
    }

    /// Takes up a session if it is of the authenticator's broker and realm: with any other, its
    /// tokens would go to a stranger.
    async fn take_up(
        &self,
        authenticator: &Arc<dyn Authenticator>,
        key: &RecordKey,
    ) -> Result<Option<Session>> {
        let now = self.0.clock.now();
        let fits = |broker: &BrokerId, realm: &str| {
            *broker == authenticator.broker() && realm == authenticator.realm()
        };
        if let Ok(id) = SessionId::new(&key.id)
            && let Some(session) = self.session(&id)
        {
            let usable = fits(session.broker(), session.realm()) && session.is_alive();
            return Ok(usable.then_some(session));
        }
        let read = match self.0.store.load(key, now).await {
            Ok(Some(record)) => StoredSession::decode(&record.body).map(|s| (record.head, s)),
            Ok(None) => return Ok(None),
            Err(error) => Err(error),
        };
        let (head, stored) = match read {
            Ok(read) => read,
            Err(error) => {
                return self
                    .pass_over(&authenticator.broker(), error)
                    .map(|()| None);
            }
        };
        if !fits(&head.broker, &stored.realm) {
            return Ok(None);
        }
        let policy = self.policy(&**authenticator);
        let inner = Inner::new(&self.0, authenticator, policy, &head, stored)?;
        let session = self.0.register(inner);
        self.0.emit(
            session.broker(),
            Some(session.id()),
            SessionEventKind::Resumed,
        );
        Ok(Some(session))
    }

    // A damaged record must not keep its user out; a missing key, or a record of a newer version, is
    // for the operator to put right.
    fn pass_over(&self, broker: &BrokerId, error: StoreError) -> Result<()> {
        if !error.is_damage() {
            return Err(error.into());
        }
        let error = Error::from(error);
        tracing::warn!(code = error.code(), "a stored record cannot be read");
        self.0
            .emit(broker, None, SessionEventKind::Unreadable { error });
        Ok(())
    }
}

impl fmt::Debug for SessionManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionManager")
            .field("store", &self.0.store)
            .field("sessions", &self.0.sessions().len())
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn emit(
        &self,
        broker: &BrokerId,
        session: Option<&SessionId>,
        kind: SessionEventKind,
    ) {
        // Nobody listening is no error.
        let _ = self.events.send(SessionEvent {
            kind,
            broker: broker.clone(),
            session: session.cloned(),
            at: self.clock.now(),
        });
    }

    pub(crate) fn random_id(&self) -> Result<String> {
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes)?;
        use base64::Engine;
        Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Makes a session findable in this process; if it is there already, returns that one.
    fn register(&self, inner: Arc<Inner>) -> Session {
        let mut sessions = self.sessions();
        if let Some(other) = sessions.get(inner.id()).and_then(Weak::upgrade)
            && other.is_alive()
        {
            return Session(other);
        }
        // Looked through when it would have to grow, so that dead entries do not add up.
        if sessions.len() == sessions.capacity() {
            sessions.retain(|_, session| session.strong_count() > 0);
        }
        sessions.insert(inner.id().clone(), Arc::downgrade(&inner));
        Session(inner)
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionId, Weak<Inner>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn login_lock(&self, broker: &BrokerId, user: &str) -> LoginLock {
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.retain(|_, lock| Arc::strong_count(lock) > 1);
        let key = (broker.clone(), user_key(user).into_owned());
        Arc::clone(logins.entry(key).or_default())
    }

    fn open_logins(&self) -> MutexGuard<'_, HashMap<String, login::Kept>> {
        self.open_logins
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that something could not be stored or read, without failing what is being done.
    pub(crate) fn storage_failed(
        &self,
        broker: &BrokerId,
        session: Option<&SessionId>,
        error: impl Into<Error>,
    ) -> Error {
        let error = error.into();
        tracing::warn!(code = error.code(), "the session store failed");
        let kind = SessionEventKind::StorageFailed {
            error: error.clone(),
        };
        self.emit(broker, session, kind);
        error
    }

    pub(crate) fn after(&self, wait: std::time::Duration) -> OffsetDateTime {
        let wait = wait.try_into().unwrap_or(time::Duration::MAX);
        self.clock.now().saturating_add(wait)
    }
}

/// Runs `work` to its end even if the caller goes away.
pub(crate) async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Error::new(
            ErrorKind::Timeout,
            "the runtime is shutting down",
        )),
    }
}
