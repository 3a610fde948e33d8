//! Every sample that is an answer of the private API is decoded here. `tests/data/COVERAGE.txt` says by
//! which test each of the 195 is covered, and `tests/coverage.rs` looks whether that is so.

use bytestring::ByteString;
use serde::Deserialize;
use wheelhouse_core::{
    AccountStatus, Decimal, InstrumentKind, OptionRight, OrderState, OrderType, Side, TimeInForce,
    dec,
};

use crate::{
    convert::{self, Place},
    error,
    wire::{
        Page, account, auth, crypto, decode_text, failure::Failure, market, option, option_order,
        order,
    },
};

fn sample(name: &str) -> ByteString {
    let path = format!("{}/tests/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
    ByteString::from(
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}")),
    )
}

/// Decodes a sample and hands it over while its body lives.
fn with<R>(name: &str, check: impl FnOnce(&ByteString) -> R) -> R {
    check(&sample(name))
}

fn read<'a, T: Deserialize<'a>>(body: &'a str) -> T {
    decode_text(body).unwrap_or_else(|error| panic!("{error}"))
}

macro_rules! decodes {
    ($($test:ident: $type:ty => [$($name:literal),* $(,)?];)*) => {
        $(
            #[test]
            fn $test() {
                for name in [$($name),*] {
                    with(name, |body| {
                        if let Err(error) = decode_text::<$type>(body) {
                            panic!("{name}: {error}");
                        }
                    });
                }
            }
        )*
    };
}

