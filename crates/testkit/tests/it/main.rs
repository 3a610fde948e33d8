//! The behaviour of the mock broker, of the suites and of the proxy.
mod conformance;
mod mock;
#[cfg(feature = "proxy")]
mod proxy;
mod teeth;
