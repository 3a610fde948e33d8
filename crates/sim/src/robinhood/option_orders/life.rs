//! What becomes of option orders, and what short options hold.

use rust_decimal::Decimal;
use serde_json::json;

use super::{Leg, OptionOrder};
use crate::{
    clock::from_millis,
    robinhood::{
        context::Context,
        ledger::{Asset, Fill},
        market::Right,
        orders::{Side, Status, execution_id},
        reply,
        settings::{Hours, OrderEnd},
        state::{Account, OptionPosition, Pace, State, World},
        text::{at_new_york, millis, new_york, uuid_of},
    },
    server::Response,
};

const HUNDRED: Decimal = Decimal::ONE_HUNDRED;
const MINUTE: i64 = 60_000;

impl State {
    pub(in crate::robinhood) fn cancel_option_order(
        &mut self,
        id: &str,
        context: &Context<'_>,
    ) -> Response {
        for account in &mut self.users[context.user].accounts {
            let found = account
                .option_orders
                .iter()
                .rposition(|order| order.id == id);
            let Some(at) = found else { continue };
            if let Err(refusal) = account.option_orders[at].life.ask_to_cancel(context.now) {
                return refusal;
            }
            account.moving_option_orders.push(at);
            return reply::ok(&json!({}));
        }
        reply::not_found()
    }
}

impl Account {
    /// Takes open orders a step further: those that are in motion always, those that rest only
    /// when prices, settings or the day have changed.
    pub(in crate::robinhood) fn settle_option_orders(&mut self, world: &World, now: i64) {
        let pace = self.option_pace;
        let all = pace.version != world.version() || now >= pace.until;
        let moving = std::mem::take(&mut self.moving_option_orders);
        let due = if all {
            self.open_option_orders.clone()
        } else {
            moving
        };
        if all {
            self.option_pace = self.next_look_at_options(world, now);
        }
        let mut ended = false;
        for at in due {
            let mut order = self.option_orders[at].clone();
            order.step(self, world, now);
            ended |= order.life.status.is_final();
            if order.life.is_moving(world) {
                self.moving_option_orders.push(at);
            }
            self.option_orders[at] = order;
        }
        if ended {
            let orders = &self.option_orders;
            self.open_option_orders
                .retain(|at| !orders[*at].life.status.is_final());
        }
    }

    fn next_look_at_options(&self, world: &World, now: i64) -> Pace {
        let today = new_york(now);
        // Time takes value from options by the day.
        let midnight = at_new_york(today.next_day().unwrap_or(today), 0, 0);
        let days = self
            .open_option_orders
            .iter()
            .map(|at| world.day_ends(self.option_orders[*at].life.created));
        let ends = self
            .open_option_orders
            .iter()
            .map(|at| self.option_orders[*at].contracts_end(world));
        let until = match world.settings.hours {
            Hours::Calendar => now + MINUTE,
            _ => days
                .chain(ends)
                .min()
                .unwrap_or(i64::MAX)
                .min(midnight)
                .max(now + 1),
        };
        Pace {
            version: world.version(),
            until,
        }
    }

    /// Takes note of an order that was placed.
    pub(super) fn add_option_order(&mut self, order: OptionOrder, world: &World) {
        let at = self.option_orders.len();
        let ends = world
            .day_ends(order.life.created)
            .min(order.contracts_end(world));
        self.option_pace.until = self.option_pace.until.min(ends);
        self.open_option_orders.push(at);
        self.moving_option_orders.push(at);
        self.option_orders.push(order);
    }

    pub(in crate::robinhood) fn held_for_option_orders(&self) -> Decimal {
        let open = self
            .open_option_orders
            .iter()
            .map(|at| &self.option_orders[*at]);
        open.map(|order| order.held * order.pending() / order.quantity)
            .sum()
    }

    /// Cash behind short options.
    pub(in crate::robinhood) fn collateral(&self, world: &World) -> Decimal {
        self.collateral_of(world, None)
    }

