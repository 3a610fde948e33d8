use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use wheelhouse_core::{BrokerId, Error, ErrorKind, Result};

use crate::{Authenticator, Challenge, ChallengeAnswer, Credentials, Session};

/// What a login needs.
#[derive(Clone, Debug)]
pub struct LoginRequest {
    pub(super) authenticator: Arc<dyn Authenticator>,
    pub(super) credentials: Credentials,
    pub(super) caller: Option<String>,
}

impl LoginRequest {
    /// Asks to log in at a broker.
    pub fn new(authenticator: Arc<dyn Authenticator>, credentials: Credentials) -> Self {
        Self {
            authenticator,
            credentials,
            caller: None,
        }
    }

    /// Names who asks, such as an address or a tenant. Too many failures of one caller, over
    /// any users, lock that caller out.
    #[must_use]
    pub fn from_caller(mut self, caller: impl Into<String>) -> Self {
        self.caller = Some(caller.into());
        self
    }
}

/// What the answer to a challenge needs.
#[derive(Clone, Debug)]
pub struct AnswerRequest {
    pub(super) authenticator: Arc<dyn Authenticator>,
    pub(super) login: String,
    pub(super) answer: ChallengeAnswer,
    pub(super) credentials: Option<Credentials>,
    pub(super) caller: Option<String>,
}

impl AnswerRequest {
    /// Answers the login with this id, which is [`OpenLogin::id`].
    pub fn new(
        authenticator: Arc<dyn Authenticator>,
        login: impl Into<String>,
        answer: ChallengeAnswer,
    ) -> Self {
        Self {
            authenticator,
            login: login.into(),
            answer,
            credentials: None,
            caller: None,
        }
    }

    /// Gives the credentials again, for brokers that want them with the answer. It is needed only
    /// after a restart.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Names who asks; see [`LoginRequest::from_caller`].
    #[must_use]
    pub fn from_caller(mut self, caller: impl Into<String>) -> Self {
        self.caller = Some(caller.into());
        self
    }
}

/// How far a login has come.
#[derive(Debug)]
#[non_exhaustive]
pub enum Login {
    /// The broker asks for something more: see
    /// [`SessionManager::answer`](crate::SessionManager::answer).
    Challenge(OpenLogin),
    /// The user is in.
    Ready(Session),
    /// A stored session was taken up. The broker was not asked.
    Resumed(Session),
}

impl Login {
    /// Returns the session, where no challenge is expected.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MfaRequired`] or, where only a person can help, [`ErrorKind::HumanNeeded`].
    pub fn ready(self) -> Result<Session> {
        match self {
            Self::Ready(session) | Self::Resumed(session) => Ok(session),
            Self::Challenge(open) => {
                let (kind, message) = match open.challenge {
                    Challenge::Totp | Challenge::Code { .. } => (
                        ErrorKind::MfaRequired,
                        "the broker asks for a code to finish the login",
                    ),
                    _ => (
                        ErrorKind::HumanNeeded,
                        "the broker wants a person to finish the login",
                    ),
                };
                Err(Error::new(kind, message).at_broker(open.broker))
            }
        }
    }
}

/// A login that waits for an answer. It holds no secret: it can be sent to a screen, or written down
/// and answered by another process that has the same store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OpenLogin {
    /// Names the login.
    pub id: String,
    /// The broker.
    pub broker: BrokerId,
    /// What the broker asks.
    pub challenge: Challenge,
    /// When the login is forgotten.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

impl fmt::Display for OpenLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a login at {} that waits for an answer", self.broker)
    }
}
