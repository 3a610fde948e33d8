use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use time::OffsetDateTime;
use wheelhouse_core::Random;
use wheelhouse_crypto::SystemRandom;

use crate::{
    LeaseRequest, Record, RecordHead, RecordKey, RecordQuery, SessionStore, StoreError, Write,
};

/// Keeps records in memory: for tests, and for programs that log in each time they start.
///
/// A clone is the same store.
#[derive(Clone)]
pub struct MemoryStore {
    namespace: Arc<str>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    records: HashMap<RecordKey, Record>,
    leases: HashMap<String, Lease>,
}

struct Lease {
    holder: String,
    until: OffsetDateTime,
    generation: u64,
}

impl MemoryStore {
    /// Makes an empty store.
    pub fn new() -> Self {
        let mut id = [0; 8];
        // The name only has to differ from that of other stores; without randomness it is not unique.
        let _ = SystemRandom::new().fill(&mut id);
        Self {
            namespace: format!("memory:{:016x}", u64::from_be_bytes(id)).into(),
            inner: Arc::default(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    fn namespace(&self) -> String {
        self.namespace.to_string()
    }

    async fn load(
        &self,
        key: &RecordKey,
        now: OffsetDateTime,
    ) -> Result<Option<Record>, StoreError> {
        let inner = self.inner();
        let record = inner.records.get(key);
        Ok(record
            .filter(|record| !record.head.has_expired(now))
            .cloned())
    }

    async fn save(&self, record: &Record, write: Write) -> Result<(), StoreError> {
        let mut inner = self.inner();
        let head = &record.head;
        let before = inner.records.get(&head.key).map(|record| &record.head);
        match write {
            Write::Insert { limit, now } => {
                if before.is_some_and(|before| !before.has_expired(now)) {
                    return Err(StoreError::Conflict);
                }
                let query = RecordQuery::new()
                    .with_kind(head.key.kind.clone())
                    .with_broker(head.broker.clone())
                    .with_user(&head.user)
                    .alive_at(now);
                let alive = inner.records.values().filter(|r| query.matches(&r.head));
                if let Some(limit) = limit
                    && alive.count() >= limit as usize
                {
                    return Err(StoreError::LimitReached { limit });
                }
            }
            Write::Replace { version } => {
                if before.is_none_or(|before| before.version != version) || head.version <= version
                {
                    return Err(StoreError::Conflict);
                }
            }
        }
        inner.records.insert(head.key.clone(), record.clone());
        Ok(())
    }

    async fn delete(&self, key: &RecordKey) -> Result<bool, StoreError> {
        Ok(self.inner().records.remove(key).is_some())
    }

    async fn list(&self, query: &RecordQuery) -> Result<Vec<RecordHead>, StoreError> {
        let inner = self.inner();
        let heads = inner.records.values().map(|record| &record.head);
        let mut found: Vec<_> = heads.filter(|head| query.matches(head)).cloned().collect();
        found.sort_by(|a, b| (a.created_at, &a.key.id).cmp(&(b.created_at, &b.key.id)));
        Ok(found)
    }

    async fn prune(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
        let mut inner = self.inner();
        let before = inner.records.len();
        inner
            .records
            .retain(|_, record| !record.head.has_expired(now));
        inner.leases.retain(|_, lease| lease.until > now);
        Ok((before - inner.records.len()) as u64)
    }

    async fn lease(&self, request: &LeaseRequest) -> Result<Option<u64>, StoreError> {
        let mut inner = self.inner();
        let before = inner.leases.get_mut(&request.name);
        if request.ttl.is_zero() {
            // The row stays, so that the generation goes on from where it was.
            if let Some(lease) = before.filter(|lease| lease.holder == request.holder) {
                lease.until = request.now;
            }
            return Ok(None);
        }
        let generation = match before {
            Some(lease) if lease.holder == request.holder && lease.until > request.now => {
                lease.generation
            }
            Some(lease) if lease.until > request.now => return Ok(None),
            Some(lease) => lease.generation + 1,
            None => 1,
        };
        let lease = Lease {
            holder: request.holder.clone(),
            until: request.until(),
            generation,
        };
        inner.leases.insert(request.name.clone(), lease);
        Ok(Some(generation))
    }
}
