use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytestring::ByteString;
use ring::digest;
use url::Url;
use wheelhouse_core::{BrokerId, Clock, Error, ErrorKind, Result, TokenSource};
use wheelhouse_http::{Call, CallError, Endpoint, HttpClient, Target};
use wheelhouse_ratelimit::{LimitClass, LimitScope, Quota};

use crate::{
    config::{Host, RobinhoodConfig, RobinhoodLimits},
    error,
    wire::{self, Page},
};

/// The longest wait that the broker is believed: a day.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);

/// A limiter keeps what it was told for a day after the last call.
const TELL_AGAIN: Duration = Duration::from_secs(43_200);

/// The hosts of the broker, counted for one user.
#[derive(Clone, Debug)]
pub(crate) struct Hosts([Target; 4]);

impl Hosts {
    /// All callers that name the same user, by [`digest_of`] the name, share limits and pauses.
    pub(crate) fn new(config: &RobinhoodConfig, digest: &str) -> Result<Self> {
        let scope = LimitScope::new(format!("robinhood:{}:{digest}", config.environment));
        let target = |host: Host| -> Result<Target> {
            Ok(Target::new(config.environment.base(host)?, scope.clone())
                .with_broker(BrokerId::robinhood())
                .with_wait_in_body(error::wait_in_body))
        };
        let [a, b, c, d] = Host::ALL;
        Ok(Self([target(a)?, target(b)?, target(c)?, target(d)?]))
    }

    pub(crate) fn target(&self, host: Host) -> &Target {
        &self.0[host as usize]
    }
}

/// Names a user where others can read it: user names are personal data. They are addresses, so that
/// one with capitals is the same.
pub(crate) fn digest_of(user: &str) -> String {
    let user = user.trim().to_lowercase();
    let digest = digest::digest(&digest::SHA256, user.as_bytes());
    digest.as_ref()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What every call of a user goes through.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) http: HttpClient,
    pub(crate) hosts: Hosts,
    pub(crate) session: Arc<dyn TokenSource>,
    pub(crate) version: String,
    pub(crate) limit_wait: Duration,
    pub(crate) quotas: Quotas,
}

/// The quotas that differ from those of the endpoints, and when the limiter was told them.
#[derive(Debug)]
pub(crate) struct Quotas {
    differing: Vec<(LimitClass, Quota)>,
    told: Mutex<Option<Duration>>,
}

impl Quotas {
    pub(crate) fn new(limits: &RobinhoodLimits) -> Self {
        Self {
            differing: limits.quotas().unwrap_or_default(),
            told: Mutex::new(None),
        }
    }

    /// Whether the limiter has to be told, which forgets what it was told a day ago.
    fn due(&self, now: Duration) -> bool {
        if self.differing.is_empty() {
            return false;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let due = told.is_none_or(|at| now.saturating_sub(at) > TELL_AGAIN);
        if due {
            *told = Some(now);
        }
        due
    }
}

impl Api {
    pub(crate) fn clock(&self) -> &dyn Clock {
        &**self.http.clock()
    }

    /// Starts a call on behalf of the user.
    pub(crate) fn call(&self, host: Host, endpoint: &'static Endpoint) -> Call<'_> {
        self.call_with(host, endpoint, &*self.session)
    }

    /// Starts a call with another source of tokens.
    pub(crate) fn call_with<'a>(
        &'a self,
        host: Host,
        endpoint: &'static Endpoint,
        source: &'a dyn TokenSource,
    ) -> Call<'a> {
        self.http
            .call(endpoint, self.hosts.target(host))
            .token(source)
            .header("x-robinhood-api-version", &self.version)
            .max_wait(self.limit_wait)
    }

    /// Tells the limiter how fast this user's calls may go out.
    pub(crate) async fn tell_quotas(&self) {
        if self.quotas.due(self.clock().monotonic()) {
            let scope = self.hosts.target(Host::Api).scope();
            for (class, quota) in &self.quotas.differing {
                self.http.limiter().configure(scope, *class, *quota).await;
            }
        }
    }

    /// Sends a read and returns the body of a success.
    pub(crate) async fn read(
        &self,
        endpoint: &'static Endpoint,
        call: Call<'_>,
    ) -> Result<ByteString> {
        self.tell_quotas().await;
        let answer = match call.send().await {
            Ok(answer) => answer,
            Err(failure) => return Err(self.failed(failure).await),
        };
        if let Some(error) = error::of_status(&answer) {
            return Err(place(endpoint, error));
        }
        if answer.text().trim().is_empty() {
            let error = Error::new(ErrorKind::UnexpectedAnswer, "the answer is empty");
            return Err(place(endpoint, error));
        }
        Ok(answer.into_text())
    }

