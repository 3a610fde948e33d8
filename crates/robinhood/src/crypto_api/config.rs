use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use wheelhouse_core::{Error, ErrorKind, Result};

/// Which version of the Crypto Trading API is spoken. Both are in service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CryptoApiVersion {
    /// Prices that include Robinhood's spread, and no fees.
    V1,
    /// Market prices and fees by tier. The default.
    #[default]
    V2,
}

impl fmt::Display for CryptoApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        })
    }
}

impl FromStr for CryptoApiVersion {
    type Err = Error;

    /// Reads `v1` or `v2`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if it is neither.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "v1" => Ok(Self::V1),
            "v2" => Ok(Self::V2),
            _ => Err(Error::new(
                ErrorKind::Configuration,
                "the version of the Crypto Trading API is neither v1 nor v2",
            )),
        }
    }
}

/// What can be set about the Crypto Trading API, without what is secret or shared. Turns into a
/// builder with [`RobinhoodCryptoBuilder::config`](super::RobinhoodCryptoBuilder::config).
///
/// Times are whole seconds when it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RobinhoodCryptoConfig {
    /// Where the API is; `https://trading.robinhood.com`.
    pub base_url: String,
    /// Which version of it is spoken; v2.
    pub version: CryptoApiVersion,
    /// How long an order may take to show after its placement; 60 s.
    #[serde(with = "seconds")]
    pub consistency_window: Duration,
    /// How far back [`order_by_client_id`](wheelhouse_core::Broker::order_by_client_id) looks among
    /// final orders; 7 days. Those that still work are found at any age.
    #[serde(with = "seconds")]
    pub recent_history: Duration,
    /// The age at which the trading pairs and their rules are read again; 1 h.
    #[serde(with = "seconds")]
    pub instruments_age: Duration,
    /// How long a call may wait for its limit; 10 s.
    #[serde(with = "seconds")]
    pub limit_wait: Duration,
    /// How far the broker's clock is ahead of this machine's, until its answers tell; 0 s. Signatures
    /// that are more than 30 s off are refused. At most a day in either direction.
    #[serde(with = "signed_seconds")]
    pub clock_offset: time::Duration,
}

impl Default for RobinhoodCryptoConfig {
    fn default() -> Self {
        Self {
            base_url: "https://trading.robinhood.com".to_owned(),
            version: CryptoApiVersion::V2,
            consistency_window: Duration::from_secs(60),
            recent_history: Duration::from_secs(7 * 24 * 3_600),
            instruments_age: Duration::from_secs(3_600),
            limit_wait: Duration::from_secs(10),
            clock_offset: time::Duration::ZERO,
        }
    }
}

impl RobinhoodCryptoConfig {
    /// Checks what is set.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] naming the value and what is allowed.
    pub(crate) fn check(&self) -> Result<()> {
        let day = Duration::from_secs(86_400);
        for (name, value, most) in [
            (
                "consistency_window",
                self.consistency_window,
                Duration::from_secs(3_600),
            ),
            ("recent_history", self.recent_history, 3_650 * day),
            ("instruments_age", self.instruments_age, 7 * day),
            ("limit_wait", self.limit_wait, Duration::from_secs(600)),
        ] {
            if value < Duration::from_millis(1) || value > most {
                let message = format!("{name} is {value:?}; 1 ms to {most:?} are allowed");
                return Err(Error::new(ErrorKind::Configuration, message));
            }
        }
        if self.clock_offset.abs() > time::Duration::DAY {
            let message = format!(
                "clock_offset is {}; a day in either direction is allowed",
                self.clock_offset
            );
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        Ok(())
    }
}

mod signed_seconds {
    use serde::{Deserialize, Deserializer, Serializer};
    use time::Duration;

    pub(super) fn serialize<S: Serializer>(
        value: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(value.whole_seconds())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        i64::deserialize(deserializer).map(Duration::seconds)
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
