use wheelhouse_core::{
    Capabilities, ClientOrderIdSupport, MAX_ID_LEN, OrderType, SizeUnit, Support, TimeInForce,
};

use super::{CryptoApiVersion, broker};

/// The times in force, as this side and as the broker names them. The last two have no name in the
/// trait's vocabulary: good for a week and for a month.
pub(crate) fn times_in_force() -> [(TimeInForce, &'static str); 4] {
    let own = |text: &str| TimeInForce::Unknown(text.to_owned());
    [
        (TimeInForce::Gtc, "gtc"),
        (TimeInForce::Day, "gfd"),
        (own("gfw"), "gfw"),
        (own("gfm"), "gfm"),
    ]
}

/// What the Crypto Trading API can do, and this adapter with it.
pub(crate) fn capabilities(version: CryptoApiVersion) -> Capabilities {
    let mut capabilities = Capabilities::none(broker());
    let every = || times_in_force().map(|(time_in_force, _)| time_in_force);
    capabilities.allow_order(OrderType::Market, [TimeInForce::Gtc]);
    match version {
        CryptoApiVersion::V1 => capabilities.allow_order(OrderType::Limit, [TimeInForce::Gtc]),
        CryptoApiVersion::V2 => capabilities.allow_order(OrderType::Limit, every()),
    }
    capabilities.allow_order(OrderType::Stop, every());
    capabilities.allow_order(OrderType::StopLimit, every());
    capabilities.order_sizes = vec![SizeUnit::Units, SizeUnit::Notional];
    // What the broker does with a second order of the same identifier is not documented, so it
    // counts as taking it.
    capabilities.client_order_id = ClientOrderIdSupport::echoed(Support::Native, MAX_ID_LEN);
    // They stand within orders.
    capabilities.executions = Support::Emulated;
    capabilities
}
