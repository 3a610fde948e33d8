//! What really happened, for tests to compare with what a client believes.

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::Route;
use crate::broker::ledger;

/// An order that was placed: it exists whatever the client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placement {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// The account's number.
    pub account: String,
    /// The id that was, or should have been, answered.
    pub order_id: String,
    /// The id that the client gave.
    pub client_order_id: String,
    /// The symbol.
    pub symbol: String,
    /// `buy` or `sell`.
    pub side: String,
    /// Coins.
    pub quantity: Decimal,
}

/// A placement that was refused; nothing came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// The status that was answered.
    pub status: u16,
    /// The text that was answered.
    pub reason: String,
}

/// A part of an order that was filled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fill {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// The order.
    pub order_id: String,
    /// Coins.
    pub quantity: Decimal,
    /// USD per coin.
    pub price: Decimal,
}

/// An order that was cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cancel {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// The order.
    pub order_id: String,
    /// Whether a client asked for it; else its time was over.
    pub requested: bool,
}

/// Why a request was nobody's. All are answered alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// The timestamp is no number or too far away.
    Clock,
    /// One of the three headers is missing.
    MissingHeader,
    /// The signature does not fit the bytes that came.
    Signature,
    /// Nobody has that key.
    UnknownKey,
}

ledger! {
    /// Orders that were cancelled, oldest first.
    cancels / push_cancel: Cancel,
    /// Parts of orders that were filled, oldest first.
    fills / push_fill: Fill,
    /// Orders that were placed, oldest first.
    placements / push_placement: Placement,
    /// Placements that were refused, oldest first.
    refusals / push_refusal: Refusal,
    /// Requests that nobody could have sent, oldest first.
    rejections / push_rejection: Rejection,
}

impl Ledger {
    /// The placements that carry this id.
    #[must_use]
    pub fn placements_of(&self, client_order_id: &str) -> Vec<Placement> {
        let of = |placement: &&Placement| {
            placement
                .client_order_id
                .eq_ignore_ascii_case(client_order_id)
        };
        self.lock().placements.iter().filter(of).cloned().collect()
    }
}
