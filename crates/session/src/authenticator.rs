use std::{fmt, sync::Arc};

use async_trait::async_trait;
use wheelhouse_core::{BrokerId, Result};

use crate::{ChallengeAnswer, Credentials, Grant, LoginStep, PendingLogin, SessionPolicy};

/// How one broker lets users in. An adapter implements it and keeps nothing: what has to be
/// remembered is in the values it returns.
///
/// None of these calls may be repeated by the transport once it was sent. What an error says about
/// the [`Effect`](wheelhouse_core::Effect) decides what happens next: `None` means that the broker
/// did not take the request, or answered that it refuses.
#[async_trait]
pub trait Authenticator: fmt::Debug + Send + Sync + 'static {
    /// Returns the broker.
    fn broker(&self) -> BrokerId;

    /// Returns which of the broker's separate worlds this logs in to, such as the host of its demo
    /// or live servers. A session of one is never offered to the other.
    fn realm(&self) -> String;

    /// Returns the broker's session policy.
    fn policy(&self) -> SessionPolicy;

    /// Starts a login.
    ///
    /// # Errors
    ///
    /// [`InvalidCredentials`](wheelhouse_core::ErrorKind::InvalidCredentials) only when the broker
    /// has said so in words of its own: it is counted towards the lockout. Anything else by its kind.
    async fn begin(&self, credentials: &Credentials) -> Result<LoginStep>;

    /// Answers a challenge.
    ///
    /// # Errors
    ///
    /// [`MfaRequired`](wheelhouse_core::ErrorKind::MfaRequired) if the answer was wrong and may be
    /// given again; [`InvalidInput`](wheelhouse_core::ErrorKind::InvalidInput) if it is not an answer
    /// to this challenge; otherwise as [`begin`](Self::begin).
    async fn answer(&self, pending: &PendingLogin, answer: ChallengeAnswer) -> Result<LoginStep>;

    /// Gets new tokens for `grant`, which has a refresh token or something of the adapter's own in
    /// its place.
    ///
    /// # Errors
    ///
    /// [`RefreshRefused`](wheelhouse_core::ErrorKind::RefreshRefused) if the broker refuses the token.
    async fn refresh(&self, grant: &Grant) -> Result<Grant>;

    /// Ends the session at the broker. Succeeds where the broker has no such call.
    ///
    /// # Errors
    ///
    /// If the broker could not be told.
    async fn revoke(&self, grant: &Grant) -> Result<()>;
}

#[async_trait]
impl<A: Authenticator + ?Sized> Authenticator for Arc<A> {
    fn broker(&self) -> BrokerId {
        (**self).broker()
    }

    fn realm(&self) -> String {
        (**self).realm()
    }

    fn policy(&self) -> SessionPolicy {
        (**self).policy()
    }

    async fn begin(&self, credentials: &Credentials) -> Result<LoginStep> {
        (**self).begin(credentials).await
    }

    async fn answer(&self, pending: &PendingLogin, answer: ChallengeAnswer) -> Result<LoginStep> {
        (**self).answer(pending, answer).await
    }

    async fn refresh(&self, grant: &Grant) -> Result<Grant> {
        (**self).refresh(grant).await
    }

    async fn revoke(&self, grant: &Grant) -> Result<()> {
        (**self).revoke(grant).await
    }
}

fn _object_safe(_: &dyn Authenticator) {}
