use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    AccountId, BrokerId, BrokerOrderId, ClientOrderId, Error, Order, OrderRequest, OrderState,
    PositionId, Quantity, Raw,
};

/// What became of a placement, as far as this side knows.
///
/// An `Err` beside it means that nothing was placed. What may have been placed is never an error to
/// retry but the value [`Unknown`](Self::Unknown), which has to be resolved.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[must_use = "an Unknown submission may be a live order"]
pub enum Submission {
    /// The broker took the order. That is not a fill.
    Accepted(AcceptedOrder),
    /// The broker asks before it takes the order; answer with
    /// [`Broker::confirm_order`](crate::Broker::confirm_order).
    NeedsConfirmation(Confirmation),
    /// The broker refused the order. Nothing was placed.
    Rejected(Rejection),
    /// It is not known whether the order was placed. Never send it again: give this to
    /// [`Broker::resolve`](crate::Broker::resolve).
    Unknown(UnresolvedOrder),
}

impl Submission {
    /// Returns this side's identifier of the order.
    pub fn client_order_id(&self) -> &ClientOrderId {
        match self {
            Self::Accepted(order) => &order.client_order_id,
            Self::NeedsConfirmation(confirmation) => &confirmation.client_order_id,
            Self::Rejected(rejection) => &rejection.client_order_id,
            Self::Unknown(open) => &open.client_order_id,
        }
    }

    /// Returns the state that an order with this outcome is in.
    pub fn state(&self) -> OrderState {
        match self {
            Self::Accepted(order) => order.state.clone(),
            Self::NeedsConfirmation(_) => OrderState::Armed,
            Self::Rejected(_) => OrderState::Rejected,
            Self::Unknown(_) => OrderState::Unknown,
        }
    }
}

impl fmt::Display for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(order) => write!(f, "accepted as order {}", order.id),
            Self::NeedsConfirmation(confirmation) => {
                write!(f, "the broker asks: {}", confirmation.questions.join("; "))
            }
            Self::Rejected(rejection) => rejection.fmt(f),
            Self::Unknown(open) => open.fmt(f),
        }
    }
}

/// An order that the broker took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AcceptedOrder {
    /// The broker's identifier.
    pub id: BrokerOrderId,
    /// This side's identifier.
    pub client_order_id: ClientOrderId,
    /// In which account.
    pub account: AccountId,
    /// The state that the answer tells; [`OrderState::PendingNew`] if it tells none.
    pub state: OrderState,
    /// The broker's own words.
    #[serde(skip)]
    pub raw: Raw,
}

impl AcceptedOrder {
    /// Makes one in state [`OrderState::PendingNew`].
    pub fn new(id: BrokerOrderId, client_order_id: ClientOrderId, account: AccountId) -> Self {
        Self {
            id,
            client_order_id,
            account,
            state: OrderState::PendingNew,
            raw: Raw::default(),
        }
    }
}

/// A placement that the broker refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Rejection {
    /// This side's identifier.
    pub client_order_id: ClientOrderId,
    /// Why, as far as it can be told.
    pub reason: RejectReason,
    /// The broker's words.
    pub message: String,
    /// The identifier of the refused order, where the broker gives one.
    pub order: Option<BrokerOrderId>,
}

impl Rejection {
    /// Makes a refusal.
    pub fn new(
        client_order_id: ClientOrderId,
        reason: RejectReason,
        message: impl Into<String>,
    ) -> Self {
        Self {
            client_order_id,
            reason,
            message: message.into(),
            order: None,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "rejected ({:?}, code 3008): {}",
            self.reason,
            self.message.trim()
        )
    }
}

/// Why a broker refused an order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RejectReason {
    /// A stop loss or take profit is not accepted.
    Bracket,
    /// Only closing is allowed.
    CloseOnly,
    /// Too little cash or margin.
    InsufficientFunds,
    /// A field of the order is not accepted.
    InvalidField,
    /// The market is closed.
    MarketClosed,
    /// Another reason; the message tells.
    Other,
    /// The kind of order is not accepted now.
    OrderType,
}

/// A placement of which it is not known what became, and all that is needed to find out.
///
/// It can be stored, also beyond the end of the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UnresolvedOrder {
    /// At which broker.
    pub broker: BrokerId,
    /// This side's identifier, which the broker echoes if it can.
    pub client_order_id: ClientOrderId,
    /// What was sent.
    pub request: OrderRequest,
    /// When it was sent, by this side's clock.
    pub sent_at: OffsetDateTime,
    /// The code of what went wrong, such as 2002.
    pub cause_code: u16,
    /// What went wrong, in a sentence.
    pub cause: String,
}

impl UnresolvedOrder {
    /// Makes one from what was sent and what went wrong.
    pub fn new(
        broker: BrokerId,
        client_order_id: ClientOrderId,
        request: OrderRequest,
        sent_at: OffsetDateTime,
        cause: &Error,
    ) -> Self {
        Self {
            broker,
            client_order_id,
            request,
            sent_at,
            cause_code: cause.code(),
            cause: cause.message().to_owned(),
        }
    }
}

impl fmt::Display for UnresolvedOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "outcome of {} unknown (code 3007): {} ({})",
            self.client_order_id, self.cause, self.cause_code
        )
    }
}

