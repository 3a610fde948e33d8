#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod class;
mod limiter;
mod local;
mod quota;

pub use class::{LimitClass, LimitRequest, LimitScope, Priority};
pub use limiter::{Limiter, Usage};
pub use local::{LocalLimiter, LocalLimiterBuilder};
pub use quota::Quota;
