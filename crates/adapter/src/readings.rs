use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;
use wheelhouse_core::{Clock, Error, Result};

/// Readings of a list, each back to some time, shared by all who want to know what became of
/// something. One runs at a time, and it serves everybody who was waiting when it began: a thousand
/// open questions take hardly more requests than one.
///
/// `S` is what a reading finds.
#[derive(Debug)]
pub struct Readings<S> {
    state: Mutex<State<S>>,
    turn: tokio::sync::Mutex<()>,
    rest: Rest,
}

/// The time between two readings.
#[derive(Debug)]
enum Rest {
    None,
    Fixed(Duration),
    AsLongAsItTook { least: Duration },
}

#[derive(Debug)]
struct State<S> {
    /// How many readings have begun.
    begun: u64,
    /// How far back the next one has to go.
    from: Option<OffsetDateTime>,
    /// The last one that ended, and which it was.
    last: Option<(u64, Outcome<S>)>,
    /// When the next one may begin, in monotonic time.
    rested: Duration,
}

type Outcome<S> = Result<Arc<S>, Arc<Error>>;

/// Readings that follow each other without a pause.
impl<S> Default for Readings<S> {
    fn default() -> Self {
        Self::with(Rest::None)
    }
}

impl<S> Readings<S> {
    /// Lets `pause` pass between two readings. Who comes in it shares the next one.
    #[must_use]
    pub fn spaced(pause: Duration) -> Self {
        Self::with(Rest::Fixed(pause))
    }

    /// Lets at least `least` pass between two readings, or as long as the last one took, if that is
    /// longer: half of the time is left to others.
    #[must_use]
    pub fn resting(least: Duration) -> Self {
        Self::with(Rest::AsLongAsItTook { least })
    }

    fn with(rest: Rest) -> Self {
        let state = State {
            begun: 0,
            from: None,
            last: None,
            rested: Duration::ZERO,
        };
        Self {
            state: Mutex::new(state),
            turn: tokio::sync::Mutex::default(),
            rest,
        }
    }

