//! The behaviour of sealed records and keys.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod key_file;
mod keys;
mod passphrase;
mod records;
mod support;
