use std::time::Duration;

use time::OffsetDateTime;
use wheelhouse_core::Clock;

/// How long a change whose answer was lost may take to show at the broker, counted from when it was
/// sent. What is not there after the window was never taken.
#[derive(Debug)]
pub struct ConsistencyWindow {
    /// In monotonic time, so that a clock that is set does not move it.
    end: Duration,
    ends_at: OffsetDateTime,
}

/// How long after the window a broker that does not answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

impl ConsistencyWindow {
    /// Begins the window of a change that was sent at `sent_at`.
    pub fn new(clock: &dyn Clock, sent_at: OffsetDateTime, length: Duration) -> Self {
        let now = clock.now();
        // Sent in the future means that the clock was set back: then the whole window is ahead.
        let passed = Duration::try_from(now - sent_at).unwrap_or(Duration::ZERO);
        Self {
            end: clock.monotonic() + length.saturating_sub(passed),
            ends_at: sent_at.saturating_add(length.try_into().unwrap_or(time::Duration::MAX)),
        }
    }

    /// Returns the end in wall time, for reports.
    pub fn ends_at(&self) -> OffsetDateTime {
        self.ends_at
    }

    /// Returns the end in monotonic time, for comparing.
    pub fn end(&self) -> Duration {
        self.end
    }

    /// Returns whether a broker that does not answer has been waited for long enough: 30 s beyond
    /// the window.
    pub fn is_hopeless(&self, clock: &dyn Clock) -> bool {
        clock.monotonic() >= self.end + PATIENCE
    }
}

/// The pauses between readings: 0.5, 1, 2, 4 and then 8 s. One that would reach beyond the end of the
/// window ends with it.
#[derive(Debug)]
pub struct Pauses {
    next: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            next: Duration::from_millis(500),
        }
    }
}

impl Pauses {
    /// Returns how long to wait before the next reading.
    pub fn next(&mut self, clock: &dyn Clock, window: &ConsistencyWindow) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(Duration::from_secs(8));
        let left = window.end.saturating_sub(clock.monotonic());
        match left {
            Duration::ZERO => pause,
            left => pause.min(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use time::macros::datetime;
    use wheelhouse_core::Sleep;

    use super::*;

    #[derive(Debug)]
    struct Hands(Mutex<(OffsetDateTime, Duration)>);

    impl Clock for Hands {
        fn now(&self) -> OffsetDateTime {
            self.0.lock().unwrap().0
        }

        fn monotonic(&self) -> Duration {
            self.0.lock().unwrap().1
        }

        fn sleep(&self, _: Duration) -> Sleep {
            Box::pin(std::future::ready(()))
        }
    }

    const NOON: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);
    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn f81_a_clock_that_is_set_does_not_move_the_window() {
        let clock = Hands(Mutex::new((NOON, Duration::from_secs(1_000))));
        let window = ConsistencyWindow::new(&clock, NOON - Duration::from_secs(10), MINUTE);
        *clock.0.lock().unwrap() = (
            NOON + Duration::from_secs(86_400),
            Duration::from_secs(1_049),
        );
        assert!(clock.monotonic() < window.end());
        clock.0.lock().unwrap().1 += Duration::from_secs(1);
        assert!(clock.monotonic() >= window.end() && !window.is_hopeless(&clock));
        clock.0.lock().unwrap().1 += PATIENCE;
        assert!(window.is_hopeless(&clock));
        // Sent in the future: the whole window is waited for.
        let window = ConsistencyWindow::new(&clock, NOON + Duration::from_secs(864_000), MINUTE);
        assert_eq!(window.end(), clock.monotonic() + MINUTE);
    }

    #[test]
    fn pauses_double_and_end_with_the_window() {
        let clock = Hands(Mutex::new((NOON, Duration::ZERO)));
        let window = ConsistencyWindow::new(&clock, NOON, Duration::from_secs(20));
        let mut pauses = Pauses::default();
        let mut taken = Vec::new();
        for _ in 0..7 {
            let pause = pauses.next(&clock, &window);
            clock.0.lock().unwrap().1 += pause;
            taken.push(pause.as_millis());
        }
        assert_eq!(taken, [500, 1_000, 2_000, 4_000, 8_000, 4_500, 8_000]);
    }
}
