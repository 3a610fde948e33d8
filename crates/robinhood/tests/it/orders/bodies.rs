//! What is sent.

use serde_json::{Value, json};
use wheelhouse_core::{
    Broker, ClientOrderId, Currency, InstrumentId, Money, Offset, OrderKind, OrderRequest,
    OrderSize, PositionEffect, Quantity, Side, Submission, TimeInForce, TradingHours, dec, shares,
};

use super::{ALL, REF, at_friday, body_of, known, leg, option_order, price, same, share_order};
use crate::rig::{AtServer, PUT, sample};

#[tokio::test]
async fn a_limit_order_is_sent_as_the_web_page_sends_it() {
    let at = AtServer::new().await;
    let kind = OrderKind::Limit {
        price: price(dec!(12)),
    };
    let request = share_order(&at, Side::Buy, shares!(10), kind).effect(PositionEffect::Open);
    let sent = body_of(&at, &request).await;
    let known = known("req_equity_buy_limit_web");
    same(&sent, &known, &ALL);
    same(
        &sent,
        &known,
        &[
            "price",
            "time_in_force",
            "position_effect",
            "order_form_version",
            "bid_price",
            "ask_price",
        ],
    );
    assert!(sent["quantity"].is_string() && sent["price"].is_string());
    let fields = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<std::collections::BTreeSet<_>>()
    };
    let mut extra = fields(&sent);
    extra.retain(|field| !fields(&known).contains(field));
    assert_eq!(extra.into_iter().collect::<Vec<_>>(), ["extended_hours"]);
}

#[tokio::test]
async fn an_order_by_amount_is_sent_as_the_web_page_sends_it() {
    let at = at_friday().await;
    let size = OrderSize::Notional(Money::new(dec!(25.00), Currency::USD));
    let sent = body_of(&at, &share_order(&at, Side::Buy, size, OrderKind::Market)).await;
    let known = known("req_equity_buy_dollars_web");
    same(
        &sent,
        &known,
        &[
            "account",
            "instrument",
            "symbol",
            "type",
            "trigger",
            "side",
            "time_in_force",
            "order_form_version",
        ],
    );
    assert_eq!(sent["dollar_based_amount"], known["dollar_based_amount"]);
    assert!(sent.get("quantity").is_none() && sent.get("price").is_none());
}

#[tokio::test]
async fn the_other_kinds_of_orders_are_sent_as_known_clients_send_them() {
    let stop = OrderKind::Stop {
        stop: price(dec!(11.5)),
    };
    let stop_limit = OrderKind::StopLimit {
        stop: price(dec!(11.5)),
        price: price(dec!(11.4)),
    };
    for (name, kind, fields) in [
        (
            "req_equity_sell_market_robin_stocks",
            OrderKind::Market,
            &["time_in_force"][..],
        ),
        ("req_equity_sell_stop_robin_stocks", stop, &["stop_price"]),
        (
            "req_equity_sell_stop_limit_robin_stocks",
            stop_limit,
            &["stop_price", "price"],
        ),
    ] {
        let at = AtServer::new().await;
        let request =
            share_order(&at, Side::Sell, shares!(2), kind).time_in_force(TimeInForce::Gtc);
        let (sent, known) = (body_of(&at, &request).await, known(name));
        same(&sent, &known, &ALL);
        same(&sent, &known, fields);
        assert_eq!(
            known.get("price").is_some(),
            sent.get("price").is_some(),
            "{name}"
        );
    }
    let at = AtServer::new().await;
    let limit = OrderKind::Limit {
        price: price(dec!(12)),
    };
    let request = share_order(&at, Side::Buy, shares!(1), limit)
        .hours(TradingHours::Extended)
        .time_in_force(TimeInForce::Gtc);
    let (sent, extended) = (
        body_of(&at, &request).await,
        known("req_equity_buy_limit_extended_robin_stocks"),
    );
    same(&sent, &extended, &ALL);
    same(&sent, &extended, &["extended_hours", "price"]);

    // A market order to buy is one, with the ask and the collar that the other client sends too; that
    // one calls it a limit order.
    let at = AtServer::new().await;
    let sent = body_of(
        &at,
        &share_order(&at, Side::Buy, shares!(2), OrderKind::Market),
    )
    .await;
    let market = known("req_equity_buy_market_robin_stocks");
    same(
        &sent,
        &market,
        &[
            "quantity",
            "price",
            "ask_price",
            "preset_percent_limit",
            "trigger",
            "side",
        ],
    );
    assert_eq!(sent["type"], "market");

    let at = AtServer::new().await;
    let trail = OrderKind::TrailingStop {
        trail: Offset::Percent(dec!(5.0)),
    };
    let request = share_order(&at, Side::Sell, shares!(2), trail).time_in_force(TimeInForce::Gtc);
    let (sent, trailing) = (
        body_of(&at, &request).await,
        known("req_equity_trailing_stop_robin_stocks"),
    );
    same(
        &sent,
        &trailing,
        &[
            "type",
            "trigger",
            "side",
            "quantity",
            "ref_id",
            "time_in_force",
        ],
    );
    assert_eq!(sent["trailing_peg"], trailing["trailing_peg"]);
    assert_eq!(sent["stop_price"], "11.72");
}

