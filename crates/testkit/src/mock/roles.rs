use async_trait::async_trait;
use wheelhouse_core::{
    AccountId, BulkOrders, Change, CloseResolution, ClosedTrade, ClosedTradeQuery, ClosedTrades,
    Closing, Currency, Decimal, Error, ErrorKind, Evidence, InstrumentId, Money, OrderPreview,
    OrderPreviews, OrderRequest, Page, PositionChange, PositionId, PositionTrading, Quantity,
    Result, StopLoss, TakeProfit, UnresolvedClose,
};

use super::{Call, ClosingAnswer, MockBroker, Operation, state::State};

#[async_trait]
impl BulkOrders for MockBroker {
    async fn cancel_all_orders(
        &self,
        account: &AccountId,
        instrument: Option<&InstrumentId>,
    ) -> Result<()> {
        let mut state = self.begin(Call::at(Operation::CancelAllOrders, account))?;
        state.reached += 1;
        state.changes += 1;
        let now = self.0.clock.now();
        for at in 0..state.world.orders.len() {
            let order = &state.world.orders[at];
            // Orders that protect a position stay, as at brokers that close with it.
            if order.account == *account
                && instrument.is_none_or(|id| order.instrument == *id)
                && order.position.is_none()
            {
                state.world.cancel(at, now);
            }
        }
        state.publish(now);
        Ok(())
    }
}

#[async_trait]
impl PositionTrading for MockBroker {
    async fn close_position(
        &self,
        account: &AccountId,
        position: &PositionId,
        quantity: Option<Quantity>,
    ) -> Result<Closing> {
        let call = Call::at(Operation::ClosePosition, account).about(position);
        let mut state = self.begin(call)?;
        let closing = self.close(&mut state, account, position, quantity);
        state.publish(self.0.clock.now());
        closing.map_err(self.name(Operation::ClosePosition))
    }

    async fn resolve_close(&self, open: &UnresolvedClose) -> Result<CloseResolution> {
        let operation = Operation::ResolveClose;
        if open.broker != self.0.id {
            let message = format!("the position is held at {}", open.broker);
            return Err(self.error(operation, ErrorKind::InvalidInput, message));
        }
        let mut state = self.begin(Call::at(operation, &open.account).about(&open.position))?;
        state.reached += 1;
        let now = self.0.clock.now();
        let held = match state.world.position_at(&open.account, &open.position) {
            Ok(at) => state.world.positions[at].size.amount(),
            Err(_) => Decimal::ZERO,
        };
        if held < open.held_before.value() {
            let remaining = Quantity::new(held);
            return Ok(CloseResolution::Closed { remaining });
        }
        let mut evidence = Evidence::new(now);
        evidence.complete_reads = 3;
        evidence.last_read_at = Some(now);
        Ok(CloseResolution::NotClosed(evidence))
    }

    async fn close_all_positions(
        &self,
        account: &AccountId,
        instrument: Option<&InstrumentId>,
    ) -> Result<()> {
        let mut state = self.begin(Call::at(Operation::CloseAllPositions, account))?;
        state.reached += 1;
        state.changes += 1;
        let now = self.0.clock.now();
        let held = state.world.positions.iter();
        let ids: Vec<PositionId> = held
            .filter(|held| held.account == *account)
            .filter(|held| instrument.is_none_or(|id| held.instrument == *id))
            .map(|held| held.id.clone())
            .collect();
        for id in ids {
            let closed = state.world.close(account, &id, None, now);
            closed.map_err(self.name(Operation::CloseAllPositions))?;
        }
        state.publish(now);
        Ok(())
    }

    async fn modify_position(
        &self,
        account: &AccountId,
        position: &PositionId,
        change: &PositionChange,
    ) -> Result<()> {
        let call = Call::at(Operation::ModifyPosition, account).about(position);
        let mut state = self.begin(call)?;
        let modified = self.modify(&mut state, account, position, change);
        state.publish(self.0.clock.now());
        modified.map_err(self.name(Operation::ModifyPosition))
    }
}

