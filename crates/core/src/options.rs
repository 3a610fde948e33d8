use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

use crate::{
    AccountId, BrokerOrderId, ClientOrderId, Decimal, InstrumentId, Money, Order, OrderKind,
    OrderQuery, Page, PageToken, PositionEffect, PositionId, Price, Quantity, Raw, Result, Side,
    Submission, Symbol, TimeInForce,
};

/// Reads and trades listed options.
#[async_trait]
pub trait OptionsTrading: Send + Sync {
    /// Reads the chains of an underlying: which expiries there are and what a contract stands for.
    async fn option_chains(
        &self,
        account: &AccountId,
        underlying: &Symbol,
    ) -> Result<Vec<OptionChain>>;

    /// Reads contracts.
    async fn option_contracts(
        &self,
        account: &AccountId,
        query: OptionQuery,
    ) -> Result<Page<OptionContract>>;

    /// Reads prices and greeks, in the order of `contracts`.
    async fn option_quotes(
        &self,
        account: &AccountId,
        contracts: &[InstrumentId],
    ) -> Result<Vec<OptionQuote>>;

    /// Reads what options the account holds.
    async fn option_positions(&self, account: &AccountId) -> Result<Vec<OptionPosition>>;

    /// Reads orders of options, with their legs.
    async fn option_orders(
        &self,
        account: &AccountId,
        query: OrderQuery,
    ) -> Result<Page<OptionOrder>>;

    /// Places an order of one or more legs, sending it once.
    ///
    /// # Errors
    ///
    /// As [`Broker::place_order`](crate::Broker::place_order): an error means that nothing was
    /// placed.
    async fn place_option_order(&self, request: &OptionOrderRequest) -> Result<Submission>;

    /// Asks for an order of options to be cancelled; see
    /// [`Broker::cancel_order`](crate::Broker::cancel_order).
    async fn cancel_option_order(&self, account: &AccountId, order: &BrokerOrderId) -> Result<()>;
}

/// The right that an option gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say all")]
pub enum OptionRight {
    Call,
    Put,
}

/// What changes hands when an option is exercised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Deliverable {
    /// Something else, since a split, a merger or a special dividend. A price times
    /// [`OptionContract::multiplier`] is not what such a contract costs.
    Adjusted,
    /// Money only, as with options on an index.
    Cash,
    /// The multiplier's number of units of the underlying, and nothing else.
    Standard,
}

/// The options on an underlying that share their terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OptionChain {
    /// The broker's key.
    pub id: String,
    /// The underlying.
    pub underlying: Symbol,
    /// The root of the contract names, where it differs from the underlying.
    pub root: Option<Symbol>,
    /// The dates of expiry, rising.
    pub expirations: Vec<Date>,
    /// How many units of the underlying a contract stands for; see [`OptionContract::multiplier`].
    pub multiplier: Option<Decimal>,
    /// Whether new positions may be opened.
    pub can_open: Option<bool>,
    /// The broker's own words.
    #[serde(skip)]
    pub raw: Raw,
}

impl OptionChain {
    /// Makes a chain without expiries.
    pub fn new(id: impl Into<String>, underlying: Symbol) -> Self {
        Self {
            id: id.into(),
            underlying,
            root: None,
            expirations: Vec::new(),
            multiplier: None,
            can_open: None,
            raw: Raw::default(),
        }
    }
}

/// Which contracts to read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OptionQuery {
    /// On which underlying.
    pub underlying: Symbol,
    /// Only of this expiry.
    pub expiration: Option<Date>,
    /// Only calls or only puts.
    pub right: Option<OptionRight>,
    /// Only at this strike.
    pub strike: Option<Price>,
    /// From this page on.
    pub page: Option<PageToken>,
}

impl OptionQuery {
    /// Asks for all contracts on an underlying.
    pub fn new(underlying: Symbol) -> Self {
        Self {
            underlying,
            expiration: None,
            right: None,
            strike: None,
            page: None,
        }
    }
}

/// One option contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OptionContract {
    /// The broker's key, which orders name.
    pub id: InstrumentId,
    /// The underlying.
    pub underlying: Symbol,
    /// The date of expiry, at the exchange.
    pub expiration: Date,
    /// The strike.
    pub strike: Price,
    /// Call or put.
    pub right: OptionRight,
    /// How many units of the underlying a contract stands for. A price times this is what the
    /// contract costs, but not if it is [adjusted](Deliverable::Adjusted): one that delivers 10 shares
    /// since a reverse split is still quoted for 100, and costs its price times 100.
    pub multiplier: Decimal,
    /// What changes hands at exercise, if this reading tells.
    pub deliverable: Option<Deliverable>,
    /// Whether it can be traded.
    pub tradable: Option<bool>,
    /// The broker's own words.
    #[serde(skip)]
    pub raw: Raw,
}

