use std::sync::Arc;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretSlice};
use time::OffsetDateTime;
use wheelhouse_core::Random;
use wheelhouse_crypto::{Binding, KeyProvider, Sealer};
use zeroize::Zeroizing;

use crate::{
    LeaseRequest, Record, RecordHead, RecordKey, RecordQuery, SessionStore, StoreError, Write,
};

/// Seals what goes into another store and opens what comes out.
///
/// In the clear remain: kind and id of a record, the broker, the version, the times and a keyed hash
/// of the user's name. All of them are bound to the sealed part: a record that was edited, or moved
/// to another user, session, kind, broker or store, is not given out.
///
/// Every write seals under the primary key, so a rotated key goes out of use as sessions refresh. Of a
/// record that is written rarely, [`Record::under_older_key`] tells its reader to write it again.
#[derive(Clone, Debug)]
pub struct EncryptedStore<S> {
    inner: S,
    sealer: Sealer,
}

impl<S: SessionStore> EncryptedStore<S> {
    /// Puts encryption above `inner`.
    pub fn new(inner: S, keys: impl KeyProvider) -> Self {
        Self {
            inner,
            sealer: Sealer::new(Arc::new(keys)),
        }
    }

    /// Replaces the random source; see [`Sealer::with_random`].
    #[must_use]
    pub fn with_random(mut self, random: Arc<dyn Random>) -> Self {
        self.sealer = self.sealer.with_random(random);
        self
    }

    /// Returns the store below.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    fn binding(&self, head: &RecordHead) -> Binding {
        Binding::new(head.key.kind.as_str())
            .store(self.inner.namespace())
            .broker(head.broker.as_str())
            .user(&head.user)
            .record(&head.key.id)
            .version(head.version)
    }

    async fn seal(&self, record: &Record) -> Result<Record, StoreError> {
        let mut head = record.head.clone();
        head.user = self.sealer.user_hash(&record.head.user).await?.into();
        let plain = envelope(&record.head, record.body.expose_secret());
        let body = self.sealer.seal(&self.binding(&head), &plain).await?;
        Ok(Record::new(head, body))
    }

    async fn open(&self, record: Record) -> Result<Record, StoreError> {
        let binding = self.binding(&record.head);
        let plain = self
            .sealer
            .open(&binding, record.body.expose_secret())
            .await?;
        let mismatch = || StoreError::Corrupt("a record does not belong where it stands".into());
        let (user, times, body) = unpack(plain.expose_secret()).ok_or_else(mismatch)?;
        // The user's hash is bound to the record; the times are not and stand in it a second time.
        if times != times_of(&record.head) {
            return Err(mismatch());
        }
        // The hash of the user's name is another one under each key.
        let hash = self.sealer.user_hash(user).await;
        let under_older_key = hash.is_ok_and(|hash| hash.as_str() != record.head.user);
        let mut head = record.head;
        head.user = user.to_owned();
        let mut opened = Record::new(head, SecretSlice::from(body.to_vec()));
        opened.under_older_key = under_older_key;
        Ok(opened)
    }

    /// Counts the user's records that are still under an older key and so under another hash.
    async fn under_older_keys(
        &self,
        head: &RecordHead,
        now: OffsetDateTime,
    ) -> Result<u32, StoreError> {
        let mut count = 0;
        for hash in self.sealer.user_hashes(&head.user).await?.iter().skip(1) {
            let query = RecordQuery::new()
                .with_kind(head.key.kind.clone())
                .with_broker(head.broker.clone())
                .with_user(hash.as_str())
                .alive_at(now);
            count += self.inner.list(&query).await?.len();
        }
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }
}

#[async_trait]
impl<S: SessionStore> SessionStore for EncryptedStore<S> {
    fn namespace(&self) -> String {
        self.inner.namespace()
    }

    async fn load(
        &self,
        key: &RecordKey,
        now: OffsetDateTime,
    ) -> Result<Option<Record>, StoreError> {
        match self.inner.load(key, now).await? {
            // A store that answers with another record than the one asked for is not to be believed.
            Some(record) if record.head.key != *key => Err(StoreError::Corrupt(
                "a record stands under the key of another".into(),
            )),
            Some(record) => Ok(Some(self.open(record).await?)),
            None => Ok(None),
        }
    }

    async fn save(&self, record: &Record, mut write: Write) -> Result<(), StoreError> {
        let asked = match &mut write {
            Write::Insert {
                limit: Some(limit),
                now,
            } => {
                let asked = *limit;
                *limit = limit.saturating_sub(self.under_older_keys(&record.head, *now).await?);
                Some(asked)
            }
            _ => None,
        };
        let sealed = self.seal(record).await?;
        match (self.inner.save(&sealed, write).await, asked) {
            (Err(StoreError::LimitReached { .. }), Some(limit)) => {
                Err(StoreError::LimitReached { limit })
            }
            (result, _) => result,
        }
    }

    async fn delete(&self, key: &RecordKey) -> Result<bool, StoreError> {
        self.inner.delete(key).await
    }

    async fn list(&self, query: &RecordQuery) -> Result<Vec<RecordHead>, StoreError> {
        let Some(user) = &query.user else {
            return self.inner.list(query).await;
        };
        let mut heads = Vec::new();
        for hash in self.sealer.user_hashes(user).await? {
            let query = query.clone().with_user(hash);
            heads.append(&mut self.inner.list(&query).await?);
        }
        heads.sort_by_key(|head| head.created_at);
        Ok(heads)
    }

    async fn prune(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
        self.inner.prune(now).await
    }

    async fn lease(&self, request: &LeaseRequest) -> Result<Option<u64>, StoreError> {
        self.inner.lease(request).await
    }
}

type Times = [u8; 33];

/// Writes what is sealed: the clear parts that associated data does not bind, then the body.
fn envelope(head: &RecordHead, body: &[u8]) -> Zeroizing<Vec<u8>> {
    let user = head.user.as_bytes();
    let mut out = Zeroizing::new(Vec::with_capacity(33 + 4 + user.len() + body.len()));
    out.extend_from_slice(&times_of(head));
    // User names are at most 1 KiB.
    out.extend_from_slice(&(user.len() as u32).to_be_bytes());
    out.extend_from_slice(user);
    out.extend_from_slice(body);
    out
}

fn unpack(plain: &[u8]) -> Option<(&str, Times, &[u8])> {
    let (times, rest) = plain.split_first_chunk::<33>()?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let (user, body) = rest.split_at_checked(u32::from_be_bytes(*len) as usize)?;
    Some((std::str::from_utf8(user).ok()?, *times, body))
}

fn times_of(head: &RecordHead) -> Times {
    let mut times = [0; 33];
    times[..16].copy_from_slice(&head.created_at.unix_timestamp_nanos().to_be_bytes());
    if let Some(at) = head.expires_at {
        times[16] = 1;
        times[17..].copy_from_slice(&at.unix_timestamp_nanos().to_be_bytes());
    }
    times
}
