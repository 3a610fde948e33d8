use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use time::OffsetDateTime;
use wheelhouse_core::{AccessToken, Clock, Error, ErrorKind, Result, TokenSource};

/// Held by the caller of a placement for as long as it waits for the outcome.
///
/// The placement runs in a task of its own, so that its answer is noted also when the caller has
/// stopped waiting. The task holds the [gate](SendGate), which learns from this value, dropped with
/// the caller's future, that nobody waits any more.
#[derive(Debug, Default)]
pub struct Waiting {
    gone: Arc<AtomicBool>,
}

impl Waiting {
    /// Returns what tells that this value was dropped.
    pub fn watch(&self) -> Gone {
        Gone(self.gone.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Release);
    }
}

/// Tells whether a caller has stopped waiting.
#[derive(Clone, Debug, Default)]
pub struct Gone(Arc<AtomicBool>);

impl Gone {
    /// Tells of a change that goes on whether or not its caller waits.
    pub fn never() -> Self {
        Self::default()
    }

    /// Returns whether the caller has gone.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The last thing an order passes before it goes out: a source of tokens that gives one only while
/// somebody waits.
///
/// The pipeline asks for the token after the rate limit and right before it sends, so an order that
/// stood in the queue when its caller went away is not sent.
#[derive(Debug)]
pub struct SendGate {
    session: Arc<dyn TokenSource>,
    clock: Arc<dyn Clock>,
    gone: Gone,
    passed_at: Mutex<Option<OffsetDateTime>>,
}

impl SendGate {
    /// Stands before the tokens of `session`.
    pub fn new(session: Arc<dyn TokenSource>, clock: Arc<dyn Clock>, gone: Gone) -> Self {
        Self {
            session,
            clock,
            gone,
            passed_at: Mutex::new(None),
        }
    }

    /// Returns when the request was last let through; `None` if it never was, so that nothing was
    /// sent.
    pub fn passed_at(&self) -> Option<OffsetDateTime> {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Option<OffsetDateTime>> {
        self.passed_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TokenSource for SendGate {
    /// # Errors
    ///
    /// [`ErrorKind::Timeout`] with no effect if nobody waits any more, else as the session does.
    async fn token(&self) -> Result<AccessToken> {
        let token = self.session.token().await?;
        if self.gone.is_set() {
            let message = "the caller stopped waiting before the order was sent";
            return Err(Error::new(ErrorKind::Timeout, message));
        }
        *self.lock() = Some(self.clock.now());
        Ok(token)
    }

    async fn replace(&self, rejected: &AccessToken) -> Result<AccessToken> {
        let token = self.session.replace(rejected).await?;
        // With the new one the request goes out again.
        *self.lock() = Some(self.clock.now());
        Ok(token)
    }
}

#[cfg(test)]
mod tests {
    use wheelhouse_core::{SecretString, SystemClock};

    use super::*;

    #[derive(Debug)]
    struct Session;

    #[async_trait]
    impl TokenSource for Session {
        async fn token(&self) -> Result<AccessToken> {
            Ok(AccessToken::new(SecretString::from("first"), 0, None))
        }

        async fn replace(&self, _: &AccessToken) -> Result<AccessToken> {
            Ok(AccessToken::new(SecretString::from("second"), 1, None))
        }
    }

    fn gate(gone: Gone) -> SendGate {
        SendGate::new(Arc::new(Session), Arc::new(SystemClock::new()), gone)
    }

    #[tokio::test]
    async fn an_order_is_let_through_while_its_caller_waits() {
        let waiting = Waiting::default();
        let gate = gate(waiting.watch());
        assert_eq!(gate.passed_at(), None);
        let token = gate.token().await.unwrap();
        let first = gate.passed_at().unwrap();
        gate.replace(&token).await.unwrap();
        assert!(gate.passed_at().unwrap() >= first);
    }

    #[tokio::test]
    async fn an_order_whose_caller_has_gone_is_held_back() {
        let waiting = Waiting::default();
        let gate = gate(waiting.watch());
        drop(waiting);
        let error = gate.token().await.unwrap_err();
        assert_eq!((error.code(), gate.passed_at()), (2002, None));
    }

    #[tokio::test]
    async fn what_goes_on_without_a_caller_is_let_through() {
        assert!(gate(Gone::never()).token().await.is_ok());
    }
}
