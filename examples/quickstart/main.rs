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
//!
//! It ends with status 0, with 1 and one sentence with its code if something went wrong, with 2 if the
//! command line cannot be used, and with 130 if it was interrupted. In each case it first tries to cancel and
//! close what it has opened, and says so.

mod args;
mod journey;
mod show;
mod steps;
mod target;
mod trade;

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = wheelhouse_examples::arguments();
    wheelhouse_examples::end(journey::run(args).await)
}
