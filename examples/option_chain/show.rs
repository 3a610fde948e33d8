use std::collections::BTreeMap;

use time::Date;
use wheelhouse::{OptionChain, OptionContract, OptionQuote, prelude::*, wheel};
use wheelhouse_examples::{Rows, or_dash, say};

use crate::read::{Quotes, Strikes, Tally};

pub(crate) fn underlying(instrument: &Instrument, quote: &Quote) -> Result<()> {
    let figure = |price: Option<Price>| or_dash(price.map(|price| price.value().normalize()));
    say(format_args!(
        "\n{}: last {}, bid {}, ask {}",
        instrument.symbol,
        figure(quote.last),
        figure(quote.bid),
        figure(quote.ask)
    ))
}

pub(crate) fn tallies(days: &BTreeMap<Date, Tally>, today: Date) -> Result<()> {
    let mut rows = Rows::new([
        "expiration",
        "days ",
        "calls ",
        "puts ",
        "lowest ",
        "highest ",
    ]);
    let strike = |strike: Option<Price>| or_dash(strike.map(|it| it.value().normalize()));
    for (date, day) in days {
        rows.add([
            date,
            &wheel::days_to(*date, today),
            &day.calls,
            &day.puts,
            &strike(day.lowest),
            &strike(day.highest),
        ]);
    }
    say(rows)?;
    let count: usize = days.values().map(|day| day.calls + day.puts).sum();
    say(format_args!("{count} contracts"))
}

pub(crate) fn expirations(chain: &OptionChain, today: Date) -> Result<()> {
    let mut rows = Rows::new(["expiration", "days "]);
    for date in &chain.expirations {
        rows.add([date, &wheel::days_to(*date, today)]);
    }
    say(rows)
}

pub(crate) fn contracts(
    expiration: Date,
    price: Option<Price>,
    strikes: &Strikes,
    quotes: &Quotes,
) -> Result<()> {
    say(format_args!(
        "\nContracts to {expiration}, calls on the left"
    ))?;
    if strikes.is_empty() {
        return say("  none");
    }
    let mut rows = Rows::new([
        "delta ", "IV % ", "bid ", "ask ", "strike ", "bid ", "ask ", "IV % ", "delta ",
    ]);
    let mut above = false;
    for (strike, contracts) in strikes {
        // Where the price stands among the strikes.
        if let Some(price) = price.filter(|price| *strike >= *price && !above) {
            above = true;
            if rows_below(strikes, price) {
                let mark = format!("▸ {}", price.value().normalize());
                rows.add([&"", &"", &"", &"", &mark, &"", &"", &"", &""]);
            }
        }
        let quote = |contract: &Option<OptionContract>| quotes.get(&contract.as_ref()?.id);
        let (call, put) = (
            Cells::of(quote(&contracts.call)),
            Cells::of(quote(&contracts.put)),
        );
        let strike = strike.value().normalize();
        rows.add([
            &call.delta,
            &call.iv,
            &call.bid,
            &call.ask,
            &strike,
            &put.bid,
            &put.ask,
            &put.iv,
            &put.delta,
        ]);
    }
    say(rows)
}

fn rows_below(strikes: &Strikes, price: Price) -> bool {
    strikes.keys().next().is_some_and(|lowest| *lowest < price)
}

struct Cells {
    delta: String,
    iv: String,
    bid: String,
    ask: String,
}

impl Cells {
    fn of(quote: Option<&OptionQuote>) -> Self {
        let rounded =
            |figure: Option<Decimal>, digits| or_dash(figure.map(|it| it.round_dp(digits)));
        let percent = |figure: Decimal| figure.checked_mul(Decimal::ONE_HUNDRED);
        let price = |price: Option<Price>| or_dash(price.map(|price| price.value().normalize()));
        Self {
            delta: rounded(quote.and_then(|quote| quote.delta), 3),
            iv: rounded(
                quote
                    .and_then(|quote| quote.implied_volatility)
                    .and_then(percent),
                1,
            ),
            bid: price(quote.and_then(|quote| quote.bid)),
            ask: price(quote.and_then(|quote| quote.ask)),
        }
    }
}
