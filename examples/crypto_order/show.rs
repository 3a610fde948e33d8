use wheelhouse::{
    prelude::*,
    robinhood::{CryptoFeeTier, CryptoPriceEstimate},
};
use wheelhouse_examples::{Rows, cents, or_dash, say};

pub(crate) fn summary(account: &Account, summary: &AccountSummary) -> Result<()> {
    say(format_args!("\nAccount {}", account.id))?;
    let mut rows = Rows::new(["", "amount "]);
    for (name, figure) in [
        ("cash", summary.cash),
        ("buying power", summary.buying_power),
        ("coins", summary.portfolio_value),
        ("equity", summary.equity),
    ] {
        let currency = or_dash(summary.currency);
        rows.add([
            &name,
            &or_dash(figure.map(|figure| format!("{} {currency}", cents(figure)))),
        ]);
    }
    say(rows)
}

pub(crate) fn positions(positions: &[Position]) -> Result<()> {
    let mut rows = Rows::new(["coin", "held ", "available "]);
    for position in positions {
        let name = position
            .symbol
            .as_ref()
            .map_or(position.instrument.as_str(), Symbol::as_str);
        let available = or_dash(position.available.map(|it| it.value().normalize()));
        rows.add([&name, &position.size.amount().normalize(), &available]);
    }
    say(rows)
}

pub(crate) fn fees(tier: &CryptoFeeTier) -> Result<()> {
    let percent = |ratio: Decimal| ratio.saturating_mul(Decimal::ONE_HUNDRED).normalize();
    let next = tier
        .next_fee_ratio
        .zip(tier.next_threshold)
        .map_or(String::new(), |(fee, from)| {
            format!(
                "; {} % from {} USD in 30 days",
                percent(fee),
                from.normalize()
            )
        });
    say(format_args!("fee {} %{next}", percent(tier.fee_ratio)))
}

pub(crate) fn quote(instrument: &Instrument, quote: &Quote) -> Result<()> {
    let figure = |price: Option<Price>| or_dash(price.map(|price| price.value().normalize()));
    say(format_args!(
        "{}: bid {}, ask {}",
        instrument.symbol,
        figure(quote.bid),
        figure(quote.ask)
    ))
}

pub(crate) fn estimates(estimates: &[CryptoPriceEstimate]) -> Result<()> {
    for estimate in estimates {
        let figure = |it: Option<Decimal>| or_dash(it.map(|it| it.round_dp(4).normalize()));
        say(format_args!(
            "buying {} at market would cost {}, {} of it as fee",
            estimate.quantity.value().normalize(),
            figure(estimate.total_cost),
            figure(estimate.fee)
        ))?;
    }
    Ok(())
}

pub(crate) fn step(what: &str, became: impl std::fmt::Display) -> Result<()> {
    say(format_args!("  {what:<24} {became}"))
}