#[tokio::test]
async fn orders_of_options_are_sent_as_known_clients_send_them() {
    use PositionEffect::{Close, Open};
    let limit = |value| OrderKind::Limit {
        price: price(value),
    };
    let stop_limit = OrderKind::StopLimit {
        stop: price(dec!(0.55)),
        price: price(dec!(0.6)),
    };
    let nine = "6e172755-6c31-419c-baaf-023b1d6f59bb";
    for (name, legs, kind, direction, time) in [
        (
            "req_option_sell_put_to_open",
            vec![leg(PUT, Side::Sell, Open)],
            limit(dec!(0.25)),
            Side::Sell,
            TimeInForce::Day,
        ),
        (
            "req_option_stop_limit",
            vec![leg(PUT, Side::Buy, Close)],
            stop_limit,
            Side::Buy,
            TimeInForce::Gtc,
        ),
        (
            "req_option_spread",
            vec![leg(PUT, Side::Sell, Open), leg(nine, Side::Buy, Open)],
            limit(dec!(0.12)),
            Side::Sell,
            TimeInForce::Day,
        ),
    ] {
        let at = AtServer::new().await;
        at.mount(
            "POST",
            "api",
            "/options/orders/",
            201,
            json!({"id": "1"}).to_string().into(),
            1,
        )
        .await;
        let mut request = option_order(&at, legs, kind, direction);
        request.time_in_force = time;
        let options = at.broker.options().unwrap();
        let placed = options.place_option_order(&request).await.unwrap();
        assert!(matches!(placed, Submission::Accepted(_)), "{placed}");
        let sent: Value = at.sent("POST", "/options/orders/").await[0]
            .body_json()
            .unwrap();
        let known = known(name);
        same(
            &sent,
            &known,
            &[
                "account",
                "direction",
                "time_in_force",
                "type",
                "trigger",
                "price",
                "quantity",
            ],
        );
        assert_eq!(sent["legs"], known["legs"]);
        assert_eq!(sent["ref_id"], REF);
        if known.get("stop_price").is_some() {
            same(&sent, &known, &["stop_price"]);
        }
    }
}

#[tokio::test]
async fn an_order_of_crypto_is_sent_as_known_clients_send_it() {
    let at = AtServer::built(|mut config| {
        config.private_crypto = true;
        config
    })
    .await;
    at.mount(
        "POST",
        "nummus",
        "/orders/",
        201,
        sample("nummus_order_placed"),
        1,
    )
    .await;
    let pair = InstrumentId::new("crypto:3d961844-d360-45fc-989b-f6fca761d511").unwrap();
    let size = OrderSize::Units(Quantity::new(dec!(0.0001)));
    let id = ClientOrderId::new("219e55a6-808e-4843-a3a6-e0e7644db652").unwrap();
    let request =
        OrderRequest::limit(&at.account, pair, Side::Buy, size, dec!(50000)).client_order_id(id);
    let placed = at.broker.place_order(&request).await.unwrap();
    let Submission::Accepted(placed) = placed else {
        panic!("{placed}")
    };
    assert_eq!(
        placed.id.as_str(),
        "crypto:4786a9af-5a7e-49b0-a07c-2060157a93c8"
    );
    let sent: Value = at.sent("POST", "/orders/").await[0].body_json().unwrap();
    let known = known("req_nummus_order");
    same(
        &sent,
        &known,
        &[
            "account_id",
            "currency_pair_id",
            "price",
            "quantity",
            "ref_id",
            "side",
            "time_in_force",
            "type",
        ],
    );
}

#[tokio::test]
async fn the_version_of_the_order_form_is_a_setting() {
    for (version, expected) in [(None, 7), (Some(9), 9)] {
        let at = AtServer::built(|mut config| {
            config.order_form_version = version.unwrap_or(config.order_form_version);
            config
        })
        .await;
        let kind = OrderKind::Limit {
            price: price(dec!(12)),
        };
        let sent = body_of(&at, &share_order(&at, Side::Buy, shares!(1), kind)).await;
        assert_eq!(sent["order_form_version"], expected);
    }
}

#[tokio::test]
async fn the_session_is_said_twice_and_the_same() {
    for (hours, name, extended) in [
        (TradingHours::Regular, "regular_hours", false),
        (TradingHours::Extended, "extended_hours", true),
        (TradingHours::AllDay, "all_day_hours", true),
    ] {
        let at = AtServer::new().await;
        let kind = OrderKind::Limit {
            price: price(dec!(12)),
        };
        let request = share_order(&at, Side::Buy, shares!(1), kind).hours(hours);
        let sent = body_of(&at, &request).await;
        assert_eq!(
            (&sent["market_hours"], &sent["extended_hours"]),
            (&json!(name), &json!(extended))
        );
    }
}

