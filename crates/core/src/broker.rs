use std::fmt;

use async_trait::async_trait;

use crate::{
    AccountId, AccountSummary, Accounts, BrokerId, BrokerOrderId, BulkOrders, Capabilities,
    ClientOrderId, ClosedTrades, Confirmation, Execution, ExecutionQuery, Instrument, InstrumentId,
    InstrumentQuery, MarketDepth, MarketHistory, OptionsTrading, Order, OrderChange, OrderPreviews,
    OrderQuery, OrderRequest, Page, Position, PositionQuery, PositionTrading, Quote, Resolution,
    Result, Streaming, Submission, Symbol, TradingSessions, UnresolvedOrder,
};

/// One user at one broker.
///
/// Hold it as `Arc<dyn Broker>`; comfort is in [`BrokerExt`](crate::BrokerExt). A value is cheap:
/// connections, limits and sessions are shared behind it. No method has a default, so a wrapper
/// cannot forget one.
///
/// Every call that concerns an account names it. A call that a broker cannot serve fails with
/// [`Unsupported`](crate::ErrorKind::Unsupported), and [`capabilities`](Self::capabilities) says so
/// beforehand.
///
/// # Errors
///
/// Every method can fail with the connection kinds (2xxx), with those of the session (1003, 1006,
/// 1007) and with [`RateLimited`](crate::ErrorKind::RateLimited),
/// [`BrokerFailure`](crate::ErrorKind::BrokerFailure) and
/// [`UnexpectedAnswer`](crate::ErrorKind::UnexpectedAnswer). The methods name only what is special.
#[async_trait]
pub trait Broker: fmt::Debug + Send + Sync + 'static {
    /// Returns which broker it is.
    fn id(&self) -> BrokerId;

    /// Returns what the broker can do.
    fn capabilities(&self) -> Capabilities;

    /// Reads the user's accounts.
    async fn accounts(&self) -> Result<Accounts>;

    /// Reads what an account is worth.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) or
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) if it is not the user's account.
    async fn account_summary(&self, account: &AccountId) -> Result<AccountSummary>;

    /// Reads open positions.
    async fn positions(&self, account: &AccountId, query: PositionQuery) -> Result<Page<Position>>;

    /// Reads orders: open and final ones unless the query says which.
    async fn orders(&self, account: &AccountId, query: OrderQuery) -> Result<Page<Order>>;

    /// Reads one order.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if the broker does not know it. That does not mean
    /// that it was cancelled.
    async fn order(&self, account: &AccountId, order: &BrokerOrderId) -> Result<Order>;

    /// Looks once for the order with this side's identifier, among open and final orders and where
    /// else the broker shows it.
    ///
    /// `None` says that this reading had no such order. Right after a placement that proves
    /// nothing; [`resolve`](Self::resolve) knows how long to look.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if the broker does not keep the identifier.
    async fn order_by_client_id(
        &self,
        account: &AccountId,
        id: &ClientOrderId,
    ) -> Result<Option<Order>>;

    /// Reads executions.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if the broker shows none.
    async fn executions(
        &self,
        account: &AccountId,
        query: ExecutionQuery,
    ) -> Result<Page<Execution>>;

    /// Reads what can be traded. Rules can be missing here; [`instrument`](Self::instrument) has
    /// them.
    async fn instruments(
        &self,
        account: &AccountId,
        query: InstrumentQuery,
    ) -> Result<Page<Instrument>>;

    /// Reads the instrument with exactly this symbol, rules included.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is none;
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if the symbol fits several.
    async fn instrument(&self, account: &AccountId, symbol: &Symbol) -> Result<Instrument>;

    /// Reads the best prices, in the order of `instruments`.
    async fn quotes(&self, account: &AccountId, instruments: &[InstrumentId])
    -> Result<Vec<Quote>>;

    /// Checks an order without a network and then places it, sending it once.
    ///
    /// # Errors
    ///
    /// An error means that nothing was placed. What was wrong with the order is
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) or
    /// [`Unsupported`](crate::ErrorKind::Unsupported); what the broker refused is
    /// [`Submission::Rejected`], and what is not known is [`Submission::Unknown`].
    async fn place_order(&self, request: &OrderRequest) -> Result<Submission>;

    /// Answers yes to the questions of [`Submission::NeedsConfirmation`].
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) at brokers that ask nothing.
    async fn confirm_order(&self, confirmation: &Confirmation) -> Result<Submission>;

    /// Finds out what became of a placement, by reading only. It reads again with growing pauses
    /// until the broker's consistency window has passed.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if it is another broker's. A reading that
    /// fails is no error but part of the evidence.
    async fn resolve(&self, open: &UnresolvedOrder) -> Result<Resolution>;

    /// Changes a working order. The result can have a new identifier
    /// ([`ReplaceSupport`](crate::ReplaceSupport)).
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported), or an error with
    /// [`Effect::MaybeApplied`](crate::Effect::MaybeApplied) if it is not known whether it changed.
    async fn replace_order(
        &self,
        account: &AccountId,
        order: &BrokerOrderId,
        change: &OrderChange,
    ) -> Result<BrokerOrderId>;

    /// Asks for an order to be cancelled. That is a request, not a result: read the order.
    ///
    /// Cancelling an order that is already final succeeds and changes nothing.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) if the broker does not know it.
    async fn cancel_order(&self, account: &AccountId, order: &BrokerOrderId) -> Result<()>;

    /// Returns the role that acts on many orders at once.
    fn bulk_orders(&self) -> Option<&dyn BulkOrders>;

    /// Returns the role that reads closed trades.
    fn closed_trades(&self) -> Option<&dyn ClosedTrades>;

    /// Returns the role that reads order books.
    fn market_depth(&self) -> Option<&dyn MarketDepth>;

    /// Returns the role that reads price history.
    fn market_history(&self) -> Option<&dyn MarketHistory>;

    /// Returns the role that reads and trades options.
    fn options(&self) -> Option<&dyn OptionsTrading>;

    /// Returns the role that previews orders.
    fn order_previews(&self) -> Option<&dyn OrderPreviews>;

    /// Returns the role that closes and changes positions.
    fn position_trading(&self) -> Option<&dyn PositionTrading>;

    /// Returns the role that follows events.
    fn streaming(&self) -> Option<&dyn Streaming>;

    /// Returns the role that reads trading hours.
    fn trading_sessions(&self) -> Option<&dyn TradingSessions>;
}

fn _object_safe(_: &dyn Broker) {}
