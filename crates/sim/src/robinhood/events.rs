//! Expiration, assignment and exercise.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use time::Weekday;

use super::{
    context::Context,
    host::Links,
    market::Right,
    orders::Side,
    shape,
    state::{Account, State, World},
    text::{at_new_york, cash, date, exact, millis, new_york, next_business, stamp, uuid_of},
};
use crate::server::Response;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Assignment,
    Exercise,
    Expiration,
}

#[derive(Debug, Clone)]
pub(super) struct Event {
    id: String,
    kind: Kind,
    position: String,
    contract: usize,
    short: bool,
    quantity: Decimal,
    underlying: Decimal,
    at: i64,
    /// When it became final.
    confirmed: Option<i64>,
}

impl Kind {
    fn text(self) -> &'static str {
        match self {
            Self::Assignment => "assignment",
            Self::Exercise => "exercise",
            Self::Expiration => "expiration",
        }
    }
}

impl Event {
    /// Which way the shares go, if any do.
    fn shares(&self, right: Right) -> Option<Side> {
        match (self.kind, right, self.short) {
            (Kind::Expiration, ..) => None,
            (_, Right::Call, true) | (_, Right::Put, false) => Some(Side::Sell),
            (_, Right::Call, false) | (_, Right::Put, true) => Some(Side::Buy),
        }
    }

    fn row(&self, account: &Account, world: &World, links: &Links) -> Value {
        let contract = &world.market.contracts[self.contract];
        let listed = &world.market.instruments[contract.instrument];
        let shares = self.quantity * Decimal::ONE_HUNDRED;
        let side = self.shares(contract.right);
        let components: Vec<Value> = side
            .iter()
            .map(|side| {
                json!({
                    "id": uuid_of(&format!("component {}", self.id)),
                    "instrument": links.instrument(&listed.id),
                    "symbol": listed.symbol,
                    "side": side.text(),
                    "quantity": exact(shares),
                    "price": cash(contract.strike),
                })
            })
            .collect();
        let amount = side.map_or_else(|| "0".to_owned(), |_| cash(shares * contract.strike));
        let debit = side == Some(Side::Buy);
        shape::EVENT.with(json!({
            "id": self.id,
            "account": links.account(&account.number),
            "account_number": account.number,
            "account_number_rhs": account.number,
            "chain_id": listed.chain,
            "direction": if debit { "debit" } else { "credit" },
            "equity_components": components,
            "event_date": date(new_york(self.at)),
            "option": links.option(&contract.id),
            "option_id": contract.id,
            "position": links.api(&format!("/options/positions/{}/", self.position)),
            "quantity": cash(self.quantity),
            "state": if self.confirmed.is_some() { "confirmed" } else { "preparing" },
            "total_cash_amount": amount,
            "type": self.kind.text(),
            "underlying_price": cash(self.underlying),
            "created_at": stamp(self.at),
            "updated_at": stamp(self.confirmed.unwrap_or(self.at)),
        }))
    }
}

/// When an event becomes final: over a weekend nothing does.
fn settles(begun: i64, takes: i64) -> i64 {
    let ends = begun + takes;
    let day = new_york(ends);
    let monday = match day.weekday() {
        _ if takes == 0 => return ends,
        Weekday::Friday if ends >= at_new_york(day, 16, 0) => next_business(day),
        Weekday::Saturday | Weekday::Sunday => next_business(day),
        Weekday::Monday => day,
        _ => return ends,
    };
    ends.max(at_new_york(monday, 9, 30))
}

impl Account {
    /// Ends contracts whose day has come, and confirms what has waited long enough.
    pub(super) fn settle_events(&mut self, world: &World, now: i64) {
        let due: Vec<(usize, i64)> = self
            .contracts
            .iter()
            .enumerate()
            .filter(|(_, position)| !position.is_pending() && !position.quantity.is_zero())
            .filter_map(|(at, position)| {
                let expires = world.market.contracts[position.contract].ends();
                (now >= expires).then_some((at, expires))
            })
            .collect();
        for (at, expires) in due {
            let position = &self.contracts[at];
            let in_the_money = !world
                .market
                .intrinsic(&world.market.contracts[position.contract])
                .is_zero();
            let kind = match (in_the_money, position.short) {
                (false, _) => Kind::Expiration,
                (true, true) => Kind::Assignment,
                (true, false) => Kind::Exercise,
            };
            self.begin(at, kind, world, expires);
        }
        let takes = millis(world.settings.assignment_takes);
        for at in 0..self.events.len() {
            let ends = settles(self.events[at].at, takes);
            if self.events[at].confirmed.is_none() && now >= ends {
                self.confirm(at, world, ends);
            }
        }
    }

