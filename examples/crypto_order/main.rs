//! A crypto order over Robinhood's official API: read, place, find, cancel.
//!
//! ```sh
//! cargo run --example crypto_order
//! ```
//!
//! Without keys it starts a simulated Crypto Trading API in its own process. With
//! `ROBINHOOD_CRYPTO_API_KEY` and `ROBINHOOD_CRYPTO_PRIVATE_KEY` it talks to the real one and only
//! reads, unless `--trade-live` is given.
//!
//! If it is interrupted between the placing and the cancelling, it still cancels, and says so.

mod args;
mod show;
mod trade;

use std::process::ExitCode;

use wheelhouse::prelude::*;
use wheelhouse_examples::{End, Target, say};

use crate::args::Args;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = wheelhouse_examples::arguments();
    wheelhouse_examples::end(run(args).await)
}

async fn run(args: Args) -> Result<(), End> {
    let target = Target::robinhood_crypto().await?;
    say(&target)?;
    let connector = target.connector(None).await?;
    let broker = connector.robinhood_crypto()?;

    let account = broker.accounts().await?.only()?;
    show::summary(&account, &broker.account_summary(&account.id).await?)?;
    show::positions(&broker.all_positions(&account).await?)?;
    if let Some(tier) = broker.fee_tier(&account.id).await? {
        show::fees(&tier)?;
    }
    let instrument = broker.instrument(&account.id, &args.symbol).await?;
    let quote = broker.quote(&account, &instrument).await?;
    show::quote(&instrument, &quote)?;
    let price = trade::price(&args, &instrument, &quote)?;
    let quantity = trade::quantity(&args, &instrument, price)?;
    let estimates = broker
        .estimated_prices(&instrument.id, Side::Buy, &[quantity])
        .await?;
    show::estimates(&estimates)?;

    let size = OrderSize::Units(quantity);
    let request = OrderRequest::limit(&account, &instrument, Side::Buy, size, price);
    if args.dry_run {
        say("\n--dry-run: no order was placed")?;
    } else if target.is_real() && !args.trade_live {
        say("\nthis is the real host: no order was placed; --trade-live would")?;
    } else {
        trade::run(&broker, &request, args.keep).await?;
    }
    connector.close().await;
    target.shutdown().await;
    Ok(())
}
