use std::collections::BTreeMap;

use time::{Date, OffsetDateTime};
use wheelhouse_core::{
    AccountId, AccountSummary, InstrumentId, OptionPosition, Position, Price, Quantity, Symbol,
};

use crate::calendar::new_york_date;

/// What [`classify`](crate::classify) looks at.
///
/// Rows may stand in any order and be of any number of accounts; each counts in its own account
/// only. [`gather`](crate::gather) reads all but the assignments and the
/// days of dividends from a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WheelInputs {
    /// The date in New York that days to expiry are counted from.
    pub today: Date,
    /// Cash and what of it is set aside, one summary an account.
    pub summaries: Vec<AccountSummary>,
    /// What the accounts hold. Only rows in shares count.
    pub positions: Vec<Position>,
    /// The options that they hold and have written.
    pub options: Vec<OptionPosition>,
    /// The names of instruments, for positions that carry none.
    pub symbols: BTreeMap<InstrumentId, Symbol>,
    /// Prices of underlyings. Where one is missing or not above 0, the price that positions are valued
    /// at is taken.
    pub prices: BTreeMap<Symbol, Price>,
    /// Prices of contracts, per share.
    pub marks: BTreeMap<InstrumentId, Price>,
    /// The next day on which a share trades without its dividend, by New York's dates. Brokers do not
    /// tell it through the traits of core: it is known from elsewhere, or not at all.
    pub ex_dividends: BTreeMap<Symbol, Date>,
    /// The assignments through which shares that are still held came in.
    pub assignments: Vec<PutAssignment>,
}

impl WheelInputs {
    /// Starts with nothing, at the date that it is in New York.
    pub fn at(now: OffsetDateTime) -> Self {
        Self {
            today: new_york_date(now),
            summaries: Vec::new(),
            positions: Vec::new(),
            options: Vec::new(),
            symbols: BTreeMap::new(),
            prices: BTreeMap::new(),
            marks: BTreeMap::new(),
            ex_dividends: BTreeMap::new(),
            assignments: Vec::new(),
        }
    }
}

/// Written puts that were assigned, whose shares are still held.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutAssignment {
    /// In which account.
    pub account: AccountId,
    /// Of which underlying.
    pub underlying: Symbol,
    /// How many contracts on 100 shares.
    pub contracts: Quantity,
    /// The strike, at which the shares came in.
    pub strike: Price,
    /// What was received for the puts, per share.
    pub credit: Price,
}

impl PutAssignment {
    /// Describes an assignment.
    pub fn new(
        account: AccountId,
        underlying: Symbol,
        contracts: Quantity,
        strike: Price,
        credit: Price,
    ) -> Self {
        Self {
            account,
            underlying,
            contracts,
            strike,
            credit,
        }
    }
}
