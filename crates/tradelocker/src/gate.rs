//! The last thing a request passes before it goes out.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use time::OffsetDateTime;
use wheelhouse_core::{AccessToken, Clock, Error, ErrorKind, Result, TokenSource};

use crate::api::Api;

/// Gives the token only while somebody waits. The token is asked for after the limit and right
/// before sending: what nobody waits for by then is not sent.
#[derive(Debug)]
pub(crate) struct Gate {
    session: Arc<dyn TokenSource>,
    clock: Arc<dyn Clock>,
    abandoned: Arc<AtomicBool>,
    passed_at: Mutex<Option<OffsetDateTime>>,
}

impl Gate {
    pub(crate) fn new(api: &Api, abandoned: Arc<AtomicBool>) -> Self {
        Self {
            session: api.session.clone(),
            clock: api.http.clock().clone(),
            abandoned,
            passed_at: Mutex::new(None),
        }
    }

    fn open(&self, token: AccessToken) -> Result<AccessToken> {
        if self.abandoned.load(Ordering::Acquire) {
            let message = "the caller stopped waiting before the order was sent";
            return Err(Error::new(ErrorKind::Timeout, message));
        }
        *self.lock() = Some(self.clock.now());
        Ok(token)
    }

    /// Returns when the request was last let through.
    pub(crate) fn passed_at(&self) -> Option<OffsetDateTime> {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Option<OffsetDateTime>> {
        self.passed_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TokenSource for Gate {
    async fn token(&self) -> Result<AccessToken> {
        self.open(self.session.token().await?)
    }

    async fn replace(&self, rejected: &AccessToken) -> Result<AccessToken> {
        let token = self.session.replace(rejected).await?;
        // With the new one the request goes out again.
        *self.lock() = Some(self.clock.now());
        Ok(token)
    }
}
