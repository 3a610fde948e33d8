#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod broker;
mod clock;
pub mod fixtures;
mod logs;
mod mock;
mod outcome;
mod random;
mod secrets;

pub use clock::{ManualClock, ScaledClock};
pub use logs::LogCapture;
pub use mock::{
    Ability, Call, ClosingAnswer, MockBroker, MockBrokerBuilder, MockHarness, Operation,
    PlacementAnswer,
};
pub use outcome::{TestFailure, TestResult};
pub use random::SeededRandom;
pub use secrets::Canaries;
