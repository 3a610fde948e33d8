use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use wheelhouse_core::{AccessToken, Error, ErrorKind, Result, TokenSource};

/// Knows whether somebody still waits for an outcome.
#[derive(Default)]
pub(super) struct Caller {
    pub(super) gone: Arc<AtomicBool>,
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Release);
    }
}

/// Gives the token only while somebody waits. The token is asked for after the limit and right
/// before sending: an order whose caller has gone by then is not sent.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) session: Arc<dyn TokenSource>,
    pub(super) abandoned: Arc<AtomicBool>,
}

#[async_trait]
impl TokenSource for Gate {
    async fn token(&self) -> Result<AccessToken> {
        let token = self.session.token().await?;
        if self.abandoned.load(Ordering::Acquire) {
            let message = "nobody waits for the order any more; it was not sent";
            return Err(Error::new(ErrorKind::Timeout, message));
        }
        Ok(token)
    }

    async fn replace(&self, rejected: &AccessToken) -> Result<AccessToken> {
        self.session.replace(rejected).await
    }
}
