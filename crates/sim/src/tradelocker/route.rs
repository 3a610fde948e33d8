//! The routes of the broker and their names.

use crate::broker::routes;

routes! {
    "A route of the TradeLocker API.":
    /// `GET /trade/accounts/{accountId}/state`
    AccountState = "account_state",
    /// `GET /trade/accounts`
    Accounts = "accounts",
    /// `POST /auth/jwt/accounts/tokens`
    AccountsTokens = "accounts_tokens",
    /// `GET /auth/jwt/all-accounts`
    AllAccounts = "all_accounts",
    /// `DELETE /trade/accounts/{accountId}/orders`
    CancelAllOrders = "cancel_all_orders",
    /// `DELETE /trade/orders/{orderId}`
    CancelOrder = "cancel_order",
    /// `DELETE /trade/accounts/{accountId}/positions`
    CloseAllPositions = "close_all_positions",
    /// `DELETE /trade/positions/{positionId}`
    ClosePosition = "close_position",
    /// `GET /trade/reports/close-trades-history`
    CloseTradesHistory = "close_trades_history",
    /// `GET /trade/config`
    Config = "config",
    /// `GET /trade/dailyBar`
    DailyBar = "daily_bar",
    /// `GET /trade/depth`
    Depth = "depth",
    /// `GET /trade/accounts/{accountId}/executions`
    Executions = "executions",
    /// `GET /trade/history`
    History = "history",
    /// `GET /trade/instruments/{tradableInstrumentId}`
    InstrumentDetails = "instrument_details",
    /// `GET /trade/accounts/{accountId}/instruments`
    Instruments = "instruments",
    /// `PATCH /trade/orders/{orderId}`
    ModifyOrder = "modify_order",
    /// `PATCH /trade/positions/{positionId}`
    ModifyPosition = "modify_position",
    /// `GET /trade/accounts/{accountId}/orders`
    Orders = "orders",
    /// `GET /trade/accounts/{accountId}/ordersHistory`
    OrdersHistory = "orders_history",
    /// `POST /trade/accounts/{accountId}/orders`
    PlaceOrder = "place_order",
    /// `GET /trade/accounts/{accountId}/positions`
    Positions = "positions",
    /// `GET /trade/quotes`
    Quotes = "quotes",
    /// `POST /auth/jwt/refresh`
    Refresh = "refresh",
    /// `GET /trade/sessions/{sessionId}`
    Session = "session",
    /// `GET /trade/sessionStatuses/{sessionStatusId}`
    SessionStatus = "session_status",
    /// `POST /auth/jwt/token`
    Token = "token",
    /// Everything else; answered with 404.
    Unknown = "unknown",
}

/// A route with what its path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target<'a> {
    pub(super) route: Route,
    /// The id in the path; empty if the route has none.
    pub(super) id: &'a str,
}

impl<'a> Target<'a> {
    pub(super) fn of(method: &str, path: &'a str) -> Self {
        let pieces: Vec<&str> = path.split('/').filter(|piece| !piece.is_empty()).collect();
        let (route, id) = match (method, pieces.as_slice()) {
            (method, ["backend-api", rest @ ..]) => resolve(method, rest),
            _ => (Route::Unknown, ""),
        };
        Self { route, id }
    }
}

fn resolve<'a>(method: &str, pieces: &[&'a str]) -> (Route, &'a str) {
    let route = match (method, pieces) {
        ("POST", ["auth", "jwt", "token"]) => Route::Token,
        ("POST", ["auth", "jwt", "refresh"]) => Route::Refresh,
        ("POST", ["auth", "jwt", "accounts", "tokens"]) => Route::AccountsTokens,
        ("GET", ["auth", "jwt", "all-accounts"]) => Route::AllAccounts,
        ("GET", ["trade", "config"]) => Route::Config,
        ("GET", ["trade", "accounts"]) => Route::Accounts,
        ("GET", ["trade", "quotes"]) => Route::Quotes,
        ("GET", ["trade", "depth"]) => Route::Depth,
        ("GET", ["trade", "dailyBar"]) => Route::DailyBar,
        ("GET", ["trade", "history"]) => Route::History,
        ("GET", ["trade", "reports", "close-trades-history"]) => Route::CloseTradesHistory,
        ("GET", ["trade", "accounts", id, table]) => return (table_route(table), id),
        ("POST", ["trade", "accounts", id, "orders"]) => return (Route::PlaceOrder, id),
        ("DELETE", ["trade", "accounts", id, "orders"]) => return (Route::CancelAllOrders, id),
        ("DELETE", ["trade", "accounts", id, "positions"]) => {
            return (Route::CloseAllPositions, id);
        }
        ("GET", ["trade", "instruments", id]) => return (Route::InstrumentDetails, id),
        ("GET", ["trade", "sessions", id]) => return (Route::Session, id),
        ("GET", ["trade", "sessionStatuses", id]) => return (Route::SessionStatus, id),
        ("DELETE", ["trade", "orders", id]) => return (Route::CancelOrder, id),
        ("PATCH", ["trade", "orders", id]) => return (Route::ModifyOrder, id),
        ("DELETE", ["trade", "positions", id]) => return (Route::ClosePosition, id),
        ("PATCH", ["trade", "positions", id]) => return (Route::ModifyPosition, id),
        _ => Route::Unknown,
    };
    (route, "")
}

fn table_route(table: &str) -> Route {
    match table {
        "state" => Route::AccountState,
        "positions" => Route::Positions,
        "orders" => Route::Orders,
        "ordersHistory" => Route::OrdersHistory,
        "executions" => Route::Executions,
        "instruments" => Route::Instruments,
        _ => Route::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_routes_and_ids() {
        let target = Target::of("DELETE", "/backend-api/trade/positions/71");
        assert_eq!(
            target,
            Target {
                route: Route::ClosePosition,
                id: "71"
            }
        );
        let target = Target::of("GET", "/backend-api/trade/accounts/5/statement");
        assert_eq!(target.route, Route::Unknown);
        assert_eq!(Target::of("GET", "/trade/config").route, Route::Unknown);
    }
}
