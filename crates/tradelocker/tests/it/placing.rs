//! Placing: what is sent, what comes of every kind of answer, and that it is sent once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Map, Value};
use wheelhouse_core::{
    AccessToken, Broker, BrokerOrderId, ClientOrderId, Decimal, Effect, ErrorKind, Instrument,
    Offset, OrderRequest, RejectReason, Result, RetryAdvice, SecretString, Side, StopLoss,
    Submission, TakeProfit, TimeInForce, TokenSource, TradingHours, dec, lots, shares,
};
use wheelhouse_sim::{Fault, Kind, faults::Moment, tradelocker::Route};
use wiremock::ResponseTemplate;

use crate::rig::{AtServer, AtSim, sample};

const ORDERS: &str = "/trade/accounts/1002003/orders";

fn limit(at: &AtServer, btc: &Instrument) -> OrderRequest {
    OrderRequest::limit(&at.account, btc, Side::Buy, lots!(0.01), dec!(85000))
}

/// Numbers by their value, whatever they are written as; without what stands for nothing.
fn plain(body: &str) -> Map<String, Value> {
    let Value::Object(object) = serde_json::from_str(body).unwrap() else {
        panic!("no object");
    };
    let number = |value: Value| match value
        .as_str()
        .and_then(|text| text.parse::<f64>().ok())
        .or(value.as_f64())
    {
        Some(number) => Value::from(number),
        None => value,
    };
    let market = object["type"] != "limit";
    object
        .into_iter()
        .filter(|(key, value)| !(value.is_null() || market && key == "price"))
        .map(|(key, value)| {
            if key == "strategyId" {
                (key, value)
            } else {
                (key, number(value))
            }
        })
        .collect()
}

async fn body_of(request: OrderRequest, at: &AtServer) -> String {
    at.answer("POST", ORDERS, "place_order_200").await;
    let _ = at.broker.place_order(&request).await.unwrap();
    let mut requests = at.requests("POST", ORDERS).await;
    String::from_utf8(requests.pop().unwrap().body).unwrap()
}

#[tokio::test]
async fn bodies_are_those_of_the_samples() {
    let at = AtServer::new().await;
    let btc = at.instrument("BTCUSD").await;
    let id = |text| ClientOrderId::new(text).unwrap();
    let limit = limit(&at, &btc).client_order_id(id("sdk-01HZX0000000000000000001"));
    let sent = body_of(limit, &at).await;
    assert_eq!(plain(&sent), plain(&sample("place_order_request_limit")));

    let market = OrderRequest::market(&at.account, &btc, Side::Buy, lots!(0.02))
        .stop_loss(StopLoss::at(dec!(88000)))
        .take_profit(TakeProfit::at(dec!(99000)))
        .client_order_id(id("sdk-01HZX0000000000000000002"));
    let sent = body_of(market, &at).await;
    assert_eq!(plain(&sent), plain(&sample("place_order_request_market")));

    let stop = OrderRequest::stop(&at.account, &btc, Side::Buy, lots!(0.05), dec!(95000))
        .stop_loss(StopLoss::Trailing(Offset::Pips(dec!(500))));
    let mut sent = plain(&body_of(stop, &at).await);
    assert!(sent.remove("strategyId").is_some());
    assert_eq!(sent, plain(&sample("place_order_request_stop_trailing")));
}

