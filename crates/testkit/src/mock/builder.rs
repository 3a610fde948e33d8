use std::sync::{Arc, Mutex};

use wheelhouse_core::{
    Account, AccountId, Bar, BrokerId, Capabilities, ClientOrderIdSupport, Clock, Decimal,
    Instrument, OptionContract, OptionPosition, Order, OrderType, Position, PreviewNeed, Price,
    Quote, ReplaceSupport, SizeUnit, Support, TimeInForce, dec,
};

use super::{Inner, MockBroker, state::State};
use crate::{ManualClock, fixtures};

/// Something that a broker may lack, to be taken from a mock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ability {
    /// Stop loss and take profit along with an order.
    Brackets,
    /// Cancelling all orders at once.
    CancelAll,
    /// Closing and changing positions.
    ClosePosition,
    /// Reading closed trades.
    ClosedTrades,
    /// Showing this side's order identifier, and refusing its second use.
    ClientOrderId,
    /// Reading executions.
    Executions,
    /// Reading order books.
    MarketDepth,
    /// Reading price history.
    MarketHistory,
    /// Options.
    Options,
    /// Closing parts of positions.
    PartialClose,
    /// Previewing orders.
    Preview,
    /// Questions before an order is taken.
    Questions,
    /// Changing working orders.
    Replace,
    /// Events as they happen.
    Streaming,
    /// Reading trading hours.
    TradingSessions,
}

/// Makes a [`MockBroker`].
///
/// ```
/// use wheelhouse_core::{Broker, dec};
/// use wheelhouse_testkit::{Ability, MockBroker, fixtures};
///
/// let eurusd = fixtures::eurusd();
/// let mock = MockBroker::builder()
///     .account(fixtures::account())
///     .instrument(eurusd.clone(), dec!(1.08000), dec!(1.08020))
///     .without(Ability::Streaming)
///     .build();
/// assert!(mock.streaming().is_none());
/// assert!(!mock.capabilities().streaming.is_there());
/// ```
#[derive(Debug)]
#[must_use]
pub struct MockBrokerBuilder {
    id: BrokerId,
    capabilities: Capabilities,
    clock: Arc<dyn Clock>,
    page_size: usize,
    state: State,
}

impl MockBrokerBuilder {
    pub(super) fn new() -> Self {
        // The text is fit for an identifier; a broker of another name is as good for a mock.
        let id = BrokerId::new("mock").unwrap_or_else(|_| BrokerId::tradelocker());
        Self {
            capabilities: everything(id.clone()),
            id,
            clock: Arc::new(ManualClock::new()),
            page_size: usize::MAX,
            state: State::default(),
        }
    }

    /// Plays another broker. The default is `mock`.
    pub fn id(mut self, id: BrokerId) -> Self {
        self.capabilities.broker = id.clone();
        self.id = id;
        self
    }

    /// Sets the clock that orders are dated by. The default is a [`ManualClock`] of its own.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Adds what [`MockBroker::new`] has.
    pub fn with_fixtures(self) -> Self {
        self.account(fixtures::account())
            .instrument(fixtures::eurusd(), dec!(1.08000), dec!(1.08020))
            .instrument(fixtures::btcusd(), dec!(60000), dec!(60010))
    }

    /// Adds an account with its balance as cash.
    pub fn account(mut self, account: Account) -> Self {
        let cash = account.balance.map_or(Decimal::ZERO, |money| money.amount);
        self.state.world.cash.insert(account.id.clone(), cash);
        self.state.world.accounts.push(account);
        self
    }

    /// Adds an instrument with its prices.
    pub fn instrument(
        self,
        instrument: Instrument,
        bid: impl Into<Price>,
        ask: impl Into<Price>,
    ) -> Self {
        let quote = fixtures::quote(&instrument, bid, ask);
        self.instrument_without_price(instrument).quote(quote)
    }

    /// Adds an instrument that nobody trades: market orders of it are refused.
    pub fn instrument_without_price(mut self, instrument: Instrument) -> Self {
        self.state.world.instruments.push(instrument);
        self
    }

    /// Adds or replaces a quote.
    pub fn quote(mut self, quote: Quote) -> Self {
        let id = quote.instrument.clone();
        self.state.world.quotes.insert(id, quote);
        self
    }

