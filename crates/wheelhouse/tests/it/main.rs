//! Connecting: from settings to a broker, and what is refused on the way, against the simulator.

#![allow(clippy::unwrap_used, reason = "test helpers")]

#[cfg(feature = "robinhood")]
mod robinhood;
#[cfg(all(feature = "sqlite", feature = "tradelocker"))]
mod tradelocker;
