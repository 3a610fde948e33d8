#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod calendar;
mod classify;
mod hazard;
mod inputs;
mod ladder;
mod leg;
mod pen;
mod picture;
mod read;
mod report;
mod ring;
mod table;
mod turn;
mod wheel;

pub use calendar::{days_to, new_york_date};
pub use classify::classify;
pub use hazard::{Hazard, NotAllowed};
pub use inputs::{PutAssignment, WheelInputs};
pub use leg::{Aside, AsideReason, Basis, CallLeg, PutLeg, SHARES_PER_CONTRACT, ShortLeg};
pub use picture::Picture;
pub use read::{gather, read};
pub use report::{AccountWheel, Secured, Totals, WheelReport};
pub use turn::Turn;
pub use wheel::{Shares, Stage, Wheel};
