use std::path::PathBuf;

use etcetera::BaseStrategy;
use wheelhouse::{Connector, KeySource, prelude::*};

use crate::{
    args::Args,
    show, steps,
    target::{self, Target},
};

/// Instruments to show quotes of, beside the one that is traded.
const SHOWN: [&str; 2] = ["BTCUSD", "ETHUSD"];

pub(crate) async fn run(args: Args) -> Result<()> {
    let target = target::choose(&args).await?;
    println!("{target}");

    let mut connector = Connector::builder().settings(target.settings.clone());
    connector = connector.data_dir(data_dir(&args, &target)?);
    if target.sim.is_some() {
        connector = connector.tradelocker_realm("quickstart-simulator");
    }
    let connector = connector.build().await?;
    match connector.key_source() {
        KeySource::Given => println!("stored sessions are sealed with the key of WHEELHOUSE_KEY"),
        KeySource::File { path, created } => {
            let made = if *created { ", made just now" } else { "" };
            println!("stored sessions are sealed with the key in {}{made}", path.display());
        }
        _ => println!("sessions are kept in memory"),
    }

    let connection = connector.tradelocker().await?;
    if connection.resumed {
        println!("going on with the stored session, without a login");
    } else {
        println!("logged in; the session is stored");
    }
    let broker: &dyn Broker = &connection.broker;

    let accounts = broker.accounts().await?;
    show::accounts(&accounts);
    let account = match &args.account {
        Some(id) => accounts.by_id(id)?,
        None => accounts.only()?,
    };
    show::summary(&broker.account_summary(&account.id).await?);
    show::positions(&broker.all_positions(&account).await?);
    let instrument = broker.find_instrument(&account, &args.symbol).await?;
    let quote = show_quotes(broker, &account, &instrument).await?;

    if args.dry_run {
        println!("\n--dry-run: no order was placed");
    } else if target.is_live && !args.trade_live {
        println!("\nthis is a live account: no order was placed; --trade-live would");
    } else {
        trade(broker, &account, &instrument, &quote).await?;
    }
    if let Some(sim) = target.sim {
        sim.shutdown().await;
    }
    Ok(())
}

async fn show_quotes(broker: &dyn Broker, account: &Account, traded: &Instrument) -> Result<Quote> {
    let quote = broker.quote(account, traded).await?;
    let mut quotes = vec![(traded.symbol.clone(), quote.clone())];
    for symbol in SHOWN {
        match broker.find_instrument(account, symbol).await {
            Ok(instrument) if instrument.id != traded.id => {
                quotes.push((instrument.symbol.clone(), broker.quote(account, &instrument).await?));
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    show::quotes(&quotes);
    Ok(quote)
}

async fn trade(
    broker: &dyn Broker,
    account: &Account,
    instrument: &Instrument,
    quote: &Quote,
) -> Result<()> {
    let least = instrument.rules.min_quantity.or(instrument.rules.quantity_step);
    let size = OrderSize::Lots(least.unwrap_or(Quantity::new(dec!(0.01))));
    let bid = quote.bid.ok_or_else(|| {
        Error::new(ErrorKind::UnexpectedAnswer, "there is no bid, so no price to place an order at")
    })?;

    show::heading("An order that rests, far below the market");
    let low = instrument.rules.price_at_or_below(Price::new(bid.value() * dec!(0.8)));
    let request = OrderRequest::limit(account, instrument, Side::Buy, size, low);
    if let Some(placed) = steps::place(broker, "limit order", &request).await? {
        let found = broker.order_by_client_id(&account.id, &placed.client_id).await?;
        let found = found.map_or("not found".to_owned(), |order| {
            format!("order {}, {} {} at {low}, {}", order.id, order.side, order.size, order.state)
        });
        show::step("found by its own id", format!("{}: {found}", placed.client_id));
        let order = steps::cancel(broker, &account.id, &placed.id).await?;
        show::step("cancel", format!("order {} is {}", order.id, order.state));
    }

    show::heading("A position");
    let request = OrderRequest::market(account, instrument, Side::Buy, size);
    if let Some(placed) = steps::place(broker, "market order", &request).await? {
        match steps::position_of(broker, &account.id, &placed.id).await? {
            Some(position) => {
                let price = wheelhouse_examples::or_dash(position.average_price);
                show::step("became position", format!("{} at {price}", position.id));
                steps::close(broker, &account.id, &position.id).await?;
            }
            None => show::step("", "it did not become a position"),
        }
    }
    show::positions(&broker.all_positions(account).await?);
    Ok(())
}

/// The directory of the command line, of the settings, or one among the user's data.
fn data_dir(args: &Args, target: &Target) -> Result<PathBuf> {
    if let Some(dir) = args.data_dir.clone().or_else(|| target.settings.data_dir()) {
        return Ok(dir);
    }
    let strategy = etcetera::choose_base_strategy().map_err(|source| {
        Error::new(ErrorKind::Configuration, "there is no home directory; name a --data-dir")
            .with_source(source)
    })?;
    let name = if target.sim.is_some() { "quickstart-simulator" } else { "quickstart" };
    Ok(strategy.data_dir().join("wheelhouse").join(name))
}
