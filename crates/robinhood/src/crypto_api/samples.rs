//! Every sample of the Crypto Trading API is read here, except for the signature vectors, which are
//! in `sign.rs`.

use bytes::Bytes;
use wheelhouse_core::{
    AccountId, AccountStatus, Currency, InstrumentId, InstrumentStatus, Money, OrderKind,
    OrderRequest, OrderSize, OrderState, OrderType, Price, Quantity, Side, TimeInForce, dec,
};

use super::{
    CryptoApiVersion,
    api::read_json,
    convert::{self, Place},
    error::{self, Refusal},
    orders::orders,
    request, wire,
};
use crate::wire::Page;

fn sample(name: &str) -> Bytes {
    let path = format!("{}/tests/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
    Bytes::from(std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")))
}

fn account() -> AccountId {
    AccountId::new("123456789012").unwrap()
}

#[test]
fn accounts_of_both_versions_are_read() {
    let body = sample("crypto_v1_account");
    let one = convert::account(&read_json(&body).unwrap(), Place::Whole(&body)).unwrap();
    assert_eq!(one.id, account());
    assert_eq!(one.status, AccountStatus::Active);
    assert_eq!(one.balance, Some(Money::new(dec!(1000.5), Currency::USD)));

    let body = sample("crypto_v2_accounts");
    let page: Page<'_, wire::Account<'_>> = read_json(&body).unwrap();
    let two = convert::account(&page.results[0], Place::Row(&body, 0)).unwrap();
    assert_eq!(
        (two.name.as_deref(), two.balance),
        (Some("individual"), one.balance)
    );
    let tier = convert::fee_tier(page.results[0].fee_tier_status.as_ref().unwrap());
    assert_eq!(tier.fee_ratio, dec!(0.0095));
    assert_eq!(tier.next_threshold, Some(dec!(50000)));
    assert!(two.raw.json().unwrap().contains("fee_tier_status"));
}

#[test]
fn pairs_of_both_versions_have_their_rules() {
    let body = sample("crypto_v1_trading_pairs");
    let page: Page<'_, wire::Pair<'_>> = read_json(&body).unwrap();
    let pair = convert::pair(&page.results[0], Place::Row(&body, 0)).unwrap();
    let rules = &pair.instrument.rules;
    assert_eq!(
        rules.min_quantity.map(Quantity::value),
        Some(dec!(0.000001))
    );
    assert_eq!(rules.max_quantity.map(Quantity::value), Some(dec!(20)));
    assert_eq!(
        rules.quantity_step.map(Quantity::value),
        Some(dec!(0.00000001))
    );
    assert_eq!(rules.tick_at(dec!(1)), Some(dec!(0.01)));
    assert_eq!(pair.min_amount, None);

    let body = sample("crypto_v2_trading_pairs");
    let page: Page<'_, wire::Pair<'_>> = read_json(&body).unwrap();
    let pairs: Vec<_> = page
        .results
        .iter()
        .map(|pair| convert::pair(pair, Place::Whole(&body)).unwrap())
        .collect();
    assert_eq!(pairs[0].min_amount, Some(dec!(1)));
    assert_eq!(pairs[0].instrument.status, Some(InstrumentStatus::Open));
    assert_eq!(pairs[1].instrument.status, Some(InstrumentStatus::Closed));
    assert_eq!(
        pairs[1].instrument.rules.tick_at(dec!(1)),
        Some(dec!(0.000001))
    );
}

#[test]
fn holdings_of_both_versions_are_the_same_whether_numbers_or_text() {
    let read = |name| {
        let body = sample(name);
        let page: Page<'_, wire::Holding<'_>> = read_json(&body).unwrap();
        convert::holding(&page.results[0], "BTC-USD", Place::Row(&body, 0))
            .unwrap()
            .unwrap()
    };
    let (one, two) = (read("crypto_v1_holdings"), read("crypto_v2_holdings"));
    assert_eq!(one, two);
    assert_eq!(one.size, OrderSize::Units(Quantity::new(dec!(0.1))));
    assert_eq!(one.available, Some(Quantity::new(dec!(0.09))));
    assert_eq!(one.average_price, None);
}

#[test]
fn prices_of_both_versions_are_read() {
    let now = time::OffsetDateTime::UNIX_EPOCH;
    let body = sample("crypto_v1_best_bid_ask");
    let prices: wire::Results<wire::Prices<'_>> = read_json(&body).unwrap();
    let quote = convert::quote(&prices.results[0], now, Place::Row(&body, 0)).unwrap();
    assert_eq!(quote.bid.map(Price::value), Some(dec!(68400.1)));
    assert_eq!(quote.ask.map(Price::value), Some(dec!(69059)));
    assert_eq!(quote.time.map(|at| at.hour()), Some(15));
    let spread = convert::spread_quote(&prices.results[0]).unwrap();
    assert_eq!(spread.price.map(Price::value), Some(dec!(68729.5)));
    assert_eq!(spread.buy_spread, Some(dec!(0.0048)));

    let body = sample("crypto_v2_best_bid_ask");
    let prices: wire::Results<wire::Prices<'_>> = read_json(&body).unwrap();
    let bids: Vec<_> = prices
        .results
        .iter()
        .map(|prices| {
            convert::quote(prices, now, Place::Whole(&body))
                .unwrap()
                .bid
                .unwrap()
                .value()
        })
        .collect();
    assert_eq!(bids, [dec!(68700.12), dec!(3300.10)]);
}

#[test]
fn estimates_of_both_versions_are_read() {
    let read = |name| {
        let body = sample(name);
        let prices: wire::Results<wire::Prices<'_>> = read_json(&body).unwrap();
        convert::estimate(&prices.results[0]).unwrap()
    };
    let one = read("crypto_v1_estimated_price");
    assert_eq!(
        (one.side, one.ask.map(Price::value)),
        (Side::Buy, Some(dec!(69059)))
    );
    assert_eq!(one.fee, None);
    let two = read("crypto_v2_estimated_price");
    assert_eq!(two.quantity.value(), dec!(0.1));
    assert_eq!(
        (two.fee, two.total_cost, two.total_credit),
        (Some(dec!(65.29)), Some(dec!(6938.24)), None)
    );
}

#[test]
fn single_orders_are_read() {
    for (name, order_type, state, filled) in [
        (
            "crypto_v1_order_placed",
            OrderType::Market,
            OrderState::Working,
            dec!(0),
        ),
        (
            "crypto_v2_order_placed_market",
            OrderType::Market,
            OrderState::Working,
            dec!(0),
        ),
        (
            "crypto_v2_order_placed_limit",
            OrderType::Limit,
            OrderState::Working,
            dec!(0),
        ),
        (
            "crypto_v2_order_detail",
            OrderType::Market,
            OrderState::Filled,
            dec!(0.1),
        ),
        (
            "crypto_v2_order_cancel",
            OrderType::Limit,
            OrderState::Canceled,
            dec!(0),
        ),
    ] {
        let body = sample(name);
        let order = convert::order(&read_json(&body).unwrap(), Place::Whole(&body)).unwrap();
        assert_eq!(
            (&order.order_type, &order.state),
            (&order_type, &state),
            "{name}"
        );
        assert_eq!(order.filled.value(), filled, "{name}");
        assert_eq!(order.account, account());
        assert_eq!(order.average_price.is_some(), !filled.is_zero(), "{name}");
        if order_type == OrderType::Limit {
            assert_eq!(order.limit_price.map(Price::value), Some(dec!(32548.38)));
            assert_eq!(order.time_in_force, TimeInForce::Gtc);
        }
    }
    // Version 1 answers a cancel in plain text, which nobody reads.
    assert!(sample("crypto_v1_order_cancel").starts_with(b"\"Cancel request was submitted"));
}

#[test]
fn lists_of_orders_and_their_executions_are_read() {
    let body = sample("crypto_v1_orders");
    let (listed, next) = orders(&body, &account()).unwrap();
    assert_eq!(
        listed[0].average_price.map(Price::value),
        Some(dec!(68755.12))
    );
    assert!(next.unwrap().ends_with("?cursor=ZmFrZQ%3D%3D"));

    let body = sample("crypto_v2_orders");
    let (listed, next) = orders(&body, &account()).unwrap();
    assert_eq!((listed.len(), next), (4, None));
    assert_eq!(listed[2].order_type, OrderType::Stop);
    assert_eq!(listed[2].stop_price.map(Price::value), Some(dec!(60000)));
    assert_eq!(listed[3].order_type, OrderType::StopLimit);
    assert_eq!(listed[3].time_in_force, TimeInForce::Day);
    assert_eq!(listed[3].limit_price.map(Price::value), Some(dec!(59900)));
    assert!(
        listed[3]
            .raw
            .json()
            .unwrap()
            .contains("stop_limit_order_config")
    );
    let other = AccountId::new("999").unwrap();
    assert!(orders(&body, &other).unwrap().0.is_empty());

    let page: Page<'_, wire::Order<'_>> = read_json(&body).unwrap();
    let fills = convert::executions(&page.results[0], Place::Row(&body, 0)).unwrap();
    assert_eq!(fills.len(), 1);
    assert_eq!(fills[0].price.value(), dec!(68755.12));
    assert_eq!(fills[0].fee, Some(Money::new(dec!(65.31), Currency::USD)));
    assert_eq!(
        fills[0].id.as_str(),
        "7fb04083-c545-4126-8cb8-9f73094597fd:0"
    );
}

#[test]
fn requests_are_written_as_the_samples_are() {
    let units = |amount| OrderSize::Units(Quantity::new(amount));
    let fifty = OrderSize::Notional(Money::new(dec!(50.00), Currency::USD));
    let price = Price::new;
    for (name, id, side, size, kind, time_in_force) in [
        (
            "req_crypto_market",
            "131de903-5a9c-4260-abc1-28d562a5dcf0",
            Side::Buy,
            units(dec!(0.1)),
            OrderKind::Market,
            None,
        ),
        (
            "req_crypto_limit",
            "3d003afa-e822-4ca2-b8de-48556c245427",
            Side::Buy,
            units(dec!(0.0001)),
            OrderKind::Limit {
                price: price(dec!(32548.38)),
            },
            None,
        ),
        (
            "req_crypto_limit_quote_amount",
            "43bc3bc5-1630-4f3b-a634-a39d7c2ffce3",
            Side::Buy,
            fifty,
            OrderKind::Limit {
                price: price(dec!(60000.00)),
            },
            Some(TimeInForce::Gtc),
        ),
        (
            "req_crypto_stop_loss",
            "3211a405-b8bc-4c25-8748-f39de4f8d2ec",
            Side::Sell,
            units(dec!(0.01)),
            OrderKind::Stop {
                stop: price(dec!(60000.00)),
            },
            None,
        ),
        (
            "req_crypto_stop_limit",
            "4d502fb9-e84e-4441-81a5-b54bc343a8ba",
            Side::Sell,
            units(dec!(0.01)),
            OrderKind::StopLimit {
                stop: price(dec!(60000.00)),
                price: price(dec!(59900.00)),
            },
            Some(TimeInForce::Day),
        ),
    ] {
        let instrument = InstrumentId::new("BTC-USD").unwrap();
        let mut order = OrderRequest::new(account(), instrument, side, size, kind);
        order.time_in_force = time_in_force;
        let body = request::body(&order, id, CryptoApiVersion::V2).unwrap();
        let written: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let wanted: serde_json::Value = serde_json::from_slice(&sample(name)).unwrap();
        assert_eq!(written, wanted, "{name}");
    }
}

#[test]
fn a_market_order_is_the_very_text_of_the_signature_vector() {
    let instrument = InstrumentId::new("BTC-USD").unwrap();
    let size = OrderSize::Units(Quantity::new(dec!(0.1)));
    let order = OrderRequest::market(account(), instrument, Side::Buy, size);
    let id = "131de903-5a9c-4260-abc1-28d562a5dcf0";
    let body = request::body(&order, id, CryptoApiVersion::V2).unwrap();
    let vectors: serde_json::Value =
        serde_json::from_slice(&sample("crypto_signature_vectors")).unwrap();
    assert_eq!(vectors["vectors"][6]["name"], "v2_post_order_compact");
    assert_eq!(
        vectors["vectors"][6]["body"].as_str().unwrap().as_bytes(),
        body
    );
}

#[test]
fn version_1_has_no_time_in_force_for_limit_orders() {
    let instrument = InstrumentId::new("BTC-USD").unwrap();
    let size = OrderSize::Units(Quantity::new(dec!(1)));
    let order = OrderRequest::limit(account(), instrument, Side::Buy, size, dec!(1));
    let body = request::body(&order, "x", CryptoApiVersion::V1).unwrap();
    assert!(
        !std::str::from_utf8(&body)
            .unwrap()
            .contains("time_in_force")
    );
}

#[test]
fn refusals_have_their_codes() {
    for (name, status, code) in [
        ("crypto_error_validation", 400, 3001),
        ("crypto_error_account_number_missing", 400, 3001),
        ("crypto_error_malformed_symbol", 400, 3001),
        ("crypto_error_401", 401, 1001),
        ("crypto_error_403", 403, 3003),
        ("crypto_error_404", 404, 3002),
        ("crypto_error_429", 429, 3004),
        ("crypto_error_500", 500, 3005),
    ] {
        let body = sample(name);
        let refusal = Refusal::read(std::str::from_utf8(&body).unwrap()).unwrap();
        assert_eq!(refusal.is_of_the_client(), status != 500, "{name}");
        let error = error::of_refusal(status, Some(&refusal), None);
        assert_eq!(error.code(), code, "{name}");
        assert!(error.broker_message().is_some(), "{name}");
    }
    let wait = error::wait_in_body(&sample("crypto_error_429"));
    assert_eq!(wait.map(|wait| wait.as_secs()), Some(2));
}
