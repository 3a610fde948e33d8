//! States in which orders end or wait that are rare, and requests that are too long.

use std::time::Duration;

use serde_json::{Value, json};
use wheelhouse_sim::robinhood::{OrderEnd, Settings};

use super::{
    options::{leg, put},
    rig::{F_PUT, Rig, but, dec, limit},
};

const MINUTE: Duration = Duration::from_secs(60);

fn ending(end: OrderEnd) -> impl FnOnce(&mut Settings) {
    move |settings| settings.order_end = Some(end)
}

async fn placed(rig: &Rig, body: Value) -> String {
    rig.place(body).await["id"].as_str().unwrap().to_owned()
}

async fn option_placed(rig: &Rig, body: &Value) -> String {
    let order = rig.post("/options/orders/", body).await.expect(201);
    order["id"].as_str().unwrap().to_owned()
}

async fn option_order(rig: &Rig, id: &str) -> Value {
    let path = format!("/options/orders/{id}/");
    rig.get(&path).await.expect(200)
}

#[tokio::test]
async fn a_cancel_that_takes_its_time_pends() {
    let rig = Rig::with(|settings| {
        settings.cancel_takes = MINUTE;
        settings.fill_step = Some(dec("1"));
    })
    .await;
    let whole = placed(&rig, limit("buy", "2", "12.00", "r1")).await;
    let part = placed(&rig, limit("buy", "30", "12.40", "r2")).await;
    let put = option_placed(&rig, &put("5.00", "r3")).await;
    for path in [
        format!("/orders/{whole}/cancel/"),
        format!("/orders/{part}/cancel/"),
        format!("/options/orders/{put}/cancel/"),
    ] {
        rig.post(&path, &Value::Null).await.expect(200);
        assert_eq!(rig.post(&path, &Value::Null).await.status, 403);
    }
    let order = rig.order(&whole).await;
    assert_eq!(
        (&order["state"], &order["derived_state"], &order["cancel"]),
        (
            &json!("pending_cancelled"),
            &json!("pending_cancelled"),
            &Value::Null
        )
    );
    assert_eq!(rig.order(&part).await["state"], "pending_cancelled");
    let order = option_order(&rig, &put).await;
    assert_eq!(
        (&order["state"], &order["pending_quantity"]),
        (&json!("pending_cancelled"), &json!("1.00000"))
    );
    let pending = rig.get("/options/orders/?states=pending_cancelled").await;
    assert_eq!(pending.rows().len(), 1);
    assert_eq!(rig.get("/orders/?is_closed=false").await.rows().len(), 2);
    rig.sim.advance(MINUTE);
    assert_eq!(rig.order(&whole).await["state"], "cancelled");
    let order = rig.order(&part).await;
    assert_eq!(order["state"], "partially_filled_rest_cancelled");
    assert_ne!(order["cumulative_quantity"], "0.00000000");
    assert_eq!(option_order(&rig, &put).await["state"], "cancelled");
    let cancels = rig.broker().ledger().cancels();
    assert!(cancels.len() == 3 && cancels.iter().all(|cancel| cancel.requested));
}

#[tokio::test]
async fn a_cancel_that_pends_can_still_lose() {
    let rig = Rig::with(|settings| {
        settings.cancel_takes = MINUTE;
        settings.cancel_loses = true;
    })
    .await;
    let id = placed(&rig, limit("buy", "2", "12.00", "r")).await;
    rig.post(&format!("/orders/{id}/cancel/"), &Value::Null)
        .await
        .expect(200);
    assert_eq!(rig.order(&id).await["state"], "pending_cancelled");
    rig.sim.advance(MINUTE);
    assert_eq!(rig.order(&id).await["state"], "filled");
}

#[tokio::test]
async fn orders_can_be_taken_and_then_fail() {
    let rig = Rig::with(ending(OrderEnd::Failed)).await;
    let cash = rig.get("/accounts/100200301").await.expect(200)["buying_power"].clone();
    let id = placed(&rig, limit("buy", "1", "12.40", "r1")).await;
    let order = rig.order(&id).await;
    assert_eq!(
        (&order["state"], &order["cancel"], &order["reject_reason"]),
        (&json!("failed"), &Value::Null, &Value::Null)
    );
    let put = option_placed(&rig, &put("0.01", "r2")).await;
    let order = option_order(&rig, &put).await;
    assert_eq!(
        (&order["state"], &order["pending_quantity"]),
        (&json!("failed"), &json!("0.00000"))
    );
    let account = rig.get("/accounts/100200301").await.expect(200);
    assert_eq!(account["buying_power"], cash);
    assert!(rig.broker().ledger().fills().is_empty());
}

