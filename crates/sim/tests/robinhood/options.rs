//! Chains, contracts, option orders, positions and their end.

use serde_json::{Value, json};
use std::time::Duration;

use super::rig::{ACCOUNT, F, F_PUT, KO, Rig, but, dec};

const KO_CALL: &str = "8c469713-9205-420c-9252-5988481ce6f4";

/// A credit for one put on F, with changes.
pub fn put(price: &str, ref_id: &str) -> Value {
    json!({
        "account": format!("https://api.robinhood.com/accounts/{ACCOUNT}/"),
        "direction": "credit",
        "time_in_force": "gfd",
        "legs": [leg("open", "sell", F_PUT)],
        "type": "limit",
        "trigger": "immediate",
        "price": price,
        "quantity": 1,
        "override_day_trade_checks": false,
        "override_dtbp_checks": false,
        "ref_id": ref_id,
    })
}

pub fn leg(effect: &str, side: &str, id: &str) -> Value {
    json!({
        "position_effect": effect,
        "side": side,
        "ratio_quantity": 1,
        "option": format!("https://api.robinhood.com/options/instruments/{id}/"),
    })
}

/// The id of a contract.
async fn contract(rig: &Rig, symbol: &str, right: &str, strike: &str, nth: usize) -> String {
    let chain = rig
        .get(&format!("/instruments/?symbol={symbol}"))
        .await
        .rows()[0]["tradable_chain_id"]
        .clone();
    let chain = chain.as_str().unwrap();
    let dates = rig
        .get(&format!("/options/chains/{chain}/"))
        .await
        .expect(200)["expiration_dates"]
        .clone();
    let date = dates[nth].as_str().unwrap();
    let path = format!(
        "/options/instruments/?chain_id={chain}&expiration_dates={date}&strike_price={strike}&type={right}&state=active"
    );
    let rows = rig.get(&path).await.rows();
    assert_eq!(rows.len(), 1, "{path}");
    rows[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn chains_lead_to_contracts_by_all_five_filters() {
    let rig = Rig::start().await;
    let chain = rig
        .get("/options/chains/11057328-9f9a-46b3-b665-bc5dc944f363/")
        .await
        .expect(200);
    let dates = json!(["2026-11-27", "2026-12-04", "2026-12-18", "2027-01-15"]);
    assert_eq!(chain["expiration_dates"], dates);
    assert_eq!(contract(&rig, "F", "put", "10.0000", 2).await, F_PUT);
    let row = rig
        .get(&format!("/options/instruments/{F_PUT}/"))
        .await
        .expect(200);
    assert_eq!(row["expiration_datetime"], "2026-12-18T21:00:00+00:00");
    assert_eq!(row["short_strategy_code"], format!("{F_PUT}_S1"));
    let by_stock = "/options/chains/?equity_instrument_ids=81ceab01-8be9-43b0-b01e-88992d5e9c55";
    assert_eq!(rig.get(by_stock).await.rows()[0]["symbol"], "KO");
}

#[tokio::test]
async fn market_data_has_greeks_and_nulls() {
    let rig = Rig::start().await;
    let link = |id: &str| format!("https://api.robinhood.com/options/instruments/{id}/");
    let path = format!(
        "/marketdata/options/?instruments={},{}",
        link(F_PUT),
        link("unknown")
    );
    let rows = rig.get(&path).await.rows();
    assert_eq!(
        (&rows[0]["mark_price"], &rows[0]["delta"]),
        (&json!("0.220000"), &json!("-0.181200"))
    );
    assert_eq!(rows[0]["occ_symbol"], "F     261218P00010000");
    assert!(rows[1].is_null());
    rig.broker()
        .change_settings(|settings| settings.greeks = false);
    let rows = rig
        .get(&format!("/marketdata/options/?ids={F_PUT}"))
        .await
        .rows();
    assert!(rows[0]["delta"].is_null() && rows[0]["implied_volatility"].is_null());
    rig.sim.advance(Duration::from_secs(29 * 86_400));
    assert!(rig.get(&path).await.rows()[0].is_null());
}

#[tokio::test]
async fn positions_are_positive_and_joined_by_id() {
    let rig = Rig::start().await;
    let rows = rig
        .get("/options/positions/?nonzero=True&account_numbers=100200301")
        .await
        .rows();
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            let of = |name: &str| row[name].as_str().unwrap().to_owned();
            (
                of("chain_symbol"),
                of("type"),
                of("quantity"),
                of("average_price"),
            )
        })
        .collect();
    let expected = [
        ("F", "short", "1.0000", "-28.0000"),
        ("KO", "short", "1.0000", "-42.0000"),
        ("SOFI", "long", "2.0000", "113.0000"),
    ];
    let expected = expected.map(|(a, b, c, d)| (a.into(), b.into(), c.into(), d.into()));
    assert_eq!(told, expected);
    let rows = rig
        .get("/options/aggregate_positions/?nonzero=True")
        .await
        .rows();
    let strategies: Vec<&str> = rows
        .iter()
        .map(|row| row["strategy"].as_str().unwrap())
        .collect();
    assert_eq!(strategies, ["short_put", "short_call", "long_call"]);
    assert_eq!(
        (&rows[0]["direction"], &rows[0]["average_open_price"]),
        (&json!("credit"), &json!("28.0000"))
    );
    assert_eq!(rows[0]["legs"][0]["strike_price"], "10.0000");
    let collateral =
        "/options/chains/11057328-9f9a-46b3-b665-bc5dc944f363/collateral/?account_number=100200301";
    let body = rig.get(collateral).await.expect(200);
    assert_eq!(body["collateral"]["cash"]["amount"], "1000.0000");
    assert_eq!(body["collateral"]["equities"][0]["quantity"], "0E-8");
}

