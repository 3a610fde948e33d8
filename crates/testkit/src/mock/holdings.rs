use time::OffsetDateTime;
use wheelhouse_core::{
    AccountId, BrokerOrderId, ClosedTrade, Decimal, EventKind, Instrument, Money, Order,
    OrderState, OrderType, Position, PositionEffect, PositionId, Price, Quantity, Result, Side,
    StopLoss, TakeProfit, TimeInForce,
};

use super::world::World;
use crate::fixtures::size_of;

/// What is held, and what protects it.
impl World {
    /// Closes a position or a part of it, at the quote or else at the price of opening.
    pub(super) fn close(
        &mut self,
        account: &AccountId,
        id: &PositionId,
        quantity: Option<Quantity>,
        now: OffsetDateTime,
    ) -> Result<BrokerOrderId> {
        let position = &self.positions[self.position_at(account, id)?];
        let instrument = self.instrument(&position.instrument)?.clone();
        let closed = quantity.map_or(position.size.amount(), Quantity::value);
        let side = position.side.opposite();
        let opened_for = position.average_price.unwrap_or_default();
        let price = self.market(&instrument.id, side).unwrap_or(opened_for);
        let mut order = Order::new(
            self.next_id(BrokerOrderId::new)?,
            account.clone(),
            instrument.id.clone(),
            side,
            OrderType::Market,
            size_of(&instrument, closed),
        );
        order.symbol = Some(instrument.symbol.clone());
        order.time_in_force = TimeInForce::Ioc;
        order.state = OrderState::Filled;
        order.filled = Quantity::new(closed);
        order.average_price = Some(price);
        order.effect = Some(PositionEffect::Close);
        order.position = Some(id.clone());
        order.created_at = Some(now);
        self.record_execution(&order, order.filled, price, now)?;
        let order_id = order.id.clone();
        self.keep(order, now);

        self.reduce(account, id, (closed, price), now)?;
        Ok(order_id)
    }

    /// Takes what was closed off a position, and books the profit.
    pub(super) fn reduce(
        &mut self,
        account: &AccountId,
        id: &PositionId,
        (closed, price): (Decimal, Price),
        now: OffsetDateTime,
    ) -> Result<()> {
        let at = self.position_at(account, id)?;
        let mut position = self.positions[at].clone();
        let instrument = self.instrument(&position.instrument)?.clone();
        let held = position.size.amount();
        let opened_for = position.average_price.unwrap_or_default();
        let profit = profit(&instrument, position.side, opened_for, price, closed);
        *self.cash.entry(account.clone()).or_default() += profit;
        let mut trade = ClosedTrade::new(id.clone(), position.side);
        trade.symbol = Some(instrument.symbol.clone());
        trade.quantity = Some(Quantity::new(closed));
        trade.open_price = Some(opened_for);
        trade.close_price = Some(price);
        trade.opened_at = position.opened_at;
        trade.closed_at = Some(now);
        trade.profit = Some(profit);
        trade.net_profit = Some(profit);
        self.closed.push((account.clone(), trade));
        position.size = size_of(&instrument, held - closed);
        if closed >= held {
            self.positions.remove(at);
            self.unprotect(id, now);
            self.tell(account, EventKind::PositionClosed(id.clone()));
        } else {
            self.tell_position(&position);
            self.positions[at] = position;
        }
        Ok(())
    }

    /// Sets the order that takes losses at a position; `None` takes it away.
    pub(super) fn set_stop_loss(
        &mut self,
        at: usize,
        stop_loss: Option<StopLoss>,
        now: OffsetDateTime,
    ) -> Result<()> {
        let mut position = self.positions[at].clone();
        self.cancel_one(position.stop_loss_order.take(), now);
        if let Some(stop_loss) = stop_loss {
            let mut order = self.protection(&position, OrderType::Stop)?;
            order.stop_loss = Some(stop_loss);
            if let StopLoss::At(price) = stop_loss {
                order.stop_price = Some(price);
            }
            position.stop_loss_order = Some(order.id.clone());
            self.keep(order, now);
        }
        self.tell_position(&position);
        self.positions[at] = position;
        Ok(())
    }

