use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use wheelhouse_core::{Clock, Error, Result};

/// A value that is loaded when it is needed and kept for a while. Callers that come while it is
/// loaded share the result, success or failure.
#[derive(Debug)]
pub(crate) struct Cached<T> {
    slot: Mutex<Option<Slot<T>>>,
    /// How many loads have ended, and how the last one failed if it did.
    ended: Mutex<(u64, Option<Error>)>,
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
            ended: Mutex::new((0, None)),
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

    /// Returns the value, whatever its age.
    pub(crate) fn any(&self) -> Option<Arc<T>> {
        let slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        slot.as_ref().map(|slot| slot.value.clone())
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
        self.load(clock, || self.fresh(clock, age), load).await
    }

    /// Returns a value other than `old`, loading it unless somebody has done so.
    pub(crate) async fn newer<F>(
        &self,
        clock: &dyn Clock,
        old: &Arc<T>,
        load: impl FnOnce() -> F + Send,
    ) -> Result<Arc<T>>
    where
        F: Future<Output = Result<T>> + Send,
        T: Send + Sync,
    {
        let newer = || self.any().filter(|value| !Arc::ptr_eq(value, old));
        self.load(clock, newer, load).await
    }

    async fn load<F>(
        &self,
        clock: &dyn Clock,
        good_enough: impl Fn() -> Option<Arc<T>> + Send,
        load: impl FnOnce() -> F + Send,
    ) -> Result<Arc<T>>
    where
        F: Future<Output = Result<T>> + Send,
        T: Send + Sync,
    {
        let before = self.ended().0;
        let _turn = self.loading.lock().await;
        if let Some(value) = good_enough() {
            return Ok(value);
        }
        if let (ended, Some(failure)) = &*self.ended()
            && *ended != before
        {
            return Err(failure.clone());
        }
        let outcome = load().await.map(Arc::new);
        if let Ok(value) = &outcome {
            self.put(clock, value.clone());
        }
        let mut ended = self.ended();
        *ended = (ended.0 + 1, outcome.as_ref().err().cloned());
        outcome
    }

    fn ended(&self) -> MutexGuard<'_, (u64, Option<Error>)> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use wheelhouse_core::{ErrorKind, SystemClock};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_failure_reaches_all_who_waited_and_nobody_after() {
        let cached = Arc::new(Cached::<u32>::default());
        let clock = Arc::new(SystemClock::new());
        let count = Arc::new(AtomicU32::new(0));
        let waiters: Vec<_> = (0..100)
            .map(|_| {
                let (cached, clock, count) = (cached.clone(), clock.clone(), count.clone());
                tokio::spawn(async move {
                    let load = || async {
                        count.fetch_add(1, Ordering::Relaxed);
                        tokio::task::yield_now().await;
                        Err(Error::new(ErrorKind::Network, "down"))
                    };
                    cached.get(&*clock, Duration::MAX, load).await
                })
            })
            .collect();
        for waiter in waiters {
            assert_eq!(waiter.await.unwrap().unwrap_err().code(), 2001);
        }
        assert_eq!(count.load(Ordering::Relaxed), 1);
        let value = cached.get(&*clock, Duration::MAX, || async { Ok(7) }).await;
        assert_eq!(*value.unwrap(), 7);
    }
}
