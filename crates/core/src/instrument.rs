use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    Currency, Decimal, InstrumentId, InstrumentRules, Price, Quantity, Raw, SizeUnit, Symbol,
};

/// Something that can be traded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Instrument {
    /// The broker's key, which orders name.
    pub id: InstrumentId,
    /// The name that people know.
    pub symbol: Symbol,
    /// A longer name.
    pub name: Option<String>,
    /// What it is.
    pub kind: InstrumentKind,
    /// The currency that prices are in.
    pub currency: Option<Currency>,
    /// The unit that orders are sized in.
    pub unit: SizeUnit,
    /// What quantities and prices are accepted, as far as this reading tells.
    pub rules: InstrumentRules,
    /// Whether it trades now, if this reading tells.
    pub status: Option<InstrumentStatus>,
    /// The broker's own words.
    #[serde(skip)]
    pub raw: Raw,
}

impl Instrument {
    /// Makes an instrument without rules, sized in shares.
    pub fn new(id: InstrumentId, symbol: Symbol, kind: InstrumentKind) -> Self {
        Self {
            id,
            symbol,
            name: None,
            kind,
            currency: None,
            unit: SizeUnit::Shares,
            rules: InstrumentRules::default(),
            status: None,
            raw: Raw::default(),
        }
    }
}

impl From<&Instrument> for InstrumentId {
    fn from(instrument: &Instrument) -> Self {
        instrument.id.clone()
    }
}

/// What an instrument is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum InstrumentKind {
    /// A contract for difference.
    Cfd,
    /// A cryptocurrency pair.
    Crypto,
    /// A share or depositary receipt.
    Equity,
    /// An exchange-traded fund.
    Etf,
    /// A currency pair.
    Forex,
    /// A future.
    Future,
    /// An index.
    Index,
    /// A listed option.
    Option,
    /// A kind that this version does not know.
    Unknown(String),
}

/// Whether an instrument trades.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum InstrumentStatus {
    /// No trading now.
    Closed,
    /// Trading is halted.
    Halted,
    /// It trades.
    Open,
    /// A status that this version does not know.
    Unknown(String),
}

/// The best prices of an instrument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Quote {
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// The best price at which somebody buys.
    pub bid: Option<Price>,
    /// How much is asked for at the bid.
    pub bid_size: Option<Quantity>,
    /// The best price at which somebody sells.
    pub ask: Option<Price>,
    /// How much is offered at the ask.
    pub ask_size: Option<Quantity>,
    /// The last traded price.
    pub last: Option<Price>,
    /// The close of the session before.
    pub previous_close: Option<Price>,
    /// The broker's time of the quote; `None` where it gives none.
    pub time: Option<OffsetDateTime>,
    /// When it was received here.
    pub received_at: OffsetDateTime,
    /// The broker's own words.
    #[serde(skip)]
    pub raw: Raw,
}

impl Quote {
    /// Makes a quote without prices.
    pub fn new(instrument: InstrumentId, received_at: OffsetDateTime) -> Self {
        Self {
            instrument,
            bid: None,
            bid_size: None,
            ask: None,
            ask_size: None,
            last: None,
            previous_close: None,
            time: None,
            received_at,
            raw: Raw::default(),
        }
    }

    /// Returns the price halfway between bid and ask.
    pub fn mid(&self) -> Option<Price> {
        let sum = self.bid?.value().checked_add(self.ask?.value())?;
        sum.checked_div(Decimal::TWO).map(Price::new)
    }
}

/// One price level of an order book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepthLevel {
    /// The price.
    pub price: Price,
    /// How much stands there.
    pub size: Quantity,
}

/// The order book of an instrument as far as the broker shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Depth {
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// Offers to buy, best first.
    pub bids: Vec<DepthLevel>,
    /// Offers to sell, best first.
    pub asks: Vec<DepthLevel>,
}

/// Prices over one interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// When the interval began.
    pub time: OffsetDateTime,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Traded volume, where it is known.
    pub volume: Option<Decimal>,
}

/// How long a bar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say all")]
pub enum BarInterval {
    Minute1,
    Minute5,
    Minute10,
    Minute15,
    Minute30,
    Hour1,
    Hour4,
    Day1,
    Week1,
    Month1,
}
