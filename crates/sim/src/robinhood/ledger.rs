//! What really happened, for tests to compare with what a client believes.

use rust_decimal::Decimal;
use time::OffsetDateTime;

use super::Route;
use crate::broker::ledger;

/// What an order is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Asset {
    /// Coins.
    Crypto,
    /// Stocks.
    Equity,
    /// Options.
    Option,
}

/// An order that was placed: it exists whatever the client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Placement {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// What it is about.
    pub asset: Asset,
    /// The account's number.
    pub account: String,
    /// The id that was, or should have been, answered.
    pub order_id: String,
    /// The id that the client gave, as sent.
    pub ref_id: Option<String>,
    /// The symbol; of options the underlying's.
    pub symbol: String,
    /// `buy` or `sell`; of options `debit` or `credit`.
    pub side: String,
    /// Shares, contracts or coins.
    pub quantity: Decimal,
    /// The limit, if there is one.
    pub price: Option<Decimal>,
}

/// A placement that was refused; nothing came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// What it was about.
    pub asset: Asset,
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
    /// What it is about.
    pub asset: Asset,
    /// The order.
    pub order_id: String,
    /// Shares, contracts or coins.
    pub quantity: Decimal,
    /// Per share or coin.
    pub price: Decimal,
}

/// An order that ended without being filled in full.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cancel {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// What it is about.
    pub asset: Asset,
    /// The order.
    pub order_id: String,
    /// Whether a client asked for it; else its day was over or the broker voided it.
    pub requested: bool,
}

/// How a login was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginOutcome {
    /// Wrong user name or password, or a distrusted client.
    BadCredentials,
    /// A wrong `mfa_code`.
    BadCode,
    /// Tokens.
    Granted,
    /// The legacy challenge.
    LegacyChallenge,
    /// A code is asked for.
    MfaRequired,
    /// An HTML page.
    Page,
    /// Status 429.
    Throttled,
    /// A device approval is asked for.
    Workflow,
}

/// An attempt to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Login {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// The user name that was given.
    pub username: String,
    /// The device that was given.
    pub device_token: Option<String>,
    /// The `request_id` that was given.
    pub request_id: Option<String>,
    /// Whether a code came with it.
    pub with_code: bool,
    /// How it was answered.
    pub outcome: LoginOutcome,
}

/// A poll of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Poll {
    /// Simulated time.
    pub at: OffsetDateTime,
    /// The challenge.
    pub challenge: String,
    /// The status that was answered; `None` if the poll was refused.
    pub status: Option<&'static str>,
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
    /// Parts of orders that were filled, oldest first.
    fills / push_fill: Fill,
    /// Attempts to log in, oldest first.
    logins / push_login: Login,
    /// Orders that were placed, oldest first.
    placements / push_placement: Placement,
    /// Polls of prompts, oldest first.
    polls / push_poll: Poll,
    /// Attempts to refresh, oldest first.
    refreshes / push_refresh: Refresh,
    /// Placements that were refused, oldest first.
    refusals / push_refusal: Refusal,
}

impl Ledger {
    /// The placements that carry this id, in any case.
    #[must_use]
    pub fn placements_of(&self, ref_id: &str) -> Vec<Placement> {
        let of = |placement: &&Placement| {
            placement
                .ref_id
                .as_deref()
                .is_some_and(|known| known.eq_ignore_ascii_case(ref_id))
        };
        self.lock().placements.iter().filter(of).cloned().collect()
    }
}
