#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod account;
mod broker;
mod capabilities;
mod clock;
mod decimal;
mod delegate;
mod error;
mod ext;
mod ids;
mod instrument;
mod number;
mod options;
mod order;
mod pages;
mod query;
mod raw;
mod request;
mod roles;
mod rules;
mod state;
mod stream;
mod submission;
mod terms;
mod token;

pub use account::{Account, AccountKind, AccountStatus, AccountSummary, Accounts};
pub use broker::Broker;
pub use capabilities::{
    Capabilities, ClientOrderIdSupport, OrderTypeSupport, PreviewNeed, ReplaceSupport, Support,
};
#[cfg(feature = "tokio")]
pub use clock::SystemClock;
pub use clock::{Clock, Random, Sleep};
#[doc(hidden)]
pub use decimal::__decimal;
pub use error::{Effect, Error, ErrorKind, Result, RetryAdvice};
pub use ext::BrokerExt;
pub use ids::{
    AccountId, BrokerId, BrokerOrderId, ClientOrderId, ExecutionId, InstrumentId, MAX_ID_LEN,
    PositionId, SessionId, Symbol,
};
pub use instrument::{
    Bar, BarInterval, Depth, DepthLevel, Instrument, InstrumentKind, InstrumentStatus, Quote,
};
pub use number::{Currency, Money, Price, Quantity};
pub use options::{
    Deliverable, OptionChain, OptionContract, OptionLeg, OptionOrder, OptionOrderRequest,
    OptionPosition, OptionQuery, OptionQuote, OptionRight, OptionsTrading,
};
pub use order::{Execution, Order, Position, PositionEffect};
pub use pages::ContractPages;
pub use query::{
    BarQuery, ClosedTradeQuery, ExecutionQuery, InstrumentQuery, OrderQuery, OrderStatusFilter,
    Page, PageToken, PositionQuery,
};
pub use raw::Raw;
pub use request::{OrderChange, OrderRequest};
pub use roles::{
    BulkOrders, Change, ClosedTrade, ClosedTrades, Holiday, MarketDepth, MarketHistory,
    OrderPreview, OrderPreviews, PositionChange, PositionTrading, SessionStatus, TradingSchedule,
    TradingSessions,
};
pub use rules::{InstrumentRules, Tick};
pub use rust_decimal::Decimal;
pub use secrecy::{ExposeSecret, SecretString};
pub use state::OrderState;
pub use stream::{BrokerEvent, EventKind, EventStream, Streaming, Subscription};
pub use submission::{
    AcceptedOrder, CloseResolution, Closing, Confirmation, Evidence, RejectReason, Rejection,
    Resolution, Submission, UnresolvedClose, UnresolvedOrder,
};
pub use terms::{
    Offset, OrderKind, OrderSize, OrderType, Side, SizeUnit, StopLoss, TakeProfit, TimeInForce,
    TradingHours,
};
pub use token::{AccessToken, TokenSource};
