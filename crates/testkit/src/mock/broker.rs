use async_trait::async_trait;
use time::OffsetDateTime;
use wheelhouse_core::{
    AccountId, AccountSummary, Accounts, Broker, BrokerId, BrokerOrderId, BulkOrders, Capabilities,
    ClientOrderId, ClosedTrades, Confirmation, ErrorKind, Evidence, Execution, ExecutionQuery,
    Instrument, InstrumentId, InstrumentQuery, MarketDepth, MarketHistory, OptionsTrading, Order,
    OrderChange, OrderPreviews, OrderQuery, OrderRequest, OrderStatusFilter, Page, Position,
    PositionQuery, PositionTrading, PreviewNeed, Quote, ReplaceSupport, Resolution, Result,
    Streaming, Submission, Symbol, TradingSessions, UnresolvedOrder,
};

use super::{Call, MockBroker, Operation};

#[async_trait]
impl Broker for MockBroker {
    fn id(&self) -> BrokerId {
        self.0.id.clone()
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities.clone()
    }

    async fn accounts(&self) -> Result<Accounts> {
        let mut state = self.begin(Call::new(Operation::Accounts))?;
        state.reached += 1;
        Ok(state.world.accounts.clone().into())
    }

    async fn account_summary(&self, account: &AccountId) -> Result<AccountSummary> {
        let mut state = self.begin(Call::at(Operation::AccountSummary, account))?;
        state.reached += 1;
        Ok(state.world.summary(account, self.0.clock.now()))
    }

    async fn positions(&self, account: &AccountId, query: PositionQuery) -> Result<Page<Position>> {
        let mut state = self.begin(Call::at(Operation::Positions, account))?;
        state.reached += 1;
        let of = |position: &&Position| {
            position.account == *account
                && query
                    .instrument
                    .as_ref()
                    .is_none_or(|i| position.instrument == *i)
        };
        let world = &state.world;
        let items = world
            .positions
            .iter()
            .filter(of)
            .map(|p| self.shown_position(world.valued(p)));
        self.page(
            Operation::Positions,
            items.collect(),
            query.page.as_ref(),
            None,
        )
    }

    async fn orders(&self, account: &AccountId, query: OrderQuery) -> Result<Page<Order>> {
        let mut state = self.begin(Call::at(Operation::Orders, account))?;
        state.reached += 1;
        let of = |order: &&Order| order.account == *account && fits(order, &query);
        let orders = state.world.orders.iter().filter(of);
        let items = orders.cloned().map(|order| self.shown(order)).collect();
        self.page(Operation::Orders, items, query.page.as_ref(), query.limit)
    }

    async fn order(&self, account: &AccountId, order: &BrokerOrderId) -> Result<Order> {
        let mut state = self.begin(Call::at(Operation::Order, account).about(order))?;
        state.reached += 1;
        let at = state.world.order_at(account, order);
        let at = at.map_err(self.name(Operation::Order))?;
        Ok(self.shown(state.world.orders[at].clone()))
    }

    async fn order_by_client_id(
        &self,
        account: &AccountId,
        id: &ClientOrderId,
    ) -> Result<Option<Order>> {
        self.need(self.echoes(), Operation::OrderByClientId)?;
        let mut state = self.begin(Call::at(Operation::OrderByClientId, account).about(id))?;
        state.reached += 1;
        Ok(state.world.by_client_id(account, id).cloned())
    }

    async fn executions(
        &self,
        account: &AccountId,
        query: ExecutionQuery,
    ) -> Result<Page<Execution>> {
        self.need(
            self.0.capabilities.executions.is_there(),
            Operation::Executions,
        )?;
        let mut state = self.begin(Call::at(Operation::Executions, account))?;
        state.reached += 1;
        let of = |execution: &&Execution| {
            execution.account == *account
                && (query.instrument.is_none() || execution.instrument == query.instrument)
                && query.from.is_none_or(|from| execution.time >= Some(from))
        };
        let items = state.world.executions.iter().filter(of).cloned().collect();
        self.page(Operation::Executions, items, query.page.as_ref(), None)
    }

