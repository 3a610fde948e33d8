//! The floor of decoding: what one writes by hand if the columns never moved.

use serde::Deserialize;
use wheelhouse_core::Decimal;

/// The columns of a position in the order that [`PlainPosition`] relies on.
pub const COLUMNS: [&str; 11] = [
    "id",
    "tradableInstrumentId",
    "routeId",
    "side",
    "qty",
    "avgPrice",
    "stopLossId",
    "takeProfitId",
    "openDate",
    "unrealizedPl",
    "strategyId",
];

/// A row, by place. It owns its text, so that it can be kept and handed on.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the names of the wire")]
pub struct PlainPosition {
    pub id: String,
    pub instrument: String,
    pub route: String,
    pub side: String,
    pub qty: Decimal,
    pub avg_price: Decimal,
    pub stop_loss: Option<String>,
    pub take_profit: Option<String>,
    pub open_date: String,
    pub unrealized_pl: Option<Decimal>,
    pub strategy: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    d: Data,
}

#[derive(Deserialize)]
struct Data {
    positions: Vec<PlainPosition>,
}

/// Decodes an answer in one pass.
///
/// # Panics
///
/// If it is not a positions answer.
pub fn decode(body: &[u8]) -> Vec<PlainPosition> {
    let text = std::str::from_utf8(body).expect("UTF-8");
    let answer: Answer = serde_json::from_str(text).expect("a positions answer");
    answer.d.positions
}