decodes! {
    accounts_are_decoded: account::Account<'_> => ["account_detail", "account_detail_ira"];
    account_lists_are_decoded: Page<'_, account::Account<'_>> => ["accounts"];
    transfer_accounts_are_decoded: Page<'_, account::TransferAccount<'_>> => ["bonfire_transfer_accounts"];
    unified_accounts_are_decoded: Page<'_, account::Unified<'_>> => ["bonfire_accounts_unified"];
    the_unified_account_is_decoded: account::Unified<'_> => ["phoenix_accounts_unified"];
    options_buying_power_is_decoded: account::OptionsBuyingPower<'_> => ["bonfire_options_buying_power"];
    portfolios_are_decoded: Page<'_, account::Portfolio<'_>> => ["portfolios"];
    a_portfolio_is_decoded: account::Portfolio<'_> => ["portfolio_detail"];
    day_trades_are_decoded: account::DayTrades => ["recent_day_trades"];
    positions_are_decoded: Page<'_, account::Position<'_>> =>
        ["positions_nonzero", "positions_page_1", "positions_page_2", "positions_empty"];
    dividends_are_decoded: Page<'_, account::Dividend<'_>> => ["dividends"];
    the_user_is_decoded: account::User<'_> => ["user"];

    instruments_are_decoded: Page<'_, market::Instrument<'_>> => [
        "instruments_by_symbol_F", "instruments_by_symbol_KO", "instruments_by_symbol_SOFI",
        "instruments_by_symbol_T", "instruments_empty",
    ];
    an_instrument_is_decoded: market::Instrument<'_> => [
        "instrument_detail_F", "instrument_detail_KO", "instrument_detail_SOFI", "instrument_detail_T",
    ];
    quotes_are_decoded: Page<'_, Option<market::Quote<'_>>> =>
        ["quotes", "quotes_with_unknown_symbol", "marketdata_quotes"];
    a_quote_is_decoded: market::Quote<'_> => ["marketdata_quote"];
    historicals_are_decoded: Page<'_, Option<market::Historicals>> => ["quotes_historicals"];
    historicals_of_one_are_decoded: market::Historicals => ["marketdata_historicals"];
    historicals_of_options_are_decoded: market::OptionHistoricals => ["options_historicals"];
    fundamentals_are_decoded: Page<'_, Option<market::Fundamentals<'_>>> => ["fundamentals"];
    fundamentals_of_one_are_decoded: market::Fundamentals<'_> => ["marketdata_fundamentals"];
    hours_are_decoded: market::Hours => ["market_hours", "market_hours_closed"];

    chains_are_decoded: Page<'_, option::Chain<'_>> => ["options_chains_by_instrument"];
    a_chain_is_decoded: option::Chain<'_> => ["options_chain_F"];
    collateral_is_decoded: option::ChainCollateral<'_> => ["options_chain_collateral"];
    contracts_are_decoded: Page<'_, option::Contract<'_>> => ["options_instruments_F_puts", "options_instruments_KO_calls"];
    a_contract_is_decoded: option::Contract<'_> => [
        "option_instrument_detail_F_put_10", "option_instrument_detail_KO_call_75",
        "option_instrument_detail_SOFI_call_30",
    ];
    option_quotes_are_decoded: Page<'_, Option<option::OptionQuote<'_>>> =>
        ["marketdata_options", "marketdata_options_no_greeks_and_null"];
    option_positions_are_decoded: Page<'_, option::OptionPosition<'_>> =>
        ["options_positions_nonzero", "options_positions_pending_assignment"];
    aggregate_positions_are_decoded: Page<'_, option::AggregatePosition<'_>> => ["options_aggregate_positions"];
    option_events_are_decoded: Page<'_, option::OptionEvent<'_>> => ["options_events"];

    orders_are_decoded: Page<'_, order::Order<'_>> => ["orders_page_1", "orders_page_2"];
    an_order_is_decoded: order::Order<'_> => [
        "order_placed_limit", "order_placed_dollar", "order_detail_filled", "order_detail_cancelled",
        "order_detail_rejected",
    ];
    placements_are_decoded: order::Placed<'_> =>
        ["order_placed_limit", "order_placed_dollar", "option_order_placed", "nummus_order_placed"];
    option_orders_are_decoded: Page<'_, option_order::OptionOrder<'_>> => ["options_orders"];
    an_option_order_is_decoded: option_order::OptionOrder<'_> => ["option_order_placed", "option_order_detail_filled"];

    crypto_accounts_are_decoded: Page<'_, crypto::CryptoAccount<'_>> => ["nummus_accounts"];
    pairs_are_decoded: Page<'_, crypto::Pair<'_>> => ["nummus_currency_pairs"];
    holdings_are_decoded: Page<'_, crypto::Holding<'_>> => ["nummus_holdings"];
    crypto_orders_are_decoded: Page<'_, crypto::CryptoOrder<'_>> => ["nummus_orders"];
    a_crypto_order_is_decoded: crypto::CryptoOrder<'_> => ["nummus_order_placed"];
    a_forex_quote_is_decoded: crypto::ForexQuote<'_> => ["forex_quote"];

    token_answers_are_decoded: auth::TokenAnswer<'_> => [
        "login_token_ok", "login_token_ok_one_day", "refresh_token_ok", "login_verification_workflow",
        "login_mfa_required_app", "login_mfa_required_sms", "login_challenge_legacy",
        "login_bad_credentials", "login_bad_credentials_non_field_errors", "login_mfa_code_rejected",
        "login_throttled", "refresh_invalid_grant", "revoke_ok",
    ];
    machines_are_decoded: auth::Machine<'_> => ["pathfinder_user_machine"];
    user_views_are_decoded: auth::UserView<'_> => [
        "user_view_prompt", "user_view_sms", "user_view_email", "user_view_totp_app",
        "user_view_validated", "user_view_no_challenge_yet", "user_view_needs_human",
        "user_view_continue_approved", "user_view_continue_pending", "user_view_gone",
    ];
    prompts_are_decoded: auth::PromptStatus<'_> => [
        "push_prompt_issued", "push_prompt_validated", "push_prompt_redeemed", "push_prompt_expired",
        "push_prompt_failed",
    ];
    answers_to_codes_are_decoded: auth::Responded<'_> => [
        "challenge_respond_validated", "challenge_respond_wrong_code", "login_challenge_legacy_wrong_code",
        "challenge_get",
    ];
    a_challenge_is_decoded: auth::Challenge<'_> => ["challenge_get", "challenge_respond_validated"];
    the_flow_is_decoded: auth::Migrated => ["identi_migrated"];
    identi_screens_are_decoded: auth::IdentiAnswer<'_> => ["identi_device_approval", "identi_exit_approved"];
}

