//! A login that walks through every challenge of Robinhood at a terminal.
//!
//! ```sh
//! cargo run --example robinhood_login                        # the simulator asks for a code
//! cargo run --example robinhood_login -- --challenge prompt  # it waits for a tap in the app
//! ```
//!
//! Without credentials it starts a simulated Robinhood in its own process. With `ROBINHOOD_USERNAME`
//! and `ROBINHOOD_PASSWORD` it logs in to the real one and stores the session, sealed: the examples
//! `wheel_positions` and `option_chain` go on with it. If it is interrupted, the next run takes up
//! the login where it was.

#![allow(clippy::print_stdout, reason = "it is made for a terminal")]

mod args;
mod terminal;
mod walk;

use std::process::ExitCode;

use clap::Parser;
use wheelhouse::{KeySource, prelude::*};
use wheelhouse_examples::{Rows, Target, or_dash};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    wheelhouse_examples::end(run(args::Args::parse()).await)
}

async fn run(args: args::Args) -> Result<()> {
    let target = Target::robinhood(args.challenge.flow()).await?;
    println!("{target}");
    let connector = target.connector(args.data_dir).await?;
    if let KeySource::File {
        path,
        created: true,
    } = connector.key_source()
    {
        println!(
            "stored sessions are sealed with the key in {}, made just now",
            path.display()
        );
    }

    let connection = walk::log_in(&connector, target.sim()).await?;
    if connection.resumed {
        println!("going on with the stored session, without a login");
    } else {
        println!("logged in");
    }

    let mut rows = Rows::new(["account", "name", "status", "currency", "cash ", "equity "]);
    for account in &connection.broker.accounts().await? {
        let summary = connection.broker.account_summary(&account.id).await?;
        rows.add([
            &account.id,
            &or_dash(account.name.as_deref()),
            &format!("{:?}", account.status).to_lowercase(),
            &or_dash(account.currency),
            &or_dash(summary.cash.map(|cash| cash.round_dp(2))),
            &or_dash(summary.equity.map(|equity| equity.round_dp(2))),
        ]);
    }
    println!("{rows}");

    if args.logout {
        connector.sessions().destroy(&connection.session).await?;
        println!("logged out; the device stays approved");
    }
    target.shutdown().await;
    Ok(())
}
