//! Tests of the TradeLocker adapter: against samples, and against the simulator.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests live in real time and may fail loudly"
)]

mod clocks;
mod doubt;
mod faults;
mod fields;
mod journey;
mod login;
mod placing;
mod positions;
mod reading;
mod resolving;
mod rig;
mod rows;
mod samples;
mod setup;
mod windows;
