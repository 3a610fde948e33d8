use std::time::Duration;

use time::OffsetDateTime;
use wheelhouse_core::Clock;

/// How long a change may take to show, counted from when it was sent.
#[derive(Debug)]
pub(crate) struct Window {
    /// In monotonic time, so that a clock that is set does not move it.
    end: Duration,
    ends_at: OffsetDateTime,
}

/// How long after the window a broker that does not answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

impl Window {
    pub(crate) fn new(clock: &dyn Clock, sent_at: OffsetDateTime, length: Duration) -> Self {
        let now = clock.now();
        // Sent in the future means that the clock was set back: then the whole window is ahead.
        let passed = Duration::try_from(now - sent_at).unwrap_or(Duration::ZERO);
        Self {
            end: clock.monotonic() + length.saturating_sub(passed),
            ends_at: sent_at.saturating_add(length.try_into().unwrap_or(time::Duration::MAX)),
        }
    }

    pub(crate) fn ends_at(&self) -> OffsetDateTime {
        self.ends_at
    }

    /// Returns the end in monotonic time.
    pub(crate) fn end(&self) -> Duration {
        self.end
    }

    /// Returns whether waiting for answers has no sense any more.
    pub(crate) fn is_hopeless(&self, clock: &dyn Clock) -> bool {
        clock.monotonic() >= self.end + PATIENCE
    }
}

/// The pauses between readings: 0.5, 1, 2, 4 and then 8 s, and none beyond the end of the window.
#[derive(Debug)]
pub(crate) struct Pauses {
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
    pub(crate) fn next(&mut self, clock: &dyn Clock, window: &Window) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(Duration::from_secs(8));
        let left = window.end.saturating_sub(clock.monotonic());
        match left {
            Duration::ZERO => pause,
            left => pause.min(left),
        }
    }
}
