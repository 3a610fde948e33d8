use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wheelhouse_core::{Error, ErrorKind, Result};
use wheelhouse_http::{BaseUrl, Origin};
use wheelhouse_ratelimit::{LimitClass, Quota};

use crate::endpoints;

/// A host of Robinhood's private API. Paths mean different things on different hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Host {
    Api,
    Bonfire,
    Identi,
    Nummus,
}

impl Host {
    pub(crate) const ALL: [Self; 4] = [Self::Api, Self::Bonfire, Self::Identi, Self::Nummus];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Api => "api.robinhood.com",
            Self::Bonfire => "bonfire.robinhood.com",
            Self::Identi => "identi.robinhood.com",
            Self::Nummus => "nummus.robinhood.com",
        }
    }
}

/// Where Robinhood is.
///
/// ```
/// use wheelhouse_robinhood::Environment;
///
/// assert_eq!("live".parse::<Environment>()?, Environment::Live);
/// assert_eq!("http://127.0.0.1:8080".parse::<Environment>()?.to_string(), "http://127.0.0.1:8080");
/// # Ok::<(), wheelhouse_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Environment {
    /// A gateway or simulator in front of all hosts: scheme, host and port. The name of the host
    /// that is meant is the first part of every path, as in
    /// `http://127.0.0.1:8080/api.robinhood.com/accounts/`. `https` only; plain `http` for loopback
    /// addresses.
    Custom(String),
    /// The hosts below `robinhood.com`: real money. The default; there is no other world.
    #[default]
    Live,
}

impl Environment {
    /// Returns the origins that calls go to.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] or [`ErrorKind::OriginRefused`] if it is not an address that a
    /// token may be sent to.
    pub fn origins(&self) -> Result<Vec<Origin>> {
        Host::ALL
            .iter()
            .map(|host| Ok(self.base(*host)?.origin().clone()))
            .collect()
    }

    pub(crate) fn base(&self, host: Host) -> Result<BaseUrl> {
        match self {
            Self::Live => format!("https://{}", host.name()).parse(),
            Self::Custom(url) => format!("{}/{}", url.trim_end_matches('/'), host.name()).parse(),
        }
    }
}

impl FromStr for Environment {
    type Err = Error;

    /// Reads `live` or a base URL.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if it is neither.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            _ if text.eq_ignore_ascii_case("live") => Ok(Self::Live),
            _ if text.contains("://") => Ok(Self::Custom(text.to_owned())),
            _ => Err(Error::new(
                ErrorKind::Configuration,
                "the environment is neither live nor a URL such as https://host",
            )),
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            // With or without a slash at its end, an address is the same.
            Self::Custom(url) => url.trim_end_matches('/'),
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

/// How a new device is approved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ApprovalFlow {
    /// As the broker says: `identi` where it serves the login, `pathfinder` otherwise. The default.
    #[default]
    Auto,
    /// The flow of the present web page.
    Identi,
    /// The flow of the apps.
    Pathfinder,
}

/// What can be set about the adapter, without what is secret or shared. Turns into a builder with
/// [`RobinhoodBuilder::config`](crate::RobinhoodBuilder::config).
///
/// Times are whole seconds when it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RobinhoodConfig {
    /// Where the broker is; live.
    pub environment: Environment,
    /// How a new device is approved; as the broker says.
    pub approval: ApprovalFlow,
    /// Whether crypto of the private API is read and traded along; off. The official Crypto API is
    /// the better way.
    pub private_crypto: bool,
    /// The version of the apps that `X-Robinhood-API-Version` names; `1.431.4`.
    pub api_version: String,
    /// The version of the order form; 7. The broker refuses what it takes for too old.
    pub order_form_version: u32,
    /// Whether a session of 30 days is asked for; true. The broker decides.
    pub long_session: bool,
    /// How long to wait between two looks at an approval; 10 s, and no less.
    #[serde(with = "seconds")]
    pub poll_interval: Duration,
    /// How long an order may take to show after its placement; 60 s.
    #[serde(with = "seconds")]
    pub consistency_window: Duration,
    /// The age at which an instrument's rules are read again; 1 h.
    #[serde(with = "seconds")]
    pub instruments_age: Duration,
    /// How far back [`order_by_client_id`](wheelhouse_core::Broker::order_by_client_id) looks among
    /// final orders; 7 days. Those that still work are found at any age.
    #[serde(with = "seconds")]
    pub recent_history: Duration,
    /// How long a call may wait for its limit; 10 s.
    #[serde(with = "seconds")]
    pub limit_wait: Duration,
    /// How fast calls go out.
    pub limits: RobinhoodLimits,
}

/// How fast calls of one user go out, over all of the user's accounts. The broker publishes nothing:
/// these are what users have found to be safe. A wait that the broker asks for comes before all of
/// them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RobinhoodLimits {
    /// How many reads a second, in the long run; 4.
    pub reads_per_second: u32,
    /// How many reads at once after a rest; 10.
    pub reads_burst: u32,
    /// The milliseconds between two placements; 2,500. Fractional orders are refused after eight or
    /// nine quick ones.
    pub order_interval_ms: u32,
    /// How many cancels a second; 2.
    pub cancels_per_second: u32,
}