#[tokio::test]
async fn a_put_that_is_sold_brings_premium_and_holds_collateral() {
    let rig = Rig::start().await;
    let placed = rig
        .post("/options/orders/", &put("0.20", "r1"))
        .await
        .expect(201);
    assert_eq!(
        (&placed["state"], &placed["premium"]),
        (&json!("unconfirmed"), &json!("20.00000000"))
    );
    assert_eq!(placed["pending_quantity"], "1.00000");
    let id = placed["id"].as_str().unwrap();
    let order = rig.get(&format!("/options/orders/{id}/")).await.expect(200);
    assert_eq!(
        (&order["state"], &order["processed_premium"]),
        (&json!("filled"), &json!("21"))
    );
    assert_eq!(order["average_net_premium_paid"], "-21.00000000");
    assert_eq!(
        (&order["net_amount"], &order["regulatory_fees"]),
        (&json!("20.97"), &json!("0.03"))
    );
    assert_eq!(
        (&order["opening_strategy"], &order["closing_strategy"]),
        (&json!("short_put"), &Value::Null)
    );
    assert!(order["cancel_url"].is_null());
    let account = rig.get("/accounts/100200301/").await.expect(200);
    assert_eq!(account["cash_held_for_options_collateral"], "2000.0000");
    assert_eq!(account["cash"], "19271.5200");
    let rows = rig.get("/options/positions/").await.rows();
    assert_eq!(
        (&rows[0]["quantity"], &rows[0]["average_price"]),
        (&json!("2.0000"), &json!("-24.5000"))
    );
}

#[tokio::test]
async fn closing_a_long_call_reads_short_call() {
    let rig = Rig::start().await;
    let call = "f9e989f2-2b0b-49a7-8048-e5e8ee99abf0";
    let sell = but(
        put("1.00", "r"),
        json!({"legs": [leg("close", "sell", call)], "quantity": "2"}),
    );
    let id = rig.post("/options/orders/", &sell).await.expect(201)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let order = rig.get(&format!("/options/orders/{id}/")).await.expect(200);
    assert_eq!(order["strategy"], "short_call");
    assert_eq!(
        (&order["opening_strategy"], &order["closing_strategy"]),
        (&Value::Null, &json!("long_call"))
    );
    let rows = rig.get("/options/positions/?nonzero=True").await.rows();
    assert_eq!(rows.len(), 2);
    // Without the filter every contract ever held is there.
    let rows = rig.get("/options/positions/").await.rows();
    assert_eq!((rows.len(), &rows[2]["quantity"]), (3, &json!("0.0000")));
    let more = but(sell, json!({"ref_id": "r2"}));
    rig.post("/options/orders/", &more).await.expect(400);
}

#[tokio::test]
async fn refusals_of_options_have_their_own_words() {
    let rig = Rig::start().await;
    let f_call = contract(&rig, "F", "call", "15.0000", 2).await;
    let naked = json!({"legs": [leg("open", "sell", &f_call)], "price": "0.05"});
    let ko = json!({"legs": [leg("open", "sell", KO_CALL)], "price": "0.30"});
    let poor = json!({"quantity": "40"});
    let poor_overnight = json!({"quantity": "40", "time_in_force": "gtc"});
    let power = "Sorry, you do not have enough buying power for this order.";
    for (changes, text) in [
        (
            json!({"price": "0.255"}),
            "Limit price does not satisfy the minimum tick requirement.",
        ),
        (
            json!({"price": "3.01"}),
            "Limit price does not satisfy the minimum tick requirement.",
        ),
        (naked, "This order introduces infinite risk."),
        (ko, "This order introduces infinite risk."),
        (poor, power),
        (poor_overnight, "Not enough overnight buying power."),
    ] {
        let refusal = rig
            .post("/options/orders/", &but(put("0.25", "r"), changes.clone()))
            .await;
        assert_eq!(refusal.expect(400)["detail"], text, "{changes}");
    }
    assert!(rig.broker().ledger().placements().is_empty());
}

