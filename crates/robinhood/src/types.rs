//! What Robinhood tells beyond the vocabulary of core.

use time::{Date, OffsetDateTime};
use wheelhouse_core::{
    AccountId, Decimal, InstrumentId, Money, OptionContract, PositionId, Price, Quantity, Raw,
    Side, Symbol,
};

/// When a market trades on one date. Times are in UTC, and `None` on a day without trading.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say all")]
pub struct MarketHours {
    /// The date in New York.
    pub date: Date,
    /// Whether there is trading on that date at all.
    pub is_open: bool,
    pub opens_at: Option<OffsetDateTime>,
    pub closes_at: Option<OffsetDateTime>,
    pub extended_opens_at: Option<OffsetDateTime>,
    pub extended_closes_at: Option<OffsetDateTime>,
    pub all_day_opens_at: Option<OffsetDateTime>,
    pub all_day_closes_at: Option<OffsetDateTime>,
    /// When the options that trade longer close.
    pub late_option_closes_at: Option<OffsetDateTime>,
    /// The broker's own words.
    pub raw: Raw,
}

/// What is known of a company and its day.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the field's standard terms")]
pub struct Fundamentals {
    pub instrument: InstrumentId,
    /// The date that open, high, low and volume are of.
    pub market_date: Option<Date>,
    pub open: Option<Price>,
    pub high: Option<Price>,
    pub low: Option<Price>,
    pub volume: Option<Decimal>,
    pub average_volume: Option<Decimal>,
    pub high_52_weeks: Option<Price>,
    pub low_52_weeks: Option<Price>,
    pub market_cap: Option<Decimal>,
    pub pe_ratio: Option<Decimal>,
    pub pb_ratio: Option<Decimal>,
    /// In per cent.
    pub dividend_yield: Option<Decimal>,
    pub ex_dividend_date: Option<Date>,
    pub shares_outstanding: Option<Decimal>,
    pub sector: Option<String>,
    pub industry: Option<String>,
    /// The broker's own words.
    pub raw: Raw,
}

/// A dividend, paid or to come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say all")]
pub struct Dividend {
    pub id: String,
    pub account: AccountId,
    pub instrument: InstrumentId,
    pub amount: Money,
    /// The amount for each share.
    pub rate: Option<Decimal>,
    pub shares: Option<Quantity>,
    pub withholding: Option<Money>,
    pub payable_on: Option<Date>,
    pub paid_at: Option<OffsetDateTime>,
    /// The broker's word, such as `paid` or `pending`.
    pub state: String,
}

/// Options that the account holds as one strategy, with the terms of each leg.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OptionStrategy {
    /// The broker's identifier.
    pub id: String,
    /// In which account.
    pub account: AccountId,
    /// On what.
    pub underlying: Symbol,
    /// The chain that the legs belong to.
    pub chain: Option<String>,
    /// The broker's name for it, such as `short_put`.
    pub strategy: String,
    /// `Sell` if money was received for it, `Buy` if it was paid.
    pub direction: Side,
    /// How many times it is held, never negative.
    pub quantity: Quantity,
    /// The mean net price per unit of the underlying at which it was opened, never negative.
    pub average_price: Option<Price>,
    /// What a price is multiplied with for one contract.
    pub multiplier: Decimal,
    /// What it consists of.
    pub legs: Vec<StrategyLeg>,
    /// When it was opened.
    pub opened_at: Option<OffsetDateTime>,
    /// The broker's own words.
    pub raw: Raw,
}

/// One leg of an [`OptionStrategy`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StrategyLeg {
    /// The position that it is.
    pub position: PositionId,
    /// The contract.
    pub contract: OptionContract,
    /// `Buy` for held, `Sell` for written.
    pub side: Side,
    /// How many contracts for each one of the strategy.
    pub ratio: u32,
}

/// The end of an option: it expired, was exercised or assigned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OptionEvent {
    /// The broker's identifier.
    pub id: String,
    /// In which account.
    pub account: AccountId,
    /// Of which contract.
    pub contract: InstrumentId,
    /// The broker's word: `expiration`, `assignment`, `exercise`.
    pub kind: String,
    /// The broker's word: `preparing`, `confirmed`, …
    pub state: String,
    /// On which date.
    pub date: Option<Date>,
    /// How many contracts.
    pub contracts: Option<Quantity>,
    /// The cash that it brought (positive) or took (negative).
    pub cash: Option<Money>,
    /// The shares that came or went.
    pub shares: Vec<SharesMoved>,
    /// The broker's own words.
    pub raw: Raw,
}

/// Shares that came or went with an [`OptionEvent`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say all")]
pub struct SharesMoved {
    pub symbol: Symbol,
    pub side: Side,
    pub quantity: Quantity,
    pub price: Option<Price>,
}

/// What is set aside for the written options of one chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChainCollateral {
    /// Cash for positions.
    pub cash: Money,
    /// Shares for positions.
    pub shares: Vec<(Symbol, Quantity)>,
    /// Whether there is a position or order whose loss has no bound.
    pub infinite: bool,
    /// Cash for open orders.
    pub cash_for_orders: Money,
    /// Shares for open orders.
    pub shares_for_orders: Vec<(Symbol, Quantity)>,
    /// The broker's own words.
    pub raw: Raw,
}
