use std::time::Duration;

use serde_json::{Value, json};
use wheelhouse_sim::tradelocker::{Columns, Settings, Table};

use crate::rig::{ACCOUNT, Rig, at, column::*, limit, market, row, with};

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
