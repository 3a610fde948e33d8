//! Wire types into core types. Pure: no network, no clock.

mod account;
mod instrument;
mod market;
mod rows;

use bytes::Bytes;
use wheelhouse_core::{Raw, Result, Side};

pub(crate) use self::{
    account::{account, summary},
    instrument::{instrument, schedule, session_status, with_details},
    market::{bar, closed_trade, depth, quote, resolution},
    rows::{List, Rows},
};
use crate::{
    error::unexpected,
    wire::token::{Misfit, Token},
};

const NO_ID: &str = "is not an identifier";

fn element(body: &Bytes, path: &'static [&'static str], index: usize) -> Raw {
    Raw::element(body.clone(), path, u32::try_from(index).unwrap_or(u32::MAX))
}

fn side(text: &str) -> Result<Side, Misfit> {
    match text {
        _ if text.eq_ignore_ascii_case("buy") => Ok(Side::Buy),
        _ if text.eq_ignore_ascii_case("sell") => Ok(Side::Sell),
        _ => Err(Misfit("is neither buy nor sell")),
    }
}

/// Lower case, without the signs that differ between spellings.
fn plain(text: &str) -> String {
    let letters = text.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// Reads a leaf of an object and names it in the error.
pub(crate) fn leaf<'a, T>(
    path: &str,
    token: Token<'a>,
    read: impl FnOnce(Token<'a>) -> Result<T, Misfit>,
) -> Result<T> {
    read(token).map_err(|misfit| unexpected(path, misfit.0))
}

/// Reads a leaf that has to be there.
pub(crate) fn required<'a, T>(
    path: &str,
    token: Token<'a>,
    read: impl FnOnce(Token<'a>) -> Result<Option<T>, Misfit>,
) -> Result<T> {
    leaf(path, token, read)?.ok_or_else(|| unexpected(path, "is missing"))
}
