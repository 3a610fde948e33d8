use std::time::Duration;

use serde_json::{Value, json};
use wheelhouse_sim::tradelocker::Settings;

use crate::rig::{Rig, market};

const DAY: i64 = 86_400_000;

async fn history(rig: &Rig, resolution: &str, from: i64, to: i64) -> Value {
    let path = format!(
        "/trade/history?routeId=452&tradableInstrumentId=206&resolution={resolution}&from={from}&to={to}"
    );
    rig.get(&path).await.json()
}

#[tokio::test]
async fn the_expected_instruments_are_listed() {
    let rig = Rig::start().await;
    let list = rig.table("instruments").await["instruments"]
        .as_array()
        .unwrap()
        .clone();
    let find = |name: &str| list.iter().find(|entry| entry["name"] == name).unwrap();
    assert_eq!(find("EURUSD")["tradableInstrumentId"], 278);
    assert_eq!(find("EURUSD")["id"], 315);
    for (name, id) in [
        ("BTCUSD", 206),
        ("ETHUSD", 207),
        ("LTCUSD", 208),
        ("DOGEUSD", 209),
    ] {
        assert_eq!(find(name)["tradableInstrumentId"], id);
    }
    assert_eq!(
        find("XAUUSD")["routes"],
        json!([{"id": 9001, "type": "TRADE"}, {"id": 451, "type": "INFO"}, {"id": 452, "type": "INFO"}])
    );
    assert!(find("EURUSD.x")["underlierId"].is_null());
}

#[tokio::test]
async fn details_have_the_broker_s_types() {
    let rig = Rig::start().await;
    let d = rig
        .get("/trade/instruments/278?routeId=452&locale=en")
        .await
        .d();
    assert_eq!(d["leverage"], "30.00");
    assert_eq!(
        (&d["lotSize"], &d["lotStep"], &d["maxLot"]),
        (&json!(100_000), &json!(0.01), &json!(100))
    );
    assert_eq!(
        d["tickSize"],
        json!([{"leftRangeLimit": null, "tickSize": 0.00001}])
    );
    assert_eq!(
        (&d["margin_hedging_type"], &d["isin"]),
        (&json!("fx_cfd"), &json!(""))
    );
    let gas = rig.get("/trade/instruments/403?routeId=9001").await.d();
    assert_eq!(
        gas["tickSize"][2],
        json!({"leftRangeLimit": 10, "tickSize": 0.01})
    );
    let bitcoin = rig.get("/trade/instruments/206?routeId=452").await.d();
    assert_eq!(bitcoin["maxLot"], Value::Null);
}

#[tokio::test]
async fn unknown_instruments_and_dead_routes_are_refused() {
    let rig = Rig::start().await;
    assert_eq!(
        rig.get("/trade/instruments/9?routeId=452").await.errmsg(),
        "Instrument not found"
    );
    assert_eq!(rig.get("/trade/instruments/278").await.status, 400);
    let quotes = "/trade/quotes?tradableInstrumentId=310&routeId=";
    assert_eq!(
        rig.get(&format!("{quotes}451")).await.errmsg(),
        "Route not found"
    );
    assert!(rig.get(&format!("{quotes}452")).await.d()["ap"].is_f64());
}

#[tokio::test]
async fn sessions_and_their_statuses_are_told() {
    let rig = Rig::start().await;
    let session = rig.get("/trade/sessions/1547").await.d();
    assert_eq!(
        (&session["blockTrading"], &session["name"]),
        (&json!(false), &json!("24/7"))
    );
    let open = rig.get("/trade/sessionStatuses/20").await.d();
    assert_eq!(
        open,
        json!({"allowedOperations": [1, 1, 1], "allowedOrderTypes": [1, 1, 1, 1, 1, 1]})
    );
    let closed = rig.get("/trade/sessionStatuses/21").await.d();
    assert_eq!(closed["allowedOperations"], json!([0, 0, 1]));
    assert_eq!(
        rig.get("/trade/sessions/1").await.errmsg(),
        "Session not found"
    );
    assert_eq!(
        rig.get("/trade/sessionStatuses/1").await.errmsg(),
        "Session status not found"
    );
}

#[tokio::test]
async fn quotes_are_floats_and_follow_what_a_test_sets() {
    let rig = Rig::start().await;
    rig.broker()
        .set_price("BTCUSD", "90000".parse().unwrap())
        .unwrap();
    let text = rig
        .get("/trade/quotes?routeId=452&tradableInstrumentId=206")
        .await
        .text();
    assert!(
        text.contains("\"bp\":90000.0") && text.contains("\"ap\":90001.2"),
        "{text}"
    );
    assert_eq!(
        rig.broker().quote("BTCUSD").unwrap().0,
        "90000.00".parse().unwrap()
    );
    rig.broker().unfreeze("BTCUSD").unwrap();
    assert_ne!(
        rig.broker().quote("BTCUSD").unwrap().0,
        "90000.00".parse().unwrap()
    );
    rig.broker().freeze("BTCUSD").unwrap();
    let frozen = rig.broker().quote("BTCUSD").unwrap();
    rig.sim.advance(Duration::from_secs(3_600));
    assert_eq!(rig.broker().quote("BTCUSD").unwrap(), frozen);
    assert!(
        rig.broker()
            .set_price("EURUSDX", "1".parse().unwrap())
            .is_err()
    );
}

