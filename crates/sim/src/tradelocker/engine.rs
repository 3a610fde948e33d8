//! Fills, closes and brackets: what prices do to orders.

use rust_decimal::Decimal;

use super::{
    book::{
        Account, BracketType, ClosedTrade, Execution, Order, OrderType, Position, Side, Status,
        seconds,
    },
    ledger::{Cancel, Close},
    market::Quote,
    state::{State, World},
};
use crate::clock::from_millis;

/// Resting orders are looked at once a second, and at most this often after a long pause.
const STEPS: i64 = 600;
const STEP: i64 = 1_000;

impl State {
    /// Lets the prices since the last call act on resting orders.
    pub(super) fn catch_up(&mut self, now: i64) {
        let first = self.settled.div_euclid(STEP) + 1;
        let last = now.div_euclid(STEP);
        self.settled = self.settled.max(now);
        if first > last
            || self
                .accounts
                .iter()
                .all(|account| account.orders.is_empty())
        {
            return;
        }
        let stride = ((last - first) / STEPS + 1).max(1);
        let mut step = first;
        while step <= last {
            self.trigger(step * STEP);
            step = if step < last {
                (step + stride).min(last)
            } else {
                step + 1
            };
        }
    }

    /// Fills what is due at the quotes of `at`.
    pub(super) fn trigger(&mut self, at: i64) {
        for account in &mut self.accounts {
            account.trail(&self.world, at);
            let due: Vec<u64> = account
                .orders
                .values()
                .filter(|order| order.is_due(self.world.market.quote(order.instrument, at)))
                .map(|order| order.id)
                .collect();
            for id in due {
                // An earlier fill may have cancelled this one.
                if let Some(order) = account.orders.remove(&id) {
                    let quote = self.world.market.quote(order.instrument, at);
                    account.fill(&mut self.world, order, quote, at);
                }
            }
        }
    }
}

impl Account {
    /// Fills an order completely: opens a position, or closes what it belongs to.
    pub(super) fn fill(&mut self, world: &mut World, mut order: Order, quote: Quote, now: i64) {
        let price = order.side.fill_price(quote);
        let most = world.settings.history_rows_kept();
        if !order.opens {
            let id = order.position.unwrap_or_default();
            let left = self.positions.get(&id).map(|position| position.qty);
            order.qty = left.map_or(order.qty, |left| left.min(order.qty));
            self.close(world, order, price, false, now);
            return;
        }
        let needed = world.margin_for(order.instrument, order.qty, price);
        if world.worth(self, now).available < needed {
            self.archive(order, Status::Rejected, now, most);
            return;
        }
        let position = Position {
            id: world.id(),
            instrument: order.instrument,
            side: order.side,
            qty: order.qty,
            opened_qty: order.qty,
            avg_price: price,
            stop_loss: None,
            take_profit: None,
            trail: None,
            opened: now,
            strategy: order.strategy.clone(),
        };
        let id = position.id;
        order.position = Some(id);
        order.avg_price = Some(price);
        self.execute(world, &order, price, now);
        self.open_position(position);
        self.attach(world, &order, price, now);
        self.archive(order, Status::Filled, now, most);
    }

    /// Closes lots of the order's position at a price; the order becomes history.
    pub(super) fn close(
        &mut self,
        world: &mut World,
        mut order: Order,
        price: Decimal,
        requested: bool,
        now: i64,
    ) {
        let Some(position) = order
            .position
            .and_then(|id| self.positions.get(&id))
            .cloned()
        else {
            return;
        };
        let lot_size = world.market.instruments[position.instrument].lot_size;
        let gain = position.side.signed(price - position.avg_price) * order.qty * lot_size;
        let profit = gain.round_dp(2);
        self.balance += profit;
        order.avg_price = Some(price);
        self.execute(world, &order, price, now);
        self.record_closed(ClosedTrade {
            id: world.id(),
            position: position.id,
            instrument: position.instrument,
            side: position.side,
            open_qty: position.opened_qty,
            close_qty: order.qty,
            opened: position.opened,
            closed: now,
            profit,
        });
        world.ledger.push_close(Close {
            at: from_millis(now),
            account: self.spec.id.clone(),
            position_id: position.id.to_string(),
            order_id: order.id.to_string(),
            qty: order.qty,
            price,
            profit,
            requested,
        });
        self.reduce_position(position.id, order.qty);
        let filled = order.id;
        self.archive(
            order,
            Status::Filled,
            now,
            world.settings.history_rows_kept(),
        );
        let left = self
            .positions
            .get(&position.id)
            .map(|position| position.qty);
        for id in [position.stop_loss, position.take_profit]
            .into_iter()
            .flatten()
        {
            match (left, self.orders.get_mut(&id)) {
                (Some(left), Some(bracket)) => bracket.qty = left,
                (None, Some(_)) if id != filled => self.cancel(world, id, false, now),
                _ => {}
            }
        }
    }

    /// Cancels an open order; true if there was one.
    pub(super) fn cancel_order(&mut self, world: &World, id: u64, now: i64) -> bool {
        let known = self.orders.contains_key(&id);
        self.cancel(world, id, true, now);
        known
    }