#[tokio::test]
async fn numbers_are_written_digit_for_digit_and_the_account_is_in_the_header() {
    let at = AtServer::new().await;
    let btc = at.instrument("BTCUSD").await;
    let price: Decimal = "123456789012345.67".parse().unwrap();
    let request = OrderRequest::limit(&at.account, &btc, Side::Sell, lots!(0.10), price);
    let sent = body_of(request, &at).await;
    assert!(sent.contains(r#""price":123456789012345.67"#), "{sent}");
    assert!(sent.contains(r#""qty":0.1,"#), "{sent}");
    let request = &at.requests("POST", ORDERS).await[0];
    assert_eq!(request.headers["accnum"], "1");
    assert!(!request.headers.contains_key("developer-api-key"));
    let id = serde_json::from_str::<Value>(&sent).unwrap()["strategyId"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(id.starts_with("whl-") && id.len() <= 31, "{id}");
}

#[tokio::test]
async fn an_answer_with_an_order_id_is_an_acceptance() {
    let at = AtServer::new().await;
    let btc = at.instrument("BTCUSD").await;
    at.answer("POST", ORDERS, "place_order_200").await;
    let accepted = at.broker.place_order(&limit(&at, &btc)).await.unwrap();
    let Submission::Accepted(order) = accepted else {
        panic!("{accepted}")
    };
    assert_eq!(order.id.as_str(), "7100000000907785465");
    assert!(order.raw.json().unwrap().contains("orderId"));
}

#[tokio::test]
async fn f4_a_refusal_in_a_success_is_a_rejection_with_its_reason() {
    for (name, reason) in [
        (
            "place_order_error_closing_only_200",
            RejectReason::CloseOnly,
        ),
        ("place_order_error_lot_step_200", RejectReason::InvalidField),
        (
            "place_order_error_not_enough_margin_200",
            RejectReason::InsufficientFunds,
        ),
        (
            "place_order_error_order_type_not_allowed_200",
            RejectReason::OrderType,
        ),
        (
            "place_order_error_out_of_session_200",
            RejectReason::MarketClosed,
        ),
        (
            "place_order_error_qty_validation_200",
            RejectReason::InvalidField,
        ),
        ("place_order_error_sl_price_200", RejectReason::Bracket),
        (
            "place_order_error_strategy_id_200",
            RejectReason::InvalidField,
        ),
        ("cancel_order_error_final_200", RejectReason::Other),
    ] {
        let at = AtServer::new().await;
        let btc = at.instrument("BTCUSD").await;
        at.answer("POST", ORDERS, name).await;
        let refused = at.broker.place_order(&limit(&at, &btc)).await.unwrap();
        let Submission::Rejected(rejection) = refused else {
            panic!("{name}: {refused}")
        };
        assert_eq!(rejection.reason, reason, "{name}");
        let id = rejection.order.as_ref().map(BrokerOrderId::as_str);
        let margin = name.contains("margin").then_some("7100000000907785999");
        assert_eq!(id, margin, "{name}");
    }
}

#[tokio::test]
async fn f47_a_closed_market_is_a_typed_rejection() {
    let at = AtServer::new().await;
    let btc = at.instrument("BTCUSD").await;
    at.answer("POST", ORDERS, "place_order_error_out_of_session_200")
        .await;
    let refused = at.broker.place_order(&limit(&at, &btc)).await.unwrap();
    assert!(
        refused.to_string().contains("MarketClosed, code 3008"),
        "{refused}"
    );
}

/// What leaves the outcome open: anything that may not come from the API, or contradicts itself.
#[tokio::test]
async fn f1_f2_f3_f5_f14_f16_unclear_answers_leave_the_outcome_unknown_and_are_sent_once() {
    let json =
        |status, body: &str| ResponseTemplate::new(status).set_body_raw(body, "application/json");
    let html = |status| {
        ResponseTemplate::new(status).set_body_raw("<!DOCTYPE html><p>no</p>", "text/html")
    };
    let cases = [
        ("ok without an id", json(200, r#"{"s":"ok","d":{}}"#), 3006),
        ("ok with null", json(200, r#"{"s":"ok","d":null}"#), 3006),
        (
            "ok with an empty id",
            json(200, r#"{"s":"ok","d":{"orderId":""}}"#),
            3006,
        ),
        (
            "ok with an id that is none",
            json(200, r#"{"s":"ok","d":{"orderId":"../x"}}"#),
            3006,
        ),
        ("another s", json(200, r#"{"s":"maybe"}"#), 3001),
        (
            "internal error",
            json(200, &sample("error_d_null_200")),
            3005,
        ),
        ("cut off", json(200, r#"{"s":"ok","d":{"orde"#), 3006),
        ("no JSON", json(200, "{ok}"), 3006),
        ("two answers", json(200, r#"{"s":"ok"}{"s":"ok"}"#), 3006),
        ("a list", json(200, "[]"), 3006),
        ("empty", json(200, ""), 3006),
        ("204", ResponseTemplate::new(204), 3006),
        ("HTML 200", html(200), 2004),
        ("HTML 403", html(403), 2004),
        ("HTML 503", html(503), 2004),
        (
            "500",
            json(500, r#"{"message":"boom","statusCode":500}"#),
            3005,
        ),
        (
            "502 plain",
            ResponseTemplate::new(502).set_body_raw("bad gateway", "text/plain"),
            3005,
        ),
        (
            "400 with success",
            json(400, r#"{"s":"ok","d":{"orderId":"1"}}"#),
            3001,
        ),
        (
            "400 of somebody else",
            json(400, r#"{"cf":"blocked"}"#),
            3001,
        ),
        ("403 empty", json(403, ""), 3003),
        ("409", json(409, r#"{"message":"conflict"}"#), 3001),
        (
            "redirect",
            ResponseTemplate::new(302).insert_header("location", "http://localhost:9/x"),
            2005,
        ),
        (
            "not UTF-8",
            ResponseTemplate::new(200)
                .set_body_raw(b"{\"s\":\"\xff\"}".to_vec(), "application/json"),
            3006,
        ),
    ];
    for (name, template, code) in cases {
        let at = AtServer::new().await;
        let btc = at.instrument("BTCUSD").await;
        at.respond("POST", ORDERS, template).await;
        let request = limit(&at, &btc);
        let unclear = at.broker.place_order(&request).await.unwrap();
        let Submission::Unknown(open) = unclear else {
            panic!("{name}: {unclear}")
        };
        assert_eq!(open.cause_code, code, "{name}: {}", open.cause);
        assert_eq!(
            open.request.client_order_id.as_ref(),
            Some(&open.client_order_id)
        );
        assert_eq!(at.requests("POST", ORDERS).await.len(), 1, "{name}");
        // The same again is not sent again.
        let again = request.client_order_id(open.client_order_id.clone());
        let again = at.broker.place_order(&again).await.unwrap();
        assert!(matches!(again, Submission::Unknown(_)), "{name}");
        assert_eq!(at.requests("POST", ORDERS).await.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn f6_f7_f8_f10_refusals_in_the_apis_own_words_place_nothing() {
    for (name, kind) in [
        ("trade_401_expired_token", ErrorKind::SessionExpired),
        ("trade_403_forbidden", ErrorKind::PermissionDenied),
        ("trade_404_unknown", ErrorKind::NotFound),
        ("trade_429_plain", ErrorKind::RateLimited),
        ("trade_429_with_retry_after", ErrorKind::RateLimited),
    ] {
        let at = AtServer::new().await;
        let btc = at.instrument("BTCUSD").await;
        at.raw("POST", ORDERS, name).await;
        let error = at.broker.place_order(&limit(&at, &btc)).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.effect()),
            (kind, Effect::None),
            "{name}: {error}"
        );
        assert_eq!(error.operation(), Some("place_order"));
        assert_eq!(at.requests("POST", ORDERS).await.len(), 1, "{name}");
        if name.ends_with("retry_after") {
            assert_eq!(error.advice(), RetryAdvice::After(Duration::from_secs(1)));
        }
        let replaced = at.token.replaced.load(Ordering::SeqCst);
        assert_eq!(
            replaced,
            u64::from(kind == ErrorKind::SessionExpired),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_400_of_the_api_is_a_rejection() {
    let at = AtServer::new().await;
    let btc = at.instrument("BTCUSD").await;
    at.raw("POST", ORDERS, "place_order_400").await;
    let refused = at.broker.place_order(&limit(&at, &btc)).await.unwrap();
    let Submission::Rejected(rejection) = refused else {
        panic!("{refused}")
    };
    assert_eq!(
        (rejection.reason, rejection.message.as_str()),
        (RejectReason::InvalidField, "Bad Request")
    );
}

#[tokio::test]
async fn f50_f51_f52_what_cannot_be_right_is_refused_here() {
    let at = AtServer::new().await;
    let btc = at.instrument("BTCUSD").await;
    let eurusd = at.instrument("EURUSD").await;
    let sized = |size| OrderRequest::market(&at.account, &btc, Side::Buy, size);
    let stop_above = limit(&at, &btc).stop_loss(StopLoss::at(dec!(86000)));
    let profit_below = limit(&at, &btc).take_profit(TakeProfit::at(dec!(84000)));
    let far_off = limit(&at, &btc).stop_loss(StopLoss::Offset(Offset::Pips(dec!(-5))));
    let percent = limit(&at, &btc).stop_loss(StopLoss::Offset(Offset::Percent(dec!(1))));
    let long_id = limit(&at, &btc).client_order_id(ClientOrderId::new("x".repeat(32)).unwrap());
    let huge = OrderRequest::market(&at.account, &eurusd, Side::Buy, lots!(1000000000));
    let off_tick = OrderRequest::limit(&at.account, &btc, Side::Buy, lots!(0.01), dec!(85000.001));
    let stranger = OrderRequest::market(
        &at.account,
        wheelhouse_core::InstrumentId::new("999").unwrap(),
        Side::Buy,
        lots!(1),
    );
    for (name, request, code, hint) in [
        ("zero", sized(lots!(0)), 5001, "not above zero"),
        ("negative", sized(lots!(-0.05)), 5001, "not above zero"),
        ("off the step", sized(lots!(0.123)), 5001, "0.12 and 0.13"),
        ("too little", sized(lots!(0.001)), 5001, "0.01"),
        ("too much", huge, 5001, "100"),
        ("off the tick", off_tick, 5001, "85000 and 85000.01"),
        (
            "price zero",
            OrderRequest::limit(&at.account, &btc, Side::Buy, lots!(1), dec!(0)),
            5001,
            "above zero",
        ),
        ("shares", sized(shares!(1)), 3010, "Lots"),
        (
            "day",
            sized(lots!(1)).time_in_force(TimeInForce::Day),
            3010,
            "IOC",
        ),
        (
            "extended hours",
            sized(lots!(1)).hours(TradingHours::Extended),
            3010,
            "hours",
        ),
        ("stop loss above", stop_above, 5001, "must be below"),
        ("take profit below", profit_below, 5001, "must be above"),
        ("negative distance", far_off, 5001, "not above zero"),
        ("per cent", percent, 3010, "pips"),
        ("long id", long_id, 5001, "31"),
        ("no such instrument", stranger, 3002, "999"),
    ] {
        let error = at.broker.place_order(&request).await.unwrap_err();
        assert_eq!(error.code(), code, "{name}: {error}");
        assert!(error.message().contains(hint), "{name}: {error}");
        assert_eq!(error.effect(), Effect::None, "{name}");
    }
    assert!(at.requests("POST", ORDERS).await.is_empty());
}

#[tokio::test]
async fn f9_ord_9_an_identifier_with_other_content_is_refused_here() {
    let at = AtServer::new().await;
    let btc = at.instrument("BTCUSD").await;
    at.answer("POST", ORDERS, "place_order_200").await;
    let id = ClientOrderId::new("mine").unwrap();
    let first = limit(&at, &btc).client_order_id(id.clone());
    let placed = at.broker.place_order(&first).await.unwrap();
    let again = at.broker.place_order(&first).await.unwrap();
    assert_eq!(placed, again);
    let mut other = first.clone();
    other.size = lots!(0.02);
    assert_eq!(
        at.broker.place_order(&other).await.unwrap_err().code(),
        3009
    );
    assert_eq!(at.requests("POST", ORDERS).await.len(), 1);
}

#[tokio::test]
async fn f58_an_account_of_somebody_else_is_refused_and_nothing_is_sent() {
    let at = AtServer::new().await;
    let btc = at.instrument("BTCUSD").await;
    let before = at.server.received_requests().await.unwrap().len();
    let mut request = limit(&at, &btc);
    request.account = wheelhouse_core::AccountId::new("555").unwrap();
    let error = at.broker.place_order(&request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.message().contains("1002003"), "{error}");
    let after = at.server.received_requests().await.unwrap();
    assert!(
        after[before..]
            .iter()
            .all(|request| request.url.path().ends_with("all-accounts"))
    );
}

#[tokio::test]
async fn f58_a_403_of_the_broker_is_kept() {
    let at = AtServer::new().await;
    at.raw(
        "GET",
        "/trade/accounts/1002003/positions",
        "trade_403_forbidden",
    )
    .await;
    let error = at
        .broker
        .positions(&at.account, Default::default())
        .await
        .unwrap_err();
    assert_eq!(error.code(), 3003);
}

#[tokio::test]
async fn f33_what_was_not_sent_is_an_error_and_may_be_tried_again() {
    let at = AtSim::new().await;
    let eurusd = at.instrument("EURUSD").await;
    let id = ClientOrderId::new("mine").unwrap();
    let request =
        OrderRequest::market(&at.account, &eurusd, Side::Buy, lots!(1)).client_order_id(id);
    at.sim.shutdown().await;
    for _ in 0..2 {
        let error = at.broker.place_order(&request).await.unwrap_err();
        assert_eq!(
            (error.code(), error.effect()),
            (2001, Effect::None),
            "{error}"
        );
    }
}

#[tokio::test]
async fn f34_a_connection_that_breaks_after_sending_leaves_the_outcome_unknown() {
    for (kind, placed) in [
        (Kind::DropAnswer, 1),
        (Kind::Reset(Moment::AfterActing), 1),
        (Kind::Reset(Moment::AfterRead), 0),
        (Kind::Truncate { keep: 10 }, 1),
    ] {
        let at = AtSim::new().await;
        let eurusd = at.instrument("EURUSD").await;
        at.sim
            .tradelocker()
            .faults()
            .add(Fault::new(Route::PlaceOrder, kind.clone()).times(1));
        let request = OrderRequest::market(&at.account, &eurusd, Side::Buy, lots!(1));
        let unclear = at.broker.place_order(&request).await.unwrap();
        assert!(
            matches!(unclear, Submission::Unknown(_)),
            "{kind:?}: {unclear}"
        );
        assert_eq!(
            at.sim.tradelocker().ledger().placements().len(),
            placed,
            "{kind:?}"
        );
        assert_eq!(
            at.sim.tradelocker().ledger().count(Route::PlaceOrder),
            1,
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn f44_an_answer_that_comes_after_the_caller_has_gone_is_noted() {
    let at = AtSim::new().await;
    let eurusd = at.instrument("EURUSD").await;
    let delay = Kind::DelayAnswer(Duration::from_secs(1));
    at.sim
        .tradelocker()
        .faults()
        .add(Fault::new(Route::PlaceOrder, delay).times(1));
    let id = ClientOrderId::new("mine").unwrap();
    let request =
        OrderRequest::market(&at.account, &eurusd, Side::Buy, lots!(1)).client_order_id(id);
    let ledger = at.sim.tradelocker().ledger();
    let arrived = async {
        while ledger.placements().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        outcome = at.broker.place_order(&request) => panic!("{outcome:?}"),
        () = arrived => {}
    }
    let under_way = at.broker.place_order(&request).await.unwrap();
    assert!(matches!(under_way, Submission::Unknown(_)), "{under_way}");
    let order = noted(&at, &request).await;
    assert_eq!(ledger.placements().len(), 1);
    assert_eq!(ledger.placements()[0].order_id, order.as_str());
}

/// Places again until the answer to what was sent before is known.
async fn noted(at: &AtSim, request: &OrderRequest) -> BrokerOrderId {
    for _ in 0..1_000 {
        match at.broker.place_order(request).await.unwrap() {
            Submission::Accepted(order) => return order.id,
            Submission::Unknown(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            other => panic!("{other}"),
        }
    }
    panic!("the answer was not noted");
}

/// Holds the token back until it is told to go.
#[derive(Debug, Default)]
struct Held {
    go: tokio::sync::Notify,
    hold: AtomicBool,
}

#[async_trait]
impl TokenSource for Held {
    async fn token(&self) -> Result<AccessToken> {
        if self.hold.load(Ordering::SeqCst) {
            self.go.notified().await;
        }
        Ok(AccessToken::new(SecretString::from("token"), 0, None))
    }

    async fn replace(&self, _: &AccessToken) -> Result<AccessToken> {
        self.token().await
    }
}

#[tokio::test]
async fn ord_4_an_order_whose_caller_goes_before_it_is_sent_is_not_sent() {
    let held = Arc::new(Held::default());
    let session = held.clone();
    let at = AtServer::built(|builder| builder.session(session)).await;
    let btc = at.instrument("BTCUSD").await;
    at.answer("POST", ORDERS, "place_order_200").await;
    held.hold.store(true, Ordering::SeqCst);
    let request = limit(&at, &btc);
    let gave_up =
        tokio::time::timeout(Duration::from_millis(100), at.broker.place_order(&request)).await;
    assert!(gave_up.is_err());
    held.hold.store(false, Ordering::SeqCst);
    held.go.notify_waiters();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(at.requests("POST", ORDERS).await.is_empty());
}

#[tokio::test]
async fn ord_4_a_caller_who_goes_at_any_moment_forgets_nothing_and_doubles_nothing() {
    const ORDERS: u64 = 120;
    let at = AtSim::new().await;
    let eurusd = at.instrument("EURUSD").await;
    let request = |n: u64| {
        let id = ClientOrderId::new(format!("mine-{n}")).unwrap();
        OrderRequest::market(&at.account, &eurusd, Side::Buy, lots!(0.01)).client_order_id(id)
    };
    let mut gone = 0;
    for n in 0..ORDERS {
        // From before anything was done to after the answer.
        let patience = Duration::from_micros(n * 40);
        let request = request(n);
        let placing = at.broker.place_order(&request);
        gone += u64::from(tokio::time::timeout(patience, placing).await.is_err());
    }
    assert!(gone > 0, "nobody has gone");
    for n in 0..ORDERS {
        // What was sent gets known; what was not sent is sent now.
        let request = request(n);
        let order = noted(&at, &request).await;
        let ledger = at.sim.tradelocker().ledger();
        let placed = ledger.placements_of(&format!("mine-{n}"));
        assert_eq!(placed.len(), 1, "{n}");
        assert_eq!(placed[0].order_id, order.as_str());
    }
}

#[tokio::test]
async fn the_developer_key_is_sent_where_it_is_set_and_never_shown() {
    let at = AtServer::built(|builder| builder.developer_key("tl-canary".into())).await;
    let btc = at.instrument("BTCUSD").await;
    let _ = body_of(limit(&at, &btc), &at).await;
    let request = &at.requests("POST", ORDERS).await[0];
    assert_eq!(request.headers["developer-api-key"], "tl-canary");
    assert!(!format!("{:?}", at.broker).contains("canary"));
}
