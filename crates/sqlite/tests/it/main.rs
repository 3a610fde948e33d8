//! The behaviour of the SQLite store, on real files.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod conformance;
mod files;
mod harness;
mod processes;
mod sessions;
