use std::{sync::Arc, time::Duration};

use time::OffsetDateTime;
use wheelhouse_core::{BrokerId, Error, ErrorKind, Result, SessionId, Sleep};

use super::{
    AnswerRequest, Login, LoginRequest, OpenLogin, SessionManager, Shared, detached,
    pushes::is_approval, revoke,
};
use crate::{
    AtLimit, Authenticator, ChallengeAnswer, Credentials, Grant, Identity, LoginStep, Record,
    RecordHead, RecordKey, RecordKind, RecordQuery, Session, SessionEventKind, StoreError, Write,
    body::{StoredLogin, StoredSession},
    session::Inner,
};

impl SessionManager {
    /// Logs in.
    ///
    /// One login runs at a time for each broker and user in this process. It goes on if the caller drops
    /// the future. For several processes that start on one store there is
    /// [`resume_or_create`](Self::resume_or_create).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidCredentials`] and the other errors of the broker;
    /// [`ErrorKind::LockedOut`] if too many logins failed, or the user was asked to approve one three
    /// times in the last hour, without asking the broker: [`Error::retry_after`] says when to try again;
    /// [`ErrorKind::SessionLimit`] if the user has as many sessions as are allowed; errors of the
    /// store. No session is left behind then.
    pub async fn create(&self, request: LoginRequest) -> Result<Login> {
        let manager = self.clone();
        detached(async move { manager.log_in(request).await }).await
    }

    /// Answers the challenge of a login.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::SessionExpired`] if the login is not known or its time is over;
    /// [`ErrorKind::MfaRequired`] if the answer was wrong and may be given again;
    /// [`ErrorKind::InvalidInput`] if credentials come along that are not those of the login;
    /// otherwise as [`create`](Self::create).
    pub async fn answer(&self, request: AnswerRequest) -> Result<Login> {
        let manager = self.clone();
        detached(async move { manager.answer_open(request).await }).await
    }

    /// Makes a session of tokens that were obtained elsewhere, such as in another program's cache.
    ///
    /// The broker is not asked. Nothing happens to the tokens if it fails.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::SessionLimit`] if the user has as many sessions as are allowed;
    /// [`ErrorKind::UnexpectedAnswer`] if the token has expired; errors of the store.
    pub async fn adopt(
        &self,
        authenticator: Arc<dyn Authenticator>,
        identity: Identity,
        grant: Grant,
    ) -> Result<Session> {
        let session = self.store_new(&authenticator, &identity, &grant).await?;
        let kind = SessionEventKind::Created;
        self.0.emit(session.broker(), Some(session.id()), kind);
        Ok(session)
    }

    /// Returns the logins of a user that wait for an answer, the oldest first. A record that is damaged
    /// is passed over, with an event.
    ///
    /// # Errors
    ///
    /// As [`resume`](Self::resume).
    pub async fn open_logins(
        &self,
        authenticator: &dyn Authenticator,
        identity: &Identity,
    ) -> Result<Vec<OpenLogin>> {
        let now = self.0.clock.now();
        let query = RecordQuery::new()
            .with_kind(RecordKind::PENDING_LOGIN)
            .with_broker(authenticator.broker())
            .with_user(identity.user())
            .alive_at(now);
        let mut open = Vec::new();
        for head in self.0.store.list(&query).await? {
            let read = match self.0.store.load(&head.key, now).await {
                Ok(Some(record)) => StoredLogin::decode(&record.body),
                Ok(None) => continue,
                Err(error) => Err(error),
            };
            let stored = match read {
                Ok(stored) => stored,
                Err(error) => {
                    self.pass_over(&head.broker, error)?;
                    continue;
                }
            };
            if stored.identity == *identity && stored.realm == authenticator.realm() {
                open.push(OpenLogin {
                    id: head.key.id,
                    broker: head.broker,
                    challenge: stored.pending.challenge().clone(),
                    expires_at: head.expires_at.unwrap_or(now),
                });
            }
        }
        Ok(open)
    }

