use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::BrokerId;

/// The result of wheelhouse calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Arc<dyn std::error::Error + Send + Sync>;

/// What went wrong, what may have happened, and what to do about it.
///
/// Decide by [`kind`](Self::kind) and [`advice`](Self::advice), never by the text. The text is one
/// sentence for people; it holds no secret, and no URL beyond a host and a path template.
///
/// ```
/// use wheelhouse_core::{Effect, Error, ErrorKind, RetryAdvice};
///
/// let error = Error::new(ErrorKind::InvalidInput, "the quantity is zero").in_operation("place_order");
/// assert_eq!(error.code(), 5001);
/// assert_eq!(error.effect(), Effect::None);
/// assert_eq!(error.advice(), RetryAdvice::Never);
/// assert_eq!(error.to_string(), "place_order: the quantity is zero (code 5001)");
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    broker: Option<BrokerId>,
    operation: Option<&'static str>,
    effect: Effect,
    advice: RetryAdvice,
    broker_message: Option<Box<str>>,
    source: Option<Source>,
}

impl Error {
    /// Makes an error of `kind`. `message` is a lower-case sentence without a full stop.
    ///
    /// Effect and advice start from what the kind implies; see [`ErrorKind::default_advice`].
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            broker: None,
            operation: None,
            effect: match kind {
                ErrorKind::OutcomeUnknown => Effect::MaybeApplied,
                _ => Effect::None,
            },
            advice: kind.default_advice(),
            broker_message: None,
            source: None,
        }))
    }

    /// Names the broker it happened at.
    #[must_use]
    pub fn at_broker(mut self, broker: BrokerId) -> Self {
        self.0.broker = Some(broker);
        self
    }

    /// Names the operation, unless a deeper layer has named one.
    #[must_use]
    pub fn in_operation(mut self, operation: &'static str) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }

    /// Says what may have happened at the broker.
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.0.effect = effect;
        self
    }

    /// Says what the caller should do.
    #[must_use]
    pub fn with_advice(mut self, advice: RetryAdvice) -> Self {
        self.0.advice = advice;
        self
    }

    /// Keeps the broker's own words, for people and logs.
    #[must_use]
    pub fn with_broker_message(mut self, message: impl Into<String>) -> Self {
        self.0.broker_message = Some(message.into().into_boxed_str());
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Returns what kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the stable code of the kind, such as 3004.
    pub fn code(&self) -> u16 {
        self.0.kind.code()
    }

    /// Returns the broker, if one was involved.
    pub fn broker(&self) -> Option<&BrokerId> {
        self.0.broker.as_ref()
    }

    /// Returns the operation, such as `place_order`.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }

    /// Returns what may have happened at the broker.
    pub fn effect(&self) -> Effect {
        self.0.effect
    }

    /// Returns what the caller should do.
    pub fn advice(&self) -> RetryAdvice {
        self.0.advice
    }

    /// Returns how long to wait before trying again, if that is the advice.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.0.advice {
            RetryAdvice::After(wait) => Some(wait),
            _ => None,
        }
    }

    /// Returns the sentence alone, without operation, broker and code.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the broker's own words, if it gave any.
    pub fn broker_message(&self) -> Option<&str> {
        self.0.broker_message.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.operation, &self.0.broker) {
            (Some(operation), Some(broker)) => write!(f, "{operation} at {broker}: ")?,
            (Some(operation), None) => write!(f, "{operation}: ")?,
            (None, Some(broker)) => write!(f, "{broker}: ")?,
            (None, None) => {}
        }
        write!(f, "{} (code {})", self.0.message, self.0.kind.code())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("code", &self.0.kind.code())
            .field("message", &self.0.message)
            .field("broker", &self.0.broker)
            .field("operation", &self.0.operation)
            .field("effect", &self.0.effect)
            .field("advice", &self.0.advice)
            .field("broker_message", &self.0.broker_message)
            .field("source", &self.0.source)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// What may have happened at the broker when a call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Effect {
    /// Nothing: the request was not sent or was refused.
    None,
    /// The change was made.
    Applied,
    /// It is not known. Read before doing it again.
    MaybeApplied,
}

/// What a caller should do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryAdvice {
    /// The same call will fail again.
    Never,
    /// The same call may succeed after this wait.
    After(Duration),
    /// The same call may succeed once the session is refreshed or a new login was made.
    AfterRefresh,
    /// A person or a code has to answer the broker first.
    AfterChallenge,
    /// Find out what happened before anything else; do not repeat the call.
    ResolveFirst,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// The kind of an [`Error`], each with a code that never changes.
        ///
        /// 1xxx authentication, 2xxx connection, 3xxx the broker's API, 4xxx storage, 5xxx input and
        /// configuration.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])* $name,)*
        }

        impl ErrorKind {
            /// Every kind, in the order of the codes.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the stable code.
            pub const fn code(self) -> u16 {
                match self {
                    $(Self::$name => $code,)*
                }
            }
        }
    };
}

