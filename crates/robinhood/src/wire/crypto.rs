//! Crypto of the private API, on the host nummus.

use serde::{Deserialize, Serialize};
use wheelhouse_core::Decimal;

use super::{Num, Stamp, Text};

/// `GET nummus /accounts/`.
#[derive(Debug, Deserialize)]
pub(crate) struct CryptoAccount<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) rhs_account_number: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) apex_account_number: Option<Text<'a>>,
}

/// `GET nummus /currency_pairs/`.
#[derive(Debug, Deserialize)]
pub(crate) struct Pair<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) symbol: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) tradability: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) quote_currency: PairCurrency<'a>,
    #[serde(default)]
    pub(crate) min_order_size: Option<Num>,
    #[serde(default)]
    pub(crate) max_order_size: Option<Num>,
    #[serde(default)]
    pub(crate) min_order_price_increment: Option<Num>,
    #[serde(default)]
    pub(crate) min_order_quantity_increment: Option<Num>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PairCurrency<'a> {
    #[serde(borrow)]
    pub(crate) code: Text<'a>,
}

/// `GET nummus /holdings/`.
#[derive(Debug, Deserialize)]
pub(crate) struct Holding<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) account_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) currency: PairCurrency<'a>,
    #[serde(borrow, default)]
    pub(crate) currency_pair_id: Option<Text<'a>>,
    pub(crate) quantity: Num,
    #[serde(default)]
    pub(crate) cost_bases: Vec<CostBasis>,
    #[serde(default)]
    pub(crate) created_at: Option<Stamp>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CostBasis {
    #[serde(default)]
    pub(crate) direct_cost_basis: Option<Num>,
    #[serde(default)]
    pub(crate) direct_quantity: Option<Num>,
}

/// `GET nummus /orders/` and the answer to `POST nummus /orders/`.
#[derive(Debug, Deserialize)]
pub(crate) struct CryptoOrder<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) ref_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) account_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) currency_pair_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) side: Text<'a>,
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Text<'a>,
    #[serde(borrow)]
    pub(crate) state: Text<'a>,
    #[serde(borrow)]
    pub(crate) time_in_force: Text<'a>,
    #[serde(default)]
    pub(crate) price: Option<Num>,
    #[serde(default)]
    pub(crate) limit_price: Option<Num>,
    #[serde(default)]
    pub(crate) stop_price: Option<Num>,
    pub(crate) quantity: Num,
    #[serde(default)]
    pub(crate) cumulative_quantity: Option<Num>,
    #[serde(default)]
    pub(crate) average_price: Option<Num>,
    #[serde(default)]
    pub(crate) created_at: Option<Stamp>,
    #[serde(default)]
    pub(crate) updated_at: Option<Stamp>,
}

/// `GET nummus /orders/`, read for what was executed.
#[derive(Debug, Deserialize)]
pub(crate) struct CryptoFills<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) account_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) currency_pair_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) side: Text<'a>,
    #[serde(default)]
    pub(crate) cumulative_quantity: Option<Num>,
    #[serde(borrow, default)]
    pub(crate) executions: Option<Vec<CryptoFill<'a>>>,
}

/// Never captured: the names are those of the Crypto Trading API.
#[derive(Debug, Deserialize)]
pub(crate) struct CryptoFill<'a> {
    #[serde(borrow, default)]
    pub(crate) id: Option<Text<'a>>,
    pub(crate) effective_price: Num,
    pub(crate) quantity: Num,
    #[serde(default)]
    pub(crate) timestamp: Option<Stamp>,
}

/// `GET /marketdata/forex/quotes/{pair id}/`.
#[derive(Debug, Deserialize)]
pub(crate) struct ForexQuote<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(default)]
    pub(crate) ask_price: Option<Num>,
    #[serde(default)]
    pub(crate) bid_price: Option<Num>,
    #[serde(default)]
    pub(crate) mark_price: Option<Num>,
    #[serde(default)]
    pub(crate) updated_at: Option<Stamp>,
}

/// The body of `POST nummus /orders/`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewCryptoOrder<'a> {
    pub(crate) account_id: &'a str,
    pub(crate) currency_pair_id: &'a str,
    pub(crate) price: Decimal,
    pub(crate) quantity: Decimal,
    pub(crate) ref_id: &'a str,
    pub(crate) side: &'static str,
    pub(crate) time_in_force: &'static str,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}