    /// Sets the order that takes profits at a position; `None` takes it away.
    pub(super) fn set_take_profit(
        &mut self,
        at: usize,
        take_profit: Option<TakeProfit>,
        now: OffsetDateTime,
    ) -> Result<()> {
        let mut position = self.positions[at].clone();
        self.cancel_one(position.take_profit_order.take(), now);
        if let Some(take_profit) = take_profit {
            let mut order = self.protection(&position, OrderType::Limit)?;
            order.take_profit = Some(take_profit);
            if let TakeProfit::At(price) = take_profit {
                order.limit_price = Some(price);
            }
            position.take_profit_order = Some(order.id.clone());
            self.keep(order, now);
        }
        self.tell_position(&position);
        self.positions[at] = position;
        Ok(())
    }

    /// A position with its value at the quote.
    pub(super) fn valued(&self, position: &Position) -> Position {
        let mut position = position.clone();
        position.mark_price = self.market(&position.instrument, position.side.opposite());
        let Some((mark, opened_for)) = position.mark_price.zip(position.average_price) else {
            return position;
        };
        if let Ok(instrument) = self.instrument(&position.instrument) {
            let held = position.size.amount();
            let profit = profit(instrument, position.side, opened_for, mark, held);
            position.unrealized_pnl = Some(Money::new(profit, self.currency(&position.account)));
        }
        position
    }

    /// Makes the position of an order as large as what was executed of it.
    pub(super) fn enlarge_position(&mut self, order: &Order, now: OffsetDateTime) -> Result<()> {
        let Some(id) = &order.position else {
            return Ok(());
        };
        let size = size_of(self.instrument(&order.instrument)?, order.filled.value());
        match self.position_at(&order.account, id) {
            Ok(at) => {
                self.positions[at].size = size;
                self.positions[at].average_price = order.average_price;
                self.tell_position(&self.positions[at].clone());
            }
            Err(_) => {
                let mut position = Position::new(
                    id.clone(),
                    order.account.clone(),
                    order.instrument.clone(),
                    order.side,
                    size,
                );
                position.symbol = order.symbol.clone();
                position.average_price = order.average_price;
                position.client_order_id = order.client_order_id.clone();
                position.opened_at = Some(now);
                self.tell_position(&position);
                self.positions.push(position);
                let at = self.positions.len() - 1;
                if order.stop_loss.is_some() {
                    self.set_stop_loss(at, order.stop_loss, now)?;
                }
                if order.take_profit.is_some() {
                    self.set_take_profit(at, order.take_profit, now)?;
                }
            }
        }
        Ok(())
    }

    fn protection(&mut self, position: &Position, order_type: OrderType) -> Result<Order> {
        let mut order = Order::new(
            self.next_id(BrokerOrderId::new)?,
            position.account.clone(),
            position.instrument.clone(),
            position.side.opposite(),
            order_type,
            position.size,
        );
        order.symbol = position.symbol.clone();
        order.effect = Some(PositionEffect::Close);
        order.position = Some(position.id.clone());
        Ok(order)
    }

    fn unprotect(&mut self, position: &PositionId, now: OffsetDateTime) {
        for at in 0..self.orders.len() {
            if self.orders[at].position.as_ref() == Some(position) {
                self.cancel(at, now);
            }
        }
    }

    fn tell_position(&mut self, position: &Position) {
        let kind = EventKind::Position(Box::new(self.valued(position)));
        self.tell(&position.account, kind);
    }
}

fn profit(
    instrument: &Instrument,
    side: Side,
    from: Price,
    to: Price,
    quantity: Decimal,
) -> Decimal {
    let gain = match side {
        Side::Buy => to.value() - from.value(),
        Side::Sell => from.value() - to.value(),
    };
    let lot = instrument.rules.lot_size.unwrap_or(Decimal::ONE);
    gain.checked_mul(quantity)
        .and_then(|gain| gain.checked_mul(lot))
        .unwrap_or_default()
        .normalize()
}
