use serde_json::{Value, json};

use crate::rig::{ACCOUNT, Rig, column::*, market, with};

async fn opened(qty: f64) -> (Rig, String) {
    let rig = Rig::start().await;
    rig.broker()
        .set_price("EURUSD", "1.10000".parse().unwrap())
        .unwrap();
    rig.placed(market("buy", qty)).await;
    let id = rig.positions().await[0][ID].as_str().unwrap().to_owned();
    (rig, id)
}

async fn close(rig: &Rig, id: &str, body: &str) -> Value {
    rig.send("DELETE", &format!("/trade/positions/{id}"), body)
        .await
        .json()
}

#[tokio::test]
async fn a_partial_close_keeps_the_id_and_leaves_a_row_in_history() {
    let (rig, id) = opened(0.05).await;
    rig.broker()
        .set_price("EURUSD", "1.10108".parse().unwrap())
        .unwrap();
    assert_eq!(
        close(&rig, &id, r#"{"qty": "0.02"}"#).await,
        json!({"s": "ok"})
    );
    let positions = rig.positions().await;
    assert_eq!(
        (&positions[0][ID], &positions[0][POSITION_QTY]),
        (&json!(id), &json!("0.03"))
    );
    let history = rig.history().await;
    let closing: Vec<_> = history
        .iter()
        .filter(|row| row[IS_OPEN] == "false")
        .collect();
    assert_eq!(closing.len(), 1);
    assert_eq!(
        (&closing[0][POSITION], &closing[0][SIDE]),
        (&json!(id), &json!("sell"))
    );
    assert_eq!(
        (&closing[0][QTY], &closing[0][STATUS]),
        (&json!("0.02"), &json!("Filled"))
    );
    let state = rig.table("state").await["accountDetailsData"].clone();
    assert_eq!(state[0], 100_002.0);
    assert_eq!(close(&rig, &id, r#"{"qty": 0}"#).await, json!({"s": "ok"}));
    assert!(rig.positions().await.is_empty());
    let closes = rig.broker().ledger().closes();
    assert_eq!(
        closes
            .iter()
            .map(|close| close.qty.to_string())
            .collect::<Vec<_>>(),
        ["0.02", "0.03"]
    );
    assert!(
        closes
            .iter()
            .all(|close| close.requested && close.position_id == id)
    );
}

#[tokio::test]
async fn a_close_without_a_body_closes_everything() {
    let (rig, id) = opened(0.05).await;
    close(&rig, &id, "").await;
    assert!(rig.positions().await.is_empty());
}

#[tokio::test]
async fn closes_that_make_no_sense_are_refused() {
    let (rig, id) = opened(0.05).await;
    for (body, text) in [
        (
            r#"{"qty": 0.06}"#,
            "{qty=[must be less than or equal to position quantity]}",
        ),
        (
            r#"{"qty": 0.001}"#,
            "{qty=[must be a multiple of lot step]}",
        ),
        (r#"{"qty": -1}"#, "{qty=[must be greater than 0]}"),
    ] {
        assert_eq!(close(&rig, &id, body).await["errmsg"], text);
    }
    assert_eq!(close(&rig, "1", "{}").await["errmsg"], "Position not found");
    assert_eq!(close(&rig, "x", "{}").await["errmsg"], "Position not found");
    close(&rig, &id, "{}").await;
    assert_eq!(
        close(&rig, &id, r#"{"qty": 0}"#).await["errmsg"],
        "Position not found"
    );
}

#[tokio::test]
async fn close_all_honours_instrument_and_label() {
    let (rig, _) = opened(0.01).await;
    let keys = json!({"tradableInstrumentId": 207, "strategyId": "grid"});
    rig.placed(with(market("sell", 0.01), keys)).await;
    rig.placed(with(
        market("sell", 0.01),
        json!({"tradableInstrumentId": 207}),
    ))
    .await;
    let path = format!("/trade/accounts/{ACCOUNT}/positions");
    let left = async |query: &str| {
        assert_eq!(
            rig.send("DELETE", &format!("{path}?{query}"), "")
                .await
                .json()["s"],
            "ok"
        );
        rig.positions().await.len()
    };
    assert_eq!(left("strategyId=grid").await, 2);
    assert_eq!(left("tradableInstrumentId=207").await, 1);
    assert_eq!(left("").await, 0);
}

#[tokio::test]
async fn brackets_of_a_position_are_set_moved_in_place_and_removed() {
    let (rig, id) = opened(0.01).await;
    let path = format!("/trade/positions/{id}");
    let modify = async |body: &str| rig.send("PATCH", &path, body).await;
    assert_eq!(
        modify(r#"{"stopLoss": 0.01, "takeProfit": 10000000}"#)
            .await
            .json(),
        json!({"s": "ok"})
    );
    let position = rig.positions().await[0].clone();
    let (sl, tp) = (position[POSITION_SL].clone(), position[POSITION_TP].clone());
    assert!(sl.is_string() && tp.is_string() && sl != tp);
    modify(r#"{"stopLoss": "0.02", "takeProfit": 5000000}"#).await;
    let orders = rig.orders().await;
    assert_eq!(
        (&orders[0][ID], &orders[0][STOP_PRICE]),
        (&sl, &json!("0.02"))
    );
    assert_eq!(
        (&orders[1][ID], &orders[1][PRICE]),
        (&tp, &json!("5000000"))
    );
    modify(r#"{"stopLoss": null}"#).await;
    let position = rig.positions().await[0].clone();
    assert_eq!(
        (&position[POSITION_SL], &position[POSITION_TP]),
        (&Value::Null, &tp)
    );
    assert_eq!(rig.orders().await.len(), 1);

    assert_eq!(
        modify(r#"{"stopLoss": 1.2}"#).await.errmsg(),
        "SL price is not valid for the order. "
    );
    assert_eq!(
        modify(r#"{"takeProfit": 1.0}"#).await.errmsg(),
        "TP price is not valid for the order. "
    );
    modify(r#"{"trailingOffset": 20}"#).await;
    assert_eq!(rig.orders().await[1][STOP_PRICE], "1.09800");
    let unknown = rig.send("PATCH", "/trade/positions/1", "{}").await;
    assert_eq!(unknown.errmsg(), "Position not found");
}

#[tokio::test]
async fn closing_a_position_cancels_its_brackets_and_a_part_shrinks_them() {
    let (rig, id) = opened(0.05).await;
    let path = format!("/trade/positions/{id}");
    rig.send("PATCH", &path, r#"{"stopLoss": 1.0, "takeProfit": 1.2}"#)
        .await;
    close(&rig, &id, r#"{"qty": 0.02}"#).await;
    assert!(rig.orders().await.iter().all(|row| row[QTY] == "0.03"));
    close(&rig, &id, r#"{"qty": 0}"#).await;
    assert!(rig.orders().await.is_empty());
    let cancels = rig.broker().ledger().cancels();
    assert_eq!(
        cancels
            .iter()
            .map(|cancel| cancel.requested)
            .collect::<Vec<_>>(),
        [false, false]
    );
}

#[tokio::test]
async fn closed_trades_are_reported_newest_first_page_by_page() {
    let (rig, id) = opened(0.03).await;
    for _ in 0..3 {
        close(&rig, &id, r#"{"qty": 0.01}"#).await;
    }
    let path = "/trade/reports/close-trades-history?limit=2";
    let page = rig.get(path).await.json();
    assert_eq!(page["data"].as_array().unwrap().len(), 2);
    assert_eq!(page["data"][0]["positionSide"], "BUY");
    assert_eq!(
        (
            &page["data"][0]["openAmount"],
            &page["data"][0]["closeAmount"]
        ),
        (&json!("0.03"), &json!("0.01"))
    );
    assert_eq!(
        (&page["data"][0]["profit"], &page["data"][0]["swap"]),
        (&json!("-0.08"), &json!("0"))
    );
    let cursor = page["links"]["next"]["params"]["lastTradeId"]
        .as_str()
        .unwrap();
    let page = rig
        .get(&format!("{path}&lastTradeId={cursor}"))
        .await
        .json();
    assert_eq!(
        (
            page["data"].as_array().unwrap().len(),
            page["links"].get("next")
        ),
        (1, None)
    );
}

#[tokio::test]
async fn many_positions_can_be_seeded() {
    let rig = Rig::start().await;
    rig.broker().seed_positions(ACCOUNT, "EURUSD", 200).unwrap();
    assert_eq!(rig.positions().await.len(), 200);
    assert!(rig.broker().seed_positions("1", "EURUSD", 1).is_err());
    assert!(rig.broker().seed_positions(ACCOUNT, "EUR", 1).is_err());
}
