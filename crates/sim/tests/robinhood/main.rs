//! The simulated Robinhood and Robinhood Crypto as a client on the wire meets them.
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "helpers of tests are tests"
)]

mod accounts;
mod approval;
mod crypto;
mod ends;
mod faults;
mod login;
mod market;
mod nummus;
mod options;
mod orders;
mod paging;
mod program;
mod rig;
mod samples;
mod script;
mod tokens;