    async fn instruments(
        &self,
        account: &AccountId,
        query: InstrumentQuery,
    ) -> Result<Page<Instrument>> {
        let mut state = self.begin(Call::at(Operation::Instruments, account))?;
        state.reached += 1;
        let text = query.text.as_deref().unwrap_or_default().to_lowercase();
        let of = |instrument: &&Instrument| {
            let name = instrument.name.as_deref().unwrap_or_default();
            let named = [instrument.symbol.as_str(), name]
                .iter()
                .any(|it| it.to_lowercase().contains(&text));
            named
                && query
                    .kind
                    .as_ref()
                    .is_none_or(|kind| instrument.kind == *kind)
        };
        let items = state.world.instruments.iter().filter(of).cloned().collect();
        self.page(Operation::Instruments, items, query.page.as_ref(), None)
    }

    async fn instrument(&self, account: &AccountId, symbol: &Symbol) -> Result<Instrument> {
        let call = Call::at(Operation::Instrument, account).about(symbol.as_str());
        let mut state = self.begin(call)?;
        state.reached += 1;
        let mut known = state.world.instruments.iter();
        let found = known
            .find(|instrument| instrument.symbol == *symbol)
            .cloned();
        found.ok_or_else(|| {
            let message = format!("there is no instrument {symbol}");
            self.error(Operation::Instrument, ErrorKind::NotFound, message)
        })
    }

    async fn quotes(
        &self,
        account: &AccountId,
        instruments: &[InstrumentId],
    ) -> Result<Vec<Quote>> {
        let mut state = self.begin(Call::at(Operation::Quotes, account))?;
        state.reached += 1;
        let quote = |id: &InstrumentId| {
            state.world.instrument(id)?;
            let known = state.world.quotes.get(id).cloned();
            Ok(known.unwrap_or_else(|| Quote::new(id.clone(), self.0.clock.now())))
        };
        let quotes: Result<Vec<_>> = instruments.iter().map(quote).collect();
        quotes.map_err(self.name(Operation::Quotes))
    }

    async fn place_order(&self, request: &OrderRequest) -> Result<Submission> {
        let call = Call::at(Operation::PlaceOrder, &request.account).placing(request);
        let mut state = self.begin(call)?;
        let id = self.check(&state, request, Operation::PlaceOrder)?;
        state.reached += 1;
        state.changes += 1;
        let answer = state.placements.pop_front().unwrap_or_default();
        let submission = self.answer(&mut state, request, id, answer);
        state.publish(self.0.clock.now());
        submission.map_err(self.name(Operation::PlaceOrder))
    }

    async fn confirm_order(&self, confirmation: &Confirmation) -> Result<Submission> {
        self.need(self.0.capabilities.asks_questions, Operation::ConfirmOrder)?;
        let call = Call::at(Operation::ConfirmOrder, &confirmation.account)
            .about(&confirmation.client_order_id);
        let mut state = self.begin(call)?;
        let Some(request) = state.asked.remove(&confirmation.token) else {
            let message = "there is no such question";
            return Err(self.error(Operation::ConfirmOrder, ErrorKind::NotFound, message));
        };
        state.reached += 1;
        state.changes += 1;
        let answer = state.placements.pop_front().unwrap_or_default();
        let id = confirmation.client_order_id.clone();
        let submission = self.answer(&mut state, &request, id, answer);
        state.publish(self.0.clock.now());
        submission.map_err(self.name(Operation::ConfirmOrder))
    }

