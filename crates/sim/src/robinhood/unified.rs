//! Views over all accounts: the other hosts' versions of the same amounts.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    context::Context,
    reply::{self, Answer},
    shape,
    state::State,
    text::{cash, fixed, money, uuid_of},
    user::AccountKind,
};
use crate::server::Response;

impl State {
    /// Every account, and a bank.
    pub(super) fn transfer_accounts(&self, context: &Context<'_>) -> Response {
        let user = &self.users[context.user];
        let row = |id: &str, name: &str, number: &str, kind: &str, worth: Decimal, first: bool| {
            shape::TRANSFER_ACCOUNT.with(json!({
                "id": id,
                "account_id": id,
                "account_name": name,
                "account_number": number,
                "type": kind,
                "is_external": kind == "ach",
                "is_default_internal_account": first,
                "display_title": name,
                "withdrawable_cash": fixed(worth, 2),
            }))
        };
        let mut rows: Vec<Value> = user
            .accounts
            .iter()
            .map(|account| {
                let worth = account.worth(&self.world, context.now).buying_power;
                let (name, kind) = match account.kind {
                    AccountKind::IraRoth => ("Roth IRA", "ira_roth"),
                    AccountKind::IraTraditional => ("Traditional IRA", "ira_traditional"),
                    _ if account.agentic => ("Agentic", "rhs"),
                    _ => ("Individual", "rhs"),
                };
                let id = uuid_of(&account.number);
                row(&id, name, &account.number, kind, worth, account.is_default)
            })
            .collect();
        let bank = uuid_of(&user.username);
        rows.push(row(
            &bank,
            "Example Bank Checking",
            "4321",
            "ach",
            Decimal::ZERO,
            false,
        ));
        reply::ok(&json!({"results": rows}))
    }

    pub(super) fn unified_accounts(&self, context: &Context<'_>) -> Response {
        let rows: Vec<Value> = self.users[context.user]
            .accounts
            .iter()
            .map(|account| {
                let worth = account.worth(&self.world, context.now);
                shape::UNIFIED_ROW.with(json!({
                    "account_number": account.number,
                    "rhs_account_number": account.number,
                    "brokerage_account_type": account.kind.brokerage_type(),
                    "account_buying_power": money(worth.buying_power),
                    "options_buying_power": money(worth.buying_power),
                    "uninvested_cash": money(worth.cash),
                    "portfolio_equity": money(worth.equity),
                    "total_equity": money(worth.equity),
                    "equities": {
                        "rhs_account_number": account.number,
                        "equity": money(worth.equity),
                    },
                }))
            })
            .collect();
        reply::ok(&json!({"results": rows}))
    }

    pub(super) fn unified_account(&self, context: &Context<'_>) -> Answer {
        let user = &self.users[context.user];
        let account = user.accounts.first().ok_or_else(reply::not_found)?;
        let worth = account.worth(&self.world, context.now);
        let coins = user.crypto.worth(&self.world.market);
        let (equity, value) = (money(worth.equity), money(worth.market_value));
        let (total, total_value) = (
            money(worth.equity + coins),
            money(worth.market_value + coins),
        );
        let before = money(worth.previous_equity + coins);
        let mut row = shape::UNIFIED_ACCOUNT.with(json!({
            "account_buying_power": money(worth.buying_power),
            "cash_held_for_equity_orders": money(worth.held_for_orders),
            "cash_held_for_options_collateral": money(worth.collateral),
            "cash_held_for_orders": money(worth.held_for_orders),
            "crypto": {"equity": money(coins), "market_value": money(coins)},
            "crypto_buying_power": money(worth.buying_power),
            "extended_hours_portfolio_equity": total,
            "options_buying_power": money(worth.buying_power),
            "portfolio_equity": total,
            "portfolio_previous_close": before,
            "previous_close": before,
            "regular_hours_portfolio_equity": total,
            "total_equity": total,
            "total_extended_hours_equity": total,
            "total_extended_hours_market_value": total_value,
            "total_market_value": total_value,
            "total_regular_hours_equity": total,
            "total_regular_hours_market_value": total_value,
            "uninvested_cash": money(worth.cash),
            "withdrawable_cash": money(worth.buying_power),
        }));
        shape::fill(
            &mut row["equities"],
            json!({
                "equity": equity,
                "market_value": value,
                "rhs_account_number": account.number,
            }),
        );
        Ok(reply::ok(&row))
    }

    /// Buying power for options, or for a currency.
    pub(super) fn buying_power(&self, number: &str, context: &Context<'_>) -> Answer {
        let worth = self.own(number, context)?.worth(&self.world, context.now);
        let amount = fixed(worth.buying_power, 2);
        Ok(reply::ok(&json!({
            "account_number": number,
            "buying_power": {"amount": amount, "currency_code": "USD"},
            "order_to_replace_id": null,
        })))
    }

    pub(super) fn buying_power_breakdown(&self, number: &str, context: &Context<'_>) -> Answer {
        let worth = self.own(number, context)?.worth(&self.world, context.now);
        Ok(reply::ok(&json!({
            "account_number": number,
            "buying_power": cash(worth.buying_power),
            "cash": cash(worth.cash),
            "cash_held_for_options_collateral": cash(worth.collateral),
            "cash_held_for_orders": cash(worth.held_for_orders),
        })))
    }

    /// A view of the portfolio's history. Without the slash at its end the answer is empty.
    pub(super) fn performance(&self, number: &str, context: &Context<'_>) -> Answer {
        let account = self.own(number, context)?;
        if !context.request.path.ends_with('/') {
            return Ok(Response::empty(200).with_body("application/json", ""));
        }
        let worth = account.worth(&self.world, context.now);
        Ok(reply::ok(&json!({
            "display_span": context.request.param("display_span"),
            "default_display": {"value": {"text": format!("${}", fixed(worth.equity, 2))}},
            "performance_baseline": {"amount": fixed(worth.previous_equity, 2)},
            "lines": [],
        })))
    }
}
