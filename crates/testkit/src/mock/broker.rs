use async_trait::async_trait;
use time::OffsetDateTime;
use wheelhouse_core::{
    AcceptedOrder, AccountId, AccountSummary, Accounts, Broker, BrokerId, BrokerOrderId,
    BulkOrders, Capabilities, ClientOrderId, ClosedTrades, Confirmation, Error, ErrorKind,
    Evidence, Execution, ExecutionQuery, Instrument, InstrumentId, InstrumentQuery, MarketDepth,
    MarketHistory, OptionsTrading, Order, OrderChange, OrderPreviews, OrderQuery, OrderRequest,
    OrderState, OrderStatusFilter, Page, PageToken, Position, PositionQuery, PositionTrading,
    PreviewNeed, Price, Quote, Rejection, ReplaceSupport, Resolution, Result, Streaming,
    Submission, Symbol, TradingSessions, UnresolvedOrder,
};

use super::{Call, MockBroker, Operation, PlacementAnswer, state::State};

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

impl MockBroker {
    /// Checks an order as an adapter does, without the broker, and gives it an identifier.
    pub(super) fn check(
        &self,
        state: &State,
        request: &OrderRequest,
        operation: Operation,
    ) -> Result<ClientOrderId> {
        let named = self.name(operation);
        self.0.capabilities.check_order(request).map_err(&named)?;
        let instrument = state
            .world
            .instrument(&request.instrument)
            .map_err(&named)?;
        let market = state.world.market(&request.instrument, request.side);
        request
            .check(&self.0.capabilities, instrument, market)
            .map_err(&named)?;
        let Some(id) = &request.client_order_id else {
            let number = u64::try_from(state.world.orders.len() + state.calls.len());
            let mut random = [0; 10];
            random[..8].copy_from_slice(&number.unwrap_or(u64::MAX).to_be_bytes());
            let millis = self.0.clock.now().unix_timestamp_nanos() / 1_000_000;
            let millis = u64::try_from(millis).unwrap_or_default();
            return ClientOrderId::generate("MOCK-", millis, random).map_err(named);
        };
        let known = state.world.by_client_id(&request.account, id);
        let deduplicates = self.0.capabilities.client_order_id.deduplicated;
        if deduplicates && known.is_some_and(|order| !same(order, request)) {
            let message = format!("the client order id {id} was used for another order");
            return Err(named(Error::new(ErrorKind::ClientOrderIdReused, message)));
        }
        Ok(id.clone())
    }

    fn answer(
        &self,
        state: &mut State,
        request: &OrderRequest,
        id: ClientOrderId,
        answer: PlacementAnswer,
    ) -> Result<Submission> {
        let now = self.0.clock.now();
        let deduplicates = self.0.capabilities.client_order_id.deduplicated;
        if deduplicates && let Some(order) = state.world.by_client_id(&request.account, &id) {
            return Ok(Submission::Accepted(accepted(order, id)));
        }
        let market = state.world.market(&request.instrument, request.side);
        if request.kind == wheelhouse_core::OrderKind::Market && market.is_none() {
            let reason = wheelhouse_core::RejectReason::MarketClosed;
            let rejection = Rejection::new(id, reason, "nobody trades the instrument");
            return Ok(Submission::Rejected(rejection));
        }
        Ok(match answer {
            PlacementAnswer::Accept => {
                let order = state.world.place(request, id.clone(), now)?;
                Submission::Accepted(accepted(&order, id))
            }
            PlacementAnswer::Fill => {
                let mut order = state.world.place(request, id.clone(), now)?;
                if !order.state.is_final() {
                    state.world.fill(&order.id, None, now)?;
                    order.state = OrderState::Filled;
                }
                Submission::Accepted(accepted(&order, id))
            }
            PlacementAnswer::Lost { placed, unclear } => {
                if placed {
                    state.world.place(request, id.clone(), now)?;
                }
                state.unclear.insert(id.clone(), unclear);
                let cause = Error::new(ErrorKind::Timeout, "no answer in time");
                let broker = self.0.id.clone();
                let request = request.clone();
                Submission::Unknown(UnresolvedOrder::new(broker, id, request, now, &cause))
            }
            PlacementAnswer::Reject { reason, message } => {
                Submission::Rejected(Rejection::new(id, reason, message))
            }
            PlacementAnswer::Ask(questions) => {
                let token = state.world.next_id(Ok)?;
                state.asked.insert(token.clone(), request.clone());
                let account = request.account.clone();
                Submission::NeedsConfirmation(Confirmation::new(id, account, questions, token))
            }
            PlacementAnswer::Exactly(submission) => *submission,
        })
    }

