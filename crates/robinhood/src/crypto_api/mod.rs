//! The official Crypto Trading API of Robinhood (`trading.robinhood.com`) as a broker of its own.
//!
//! It is documented and offered to customers, unlike the private API that the rest of this crate
//! speaks: an API key and an Ed25519 key instead of a login, and crypto only.

mod api;
mod builder;
mod capabilities;
mod client;
mod config;
mod convert;
mod directory;
mod endpoints;
mod error;
mod executions;
mod ids;
mod market;
mod orders;
mod place;
mod portfolio;
mod recent;
mod request;
mod resolve;
#[cfg(test)]
mod samples;
mod server_clock;
mod sign;
mod types;
mod wire;

pub use self::{
    builder::RobinhoodCryptoBuilder,
    client::RobinhoodCrypto,
    config::{CryptoApiVersion, RobinhoodCryptoConfig},
    types::{CryptoFeeTier, CryptoPriceEstimate, CryptoSpreadQuote},
};

use wheelhouse_core::BrokerId;

fn broker() -> BrokerId {
    BrokerId::robinhood_crypto()
}