impl MockBroker {
    fn close(
        &self,
        state: &mut State,
        account: &AccountId,
        id: &PositionId,
        quantity: Option<Quantity>,
    ) -> Result<Closing> {
        let now = self.0.clock.now();
        let at = state.world.position_at(account, id)?;
        let position = &state.world.positions[at];
        let held = Quantity::new(position.size.amount());
        if let Some(quantity) = quantity {
            self.need(
                self.0.capabilities.partial_close.is_there() || quantity == held,
                Operation::ClosePosition,
            )?;
            let rules = &state.world.instrument(&position.instrument)?.rules;
            rules.check_quantity(quantity)?;
            if quantity > held {
                let message = format!("the position has {held}, and {quantity} are to be closed");
                return Err(Error::new(ErrorKind::InvalidInput, message));
            }
        }
        state.reached += 1;
        state.changes += 1;
        Ok(match state.closings.pop_front().unwrap_or_default() {
            ClosingAnswer::Accept => {
                let order = Some(state.world.close(account, id, quantity, now)?);
                Closing::Accepted { order }
            }
            ClosingAnswer::Reject(message) => Closing::Rejected { message },
            ClosingAnswer::Lost { closed } => {
                if closed {
                    state.world.close(account, id, quantity, now)?;
                }
                Closing::Unknown(UnresolvedClose::new(
                    self.0.id.clone(),
                    account.clone(),
                    id.clone(),
                    quantity,
                    held,
                    now,
                    &Error::new(ErrorKind::Timeout, "no answer in time"),
                ))
            }
        })
    }

    fn modify(
        &self,
        state: &mut State,
        account: &AccountId,
        id: &PositionId,
        change: &PositionChange,
    ) -> Result<()> {
        let now = self.0.clock.now();
        let at = state.world.position_at(account, id)?;
        let instrument = state.world.positions[at].instrument.clone();
        let rules = &state.world.instrument(&instrument)?.rules;
        if let Change::Set(StopLoss::At(price)) = change.stop_loss {
            rules.check_price("stop loss", price)?;
        }
        if let Change::Set(TakeProfit::At(price)) = change.take_profit {
            rules.check_price("take profit", price)?;
        }
        state.reached += 1;
        state.changes += 1;
        match change.stop_loss {
            Change::Keep => {}
            Change::Remove => state.world.set_stop_loss(at, None, now)?,
            Change::Set(stop_loss) => state.world.set_stop_loss(at, Some(stop_loss), now)?,
        }
        match change.take_profit {
            Change::Keep => Ok(()),
            Change::Remove => state.world.set_take_profit(at, None, now),
            Change::Set(take_profit) => state.world.set_take_profit(at, Some(take_profit), now),
        }
    }
}

#[async_trait]
impl OrderPreviews for MockBroker {
    async fn preview_order(&self, request: &OrderRequest) -> Result<OrderPreview> {
        let operation = Operation::PreviewOrder;
        let call = Call::at(operation, &request.account).placing(request);
        let mut state = self.begin(call)?;
        self.check(&state, request, operation)?;
        state.reached += 1;
        let named = self.name(operation);
        let instrument = state.world.instrument(&request.instrument).map_err(named)?;
        let price = request
            .kind
            .limit_price()
            .or(state.world.market(&request.instrument, request.side));
        let lot = instrument.rules.lot_size.unwrap_or(Decimal::ONE);
        let currency = instrument.currency.unwrap_or(Currency::USD);
        let total = price
            .and_then(|price| price.value().checked_mul(request.size.amount()))
            .and_then(|amount| amount.checked_mul(lot));
        let mut preview = OrderPreview::new();
        preview.total = total.map(|amount| Money::new(amount.normalize(), currency));
        preview.commission = Some(Money::new(Decimal::ZERO, currency));
        Ok(preview)
    }
}

#[async_trait]
impl ClosedTrades for MockBroker {
    async fn list(
        &self,
        account: &AccountId,
        query: ClosedTradeQuery,
    ) -> Result<Page<ClosedTrade>> {
        let mut state = self.begin(Call::at(Operation::ClosedTrades, account))?;
        state.reached += 1;
        let trades = state.world.closed.iter().rev();
        let items = trades
            .filter(|(of, _)| of == account)
            .filter(|(_, trade)| query.symbol.is_none() || trade.symbol == query.symbol)
            .map(|(_, trade)| trade.clone())
            .collect();
        self.page(
            Operation::ClosedTrades,
            items,
            query.page.as_ref(),
            query.limit,
        )
    }
}
