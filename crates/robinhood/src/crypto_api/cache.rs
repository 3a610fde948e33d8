use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use wheelhouse_core::{Clock, Result};

/// A value that is loaded when it is needed and kept for a while. One loading runs at a time and
/// serves everybody who was waiting when it began, also if it fails: fifty callers take no more
/// requests than two.
#[derive(Debug)]
pub(crate) struct Cached<T> {
    state: Mutex<State<T>>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State<T> {
    /// How many loadings have begun.
    begun: u64,
    /// The last one that ended, and which it was.
    last: Option<(u64, Result<Arc<T>>)>,
    /// The last value and when it was loaded, in monotonic time.
    value: Option<(Arc<T>, Duration)>,
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        let state = State {
            begun: 0,
            last: None,
            value: None,
        };
        Self {
            state: Mutex::new(state),
            turn: tokio::sync::Mutex::new(()),
        }
    }
}

impl<T: Send + Sync> Cached<T> {
    /// Returns the value if it is not older than `age`.
    pub(crate) fn fresh(&self, clock: &dyn Clock, age: Duration) -> Option<Arc<T>> {
        let state = self.lock();
        let (value, loaded_at) = state.value.as_ref()?;
        let young = clock.monotonic().saturating_sub(*loaded_at) <= age;
        young.then(|| value.clone())
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
    {
        match self.fresh(clock, age) {
            Some(value) => Ok(value),
            None => self.load(clock, Some(age), load).await,
        }
    }

    /// Returns a value whose loading has begun after this call.
    pub(crate) async fn renew<F>(
        &self,
        clock: &dyn Clock,
        load: impl FnOnce() -> F + Send,
    ) -> Result<Arc<T>>
    where
        F: Future<Output = Result<T>> + Send,
    {
        self.load(clock, None, load).await
    }

    async fn load<F>(
        &self,
        clock: &dyn Clock,
        age: Option<Duration>,
        load: impl FnOnce() -> F + Send,
    ) -> Result<Arc<T>>
    where
        F: Future<Output = Result<T>> + Send,
    {
        let wanted = self.lock().begun + 1;
        let _turn = self.turn.lock().await;
        if let Some(value) = age.and_then(|age| self.fresh(clock, age)) {
            return Ok(value);
        }
        let number = {
            let mut state = self.lock();
            if let Some((number, outcome)) = &state.last
                && *number >= wanted
            {
                return outcome.clone();
            }
            state.begun += 1;
            state.begun
        };
        let outcome = load().await.map(Arc::new);
        let mut state = self.lock();
        if let Ok(value) = &outcome {
            state.value = Some((value.clone(), clock.monotonic()));
        }
        state.last = Some((number, outcome.clone()));
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use wheelhouse_core::{Error, ErrorKind, SystemClock};

    use super::*;

    async fn fifty(fails: bool) -> u32 {
        let cached = Arc::new(Cached::<u32>::default());
        let count = Arc::new(AtomicU32::new(0));
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (cached, count) = (cached.clone(), count.clone());
            callers.spawn(async move {
                let load = || async {
                    let number = count.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                    match fails {
                        true => Err(Error::new(ErrorKind::Network, "away")),
                        false => Ok(number),
                    }
                };
                let outcome = cached.renew(&SystemClock::new(), load).await;
                assert_eq!(outcome.is_err(), fails);
            });
        }
        while let Some(done) = callers.join_next().await {
            done.unwrap();
        }
        count.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn fifty_callers_share_success_and_failure() {
        assert!(fifty(false).await <= 2);
        assert!(fifty(true).await <= 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_is_kept_for_its_age_and_renewed_on_demand() {
        let (cached, clock) = (Cached::<u32>::default(), SystemClock::new());
        let age = Duration::from_secs(60);
        let get = async |number: u32| {
            let value = cached.get(&clock, age, || async move { Ok(number) }).await;
            *value.unwrap()
        };
        assert_eq!((get(1).await, get(2).await), (1, 1));
        let renewed = cached.renew(&clock, || async { Ok(3) }).await.unwrap();
        assert_eq!((*renewed, get(4).await), (3, 3));
        clock.sleep(Duration::from_secs(61)).await;
        assert_eq!(get(5).await, 5);
    }
}