#[tokio::test]
async fn a_ref_id_of_options_repeats_only_if_told() {
    let rig = Rig::start().await;
    rig.post("/options/orders/", &put("0.25", "r"))
        .await
        .expect(201);
    rig.post("/options/orders/", &put("0.25", "r"))
        .await
        .expect(409);
    rig.broker()
        .change_settings(|settings| settings.option_ref_id_repeats = true);
    rig.post("/options/orders/", &put("0.25", "r"))
        .await
        .expect(201);
    assert_eq!(rig.broker().ledger().placements_of("r").len(), 2);
}

#[tokio::test]
async fn a_spread_holds_its_width_and_is_one_strategy() {
    let rig = Rig::start().await;
    let lower = "6e172755-6c31-419c-baaf-023b1d6f59bb";
    let upper = "02114a8c-f3ea-4bf3-a83a-0d6430589f4e";
    let legs = json!([leg("open", "sell", upper), leg("open", "buy", lower)]);
    let spread = but(put("0.20", "r"), json!({"legs": legs}));
    let placed = rig.post("/options/orders/", &spread).await.expect(201);
    assert_eq!(placed["opening_strategy"], "short_put_spread");
    let account = rig.get("/accounts/100200301/").await.expect(200);
    assert_eq!(account["cash_held_for_options_collateral"], "1200.0000");
    let rows = rig.get("/options/aggregate_positions/").await.rows();
    assert_eq!(rows[3]["legs"].as_array().unwrap().len(), 2);
    assert_eq!(rows[3]["strategy"], "short_put_spread");
    // An account of level 2 may not.
    let other = json!({"account": "https://api.robinhood.com/accounts/100200302/", "ref_id": "r2"});
    rig.post("/options/orders/", &but(spread, other))
        .await
        .expect(403);
}

#[tokio::test]
async fn option_orders_are_cancelled_and_end_with_the_day() {
    let rig = Rig::start().await;
    let far = but(put("0.90", "r1"), json!({}));
    let id = rig.post("/options/orders/", &far).await.expect(201)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let power = rig.get("/accounts/100200301/").await.expect(200)["buying_power"].clone();
    assert_eq!(power, "17250.5500");
    let path = format!("/options/orders/{id}/cancel/");
    assert_eq!(rig.post(&path, &Value::Null).await.expect(200), json!({}));
    let order = rig.get(&format!("/options/orders/{id}/")).await.expect(200);
    assert_eq!(
        (&order["state"], &order["canceled_quantity"]),
        (&json!("cancelled"), &json!("1.00000"))
    );
    rig.post(&path, &Value::Null).await.expect(403);
    rig.post("/options/orders/", &but(far, json!({"ref_id": "r2"})))
        .await
        .expect(201);
    rig.sim.advance(Duration::from_secs(14 * 3_600));
    let rows = rig.get("/options/orders/?states=cancelled").await.rows();
    assert_eq!(rows[0]["response_category"], "end_of_day");
    let chain = "057a9d78-ec81-4e31-8424-79a73887038a";
    assert!(
        rig.get(&format!("/options/orders/?chain_ids={chain}"))
            .await
            .rows()
            .is_empty()
    );
}

#[tokio::test]
async fn an_order_ends_with_its_contract() {
    let rig = Rig::start().await;
    let id = contract(&rig, "F", "put", "12", 0).await;
    let legs = json!([leg("open", "sell", &id)]);
    let rests = json!({"legs": legs, "time_in_force": "gtc"});
    let order = but(put("2.00", "r1"), rests);
    let placed = rig.post("/options/orders/", &order).await.expect(201);
    let path = format!("/options/orders/{}/", placed["id"].as_str().unwrap());
    // To the 27th of November, a minute before the close.
    rig.sim
        .advance(Duration::from_secs(7 * 86_400 + 5 * 3_600 + 29 * 60));
    assert_eq!(rig.get(&path).await.expect(200)["state"], "confirmed");
    rig.sim.advance(Duration::from_secs(60));
    let ended = rig.get(&path).await.expect(200);
    assert_eq!(
        (&ended["state"], &ended["response_category"]),
        (&json!("cancelled"), &json!("end_of_day"))
    );
    rig.broker().set_price("F", dec("9.00")).unwrap();
    assert_eq!(rig.get("/options/positions/").await.rows().len(), 3);
    let late = but(order, json!({"ref_id": "r2"}));
    let refusal = rig.post("/options/orders/", &late).await.expect(400);
    assert_eq!(refusal["detail"], "This contract is expired.");
}

