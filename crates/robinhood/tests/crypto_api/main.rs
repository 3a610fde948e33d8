//! Behaviour of the Crypto Trading API's adapter, against the simulator.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests live in real time and may fail loudly"
)]

mod accounts;
mod clocks;
mod conformance;
mod endpoints;
mod faults;
mod journey;
mod moving;
mod offline;
mod paging;
mod placing;
mod resolving;
mod rig;
mod secrets;
