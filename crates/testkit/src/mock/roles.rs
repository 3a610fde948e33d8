use std::collections::BTreeSet;

use async_trait::async_trait;
use wheelhouse_core::{
    AccountId, Bar, BarQuery, BrokerOrderId, BulkOrders, Change, ClientOrderId, CloseResolution,
    ClosedTrade, ClosedTradeQuery, ClosedTrades, Closing, Currency, Decimal, Depth, DepthLevel,
    Error, ErrorKind, Evidence, InstrumentId, MarketDepth, MarketHistory, Money, OptionChain,
    OptionContract, OptionOrder, OptionOrderRequest, OptionPosition, OptionQuery, OptionQuote,
    OptionsTrading, Order, OrderPreview, OrderPreviews, OrderQuery, OrderRequest, OrderState, Page,
    PositionChange, PositionId, PositionTrading, Price, Quantity, Result, SessionStatus, Side,
    StopLoss, Submission, Symbol, TakeProfit, TradingSchedule, TradingSessions, UnresolvedClose,
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
impl MarketHistory for MockBroker {
    async fn bars(&self, account: &AccountId, query: &BarQuery) -> Result<Vec<Bar>> {
        let call = Call::at(Operation::Bars, account).about(&query.instrument);
        let mut state = self.begin(call)?;
        let known = state.world.instrument(&query.instrument).map(|_| ());
        known.map_err(self.name(Operation::Bars))?;
        state.reached += 1;
        let bars = state.world.bars.get(&query.instrument);
        let within = |bar: &&Bar| query.from <= bar.time && bar.time <= query.to;
        Ok(bars.into_iter().flatten().filter(within).copied().collect())
    }

    async fn daily_bar(
        &self,
        account: &AccountId,
        instrument: &InstrumentId,
    ) -> Result<Option<Bar>> {
        let call = Call::at(Operation::DailyBar, account).about(instrument);
        let mut state = self.begin(call)?;
        let known = state.world.instrument(instrument).map(|_| ());
        known.map_err(self.name(Operation::DailyBar))?;
        state.reached += 1;
        let today = self.0.clock.now().date();
        let bars = state.world.bars.get(instrument).into_iter().flatten();
        Ok(bars
            .filter(|bar| bar.time.date() == today)
            .copied()
            .reduce(|day, bar| Bar {
                high: day.high.max(bar.high),
                low: day.low.min(bar.low),
                close: bar.close,
                ..day
            }))
    }
}

#[async_trait]
impl MarketDepth for MockBroker {
    async fn depth(&self, account: &AccountId, instrument: &InstrumentId) -> Result<Depth> {
        let call = Call::at(Operation::Depth, account).about(instrument);
        let mut state = self.begin(call)?;
        let known = state.world.instrument(instrument).map(|_| ());
        known.map_err(self.name(Operation::Depth))?;
        state.reached += 1;
        let level = |price: Option<Price>| {
            let size = Quantity::new(Decimal::ONE);
            price
                .map(|price| DepthLevel { price, size })
                .into_iter()
                .collect()
        };
        Ok(Depth {
            instrument: instrument.clone(),
            bids: level(state.world.market(instrument, Side::Sell)),
            asks: level(state.world.market(instrument, Side::Buy)),
        })
    }
}

#[async_trait]
impl TradingSessions for MockBroker {
    async fn trading_hours(
        &self,
        account: &AccountId,
        instrument: &InstrumentId,
    ) -> Result<TradingSchedule> {
        let call = Call::at(Operation::TradingHours, account).about(instrument);
        let mut state = self.begin(call)?;
        let known = state.world.instrument(instrument).map(|_| ());
        known.map_err(self.name(Operation::TradingHours))?;
        state.reached += 1;
        let mut schedule = TradingSchedule::default();
        schedule.blocked = Some(false);
        Ok(schedule)
    }

    async fn session_status(
        &self,
        account: &AccountId,
        instrument: &InstrumentId,
    ) -> Result<SessionStatus> {
        let call = Call::at(Operation::SessionStatus, account).about(instrument);
        let mut state = self.begin(call)?;
        let known = state.world.instrument(instrument).map(|_| ());
        known.map_err(self.name(Operation::SessionStatus))?;
        state.reached += 1;
        let types = self.0.capabilities.orders.iter();
        let types = types.map(|support| support.order_type.clone()).collect();
        Ok(SessionStatus::new(true, true, true, types))
    }
}

#[async_trait]
impl ClosedTrades for MockBroker {
    async fn closed_trades(
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

#[async_trait]
impl OptionsTrading for MockBroker {
    async fn option_chains(
        &self,
        account: &AccountId,
        underlying: &Symbol,
    ) -> Result<Vec<OptionChain>> {
        let call = Call::at(Operation::OptionChains, account).about(underlying.as_str());
        let mut state = self.begin(call)?;
        state.reached += 1;
        let contracts = state.world.contracts.iter();
        let contracts: Vec<_> = contracts
            .filter(|it| it.underlying == *underlying)
            .collect();
        let Some(first) = contracts.first() else {
            return Ok(Vec::new());
        };
        let mut chain = OptionChain::new(underlying.as_str(), underlying.clone());
        let expirations: BTreeSet<_> = contracts.iter().map(|it| it.expiration).collect();
        chain.expirations = expirations.into_iter().collect();
        chain.multiplier = Some(first.multiplier);
        chain.can_open = Some(true);
        Ok(vec![chain])
    }

    async fn option_contracts(
        &self,
        account: &AccountId,
        query: OptionQuery,
    ) -> Result<Page<OptionContract>> {
        let call = Call::at(Operation::OptionContracts, account).about(query.underlying.as_str());
        let mut state = self.begin(call)?;
        state.reached += 1;
        let of = |it: &&OptionContract| {
            it.underlying == query.underlying
                && query.expiration.is_none_or(|date| it.expiration == date)
                && query.right.is_none_or(|right| it.right == right)
                && query.strike.is_none_or(|strike| it.strike == strike)
        };
        let items = state.world.contracts.iter().filter(of).cloned().collect();
        self.page(Operation::OptionContracts, items, query.page.as_ref(), None)
    }

    async fn option_quotes(
        &self,
        account: &AccountId,
        contracts: &[InstrumentId],
    ) -> Result<Vec<OptionQuote>> {
        let mut state = self.begin(Call::at(Operation::OptionQuotes, account))?;
        state.reached += 1;
        let quote = |id: &InstrumentId| {
            let mut quote = OptionQuote::new(id.clone(), self.0.clock.now());
            quote.bid = state.world.market(id, Side::Sell);
            quote.ask = state.world.market(id, Side::Buy);
            quote
        };
        Ok(contracts.iter().map(quote).collect())
    }

    /// There are none: orders of options are kept but not executed.
    async fn option_positions(&self, account: &AccountId) -> Result<Vec<OptionPosition>> {
        let mut state = self.begin(Call::at(Operation::OptionPositions, account))?;
        state.reached += 1;
        Ok(Vec::new())
    }

    async fn option_orders(
        &self,
        account: &AccountId,
        query: OrderQuery,
    ) -> Result<Page<OptionOrder>> {
        let mut state = self.begin(Call::at(Operation::OptionOrders, account))?;
        state.reached += 1;
        let orders = state.world.option_orders.iter();
        let items = orders.filter(|it| it.order.account == *account).cloned();
        let items = items.collect();
        self.page(
            Operation::OptionOrders,
            items,
            query.page.as_ref(),
            query.limit,
        )
    }

    async fn place_option_order(&self, request: &OptionOrderRequest) -> Result<Submission> {
        let operation = Operation::PlaceOptionOrder;
        let mut state = self.begin(Call::at(operation, &request.account))?;
        let Some(leg) = request.legs.first() else {
            let message = "the order has no leg";
            return Err(self.error(operation, ErrorKind::MissingField, message));
        };
        state.reached += 1;
        state.changes += 1;
        let named = self.name(operation);
        let id = state.world.next_id(BrokerOrderId::new).map_err(&named)?;
        let client_id = match &request.client_order_id {
            Some(id) => id.clone(),
            None => state.world.next_id(ClientOrderId::new).map_err(&named)?,
        };
        let mut order = Order::new(
            id.clone(),
            request.account.clone(),
            leg.contract.clone(),
            request.direction,
            request.kind.order_type(),
            wheelhouse_core::OrderSize::Contracts(request.quantity),
        );
        order.client_order_id = Some(client_id.clone());
        order.limit_price = request.kind.limit_price();
        order.time_in_force = request.time_in_force.clone();
        order.created_at = Some(self.0.clock.now());
        let mut accepted =
            wheelhouse_core::AcceptedOrder::new(id, client_id, request.account.clone());
        accepted.state = order.state.clone();
        let legs = request.legs.clone();
        state
            .world
            .option_orders
            .push(OptionOrder::new(order, legs));
        Ok(Submission::Accepted(accepted))
    }

    async fn cancel_option_order(&self, account: &AccountId, order: &BrokerOrderId) -> Result<()> {
        let operation = Operation::CancelOptionOrder;
        let mut state = self.begin(Call::at(operation, account).about(order))?;
        state.reached += 1;
        state.changes += 1;
        let mut orders = state.world.option_orders.iter_mut();
        let found = orders.find(|it| it.order.account == *account && it.order.id == *order);
        match found {
            Some(it) if it.order.state.is_final() => Ok(()),
            Some(it) => {
                it.order.state = OrderState::Canceled;
                Ok(())
            }
            None => Err(self.error(operation, ErrorKind::NotFound, "there is no such order")),
        }
    }
}
