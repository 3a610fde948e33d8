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
//!
//! It ends with status 0, with 1 and one sentence with its code if something went wrong, with 2 if
//! the command line cannot be used, and with 130 if it was interrupted. The other examples do too.

mod args;
mod walk;

use std::{path::Path, process::ExitCode};

use wheelhouse::{
    Connection, Connector, KeySource, prelude::*, robinhood::Robinhood, settings::RobinhoodSettings,
};
use wheelhouse_examples::{Rows, Target, or_dash, say};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = wheelhouse_examples::arguments();
    wheelhouse_examples::run(run(args)).await
}

async fn run(args: args::Args) -> Result<()> {
    let target = Target::robinhood(args.challenge.flow()).await?;
    say(&target)?;
    let connector = target.connector(args.data_dir).await?;
    if let KeySource::File {
        path,
        created: true,
    } = connector.key_source()
    {
        let path = path.display();
        say(format_args!(
            "stored sessions are sealed with the key in {path}, made just now"
        ))?;
    }

    let login = target.robinhood_login()?;
    let connection = match &args.import {
        Some(path) => import(&connector, &login, path).await?,
        None => {
            let mut walk =
                walk::Walk::new(&connector, &login, target.sim(), (args.patience, args.text));
            walk.log_in().await?
        }
    };
    say(match connection.resumed {
        true => "going on with the stored session, without a login",
        false => "logged in",
    })?;
    let broker = match args.read_only {
        true => connector.robinhood_read_only(&login, &connection.session)?,
        false => connection.broker,
    };
    say(accounts(&broker).await?)?;
    if args.logout {
        connector.sessions().destroy(&connection.session).await?;
        say("logged out; the device stays approved")?;
    }
    connector.close().await;
    target.shutdown().await;
    Ok(())
}

async fn import(
    connector: &Connector,
    login: &RobinhoodSettings,
    path: &Path,
) -> Result<Connection<Robinhood>> {
    let bytes = std::fs::read(path).map_err(|source| {
        let message = format!("{} cannot be read: {}", path.display(), source.kind());
        Error::new(ErrorKind::StorageRead, message).with_source(source)
    })?;
    connector.robinhood_import(login, &bytes).await
}

async fn accounts(broker: &Robinhood) -> Result<Rows> {
    let mut rows = Rows::new(["account", "name", "status", "currency", "cash ", "equity "]);
    for account in &broker.accounts().await? {
        let summary = broker.account_summary(&account.id).await?;
        rows.add([
            &account.id,
            &or_dash(account.name.as_deref()),
            &format!("{:?}", account.status).to_lowercase(),
            &or_dash(account.currency),
            &or_dash(summary.cash.map(|cash| cash.round_dp(2))),
            &or_dash(summary.equity.map(|equity| equity.round_dp(2))),
        ]);
    }
    Ok(rows)
}
