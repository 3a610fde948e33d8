//! What the Crypto Trading API tells beyond the vocabulary of core.

use time::OffsetDateTime;
use wheelhouse_core::{Decimal, InstrumentId, Price, Quantity, Side};

/// What an account pays for trading, by the volume of the last 30 days.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CryptoFeeTier {
    /// The share of an order's value that is charged: `0.0095` is 0.95 %.
    pub fee_ratio: Decimal,
    /// The volume of the last 30 days, in the currency of the account.
    pub thirty_day_volume: Option<Decimal>,
    /// The share that would be charged on the next tier.
    pub next_fee_ratio: Option<Decimal>,
    /// The volume at which the next tier begins.
    pub next_threshold: Option<Decimal>,
}

/// What an order at market would cost or bring. Nothing is promised by it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CryptoPriceEstimate {
    /// Of which pair.
    pub instrument: InstrumentId,
    /// Whether it is an estimate for buying (at the ask) or selling (at the bid).
    pub side: Side,
    /// For how much.
    pub quantity: Quantity,
    /// The price at which the pair is sold to the broker; in version 1 less its spread.
    pub bid: Option<Price>,
    /// The price at which the pair is bought from the broker; in version 1 with its spread.
    pub ask: Option<Price>,
    /// The share of the value that is charged as a fee. Version 2 only.
    pub fee_ratio: Option<Decimal>,
    /// The fee in the quote currency. Version 2 only.
    pub fee: Option<Decimal>,
    /// What buying would cost, with the fee. Version 2 only.
    pub total_cost: Option<Decimal>,
    /// What selling would bring, less the fee. Version 2 only.
    pub total_credit: Option<Decimal>,
    /// The broker's time of the estimate.
    pub time: Option<OffsetDateTime>,
}

/// Prices with the spread that version 1 trades at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CryptoSpreadQuote {
    /// Of which pair.
    pub instrument: InstrumentId,
    /// The price without a spread.
    pub price: Option<Price>,
    /// What selling brings for one unit, the spread taken off.
    pub bid: Option<Price>,
    /// The spread on selling, as a share of the price.
    pub sell_spread: Option<Decimal>,
    /// What buying costs for one unit, the spread added.
    pub ask: Option<Price>,
    /// The spread on buying, as a share of the price.
    pub buy_spread: Option<Decimal>,
    /// The broker's time of the prices.
    pub time: Option<OffsetDateTime>,
}
