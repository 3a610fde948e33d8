use std::fmt::Display;

use wheelhouse::prelude::*;
use wheelhouse_examples::{Rows, cents, or_dash, places};

pub(crate) use wheelhouse_examples::say as line;

pub(crate) fn heading(text: &str) -> Result<()> {
    line(format_args!("\n{text}"))
}

pub(crate) fn step(what: &str, became: impl Display) -> Result<()> {
    line(format_args!("  {what:<24} {became}"))
}

pub(crate) fn accounts(accounts: &Accounts) -> Result<()> {
    heading("Accounts")?;
    let mut rows = Rows::new(["id", "name", "status", "currency", "balance "]);
    for account in accounts {
        let status = format!("{:?}", account.status).to_lowercase();
        let balance = or_dash(account.balance.map(|money| money.amount));
        let (name, currency) = (or_dash(account.name.as_deref()), or_dash(account.currency));
        rows.add([&account.id, &name, &status, &currency, &balance]);
    }
    line(rows)
}

pub(crate) fn summary(summary: &AccountSummary) -> Result<()> {
    heading("Summary")?;
    let mut rows = Rows::new(["", "amount "]);
    let figures = [
        ("cash", summary.cash),
        ("equity", summary.equity),
        ("buying power", summary.buying_power),
        ("margin used", summary.margin_used),
        ("open profit and loss", summary.open_pnl),
        ("today", summary.total_return_today),
    ];
    for (name, figure) in figures {
        if let Some(figure) = figure {
            let amount = format!("{} {}", cents(figure), or_dash(summary.currency));
            rows.add([&name, &amount]);
        }
    }
    line(rows)
}

pub(crate) fn positions(positions: &[Position]) -> Result<()> {
    heading("Positions")?;
    if positions.is_empty() {
        return line("  none");
    }
    let mut rows = Rows::new(["id", "instrument", "side", "size ", "price ", "profit "]);
    for position in positions {
        let name = name(position.symbol.as_ref(), &position.instrument);
        let price = or_dash(position.average_price);
        let profit = or_dash(position.unrealized_pnl);
        rows.add([
            &position.id,
            &name,
            &position.side,
            &position.size,
            &price,
            &profit,
        ]);
    }
    line(rows)
}

pub(crate) fn open_orders(orders: &[Order]) -> Result<()> {
    heading("Open orders")?;
    if orders.is_empty() {
        return line("  none");
    }
    let mut rows = Rows::new([
        "id",
        "instrument",
        "side",
        "type",
        "size ",
        "price ",
        "state",
    ]);
    for order in orders {
        let name = name(order.symbol.as_ref(), &order.instrument);
        let price = or_dash(order.limit_price.or(order.stop_price));
        let (side, size) = (&order.side, &order.size);
        rows.add([
            &order.id,
            &name,
            side,
            &order.order_type,
            size,
            &price,
            &order.state,
        ]);
    }
    line(rows)
}

pub(crate) fn quotes(quotes: &[(Symbol, Quote)]) -> Result<()> {
    heading("Quotes")?;
    let mut rows = Rows::new(["symbol", "bid ", "ask ", "spread "]);
    for (symbol, quote) in quotes {
        let prices = [quote.bid, quote.ask].map(|price| price.map(Price::value));
        let scale = prices
            .iter()
            .flatten()
            .map(Decimal::scale)
            .max()
            .unwrap_or(0);
        let spread = prices[0].zip(prices[1]).map(|(bid, ask)| ask - bid);
        let [bid, ask, spread] = [prices[0], prices[1], spread]
            .map(|price| or_dash(price.map(|price| places(price, scale))));
        rows.add([symbol, &bid, &ask, &spread]);
    }
    line(rows)
}

fn name(symbol: Option<&Symbol>, instrument: &InstrumentId) -> String {
    symbol.map_or_else(|| instrument.to_string(), ToString::to_string)
}
