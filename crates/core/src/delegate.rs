use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    AccountId, AccountSummary, Accounts, Broker, BrokerId, BrokerOrderId, BulkOrders, Capabilities,
    ClientOrderId, ClosedTrades, Confirmation, Execution, ExecutionQuery, Instrument, InstrumentId,
    InstrumentQuery, MarketDepth, MarketHistory, OptionsTrading, Order, OrderChange, OrderPreviews,
    OrderQuery, OrderRequest, Page, Position, PositionQuery, PositionTrading, Quote, Resolution,
    Result, Streaming, Submission, Symbol, TradingSessions, UnresolvedOrder,
};

macro_rules! delegate {
    ($pointer:ident) => {
        #[async_trait]
        impl<B: Broker + ?Sized> Broker for $pointer<B> {
            fn id(&self) -> BrokerId {
                (**self).id()
            }

            fn capabilities(&self) -> Capabilities {
                (**self).capabilities()
            }

            async fn accounts(&self) -> Result<Accounts> {
                (**self).accounts().await
            }

            async fn account_summary(&self, account: &AccountId) -> Result<AccountSummary> {
                (**self).account_summary(account).await
            }

            async fn positions(
                &self,
                account: &AccountId,
                query: PositionQuery,
            ) -> Result<Page<Position>> {
                (**self).positions(account, query).await
            }

            async fn orders(&self, account: &AccountId, query: OrderQuery) -> Result<Page<Order>> {
                (**self).orders(account, query).await
            }

            async fn order(&self, account: &AccountId, order: &BrokerOrderId) -> Result<Order> {
                (**self).order(account, order).await
            }

            async fn order_by_client_id(
                &self,
                account: &AccountId,
                id: &ClientOrderId,
            ) -> Result<Option<Order>> {
                (**self).order_by_client_id(account, id).await
            }

            async fn executions(
                &self,
                account: &AccountId,
                query: ExecutionQuery,
            ) -> Result<Page<Execution>> {
                (**self).executions(account, query).await
            }

            async fn instruments(
                &self,
                account: &AccountId,
                query: InstrumentQuery,
            ) -> Result<Page<Instrument>> {
                (**self).instruments(account, query).await
            }

            async fn instrument(&self, account: &AccountId, symbol: &Symbol) -> Result<Instrument> {
                (**self).instrument(account, symbol).await
            }

            async fn quotes(
                &self,
                account: &AccountId,
                instruments: &[InstrumentId],
            ) -> Result<Vec<Quote>> {
                (**self).quotes(account, instruments).await
            }

            async fn place_order(&self, request: &OrderRequest) -> Result<Submission> {
                (**self).place_order(request).await
            }

            async fn confirm_order(&self, confirmation: &Confirmation) -> Result<Submission> {
                (**self).confirm_order(confirmation).await
            }

            async fn resolve(&self, open: &UnresolvedOrder) -> Result<Resolution> {
                (**self).resolve(open).await
            }

            async fn replace_order(
                &self,
                account: &AccountId,
                order: &BrokerOrderId,
                change: &OrderChange,
            ) -> Result<BrokerOrderId> {
                (**self).replace_order(account, order, change).await
            }

            async fn cancel_order(&self, account: &AccountId, order: &BrokerOrderId) -> Result<()> {
                (**self).cancel_order(account, order).await
            }

            fn bulk_orders(&self) -> Option<&dyn BulkOrders> {
                (**self).bulk_orders()
            }

            fn closed_trades(&self) -> Option<&dyn ClosedTrades> {
                (**self).closed_trades()
            }

            fn market_depth(&self) -> Option<&dyn MarketDepth> {
                (**self).market_depth()
            }

            fn market_history(&self) -> Option<&dyn MarketHistory> {
                (**self).market_history()
            }

            fn options(&self) -> Option<&dyn OptionsTrading> {
                (**self).options()
            }

            fn order_previews(&self) -> Option<&dyn OrderPreviews> {
                (**self).order_previews()
            }

            fn position_trading(&self) -> Option<&dyn PositionTrading> {
                (**self).position_trading()
            }

            fn streaming(&self) -> Option<&dyn Streaming> {
                (**self).streaming()
            }

            fn trading_sessions(&self) -> Option<&dyn TradingSessions> {
                (**self).trading_sessions()
            }
        }
    };
}

delegate!(Arc);
delegate!(Box);