    fn cancel(&mut self, world: &World, id: u64, requested: bool, now: i64) {
        let Some(order) = self.orders.remove(&id) else {
            return;
        };
        if let Some(position) = order.position.and_then(|id| self.positions.get_mut(&id)) {
            position.stop_loss = position.stop_loss.filter(|known| *known != id);
            position.take_profit = position.take_profit.filter(|known| *known != id);
            if position.stop_loss.is_none() {
                position.trail = None;
            }
        }
        world.ledger.push_cancel(Cancel {
            at: from_millis(now),
            account: self.spec.id.clone(),
            order_id: id.to_string(),
            requested,
        });
        self.archive(
            order,
            Status::Cancelled,
            now,
            world.settings.history_rows_kept(),
        );
    }

    fn execute(&mut self, world: &mut World, order: &Order, price: Decimal, now: i64) {
        let id = world.id();
        self.record(Execution {
            id,
            price,
            side: order.side,
            at: now,
            qty: order.qty,
            order: order.id,
            position: order.position.unwrap_or_default(),
            instrument: order.instrument,
        });
    }

    /// Makes the stop loss and take profit of a filled order into orders of their own.
    fn attach(&mut self, world: &mut World, order: &Order, price: Decimal, now: i64) {
        let Some(id) = order.position else { return };
        let instrument = &world.market.instruments[order.instrument];
        let stop = order.stop_loss.map(|stop| match stop.distance(instrument) {
            Some(distance) => instrument.round(price - order.side.signed(distance)),
            None => stop.value,
        });
        let target = order
            .take_profit
            .map(|target| match target.distance(instrument) {
                Some(distance) => instrument.round(price + order.side.signed(distance)),
                None => target.value,
            });
        let trail = order
            .stop_loss
            .filter(|stop| stop.kind == BracketType::TrailingOffset)
            .and_then(|stop| stop.distance(instrument));
        if let Some(stop) = stop {
            self.set_stop_loss(world, id, Some(stop), trail, now);
        }
        if let Some(target) = target {
            self.set_take_profit(world, id, Some(target), now);
        }
    }

    /// Sets, moves or removes the stop loss of a position; it keeps its id when it moves.
    pub(super) fn set_stop_loss(
        &mut self,
        world: &mut World,
        id: u64,
        stop: Option<Decimal>,
        trail: Option<Decimal>,
        now: i64,
    ) {
        let Some(position) = self.positions.get(&id) else {
            return;
        };
        match (position.stop_loss, stop) {
            (Some(known), None) => self.cancel(world, known, true, now),
            (Some(known), Some(stop)) => self.move_order(known, None, Some(stop), now),
            (None, Some(stop)) => {
                let order = bracket(world.id(), position, OrderType::Stop, stop, now);
                let bracket = order.id;
                self.orders.insert(bracket, order);
                self.positions
                    .entry(id)
                    .and_modify(|p| p.stop_loss = Some(bracket));
            }
            (None, None) => {}
        }
        self.positions
            .entry(id)
            .and_modify(|position| position.trail = trail);
    }

    /// Sets, moves or removes the take profit of a position; it keeps its id when it moves.
    pub(super) fn set_take_profit(
        &mut self,
        world: &mut World,
        id: u64,
        target: Option<Decimal>,
        now: i64,
    ) {
        let Some(position) = self.positions.get(&id) else {
            return;
        };
        match (position.take_profit, target) {
            (Some(known), None) => self.cancel(world, known, true, now),
            (Some(known), Some(target)) => self.move_order(known, Some(target), None, now),
            (None, Some(target)) => {
                let order = bracket(world.id(), position, OrderType::Limit, target, now);
                let bracket = order.id;
                self.orders.insert(bracket, order);
                self.positions
                    .entry(id)
                    .and_modify(|p| p.take_profit = Some(bracket));
            }
            (None, None) => {}
        }
    }

    fn move_order(&mut self, id: u64, price: Option<Decimal>, stop: Option<Decimal>, now: i64) {
        if let Some(order) = self.orders.get_mut(&id) {
            order.price = price.or(order.price);
            order.stop_price = stop.or(order.stop_price);
            order.touch(now);
        }
    }

    /// Moves trailing stops behind the price, never away from it.
    fn trail(&mut self, world: &World, at: i64) {
        for position in self
            .positions
            .values()
            .filter(|position| position.trail.is_some())
        {
            let (Some(distance), Some(stop)) = (position.trail, position.stop_loss) else {
                continue;
            };
            let Some(order) = self.orders.get_mut(&stop) else {
                continue;
            };
            let quote = world.market.quote(position.instrument, at);
            let price = position.side.opposite().fill_price(quote);
            let wanted = price - position.side.signed(distance);
            order.stop_price = order.stop_price.map(|known| match position.side {
                Side::Buy => known.max(wanted),
                Side::Sell => known.min(wanted),
            });
        }
    }
}

fn bracket(id: u64, position: &Position, kind: OrderType, price: Decimal, now: i64) -> Order {
    Order {
        id,
        instrument: position.instrument,
        side: position.side.opposite(),
        kind,
        status: Status::New,
        qty: position.qty,
        avg_price: None,
        price: (kind == OrderType::Limit).then_some(price),
        stop_price: (kind == OrderType::Stop).then_some(price),
        created: now,
        modified: seconds(now),
        since: now,
        opens: false,
        position: Some(position.id),
        stop_loss: None,
        take_profit: None,
        strategy: None,
    }
}
