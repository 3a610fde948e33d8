use serde::{Deserialize, Serialize};

use crate::{
    BrokerId, Error, ErrorKind, OrderRequest, OrderType, Result, SizeUnit, StopLoss, TimeInForce,
};

/// How well a broker can do something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Support {
    /// The adapter makes it out of other calls.
    Emulated,
    /// The broker itself does it.
    Native,
    /// Not at all.
    #[default]
    No,
}

impl Support {
    /// Returns whether it can be had, natively or emulated.
    pub fn is_there(self) -> bool {
        self != Self::No
    }
}

/// What a broker can do, as data. What it says and what the adapter does are held together by the
/// conformance suite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Capabilities {
    /// Which broker.
    pub broker: BrokerId,
    /// The order types, each with the times in force it can have; the first is the default.
    pub orders: Vec<OrderTypeSupport>,
    /// The units that orders can be sized in.
    pub order_sizes: Vec<SizeUnit>,
    /// What becomes of this side's order identifier.
    pub client_order_id: ClientOrderIdSupport,
    /// Stop loss and take profit along with an order.
    pub brackets: Support,
    /// Stop losses that follow the price.
    pub trailing_stop_loss: Support,
    /// Changing a working order.
    pub replace: ReplaceSupport,
    /// Previewing an order.
    pub preview: PreviewNeed,
    /// Whether a placement can be answered with a question
    /// ([`Submission::NeedsConfirmation`](crate::Submission::NeedsConfirmation)).
    pub asks_questions: bool,
    /// Cancelling all orders at once.
    pub cancel_all: Support,
    /// Closing a position wholly.
    pub close_position: Support,
    /// Closing a part of a position.
    pub partial_close: Support,
    /// Reading executions.
    pub executions: Support,
    /// Reading price history.
    pub market_history: Support,
    /// Reading the order book.
    pub market_depth: Support,
    /// Reading trading hours.
    pub trading_sessions: Support,
    /// Reading closed trades with their profit.
    pub closed_trades: Support,
    /// Options.
    pub options: Support,
    /// Events as they happen.
    pub streaming: Support,
    /// How many sessions a user may have at once; `None` if that is not known.
    pub max_sessions: Option<u32>,
}

/// An order type with the times in force it can have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderTypeSupport {
    /// The type.
    pub order_type: OrderType,
    /// The times in force; the first is used if a request names none. A date in
    /// [`TimeInForce::Gtd`] stands for any date.
    pub times_in_force: Vec<TimeInForce>,
}

/// What becomes of this side's order identifier at the broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClientOrderIdSupport {
    /// Whether it comes back with orders.
    pub echoed: Support,
    /// How long it may be, in bytes.
    pub max_len: usize,
    /// Whether the broker itself refuses a second order with the same identifier. Only then may a
    /// placement be sent again. It is said of what [`place_order`](crate::Broker::place_order) takes.
    pub deduplicated: bool,
    /// The same of what [`place_option_order`](crate::OptionsTrading::place_option_order) takes:
    /// brokers keep options in a book of their own.
    pub options_deduplicated: bool,
}

impl ClientOrderIdSupport {
    /// Describes identifiers of at most `max_len` bytes that come back with orders.
    pub fn echoed(echoed: Support, max_len: usize) -> Self {
        Self {
            echoed,
            max_len,
            deduplicated: false,
            options_deduplicated: false,
        }
    }

    /// Says that the broker refuses a second order with the same identifier, options aside.
    #[must_use]
    pub fn deduplicated(mut self) -> Self {
        self.deduplicated = true;
        self
    }

    /// Says that the broker refuses a second order of options with the same identifier.
    #[must_use]
    pub fn options_deduplicated(mut self) -> Self {
        self.options_deduplicated = true;
        self
    }
}

/// How a broker changes a working order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ReplaceSupport {
    /// The changed order has a new identifier.
    NewId,
    /// Not at all.
    #[default]
    No,
    /// The order keeps its identifier.
    SameId,
}

/// Whether an order is previewed before it is placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PreviewNeed {
    /// There are no previews.
    #[default]
    No,
    /// It can be.
    Optional,
    /// It has to be; the adapter does so by itself when a placement comes without one.
    Required,
}

