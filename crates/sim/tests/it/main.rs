//! The simulator as a client on the wire meets it.
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "helpers of tests are tests"
)]

mod account;
mod amend;
mod auth;
mod columns;
mod determinism;
mod faults;
mod ledger;
mod limits;
mod market;
mod orders;
mod positions;
mod program;
mod rig;
mod samples;
mod script;
mod setup;
mod triggers;
