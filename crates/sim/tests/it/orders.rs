use std::time::Duration;

use serde_json::{Value, json};
use wheelhouse_sim::{
    Sim,
    tradelocker::{AccountSpec, Columns, Settings, Table, UserSpec},
};

use crate::rig::{ACCOUNT, Rig, column::*, limit, market, stop, with};

async fn at(price: &str) -> Rig {
    let rig = Rig::start().await;
    rig.broker()
        .set_price("EURUSD", price.parse().unwrap())
        .unwrap();
    rig
}

fn row<'a>(rows: &'a [Value], id: &str) -> &'a Value {
    rows.iter()
        .find(|row| row[ID] == id)
        .unwrap_or_else(|| panic!("no {id} in {rows:?}"))
}

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
async fn resting_orders_fill_when_the_price_reaches_them() {
    let rig = at("1.10000").await;
    let low = rig.placed(limit("buy", "0.01", 1.09)).await;
    let high = rig.placed(stop("buy", 0.01, 1.11)).await;
    rig.broker()
        .set_price("EURUSD", "1.10900".parse().unwrap())
        .unwrap();
    assert_eq!(rig.orders().await.len(), 2);
    rig.broker()
        .set_price("EURUSD", "1.11005".parse().unwrap())
        .unwrap();
    assert_eq!(row(&rig.history().await, &high)[AVG], "1.11013");
    rig.broker()
        .set_price("EURUSD", "1.08900".parse().unwrap())
        .unwrap();
    assert_eq!(row(&rig.history().await, &low)[AVG], "1.08908");
    assert_eq!(
        (rig.orders().await.len(), rig.positions().await.len()),
        (0, 2)
    );
}

