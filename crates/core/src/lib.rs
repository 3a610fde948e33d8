#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod clock;
mod error;
mod ids;
mod number;
mod raw;
mod token;

#[cfg(feature = "tokio")]
pub use clock::SystemClock;
pub use clock::{Clock, Random, Sleep};
pub use error::{Effect, Error, ErrorKind, Result, RetryAdvice};
pub use ids::{
    AccountId, BrokerId, BrokerOrderId, ClientOrderId, ExecutionId, InstrumentId, MAX_ID_LEN,
    PositionId, SessionId, Symbol,
};
pub use number::{Currency, Money, Price, Quantity};
pub use raw::Raw;
pub use rust_decimal::{Decimal, dec};
pub use secrecy::{ExposeSecret, SecretString};
pub use token::{AccessToken, TokenSource};
