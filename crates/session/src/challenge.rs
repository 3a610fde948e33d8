use std::fmt;

use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{Credentials, Grant};

/// How far a login has come.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginStep {
    /// The broker asks for something more.
    Challenge(PendingLogin),
    /// The broker has let the user in.
    Granted(Grant),
}

/// What a broker wants before it lets the user in. It holds no secret and can go to any screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Challenge {
    /// The user approves the login in the broker's app; then ask with [`ChallengeAnswer::Poll`].
    Approve {
        /// Ask no sooner than this.
        #[serde(with = "time::serde::rfc3339")]
        poll_after: OffsetDateTime,
        /// The broker forgets the login then.
        #[serde(with = "time::serde::rfc3339::option")]
        until: Option<OffsetDateTime>,
    },
    /// The broker has sent a code; answer with [`ChallengeAnswer::Code`].
    Code {
        /// The way it was sent.
        channel: CodeChannel,
        /// The shortened number or address it was sent to, if the broker tells.
        sent_to: Option<String>,
    },
    /// A gateway outside of this process has to be started or logged in; then answer with
    /// [`ChallengeAnswer::Done`].
    Gateway {
        /// Where the gateway is expected.
        address: String,
    },
    /// A person has to act at the broker's own site or app; then answer with
    /// [`ChallengeAnswer::Done`].
    Human {
        /// Why.
        reason: String,
        /// Where.
        place: String,
    },
    /// The user opens an address in a browser and signs in there.
    OpenUrl {
        /// The address.
        url: SignInUrl,
        /// What comes back.
        reply: UrlReply,
    },
    /// A code from the user's authenticator app; answer with [`ChallengeAnswer::Code`].
    Totp,
}

/// How a code reaches the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CodeChannel {
    /// By mail.
    Mail,
    /// By short message.
    Sms,
    /// By a call.
    Voice,
}

/// What the user brings back from a [`Challenge::OpenUrl`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum UrlReply {
    /// The browser is sent to an address that begins like this: answer with that whole address, as
    /// [`ChallengeAnswer::Redirected`].
    Redirect {
        /// The beginning of the address.
        prefix: String,
    },
    /// The page shows a code that the user types: answer with [`ChallengeAnswer::Code`].
    TypedCode,
}

/// An address to sign in at. It carries a one-time token, so `Debug` leaves it out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SignInUrl(String);

impl SignInUrl {
    /// Wraps an address.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// Returns the address, to be opened.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SignInUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignInUrl(…)")
    }
}

/// The answer to a [`Challenge`].
#[derive(Clone)]
#[non_exhaustive]
pub enum ChallengeAnswer {
    /// The code that the user has read somewhere.
    Code(SecretString),
    /// What the challenge asked for has been done.
    Done,
    /// Ask the broker whether the user has approved.
    Poll,
    /// The address that the browser was sent to.
    Redirected(SecretString),
    /// Ask the broker to send the code again.
    Resend,
}

impl ChallengeAnswer {
    /// Makes the answer of a typed code.
    pub fn code(code: impl Into<SecretString>) -> Self {
        Self::Code(code.into())
    }
}

impl fmt::Debug for ChallengeAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Code(_) => "Code(…)",
            Self::Done => "Done",
            Self::Poll => "Poll",
            Self::Redirected(_) => "Redirected(…)",
            Self::Resend => "Resend",
        })
    }
}

/// A login that waits for an answer, as an adapter makes it.
///
/// `state` is whatever the adapter needs to go on: it is kept sealed, so that the login can be
/// answered after a restart. A password does not belong in it; see
/// [`credentials`](Self::credentials).
#[derive(Clone)]
pub struct PendingLogin {
    challenge: Challenge,
    state: SecretSlice<u8>,
    expires_at: Option<OffsetDateTime>,
    credentials: Option<Credentials>,
}

impl PendingLogin {
    /// Starts from what the broker asks.
    pub fn new(challenge: Challenge) -> Self {
        Self {
            challenge,
            state: SecretSlice::default(),
            expires_at: None,
            credentials: None,
        }
    }

    /// Adds what the adapter needs to go on, in a form of its own.
    #[must_use]
    pub fn with_state(mut self, state: impl Into<SecretSlice<u8>>) -> Self {
        self.state = state.into();
        self
    }

    /// Says when the broker forgets the login. Without it, that is taken to be after 10 minutes.
    #[must_use]
    pub fn with_expiry(mut self, at: OffsetDateTime) -> Self {
        self.expires_at = Some(at);
        self
    }

    pub(crate) fn with_credentials(mut self, credentials: Option<Credentials>) -> Self {
        self.credentials = credentials;
        self
    }

    /// Returns what the broker asks.
    pub fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    /// Returns what the adapter has kept.
    pub fn state(&self) -> &[u8] {
        self.state.expose_secret()
    }

    /// Returns when the broker forgets the login.
    pub fn expires_at(&self) -> Option<OffsetDateTime> {
        self.expires_at
    }

    /// Returns the credentials, for brokers that want them again with the answer.
    ///
    /// They are not stored: after a restart they are there only if the caller gave them again.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }
}

impl fmt::Debug for PendingLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingLogin")
            .field("challenge", &self.challenge)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