#[tokio::test]
async fn depth_is_sorted_around_the_quote() {
    let rig = Rig::start().await;
    rig.broker()
        .set_price("EURUSD", "1.10000".parse().unwrap())
        .unwrap();
    let depth = rig
        .get("/trade/depth?routeId=452&tradableInstrumentId=278")
        .await
        .d();
    let prices = |side: &str| -> Vec<f64> {
        depth[side]
            .as_array()
            .unwrap()
            .iter()
            .map(|level| level[0].as_f64().unwrap())
            .collect()
    };
    let (asks, bids) = (prices("asks"), prices("bids"));
    assert_eq!((asks[0], bids[0]), (1.10008, 1.1));
    assert!(asks.is_sorted() && bids.iter().rev().is_sorted());
}

#[tokio::test]
async fn the_day_s_bar_needs_a_known_type() {
    let rig = Rig::start().await;
    let path = "/trade/dailyBar?routeId=452&tradableInstrumentId=206&barType=";
    let (bid, ask) = (
        rig.get(&format!("{path}BID")).await.d(),
        rig.get(&format!("{path}ASK")).await.d(),
    );
    assert!(ask["o"].as_f64() > bid["o"].as_f64());
    assert!(bid["l"].as_f64() <= bid["h"].as_f64() && bid["v"].is_f64());
    assert_eq!(rig.get(&format!("{path}MID")).await.status, 400);
}

#[tokio::test]
async fn daily_bars_reach_back_three_years_and_end_at_the_newest() {
    let rig = Rig::start().await;
    let now = rig.sim.now().unix_timestamp() * 1_000;
    let json = history(&rig, "1D", now - 3 * 365 * DAY, now + 10 * DAY).await;
    let bars = json["d"]["barDetails"].as_array().unwrap();
    assert!((1_094..=1_096).contains(&bars.len()), "{}", bars.len());
    let last = bars.last().unwrap();
    assert!(last["t"].as_i64().unwrap() <= now && last["c"].is_f64());
}

#[tokio::test]
async fn windows_without_bars_are_no_data_and_too_large_ones_are_refused() {
    let rig = Rig::with(Settings::new().history_bars(100)).await;
    let monday_evening = 1_673_218_800_000;
    let json = history(&rig, "1W", monday_evening, monday_evening).await;
    assert_eq!(json["s"], "no_data");
    assert!(json["d"]["nb"].as_i64().unwrap() < monday_evening);
    let before_listing = history(&rig, "1D", 0, DAY).await;
    assert_eq!(before_listing, json!({"s": "no_data"}));
    let json = history(&rig, "1H", 1_651_396_149_000, 1_656_666_549_000).await;
    assert_eq!((&json["s"], json.get("d")), (&json!("error"), None));
    let json = history(&rig, "1H", 1_651_396_149_000, 1_651_396_149_000 + 2 * DAY).await;
    assert_eq!(json["d"]["barDetails"].as_array().unwrap().len(), 48);
    for wrong in ["1h", "", "2D"] {
        let path = format!(
            "/trade/history?routeId=452&tradableInstrumentId=206&resolution={wrong}&from=1&to=2"
        );
        assert_eq!(rig.get(&path).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn bounds_out_of_any_range_do_no_harm() {
    let rig = Rig::start().await;
    for (from, to) in [
        (i64::MIN, i64::MAX),
        (i64::MAX, i64::MIN),
        (0, i64::MIN),
        (i64::MAX, 0),
    ] {
        let json = history(&rig, "1M", from, to).await;
        assert!(
            ["ok", "no_data", "error"].contains(&json["s"].as_str().unwrap()),
            "{json}"
        );
    }
}

#[tokio::test]
async fn instruments_out_of_session_refuse_orders_in_the_broker_s_words() {
    let rig = Rig::start().await;
    let order = |id: u32| crate::rig::with(market("buy", 1.0), json!({"tradableInstrumentId": id}));
    assert_eq!(
        rig.place(order(404)).await.errmsg(),
        "Order cannot be created since trading out of session is forbidden."
    );
    assert_eq!(
        rig.place(order(405)).await.errmsg(),
        "Order cannot be created since order type is not allowed for current session."
    );
}
