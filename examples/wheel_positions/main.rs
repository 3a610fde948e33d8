//! Where each underlying stands on the wheel: a table for each account, and a picture for each
//! underlying.
//!
//! ```sh
//! cargo run --example wheel_positions
//! ```
//!
//! It only reads. Without credentials it starts a simulated Robinhood in its own process. With
//! `ROBINHOOD_USERNAME` and `ROBINHOOD_PASSWORD` it goes on with the session that the example
//! `robinhood_login` has stored, or logs in if nothing is asked.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use wheelhouse::{SystemClock, prelude::*, wheel};
use wheelhouse_examples::{Rows, Target, ask_elsewhere, columns, or_dash, say, wants_colour};
use wheelhouse_sim::robinhood::LoginFlow;

/// Shows where each underlying stands on the wheel: cash-secured put, assigned shares, covered call.
/// It reads only. Without credentials in the environment it uses a simulator in its own process.
#[derive(Debug, Parser)]
#[command(after_help = "Environment:
  ROBINHOOD_USERNAME, ROBINHOOD_PASSWORD   the login; both or none
  ROBINHOOD_MFA_CODE   the base32 secret of the authenticator app, if codes are to be made of it
  ROBINHOOD_ENVIRONMENT   live (the default), or a base URL (https; http on loopback only)
  WHEELHOUSE_DATA_DIR   where the stored session and the key file are kept
  WHEELHOUSE_KEY   32 bytes in base64 or hex that seal the stored session; without it a key file is made

If Robinhood asks for an approval or a code, run the example robinhood_login first.")]
struct Args {
    /// The account to show [default: all].
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Shows this underlying only.
    #[arg(long, value_name = "SYMBOL")]
    underlying: Option<Symbol>,
    /// Where the stored session and the key file are kept [default: the user's data directory].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = wheelhouse_examples::arguments();
    wheelhouse_examples::run(run(args)).await
}

async fn run(args: Args) -> Result<()> {
    let target = Target::robinhood(LoginFlow::Granted).await?;
    say(&target)?;
    let connector = target.connector(args.data_dir).await?;
    let broker = connector.robinhood().await.map_err(ask_elsewhere)?.broker;
    let underlying = args.underlying;

    let clock = SystemClock::new();
    let accounts = broker.accounts().await?;
    let chosen = match &args.account {
        Some(id) => vec![accounts.by_id(id)?],
        None => accounts.to_vec(),
    };
    for account in &chosen {
        let report = wheel::read(&broker, &account.id, &clock).await?;
        show(account, &report, underlying.as_ref())?;
    }
    connector.close().await;
    target.shutdown().await;
    Ok(())
}

fn show(account: &Account, report: &wheel::AccountWheel, only: Option<&Symbol>) -> Result<()> {
    let name = account.name.as_deref();
    let name = name.map_or(String::new(), |name| format!(", {name}"));
    let (id, today) = (&account.id, report.today);
    say(format_args!("\nAccount {id}{name}, {today} in New York"))?;
    let mut wheels = report.wheels.iter().filter(|wheel| fits(wheel, only));
    if wheels.next().is_none() {
        match only {
            Some(symbol) => say(format_args!("  nothing on {symbol}"))?,
            None => say("  no shares and no options")?,
        }
    } else {
        say(table(report, only))?;
    }
    for (underlying, hazard) in report.all_hazards() {
        match underlying {
            Some(symbol) if is_named(symbol, only) => {
                say(format_args!("! {symbol}: {hazard}"))?;
            }
            Some(_) => {}
            None => say(format_args!("! {hazard}"))?,
        }
    }
    for wheel in report.wheels.iter().filter(|wheel| fits(wheel, only)) {
        let picture = wheel.picture().width(columns()).colour(wants_colour());
        say(format_args!("\n{picture}"))?;
    }
    Ok(())
}

fn table(report: &wheel::AccountWheel, only: Option<&Symbol>) -> Rows {
    let mut rows = Rows::new([
        "underlying",
        "stage",
        "price ",
        "shares ",
        "free lots ",
        "puts ",
        "calls ",
        "collateral ",
    ]);
    for wheel in report.wheels.iter().filter(|wheel| fits(wheel, only)) {
        let stages: Vec<_> = wheel.stages.iter().map(|stage| stage.as_str()).collect();
        rows.add([
            &wheel.underlying,
            &stages.join(", "),
            &or_dash(wheel.price.map(|price| price.value().normalize())),
            &wheel.shares.held.normalize(),
            &wheel.shares.free_lots,
            &wheel.put_contracts().normalize(),
            &wheel.call_contracts().normalize(),
            &wheel.collateral().normalize(),
        ]);
    }
    rows
}

fn fits(wheel: &wheel::Wheel, only: Option<&Symbol>) -> bool {
    is_named(&wheel.underlying, only)
}

fn is_named(symbol: &Symbol, only: Option<&Symbol>) -> bool {
    only.is_none_or(|only| only.as_str().eq_ignore_ascii_case(symbol.as_str()))
}
