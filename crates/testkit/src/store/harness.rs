use std::sync::Arc;

use async_trait::async_trait;
use time::{Duration, OffsetDateTime, macros::datetime};
use wheelhouse_core::{BrokerId, ExposeSecret};
use wheelhouse_crypto::{Key, KeyRing};
use wheelhouse_session::{
    EncryptedStore, Record, RecordHead, RecordKey, RecordKind, RecordQuery, SessionStore, Write,
};

use crate::{TestFailure, TestResult, outcome::ensure};

/// Opens a store for the suite.
#[async_trait]
pub trait StoreHarness: Send + Sync {
    /// Opens the store. The first call finds it empty; later ones open the same data, as another
    /// process would.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be opened; the check fails with it.
    async fn open(&self) -> Result<Arc<dyn SessionStore>, TestFailure>;

    /// Opens the same data below the encryption, if there is one.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    async fn open_below(&self) -> Result<Option<Arc<dyn SessionStore>>, TestFailure> {
        Ok(None)
    }

    /// Returns every byte that the store has written to a disk.
    ///
    /// # Errors
    ///
    /// Fails if they cannot be read.
    fn bytes_on_disk(&self) -> Result<Vec<u8>, TestFailure> {
        Ok(Vec::new())
    }
}

/// The store of another harness, under an [`EncryptedStore`].
#[derive(Debug)]
pub struct Encrypted<H>(H);

impl<H: StoreHarness> Encrypted<H> {
    /// Puts encryption above the store of `harness`.
    pub fn new(harness: H) -> Self {
        Self(harness)
    }
}

#[async_trait]
impl<H: StoreHarness> StoreHarness for Encrypted<H> {
    async fn open(&self) -> Result<Arc<dyn SessionStore>, TestFailure> {
        let key = Key::from_bytes(*b"a key for tests, of 32 bytes. Ok")?;
        let below = self.0.open().await?;
        Ok(Arc::new(EncryptedStore::new(below, KeyRing::new(key))))
    }

    async fn open_below(&self) -> Result<Option<Arc<dyn SessionStore>>, TestFailure> {
        Ok(Some(self.0.open().await?))
    }

    fn bytes_on_disk(&self) -> Result<Vec<u8>, TestFailure> {
        self.0.bytes_on_disk()
    }
}

pub(super) const NOW: OffsetDateTime = datetime!(2026-01-05 12:00 UTC);

pub(super) fn later(seconds: i64) -> OffsetDateTime {
    NOW + Duration::seconds(seconds)
}

pub(super) fn key(id: &str) -> RecordKey {
    RecordKey::new(RecordKind::SESSION, id)
}

pub(super) fn head(id: &str) -> RecordHead {
    RecordHead::new(key(id), BrokerId::tradelocker(), USER, NOW)
}

/// A record of [`USER`] that lives for an hour.
pub(super) fn record(id: &str, body: &str) -> Record {
    let head = head(id).with_expiry(later(3600));
    Record::new(head, body.as_bytes().to_vec())
}

pub(super) fn version(mut record: Record, version: u64) -> Record {
    record.head.version = version;
    record
}

pub(super) fn insert(limit: Option<u32>) -> Write {
    Write::Insert { limit, now: NOW }
}

pub(super) fn of_user(user: &str) -> RecordQuery {
    RecordQuery::new()
        .with_kind(RecordKind::SESSION)
        .with_user(user)
}

/// Checks that `found` is what was saved.
pub(super) fn same(found: Option<Record>, saved: &Record) -> TestResult {
    let Some(found) = found else {
        return Err(TestFailure::new("the record is not there"));
    };
    ensure!(
        found.head == saved.head,
        "the head {:?} is not the one that was saved, {:?}",
        found.head,
        saved.head
    );
    ensure!(found.head.user == saved.head.user, "the user has changed");
    ensure!(
        found.body.expose_secret() == saved.body.expose_secret(),
        "the body is not the one that was saved"
    );
    Ok(())
}

pub(super) const USER: &str = "user-canary@example.com";
