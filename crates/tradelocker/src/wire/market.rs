//! `/trade/quotes`, `depth`, `dailyBar` and `history`.

use serde::Deserialize;

use super::token::Token;

/// The best prices. There is no time in the answer.
#[derive(Debug, Deserialize)]
pub struct Quote<'a> {
    /// Ask price.
    #[serde(borrow, default)]
    pub ap: Token<'a>,
    /// Ask size.
    #[serde(borrow, default, rename = "as")]
    pub ask_size: Token<'a>,
    /// Bid price.
    #[serde(borrow, default)]
    pub bp: Token<'a>,
    /// Bid size.
    #[serde(borrow, default)]
    pub bs: Token<'a>,
}

/// The order book.
#[derive(Debug, Deserialize)]
pub struct Depth<'a> {
    /// Price and size of offers to sell.
    #[serde(borrow, default)]
    pub asks: Vec<Vec<Token<'a>>>,
    /// Price and size of offers to buy.
    #[serde(borrow, default)]
    pub bids: Vec<Vec<Token<'a>>>,
}

/// A bar; the bar of the day has no time.
#[derive(Debug, Deserialize)]
pub struct Bar<'a> {
    /// Begin, in milliseconds.
    #[serde(borrow, default)]
    pub t: Token<'a>,
    /// First price.
    #[serde(borrow, default)]
    pub o: Token<'a>,
    /// Highest price.
    #[serde(borrow, default)]
    pub h: Token<'a>,
    /// Lowest price.
    #[serde(borrow, default)]
    pub l: Token<'a>,
    /// Last price.
    #[serde(borrow, default)]
    pub c: Token<'a>,
    /// Volume.
    #[serde(borrow, default)]
    pub v: Token<'a>,
}

/// The bars of a time span, oldest first.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct History<'a> {
    /// Absent if there are none.
    #[serde(borrow, default)]
    pub bar_details: Option<Vec<Bar<'a>>>,
}
