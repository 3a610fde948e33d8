//! Every route of both versions. All count against one published limit: a bucket of 300 for each
//! account that is refilled by 100 a minute.

use wheelhouse_http::Endpoint;
use wheelhouse_ratelimit::{LimitClass, Quota};

use super::CryptoApiVersion;

pub(crate) const REQUESTS: LimitClass = LimitClass::new(
    "robinhood_crypto.requests",
    Quota::per_minute(100).with_burst(300),
);

/// The routes of one version.
#[derive(Debug)]
pub(crate) struct Routes {
    pub(crate) accounts: Endpoint,
    pub(crate) pairs: Endpoint,
    pub(crate) holdings: Endpoint,
    pub(crate) quotes: Endpoint,
    pub(crate) estimates: Endpoint,
    pub(crate) orders: Endpoint,
    pub(crate) executions: Endpoint,
    pub(crate) order: Endpoint,
    /// The list again, asked for one order.
    pub(crate) order_in_list: Endpoint,
    /// The list where it finds out what became of an order: it may use reserved room.
    pub(crate) resolve: Endpoint,
    pub(crate) place: Endpoint,
    pub(crate) cancel: Endpoint,
}

const fn get(operation: &'static str, template: &'static str) -> Endpoint {
    Endpoint::get(operation, template, REQUESTS).without_token()
}

const fn post(operation: &'static str, template: &'static str) -> Endpoint {
    Endpoint::post(operation, template, REQUESTS).without_token()
}

macro_rules! routes {
    ($version:literal, $estimates:literal) => {
        Routes {
            accounts: get(
                "accounts",
                concat!("/api/", $version, "/crypto/trading/accounts/"),
            ),
            pairs: get(
                "instruments",
                concat!("/api/", $version, "/crypto/trading/trading_pairs/"),
            ),
            holdings: get(
                "positions",
                concat!("/api/", $version, "/crypto/trading/holdings/"),
            ),
            quotes: get(
                "quotes",
                concat!("/api/", $version, "/crypto/marketdata/best_bid_ask/"),
            ),
            estimates: get(
                "estimated_prices",
                concat!(
                    "/api/",
                    $version,
                    "/crypto/",
                    $estimates,
                    "/estimated_price/"
                ),
            ),
            orders: get(
                "orders",
                concat!("/api/", $version, "/crypto/trading/orders/"),
            ),
            executions: get(
                "executions",
                concat!("/api/", $version, "/crypto/trading/orders/"),
            ),
            order: get(
                "order",
                concat!("/api/", $version, "/crypto/trading/orders/{id}/"),
            ),
            order_in_list: get(
                "order",
                concat!("/api/", $version, "/crypto/trading/orders/"),
            ),
            resolve: get(
                "resolve",
                concat!("/api/", $version, "/crypto/trading/orders/"),
            )
            .reserved(),
            place: post(
                "place_order",
                concat!("/api/", $version, "/crypto/trading/orders/"),
            )
            .once(),
            // Version 1 answers in plain text.
            cancel: post(
                "cancel_order",
                concat!("/api/", $version, "/crypto/trading/orders/{id}/cancel/"),
            )
            .idempotent()
            .reserved()
            .any_content(),
        }
    };
}

pub(crate) static V1: Routes = routes!("v1", "marketdata");
pub(crate) static V2: Routes = routes!("v2", "trading");

/// Returns the routes of a version.
pub(crate) fn routes(version: CryptoApiVersion) -> &'static Routes {
    match version {
        CryptoApiVersion::V1 => &V1,
        CryptoApiVersion::V2 => &V2,
    }
}
