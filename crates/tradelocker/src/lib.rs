#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod accounts;
mod api;
mod auth;
mod builder;
mod capabilities;
mod client;
mod config;
mod convert;
mod endpoints;
mod error;
mod history;
mod instruments;
mod market;
mod orders;
mod place;
mod positions;
mod recent;
mod resolve;
#[doc(hidden)]
pub mod wire;

pub use accounts::AccountDetails;
pub use auth::{SERVER_FIELD, StreamToken, TradeLockerAuth};
pub use builder::TradeLockerBuilder;
pub use client::TradeLocker;
pub use config::{Environment, TradeLockerConfig};
pub use wire::accounts::TradingRules;
