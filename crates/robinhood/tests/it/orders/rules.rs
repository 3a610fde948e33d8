//! What is refused before anything is sent.

use time::macros::datetime;
use wheelhouse_core::{
    Broker, Currency, ErrorKind, Money, Offset, OptionLeg, OrderKind, OrderSize, PositionEffect,
    Side, Submission, TimeInForce, TradingHours, dec, shares,
};

use super::{leg, option_order, price, share_order};
use crate::rig::{AtServer, PUT, sample};

#[tokio::test]
async fn what_breaks_a_rule_is_refused_and_nothing_is_sent() {
    let at = AtServer::new().await;
    let limit = OrderKind::Limit {
        price: price(dec!(12)),
    };
    let dollars = |amount| OrderSize::Notional(Money::new(amount, Currency::USD));
    let euros = OrderSize::Notional(Money::new(dec!(25), Currency::new("EUR").unwrap()));
    let trail = |trail| OrderKind::TrailingStop { trail };
    let order = |size, kind| share_order(&at, Side::Buy, size, kind);
    for (what, request, code) in [
        ("a fraction at a limit", order(shares!(0.5), limit), 5001),
        ("nothing", order(shares!(0), limit), 5001),
        (
            "less than nothing",
            order(shares!(-1), OrderKind::Market),
            5001,
        ),
        (
            "seven places",
            order(shares!(1.0000001), OrderKind::Market),
            5001,
        ),
        (
            "an amount at a limit",
            order(dollars(dec!(25)), limit),
            5001,
        ),
        (
            "half a dollar",
            order(dollars(dec!(0.5)), OrderKind::Market),
            5001,
        ),
        (
            "parts of cents",
            order(dollars(dec!(25.005)), OrderKind::Market),
            5001,
        ),
        ("euros", order(euros, OrderKind::Market), 5001),
        (
            "off the tick",
            order(
                shares!(1),
                OrderKind::Limit {
                    price: price(dec!(12.001)),
                },
            ),
            5001,
        ),
        (
            "a market order at night",
            order(shares!(1), OrderKind::Market).hours(TradingHours::Extended),
            3010,
        ),
        (
            "pips",
            order(shares!(1), trail(Offset::Pips(dec!(5)))),
            3010,
        ),
        (
            "all of the price",
            order(shares!(1), trail(Offset::Percent(dec!(100)))),
            5001,
        ),
        (
            "a fraction for ever",
            order(shares!(1.5), OrderKind::Market).time_in_force(TimeInForce::Gtc),
            5001,
        ),
        (
            "fill or kill",
            order(shares!(1), limit).time_in_force(TimeInForce::Fok),
            3010,
        ),
        ("lots", order(wheelhouse_core::lots!(1), limit), 3010),
    ] {
        let error = match at.broker.place_order(&request).await {
            Err(error) => error,
            Ok(outcome) => panic!("{what}: {outcome}"),
        };
        let unsupported = error.kind() == ErrorKind::Unsupported;
        assert!(
            error.code() == code || (what == "an amount at a limit" && unsupported),
            "{what}: {error}"
        );
    }
    assert!(at.sent("POST", "/orders/").await.is_empty());
}