impl OptionContract {
    /// Makes a contract on 100 units of the underlying.
    pub fn new(
        id: InstrumentId,
        underlying: Symbol,
        expiration: Date,
        strike: Price,
        right: OptionRight,
    ) -> Self {
        Self {
            id,
            underlying,
            expiration,
            strike,
            right,
            multiplier: Decimal::ONE_HUNDRED,
            deliverable: None,
            tradable: None,
            raw: Raw::default(),
        }
    }
}

/// Prices and greeks of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the field's standard terms")]
pub struct OptionQuote {
    pub contract: InstrumentId,
    pub bid: Option<Price>,
    pub ask: Option<Price>,
    pub mark: Option<Price>,
    pub last: Option<Price>,
    pub volume: Option<u64>,
    pub open_interest: Option<u64>,
    pub implied_volatility: Option<Decimal>,
    pub delta: Option<Decimal>,
    pub gamma: Option<Decimal>,
    pub theta: Option<Decimal>,
    pub vega: Option<Decimal>,
    pub rho: Option<Decimal>,
    /// When it was received here.
    pub received_at: OffsetDateTime,
    #[serde(skip)]
    pub raw: Raw,
}

impl OptionQuote {
    /// Makes a quote without figures.
    pub fn new(contract: InstrumentId, received_at: OffsetDateTime) -> Self {
        Self {
            contract,
            bid: None,
            ask: None,
            mark: None,
            last: None,
            volume: None,
            open_interest: None,
            implied_volatility: None,
            delta: None,
            gamma: None,
            theta: None,
            vega: None,
            rho: None,
            received_at,
            raw: Raw::default(),
        }
    }
}

/// Option contracts held or written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OptionPosition {
    /// The broker's identifier.
    pub id: PositionId,
    /// In which account.
    pub account: AccountId,
    /// Of which contract.
    pub contract: OptionContract,
    /// `Buy` for held, `Sell` for written.
    pub side: Side,
    /// How many contracts, never negative.
    pub contracts: Quantity,
    /// The mean price, told as quotes are: per unit of the underlying, never negative. Times
    /// [`multiplier`](OptionContract::multiplier) it is what a contract cost, but not if the contract
    /// is [adjusted](Deliverable::Adjusted).
    pub average_price: Option<Price>,
    /// How many of the contracts are being assigned. The underlying may have moved already or not.
    pub pending_assignment: Option<Quantity>,
    /// How many of the contracts are expiring.
    pub pending_expiration: Option<Quantity>,
    /// The strategy of several legs as a part of which the broker shows it; `None` if it stands by
    /// itself or the broker shows no strategies.
    pub strategy: Option<PositionId>,
    /// When it was opened.
    pub opened_at: Option<OffsetDateTime>,
    /// The broker's own words.
    #[serde(skip)]
    pub raw: Raw,
}

impl OptionPosition {
    /// Makes a position of which the rest is not known.
    pub fn new(
        id: PositionId,
        account: AccountId,
        contract: OptionContract,
        side: Side,
        contracts: Quantity,
    ) -> Self {
        Self {
            id,
            account,
            contract,
            side,
            contracts,
            average_price: None,
            pending_assignment: None,
            pending_expiration: None,
            strategy: None,
            opened_at: None,
            raw: Raw::default(),
        }
    }
}

/// One leg of an order of options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptionLeg {
    /// Of which contract.
    pub contract: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// Open or close.
    pub effect: PositionEffect,
    /// How many contracts for each one of the order.
    pub ratio: u32,
}

/// An order of options to be placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OptionOrderRequest {
    /// In which account.
    pub account: AccountId,
    /// What is bought and sold together.
    pub legs: Vec<OptionLeg>,
    /// How many times.
    pub quantity: Quantity,
    /// How it executes; prices are net, per unit of the underlying.
    pub kind: OrderKind,
    /// Whether the net price is received (`Sell`) or paid (`Buy`).
    pub direction: Side,
    /// How long it stands.
    pub time_in_force: TimeInForce,
    /// This side's identifier; the adapter makes one if `None`.
    pub client_order_id: Option<ClientOrderId>,
}

impl OptionOrderRequest {
    /// Makes an order for the day.
    pub fn new(
        account: impl Into<AccountId>,
        legs: Vec<OptionLeg>,
        quantity: Quantity,
        kind: OrderKind,
        direction: Side,
    ) -> Self {
        Self {
            account: account.into(),
            legs,
            quantity,
            kind,
            direction,
            time_in_force: TimeInForce::Day,
            client_order_id: None,
        }
    }
}

/// An order of options as the broker tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OptionOrder {
    /// What it has in common with other orders. Its instrument is the first leg's contract.
    pub order: Order,
    /// What is bought and sold together.
    pub legs: Vec<OptionLeg>,
    /// The premium received (positive) or paid (negative) so far.
    pub net_premium: Option<Money>,
}

impl OptionOrder {
    /// Joins an order and its legs.
    pub fn new(order: Order, legs: Vec<OptionLeg>) -> Self {
        Self {
            order,
            legs,
            net_premium: None,
        }
    }
}
