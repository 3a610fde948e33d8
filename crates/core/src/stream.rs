use std::pin::Pin;

use futures_core::Stream;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{AccountId, AccountSummary, Execution, InstrumentId, Order, Position, Quote, Result};

/// The stream that [`Streaming::events`] returns. Dropping it ends the subscription.
pub type EventStream = Pin<Box<dyn Stream<Item = BrokerEvent> + Send>>;

/// Follows what happens.
pub trait Streaming: Send + Sync {
    /// Returns the events of a subscription: a snapshot, then changes.
    ///
    /// After every loss comes [`EventKind::Gap`], then a fresh snapshot as events, then
    /// [`EventKind::CaughtUp`]. Quotes may be conflated, order events are never dropped. It needs
    /// the runtime of the adapter.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if the broker cannot follow one of the topics.
    fn events(&self, subscription: Subscription) -> Result<EventStream>;
}

/// What to follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subscription {
    /// Orders, executions, positions and summaries of these accounts.
    pub accounts: Vec<AccountId>,
    /// Quotes of these instruments.
    pub quotes: Vec<InstrumentId>,
}

impl Subscription {
    /// Follows the orders, executions and positions of an account.
    pub fn account(account: impl Into<AccountId>) -> Self {
        Self {
            accounts: vec![account.into()],
            quotes: Vec::new(),
        }
    }

    /// Also follows the quotes of an instrument.
    #[must_use]
    pub fn quotes_of(mut self, instrument: impl Into<InstrumentId>) -> Self {
        self.quotes.push(instrument.into());
        self
    }
}

/// Something that happened, or a mark in the stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BrokerEvent {
    /// Grows with every connection; events of an older generation are history.
    pub generation: u64,
    /// When it was received here.
    pub received_at: OffsetDateTime,
    /// What happened.
    pub kind: EventKind,
}

impl BrokerEvent {
    /// Makes an event.
    pub fn new(generation: u64, received_at: OffsetDateTime, kind: EventKind) -> Self {
        Self {
            generation,
            received_at,
            kind,
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum EventKind {
    /// The snapshot is complete; what follows are changes.
    CaughtUp,
    /// An order was executed.
    Execution(Box<Execution>),
    /// Events were lost since `from`; a snapshot follows.
    Gap {
        /// When the last event before the loss was received.
        from: OffsetDateTime,
    },
    /// An order is as given.
    Order(Box<Order>),
    /// A position is as given.
    Position(Box<Position>),
    /// A position is gone.
    PositionClosed(crate::PositionId),
    /// A quote is as given.
    Quote(Box<Quote>),
    /// An account is worth what is given.
    Summary(Box<AccountSummary>),
}
