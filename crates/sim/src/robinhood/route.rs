//! The routes of the broker and their names.

use super::host::Host;
use crate::broker::routes;

routes! {
    "A route of the private API.":
    /// `GET /accounts/{number}`
    Account = "account",
    /// `GET /accounts/`: retirement accounts are missing.
    Accounts = "accounts",
    /// `GET /options/aggregate_positions/`
    AggregatePositions = "aggregate_positions",
    /// `GET /user/basic_info/`
    BasicInfo = "basic_info",
    /// `GET /accounts/{number}/buying_power_breakdown`
    BuyingPowerBreakdown = "buying_power_breakdown",
    /// `POST nummus /orders/{id}/cancel/`
    CancelCryptoOrder = "cancel_crypto_order",
    /// `POST /options/orders/{id}/cancel/`
    CancelOptionOrder = "cancel_option_order",
    /// `POST /orders/{id}/cancel/`
    CancelOrder = "cancel_order",
    /// `GET /options/chains/{id}/collateral/`
    ChainCollateral = "chain_collateral",
    /// `GET /challenge/{id}/`
    Challenge = "challenge",
    /// `POST /challenge/{id}/respond/`
    ChallengeRespond = "challenge_respond",
    /// `GET nummus /accounts/`
    CryptoAccounts = "crypto_accounts",
    /// `GET nummus /holdings/`
    CryptoHoldings = "crypto_holdings",
    /// `GET nummus /orders/{id}/`
    CryptoOrder = "crypto_order",
    /// `GET nummus /orders/`
    CryptoOrders = "crypto_orders",
    /// `GET bonfire /accounts/{number}/currency_buying_power/USD/`
    CurrencyBuyingPower = "currency_buying_power",
    /// `GET nummus /currency_pairs/`
    CurrencyPairs = "currency_pairs",
    /// `GET /accounts/{number}/recent_day_trades/`
    DayTrades = "day_trades",
    /// `GET /dividends/`
    Dividends = "dividends",
    /// Lists that are always empty here: transfers, documents, notifications and their like.
    EmptyList = "empty_list",
    /// `GET /marketdata/forex/historicals/{id}/`
    ForexHistoricals = "forex_historicals",
    /// `GET /marketdata/forex/quotes/{id}/`
    ForexQuote = "forex_quote",
    /// `GET /fundamentals/`, `GET /marketdata/fundamentals/{id}/`
    Fundamentals = "fundamentals",
    /// `GET /quotes/historicals/`, `GET /marketdata/historicals/{id}/`
    Historicals = "historicals",
    /// `GET identi /verification_workflows/polaris_migrated/{id}/`
    IdentiMigrated = "identi_migrated",
    /// `PATCH identi /idl/v1/workflow/{id}/`
    IdentiWorkflow = "identi_workflow",
    /// `GET /instruments/{id}/`
    Instrument = "instrument",
    /// `GET /instruments/`
    Instruments = "instruments",
    /// `GET /markets/{mic}/hours/{date}/`
    MarketHours = "market_hours",
    /// `GET /marketdata/token/v1/`
    MarketDataToken = "market_data_token",
    /// `GET /markets/`
    Markets = "markets",
    /// `GET /options/chains/{id}/`
    OptionChain = "option_chain",
    /// `GET /options/chains/`
    OptionChains = "option_chains",
    /// `GET /options/events/`
    OptionEvents = "option_events",
    /// `GET /marketdata/options/historicals/{id}/`
    OptionHistoricals = "option_historicals",
    /// `GET /options/instruments/{id}/`
    OptionInstrument = "option_instrument",
    /// `GET /options/instruments/`
    OptionInstruments = "option_instruments",
    /// `GET /options/orders/{id}/`
    OptionOrder = "option_order",
    /// `GET /options/orders/`
    OptionOrders = "option_orders",
    /// `GET /options/positions/`
    OptionPositions = "option_positions",
    /// `GET /marketdata/options/`
    OptionQuotes = "option_quotes",
    /// `GET bonfire /accounts/{number}/options_buying_power/`
    OptionsBuyingPower = "options_buying_power",
    /// `GET /orders/{id}/`
    Order = "order",
    /// `GET /orders/`
    Orders = "orders",
    /// `PATCH /accounts/{number}/`
    PatchAccount = "patch_account",
    /// `POST nummus /orders/`
    PlaceCryptoOrder = "place_crypto_order",
    /// `POST /options/orders/`
    PlaceOptionOrder = "place_option_order",
    /// `POST /orders/`
    PlaceOrder = "place_order",
    /// `GET /portfolios/{number}`
    Portfolio = "portfolio",
    /// `GET bonfire /portfolio/performance/{number}/`
    PortfolioPerformance = "portfolio_performance",
    /// `GET /portfolios/`
    Portfolios = "portfolios",
    /// `GET /positions/`
    Positions = "positions",
    /// `GET /orders/order_checks/presubmit_data/`
    Presubmit = "presubmit",
    /// `GET /push/{id}/get_prompts_status/`
    PromptStatus = "prompt_status",
    /// `GET /quotes/{symbol}/`, `GET /marketdata/quotes/{id}/`
    Quote = "quote",
    /// `GET /quotes/`, `GET /marketdata/quotes/`
    Quotes = "quotes",
    /// `POST /oauth2/revoke_token/`
    Revoke = "revoke",
    /// `POST /oauth2/token/`: login and refresh.
    Token = "token",
    /// `GET bonfire /transfer/accounts/`: all accounts, banks too.
    TransferAccounts = "transfer_accounts",
    /// `GET phoenix /accounts/unified`
    UnifiedAccount = "unified_account",
    /// `GET bonfire /accounts/unified/`
    UnifiedAccounts = "unified_accounts",
    /// Everything else; answered with 404.
    Unknown = "unknown",
    /// `GET /user/`
    User = "user",
    /// `POST /pathfinder/user_machine/`
    UserMachine = "user_machine",
    /// `GET /pathfinder/inquiries/{id}/user_view/`
    UserView = "user_view",
    /// `POST /pathfinder/inquiries/{id}/user_view/`
    UserViewContinue = "user_view_continue",
    /// A route that exists with another method; answered with 405.
    WrongMethod = "wrong_method",
}

