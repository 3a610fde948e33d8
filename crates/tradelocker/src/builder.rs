use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use secrecy::SecretString;
use wheelhouse_adapter::Cached;
use wheelhouse_core::{BrokerId, Error, ErrorKind, Random, Result, TokenSource};
use wheelhouse_http::{HttpClient, SystemRandom, Target};
use wheelhouse_ratelimit::LimitScope;

use crate::{Environment, TradeLocker, TradeLockerConfig, api::Api, client::Inner, recent::Recent};

/// Builds a [`TradeLocker`]. Needed are [`http`](Self::http) and [`session`](Self::session).
#[must_use]
pub struct TradeLockerBuilder {
    config: TradeLockerConfig,
    http: Option<HttpClient>,
    session: Option<Arc<dyn TokenSource>>,
    random: Arc<dyn Random>,
    developer_key: Option<SecretString>,
    limit_scope: Option<LimitScope>,
}

impl TradeLockerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            config: TradeLockerConfig::default(),
            http: None,
            session: None,
            random: Arc::new(SystemRandom),
            developer_key: None,
            limit_scope: None,
        }
    }

    /// Sets everything that a [`TradeLockerConfig`] has.
    pub fn config(mut self, config: TradeLockerConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets which world to talk to. Default: [`Environment::Demo`].
    pub fn environment(mut self, environment: Environment) -> Self {
        self.config.environment = environment;
        self
    }

    /// Sets the broker's server name, as typed into the web login. It is needed for logging in only.
    pub fn server(mut self, server: impl Into<String>) -> Self {
        self.config.server = server.into();
        self
    }

    /// Sets the client that requests go through, with its limits, deadlines and clock. One serves
    /// all users; which origins it knows does not matter, this value's calls go to its own only.
    pub fn http(mut self, http: HttpClient) -> Self {
        self.http = Some(http);
        self
    }

    /// Sets where tokens come from.
    pub fn session(mut self, session: Arc<dyn TokenSource>) -> Self {
        self.session = Some(session);
        self
    }

    /// Sets where the random part of order identifiers comes from. Default: the operating system.
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Sets the key of the developer program, which begins with `tl-`. Default: none.
    pub fn developer_key(mut self, key: SecretString) -> Self {
        self.developer_key = Some(key);
        self
    }

    /// Sets on whose account calls are limited. Values of one user have to share it; it shows in
    /// reports and must hold no secret. Default: one of this value's own.
    pub fn limit_scope(mut self, scope: LimitScope) -> Self {
        self.limit_scope = Some(scope);
        self
    }

    /// Builds it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingField`] without a client or a session, [`ErrorKind::Configuration`] for a
    /// value out of its bounds, [`ErrorKind::OriginRefused`] or [`ErrorKind::InvalidInput`] for an
    /// environment that a token must not be sent to.
    pub fn build(self) -> Result<TradeLocker> {
        let missing = |what: &'static str| {
            Error::new(ErrorKind::MissingField, what).at_broker(BrokerId::tradelocker())
        };
        let http = self
            .http
            .ok_or_else(|| missing("the HTTP client is not set"))?;
        let session = self
            .session
            .ok_or_else(|| missing("the session is not set"))?;
        self.config
            .check()
            .map_err(|error| error.at_broker(BrokerId::tradelocker()))?;
        let base = self.config.environment.base_url()?;
        let scope = self.limit_scope.unwrap_or_else(|| {
            static NEXT: AtomicU64 = AtomicU64::new(1);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            LimitScope::new(format!("tradelocker:{}:{number}", base.origin()))
        });
        let http = http.with_origins([base.origin().clone()]);
        let target = Target::new(base, scope).with_broker(BrokerId::tradelocker());
        let api = Api {
            http,
            target,
            session,
            developer_key: self.developer_key,
        };
        Ok(TradeLocker {
            inner: Arc::new(Inner {
                api,
                random: self.random,
                config: self.config,
                directory: Cached::default(),
                recent: Recent::default(),
            }),
        })
    }
}

impl fmt::Debug for TradeLockerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TradeLockerBuilder")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
