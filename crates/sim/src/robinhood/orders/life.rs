//! What becomes of equity orders.

use rust_decimal::Decimal;

use super::{Execution, Order, Side, Status, execution_id};
use crate::{
    clock::from_millis,
    robinhood::{
        context::Context,
        ledger::{Asset, Fill},
        market::{Quote, Right},
        reply,
        settings::{Hours, OrderEnd},
        state::{Account, Intraday, Pace, Position, State, World},
        text::{at_new_york, is_weekend, millis, new_york},
    },
    server::Response,
};

const MINUTE: i64 = 60_000;

impl World {
    /// Whether regular hours are on.
    pub(in crate::robinhood) fn is_open(&self, now: i64) -> bool {
        match self.settings.hours {
            Hours::AlwaysOpen => true,
            Hours::Closed => false,
            Hours::Calendar => {
                let day = new_york(now);
                let open = at_new_york(day, 9, 30)..at_new_york(day, 16, 0);
                !is_weekend(day) && open.contains(&now)
            }
        }
    }

    /// Whether orders that work are voided.
    pub(in crate::robinhood) fn voids(&self) -> bool {
        self.settings.order_end == Some(OrderEnd::Voided)
    }

    /// When an order of the day ends.
    pub(in crate::robinhood) fn day_ends(&self, created: i64) -> i64 {
        let mut day = new_york(created);
        if self.settings.hours == Hours::AlwaysOpen {
            return at_new_york(day.next_day().unwrap_or(day), 0, 0);
        }
        while is_weekend(day) || created >= at_new_york(day, 16, 0) {
            day = day.next_day().unwrap_or(time::Date::MAX);
        }
        at_new_york(day, 16, 0)
    }
}

impl State {
    pub(in crate::robinhood) fn is_open(&self, now: i64) -> bool {
        self.world.is_open(now)
    }

    /// Asks for a cancel. Whether it came in time shows in the order.
    pub(in crate::robinhood) fn cancel_order(
        &mut self,
        id: &str,
        context: &Context<'_>,
    ) -> Response {
        for account in &mut self.users[context.user].accounts {
            let found = account.orders.iter().rposition(|order| order.id == id);
            let Some(at) = found else { continue };
            if let Err(refusal) = account.orders[at].life.ask_to_cancel(context.now) {
                return refusal;
            }
            account.moving_orders.push(at);
            return reply::ok(&serde_json::json!({}));
        }
        reply::not_found()
    }
}

impl Account {
    /// Takes open orders a step further: those that are in motion always, those that rest only
    /// when prices, settings or the day have changed.
    pub(in crate::robinhood) fn settle_orders(&mut self, world: &World, now: i64) {
        let all = self.pace.version != world.version() || now >= self.pace.until;
        let moving = std::mem::take(&mut self.moving_orders);
        let due = if all {
            self.open_orders.clone()
        } else {
            moving
        };
        if all {
            self.pace = self.next_look(world, now);
        }
        let mut orders = std::mem::take(&mut self.orders);
        let mut changed = false;
        for at in due {
            let order = &mut orders[at];
            order.step(self, world, now);
            changed |= order.life.status.is_final() || order.life.status == Status::PartiallyFilled;
            if order.life.is_moving(world) {
                self.moving_orders.push(at);
            }
        }
        self.orders = orders;
        if changed {
            let orders = &self.orders;
            self.open_orders
                .retain(|at| !orders[*at].life.status.is_final());
            self.held_cash.set(None);
        }
    }

    fn next_look(&self, world: &World, now: i64) -> Pace {
        let days = self
            .open_orders
            .iter()
            .map(|at| world.day_ends(self.orders[*at].life.created));
        let until = match world.settings.hours {
            Hours::Calendar => now + MINUTE,
            _ => days.min().unwrap_or(i64::MAX).max(now + 1),
        };
        Pace {
            version: world.version(),
            until,
        }
    }

