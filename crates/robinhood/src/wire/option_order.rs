//! Orders of options.

use serde::{Deserialize, Serialize};
use wheelhouse_core::Decimal;

use super::{Num, Stamp, Text, order::Execution};

/// `GET /options/orders/`, `GET /options/orders/{id}/` and the answer to `POST /options/orders/`.
#[derive(Debug, Deserialize)]
pub(crate) struct OptionOrder<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) ref_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) account_number: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) chain_symbol: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) direction: Text<'a>,
    #[serde(borrow)]
    pub(crate) legs: Vec<Leg<'a>>,
    #[serde(default)]
    pub(crate) price: Option<Num>,
    #[serde(default)]
    pub(crate) stop_price: Option<Num>,
    pub(crate) quantity: Num,
    #[serde(default)]
    pub(crate) processed_quantity: Option<Num>,
    #[serde(default)]
    pub(crate) processed_premium: Option<Num>,
    #[serde(borrow, default)]
    pub(crate) processed_premium_direction: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) trade_value_multiplier: Option<Num>,
    #[serde(borrow)]
    pub(crate) state: Text<'a>,
    #[serde(borrow)]
    pub(crate) time_in_force: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) trigger: Option<Text<'a>>,
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) response_category: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) created_at: Option<Stamp>,
    #[serde(default)]
    pub(crate) updated_at: Option<Stamp>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Leg<'a> {
    #[serde(borrow)]
    pub(crate) option: Text<'a>,
    #[serde(borrow)]
    pub(crate) position_effect: Text<'a>,
    pub(crate) ratio_quantity: Num,
    #[serde(borrow)]
    pub(crate) side: Text<'a>,
}

/// `GET /options/orders/`, read for what was executed.
#[derive(Debug, Deserialize)]
pub(crate) struct OptionFills<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) account_number: Text<'a>,
    #[serde(borrow)]
    pub(crate) legs: Vec<LegFills<'a>>,
    #[serde(default)]
    pub(crate) regulatory_fees: Option<Num>,
    #[serde(default)]
    pub(crate) contract_fees: Option<Num>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct LegFills<'a> {
    #[serde(borrow)]
    pub(crate) option: Text<'a>,
    #[serde(borrow)]
    pub(crate) side: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) executions: Option<Vec<Execution<'a>>>,
}

/// The body of `POST /options/orders/`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewOptionOrder<'a> {
    pub(crate) account: String,
    pub(crate) direction: &'static str,
    pub(crate) time_in_force: &'static str,
    pub(crate) legs: Vec<NewLeg>,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) trigger: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) price: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop_price: Option<Decimal>,
    pub(crate) quantity: Decimal,
    pub(crate) override_day_trade_checks: bool,
    pub(crate) override_dtbp_checks: bool,
    pub(crate) ref_id: &'a str,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewLeg {
    pub(crate) position_effect: &'static str,
    pub(crate) side: &'static str,
    pub(crate) ratio_quantity: u32,
    pub(crate) option: String,
}
