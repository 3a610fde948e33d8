//! Placing orders: what is sent, what comes of every answer, and what is refused before.

use serde_json::{Value, json};
use wheelhouse_core::{
    Broker, ClientOrderId, Currency, Decimal, ErrorKind, InstrumentId, Money, Offset, OptionLeg,
    OptionOrderRequest, OrderKind, OrderRequest, OrderSize, PositionEffect, Price, Quantity,
    RejectReason, Resolution, Side, Submission, TimeInForce, TradingHours, dec, shares,
};
use wheelhouse_robinhood::Robinhood;
use wheelhouse_sim::{Fault, Kind, robinhood::Route};

use crate::rig::{AtServer, AtSim, F, PUT, sample};

const REF: &str = "b542ce3d-e12a-40bb-895e-0e4acf479632";

fn price(value: Decimal) -> Price {
    Price::new(value)
}

fn share_order(at: &AtServer, side: Side, size: OrderSize, kind: OrderKind) -> OrderRequest {
    let f = InstrumentId::new(F).unwrap();
    OrderRequest::new(&at.account, f, side, size, kind)
        .client_order_id(ClientOrderId::new(REF).unwrap())
}

async fn body_of(at: &AtServer, request: &OrderRequest) -> Value {
    at.mount(
        "POST",
        "api",
        "/orders/",
        201,
        json!({"id": "1", "ref_id": REF}).to_string().into(),
        1,
    )
    .await;
    let placed = at.broker.place_order(request).await.unwrap();
    assert!(matches!(placed, Submission::Accepted(_)), "{placed}");
    at.sent("POST", "/orders/").await[0].body_json().unwrap()
}

/// Reads a sample of a request, a form or JSON.
fn known(name: &str) -> Value {
    match serde_json::from_slice(&sample(name)).unwrap() {
        Value::Array(pairs) => {
            let pair = |pair: &Value| (pair[0].as_str().unwrap().to_owned(), pair[1].clone());
            Value::Object(pairs.iter().map(pair).collect())
        }
        object => object,
    }
}

/// Compares fields by what they mean: numbers as numbers, whatever they are written as.
fn same(sent: &Value, known: &Value, fields: &[&str]) {
    for field in fields {
        let text = |value: &Value| match &value[*field] {
            Value::String(text) => text.to_lowercase(),
            other => other.to_string(),
        };
        let (a, b) = (text(sent), text(known));
        let number = |text: &str| text.parse::<Decimal>().ok();
        let equal = a == b || (number(&a).is_some() && number(&a) == number(&b));
        assert!(equal, "{field}: {a} and {b}");
    }
}

const ALL: [&str; 9] = [
    "account",
    "instrument",
    "symbol",
    "type",
    "trigger",
    "side",
    "market_hours",
    "ref_id",
    "quantity",
];

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
    let at = AtServer::new().await;
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

fn option_order(
    at: &AtServer,
    legs: Vec<OptionLeg>,
    kind: OrderKind,
    direction: Side,
) -> OptionOrderRequest {
    let mut request =
        OptionOrderRequest::new(&at.account, legs, Quantity::new(dec!(1)), kind, direction);
    request.client_order_id = Some(ClientOrderId::new(REF).unwrap());
    request
}