    /// Takes note of an order that was placed.
    pub(in crate::robinhood) fn add_order(&mut self, order: Order, world: &World) {
        if let Some((version, sum)) = self.held_cash.get() {
            self.held_cash
                .set(Some((version, sum + order.held(&world.market))));
        }
        let at = self.orders.len();
        self.pace.until = self.pace.until.min(world.day_ends(order.life.created));
        self.open_orders.push(at);
        self.moving_orders.push(at);
        self.orders.push(order);
    }

    /// Cash that waiting orders hold.
    pub(in crate::robinhood) fn held_for_orders(&self, world: &World) -> Decimal {
        let equity = match self.held_cash.get() {
            Some((version, sum)) if version == world.version() => sum,
            _ => {
                let open = self.open_orders.iter().map(|at| &self.orders[*at]);
                let sum = open.map(|order| order.held(&world.market)).sum();
                self.held_cash.set(Some((world.version(), sum)));
                sum
            }
        };
        equity + self.held_for_option_orders()
    }

    pub(in crate::robinhood) fn held_for_sells(&self, instrument: usize) -> Decimal {
        let of = |order: &&Order| {
            order.instrument == instrument && order.side == Side::Sell && !order.short
        };
        self.open_orders
            .iter()
            .map(|at| &self.orders[*at])
            .filter(of)
            .map(Order::remaining)
            .sum()
    }

    /// Shares behind short calls, never more than there are.
    pub(in crate::robinhood) fn held_for_calls(&self, world: &World, instrument: usize) -> Decimal {
        let short: Decimal = self
            .contracts
            .iter()
            .filter(|position| {
                let contract = &world.market.contracts[position.contract];
                position.short
                    && position.group.is_none()
                    && contract.instrument == instrument
                    && contract.right == Right::Call
            })
            .map(|position| position.quantity * Decimal::ONE_HUNDRED)
            .sum();
        let owned = self
            .positions
            .get(&instrument)
            .map_or(Decimal::ZERO, |held| held.quantity);
        short.min(owned)
    }

    /// Shares that may be sold.
    pub(in crate::robinhood) fn free_shares(&self, world: &World, instrument: usize) -> Decimal {
        let owned = self
            .positions
            .get(&instrument)
            .map_or(Decimal::ZERO, |held| held.quantity);
        owned - self.held_for_sells(instrument) - self.held_for_calls(world, instrument)
    }

    /// Shares come or go.
    pub(in crate::robinhood) fn trade_shares(
        &mut self,
        instrument: usize,
        side: Side,
        quantity: Decimal,
        price: Decimal,
        now: i64,
    ) {
        let position = self.positions.entry(instrument).or_insert(Position {
            quantity: Decimal::ZERO,
            cost: Decimal::ZERO,
            told: true,
            intraday: Intraday::none(new_york(now)),
            since: now,
            updated: now,
        });
        position.updated = now;
        position.intraday = position.intraday.on(new_york(now));
        let amount = quantity * price;
        match side {
            Side::Buy => {
                position.quantity += quantity;
                position.cost += amount;
                position.intraday.quantity += quantity;
                position.intraday.cost += amount;
                self.cash -= amount;
            }
            Side::Sell => {
                if !position.quantity.is_zero() {
                    position.cost -= position.cost * quantity / position.quantity;
                }
                position.quantity -= quantity;
                if position.intraday.quantity > position.quantity {
                    position.intraday.cost = position.intraday.average() * position.quantity;
                    position.intraday.quantity = position.quantity;
                }
                self.cash += amount;
            }
        }
    }
}

