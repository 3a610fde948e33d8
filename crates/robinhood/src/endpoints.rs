//! Every route, each with the limit that it counts against. Nothing is published: the quotas are
//! what users have found to be safe.

use std::time::Duration;

use wheelhouse_http::Endpoint;
use wheelhouse_ratelimit::{LimitClass, Quota};

pub(crate) const READS: LimitClass =
    LimitClass::new("robinhood.reads", Quota::per_second(4).with_burst(10));
pub(crate) const PLACE: LimitClass = LimitClass::new(
    "robinhood.place_order",
    Quota::every(1, Duration::from_millis(2_500)),
);
pub(crate) const CANCEL: LimitClass =
    LimitClass::new("robinhood.cancel_order", Quota::per_second(2));
const LOGIN: LimitClass =
    LimitClass::new("robinhood.login", Quota::every(12, Duration::from_secs(60)));
const LOGIN_STEPS: LimitClass = LimitClass::new("robinhood.login_steps", Quota::per_second(2));
const PROMPTS: LimitClass = LimitClass::new(
    "robinhood.prompts",
    Quota::every(1, Duration::from_secs(10)),
);

macro_rules! endpoints {
    ($($name:ident = $endpoint:expr;)*) => {
        $(pub(crate) static $name: Endpoint = $endpoint;)*
    };
}

