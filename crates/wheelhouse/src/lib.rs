#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod connection;
mod connector;
mod keys;
#[cfg(feature = "tradelocker")]
mod realm;
#[cfg(feature = "robinhood")]
mod robinhood_connect;
mod storage;
#[cfg(feature = "tradelocker")]
mod tradelocker_connect;

#[cfg(feature = "robinhood")]
pub use connection::Connecting;
pub use connection::{Connection, connect};
pub use connector::{Connector, ConnectorBuilder};
pub use keys::KeySource;
pub use wheelhouse_core::*;
pub use wheelhouse_crypto as crypto;
pub use wheelhouse_http as http;
pub use wheelhouse_ratelimit as ratelimit;
#[cfg(feature = "robinhood")]
pub use wheelhouse_robinhood as robinhood;
pub use wheelhouse_session as session;
pub use wheelhouse_settings as settings;
#[cfg(feature = "sqlite")]
pub use wheelhouse_sqlite as sqlite;
#[cfg(feature = "testing")]
pub use wheelhouse_testkit as testing;
#[cfg(feature = "tradelocker")]
pub use wheelhouse_tradelocker as tradelocker;
#[cfg(feature = "wheel")]
pub use wheelhouse_wheel as wheel;

/// What most programs use: `use wheelhouse::prelude::*`.
pub mod prelude {
    pub use wheelhouse_core::{
        Account, AccountId, AccountSummary, Accounts, Broker, BrokerExt, BrokerOrderId,
        Capabilities, ClientOrderId, CloseResolution, Closing, Currency, Decimal, Effect, Error,
        ErrorKind, Execution, Instrument, InstrumentId, Money, Order, OrderChange, OrderKind,
        OrderQuery, OrderRequest, OrderSize, OrderState, OrderType, Page, Position, PositionId,
        PositionQuery, Price, Quantity, Quote, Resolution, Result, RetryAdvice, Side, StopLoss,
        Submission, Symbol, TakeProfit, TimeInForce, dec, lots, shares,
    };
}
