use std::collections::BTreeMap;

use time::OffsetDateTime;
use wheelhouse_core::{
    Account, AccountId, AccountSummary, Bar, BrokerOrderId, ClientOrderId, ClosedTrade, Currency,
    Decimal, Error, ErrorKind, EventKind, Execution, ExecutionId, Instrument, InstrumentId,
    OptionContract, OptionOrder, OptionPosition, Order, OrderKind, OrderRequest, OrderState,
    Position, PositionEffect, PositionId, Price, Quantity, Quote, Result, Side, TimeInForce,
};

use super::events::{About, Happened};

/// What the broker has: the truth, whatever it answers.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) accounts: Vec<Account>,
    pub(super) cash: BTreeMap<AccountId, Decimal>,
    pub(super) instruments: Vec<Instrument>,
    pub(super) quotes: BTreeMap<InstrumentId, Quote>,
    pub(super) bars: BTreeMap<InstrumentId, Vec<Bar>>,
    pub(super) contracts: Vec<OptionContract>,
    pub(super) option_positions: Vec<OptionPosition>,
    pub(super) set_aside: BTreeMap<AccountId, Decimal>,
    pub(super) orders: Vec<Order>,
    pub(super) option_orders: Vec<OptionOrder>,
    pub(super) positions: Vec<Position>,
    pub(super) executions: Vec<Execution>,
    pub(super) closed: Vec<(AccountId, ClosedTrade)>,
    /// What followers have not been told yet.
    pub(super) happened: Vec<Happened>,
    last_id: u64,
}

impl World {
    pub(super) fn has_account(&self, account: &AccountId) -> bool {
        self.accounts.iter().any(|known| known.id == *account)
    }