/// The server answers 500 to them, which would leave an order unknown that was never there.
#[tokio::test]
async fn orders_by_amount_are_refused_outside_of_regular_hours() {
    let dollars = OrderSize::Notional(Money::new(dec!(25), Currency::USD));
    for (now, hours, open) in [
        (datetime!(2026-11-20 14:29:59 UTC), "market_hours", false),
        (datetime!(2026-11-20 14:30:00 UTC), "market_hours", true),
        (datetime!(2026-11-20 20:59:00 UTC), "market_hours", true),
        (datetime!(2026-11-20 21:00:00 UTC), "market_hours", false),
        (
            datetime!(2026-11-22 15:00:00 UTC),
            "market_hours_closed",
            false,
        ),
    ] {
        let at = AtServer::at(now).await;
        let route = format!("/markets/XNYS/hours/{}/", now.date());
        at.mount("GET", "api", &route, 200, sample(hours), 1).await;
        let body = br#"{"id":"1"}"#.to_vec();
        at.mount("POST", "api", "/orders/", 201, body, 1).await;
        let request = share_order(&at, Side::Buy, dollars, OrderKind::Market);
        match at.broker.place_order(&request).await {
            Ok(Submission::Accepted(_)) => assert!(open, "{now}"),
            Err(error) => {
                assert!(!open, "{now}: {error}");
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                assert!(error.message().contains("regular hours"), "{error}");
            }
            Ok(other) => panic!("{other}"),
        }
        assert_eq!(at.sent("POST", "/orders/").await.len(), usize::from(open));
    }
    // Nobody knows whether the market is open: nothing is sent.
    let at = AtServer::at(datetime!(2026-11-20 15:00:00 UTC)).await;
    at.mount(
        "GET",
        "api",
        "/markets/XNYS/hours/2026-11-20/",
        500,
        br#"{}"#.to_vec(),
        1,
    )
    .await;
    let request = share_order(&at, Side::Buy, dollars, OrderKind::Market);
    assert!(at.broker.place_order(&request).await.is_err());
    assert!(at.sent("POST", "/orders/").await.is_empty());
}

#[tokio::test]
async fn f52_a_stop_on_the_wrong_side_of_the_market_is_refused() {
    let at = AtServer::new().await;
    for (side, stop) in [(Side::Sell, dec!(15)), (Side::Buy, dec!(9))] {
        let stop = price(stop);
        let with_limit = OrderKind::StopLimit { stop, price: stop };
        for kind in [OrderKind::Stop { stop }, with_limit] {
            let request = share_order(&at, side, shares!(1), kind);
            let error = at.broker.place_order(&request).await.unwrap_err();
            assert_eq!(error.code(), 5001, "{error}");
            assert!(error.message().contains("wrong side"), "{error}");
        }
    }
    assert!(at.sent("POST", "/orders/").await.is_empty());
}

#[tokio::test]
async fn f51_what_is_off_the_grid_is_told_with_its_neighbours() {
    let at = AtServer::new().await;
    let limit = |value| OrderKind::Limit {
        price: price(value),
    };
    for (size, kind, nearest) in [
        (shares!(1), limit(dec!(12.345)), ["12.34", "12.35"]),
        (shares!(1), limit(dec!(0.12345)), ["0.1234", "0.1235"]),
        (shares!(1.5), limit(dec!(12)), ["1", "2"]),
        (
            shares!(1.0000015),
            OrderKind::Market,
            ["1.000001", "1.000002"],
        ),
    ] {
        let request = share_order(&at, Side::Buy, size, kind);
        let error = at.broker.place_order(&request).await.unwrap_err();
        assert_eq!(error.code(), 5001);
        for value in nearest {
            assert!(error.message().contains(value), "{error}");
        }
    }
    assert!(at.sent("POST", "/orders/").await.is_empty());
}

#[tokio::test]
async fn a_trail_that_is_beyond_all_numbers_is_refused_without_a_panic() {
    let at = AtServer::new().await;
    for side in [Side::Buy, Side::Sell] {
        let trail = Offset::Price(price(wheelhouse_core::Decimal::MAX));
        let request = share_order(&at, side, shares!(1), OrderKind::TrailingStop { trail });
        let error = at.broker.place_order(&request).await.unwrap_err();
        assert_eq!(error.code(), 5001, "{error}");
    }
    assert!(at.sent("POST", "/orders/").await.is_empty());
}

/// At a server that lists a share with one field changed, and takes an order.
async fn at_listed(field: &str, value: &str) -> AtServer {
    let at = AtServer::new().await;
    let mut listed: serde_json::Value =
        serde_json::from_slice(&sample("instrument_detail_F")).unwrap();
    listed[field] = value.into();
    let route = format!("/instruments/{}/", crate::rig::F);
    at.mount("GET", "api", &route, 200, listed.to_string().into(), 1)
        .await;
    let body = br#"{"id":"1"}"#.to_vec();
    at.mount("POST", "api", "/orders/", 201, body, 1).await;
    at
}

