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