    /// The same for one underlying.
    pub(in crate::robinhood) fn collateral_of(
        &self,
        world: &World,
        instrument: Option<usize>,
    ) -> Decimal {
        let mut sum = Decimal::ZERO;
        for position in self.contracts.iter().filter(|position| position.short) {
            let contract = &world.market.contracts[position.contract];
            if instrument.is_some_and(|wanted| wanted != contract.instrument) {
                continue;
            }
            let long = position.group.as_ref().and_then(|group| {
                self.contracts.iter().find(|other| {
                    !other.short && other.group.as_ref() == Some(group) && !other.quantity.is_zero()
                })
            });
            let risk = match (long, contract.right) {
                (Some(long), Right::Call) => {
                    world.market.contracts[long.contract].strike - contract.strike
                }
                (Some(long), Right::Put) => {
                    contract.strike - world.market.contracts[long.contract].strike
                }
                (None, Right::Put) => contract.strike,
                (None, Right::Call) => Decimal::ZERO,
            };
            sum += risk.max(Decimal::ZERO) * HUNDRED * position.quantity;
        }
        sum
    }

    fn open_legs(&self) -> impl Iterator<Item = (&Leg, Decimal)> {
        let open = self
            .open_option_orders
            .iter()
            .map(|at| &self.option_orders[*at]);
        open.flat_map(|order| {
            order
                .legs
                .iter()
                .map(|leg| (leg, leg.ratio * order.pending()))
        })
    }

    /// Contracts that open orders will close.
    pub(super) fn closing(&self, contract: usize, short: bool) -> Decimal {
        self.open_legs()
            .filter(|(leg, _)| !leg.opens && leg.contract == contract && leg.is_short() == short)
            .map(|(_, contracts)| contracts)
            .sum()
    }

    /// Shares that calls in open orders will hold.
    pub(super) fn waiting_calls(&self, world: &World, instrument: usize) -> Decimal {
        self.open_legs()
            .filter(|(leg, _)| {
                let contract = &world.market.contracts[leg.contract];
                leg.opens
                    && leg.side == Side::Sell
                    && contract.right == Right::Call
                    && contract.instrument == instrument
            })
            .map(|(_, contracts)| contracts * HUNDRED)
            .sum()
    }

    fn trade_contracts(
        &mut self,
        leg: &Leg,
        group: Option<&str>,
        contracts: Decimal,
        price: Decimal,
        now: i64,
    ) {
        let short = leg.is_short();
        let found = self.contracts.iter_mut().find(|held| {
            held.contract == leg.contract
                && held.short == short
                && (!leg.opens || held.group.as_deref() == group)
        });
        let amount = price * HUNDRED;
        match (found, leg.opens) {
            (Some(held), true) => {
                let total = held.quantity + contracts;
                held.average = (held.average * held.quantity + amount * contracts) / total;
                held.quantity = total;
                held.updated = now;
            }
            (Some(held), false) => {
                held.quantity -= contracts;
                held.updated = now;
            }
            (None, true) => self.contracts.push(OptionPosition {
                id: uuid_of(&format!("{} {} {short} {group:?}", self.number, leg.id)),
                contract: leg.contract,
                short,
                quantity: contracts,
                average: amount,
                pending_assignment: Decimal::ZERO,
                pending_expiration: Decimal::ZERO,
                pending_exercise: Decimal::ZERO,
                group: group.map(str::to_owned),
                since: now,
                updated: now,
            }),
            (None, false) => {}
        }
    }
}

impl OptionOrder {
    /// When the first of its contracts ends.
    fn contracts_end(&self, world: &World) -> i64 {
        let legs = self.legs.iter();
        legs.map(|leg| world.market.contracts[leg.contract].ends())
            .min()
            .unwrap_or(i64::MAX)
    }