    /// Gives up a login that waits for an answer, and tells whether there was one.
    ///
    /// It is forgotten here; the broker is not asked, and forgets it in its own time. An answer that
    /// is under way is waited for.
    ///
    /// # Errors
    ///
    /// Of the store.
    pub async fn abandon(&self, authenticator: &dyn Authenticator, login: &str) -> Result<bool> {
        let key = RecordKey::new(RecordKind::PENDING_LOGIN, login);
        let head = match self.load_open(authenticator, &key).await {
            Ok((head, _)) => head,
            Err(error) if error.kind() == ErrorKind::SessionExpired => return Ok(false),
            Err(error) => return Err(error),
        };
        let lock = self.0.login_lock(&head.broker, &head.user);
        let _one_at_a_time = lock.lock().await;
        self.0.open_logins().remove(&key.id);
        Ok(self.0.store.delete(&key).await?)
    }

    async fn log_in(&self, request: LoginRequest) -> Result<Login> {
        let (broker, user) = (request.authenticator.broker(), request.credentials.user());
        let lock = self.0.login_lock(&broker, user);
        let _one_at_a_time = lock.lock().await;
        self.log_in_alone(request).await
    }

    /// Logs in. The caller has the lock on the user's logins.
    pub(super) async fn log_in_alone(&self, request: LoginRequest) -> Result<Login> {
        let LoginRequest {
            authenticator,
            credentials,
            caller,
        } = request;
        let broker = authenticator.broker();
        self.check_lockout(&broker, credentials.user(), caller.as_deref())
            .await?;
        self.check_room(&*authenticator, credentials.user()).await?;
        self.check_pushes(&broker, credentials.user()).await?;
        let step = authenticator.begin(&credentials).await;
        self.count_push(&broker, credentials.user(), &step).await;
        self.count(&broker, credentials.user(), caller.as_deref(), &step)
            .await;
        match step? {
            LoginStep::Granted(grant) => {
                self.establish(&authenticator, credentials.identity(), grant)
                    .await
            }
            LoginStep::Challenge(pending) => {
                let key = RecordKey::new(RecordKind::PENDING_LOGIN, self.0.random_id()?);
                let head = RecordHead::new(key, broker, credentials.user(), self.0.clock.now());
                let stored = StoredLogin {
                    realm: authenticator.realm(),
                    identity: credentials.identity().clone(),
                    pending,
                };
                self.keep_open(head, None, stored, Some(credentials)).await
            }
        }
    }

    async fn answer_open(&self, request: AnswerRequest) -> Result<Login> {
        let AnswerRequest {
            authenticator,
            login,
            answer,
            credentials,
            caller,
        } = request;
        let broker = authenticator.broker();
        let key = RecordKey::new(RecordKind::PENDING_LOGIN, login);
        // Read twice: the user is not known before, and another answer may run until the lock is had.
        let (head, _) = self.load_open(&*authenticator, &key).await?;
        let lock = self.0.login_lock(&broker, &head.user);
        let _one_at_a_time = lock.lock().await;
        let (head, stored) = self.load_open(&*authenticator, &key).await?;

        self.check_lockout(&broker, &head.user, caller.as_deref())
            .await?;
        // A code has been sent already, and answers that only look do not begin anything.
        let begins_anew = matches!(answer, ChallengeAnswer::Done | ChallengeAnswer::Resend);
        if begins_anew && !is_approval(stored.pending.challenge()) {
            self.check_pushes(&broker, &head.user).await?;
        }
        let fits = |given: &Credentials| *given.identity() == stored.identity;
        if !credentials.as_ref().is_none_or(fits) {
            let message = "these are not the credentials that the login was begun with";
            return Err(Error::new(ErrorKind::InvalidInput, message).at_broker(broker));
        }
        let credentials = match credentials {
            // Kept for the next answer, should this one be wrong.
            Some(given) => {
                let until = head
                    .expires_at
                    .unwrap_or_else(|| self.0.after(OPEN_LOGIN_TTL));
                self.remember(&key.id, given.clone(), until);
                Some(given)
            }
            None => self
                .0
                .open_logins()
                .get(&key.id)
                .map(|it| it.credentials.clone()),
        };
        let pending = stored.pending.with_credentials(credentials.clone());
        let step = authenticator.answer(&pending, answer).await;
        if !is_approval(pending.challenge()) {
            self.count_push(&broker, &head.user, &step).await;
        }
        self.count(&broker, &head.user, caller.as_deref(), &step)
            .await;
        match step {
            Ok(LoginStep::Granted(grant)) => {
                self.drop_open(&broker, &key).await;
                self.establish(&authenticator, &stored.identity, grant)
                    .await
            }
            Ok(LoginStep::Challenge(pending)) => {
                let stored = StoredLogin { pending, ..stored };
                let before = head.version;
                self.keep_open(head, Some(before), stored, credentials)
                    .await
            }
            Err(error) => {
                let over = [ErrorKind::InvalidCredentials, ErrorKind::SessionExpired];
                if over.contains(&error.kind()) {
                    self.drop_open(&broker, &key).await;
                }
                Err(error)
            }
        }
    }

