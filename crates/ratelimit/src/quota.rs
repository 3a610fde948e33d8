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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    limit: NonZeroU32,
    per: Duration,
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
            Some(limit) => Some(Self { limit, per }),
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

    /// Returns how many calls.
    pub const fn limit(self) -> u32 {
        self.limit.get()
    }

    /// Returns in which time.
    pub const fn per(self) -> Duration {
        self.per
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} per {:?}", self.limit, self.per)
    }
}