fn leg(contract: &str, side: Side, effect: PositionEffect) -> OptionLeg {
    OptionLeg {
        contract: InstrumentId::new(contract).unwrap(),
        side,
        effect,
        ratio: 1,
    }
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
async fn every_answer_to_a_placement_has_its_outcome() {
    enum Expected {
        Error(u16),
        Rejected(RejectReason),
        Unknown,
    }
    use Expected::{Error, Rejected, Unknown};
    for (status, body, expected) in [
        (201, json!({}), Unknown),
        (
            200,
            json!({"quantity": ["Enter a valid number."]}),
            Rejected(RejectReason::InvalidField),
        ),
        (201, json!({"quantity": ["Enter a valid number."]}), Unknown),
        (
            201,
            json!({"id": "1", "ref_id": "7151eda4-3328-47a5-9b37-32cf886f8eb4"}),
            Unknown,
        ),
        (201, json!({"id": ""}), Unknown),
        (
            400,
            json!({"detail": "Not enough shares to sell."}),
            Rejected(RejectReason::InsufficientFunds),
        ),
        (
            400,
            json!({"quantity": ["Enter a valid number."]}),
            Rejected(RejectReason::InvalidField),
        ),
        (
            400,
            json!({"non_field_errors": ["Trailing stop limit orders not supported."]}),
            Rejected(RejectReason::OrderType),
        ),
        (400, json!({}), Unknown),
        (
            401,
            json!({"detail": "Incorrect authentication credentials."}),
            Error(1003),
        ),
        (
            403,
            json!({"detail": "You do not have permission to perform this action."}),
            Error(3003),
        ),
        (404, json!({"detail": "Not found."}), Error(3002)),
        (
            429,
            json!({"detail": "Request was throttled. Expected available in 14 seconds."}),
            Error(3004),
        ),
        (
            429,
            json!({"detail": "Too many requests for fractional orders"}),
            Error(3004),
        ),
        (500, json!({"detail": "x"}), Unknown),
        (502, json!({}), Unknown),
    ] {
        let at = AtServer::new().await;
        at.mount(
            "POST",
            "api",
            "/orders/",
            status,
            body.to_string().into(),
            1,
        )
        .await;
        let kind = OrderKind::Limit {
            price: price(dec!(12)),
        };
        let outcome = at
            .broker
            .place_order(&share_order(&at, Side::Buy, shares!(1), kind))
            .await;
        match (&expected, &outcome) {
            (Error(code), Err(error)) if error.code() == *code => {
                assert_eq!(error.effect(), wheelhouse_core::Effect::None);
            }
            (Rejected(reason), Ok(Submission::Rejected(refused))) if refused.reason == *reason => {}
            (Unknown, Ok(Submission::Unknown(_))) => {}
            _ => panic!("{status} {body}: {outcome:?}"),
        }
        assert_eq!(
            at.sent("POST", "/orders/").await.len(),
            1,
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn f10_the_wait_of_a_throttled_placement_is_told() {
    let at = AtServer::new().await;
    at.mount("POST", "api", "/orders/", 429, sample("error_429"), 1)
        .await;
    let kind = OrderKind::Limit {
        price: price(dec!(12)),
    };
    let error = at
        .broker
        .place_order(&share_order(&at, Side::Buy, shares!(1), kind))
        .await
        .unwrap_err();
    assert_eq!(error.retry_after().map(|wait| wait.as_secs()), Some(14));
}

#[tokio::test]
async fn f9_an_identifier_that_is_taken_leads_to_its_order_or_is_refused() {
    for (order, expected) in [
        ("order_placed_limit", true),
        ("order_detail_rejected", false),
    ] {
        let at = AtServer::new().await;
        at.mount(
            "POST",
            "api",
            "/orders/",
            409,
            sample("order_error_duplicate_ref_id"),
            1,
        )
        .await;
        let mut there: Value = serde_json::from_slice(&sample(order)).unwrap();
        there["ref_id"] = REF.to_uppercase().into();
        there["created_at"] = time::OffsetDateTime::now_utc()
            .format(&time::format_description::well_known::Rfc3339)
            .unwrap()
            .into();
        let list = json!({"next": null, "results": [there]});
        at.mount("GET", "api", "/orders/", 200, list.to_string().into(), 1)
            .await;
        let kind = OrderKind::Limit {
            price: price(dec!(12)),
        };
        let outcome = at
            .broker
            .place_order(&share_order(&at, Side::Buy, shares!(10), kind))
            .await;
        match (expected, outcome) {
            (true, Ok(Submission::Accepted(order))) => {
                assert_eq!(order.client_order_id.as_str(), REF)
            }
            (false, Err(error)) => assert_eq!(error.kind(), ErrorKind::ClientOrderIdReused),
            (_, outcome) => panic!("{outcome:?}"),
        }
    }
}

fn accepted(submission: Submission) -> wheelhouse_core::AcceptedOrder {
    match submission {
        Submission::Accepted(order) => order,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_unclear_placement_can_be_placed_again_and_is_there_once() {
    for (kind, before) in [
        (Kind::DropAnswer, 1),
        (Kind::Html(502), 0),
        (Kind::Truncate { keep: 20 }, 1),
    ] {
        let at = AtSim::new().await;
        let f = at.instrument("F").await;
        let id = ClientOrderId::new("WHL-A-unclear").unwrap();
        let request = OrderRequest::limit(&at.account, &f, Side::Buy, shares!(2), dec!(5))
            .client_order_id(id.clone());
        at.server()
            .faults()
            .add(Fault::new(Route::PlaceOrder, kind.clone()).times(1));
        let first = at.broker.place_order(&request).await.unwrap();
        assert!(matches!(first, Submission::Unknown(_)), "{kind:?}: {first}");
        assert_eq!(at.server().ledger().placements().len(), before, "{kind:?}");
        let again = accepted(at.broker.place_order(&request).await.unwrap());
        assert_eq!(again.client_order_id, id);
        let there = at.server().ledger().placements_of(&Robinhood::ref_id(&id));
        assert_eq!(there.len(), 1, "{kind:?}");
        assert_eq!(there[0].order_id, again.id.as_str());
        let listed = at.broker.order(&at.account, &again.id).await.unwrap();
        assert_eq!(listed.client_order_id, Some(id));
    }
}

#[tokio::test]
async fn a_refusal_of_the_second_sending_says_nothing_about_the_first() {
    let at = AtSim::new().await;
    let f = at.instrument("F").await;
    let id = ClientOrderId::new(REF).unwrap();
    let request =
        OrderRequest::limit(&at.account, &f, Side::Buy, shares!(2), dec!(5)).client_order_id(id);
    at.server()
        .faults()
        .add(Fault::new(Route::PlaceOrder, Kind::DropAnswer).times(1));
    let first = at.broker.place_order(&request).await.unwrap();
    let refusal = Kind::Status {
        status: 400,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: r#"{"detail":"Not enough overnight buying power."}"#.to_owned(),
    };
    at.server()
        .faults()
        .add(Fault::new(Route::PlaceOrder, refusal).times(1));
    let second = at.broker.place_order(&request).await.unwrap();
    assert!(matches!(
        (&first, &second),
        (Submission::Unknown(_), Submission::Unknown(_))
    ));
    let Submission::Unknown(open) = second else {
        unreachable!()
    };
    assert!(matches!(
        at.broker.resolve(&open).await.unwrap(),
        Resolution::Found(_)
    ));
}

#[tokio::test]
async fn an_unclear_order_of_options_is_never_sent_again_but_found() {
    let at = AtSim::new().await;
    let options = at.broker.options().unwrap();
    let f = wheelhouse_core::Symbol::new("F").unwrap();
    let chains = options.option_chains(&at.account, &f).await.unwrap();
    let mut query = wheelhouse_core::OptionQuery::new(f);
    query.expiration = Some(chains[0].expirations[2]);
    let puts = options
        .option_contracts(&at.account, query)
        .await
        .unwrap()
        .items;
    let legs = vec![leg(puts[0].id.as_str(), Side::Buy, PositionEffect::Open)];
    let kind = OrderKind::Limit {
        price: price(dec!(0.01)),
    };
    let mut request =
        OptionOrderRequest::new(&at.account, legs, Quantity::new(dec!(1)), kind, Side::Buy);
    request.client_order_id = Some(ClientOrderId::new(REF).unwrap());
    at.server()
        .change_settings(|settings| settings.option_ref_id_repeats = true);
    at.server()
        .faults()
        .add(Fault::new(Route::PlaceOptionOrder, Kind::DropAnswer).times(1));
    let first = options.place_option_order(&request).await.unwrap();
    let again = options.place_option_order(&request).await.unwrap();
    let Submission::Unknown(open) = again else {
        panic!("{again}")
    };
    assert!(matches!(first, Submission::Unknown(_)));
    assert_eq!(at.server().ledger().count(Route::PlaceOptionOrder), 1);
    let Resolution::Found(order) = at.broker.resolve(&open).await.unwrap() else {
        panic!()
    };
    assert_eq!(order.client_order_id.unwrap().as_str(), REF);
    assert_eq!(at.server().ledger().placements().len(), 1);
}

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

#[tokio::test]
async fn a_cancel_that_is_refused_is_explained_by_the_order() {
    let id = wheelhouse_core::BrokerOrderId::new("0c66da33-164f-4ebf-9198-317ca6a521a0").unwrap();
    let route = "/orders/0c66da33-164f-4ebf-9198-317ca6a521a0/";
    let at = AtServer::new().await;
    at.mount("GET", "api", route, 200, sample("order_placed_limit"), 1)
        .await;
    at.mount(
        "POST",
        "api",
        &format!("{route}cancel/"),
        403,
        sample("order_cancel_again"),
        1,
    )
    .await;
    let error = at.broker.cancel_order(&at.account, &id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let roth = wheelhouse_core::AccountId::new("100200302").unwrap();
    let error = at.broker.cancel_order(&roth, &id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "it is another account's");

    let at = AtServer::new().await;
    at.mount("GET", "api", route, 200, sample("order_placed_limit"), 1)
        .await;
    at.mount(
        "POST",
        "api",
        &format!("{route}cancel/"),
        200,
        sample("order_cancel_ok"),
        1,
    )
    .await;
    at.broker.cancel_order(&at.account, &id).await.unwrap();
}

#[tokio::test]
async fn f47_a_cancel_that_comes_too_late_leaves_a_filled_order() {
    let at = AtSim::new().await;
    at.server()
        .change_settings(|settings| settings.cancel_loses = true);
    let f = at.instrument("F").await;
    let request = OrderRequest::limit(&at.account, &f, Side::Buy, shares!(2), dec!(5));
    let placed = accepted(at.broker.place_order(&request).await.unwrap());
    at.broker
        .cancel_order(&at.account, &placed.id)
        .await
        .unwrap();
    let order = at.broker.order(&at.account, &placed.id).await.unwrap();
    assert_eq!(order.state, wheelhouse_core::OrderState::Filled);
}

/// 600 placements, a fifth of them with a fault: none doubled, none lost.
#[tokio::test]
async fn ord_1_no_placement_is_doubled_or_lost() {
    let at = AtSim::rich().await;
    let f = at.instrument("F").await;
    for kind in [
        Kind::DropAnswer,
        Kind::Html(502),
        Kind::Truncate { keep: 40 },
        Kind::Body(b"{}".to_vec()),
        Kind::CloseQuietly,
    ] {
        at.server()
            .faults()
            .add(Fault::new(Route::PlaceOrder, kind).share(45_000));
    }
    let (mut found, mut absent, mut at_once) = (0, 0, 0);
    for _ in 0..600 {
        let request = OrderRequest::limit(&at.account, &f, Side::Buy, shares!(1), dec!(1));
        let placed = at.broker.place_order(&request).await.unwrap();
        let id = placed.client_order_id().clone();
        let really = at.server().ledger().placements_of(id.as_str()).len();
        match placed {
            Submission::Accepted(_) => {
                at_once += 1;
                assert_eq!(really, 1);
            }
            Submission::Unknown(open) => match at.broker.resolve(&open).await.unwrap() {
                Resolution::Found(_) => {
                    found += 1;
                    assert_eq!(really, 1);
                }
                Resolution::NotFound(evidence) => {
                    absent += 1;
                    assert!(evidence.complete_reads >= 3);
                    assert_eq!(really, 0);
                }
                other => panic!("{}", other.report()),
            },
            other => panic!("{other}"),
        }
    }
    assert_eq!(at_once + found + absent, 600);
    assert!(found > 20 && absent > 5, "{found} {absent}");
    assert_eq!(at.server().ledger().placements().len(), at_once + found);
}

/// The same faults do harm to a client that tries again with a new identifier, so they are no toys.
#[tokio::test]
async fn ord_2_a_naive_client_doubles_orders_under_the_same_faults() {
    let at = AtSim::rich().await;
    let f = at.instrument("F").await;
    for kind in [
        Kind::DropAnswer,
        Kind::Html(502),
        Kind::Truncate { keep: 40 },
    ] {
        let fault = Fault::new(Route::PlaceOrder, kind).share(70_000);
        at.server().faults().add(fault);
    }
    for _ in 0..200 {
        for _ in 0..3 {
            let request = OrderRequest::limit(&at.account, &f, Side::Buy, shares!(1), dec!(1));
            let placed = at.broker.place_order(&request).await.unwrap();
            if matches!(placed, Submission::Accepted(_)) {
                break;
            }
        }
    }
    let doubled = at.server().ledger().placements().len() - 200;
    assert!(doubled >= 10, "{doubled}");
}
