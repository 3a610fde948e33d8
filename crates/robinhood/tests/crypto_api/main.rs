//! Behaviour of the Crypto Trading API's adapter, against the simulator.

mod clocks;
mod conformance;
mod faults;
mod journey;
mod offline;
mod paging;
mod placing;
mod resolving;
mod rig;
mod secrets;
