#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod broker;
mod clock;
mod drill;
pub mod fixtures;
mod logs;
mod mock;
mod outcome;
#[cfg(feature = "proxy")]
mod proxy;
mod random;
mod secrets;
pub mod store;

pub use clock::{ManualClock, Pace, ScaledClock};
pub use drill::{DrillOrder, DrillReport, DrillWait, LedgerEntry, OrderDrill};
pub use logs::LogCapture;
pub use mock::{
    Ability, Call, ClosingAnswer, MockBroker, MockBrokerBuilder, MockHarness, Operation,
    PlacementAnswer,
};
pub use outcome::{TestFailure, TestResult};
#[cfg(feature = "proxy")]
pub use proxy::{FaultPlan, FaultProxy, NaiveClient, ProxyFault, RequestHead};
pub use random::SeededRandom;
pub use secrets::Canaries;

// Compiles and runs the guides. Their files are in the repository only, where the tests run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/testing.md")]
struct Guide;

#[cfg(all(doctest, feature = "proxy"))]
#[doc = include_str!("../../../docs/adding-a-broker.md")]
struct GuideForAdapters;
