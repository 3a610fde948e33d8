use serde_json::{Value, json};
use wheelhouse_sim::{
    Sim,
    tradelocker::{AccountSpec, UserSpec},
};

use crate::rig::{ACCOUNT, Rig, at, column::*, limit, market, row, stop, with};

#[tokio::test]
async fn a_market_order_fills_at_once_and_shows_everywhere_by_the_next_request() {
    let rig = at("1.10000").await;
    let id = rig
        .placed(with(market("buy", 0.02), json!({"strategyId": "sdk-01"})))
        .await;
    assert!((18..=19).contains(&id.len()) && id.parse::<i64>().is_ok());
    assert!(rig.orders().await.is_empty());
    let history = rig.history().await;
    let order = row(&history, &id);
    assert_eq!(
        (&order[STATUS], &order[TYPE]),
        (&json!("Filled"), &json!("market"))
    );
    assert_eq!(
        (&order[FILLED], &order[AVG], &order[STOP_PRICE]),
        (&json!("0.02"), &json!("1.10008"), &json!("0"))
    );
    assert_eq!(
        (&order[IS_OPEN], &order[STRATEGY]),
        (&json!("true"), &json!("sdk-01"))
    );
    let positions = rig.positions().await;
    assert_eq!(positions.len(), 1);
    assert_eq!(positions[0][ID], order[POSITION]);
    assert_ne!(positions[0][ID], json!(id));
    assert_eq!(
        (&positions[0][POSITION_QTY], &positions[0][POSITION_AVG]),
        (&json!("0.02"), &json!("1.10008"))
    );
    assert_eq!(positions[0][POSITION_PL], "-0.16");
    assert_eq!(positions[0][POSITION_STRATEGY], "sdk-01");
    let executions = rig.table("executions").await["executions"].clone();
    assert_eq!(executions.as_array().unwrap().len(), 1);
    assert_eq!(executions[0][5], json!(id));
    assert!(
        executions[0]
            .as_array()
            .unwrap()
            .iter()
            .all(Value::is_string)
    );
}

#[tokio::test]
async fn opposite_orders_open_positions_of_their_own() {
    let rig = at("1.10000").await;
    rig.placed(market("buy", 0.01)).await;
    rig.placed(market("sell", 0.03)).await;
    assert_eq!(rig.positions().await.len(), 2);
}

#[tokio::test]
async fn a_limit_order_away_from_the_price_rests_and_can_be_cancelled_once() {
    let rig = at("1.10000").await;
    let id = rig.placed(limit("buy", "0.10", 1.05)).await;
    let orders = rig.orders().await;
    let order = row(&orders, &id);
    assert_eq!(
        (&order[STATUS], &order[PRICE], &order[QTY]),
        (&json!("New"), &json!("1.05"), &json!("0.10"))
    );
    assert!(order[FILLED].is_null() && order[POSITION].is_null() && order[STRATEGY].is_null());
    let path = format!("/trade/orders/{id}");
    assert_eq!(
        rig.send("DELETE", &path, "").await.json(),
        json!({"s": "ok"})
    );
    assert!(rig.orders().await.is_empty());
    assert_eq!(row(&rig.history().await, &id)[STATUS], "Cancelled");
    assert_eq!(
        rig.send("DELETE", &path, "").await.errmsg(),
        "Order not found"
    );
}

#[tokio::test]
async fn a_marketable_limit_order_fills_at_the_market_price() {
    let rig = at("1.10000").await;
    let id = rig.placed(limit("sell", "0.10", 0.5)).await;
    let history = rig.history().await;
    let order = row(&history, &id);
    assert_eq!(
        (&order[STATUS], &order[AVG], &order[PRICE]),
        (&json!("Filled"), &json!("1.10000"), &json!("0.5"))
    );
    assert_eq!(
        rig.send("DELETE", &format!("/trade/orders/{id}"), "")
            .await
            .errmsg(),
        "Order not found"
    );
}

#[tokio::test]
async fn numbers_and_text_are_both_taken() {
    let rig = at("1.10000").await;
    for qty in [json!("0.02"), json!(0.02), json!("0.020"), json!(2e-2)] {
        rig.placed(with(market("buy", 1.0), json!({"qty": qty})))
            .await;
    }
    assert!(
        rig.positions()
            .await
            .iter()
            .all(|row| row[POSITION_QTY] == "0.02")
    );
}

#[tokio::test]
async fn quantities_off_the_lot_step_are_business_refusals() {
    let rig = at("1.10000").await;
    for qty in [0.001, 0.0001, 0.123, 0.129] {
        let text = rig.place(market("buy", qty)).await.errmsg();
        assert_eq!(text, "{qty=[must be a multiple of lot step]}", "{qty}");
    }
    for qty in [0.0, -0.05] {
        let text = rig.place(market("buy", qty)).await.errmsg();
        assert_eq!(text, "{qty=[must be greater than 0]}", "{qty}");
    }
    let text = rig.place(market("buy", 100.01)).await.errmsg();
    assert_eq!(text, "{qty=[must be less than or equal to max lot]}");
    assert!(rig.positions().await.is_empty() && rig.history().await.is_empty());
    assert_eq!(rig.broker().ledger().refusals().len(), 7);
}

