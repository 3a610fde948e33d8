use std::fmt;

use wheelhouse_core::{AccountId, OrderRequest};

macro_rules! operations {
    ($($name:ident = $text:literal,)*) => {
        /// A call that a broker takes, named after its method.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[expect(missing_docs, reason = "the method of this name says all")]
        pub enum Operation {
            $($name,)*
        }

        impl Operation {
            /// Returns the name of the method, as errors have it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

operations! {
    AccountSummary = "account_summary",
    Accounts = "accounts",
    Bars = "bars",
    CancelAllOrders = "cancel_all_orders",
    CancelOptionOrder = "cancel_option_order",
    CancelOrder = "cancel_order",
    CloseAllPositions = "close_all_positions",
    ClosePosition = "close_position",
    ClosedTrades = "closed_trades",
    ConfirmOrder = "confirm_order",
    DailyBar = "daily_bar",
    Depth = "depth",
    Events = "events",
    Executions = "executions",
    Instrument = "instrument",
    Instruments = "instruments",
    ModifyPosition = "modify_position",
    OptionChains = "option_chains",
    OptionContracts = "option_contracts",
    OptionOrders = "option_orders",
    OptionPositions = "option_positions",
    OptionQuotes = "option_quotes",
    Order = "order",
    OrderByClientId = "order_by_client_id",
    Orders = "orders",
    PlaceOptionOrder = "place_option_order",
    PlaceOrder = "place_order",
    Positions = "positions",
    PreviewOrder = "preview_order",
    Quotes = "quotes",
    ReplaceOrder = "replace_order",
    Resolve = "resolve",
    ResolveClose = "resolve_close",
    SessionStatus = "session_status",
    TradingHours = "trading_hours",
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A call that a [`MockBroker`](crate::MockBroker) was given, also one that it refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// Which.
    pub operation: Operation,
    /// For which account.
    pub account: Option<AccountId>,
    /// The identifier or symbol that it is about: order, position or instrument.
    pub subject: Option<String>,
    /// What was to be placed.
    pub request: Option<OrderRequest>,
}

impl Call {
    pub(super) fn new(operation: Operation) -> Self {
        Self {
            operation,
            account: None,
            subject: None,
            request: None,
        }
    }

    pub(super) fn at(operation: Operation, account: &AccountId) -> Self {
        Self {
            account: Some(account.clone()),
            ..Self::new(operation)
        }
    }

    pub(super) fn about(mut self, subject: impl AsRef<str>) -> Self {
        self.subject = Some(subject.as_ref().to_owned());
        self
    }

    pub(super) fn placing(mut self, request: &OrderRequest) -> Self {
        self.request = Some(request.clone());
        self
    }
}
