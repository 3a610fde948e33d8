use wheelhouse_core::{
    BrokerId, Capabilities, ClientOrderIdSupport, OrderType, PreviewNeed, ReplaceSupport, SizeUnit,
    Support, TimeInForce,
};

/// The longest identifier of an order. The documentation says 31; the server was seen to take 32.
pub(crate) const MAX_CLIENT_ORDER_ID: usize = 31;

/// What TradeLocker can do, and this adapter with it.
pub(crate) fn capabilities() -> Capabilities {
    let mut capabilities = Capabilities::none(BrokerId::tradelocker());
    capabilities.allow_order(OrderType::Market, [TimeInForce::Ioc]);
    capabilities.allow_order(OrderType::Limit, [TimeInForce::Gtc]);
    capabilities.allow_order(OrderType::Stop, [TimeInForce::Gtc]);
    capabilities.order_sizes = vec![SizeUnit::Lots];
    // A label that comes back with orders and positions. The broker takes the same one twice.
    capabilities.client_order_id =
        ClientOrderIdSupport::echoed(Support::Native, MAX_CLIENT_ORDER_ID);
    capabilities.brackets = Support::Native;
    capabilities.trailing_stop_loss = Support::Native;
    capabilities.replace = ReplaceSupport::SameId;
    capabilities.preview = PreviewNeed::No;
    capabilities.cancel_all = Support::Native;
    capabilities.close_position = Support::Native;
    capabilities.partial_close = Support::Native;
    capabilities.executions = Support::Native;
    capabilities.market_history = Support::Native;
    capabilities.market_depth = Support::Native;
    capabilities.trading_sessions = Support::Native;
    capabilities.closed_trades = Support::Native;
    capabilities.max_sessions = Some(5);
    capabilities
}
