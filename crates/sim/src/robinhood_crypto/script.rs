//! The API's part of a script.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::{
    Route,
    settings::{Bucket, Duplicate, Numbers, Settings},
};
use crate::{
    broker::{
        Move,
        knobs::{knobs, same, seconds},
    },
    faults::{self, Fault},
};

/// A script's part for the Robinhood Crypto API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RobinhoodCryptoScript {
    /// Faults in the order in which they are asked.
    #[serde(deserialize_with = "faults::faults::<Route, _>")]
    pub faults: Vec<Fault>,
    /// Changes of prices and time that come later.
    pub moves: Vec<Move<Route>>,
    /// Bid prices by symbol.
    pub prices: BTreeMap<String, Decimal>,
    /// Settings that differ from those that the builder or the command line gave.
    pub settings: Knobs,
}

knobs! {
    cancel_loses: bool => same,
    duplicate: Duplicate => same,
    fail_orders: bool => same,
    fill_step: Decimal => Some,
    limit: Limit => Limit::bucket,
    limit_as_401: bool => same,
    next_origin: String => Some,
    no_retry_after: bool => same,
    numbers: Numbers => same,
    page_size: usize => same,
    visible_after = "visible_after_s": u32 => seconds,
    window = "window_s": u32 => seconds,
}

/// How many requests an account may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Limit {
    Bucket(Bucket),
    Off,
}

impl Limit {
    fn bucket(self) -> Option<Bucket> {
        match self {
            Self::Bucket(bucket) => Some(bucket),
            Self::Off => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Script, SimError, broker::knobs::fields};

    fn crypto(part: &str) -> Result<RobinhoodCryptoScript, SimError> {
        let script = Script::from_json(&format!("{{\"robinhood_crypto\":\n{part}}}"))?;
        Ok(script.robinhood_crypto)
    }

    #[test]
    fn every_setting_can_be_set_from_a_script() {
        assert_eq!(fields(&Settings::default()), Knobs::NAMES);
    }

    #[test]
    fn named_settings_change_and_others_stay() {
        let part = r#"{"settings": {
            "duplicate": {"refuse": 409}, "numbers": "number", "window_s": 5, "fill_step": "0.5",
            "limit": {"bucket": {"burst": 2, "per_minute": 1}}
        }}"#;
        let page_size = 7;
        let before = Settings {
            page_size,
            ..Settings::default()
        };
        let mut settings = before.clone();
        crypto(part).unwrap().settings.apply(&mut settings);
        let (burst, per_minute) = (2, 1);
        let expected = Settings {
            duplicate: Duplicate::Refuse(409),
            numbers: Numbers::Number,
            window: Duration::from_secs(5),
            fill_step: Some(Decimal::new(5, 1)),
            limit: Some(Bucket { burst, per_minute }),
            ..before
        };
        assert_eq!(settings, expected);
        let off = crypto(r#"{"settings": {"limit": "off"}}"#).unwrap();
        off.settings.apply(&mut settings);
        assert_eq!(settings.limit, None);
    }

    #[test]
    fn what_is_unknown_is_refused_with_its_line() {
        for (part, name) in [
            ("{\n\"settings\": {\"window\": 5}}", "`window`"),
            ("{\n\"settings\": {\"duplicate\": \"same\"}}", "`same`"),
            ("{\n\"moves\": [{\"route\": \"positions\"}]}", "`positions`"),
        ] {
            match crypto(part).unwrap_err() {
                SimError::Script { line, message, .. } => {
                    assert_eq!(line, 3, "{part}");
                    assert!(message.contains(name), "{message}");
                }
                other => panic!("{other}"),
            }
        }
    }
}
