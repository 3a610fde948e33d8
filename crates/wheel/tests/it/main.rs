//! Behaviour of the wheel, seen from outside.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by panicking"
)]

mod any_broker;
mod broker;
mod hazards;
mod properties;
mod read;
mod shown;
mod stages;
mod text;
mod world;
