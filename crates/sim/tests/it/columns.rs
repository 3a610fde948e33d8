use serde_json::{Value, json};
use wheelhouse_sim::tradelocker::{Columns, Settings, Table};

use crate::rig::{Rig, market};

#[tokio::test]
async fn configuration_and_rows_change_together_while_the_broker_runs() {
    let rig = Rig::start().await;
    rig.placed(market("buy", 0.01)).await;
    let columns = Columns::default()
        .with(Table::Positions, ["swap", "qty", "id"])
        .and_then(|columns| {
            columns.with(
                Table::AccountDetails,
                ["positionsCount", "balance", "bonus"],
            )
        })
        .and_then(|columns| columns.with(Table::FilledOrders, ["side"]))
        .unwrap();
    rig.broker()
        .change_settings(|settings| settings.columns = columns);
    let config = rig.get("/trade/config").await.d();
    assert_eq!(
        config["positionsConfig"]["columns"],
        json!([{"id": "swap"}, {"id": "qty"}, {"id": "id"}])
    );
    let position = rig.positions().await[0].clone();
    assert_eq!((&position[0], &position[1]), (&json!("x"), &json!("0.01")));
    let state = rig.table("state").await["accountDetailsData"].clone();
    assert_eq!(state, json!([1, 100_000.0, 0.0]));
    assert_eq!(
        rig.table("executions").await["executions"],
        json!([["buy"]])
    );
}

#[tokio::test]
async fn the_default_columns_are_the_captured_ones() {
    let settings = Settings::new();
    let orders = settings.columns.of(Table::Orders);
    assert_eq!(orders.first().map(String::as_str), Some("id"));
    assert_eq!(orders, settings.columns.of(Table::OrdersHistory));
    assert_eq!(
        Value::from(orders.last().unwrap().as_str()),
        json!("strategyId")
    );
}