/// The samples that are refusals, with the code that they stand for.
#[test]
fn refusals_are_decoded_and_have_their_codes() {
    for (name, status, code) in [
        ("error_401", 401, 1003),
        ("error_401_no_token", 401, 1003),
        ("error_403", 403, 3003),
        ("error_404", 404, 3002),
        ("error_405", 405, 3010),
        ("error_429", 429, 3004),
        ("error_429_fractional", 429, 3004),
        ("historicals_bad_combination", 400, 3001),
        ("order_error_app_version", 400, 3008),
        ("order_error_not_enough_shares", 400, 3008),
        ("order_error_not_enough_buying_power", 400, 3008),
        ("order_error_overnight_buying_power", 400, 3008),
        ("order_error_fractional_limit", 400, 3008),
        ("order_error_fractional_minimum", 400, 3008),
        ("order_error_market_buy_no_price", 400, 3008),
        ("order_error_hours_mismatch", 400, 3008),
        ("order_error_trailing_stop_limit", 400, 3008),
        ("order_error_gtc", 400, 3008),
        ("order_error_field_quantity", 400, 3001),
        ("order_error_duplicate_ref_id", 409, 3009),
        ("nummus_order_duplicate_ref_id", 400, 3009),
        ("option_order_error_tick", 400, 3008),
        ("option_order_error_infinite_risk", 400, 3001),
        ("order_cancel_again", 403, 3003),
        ("login_bad_credentials", 400, 1001),
        ("login_bad_credentials_non_field_errors", 400, 1001),
        ("login_mfa_code_rejected", 400, 1002),
        ("login_throttled", 429, 3004),
        ("push_prompt_throttled", 429, 3004),
        ("refresh_invalid_grant", 401, 1003),
        ("user_view_gone", 410, 3001),
    ] {
        let body = sample(name);
        let failure =
            Failure::read(body.as_bytes()).unwrap_or_else(|| panic!("{name} is no refusal"));
        assert_eq!(
            error::of_failure(status, Some(&failure), None).code(),
            code,
            "{name}"
        );
        assert!(!failure.message().is_empty());
    }
    for (name, wait) in [
        ("error_429", 14),
        ("push_prompt_throttled", 43_184),
        ("login_throttled", 51),
    ] {
        assert_eq!(
            error::wait_in_body(sample(name).as_bytes()).map(|wait| wait.as_secs()),
            Some(wait)
        );
    }
}

/// Samples of 200 that say nothing.
#[test]
fn empty_answers_are_no_refusals() {
    for name in ["order_cancel_ok", "option_order_cancel_ok", "revoke_ok"] {
        let body = sample(name);
        let fields: serde_json::Map<String, serde_json::Value> = read(&body);
        assert!(fields.is_empty(), "{name}");
        assert_eq!(Failure::read(body.as_bytes()), None, "{name}");
    }
    // HTML in the place of JSON; the sample holds it as text.
    let page: String = read(&sample("error_500"));
    assert!(page.starts_with("<h1>"), "{page}");
    assert_eq!(Failure::read(page.as_bytes()), None);
    assert_eq!(error::of_failure(500, None, None).code(), 3005);
}

#[test]
fn positions_have_the_cost_of_the_clearing_fields_where_the_old_one_is_zero() {
    with("positions_nonzero", |body| {
        let page: Page<'_, account::Position<'_>> = read(body);
        let held: Vec<_> = page
            .results
            .iter()
            .enumerate()
            .map(|(index, row)| convert::position(row, Place::Row(body, index), |_, _| true))
            .map(|held| held.unwrap().unwrap())
            .collect();
        let cost = |n: usize| held[n].average_price.map(|p| p.value());
        assert_eq!(
            [cost(0), cost(1), cost(2)],
            [Some(dec!(61.25)), Some(dec!(14.1)), Some(dec!(22.1))]
        );
        assert_eq!(held[2].size.amount(), dec!(40.125));
        assert!(held.iter().all(|position| position.side == Side::Buy));
        assert!(
            held[0]
                .raw
                .json()
                .unwrap()
                .contains("clearing_average_cost")
        );
    });
}

#[test]
fn a_summary_has_every_figure_that_the_broker_tells() {
    let (account, portfolio) = (sample("account_detail"), sample("portfolio_detail"));
    let unified = sample("bonfire_accounts_unified");
    let rows: Page<'_, account::Unified<'_>> = read(&unified);
    let sources = convert::Sources {
        account: &read(&account),
        portfolio: &read(&portfolio),
        unified: rows.results.first(),
        day_trades: 1,
        positions: 6,
        orders: 2,
        cost: Some(dec!(9000)),
    };
    let id = wheelhouse_core::AccountId::new("100200301").unwrap();
    let summary = convert::summary(&sources, id, time::OffsetDateTime::UNIX_EPOCH).unwrap();
    assert_eq!(summary.cash, Some(dec!(19250.55)));
    assert_eq!(summary.buying_power, Some(dec!(18250.55)));
    assert_eq!(summary.portfolio_value, Some(dec!(32148.05)));
    assert_eq!(summary.total_return_today, Some(dec!(136.75)));
    assert_eq!(summary.total_return_total, Some(dec!(3897.5)));
    assert_eq!(summary.day_trades_remaining, Some(2));
    assert_eq!(summary.pattern_day_trader, Some(false));
    let other = wheelhouse_core::AccountId::new("100200302").unwrap();
    assert_eq!(
        convert::summary(&sources, other, summary.updated_at)
            .unwrap_err()
            .code(),
        3006
    );
}