impl Route {
    /// Whether it takes no `Authorization`.
    pub(super) fn is_open(self) -> bool {
        matches!(
            self,
            Self::Token
                | Self::Revoke
                | Self::UserMachine
                | Self::UserView
                | Self::UserViewContinue
                | Self::PromptStatus
                | Self::Challenge
                | Self::ChallengeRespond
                | Self::IdentiMigrated
                | Self::IdentiWorkflow
        )
    }
}

/// The route of a request and the id in its path.
pub(super) fn resolve<'a>(host: Host, method: &str, path: &'a str) -> (Route, &'a str) {
    let pieces: Vec<&str> = path.split('/').filter(|piece| !piece.is_empty()).collect();
    let found = |method: &str| match host {
        Host::Api => api(method, &pieces),
        Host::Bonfire => bonfire(method, &pieces),
        Host::Identi => identi(method, &pieces),
        Host::Nummus => nummus(method, &pieces),
        Host::Phoenix => match (method, pieces.as_slice()) {
            ("GET", ["accounts", "unified"]) => (Route::UnifiedAccount, ""),
            _ => (Route::Unknown, ""),
        },
    };
    let (route, id) = found(method);
    if route != Route::Unknown {
        return (route, id);
    }
    let elsewhere = ["GET", "POST", "PATCH"]
        .iter()
        .any(|other| found(other).0 != Route::Unknown);
    (
        if elsewhere {
            Route::WrongMethod
        } else {
            Route::Unknown
        },
        "",
    )
}