impl Default for RobinhoodLimits {
    fn default() -> Self {
        Self {
            reads_per_second: 4,
            reads_burst: 10,
            order_interval_ms: 2_500,
            cancels_per_second: 2,
        }
    }
}

impl RobinhoodLimits {
    /// Returns what differs from what the endpoints say; `None` if a number is out of its bounds.
    pub(crate) fn quotas(&self) -> Option<Vec<(LimitClass, Quota)>> {
        let interval = Duration::from_millis(self.order_interval_ms.into());
        let second = Duration::from_secs(1);
        let quotas = [
            (
                endpoints::READS,
                Quota::new(self.reads_per_second, second)?.try_with_burst(self.reads_burst)?,
            ),
            (endpoints::PLACE, Quota::new(1, interval)?),
            (
                endpoints::CANCEL,
                Quota::new(self.cancels_per_second, second)?,
            ),
        ];
        let differs = |(class, quota): &(LimitClass, Quota)| class.default_quota() != *quota;
        Some(quotas.into_iter().filter(differs).collect())
    }
}

impl Default for RobinhoodConfig {
    fn default() -> Self {
        Self {
            environment: Environment::Live,
            approval: ApprovalFlow::Auto,
            private_crypto: false,
            api_version: "1.431.4".to_owned(),
            order_form_version: 7,
            long_session: true,
            poll_interval: Duration::from_secs(10),
            consistency_window: Duration::from_secs(60),
            instruments_age: Duration::from_secs(3_600),
            recent_history: Duration::from_secs(7 * 86_400),
            limit_wait: Duration::from_secs(10),
            limits: RobinhoodLimits::default(),
        }
    }
}

impl RobinhoodConfig {
    /// Checks what is set.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |message: String| Err(Error::new(ErrorKind::Configuration, message));
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
        if self.api_version.is_empty() || !self.api_version.bytes().all(fits) {
            return wrong("api_version is not made of letters, digits, dots and dashes".to_owned());
        }
        if self.order_form_version < 2 {
            return wrong("order_form_version is below 2, which the broker refuses".to_owned());
        }
        let limits = &self.limits;
        for (name, value, most) in [
            ("reads_per_second", limits.reads_per_second, 1_000),
            ("reads_burst", limits.reads_burst, 10_000),
            ("order_interval_ms", limits.order_interval_ms, 3_600_000),
            ("cancels_per_second", limits.cancels_per_second, 1_000),
        ] {
            if value == 0 || value > most {
                return wrong(format!("limits.{name} is {value}; 1 to {most} are allowed"));
            }
        }
        if limits.quotas().is_none() {
            return wrong("limits.reads_burst takes longer than a day to come back".to_owned());
        }
        let second = Duration::from_secs(1);
        let day = 86_400 * second;
        for (name, value, least, most) in [
            (
                "poll_interval",
                self.poll_interval,
                10 * second,
                600 * second,
            ),
            (
                "consistency_window",
                self.consistency_window,
                second,
                3_600 * second,
            ),
            ("instruments_age", self.instruments_age, second, 7 * day),
            ("recent_history", self.recent_history, second, 3_650 * day),
            ("limit_wait", self.limit_wait, second, 600 * second),
        ] {
            if value < least || value > most {
                return wrong(format!(
                    "{name} is {value:?}; {least:?} to {most:?} are allowed"
                ));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_never_polled_faster_than_every_ten_seconds() {
        let mut config = RobinhoodConfig::default();
        config.check().unwrap();
        config.poll_interval = Duration::from_secs(9);
        assert_eq!(config.check().unwrap_err().code(), 5003);
    }

    #[test]
    fn limits_are_checked_and_the_defaults_are_those_of_the_endpoints() {
        let mut config = RobinhoodConfig::default();
        assert_eq!(config.limits.quotas(), Some(Vec::new()));
        config.limits.reads_per_second = 2;
        let quotas = config.limits.quotas().unwrap();
        assert_eq!(quotas.len(), 1);
        assert_eq!((quotas[0].1.limit(), quotas[0].1.burst()), (2, Some(10)));
        config.check().unwrap();
        for wrong in [0, 1_001] {
            config.limits.reads_per_second = wrong;
            assert_eq!(config.check().unwrap_err().code(), 5003);
        }
        let read: RobinhoodConfig =
            serde_json::from_str(r#"{"limits":{"reads_burst":3}}"#).unwrap();
        assert_eq!(
            (read.limits.reads_burst, read.limits.reads_per_second),
            (3, 4)
        );
        let unknown = serde_json::from_str::<RobinhoodConfig>(r#"{"limits":{"reads":3}}"#);
        unknown.unwrap_err();
    }

    #[test]
    fn a_gateway_gets_the_host_in_the_path() {
        let custom = Environment::Custom("http://127.0.0.1:4020/".to_owned());
        let base = custom.base(Host::Nummus).unwrap();
        assert_eq!(base.as_str(), "http://127.0.0.1:4020/nummus.robinhood.com");
        assert!(
            Environment::Custom("http://example.com".to_owned())
                .origins()
                .is_err()
        );
        assert_eq!(Environment::Live.origins().unwrap().len(), 4);
    }
}