#[tokio::test]
async fn resting_orders_fill_while_time_passes() {
    let rig = Rig::with(Settings::new().access_token_life(Duration::from_secs(604_800))).await;
    let (bid, ask) = rig.broker().quote("BTCUSD").unwrap();
    let near = (ask - bid) / rust_decimal::Decimal::from(2) + bid;
    let price: f64 = near.round_dp(2).to_string().parse().unwrap();
    let bitcoin = json!({"tradableInstrumentId": 206});
    rig.placed(with(limit("buy", "0.01", price - 20.0), bitcoin.clone()))
        .await;
    rig.placed(with(limit("sell", "0.01", price + 20.0), bitcoin))
        .await;
    rig.sim.advance(Duration::from_secs(86_400));
    assert_eq!(
        (rig.orders().await.len(), rig.positions().await.len()),
        (0, 2)
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

#[tokio::test]
async fn brackets_on_the_wrong_side_are_refused_and_without_type_ignored() {
    let rig = at("1.10000").await;
    let wrong = with(
        market("buy", 0.01),
        json!({"stopLoss": 1.2, "stopLossType": "absolute"}),
    );
    assert_eq!(
        rig.place(wrong).await.errmsg(),
        "SL price is not valid for the order. "
    );
    let wrong = with(
        limit("sell", "0.01", 1.2),
        json!({"takeProfit": 1.3, "takeProfitType": "absolute"}),
    );
    assert_eq!(
        rig.place(wrong).await.errmsg(),
        "TP price is not valid for the order. "
    );
    rig.placed(with(market("buy", 0.01), json!({"stopLoss": 1.05})))
        .await;
    let position = rig.positions().await[0].clone();
    assert!(position[POSITION_SL].is_null() && rig.orders().await.is_empty());
}

#[tokio::test]
async fn brackets_become_orders_of_the_position_and_one_cancels_the_other() {
    let rig = at("1.10000").await;
    let keys = json!({
        "stopLoss": 1.09, "stopLossType": "absolute", "takeProfit": 50, "takeProfitType": "offset"
    });
    let id = rig.placed(with(market("buy", 0.02), keys)).await;
    let position = rig.positions().await[0].clone();
    let orders = rig.orders().await;
    let (sl, tp) = (&position[POSITION_SL], &position[POSITION_TP]);
    let stop = row(&orders, sl.as_str().unwrap());
    let target = row(&orders, tp.as_str().unwrap());
    assert_eq!(
        (&stop[STOP_PRICE], &stop[SIDE], &stop[TYPE]),
        (&json!("1.09"), &json!("sell"), &json!("stop"))
    );
    assert_eq!(
        (&target[PRICE], &target[IS_OPEN]),
        (&json!("1.10508"), &json!("false"))
    );
    assert_eq!(
        (&stop[POSITION], &target[POSITION]),
        (&position[ID], &position[ID])
    );
    assert_eq!(row(&rig.history().await, &id)[STOP_LOSS], "1.09");

    rig.broker()
        .set_price("EURUSD", "1.08950".parse().unwrap())
        .unwrap();
    assert!(rig.positions().await.is_empty() && rig.orders().await.is_empty());
    let history = rig.history().await;
    assert_eq!(row(&history, sl.as_str().unwrap())[STATUS], "Filled");
    assert_eq!(row(&history, tp.as_str().unwrap())[STATUS], "Cancelled");
    let closes = rig.broker().ledger().closes();
    assert_eq!(
        (closes.len(), closes[0].requested, closes[0].profit),
        (1, false, "-21.16".parse().unwrap())
    );
}

#[tokio::test]
async fn a_trailing_stop_follows_the_price_and_never_turns_back() {
    let rig = at("1.10000").await;
    let keys = json!({"stopLossType": "trailingOffset", "trStopOffset": 20});
    rig.placed(with(market("buy", 0.02), keys)).await;
    let stop = async || {
        rig.orders().await[0][STOP_PRICE]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(stop().await, "1.09808");
    rig.broker()
        .set_price("EURUSD", "1.11000".parse().unwrap())
        .unwrap();
    assert_eq!(stop().await, "1.10800");
    rig.broker()
        .set_price("EURUSD", "1.10900".parse().unwrap())
        .unwrap();
    assert_eq!(stop().await, "1.10800");
    rig.broker()
        .set_price("EURUSD", "1.10790".parse().unwrap())
        .unwrap();
    assert!(rig.positions().await.is_empty());
}

#[tokio::test]
async fn a_modified_order_keeps_its_id_and_looks_younger() {
    let rig = at("1.10000").await;
    let id = rig.placed(limit("buy", "0.01", 1.05)).await;
    let before = row(&rig.orders().await, &id)[MODIFIED].clone();
    let path = format!("/trade/orders/{id}");
    let reply = rig
        .send("PATCH", &path, r#"{"price": "1.06", "qty": "0.02"}"#)
        .await;
    assert_eq!(reply.d()["orders"][0][ID], json!(id));
    let orders = rig.orders().await;
    let order = row(&orders, &id);
    assert_eq!(
        (&order[PRICE], &order[QTY]),
        (&json!("1.06"), &json!("0.02"))
    );
    let millis = |value: &Value| value.as_str().unwrap().parse::<i64>().unwrap();
    assert!(millis(&order[MODIFIED]) > millis(&before));
    for (body, text) in [
        (
            r#"{"qty": 0.001}"#,
            "{qty=[must be a multiple of lot step]}",
        ),
        (r#"{"price": null}"#, "{price=[must not be null]}"),
        (
            r#"{"validity": "IOC"}"#,
            "{validity=[IOC is not allowed for the order]}",
        ),
    ] {
        assert_eq!(rig.send("PATCH", &path, body).await.errmsg(), text);
    }
    assert_eq!(
        rig.send("PATCH", "/trade/orders/1", "{}").await.errmsg(),
        "Order not found"
    );
    assert_eq!(
        rig.send("PATCH", &path, r#"{"price": 1.2}"#).await.json()["s"],
        "ok"
    );
    assert_eq!(row(&rig.history().await, &id)[STATUS], "Filled");
}

#[tokio::test]
async fn reads_filter_by_time_and_instrument() {
    let rig = at("1.10000").await;
    let first = rig.placed(market("buy", 0.01)).await;
    rig.sim.advance(Duration::from_secs(10));
    let middle = rig.sim.now().unix_timestamp() * 1_000 - 5_000;
    let bitcoin = json!({"tradableInstrumentId": 206});
    let second = rig.placed(with(market("buy", 0.01), bitcoin.clone())).await;
    rig.placed(with(limit("buy", "0.01", 1.0), bitcoin)).await;
    let ids = async |table: &str, query: String| -> Vec<Value> {
        let d = rig
            .get(&format!("/trade/accounts/{ACCOUNT}/{table}?{query}"))
            .await
            .d();
        d[table]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row[ID].clone())
            .collect()
    };
    assert_eq!(
        ids("ordersHistory", String::new()).await,
        [&*second, &*first]
    );
    assert_eq!(
        ids("ordersHistory", format!("from={middle}")).await,
        [&*second]
    );
    assert_eq!(
        ids("ordersHistory", format!("to={middle}&ref=py_c")).await,
        [&*first]
    );
    assert_eq!(
        ids("ordersHistory", "tradableInstrumentId=278".into()).await,
        [&*first]
    );
    assert_eq!(
        ids("orders", "tradableInstrumentId=278".into()).await.len(),
        0
    );
    assert_eq!(
        ids("orders", format!("from={middle}&tradableInstrumentId=206"))
            .await
            .len(),
        1
    );
    let wrong = rig
        .get(&format!("/trade/accounts/{ACCOUNT}/orders?from=x"))
        .await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn a_long_history_says_that_there_is_more() {
    let rig = Rig::with(Settings::new().history_rows(2)).await;
    for _ in 0..3 {
        rig.placed(market("buy", 0.01)).await;
    }
    let d = rig.table("ordersHistory").await;
    assert_eq!(
        (d["ordersHistory"].as_array().unwrap().len(), &d["hasMore"]),
        (2, &json!(true))
    );
    rig.broker()
        .change_settings(|settings| settings.history_rows = 3);
    assert_eq!(rig.table("ordersHistory").await["hasMore"], false);
}

#[tokio::test]
async fn cancel_all_honours_the_instrument() {
    let rig = at("1.10000").await;
    rig.placed(limit("buy", "0.01", 1.0)).await;
    rig.placed(with(
        limit("buy", "0.01", 1.0),
        json!({"tradableInstrumentId": 206}),
    ))
    .await;
    let path = format!("/trade/accounts/{ACCOUNT}/orders");
    let reply = rig
        .send("DELETE", &format!("{path}?tradableInstrumentId=206"), "")
        .await;
    assert_eq!(reply.json(), json!({"s": "ok"}));
    assert_eq!(rig.orders().await.len(), 1);
    rig.send("DELETE", &path, "").await;
    assert!(rig.orders().await.is_empty());
    assert_eq!(rig.broker().ledger().cancels().len(), 2);
}

#[tokio::test]
async fn writes_are_answered_without_content_if_so_set() {
    let rig = Rig::with(Settings::new().no_content_writes(true)).await;
    let id = rig.placed(limit("buy", "0.01", 1.0)).await;
    let path = format!("/trade/orders/{id}");
    for (method, body) in [("PATCH", r#"{"price": 1.01}"#), ("DELETE", "")] {
        let reply = rig.send(method, &path, body).await;
        assert_eq!(
            (
                reply.status,
                reply.body.len(),
                reply.header("content-length")
            ),
            (204, 0, None)
        );
    }
}

#[tokio::test]
async fn changes_stay_out_of_sight_as_long_as_set() {
    let rig = Rig::with(Settings::new().visible_after(Duration::from_secs(2))).await;
    rig.placed(limit("buy", "0.01", 0.5)).await;
    rig.placed(market("buy", 0.01)).await;
    let seen = async || {
        (
            rig.orders().await.len(),
            rig.history().await.len(),
            rig.positions().await.len(),
        )
    };
    assert_eq!(seen().await, (0, 0, 0));
    assert_eq!(rig.broker().ledger().placements().len(), 2);
    rig.sim.advance(Duration::from_secs(2));
    assert_eq!(seen().await, (1, 1, 1));
}

#[tokio::test]
async fn rows_follow_columns_that_were_moved() {
    let columns = Columns::default()
        .with(Table::Orders, ["strategyId", "future", "id"])
        .unwrap();
    let rig = Rig::with(Settings::new().columns(columns)).await;
    let id = rig
        .placed(with(limit("buy", "0.01", 0.5), json!({"strategyId": "a"})))
        .await;
    assert_eq!(rig.orders().await[0], json!(["a", "x", id]));
}