/// Below a cent, over the counter, clients send six places.
#[tokio::test]
async fn parts_of_a_cent_are_finer_over_the_counter() {
    for (market, value, legal) in [
        ("", dec!(0.0051), true),
        ("", dec!(0.005025), false),
        ("PINK", dec!(0.005025), true),
        ("PINK", dec!(0.0050251), false),
        ("PINK", dec!(0.01005), false),
        ("PINK", dec!(0.0101), true),
        ("PINK", dec!(1.005), false),
    ] {
        let at = at_listed("otc_market_tier", market).await;
        let limit = OrderKind::Limit {
            price: price(value),
        };
        let request = share_order(&at, Side::Buy, shares!(1), limit);
        let placed = at.broker.place_order(&request).await;
        assert_eq!(placed.is_ok(), legal, "{market} {value}: {placed:?}");
    }
}

/// What is left of a share after a transfer has to go some day.
#[tokio::test]
async fn fractions_of_what_can_only_be_closed_are_sold_and_not_bought() {
    for (tradability, side, legal) in [
        ("position_closing_only", Side::Sell, true),
        ("position_closing_only", Side::Buy, false),
        ("untradable", Side::Sell, false),
        ("tradable", Side::Buy, true),
    ] {
        let at = at_listed("fractional_tradability", tradability).await;
        let request = share_order(&at, side, shares!(0.125), OrderKind::Market);
        let placed = at.broker.place_order(&request).await;
        assert_eq!(placed.is_ok(), legal, "{tradability} {side}: {placed:?}");
    }
}

/// What was read before is read again before an order is refused for it, but not at once.
#[tokio::test]
async fn an_order_is_not_refused_for_what_is_over() {
    let told = |name: &str, pointer: &str, now: &str| {
        let mut told: serde_json::Value = serde_json::from_slice(&sample(name)).unwrap();
        *told.pointer_mut(pointer).unwrap() = now.into();
        told.to_string().into_bytes()
    };
    let limit = |value| OrderKind::Limit {
        price: price(value),
    };
    let pair = "crypto:3d961844-d360-45fc-989b-f6fca761d511";
    for (host, route, halted, traded, book) in [
        (
            "api",
            format!("/instruments/{}/", crate::rig::F),
            told("instrument_detail_F", "/tradability", "untradable"),
            sample("instrument_detail_F"),
            "/orders/",
        ),
        (
            "nummus",
            "/currency_pairs/".to_owned(),
            told(
                "nummus_currency_pairs",
                "/results/0/tradability",
                "untradable",
            ),
            sample("nummus_currency_pairs"),
            "/orders/",
        ),
        (
            "api",
            "/options/instruments/".to_owned(),
            told(
                "options_instruments_F_puts",
                "/results/1/tradability",
                "untradable",
            ),
            sample("options_instruments_F_puts"),
            "/options/orders/",
        ),
    ] {
        let at = AtServer::built(|mut config| {
            config.private_crypto = true;
            config
        })
        .await;
        at.mount("GET", host, &route, 200, halted, 2).await;
        let body = br#"{"id":"1"}"#.to_vec();
        at.mount("POST", host, book, 201, body, 1).await;
        let place = async || match (host, book) {
            ("nummus", _) => {
                let id = wheelhouse_core::InstrumentId::new(pair).unwrap();
                let size = OrderSize::Units(wheelhouse_core::Quantity::new(dec!(0.0001)));
                let kind = limit(dec!(50_000));
                let request =
                    wheelhouse_core::OrderRequest::new(&at.account, id, Side::Buy, size, kind);
                at.broker.place_order(&request).await
            }
            (_, "/orders/") => {
                let request = share_order(&at, Side::Buy, shares!(1), limit(dec!(12)));
                at.broker.place_order(&request).await
            }
            _ => {
                let legs = vec![leg(PUT, Side::Sell, PositionEffect::Open)];
                let request = option_order(&at, legs, limit(dec!(0.25)), Side::Sell);
                let options = at.broker.options().unwrap();
                options.place_option_order(&request).await
            }
        };
        let error = place().await.unwrap_err();
        assert_eq!(error.code(), 5001, "{route}");
        place().await.unwrap_err();
        assert_eq!(at.sent("GET", &route).await.len(), 1, "{route}");
        at.mount("GET", host, &route, 200, traded, 1).await;
        at.clock.0.skip(std::time::Duration::from_secs(60));
        let placed = place().await.unwrap();
        assert!(matches!(placed, Submission::Accepted(_)), "{placed}");
    }
}

