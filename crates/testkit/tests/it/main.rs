//! The behaviour of the mock broker, of the suites and of the proxy.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod conformance;
mod drill;
mod mock;
#[cfg(feature = "proxy")]
mod proxy;
mod teeth;
