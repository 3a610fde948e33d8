use std::{fmt, num::NonZeroU32, time::Duration};

/// How many calls a broker allows in a stretch of time.
///
/// ```
/// use std::time::Duration;
/// use wheelhouse_ratelimit::Quota;
///
/// const STATE: Quota = Quota::every(4, Duration::from_secs(2));
/// assert_eq!(STATE.to_string(), "4 per 2s");
/// assert_eq!(Quota::new(0, Duration::from_secs(1)), None);
/// ```
///
/// A broker that fills a bucket lets more go at once than in the long run. That is a quota with a
/// [burst](Self::with_burst):
///
/// ```
/// use wheelhouse_ratelimit::Quota;
///
/// const REQUESTS: Quota = Quota::per_minute(100).with_burst(300);
/// assert_eq!(REQUESTS.to_string(), "100 per 60s, burst 300");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    limit: NonZeroU32,
    per: Duration,
    burst: Option<NonZeroU32>,
}

impl Quota {
    /// The longest stretch of time that a quota may count over: one day.
    pub const MAX_PER: Duration = Duration::from_secs(24 * 60 * 60);

    /// Makes a quota of `limit` calls in any stretch of `per`, as read from a broker.
    ///
    /// Returns `None` if `limit` is zero, or `per` is under a millisecond or over
    /// [`MAX_PER`](Self::MAX_PER).
    pub const fn new(limit: u32, per: Duration) -> Option<Self> {
        if per.as_millis() == 0 || per.as_nanos() > Self::MAX_PER.as_nanos() {
            return None;
        }
        match NonZeroU32::new(limit) {
            Some(limit) => Some(Self {
                limit,
                per,
                burst: None,
            }),
            None => None,
        }
    }

    /// Makes a quota that is known when the program is written.
    ///
    /// # Panics
    ///
    /// Where [`new`](Self::new) returns `None`; in a `const` that is an error of the compiler.
    pub const fn every(limit: u32, per: Duration) -> Self {
        match Self::new(limit, per) {
            Some(quota) => quota,
            None => panic!("a quota needs at least one call, and 1 ms to 1 day"),
        }
    }

    /// Makes a quota of `limit` calls a second.
    ///
    /// # Panics
    ///
    /// If `limit` is zero; in a `const` that is an error of the compiler.
    pub const fn per_second(limit: u32) -> Self {
        Self::every(limit, Duration::from_secs(1))
    }

    /// Makes a quota of `limit` calls a minute.
    ///
    /// # Panics
    ///
    /// If `limit` is zero; in a `const` that is an error of the compiler.
    pub const fn per_minute(limit: u32) -> Self {
        Self::every(limit, Duration::from_secs(60))
    }

    /// Makes it a bucket of `burst` calls that is refilled evenly, by the quota's calls in the
    /// quota's time, as read from a broker.
    ///
    /// No stretch of a time `t` then holds more than `burst` calls and those that come back in `t`,
    /// where the plain quota is the most that any stretch of its own time holds. A burst may be
    /// smaller or larger than the quota.
    ///
    /// Returns `None` if `burst` is zero, or an empty bucket would take longer than
    /// [`MAX_PER`](Self::MAX_PER) to be full.
    pub const fn try_with_burst(self, burst: u32) -> Option<Self> {
        let Some(burst) = NonZeroU32::new(burst) else {
            return None;
        };
        let refill = self.per.as_nanos() * burst.get() as u128 / self.limit.get() as u128;
        if refill > Self::MAX_PER.as_nanos() {
            return None;
        }
        Some(Self {
            burst: Some(burst),
            ..self
        })
    }

    /// Makes it a bucket with a burst that is known when the program is written. See
    /// [`try_with_burst`](Self::try_with_burst).
    ///
    /// # Panics
    ///
    /// Where [`try_with_burst`](Self::try_with_burst) returns `None`; in a `const` that is an error
    /// of the compiler.
    #[must_use]
    pub const fn with_burst(self, burst: u32) -> Self {
        match self.try_with_burst(burst) {
            Some(quota) => quota,
            None => panic!("a burst is at least one call, and comes back within a day"),
        }
    }

    /// Returns how many calls.
    pub const fn limit(self) -> u32 {
        self.limit.get()
    }

    /// Returns in which time.
    pub const fn per(self) -> Duration {
        self.per
    }

    /// Returns how many calls the bucket holds; `None` if it is none.
    pub const fn burst(self) -> Option<u32> {
        match self.burst {
            Some(burst) => Some(burst.get()),
            None => None,
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} per {:?}", self.limit, self.per)?;
        match self.burst {
            Some(burst) => write!(f, ", burst {burst}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_at_least_one_call_and_comes_back_within_a_day() {
        let quota = Quota::per_minute(1);
        assert_eq!(quota.burst(), None);
        assert_eq!(quota.try_with_burst(0), None);
        assert_eq!(quota.try_with_burst(1_441), None);
        let day = quota.try_with_burst(1_440).unwrap();
        assert_eq!(
            (day.limit(), day.per(), day.burst()),
            (1, quota.per(), Some(1_440))
        );
        assert_ne!(day, quota);
        assert_eq!(
            Quota::every(1, Quota::MAX_PER).try_with_burst(u32::MAX),
            None
        );
    }

    #[test]
    #[should_panic(expected = "within a day")]
    fn a_burst_that_cannot_be_one_is_an_error_where_it_is_written_down() {
        let _ = Quota::per_second(1).with_burst(0);
    }
}
