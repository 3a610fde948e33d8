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
    /// The account's id.
    pub account: String,
    /// The id that was, or should have been, answered.
    pub order_id: String,
    /// The label that the client gave.
    pub strategy_id: Option<String>,
    /// The instrument's name.
    pub instrument: &'static str,
    /// `buy` or `sell`.
    pub side: &'static str,
    /// `limit`, `market` or `stop`.
    pub order_type: &'static str,
    /// Lots.
    pub qty: Decimal,
}

/// A placement that was refused; nothing came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// The account's id.
    pub account: String,
    /// The text that was answered.
    pub reason: String,
}

/// An order whose terms were changed, or a position whose stop loss or take profit was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Modification {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// The account's id.
    pub account: String,
    /// Id of the order or position.
    pub id: String,
}

/// An order that was cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cancel {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// The account's id.
    pub account: String,
    /// The order.
    pub order_id: String,
    /// Whether a client asked for it; else it went with its position.
    pub requested: bool,
}

/// A position that was closed, fully or in part.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Close {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// The account's id.
    pub account: String,
    /// The position.
    pub position_id: String,
    /// The order that closed it.
    pub order_id: String,
    /// Lots that were closed.
    pub qty: Decimal,
    /// Price of the close.
    pub price: Decimal,
    /// Profit in account currency.
    pub profit: Decimal,
    /// Whether a client asked for it; else stop loss or take profit was reached.
    pub requested: bool,
}

/// An attempt to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Login {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// The e-mail address that was given.
    pub email: String,
    /// The server name that was given.
    pub server: String,
    /// Whether tokens were made; else the credentials were wrong or there were too many sessions.
    pub accepted: bool,
}

/// An attempt to refresh tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refresh {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// Whether new tokens were made.
    pub accepted: bool,
    /// Whether the token had been used before.
    pub reused: bool,
}

ledger! {
    /// Orders that were cancelled, oldest first.
    cancels / push_cancel: Cancel,
    /// Positions that were closed, fully or in part, oldest first.
    closes / push_close: Close,
    /// Attempts to log in, oldest first.
    logins / push_login: Login,
    /// Orders and positions that were modified, oldest first.
    modifications / push_modification: Modification,
    /// Orders that were placed, oldest first.
    placements / push_placement: Placement,
    /// Attempts to refresh, oldest first.
    refreshes / push_refresh: Refresh,
    /// Placements that were refused, oldest first.
    refusals / push_refusal: Refusal,
}

impl Ledger {
    /// The placements that carry this label.
    #[must_use]
    pub fn placements_of(&self, strategy_id: &str) -> Vec<Placement> {
        let labelled =
            |placement: &&Placement| placement.strategy_id.as_deref() == Some(strategy_id);
        self.lock()
            .placements
            .iter()
            .filter(labelled)
            .cloned()
            .collect()
    }
}
