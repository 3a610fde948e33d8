//! Every route, each with the limit that it counts against.
//!
//! The quotas are those captured from `/trade/config`; the account's own replace them at run time.
//! Routes without a published limit have one of this adapter's.

use std::time::Duration;

use wheelhouse_http::Endpoint;
use wheelhouse_ratelimit::{LimitClass, Quota};

macro_rules! classes {
    ($($name:ident = $text:literal, $published:expr, $quota:expr;)*) => {
        $(pub(crate) const $name: LimitClass = LimitClass::new($text, $quota);)*

        /// The names under which `/trade/config` publishes limits, with their classes.
        pub(crate) const PUBLISHED: &[(Option<&str>, LimitClass)] = &[$(($published, $name),)*];
    };
}

classes! {
    ACCOUNTS = "tradelocker.accounts", Some("GET_ACCOUNTS"), Quota::per_second(2);
    EXECUTIONS = "tradelocker.executions", Some("GET_EXECUTIONS"), Quota::per_second(2);
    INSTRUMENTS = "tradelocker.instruments", Some("GET_INSTRUMENTS"), Quota::per_second(2);
    INSTRUMENT_DETAILS = "tradelocker.instrument_details", Some("GET_INSTRUMENT_DETAILS"), Quota::per_second(2);
    TRADE_SESSIONS = "tradelocker.trade_sessions", Some("GET_TRADE_SESSIONS"), Quota::per_second(2);
    SESSION_STATUSES = "tradelocker.session_statuses", Some("GET_SESSION_STATUSES"), Quota::per_second(2);
    ORDERS = "tradelocker.orders", Some("GET_ORDERS"), Quota::per_second(1);
    ORDERS_HISTORY = "tradelocker.orders_history", Some("GET_ORDERS_HISTORY"), Quota::per_second(1);
    POSITIONS = "tradelocker.positions", Some("GET_POSITIONS"), Quota::per_second(1);
    ACCOUNTS_STATE = "tradelocker.accounts_state", Some("GET_ACCOUNTS_STATE"), Quota::every(4, Duration::from_secs(2));
    PLACE = "tradelocker.place_order", Some("PLACE_ORDER"), Quota::per_second(5);
    MODIFY = "tradelocker.modify_order", Some("MODIFY_ORDER"), Quota::per_second(5);
    MODIFY_POSITION = "tradelocker.modify_position", Some("MODIFY_POSITION"), Quota::per_second(5);
    DAILY_BAR = "tradelocker.daily_bar", Some("DAILY_BAR"), Quota::per_second(5);
    QUOTES = "tradelocker.quotes", Some("QUOTES"), Quota::per_second(10);
    DEPTH = "tradelocker.depth", Some("DEPTH"), Quota::per_second(10);
    QUOTES_HISTORY = "tradelocker.quotes_history", Some("QUOTES_HISTORY"), Quota::per_minute(60);
    // No limit is published for these.
    LOGIN = "tradelocker.login", None, Quota::per_second(5);
    TOKEN_REFRESH = "tradelocker.refresh", None, Quota::per_second(20);
    ALL_ACCOUNTS = "tradelocker.all_accounts", None, Quota::per_second(2);
    CONFIG = "tradelocker.config", None, Quota::per_second(2);
    CANCEL = "tradelocker.cancel_order", None, Quota::per_second(5);
    CLOSE = "tradelocker.close_position", None, Quota::per_second(5);
    REPORTS = "tradelocker.reports", None, Quota::every(5, Duration::from_secs(10));
}

macro_rules! endpoints {
    ($($name:ident = $endpoint:expr;)*) => {
        $(pub(crate) static $name: Endpoint = $endpoint;)*
    };
}

