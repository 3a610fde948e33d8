use std::{fmt, time::Duration};

use time::OffsetDateTime;
use tokio::time::Instant;
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
}

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
}
