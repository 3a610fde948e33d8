//! Wire types into core types. Pure: no network, no clock.

mod account;
mod crypto;
mod execution;
mod market;
mod option;
mod order;

pub(crate) use account::{
    Sources, account, cost_of_strategy, dividend, position, signed_cost, summary,
};
pub(crate) use crypto::{PREFIX, crypto_order, forex_quote, holding, own_part, pair};
pub(crate) use execution::{crypto_executions, equity_executions, option_executions};
pub(crate) use market::{FRACTION, Listing, bar, fundamentals, hours, instrument, quote};
pub(crate) use option::{
    Delivers, chain, collateral, contract, delivers, event, option_position, option_quote, strategy,
};
pub(crate) use order::{equity_order, option_order, ref_id};

use bytestring::ByteString;
use wheelhouse_core::{
    AccountId, Decimal, Error, ErrorKind, InstrumentId, OrderState, Price, Raw, Result, Side,
    Symbol, TimeInForce,
};

use crate::wire::{Num, Text};

/// Where an object stands in the body it came in.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    Row(&'a ByteString, usize),
    Whole(&'a ByteString),
}

impl Place<'_> {
    pub(crate) fn raw(self) -> Raw {
        match self {
            Self::Whole(body) => Raw::whole(body.as_bytes().clone()),
            Self::Row(body, index) => {
                let index = u32::try_from(index).unwrap_or(u32::MAX);
                Raw::element(body.as_bytes().clone(), &["results"], index)
            }
        }
    }
}

/// The error for an answer that decodes and still cannot be what it says.
pub(crate) fn odd(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::UnexpectedAnswer, what.into())
}

fn fit<T>(what: &str, made: Result<T>) -> Result<T> {
    made.map_err(|error| odd(format!("the {what} in the answer cannot be one")).with_source(error))
}

fn account_id(number: Option<&Text<'_>>, url: Option<&Text<'_>>) -> Result<AccountId> {
    let text = number
        .map(Text::as_str)
        .or_else(|| url.map(Text::tail))
        .ok_or_else(|| odd("the answer does not say of which account it is"))?;
    fit("account", AccountId::new(text))
}

fn instrument_id(id: Option<&Text<'_>>, url: &Text<'_>) -> Result<InstrumentId> {
    fit(
        "instrument",
        InstrumentId::new(id.map_or_else(|| url.tail(), Text::as_str)),
    )
}

fn symbol(text: &Text<'_>) -> Result<Symbol> {
    fit("symbol", Symbol::new(text.as_str()))
}

/// A price that is there and above zero: `"0.000000"` stands for none.
fn price(num: Option<Num>) -> Option<Price> {
    positive(num).map(Price::new)
}

fn positive(num: Option<Num>) -> Option<Decimal> {
    num.map(|num| num.0).filter(|value| *value > Decimal::ZERO)
}

fn filled_in<'a>(text: &'a Option<Text<'_>>) -> Option<&'a str> {
    text.as_ref()
        .map(Text::as_str)
        .filter(|text| !text.is_empty())
}

fn side(text: &str) -> Result<Side> {
    match text {
        "buy" => Ok(Side::Buy),
        "sell" | "sell_short" => Ok(Side::Sell),
        // A side that is not known cannot be guessed at.
        _ => Err(odd("the side in the answer is neither buy nor sell")),
    }
}

/// Credit is money received, debit money paid.
fn direction(text: &str) -> Result<Side> {
    match text {
        "credit" => Ok(Side::Sell),
        "debit" => Ok(Side::Buy),
        _ => Err(odd(
            "the direction in the answer is neither credit nor debit",
        )),
    }
}

fn time_in_force(text: &str) -> TimeInForce {
    match text {
        "gfd" => TimeInForce::Day,
        "gtc" => TimeInForce::Gtc,
        "ioc" => TimeInForce::Ioc,
        "fok" => TimeInForce::Fok,
        "opg" => TimeInForce::OnOpen,
        other => TimeInForce::Unknown(other.to_owned()),
    }
}

/// Reads a state. `category` tells an order that ran out from one that somebody cancelled.
pub(crate) fn state(text: &str, category: Option<&str>) -> OrderState {
    match text {
        "new" | "unconfirmed" | "placed" => OrderState::PendingNew,
        "queued" => OrderState::Held,
        "confirmed" => OrderState::Working,
        "partially_filled" => OrderState::PartiallyFilled,
        "pending_cancelled" | "pending_canceled" => OrderState::PendingCancel,
        "filled" => OrderState::Filled,
        "cancelled" | "canceled" | "voided" | "partially_filled_rest_cancelled" => match category {
            Some("end_of_day") => OrderState::Expired,
            _ => OrderState::Canceled,
        },
        "rejected" | "failed" | "locate_failed" => OrderState::Rejected,
        other => OrderState::Other(other.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_in_every_spelling() {
        for (text, expected) in [
            ("unconfirmed", OrderState::PendingNew),
            ("confirmed", OrderState::Working),
            ("queued", OrderState::Held),
            ("canceled", OrderState::Canceled),
            ("cancelled", OrderState::Canceled),
            ("voided", OrderState::Canceled),
            ("partially_filled_rest_cancelled", OrderState::Canceled),
            ("locate_failed", OrderState::Rejected),
            ("failed", OrderState::Rejected),
        ] {
            assert_eq!(state(text, None), expected, "{text}");
        }
        assert_eq!(state("cancelled", Some("end_of_day")), OrderState::Expired);
    }

    #[test]
    fn f25_an_unknown_state_is_kept_and_never_final() {
        let state = state("frobnicated", None);
        assert_eq!(state, OrderState::Other("frobnicated".to_owned()));
        assert!(!state.is_final());
        assert_eq!(time_in_force("gfw"), TimeInForce::Unknown("gfw".to_owned()));
    }

    #[test]
    fn a_side_that_is_not_known_is_refused_and_not_guessed() {
        assert_eq!(side("hold").unwrap_err().code(), 3006);
        assert_eq!(direction("credit").unwrap(), Side::Sell);
        assert_eq!(direction("sideways").unwrap_err().code(), 3006);
    }
}
