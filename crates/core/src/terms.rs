use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{Decimal, Money, Price, Quantity};

/// Buy or sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say all")]
pub enum Side {
    Buy,
    Sell,
}

impl Side {
    /// Returns the other side.
    pub fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        })
    }
}

/// How much, and in which unit. Units are never converted into each other silently.
///
/// ```
/// use wheelhouse_core::{OrderSize, SizeUnit, lots};
///
/// assert_eq!(lots!(0.10).unit(), SizeUnit::Lots);
/// assert_eq!(lots!(0.10).to_string(), "0.10 lots");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum OrderSize {
    /// Option or future contracts.
    Contracts(Quantity),
    /// Lots, as forex and CFD brokers count.
    Lots(Quantity),
    /// An amount of money to buy or sell for.
    Notional(Money),
    /// Shares, also fractions.
    Shares(Quantity),
    /// Units of a base currency or coin.
    Units(Quantity),
}

impl OrderSize {
    /// Returns the unit.
    pub fn unit(&self) -> SizeUnit {
        match self {
            Self::Contracts(_) => SizeUnit::Contracts,
            Self::Lots(_) => SizeUnit::Lots,
            Self::Notional(_) => SizeUnit::Notional,
            Self::Shares(_) => SizeUnit::Shares,
            Self::Units(_) => SizeUnit::Units,
        }
    }

    /// Returns the number, whatever the unit.
    pub fn amount(&self) -> Decimal {
        match self {
            Self::Contracts(q) | Self::Lots(q) | Self::Shares(q) | Self::Units(q) => q.value(),
            Self::Notional(money) => money.amount,
        }
    }
}

impl fmt::Display for OrderSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contracts(q) => write!(f, "{q} contracts"),
            Self::Lots(q) => write!(f, "{q} lots"),
            Self::Notional(money) => money.fmt(f),
            Self::Shares(q) => write!(f, "{q} shares"),
            Self::Units(q) => write!(f, "{q} units"),
        }
    }
}

/// Makes an [`OrderSize::Lots`] from a number that is exact: `lots!(0.10)`.
#[macro_export]
macro_rules! lots {
    ($amount:expr) => {
        $crate::OrderSize::Lots($crate::Quantity::new($crate::dec!($amount)))
    };
}

/// Makes an [`OrderSize::Shares`] from a number that is exact: `shares!(10)`.
#[macro_export]
macro_rules! shares {
    ($amount:expr) => {
        $crate::OrderSize::Shares($crate::Quantity::new($crate::dec!($amount)))
    };
}

/// The unit of an [`OrderSize`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[expect(missing_docs, reason = "see OrderSize")]
pub enum SizeUnit {
    Contracts,
    Lots,
    Notional,
    Shares,
    Units,
}

/// How an order executes, with the prices that this needs: a limit order without its price cannot
/// be expressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum OrderKind {
    /// At this price or better.
    Limit {
        /// The worst price accepted.
        price: Price,
    },
    /// At the best price there is.
    Market,
    /// At market once the price reaches `stop`.
    Stop {
        /// The price that wakes it.
        stop: Price,
    },
    /// As a limit order once the price reaches `stop`.
    StopLimit {
        /// The price that wakes it.
        stop: Price,
        /// The worst price accepted.
        price: Price,
    },
    /// At market once the price falls back by `trail` from its best.
    TrailingStop {
        /// How far it follows.
        trail: Offset,
    },
}

impl OrderKind {
    /// Returns the kind without its prices.
    pub fn order_type(&self) -> OrderType {
        match self {
            Self::Limit { .. } => OrderType::Limit,
            Self::Market => OrderType::Market,
            Self::Stop { .. } => OrderType::Stop,
            Self::StopLimit { .. } => OrderType::StopLimit,
            Self::TrailingStop { .. } => OrderType::TrailingStop,
        }
    }

    /// Returns the limit price, if it has one.
    pub fn limit_price(&self) -> Option<Price> {
        match self {
            Self::Limit { price } | Self::StopLimit { price, .. } => Some(*price),
            _ => None,
        }
    }

    /// Returns the stop price, if it has one.
    pub fn stop_price(&self) -> Option<Price> {
        match self {
            Self::Stop { stop } | Self::StopLimit { stop, .. } => Some(*stop),
            _ => None,
        }
    }
}

/// The kind of an order without its prices.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[expect(missing_docs, reason = "see OrderKind")]
pub enum OrderType {
    Limit,
    Market,
    Stop,
    StopLimit,
    TrailingStop,
    /// A type that this version does not know.
    Unknown(String),
}

impl fmt::Display for OrderType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Limit => "limit",
            Self::Market => "market",
            Self::Stop => "stop",
            Self::StopLimit => "stop limit",
            Self::TrailingStop => "trailing stop",
            Self::Unknown(text) => text,
        })
    }
}

/// How long an order stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TimeInForce {
    /// To the end of the trading day.
    Day,
    /// All at once or not at all.
    Fok,
    /// Until it is cancelled.
    Gtc,
    /// Until a date.
    Gtd(OffsetDateTime),
    /// At once as far as possible; the rest is cancelled.
    Ioc,
    /// At the closing auction.
    OnClose,
    /// At the opening auction.
    OnOpen,
    /// A time in force that this version does not know.
    Unknown(String),
}

impl fmt::Display for TimeInForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Day => "day",
            Self::Fok => "FOK",
            Self::Gtc => "GTC",
            Self::Gtd(_) => "GTD",
            Self::Ioc => "IOC",
            Self::OnClose => "on close",
            Self::OnOpen => "on open",
            Self::Unknown(text) => text,
        })
    }
}

/// When in the day an order may execute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TradingHours {
    /// Around the clock, where the broker offers it.
    AllDay,
    /// Also before the opening and after the close.
    Extended,
    /// In the regular session. The default.
    #[default]
    Regular,
}

/// A distance from a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Offset {
    /// Per cent of the price.
    Percent(Decimal),
    /// Pips, as the broker defines them for the instrument.
    Pips(Decimal),
    /// A price difference.
    Price(Price),
}

/// Where losses are taken. It always has its type: a bare number cannot be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum StopLoss {
    /// At a price.
    At(Price),
    /// At a distance from the price of opening.
    Offset(Offset),
    /// At a distance from the best price since opening.
    Trailing(Offset),
}

impl StopLoss {
    /// Takes losses at `price`.
    pub fn at(price: impl Into<Price>) -> Self {
        Self::At(price.into())
    }
}

/// Where profits are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TakeProfit {
    /// At a price.
    At(Price),
    /// At a distance from the price of opening.
    Offset(Offset),
}

impl TakeProfit {
    /// Takes profits at `price`.
    pub fn at(price: impl Into<Price>) -> Self {
        Self::At(price.into())
    }
}
