use std::sync::atomic::{AtomicI64, Ordering};

use time::{Duration, OffsetDateTime};

/// Differences up to this are noise: the header has whole seconds, and answers travel.
const NOISE: Duration = Duration::seconds(5);
/// Differences beyond this are no clock's; something in between wrote the header.
const ABSURD: Duration = Duration::hours(24);

/// How far the broker's clock is ahead of ours, as its `Date` header tells. Signatures are dated by
/// it: the broker refuses those that are more than 30 s off.
#[derive(Debug, Default)]
pub(crate) struct ServerClock {
    ahead_millis: AtomicI64,
}

impl ServerClock {
    /// Notes what an answer says; `true` if signatures are dated differently from now on.
    pub(crate) fn note(&self, server: Option<OffsetDateTime>, now: OffsetDateTime) -> bool {
        let Some(server) = server else { return false };
        // The header has cut off half a second on average.
        let ahead = server + Duration::milliseconds(500) - now;
        if ahead.abs() > ABSURD {
            return false;
        }
        let ahead = if ahead.abs() <= NOISE {
            Duration::ZERO
        } else {
            ahead
        };
        if (ahead - self.ahead()).abs() <= NOISE {
            return false;
        }
        let millis = i64::try_from(ahead.whole_milliseconds()).unwrap_or(0);
        self.ahead_millis.store(millis, Ordering::Relaxed);
        tracing::warn!(%ahead, "the broker's clock and this one differ");
        true
    }

    /// Returns how far the broker's clock is ahead; zero while the difference is noise.
    pub(crate) fn ahead(&self) -> Duration {
        Duration::milliseconds(self.ahead_millis.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-20 15:00 UTC);

    #[test]
    fn a_difference_is_noted_and_noise_is_not() {
        let clock = ServerClock::default();
        assert!(!clock.note(None, NOW));
        assert!(!clock.note(Some(NOW - Duration::seconds(4)), NOW));
        assert_eq!(clock.ahead(), Duration::ZERO);
        assert!(clock.note(Some(NOW - Duration::seconds(40)), NOW));
        assert_eq!(clock.ahead(), Duration::milliseconds(-39_500));
        assert!(!clock.note(Some(NOW - Duration::seconds(41)), NOW));
        assert!(!clock.note(Some(NOW + Duration::days(400)), NOW));
        assert!(clock.note(Some(NOW), NOW));
        assert_eq!(clock.ahead(), Duration::ZERO);
    }
}
