//! A broker that answers with rows it was given.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use async_trait::async_trait;
use time::OffsetDateTime;
use wheelhouse_core::*;

use crate::world::{NOW, options, positions, summary};

/// Answers reads of an account; everything else is unsupported.
#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) summary: AccountSummary,
    /// One page each.
    pub(crate) positions: Vec<Vec<Position>>,
    pub(crate) written: Option<Vec<OptionPosition>>,
    pub(crate) quotes: BTreeMap<InstrumentId, Quote>,
    pub(crate) instruments: BTreeMap<Symbol, InstrumentId>,
    pub(crate) option_quotes: Vec<OptionQuote>,
    /// Operations that fail, and how.
    pub(crate) failing: BTreeMap<&'static str, ErrorKind>,
    pub(crate) calls: Mutex<Vec<String>>,
}

impl Fake {
    /// Holds the world of `tests/data`, without prices.
    pub(crate) fn of_the_world() -> Self {
        Self {
            summary: summary(),
            positions: positions().into_iter().map(|row| vec![row]).collect(),
            written: Some(options()),
            quotes: BTreeMap::new(),
            instruments: BTreeMap::new(),
            option_quotes: Vec::new(),
            failing: BTreeMap::new(),
            calls: Mutex::default(),
        }
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    fn begin(&self, operation: &'static str, of: &str) -> Result<()> {
        let call = format!("{operation} {of}");
        self.calls.lock().unwrap().push(call.trim_end().to_owned());
        match self.failing.get(operation) {
            Some(kind) => Err(Error::new(*kind, "as told").in_operation(operation)),
            None => Ok(()),
        }
    }
}

fn unsupported<T>() -> Result<T> {
    Err(Error::new(ErrorKind::Unsupported, "not in this fake"))
}

fn listed(ids: &[InstrumentId]) -> String {
    let ids: Vec<_> = ids.iter().map(InstrumentId::as_str).collect();
    ids.join(" ")
}

#[async_trait]
impl Broker for Fake {
    fn id(&self) -> BrokerId {
        "fake".parse().unwrap()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::none(self.id())
    }

    async fn accounts(&self) -> Result<Accounts> {
        unsupported()
    }

    async fn account_summary(&self, _: &AccountId) -> Result<AccountSummary> {
        self.begin("account_summary", "")?;
        Ok(self.summary.clone())
    }

    async fn positions(&self, _: &AccountId, query: PositionQuery) -> Result<Page<Position>> {
        self.begin("positions", "")?;
        let page = query.page.map_or(0, |page| page.as_str().parse().unwrap());
        let next =
            (page + 1 < self.positions.len()).then(|| PageToken::new((page + 1).to_string()));
        let items = self.positions.get(page).cloned().unwrap_or_default();
        Ok(Page { items, next })
    }

    async fn orders(&self, _: &AccountId, _: OrderQuery) -> Result<Page<Order>> {
        unsupported()
    }

    async fn order(&self, _: &AccountId, _: &BrokerOrderId) -> Result<Order> {
        unsupported()
    }

    async fn order_by_client_id(&self, _: &AccountId, _: &ClientOrderId) -> Result<Option<Order>> {
        unsupported()
    }

    async fn executions(&self, _: &AccountId, _: ExecutionQuery) -> Result<Page<Execution>> {
        unsupported()
    }

    async fn instruments(&self, _: &AccountId, _: InstrumentQuery) -> Result<Page<Instrument>> {
        unsupported()
    }

    async fn instrument(&self, _: &AccountId, symbol: &Symbol) -> Result<Instrument> {
        self.begin("instrument", symbol.as_str())?;
        let id = self.instruments.get(symbol).cloned();
        let id = id.ok_or_else(|| Error::new(ErrorKind::NotFound, "no such instrument"))?;
        Ok(Instrument::new(id, symbol.clone(), InstrumentKind::Equity))
    }

    async fn quotes(&self, _: &AccountId, ids: &[InstrumentId]) -> Result<Vec<Quote>> {
        self.begin("quotes", &listed(ids))?;
        let quote = |id: &InstrumentId| {
            let none = || Quote::new(id.clone(), NOW);
            self.quotes.get(id).cloned().unwrap_or_else(none)
        };
        Ok(ids.iter().map(quote).collect())
    }

    async fn place_order(&self, _: &OrderRequest) -> Result<Submission> {
        unsupported()
    }

    async fn confirm_order(&self, _: &Confirmation) -> Result<Submission> {
        unsupported()
    }

    async fn resolve(&self, _: &UnresolvedOrder) -> Result<Resolution> {
        unsupported()
    }

    async fn replace_order(
        &self,
        _: &AccountId,
        _: &BrokerOrderId,
        _: &OrderChange,
    ) -> Result<BrokerOrderId> {
        unsupported()
    }

    async fn cancel_order(&self, _: &AccountId, _: &BrokerOrderId) -> Result<()> {
        unsupported()
    }

    fn bulk_orders(&self) -> Option<&dyn BulkOrders> {
        None
    }

    fn closed_trades(&self) -> Option<&dyn ClosedTrades> {
        None
    }

    fn market_depth(&self) -> Option<&dyn MarketDepth> {
        None
    }

    fn market_history(&self) -> Option<&dyn MarketHistory> {
        None
    }

    fn options(&self) -> Option<&dyn OptionsTrading> {
        self.written.as_ref().map(|_| self as &dyn OptionsTrading)
    }

    fn order_previews(&self) -> Option<&dyn OrderPreviews> {
        None
    }

    fn position_trading(&self) -> Option<&dyn PositionTrading> {
        None
    }

    fn streaming(&self) -> Option<&dyn Streaming> {
        None
    }

    fn trading_sessions(&self) -> Option<&dyn TradingSessions> {
        None
    }
}

#[async_trait]
impl OptionsTrading for Fake {
    async fn option_chains(&self, _: &AccountId, _: &Symbol) -> Result<Vec<OptionChain>> {
        unsupported()
    }

    async fn option_contracts(
        &self,
        _: &AccountId,
        _: OptionQuery,
    ) -> Result<Page<OptionContract>> {
        unsupported()
    }

    async fn option_quotes(
        &self,
        _: &AccountId,
        contracts: &[InstrumentId],
    ) -> Result<Vec<OptionQuote>> {
        self.begin("option_quotes", &listed(contracts))?;
        Ok(self.option_quotes.clone())
    }

    async fn option_positions(&self, _: &AccountId) -> Result<Vec<OptionPosition>> {
        self.begin("option_positions", "")?;
        Ok(self.written.clone().unwrap_or_default())
    }

    async fn option_orders(&self, _: &AccountId, _: OrderQuery) -> Result<Page<OptionOrder>> {
        unsupported()
    }

    async fn place_option_order(&self, _: &OptionOrderRequest) -> Result<Submission> {
        unsupported()
    }

    async fn cancel_option_order(&self, _: &AccountId, _: &BrokerOrderId) -> Result<()> {
        unsupported()
    }
}

/// A clock that stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing(pub(crate) OffsetDateTime);

impl Clock for Standing {
    fn now(&self) -> OffsetDateTime {
        self.0
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _: Duration) -> Sleep {
        Box::pin(async {})
    }
}
