use std::fmt;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;

use crate::Result;

/// A token that opens the broker's API, and which one of its line it is.
#[derive(Clone)]
pub struct AccessToken {
    secret: SecretString,
    generation: u64,
    expires_at: Option<OffsetDateTime>,
}

impl AccessToken {
    /// Wraps a token. `generation` grows with each refresh of its session.
    pub fn new(secret: SecretString, generation: u64, expires_at: Option<OffsetDateTime>) -> Self {
        Self {
            secret,
            generation,
            expires_at,
        }
    }

    /// Shows the secret, to put it into a header.
    pub fn expose(&self) -> &str {
        self.secret.expose_secret()
    }

    /// Returns which token of its session this is.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns when the broker stops taking it, if that is known.
    pub fn expires_at(&self) -> Option<OffsetDateTime> {
        self.expires_at
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("generation", &self.generation)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Gives the token to send with a request, fresh enough to be used now.
///
/// The session manager implements it; the request pipeline asks it. Adapters keep no token.
#[async_trait]
pub trait TokenSource: fmt::Debug + Send + Sync + 'static {
    /// Returns a token that has not expired, refreshing first if that is due.
    ///
    /// Callers that come while a refresh runs share its result.
    ///
    /// # Errors
    ///
    /// [`SessionExpired`](crate::ErrorKind::SessionExpired),
    /// [`RefreshRefused`](crate::ErrorKind::RefreshRefused) or
    /// [`SessionInvalidated`](crate::ErrorKind::SessionInvalidated) when only a new login helps;
    /// connection errors of the refresh otherwise.
    async fn token(&self) -> Result<AccessToken>;

    /// Returns a token newer than `rejected`, which the broker has just refused.
    ///
    /// If the session has moved on since `rejected` was handed out, the newer token is returned
    /// and nothing is refreshed.
    ///
    /// # Errors
    ///
    /// As [`token`](Self::token).
    async fn replace(&self, rejected: &AccessToken) -> Result<AccessToken>;
}
