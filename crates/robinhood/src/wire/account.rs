//! Accounts, portfolios and what they hold.

use serde::Deserialize;

use super::{Amount, Num, Stamp, Text};

/// `GET /accounts/` and `GET /accounts/{number}/`.
#[derive(Debug, Deserialize)]
pub(crate) struct Account<'a> {
    #[serde(borrow)]
    pub(crate) account_number: Text<'a>,
    #[serde(rename = "type", borrow, default)]
    pub(crate) kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) brokerage_account_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) nickname: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) state: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) deactivated: Option<bool>,
    #[serde(default)]
    pub(crate) permanently_deactivated: Option<bool>,
    #[serde(default)]
    pub(crate) locked: Option<bool>,
    #[serde(default)]
    pub(crate) only_position_closing_trades: Option<bool>,
    #[serde(default)]
    pub(crate) buying_power: Option<Num>,
    #[serde(default)]
    pub(crate) cash: Option<Num>,
    #[serde(default)]
    pub(crate) portfolio_cash: Option<Num>,
    #[serde(default)]
    pub(crate) cash_available_for_withdrawal: Option<Num>,
    #[serde(default)]
    pub(crate) cash_held_for_options_collateral: Option<Num>,
    #[serde(borrow, default)]
    pub(crate) cash_balances: Option<Balances<'a>>,
    #[serde(borrow, default)]
    pub(crate) margin_balances: Option<Balances<'a>>,
}

impl<'a> Account<'a> {
    /// Exactly one of the two is there.
    pub(crate) fn balances(&self) -> Option<&Balances<'a>> {
        self.margin_balances
            .as_ref()
            .or(self.cash_balances.as_ref())
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Balances<'a> {
    #[serde(default)]
    pub(crate) is_pdt_forever: Option<bool>,
    #[serde(borrow, default)]
    pub(crate) marked_pattern_day_trader_date: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) settled_amount_borrowed: Option<Num>,
    #[serde(default)]
    pub(crate) buying_power: Option<Num>,
    #[serde(default)]
    pub(crate) cash: Option<Num>,
    #[serde(default)]
    pub(crate) portfolio_cash: Option<Num>,
    #[serde(default)]
    pub(crate) cash_available_for_withdrawal: Option<Num>,
    #[serde(default)]
    pub(crate) cash_held_for_options_collateral: Option<Num>,
}

/// `GET bonfire /transfer/accounts/`: the complete list, external banks included.
#[derive(Debug, Deserialize)]
pub(crate) struct TransferAccount<'a> {
    #[serde(borrow, default)]
    pub(crate) account_number: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) account_name: Option<Text<'a>>,
    pub(crate) is_external: bool,
}

/// `GET bonfire /accounts/unified/` (a row for each account) and `GET phoenix /accounts/unified`.
#[derive(Debug, Deserialize)]
pub(crate) struct Unified<'a> {
    #[serde(borrow, default)]
    pub(crate) account_number: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) account_buying_power: Option<Amount<'a>>,
    #[serde(borrow, default)]
    pub(crate) uninvested_cash: Option<Amount<'a>>,
    #[serde(borrow, default)]
    pub(crate) withdrawable_cash: Option<Amount<'a>>,
    #[serde(borrow, default)]
    pub(crate) portfolio_equity: Option<Amount<'a>>,
    #[serde(borrow, default)]
    pub(crate) portfolio_previous_close: Option<Amount<'a>>,
    #[serde(borrow, default)]
    pub(crate) total_equity: Option<Amount<'a>>,
    #[serde(borrow, default)]
    pub(crate) cash_held_for_options_collateral: Option<Amount<'a>>,
}

/// `GET bonfire /accounts/{number}/options_buying_power/`.
#[derive(Debug, Deserialize)]
pub(crate) struct OptionsBuyingPower<'a> {
    #[serde(borrow)]
    pub(crate) buying_power: Amount<'a>,
}

/// `GET /portfolios/{number}/`.
#[derive(Debug, Deserialize)]
pub(crate) struct Portfolio<'a> {
    #[serde(borrow)]
    pub(crate) account: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) display_currency: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) market_value: Option<Num>,
    #[serde(default)]
    pub(crate) extended_hours_market_value: Option<Num>,
    #[serde(default)]
    pub(crate) equity: Option<Num>,
    #[serde(default)]
    pub(crate) extended_hours_equity: Option<Num>,
    #[serde(default)]
    pub(crate) equity_previous_close: Option<Num>,
    #[serde(default)]
    pub(crate) adjusted_equity_previous_close: Option<Num>,
    #[serde(default)]
    pub(crate) withdrawable_amount: Option<Num>,
}

/// `GET /accounts/{number}/recent_day_trades/`. Only how many there are matters.
#[derive(Debug, Deserialize)]
pub(crate) struct DayTrades {
    pub(crate) equity_day_trades: Vec<serde::de::IgnoredAny>,
    pub(crate) option_day_trades: Vec<serde::de::IgnoredAny>,
}

/// `GET /positions/`.
#[derive(Debug, Deserialize)]
pub(crate) struct Position<'a> {
    #[serde(borrow)]
    pub(crate) instrument: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) instrument_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) symbol: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) account: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) account_number: Option<Text<'a>>,
    #[serde(rename = "type", borrow, default)]
    pub(crate) kind: Option<Text<'a>>,
    pub(crate) quantity: Num,
    #[serde(default)]
    pub(crate) shares_available_for_sells: Option<Num>,
    #[serde(default)]
    pub(crate) shares_held_for_options_collateral: Option<Num>,
    #[serde(default)]
    pub(crate) average_buy_price: Option<Num>,
    #[serde(default)]
    pub(crate) clearing_average_cost: Option<Num>,
    #[serde(default)]
    pub(crate) created_at: Option<Stamp>,
}

/// `GET /positions/`: what each has cost, which is asked for less often than the rest.
#[derive(Debug, Deserialize)]
pub(crate) struct Cost<'a> {
    #[serde(default)]
    pub(crate) clearing_cost_basis: Option<Num>,
    #[serde(borrow, default)]
    pub(crate) clearing_direction: Option<Text<'a>>,
}

/// `GET /dividends/`.
#[derive(Debug, Deserialize)]
pub(crate) struct Dividend<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) account: Text<'a>,
    #[serde(borrow)]
    pub(crate) instrument: Text<'a>,
    pub(crate) amount: Num,
    #[serde(default)]
    pub(crate) rate: Option<Num>,
    #[serde(default)]
    pub(crate) position: Option<Num>,
    #[serde(default)]
    pub(crate) withholding: Option<Num>,
    #[serde(default)]
    pub(crate) payable_date: Option<super::Day>,
    #[serde(default)]
    pub(crate) paid_at: Option<Stamp>,
    #[serde(borrow)]
    pub(crate) state: Text<'a>,
}

/// `GET /user/`.
#[derive(Debug, Deserialize)]
pub(crate) struct User<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) username: Text<'a>,
}
