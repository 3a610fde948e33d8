use std::{fmt, sync::Arc};

use async_trait::async_trait;
use wheelhouse_adapter::Cached;
use wheelhouse_core::{
    AccountId, AccountSummary, Accounts, Broker, BrokerId, BrokerOrderId, BulkOrders, Capabilities,
    ClientOrderId, Clock, ClosedTrades, Confirmation, Error, ErrorKind, Execution, ExecutionQuery,
    Instrument, InstrumentId, InstrumentQuery, MarketDepth, MarketHistory, OptionsTrading, Order,
    OrderChange, OrderPreviews, OrderQuery, OrderRequest, Page, Position, PositionId,
    PositionQuery, PositionTrading, Quote, Random, Resolution, Result, Streaming, Submission,
    Symbol, TradingSessions, UnresolvedOrder,
};
use wheelhouse_ratelimit::Usage;

use crate::{
    AccountDetails, TradeLockerBuilder, TradeLockerConfig, accounts::Directory, api::Api,
    capabilities::capabilities, recent::Recent,
};

/// One user at TradeLocker.
///
/// It is cheap to clone; connections and limits are shared with every other user of its
/// [`HttpClient`](wheelhouse_http::HttpClient). It keeps no token.
#[derive(Clone)]
pub struct TradeLocker {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) api: Api,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) config: TradeLockerConfig,
    pub(crate) directory: Cached<Directory>,
    pub(crate) recent: Recent,
}

impl TradeLocker {
    /// Starts to build one.
    pub fn builder() -> TradeLockerBuilder {
        TradeLockerBuilder::new()
    }

    /// Reads what an account may do and how much.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) if it is not the user's account, and the kinds that every
    /// call can fail with.
    pub async fn account_details(&self, account: &AccountId) -> Result<AccountDetails> {
        self.inner.read_details(account).await
    }

    /// Finds the position that an order opened or changed.
    ///
    /// A position has another identifier than its order, and the broker links the two only in the
    /// history, a moment after the fill. This looks there again and again, for 10 s unless
    /// [configured](TradeLockerConfig::position_wait) otherwise. `None` if there is none by then, or
    /// at once if the order ended without a fill.
    ///
    /// # Errors
    ///
    /// As [`Broker::order`], except that an order that does not show is waited for.
    pub async fn position_of_order(
        &self,
        account: &AccountId,
        order: &BrokerOrderId,
    ) -> Result<Option<PositionId>> {
        self.inner.wait_for_position(account, order).await
    }

    /// Tells how the user's limits stand.
    pub async fn usage(&self) -> Vec<Usage> {
        self.inner
            .api
            .http
            .limiter()
            .usage(self.inner.api.target.scope())
            .await
    }

    /// Returns how it is set up.
    pub fn config(&self) -> &TradeLockerConfig {
        &self.inner.config
    }
}

impl fmt::Debug for TradeLocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TradeLocker")
            .field("base", self.inner.api.target.base())
            .finish_non_exhaustive()
    }
}

impl Inner {
    pub(crate) fn clock(&self) -> &dyn Clock {
        self.api.clock()
    }

    /// Names operation and broker in an error.
    pub(crate) fn place_in(&self, error: Error, operation: &'static str) -> Error {
        error
            .in_operation(operation)
            .at_broker(BrokerId::tradelocker())
    }

    pub(crate) fn unsupported(&self, what: &'static str, operation: &'static str) -> Error {
        self.place_in(Error::new(ErrorKind::Unsupported, what), operation)
    }
}

#[async_trait]
impl Broker for TradeLocker {
    fn id(&self) -> BrokerId {
        BrokerId::tradelocker()
    }

    fn capabilities(&self) -> Capabilities {
        capabilities()
    }

    async fn accounts(&self) -> Result<Accounts> {
        self.inner.list_accounts().await
    }

    async fn account_summary(&self, account: &AccountId) -> Result<AccountSummary> {
        self.inner.read_summary(account).await
    }

    async fn positions(&self, account: &AccountId, query: PositionQuery) -> Result<Page<Position>> {
        self.inner.list_positions(account, query).await
    }

    async fn orders(&self, account: &AccountId, query: OrderQuery) -> Result<Page<Order>> {
        self.inner.list_orders(account, query).await
    }

    async fn order(&self, account: &AccountId, order: &BrokerOrderId) -> Result<Order> {
        self.inner.read_order(account, order).await
    }

    async fn order_by_client_id(
        &self,
        account: &AccountId,
        id: &ClientOrderId,
    ) -> Result<Option<Order>> {
        self.inner.find_by_client_id(account, id).await
    }

    async fn executions(
        &self,
        account: &AccountId,
        query: ExecutionQuery,
    ) -> Result<Page<Execution>> {
        self.inner.list_executions(account, query).await
    }

    async fn instruments(
        &self,
        account: &AccountId,
        query: InstrumentQuery,
    ) -> Result<Page<Instrument>> {
        self.inner.list_instruments(account, query).await
    }

    async fn instrument(&self, account: &AccountId, symbol: &Symbol) -> Result<Instrument> {
        self.inner.find_instrument(account, symbol).await
    }

    async fn quotes(
        &self,
        account: &AccountId,
        instruments: &[InstrumentId],
    ) -> Result<Vec<Quote>> {
        self.inner.read_quotes(account, instruments).await
    }

    async fn place_order(&self, request: &OrderRequest) -> Result<Submission> {
        self.inner.place(request).await
    }

    async fn confirm_order(&self, _: &Confirmation) -> Result<Submission> {
        Err(self
            .inner
            .unsupported("this broker asks no questions", "confirm_order"))
    }

    async fn resolve(&self, open: &UnresolvedOrder) -> Result<Resolution> {
        let outcome = self.inner.find_out(open).await;
        outcome.map_err(|error| self.inner.place_in(error, "resolve"))
    }

    async fn replace_order(
        &self,
        account: &AccountId,
        order: &BrokerOrderId,
        change: &OrderChange,
    ) -> Result<BrokerOrderId> {
        self.inner.replace(account, order, change).await
    }

    async fn cancel_order(&self, account: &AccountId, order: &BrokerOrderId) -> Result<()> {
        self.inner.cancel(account, order).await
    }

    fn bulk_orders(&self) -> Option<&dyn BulkOrders> {
        Some(self)
    }

    fn closed_trades(&self) -> Option<&dyn ClosedTrades> {
        Some(self)
    }

    fn market_depth(&self) -> Option<&dyn MarketDepth> {
        Some(self)
    }

    fn market_history(&self) -> Option<&dyn MarketHistory> {
        Some(self)
    }

    fn options(&self) -> Option<&dyn OptionsTrading> {
        None
    }

    fn order_previews(&self) -> Option<&dyn OrderPreviews> {
        None
    }

    fn position_trading(&self) -> Option<&dyn PositionTrading> {
        Some(self)
    }

    fn streaming(&self) -> Option<&dyn Streaming> {
        None
    }

    fn trading_sessions(&self) -> Option<&dyn TradingSessions> {
        Some(self)
    }
}

#[async_trait]
impl BulkOrders for TradeLocker {
    async fn cancel_all_orders(
        &self,
        account: &AccountId,
        instrument: Option<&InstrumentId>,
    ) -> Result<()> {
        self.inner.cancel_all(account, instrument).await
    }
}