/// What resolving an [`UnresolvedOrder`] came to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[must_use = "a Resolution::Unknown may be a live order"]
pub enum Resolution {
    /// The broker has the order.
    Found(Box<Order>),
    /// Every complete reading, the last of them after the broker's consistency window, was without
    /// the order. It is as good as certain that it was not placed; the evidence says what was read.
    NotFound(Evidence),
    /// It could not be found out; keep the order and try again later.
    Unknown(Box<UnresolvedOrder>, Evidence),
}

impl Resolution {
    /// Says in a sentence what was found out.
    pub fn report(&self) -> String {
        match self {
            Self::Found(order) => {
                format!(
                    "resolved: the broker has it as order {}, {}",
                    order.id, order.state
                )
            }
            Self::NotFound(evidence) => format!("resolved: not placed; {evidence}"),
            Self::Unknown(open, evidence) => format!("still unknown: {}; {evidence}", open.cause),
        }
    }
}

/// What a resolution rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Evidence {
    /// How many times everything was read completely.
    pub complete_reads: u32,
    /// How many readings failed.
    pub failed_reads: u32,
    /// When the last complete reading ended.
    pub last_read_at: Option<OffsetDateTime>,
    /// Until when the broker may show an order late.
    pub window_ends_at: OffsetDateTime,
    /// What is known beyond that, such as several orders that could be it.
    pub remark: Option<String>,
}

impl Evidence {
    /// Makes evidence of nothing read yet.
    pub fn new(window_ends_at: OffsetDateTime) -> Self {
        Self {
            complete_reads: 0,
            failed_reads: 0,
            last_read_at: None,
            window_ends_at,
            remark: None,
        }
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} complete readings, {} failed",
            self.complete_reads, self.failed_reads
        )?;
        match &self.remark {
            Some(remark) => write!(f, ", {remark}"),
            None => Ok(()),
        }
    }
}

/// A question that a broker asks before it takes an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Confirmation {
    /// This side's identifier.
    pub client_order_id: ClientOrderId,
    /// In which account.
    pub account: AccountId,
    /// What the broker asks or warns of.
    pub questions: Vec<String>,
    /// What the adapter needs to go on; opaque.
    pub token: String,
    /// Until when it can be answered.
    pub expires_at: Option<OffsetDateTime>,
}

impl Confirmation {
    /// Makes a question.
    pub fn new(
        client_order_id: ClientOrderId,
        account: AccountId,
        questions: Vec<String>,
        token: impl Into<String>,
    ) -> Self {
        Self {
            client_order_id,
            account,
            questions,
            token: token.into(),
            expires_at: None,
        }
    }
}

/// What became of closing a position.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[must_use = "an Unknown closing may have happened"]
pub enum Closing {
    /// The broker took it. The position is gone only when it is no longer among the positions.
    Accepted {
        /// The closing order, where the broker names it.
        order: Option<BrokerOrderId>,
    },
    /// The broker refused it. Nothing was closed.
    Rejected {
        /// The broker's words.
        message: String,
    },
    /// It is not known whether it happened; give this to
    /// [`PositionTrading::resolve_close`](crate::PositionTrading::resolve_close). Repeating a
    /// partial close can close twice.
    Unknown(UnresolvedClose),
}

impl fmt::Display for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { order: Some(order) } => write!(f, "accepted as order {order}"),
            Self::Accepted { order: None } => f.write_str("accepted"),
            Self::Rejected { message } => write!(f, "rejected (code 3008): {}", message.trim()),
            Self::Unknown(open) => write!(f, "outcome unknown (code 3007): {}", open.cause),
        }
    }
}

/// A closing of which it is not known whether it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UnresolvedClose {
    /// At which broker.
    pub broker: BrokerId,
    /// In which account.
    pub account: AccountId,
    /// Which position.
    pub position: PositionId,
    /// How much was to be closed; `None` is all.
    pub quantity: Option<Quantity>,
    /// How much was held before.
    pub held_before: Quantity,
    /// When it was sent, by this side's clock.
    pub sent_at: OffsetDateTime,
    /// The code of what went wrong.
    pub cause_code: u16,
    /// What went wrong, in a sentence.
    pub cause: String,
}

impl UnresolvedClose {
    /// Makes one from what was sent and what went wrong.
    pub fn new(
        broker: BrokerId,
        account: AccountId,
        position: PositionId,
        quantity: Option<Quantity>,
        held_before: Quantity,
        sent_at: OffsetDateTime,
        cause: &Error,
    ) -> Self {
        Self {
            broker,
            account,
            position,
            quantity,
            held_before,
            sent_at,
            cause_code: cause.code(),
            cause: cause.message().to_owned(),
        }
    }
}

/// What resolving an [`UnresolvedClose`] came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseResolution {
    /// The position is gone or smaller by what was to be closed.
    Closed {
        /// What is left of it.
        remaining: Quantity,
    },
    /// The position is as it was, read completely after the broker's consistency window.
    NotClosed(Evidence),
    /// It could not be found out.
    Unknown(UnresolvedClose, Evidence),
}

impl CloseResolution {
    /// Says in a sentence what was found out.
    pub fn report(&self) -> String {
        match self {
            Self::Closed { remaining } if remaining.value().is_zero() => {
                "resolved: the position is closed".to_owned()
            }
            Self::Closed { remaining } => format!("resolved: closed but for {remaining}"),
            Self::NotClosed(evidence) => format!("resolved: not closed; {evidence}"),
            Self::Unknown(open, evidence) => format!("still unknown: {}; {evidence}", open.cause),
        }
    }
}
