use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    AccountId, Bar, BarQuery, CloseResolution, ClosedTradeQuery, Closing, Decimal, Depth,
    InstrumentId, Money, OrderRequest, OrderType, Page, PositionId, Price, Quantity, Raw, Result,
    Side, StopLoss, Symbol, TakeProfit, UnresolvedClose,
};

/// Acts on many orders at once.
#[async_trait]
pub trait BulkOrders: Send + Sync {
    /// Asks for all working orders to be cancelled, or all of one instrument. Read the orders to
    /// see what became of it.
    ///
    /// # Errors
    ///
    /// With [`Effect::MaybeApplied`](crate::Effect::MaybeApplied) if it is not known whether it
    /// happened; repeating is harmless.
    async fn cancel_all_orders(
        &self,
        account: &AccountId,
        instrument: Option<&InstrumentId>,
    ) -> Result<()>;
}

/// Closes and changes positions.
#[async_trait]
pub trait PositionTrading: Send + Sync {
    /// Closes a position, or `quantity` of it.
    ///
    /// # Errors
    ///
    /// An error means that nothing was closed, as in [`Broker::place_order`](crate::Broker::place_order).
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if more than is held is to be closed.
    async fn close_position(
        &self,
        account: &AccountId,
        position: &PositionId,
        quantity: Option<Quantity>,
    ) -> Result<Closing>;

    /// Finds out whether a closing happened, by reading only.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if it is another broker's.
    async fn resolve_close(&self, open: &UnresolvedClose) -> Result<CloseResolution>;

    /// Asks for all positions to be closed, or all of one instrument.
    ///
    /// # Errors
    ///
    /// With [`Effect::MaybeApplied`](crate::Effect::MaybeApplied) if it is not known whether it
    /// happened; repeating is harmless.
    async fn close_all_positions(
        &self,
        account: &AccountId,
        instrument: Option<&InstrumentId>,
    ) -> Result<()>;

    /// Sets, moves or removes the stop loss and take profit of a position.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if a price is not accepted.
    async fn modify_position(
        &self,
        account: &AccountId,
        position: &PositionId,
        change: &PositionChange,
    ) -> Result<()>;
}

/// What to change of a position's protection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PositionChange {
    /// The new stop loss.
    pub stop_loss: Change<StopLoss>,
    /// The new take profit.
    pub take_profit: Change<TakeProfit>,
}

impl PositionChange {
    /// Starts with no change.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets or removes the stop loss.
    #[must_use]
    pub fn stop_loss(mut self, stop_loss: Option<StopLoss>) -> Self {
        self.stop_loss = stop_loss.into();
        self
    }

    /// Sets or removes the take profit.
    #[must_use]
    pub fn take_profit(mut self, take_profit: Option<TakeProfit>) -> Self {
        self.take_profit = take_profit.into();
        self
    }
}

/// A value that is kept, removed or set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change<T> {
    /// As it is.
    #[default]
    Keep,
    /// Take it away.
    Remove,
    /// Make it this.
    Set(T),
}

impl<T> From<Option<T>> for Change<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Remove, Self::Set)
    }
}

/// Previews orders.
#[async_trait]
pub trait OrderPreviews: Send + Sync {
    /// Asks the broker what an order would cost, without placing it.
    ///
    /// # Errors
    ///
    /// [`OrderRejected`](crate::ErrorKind::OrderRejected) if the broker would refuse it.
    async fn preview_order(&self, request: &OrderRequest) -> Result<OrderPreview>;
}

/// What an order would cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OrderPreview {
    /// The estimated amount, negative for money received.
    pub total: Option<Money>,
    /// The estimated commission.
    pub commission: Option<Money>,
    /// What the broker warns of.
    pub warnings: Vec<String>,
    /// The broker's own words.
    #[serde(skip)]
    pub raw: Raw,
}

impl OrderPreview {
    /// Makes a preview of which nothing is known.
    pub fn new() -> Self {
        Self {
            total: None,
            commission: None,
            warnings: Vec::new(),
            raw: Raw::default(),
        }
    }
}

