use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    AccountId, BrokerOrderId, ClientOrderId, ExecutionId, InstrumentId, Money, OrderSize,
    OrderState, OrderType, PositionId, Price, Quantity, Raw, Side, StopLoss, Symbol, TakeProfit,
    TimeInForce,
};

/// An order as the broker tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Order {
    /// The broker's identifier.
    pub id: BrokerOrderId,
    /// This side's identifier, where the broker echoes it.
    pub client_order_id: Option<ClientOrderId>,
    /// In which account.
    pub account: AccountId,
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// Its name, where the answer tells it.
    pub symbol: Option<Symbol>,
    /// Buy or sell.
    pub side: Side,
    /// How it executes.
    pub order_type: OrderType,
    /// How much was ordered.
    pub size: OrderSize,
    /// How much was executed, in the unit of [`size`](Self::size).
    pub filled: Quantity,
    /// The price of a limit order.
    pub limit_price: Option<Price>,
    /// The price at which a stop order wakes.
    pub stop_price: Option<Price>,
    /// The mean price of what was executed.
    pub average_price: Option<Price>,
    /// How long it stands.
    pub time_in_force: TimeInForce,
    /// Where it is in its life.
    pub state: OrderState,
    /// Whether it opens or closes a position, where the broker tells.
    pub effect: Option<PositionEffect>,
    /// The position that it opened, changed or protects.
    pub position: Option<PositionId>,
    /// The stop loss that was ordered along.
    pub stop_loss: Option<StopLoss>,
    /// The take profit that was ordered along.
    pub take_profit: Option<TakeProfit>,
    /// The broker's words for a refusal.
    pub reason: Option<String>,
    /// When the broker took it.
    pub created_at: Option<OffsetDateTime>,
    /// When it last changed.
    pub updated_at: Option<OffsetDateTime>,
    /// The broker's own words.
    #[serde(skip)]
    pub raw: Raw,
}

impl Order {
    /// Makes an order in state [`OrderState::Working`] with nothing filled.
    #[inline]
    pub fn new(
        id: BrokerOrderId,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        order_type: OrderType,
        size: OrderSize,
    ) -> Self {
        Self {
            id,
            client_order_id: None,
            account,
            instrument,
            symbol: None,
            side,
            order_type,
            size,
            filled: Quantity::default(),
            limit_price: None,
            stop_price: None,
            average_price: None,
            time_in_force: TimeInForce::Gtc,
            state: OrderState::Working,
            effect: None,
            position: None,
            stop_loss: None,
            take_profit: None,
            reason: None,
            created_at: None,
            updated_at: None,
            raw: Raw::default(),
        }
    }
}

/// Whether an order opens or closes a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say all")]
pub enum PositionEffect {
    Close,
    Open,
}

/// One execution of an order (a fill).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Execution {
    /// The broker's identifier.
    pub id: ExecutionId,
    /// Of which order.
    pub order: BrokerOrderId,
    /// In which account.
    pub account: AccountId,
    /// Of which instrument, where the broker tells.
    pub instrument: Option<InstrumentId>,
    /// Which position it opened or changed.
    pub position: Option<PositionId>,
    /// Bought or sold.
    pub side: Side,
    /// How much, in the order's unit.
    pub quantity: Quantity,
    /// At which price.
    pub price: Price,
    /// What it cost.
    pub fee: Option<Money>,
    /// When.
    pub time: Option<OffsetDateTime>,
    /// The broker's own words.
    #[serde(skip)]
    pub raw: Raw,
}

impl Execution {
    /// Makes an execution of which the rest is not known.
    pub fn new(
        id: ExecutionId,
        order: BrokerOrderId,
        account: AccountId,
        side: Side,
        quantity: Quantity,
        price: Price,
    ) -> Self {
        Self {
            id,
            order,
            account,
            instrument: None,
            position: None,
            side,
            quantity,
            price,
            fee: None,
            time: None,
            raw: Raw::default(),
        }
    }
}

/// Something that the account holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Position {
    /// The broker's identifier; where it has none, the instrument's.
    pub id: PositionId,
    /// In which account.
    pub account: AccountId,
    /// Of which instrument.
    pub instrument: InstrumentId,
    /// Its name, where the answer tells it.
    pub symbol: Option<Symbol>,
    /// `Buy` for long, `Sell` for short.
    pub side: Side,
    /// How much is held, never negative.
    pub size: OrderSize,
    /// How much of it can be sold now, in the unit of [`size`](Self::size): what is neither
    /// collateral nor held for orders.
    pub available: Option<Quantity>,
    /// How much of it stands behind written options, in the unit of [`size`](Self::size).
    pub options_collateral: Option<Quantity>,
    /// The mean price it was opened at.
    pub average_price: Option<Price>,
    /// The price it is valued at.
    pub mark_price: Option<Price>,
    /// Profit or loss if closed now, in the account's currency.
    pub unrealized_pnl: Option<Money>,
    /// The client order id of the opening order, where the broker echoes it.
    pub client_order_id: Option<ClientOrderId>,
    /// The order that takes losses.
    pub stop_loss_order: Option<BrokerOrderId>,
    /// The order that takes profits.
    pub take_profit_order: Option<BrokerOrderId>,
    /// When it was opened.
    pub opened_at: Option<OffsetDateTime>,
    /// The broker's own words.
    #[serde(skip)]
    pub raw: Raw,
}

impl Position {
    /// Makes a position of which the rest is not known.
    #[inline]
    pub fn new(
        id: PositionId,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        size: OrderSize,
    ) -> Self {
        Self {
            id,
            account,
            instrument,
            symbol: None,
            side,
            size,
            available: None,
            options_collateral: None,
            average_price: None,
            mark_price: None,
            unrealized_pnl: None,
            client_order_id: None,
            stop_loss_order: None,
            take_profit_order: None,
            opened_at: None,
            raw: Raw::default(),
        }
    }
}
