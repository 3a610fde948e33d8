#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod config;
mod error;
mod files;
mod open;
mod records;
mod schema;
mod store;

pub use config::SqliteConfig;
pub use store::SqliteStore;
