use std::{
    borrow::Cow,
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use wheelhouse_core::{BrokerId, Clock, ExposeSecret, Result, SecretString};
use wheelhouse_http::SystemRandom;
use wheelhouse_session::{
    Record, RecordHead, RecordKey, RecordKind, RecordQuery, SessionStore, StoreError, Write,
    user_key,
};

use crate::api::digest_of;

/// Keeps the token that names this device to the broker, for each user in each of the broker's worlds:
/// the token of one is never shown to another. All spellings of an e-mail address are one user; see
/// [`user_key`].
///
/// It outlives logout: with a new one, the user has to approve the device again.
#[async_trait]
pub trait DeviceTokens: fmt::Debug + Send + Sync + 'static {
    /// Returns the token of a user in a realm, if there is one. The realm is what
    /// [`Authenticator::realm`](wheelhouse_session::Authenticator::realm) names: `live` or an address.
    ///
    /// # Errors
    ///
    /// Of the store.
    async fn load(&self, realm: &str, user: &str) -> Result<Option<SecretString>>;

    /// Keeps a token for a user who has none in this realm, and returns the one that is kept: another process may
    /// have been faster.
    ///
    /// # Errors
    ///
    /// Of the store.
    async fn keep(&self, realm: &str, user: &str, token: SecretString) -> Result<SecretString>;
}

/// Keeps device tokens as long as the process lives.
#[derive(Clone, Default)]
pub struct MemoryDevices(Arc<Mutex<Tokens>>);

/// By realm and user.
type Tokens = HashMap<(String, String), SecretString>;

impl MemoryDevices {
    /// Starts with none.
    pub fn new() -> Self {
        Self::default()
    }
}

impl fmt::Debug for MemoryDevices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryDevices")
    }
}

#[async_trait]
impl DeviceTokens for MemoryDevices {
    async fn load(&self, realm: &str, user: &str) -> Result<Option<SecretString>> {
        let devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(devices.get(&place(realm, user)).cloned())
    }

    async fn keep(&self, realm: &str, user: &str, token: SecretString) -> Result<SecretString> {
        let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = devices.entry(place(realm, user)).or_insert(token);
        Ok(kept.clone())
    }
}

fn place(realm: &str, user: &str) -> (String, String) {
    (realm.to_owned(), user_key(user).into_owned())
}

/// Keeps device tokens in a session store, best one that is encrypted: as records of a kind of their
/// own, which no logout deletes. One that is damaged is passed over, and a
/// new one stands beside it. One that is sealed under an older key is sealed again when it is read.
#[derive(Clone)]
pub struct StoredDevices<S> {
    store: S,
    clock: Arc<dyn Clock>,
}

impl<S: SessionStore> StoredDevices<S> {
    /// Keeps them in `store`.
    pub fn new(store: S, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    async fn heads(&self, realm: &str, user: &str) -> Result<Vec<RecordHead>> {
        let query = RecordQuery::new()
            .with_kind(kind(realm))
            .with_broker(BrokerId::robinhood())
            .with_user(user);
        let mut heads = self.store.list(&query).await?;
        // What was kept before there was one spelling stands under the one that was typed.
        if let Cow::Owned(user) = user_key(user) {
            heads.append(&mut self.store.list(&query.with_user(user)).await?);
            heads.sort_by_key(|head| head.created_at);
        }
        Ok(heads)
    }

    /// Returns the token, and how many records there are that cannot be read: they must not keep
    /// their user out, for a new token costs but an approval.
    async fn find(&self, realm: &str, user: &str) -> Result<(Option<SecretString>, u32)> {
        let now = self.clock.now();
        let mut damaged = 0;
        // The oldest counts: if two processes were at it at once, both end up with the same one.
        for head in self.heads(realm, user).await? {
            let record = match self.store.load(&head.key, now).await {
                Ok(Some(record)) => record,
                Ok(None) => continue,
                Err(error) if error.is_damage() => {
                    damaged += 1;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let token = match std::str::from_utf8(record.body.expose_secret()) {
                Ok(text) if !text.is_empty() => text.into(),
                _ => {
                    damaged += 1;
                    continue;
                }
            };
            self.renew(record).await;
            return Ok((Some(token), damaged));
        }
        if damaged > 0 {
            tracing::warn!("a stored device token cannot be read");
        }
        Ok((None, damaged))
    }

    /// Writes a record again that is under an older key, or under its user's name as it was typed: no
    /// refresh does it. If it fails, the next reader does it.
    async fn renew(&self, mut record: Record) {
        let user = user_key(&record.head.user).into_owned();
        if !record.under_older_key && user == record.head.user {
            return;
        }
        let version = record.head.version;
        record.head.user = user;
        record.head.version = version + 1;
        match self.store.save(&record, Write::Replace { version }).await {
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => {
                let code = error.kind().code();
                tracing::warn!(code, "a device token could not be sealed again");
            }
        }
    }
}

impl<S> fmt::Debug for StoredDevices<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredDevices")
    }
}

#[async_trait]
impl<S: SessionStore> DeviceTokens for StoredDevices<S> {
    async fn load(&self, realm: &str, user: &str) -> Result<Option<SecretString>> {
        Ok(self.find(realm, user).await?.0)
    }

    async fn keep(&self, realm: &str, user: &str, token: SecretString) -> Result<SecretString> {
        let (known, damaged) = self.find(realm, user).await?;
        if let Some(known) = known {
            return Ok(known);
        }
        let now = self.clock.now();
        let id = super::random_uuid(&SystemRandom)?;
        let key = RecordKey::new(kind(realm), id);
        let head = RecordHead::new(key, BrokerId::robinhood(), &*user_key(user), now);
        let record = Record::new(head, token.expose_secret().as_bytes().to_vec());
        let limit = Some(damaged + 1);
        match self.store.save(&record, Write::Insert { limit, now }).await {
            Ok(()) | Err(StoreError::LimitReached { .. } | StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.load(realm, user).await?.unwrap_or(token))
    }
}

/// A kind for each realm: a store counts and lists the records of a kind.
fn kind(realm: &str) -> RecordKind {
    RecordKind::from_text(match realm {
        LIVE => KIND.to_owned(),
        other => format!("{KIND}:{}", digest_of(other)),
    })
}

const KIND: &str = "device_token";
const LIVE: &str = "live";
