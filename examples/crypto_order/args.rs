use std::str::FromStr;

use clap::Parser;
use wheelhouse::prelude::*;

/// Reads a crypto account over Robinhood's official Crypto Trading API, then places, finds and cancels
/// a limit order. Without keys in the environment it uses a simulator in its own process. On the real
/// host it only reads, unless --trade-live is given.
#[derive(Debug, Parser)]
#[command(after_help = "Environment:
  ROBINHOOD_CRYPTO_API_KEY, ROBINHOOD_CRYPTO_PRIVATE_KEY   the keys; both or none
  ROBINHOOD_CRYPTO_ENVIRONMENT   live (the default), or a base URL (https; http on loopback only)")]
pub(crate) struct Args {
    /// What to trade.
    #[arg(long, default_value = "BTC-USD")]
    pub(crate) symbol: Symbol,
    /// How much to buy, in units of the coin [default: for about 5 USD].
    #[arg(long, allow_negative_numbers = true, value_parser = quantity)]
    pub(crate) quantity: Option<Quantity>,
    /// The most to pay for one [default: a fifth below the market, so that the order rests].
    #[arg(long, allow_negative_numbers = true, value_parser = price)]
    pub(crate) limit: Option<Price>,
    /// Leaves the order working instead of cancelling it.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Reads only: places no order.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Places the order on the real host too.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) trade_live: bool,
}

fn quantity(text: &str) -> Result<Quantity, String> {
    above_zero(text, Quantity::value)
}

fn price(text: &str) -> Result<Price, String> {
    above_zero(text, Price::value)
}

fn above_zero<T>(text: &str, value: fn(T) -> Decimal) -> Result<T, String>
where
    T: FromStr<Err = Error> + Copy,
{
    let number: T = text
        .parse()
        .map_err(|error: Error| error.message().to_owned())?;
    match value(number) > Decimal::ZERO {
        true => Ok(number),
        false => Err("it must be above zero".to_owned()),
    }
}
