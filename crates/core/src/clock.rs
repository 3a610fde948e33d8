use std::{fmt, future::Future, pin::Pin, time::Duration};

use time::OffsetDateTime;

use crate::Result;

/// The future that [`Clock::sleep`] returns.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where time comes from. Library code asks nothing else for it.
///
/// Wall time says when something expires at a broker; it can jump. Monotonic time measures waits; it
/// never goes back, and may stand still while the machine sleeps.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the wall time, in UTC.
    fn now(&self) -> OffsetDateTime;

    /// Returns the time since some fixed point in the past.
    fn monotonic(&self) -> Duration;

    /// Waits for `duration` of this clock.
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// Where randomness comes from.
pub trait Random: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes`.
    ///
    /// # Errors
    ///
    /// Fails if the source has failed; nothing that depends on it may go on then.
    fn fill(&self, bytes: &mut [u8]) -> Result<()>;
}

/// The machine's clock, sleeping on tokio's timer.
#[cfg(feature = "tokio")]
#[derive(Clone, Copy)]
pub struct SystemClock {
    origin: tokio::time::Instant,
}

#[cfg(feature = "tokio")]
impl SystemClock {
    /// Starts a clock; its monotonic time begins at zero.
    #[expect(clippy::disallowed_methods, reason = "this is where time enters")]
    pub fn new() -> Self {
        Self {
            origin: tokio::time::Instant::now(),
        }
    }
}

#[cfg(feature = "tokio")]
impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "tokio")]
impl fmt::Debug for SystemClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemClock")
    }
}

#[cfg(feature = "tokio")]
#[expect(clippy::disallowed_methods, reason = "this is where time enters")]
impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[cfg(all(test, feature = "tokio"))]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn sleeping_moves_monotonic_time_on() {
        let clock = SystemClock::new();
        clock.sleep(Duration::from_secs(3600)).await;
        assert!(clock.monotonic() >= Duration::from_secs(3600));
    }
}
