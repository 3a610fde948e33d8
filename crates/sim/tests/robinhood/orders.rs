//! Equity orders: what is taken, what is refused, and what becomes of them.

use serde_json::{Value, json};
use std::time::Duration;
use wheelhouse_sim::robinhood::{Asset, Hours, RateLimits};

use super::rig::{ACCOUNT, F, Rig, but, dec, limit};

#[tokio::test]
async fn a_limit_order_is_unconfirmed_then_filled() {
    let rig = Rig::start().await;
    let placed = rig
        .place(limit(
            "buy",
            "10",
            "12.40",
            "7151EDA4-3328-47a5-9b37-32cf886f8eb4",
        ))
        .await;
    assert_eq!(
        (&placed["state"], &placed["average_price"]),
        (&json!("unconfirmed"), &Value::Null)
    );
    assert_eq!(placed["ref_id"], "7151EDA4-3328-47a5-9b37-32cf886f8eb4");
    let id = placed["id"].as_str().unwrap();
    assert_eq!(
        placed["cancel"],
        format!("https://api.robinhood.com/orders/{id}/cancel/")
    );
    let order = rig.order(id).await;
    assert_eq!(
        (&order["state"], &order["average_price"]),
        (&json!("filled"), &json!("12.35000000"))
    );
    assert!(order["cancel"].is_null());
    assert_eq!(order["executions"][0]["rounded_notional"], "123.50000000");
    let account = rig.get(&format!("/accounts/{ACCOUNT}/")).await.expect(200);
    assert_eq!(account["cash"], "19127.0500");
    let positions = rig.get("/positions/?nonzero=true").await.rows();
    let bought = positions.iter().find(|row| row["symbol"] == "F").unwrap();
    assert_eq!(bought["average_buy_price"], "12.3500");
    assert_eq!(bought["intraday_quantity"], "10.00000000");
    assert_eq!(bought["intraday_average_buy_price"], "12.3500");
    rig.sim.advance(Duration::from_secs(86_400));
    let tomorrow = rig.get("/positions/?nonzero=true").await.rows();
    let held = tomorrow.iter().find(|row| row["symbol"] == "F").unwrap();
    assert_eq!(held["intraday_quantity"], "0.00000000");
    assert_eq!(
        rig.broker()
            .ledger()
            .placements_of("7151eda4-3328-47a5-9b37-32cf886f8eb4")
            .len(),
        1
    );
}

#[tokio::test]
async fn an_order_away_from_the_market_waits_and_holds_cash() {
    let rig = Rig::start().await;
    let id = rig.place(limit("buy", "10", "12.00", "r")).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(rig.order(&id).await["state"], "confirmed");
    let account = rig.get(&format!("/accounts/{ACCOUNT}/")).await.expect(200);
    assert_eq!(account["cash_held_for_orders"], "120.0000");
    assert_eq!(account["buying_power"], "18130.5500");
    rig.broker().set_price("F", dec("11.98")).unwrap();
    let order = rig.order(&id).await;
    assert_eq!(
        (&order["state"], &order["average_price"]),
        (&json!("filled"), &json!("11.99000000"))
    );
}