    fn replace(
        &self,
        state: &mut State,
        account: &AccountId,
        id: &BrokerOrderId,
        change: &OrderChange,
    ) -> Result<BrokerOrderId> {
        let now = self.0.clock.now();
        let at = state.world.order_at(account, id)?;
        let mut order = state.world.orders[at].clone();
        let rules = &state.world.instrument(&order.instrument)?.rules;
        if let Some(size) = change.size {
            rules.check_quantity(wheelhouse_core::Quantity::new(size.amount()))?;
        }
        let prices: [(&str, Option<Price>); 2] = [
            ("limit price", change.limit_price),
            ("stop price", change.stop_price),
        ];
        for (what, price) in prices {
            price.map_or(Ok(()), |price| rules.check_price(what, price))?;
        }
        state.reached += 1;
        state.changes += 1;
        if order.state.is_final() {
            let message = "the order is final";
            return Err(Error::new(ErrorKind::InvalidRequest, message));
        }
        let mut before = order.clone();
        order.size = change.size.unwrap_or(order.size);
        order.limit_price = change.limit_price.or(order.limit_price);
        order.stop_price = change.stop_price.or(order.stop_price);
        order.stop_loss = change.stop_loss.or(order.stop_loss);
        order.take_profit = change.take_profit.or(order.take_profit);
        if let Some(time_in_force) = &change.time_in_force {
            order.time_in_force = time_in_force.clone();
        }
        if self.0.capabilities.replace == ReplaceSupport::NewId {
            order.id = state.world.next_id(BrokerOrderId::new)?;
            before.state = OrderState::Replaced;
            state.world.keep(before, now);
        }
        let id = order.id.clone();
        state.world.keep(order, now);
        Ok(id)
    }

    pub(super) fn page<T>(
        &self,
        operation: Operation,
        mut items: Vec<T>,
        token: Option<&PageToken>,
        limit: Option<u32>,
    ) -> Result<Page<T>> {
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        let size = self.0.page_size.min(limit.unwrap_or(usize::MAX)).max(1);
        let start = match token {
            None => 0,
            Some(token) => token.as_str().parse().map_err(|_| {
                let message = "the page token is not this broker's";
                self.error(operation, ErrorKind::InvalidInput, message)
            })?,
        };
        let end = size.saturating_add(start);
        let next = (items.len() > end).then(|| PageToken::new(end.to_string()));
        items.truncate(end);
        items.drain(..start.min(items.len()));
        Ok(Page { items, next })
    }

    fn echoes(&self) -> bool {
        self.0.capabilities.client_order_id.echoed.is_there()
    }

    /// An order as this broker shows it.
    fn shown(&self, mut order: Order) -> Order {
        if !self.echoes() {
            order.client_order_id = None;
        }
        order
    }

    fn shown_position(&self, mut position: Position) -> Position {
        if !self.echoes() {
            position.client_order_id = None;
        }
        position
    }
}

fn accepted(order: &Order, id: ClientOrderId) -> AcceptedOrder {
    let mut accepted = AcceptedOrder::new(order.id.clone(), id, order.account.clone());
    accepted.state = order.state.clone();
    accepted
}

fn same(order: &Order, request: &OrderRequest) -> bool {
    order.instrument == request.instrument
        && order.side == request.side
        && order.size == request.size
        && order.order_type == request.kind.order_type()
        && order.limit_price == request.kind.limit_price()
        && order.stop_price == request.kind.stop_price()
        && order.stop_loss == request.stop_loss
        && order.take_profit == request.take_profit
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
