//! Crypto of the private API.

use serde_json::{Value, json};

use super::rig::{Rig, but};

const BTC: &str = "3d961844-d360-45fc-989b-f6fca761d511";
const ID: &str = "68e24428-91ac-4c00-869d-ce49b934ee11";

fn order(side: &str, price: &str, quantity: &str, ref_id: &str) -> Value {
    json!({
        "account_id": ID,
        "currency_pair_id": BTC,
        "price": price,
        "quantity": quantity,
        "ref_id": ref_id,
        "side": side,
        "time_in_force": "gtc",
        "type": "limit",
    })
}

async fn place(rig: &Rig, body: &Value) -> super::rig::Reply {
    rig.call("POST", "nummus.robinhood.com", "/orders/", body)
        .await
}

#[tokio::test]
async fn accounts_holdings_and_pairs_are_those_of_the_demo() {
    let rig = Rig::start().await;
    let account = rig.get_on("nummus", "/accounts/").await.rows()[0].clone();
    assert_eq!(
        (&account["id"], &account["rhs_account_number"]),
        (&json!(ID), &json!("100200301"))
    );
    let holding = rig.get_on("nummus", "/holdings/").await.rows()[0].clone();
    assert_eq!(holding["quantity_available"], "0.012345670000000000");
    assert_eq!(
        holding["cost_bases"][0]["direct_cost_basis"],
        "800.000000000000000000"
    );
    let pairs = rig.get_on("nummus", "/currency_pairs/").await.rows();
    assert_eq!((pairs.len(), &pairs[0]["symbol"]), (3, &json!("BTC-USD")));
    let quote = rig
        .get(&format!("/marketdata/forex/quotes/{BTC}/"))
        .await
        .expect(200);
    assert_eq!(
        (&quote["symbol"], &quote["ask_price"]),
        (&json!("BTCUSD"), &json!("68761.01"))
    );
    assert!(
        rig.get(&format!(
            "/marketdata/forex/historicals/{BTC}/?interval=hour&span=day&bounds=24_7"
        ))
        .await
        .expect(200)["data_points"]
            .is_array()
    );
}

#[tokio::test]
async fn an_order_fills_or_waits_and_is_cancelled() {
    let rig = Rig::start().await;
    let filled = place(&rig, &order("buy", "70000", "0.001", "r1"))
        .await
        .expect(201);
    assert_eq!(
        (&filled["state"], &filled["quantity"]),
        (&json!("confirmed"), &json!("0.001000000000000000"))
    );
    let id = filled["id"].as_str().unwrap();
    let read = rig
        .get_on("nummus", &format!("/orders/{id}/"))
        .await
        .expect(200);
    assert_eq!(
        (&read["state"], &read["cancel_url"]),
        (&json!("filled"), &Value::Null)
    );
    assert_eq!(
        rig.get("/accounts/100200301/").await.expect(200)["cash"],
        "19181.7890"
    );
    let holding = rig.get_on("nummus", "/holdings/").await.rows()[0].clone();
    assert_eq!(holding["quantity"], "0.013345670000000000");
    let waiting = place(&rig, &order("buy", "50000.00", "0.0001", "r2"))
        .await
        .expect(201);
    let id = waiting["id"].as_str().unwrap();
    assert_eq!(
        waiting["cancel_url"],
        format!("https://nummus.robinhood.com/orders/{id}/cancel/")
    );
    let path = format!("/orders/{id}/cancel/");
    rig.call("POST", "nummus.robinhood.com", &path, &Value::Null)
        .await
        .expect(200);
    let states: Vec<Value> = rig
        .get_on("nummus", "/orders/")
        .await
        .rows()
        .iter()
        .map(|row| row["state"].clone())
        .collect();
    assert_eq!(states, ["cancelled", "filled"]);
}

#[tokio::test]
async fn duplicates_and_wrong_amounts_are_refused() {
    let rig = Rig::start().await;
    place(&rig, &order("buy", "70000", "0.001", "r1"))
        .await
        .expect(201);
    let again = place(&rig, &order("buy", "70000", "0.001", "R1"))
        .await
        .expect(400);
    assert_eq!(
        again,
        json!({"ref_id": ["Order with this ref_id already exists."]})
    );
    place(&rig, &order("sell", "70000", "1", "r2"))
        .await
        .expect(400);
    place(&rig, &order("buy", "70000", "1", "r3"))
        .await
        .expect(400);
    place(&rig, &order("buy", "70000", "0.000000001", "r4"))
        .await
        .expect(400);
    let foreign = but(
        order("buy", "70000", "0.001", "r5"),
        json!({"account_id": "x"}),
    );
    place(&rig, &foreign).await.expect(400);
    assert_eq!(rig.broker().ledger().placements().len(), 1);
    assert_eq!(rig.broker().ledger().refusals().len(), 5);
}