    fn step(&mut self, account: &mut Account, world: &World, now: i64) {
        if self.life.status.is_final() {
            return;
        }
        // A first step that comes late is taken as if it had come in time.
        let mut at = now;
        let new = self.life.status == Status::Unconfirmed;
        if new {
            at = self.life.created + millis(world.settings.confirm_after);
            if now >= at {
                self.life.turn(self.confirmation(world, at), now);
            }
            if self.life.status.is_final() {
                return;
            }
        }
        match self.life.cancel_leads_to(world, now) {
            None => {}
            Some(pends) if pends == self.life.status => return,
            Some(Status::PendingCancelled) => return self.life.turn(Status::PendingCancelled, now),
            Some(end) => return self.end(world, (end, true), now),
        }
        if self.life.status == Status::Unconfirmed {
            return;
        }
        if !new && world.voids() {
            return self.end(world, (Status::Voided, false), now);
        }
        if now >= self.contracts_end(world) {
            self.life.end_of_day = true;
            return self.end(world, (Status::Cancelled, false), now);
        }
        let net = self.net(world, now);
        if self.stop
            && !self.triggered
            && self.stop_price.is_some_and(|stop| {
                if self.credit {
                    net <= stop
                } else {
                    net >= stop
                }
            })
        {
            self.triggered = true;
        }
        let reached = match (self.limit, self.price) {
            (true, Some(price)) if self.credit => net >= price,
            (true, Some(price)) => net <= price,
            _ => true,
        };
        let due = reached && (!self.stop || self.triggered) && world.is_open(at);
        if due || self.life.cancel_requested.is_some() {
            return self.fill(account, world, net, now);
        }
        let over = self.time_in_force == "ioc" || now >= world.day_ends(self.life.created);
        if self.time_in_force != "gtc" && over {
            self.life.end_of_day = true;
            self.end(world, (Status::Cancelled, false), now);
        }
    }

    /// What the order is once the broker has looked at it.
    fn confirmation(&self, world: &World, now: i64) -> Status {
        let settings = &world.settings;
        if settings.reject_with.is_some() {
            Status::Rejected
        } else if settings.order_end == Some(OrderEnd::Failed) {
            Status::Failed
        } else if self.stop || !world.is_open(now) {
            Status::Queued
        } else {
            Status::Confirmed
        }
    }

    /// What the order would bring or cost now, per share.
    fn net(&self, world: &World, now: i64) -> Decimal {
        let today = new_york(now);
        let sum: Decimal = self
            .legs
            .iter()
            .map(|leg| {
                let quote = world
                    .market
                    .option_quote(&world.market.contracts[leg.contract], today);
                leg.ratio
                    * if leg.side == Side::Sell {
                        quote.0
                    } else {
                        -quote.1
                    }
            })
            .sum();
        if self.credit { sum } else { -sum }
    }

    fn end(&mut self, world: &World, how: (Status, bool), now: i64) {
        let order = (Asset::Option, &*self.id, !self.processed.is_zero());
        self.life.end(world, order, how, now);
    }

    fn fill(&mut self, account: &mut Account, world: &World, net: Decimal, now: i64) {
        let left = self.quantity - self.processed;
        let contracts = world
            .settings
            .fill_step
            .map_or(left, |step| step.min(left).ceil());
        let today = new_york(now);
        let opens = self.legs.iter().all(|leg| leg.opens);
        let group = (self.legs.len() > 1 && opens).then(|| self.id.clone());
        let fill_id = execution_id(&self.id, self.processed);
        for leg in &mut self.legs {
            let quote = world
                .market
                .option_quote(&world.market.contracts[leg.contract], today);
            let price = if leg.side == Side::Sell {
                quote.0
            } else {
                quote.1
            };
            let id = uuid_of(&format!("{fill_id} {}", leg.id));
            let count = contracts * leg.ratio;
            leg.fills.push((id, price, count, now));
            account.trade_contracts(leg, group.as_deref(), count, price, now);
        }
        let amount = net * HUNDRED * contracts;
        let fee = Decimal::new(3, 2) * contracts * Decimal::from(self.legs.len());
        account.cash += if self.credit { amount } else { -amount };
        account.cash -= fee;
        self.premium += amount;
        self.fees += fee;
        self.processed += contracts;
        let done = self.processed == self.quantity;
        let status = if done {
            Status::Filled
        } else {
            Status::PartiallyFilled
        };
        self.life.turn(status, now);
        world.ledger.push_fill(Fill {
            at: from_millis(now),
            asset: Asset::Option,
            order_id: self.id.clone(),
            quantity: contracts,
            price: net,
        });
    }
}
