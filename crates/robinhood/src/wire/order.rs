//! Orders of shares.

use serde::{Deserialize, Serialize};
use wheelhouse_core::Decimal;

use super::{Amount, Num, Stamp, Text};

/// `GET /orders/`, `GET /orders/{id}/` and the answer to `POST /orders/`.
#[derive(Debug, Deserialize)]
pub(crate) struct Order<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) ref_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) account: Text<'a>,
    #[serde(borrow)]
    pub(crate) instrument: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) instrument_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) state: Text<'a>,
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Text<'a>,
    #[serde(borrow)]
    pub(crate) side: Text<'a>,
    #[serde(borrow)]
    pub(crate) time_in_force: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) trigger: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) price: Option<Num>,
    #[serde(default)]
    pub(crate) stop_price: Option<Num>,
    /// Only whether it is there matters; how far it follows is in the raw payload.
    #[serde(default)]
    pub(crate) trailing_peg: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    pub(crate) quantity: Option<Num>,
    #[serde(default)]
    pub(crate) cumulative_quantity: Option<Num>,
    #[serde(default)]
    pub(crate) average_price: Option<Num>,
    #[serde(borrow, default)]
    pub(crate) dollar_based_amount: Option<Amount<'a>>,
    #[serde(borrow, default)]
    pub(crate) executed_notional: Option<Amount<'a>>,
    #[serde(borrow, default)]
    pub(crate) position_effect: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) response_category: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) reject_reason: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) created_at: Option<Stamp>,
    #[serde(default)]
    pub(crate) updated_at: Option<Stamp>,
    #[serde(borrow, default)]
    pub(crate) executions: Option<Vec<Execution<'a>>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Execution<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    pub(crate) price: Num,
    pub(crate) quantity: Num,
    #[serde(default)]
    pub(crate) timestamp: Option<Stamp>,
    #[serde(default)]
    pub(crate) fees: Option<Num>,
}

/// What only says whether a placement was taken: 201 and an id.
#[derive(Debug, Deserialize)]
pub(crate) struct Placed<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) ref_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) state: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) reject_reason: Option<Text<'a>>,
}

/// The body of `POST /orders/`, as the web page sends it. Numbers are text.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewOrder<'a> {
    pub(crate) account: String,
    pub(crate) instrument: String,
    pub(crate) symbol: &'a str,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) price: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop_price: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) quantity: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dollar_based_amount: Option<NewAmount<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trailing_peg: Option<NewTrailingPeg<'a>>,
    pub(crate) side: &'static str,
    pub(crate) time_in_force: &'static str,
    pub(crate) trigger: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) position_effect: Option<&'static str>,
    pub(crate) market_hours: &'static str,
    pub(crate) extended_hours: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) preset_percent_limit: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bid_price: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ask_price: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bid_ask_timestamp: Option<String>,
    pub(crate) order_form_version: u32,
    pub(crate) ref_id: &'a str,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewAmount<'a> {
    pub(crate) amount: Decimal,
    pub(crate) currency_code: &'a str,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewTrailingPeg<'a> {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) percentage: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) price: Option<NewAmount<'a>>,
}