#[tokio::test]
async fn every_time_in_force_of_the_broker_is_sent_in_its_words() {
    use TimeInForce::{Day, Gtc, Ioc, OnOpen};
    let limit = OrderKind::Limit {
        price: price(dec!(12)),
    };
    for kind in [limit, OrderKind::Market] {
        for (time, word) in [(Day, "gfd"), (Gtc, "gtc"), (Ioc, "ioc"), (OnOpen, "opg")] {
            let at = AtServer::new().await;
            let request = share_order(&at, Side::Sell, shares!(1), kind).time_in_force(time);
            assert_eq!(body_of(&at, &request).await["time_in_force"], word);
        }
    }
}

#[tokio::test]
async fn market_orders_have_a_collar_to_buy_and_none_to_sell() {
    let at = AtServer::new().await;
    let sent = body_of(
        &at,
        &share_order(&at, Side::Buy, shares!(0.5), OrderKind::Market),
    )
    .await;
    assert_eq!(
        (&sent["type"], &sent["quantity"]),
        (&json!("market"), &json!("0.5"))
    );
    assert_eq!(sent["price"], sent["ask_price"]);
    assert_eq!(sent["preset_percent_limit"], "0.05");
    for (side, stop, collar) in [
        (Side::Buy, dec!(13), Some("13")),
        (Side::Sell, dec!(11), None),
    ] {
        let at = AtServer::new().await;
        let kind = OrderKind::Stop { stop: price(stop) };
        let sent = body_of(&at, &share_order(&at, side, shares!(1), kind)).await;
        assert_eq!(
            (&sent["type"], &sent["trigger"]),
            (&json!("market"), &json!("stop"))
        );
        assert_eq!(sent.get("price").and_then(Value::as_str), collar);
    }
}

#[tokio::test]
async fn a_trailing_stop_is_told_by_its_distance() {
    for (side, trail, peg) in [
        (
            Side::Buy,
            Offset::Price(price(dec!(1.5))),
            json!({"type": "price", "price": {"amount": "1.5", "currency_code": "USD"}}),
        ),
        (
            Side::Sell,
            Offset::Percent(dec!(12.5)),
            json!({"type": "percentage", "percentage": "12.5"}),
        ),
    ] {
        let at = AtServer::new().await;
        let kind = OrderKind::TrailingStop { trail };
        let sent = body_of(&at, &share_order(&at, side, shares!(1), kind)).await;
        assert_eq!(sent["trailing_peg"], peg);
        assert_eq!(
            (&sent["type"], &sent["trigger"]),
            (&json!("market"), &json!("stop"))
        );
        assert!(sent["stop_price"].is_string());
        assert_eq!(sent.get("price").is_some(), side == Side::Buy);
    }
}

/// Rounded towards the market, a stop could be where the market is, and wake at once.
#[tokio::test]
async fn the_first_stop_of_a_trail_is_on_the_grid_and_away_from_the_market() {
    let mut quotes: Value = serde_json::from_slice(&sample("marketdata_quotes")).unwrap();
    quotes["results"][0]["last_trade_price"] = json!("12.345600");
    quotes["results"][0]["last_extended_hours_trade_price"] = Value::Null;
    for (side, trail, stop) in [
        (Side::Buy, dec!(0.001), "12.35"),
        (Side::Sell, dec!(0.001), "12.34"),
        (Side::Buy, dec!(0.0044), "12.35"),
        (Side::Sell, dec!(0.0056), "12.34"),
    ] {
        let at = AtServer::new().await;
        let body = quotes.to_string().into();
        at.mount("GET", "api", "/marketdata/quotes/", 200, body, 1)
            .await;
        let kind = OrderKind::TrailingStop {
            trail: Offset::Price(price(trail)),
        };
        let sent = body_of(&at, &share_order(&at, side, shares!(1), kind)).await;
        assert_eq!(sent["stop_price"], stop, "{side} {trail}");
    }
}

#[tokio::test]
async fn a_market_order_of_crypto_names_a_price_on_the_grid() {
    let pair = "3d961844-d360-45fc-989b-f6fca761d511";
    let mut quote: Value = serde_json::from_slice(&sample("forex_quote")).unwrap();
    quote["ask_price"] = json!("68761.0137");
    quote["bid_price"] = json!("68698.0099");
    for (side, expected) in [(Side::Buy, "68761.02"), (Side::Sell, "68698")] {
        let at = AtServer::built(|mut config| {
            config.private_crypto = true;
            config
        })
        .await;
        let route = format!("/marketdata/forex/quotes/{pair}/");
        at.mount("GET", "api", &route, 200, quote.to_string().into(), 1)
            .await;
        let body = json!({"id": "1"}).to_string().into();
        at.mount("POST", "nummus", "/orders/", 201, body, 1).await;
        let id = InstrumentId::new(format!("crypto:{pair}")).unwrap();
        let size = OrderSize::Units(Quantity::new(dec!(0.0001)));
        let request = OrderRequest::market(&at.account, id, side, size);
        let placed = at.broker.place_order(&request).await.unwrap();
        assert!(matches!(placed, Submission::Accepted(_)), "{placed}");
        let sent: Value = at.sent("POST", "/orders/").await[0].body_json().unwrap();
        assert_eq!(sent["price"], expected);
    }
}
