//! `GET /trade/reports/close-trades-history`, which is not documented: no envelope, newest first.

use serde::Deserialize;

use super::token::Token;

/// The answer.
#[derive(Debug, Deserialize)]
pub struct ClosedTrades<'a> {
    /// The trades of this page.
    #[serde(borrow)]
    pub data: Vec<ClosedTrade<'a>>,
    /// Where the next page is.
    #[serde(borrow, default)]
    pub links: Option<Links<'a>>,
}

/// A trade that is over.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClosedTrade<'a> {
    /// Which position it was.
    #[serde(borrow)]
    pub position_id: Token<'a>,
    /// Name of the instrument.
    #[serde(borrow)]
    pub instrument: Token<'a>,
    /// `BUY` or `SELL`.
    #[serde(borrow)]
    pub position_side: Token<'a>,
    /// How many lots were opened.
    #[serde(borrow)]
    pub open_amount: Token<'a>,
    /// When it was opened.
    #[serde(borrow)]
    pub open_milliseconds: Token<'a>,
    /// When it was closed.
    #[serde(borrow)]
    pub close_milliseconds: Token<'a>,
    /// Profit before costs.
    #[serde(borrow)]
    pub profit: Token<'a>,
    /// Profit after costs.
    #[serde(borrow)]
    pub net_profit: Token<'a>,
    /// Commission.
    #[serde(borrow)]
    pub commission: Token<'a>,
    /// Cost of holding over night.
    #[serde(borrow)]
    pub swap: Token<'a>,
    /// Price of opening, where it is told.
    #[serde(borrow)]
    pub open_price: Token<'a>,
    /// Price of closing, where it is told.
    #[serde(borrow)]
    pub close_price: Token<'a>,
}

/// Where other pages are.
#[derive(Debug, Deserialize)]
pub struct Links<'a> {
    /// The next page; absent on the last.
    #[serde(borrow, default)]
    pub next: Option<Next<'a>>,
}

/// The next page.
#[derive(Debug, Deserialize)]
pub struct Next<'a> {
    /// What to ask with.
    #[serde(borrow, default)]
    pub params: Option<NextParams<'a>>,
}

/// What to ask for the next page with.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NextParams<'a> {
    /// The last trade of this page.
    #[serde(borrow, default)]
    pub last_trade_id: Token<'a>,
}