#[tokio::test]
async fn each_order_type_has_its_validity_and_its_price() {
    let rig = at("1.10000").await;
    let gtc = with(market("buy", 0.01), json!({"validity": "GTC"}));
    assert!(
        rig.place(gtc)
            .await
            .errmsg()
            .starts_with("{validity=[TimeInForce")
    );
    let ioc = with(limit("buy", "0.01", 1.0), json!({"validity": "IOC"}));
    assert!(rig.place(ioc).await.errmsg().starts_with("{validity="));
    let no_price = with(limit("buy", "0.01", 1.0), json!({"price": null}));
    assert_eq!(
        rig.place(no_price).await.errmsg(),
        "{price=[must not be null]}"
    );
    let no_stop = with(stop("buy", 0.01, 1.2), json!({"stopPrice": 0}));
    assert_eq!(
        rig.place(no_stop).await.errmsg(),
        "{stopPrice=[must be greater than 0]}"
    );
    let off_tick = rig.place(limit("buy", "0.01", 1.000_001)).await.errmsg();
    assert_eq!(off_tick, "{price=[must be a multiple of tick size]}");
}

#[tokio::test]
async fn missing_and_unknown_values_are_named() {
    let rig = at("1.10000").await;
    for field in [
        "qty",
        "routeId",
        "side",
        "validity",
        "type",
        "tradableInstrumentId",
    ] {
        let text = rig
            .place(with(market("buy", 0.01), json!({field: null})))
            .await
            .errmsg();
        assert_eq!(text, format!("{{{field}=[must not be null]}}"));
    }
    let cases = [
        (json!({"side": "hold"}), "{side=[unknown value]}"),
        (json!({"type": "stop_limit"}), "{type=[unknown value]}"),
        (json!({"tradableInstrumentId": 1}), "Instrument not found"),
        (json!({"routeId": 452}), "Route not found"),
    ];
    for (keys, text) in cases {
        assert_eq!(
            rig.place(with(market("buy", 0.01), keys)).await.errmsg(),
            text
        );
    }
}

#[tokio::test]
async fn what_is_not_a_readable_body_is_400() {
    let rig = at("1.10000").await;
    let path = format!("/trade/accounts/{ACCOUNT}/orders");
    for body in [
        "{",
        "[]",
        "\"x\"",
        "{\"qty\": \"many\", \"tradableInstrumentId\": 278}",
    ] {
        let reply = rig.send("POST", &path, body).await;
        let refused = [400, 200].contains(&reply.status) && reply.json()["s"] == "error";
        assert!(refused, "{body}: {}", reply.text());
    }
    let huge = rig
        .place(with(market("buy", 0.01), json!({"qty": "1e13"})))
        .await;
    assert_eq!(
        (huge.status, &huge.json()["errmsg"]),
        (400, &json!("Bad Request"))
    );
}

#[tokio::test]
async fn labels_of_32_characters_pass_and_33_are_refused() {
    let rig = at("1.10000").await;
    let label = "é".repeat(32);
    let id = rig
        .placed(with(
            limit("buy", "0.01", 1.0),
            json!({"strategyId": label}),
        ))
        .await;
    assert_eq!(row(&rig.orders().await, &id)[STRATEGY], json!(label));
    let long = with(market("buy", 0.01), json!({"strategyId": "x".repeat(33)}));
    assert_eq!(
        rig.place(long).await.errmsg(),
        "{strategyId=[size must be between 0 and 32]}"
    );
}

#[tokio::test]
async fn margin_is_needed_and_a_refusal_names_an_order_that_is_nowhere_else() {
    let rig = at("1.10000").await;
    let text = rig.place(market("sell", 100.0)).await.errmsg();
    let rest = text
        .strip_prefix("Not enough margin to create Order #")
        .unwrap();
    let (id, rest) = rest.split_once(' ').unwrap();
    assert_eq!(rest, "Sell   100  Price 1.10000 ");
    assert!(id.parse::<u64>().is_ok());
    assert!(rig.history().await.is_empty() && rig.orders().await.is_empty());
}

#[tokio::test]
async fn accounts_that_may_only_close_say_so() {
    let closing = AccountSpec::new(ACCOUNT).close_only(true);
    let suspended = AccountSpec::new("2").status("SUSPENDED");
    let user = UserSpec::demo().accounts([closing, suspended]);
    let mut rig = Rig::of(Sim::builder().user(user)).await;
    let text = "Order cannot be created. Only positions closing is allowed";
    assert_eq!(rig.place(market("buy", 0.01)).await.errmsg(), text);
    rig.acc_num = "2".into();
    let reply = rig
        .send(
            "POST",
            "/trade/accounts/2/orders",
            &market("buy", 0.01).to_string(),
        )
        .await;
    assert_eq!(reply.errmsg(), text);
}
