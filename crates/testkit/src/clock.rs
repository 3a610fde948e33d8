mod manual;
mod scaled;

pub use manual::ManualClock;
pub use scaled::{Pace, ScaledClock};
