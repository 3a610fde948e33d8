//! What TradeLocker sends and takes, exactly as it does, one file per group of endpoints.
//!
//! Public so that it can be measured and fuzzed; programs use the core types instead. No promise of
//! compatibility is made here.

pub mod accounts;
pub mod auth;
pub mod config;
pub mod instruments;
pub mod market;
pub mod number;
pub mod orders;
pub mod positions;
pub mod reply;
pub mod reports;
pub mod table;
pub mod token;
