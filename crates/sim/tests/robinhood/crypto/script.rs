//! What a script does to the official API: settings, and moves of prices and time.

use serde_json::{Value, json};
use wheelhouse_sim::{Script, Sim, SimBuilder, Start, robinhood_crypto::Settings};

use super::{Rig, friday, limit, market};

fn sim(script: &Value, settings: Settings) -> SimBuilder {
    let script = Script::from_json(&json!({"robinhood_crypto": script}).to_string()).unwrap();
    Sim::builder()
        .robinhood_crypto("127.0.0.1:0".parse().unwrap())
        .robinhood_crypto_settings(settings)
        .time(Start::Frozen(friday()))
        .script(script)
}

async fn scripted(script: &Value, settings: Settings) -> Rig {
    let sim = sim(script, settings).start().await.unwrap();
    Rig { sim }
}

#[tokio::test]
async fn a_script_changes_single_settings_and_leaves_the_others() {
    let mut settings = Settings::new();
    settings.page_size = 1;
    let script = json!({"settings": {
        "numbers": "number", "next_origin": "https://evil.example", "duplicate": {"refuse": 400},
    }});
    let rig = scripted(&script, settings).await;
    let pairs = rig.get("/api/v2/crypto/trading/trading_pairs/").await;
    let page = pairs.expect(200);
    assert_eq!(page["results"].as_array().unwrap().len(), 1);
    let next = page["next"].as_str().unwrap();
    assert!(next.starts_with("https://evil.example/"), "{next}");
    let placed = rig.place(&market("buy", "0.001", "1")).await.expect(201);
    assert!(placed["filled_asset_quantity"].is_number());
    rig.place(&market("buy", "0.001", "1")).await.expect(400);
}

#[tokio::test]
async fn a_bucket_of_a_script_is_soon_empty() {
    let bucket = json!({"burst": 2, "per_minute": 1});
    let script = json!({"settings": {"limit": {"bucket": bucket}, "no_retry_after": true}});
    let rig = scripted(&script, Settings::new()).await;
    let target = "/api/v2/crypto/trading/accounts/";
    rig.get(target).await.expect(200);
    rig.get(target).await.expect(200);
    let refusal = rig.get(target).await;
    assert_eq!((refusal.status, refusal.header("retry-after")), (429, None));
}

#[tokio::test]
async fn prices_move_after_requests_and_after_seconds() {
    let script = json!({"moves": [
        {"route": "place_order", "requests": 2, "prices": {"BTC-USD": "60000"}},
        {"seconds": 60, "prices": {"BTC-USD": "50000"}},
        {"seconds": 90, "prices": {"BTC-USD": "80000"}},
    ]});
    let rig = scripted(&script, Settings::new()).await;
    let at = |price: &str| json!({"asset_quantity": "0.001", "limit_price": price});
    let first = rig.place(&limit("buy", at("61000"), "1")).await.expect(201);
    assert_eq!(rig.order(&first["id"]).await["state"], "open");
    let second = rig.place(&limit("buy", at("51000"), "2")).await.expect(201);
    assert_eq!(rig.order(&first["id"]).await["state"], "filled");
    assert_eq!(rig.order(&second["id"]).await["state"], "open");
    // Both moves are over at once, and the order was reached between them.
    rig.sim.advance(std::time::Duration::from_secs(120));
    let fills = rig.broker().ledger().fills();
    assert_eq!(fills.last().unwrap().price, super::dec("50000.01"));
    let quote = rig
        .get("/api/v2/crypto/marketdata/best_bid_ask/?symbol=BTC-USD")
        .await
        .rows();
    assert_eq!(quote[0]["bid"], json!(80_000));
}

#[tokio::test]
async fn time_jumps_after_requests() {
    let script = json!({
        "moves": [{"route": "holdings", "prices": {}, "advance_s": 86_400}],
        "settings": {"window_s": 5},
    });
    let rig = scripted(&script, Settings::new()).await;
    let before = rig.sim.now();
    let target = format!(
        "/api/v2/crypto/trading/holdings/?account_number={}",
        super::NUMBER
    );
    rig.get(&target).await.expect(200);
    assert_eq!(rig.sim.now() - before, time::Duration::DAY);
    // Signed six seconds ago.
    let at = (rig.sim.now().unix_timestamp() - 6).to_string();
    let message = format!("{}{at}{target}GET", super::KEY);
    let refusal = rig.sent("GET", &target, "", &message, &at).await;
    assert_eq!(refusal.status, 401);
}

#[tokio::test]
async fn names_of_prices_to_come_are_looked_at_before_the_start() {
    let script = json!({"moves": [{"seconds": 1, "prices": {"NOSUCH-USD": "1"}}]});
    let error = sim(&script, Settings::new()).start().await.unwrap_err();
    assert!(error.to_string().contains("NOSUCH-USD"), "{error}");
}
