use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use wheelhouse_core::{Clock, Result};

/// A value that is loaded when it is needed and kept for a while.
///
/// One load runs at a time and serves everybody who waits when it ends, also when it fails; a failure
/// is not kept for those who come later. A caller that stops waiting in the middle of its load leaves
/// the load to the next one.
#[derive(Debug)]
pub struct Cached<T> {
    state: Mutex<State<T>>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State<T> {
    /// How many loads have begun.
    begun: u64,
    /// The last one that ended, and which it was.
    last: Option<(u64, Result<Arc<T>>)>,
    /// The last value and when it was loaded, in monotonic time.
    value: Option<(Arc<T>, Duration)>,
}

impl<T> State<T> {
    /// Returns the number of the last load that ended.
    fn ended(&self) -> u64 {
        self.last.as_ref().map_or(0, |(number, _)| *number)
    }
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

impl<T> Cached<T> {
    /// Returns the value if it is not older than `age`.
    pub fn fresh(&self, clock: &dyn Clock, age: Duration) -> Option<Arc<T>> {
        let state = self.lock();
        let (value, loaded_at) = state.value.as_ref()?;
        let young = clock.monotonic().saturating_sub(*loaded_at) <= age;
        young.then(|| value.clone())
    }

    /// Returns the value, whatever its age.
    pub fn any(&self) -> Option<Arc<T>> {
        let state = self.lock();
        state.value.as_ref().map(|(value, _)| value.clone())
    }

    /// Keeps a value that came in another way.
    pub fn put(&self, clock: &dyn Clock, value: Arc<T>) {
        self.lock().value = Some((value, clock.monotonic()));
    }

    /// Returns a value not older than `age`, loading it if need be.
    ///
    /// # Errors
    ///
    /// Fails as `load` does.
    pub async fn get<F>(
        &self,
        clock: &dyn Clock,
        age: Duration,
        load: impl FnOnce() -> F + Send,
    ) -> Result<Arc<T>>
    where
        F: Future<Output = Result<T>> + Send,
        T: Send + Sync,
    {
        match self.fresh(clock, age) {
            Some(value) => Ok(value),
            None => {
                let wanted = self.lock().ended() + 1;
                let good_enough = || self.fresh(clock, age);
                self.load(clock, wanted, good_enough, load).await
            }
        }
    }

    /// Returns a value other than `old`, loading it unless somebody has done so.
    ///
    /// # Errors
    ///
    /// Fails as `load` does.
    pub async fn newer<F>(
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
        let wanted = self.lock().ended() + 1;
        self.load(clock, wanted, newer, load).await
    }

    /// Returns a value whose load has begun after this call.
    ///
    /// # Errors
    ///
    /// Fails as `load` does.
    pub async fn renew<F>(
        &self,
        clock: &dyn Clock,
        load: impl FnOnce() -> F + Send,
    ) -> Result<Arc<T>>
    where
        F: Future<Output = Result<T>> + Send,
        T: Send + Sync,
    {
        let wanted = self.lock().begun + 1;
        self.load(clock, wanted, || None, load).await
    }

    /// Loads in turn, unless what others loaded meanwhile will do: a value that is good enough, or
    /// the outcome of load number `wanted` or a later one.
    async fn load<F>(
        &self,
        clock: &dyn Clock,
        wanted: u64,
        good_enough: impl Fn() -> Option<Arc<T>> + Send,
        load: impl FnOnce() -> F + Send,
    ) -> Result<Arc<T>>
    where
        F: Future<Output = Result<T>> + Send,
        T: Send + Sync,
    {
        let _turn = self.turn.lock().await;
        if let Some(value) = good_enough() {
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

    const HOUR: Duration = Duration::from_secs(3_600);

    #[derive(Default)]
    struct Source {
        asked: AtomicU32,
        down: bool,
    }

    impl Source {
        async fn load(&self) -> Result<u32> {
            let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
            SystemClock::new().sleep(Duration::from_millis(10)).await;
            match self.down {
                true => Err(Error::new(ErrorKind::Network, "down")),
                false => Ok(number),
            }
        }
    }

    async fn a_hundred(down: bool) -> (Vec<Result<u32>>, u32) {
        let (cached, clock) = (Arc::new(Cached::default()), Arc::new(SystemClock::new()));
        let source = Arc::new(Source {
            down,
            ..Source::default()
        });
        let callers: Vec<_> = (0..100)
            .map(|_| {
                let (cached, clock, source) = (cached.clone(), clock.clone(), source.clone());
                tokio::spawn(async move {
                    let value = cached.get(&*clock, HOUR, || source.load()).await;
                    value.map(|value| *value)
                })
            })
            .collect();
        let mut outcomes = Vec::new();
        for caller in callers {
            outcomes.push(caller.await.unwrap());
        }
        let asked = source.asked.load(Ordering::Relaxed);
        let later = cached.get(&*clock, HOUR, || async { Ok(7) }).await.unwrap();
        assert_eq!(*later, if down { 7 } else { 1 });
        (outcomes, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn a_hundred_callers_share_one_load() {
        let (outcomes, asked) = a_hundred(false).await;
        assert!(outcomes.iter().all(|value| matches!(value, Ok(1))));
        assert_eq!(asked, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_reaches_all_who_waited_and_nobody_after() {
        let (outcomes, asked) = a_hundred(true).await;
        let failed = |value: &Result<u32>| value.as_ref().is_err_and(|error| error.code() == 2001);
        assert!(outcomes.iter().all(failed));
        assert_eq!(asked, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_too_old_is_loaded_again() {
        let (cached, clock, source) = (Cached::default(), SystemClock::new(), Source::default());
        let first = cached.get(&clock, HOUR, || source.load()).await.unwrap();
        tokio::time::advance(HOUR + Duration::from_secs(1)).await;
        let second = cached.get(&clock, HOUR, || source.load()).await.unwrap();
        assert_eq!((*first, *second), (1, 2));
        assert_eq!(cached.any().as_deref(), Some(&2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_newer_value_is_loaded_once_for_all_who_have_the_old_one() {
        let (cached, clock, source) = (Cached::default(), SystemClock::new(), Source::default());
        let old = cached.get(&clock, HOUR, || source.load()).await.unwrap();
        let (first, second) = tokio::join!(
            cached.newer(&clock, &old, || source.load()),
            cached.newer(&clock, &old, || source.load()),
        );
        assert_eq!((*first.unwrap(), *second.unwrap()), (2, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewed_value_was_loaded_after_it_was_asked_for() {
        let (cached, clock, source) = (Cached::default(), SystemClock::new(), Source::default());
        let (first, second, third) = tokio::join!(
            cached.get(&clock, HOUR, || source.load()),
            // These come while the first load runs, which may have read before they were asked.
            cached.renew(&clock, || source.load()),
            cached.renew(&clock, || source.load()),
        );
        assert_eq!(
            (*first.unwrap(), *second.unwrap(), *third.unwrap()),
            (1, 2, 2)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_stops_waiting_leaves_the_load_to_the_next() {
        let (cached, clock, source) = (Cached::default(), SystemClock::new(), Source::default());
        tokio::select! {
            value = cached.get(&clock, HOUR, || source.load()) => panic!("{value:?}"),
            () = clock.sleep(Duration::from_millis(5)) => {}
        }
        assert_eq!(
            *cached.get(&clock, HOUR, || source.load()).await.unwrap(),
            2
        );
    }
}
