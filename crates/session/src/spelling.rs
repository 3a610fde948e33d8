use std::borrow::Cow;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::{
    LeaseRequest, Record, RecordHead, RecordKey, RecordQuery, SessionStore, StoreError, Write,
};

/// Returns the one spelling under which everything of a user is kept.
///
/// An e-mail address is the same with capitals and with blanks around it: it is kept in lower case and
/// without them. Any other name is kept as it is. What is sent to a broker is not changed by this.
///
/// ```
/// use wheelhouse_session::user_key;
///
/// assert_eq!(user_key(" Demo@Example.com"), "demo@example.com");
/// assert_eq!(user_key("Demo"), "Demo");
/// ```
pub fn user_key(user: &str) -> Cow<'_, str> {
    if !user.contains('@') {
        return Cow::Borrowed(user);
    }
    let key = user.trim().to_lowercase();
    match key == user {
        true => Cow::Borrowed(user),
        false => Cow::Owned(key),
    }
}

/// Keeps the records of a user under one spelling in another store. Those that stand under the spelling
/// that is given, from before there was one, are found as well, and move with their next write.
#[derive(Debug)]
pub(crate) struct OneSpelling<S>(pub(crate) S);

#[async_trait]
impl<S: SessionStore> SessionStore for OneSpelling<S> {
    fn namespace(&self) -> String {
        self.0.namespace()
    }

    async fn load(
        &self,
        key: &RecordKey,
        now: OffsetDateTime,
    ) -> Result<Option<Record>, StoreError> {
        self.0.load(key, now).await
    }

    async fn save(&self, record: &Record, mut write: Write) -> Result<(), StoreError> {
        let head = &record.head;
        let Cow::Owned(user) = user_key(&head.user) else {
            return self.0.save(record, write).await;
        };
        let asked = match &mut write {
            Write::Insert {
                limit: Some(limit),
                now,
            } => {
                let query = RecordQuery::new()
                    .with_kind(head.key.kind.clone())
                    .with_broker(head.broker.clone())
                    .with_user(head.user.as_str())
                    .alive_at(*now);
                let as_given = self.0.list(&query).await?.len();
                let as_given = u32::try_from(as_given).unwrap_or(u32::MAX);
                let asked = *limit;
                *limit = limit.saturating_sub(as_given);
                Some(asked)
            }
            _ => None,
        };
        let mut record = record.clone();
        record.head.user = user;
        match (self.0.save(&record, write).await, asked) {
            (Err(StoreError::LimitReached { .. }), Some(limit)) => {
                Err(StoreError::LimitReached { limit })
            }
            (result, _) => result,
        }
    }

    async fn delete(&self, key: &RecordKey) -> Result<bool, StoreError> {
        self.0.delete(key).await
    }

    async fn list(&self, query: &RecordQuery) -> Result<Vec<RecordHead>, StoreError> {
        let mut heads = self.0.list(query).await?;
        if let Some(Cow::Owned(user)) = query.user.as_deref().map(user_key) {
            let query = query.clone().with_user(user);
            heads.append(&mut self.0.list(&query).await?);
            heads.sort_by_key(|head| head.created_at);
        }
        Ok(heads)
    }

    async fn prune(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
        self.0.prune(now).await
    }

    async fn lease(&self, request: &LeaseRequest) -> Result<Option<u64>, StoreError> {
        self.0.lease(request).await
    }
}
