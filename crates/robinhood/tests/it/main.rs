//! Behaviour of the adapter of the private API.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests live in real time and may fail loudly"
)]

mod conformance;
mod executions;
mod faults;
mod hostile;
mod indexes;
mod journey;
mod login;
mod orders;
mod paging;
mod reads;
mod reported;
mod rig;
mod wheel;
