use std::{fmt, sync::Arc};

use async_trait::async_trait;
use wheelhouse_adapter::Cached;
use wheelhouse_core::{
    AccountId, AccountSummary, Accounts, Broker, BrokerId, BrokerOrderId, BulkOrders, Capabilities,
    ClientOrderId, Clock, ClosedTrades, Confirmation, Error, ErrorKind, Execution, ExecutionQuery,
    Instrument, InstrumentId, InstrumentQuery, MarketDepth, MarketHistory, OptionsTrading, Order,
    OrderChange, OrderPreviews, OrderQuery, OrderRequest, Page, Position, PositionQuery,
    PositionTrading, Quote, Random, Resolution, Result, Streaming, Submission, Symbol,
    TradingSessions, UnresolvedOrder,
};
use wheelhouse_ratelimit::Usage;

use crate::{
    RobinhoodBuilder, RobinhoodConfig, accounts::Directory, api::Api, capabilities::capabilities,
    config::Host, crypto::CryptoDesk, market::Listings, options::Contracts, place::ref_id_of,
    readings::Readings, recent::Recent, resolve::Book,
};

/// One user at Robinhood, over its private API.
///
/// It is cheap to clone; connections and limits are shared with every other user of its
/// [`HttpClient`](wheelhouse_http::HttpClient). It keeps no token.
#[derive(Clone)]
pub struct Robinhood {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) api: Api,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) config: RobinhoodConfig,
    pub(crate) read_only: bool,
    pub(crate) directory: Cached<Directory>,
    pub(crate) listings: Listings,
    pub(crate) contracts: Contracts,
    pub(crate) crypto: CryptoDesk,
    pub(crate) recent: Recent,
    pub(crate) readings: Readings<(AccountId, Book)>,
}

impl Robinhood {
    /// Starts to build one.
    pub fn builder() -> RobinhoodBuilder {
        RobinhoodBuilder::new()
    }

    /// Tells how the user's limits stand.
    pub async fn usage(&self) -> Vec<Usage> {
        let api = &self.inner.api;
        api.http
            .limiter()
            .usage(api.hosts.target(Host::Api).scope())
            .await
    }

    /// Returns the identifier that the broker is given for an order with this one: a UUID stays what
    /// it is, in lower case, anything else is turned into one.
    pub fn ref_id(id: &ClientOrderId) -> String {
        ref_id_of(id)
    }

    /// Returns how it is set up.
    pub fn config(&self) -> &RobinhoodConfig {
        &self.inner.config
    }
}

impl fmt::Debug for Robinhood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Robinhood")
            .field("environment", &self.inner.config.environment)
            .finish_non_exhaustive()
    }
}

impl Inner {
    pub(crate) fn new(
        api: Api,
        random: Arc<dyn Random>,
        config: RobinhoodConfig,
        read_only: bool,
    ) -> Self {
        Self {
            api,
            random,
            config,
            read_only,
            directory: Cached::default(),
            listings: Listings::default(),
            contracts: Contracts::default(),
            crypto: CryptoDesk::default(),
            recent: Recent::default(),
            readings: Readings::default(),
        }
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.api.clock()
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        capabilities(self.config.private_crypto, self.read_only)
    }

    /// Names operation and broker in an error.
    pub(crate) fn place_in(&self, error: Error, operation: &'static str) -> Error {
        error
            .in_operation(operation)
            .at_broker(BrokerId::robinhood())
    }

    /// Refuses what would change something, where only reading is allowed.
    pub(crate) fn may_change(&self) -> Result<()> {
        if self.read_only {
            let message = "this value was made to read only";
            return Err(Error::new(ErrorKind::RoleDenied, message));
        }
        Ok(())
    }
}

#[async_trait]
impl Broker for Robinhood {
    fn id(&self) -> BrokerId {
        BrokerId::robinhood()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
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
        let found = self.inner.find_by_client_id(account, id).await;
        found.map_err(|error| self.inner.place_in(error, "order_by_client_id"))
    }

    async fn executions(
        &self,
        account: &AccountId,
        query: ExecutionQuery,
    ) -> Result<Page<Execution>> {
        self.inner.list_executions(account, query).await
    }

    async fn instruments(&self, _: &AccountId, query: InstrumentQuery) -> Result<Page<Instrument>> {
        self.inner.list_instruments(query).await
    }

    async fn instrument(&self, _: &AccountId, symbol: &Symbol) -> Result<Instrument> {
        self.inner.find_instrument(symbol).await
    }

    async fn quotes(&self, _: &AccountId, instruments: &[InstrumentId]) -> Result<Vec<Quote>> {
        self.inner.read_quotes(instruments).await
    }

    async fn place_order(&self, request: &OrderRequest) -> Result<Submission> {
        let placed = self.inner.place(request).await;
        placed.map_err(|error| self.inner.place_in(error, "place_order"))
    }

    async fn confirm_order(&self, _: &Confirmation) -> Result<Submission> {
        let error = Error::new(ErrorKind::Unsupported, "this broker asks no questions");
        Err(self.inner.place_in(error, "confirm_order"))
    }

    async fn resolve(&self, open: &UnresolvedOrder) -> Result<Resolution> {
        let outcome = self.inner.find_out(open).await;
        outcome.map_err(|error| self.inner.place_in(error, "resolve"))
    }

    async fn replace_order(
        &self,
        _: &AccountId,
        _: &BrokerOrderId,
        _: &OrderChange,
    ) -> Result<BrokerOrderId> {
        let message = "orders are not changed at this broker; cancel and place again";
        let error = Error::new(ErrorKind::Unsupported, message);
        Err(self.inner.place_in(error, "replace_order"))
    }

    async fn cancel_order(&self, account: &AccountId, order: &BrokerOrderId) -> Result<()> {
        let canceled = self.inner.cancel(account, order).await;
        canceled.map_err(|error| self.inner.place_in(error, "cancel_order"))
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
        Some(self)
    }

    fn options(&self) -> Option<&dyn OptionsTrading> {
        Some(self)
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
        Some(self)
    }
}