#[tokio::test]
async fn a_voided_order_keeps_what_was_filled() {
    let rig = Rig::with(ending(OrderEnd::Voided)).await;
    let resting = placed(&rig, limit("buy", "1", "12.00", "r1")).await;
    assert_eq!(rig.order(&resting).await["state"], "confirmed");
    assert_eq!(rig.order(&resting).await["state"], "voided");
    rig.broker()
        .change_settings(|settings| settings.fill_step = Some(dec("1")));
    let part = placed(&rig, limit("buy", "3", "12.40", "r2")).await;
    assert_eq!(rig.order(&part).await["state"], "partially_filled");
    let order = rig.order(&part).await;
    assert_eq!(
        (&order["state"], &order["cumulative_quantity"]),
        (&json!("voided"), &json!("1.00000000"))
    );
    let put = option_placed(&rig, &put("5.00", "r3")).await;
    assert_eq!(option_order(&rig, &put).await["state"], "confirmed");
    let order = option_order(&rig, &put).await;
    assert_eq!(
        (&order["state"], &order["canceled_quantity"]),
        (&json!("voided"), &json!("1.00000"))
    );
    let cancels = rig.broker().ledger().cancels();
    assert!(cancels.len() == 3 && cancels.iter().all(|cancel| !cancel.requested));
}

#[tokio::test]
async fn shares_that_nobody_lends_end_a_sale_and_no_other_order() {
    let rig = Rig::with(ending(OrderEnd::LocateFailed)).await;
    let short = placed(&rig, limit("sell", "5", "12.00", "r1")).await;
    let order = rig.order(&short).await;
    assert_eq!(
        (&order["state"], &order["cancel"]),
        (&json!("locate_failed"), &Value::Null)
    );
    let bought = placed(&rig, limit("buy", "5", "12.40", "r2")).await;
    assert_eq!(rig.order(&bought).await["state"], "filled");
    let sold = placed(&rig, limit("sell", "5", "12.00", "r3")).await;
    assert_eq!(rig.order(&sold).await["state"], "filled");
    rig.broker()
        .change_settings(|settings| settings.order_end = None);
    let refusal = rig
        .post("/orders/", &limit("sell", "5", "12.00", "r4"))
        .await;
    assert_eq!(refusal.expect(400)["detail"], "Not enough shares to sell.");
}

#[tokio::test]
async fn orders_of_several_legs_are_refused_where_they_are_not_taken() {
    let text = "Multi-leg orders are not supported.";
    let rig = Rig::with(|settings| settings.refuse_legs_with = Some(text.to_owned())).await;
    let one = put("0.20", "r1");
    rig.post("/options/orders/", &one).await.expect(201);
    let lower = "6e172755-6c31-419c-baaf-023b1d6f59bb";
    let upper = "02114a8c-f3ea-4bf3-a83a-0d6430589f4e";
    let legs = json!([leg("open", "sell", upper), leg("open", "buy", lower)]);
    let two = but(one, json!({"legs": legs, "ref_id": "r2"}));
    let refusal = rig.post("/options/orders/", &two).await;
    assert_eq!(refusal.expect(400)["detail"], text);
    let ledger = rig.broker().ledger();
    assert_eq!(ledger.placements().len(), 1);
    assert_eq!(ledger.refusals()[0].reason, text);
    rig.broker()
        .change_settings(|settings| settings.refuse_legs_with = None);
    rig.post("/options/orders/", &two).await.expect(201);
}

#[tokio::test]
async fn an_address_that_is_too_long_is_answered_with_a_page() {
    let rig = Rig::start().await;
    let names = |count: usize| vec!["ABCDE"; count].join(",");
    let path = |count| format!("/quotes/?symbols={}", names(count));
    assert_eq!(rig.get(&path(1_220)).await.rows().len(), 1_220);
    let refusal = rig.get(&path(1_400)).await;
    assert_eq!(refusal.status, 414);
    assert_eq!(refusal.header("content-type"), Some("text/html"));
    rig.broker()
        .change_settings(|settings| settings.longest_url = 100);
    assert_eq!(rig.get(&path(100)).await.status, 414);
    assert_eq!(rig.get(&path(2)).await.rows().len(), 2);
}

#[tokio::test]
async fn links_to_contracts_are_longer_than_their_ids() {
    let rig = Rig::start().await;
    let link = format!("https://api.robinhood.com/options/instruments/{F_PUT}/");
    let path = |count: usize| {
        format!(
            "/marketdata/options/?instruments={}",
            vec![link.as_str(); count].join(",")
        )
    };
    assert_eq!(rig.get(&path(17)).await.rows().len(), 17);
    assert_eq!(rig.get(&path(18)).await.status, 414);
    let ids = format!("/marketdata/options/?ids={}", vec![F_PUT; 40].join(","));
    assert_eq!(rig.get(&ids).await.rows().len(), 40);
}
