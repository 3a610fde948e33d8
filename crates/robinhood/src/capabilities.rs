use wheelhouse_core::{
    BrokerId, Capabilities, ClientOrderIdSupport, OrderType, SizeUnit, Support, TimeInForce,
};

/// The longest identifier of an order: a UUID. Others that are no longer are turned into one.
pub(crate) const MAX_CLIENT_ORDER_ID: usize = 36;

/// What Robinhood's private API can do, and this adapter with it.
pub(crate) fn capabilities(private_crypto: bool, read_only: bool) -> Capabilities {
    use TimeInForce::{Day, Gtc, Ioc, OnOpen};
    let mut capabilities = Capabilities::none(BrokerId::robinhood());
    if !read_only {
        capabilities.allow_order(OrderType::Market, [Day, Gtc, Ioc, OnOpen]);
        capabilities.allow_order(OrderType::Limit, [Day, Gtc, Ioc, OnOpen]);
        capabilities.allow_order(OrderType::Stop, [Day, Gtc]);
        capabilities.allow_order(OrderType::StopLimit, [Day, Gtc]);
        capabilities.allow_order(OrderType::TrailingStop, [Day, Gtc]);
        capabilities.order_sizes = vec![SizeUnit::Shares, SizeUnit::Notional];
        if private_crypto {
            capabilities.order_sizes.push(SizeUnit::Units);
        }
    }
    // Of options nobody knows whether a second order with the same identifier is refused.
    capabilities.client_order_id =
        ClientOrderIdSupport::echoed(Support::Native, MAX_CLIENT_ORDER_ID).deduplicated();
    capabilities.executions = Support::Native;
    capabilities.market_history = Support::Native;
    capabilities.trading_sessions = Support::Native;
    capabilities.options = Support::Native;
    capabilities
}
