use wheelhouse_core::{RejectReason, Submission};

/// How a [`MockBroker`](crate::MockBroker) answers a placement that passed its own checks.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum PlacementAnswer {
    /// Takes the order. The default.
    #[default]
    Accept,
    /// Asks these questions; [`confirm_order`](wheelhouse_core::Broker::confirm_order) then takes
    /// the order.
    Ask(Vec<String>),
    /// Answers exactly this, and does nothing.
    Exactly(Box<Submission>),
    /// Takes the order and fills it at once, a limit order at its limit.
    Fill,
    /// Gives no answer, so that the submission is unknown.
    Lost {
        /// Whether the order was placed, so that it is found, or not, so that it is not.
        placed: bool,
        /// How often [`resolve`](wheelhouse_core::Broker::resolve) cannot tell before it can;
        /// `u32::MAX` for never.
        unclear: u32,
    },
    /// Refuses the order.
    Reject {
        /// Why.
        reason: RejectReason,
        /// In which words.
        message: String,
    },
}

impl PlacementAnswer {
    /// Refuses the order for lack of funds.
    pub fn insufficient_funds() -> Self {
        Self::Reject {
            reason: RejectReason::InsufficientFunds,
            message: "insufficient funds".to_owned(),
        }
    }
}

/// How a [`MockBroker`](crate::MockBroker) answers the closing of a position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClosingAnswer {
    /// Closes. The default.
    #[default]
    Accept,
    /// Gives no answer, so that the closing is unknown.
    Lost {
        /// Whether the position was closed.
        closed: bool,
    },
    /// Refuses with these words.
    Reject(String),
}