    /// Takes part in the next reading, which goes back to `from` at least. `read` is not called if
    /// another caller's serves this one; it is handed how far back it has to go.
    ///
    /// # Errors
    ///
    /// What `read` ends with, to everybody whom it serves.
    pub async fn take_part<F>(
        &self,
        clock: &dyn Clock,
        from: OffsetDateTime,
        read: impl FnOnce(OffsetDateTime) -> F + Send,
    ) -> Result<Arc<S>, Arc<Error>>
    where
        F: Future<Output = Result<S>> + Send,
    {
        let wanted = {
            let mut state = self.lock();
            state.ask(from);
            state.begun + 1
        };
        let _turn = self.turn.lock().await;
        let rest = {
            let state = self.lock();
            // One that began after this call is good enough.
            if let Some((number, outcome)) = &state.last
                && *number >= wanted
            {
                return outcome.clone();
            }
            state.rested.saturating_sub(clock.monotonic())
        };
        if !rest.is_zero() {
            clock.sleep(rest).await;
        }
        let began = clock.monotonic();
        let (number, from) = {
            let mut state = self.lock();
            state.begun += 1;
            let earliest = state.from.take().map_or(from, |other| other.min(from));
            (state.begun, earliest)
        };
        let mut unfinished = Unfinished {
            readings: self,
            from: Some(from),
        };
        let outcome = read(from).await.map(Arc::new).map_err(Arc::new);
        unfinished.from = None;
        let ended = clock.monotonic();
        let mut state = self.lock();
        state.last = Some((number, outcome.clone()));
        state.rested = match self.rest {
            Rest::None => Duration::ZERO,
            Rest::Fixed(pause) => ended + pause,
            Rest::AsLongAsItTook { least } => ended + ended.saturating_sub(began).max(least),
        };
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> State<S> {
    fn ask(&mut self, from: OffsetDateTime) {
        self.from = Some(self.from.map_or(from, |other| other.min(from)));
    }
}

/// A reading under way. If it is given up, the next one has to go back as far for those who wait.
struct Unfinished<'a, S> {
    readings: &'a Readings<S>,
    from: Option<OffsetDateTime>,
}

impl<S> Drop for Unfinished<'_, S> {
    fn drop(&mut self) {
        if let Some(from) = self.from {
            self.readings.lock().ask(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use wheelhouse_core::SystemClock;

    use super::*;

    const AT: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    #[tokio::test(start_paused = true)]
    async fn however_many_ask_all_the_time_readings_leave_half_of_it_to_others() {
        for (takes, most) in [(Duration::ZERO, 21), (Duration::from_secs(1), 6)] {
            let clock = Arc::new(SystemClock::new());
            let readings = Arc::new(Readings::resting(Duration::from_millis(500)));
            let count = Arc::new(AtomicU32::new(0));
            let mut waiters = tokio::task::JoinSet::new();
            for n in 0..100 {
                let (readings, count) = (readings.clone(), count.clone());
                let clock = clock.clone();
                waiters.spawn(async move {
                    clock.sleep(Duration::from_millis(100 * n)).await;
                    let asked = clock.monotonic();
                    let read = |_| async {
                        count.fetch_add(1, Ordering::Relaxed);
                        let began = clock.monotonic();
                        clock.sleep(takes).await;
                        Ok(began)
                    };
                    let began = readings.take_part(&*clock, AT, read).await.unwrap();
                    assert!(*began >= asked, "an older reading was shared");
                });
            }
            while let Some(done) = waiters.join_next().await {
                done.unwrap();
            }
            let count = count.load(Ordering::Relaxed);
            assert!(count <= most + 1, "{count} readings in ten seconds");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_between_readings_is_kept_however_long_they_take() {
        let (pause, takes) = (Duration::from_millis(500), Duration::from_secs(2));
        let readings = Readings::spaced(pause);
        let clock = SystemClock::new();
        let read = |_| async {
            let began = clock.monotonic();
            clock.sleep(takes).await;
            Ok(began)
        };
        let first = readings.take_part(&clock, AT, read).await.unwrap();
        let second = readings.take_part(&clock, AT, read).await.unwrap();
        let between = *second - *first;
        let one_more = Duration::from_millis(5);
        assert!(
            (takes + pause..takes + pause + one_more).contains(&between),
            "{between:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn two_thousand_waiters_share_readings_that_go_back_far_enough() {
        for readings in [
            Readings::default(),
            Readings::spaced(Duration::from_millis(500)),
        ] {
            let readings = Arc::new(readings);
            let count = Arc::new(AtomicU32::new(0));
            let mut waiters = tokio::task::JoinSet::new();
            for n in 0..2_000 {
                let (readings, count) = (readings.clone(), count.clone());
                waiters.spawn(async move {
                    let own = AT + Duration::from_secs(n);
                    let read = |from: OffsetDateTime| async move {
                        count.fetch_add(1, Ordering::Relaxed);
                        assert!(from <= own);
                        tokio::task::yield_now().await;
                        Ok(())
                    };
                    let outcome = readings.take_part(&SystemClock::new(), own, read).await;
                    assert!(outcome.is_ok());
                });
            }
            while let Some(done) = waiters.join_next().await {
                done.unwrap();
            }
            let count = count.load(Ordering::Relaxed);
            assert!(count <= 3, "{count}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reading_that_began_earlier_does_not_serve_who_came_later() {
        let readings = Arc::new(Readings::default());
        let clock = SystemClock::new();
        let (go, gate) = tokio::sync::oneshot::channel::<()>();
        let first = {
            let readings = readings.clone();
            tokio::spawn(async move {
                let read = |_| async {
                    gate.await.unwrap();
                    Ok(1)
                };
                readings.take_part(&clock, AT, read).await
            })
        };
        tokio::task::yield_now().await;
        let second = {
            let readings = readings.clone();
            tokio::spawn(async move { readings.take_part(&clock, AT, |_| async { Ok(2) }).await })
        };
        tokio::task::yield_now().await;
        go.send(()).unwrap();
        let (first, second) = (
            first.await.unwrap().unwrap(),
            second.await.unwrap().unwrap(),
        );
        assert_eq!((*first, *second), (1, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_gives_up_leaves_the_turn_to_the_next() {
        let (readings, clock) = (Readings::default(), SystemClock::new());
        let never = readings.take_part(&clock, AT, |_| std::future::pending::<Result<()>>());
        tokio::select! {
            biased;
            _ = never => panic!("it has ended"),
            () = std::future::ready(()) => {}
        }
        let later = AT + Duration::from_secs(60);
        let read = |from: OffsetDateTime| async move {
            assert_eq!(from, AT);
            Ok(())
        };
        assert!(readings.take_part(&clock, later, read).await.is_ok());
    }
}
