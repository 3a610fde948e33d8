use std::{fmt, time::Duration};

use time::OffsetDateTime;
use tokio::{task::JoinHandle, time::Instant};
use wheelhouse_core::{Clock, Sleep};

/// A clock that runs faster than the machine's: with factor 60 a minute takes a second.
///
/// It is for tests that need real sockets and long waits together. It begins at the machine's wall
/// time and sleeps on tokio's timer, which rounds waits up to a real millisecond; so short waits
/// take longer than they should, in its own time, and waits never end early.
#[derive(Clone)]
pub struct ScaledClock {
    factor: u32,
    origin: Instant,
    wall: OffsetDateTime,
}

impl ScaledClock {
    /// Starts a clock that runs `factor` times as fast; 0 counts as 1.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where time enters the tests"
    )]
    pub fn new(factor: u32) -> Self {
        Self {
            factor: factor.max(1),
            origin: Instant::now(),
            wall: OffsetDateTime::now_utc(),
        }
    }

    /// Tells `follow` the time, by this clock, every ten real milliseconds until what is returned
    /// is dropped: so the time of a simulator goes with the clock of its client. It has to be
    /// called on a tokio runtime.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use wheelhouse_core::Clock;
    /// use wheelhouse_testkit::ScaledClock;
    ///
    /// let clock = ScaledClock::new(60);
    /// let (told, mut time) = tokio::sync::watch::channel(clock.now());
    /// let _pace = clock.lead(move |now| _ = told.send_replace(now));
    /// time.changed().await.unwrap();
    /// # }
    /// ```
    pub fn lead(&self, mut follow: impl FnMut(OffsetDateTime) + Send + 'static) -> Pace {
        let clock = self.clone();
        Pace(tokio::spawn(async move {
            loop {
                clock.sleep(EVERY * clock.factor).await;
                follow(clock.now());
            }
        }))
    }
}

/// Keeps somebody in step with a [`ScaledClock`] until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Pace(JoinHandle<()>);

impl Drop for Pace {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How often a follower is told the time, in real time.
const EVERY: Duration = Duration::from_millis(10);

impl fmt::Debug for ScaledClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScaledClock(x{})", self.factor)
    }
}

impl Clock for ScaledClock {
    fn now(&self) -> OffsetDateTime {
        self.wall + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed().saturating_mul(self.factor)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is where time enters the tests"
    )]
    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration / self.factor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_minute_of_its_own_passes_in_a_second() {
        let (clock, real) = (ScaledClock::new(60), ScaledClock::new(1));
        let wall = clock.now();
        clock.sleep(Duration::from_secs(60)).await;
        assert_eq!(real.monotonic(), Duration::from_secs(1));
        assert_eq!(clock.monotonic(), Duration::from_secs(60));
        assert_eq!(clock.now() - wall, time::Duration::minutes(1));
    }

    #[tokio::test(start_paused = true)]
    async fn who_follows_is_told_the_time_until_the_pace_is_dropped() {
        let clock = ScaledClock::new(60);
        let (told, time) = tokio::sync::watch::channel(clock.now());
        let pace = clock.lead(move |now| _ = told.send_replace(now));
        clock.sleep(Duration::from_secs(60)).await;
        assert!(clock.now() - *time.borrow() <= 2 * EVERY * 60);
        assert!(time.has_changed().is_ok());
        drop(pace);
        clock.sleep(Duration::from_secs(60)).await;
        assert!(time.has_changed().is_err(), "the follower is gone");
    }
}
