//! `…/instruments`, `/trade/instruments/{id}`, `/trade/sessions/{id}`, `/trade/sessionStatuses/{id}`.

use serde::Deserialize;

use super::token::Token;

/// The data of the list of instruments.
#[derive(Debug, Deserialize)]
pub struct Instruments<'a> {
    /// The instruments that the account may trade.
    #[serde(borrow)]
    pub instruments: Vec<ListedInstrument<'a>>,
}

/// An instrument in the list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedInstrument<'a> {
    /// What orders name it by.
    #[serde(borrow, default)]
    pub tradable_instrument_id: Token<'a>,
    /// What people name it by.
    #[serde(borrow, default)]
    pub name: Token<'a>,
    /// A longer name.
    #[serde(borrow, default)]
    pub description: Token<'a>,
    /// `FOREX` and so on.
    #[serde(borrow, default, rename = "type")]
    pub kind: Token<'a>,
    /// `ASK`, `BID` or `TRADE`.
    #[serde(borrow, default)]
    pub bar_source: Token<'a>,
    /// Where its data come from and its orders go.
    #[serde(borrow, default)]
    pub routes: Vec<Route<'a>>,
}

/// A route of an instrument.
#[derive(Debug, Deserialize)]
pub struct Route<'a> {
    /// Its number, which differs from user to user.
    #[serde(borrow, default)]
    pub id: Token<'a>,
    /// `INFO` or `TRADE`.
    #[serde(borrow, default, rename = "type")]
    pub kind: Token<'a>,
}

/// What there is to know about an instrument.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Details<'a> {
    /// What people name it by.
    #[serde(borrow, default)]
    pub name: Token<'a>,
    /// The currency of its prices.
    #[serde(borrow, default)]
    pub quoting_currency: Token<'a>,
    /// Units in a lot.
    #[serde(borrow, default)]
    pub lot_size: Token<'a>,
    /// Lots are multiples of this.
    #[serde(borrow, default)]
    pub lot_step: Token<'a>,
    /// The fewest lots.
    #[serde(borrow, default)]
    pub min_lot: Token<'a>,
    /// The most lots.
    #[serde(borrow, default)]
    pub max_lot: Token<'a>,
    /// `FULLY_OPEN` and so on.
    #[serde(borrow, default)]
    pub symbol_status: Token<'a>,
    /// `ASK`, `BID` or `TRADE`.
    #[serde(borrow, default)]
    pub bar_source: Token<'a>,
    /// Price steps by range.
    #[serde(borrow, default)]
    pub tick_size: Option<Vec<TickRange<'a>>>,
    /// Which trading hours.
    #[serde(borrow, default)]
    pub trade_session_id: Token<'a>,
    /// Which status of the trading hours.
    #[serde(borrow, default)]
    pub trade_session_status_id: Token<'a>,
}

/// A price step from a price on.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TickRange<'a> {
    /// From which price; null is from zero.
    #[serde(borrow, default)]
    pub left_range_limit: Token<'a>,
    /// The step.
    #[serde(borrow, default)]
    pub tick_size: Token<'a>,
}

/// Trading hours. The keys of the weekly blocks are not attested; they stay in the raw answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session<'a> {
    /// Whether trading is blocked altogether.
    #[serde(borrow, default)]
    pub block_trading: Token<'a>,
    /// Days without trading.
    #[serde(borrow, default)]
    pub holidays: Option<Vec<HolidayEntry<'a>>>,
}

/// A day without trading.
#[derive(Debug, Deserialize)]
pub struct HolidayEntry<'a> {
    /// The date.
    #[serde(borrow, default)]
    pub date: Token<'a>,
    /// Its name.
    #[serde(borrow, default)]
    pub name: Token<'a>,
}

/// What may be done at the moment.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionStatus<'a> {
    /// New, modify, cancel.
    #[serde(borrow)]
    pub allowed_operations: Vec<Token<'a>>,
    /// Manual, market, stop, limit, stop limit, trailing stop.
    #[serde(borrow)]
    pub allowed_order_types: Vec<Token<'a>>,
}