#[test]
fn accounts_have_name_and_status() {
    with("account_detail_ira", |body| {
        let converted =
            convert::account(&read(body), Some("Roth IRA"), Place::Whole(body)).unwrap();
        assert_eq!(converted.id.as_str(), "100200302");
        assert_eq!(converted.name.as_deref(), Some("Roth IRA"));
        assert_eq!(converted.status, AccountStatus::Active);
        assert_eq!(
            converted.balance.map(|money| money.amount),
            Some(dec!(7210))
        );
    });
}

#[test]
fn instruments_have_ticks_and_whole_shares() {
    with("instrument_detail_F", |body| {
        let listing = convert::instrument(&read(body), Place::Whole(body)).unwrap();
        assert_eq!(listing.instrument.kind, InstrumentKind::Equity);
        assert_eq!(listing.instrument.rules.tick_at(dec!(12)), Some(dec!(0.01)));
        assert_eq!(
            listing.instrument.rules.tick_at(dec!(0.5)),
            Some(dec!(0.0001))
        );
        assert!(listing.fractional && listing.all_day && !listing.over_the_counter);
        assert_eq!(listing.market.as_deref(), Some("XNYS"));
        assert_eq!(listing.collar, dec!(0.05));
    });
}

#[test]
fn orders_have_type_state_and_size() {
    let mut seen = Vec::new();
    for name in ["orders_page_1", "orders_page_2"] {
        with(name, |body| {
            let page: Page<'_, order::Order<'_>> = read(body);
            for (index, row) in page.results.iter().enumerate() {
                seen.push(convert::equity_order(row, Place::Row(body, index)).unwrap());
            }
        });
    }
    let kinds: Vec<_> = seen
        .iter()
        .map(|o| (o.order_type.clone(), o.state.clone()))
        .collect();
    assert_eq!(
        kinds,
        [
            (OrderType::Limit, OrderState::PendingNew),
            (OrderType::Limit, OrderState::Filled),
            (OrderType::Stop, OrderState::Held),
            (OrderType::TrailingStop, OrderState::Held),
            (OrderType::Market, OrderState::Filled),
            (OrderType::Limit, OrderState::PartiallyFilled),
            (OrderType::Limit, OrderState::Canceled),
            (OrderType::Market, OrderState::Rejected),
        ]
    );
    assert_eq!(seen[0].time_in_force, TimeInForce::Gtc);
    assert_eq!(seen[2].stop_price.map(|p| p.value()), Some(dec!(66)));
    assert_eq!(seen[4].size.amount(), dec!(2.0247));
    assert_eq!(seen[5].filled.value(), Decimal::TEN);
    assert!(seen[7].reason.is_some());
    with("order_detail_filled", |body| {
        let fills = convert::equity_executions(&read(body), Place::Whole(body)).unwrap();
        assert_eq!(fills.len(), 1);
        assert_eq!(fills[0].price.value(), dec!(12.345));
    });
}

#[test]
fn option_orders_have_legs_and_a_signed_premium() {
    with("options_orders", |body| {
        let page: Page<'_, option_order::OptionOrder<'_>> = read(body);
        let orders: Vec<_> = page
            .results
            .iter()
            .enumerate()
            .map(|(index, row)| convert::option_order(row, Place::Row(body, index)).unwrap())
            .collect();
        let premium = |n: usize| orders[n].net_premium.map(|money| money.amount);
        assert_eq!(premium(1), Some(dec!(28)));
        assert_eq!(
            orders[1].order.average_price.map(|p| p.value()),
            Some(dec!(0.28))
        );
        assert_eq!(
            orders[3].legs[0].effect,
            wheelhouse_core::PositionEffect::Close
        );
        assert_eq!(orders[4].order.state, OrderState::Expired);
        assert_eq!(orders[0].order.side, Side::Sell);
    });
}