    /// Begins the end of a position.
    pub(super) fn begin(&mut self, position: usize, kind: Kind, world: &World, now: i64) {
        let position = &mut self.contracts[position];
        let contract = &world.market.contracts[position.contract];
        let pending = match kind {
            Kind::Assignment => &mut position.pending_assignment,
            Kind::Exercise => &mut position.pending_exercise,
            Kind::Expiration => &mut position.pending_expiration,
        };
        *pending = position.quantity;
        position.updated = now;
        self.events.push(Event {
            id: uuid_of(&format!("event {} {now}", position.id)),
            kind,
            position: position.id.clone(),
            contract: position.contract,
            short: position.short,
            quantity: position.quantity,
            underlying: world.market.instruments[contract.instrument].quote.last,
            at: now,
            confirmed: None,
        });
    }

    fn confirm(&mut self, event: usize, world: &World, now: i64) {
        self.events[event].confirmed = Some(now);
        let event = self.events[event].clone();
        if let Some(position) = self
            .contracts
            .iter_mut()
            .find(|held| held.id == event.position)
        {
            position.quantity = Decimal::ZERO;
            position.pending_assignment = Decimal::ZERO;
            position.pending_exercise = Decimal::ZERO;
            position.pending_expiration = Decimal::ZERO;
        }
        let contract = &world.market.contracts[event.contract];
        let shares = event.quantity * Decimal::ONE_HUNDRED;
        if let Some(side) = event.shares(contract.right) {
            self.trade_shares(contract.instrument, side, shares, contract.strike, now);
        }
    }
}

impl super::state::OptionPosition {
    pub(super) fn is_pending(&self) -> bool {
        !(self.pending_assignment + self.pending_exercise + self.pending_expiration).is_zero()
    }
}

impl State {
    pub(super) fn option_events(&self, context: &Context<'_>) -> Response {
        let market = &self.world.market;
        let (chains, states) = (context.list("chain_ids"), context.list("states"));
        let stock = context.request.param("equity_instrument_id");
        let found: Vec<(&Account, &Event)> = self
            .asked_accounts(context, "account_numbers")
            .into_iter()
            .flat_map(|account| {
                account
                    .events
                    .iter()
                    .rev()
                    .map(move |event| (account, event))
            })
            .filter(|(_, event)| {
                let listed = &market.instruments[market.contracts[event.contract].instrument];
                let state = if event.confirmed.is_some() {
                    "confirmed"
                } else {
                    "preparing"
                };
                stock.as_ref().is_none_or(|stock| listed.id == *stock)
                    && states
                        .as_ref()
                        .is_none_or(|states| states.iter().any(|s| s == state))
                    && chains.as_ref().is_none_or(|chains| {
                        listed
                            .chain
                            .as_ref()
                            .is_some_and(|chain| chains.contains(chain))
                    })
            })
            .collect();
        context.page(&self.world.settings, found, |(account, event)| {
            event.row(account, &self.world, context.links)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::robinhood::text::parse_date;

    fn at(day: &str, hour: u8) -> i64 {
        at_new_york(parse_date(day).unwrap(), hour, 0)
    }

    #[test]
    fn nothing_is_final_on_a_weekend() {
        const HOUR: i64 = 3_600_000;
        let monday = at("2026-11-23", 9) + HOUR / 2;
        // Friday the 20th, at the close; Thursday night; Sunday.
        assert_eq!(settles(at("2026-11-20", 16), 6 * HOUR), monday);
        assert_eq!(settles(at("2026-11-19", 20), 20 * HOUR), monday);
        assert_eq!(settles(at("2026-11-22", 12), HOUR), monday);
        assert_eq!(settles(at("2026-11-22", 20), 8 * HOUR), monday);
        assert_eq!(settles(at("2026-11-20", 9), 6 * HOUR), at("2026-11-20", 15));
        assert_eq!(settles(at("2026-11-23", 8), 6 * HOUR), at("2026-11-23", 14));
        assert_eq!(
            settles(at("2026-11-18", 16), 6 * HOUR),
            at("2026-11-18", 22)
        );
        assert_eq!(settles(at("2026-11-21", 12), 0), at("2026-11-21", 12));
    }
}
