use std::{
    fmt,
    sync::{Arc, atomic::AtomicBool},
};

use wheelhouse_adapter::Cached;
use wheelhouse_core::{Error, ErrorKind, Random, Result, SecretString};
use wheelhouse_http::{BaseUrl, HttpClient, SystemRandom, Target};
use wheelhouse_ratelimit::LimitScope;

use super::{
    CryptoApiVersion, RobinhoodCrypto, RobinhoodCryptoConfig,
    api::{Api, LastTaken},
    broker,
    client::Inner,
    endpoints, error,
    recent::Recent,
    server_clock::ServerClock,
    sign::{Keys, RequestSigner},
};
use crate::readings::Readings;

/// Builds a [`RobinhoodCrypto`]. Needed are [`http`](Self::http), [`api_key`](Self::api_key) and
/// [`private_key`](Self::private_key).
#[must_use]
pub struct RobinhoodCryptoBuilder {
    config: RobinhoodCryptoConfig,
    http: Option<HttpClient>,
    api_key: Option<SecretString>,
    private_key: Option<SecretString>,
    random: Arc<dyn Random>,
    limit_scope: Option<LimitScope>,
}

impl RobinhoodCryptoBuilder {
    pub(crate) fn new() -> Self {
        Self {
            config: RobinhoodCryptoConfig::default(),
            http: None,
            api_key: None,
            private_key: None,
            random: Arc::new(SystemRandom),
            limit_scope: None,
        }
    }

    /// Sets everything that a [`RobinhoodCryptoConfig`] has.
    pub fn config(mut self, config: RobinhoodCryptoConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets where the API is. Default: `https://trading.robinhood.com`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.config.base_url = url.into();
        self
    }

    /// Sets which version of the API is spoken. Default: [`CryptoApiVersion::V2`].
    pub fn version(mut self, version: CryptoApiVersion) -> Self {
        self.config.version = version;
        self
    }

    /// Sets the client that requests go through, with its limits, deadlines and clock. One serves
    /// all users; which origins it knows does not matter, this value's calls go to its own only.
    pub fn http(mut self, http: HttpClient) -> Self {
        self.http = Some(http);
        self
    }

    /// Sets the API key, as shown where it was made; most begin with `rh-api-`.
    pub fn api_key(mut self, api_key: SecretString) -> Self {
        self.api_key = Some(api_key);
        self
    }

    /// Sets the private key that belongs to the public one that was given to Robinhood: the base64
    /// of the 32 bytes of its seed.
    pub fn private_key(mut self, private_key: SecretString) -> Self {
        self.private_key = Some(private_key);
        self
    }

    /// Sets where new order identifiers come from. Default: the operating system.
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Sets on whose account calls are limited. It shows in reports and must hold no secret.
    /// Default: the same for all values with the same API key.
    pub fn limit_scope(mut self, scope: LimitScope) -> Self {
        self.limit_scope = Some(scope);
        self
    }

    /// Builds it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingField`] without a client or a key, [`ErrorKind::Configuration`] for a key
    /// that cannot be one, a value out of its bounds or an address with a path, [`ErrorKind::OriginRefused`] or
    /// [`ErrorKind::InvalidInput`] for an address that a key must not be sent to.
    pub fn build(self) -> Result<RobinhoodCrypto> {
        self.assemble().map_err(|error| error.at_broker(broker()))
    }

    fn assemble(self) -> Result<RobinhoodCrypto> {
        let missing = |what: &'static str| Error::new(ErrorKind::MissingField, what);
        let http = self
            .http
            .ok_or_else(|| missing("the HTTP client is not set"))?;
        let api_key = self
            .api_key
            .ok_or_else(|| missing("the API key is not set"))?;
        let private_key = self
            .private_key
            .ok_or_else(|| missing("the private key is not set"))?;
        self.config.check()?;
        let keys = Keys::new(api_key, &private_key)?;
        let base: BaseUrl = self.config.base_url.parse()?;
        if base.as_str() != base.origin().to_string() {
            // The path is signed, and what is in between would change it.
            let message = "the address of the API is a scheme, a host and a port, without a path";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        let scope = self.limit_scope.unwrap_or_else(|| {
            LimitScope::new(format!(
                "{}:{}:{}",
                broker(),
                base.origin(),
                keys.fingerprint()
            ))
        });
        let http = http.with_origins([base.origin().clone()]);
        let target = Target::new(base, scope)
            .with_broker(broker())
            .with_wait_in_body(error::wait_in_body);
        let signer = RequestSigner {
            keys,
            clock: http.clock().clone(),
            server_clock: ServerClock::ahead_by(self.config.clock_offset),
        };
        let api = Api {
            http,
            target,
            signer,
            routes: endpoints::routes(self.config.version),
            taken: LastTaken::default(),
            limit_wait: self.config.limit_wait,
        };
        Ok(RobinhoodCrypto {
            inner: Arc::new(Inner {
                api,
                random: self.random,
                config: self.config,
                accounts: Cached::default(),
                pairs: Cached::default(),
                recent: Recent::default(),
                readings: Readings::default(),
                asks_otherwise: AtomicBool::new(false),
            }),
        })
    }
}

impl fmt::Debug for RobinhoodCryptoBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RobinhoodCryptoBuilder")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
