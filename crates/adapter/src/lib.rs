#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod cached;
mod gate;
mod readings;
mod scan;
mod window;

pub use cached::Cached;
pub use gate::{Gone, SendGate, Waiting};
pub use readings::Readings;
pub use scan::{Scanned, Scanner};
pub use window::{ConsistencyWindow, Pauses};