kinds! {
    /// The broker does not accept these credentials.
    InvalidCredentials = 1001,
    /// A code or an approval is needed.
    MfaRequired = 1002,
    /// The session has ended; log in again.
    SessionExpired = 1003,
    /// The broker limits logins at the moment.
    LoginRateLimited = 1004,
    /// Too many failed logins here, or requests for approval: no further attempt is sent until the lock
    /// ends.
    LockedOut = 1005,
    /// The broker refused the refresh token, or it was used before.
    RefreshRefused = 1006,
    /// The session was ended from this side.
    SessionInvalidated = 1007,
    /// The user has as many sessions as are allowed.
    SessionLimit = 1008,
    /// A person has to act at the broker's own site or app.
    HumanNeeded = 1009,
    /// The role of the caller does not allow this.
    RoleDenied = 1010,
    /// The broker could not be reached, or the connection broke.
    Network = 2001,
    /// No answer in time; the message names the phase.
    Timeout = 2002,
    /// TLS failed: certificate, host name or version.
    Tls = 2003,
    /// What came back is not the broker's API: HTML, cut off, too large.
    NotTheProtocol = 2004,
    /// The address, or a redirect or link, is not one of the broker's.
    OriginRefused = 2005,
    /// The stream has ended and will not come back by itself.
    StreamClosed = 2006,
    /// Calls are held back because the broker fails.
    CircuitOpen = 2007,
    /// The broker says that the request is wrong.
    InvalidRequest = 3001,
    /// The broker does not know the object.
    NotFound = 3002,
    /// The broker does not allow this to the user.
    PermissionDenied = 3003,
    /// The broker's limit is reached.
    RateLimited = 3004,
    /// The broker failed.
    BrokerFailure = 3005,
    /// The answer is the API's but does not fit what is known of it.
    UnexpectedAnswer = 3006,
    /// It is not known whether the order was placed.
    OutcomeUnknown = 3007,
    /// The broker refused the order.
    OrderRejected = 3008,
    /// The client order id was used for another order.
    ClientOrderIdReused = 3009,
    /// This broker cannot do that.
    Unsupported = 3010,
    /// Reading from the store failed.
    StorageRead = 4001,
    /// Writing to the store failed.
    StorageWrite = 4002,
    /// The store's files or tables are not accessible, or too open.
    StoragePermission = 4003,
    /// A stored record cannot be read.
    CorruptRecord = 4004,
    /// The key is missing or is not the one the record was sealed with.
    KeyUnavailable = 4005,
    /// An older record stands where a newer one was.
    RolledBack = 4006,
    /// A lock was not had in time.
    LockTimeout = 4007,
    /// Somebody else wrote the record in between.
    VersionConflict = 4008,
    /// The audit log does not verify.
    AuditChainBroken = 4009,
    /// A value is not allowed; the message names the nearest allowed ones.
    InvalidInput = 5001,
    /// A required value is missing.
    MissingField = 5002,
    /// The configuration is wrong.
    Configuration = 5003,
}

impl ErrorKind {
    /// Returns the advice that an error of this kind starts with.
    pub fn default_advice(self) -> RetryAdvice {
        match self {
            Self::SessionExpired | Self::RefreshRefused | Self::SessionInvalidated => {
                RetryAdvice::AfterRefresh
            }
            Self::MfaRequired | Self::HumanNeeded => RetryAdvice::AfterChallenge,
            Self::OutcomeUnknown => RetryAdvice::ResolveFirst,
            Self::Network | Self::Timeout | Self::BrokerFailure | Self::RateLimited => {
                RetryAdvice::After(Duration::from_secs(1))
            }
            Self::LoginRateLimited | Self::CircuitOpen => {
                RetryAdvice::After(Duration::from_secs(30))
            }
            _ => RetryAdvice::Never,
        }
    }

    /// Finds the kind of a code, if there is one.
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_belongs_to_one_kind() {
        for pair in ErrorKind::ALL.windows(2) {
            assert!(pair[0].code() < pair[1].code(), "{:?}", pair);
        }
        assert_eq!(ErrorKind::from_code(3007), Some(ErrorKind::OutcomeUnknown));
        assert_eq!(ErrorKind::from_code(9999), None);
    }

    #[test]
    fn display_says_operation_broker_and_code_without_the_source() {
        let error = Error::new(ErrorKind::Network, "the connection was refused")
            .at_broker(BrokerId::tradelocker())
            .in_operation("positions")
            .with_source("secret detail");
        assert_eq!(
            error.to_string(),
            "positions at tradelocker: the connection was refused (code 2001)"
        );
        assert!(std::error::Error::source(&error).is_some());
    }

    #[test]
    fn the_deepest_layer_names_the_operation() {
        let error = Error::new(ErrorKind::Timeout, "x")
            .in_operation("refresh")
            .in_operation("orders");
        assert_eq!(error.operation(), Some("refresh"));
    }
}