    async fn load_open(
        &self,
        authenticator: &dyn Authenticator,
        key: &RecordKey,
    ) -> Result<(RecordHead, StoredLogin)> {
        let over = || {
            let message = "this login is not known or its time is over; begin again";
            Error::new(ErrorKind::SessionExpired, message).at_broker(authenticator.broker())
        };
        let now = self.0.clock.now();
        let record = self.0.store.load(key, now).await?.ok_or_else(over)?;
        let stored = StoredLogin::decode(&record.body)?;
        let fits =
            record.head.broker == authenticator.broker() && stored.realm == authenticator.realm();
        if fits {
            Ok((record.head, stored))
        } else {
            Err(over())
        }
    }

    async fn keep_open(
        &self,
        head: RecordHead,
        before: Option<u64>,
        stored: StoredLogin,
        credentials: Option<Credentials>,
    ) -> Result<Login> {
        let expires_at = stored
            .pending
            .expires_at()
            .unwrap_or_else(|| self.0.after(OPEN_LOGIN_TTL));
        let mut head = head.with_expiry(expires_at);
        let write = match before {
            None => Write::Insert {
                limit: None,
                now: self.0.clock.now(),
            },
            Some(version) => {
                head.version = version + 1;
                Write::Replace { version }
            }
        };
        let record = Record::new(head.clone(), stored.encode()?);
        self.0.store.save(&record, write).await?;
        if let Some(credentials) = credentials {
            self.remember(&head.key.id, credentials, expires_at);
        }
        Ok(Login::Challenge(OpenLogin {
            id: head.key.id,
            broker: head.broker,
            challenge: stored.pending.challenge().clone(),
            expires_at: head.expires_at.unwrap_or(expires_at),
        }))
    }

    // Credentials of a login that nobody answers do not stay in memory.
    fn remember(&self, id: &str, credentials: Credentials, until: OffsetDateTime) {
        let kept = Kept { credentials, until };
        let before = self.0.open_logins().insert(id.to_owned(), kept);
        if before.is_some() {
            return;
        }
        let (weak, id) = (Arc::downgrade(&self.0), id.to_owned());
        tokio::spawn(async move {
            while let Some(sleep) = weak.upgrade().and_then(|it| it.forget_in_time(&id)) {
                sleep.await;
            }
        });
    }

    async fn drop_open(&self, broker: &BrokerId, key: &RecordKey) {
        self.0.open_logins().remove(&key.id);
        if let Err(error) = self.0.store.delete(key).await {
            self.0.storage_failed(broker, None, error);
        }
    }

    /// Refuses a login for which there is no room, before the broker is asked.
    async fn check_room(&self, authenticator: &dyn Authenticator, user: &str) -> Result<()> {
        let policy = self.policy(authenticator);
        let (Some(limit), AtLimit::Refuse) = (policy.max_sessions, policy.at_limit) else {
            return Ok(());
        };
        let heads = self
            .0
            .store
            .list(&self.sessions_of(authenticator, user))
            .await?;
        if heads.len() >= limit as usize {
            return Err(limit_reached(authenticator, limit));
        }
        Ok(())
    }

    fn sessions_of(&self, authenticator: &dyn Authenticator, user: &str) -> RecordQuery {
        RecordQuery::new()
            .with_kind(RecordKind::SESSION)
            .with_broker(authenticator.broker())
            .with_user(user)
            .alive_at(self.0.clock.now())
    }

