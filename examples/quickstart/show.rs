use wheelhouse::prelude::*;
use wheelhouse_examples::{Rows, or_dash};

pub(crate) fn heading(text: &str) {
    println!("\n{text}");
}

pub(crate) fn step(what: &str, became: impl std::fmt::Display) {
    println!("  {what:<24} {became}");
}

pub(crate) fn accounts(accounts: &Accounts) {
    heading("Accounts");
    let mut rows = Rows::new(["id", "name", "status", "currency", "balance "]);
    for account in accounts {
        let status = format!("{:?}", account.status).to_lowercase();
        let balance = or_dash(account.balance.map(|money| money.amount));
        let (name, currency) = (or_dash(account.name.as_deref()), or_dash(account.currency));
        rows.add([&account.id, &name, &status, &currency, &balance]);
    }
    println!("{rows}");
}

pub(crate) fn summary(summary: &AccountSummary) {
    heading("Summary");
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
            let amount = format!("{:.2} {}", figure, or_dash(summary.currency));
            rows.add([&name, &amount]);
        }
    }
    println!("{rows}");
}

pub(crate) fn positions(positions: &[Position]) {
    heading("Positions");
    if positions.is_empty() {
        println!("  none");
        return;
    }
    let mut rows = Rows::new(["id", "instrument", "side", "size ", "price ", "profit "]);
    for position in positions {
        let name = position.symbol.as_ref().map_or(position.instrument.as_str(), |s| s.as_str());
        let price = or_dash(position.average_price);
        let profit = or_dash(position.unrealized_pnl);
        rows.add([&position.id, &name, &position.side, &position.size, &price, &profit]);
    }
    println!("{rows}");
}

pub(crate) fn quotes(quotes: &[(Symbol, Quote)]) {
    heading("Quotes");
    let mut rows = Rows::new(["symbol", "bid ", "ask ", "spread "]);
    for (symbol, quote) in quotes {
        let spread = match (quote.bid, quote.ask) {
            (Some(bid), Some(ask)) => Some(ask.value() - bid.value()),
            _ => None,
        };
        rows.add([symbol, &or_dash(quote.bid), &or_dash(quote.ask), &or_dash(spread)]);
    }
    println!("{rows}");
}
