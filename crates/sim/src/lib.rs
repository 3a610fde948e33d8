#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod broker;
mod clock;
mod error;
pub mod faults;
mod log;
mod random;
pub mod robinhood;
pub mod robinhood_crypto;
mod server;
mod sim;
pub mod tradelocker;

pub use crate::{
    clock::Start,
    error::{Result, SimError},
    faults::{Fault, Faults, Kind, Matcher, Script},
    log::{Fate, RequestRecord},
    sim::{Sim, SimBuilder},
};
