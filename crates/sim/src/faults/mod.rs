//! Faults: what goes wrong on the way, for which requests, how often.

mod gzip;
mod kind;
mod plan;
mod script;
mod spoil;

pub use self::{
    kind::{GzipFault, Kind, Moment, RowFault, StallAt},
    plan::{Fault, FaultId, Faults, Matcher},
    script::Script,
};
pub(crate) use self::{plan::Armed, script::faults};
