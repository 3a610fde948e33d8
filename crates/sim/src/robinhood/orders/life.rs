//! What becomes of equity orders.

use rust_decimal::Decimal;

use super::{Execution, Order, Side, Status, execution_id};
use crate::{
    clock::from_millis,
    robinhood::{
        ledger::{Asset, Cancel, Fill},
        market::{Quote, Right},
        reply,
        settings::Hours,
        state::{Account, Intraday, Position, State, World},
        text::{at_new_york, is_weekend, millis, new_york},
    },
    server::Response,
};

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
    pub(in crate::robinhood) fn cancel_order(&mut self, user: usize, id: &str) -> Response {
        for account in &mut self.users[user].accounts {
            let found = account.orders.iter_mut().rev().find(|order| order.id == id);
            let Some(order) = found else { continue };
            if order.status.is_final() || order.cancel_requested {
                return reply::detail(403, "Order cannot be cancelled at this time.");
            }
            order.cancel_requested = true;
            return reply::ok(&serde_json::json!({}));
        }
        reply::not_found()
    }
}

impl Account {
    /// Takes every open order a step further.
    pub(in crate::robinhood) fn settle_orders(&mut self, world: &World, now: i64) {
        let mut open = std::mem::take(&mut self.open_orders);
        open.retain(|at| {
            let mut order = self.orders[*at].clone();
            if !order.step(self, world, now) {
                return true;
            }
            let over = order.status.is_final();
            self.orders[*at] = order;
            !over
        });
        self.open_orders = open;
    }

    /// Cash that waiting orders hold.
    pub(in crate::robinhood) fn held_for_orders(&self, world: &World) -> Decimal {
        let equity: Decimal = self
            .open_orders
            .iter()
            .map(|at| self.orders[*at].held(&world.market))
            .sum();
        equity + self.held_for_option_orders()
    }

    pub(in crate::robinhood) fn held_for_sells(&self, instrument: usize) -> Decimal {
        let of = |order: &&Order| order.instrument == instrument && order.side == Side::Sell;
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
    /// One step of its life; false if nothing changed.
    fn step(&mut self, account: &mut Account, world: &World, now: i64) -> bool {
        let settings = &world.settings;
        let before = self.status;
        // A first step that comes late is taken as if it had come in time.
        let mut at = now;
        if self.status == Status::Unconfirmed {
            at = self.created + millis(settings.confirm_after);
            if now < at {
                return self.cancel_if_asked(world, now);
            }
            if let Some(reason) = &settings.reject_with {
                self.reject_reason = Some(reason.clone());
                self.end(Status::Rejected, now);
                return true;
            }
            let waits = self.stop || !self.may_trade(world, at);
            self.status = if waits {
                Status::Queued
            } else {
                Status::Confirmed
            };
            self.updated = now;
        }
        if self.cancel_requested && !settings.cancel_loses {
            return self.cancel_if_asked(world, now);
        }
        if self.status == Status::Queued && !self.stop && self.may_trade(world, now) {
            self.status = Status::Confirmed;
        }
        let late = self.cancel_requested;
        let quote = world.market.instruments[self.instrument].quote;
        let moved = self.follow(quote, now);
        if (self.may_trade(world, at) && self.is_due(quote)) || late {
            self.fill(account, world, quote, now);
            return true;
        }
        let day_order = matches!(self.time_in_force.as_str(), "gfd" | "ioc" | "opg");
        let over = self.time_in_force == "ioc" || now >= world.day_ends(self.created);
        if day_order && over {
            self.end_of_day = self.time_in_force == "gfd";
            self.cancelled(world, false, now);
            return true;
        }
        moved || self.status != before
    }

    fn cancel_if_asked(&mut self, world: &World, now: i64) -> bool {
        if self.cancel_requested && !world.settings.cancel_loses {
            self.cancelled(world, true, now);
            return true;
        }
        false
    }

    fn cancelled(&mut self, world: &World, requested: bool, now: i64) {
        let none = self.executions.is_empty();
        self.end(
            if none {
                Status::Cancelled
            } else {
                Status::RestCancelled
            },
            now,
        );
        world.ledger.push_cancel(Cancel {
            at: from_millis(now),
            asset: Asset::Equity,
            order_id: self.id.clone(),
            requested,
        });
    }

    fn end(&mut self, status: Status, now: i64) {
        self.status = status;
        self.updated = now;
    }

    fn may_trade(&self, world: &World, now: i64) -> bool {
        self.extended_hours || world.is_open(now)
    }

    /// Moves a trailing stop and looks whether a stop was reached; true if anything changed.
    fn follow(&mut self, quote: Quote, now: i64) -> bool {
        if !self.stop || self.triggered.is_some() {
            return false;
        }
        let side = self.side;
        let mut moved = false;
        if let Some(trail) = &mut self.trail {
            let best = match side {
                Side::Buy => trail.best.min(quote.ask),
                Side::Sell => trail.best.max(quote.bid),
            };
            moved = best != trail.best;
            trail.best = best;
            self.stop_price = Some(trail.stop(side));
        }
        let reached = self.stop_price.is_some_and(|stop| match side {
            Side::Buy => quote.last >= stop,
            Side::Sell => quote.last <= stop,
        });
        if reached {
            self.triggered = Some(now);
            self.status = Status::Confirmed;
            self.updated = now;
        }
        moved || reached
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
        self.status = if done {
            Status::Filled
        } else {
            Status::PartiallyFilled
        };
        self.updated = now;
        world.ledger.push_fill(Fill {
            at: from_millis(now),
            asset: Asset::Equity,
            order_id: self.id.clone(),
            quantity,
            price,
        });
    }
}
