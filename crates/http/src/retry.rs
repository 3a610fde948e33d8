use std::time::Duration;

use wheelhouse_core::{Error, ErrorKind, Random, Result};

/// How often and after which waits a request is sent again, where it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How often one call is tried at most, the first time included. 3.
    pub attempts: u32,
    /// The longest first wait; the wait itself is random up to it. It doubles with each attempt.
    /// 200 ms.
    pub first: Duration,
    /// The longest first wait after a 429 that does not say how long; the wait is random from half
    /// of it up, so that three tries outlast a limit that counts by the second. 1 s.
    pub first_when_limited: Duration,
    /// What the waits grow to. 5 s.
    pub ceiling: Duration,
    /// The longest wait that a server may ask for before the caller is told instead. 60 s.
    pub server_cap: Duration,
    /// How many retries the client makes in all: this share of its calls, in percent, 20,
    pub budget_percent: u32,
    /// and this many a second on top. 10.
    pub budget_floor: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            first: Duration::from_millis(200),
            first_when_limited: Duration::from_secs(1),
            ceiling: Duration::from_secs(5),
            server_cap: Duration::from_secs(60),
            budget_percent: 20,
            budget_floor: 10,
        }
    }
}

impl RetryPolicy {
    /// Tries everything once.
    pub fn never() -> Self {
        Self::default().with_attempts(1)
    }

    /// Sets how often one call is tried at most, the first time included.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets the longest first wait, and what the waits grow to.
    #[must_use]
    pub fn with_backoff(mut self, first: Duration, ceiling: Duration) -> Self {
        self.first = first;
        self.first_when_limited = first;
        self.ceiling = ceiling;
        self
    }

    /// Sets the longest wait that a server may ask for.
    #[must_use]
    pub fn with_server_cap(mut self, cap: Duration) -> Self {
        self.server_cap = cap;
        self
    }

    /// Sets the budget: `percent` of the client's calls and `floor` a second.
    #[must_use]
    pub fn with_budget(mut self, percent: u32, floor: u32) -> Self {
        self.budget_percent = percent;
        self.budget_floor = floor;
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |what: &'static str| Err(Error::new(ErrorKind::Configuration, what));
        if !(1..=10).contains(&self.attempts) {
            return wrong("the number of attempts must be 1 to 10");
        }
        if self.budget_percent > 100 || self.budget_floor > 1000 {
            return wrong("the retry budget must be at most 100 % and 1000 a second");
        }
        let longest = self
            .server_cap
            .max(self.ceiling)
            .max(self.first)
            .max(self.first_when_limited);
        if longest > Duration::from_secs(3600) {
            return wrong("waits between attempts must be at most an hour");
        }
        Ok(())
    }

    /// Draws the wait before attempt `next` (1 is the second one): full jitter, or equal jitter where
    /// a limit was met.
    pub(crate) fn backoff(
        &self,
        random: &dyn Random,
        next: u32,
        limited: bool,
    ) -> Result<Duration> {
        let first = if limited {
            self.first_when_limited
        } else {
            self.first
        };
        let longest = first
            .saturating_mul(1 << (next - 1).min(16))
            .min(self.ceiling.max(first));
        let mut bytes = [0; 8];
        random.fill(&mut bytes)?;
        let least = if limited { longest / 2 } else { Duration::ZERO };
        let nanos = (u128::from(u64::from_le_bytes(bytes)) * (longest - least).as_nanos()) >> 64;
        Ok(least + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}
