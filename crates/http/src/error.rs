use std::{error::Error as StdError, fmt};

use wheelhouse_core::{Error, ErrorKind};

/// How far a request got before its call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sent {
    /// Nothing of it was written to a connection: the broker cannot have had it.
    No,
    /// It was handed to a connection, and no answer came.
    Maybe,
    /// An answer came, though not one that could be used.
    Answered,
}

/// Why a call gave no [`Answer`](crate::Answer), and how far its request got.
///
/// It turns into a [`core::Error`](Error) whose [`effect`](Error::effect) says the same:
/// [`None`](wheelhouse_core::Effect::None) if nothing was sent or the endpoint only reads,
/// [`MaybeApplied`](wheelhouse_core::Effect::MaybeApplied) otherwise.
#[derive(Clone, Debug)]
pub struct CallError {
    pub(crate) error: Error,
    pub(crate) sent: Sent,
}

impl CallError {
    /// Returns the error.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Returns how far the request got.
    pub fn sent(&self) -> Sent {
        self.sent
    }

    /// Returns the kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    /// Returns the error.
    pub fn into_error(self) -> Error {
        self.error
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl StdError for CallError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        StdError::source(&self.error)
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        error.error
    }
}

/// One attempt that gave no answer to look at.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    pub(crate) sent: Sent,
    /// Whether the same request may fare better next time.
    pub(crate) transient: bool,
    pub(crate) cause: Option<Cause>,
}

impl Failure {
    pub(crate) fn new(kind: ErrorKind, sent: Sent, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            sent,
            transient: matches!(kind, ErrorKind::Network | ErrorKind::Timeout),
            cause: None,
        }
    }

    pub(crate) fn transient(mut self) -> Self {
        self.transient = true;
        self
    }

    /// Sorts an error from before the head of the answer.
    pub(crate) fn of_exchange(error: reqwest::Error, sent: Sent) -> Self {
        let cause = Cause::of(error);
        let (kind, message) = match cause.trouble {
            Trouble::Tls => (ErrorKind::Tls, "TLS failed"),
            Trouble::Name => (ErrorKind::Network, "the host name was not resolved"),
            Trouble::Timeout => (
                ErrorKind::Timeout,
                "timed out while connecting (name, TCP or TLS)",
            ),
            Trouble::Refused => (ErrorKind::Network, "the connection was refused"),
            Trouble::ProxyAuthentication => (
                ErrorKind::NotTheProtocol,
                "the proxy asks for a user name and a password",
            ),
            Trouble::Protocol => (ErrorKind::NotTheProtocol, "the answer is not HTTP"),
            Trouble::Other if sent == Sent::No => {
                (ErrorKind::Network, "no connection could be made")
            }
            Trouble::CutOff | Trouble::Other => (
                ErrorKind::Network,
                "the connection broke before an answer came",
            ),
        };
        Self {
            cause: Some(cause),
            ..Self::new(kind, sent, message)
        }
    }

    /// Sorts an error from within the body of the answer.
    pub(crate) fn of_body(error: reqwest::Error) -> Self {
        let cause = Cause::of(error);
        let (kind, message) = match cause.trouble {
            Trouble::CutOff => (ErrorKind::NotTheProtocol, "the answer was cut off"),
            Trouble::Protocol => (
                ErrorKind::NotTheProtocol,
                "the body of the answer is not HTTP",
            ),
            Trouble::Tls => (ErrorKind::Tls, "TLS failed within the answer"),
            _ => (ErrorKind::Network, "the connection broke within the answer"),
        };
        let failure = Self::new(kind, Sent::Answered, message).transient();
        Self {
            cause: Some(cause),
            ..failure
        }
    }
}

/// What the layers below said, as text without an address: their types hold URLs and are not ours to
/// show.
#[derive(Debug)]
pub(crate) struct Cause {
    text: String,
    trouble: Trouble,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    CutOff,
    Name,
    Other,
    Protocol,
    ProxyAuthentication,
    Refused,
    Timeout,
    Tls,
}

impl Cause {
    fn of(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut trouble = if error.is_dns() {
            Trouble::Name
        } else if error.is_timeout() {
            Trouble::Timeout
        } else {
            Trouble::Other
        };
        let mut text = String::new();
        let mut next: Option<&(dyn StdError + 'static)> = Some(&error);
        while let Some(error) = next {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&error.to_string());
            if trouble == Trouble::Other {
                trouble = Trouble::of(error);
            }
            next = error.source();
        }
        Self { text, trouble }
    }
}

impl Trouble {
    fn of(error: &(dyn StdError + 'static)) -> Self {
        if error.is::<rustls::Error>() {
            return Self::Tls;
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return if error.is_parse() {
                Self::Protocol
            } else if error.is_incomplete_message() {
                Self::CutOff
            } else {
                Self::Other
            };
        }
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            // `source` of an io::Error passes over the error that it wraps.
            if let Some(inner) = error.get_ref() {
                let trouble = Self::of(inner);
                if trouble != Self::Other {
                    return trouble;
                }
            }
            return match error.kind() {
                std::io::ErrorKind::ConnectionRefused => Self::Refused,
                std::io::ErrorKind::InvalidData | std::io::ErrorKind::InvalidInput => {
                    Self::Protocol
                }
                std::io::ErrorKind::UnexpectedEof => Self::CutOff,
                _ => Self::Other,
            };
        }
        // hyper-util keeps the type of its tunnel to itself.
        if error.to_string() == "tunnel error: proxy authorization required" {
            return Self::ProxyAuthentication;
        }
        Self::Other
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Cause {}
