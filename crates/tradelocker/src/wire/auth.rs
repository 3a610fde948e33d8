//! `POST /auth/jwt/token`, `refresh` and `accounts/tokens`.

use serde::{Deserialize, Serialize};

use super::token::Token;

/// The body of a login.
#[derive(Serialize)]
pub struct Login<'a> {
    /// The user.
    pub email: &'a str,
    /// The password, byte for byte.
    pub password: &'a str,
    /// The broker's server name.
    pub server: &'a str,
}

/// The body of a refresh.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refresh<'a> {
    /// The token to be used up.
    pub refresh_token: &'a str,
}

/// The answer to a login or refresh.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tokens<'a> {
    /// Opens the API.
    #[serde(borrow, default)]
    pub access_token: Token<'a>,
    /// Gets the next pair.
    #[serde(borrow, default)]
    pub refresh_token: Token<'a>,
    /// When the access token ends, in ISO 8601.
    #[serde(borrow, default)]
    pub expire_date: Token<'a>,
}

/// The answer of `accounts/tokens`: a token per account, for streams.
#[derive(Deserialize)]
pub struct AccountTokens<'a> {
    /// One per account.
    #[serde(borrow)]
    pub data: Vec<AccountToken<'a>>,
}

/// A token that opens the streams of one account.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountToken<'a> {
    /// The token.
    #[serde(borrow, default)]
    pub access_token: Token<'a>,
    /// `D#` or `L#` and the account's id.
    #[serde(borrow, default)]
    pub account_id: Token<'a>,
    /// The broker.
    #[serde(borrow, default)]
    pub brand_id: Token<'a>,
    /// When the token ends.
    #[serde(borrow, default)]
    pub expire_date: Token<'a>,
}

/// The claims of a token that are read. Its signature is the broker's to check.
#[derive(Debug, Deserialize)]
pub struct Claims {
    /// When it ends, in seconds since 1970.
    #[serde(default)]
    pub exp: Option<i64>,
}

macro_rules! opaque {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}
opaque!(Login, Refresh, Tokens, AccountTokens, AccountToken);
