//! The whole job in one run: log in (or go on with the stored session), read the account, place, find
//! and cancel an order, open and close a position.
//!
//! ```sh
//! cargo run --example quickstart
//! ```
//!
//! Without credentials it starts a simulated TradeLocker server in its own process. With
//! `TRADELOCKER_EMAIL`, `TRADELOCKER_PASSWORD` and `TRADELOCKER_SERVER` it talks to the host that
//! `TRADELOCKER_ENVIRONMENT` names: `demo` (the default), `live` or a base URL. On a live account it
//! only reads, unless `--trade-live` is given.

#![allow(clippy::print_stdout, reason = "it is made for a terminal")]

mod args;
mod journey;
mod show;
mod steps;
mod target;

use std::process::ExitCode;

use clap::Parser;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match journey::run(args::Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
