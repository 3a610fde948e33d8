use std::{future::Future, pin::Pin, task::Poll, time::Duration};

use wheelhouse_core::{Clock, Error, ErrorKind, Result};

/// How long the parts of a call may take, measured on the client's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlines {
    /// Until a connection stands: name, TCP and TLS. 5 s.
    pub connect: Duration,
    /// From there until the head of the answer is there. 10 s.
    pub headers: Duration,
    /// Between two pieces of the answer's body. 10 s.
    pub idle: Duration,
    /// For everything, attempts and own waits included. Waits that the broker or a limit demands,
    /// and the refresh of a token, do not count; they have bounds of their own. 30 s.
    pub total: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            headers: Duration::from_secs(10),
            idle: Duration::from_secs(10),
            total: Duration::from_secs(30),
        }
    }
}

impl Deadlines {
    /// Sets the time until a connection stands.
    #[must_use]
    pub fn with_connect(mut self, connect: Duration) -> Self {
        self.connect = connect;
        self
    }

    /// Sets the time until the head of the answer is there.
    #[must_use]
    pub fn with_headers(mut self, headers: Duration) -> Self {
        self.headers = headers;
        self
    }

    /// Sets the time between two pieces of the body.
    #[must_use]
    pub fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Sets the time for everything.
    #[must_use]
    pub fn with_total(mut self, total: Duration) -> Self {
        self.total = total;
        self
    }

    pub(crate) fn check(self) -> Result<()> {
        let allowed = Duration::from_millis(1)..=Duration::from_secs(600);
        for (name, value) in [
            ("connect", self.connect),
            ("headers", self.headers),
            ("idle", self.idle),
            ("total", self.total),
        ] {
            if !allowed.contains(&value) {
                return Err(Error::new(
                    ErrorKind::Configuration,
                    format!("the {name} deadline is {value:?}; 1 ms to 10 min are allowed"),
                ));
            }
        }
        Ok(())
    }
}

/// Runs `future` until `limit` has passed on `clock`. The timer is only made if it is needed.
pub(crate) async fn within<F: Future>(
    clock: &dyn Clock,
    limit: Duration,
    future: F,
) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut timer: Option<Pin<Box<dyn Future<Output = ()> + Send>>> = None;
    std::future::poll_fn(move |cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        let timer = timer.get_or_insert_with(|| clock.sleep(limit));
        timer.as_mut().poll(cx).map(|()| None)
    })
    .await
}
