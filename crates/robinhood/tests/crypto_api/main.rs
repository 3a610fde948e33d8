//! Behaviour of the Crypto Trading API's adapter, against the simulator.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests live in real time and may fail loudly"
)]

mod clocks;
mod conformance;
mod faults;
mod journey;
mod offline;
mod orders;
mod paging;
mod placing;
mod resolving;
mod rig;
mod secrets;
