//! Faults on the way, and limits.

use serde_json::{Value, json};
use wheelhouse_sim::{
    Fault, Kind, Matcher, Script,
    robinhood::{Rate, Route},
};

use super::rig::{Rig, limit};

#[tokio::test]
async fn an_answer_can_be_lost_after_the_order_was_placed() {
    let rig = Rig::start().await;
    let fault = rig
        .broker()
        .faults()
        .add(Fault::new(Route::PlaceOrder, Kind::DropAnswer).times(1));
    let lost = rig.post("/orders/", &limit("buy", "1", "12.40", "r")).await;
    assert_eq!(lost.status, 0);
    assert_eq!(rig.broker().faults().played(fault), 1);
    let again = rig
        .post("/orders/", &limit("buy", "1", "12.40", "r"))
        .await
        .expect(409);
    assert_eq!(again["detail"], "Reference ID must be unique.");
    assert_eq!(rig.broker().ledger().placements_of("r").len(), 1);
    let rows = rig.get("/orders/").await.rows();
    assert_eq!(rows[0]["ref_id"], "r");
}

#[tokio::test]
async fn a_page_of_html_can_hide_an_order_that_exists() {
    let rig = Rig::start().await;
    let fault = Fault::new(Route::PlaceOrder, Kind::Html(502)).times(1);
    rig.broker().faults().add(fault.clone().acting(true));
    let page = rig
        .post("/orders/", &limit("buy", "1", "12.40", "r1"))
        .await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (502, Some("text/html; charset=UTF-8"))
    );
    rig.broker().faults().add(fault);
    rig.post("/orders/", &limit("buy", "1", "12.40", "r2"))
        .await;
    let ledger = rig.broker().ledger();
    assert_eq!(
        (
            ledger.placements_of("r1").len(),
            ledger.placements_of("r2").len()
        ),
        (1, 0)
    );
}

#[tokio::test]
async fn a_second_page_can_fail_and_a_row_can_be_null() {
    let rig = Rig::with(|settings| settings.page_size = 2).await;
    let second = Fault::new(Route::Positions, Kind::Html(500))
        .after(1)
        .times(1);
    rig.broker().faults().add(second);
    let next = rig.get("/positions/").await.expect(200)["next"].clone();
    let path = next
        .as_str()
        .unwrap()
        .strip_prefix("https://api.robinhood.com")
        .unwrap();
    assert_eq!(rig.get(path).await.status, 500);
    let null = Kind::Set {
        pointer: "/results/0".into(),
        value: "null".into(),
    };
    rig.broker()
        .faults()
        .add(Fault::new(Route::OptionPositions, null));
    assert!(rig.get("/options/positions/").await.rows()[0].is_null());
}

#[tokio::test]
async fn routes_of_two_hosts_are_told_apart_in_faults_and_records() {
    let rig = Rig::start().await;
    rig.broker()
        .faults()
        .add(Fault::new(Route::CryptoOrders, Kind::Html(503)));
    assert_eq!(rig.get_on("nummus", "/orders/").await.status, 503);
    assert_eq!(rig.get("/orders/").await.status, 200);
    let ledger = rig.broker().ledger();
    assert_eq!(
        (
            ledger.count(Route::Orders),
            ledger.count(Route::CryptoOrders)
        ),
        (1, 1)
    );
    let record = ledger
        .requests()
        .into_iter()
        .find(|record| record.route == "crypto_orders")
        .unwrap();
    assert_eq!(record.fault, Some("html"));
}

#[tokio::test]
async fn a_limit_of_requests_closes_for_its_wait() {
    let [window, wait] = [10, 14].map(std::time::Duration::from_secs);
    let rate = Some(Rate {
        count: 2,
        window,
        wait,
    });
    let rig = Rig::with(|settings| settings.rate_limits.requests = rate).await;
    rig.get("/positions/").await.expect(200);
    rig.get("/positions/").await.expect(200);
    let refusal = rig.get("/positions/").await;
    assert_eq!(
        refusal.expect(429)["detail"],
        "Request was throttled. Expected available in 14 seconds."
    );
    rig.sim.advance(wait);
    rig.get("/positions/").await.expect(200);
}

#[test]
fn scripts_name_the_routes_of_their_broker() {
    let text = r#"{
        "robinhood": {"prices": {"F": "13.00"}, "faults": [{"route": "place_option_order", "fault": "duplicate"}]},
        "robinhood_crypto": {"prices": {"BTC-USD": "70000"}, "faults": [{"fault": {"html": {"status": 500}}}]}
    }"#;
    let script = Script::from_json(text).unwrap();
    assert_eq!(
        script.robinhood.faults,
        [Fault::new(Route::PlaceOptionOrder, Kind::Duplicate)]
    );
    assert_eq!(
        script.robinhood_crypto.faults,
        [Fault::new(Matcher::any(), Kind::Html(500))]
    );
    let wrong =
        r#"{"robinhood": {"faults": [{"route": "cancel_all_orders", "fault": "duplicate"}]}}"#;
    assert!(Script::from_json(wrong).is_err());
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused() {
    let rig = Rig::start().await;
    let bearer = format!("Bearer {}", rig.token);
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
    ];
    let reply = super::rig::send(rig.addr(), "POST", "/orders/", &headers, "{\"a\":").await;
    assert!(
        reply.expect(400)["detail"]
            .as_str()
            .unwrap()
            .starts_with("JSON parse error")
    );
    let reply = super::rig::send(rig.addr(), "POST", "/orders/", &headers, "[1]").await;
    assert_eq!(
        reply.expect(400),
        json!({"non_field_errors": ["Invalid data. Expected a dictionary."]})
    );
    assert_eq!(rig.open("POST", "/orders/", &Value::Null).await.status, 401);
}