endpoints! {
    TOKEN = Endpoint::post("login", "/auth/jwt/token", LOGIN).without_token();
    REFRESH = Endpoint::post("refresh", "/auth/jwt/refresh", TOKEN_REFRESH).without_token();
    ACCOUNT_TOKENS = Endpoint::post("account_tokens", "/auth/jwt/accounts/tokens", LOGIN).without_token();
    GET_ALL_ACCOUNTS = Endpoint::get("accounts", "/auth/jwt/all-accounts", ALL_ACCOUNTS);

    GET_CONFIG = Endpoint::get("config", "/trade/config", CONFIG);
    GET_ACCOUNT_DETAILS = Endpoint::get("account_details", "/trade/accounts", ACCOUNTS);
    GET_STATE = Endpoint::get("account_summary", "/trade/accounts/{accountId}/state", ACCOUNTS_STATE);
    GET_POSITIONS = Endpoint::get("positions", "/trade/accounts/{accountId}/positions", POSITIONS);
    GET_ORDERS = Endpoint::get("orders", "/trade/accounts/{accountId}/orders", ORDERS);
    GET_HISTORY = Endpoint::get("orders_history", "/trade/accounts/{accountId}/ordersHistory", ORDERS_HISTORY);
    GET_EXECUTIONS = Endpoint::get("executions", "/trade/accounts/{accountId}/executions", EXECUTIONS);
    GET_INSTRUMENTS = Endpoint::get("instruments", "/trade/accounts/{accountId}/instruments", INSTRUMENTS)
        .body_cap(32 * 1024 * 1024);

    // The same reads where they find out what became of an order: they may use reserved room.
    RESOLVE_POSITIONS = Endpoint::get("resolve", "/trade/accounts/{accountId}/positions", POSITIONS).reserved();
    RESOLVE_ORDERS = Endpoint::get("resolve", "/trade/accounts/{accountId}/orders", ORDERS).reserved();
    RESOLVE_HISTORY = Endpoint::get("resolve", "/trade/accounts/{accountId}/ordersHistory", ORDERS_HISTORY).reserved();

    GET_INSTRUMENT_DETAILS = Endpoint::get("instrument", "/trade/instruments/{tradableInstrumentId}", INSTRUMENT_DETAILS);
    GET_SESSION = Endpoint::get("trading_hours", "/trade/sessions/{sessionId}", TRADE_SESSIONS);
    GET_SESSION_STATUS = Endpoint::get("session_status", "/trade/sessionStatuses/{sessionStatusId}", SESSION_STATUSES);

    GET_QUOTE = Endpoint::get("quotes", "/trade/quotes", QUOTES);
    GET_DEPTH = Endpoint::get("depth", "/trade/depth", DEPTH);
    GET_DAILY_BAR = Endpoint::get("daily_bar", "/trade/dailyBar", DAILY_BAR);
    GET_BARS = Endpoint::get("bars", "/trade/history", QUOTES_HISTORY);

    PLACE_ORDER = Endpoint::post("place_order", "/trade/accounts/{accountId}/orders", PLACE).once();
    REPLACE_ORDER = Endpoint::patch("replace_order", "/trade/orders/{orderId}", MODIFY).idempotent();
    CANCEL_ORDER = Endpoint::delete("cancel_order", "/trade/orders/{orderId}", CANCEL).idempotent().reserved();
    CANCEL_ALL_ORDERS = Endpoint::delete("cancel_all_orders", "/trade/accounts/{accountId}/orders", CANCEL).idempotent().reserved();

    // Closing all of a position twice finds nothing the second time; closing a part twice closes more.
    CLOSE_WHOLE = Endpoint::delete("close_position", "/trade/positions/{positionId}", CLOSE).idempotent().reserved();
    CLOSE_PART = Endpoint::delete("close_position", "/trade/positions/{positionId}", CLOSE).once().reserved();
    CLOSE_ALL_POSITIONS = Endpoint::delete("close_all_positions", "/trade/accounts/{accountId}/positions", CLOSE).idempotent().reserved();
    PATCH_POSITION = Endpoint::patch("modify_position", "/trade/positions/{positionId}", MODIFY_POSITION).idempotent();

    GET_CLOSED_TRADES = Endpoint::get("closed_trades", "/trade/reports/close-trades-history", REPORTS);
}

/// Finds the class of a published limit.
pub(crate) fn class_of(published: &str) -> Option<LimitClass> {
    let named = |(name, _): &&(Option<&str>, LimitClass)| *name == Some(published);
    PUBLISHED.iter().find(named).map(|(_, class)| *class)
}
