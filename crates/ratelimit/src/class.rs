use std::{
    fmt,
    hash::{BuildHasher, Hash, Hasher, RandomState},
    sync::{Arc, OnceLock},
    time::Duration,
};

use crate::Quota;

/// A kind of call that a broker counts by itself, with the quota to assume until the broker
/// publishes one.
///
/// Two classes with one name are the same class, so names begin with the broker.
///
/// ```
/// use wheelhouse_ratelimit::{LimitClass, Quota};
///
/// const POSITIONS: LimitClass = LimitClass::new("tradelocker.positions", Quota::per_second(1));
/// assert_eq!(POSITIONS.name(), "tradelocker.positions");
/// ```
#[derive(Clone, Copy)]
pub struct LimitClass {
    name: &'static str,
    default: Quota,
}

impl LimitClass {
    /// Names a class and the quota to start from.
    pub const fn new(name: &'static str, default: Quota) -> Self {
        Self { name, default }
    }

    /// Returns the name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the quota that holds until another is configured.
    pub const fn default_quota(&self) -> Quota {
        self.default
    }
}

impl PartialEq for LimitClass {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.name, other.name) || self.name == other.name
    }
}

impl Eq for LimitClass {}

impl Hash for LimitClass {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for LimitClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LimitClass({}, {})", self.name, self.default)
    }
}

impl fmt::Display for LimitClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Whom the broker counts: a user, an account, an address, as its adapter knows it.
///
/// The text is opaque and shows in logs; it must hold no secret. Make it once per user and clone
/// it: a clone is cheap, and so is looking it up.
///
/// ```
/// use wheelhouse_ratelimit::LimitScope;
///
/// let user = LimitScope::new("tradelocker:demo:DEMO:user-17");
/// assert_eq!(user, LimitScope::new("tradelocker:demo:DEMO:user-17"));
/// ```
#[derive(Clone)]
pub struct LimitScope {
    text: Arc<str>,
    hash: u64,
}

impl LimitScope {
    /// Names whom the broker counts.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        // Keyed per process: scopes come from user names, which others may choose.
        static KEYS: OnceLock<RandomState> = OnceLock::new();
        let text = text.into();
        let hash = KEYS.get_or_init(RandomState::new).hash_one(&*text);
        Self { text, hash }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn precomputed_hash(&self) -> u64 {
        self.hash
    }
}

impl PartialEq for LimitScope {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && (Arc::ptr_eq(&self.text, &other.text) || self.text == other.text)
    }
}

impl Eq for LimitScope {}

impl Hash for LimitScope {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl fmt::Debug for LimitScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LimitScope({})", self.text)
    }
}

impl fmt::Display for LimitScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Who may use the part of a quota that is kept free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Priority {
    /// Everything else.
    #[default]
    Normal,
    /// Cancels, and the reads that find out what became of an order.
    Reserved,
}

/// A wish to make one call.
#[derive(Clone, Copy, Debug)]
pub struct LimitRequest<'a> {
    pub(crate) scope: &'a LimitScope,
    pub(crate) class: LimitClass,
    pub(crate) priority: Priority,
    pub(crate) max_wait: Duration,
}

impl<'a> LimitRequest<'a> {
    /// How long a request waits unless told otherwise: 10 s.
    pub const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(10);

    /// Asks for one call of `class` for `scope`.
    pub fn new(scope: &'a LimitScope, class: LimitClass) -> Self {
        Self {
            scope,
            class,
            priority: Priority::Normal,
            max_wait: Self::DEFAULT_MAX_WAIT,
        }
    }

    /// Says whether the reserved part may be used; [`Priority::Normal`] unless said.
    #[must_use]
    pub fn with_priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Says how long it may wait; [`DEFAULT_MAX_WAIT`](Self::DEFAULT_MAX_WAIT) unless said. Zero
    /// means now or not at all.
    #[must_use]
    pub fn with_max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// Returns whom the broker counts.
    pub fn scope(&self) -> &'a LimitScope {
        self.scope
    }

    /// Returns the class.
    pub fn class(&self) -> LimitClass {
        self.class
    }

    /// Returns the priority.
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// Returns how long it may wait.
    pub fn max_wait(&self) -> Duration {
        self.max_wait
    }
}