#[tokio::test]
async fn orders_can_fill_in_parts() {
    let rig = Rig::with(|settings| settings.fill_step = Some(dec("4"))).await;
    let id = rig.place(limit("buy", "10", "12.40", "r")).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let states = [
        rig.order(&id).await,
        rig.order(&id).await,
        rig.order(&id).await,
    ];
    let told: Vec<_> = states
        .iter()
        .map(|order| (order["state"].clone(), order["cumulative_quantity"].clone()))
        .collect();
    assert_eq!(told[0], (json!("partially_filled"), json!("4.00000000")));
    assert_eq!(told[2], (json!("filled"), json!("10.00000000")));
    assert_eq!(states[2]["executions"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_cancel_shows_in_the_order_and_works_once() {
    let rig = Rig::start().await;
    let id = rig.place(limit("buy", "1", "12.00", "r")).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/orders/{id}/cancel/");
    assert_eq!(rig.post(&path, &Value::Null).await.expect(200), json!({}));
    let order = rig.order(&id).await;
    assert_eq!(order["state"], "cancelled");
    assert_eq!(order["user_cancel_request_state"], "order_finalized");
    let again = rig.post(&path, &Value::Null).await.expect(403);
    assert_eq!(again["detail"], "Order cannot be cancelled at this time.");
    rig.post(
        "/orders/00000000-0000-0000-0000-000000000000/cancel/",
        &Value::Null,
    )
    .await
    .expect(404);
    rig.broker()
        .change_settings(|settings| settings.american_cancel = true);
    assert_eq!(rig.order(&id).await["state"], "canceled");
}

#[tokio::test]
async fn a_cancel_can_come_too_late() {
    let rig = Rig::with(|settings| settings.cancel_loses = true).await;
    let id = rig.place(limit("buy", "1", "12.00", "r")).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    rig.post(&format!("/orders/{id}/cancel/"), &Value::Null)
        .await
        .expect(200);
    assert_eq!(rig.order(&id).await["state"], "filled");
    assert!(rig.broker().ledger().cancels().is_empty());
}

#[tokio::test]
async fn a_part_that_was_filled_stays_after_a_cancel() {
    let rig = Rig::with(|settings| settings.fill_step = Some(dec("4"))).await;
    let id = rig.place(limit("buy", "10", "12.40", "r")).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    rig.order(&id).await;
    rig.post(&format!("/orders/{id}/cancel/"), &Value::Null)
        .await
        .expect(200);
    let order = rig.order(&id).await;
    assert_eq!(order["state"], "partially_filled_rest_cancelled");
    assert_eq!(order["cumulative_quantity"], "8.00000000");
}

#[tokio::test]
async fn a_ref_id_is_taken_once_in_any_case() {
    let rig = Rig::start().await;
    rig.place(limit("buy", "1", "12.40", "aaaa")).await;
    let again = rig
        .post("/orders/", &limit("buy", "1", "12.40", "AAAA"))
        .await
        .expect(409);
    assert_eq!(again["detail"], "Reference ID must be unique.");
    assert_eq!(rig.broker().ledger().placements_of("aaaa").len(), 1);
    // A refused order does not use its id up.
    rig.post("/orders/", &limit("buy", "9999", "12.40", "bbbb"))
        .await
        .expect(400);
    rig.place(limit("buy", "1", "12.40", "bbbb")).await;
}

#[tokio::test]
async fn refusals_have_the_text_and_the_shape_of_the_broker() {
    let rig = Rig::start().await;
    let general = |text: &str| json!({"non_field_errors": [text]});
    let detail = |text: &str| json!({"detail": text});
    let field = |name: &str, text: &str| {
        let mut body = json!({});
        body[name] = json!([text]);
        body
    };
    let version = "Your app version is missing important stock trading updates. \
                   You can still place orders on the web.";
    let fraction = "Limit order quantity cannot include fractional shares.";
    let price = "Market buy order requested, but no price provided.";
    let trailing = json!({"type": "percentage", "percentage": "5.0"});
    for (changes, body) in [
        (json!({"order_form_version": null}), general(version)),
        (json!({"order_form_version": 1}), general(version)),
        (
            json!({"quantity": "ten"}),
            field("quantity", "Enter a valid number."),
        ),
        (
            json!({"quantity": "0"}),
            field("quantity", "Ensure this value is greater than 0."),
        ),
        (
            json!({"quantity": "1.5", "price": "12.00"}),
            general(fraction),
        ),
        (
            json!({"type": "market", "quantity": "0.01"}),
            general("Fractional orders must be at least $1."),
        ),
        (json!({"type": "market", "price": null}), general(price)),
        (
            json!({"extended_hours": true}),
            general("Extended hours and market hours mismatch"),
        ),
        (
            json!({"trailing_peg": trailing}),
            general("Trailing stop limit orders not supported."),
        ),
        (
            json!({"type": "market", "quantity": "0.5", "time_in_force": "gtc"}),
            field("time_in_force", "Invalid Good Til Canceled order."),
        ),
        (
            json!({"side": "sell"}),
            detail("Not enough shares to sell."),
        ),
        (
            json!({"quantity": "5000"}),
            detail("You can only purchase 1471 shares of F."),
        ),
        (
            json!({"price": "12.005"}),
            field(
                "price",
                "Ensure that there are no more than 2 decimal places.",
            ),
        ),
        (
            json!({"trigger": "stop"}),
            field("stop_price", "This field is required."),
        ),
        (
            json!({"price": null}),
            field("price", "This field is required."),
        ),
    ] {
        let order = but(limit("buy", "1", "12.40", "r"), changes.clone());
        assert_eq!(
            rig.post("/orders/", &order).await.expect(400),
            body,
            "{changes}"
        );
    }
    let ledger = rig.broker().ledger();
    assert!(ledger.placements().is_empty());
    assert_eq!(ledger.refusals().len(), 15);
    assert!(
        ledger
            .refusals()
            .iter()
            .all(|refusal| refusal.asset == Asset::Equity)
    );
}

#[tokio::test]
async fn a_form_in_the_way_of_python_is_an_order() {
    let rig = Rig::start().await;
    let body = "account=https%3A%2F%2Fapi.robinhood.com%2Faccounts%2F100200301%2F\
                &instrument=https%3A%2F%2Fapi.robinhood.com%2Finstruments%2F1a55e189-5d08-417e-9e65-d549ba4b2a1b%2F\
                &symbol=F&price=12.35&ask_price=12.35&bid_ask_timestamp=2026-11-20+15%3A30%3A27.819040\
                &bid_price=12.34&quantity=2&ref_id=b542ce3d-e12a-40bb-895e-0e4acf479632&type=limit\
                &time_in_force=gtc&trigger=immediate&side=buy&market_hours=regular_hours\
                &extended_hours=False&order_form_version=4&preset_percent_limit=0.05";
    let bearer = format!("Bearer {}", rig.token);
    let headers = [
        ("Authorization", bearer.as_str()),
        (
            "Content-Type",
            "application/x-www-form-urlencoded; charset=utf-8",
        ),
    ];
    let placed = super::rig::send(rig.addr(), "POST", "/orders/", &headers, body)
        .await
        .expect(201);
    assert_eq!(
        (&placed["order_form_version"], &placed["extended_hours"]),
        (&json!(4), &json!(false))
    );
    assert_eq!(placed["preset_percent_limit"], "0.0500");
}

#[tokio::test]
async fn an_amount_becomes_a_fraction_in_regular_hours_only() {
    let rig = Rig::start().await;
    let dollars = but(
        limit("buy", "1", "1", "r"),
        json!({
            "type": "market",
            "price": null,
            "quantity": null,
            "dollar_based_amount": {"amount": "25.00", "currency_code": "USD"},
        }),
    );
    let placed = rig.place(dollars.clone()).await;
    assert_eq!(placed["quantity"], "2.02429100");
    assert_eq!(placed["dollar_based_amount"]["amount"], "25.00");
    assert_eq!(
        rig.order(placed["id"].as_str().unwrap()).await["state"],
        "filled"
    );
    rig.broker()
        .change_settings(|settings| settings.hours = Hours::Closed);
    let refusal = rig
        .post("/orders/", &but(dollars, json!({"ref_id": "r2"})))
        .await;
    assert_eq!(
        (refusal.status, refusal.text().as_str()),
        (500, "<h1>Server Error (500)</h1>")
    );
    assert_eq!(refusal.header("content-type"), Some("text/html"));
}

#[tokio::test]
async fn a_stop_waits_in_the_queue_until_it_is_reached() {
    let rig = Rig::start().await;
    let stop = but(
        limit("sell", "10", "22.00", "r"),
        json!({
            "instrument": "https://api.robinhood.com/instruments/365ce80e-3c05-44b2-bc88-bc39f8782fbf/",
            "type": "market",
            "price": null,
            "trigger": "stop",
            "stop_price": "22.00",
            "time_in_force": "gtc",
        }),
    );
    let id = rig.place(stop).await["id"].as_str().unwrap().to_owned();
    assert_eq!(rig.order(&id).await["state"], "queued");
    rig.broker().set_price("T", dec("21.90")).unwrap();
    let order = rig.order(&id).await;
    assert_eq!(
        (&order["state"], &order["average_price"]),
        (&json!("filled"), &json!("21.90000000"))
    );
    assert!(order["stop_triggered_at"].is_string());
}

#[tokio::test]
async fn a_trailing_stop_follows_the_price() {
    let rig = Rig::start().await;
    let trail = but(
        limit("sell", "10", "22.00", "r"),
        json!({
            "instrument": "https://api.robinhood.com/instruments/365ce80e-3c05-44b2-bc88-bc39f8782fbf/",
            "type": "market",
            "price": null,
            "trigger": "stop",
            "time_in_force": "gtc",
            "trailing_peg": {"type": "percentage", "percentage": "5.0"},
        }),
    );
    let placed = rig.place(trail).await;
    assert_eq!(
        placed["trailing_peg"],
        json!({"type": "percentage", "percentage": 5})
    );
    assert_eq!(placed["stop_price"], "21.32000000");
    let id = placed["id"].as_str().unwrap();
    rig.broker().set_price("T", dec("30")).unwrap();
    assert_eq!(rig.order(id).await["stop_price"], "28.50000000");
    rig.broker().set_price("T", dec("28.50")).unwrap();
    assert_eq!(rig.order(id).await["state"], "filled");
}

#[tokio::test]
async fn orders_of_the_day_end_with_it() {
    let rig = Rig::with(|settings| settings.hours = Hours::Calendar).await;
    let id = rig.place(limit("buy", "1", "12.00", "r1")).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let gtc = but(
        limit("buy", "1", "12.00", "r2"),
        json!({"time_in_force": "gtc"}),
    );
    let lasting = rig.place(gtc).await["id"].as_str().unwrap().to_owned();
    rig.sim.advance(Duration::from_secs(5 * 3_600 + 1_800));
    let order = rig.order(&id).await;
    assert_eq!(
        (&order["state"], &order["response_category"]),
        (&json!("cancelled"), &json!("end_of_day"))
    );
    assert_eq!(rig.order(&lasting).await["state"], "confirmed");
    let cancels = rig.broker().ledger().cancels();
    assert!(cancels.len() == 1 && !cancels[0].requested);
    // After hours an order is queued for the next day.
    let next = rig.place(limit("buy", "1", "12.40", "r3")).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(rig.order(&next).await["state"], "queued");
    rig.sim.advance(Duration::from_secs(66 * 3_600));
    assert_eq!(rig.order(&next).await["state"], "filled");
}

#[tokio::test]
async fn orders_can_be_taken_and_then_rejected() {
    let text = "Sorry, you do not have enough buying power for this order.";
    let rig = Rig::with(|settings| settings.reject_with = Some(text.to_owned())).await;
    let id = rig.place(limit("buy", "1", "12.40", "r")).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let order = rig.order(&id).await;
    assert_eq!(
        (&order["state"], &order["reject_reason"]),
        (&json!("rejected"), &json!(text))
    );
}

#[tokio::test]
async fn lists_are_filtered_by_what_is_known_only() {
    let rig = Rig::start().await;
    let first = rig.place(limit("buy", "1", "12.40", "r1")).await;
    rig.sim.advance(Duration::from_secs(60));
    rig.place(limit("buy", "1", "12.00", "r2")).await;
    let count = |path: &'static str| async { rig.get(path).await.rows().len() };
    assert_eq!(count("/orders/").await, 2);
    assert_eq!(count("/orders/?is_closed=true").await, 1);
    assert_eq!(count("/orders/?account_numbers=100200303").await, 0);
    assert_eq!(
        count("/orders/?account_numbers=100200301,100200303").await,
        2
    );
    assert_eq!(
        count("/orders/?created_at[gte]=2026-11-20T15:30:30Z").await,
        1
    );
    assert_eq!(count("/orders/?created_at%5Bgte%5D=2026-11-20").await, 2);
    assert_eq!(count("/orders/?nonsense=1").await, 2);
    let by_link = format!("/orders/?instrument=https://api.robinhood.com/instruments/{F}/");
    assert_eq!(rig.get(&by_link).await.rows().len(), 2);
    // The newest comes first.
    assert_eq!(rig.get("/orders/").await.rows()[1]["id"], first["id"]);
    rig.broker()
        .change_settings(|settings| settings.visible_after = Duration::from_secs(30));
    assert_eq!(count("/orders/").await, 1);
}

#[tokio::test]
async fn quick_fractional_orders_are_throttled_in_their_own_words() {
    let rig = Rig::with(|settings| settings.rate_limits = RateLimits::observed()).await;
    let fraction = |n: u32| {
        but(
            limit("buy", "0.5", "12.35", &format!("r{n}")),
            json!({"type": "market"}),
        )
    };
    for n in 0..9 {
        rig.place(fraction(n)).await;
    }
    let refusal = rig.post("/orders/", &fraction(9)).await;
    assert_eq!(
        refusal.expect(429)["detail"],
        "Too many requests for fractional orders"
    );
    assert_eq!(refusal.header("retry-after"), Some("48"));
    rig.place(limit("buy", "1", "12.40", "whole")).await;
}

#[tokio::test]
async fn a_preview_has_its_three_parts() {
    let rig = Rig::start().await;
    let body = rig
        .get("/orders/order_checks/presubmit_data/?account_number=1")
        .await
        .expect(200);
    assert_eq!(body["threshold_servars"]["max_quantity"], "100000");
}