/// The list of accounts of crypto is kept for an hour, and was read before one was opened.
#[tokio::test]
async fn crypto_can_be_ordered_soon_after_its_account_is_opened() {
    let at = AtServer::built(|mut config| {
        config.private_crypto = true;
        config
    })
    .await;
    let none = br#"{"results":[],"next":null}"#.to_vec();
    at.mount("GET", "nummus", "/accounts/", 200, none, 2).await;
    let body = br#"{"id":"1"}"#.to_vec();
    at.mount("POST", "nummus", "/orders/", 201, body, 1).await;
    let pair = "crypto:3d961844-d360-45fc-989b-f6fca761d511";
    let pair = wheelhouse_core::InstrumentId::new(pair).unwrap();
    let size = OrderSize::Units(wheelhouse_core::Quantity::new(dec!(0.0001)));
    let limit = OrderKind::Limit {
        price: price(dec!(50_000)),
    };
    let request = wheelhouse_core::OrderRequest::new(&at.account, pair, Side::Buy, size, limit);
    let asked = async || at.sent("GET", "nummus.robinhood.com/accounts/").await.len();
    for _ in 0..2 {
        let error = at.broker.place_order(&request).await.unwrap_err();
        assert_eq!(error.code(), 3002);
        assert_eq!(asked().await, 1, "it was looked up a moment ago");
    }
    let opened = sample("nummus_accounts");
    at.mount("GET", "nummus", "/accounts/", 200, opened, 1)
        .await;
    at.clock.0.skip(std::time::Duration::from_secs(25));
    at.broker.place_order(&request).await.unwrap_err();
    assert_eq!(asked().await, 1);
    at.clock.0.skip(std::time::Duration::from_secs(6));
    let placed = at.broker.place_order(&request).await.unwrap();
    assert!(matches!(placed, Submission::Accepted(_)), "{placed}");
    assert_eq!(asked().await, 2);
}

#[tokio::test]
async fn a_pair_that_is_not_traded_is_refused() {
    let at = AtServer::built(|mut config| {
        config.private_crypto = true;
        config
    })
    .await;
    let mut pairs: serde_json::Value =
        serde_json::from_slice(&sample("nummus_currency_pairs")).unwrap();
    pairs["results"][0]["tradability"] = "untradable".into();
    let body = pairs.to_string().into();
    at.mount("GET", "nummus", "/currency_pairs/", 200, body, 1)
        .await;
    let pair = "crypto:3d961844-d360-45fc-989b-f6fca761d511";
    let pair = wheelhouse_core::InstrumentId::new(pair).unwrap();
    let size = OrderSize::Units(wheelhouse_core::Quantity::new(dec!(0.0001)));
    let limit = OrderKind::Limit {
        price: price(dec!(50_000)),
    };
    let request = wheelhouse_core::OrderRequest::new(&at.account, pair, Side::Buy, size, limit);
    let error = at.broker.place_order(&request).await.unwrap_err();
    assert_eq!(error.code(), 5001);
    assert!(at.sent("POST", "/orders/").await.is_empty());
}

