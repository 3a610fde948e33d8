//! Positions in contracts, one by one and as strategies.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    context::Context,
    host::Links,
    market::{Market, Right},
    shape,
    state::{Account, OptionPosition, State, World},
    text::{cash, date, exact, fixed, stamp, uuid_of},
};
use crate::server::Response;

impl OptionPosition {
    fn row(&self, account: &Account, world: &World, context: &Context<'_>) -> Value {
        let contract = &world.market.contracts[self.contract];
        let instrument = &world.market.instruments[contract.instrument];
        let links = context.links;
        let negative = self.short && world.settings.negative_short_average;
        let average = if negative {
            -self.average
        } else {
            self.average
        };
        shape::OPTION_POSITION.with(json!({
            "id": self.id,
            "url": self.url(links),
            "account": links.account(&account.number),
            "account_number": account.number,
            "account_number_rhs": account.number,
            "average_price": cash(average),
            "chain_id": instrument.chain,
            "chain_symbol": instrument.symbol,
            "type": if self.short { "short" } else { "long" },
            "quantity": cash(self.quantity),
            "option": links.option(&contract.id),
            "option_id": contract.id,
            "expiration_date": date(contract.expiration),
            "opened_at": stamp(self.since),
            "pending_assignment_quantity": cash(self.pending_assignment),
            "pending_exercise_quantity": cash(self.pending_exercise),
            "pending_expiration_quantity": cash(self.pending_expiration),
            "clearing_cost_basis": exact(self.average * self.quantity),
            "clearing_running_quantity": cash(self.quantity),
            "clearing_direction": if self.short { "credit" } else { "debit" },
            "created_at": stamp(self.since),
            "updated_at": stamp(self.updated),
        }))
    }

    pub(super) fn url(&self, links: &Links) -> String {
        links.api(&format!("/options/positions/{}/", self.id))
    }

    fn code(&self, market: &Market) -> String {
        let side = if self.short { 'S' } else { 'L' };
        format!("{}_{side}1", market.contracts[self.contract].id)
    }

    fn leg(&self, market: &Market, links: &Links) -> Value {
        let contract = &market.contracts[self.contract];
        json!({
            "id": uuid_of(&format!("leg {}", self.id)),
            "position": self.url(links),
            "position_type": if self.short { "short" } else { "long" },
            "option": links.option(&contract.id),
            "option_id": contract.id,
            "ratio_quantity": 1,
            "expiration_date": date(contract.expiration),
            "strike_price": cash(contract.strike),
            "option_type": contract.right.text(),
            "settle_on_open": false,
        })
    }
}

/// The name of a strategy from its legs: short or long, and the right.
pub(super) fn strategy(legs: &[(bool, Right)], credit: bool) -> String {
    match legs {
        [(short, right)] => {
            format!("{}_{}", if *short { "short" } else { "long" }, right.text())
        }
        [(_, one), (_, two)] if one == two => {
            format!(
                "{}_{}_spread",
                if credit { "short" } else { "long" },
                one.text()
            )
        }
        _ => "custom".to_owned(),
    }
}

impl Account {
    fn aggregates(&self, world: &World, context: &Context<'_>) -> Vec<Value> {
        let market = &world.market;
        let mut rows = Vec::new();
        for (at, first) in self.contracts.iter().enumerate() {
            let together: Vec<&OptionPosition> = match &first.group {
                None => vec![first],
                Some(group) => {
                    let same = |other: &&OptionPosition| other.group.as_ref() == Some(group);
                    if self.contracts[..at].iter().any(|earlier| same(&earlier)) {
                        continue;
                    }
                    self.contracts.iter().filter(same).collect()
                }
            };
            // Positive for money that was received.
            let open: Decimal = together
                .iter()
                .map(|position| {
                    if position.short {
                        position.average
                    } else {
                        -position.average
                    }
                })
                .sum();
            let credit = open > Decimal::ZERO;
            let legs: Vec<(bool, Right)> = together
                .iter()
                .map(|position| (position.short, market.contracts[position.contract].right))
                .collect();
            let codes: Vec<String> = together
                .iter()
                .map(|position| position.code(market))
                .collect();
            let contract = &market.contracts[first.contract];
            let instrument = &market.instruments[contract.instrument];
            let chain = instrument.chain.clone().unwrap_or_default();
            let direction = if credit { "credit" } else { "debit" };
            let links = context.links;
            rows.push(shape::AGGREGATE.with(json!({
                "id": uuid_of(&format!("aggregate {}", first.id)),
                "chain": links.api(&format!("/options/chains/{chain}/")),
                "account": links.account(&self.number),
                "account_number": self.number,
                "symbol": instrument.symbol,
                "strategy": strategy(&legs, credit),
                "strategy_code": codes.join("_"),
                "average_open_price": cash(open.abs()),
                "quantity": cash(first.quantity),
                "direction": direction,
                "legs": together.iter().map(|p| p.leg(market, links)).collect::<Vec<_>>(),
                "clearing_running_quantity": cash(first.quantity),
                "clearing_cost_basis": exact(open.abs() * first.quantity),
                "clearing_direction": direction,
                "created_at": stamp(first.since),
                "updated_at": stamp(first.updated),
            })));
        }
        rows
    }
}
impl State {
    pub(super) fn option_positions(&self, context: &Context<'_>) -> Response {
        let nonzero = context.flag("nonzero");
        let found: Vec<(&Account, &OptionPosition)> = self
            .asked_accounts(context, "account_numbers")
            .into_iter()
            .flat_map(|account| {
                account
                    .contracts
                    .iter()
                    .map(move |position| (account, position))
            })
            .filter(|(_, position)| !nonzero || !position.quantity.is_zero())
            .collect();
        context.page(&self.world.settings, found, |(account, position)| {
            position.row(account, &self.world, context)
        })
    }

    pub(super) fn aggregate_positions(&self, context: &Context<'_>) -> Response {
        let rows: Vec<Value> = self
            .asked_accounts(context, "account_numbers")
            .into_iter()
            .flat_map(|account| account.aggregates(&self.world, context))
            .filter(|row| !context.flag("nonzero") || row["quantity"] != fixed(Decimal::ZERO, 4))
            .collect();
        context.page(&self.world.settings, rows, |row| row)
    }
}
