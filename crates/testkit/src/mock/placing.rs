use wheelhouse_core::{
    AcceptedOrder, AccountId, BrokerOrderId, ClientOrderId, Confirmation, Error, ErrorKind, Order,
    OrderChange, OrderRequest, OrderState, Page, PageToken, Position, Price, Rejection,
    ReplaceSupport, Result, Submission, UnresolvedOrder,
};

use super::{MockBroker, Operation, PlacementAnswer, state::State};

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

    pub(super) fn answer(
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

    pub(super) fn replace(
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

    pub(super) fn echoes(&self) -> bool {
        self.0.capabilities.client_order_id.echoed.is_there()
    }

    /// An order as this broker shows it.
    pub(super) fn shown(&self, mut order: Order) -> Order {
        if !self.echoes() {
            order.client_order_id = None;
        }
        order
    }

    pub(super) fn shown_position(&self, mut position: Position) -> Position {
        if !self.echoes() {
            position.client_order_id = None;
        }
        position
    }
}

pub(super) fn accepted(order: &Order, id: ClientOrderId) -> AcceptedOrder {
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