    async fn resolve(&self, open: &UnresolvedOrder) -> Result<Resolution> {
        let account = &open.request.account;
        let call = Call::at(Operation::Resolve, account).about(&open.client_order_id);
        if open.broker != self.0.id {
            let message = format!("the order was placed at {}", open.broker);
            return Err(self.error(Operation::Resolve, ErrorKind::InvalidInput, message));
        }
        let mut state = self.begin(call)?;
        state.reached += 1;
        let now = self.0.clock.now();
        let mut evidence = Evidence::new(now);
        if let Some(unclear) = state
            .unclear
            .get_mut(&open.client_order_id)
            .filter(|n| **n > 0)
        {
            *unclear = unclear.saturating_sub(u32::from(*unclear != u32::MAX));
            evidence.failed_reads = 1;
            return Ok(Resolution::Unknown(Box::new(open.clone()), evidence));
        }
        evidence.complete_reads = 3;
        evidence.last_read_at = Some(now);
        Ok(
            match state.world.by_client_id(account, &open.client_order_id) {
                Some(order) => Resolution::Found(Box::new(self.shown(order.clone()))),
                None => Resolution::NotFound(evidence),
            },
        )
    }

    async fn replace_order(
        &self,
        account: &AccountId,
        order: &BrokerOrderId,
        change: &OrderChange,
    ) -> Result<BrokerOrderId> {
        let support = self.0.capabilities.replace;
        self.need(support != ReplaceSupport::No, Operation::ReplaceOrder)?;
        let mut state = self.begin(Call::at(Operation::ReplaceOrder, account).about(order))?;
        let replaced = self.replace(&mut state, account, order, change);
        state.publish(self.0.clock.now());
        replaced.map_err(self.name(Operation::ReplaceOrder))
    }

    async fn cancel_order(&self, account: &AccountId, order: &BrokerOrderId) -> Result<()> {
        let mut state = self.begin(Call::at(Operation::CancelOrder, account).about(order))?;
        state.reached += 1;
        state.changes += 1;
        let at = state.world.order_at(account, order);
        let at = at.map_err(self.name(Operation::CancelOrder))?;
        let now = self.0.clock.now();
        state.world.cancel(at, now);
        state.publish(now);
        Ok(())
    }

    fn bulk_orders(&self) -> Option<&dyn BulkOrders> {
        let there = self.0.capabilities.cancel_all.is_there();
        there.then_some(self as _)
    }

    fn closed_trades(&self) -> Option<&dyn ClosedTrades> {
        let there = self.0.capabilities.closed_trades.is_there();
        there.then_some(self as _)
    }

    fn market_depth(&self) -> Option<&dyn MarketDepth> {
        let there = self.0.capabilities.market_depth.is_there();
        there.then_some(self as _)
    }

    fn market_history(&self) -> Option<&dyn MarketHistory> {
        let there = self.0.capabilities.market_history.is_there();
        there.then_some(self as _)
    }

    fn options(&self) -> Option<&dyn OptionsTrading> {
        let there = self.0.capabilities.options.is_there();
        there.then_some(self as _)
    }

    fn order_previews(&self) -> Option<&dyn OrderPreviews> {
        let there = self.0.capabilities.preview != PreviewNeed::No;
        there.then_some(self as _)
    }

    fn position_trading(&self) -> Option<&dyn PositionTrading> {
        let there = self.0.capabilities.close_position.is_there();
        there.then_some(self as _)
    }

    fn streaming(&self) -> Option<&dyn Streaming> {
        let there = self.0.capabilities.streaming.is_there();
        there.then_some(self as _)
    }

    fn trading_sessions(&self) -> Option<&dyn TradingSessions> {
        let there = self.0.capabilities.trading_sessions.is_there();
        there.then_some(self as _)
    }
}

fn fits(order: &Order, query: &OrderQuery) -> bool {
    let status = match query.status {
        Some(OrderStatusFilter::Final) => order.state.is_final(),
        Some(OrderStatusFilter::Open) => !order.state.is_final(),
        _ => true,
    };
    let after = |from: OffsetDateTime| order.created_at.is_none_or(|at| at >= from);
    let before = |to: OffsetDateTime| order.created_at.is_none_or(|at| at <= to);
    status
        && query
            .instrument
            .as_ref()
            .is_none_or(|id| order.instrument == *id)
        && query.from.is_none_or(after)
        && query.to.is_none_or(before)
}
