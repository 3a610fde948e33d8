#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod broker;
mod clock;
pub mod fixtures;
mod logs;
mod mock;
mod outcome;
#[cfg(feature = "proxy")]
mod proxy;
mod random;
mod secrets;

pub use clock::{ManualClock, ScaledClock};
pub use logs::LogCapture;
pub use mock::{
    Ability, Call, ClosingAnswer, MockBroker, MockBrokerBuilder, MockHarness, Operation,
    PlacementAnswer,
};
pub use outcome::{TestFailure, TestResult};
#[cfg(feature = "proxy")]
pub use proxy::{FaultPlan, FaultProxy, ProxyFault, RequestHead};
pub use random::SeededRandom;
pub use secrets::Canaries;
