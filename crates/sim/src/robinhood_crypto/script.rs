//! The API's part of a script.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;

use super::Route;
use crate::faults::{self, Fault};

/// A script's part for the Robinhood Crypto API.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RobinhoodCryptoScript {
    /// Faults in the order in which they are asked.
    #[serde(deserialize_with = "faults::faults::<Route, _>")]
    pub faults: Vec<Fault>,
    /// Bid prices by symbol.
    pub prices: BTreeMap<String, Decimal>,
}
