use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use wheelhouse_core::{Clock, Result};

/// A value that is loaded when it is needed and kept for a while. Callers that come while it is
/// loaded share the result.
#[derive(Debug)]
pub(crate) struct Cached<T> {
    slot: Mutex<Option<Slot<T>>>,
    loading: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Slot<T> {
    value: Arc<T>,
    loaded_at: Duration,
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self {
            slot: Mutex::new(None),
            loading: tokio::sync::Mutex::new(()),
        }
    }
}

impl<T> Cached<T> {
    /// Returns the value if it is not older than `age`.
    pub(crate) fn fresh(&self, clock: &dyn Clock, age: Duration) -> Option<Arc<T>> {
        let slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        let young = |slot: &&Slot<T>| clock.monotonic().saturating_sub(slot.loaded_at) <= age;
        slot.as_ref().filter(young).map(|slot| slot.value.clone())
    }

    /// Keeps a value.
    pub(crate) fn put(&self, clock: &dyn Clock, value: Arc<T>) {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        *slot = Some(Slot {
            value,
            loaded_at: clock.monotonic(),
        });
    }

    /// Returns a value not older than `age`, loading it if need be.
    pub(crate) async fn get<F>(
        &self,
        clock: &dyn Clock,
        age: Duration,
        load: impl FnOnce() -> F + Send,
    ) -> Result<Arc<T>>
    where
        F: Future<Output = Result<T>> + Send,
        T: Send + Sync,
    {
        if let Some(value) = self.fresh(clock, age) {
            return Ok(value);
        }
        let _turn = self.loading.lock().await;
        if let Some(value) = self.fresh(clock, age) {
            return Ok(value);
        }
        let value = Arc::new(load().await?);
        self.put(clock, value.clone());
        Ok(value)
    }
}
