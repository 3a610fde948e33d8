//! The routes of the API and their names.

use crate::broker::routes;

routes! {
    "A route of the official Crypto Trading API; the same name serves both versions.":
    /// `GET trading/accounts/`
    Accounts = "accounts",
    /// `GET marketdata/best_bid_ask/`
    BestBidAsk = "best_bid_ask",
    /// `POST trading/orders/{id}/cancel/`
    CancelOrder = "cancel_order",
    /// `GET marketdata/estimated_price/` in v1, `GET trading/estimated_price/` in v2
    EstimatedPrice = "estimated_price",
    /// `GET trading/holdings/`
    Holdings = "holdings",
    /// `GET trading/orders/{id}/`
    Order = "order",
    /// `GET trading/orders/`
    Orders = "orders",
    /// `POST trading/orders/`
    PlaceOrder = "place_order",
    /// `GET trading/trading_pairs/`
    TradingPairs = "trading_pairs",
    /// Everything else; answered with 404.
    Unknown = "unknown",
}

/// A version of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Version {
    /// Prices with a spread.
    V1,
    /// Prices with a fee.
    V2,
}

/// The version, the route and the id in the path.
pub(super) fn resolve<'a>(method: &str, path: &'a str) -> (Version, Route, &'a str) {
    let pieces: Vec<&str> = path.split('/').filter(|piece| !piece.is_empty()).collect();
    let (version, rest) = match pieces.as_slice() {
        ["api", "v1", "crypto", rest @ ..] => (Version::V1, rest),
        ["api", "v2", "crypto", rest @ ..] => (Version::V2, rest),
        _ => return (Version::V2, Route::Unknown, ""),
    };
    let (route, id) = match (method, version, rest) {
        ("GET", _, ["trading", "accounts"]) => (Route::Accounts, ""),
        ("GET", _, ["trading", "trading_pairs"]) => (Route::TradingPairs, ""),
        ("GET", _, ["trading", "holdings"]) => (Route::Holdings, ""),
        ("GET", _, ["marketdata", "best_bid_ask"]) => (Route::BestBidAsk, ""),
        ("GET", Version::V1, ["marketdata", "estimated_price"])
        | ("GET", Version::V2, ["trading", "estimated_price"]) => (Route::EstimatedPrice, ""),
        ("GET", _, ["trading", "orders"]) => (Route::Orders, ""),
        ("POST", _, ["trading", "orders"]) => (Route::PlaceOrder, ""),
        ("GET", _, ["trading", "orders", id]) => (Route::Order, *id),
        ("POST", _, ["trading", "orders", id, "cancel"]) => (Route::CancelOrder, *id),
        _ => (Route::Unknown, ""),
    };
    (version, route, id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_moved_between_the_versions() {
        let route = |path| resolve("GET", path).1;
        assert_eq!(
            route("/api/v1/crypto/marketdata/estimated_price/"),
            Route::EstimatedPrice
        );
        assert_eq!(
            route("/api/v2/crypto/marketdata/estimated_price/"),
            Route::Unknown
        );
        assert_eq!(
            route("/api/v2/crypto/trading/estimated_price/"),
            Route::EstimatedPrice
        );
        let cancel = resolve("POST", "/api/v1/crypto/trading/orders/7/cancel/");
        assert_eq!(cancel, (Version::V1, Route::CancelOrder, "7"));
    }
}
