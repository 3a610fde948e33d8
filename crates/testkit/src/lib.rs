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
pub mod store;

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

// Compiles and runs the guide. Its file is in the repository only, where the tests run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/testing.md")]
struct Guide;
