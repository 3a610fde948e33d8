use std::{
    fmt,
    sync::{Arc, atomic::AtomicBool},
};

use async_trait::async_trait;
use wheelhouse_adapter::Cached;
use wheelhouse_core::{
    AccountId, AccountSummary, Accounts, Broker, BrokerId, BrokerOrderId, BulkOrders, Capabilities,
    ClientOrderId, ClosedTrades, Confirmation, Error, Execution, ExecutionQuery, Instrument,
    InstrumentId, InstrumentQuery, MarketDepth, MarketHistory, OptionsTrading, Order, OrderChange,
    OrderPreviews, OrderQuery, OrderRequest, Page, Position, PositionQuery, PositionTrading,
    Quantity, Quote, Random, Resolution, Result, Side, Streaming, Submission, Symbol,
    TradingSessions, UnresolvedOrder,
};
use wheelhouse_ratelimit::Usage;

use super::{
    CryptoFeeTier, CryptoPriceEstimate, CryptoSpreadQuote, RobinhoodCryptoBuilder,
    RobinhoodCryptoConfig, api::Api, broker, capabilities::capabilities, convert::Pair,
    directory::Listed, error::unsupported, recent::Recent,
};
use crate::readings::Readings;

/// One user of Robinhood's official Crypto Trading API.
///
/// It is cheap to clone; connections and limits are shared with every other user of its
/// [`HttpClient`](wheelhouse_http::HttpClient). Every request is signed with the user's own key;
/// there is no session.
///
/// Positions are the holdings. Instruments and their identifiers are pairs such as `BTC-USD`, and
/// orders are sized in [`Units`](wheelhouse_core::OrderSize::Units) of the asset or, except at
/// market, for an [amount](wheelhouse_core::OrderSize::Notional) in the quote currency. An order
/// identifier of this side that is no UUID is sent as a UUID made of it.
#[derive(Clone)]
pub struct RobinhoodCrypto {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) api: Api,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) config: RobinhoodCryptoConfig,
    pub(crate) accounts: Cached<Vec<Listed>>,
    pub(crate) pairs: Cached<Vec<Pair>>,
    pub(crate) recent: Recent,
    pub(crate) readings: Readings<AccountId>,
    /// Whether the orders that are partly filled cannot be asked for by their state.
    pub(crate) asks_otherwise: AtomicBool,
}

impl RobinhoodCrypto {
    /// Starts to build one.
    pub fn builder() -> RobinhoodCryptoBuilder {
        RobinhoodCryptoBuilder::new()
    }

    /// Reads what an account pays for trading; `None` in version 1, which has spreads instead.
    ///
    /// # Errors
    ///
    /// [`NotFound`](wheelhouse_core::ErrorKind::NotFound) if it is not the user's account, and the
    /// kinds that every call can fail with.
    pub async fn fee_tier(&self, account: &AccountId) -> Result<Option<CryptoFeeTier>> {
        self.inner.read_fee_tier(account).await
    }

    /// Estimates what an order at market would cost or bring, for 1 to 10 quantities at once.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](wheelhouse_core::ErrorKind::InvalidInput) for another number of quantities
    /// or one that is not above zero, and the kinds that every call can fail with.
    pub async fn estimated_prices(
        &self,
        instrument: &InstrumentId,
        side: Side,
        quantities: &[Quantity],
    ) -> Result<Vec<CryptoPriceEstimate>> {
        self.inner
            .read_estimates(instrument, side, quantities)
            .await
    }

    /// Reads the prices that version 1 trades at, with their spreads; also where version 2 is
    /// spoken, which does not tell them.
    ///
    /// # Errors
    ///
    /// The kinds that every call can fail with.
    pub async fn spread_quotes(
        &self,
        instruments: &[InstrumentId],
    ) -> Result<Vec<CryptoSpreadQuote>> {
        self.inner.read_spreads(instruments).await
    }

    /// Tells how the user's limit stands.
    pub async fn usage(&self) -> Vec<Usage> {
        let api = &self.inner.api;
        api.http.limiter().usage(api.target.scope()).await
    }

    /// Tells how far the broker's clock is ahead of ours, as far as its answers have shown; zero
    /// while the difference is at most 5 s. Signatures are dated by the broker's clock.
    pub fn clock_offset(&self) -> time::Duration {
        self.inner.api.signer.server_clock.ahead()
    }

    /// Returns how it is set up.
    pub fn config(&self) -> &RobinhoodCryptoConfig {
        &self.inner.config
    }
}

impl fmt::Debug for RobinhoodCrypto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RobinhoodCrypto")
            .field("base", self.inner.api.target.base())
            .field("version", &self.inner.config.version)
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// Names operation and broker in an error.
    pub(crate) fn place_in(&self, error: Error, operation: &'static str) -> Error {
        error.in_operation(operation).at_broker(broker())
    }

    /// Gives orders the identifiers back under which they were placed here.
    pub(crate) fn name(&self, orders: &mut [Order]) {
        self.recent.name(orders);
    }
}

#[async_trait]
impl Broker for RobinhoodCrypto {
    fn id(&self) -> BrokerId {
        broker()
    }

    fn capabilities(&self) -> Capabilities {
        capabilities(self.inner.config.version)
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
        self.inner.read_order(account, order, "order").await
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
        self.inner.check_account(account, "instruments").await?;
        self.inner.list_instruments(query).await
    }

    async fn instrument(&self, account: &AccountId, symbol: &Symbol) -> Result<Instrument> {
        self.inner.check_account(account, "instrument").await?;
        self.inner.find_instrument(symbol).await
    }

    async fn quotes(
        &self,
        account: &AccountId,
        instruments: &[InstrumentId],
    ) -> Result<Vec<Quote>> {
        self.inner.check_account(account, "quotes").await?;
        self.inner.read_quotes(instruments).await
    }

    async fn place_order(&self, request: &OrderRequest) -> Result<Submission> {
        self.inner.place(request).await
    }

    async fn confirm_order(&self, _: &Confirmation) -> Result<Submission> {
        let error = unsupported("this broker asks no questions");
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
        let error = unsupported("this broker changes no orders; cancel and place another");
        Err(self.inner.place_in(error, "replace_order"))
    }

    async fn cancel_order(&self, account: &AccountId, order: &BrokerOrderId) -> Result<()> {
        self.inner.cancel(account, order).await
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
        None
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
