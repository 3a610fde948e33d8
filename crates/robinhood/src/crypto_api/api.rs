use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde::Deserialize;
use wheelhouse_core::{Clock, Error, Result};
use wheelhouse_http::{Answer, Call, Endpoint, HttpClient, Pages, Resend, Target};

use super::{broker, endpoints::Routes, error, sign::RequestSigner};
use crate::{error::misfit, wire::decode};

/// How long to hold still before a call is tried again that was answered with 401: that was seen
/// where the limit was meant.
const PAUSE: Duration = Duration::from_secs(1);

/// What every call of a user goes through.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) http: HttpClient,
    pub(crate) target: Target,
    pub(crate) signer: RequestSigner,
    pub(crate) routes: &'static Routes,
    pub(crate) limit_wait: Duration,
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
    /// of a 429. So it is tried once more, at the broker's time or after a pause.
    pub(crate) async fn exchange<'a>(
        &'a self,
        endpoint: &'static Endpoint,
        with: impl Fn(Call<'a>) -> Call<'a> + Send + Sync,
    ) -> Result<Answer> {
        let answer = with(self.call(endpoint)).send().await?;
        let corrected = self.note_time(&answer);
        if answer.status() != 401 || endpoint.resend() == Resend::Once {
            return Ok(answer);
        }
        if !corrected {
            self.http.limiter().pause(self.target.scope(), PAUSE).await;
        }
        let answer = with(self.call(endpoint)).send().await?;
        self.note_time(&answer);
        Ok(answer)
    }

    /// Notes the broker's time; `true` if it differs from what was thought.
    pub(crate) fn note_time(&self, answer: &Answer) -> bool {
        let now = self.clock().now();
        self.signer.server_clock.note(answer.server_date(), now)
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

/// Reads a body.
pub(crate) fn read_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T> {
    decode(body).map_err(|error| misfit(&error))
}
