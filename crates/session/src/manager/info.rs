use std::fmt;

use time::OffsetDateTime;
use wheelhouse_core::{BrokerId, Error, Result, SessionId};

use super::SessionManager;
use crate::{Identity, RecordHead, RecordKind, RecordQuery, body::StoredSession};

/// Which sessions are listed. What is not set does not narrow.
#[derive(Clone, Default)]
pub struct SessionFilter {
    broker: Option<BrokerId>,
    user: Option<String>,
}

impl SessionFilter {
    /// Lists all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lists those at one broker.
    #[must_use]
    pub fn with_broker(mut self, broker: BrokerId) -> Self {
        self.broker = Some(broker);
        self
    }

    /// Lists those of one user.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }
}

impl fmt::Debug for SessionFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionFilter")
            .field("broker", &self.broker)
            .finish_non_exhaustive()
    }
}

/// A stored session, without its secrets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionInfo {
    /// The session.
    pub id: SessionId,
    /// The broker.
    pub broker: BrokerId,
    /// Whose it is; `None` if the record cannot be read.
    pub identity: Option<Identity>,
    /// When its login was.
    pub created_at: OffsetDateTime,
    /// When it ends.
    pub ends_at: Option<OffsetDateTime>,
    /// When the token that it has now ends.
    pub token_expires_at: Option<OffsetDateTime>,
    /// Whether it is in use in this process.
    pub in_use: bool,
    /// Why the record cannot be read.
    pub problem: Option<Error>,
}

impl SessionManager {
    /// Lists the stored sessions that still live, the oldest first.
    ///
    /// # Errors
    ///
    /// If the store cannot be listed. A single record that cannot be read is in the list, with its
    /// [`problem`](SessionInfo::problem).
    pub async fn list(&self, filter: &SessionFilter) -> Result<Vec<SessionInfo>> {
        let mut query = RecordQuery::new()
            .with_kind(RecordKind::SESSION)
            .with_broker(filter.broker.clone())
            .alive_at(self.0.clock.now());
        query.user.clone_from(&filter.user);
        let mut sessions = Vec::new();
        for head in self.0.store.list(&query).await? {
            let Ok(id) = SessionId::new(&head.key.id) else {
                continue;
            };
            let (identity, token_expires_at, problem) = match self.read(&head).await {
                Ok(Some(stored)) => (Some(stored.identity), stored.grant.expires_at(), None),
                Ok(None) => continue,
                Err(problem) => (None, None, Some(problem)),
            };
            sessions.push(SessionInfo {
                in_use: self.session(&id).is_some_and(|session| session.is_alive()),
                id,
                broker: head.broker,
                identity,
                created_at: head.created_at,
                ends_at: head.expires_at,
                token_expires_at,
                problem,
            });
        }
        Ok(sessions)
    }

    async fn read(&self, head: &RecordHead) -> Result<Option<StoredSession>> {
        let now = self.0.clock.now();
        match self.0.store.load(&head.key, now).await? {
            Some(record) => Ok(Some(StoredSession::decode(&record.body)?)),
            None => Ok(None),
        }
    }
}
