use std::sync::Arc;

use wheelhouse_core::{BrokerId, Result, SessionId};

use super::{SessionManager, revoke};
use crate::{
    Authenticator, RecordHead, RecordKind, RecordQuery, Session, SessionEventKind,
    body::StoredSession,
};

impl SessionManager {
    /// Gets new tokens for a session now; see [`Session::refresh`].
    ///
    /// # Errors
    ///
    /// As [`Session::refresh`].
    pub async fn refresh(&self, session: &Session) -> Result<()> {
        session.refresh().await
    }

    /// Looks whether a session still stands in the store; see [`Session::validate`].
    ///
    /// # Errors
    ///
    /// As [`Session::validate`].
    pub async fn validate(&self, session: &Session) -> Result<()> {
        session.validate().await
    }

    /// Ends a session: here at once, in the store, then at the broker.
    ///
    /// # Errors
    ///
    /// As [`Session::destroy`].
    pub async fn destroy(&self, session: &Session) -> Result<()> {
        session.destroy().await
    }

    /// Removes everything that is stored about a user, at one broker or at all of them: sessions,
    /// logins in progress, counts of failed logins. Returns how many records that were.
    ///
    /// Sessions in use in this process end first, and the broker is told; sessions of other
    /// processes end when they next look into the store.
    ///
    /// # Errors
    ///
    /// Of the store. It is safe to call again.
    pub async fn erase(&self, broker: Option<&BrokerId>, user: &str) -> Result<u64> {
        let query = RecordQuery::new()
            .with_broker(broker.cloned())
            .with_user(user);
        let mut erased = 0;
        for head in self.0.store.list(&query).await? {
            if head.key.kind == RecordKind::SESSION {
                self.end_stored(None, &head, SessionEventKind::Revoked)
                    .await?;
            } else {
                self.0.open_logins().remove(&head.key.id);
                self.0.store.delete(&head.key).await?;
            }
            erased += 1;
        }
        self.0.lockouts.forget(broker, user);
        self.0.pushes.forget(broker, user);
        Ok(erased)
    }

    /// Ends a session of which only the stored head is known. With an authenticator, the broker is
    /// told even if the session is not in use in this process.
    pub(super) async fn end_stored(
        &self,
        authenticator: Option<&Arc<dyn Authenticator>>,
        head: &RecordHead,
        kind: SessionEventKind,
    ) -> Result<()> {
        let id = SessionId::new(&head.key.id).ok();
        if let Some(session) = id.as_ref().and_then(|id| self.session(id)) {
            return session.end_as(kind).await;
        }
        let now = self.0.clock.now();
        let grant = match authenticator {
            Some(authenticator) => match self.0.store.load(&head.key, now).await {
                // A token is shown to the host that gave it and to no other.
                Ok(Some(record)) => StoredSession::decode(&record.body)
                    .ok()
                    .filter(|stored| stored.realm == authenticator.realm())
                    .map(|stored| stored.grant),
                _ => None,
            },
            None => None,
        };
        self.0.store.delete(&head.key).await?;
        self.0.emit(&head.broker, id.as_ref(), kind);
        if let (Some(authenticator), Some(grant)) = (authenticator, grant)
            && let Err(error) = revoke(&self.0, authenticator, Arc::new(grant)).await
        {
            tracing::warn!(code = error.code(), "an ended session was not revoked");
        }
        Ok(())
    }
}
