//! The option chain of an underlying: its expirations, and the contracts of one with prices and
//! greeks.
//!
//! ```sh
//! cargo run --example option_chain -- --symbol F
//! ```
//!
//! It only reads, and holds one page of contracts at a time, however long the chain is. Without credentials it starts a simulated Robinhood in its own process. With
//! `ROBINHOOD_USERNAME` and `ROBINHOOD_PASSWORD` it goes on with the session that the example
//! `robinhood_login` has stored, or logs in if nothing is asked.

mod read;
mod show;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, value_parser};
use time::{Date, macros::format_description};
use wheelhouse::{Clock, SystemClock, prelude::*, wheel};
use wheelhouse_examples::{Target, ask_elsewhere, say};
use wheelhouse_sim::robinhood::LoginFlow;

/// Shows the option chain of an underlying with prices and greeks. It reads only. Without credentials
/// in the environment it uses a simulator in its own process.
#[derive(Debug, Parser)]
#[command(after_help = "Environment:
  ROBINHOOD_USERNAME, ROBINHOOD_PASSWORD   the login; both or none
  ROBINHOOD_MFA_CODE   the base32 secret of the authenticator app, if codes are to be made of it
  ROBINHOOD_ENVIRONMENT   live (the default), or a base URL (https; http on loopback only)
  WHEELHOUSE_DATA_DIR   where the stored session and the key file are kept
  WHEELHOUSE_KEY   32 bytes in base64 or hex that seal the stored session; without it a key file is made

If Robinhood asks for an approval or a code, run the example robinhood_login first.")]
struct Args {
    /// The underlying.
    #[arg(long, default_value = "F")]
    symbol: Symbol,
    /// The day on which the contracts end [default: the next].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    expiration: Option<Date>,
    /// How many strikes around the price are shown.
    #[arg(long, allow_negative_numbers = true, default_value_t = 10, value_name = "COUNT", value_parser = value_parser!(u16).range(1..))]
    strikes: u16,
    /// Walks through the contracts of all days, and tells how many there are.
    #[arg(long, conflicts_with = "expiration")]
    whole: bool,
    /// The account to read with; needed if the login has several and it matters [default: the first].
    #[arg(long, value_name = "ID")]
    account: Option<String>,
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
    let broker = connector
        .connect("robinhood")
        .await
        .map_err(ask_elsewhere)?;

    let accounts = broker.accounts().await?;
    let account = match &args.account {
        Some(id) => accounts.by_id(id)?.id,
        // Prices are the same for all of them.
        None => accounts
            .first()
            .ok_or_else(|| nothing("an account"))?
            .id
            .clone(),
    };
    let underlying = broker.instrument(&account, &args.symbol).await?;
    let quote = broker.quote(&account, &underlying).await?;
    let price = quote.last.or_else(|| quote.mid());
    show::underlying(&underlying, &quote)?;

    let today = wheel::new_york_date(SystemClock::new().now());
    let chain = read::chain(&*broker, &account, &underlying.symbol).await?;
    if args.whole {
        let days = read::tallies(&*broker, &account, &underlying.symbol).await?;
        show::tallies(&days, today)?;
        connector.close().await;
        target.shutdown().await;
        return Ok(());
    }
    show::expirations(&chain, today)?;
    let expiration = match args.expiration {
        Some(date) => date,
        None => {
            let mut dates = chain.expirations.iter().copied();
            dates
                .find(|date| *date >= today)
                .ok_or_else(|| nothing("an expiration"))?
        }
    };
    let wanted = (expiration, price, args.strikes.into());
    let near = read::nearest(&*broker, &account, &underlying.symbol, wanted).await?;
    let quotes = read::quotes(&*broker, &account, &near).await?;
    show::contracts(expiration, price, &near, &quotes)?;
    connector.close().await;
    target.shutdown().await;
    Ok(())
}

fn nothing(what: &str) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("there is no such thing as {what} here"),
    )
}

fn date(text: &str) -> Result<Date, String> {
    Date::parse(text, format_description!("[year]-[month]-[day]"))
        .map_err(|_| "a date such as 2026-12-18 is expected".to_owned())
}