#[test]
fn option_positions_are_per_unit_and_never_negative() {
    let contract = with("option_instrument_detail_F_put_10", |body| {
        convert::contract(&read(body), Place::Whole(body)).unwrap()
    });
    assert_eq!(
        (contract.right, contract.strike.value()),
        (OptionRight::Put, dec!(10))
    );
    with("options_positions_nonzero", |body| {
        let page: Page<'_, option::OptionPosition<'_>> = read(body);
        let held =
            convert::option_position(&page.results[0], contract, Place::Row(body, 0)).unwrap();
        assert_eq!((held.side, held.contracts.value()), (Side::Sell, dec!(1)));
        assert_eq!(held.average_price.map(|p| p.value()), Some(dec!(0.28)));
    });
    with("options_aggregate_positions", |body| {
        let page: Page<'_, option::AggregatePosition<'_>> = read(body);
        let rows: Vec<_> = page
            .results
            .iter()
            .map(|row| convert::strategy(row, Place::Whole(body)).unwrap())
            .collect();
        assert_eq!(rows[0].average_price.map(|p| p.value()), Some(dec!(0.28)));
        assert_eq!(rows[1].legs[0].contract.right, OptionRight::Call);
        assert_eq!(rows[2].direction, Side::Buy);
        let cost: Option<Decimal> = page
            .results
            .iter()
            .map(|row| {
                convert::signed_cost(row.clearing_cost_basis, row.clearing_direction.as_ref())
            })
            .sum();
        assert_eq!(cost, Some(dec!(156)));
    });
}

#[test]
fn quotes_without_a_price_have_none_and_null_rows_are_kept_in_place() {
    with("quotes_with_unknown_symbol", |body| {
        let page: Page<'_, Option<market::Quote<'_>>> = read(body);
        assert!(page.results[0].is_some() && page.results[1].is_none());
        let row = page.results[0].as_ref().unwrap();
        let quote =
            convert::quote(row, time::OffsetDateTime::UNIX_EPOCH, Place::Row(body, 0)).unwrap();
        assert_eq!(quote.bid.map(|p| p.value()), Some(dec!(12.34)));
    });
    with("marketdata_options_no_greeks_and_null", |body| {
        let page: Page<'_, Option<option::OptionQuote<'_>>> = read(body);
        let row = page.results[0].as_ref().unwrap();
        let quote =
            convert::option_quote(row, time::OffsetDateTime::UNIX_EPOCH, Place::Row(body, 0))
                .unwrap();
        assert_eq!(quote.delta, None);
        assert_eq!(quote.open_interest, Some(8123));
        assert!(page.results[1].is_none());
    });
}

#[test]
fn chains_events_and_collateral_are_converted() {
    with("options_chain_F", |body| {
        let wire: option::Chain<'_> = read(body);
        let symbol = wheelhouse_core::Symbol::new("F").unwrap();
        let chain = convert::chain(&wire, &symbol, Place::Whole(body)).unwrap();
        assert_eq!(
            (chain.expirations.len(), chain.multiplier),
            (4, Some(dec!(100)))
        );
        assert_eq!(chain.root, None);
    });
    with("options_events", |body| {
        let page: Page<'_, option::OptionEvent<'_>> = read(body);
        let event = convert::event(&page.results[0], Place::Row(body, 0)).unwrap();
        assert_eq!(event.cash.map(|m| m.amount), Some(dec!(-1000)));
        assert_eq!(event.shares[0].quantity.value(), dec!(100));
    });
    with("options_chain_collateral", |body| {
        let collateral = convert::collateral(&read(body), Place::Whole(body)).unwrap();
        assert_eq!(collateral.cash.amount, dec!(1000));
        assert!(!collateral.infinite);
    });
}

#[test]
fn crypto_of_the_private_api_is_converted() {
    with("nummus_currency_pairs", |body| {
        let page: Page<'_, crypto::Pair<'_>> = read(body);
        let pair = convert::pair(&page.results[0], Place::Row(body, 0)).unwrap();
        assert_eq!(
            pair.rules.min_quantity.map(|q| q.value()),
            Some(dec!(0.000001))
        );
    });
    let account = wheelhouse_core::AccountId::new("100200301").unwrap();
    with("nummus_holdings", |body| {
        let page: Page<'_, crypto::Holding<'_>> = read(body);
        let held = convert::holding(&page.results[0], &account, Place::Row(body, 0))
            .unwrap()
            .unwrap();
        assert_eq!(held.size.amount(), dec!(0.01234567));
    });
    with("nummus_orders", |body| {
        let page: Page<'_, crypto::CryptoOrder<'_>> = read(body);
        let order = convert::crypto_order(&page.results[0], &account, Place::Row(body, 0)).unwrap();
        assert_eq!(order.limit_price.map(|p| p.value()), Some(dec!(50000)));
        assert_eq!(order.state, OrderState::Working);
    });
    with("forex_quote", |body| {
        let quote = convert::forex_quote(
            &read(body),
            time::OffsetDateTime::UNIX_EPOCH,
            Place::Whole(body),
        )
        .unwrap();
        assert_eq!(quote.ask.map(|p| p.value()), Some(dec!(68761.01)));
    });
}
