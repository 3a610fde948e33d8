//! Accounts, what is in them and what they are worth.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    body::Body,
    context::Context,
    reply::{self, Answer},
    shape,
    state::{Account, State, World},
    text::{cash, exact, fixed, new_york},
    user::AccountKind,
};
use crate::server::Response;

/// The amounts of an account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Worth {
    pub(super) cash: Decimal,
    /// For orders that wait.
    pub(super) held_for_orders: Decimal,
    /// For short puts and spreads.
    pub(super) collateral: Decimal,
    pub(super) buying_power: Decimal,
    pub(super) market_value: Decimal,
    pub(super) equity: Decimal,
    pub(super) previous_equity: Decimal,
}

impl Account {
    pub(super) fn worth(&self, world: &World, now: i64) -> Worth {
        let market = &world.market;
        let today = new_york(now);
        let (mut value, mut before) = (Decimal::ZERO, Decimal::ZERO);
        for (at, position) in &self.positions {
            let quote = market.instruments[*at].quote;
            value += position.quantity * quote.last;
            before += position.quantity * quote.previous_close;
        }
        for position in &self.contracts {
            let contract = &market.contracts[position.contract];
            let worth = market.mark(contract, today) * position.quantity * Decimal::ONE_HUNDRED;
            let worth = if position.short { -worth } else { worth };
            value += worth;
            before += worth;
        }
        let held_for_orders = self.held_for_orders(world);
        let collateral = self.collateral(world);
        Worth {
            cash: self.cash,
            held_for_orders,
            collateral,
            buying_power: (self.cash - held_for_orders - collateral).max(Decimal::ZERO),
            market_value: value,
            equity: self.cash + value,
            previous_equity: self.cash + before,
        }
    }

    fn row(&self, world: &World, context: &Context<'_>) -> Value {
        let worth = self.worth(world, context.now);
        let free = worth.cash - worth.held_for_orders - worth.collateral;
        let balances = json!({
            "cash": cash(worth.cash),
            "cash_available_for_withdrawal": cash(worth.cash),
            "cash_held_for_options_collateral": cash(worth.collateral),
            "cash_held_for_orders": cash(worth.held_for_orders),
            "crypto_buying_power": cash(worth.buying_power),
            "portfolio_cash": cash(worth.cash),
            "is_primary_account": self.is_default,
        });
        let (shape, key, more) = match self.kind {
            AccountKind::Margin => (
                &shape::ACCOUNT_MARGIN,
                "margin_balances",
                json!({
                    "day_trade_buying_power": cash(worth.buying_power),
                    "overnight_buying_power": cash(worth.buying_power),
                    "unallocated_margin_cash": cash(free),
                }),
            ),
            _ => (
                &shape::ACCOUNT_CASH,
                "cash_balances",
                json!({
                    "buying_power": cash(worth.buying_power),
                }),
            ),
        };
        let links = context.links;
        let mut row = shape.with(json!({
            "url": links.account(&self.number),
            "account_number": self.number,
            "rhs_account_number": self.number.parse::<u64>().unwrap_or(0),
            "brokerage_account_type": self.kind.brokerage_type(),
            "is_default": self.is_default,
            "is_original": self.is_default,
            "is_pinnacle_account": self.is_default,
            "agentic_allowed": self.agentic,
            "agentic_audience": if self.agentic { "external" } else { "" },
            "user": links.api("/user/"),
            "user_id": context.user_id,
            "option_level": self.option_level,
            "buying_power": cash(worth.buying_power),
            "onbp": cash(worth.buying_power),
            "cash": cash(worth.cash),
            "portfolio_cash": cash(worth.cash),
            "cash_available_for_withdrawal": cash(worth.cash),
            "cash_held_for_orders": cash(worth.held_for_orders),
            "cash_held_for_options_collateral": cash(worth.collateral),
            "crypto_buying_power": cash(worth.buying_power),
            "can_downgrade_to_cash":
                links.api(&format!("/accounts/{}/can_downgrade_to_cash/", self.number)),
        }));
        shape::fill(&mut row[key], balances);
        shape::fill(&mut row[key], more);
        row
    }

    fn portfolio(&self, world: &World, context: &Context<'_>) -> Value {
        let worth = self.worth(world, context.now);
        let (value, equity) = (cash(worth.market_value), cash(worth.equity));
        let before = cash(worth.previous_equity);
        shape::PORTFOLIO.with(json!({
            "url": context.links.api(&format!("/portfolios/{}/", self.number)),
            "account": context.links.account(&self.number),
            "market_value": value,
            "equity": equity,
            "extended_hours_market_value": value,
            "extended_hours_equity": equity,
            "extended_hours_portfolio_equity": equity,
            "last_core_market_value": value,
            "last_core_market_value_absolute": value,
            "last_core_equity": equity,
            "last_core_portfolio_equity": equity,
            "excess_margin": cash(worth.buying_power),
            "excess_maintenance": cash(worth.buying_power),
            "excess_margin_with_uncleared_deposits": cash(worth.buying_power),
            "excess_maintenance_with_uncleared_deposits": cash(worth.buying_power),
            "portfolio_equity_previous_close": before,
            "adjusted_equity_previous_close": before,
            "adjusted_portfolio_equity_previous_close": before,
            "withdrawable_amount": fixed(worth.buying_power, 2),
            "is_primary_account": self.is_default,
        }))
    }

