use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::redirect;
use rustls::pki_types::CertificateDer;
use secrecy::{ExposeSecret, SecretString};
use wheelhouse_core::{Clock, Error, ErrorKind, Random, Result};
use wheelhouse_ratelimit::{Limiter, LocalLimiter};

use crate::{
    Deadlines, HttpClient, Origin, RetryPolicy, SystemRandom,
    budget::Budget,
    client::Shared,
    tls::{self, Trust},
    validate,
};

/// Builds an [`HttpClient`].
#[must_use]
pub struct HttpClientBuilder {
    origins: Vec<Origin>,
    clock: Option<Arc<dyn Clock>>,
    random: Arc<dyn Random>,
    limiter: Option<Arc<dyn Limiter>>,
    deadlines: Deadlines,
    retry: RetryPolicy,
    body_cap: usize,
    user_agent: String,
    proxy: Option<String>,
    proxy_login: Option<(String, SecretString)>,
    trust: Trust,
    http1_only: bool,
    error: Option<Error>,
}

impl HttpClientBuilder {
    /// How large an answer may be unless the builder or the endpoint says otherwise: 8 MiB.
    pub const BODY_CAP: usize = 8 * 1024 * 1024;

    pub(crate) fn new() -> Self {
        Self {
            origins: Vec::new(),
            clock: None,
            random: Arc::new(SystemRandom),
            limiter: None,
            deadlines: Deadlines::default(),
            retry: RetryPolicy::default(),
            body_cap: Self::BODY_CAP,
            user_agent: concat!("wheelhouse/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxy: None,
            proxy_login: None,
            trust: Trust::default(),
            http1_only: false,
            error: None,
        }
    }

    /// Allows calls to an origin. None is allowed unless it is named.
    pub fn origin(mut self, origin: Origin) -> Self {
        if !self.origins.contains(&origin) {
            self.origins.push(origin);
        }
        self
    }

    /// Sets the clock that deadlines and waits are measured on, and certificates judged by.
    /// Compulsory.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Sets where the randomness of waits comes from; the operating system unless set.
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Sets the limiter; a [`LocalLimiter`] on the same clock unless set.
    pub fn limiter(mut self, limiter: Arc<dyn Limiter>) -> Self {
        self.limiter = Some(limiter);
        self
    }

    /// Sets the deadlines. Each must be 1 ms to 10 min.
    pub fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// Sets when requests are sent again.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Sets how many bytes an answer may have after decompression; [`BODY_CAP`](Self::BODY_CAP)
    /// unless set. Compressed answers may grow a hundredfold at most.
    pub fn body_cap(mut self, bytes: usize) -> Self {
        self.body_cap = bytes;
        self
    }

    /// Trusts the certificates in `pem` besides the platform's.
    pub fn extra_root_pem(mut self, pem: &[u8]) -> Self {
        match tls::parse_pem(pem) {
            Ok(certificates) => self.trust.extra.extend(certificates),
            Err(error) => {
                self.error.get_or_insert(error);
            }
        }
        self
    }

    /// Trusts a certificate in DER besides the platform's.
    pub fn extra_root_der(mut self, der: &[u8]) -> Self {
        self.trust.extra.push(CertificateDer::from(der.to_vec()));
        self
    }

    /// Trusts the given roots only, not the platform's.
    pub fn only_extra_roots(mut self) -> Self {
        self.trust.only_extra = true;
        self
    }

    /// Demands that a server's key is this one or another pinned one, besides a valid certificate:
    /// the SHA-256 of its `SubjectPublicKeyInfo`.
    pub fn pin(mut self, spki_sha256: [u8; 32]) -> Self {
        self.trust.pins.push(spki_sha256);
        self
    }

    /// Sets the `User-Agent`; `wheelhouse/<version>` unless set.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Sends `https` requests through an HTTP proxy. Unless set there is none, whatever the
    /// environment says. Tokens stay within TLS; the proxy sees hosts only.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Sets user name and password for the proxy.
    pub fn proxy_login(mut self, user: impl Into<String>, password: SecretString) -> Self {
        self.proxy_login = Some((user.into(), password));
        self
    }

    /// Never uses HTTP/2.
    pub fn http1_only(mut self) -> Self {
        self.http1_only = true;
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration) if the clock is missing, a value is out of its
    /// bounds, or there are no root certificates though an origin needs them.
    pub fn build(mut self) -> Result<HttpClient> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let clock = self
            .clock
            .clone()
            .ok_or_else(|| wrong("the HTTP client needs a clock"))?;
        self.deadlines.check()?;
        self.retry.check()?;
        if self.body_cap == 0 {
            return Err(wrong("the cap of an answer's body is zero"));
        }
        let transport = self.transport(clock.clone())?;
        let limiter = match self.limiter {
            Some(limiter) => limiter,
            None => Arc::new(LocalLimiter::new(clock.clone())),
        };
        Ok(HttpClient {
            origins: self.origins.into(),
            shared: Arc::new(Shared {
                transport,
                budget: Budget::new(&self.retry, clock.monotonic()),
                clock,
                random: self.random,
                limiter,
                deadlines: self.deadlines,
                retry: self.retry,
                body_cap: self.body_cap,
            }),
        })
    }