#[tokio::test]
async fn an_expiration_pends_then_moves_shares_and_cash() {
    let rig = Rig::start().await;
    rig.broker().set_price("F", dec("9.42")).unwrap();
    // To the 18th of December, 16:30 in New York.
    rig.sim
        .advance(Duration::from_secs(28 * 86_400 + 6 * 3_600));
    let rows = rig.get("/options/positions/").await.rows();
    assert_eq!(rows[0]["pending_assignment_quantity"], "1.0000");
    assert_eq!(rows[1]["pending_expiration_quantity"], "1.0000");
    let events = rig.get("/options/events/?states=preparing").await.rows();
    assert_eq!(events.len(), 2);
    let kinds: Vec<&str> = events
        .iter()
        .map(|row| row["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["expiration", "assignment"]);
    // Nothing is settled over a weekend: it is Sunday evening now.
    rig.sim.advance(Duration::from_secs(2 * 86_400 + 6 * 3_600));
    let rows = rig.get("/options/positions/").await.rows();
    assert_eq!(rows[0]["pending_assignment_quantity"], "1.0000");
    assert_eq!(
        rig.get("/accounts/100200301/").await.expect(200)["cash"],
        "19250.5500"
    );
    // To Monday, 9:29 and 9:30.
    rig.sim.advance(Duration::from_secs(10 * 3_600 + 59 * 60));
    let path = "/options/events/?states=preparing";
    assert_eq!(rig.get(path).await.rows().len(), 2);
    rig.sim.advance(Duration::from_secs(60));
    assert!(rig.get(path).await.rows().is_empty());
    let rows = rig.get("/options/positions/?nonzero=True").await.rows();
    assert_eq!(rows.len(), 1);
    let shares = rig.get("/positions/?nonzero=true").await.rows();
    let assigned = shares.iter().find(|row| row["symbol"] == "F").unwrap();
    assert_eq!(
        (&assigned["quantity"], &assigned["average_buy_price"]),
        (&json!("100.00000000"), &json!("10.0000"))
    );
    let covered = shares.iter().find(|row| row["symbol"] == "KO").unwrap();
    assert_eq!(covered["shares_held_for_options_collateral"], "0.00000000");
    let account = rig.get("/accounts/100200301/").await.expect(200);
    assert_eq!(account["cash"], "18250.5500");
    assert_eq!(account["cash_held_for_options_collateral"], "0.0000");
    let event = rig.get("/options/events/?states=confirmed").await.rows()[1].clone();
    assert_eq!(
        (&event["total_cash_amount"], &event["direction"]),
        (&json!("1000.0000"), &json!("debit"))
    );
    assert_eq!(event["equity_components"][0]["side"], "buy");
}

#[tokio::test]
async fn an_early_assignment_calls_shares_away() {
    let rig = Rig::start().await;
    assert!(rig.broker().assign(ACCOUNT, "KO call 75 #3").unwrap());
    assert!(!rig.broker().assign(ACCOUNT, "KO call 75 #3").unwrap());
    assert!(rig.broker().assign(ACCOUNT, "KO call 75 #9").is_err());
    let of = async |stock: &str| {
        let path = format!("/options/events/?equity_instrument_id={stock}");
        rig.get(&path).await.rows()
    };
    assert!(of(F).await.is_empty());
    let event = of(KO).await[0].clone();
    assert_eq!(
        (&event["type"], &event["state"], &event["event_date"]),
        (
            &json!("assignment"),
            &json!("preparing"),
            &json!("2026-11-20")
        )
    );
    // Friday evening is too late for that day.
    rig.sim.advance(Duration::from_secs(6 * 3_600));
    let rows = rig.get("/options/positions/?nonzero=true").await.rows();
    assert_eq!(rows[1]["pending_assignment_quantity"], "1.0000");
    rig.sim
        .advance(Duration::from_secs(2 * 86_400 + 17 * 3_600));
    let shares = rig.get("/positions/?nonzero=true").await.rows();
    assert!(shares.iter().all(|row| row["symbol"] != "KO"));
    assert_eq!(
        rig.get("/accounts/100200301/").await.expect(200)["cash"],
        "26750.5500"
    );
}

#[tokio::test]
async fn history_of_a_contract_has_no_volume() {
    let rig = Rig::start().await;
    let path = format!("/marketdata/options/historicals/{F_PUT}/?interval=day&span=week");
    let body = rig.get(&path).await.expect(200);
    assert!(
        body["data_points"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["volume"].is_null())
    );
}