endpoints! {
    // Host api, without a token.
    TOKEN = Endpoint::post("login", "/oauth2/token/", LOGIN).without_token();
    REFRESH = Endpoint::post("refresh", "/oauth2/token/", LOGIN).without_token();
    REVOKE = Endpoint::post("revoke", "/oauth2/revoke_token/", LOGIN).without_token().any_content();
    USER_MACHINE = Endpoint::post("login", "/pathfinder/user_machine/", LOGIN_STEPS).without_token();
    USER_VIEW = Endpoint::get("login", "/pathfinder/inquiries/{machine}/user_view/", LOGIN_STEPS).without_token();
    CONTINUE = Endpoint::post("login", "/pathfinder/inquiries/{machine}/user_view/", LOGIN_STEPS).without_token();
    PROMPT = Endpoint::get("login", "/push/{challenge}/get_prompts_status/", PROMPTS).once().without_token();
    CHALLENGE = Endpoint::get("login", "/challenge/{challenge}/", LOGIN_STEPS).once().without_token();
    RESPOND = Endpoint::post("login", "/challenge/{challenge}/respond/", LOGIN_STEPS).without_token();
    // Host identi, without a token.
    MIGRATED = Endpoint::get("login", "/verification_workflows/polaris_migrated/{workflow}/", LOGIN_STEPS).without_token();
    IDENTI = Endpoint::patch("login", "/idl/v1/workflow/{workflow}/", LOGIN_STEPS).without_token();

    GET_USER = Endpoint::get("user", "/user/", READS);
    GET_ACCOUNTS = Endpoint::get("accounts", "/accounts/", READS);
    GET_ACCOUNT = Endpoint::get("account_summary", "/accounts/{account}/", READS);
    GET_DAY_TRADES = Endpoint::get("account_summary", "/accounts/{account}/recent_day_trades/", READS);
    GET_PORTFOLIO = Endpoint::get("account_summary", "/portfolios/{account}/", READS);
    GET_POSITIONS = Endpoint::get("positions", "/positions/", READS);
    GET_DIVIDENDS = Endpoint::get("dividends", "/dividends/", READS);
    GET_INSTRUMENTS = Endpoint::get("instruments", "/instruments/", READS);
    GET_INSTRUMENT = Endpoint::get("instrument", "/instruments/{instrument}/", READS);
    FIND_INSTRUMENT = Endpoint::get("instrument", "/instruments/", READS);
    FIND_QUOTES = Endpoint::get("quotes", "/quotes/", READS);
    FIND_FUNDAMENTALS = Endpoint::get("fundamentals", "/fundamentals/", READS);
    GET_QUOTES = Endpoint::get("quotes", "/marketdata/quotes/", READS);
    GET_HISTORICALS = Endpoint::get("bars", "/marketdata/historicals/{instrument}/", READS);
    GET_FUNDAMENTALS = Endpoint::get("fundamentals", "/marketdata/fundamentals/{instrument}/", READS);
    GET_HOURS = Endpoint::get("market_hours", "/markets/{market}/hours/{date}/", READS);

    GET_ORDERS = Endpoint::get("orders", "/orders/", READS);
    // Of shares on host api, of crypto on host nummus.
    GET_EXECUTIONS = Endpoint::get("executions", "/orders/", READS);
    GET_ORDER = Endpoint::get("order", "/orders/{order}/", READS);
    SCAN_ORDERS = Endpoint::get("resolve", "/orders/", READS).reserved();
    PLACE_ORDER = Endpoint::post("place_order", "/orders/", PLACE);
    CANCEL_ORDER = Endpoint::post("cancel_order", "/orders/{order}/cancel/", CANCEL).reserved().idempotent();
    CANCELED_ORDER = Endpoint::get("cancel_order", "/orders/{order}/", READS).reserved();

    GET_CHAIN = Endpoint::get("option_chains", "/options/chains/{chain}/", READS);
    GET_CHAINS = Endpoint::get("option_chains", "/options/chains/", READS);
    GET_INDEXES = Endpoint::get("option_chains", "/indexes/", READS);
    GET_COLLATERAL = Endpoint::get("option_collateral", "/options/chains/{chain}/collateral/", READS);
    GET_CONTRACTS = Endpoint::get("option_contracts", "/options/instruments/", READS);
    GET_OPTION_QUOTES = Endpoint::get("option_quotes", "/marketdata/options/", READS);
    GET_OPTION_BARS = Endpoint::get("option_bars", "/marketdata/options/historicals/{contract}/", READS);
    GET_OPTION_POSITIONS = Endpoint::get("option_positions", "/options/positions/", READS);
    GET_STRATEGIES = Endpoint::get("option_strategies", "/options/aggregate_positions/", READS);
    GET_OPTION_EVENTS = Endpoint::get("option_events", "/options/events/", READS);
    GET_OPTION_EXECUTIONS = Endpoint::get("executions", "/options/orders/", READS);
    GET_OPTION_ORDERS = Endpoint::get("option_orders", "/options/orders/", READS);
    SCAN_OPTION_ORDERS = Endpoint::get("resolve", "/options/orders/", READS).reserved();
    PLACE_OPTION_ORDER = Endpoint::post("place_option_order", "/options/orders/", PLACE);
    CANCEL_OPTION_ORDER = Endpoint::post("cancel_option_order", "/options/orders/{order}/cancel/", CANCEL).reserved().idempotent();
    CANCELED_OPTION_ORDER = Endpoint::get("cancel_option_order", "/options/orders/{order}/", READS).reserved();

    // Host bonfire.
    GET_TRANSFER_ACCOUNTS = Endpoint::get("accounts", "/transfer/accounts/", READS);
    GET_UNIFIED = Endpoint::get("account_summary", "/accounts/unified/", READS);
    GET_OPTIONS_BUYING_POWER = Endpoint::get("options_buying_power", "/accounts/{account}/options_buying_power/", READS);

    // Host nummus.
    GET_CRYPTO_ACCOUNTS = Endpoint::get("accounts", "/accounts/", READS);
    GET_PAIRS = Endpoint::get("instruments", "/currency_pairs/", READS);
    GET_HOLDINGS = Endpoint::get("positions", "/holdings/", READS);
    GET_CRYPTO_ORDERS = Endpoint::get("orders", "/orders/", READS);
    SCAN_CRYPTO_ORDERS = Endpoint::get("resolve", "/orders/", READS).reserved();
    GET_CRYPTO_ORDER = Endpoint::get("order", "/orders/{order}/", READS);
    PLACE_CRYPTO_ORDER = Endpoint::post("place_order", "/orders/", PLACE);
    CANCEL_CRYPTO_ORDER = Endpoint::post("cancel_order", "/orders/{order}/cancel/", CANCEL).reserved().idempotent();
    CANCELED_CRYPTO_ORDER = Endpoint::get("cancel_order", "/orders/{order}/", READS).reserved();
    // Host api.
    GET_FOREX_QUOTE = Endpoint::get("quotes", "/marketdata/forex/quotes/{pair}/", READS);
}