impl Default for OrderPreview {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads price history.
#[async_trait]
pub trait MarketHistory: Send + Sync {
    /// Reads the bars of a time span, oldest first, in as many requests as the broker needs.
    async fn bars(&self, account: &AccountId, query: &BarQuery) -> Result<Vec<Bar>>;

    /// Reads the bar of the day so far; `None` if the broker has none.
    async fn daily_bar(
        &self,
        account: &AccountId,
        instrument: &InstrumentId,
    ) -> Result<Option<Bar>>;
}

/// Reads order books.
#[async_trait]
pub trait MarketDepth: Send + Sync {
    /// Reads the order book of an instrument.
    async fn depth(&self, account: &AccountId, instrument: &InstrumentId) -> Result<Depth>;
}

/// Reads when and how an instrument trades.
#[async_trait]
pub trait TradingSessions: Send + Sync {
    /// Reads the trading hours of an instrument.
    async fn trading_hours(
        &self,
        account: &AccountId,
        instrument: &InstrumentId,
    ) -> Result<TradingSchedule>;

    /// Reads what may be done with an instrument at this moment.
    async fn session_status(
        &self,
        account: &AccountId,
        instrument: &InstrumentId,
    ) -> Result<SessionStatus>;
}

/// When an instrument trades.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TradingSchedule {
    /// Whether trading is blocked altogether.
    pub blocked: Option<bool>,
    /// Days without trading, as the broker dates them.
    pub holidays: Vec<Holiday>,
    /// The broker's own words, with the hours in its own form.
    #[serde(skip)]
    pub raw: Raw,
}

/// A day without trading, or with other hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holiday {
    /// The date as the broker writes it.
    pub date: String,
    /// What it is called.
    pub name: Option<String>,
}

/// What may be done with an instrument at this moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionStatus {
    /// Whether orders can be placed.
    pub can_place: bool,
    /// Whether orders can be changed.
    pub can_modify: bool,
    /// Whether orders can be cancelled.
    pub can_cancel: bool,
    /// Which types of orders are taken.
    pub order_types: Vec<OrderType>,
    /// The broker's own words.
    #[serde(skip)]
    pub raw: Raw,
}

impl SessionStatus {
    /// Makes a status from its three flags and order types.
    pub fn new(
        can_place: bool,
        can_modify: bool,
        can_cancel: bool,
        order_types: Vec<OrderType>,
    ) -> Self {
        Self {
            can_place,
            can_modify,
            can_cancel,
            order_types,
            raw: Raw::default(),
        }
    }
}

/// Reads trades that are over, with their profit.
#[async_trait]
pub trait ClosedTrades: Send + Sync {
    /// Reads closed trades, newest first.
    async fn list(&self, account: &AccountId, query: ClosedTradeQuery)
    -> Result<Page<ClosedTrade>>;
}

/// A trade that is over. Figures are in the account's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClosedTrade {
    /// Which position it was.
    pub position: PositionId,
    /// Of which instrument.
    pub symbol: Option<Symbol>,
    /// The side that opened it.
    pub side: Side,
    /// How much was opened.
    pub quantity: Option<Quantity>,
    /// The price of opening.
    pub open_price: Option<Price>,
    /// The price of closing.
    pub close_price: Option<Price>,
    /// When it was opened.
    pub opened_at: Option<OffsetDateTime>,
    /// When it was closed.
    pub closed_at: Option<OffsetDateTime>,
    /// Profit before costs.
    pub profit: Option<Decimal>,
    /// Profit after costs.
    pub net_profit: Option<Decimal>,
    /// Commission.
    pub commission: Option<Decimal>,
    /// Cost of holding over night.
    pub swap: Option<Decimal>,
    /// The broker's own words.
    #[serde(skip)]
    pub raw: Raw,
}

impl ClosedTrade {
    /// Makes a trade of which the rest is not known.
    pub fn new(position: PositionId, side: Side) -> Self {
        Self {
            position,
            symbol: None,
            side,
            quantity: None,
            open_price: None,
            close_price: None,
            opened_at: None,
            closed_at: None,
            profit: None,
            net_profit: None,
            commission: None,
            swap: None,
            raw: Raw::default(),
        }
    }
}
