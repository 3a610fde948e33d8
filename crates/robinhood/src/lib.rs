#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod convert;
mod error;
#[cfg(test)]
mod samples;
mod types;
mod wire;

pub use types::{
    ChainCollateral, Dividend, Fundamentals, MarketHours, OptionEvent, OptionStrategy, SharesMoved,
    StrategyLeg,
};