fn api<'a>(method: &str, pieces: &[&'a str]) -> (Route, &'a str) {
    let route = match (method, pieces) {
        ("POST", ["oauth2", "token"]) => Route::Token,
        ("POST", ["oauth2", "revoke_token"]) => Route::Revoke,
        ("POST", ["pathfinder", "user_machine"]) => Route::UserMachine,
        ("GET", ["pathfinder", "inquiries", id, "user_view"]) => return (Route::UserView, id),
        ("POST", ["pathfinder", "inquiries", id, "user_view"]) => {
            return (Route::UserViewContinue, id);
        }
        ("GET", ["push", id, "get_prompts_status"]) => return (Route::PromptStatus, id),
        ("GET", ["challenge", id]) => return (Route::Challenge, id),
        ("POST", ["challenge", id, "respond"]) => return (Route::ChallengeRespond, id),
        ("GET", ["user"]) => Route::User,
        ("GET", ["user", "basic_info"]) => Route::BasicInfo,
        ("GET", ["accounts"]) => Route::Accounts,
        ("GET", ["accounts", "stock_loan_payments" | "sweeps"]) => Route::EmptyList,
        ("GET", ["accounts", id]) => return (Route::Account, id),
        ("PATCH", ["accounts", id]) => return (Route::PatchAccount, id),
        ("GET", ["accounts", id, "recent_day_trades"]) => return (Route::DayTrades, id),
        ("GET", ["accounts", id, "buying_power_breakdown"]) => {
            return (Route::BuyingPowerBreakdown, id);
        }
        ("GET", ["portfolios"]) => Route::Portfolios,
        ("GET", ["portfolios", id]) => return (Route::Portfolio, id),
        ("GET", ["positions"]) => Route::Positions,
        ("GET", ["instruments"]) => Route::Instruments,
        ("GET", ["instruments", id]) => return (Route::Instrument, id),
        ("GET", ["instruments", _, "splits"]) => Route::EmptyList,
        ("GET", ["quotes", "historicals"]) => Route::Historicals,
        ("GET", ["marketdata", "historicals", id]) => return (Route::Historicals, id),
        ("GET", ["quotes"] | ["marketdata", "quotes"]) => Route::Quotes,
        ("GET", ["quotes", id] | ["marketdata", "quotes", id]) => return (Route::Quote, id),
        ("GET", ["fundamentals"] | ["marketdata", "fundamentals"]) => Route::Fundamentals,
        ("GET", ["fundamentals", id] | ["marketdata", "fundamentals", id]) => {
            return (Route::Fundamentals, id);
        }
        ("GET", ["markets"]) => Route::Markets,
        ("GET", ["markets", _, "hours", date]) => return (Route::MarketHours, date),
        ("GET", ["marketdata", "token", "v1"]) => Route::MarketDataToken,
        ("GET", ["marketdata", "forex", "quotes", id]) => return (Route::ForexQuote, id),
        ("GET", ["marketdata", "forex", "historicals", id]) => {
            return (Route::ForexHistoricals, id);
        }
        ("GET", ["marketdata", "options"]) => Route::OptionQuotes,
        ("GET", ["marketdata", "options", "historicals", id]) => {
            return (Route::OptionHistoricals, id);
        }
        ("GET", ["options", "chains"]) => Route::OptionChains,
        ("GET", ["options", "chains", id]) => return (Route::OptionChain, id),
        ("GET", ["options", "chains", id, "collateral"]) => return (Route::ChainCollateral, id),
        ("GET", ["options", "instruments"]) => Route::OptionInstruments,
        ("GET", ["options", "instruments", id]) => return (Route::OptionInstrument, id),
        ("GET", ["options", "positions"]) => Route::OptionPositions,
        ("GET", ["options", "aggregate_positions"]) => Route::AggregatePositions,
        ("GET", ["options", "events"]) => Route::OptionEvents,
        ("GET", ["options", "orders"]) => Route::OptionOrders,
        ("POST", ["options", "orders"]) => Route::PlaceOptionOrder,
        ("GET", ["options", "orders", id]) => return (Route::OptionOrder, id),
        ("POST", ["options", "orders", id, "cancel"]) => return (Route::CancelOptionOrder, id),
        ("GET", ["orders"]) => Route::Orders,
        ("POST", ["orders"]) => Route::PlaceOrder,
        ("GET", ["orders", "order_checks", "presubmit_data"]) => Route::Presubmit,
        ("GET", ["orders", id]) => return (Route::Order, id),
        ("POST", ["orders", id, "cancel"]) => return (Route::CancelOrder, id),
        ("GET", ["dividends"]) => Route::Dividends,
        (
            "GET",
            [
                "ach" | "documents" | "notifications" | "wire" | "subscription",
                ..,
            ],
        )
        | ("GET", ["margin", "calls"] | ["cash_journal", ..])
        | ("GET", ["marketdata", "earnings"] | ["midlands", ..]) => Route::EmptyList,
        _ => Route::Unknown,
    };
    (route, "")
}