    /// Stores what the broker has granted and makes a session of it. The grant is given back if that
    /// fails, so that no half of a session is left at the broker or here.
    async fn establish(
        &self,
        authenticator: &Arc<dyn Authenticator>,
        identity: &Identity,
        grant: Grant,
    ) -> Result<Login> {
        match self.store_new(authenticator, identity, &grant).await {
            Ok(session) => {
                self.0.emit(
                    session.broker(),
                    Some(session.id()),
                    SessionEventKind::Created,
                );
                Ok(Login::Ready(session))
            }
            Err(error) => {
                if let Err(unrevoked) = revoke(&self.0, authenticator, Arc::new(grant)).await {
                    tracing::warn!(code = unrevoked.code(), "a refused session was not revoked");
                }
                Err(error)
            }
        }
    }

    async fn store_new(
        &self,
        authenticator: &Arc<dyn Authenticator>,
        identity: &Identity,
        grant: &Grant,
    ) -> Result<Session> {
        let broker = authenticator.broker();
        let now = self.0.clock.now();
        if grant.expires_at().is_some_and(|at| at <= now) {
            let message = "the broker's new token has expired already; check this machine's clock";
            return Err(Error::new(ErrorKind::UnexpectedAnswer, message).at_broker(broker));
        }
        let policy = self.policy(&**authenticator);
        let id = SessionId::new(self.0.random_id()?)?;
        let key = RecordKey::new(RecordKind::SESSION, id.as_str());
        let head = RecordHead::new(key, broker.clone(), identity.user(), now)
            .with_expiry(self.0.after(policy.max_age));
        let stored = StoredSession {
            realm: authenticator.realm(),
            identity: identity.clone(),
            generation: 1,
            obtained_at: now,
            grant: grant.clone(),
        };
        let record = Record::new(head.clone(), stored.encode()?);
        let write = Write::Insert {
            limit: policy.max_sessions,
            now,
        };
        let mut evicted = Vec::new();
        loop {
            match self.0.store.save(&record, write).await {
                Ok(()) => break,
                Err(StoreError::LimitReached { limit }) => {
                    let next = match policy.at_limit {
                        AtLimit::EvictOldest => {
                            self.evict_oldest(authenticator, identity.user(), &evicted)
                                .await?
                        }
                        AtLimit::Refuse => None,
                    };
                    evicted.push(next.ok_or_else(|| limit_reached(&**authenticator, limit))?);
                }
                Err(error) => return Err(Error::from(error).at_broker(broker)),
            }
        }
        let inner = Inner::new(&self.0, authenticator, policy, &head, stored)?;
        Ok(self.0.register(inner))
    }

    /// Ends the user's oldest session that is not in `evicted`; `None` if there was none.
    async fn evict_oldest(
        &self,
        authenticator: &Arc<dyn Authenticator>,
        user: &str,
        evicted: &[RecordKey],
    ) -> Result<Option<RecordKey>> {
        let query = self.sessions_of(&**authenticator, user);
        let mut heads = self.0.store.list(&query).await?.into_iter();
        let Some(head) = heads.find(|head| !evicted.contains(&head.key)) else {
            return Ok(None);
        };
        self.end_stored(Some(authenticator), &head, SessionEventKind::Evicted)
            .await?;
        Ok(Some(head.key))
    }
}

/// The credentials of a login in progress.
pub(super) struct Kept {
    credentials: Credentials,
    until: OffsetDateTime,
}

impl Shared {
    /// Forgets the credentials of a login whose time is over, or returns how long to sleep until then.
    fn forget_in_time(&self, id: &str) -> Option<Sleep> {
        let mut open = self.open_logins();
        let left = open.get(id)?.until - self.clock.now();
        if left.is_positive() {
            return Some(self.clock.sleep(left.try_into().unwrap_or(OPEN_LOGIN_TTL)));
        }
        open.remove(id);
        None
    }
}

fn limit_reached(authenticator: &dyn Authenticator, limit: u32) -> Error {
    let message =
        format!("the user has {limit} sessions, which is the limit; end one or wait for its end");
    Error::new(ErrorKind::SessionLimit, message).at_broker(authenticator.broker())
}

const OPEN_LOGIN_TTL: Duration = Duration::from_secs(10 * 60);
