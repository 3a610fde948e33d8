use std::{sync::Arc, time::Duration};

use tokio::task::AbortHandle;
use wheelhouse_core::{BrokerId, Error, ErrorKind, Result};

use super::{Login, LoginRequest, SessionManager, Shared, detached};
use crate::{Record, RecordHead, RecordKey, RecordKind, StoreError, Write};

impl SessionManager {
    /// Takes up the stored session of a user, and logs in if there is none.
    ///
    /// Of several processes that do this at once on one store, one logs in; the others wait and take
    /// up its session. A login that was begun before and waits for an answer is returned as it is:
    /// [`create`](Self::create) begins another. To answer it in this process, give the
    /// [credentials](crate::AnswerRequest::with_credentials) again.
    ///
    /// A session that is taken up may have ended at the broker; its first use tells. It goes on if
    /// the caller drops the future.
    ///
    /// # Errors
    ///
    /// As [`resume`](Self::resume) and [`create`](Self::create); [`ErrorKind::LockTimeout`] if
    /// another process has been logging this user in for two minutes.
    pub async fn resume_or_create(&self, request: LoginRequest) -> Result<Login> {
        let manager = self.clone();
        detached(async move { manager.enter(request).await }).await
    }

    async fn enter(&self, request: LoginRequest) -> Result<Login> {
        if let Some(found) = self.find(&request).await? {
            return Ok(found);
        }
        let (broker, user) = (request.authenticator.broker(), request.credentials.user());
        let lock = self.0.login_lock(&broker, user);
        let _one_at_a_time = lock.lock().await;
        let clock = &self.0.clock;
        let give_up = clock.monotonic() + TURN_WAIT;
        let mut pause = FIRST_PAUSE;
        loop {
            let turn = self.take_turn(&broker, user).await;
            // Looked for under the turn: who had it before may have left a session.
            let done = match self.find(&request).await {
                Ok(Some(found)) => Some(Ok(found)),
                Ok(None) if matches!(turn, Turn::Taken) => None,
                Ok(None) => Some(self.log_in_alone(request.clone()).await),
                Err(error) => Some(Err(error)),
            };
            if let Turn::Mine(held) = turn {
                held.give_back().await;
            }
            if let Some(done) = done {
                return done;
            }
            if clock.monotonic() >= give_up {
                let message = "another process has been logging this user in for too long";
                return Err(Error::new(ErrorKind::LockTimeout, message).at_broker(broker));
            }
            clock.sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Looks for a session, or a login in progress, that is stored.
    async fn find(&self, request: &LoginRequest) -> Result<Option<Login>> {
        let (authenticator, identity) = (&request.authenticator, request.credentials.identity());
        if let Some(session) = self.resume(authenticator.clone(), identity).await? {
            return Ok(Some(Login::Resumed(session)));
        }
        let open = self.open_logins(&**authenticator, identity).await?;
        Ok(open.into_iter().next_back().map(Login::Challenge))
    }

    /// Takes the turn as a record and not as a lease: the name of a lease would tell the user's.
    async fn take_turn(&self, broker: &BrokerId, user: &str) -> Turn {
        let now = self.0.clock.now();
        let head = self.0.random_id().map(|id| {
            let key = RecordKey::new(RecordKind::LOGIN_TURN, id);
            RecordHead::new(key, broker.clone(), user, now).with_expiry(self.0.after(TURN))
        });
        let Ok(head) = head else {
            return Turn::Unknown;
        };
        let write = Write::Insert {
            limit: Some(1),
            now,
        };
        let record = Record::new(head.clone(), Vec::new());
        match self.0.store.save(&record, write).await {
            Ok(()) => Turn::Mine(Held::new(&self.0, head)),
            Err(StoreError::LimitReached { .. } | StoreError::Locked) => Turn::Taken,
            Err(error) => {
                self.0.storage_failed(broker, None, error);
                Turn::Unknown
            }
        }
    }
}

enum Turn {
    /// This process may log the user in.
    Mine(Held),
    /// Another process is at it.
    Taken,
    /// The store cannot tell.
    Unknown,
}

/// The turn, extended until it is given back. With the process it runs out.
struct Held {
    shared: Arc<Shared>,
    key: RecordKey,
    extending: AbortHandle,
}

impl Held {
    fn new(shared: &Arc<Shared>, head: RecordHead) -> Self {
        let key = head.key.clone();
        let extending = tokio::spawn(extend(Arc::clone(shared), head)).abort_handle();
        Self {
            shared: Arc::clone(shared),
            key,
            extending,
        }
    }

    async fn give_back(self) {
        self.extending.abort();
        // If this fails it runs out by itself.
        let _ = self.shared.store.delete(&self.key).await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.extending.abort();
    }
}

async fn extend(shared: Arc<Shared>, head: RecordHead) {
    let mut version = head.version;
    loop {
        shared.clock.sleep(TURN / 3).await;
        let head = head
            .clone()
            .with_version(version + 1)
            .with_expiry(shared.after(TURN));
        let record = Record::new(head, Vec::new());
        match shared.store.save(&record, Write::Replace { version }).await {
            Ok(()) => version += 1,
            Err(StoreError::Conflict) => return,
            Err(_) => {}
        }
    }
}

/// So long does a process that died hold up the others.
const TURN: Duration = Duration::from_secs(15);
/// Longer than a login with all its waits.
const TURN_WAIT: Duration = Duration::from_secs(120);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
