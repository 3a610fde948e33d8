use std::time::Duration;

/// How long the sessions of a broker live and how many a user may have.
///
/// An adapter returns its broker's; [`SessionManagerBuilder::policy`](crate::SessionManagerBuilder::policy)
/// overrides it. The default is 45 minutes, 12 hours, 5 sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionPolicy {
    /// The age at which a token is refreshed, give or take the jitter; 45 minutes. A token that
    /// expires sooner is refreshed sooner. `None` goes by the token's own expiry alone.
    pub refresh_after: Option<Duration>,
    /// How much `refresh_after` is varied either way, in percent; 10.
    pub jitter_percent: u8,
    /// The age at which a session ends and only a new login helps; 12 hours.
    pub max_age: Duration,
    /// The number of sessions that a user may have; 5. `None` is no limit.
    pub max_sessions: Option<u32>,
    /// How long a session may go unused in this process before it ends; `None`, the default, is for ever.
    pub idle: Option<Duration>,
    /// What happens to a login beyond `max_sessions`; it is refused.
    pub at_limit: AtLimit,
}

/// What happens to a login when the user has as many sessions as are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AtLimit {
    /// The oldest session ends and the login goes on.
    EvictOldest,
    /// The login is refused with code 1008.
    Refuse,
}

impl SessionPolicy {
    /// Returns the default policy.
    pub fn new() -> Self {
        Self {
            refresh_after: Some(Duration::from_secs(45 * 60)),
            jitter_percent: 10,
            max_age: Duration::from_secs(12 * 60 * 60),
            max_sessions: Some(5),
            idle: None,
            at_limit: AtLimit::Refuse,
        }
    }

    /// Sets the age at which a token is refreshed.
    #[must_use]
    pub fn with_refresh_after(mut self, age: impl Into<Option<Duration>>) -> Self {
        self.refresh_after = age.into();
        self
    }

    /// Sets the jitter of that age, in percent, at most 50.
    #[must_use]
    pub fn with_jitter_percent(mut self, percent: u8) -> Self {
        self.jitter_percent = percent.min(50);
        self
    }

    /// Sets the age at which a session ends.
    #[must_use]
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Sets the age at which a session ends to the shorter of `age` and what it is.
    #[must_use]
    pub fn capped_at(mut self, age: Duration) -> Self {
        self.max_age = self.max_age.min(age);
        self
    }

    /// Sets how many sessions a user may have.
    #[must_use]
    pub fn with_max_sessions(mut self, sessions: impl Into<Option<u32>>) -> Self {
        self.max_sessions = sessions.into();
        self
    }

    /// Sets how long a session may go unused.
    #[must_use]
    pub fn with_idle(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.idle = idle.into();
        self
    }

    /// Sets what happens at the limit of sessions.
    #[must_use]
    pub fn with_at_limit(mut self, at_limit: AtLimit) -> Self {
        self.at_limit = at_limit;
        self
    }
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self::new()
    }
}
