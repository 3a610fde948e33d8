//! What Robinhood sends and takes, exactly as on the wire. Fields that nobody needs are left out;
//! new ones appear all the time and are ignored.

pub(crate) mod account;
pub(crate) mod auth;
pub(crate) mod crypto;
pub(crate) mod failure;
mod json;
pub(crate) mod market;
pub(crate) mod option;
pub(crate) mod option_order;
pub(crate) mod order;
mod rows;
pub(crate) mod value;

pub(crate) use json::{Misfit, decode, decode_text};
pub(crate) use rows::walk;
pub(crate) use value::{Amount, Day, Num, Page, Stamp, Text};
