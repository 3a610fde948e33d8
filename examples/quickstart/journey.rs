use std::path::PathBuf;

use etcetera::BaseStrategy;
use wheelhouse::{Connector, KeySource, prelude::*};
use wheelhouse_examples::End;

use crate::{
    args::Args,
    show,
    target::{self, Target},
    trade,
};

/// Instruments to show quotes of, beside the one that is traded.
const SHOWN: [&str; 2] = ["BTCUSD", "ETHUSD"];

pub(crate) async fn run(args: Args) -> Result<(), End> {
    let target = target::choose(&args).await?;
    show::line(&target)?;

    let mut connector = Connector::builder().settings(target.settings.clone());
    connector = connector.data_dir(data_dir(&args, &target)?);
    if target.sim.is_some() {
        connector = connector.tradelocker_realm("quickstart-simulator");
    }
    let connector = connector.build().await?;
    show::line(sealed_with(connector.key_source()))?;

    let connection = connector.tradelocker().await?;
    show::line(match connection.resumed {
        true => "going on with the stored session, without a login",
        false => "logged in; the session is stored",
    })?;
    let broker: &dyn Broker = &connection.broker;

    let accounts = broker.accounts().await?;
    show::accounts(&accounts)?;
    let account = match &args.account {
        Some(id) => accounts.by_id(id)?,
        None => accounts.only()?,
    };
    let instrument = broker.find_instrument(&account, &args.symbol).await?;
    show::summary(&broker.account_summary(&account.id).await?)?;
    show::positions(&broker.all_positions(&account).await?)?;
    show::open_orders(&broker.all_orders(&account, OrderQuery::open()).await?)?;
    let quote = show_quotes(broker, &account, &instrument).await?;

    if args.dry_run {
        show::line("\n--dry-run: no order was placed")?;
    } else if target.is_live && !args.trade_live {
        show::line("\nthis is a live account: no order was placed; --trade-live would")?;
    } else {
        trade::run(broker, &account, &instrument, &quote).await?;
    }
    connector.close().await;
    if let Some(sim) = target.sim {
        sim.shutdown().await;
    }
    Ok(())
}

fn sealed_with(key: &KeySource) -> String {
    match key {
        KeySource::Given => "stored sessions are sealed with the key of WHEELHOUSE_KEY".to_owned(),
        KeySource::File { path, created } => {
            let made = if *created { ", made just now" } else { "" };
            format!(
                "stored sessions are sealed with the key in {}{made}",
                path.display()
            )
        }
        _ => "sessions are kept in memory".to_owned(),
    }
}

async fn show_quotes(broker: &dyn Broker, account: &Account, traded: &Instrument) -> Result<Quote> {
    let quote = broker.quote(account, traded).await?;
    let mut quotes = vec![(traded.symbol.clone(), quote.clone())];
    for symbol in SHOWN {
        match broker.find_instrument(account, symbol).await {
            Ok(instrument) if instrument.id != traded.id => {
                quotes.push((
                    instrument.symbol.clone(),
                    broker.quote(account, &instrument).await?,
                ));
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    show::quotes(&quotes)?;
    Ok(quote)
}

/// The directory of the command line, of the settings, or one among the user's data.
fn data_dir(args: &Args, target: &Target) -> Result<PathBuf> {
    if let Some(dir) = args.data_dir.clone().or_else(|| target.settings.data_dir()) {
        return Ok(dir);
    }
    let strategy = etcetera::choose_base_strategy().map_err(|source| {
        Error::new(
            ErrorKind::Configuration,
            "there is no home directory; name a --data-dir",
        )
        .with_source(source)
    })?;
    let name = if target.sim.is_some() {
        "quickstart-simulator"
    } else {
        "quickstart"
    };
    Ok(strategy.data_dir().join("wheelhouse").join(name))
}
