use std::{fmt, sync::Arc, time::Duration};

use wheelhouse_core::{
    Broker, Clock, Error, ErrorKind, OptionOrderRequest, OrderRequest, Resolution, Result,
    Submission, UnresolvedOrder,
};

/// The usual window of 60 s in which a broker may show an order late, and a minute for the
/// readings.
const KNOWN_WITHIN: Duration = Duration::from_secs(120);

/// An order that an [`OrderDrill`](super::OrderDrill) places, once.
#[derive(Clone)]
#[must_use]
pub struct DrillOrder {
    broker: Arc<dyn Broker>,
    wanted: Wanted,
    label: String,
    again: bool,
    known_within: Duration,
}

#[derive(Clone)]
enum Wanted {
    Options(OptionOrderRequest),
    Plain(OrderRequest),
}

impl DrillOrder {
    /// Makes an order that `broker` places. Its label is what the server's ledger will know it by:
    /// the client order id, as the adapter sends it. No two orders of a drill have the same.
    pub fn new(broker: Arc<dyn Broker>, request: OrderRequest, label: impl fmt::Display) -> Self {
        Self::wanted(broker, Wanted::Plain(request), label)
    }

    /// Makes an option order that `broker` places through its
    /// [`OptionsTrading`](wheelhouse_core::OptionsTrading).
    pub fn options(
        broker: Arc<dyn Broker>,
        request: OptionOrderRequest,
        label: impl fmt::Display,
    ) -> Self {
        Self::wanted(broker, Wanted::Options(request), label)
    }

    /// Places the order once more, as it is, if it is unknown what became of it. Only for brokers
    /// that refuse a second order with the same identifier.
    pub fn again(mut self) -> Self {
        self.again = true;
        self
    }

    /// Sets how long it may take until it is known what became of the order, from the end of its
    /// placement and by the drill's clock: 120 s by default, which is the usual window in which a
    /// broker may show an order late and a minute more. What takes longer is counted as late.
    pub fn known_within(mut self, limit: Duration) -> Self {
        self.known_within = limit;
        self
    }

    fn wanted(broker: Arc<dyn Broker>, wanted: Wanted, label: impl fmt::Display) -> Self {
        Self {
            broker,
            wanted,
            label: label.to_string(),
            again: false,
            known_within: KNOWN_WITHIN,
        }
    }

    pub(super) async fn place(self, clock: &dyn Clock) -> Placed {
        let mut answer = self.send().await;
        let placed_at = clock.monotonic();
        let unclear = matches!(answer, Ok(Submission::Unknown(_)));
        let sent_again = unclear && self.again;
        if sent_again {
            answer = self.send().await;
        }
        Placed {
            order: self,
            answer,
            placed_at,
            unclear,
            sent_again,
        }
    }

    async fn send(&self) -> Result<Submission> {
        match &self.wanted {
            Wanted::Options(request) => match self.broker.options() {
                Some(options) => options.place_option_order(request).await,
                None => Err(Error::new(
                    ErrorKind::Unsupported,
                    "a broker without options",
                )),
            },
            Wanted::Plain(request) => self.broker.place_order(request).await,
        }
    }

    async fn find_out(&self, open: &UnresolvedOrder) -> Belief {
        match self.broker.resolve(open).await {
            Ok(Resolution::Found(order)) => Belief::Placed(order.id.to_string()),
            Ok(Resolution::NotFound(_)) => Belief::NotPlaced,
            Ok(other) => Belief::Unknown(other.report()),
            Err(error) => Belief::Unknown(error.to_string()),
        }
    }
}

/// A placement that ended, in whichever way.
pub(super) struct Placed {
    order: DrillOrder,
    answer: Result<Submission>,
    placed_at: Duration,
    unclear: bool,
    sent_again: bool,
}

impl Placed {
    pub(super) async fn settle(self, clock: &dyn Clock) -> Outcome {
        let belief = match self.answer {
            Ok(Submission::Accepted(order)) => Belief::Placed(order.id.to_string()),
            Ok(Submission::Rejected(_)) => Belief::NotPlaced,
            Ok(Submission::Unknown(open)) => self.order.find_out(&open).await,
            Ok(other) => Belief::Unknown(other.to_string()),
            Err(_) => Belief::NotSent,
        };
        let unknown_for = self.unclear.then(|| clock.monotonic() - self.placed_at);
        Outcome {
            label: self.order.label,
            belief,
            sent_again: self.sent_again,
            unknown_for,
            known_within: self.order.known_within,
        }
    }
}

impl fmt::Debug for DrillOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DrillOrder")
            .field("label", &self.label)
            .field("again", &self.again)
            .field("known_within", &self.known_within)
            .finish_non_exhaustive()
    }
}

/// What the client knows of one placement at the end.
pub(super) struct Outcome {
    pub(super) label: String,
    pub(super) belief: Belief,
    pub(super) sent_again: bool,
    /// For how long, where it was unknown at first.
    pub(super) unknown_for: Option<Duration>,
    pub(super) known_within: Duration,
}

pub(super) enum Belief {
    NotPlaced,
    NotSent,
    /// With the identifier that the broker gave.
    Placed(String),
    /// With what is known instead.
    Unknown(String),
}
