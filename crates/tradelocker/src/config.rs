use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wheelhouse_core::{Error, ErrorKind, Result};
use wheelhouse_http::BaseUrl;

/// Which of TradeLocker's worlds to talk to. The same e-mail address can exist in both, an account
/// lives in one only.
///
/// ```
/// use wheelhouse_tradelocker::Environment;
///
/// assert_eq!("demo".parse::<Environment>()?, Environment::Demo);
/// assert_eq!("http://127.0.0.1:8080".parse::<Environment>()?.to_string(), "http://127.0.0.1:8080");
/// # Ok::<(), wheelhouse_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Environment {
    /// A host of one's own, such as a simulator: scheme, host and port. `https` only; plain `http`
    /// for loopback addresses.
    Custom(String),
    /// `demo.tradelocker.com`. The default.
    #[default]
    Demo,
    /// `live.tradelocker.com`: real money.
    Live,
}

impl Environment {
    /// Returns where the API begins. A host of one's own without a path gets `/backend-api`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] or [`ErrorKind::OriginRefused`] if it is not an address that a
    /// token may be sent to.
    pub fn base_url(&self) -> Result<BaseUrl> {
        match self {
            Self::Demo => "https://demo.tradelocker.com/backend-api".parse(),
            Self::Live => "https://live.tradelocker.com/backend-api".parse(),
            Self::Custom(url) => {
                let base: BaseUrl = url.parse()?;
                if base.as_str() == base.origin().to_string() {
                    format!("{base}/backend-api").parse()
                } else {
                    Ok(base)
                }
            }
        }
    }
}

impl FromStr for Environment {
    type Err = Error;

    /// Reads `demo`, `live` or a base URL.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if it is none of them.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            _ if text.eq_ignore_ascii_case("demo") => Ok(Self::Demo),
            _ if text.eq_ignore_ascii_case("live") => Ok(Self::Live),
            _ if text.contains("://") => Ok(Self::Custom(text.to_owned())),
            _ => Err(Error::new(
                ErrorKind::Configuration,
                "the environment is neither demo nor live nor a URL such as https://host",
            )),
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Custom(url) => url,
            Self::Demo => "demo",
            Self::Live => "live",
        })
    }
}

impl Serialize for Environment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Environment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// What can be set about the adapter, without what is secret or shared. Turns into a builder with
/// [`TradeLockerBuilder::config`](crate::TradeLockerBuilder::config).
///
/// Times are whole seconds when it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TradeLockerConfig {
    /// Which world to talk to; demo.
    pub environment: Environment,
    /// The broker's server name, as typed into the web login. Needed to log in.
    pub server: String,
    /// What the identifiers of orders begin with, at most 5 characters; `whl-`.
    pub client_order_prefix: String,
    /// How long an order may take to show after its placement; 60 s.
    #[serde(with = "seconds")]
    pub consistency_window: Duration,
    /// How long to wait for the position of an order; 10 s.
    #[serde(with = "seconds")]
    pub position_wait: Duration,
    /// The age at which columns and limits are read again; 24 h.
    #[serde(with = "seconds")]
    pub config_age: Duration,
    /// The age at which the list of instruments is read again; 12 h.
    #[serde(with = "seconds")]
    pub instruments_age: Duration,
    /// The age at which an instrument's rules are read again; 1 h.
    #[serde(with = "seconds")]
    pub rules_age: Duration,
    /// How far back [`order_by_client_id`](wheelhouse_core::Broker::order_by_client_id) looks for
    /// an identifier that does not tell its time; 7 days.
    #[serde(with = "seconds")]
    pub recent_history: Duration,
    /// How long a read may wait for its limit; 10 s.
    #[serde(with = "seconds")]
    pub limit_wait: Duration,
}

impl Default for TradeLockerConfig {
    fn default() -> Self {
        const HOUR: u64 = 3_600;
        Self {
            environment: Environment::Demo,
            server: String::new(),
            client_order_prefix: "whl-".to_owned(),
            consistency_window: Duration::from_secs(60),
            position_wait: Duration::from_secs(10),
            config_age: Duration::from_secs(24 * HOUR),
            instruments_age: Duration::from_secs(12 * HOUR),
            rules_age: Duration::from_secs(HOUR),
            recent_history: Duration::from_secs(7 * 24 * HOUR),
            limit_wait: Duration::from_secs(10),
        }
    }
}

impl TradeLockerConfig {
    /// Checks what is set.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] naming the value and what is allowed.
    pub(crate) fn check(&self) -> Result<()> {
        let prefix = &self.client_order_prefix;
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if prefix.len() > 5 || !prefix.bytes().all(fits) {
            let message = "client_order_prefix is not at most 5 letters, digits, - or _";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        let day = Duration::from_secs(86_400);
        for (name, value, most) in [
            (
                "consistency_window",
                self.consistency_window,
                Duration::from_secs(3_600),
            ),
            (
                "position_wait",
                self.position_wait,
                Duration::from_secs(600),
            ),
            ("config_age", self.config_age, 7 * day),
            ("instruments_age", self.instruments_age, 7 * day),
            ("rules_age", self.rules_age, 7 * day),
            ("recent_history", self.recent_history, 3_650 * day),
            ("limit_wait", self.limit_wait, Duration::from_secs(600)),
        ] {
            if value < Duration::from_millis(1) || value > most {
                let message = format!("{name} is {value:?}; 1 ms to {most:?} are allowed");
                return Err(Error::new(ErrorKind::Configuration, message));
            }
        }
        Ok(())
    }
}

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        value: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(value.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }
}