    /// Waits of hours are told by this broker, and hold for every caller of the user.
    pub(crate) async fn failed(&self, failure: CallError) -> Error {
        let error = failure.into_error();
        if let (ErrorKind::RateLimited, Some(wait)) = (error.kind(), error.retry_after()) {
            self.pause(wait).await;
        }
        error
    }

    pub(crate) async fn pause(&self, wait: Duration) {
        pause(&self.http, &self.hosts, wait).await;
    }

    /// Follows the link to the next page, which must lead to the host that the page came from.
    pub(crate) async fn follow(
        &self,
        host: Host,
        endpoint: &'static Endpoint,
        link: &str,
    ) -> Result<ByteString> {
        let link = self.rebase(host, link);
        self.read(endpoint, self.call(host, endpoint).follow(&link))
            .await
    }

    /// A gateway may pass links on as the broker wrote them: those to the very host that was asked
    /// lead through the gateway again. All others are left as they are, to be refused.
    fn rebase(&self, host: Host, link: &str) -> String {
        let base = self.hosts.target(host).base();
        match Url::parse(link) {
            Ok(url)
                if url.scheme() == "https"
                    && url.host_str() == Some(host.name())
                    && url.port().is_none()
                    && url.username().is_empty()
                    && url.password().is_none()
                    && !base.as_str().ends_with(&format!("//{}", host.name())) =>
            {
                let query = url
                    .query()
                    .map_or(String::new(), |query| format!("?{query}"));
                format!("{base}{}{query}", url.path())
            }
            _ => link.to_owned(),
        }
    }

    /// Reads a list to its end and hands each page over. A page that fails fails the whole.
    pub(crate) async fn all_pages(
        &self,
        host: Host,
        endpoint: &'static Endpoint,
        first: Call<'_>,
        mut take: impl FnMut(&ByteString) -> Result<(Option<String>, bool)> + Send,
    ) -> Result<()> {
        let mut pages = wheelhouse_http::Pages::new();
        let mut body = self.read(endpoint, first).await?;
        loop {
            let (next, go_on) = take(&body).map_err(|error| place(endpoint, error))?;
            let Some(next) = next.filter(|_| go_on) else {
                return Ok(());
            };
            pages.visit(&next).map_err(|error| place(endpoint, error))?;
            body = self.follow(host, endpoint, &next).await?;
        }
    }
}

pub(crate) async fn pause(http: &HttpClient, hosts: &Hosts, wait: Duration) {
    let scope = hosts.target(Host::Api).scope();
    http.limiter().pause(scope, wait.min(LONGEST_PAUSE)).await;
}

/// Names operation and broker in an error.
pub(crate) fn place(endpoint: &Endpoint, error: Error) -> Error {
    error
        .in_operation(endpoint.operation())
        .at_broker(BrokerId::robinhood())
}

/// Decodes a body.
pub(crate) fn decode<'a, T: serde::Deserialize<'a>>(body: &'a str) -> Result<T> {
    wire::decode_text(body).map_err(|misfit| error::misfit(&misfit))
}

/// Decodes a page and converts its rows, leaving out those for which `convert` gives `None`.
/// It may be handed a row twice, so it must not count.
pub(crate) fn rows<'a, T, U>(
    body: &'a str,
    mut convert: impl FnMut(&T, usize) -> Result<Option<U>>,
) -> Result<(Vec<U>, Option<String>)>
where
    T: serde::Deserialize<'a>,
{
    let (mut items, mut count) = (Vec::new(), 0);
    let next = wire::walk(body, |row: &T, more| {
        count += 1;
        match convert(row, count - 1) {
            Ok(Some(item)) => {
                if items.is_empty() {
                    items.reserve(1 + more);
                }
                items.push(item);
            }
            Ok(None) => {}
            Err(_) => return false,
        }
        true
    });
    if let Some(next) = next {
        return Ok((items, next.map(|link| link.owned())));
    }
    let page: Page<'a, T> = decode(body)?;
    let mut items = Vec::with_capacity(page.results.len());
    for (index, row) in page.results.iter().enumerate() {
        items.extend(convert(row, index)?);
    }
    Ok((items, page.next.map(|link| link.owned())))
}
