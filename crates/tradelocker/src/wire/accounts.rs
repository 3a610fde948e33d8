//! `GET /auth/jwt/all-accounts`, `GET /trade/accounts` and `…/state`.

use serde::Deserialize;

use super::{config::columns, token::Token};

columns! {
    /// The columns of an account's state that core types have a place for.
    state {
        BALANCE = "balance",
        PROJECTED_BALANCE = "projectedBalance",
        AVAILABLE_FUNDS = "availableFunds",
        WITHDRAWAL_AVAILABLE = "withdrawalAvailable",
        INITIAL_MARGIN_REQ = "initialMarginReq",
        TODAY_NET = "todayNet",
        OPEN_GROSS_PNL = "openGrossPnL",
        OPEN_NET_PNL = "openNetPnL",
        POSITIONS_COUNT = "positionsCount",
        ORDERS_COUNT = "ordersCount",
    }
}

/// The answer of all-accounts.
#[derive(Debug, Deserialize)]
pub struct AllAccounts<'a> {
    /// The accounts of the user.
    #[serde(borrow)]
    pub accounts: Vec<AccountEntry<'a>>,
}

/// An account in all-accounts. Captured answers have every value as text.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountEntry<'a> {
    /// The number that people see after `#`.
    #[serde(borrow, default)]
    pub id: Token<'a>,
    /// Brand, user and numbers.
    #[serde(borrow, default)]
    pub name: Token<'a>,
    /// Currency code.
    #[serde(borrow, default)]
    pub currency: Token<'a>,
    /// `ACTIVE` and so on.
    #[serde(borrow, default)]
    pub status: Token<'a>,
    /// The number that the `accNum` header wants.
    #[serde(borrow, default)]
    pub acc_num: Token<'a>,
    /// The balance; the documentation spells the key with two a.
    #[serde(borrow, default, alias = "aaccountBalance")]
    pub account_balance: Token<'a>,
}

/// What `GET /trade/accounts` tells beyond all-accounts. Unknown rules are ignored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountDetails<'a> {
    /// The number that people see after `#`.
    #[serde(borrow, default)]
    pub id: Token<'a>,
    /// What the account may do.
    #[serde(default)]
    pub trading_rules: Option<TradingRules>,
    /// Limits of size and loss.
    #[serde(borrow, default)]
    pub risk_rules: Option<RiskRules<'a>>,
}

/// What an account may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct TradingRules {
    /// Stop loss and take profit.
    pub support_brackets: Option<bool>,
    /// Closing a part of a position.
    pub support_partial_close_position: Option<bool>,
    /// Trading against oneself.
    pub support_self_trading: Option<bool>,
    /// Trading out of hours.
    pub support_trading_out_of_trading_hours: Option<bool>,
    /// Trailing stops.
    pub support_trailing_stop: Option<bool>,
}

/// Limits of size and loss, as far as their form is known.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct RiskRules<'a> {
    /// The largest order.
    #[serde(borrow)]
    pub max_order_amount: Token<'a>,
    /// The most orders.
    #[serde(borrow)]
    pub max_orders_count: Token<'a>,
    /// The most resting orders.
    #[serde(borrow)]
    pub max_pending_orders_number: Token<'a>,
    /// The most positions.
    #[serde(borrow)]
    pub max_positions_number: Token<'a>,
}