    fn transport(&self, clock: Arc<dyn Clock>) -> Result<reqwest::Client> {
        validate::header("the user agent", &self.user_agent)
            .map_err(|error| Error::new(ErrorKind::Configuration, error.message().to_owned()))?;
        let needs_roots = self.origins.iter().any(Origin::is_https);
        let mut tls = tls::config(self.trust.clone(), clock, needs_roots)?;
        if self.http1_only {
            tls.alpn_protocols.retain(|protocol| protocol != b"h2");
        }
        // That name must not be looked up: http is allowed to it.
        let localhost: [SocketAddr; 2] = [
            (IpAddr::V4(Ipv4Addr::LOCALHOST), 0).into(),
            (IpAddr::V6(Ipv6Addr::LOCALHOST), 0).into(),
        ];
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .referer(false)
            // What a refused HTTP/2 stream means is decided by the endpoint, not here.
            .retry(reqwest::retry::never())
            .no_proxy()
            // Bodies are unpacked where they are counted.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .resolve_to_addrs("localhost", &localhost)
            // Shared out among the addresses of a name; the deadline itself is on our clock.
            .connect_timeout(self.deadlines.connect)
            // Well under what servers keep idle connections for: an order that meets a connection
            // on its way out is an order of which nobody knows.
            .pool_idle_timeout(Duration::from_secs(20))
            // A dead HTTP/2 connection would otherwise take every later call with it.
            .http2_keep_alive_interval(Duration::from_secs(15))
            .http2_keep_alive_timeout(Duration::from_secs(10))
            .tcp_keepalive(Duration::from_secs(30))
            .user_agent(&self.user_agent);
        if self.http1_only {
            builder = builder.http1_only();
        }
        if let Some(proxy) = self.checked_proxy()? {
            builder = builder.proxy(proxy);
        }
        builder.build().map_err(|error| {
            wrong("the HTTP client cannot be set up").with_source(error.without_url().to_string())
        })
    }

    fn checked_proxy(&self) -> Result<Option<reqwest::Proxy>> {
        let Some(text) = &self.proxy else {
            return Ok(None);
        };
        let url = url::Url::parse(text).map_err(|_| wrong("the proxy's address is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "the proxy's address carries a user name; give it with proxy_login instead",
            ));
        }
        let proxy = reqwest::Proxy::https(url)
            .map_err(|_| wrong("the proxy's address is not one of an HTTP proxy"))?;
        Ok(Some(match &self.proxy_login {
            Some((user, password)) => proxy.basic_auth(user, password.expose_secret()),
            None => proxy,
        }))
    }
}

fn wrong(message: &'static str) -> Error {
    Error::new(ErrorKind::Configuration, message)
}

impl fmt::Debug for HttpClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClientBuilder")
            .field("origins", &self.origins)
            .field("deadlines", &self.deadlines)
            .field("retry", &self.retry)
            .field("body_cap", &self.body_cap)
            .finish_non_exhaustive()
    }
}
