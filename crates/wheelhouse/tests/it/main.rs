//! Connecting: from settings to a broker, and what is refused on the way, against the simulator.

#![allow(clippy::unwrap_used, reason = "test helpers")]

#[cfg(all(feature = "sqlite", feature = "tradelocker"))]
mod closing;
#[cfg(all(feature = "robinhood", feature = "sqlite", target_os = "linux"))]
mod processes;
#[cfg(feature = "robinhood")]
mod robinhood;
#[cfg(all(feature = "robinhood", feature = "sqlite"))]
mod shared_clock;
#[cfg(all(feature = "robinhood", feature = "sqlite"))]
mod tokens;
#[cfg(all(feature = "sqlite", feature = "tradelocker"))]
mod tradelocker;
