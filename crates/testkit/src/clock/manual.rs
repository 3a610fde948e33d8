use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use time::OffsetDateTime;
use wheelhouse_core::{Clock, Sleep};

/// A clock that stands still until a test moves it.
///
/// Clones share the time, so a test keeps one and hands out the other. It needs no runtime.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use wheelhouse_core::Clock;
/// use wheelhouse_testkit::ManualClock;
///
/// let clock = ManualClock::new();
/// let given: Arc<dyn Clock> = Arc::new(clock.clone());
/// let start = given.now();
/// clock.advance(Duration::from_secs(45 * 60));
/// assert_eq!(given.now() - start, time::Duration::minutes(45));
/// ```
#[derive(Clone)]
pub struct ManualClock(Arc<Mutex<Inner>>);

struct Inner {
    start: OffsetDateTime,
    jumped: time::Duration,
    passed: Duration,
    next_id: u64,
    sleepers: BTreeMap<Deadline, Option<Waker>>,
}

/// When a sleeper wakes; those of one moment wake in the order in which they fell asleep.
type Deadline = (Duration, u64);

impl ManualClock {
    /// Starts at Monday, 5 January 2026, 12:00 UTC.
    pub fn new() -> Self {
        Self::at(time::macros::datetime!(2026-01-05 12:00 UTC))
    }

    /// Starts at `wall`. The monotonic time begins at zero.
    pub fn at(wall: OffsetDateTime) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            start: wall,
            jumped: time::Duration::ZERO,
            passed: Duration::ZERO,
            next_id: 0,
            sleepers: BTreeMap::new(),
        })))
    }

    /// Lets time pass at once. Who sleeps until then wakes, in the order of the deadlines, and finds
    /// the new time.
    pub fn advance(&self, by: Duration) {
        let target = self.lock().passed.saturating_add(by);
        while self.step_towards(target) {}
        self.lock().passed = target;
    }

    /// Lets time pass from one deadline to the next, and lets other tasks run at each, so that a loop
    /// that sleeps goes round as often as it would in real time.
    pub async fn walk(&self, by: Duration) {
        let target = self.lock().passed.saturating_add(by);
        yield_often().await;
        while self.step_towards(target) {
            yield_often().await;
        }
        self.lock().passed = target;
        yield_often().await;
    }

    /// Sets the wall time forward or back, as an administrator or a time server does. Monotonic time
    /// and sleepers do not notice.
    pub fn jump_wall(&self, by: time::Duration) {
        let mut inner = self.lock();
        inner.jumped += by;
    }

    /// Returns how many are asleep.
    pub fn sleepers(&self) -> usize {
        self.lock().sleepers.len()
    }

    /// Returns how long it is until somebody wakes; `None` if nobody sleeps.
    pub fn next_wake(&self) -> Option<Duration> {
        let inner = self.lock();
        let ((deadline, _), _) = inner.sleepers.first_key_value()?;
        Some(deadline.saturating_sub(inner.passed))
    }

    /// Moves to the next deadline up to `target` and wakes its sleeper; `false` if there is none.
    fn step_towards(&self, target: Duration) -> bool {
        let waker = {
            let mut inner = self.lock();
            match inner.sleepers.first_key_value() {
                Some(((deadline, _), _)) if *deadline <= target => {}
                _ => return false,
            }
            let Some(((deadline, _), waker)) = inner.sleepers.pop_first() else {
                return false;
            };
            inner.passed = inner.passed.max(deadline);
            waker
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock")
            .field("now", &self.now())
            .field("sleepers", &self.sleepers())
            .finish()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        let inner = self.lock();
        inner.start + inner.jumped + inner.passed
    }

    fn monotonic(&self) -> Duration {
        self.lock().passed
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let mut inner = self.lock();
        let id = inner.next_id;
        inner.next_id += 1;
        let deadline = (inner.passed.saturating_add(duration), id);
        inner.sleepers.insert(deadline, None);
        Box::pin(ManualSleep {
            clock: self.clone(),
            deadline,
        })
    }
}

struct ManualSleep {
    clock: ManualClock,
    deadline: Deadline,
}

impl Future for ManualSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.clock.lock();
        if inner.passed >= self.deadline.0 {
            inner.sleepers.remove(&self.deadline);
            return Poll::Ready(());
        }
        inner
            .sleepers
            .insert(self.deadline, Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for ManualSleep {
    fn drop(&mut self) {
        self.clock.lock().sleepers.remove(&self.deadline);
    }
}

/// Gives woken tasks, and those that they wake in turn, a chance to run.
async fn yield_often() {
    for _ in 0..32 {
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleepers_wake_in_the_order_of_their_deadlines() {
        let clock = ManualClock::new();
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for seconds in [30, 10, 20] {
            let (sleep, log) = (clock.sleep(Duration::from_secs(seconds)), log.clone());
            tasks.push(tokio::spawn(async move {
                sleep.await;
                log.lock().unwrap().push(seconds);
            }));
        }
        tokio::task::yield_now().await;
        assert_eq!(clock.next_wake(), Some(Duration::from_secs(10)));
        clock.advance(Duration::from_secs(25));
        tokio::task::yield_now().await;
        assert_eq!(*log.lock().unwrap(), [10, 20]);
        clock.advance(Duration::from_secs(5));
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*log.lock().unwrap(), [10, 20, 30]);
        assert_eq!(clock.sleepers(), 0);
    }

    #[tokio::test]
    async fn walking_lets_a_loop_go_round_as_often_as_in_real_time() {
        let clock = ManualClock::new();
        let rounds = Arc::new(Mutex::new(0));
        let (inside, counted) = (clock.clone(), rounds.clone());
        let task = tokio::spawn(async move {
            loop {
                inside.sleep(Duration::from_secs(60)).await;
                *counted.lock().unwrap() += 1;
            }
        });
        clock.walk(Duration::from_secs(600)).await;
        assert_eq!(*rounds.lock().unwrap(), 10);
        task.abort();
    }

    #[test]
    fn a_jump_of_the_wall_clock_moves_neither_monotonic_time_nor_sleepers() {
        let clock = ManualClock::new();
        let start = clock.now();
        let _sleep = clock.sleep(Duration::from_secs(10));
        clock.jump_wall(time::Duration::hours(-1));
        assert_eq!(clock.now() - start, time::Duration::hours(-1));
        assert_eq!(clock.monotonic(), Duration::ZERO);
        assert_eq!(clock.sleepers(), 1);
    }
}