    /// Adds bars, which history reads give back whatever the interval.
    pub fn bars(mut self, instrument: &Instrument, bars: Vec<Bar>) -> Self {
        self.state.world.bars.insert(instrument.id.clone(), bars);
        self
    }

    /// Adds an option contract; chains are made from the contracts.
    pub fn option(mut self, contract: OptionContract) -> Self {
        self.state.world.contracts.push(contract);
        self
    }

    /// Adds options that were held or written before.
    pub fn option_position(mut self, position: OptionPosition) -> Self {
        self.state.world.option_positions.push(position);
        self
    }

    /// Says how much of an account's cash is set aside for written options.
    pub fn options_collateral(mut self, account: &AccountId, cash: Decimal) -> Self {
        self.state.world.set_aside.insert(account.clone(), cash);
        self
    }

    /// Adds an order that was there before.
    pub fn order(mut self, order: Order) -> Self {
        self.state.world.orders.push(order);
        self
    }

    /// Adds a position that was there before.
    pub fn position(mut self, position: Position) -> Self {
        self.state.world.positions.push(position);
        self
    }

    /// Gives at most this many objects a page, to test paging. The default is all.
    pub fn page_size(mut self, size: usize) -> Self {
        self.page_size = size.max(1);
        self
    }

    /// Takes an ability away: the accessor of its role gives `None`, its calls fail with
    /// [`Unsupported`](wheelhouse_core::ErrorKind::Unsupported), and the capabilities say so.
    pub fn without(mut self, ability: Ability) -> Self {
        let has = &mut self.capabilities;
        match ability {
            Ability::Brackets => has.brackets = Support::No,
            Ability::CancelAll => has.cancel_all = Support::No,
            Ability::ClosePosition => {
                has.close_position = Support::No;
                has.partial_close = Support::No;
            }
            Ability::ClosedTrades => has.closed_trades = Support::No,
            Ability::ClientOrderId => has.client_order_id = ClientOrderIdSupport::default(),
            Ability::Executions => has.executions = Support::No,
            Ability::MarketDepth => has.market_depth = Support::No,
            Ability::MarketHistory => has.market_history = Support::No,
            Ability::Options => has.options = Support::No,
            Ability::PartialClose => has.partial_close = Support::No,
            Ability::Preview => has.preview = PreviewNeed::No,
            Ability::Questions => has.asks_questions = false,
            Ability::Replace => has.replace = ReplaceSupport::No,
            Ability::Streaming => has.streaming = Support::No,
            Ability::TradingSessions => has.trading_sessions = Support::No,
        }
        self
    }

    /// Changes the capabilities freely: order types, units, the kind of replacement and so on.
    pub fn capabilities(mut self, change: impl FnOnce(&mut Capabilities)) -> Self {
        change(&mut self.capabilities);
        self
    }

    /// Makes the broker.
    pub fn build(self) -> MockBroker {
        MockBroker(Arc::new(Inner {
            id: self.id,
            capabilities: self.capabilities,
            clock: self.clock,
            page_size: self.page_size,
            state: Mutex::new(self.state),
        }))
    }
}

fn everything(id: BrokerId) -> Capabilities {
    let mut has = Capabilities::none(id);
    has.allow_order(OrderType::Market, [TimeInForce::Ioc, TimeInForce::Day]);
    has.allow_order(OrderType::Limit, [TimeInForce::Gtc, TimeInForce::Day]);
    has.allow_order(OrderType::Stop, [TimeInForce::Gtc, TimeInForce::Day]);
    has.order_sizes = vec![
        SizeUnit::Lots,
        SizeUnit::Shares,
        SizeUnit::Units,
        SizeUnit::Contracts,
    ];
    has.client_order_id = ClientOrderIdSupport::echoed(Support::Native, 36).deduplicated();
    has.brackets = Support::Native;
    has.trailing_stop_loss = Support::Native;
    has.replace = ReplaceSupport::SameId;
    has.preview = PreviewNeed::Optional;
    has.asks_questions = true;
    has.cancel_all = Support::Native;
    has.close_position = Support::Native;
    has.partial_close = Support::Native;
    has.executions = Support::Native;
    has.market_history = Support::Native;
    has.market_depth = Support::Native;
    has.trading_sessions = Support::Native;
    has.closed_trades = Support::Native;
    has.options = Support::Native;
    has.streaming = Support::Native;
    has
}