impl Order {
    /// One step of its life.
    fn step(&mut self, account: &mut Account, world: &World, now: i64) {
        if self.life.status.is_final() {
            return;
        }
        let settings = &world.settings;
        // A first step that comes late is taken as if it had come in time.
        let mut at = now;
        let new = self.life.status == Status::Unconfirmed;
        if new {
            at = self.life.created + millis(settings.confirm_after);
            if now < at {
                self.cancel_if_asked(world, now);
                return;
            }
            if let Some(reason) = &settings.reject_with {
                self.reject_reason = Some(reason.clone());
                return self.life.turn(Status::Rejected, now);
            }
            if self.short {
                return self.life.turn(Status::LocateFailed, now);
            }
            if settings.order_end == Some(OrderEnd::Failed) {
                return self.life.turn(Status::Failed, now);
            }
            let waits = self.stop || !self.may_trade(world, at);
            let status = if waits {
                Status::Queued
            } else {
                Status::Confirmed
            };
            self.life.turn(status, now);
        }
        if self.cancel_if_asked(world, now) {
            return;
        }
        if !new && world.voids() {
            return self.end(world, (Status::Voided, false), now);
        }
        if self.life.status == Status::Queued && !self.stop && self.may_trade(world, now) {
            self.life.status = Status::Confirmed;
        }
        let quote = world.market.instruments[self.instrument].quote;
        self.follow(quote, now);
        let due = self.may_trade(world, at) && self.is_due(quote);
        if due || self.life.cancel_requested.is_some() {
            return self.fill(account, world, quote, now);
        }
        let day_order = matches!(self.time_in_force.as_str(), "gfd" | "ioc" | "opg");
        let over = self.time_in_force == "ioc" || now >= world.day_ends(self.life.created);
        if day_order && over {
            self.life.end_of_day = self.time_in_force == "gfd";
            self.end(world, (Status::Cancelled, false), now);
        }
    }

    /// Goes on with a cancel; false if there is none, or if it comes too late.
    fn cancel_if_asked(&mut self, world: &World, now: i64) -> bool {
        match self.life.cancel_leads_to(world, now) {
            None => return false,
            Some(pends) if pends == self.life.status => {}
            Some(Status::PendingCancelled) => self.life.turn(Status::PendingCancelled, now),
            Some(end) => self.end(world, (end, true), now),
        }
        true
    }

    fn end(&mut self, world: &World, how: (Status, bool), now: i64) {
        let order = (Asset::Equity, &*self.id, !self.executions.is_empty());
        self.life.end(world, order, how, now);
    }

    fn may_trade(&self, world: &World, now: i64) -> bool {
        self.extended_hours || world.is_open(now)
    }

    /// Moves a trailing stop and looks whether a stop was reached.
    fn follow(&mut self, quote: Quote, now: i64) {
        if !self.stop || self.triggered.is_some() {
            return;
        }
        let side = self.side;
        if let Some(trail) = &mut self.trail {
            trail.best = match side {
                Side::Buy => trail.best.min(quote.ask),
                Side::Sell => trail.best.max(quote.bid),
            };
            self.stop_price = Some(trail.stop(side));
        }
        let reached = self.stop_price.is_some_and(|stop| match side {
            Side::Buy => quote.last >= stop,
            Side::Sell => quote.last <= stop,
        });
        if reached {
            self.triggered = Some(now);
            self.life.turn(Status::Confirmed, now);
        }
    }

    fn is_due(&self, quote: Quote) -> bool {
        if self.stop && self.triggered.is_none() {
            return false;
        }
        match (self.side, self.price.filter(|_| self.limit)) {
            (_, None) => true,
            (Side::Buy, Some(limit)) => quote.ask <= limit,
            (Side::Sell, Some(limit)) => quote.bid >= limit,
        }
    }

    fn fill(&mut self, account: &mut Account, world: &World, quote: Quote, now: i64) {
        let remaining = self.remaining();
        let quantity = world
            .settings
            .fill_step
            .map_or(remaining, |step| step.min(remaining));
        let price = if self.side == Side::Buy {
            quote.ask
        } else {
            quote.bid
        };
        let id = execution_id(&self.id, self.filled());
        self.executions.push(Execution {
            id,
            price,
            quantity,
            at: now,
        });
        account.trade_shares(self.instrument, self.side, quantity, price, now);
        let done = quantity == remaining;
        let status = if done {
            Status::Filled
        } else {
            Status::PartiallyFilled
        };
        self.life.turn(status, now);
        world.ledger.push_fill(Fill {
            at: from_millis(now),
            asset: Asset::Equity,
            order_id: self.id.clone(),
            quantity,
            price,
        });
    }
}