impl Capabilities {
    /// Describes a broker that can do nothing; an adapter adds what it can.
    pub fn none(broker: BrokerId) -> Self {
        Self {
            broker,
            orders: Vec::new(),
            order_sizes: Vec::new(),
            client_order_id: ClientOrderIdSupport::default(),
            brackets: Support::No,
            trailing_stop_loss: Support::No,
            replace: ReplaceSupport::No,
            preview: PreviewNeed::No,
            asks_questions: false,
            cancel_all: Support::No,
            close_position: Support::No,
            partial_close: Support::No,
            executions: Support::No,
            market_history: Support::No,
            market_depth: Support::No,
            trading_sessions: Support::No,
            closed_trades: Support::No,
            options: Support::No,
            streaming: Support::No,
            max_sessions: None,
        }
    }

    /// Adds an order type with the times in force it can have, the default one first.
    pub fn allow_order(
        &mut self,
        order_type: OrderType,
        times_in_force: impl IntoIterator<Item = TimeInForce>,
    ) {
        let times_in_force = times_in_force.into_iter().collect();
        self.orders.push(OrderTypeSupport {
            order_type,
            times_in_force,
        });
    }

    /// Returns what is known of an order type, `None` if the broker lacks it.
    pub fn order_type(&self, order_type: &OrderType) -> Option<&OrderTypeSupport> {
        self.orders
            .iter()
            .find(|support| support.order_type == *order_type)
    }

    /// Checks the type, unit, time in force, brackets and identifier of an order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] naming what is supported instead; [`ErrorKind::InvalidInput`] if
    /// the client order id is too long.
    pub fn check_order(&self, request: &OrderRequest) -> Result<()> {
        let order_type = request.kind.order_type();
        let Some(support) = self.order_type(&order_type) else {
            let types: Vec<_> = self
                .orders
                .iter()
                .map(|o| o.order_type.to_string())
                .collect();
            return Err(self.lacks(format!("{order_type} orders"), &types));
        };
        let date_aside = |a: &TimeInForce, b: &TimeInForce| match (a, b) {
            (TimeInForce::Gtd(_), TimeInForce::Gtd(_)) => true,
            (a, b) => a == b,
        };
        if let Some(wanted) = &request.time_in_force
            && !support
                .times_in_force
                .iter()
                .any(|known| date_aside(known, wanted))
        {
            let known: Vec<_> = support
                .times_in_force
                .iter()
                .map(ToString::to_string)
                .collect();
            return Err(self.lacks(format!("{order_type} orders that stand {wanted}"), &known));
        }
        let unit = request.size.unit();
        if !self.order_sizes.contains(&unit) {
            let known: Vec<_> = self
                .order_sizes
                .iter()
                .map(|unit| format!("{unit:?}"))
                .collect();
            return Err(self.lacks(format!("orders in {unit:?}"), &known));
        }
        if (request.stop_loss.is_some() || request.take_profit.is_some())
            && !self.brackets.is_there()
        {
            return Err(self.lacks("stop loss and take profit with an order".to_owned(), &[]));
        }
        if matches!(request.stop_loss, Some(StopLoss::Trailing(_)))
            && !self.trailing_stop_loss.is_there()
        {
            return Err(self.lacks("a trailing stop loss".to_owned(), &[]));
        }
        if let Some(id) = &request.client_order_id
            && self.client_order_id.echoed.is_there()
            && id.as_str().len() > self.client_order_id.max_len
        {
            let message = format!(
                "the client order id has {} characters; at most {} are allowed",
                id.as_str().len(),
                self.client_order_id.max_len
            );
            return Err(Error::new(ErrorKind::InvalidInput, message).at_broker(self.broker.clone()));
        }
        Ok(())
    }

    fn lacks(&self, what: String, known: &[String]) -> Error {
        let instead = if known.is_empty() {
            String::new()
        } else {
            format!("; there is {}", known.join(", "))
        };
        Error::new(
            ErrorKind::Unsupported,
            format!("this broker has no {what}{instead}"),
        )
        .at_broker(self.broker.clone())
    }
}
