use std::{fmt, sync::Arc};

use wheelhouse_core::{BrokerId, Error, ErrorKind, Random, Result, TokenSource};
use wheelhouse_http::{HttpClient, SystemRandom};
use wheelhouse_session::Session;

use crate::{
    Environment, ReadOnly, Robinhood, RobinhoodConfig,
    api::{Api, Hosts, Quotas, digest_of},
    auth::random_uuid,
    client::Inner,
};

/// Builds a [`Robinhood`]. Needed are [`http`](Self::http) and one of [`session`](Self::session),
/// [`read_only`](Self::read_only) and [`tokens`](Self::tokens).
#[must_use]
pub struct RobinhoodBuilder {
    config: RobinhoodConfig,
    http: Option<HttpClient>,
    tokens: Option<Arc<dyn TokenSource>>,
    digest: Option<String>,
    read_only: bool,
    random: Arc<dyn Random>,
}

impl RobinhoodBuilder {
    pub(crate) fn new() -> Self {
        Self {
            config: RobinhoodConfig::default(),
            http: None,
            tokens: None,
            digest: None,
            read_only: false,
            random: Arc::new(SystemRandom),
        }
    }

    /// Sets everything that a [`RobinhoodConfig`] has.
    pub fn config(mut self, config: RobinhoodConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets where the broker is. Default: [`Environment::Live`].
    pub fn environment(mut self, environment: Environment) -> Self {
        self.config.environment = environment;
        self
    }

    /// Reads and trades crypto of the private API along. Default: it does not.
    pub fn private_crypto(mut self) -> Self {
        self.config.private_crypto = true;
        self
    }

    /// Sets the client that requests go through, with its limits, deadlines and clock. One serves
    /// all users; which origins it knows does not matter, this value's calls go to its own only.
    pub fn http(mut self, http: HttpClient) -> Self {
        self.http = Some(http);
        self
    }

    /// Sets whose session it is. Limits and the broker's waits are shared with the login and with
    /// every other value of that user.
    pub fn session(mut self, session: Session) -> Self {
        self.digest = Some(digest_of(session.identity().user()));
        self.tokens = Some(Arc::new(session));
        self.read_only = false;
        self
    }

    /// Sets whose session it is, to read only: calls go out with the token that can only read, and
    /// nothing is placed or cancelled. Which calls the broker takes that token for is not known of
    /// all.
    pub fn read_only(mut self, session: Session) -> Self {
        self.digest = Some(digest_of(session.identity().user()));
        self.tokens = Some(Arc::new(ReadOnly::new(session)));
        self.read_only = true;
        self
    }

    /// Sets where tokens come from, and the name of the user whom the broker counts calls of.
    pub fn tokens(mut self, source: Arc<dyn TokenSource>, user: &str) -> Self {
        self.digest = Some(digest_of(user));
        self.tokens = Some(source);
        self.read_only = false;
        self
    }

    /// Sets where order identifiers come from. Default: the operating system.
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Builds it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingField`] without a client or a session, [`ErrorKind::Configuration`] for a
    /// value out of its bounds, [`ErrorKind::OriginRefused`] or [`ErrorKind::InvalidInput`] for an
    /// environment that a token must not be sent to.
    pub fn build(self) -> Result<Robinhood> {
        let at = |error: Error| error.at_broker(BrokerId::robinhood());
        let missing = |what: &'static str| at(Error::new(ErrorKind::MissingField, what));
        let http = self
            .http
            .ok_or_else(|| missing("the HTTP client is not set"))?;
        let session = self
            .tokens
            .ok_or_else(|| missing("the session is not set"))?;
        self.config.check().map_err(at)?;
        let http = http.with_origins(self.config.environment.origins().map_err(at)?);
        let digest = match self.digest {
            Some(digest) => digest,
            None => random_uuid(&*self.random)?,
        };
        let api = Api {
            http,
            hosts: Hosts::new(&self.config, &digest)?,
            session,
            version: self.config.api_version.clone(),
            limit_wait: self.config.limit_wait,
            quotas: Quotas::new(&self.config.limits),
        };
        Ok(Robinhood {
            inner: Arc::new(Inner::new(api, self.random, self.config, self.read_only)),
        })
    }
}

impl fmt::Debug for RobinhoodBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RobinhoodBuilder")
            .field("config", &self.config)
            .field("read_only", &self.read_only)
            .finish_non_exhaustive()
    }
}