/// A small step below the cutoff, a large one from there on; and the chain's own for several legs.
#[tokio::test]
async fn prices_of_options_keep_to_the_steps_of_their_chain() {
    use PositionEffect::{Close, Open};
    let nine = "6e172755-6c31-419c-baaf-023b1d6f59bb";
    let limit = |value| OrderKind::Limit {
        price: price(value),
    };
    let one = || vec![leg(PUT, Side::Sell, Open)];
    let two = || vec![leg(PUT, Side::Sell, Open), leg(nine, Side::Buy, Open)];
    let options_at = |legs: Vec<OptionLeg>, kind, direction, legal: bool| async move {
        let at = AtServer::new().await;
        let body = br#"{"id":"1"}"#.to_vec();
        at.mount("POST", "api", "/options/orders/", 201, body, 1)
            .await;
        let request = option_order(&at, legs, kind, direction);
        let options = at.broker.options().unwrap();
        let placed = options.place_option_order(&request).await;
        assert_eq!(placed.is_ok(), legal, "{placed:?}");
        let sent = at.sent("POST", "/options/orders/").await;
        assert_eq!(sent.len(), usize::from(legal));
        placed.err().map(|error| error.message().to_owned())
    };
    for (legs, value, legal) in [
        (one(), dec!(0.01), true),
        (one(), dec!(2.99), true),
        (one(), dec!(3.00), true),
        (one(), dec!(3.05), true),
        (one(), dec!(3.01), false),
        (one(), dec!(0.015), false),
        (one(), dec!(0), false),
        (two(), dec!(3.01), true),
        (two(), dec!(0.015), false),
    ] {
        let told = options_at(legs, limit(value), Side::Sell, legal).await;
        if value == dec!(3.01) && !legal {
            let told = told.unwrap();
            assert!(told.contains("3.00") || told.contains("3 and"), "{told}");
            assert!(told.contains("3.05"), "{told}");
        }
    }
    let stop_limit = |stop, value| OrderKind::StopLimit {
        stop: price(stop),
        price: price(value),
    };
    let close = || vec![leg(PUT, Side::Buy, Close)];
    options_at(close(), stop_limit(dec!(0.55), dec!(0.60)), Side::Buy, true).await;
    options_at(
        close(),
        stop_limit(dec!(3.01), dec!(3.05)),
        Side::Buy,
        false,
    )
    .await;
}

#[tokio::test]
async fn orders_of_options_that_contradict_themselves_are_refused() {
    use PositionEffect::Open;
    let at = AtServer::new().await;
    let options = at.broker.options().unwrap();
    let limit = OrderKind::Limit {
        price: price(dec!(0.25)),
    };
    let sell = || leg(PUT, Side::Sell, Open);
    let zero = OptionLeg { ratio: 0, ..sell() };
    for (what, legs, kind, direction, code) in [
        ("no legs", vec![], limit, Side::Sell, 5001),
        ("five legs", vec![sell(); 5], limit, Side::Sell, 5001),
        (
            "one contract twice",
            vec![sell(); 2],
            limit,
            Side::Sell,
            5001,
        ),
        ("no ratio", vec![zero], limit, Side::Sell, 5001),
        (
            "a debit for what is sold",
            vec![sell()],
            limit,
            Side::Buy,
            5001,
        ),
        (
            "at market",
            vec![sell()],
            OrderKind::Market,
            Side::Sell,
            3010,
        ),
    ] {
        let request = option_order(&at, legs, kind, direction);
        let error = options.place_option_order(&request).await.unwrap_err();
        assert_eq!(error.code(), code, "{what}: {error}");
    }
    for quantity in [dec!(0), dec!(-1), dec!(1.5)] {
        let mut request = option_order(&at, vec![sell()], limit, Side::Sell);
        request.quantity = wheelhouse_core::Quantity::new(quantity);
        let error = options.place_option_order(&request).await.unwrap_err();
        assert_eq!(error.code(), 5001, "{quantity}");
    }
    let mut request = option_order(&at, vec![sell()], limit, Side::Sell);
    request.time_in_force = TimeInForce::Ioc;
    let error = options.place_option_order(&request).await.unwrap_err();
    assert_eq!(error.code(), 3010);
    assert!(at.sent("POST", "/options/orders/").await.is_empty());
}
