use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{Key, KeyId, Result};

/// Where keys come from: a ring in memory, the OS keyring, a vault.
#[async_trait]
pub trait KeyProvider: fmt::Debug + Send + Sync + 'static {
    /// Returns the key that new records are sealed with.
    ///
    /// # Errors
    ///
    /// [`Error::Backend`](crate::Error::Backend) if the provider cannot be reached.
    async fn primary(&self) -> Result<Arc<Key>>;

    /// Returns the key with this id, or `None` if the provider does not have it.
    ///
    /// # Errors
    ///
    /// As [`primary`](Self::primary).
    async fn key(&self, id: &KeyId) -> Result<Option<Arc<Key>>>;

    /// Returns the ids of all keys that records may be sealed with, the primary first.
    ///
    /// # Errors
    ///
    /// As [`primary`](Self::primary).
    async fn ids(&self) -> Result<Vec<KeyId>>;
}

/// The primary key and older ones, in memory.
#[derive(Clone, Debug)]
pub struct KeyRing(Vec<Arc<Key>>);

impl KeyRing {
    /// Makes a ring of one key, the primary.
    pub fn new(primary: Key) -> Self {
        Self(vec![Arc::new(primary)])
    }

    /// Adds an older key, which still opens what was sealed with it. A key whose id the ring
    /// already has is left out.
    #[must_use]
    pub fn with_older(mut self, key: Key) -> Self {
        if self.find(key.id()).is_none() {
            self.0.push(Arc::new(key));
        }
        self
    }

    fn find(&self, id: &KeyId) -> Option<&Arc<Key>> {
        self.0.iter().find(|key| key.id() == id)
    }
}

#[async_trait]
impl KeyProvider for KeyRing {
    async fn primary(&self) -> Result<Arc<Key>> {
        // `new` puts the primary in and nothing takes it out.
        Ok(Arc::clone(&self.0[0]))
    }

    async fn key(&self, id: &KeyId) -> Result<Option<Arc<Key>>> {
        Ok(self.find(id).cloned())
    }

    async fn ids(&self) -> Result<Vec<KeyId>> {
        Ok(self.0.iter().map(|key| key.id().clone()).collect())
    }
}

#[async_trait]
impl<P: KeyProvider + ?Sized> KeyProvider for Arc<P> {
    async fn primary(&self) -> Result<Arc<Key>> {
        (**self).primary().await
    }

    async fn key(&self, id: &KeyId) -> Result<Option<Arc<Key>>> {
        (**self).key(id).await
    }

    async fn ids(&self) -> Result<Vec<KeyId>> {
        (**self).ids().await
    }
}

fn _object_safe(_: &dyn KeyProvider) {}
