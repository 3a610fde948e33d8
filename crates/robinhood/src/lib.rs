#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod accounts;
mod api;
mod auth;
mod beyond;
mod builder;
mod capabilities;
mod client;
mod config;
mod convert;
mod crypto;
mod crypto_api;
mod endpoints;
mod error;
mod executions;
mod import;
mod indexes;
mod market;
mod new_york;
mod options;
mod orders;
mod place;
mod read_only;
mod readings;
mod recent;
mod resolve;
#[cfg(test)]
mod samples;
mod types;
mod wire;

pub use auth::{
    DEVICE_TOKEN, DeviceTokens, MemoryDevices, READ_ONLY_TOKEN, RobinhoodAuth, StoredDevices,
    USER_UUID,
};
pub use builder::RobinhoodBuilder;
pub use client::Robinhood;
pub use config::{ApprovalFlow, Environment, RobinhoodConfig, RobinhoodLimits};
pub use crypto_api::{
    CryptoApiVersion, CryptoFeeTier, CryptoPriceEstimate, CryptoSpreadQuote, RobinhoodCrypto,
    RobinhoodCryptoBuilder, RobinhoodCryptoConfig,
};
pub use import::TokenCache;
pub use read_only::ReadOnly;
pub use types::{
    ChainCollateral, Dividend, Fundamentals, MarketHours, OptionEvent, OptionStrategy, SharesMoved,
    StrategyLeg,
};
