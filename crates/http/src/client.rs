use std::{fmt, sync::Arc};

use wheelhouse_core::{Clock, Random};
use wheelhouse_ratelimit::Limiter;

use crate::{
    Call, Deadlines, Endpoint, HttpClientBuilder, Origin, RetryPolicy, Target, budget::Budget,
};

/// Sends requests to brokers: one way for all of them.
///
/// It is cheap to clone. One per process serves every user: connections, limits and the budget for
/// retries are shared, tokens are not kept.
#[derive(Clone)]
pub struct HttpClient {
    pub(crate) shared: Arc<Shared>,
    pub(crate) origins: Arc<[Origin]>,
}

pub(crate) struct Shared {
    pub(crate) transport: reqwest::Client,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) limiter: Arc<dyn Limiter>,
    pub(crate) deadlines: Deadlines,
    pub(crate) retry: RetryPolicy,
    pub(crate) budget: Budget,
    pub(crate) body_cap: usize,
}

impl HttpClient {
    /// Starts to build a client.
    pub fn builder() -> HttpClientBuilder {
        HttpClientBuilder::new()
    }

    /// Makes a client that may talk to other origins and shares everything else with this one.
    #[must_use]
    pub fn with_origins(&self, origins: impl IntoIterator<Item = Origin>) -> Self {
        Self {
            shared: self.shared.clone(),
            origins: origins.into_iter().collect(),
        }
    }

    /// Starts a call of `endpoint` at `target`.
    pub fn call<'a>(&'a self, endpoint: &'a Endpoint, target: &'a Target) -> Call<'a> {
        Call::new(self, endpoint, target)
    }

    /// Returns the limiter that every call asks.
    pub fn limiter(&self) -> &Arc<dyn Limiter> {
        &self.shared.limiter
    }

    /// Returns the clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient")
            .field("origins", &self.origins)
            .field("deadlines", &self.shared.deadlines)
            .field("retry", &self.shared.retry)
            .field("body_cap", &self.shared.body_cap)
            .finish_non_exhaustive()
    }
}