    pub(super) fn instrument(&self, id: &InstrumentId) -> Result<&Instrument> {
        let found = self.instruments.iter().find(|known| known.id == *id);
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, "there is no such instrument"))
    }

    pub(super) fn order_at(&self, account: &AccountId, id: &BrokerOrderId) -> Result<usize> {
        let found = self
            .orders
            .iter()
            .position(|order| order.account == *account && order.id == *id);
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, "there is no such order"))
    }

    pub(super) fn position_at(&self, account: &AccountId, id: &PositionId) -> Result<usize> {
        let found = self
            .positions
            .iter()
            .position(|position| position.account == *account && position.id == *id);
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, "there is no such position"))
    }

    pub(super) fn by_client_id(&self, account: &AccountId, id: &ClientOrderId) -> Option<&Order> {
        self.orders
            .iter()
            .find(|order| order.account == *account && order.client_order_id.as_ref() == Some(id))
    }

    pub(super) fn option_order_by_client_id(
        &self,
        account: &AccountId,
        id: &ClientOrderId,
    ) -> Option<&OptionOrder> {
        let is_it =
            |order: &Order| order.account == *account && order.client_order_id.as_ref() == Some(id);
        self.option_orders.iter().find(|it| is_it(&it.order))
    }

    /// The price at which somebody can buy or sell now.
    pub(super) fn market(&self, instrument: &InstrumentId, side: Side) -> Option<Price> {
        let quote = self.quotes.get(instrument)?;
        match side {
            Side::Buy => quote.ask,
            Side::Sell => quote.bid,
        }
    }

    pub(super) fn set_quote(&mut self, quote: Quote) {
        let about = About::Quote(quote.instrument.clone());
        let kind = EventKind::Quote(Box::new(quote.clone()));
        self.quotes.insert(quote.instrument.clone(), quote);
        self.happened.push(Happened { about, kind });
    }

    /// Takes an order: market orders fill at once, others rest.
    pub(super) fn place(
        &mut self,
        request: &OrderRequest,
        client_order_id: ClientOrderId,
        now: OffsetDateTime,
    ) -> Result<Order> {
        let mut order = Order::new(
            self.next_id(BrokerOrderId::new)?,
            request.account.clone(),
            request.instrument.clone(),
            request.side,
            request.kind.order_type(),
            request.size,
        );
        order.client_order_id = Some(client_order_id);
        order.symbol = Some(self.instrument(&request.instrument)?.symbol.clone());
        order.limit_price = request.kind.limit_price();
        order.stop_price = request.kind.stop_price();
        order.time_in_force = match (&request.time_in_force, &request.kind) {
            (Some(chosen), _) => chosen.clone(),
            (None, OrderKind::Market) => TimeInForce::Ioc,
            (None, _) => TimeInForce::Gtc,
        };
        order.effect = request.effect;
        order.stop_loss = request.stop_loss;
        order.take_profit = request.take_profit;
        order.created_at = Some(now);
        let id = order.id.clone();
        self.keep(order, now);
        if request.kind == OrderKind::Market {
            self.fill(&id, None, now)?;
        }
        let at = self.order_at(&request.account, &id)?;
        Ok(self.orders[at].clone())
    }

    /// Executes an order, wholly or in part, which opens or enlarges its position.
    pub(super) fn fill(
        &mut self,
        id: &BrokerOrderId,
        quantity: Option<Quantity>,
        now: OffsetDateTime,
    ) -> Result<()> {
        let mut order = match self.orders.iter().find(|order| order.id == *id) {
            Some(order) if order.state.is_final() => return Err(invalid("the order is final")),
            Some(order) => order.clone(),
            None => return Err(Error::new(ErrorKind::NotFound, "there is no such order")),
        };
        let left = order.size.amount() - order.filled.value();
        let executed = quantity.map_or(left, Quantity::value);
        if executed <= Decimal::ZERO || executed > left {
            return Err(invalid("that is not a part of what is left of the order"));
        }
        let price = order
            .limit_price
            .or(order.stop_price)
            .or(self.market(&order.instrument, order.side))
            .ok_or_else(|| invalid("nobody trades the instrument"))?;
        let position = match &order.position {
            Some(position) => position.clone(),
            None => self.next_id(PositionId::new)?,
        };
        order.average_price = Some(mean(
            (order.average_price.unwrap_or(price), order.filled.value()),
            (price, executed),
        ));
        order.filled = Quantity::new(order.filled.value() + executed);
        order.position = Some(position);
        order.state = if executed == left {
            OrderState::Filled
        } else {
            OrderState::PartiallyFilled
        };
        self.record_execution(&order, Quantity::new(executed), price, now)?;
        self.keep(order.clone(), now);
        match (order.effect, &order.position) {
            (Some(PositionEffect::Close), Some(id))
                if self.position_at(&order.account, id).is_ok() =>
            {
                self.reduce(&order.account, id, (executed, price), now)
            }
            _ => self.enlarge_position(&order, now),
        }
    }

    /// Cancels an order unless it is final.
    pub(super) fn cancel(&mut self, at: usize, now: OffsetDateTime) {
        let mut order = self.orders[at].clone();
        if !order.state.is_final() {
            order.state = OrderState::Canceled;
            self.keep(order, now);
        }
    }

    /// Adds or replaces an order, and tells it.
    pub(super) fn keep(&mut self, mut order: Order, now: OffsetDateTime) {
        order.updated_at = Some(now);
        self.tell(
            &order.account.clone(),
            EventKind::Order(Box::new(order.clone())),
        );
        match self.orders.iter_mut().find(|known| known.id == order.id) {
            Some(known) => *known = order,
            None => self.orders.push(order),
        }
    }

    pub(super) fn summary(&self, account: &AccountId, now: OffsetDateTime) -> AccountSummary {
        let mut summary = AccountSummary::new(account.clone(), now);
        let positions: Vec<_> = self
            .positions
            .iter()
            .filter(|position| position.account == *account)
            .map(|position| self.valued(position))
            .collect();
        let open: Decimal = positions
            .iter()
            .filter_map(|position| position.unrealized_pnl)
            .map(|money| money.amount)
            .sum();
        let orders = self.orders.iter();
        let orders = orders.filter(|order| order.account == *account && order.state.is_open());
        let cash = self.cash.get(account).copied().unwrap_or_default();
        summary.currency = Some(self.currency(account));
        summary.cash = Some(cash);
        summary.equity = Some(cash + open);
        summary.buying_power = Some(cash + open);
        summary.options_collateral = self.set_aside.get(account).copied();
        summary.open_pnl = Some(open);
        summary.position_count = u32::try_from(positions.len()).ok();
        summary.order_count = u32::try_from(orders.count()).ok();
        summary
    }

    pub(super) fn currency(&self, account: &AccountId) -> Currency {
        let account = self.accounts.iter().find(|known| known.id == *account);
        account
            .and_then(|account| account.currency)
            .unwrap_or(Currency::USD)
    }

    pub(super) fn next_id<T>(&mut self, make: impl FnOnce(String) -> Result<T>) -> Result<T> {
        self.last_id += 1;
        make((100_000 + self.last_id).to_string())
    }

    pub(super) fn record_execution(
        &mut self,
        order: &Order,
        quantity: Quantity,
        price: Price,
        now: OffsetDateTime,
    ) -> Result<()> {
        let mut execution = Execution::new(
            self.next_id(ExecutionId::new)?,
            order.id.clone(),
            order.account.clone(),
            order.side,
            quantity,
            price,
        );
        execution.instrument = Some(order.instrument.clone());
        execution.position = order.position.clone();
        execution.time = Some(now);
        let kind = EventKind::Execution(Box::new(execution.clone()));
        self.tell(&order.account, kind);
        self.executions.push(execution);
        Ok(())
    }

    pub(super) fn cancel_one(&mut self, id: Option<BrokerOrderId>, now: OffsetDateTime) {
        if let Some(at) = self
            .orders
            .iter()
            .position(|order| Some(&order.id) == id.as_ref())
        {
            self.cancel(at, now);
        }
    }

    pub(super) fn tell(&mut self, account: &AccountId, kind: EventKind) {
        let about = About::Account(account.clone());
        self.happened.push(Happened { about, kind });
    }
}

fn mean((a, of_a): (Price, Decimal), (b, of_b): (Price, Decimal)) -> Price {
    let sum = a.value() * of_a + b.value() * of_b;
    Price::new(
        sum.checked_div(of_a + of_b)
            .unwrap_or(b.value())
            .normalize(),
    )
}

fn invalid(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}
