use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use wheelhouse_core::{BrokerId, Clock, Error, ErrorKind, ExposeSecret, Result, SecretString};
use wheelhouse_http::SystemRandom;
use wheelhouse_session::{
    Record, RecordHead, RecordKey, RecordKind, RecordQuery, SessionStore, StoreError, Write,
};

use crate::api::digest_of;

/// Keeps the token that names this device to the broker, for each user in each of the broker's worlds:
/// the token of one is never shown to another.
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
        Ok(devices.get(&(realm.to_owned(), user.to_owned())).cloned())
    }

    async fn keep(&self, realm: &str, user: &str, token: SecretString) -> Result<SecretString> {
        let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (realm.to_owned(), user.to_owned());
        Ok(devices.entry(key).or_insert(token).clone())
    }
}

/// Keeps device tokens in a session store, best one that is encrypted: as records of a kind of their
/// own, which no logout deletes.
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
}

impl<S> fmt::Debug for StoredDevices<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredDevices")
    }
}

#[async_trait]
impl<S: SessionStore> DeviceTokens for StoredDevices<S> {
    async fn load(&self, realm: &str, user: &str) -> Result<Option<SecretString>> {
        let now = self.clock.now();
        let query = RecordQuery::new()
            .with_kind(kind(realm))
            .with_broker(BrokerId::robinhood())
            .with_user(user);
        // The oldest counts: if two processes were at it at once, both end up with the same one.
        for head in self.store.list(&query).await? {
            if let Some(record) = self.store.load(&head.key, now).await? {
                let bytes = record.body.expose_secret();
                let text = std::str::from_utf8(bytes).map_err(|_| {
                    Error::new(ErrorKind::CorruptRecord, "a stored device token is no text")
                })?;
                return Ok(Some(text.into()));
            }
        }
        Ok(None)
    }

    async fn keep(&self, realm: &str, user: &str, token: SecretString) -> Result<SecretString> {
        if let Some(known) = self.load(realm, user).await? {
            return Ok(known);
        }
        let now = self.clock.now();
        let id = super::random_uuid(&SystemRandom)?;
        let key = RecordKey::new(kind(realm), id);
        let head = RecordHead::new(key, BrokerId::robinhood(), user, now);
        let record = Record::new(head, token.expose_secret().as_bytes().to_vec());
        let write = Write::Insert {
            limit: Some(1),
            now,
        };
        match self.store.save(&record, write).await {
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