fn bonfire<'a>(method: &str, pieces: &[&'a str]) -> (Route, &'a str) {
    match (method, pieces) {
        ("GET", ["transfer", "accounts"]) => (Route::TransferAccounts, ""),
        ("GET", ["accounts", "unified"]) => (Route::UnifiedAccounts, ""),
        ("GET", ["accounts", id, "options_buying_power"]) => (Route::OptionsBuyingPower, id),
        ("GET", ["accounts", id, "currency_buying_power", "USD"]) => {
            (Route::CurrencyBuyingPower, id)
        }
        ("GET", ["portfolio", "performance", id]) => (Route::PortfolioPerformance, id),
        ("GET", ["paymenthub", "unified_transfers"]) => (Route::EmptyList, ""),
        _ => (Route::Unknown, ""),
    }
}

fn identi<'a>(method: &str, pieces: &[&'a str]) -> (Route, &'a str) {
    match (method, pieces) {
        ("GET", ["verification_workflows", "polaris_migrated", id]) => (Route::IdentiMigrated, id),
        ("PATCH", ["idl", "v1", "workflow", id]) => (Route::IdentiWorkflow, id),
        _ => (Route::Unknown, ""),
    }
}

fn nummus<'a>(method: &str, pieces: &[&'a str]) -> (Route, &'a str) {
    match (method, pieces) {
        ("GET", ["accounts"]) => (Route::CryptoAccounts, ""),
        ("GET", ["holdings"]) => (Route::CryptoHoldings, ""),
        ("GET", ["currency_pairs"]) => (Route::CurrencyPairs, ""),
        ("GET", ["orders"]) => (Route::CryptoOrders, ""),
        ("POST", ["orders"]) => (Route::PlaceCryptoOrder, ""),
        ("GET", ["orders", id]) => (Route::CryptoOrder, id),
        ("POST", ["orders", id, "cancel"]) => (Route::CancelCryptoOrder, id),
        _ => (Route::Unknown, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_path_is_another_route_on_another_host() {
        assert_eq!(resolve(Host::Api, "GET", "/orders/7/"), (Route::Order, "7"));
        assert_eq!(
            resolve(Host::Nummus, "GET", "/orders/7/"),
            (Route::CryptoOrder, "7")
        );
        assert_eq!(
            resolve(Host::Api, "GET", "/accounts/7"),
            (Route::Account, "7")
        );
        assert_eq!(
            resolve(Host::Phoenix, "GET", "/accounts/unified").0,
            Route::UnifiedAccount
        );
        assert_eq!(
            resolve(Host::Api, "GET", "/portfolios/historicals/7/").0,
            Route::Unknown
        );
        assert_eq!(
            resolve(Host::Api, "PATCH", "/quotes/").0,
            Route::WrongMethod
        );
    }
}
