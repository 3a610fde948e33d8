use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use serde::Deserialize;
use time::OffsetDateTime;
use wheelhouse_core::{Clock, Error, ErrorKind, Result, RetryAdvice};
use wheelhouse_http::{Answer, Call, Endpoint, HttpClient, Pages, Resend, Target};

use super::{broker, endpoints::Routes, error, sign::RequestSigner};
use crate::{error::misfit, wire::decode};

/// How long to hold still before a call is tried again that was answered with 401: that was seen
/// where the limit was meant.
const PAUSE: Duration = Duration::from_secs(1);
/// How often a call is tried that is answered with 401 though its key is good.
const ATTEMPTS: u32 = 3;
/// How long a key that has just been taken passes for a good one.
const GOOD_FOR: Duration = Duration::from_secs(60);

/// What every call of a user goes through.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) http: HttpClient,
    pub(crate) target: Target,
    pub(crate) signer: RequestSigner,
    pub(crate) routes: &'static Routes,
    pub(crate) taken: LastTaken,
    pub(crate) limit_wait: Duration,
}

/// When a request of the key last succeeded.
#[derive(Debug, Default)]
pub(crate) struct LastTaken {
    /// Monotonic nanoseconds; 0 for never.
    at: AtomicU64,
}

impl LastTaken {
    fn note(&self, now: Duration) {
        let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.at.fetch_max(nanos.max(1), Ordering::Relaxed);
    }

    fn since(&self, then: Duration) -> bool {
        let at = self.at.load(Ordering::Relaxed);
        at > 0 && Duration::from_nanos(at) >= then
    }
}

impl Api {
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        self.http.clock()
    }

    /// Starts a signed call.
    fn call(&self, endpoint: &'static Endpoint) -> Call<'_> {
        let call = self.http.call(endpoint, &self.target);
        call.signer(&self.signer).max_wait(self.limit_wait)
    }

    /// Sends a call that may be repeated and returns the answer, whatever it says.
    ///
    /// A 401 is no proof of a wrong key: it also comes if the clocks differ, and was seen in place
    /// of a 429. So it is tried once more, at the broker's time or after a pause in which all calls
    /// of the key hold still. If a call with the same key has succeeded within a minute before, or
    /// meanwhile, the key is good, and what remains is the limit.
    pub(crate) async fn exchange<'a>(
        &'a self,
        endpoint: &'static Endpoint,
        with: impl Fn(Call<'a>) -> Call<'a> + Send + Sync,
    ) -> Result<Answer> {
        let began = self.clock().monotonic();
        let mut attempt = 1;
        loop {
            let sent = self.clock().now();
            let answer = with(self.call(endpoint)).send().await?;
            let corrected = self.note(&answer, sent);
            if answer.status() != 401 || endpoint.resend() == Resend::Once {
                return Ok(answer);
            }
            if attempt > 1 && !self.taken.since(began.saturating_sub(GOOD_FOR)) {
                return Ok(answer);
            }
            let (limiter, scope) = (self.http.limiter(), self.target.scope());
            if attempt > 1 {
                limiter.observe_rejection(scope, endpoint.limit()).await;
            }
            if attempt == ATTEMPTS {
                return Err(self.place(endpoint, limited()));
            }
            if !corrected {
                limiter.pause(scope, PAUSE).await;
            }
            attempt += 1;
        }
    }

    /// Notes what an answer tells of the key and of the broker's time; `true` if the time differs
    /// from what was thought. `sent` is when it was asked for.
    pub(crate) fn note(&self, answer: &Answer, sent: OffsetDateTime) -> bool {
        if answer.is_success() {
            self.taken.note(self.clock().monotonic());
        }
        let now = self.clock().now();
        let clock = &self.signer.server_clock;
        clock.note(answer.server_date(), sent, now)
    }

    /// Sends a read and returns the body of a success.
    pub(crate) async fn read<'a>(
        &'a self,
        endpoint: &'static Endpoint,
        with: impl Fn(Call<'a>) -> Call<'a> + Send + Sync,
    ) -> Result<Bytes> {
        let answer = self.exchange(endpoint, with).await?;
        match error::of_status(&answer) {
            Some(error) => Err(self.place(endpoint, error)),
            None => Ok(answer.into_bytes()),
        }
    }

    /// Reads one page: the first one, or the one that `link` leads to. Never leaves the origin.
    pub(crate) async fn page<'a>(
        &'a self,
        endpoint: &'static Endpoint,
        link: Option<&'a str>,
        with: impl Fn(Call<'a>) -> Call<'a> + Send + Sync,
    ) -> Result<Bytes> {
        match link {
            Some(link) => self.read(endpoint, |call| call.follow(link)).await,
            None => self.read(endpoint, with).await,
        }
    }

    /// Reads a list to its end. `take` is given each page and returns where the next one is; it
    /// ends the walk by returning `None`. A page that fails fails the whole.
    pub(crate) async fn walk<'a>(
        &'a self,
        endpoint: &'static Endpoint,
        with: impl Fn(Call<'a>) -> Call<'a> + Send + Sync,
        mut take: impl FnMut(&Bytes) -> Result<Option<String>> + Send,
    ) -> Result<()> {
        let mut visited = Pages::new();
        let body = self.read(endpoint, with).await?;
        let mut next = take(&body).map_err(|error| self.place(endpoint, error))?;
        while let Some(link) = next {
            visited
                .visit(&link)
                .map_err(|error| self.place(endpoint, error))?;
            let body = self.read(endpoint, |call| call.follow(&link)).await?;
            next = take(&body).map_err(|error| self.place(endpoint, error))?;
        }
        Ok(())
    }

    /// Names operation and broker in an error.
    pub(crate) fn place(&self, endpoint: &Endpoint, error: Error) -> Error {
        error.in_operation(endpoint.operation()).at_broker(broker())
    }
}

/// Makes the error for a 401 to a request that was signed with a good key.
pub(crate) fn limited() -> Error {
    let message = "the broker answered with status 401 to a key that is good: its limit is reached, \
                   or the clocks differed";
    Error::new(ErrorKind::RateLimited, message).with_advice(RetryAdvice::After(PAUSE))
}

/// Reads a body.
pub(crate) fn read_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    decode(body).map_err(|error| misfit(&error))
}
