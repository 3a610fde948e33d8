//! How the simulated API behaves where the real one leaves room, and who may use it.

use std::{fmt, time::Duration};

use rust_decimal::Decimal;
use serde::Deserialize;

/// How quantities and prices are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Numbers {
    /// As JSON numbers, as the specification says.
    Number,
    /// As text with eighteen places, as the live server does. The default.
    #[default]
    Text,
}

/// What a placement with a known `client_order_id` does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Duplicate {
    /// It is placed as another order.
    Another,
    /// It is refused with this status.
    Refuse(u16),
    /// The first order comes back. The default.
    #[default]
    SameOrder,
}

/// A token bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Requests that may come at once.
    pub burst: u32,
    /// Requests that come back in a minute.
    pub per_minute: u32,
}

/// The API's behaviour; may be changed while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// How far a timestamp may be from the simulator's clock. Default 30 s.
    pub window: Duration,
    /// Requests of one account. Default: a burst of 300, then 100 in a minute.
    pub limit: Option<Bucket>,
    /// Whether a request over the limit is answered with 401, as was reported. Default false.
    pub limit_as_401: bool,
    /// Whether `Retry-After` is missing from 429. Default false.
    pub no_retry_after: bool,
    /// How numbers are written. Default: as text.
    pub numbers: Numbers,
    /// What a known `client_order_id` does. Default: the first order comes back.
    pub duplicate: Duplicate,
    /// Rows of a page if the request does not say. Default 100.
    pub page_size: usize,
    /// Origin of `next` links instead of the API's own.
    pub next_origin: Option<String>,
    /// How long new orders stay out of sight of lists. Default 0.
    pub visible_after: Duration,
    /// Most that fills of an order in one step; a step is a request. Default: all.
    pub fill_step: Option<Decimal>,
    /// Whether orders are taken and then fail. Default false.
    pub fail_orders: bool,
    /// Whether a cancel comes too late: it is taken and the order fills. Default false.
    pub cancel_loses: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(30),
            limit: Some(Bucket {
                burst: 300,
                per_minute: 100,
            }),
            limit_as_401: false,
            no_retry_after: false,
            numbers: Numbers::default(),
            duplicate: Duplicate::default(),
            page_size: 100,
            next_origin: None,
            visible_after: Duration::ZERO,
            fill_step: None,
            fail_orders: false,
            cancel_loses: false,
        }
    }
}

impl Settings {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// An API key with its account.
#[derive(Clone, PartialEq, Eq)]
pub struct UserSpec {
    pub(super) api_key: String,
    pub(super) public_key: String,
    pub(super) account: String,
    pub(super) cash: Decimal,
    pub(super) volume: Decimal,
    pub(super) coins: Vec<(String, Decimal)>,
    pub(super) status: &'static str,
    pub(super) api_tradable: bool,
}

impl UserSpec {
    /// Creates a key with an empty account; the public key is the base64 text of its 32 bytes.
    pub fn new(
        api_key: impl Into<String>,
        public_key: impl Into<String>,
        account: impl Into<String>,
    ) -> Self {
        Self {
            api_key: api_key.into(),
            public_key: public_key.into(),
            account: account.into(),
            cash: Decimal::ZERO,
            volume: Decimal::ZERO,
            coins: Vec::new(),
            status: "active",
            api_tradable: true,
        }
    }

    /// The key that a simulator knows unless told otherwise: the example of the API's own
    /// documentation, with account `123456789012`, 1,000.50 USD and 0.1 BTC.
    #[must_use]
    pub fn demo() -> Self {
        Self::new(
            "rh-api-6148effc-c0b1-486c-8940-a1d099456be6",
            "jPItx4TLjcnSUnmnXQQyAKL4eJj3+oWNNMmmm2vATqk=",
            "123456789012",
        )
        .cash(Decimal::new(100_050, 2))
        .coins("BTC", Decimal::new(1, 1))
    }

    /// Sets the cash in USD.
    #[must_use]
    pub fn cash(mut self, cash: Decimal) -> Self {
        self.cash = cash;
        self
    }

    /// Adds coins.
    #[must_use]
    pub fn coins(mut self, code: impl Into<String>, quantity: Decimal) -> Self {
        self.coins.push((code.into(), quantity));
        self
    }

    /// Sets the volume of thirty days in USD, which the fee follows.
    #[must_use]
    pub fn volume(mut self, volume: Decimal) -> Self {
        self.volume = volume;
        self
    }

    /// Lets the account sell only.
    #[must_use]
    pub fn sell_only(mut self) -> Self {
        self.status = "sell_only";
        self
    }

    /// Closes the account: it can be read, and takes no orders.
    #[must_use]
    pub fn deactivated(mut self) -> Self {
        self.status = "deactivated";
        self
    }

    /// Lets the account trade in the app only, which version 2 of the API tells.
    #[must_use]
    pub fn not_api_tradable(mut self) -> Self {
        self.api_tradable = false;
        self
    }
}

impl fmt::Debug for UserSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserSpec")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}
