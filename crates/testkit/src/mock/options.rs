use std::collections::BTreeSet;

use async_trait::async_trait;
use wheelhouse_core::{
    AccountId, BrokerOrderId, ClientOrderId, ErrorKind, InstrumentId, OptionChain, OptionContract,
    OptionOrder, OptionOrderRequest, OptionPosition, OptionQuery, OptionQuote, OptionsTrading,
    Order, OrderQuery, OrderSize, OrderState, Page, Result, Side, Submission, Symbol,
};

use super::{Call, MockBroker, Operation, placing::accepted};

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

    /// Those that were there before: orders of options are kept but not executed.
    async fn option_positions(&self, account: &AccountId) -> Result<Vec<OptionPosition>> {
        let mut state = self.begin(Call::at(Operation::OptionPositions, account))?;
        state.reached += 1;
        let held = state.world.option_positions.iter();
        Ok(held.filter(|it| it.account == *account).cloned().collect())
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
        let deduplicates = self.0.capabilities.client_order_id.options_deduplicated;
        if let Some(id) = request.client_order_id.as_ref().filter(|_| deduplicates)
            && let Some(known) = state.world.option_order_by_client_id(&request.account, id)
        {
            if same(known, request) {
                return Ok(Submission::Accepted(accepted(&known.order, id.clone())));
            }
            let message = format!("the client order id {id} was used for another order");
            return Err(self.error(operation, ErrorKind::ClientOrderIdReused, message));
        }
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
            OrderSize::Contracts(request.quantity),
        );
        order.client_order_id = Some(client_id.clone());
        order.limit_price = request.kind.limit_price();
        order.time_in_force = request.time_in_force.clone();
        order.created_at = Some(self.0.clock.now());
        let accepted = accepted(&order, client_id);
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

fn same(known: &OptionOrder, request: &OptionOrderRequest) -> bool {
    known.legs == request.legs
        && known.order.side == request.direction
        && known.order.size == OrderSize::Contracts(request.quantity)
        && known.order.order_type == request.kind.order_type()
        && known.order.limit_price == request.kind.limit_price()
}