    fn position_rows(&self, world: &World, context: &Context<'_>, nonzero: bool) -> Vec<Value> {
        let mut rows = Vec::new();
        for (at, position) in &self.positions {
            if nonzero && position.quantity.is_zero() {
                continue;
            }
            let instrument = &world.market.instruments[*at];
            let for_sells = self.held_for_sells(*at);
            let for_calls = self.held_for_calls(world, *at);
            let free = (position.quantity - for_sells - for_calls).max(Decimal::ZERO);
            let average = match position.quantity.is_zero() {
                true => Decimal::ZERO,
                false => position.cost / position.quantity,
            };
            let told = if position.told {
                cash(average)
            } else {
                "0.0000".to_owned()
            };
            let intraday = position.intraday.on(new_york(context.now));
            let (id, number) = (&instrument.id, &self.number);
            rows.push(shape::POSITION.with(json!({
                "url": context.links.api(&format!("/positions/{number}/{id}/")),
                "instrument": context.links.instrument(id),
                "instrument_id": id,
                "symbol": instrument.symbol,
                "account": context.links.account(number),
                "account_number": number,
                "brokerage_account_type": self.kind.brokerage_type(),
                "average_buy_price": told,
                "pending_average_buy_price": told,
                "quantity": exact(position.quantity),
                "intraday_average_buy_price": cash(intraday.average()),
                "intraday_quantity": exact(intraday.quantity),
                "shares_available_for_exercise": exact(free),
                "shares_available_for_sells": exact(free),
                "shares_held_for_sells": exact(for_sells),
                "shares_held_for_options_collateral": exact(for_calls),
                "clearing_average_cost": cash(average),
                "clearing_cost_basis": cash(position.cost),
                "clearing_running_quantity": exact(position.quantity),
                "is_primary_account": self.is_default,
                "updated_at": super::text::stamp(position.updated),
                "created_at": super::text::stamp(position.since),
            })));
        }
        rows
    }
}

impl State {
    pub(super) fn accounts(&self, context: &Context<'_>) -> Response {
        let shown = self.users[context.user].accounts.iter();
        let shown = shown
            .filter(|account| !account.kind.is_retirement())
            .collect();
        context.page(&self.world.settings, shown, |account| {
            account.row(&self.world, context)
        })
    }

    /// One account, also one that is in no list.
    pub(super) fn one_account(&self, number: &str, context: &Context<'_>) -> Answer {
        Ok(reply::ok(
            &self.own(number, context)?.row(&self.world, context),
        ))
    }

    pub(super) fn own(&self, number: &str, context: &Context<'_>) -> Answer<&Account> {
        let user = &self.users[context.user];
        user.own(number)
            .map(|at| &user.accounts[at])
            .ok_or_else(reply::not_found)
    }

    /// Changes the option level, as far as the kind of account allows.
    pub(super) fn patch_account(&mut self, number: &str, context: &Context<'_>) -> Answer {
        let body = Body::of(context.request)?;
        let user = &mut self.users[context.user];
        let at = user.own(number).ok_or_else(reply::not_found)?;
        let account = &mut user.accounts[at];
        if let Some(level) = body.text("option_level") {
            const LEVELS: [&str; 4] = [
                "option_level_0",
                "option_level_1",
                "option_level_2",
                "option_level_3",
            ];
            let asked = LEVELS.iter().position(|known| *known == level);
            let asked =
                asked.ok_or_else(|| reply::field("option_level", "This is not a valid choice."))?;
            let most = if account.kind == AccountKind::Margin {
                3
            } else {
                2
            };
            account.option_level = LEVELS[asked.min(most)];
        }
        self.one_account(number, context)
    }

    pub(super) fn portfolios(&self, context: &Context<'_>) -> Response {
        let shown = self.users[context.user].accounts.iter();
        let shown = shown.filter(|account| account.is_default).collect();
        context.page(&self.world.settings, shown, |account| {
            account.portfolio(&self.world, context)
        })
    }

    pub(super) fn portfolio(&self, number: &str, context: &Context<'_>) -> Answer {
        Ok(reply::ok(
            &self.own(number, context)?.portfolio(&self.world, context),
        ))
    }

    pub(super) fn positions(&self, context: &Context<'_>) -> Response {
        let nonzero = context.flag("nonzero");
        let accounts = self.asked_accounts(context, "account_number");
        let rows: Vec<Value> = accounts
            .into_iter()
            .flat_map(|account| account.position_rows(&self.world, context, nonzero))
            .collect();
        context.page(&self.world.settings, rows, |row| row)
    }

    /// The accounts that a parameter names, else the default account.
    pub(super) fn asked_accounts(&self, context: &Context<'_>, name: &str) -> Vec<&Account> {
        let accounts = &self.users[context.user].accounts;
        match context.request.param(name) {
            Some(list) => {
                let wanted: Vec<&str> = list.split(',').collect();
                accounts
                    .iter()
                    .filter(|account| wanted.contains(&account.number.as_str()))
                    .collect()
            }
            None => accounts
                .iter()
                .filter(|account| account.is_default)
                .collect(),
        }
    }

    pub(super) fn day_trades(&self, number: &str, context: &Context<'_>) -> Answer {
        self.own(number, context)?;
        Ok(reply::ok(&json!({
            "account_number": number,
            "equity_day_trades": [],
            "option_day_trades": [],
        })))
    }
}
