use async_trait::async_trait;
use wheelhouse_core::{AccessToken, Error, ErrorKind, ExposeSecret, Result, TokenSource};
use wheelhouse_session::Session;

use crate::auth::READ_ONLY_TOKEN;

/// Gives the second token of a session, which can only read: the least that a reader needs.
#[derive(Clone, Debug)]
pub struct ReadOnly {
    session: Session,
}

impl ReadOnly {
    /// Takes it from this session, which goes on to be refreshed as ever.
    pub fn new(session: Session) -> Self {
        Self { session }
    }

    /// Both tokens come and go together.
    fn weaken(&self, token: &AccessToken) -> Result<AccessToken> {
        let known = self.session.extra(READ_ONLY_TOKEN);
        let known = known.filter(|secret| !secret.expose_secret().is_empty());
        let secret = known.ok_or_else(|| {
            let message = "the broker gave no token that can only read";
            Error::new(ErrorKind::Unsupported, message).at_broker(self.session.broker().clone())
        })?;
        Ok(AccessToken::new(
            secret,
            token.generation(),
            token.expires_at(),
        ))
    }
}

#[async_trait]
impl TokenSource for ReadOnly {
    async fn token(&self) -> Result<AccessToken> {
        let token = self.session.token().await?;
        self.weaken(&token)
    }

    async fn replace(&self, rejected: &AccessToken) -> Result<AccessToken> {
        let token = self.session.replace(rejected).await?;
        self.weaken(&token)
    }
}
