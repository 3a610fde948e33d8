//! The simulator's clock: wall time or a frozen start, plus what tests have added.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

/// Where simulated time begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// Time stands still at this instant and moves only through
    /// [`Sim::advance`](crate::Sim::advance); two runs with one seed then give the same answers.
    Frozen(OffsetDateTime),
    /// Time runs with the machine's clock. The default.
    #[default]
    Now,
}

#[derive(Debug, Clone)]
pub(crate) struct SimClock {
    frozen_at: Option<i64>,
    added: Arc<AtomicI64>,
}

impl SimClock {
    pub(crate) fn new(start: Start) -> Self {
        let frozen_at = match start {
            Start::Frozen(at) => Some(to_millis(at)),
            Start::Now => None,
        };
        Self {
            frozen_at,
            added: Arc::default(),
        }
    }

    /// Milliseconds since the epoch.
    pub(crate) fn now(&self) -> i64 {
        self.frozen_at.unwrap_or_else(wall) + self.added.load(Ordering::SeqCst)
    }

    pub(crate) fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 4);
        self.added.fetch_add(millis, Ordering::SeqCst);
    }
}

/// Suspends a connection for real: faults are felt by clients that live outside simulated time.
#[allow(
    clippy::disallowed_methods,
    reason = "the simulator is the far end; it has no Clock"
)]
pub(crate) async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}

#[allow(
    clippy::disallowed_methods,
    reason = "the one place where the simulator reads the time"
)]
fn wall() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX / 4)
        })
}

pub(crate) fn to_millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX / 4)
}

pub(crate) fn from_millis(millis: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_told() {
        let clock = SimClock::new(Start::Frozen(from_millis(1_000)));
        assert_eq!(clock.now(), 1_000);
        clock.advance(Duration::from_secs(2));
        assert_eq!(clock.clone().now(), 3_000);
    }
}
