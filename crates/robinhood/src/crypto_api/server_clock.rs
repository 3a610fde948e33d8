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
    /// Starts from a difference that is known already.
    pub(crate) fn ahead_by(ahead: Duration) -> Self {
        Self {
            ahead_millis: AtomicI64::new(i64::try_from(ahead.whole_milliseconds()).unwrap_or(0)),
        }
    }

    /// Notes what an answer says that was asked for at `sent` and came at `received`; `true` if
    /// signatures are dated differently from now on.
    ///
    /// The broker wrote its time down somewhere in between, so an answer that took long tells little.
    pub(crate) fn note(
        &self,
        server: Option<OffsetDateTime>,
        sent: OffsetDateTime,
        received: OffsetDateTime,
    ) -> bool {
        let Some(server) = server else { return false };
        // The header has whole seconds, cut off.
        let least = server - received;
        let most = server + Duration::SECOND - sent.min(received);
        let middle: Duration = least + (most - least) / 2;
        if middle.abs() > ABSURD {
            return false;
        }
        let fits = |ahead: Duration| (least - NOISE..=most + NOISE).contains(&ahead);
        let ahead = match fits(Duration::ZERO) {
            true if self.ahead().is_zero() => return false,
            true => Duration::ZERO,
            false if fits(self.ahead()) => return false,
            false => middle,
        };
        let millis = Self::ahead_by(ahead).ahead_millis.into_inner();
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
    fn a_difference_that_is_known_holds_until_the_broker_tells_another() {
        let clock = ServerClock::ahead_by(Duration::seconds(40));
        assert!(!clock.note(None, NOW, NOW));
        assert!(!clock.note(Some(NOW + Duration::seconds(38)), NOW, NOW));
        assert_eq!(clock.ahead(), Duration::seconds(40));
        assert!(clock.note(Some(NOW), NOW, NOW));
        assert_eq!(clock.ahead(), Duration::ZERO);
    }

    #[test]
    fn an_answer_that_took_long_says_little_about_the_time() {
        let (clock, late) = (ServerClock::default(), NOW + Duration::seconds(25));
        // Written down when the request came, and when the answer left.
        assert!(!clock.note(Some(NOW), NOW, late));
        assert!(!clock.note(Some(late), NOW, late));
        assert_eq!(clock.ahead(), Duration::ZERO);
        // No way round it: the broker is at least a minute behind, and at most a minute and a half.
        assert!(clock.note(Some(NOW - Duration::seconds(60)), NOW, late));
        assert_eq!(clock.ahead(), Duration::seconds(-72));
        // A clock that is set while an answer is under way is no reason to panic.
        assert!(!clock.note(Some(NOW - Duration::seconds(72)), late, NOW));
    }

    #[test]
    fn a_difference_is_noted_and_noise_is_not() {
        let clock = ServerClock::default();
        assert!(!clock.note(None, NOW, NOW));
        assert!(!clock.note(Some(NOW - Duration::seconds(4)), NOW, NOW));
        assert_eq!(clock.ahead(), Duration::ZERO);
        assert!(clock.note(Some(NOW - Duration::seconds(40)), NOW, NOW));
        assert_eq!(clock.ahead(), Duration::milliseconds(-39_500));
        assert!(!clock.note(Some(NOW - Duration::seconds(41)), NOW, NOW));
        assert!(!clock.note(Some(NOW + Duration::days(400)), NOW, NOW));
        assert!(clock.note(Some(NOW), NOW, NOW));
        assert_eq!(clock.ahead(), Duration::ZERO);
    }
}
