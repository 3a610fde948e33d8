#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod cached;
mod gate;
mod window;

pub use cached::Cached;
pub use gate::{Gone, SendGate, Waiting};
pub use window::{ConsistencyWindow, Pauses};
