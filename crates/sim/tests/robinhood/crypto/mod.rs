//! The official Crypto Trading API.

mod samples;
mod script;

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};
use std::time::Duration;
use wheelhouse_sim::{
    Sim, Start,
    robinhood_crypto::{
        Bucket, Duplicate, Numbers, Rejection, RobinhoodCryptoSim, Route, Settings, UserSpec,
    },
};

pub use self::samples::{requests, samples};
use super::rig::{Reply, but, dec, friday, send};

const KEY: &str = "rh-api-6148effc-c0b1-486c-8940-a1d099456be6";
const SEED: &str = "xQnTJVeQLmw1/Mg2YimEViSpw/SdJcgNXZ5kQkAXNPU=";
const NUMBER: &str = "123456789012";

struct Rig {
    sim: Sim,
}

impl Rig {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new();
        change(&mut settings);
        let sim = Sim::builder()
            .robinhood_crypto("127.0.0.1:0".parse().unwrap())
            .robinhood_crypto_settings(settings)
            .time(Start::Frozen(friday()))
            .start()
            .await
            .unwrap();
        Self { sim }
    }

    fn broker(&self) -> &RobinhoodCryptoSim {
        self.sim.robinhood_crypto()
    }

    /// Signs one text and sends another, if they differ.
    async fn signed(&self, method: &str, target: &str, body: &str, signs: &str) -> Reply {
        let at = self.sim.now().unix_timestamp().to_string();
        self.sent(method, target, body, &format!("{KEY}{at}{signs}"), &at)
            .await
    }

    async fn sent(&self, method: &str, target: &str, body: &str, message: &str, at: &str) -> Reply {
        let seed = STANDARD.decode(SEED).unwrap();
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let signature = STANDARD.encode(pair.sign(message.as_bytes()).as_ref());
        let headers = [
            ("x-api-key", KEY),
            ("x-timestamp", at),
            ("x-signature", signature.as_str()),
            ("Content-Type", "application/json; charset=utf-8"),
        ];
        send(self.broker().addr(), method, target, &headers, body).await
    }

    async fn call(&self, method: &str, target: &str, body: &str) -> Reply {
        self.signed(method, target, body, &format!("{target}{method}{body}"))
            .await
    }

    async fn get(&self, target: &str) -> Reply {
        self.call("GET", target, "").await
    }

    async fn place(&self, body: &Value) -> Reply {
        let target = format!("/api/v2/crypto/trading/orders/?account_number={NUMBER}");
        self.call("POST", &target, &body.to_string()).await
    }

    async fn order(&self, id: &Value) -> Value {
        let id = id.as_str().unwrap();
        let target = format!("/api/v2/crypto/trading/orders/{id}/?account_number={NUMBER}");
        self.get(&target).await.expect(200)
    }
}

fn market(side: &str, quantity: &str, id: &str) -> Value {
    json!({
        "client_order_id": format!("131de903-5a9c-4260-abc1-28d562a5d{id:0>3}"),
        "side": side,
        "type": "market",
        "symbol": "BTC-USD",
        "market_order_config": {"asset_quantity": quantity},
    })
}

fn limit(side: &str, config: Value, id: &str) -> Value {
    but(
        market(side, "1", id),
        json!({
            "type": "limit",
            "market_order_config": null,
            "limit_order_config": config,
        }),
    )
}

#[tokio::test]
async fn the_signature_is_over_the_bytes_that_came() {
    let rig = Rig::start().await;
    let path = "/api/v2/crypto/marketdata/best_bid_ask/?symbol=BTC-USD&symbol=ETH-USD";
    assert_eq!(rig.get(path).await.rows().len(), 2);
    let without_query = "/api/v2/crypto/marketdata/best_bid_ask/GET";
    rig.signed("GET", path, "", without_query).await.expect(401);
    let target = format!("/api/v2/crypto/trading/orders/?account_number={NUMBER}");
    let (sent, signed) = (r#"{"a": 1}"#, r#"{"a":1}"#);
    let refusal = rig
        .signed("POST", &target, sent, &format!("{target}POST{signed}"))
        .await;
    assert_eq!(refusal.expect(401)["type"], "client_error");
    rig.signed("POST", &target, sent, &format!("{target}POST{sent}"))
        .await
        .expect(400);
    assert_eq!(
        rig.broker().ledger().rejections(),
        [Rejection::Signature; 2]
    );
}

#[tokio::test]
async fn clocks_keys_and_headers_are_checked() {
    let rig = Rig::start().await;
    let path = "/api/v1/crypto/trading/accounts/";
    let now = rig.sim.now().unix_timestamp();
    for (away, status) in [(-30, 200), (30, 200), (-32, 401), (31, 401)] {
        let at = (now + away).to_string();
        let message = format!("{KEY}{at}{path}GET");
        assert_eq!(
            rig.sent("GET", path, "", &message, &at).await.status,
            status,
            "{away}"
        );
    }
    send(rig.broker().addr(), "GET", path, &[], "")
        .await
        .expect(401);
    let headers = [
        ("x-api-key", "nobody"),
        ("x-timestamp", "1"),
        ("x-signature", "x"),
    ];
    send(rig.broker().addr(), "GET", path, &headers, "")
        .await
        .expect(401);
    let expected = [
        Rejection::Clock,
        Rejection::Clock,
        Rejection::MissingHeader,
        Rejection::UnknownKey,
    ];
    assert_eq!(rig.broker().ledger().rejections(), expected);
}

#[tokio::test]
async fn version_one_answers_an_object_version_two_a_page() {
    let rig = Rig::start().await;
    let one = rig
        .get("/api/v1/crypto/trading/accounts/")
        .await
        .expect(200);
    assert_eq!(
        one,
        json!({
            "account_number": NUMBER,
            "status": "active",
            "buying_power": "1000.5000",
            "buying_power_currency": "USD",
        })
    );
    let two = rig.get("/api/v2/crypto/trading/accounts/").await.rows();
    assert_eq!(
        two[0]["fee_tier_status"],
        json!({
            "fee_ratio": 0.0095,
            "thirty_day_volume": 0,
            "next_fee_tier_ratio": 0.0025,
            "next_fee_tier_threshold": 50_000,
        })
    );
    let pairs = rig
        .get("/api/v1/crypto/trading/trading_pairs/?symbol=BTC-USD")
        .await
        .rows();
    assert!(pairs.len() == 1 && pairs[0]["min_order_size"].is_string());
    let pairs = rig
        .get("/api/v2/crypto/trading/trading_pairs/?limit=2")
        .await
        .expect(200);
    assert_eq!(pairs["results"][0]["min_order_amount"], "1.00");
    let next = pairs["next"]
        .as_str()
        .unwrap()
        .strip_prefix(&rig.broker().origin())
        .unwrap();
    assert_eq!(rig.get(next).await.rows().len(), 2);
    rig.get("/api/v2/crypto/marketdata/historicals/")
        .await
        .expect(404);
}

#[tokio::test]
async fn a_higher_volume_has_a_lower_fee() {
    let user = UserSpec::demo().volume(dec("60000"));
    let sim = Sim::builder()
        .robinhood_crypto("127.0.0.1:0".parse().unwrap())
        .robinhood_crypto_user(user)
        .time(Start::Frozen(friday()))
        .start()
        .await
        .unwrap();
    let rig = Rig { sim };
    let path = "/api/v2/crypto/trading/estimated_price/?symbol=BTC-USD&side=both&quantity=0.1,0.2";
    let rows = rig.get(path).await.rows();
    assert_eq!((rows.len(), &rows[0]["fee_ratio"]), (4, &json!(0.0025)));
    assert_eq!(
        (&rows[2]["est_fee"], &rows[2]["est_total_cost"]),
        (&json!(17.18), &json!(6_890.13))
    );
}

#[tokio::test]
async fn prices_of_version_one_contain_the_spread() {
    let rig = Rig::start().await;
    let row = rig
        .get("/api/v1/crypto/marketdata/best_bid_ask/?symbol=BTC-USD")
        .await
        .rows()[0]
        .clone();
    assert_eq!(
        (&row["buy_spread"], &row["price"]),
        (&json!(0.0048), &json!(68_714.81))
    );
    let path = "/api/v1/crypto/marketdata/estimated_price/?symbol=BTC-USD&side=ask&quantity=0.1";
    assert_eq!(rig.get(path).await.rows()[0]["quantity"], json!(0.1));
}

#[tokio::test]
async fn a_market_order_is_open_then_filled_with_its_fee() {
    let rig = Rig::start().await;
    let placed = rig.place(&market("buy", "0.01", "1")).await.expect(201);
    assert_eq!(
        (&placed["state"], &placed["average_price"]),
        (&json!("open"), &Value::Null)
    );
    assert_eq!(
        placed["market_order_config"]["asset_quantity"],
        "0.010000000000000000"
    );
    let order = rig.order(&placed["id"]).await;
    assert_eq!(
        (&order["state"], &order["fee_charged"]),
        (&json!("filled"), &json!(6.53))
    );
    assert_eq!(order["average_price"], "68729.500000000000000000");
    assert!(order["created_at"].as_str().unwrap().ends_with("-05:00"));
    let path = format!("/api/v2/crypto/trading/holdings/?account_number={NUMBER}&asset_code=BTC");
    assert_eq!(
        rig.get(&path).await.rows()[0]["total_quantity"],
        "0.110000000000000000"
    );
    let account = rig.get("/api/v2/crypto/trading/accounts/").await.rows()[0].clone();
    assert_eq!(account["buying_power"], "306.6750");
    rig.broker()
        .change_settings(|settings| settings.numbers = Numbers::Number);
    assert_eq!(
        rig.order(&placed["id"]).await["average_price"],
        json!(68_729.5)
    );
}

#[tokio::test]
async fn limits_and_stops_wait_for_their_price() {
    let rig = Rig::start().await;
    let config =
        json!({"asset_quantity": "0.01", "limit_price": "60000.00", "time_in_force": "gtc"});
    let bid = rig.place(&limit("buy", config, "1")).await.expect(201);
    let stop = but(
        market("sell", "1", "2"),
        json!({
            "type": "stop_loss",
            "market_order_config": null,
            "stop_loss_order_config": {"asset_quantity": "0.01", "stop_price": "65000", "time_in_force": "gtc"},
        }),
    );
    let stop = rig.place(&stop).await.expect(201);
    assert_eq!(rig.order(&bid["id"]).await["state"], "open");
    assert_eq!(rig.order(&stop["id"]).await["state"], "open");
    rig.broker().set_price("BTC-USD", dec("64000")).unwrap();
    assert_eq!(rig.order(&stop["id"]).await["state"], "filled");
    rig.broker().set_price("BTC-USD", dec("59999")).unwrap();
    assert_eq!(rig.order(&bid["id"]).await["state"], "filled");
    assert_eq!(rig.broker().ledger().fills().len(), 2);
}

#[tokio::test]
async fn an_amount_buys_whole_steps() {
    let rig = Rig::start().await;
    let config = json!({"quote_amount": "50.00", "limit_price": "60000.00"});
    let placed = rig.place(&limit("buy", config, "1")).await.expect(201);
    assert_eq!(
        placed["limit_order_config"]["quote_amount"],
        "50.000000000000000000"
    );
    assert_eq!(
        rig.broker().ledger().placements()[0].quantity,
        dec("0.00083333")
    );
}

#[tokio::test]
async fn cancels_answer_text_in_one_and_an_order_in_two() {
    let rig = Rig::start().await;
    let config = json!({"asset_quantity": "0.001", "limit_price": "60000.00"});
    let first = rig
        .place(&limit("buy", config.clone(), "1"))
        .await
        .expect(201)["id"]
        .clone();
    let second = rig.place(&limit("buy", config, "2")).await.expect(201)["id"].clone();
    let path = |version: u8, id: &Value| {
        format!(
            "/api/v{version}/crypto/trading/orders/{}/cancel/",
            id.as_str().unwrap()
        )
    };
    let text = rig.call("POST", &path(1, &first), "").await;
    assert_eq!(
        text.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    let expected = format!(
        "Cancel request was submitted for order {}",
        first.as_str().unwrap()
    );
    assert_eq!(text.text(), expected);
    let order = rig.call("POST", &path(2, &second), "").await.expect(200);
    assert_eq!(order["state"], "canceled");
    rig.call("POST", &path(2, &second), "").await.expect(400);
    rig.call("POST", "/api/v2/crypto/trading/orders/none/cancel/", "")
        .await
        .expect(404);
    assert_eq!(rig.broker().ledger().cancels().len(), 2);
}

#[tokio::test]
async fn a_client_order_id_gives_the_first_order_or_a_refusal() {
    let rig = Rig::start().await;
    let first = rig.place(&market("buy", "0.001", "1")).await.expect(201);
    let again = rig.place(&market("buy", "0.002", "1")).await.expect(201);
    assert_eq!(first["id"], again["id"]);
    rig.broker()
        .change_settings(|settings| settings.duplicate = Duplicate::Refuse(409));
    rig.place(&market("buy", "0.001", "1")).await.expect(409);
    assert_eq!(
        rig.broker()
            .ledger()
            .placements_of("131de903-5a9c-4260-abc1-28d562a5d001")
            .len(),
        1
    );
}

#[tokio::test]
async fn a_client_order_id_can_also_be_taken_for_another_order() {
    let rig = Rig::with(|settings| settings.duplicate = Duplicate::Another).await;
    let first = rig.place(&market("buy", "0.001", "1")).await.expect(201);
    let again = rig.place(&market("buy", "0.001", "1")).await.expect(201);
    assert_ne!(first["id"], again["id"]);
    let id = "131de903-5a9c-4260-abc1-28d562a5d001";
    assert_eq!(rig.broker().ledger().placements_of(id).len(), 2);
}

#[tokio::test]
async fn accounts_that_may_not_trade_say_so_and_take_no_orders() {
    let spec = || UserSpec::demo().cash(dec("1000"));
    for (user, status, tradable, sells) in [
        (spec().deactivated(), "deactivated", true, 403),
        (spec().sell_only(), "sell_only", true, 201),
        (spec().not_api_tradable(), "active", false, 403),
    ] {
        let builder = Sim::builder().robinhood_crypto("127.0.0.1:0".parse().unwrap());
        let builder = builder.robinhood_crypto_user(user);
        let sim = builder.time(Start::Frozen(friday())).start().await.unwrap();
        let rig = Rig { sim };
        let listed = rig.get("/api/v2/crypto/trading/accounts/").await.rows();
        assert_eq!(listed[0]["status"], status);
        assert_eq!(listed[0]["is_api_tradable"], tradable);
        let one = rig
            .get("/api/v1/crypto/trading/accounts/")
            .await
            .expect(200);
        assert_eq!(
            (&one["status"], &one["is_api_tradable"]),
            (&json!(status), &Value::Null)
        );
        rig.place(&market("buy", "0.001", "1")).await.expect(403);
        rig.place(&market("sell", "0.001", "2")).await.expect(sells);
    }
}

#[tokio::test]
async fn refusals_name_the_field() {
    let rig = Rig::start().await;
    let two = json!({"limit_order_config": {"asset_quantity": "1", "limit_price": "1"}});
    let both = json!({"asset_quantity": "0.01", "quote_amount": "1", "limit_price": "60000"});
    for (body, attr) in [
        (
            but(market("buy", "0.01", "1"), json!({"client_order_id": "x"})),
            "client_order_id",
        ),
        (
            but(market("buy", "0.01", "1"), json!({"symbol": "btc-usd"})),
            "symbol",
        ),
        (
            but(market("buy", "0.01", "1"), json!({"symbol": "BILL-USD"})),
            "symbol",
        ),
        (but(market("buy", "0.01", "1"), two), "limit_order_config"),
        (market("buy", "0.000000001", "1"), "asset_quantity"),
        (limit("buy", both, "1"), "asset_quantity"),
        (
            limit(
                "buy",
                json!({"asset_quantity": "0.01", "limit_price": "60000.001"}),
                "1",
            ),
            "limit_price",
        ),
        (
            limit("buy", json!({"asset_quantity": "0.01"}), "1"),
            "limit_price",
        ),
    ] {
        let refusal = rig.place(&body).await.expect(400);
        assert_eq!(refusal["type"], "validation_error");
        assert_eq!(refusal["errors"][0]["attr"], attr, "{body}");
    }
    for body in [market("buy", "1", "1"), market("sell", "1", "1")] {
        assert_eq!(rig.place(&body).await.expect(400)["type"], "client_error");
    }
    let text = "The account_number parameter is required.";
    let missing = "/api/v2/crypto/trading/orders/";
    let body = but(
        market("buy", "0.01", "1"),
        json!({"account_number": NUMBER}),
    )
    .to_string();
    let refusal = rig.call("POST", missing, &body).await.expect(400);
    assert_eq!(refusal["errors"][0]["detail"], text);
    assert_eq!(
        rig.get(missing).await.expect(400)["errors"][0]["detail"],
        text
    );
    rig.get(&format!("{missing}?account_number=1"))
        .await
        .expect(403);
    let commas = "/api/v2/crypto/marketdata/best_bid_ask/?symbol=BTC-USD,ETH-USD";
    assert_eq!(
        rig.get(commas).await.expect(400)["errors"][0]["detail"],
        "Malformed symbol parameter"
    );
    assert!(rig.broker().ledger().placements().is_empty());
}

#[tokio::test]
async fn lists_of_orders_are_filtered() {
    let rig = Rig::start().await;
    rig.place(&market("buy", "0.001", "1")).await.expect(201);
    rig.sim.advance(Duration::from_secs(60));
    rig.place(&limit(
        "buy",
        json!({"asset_quantity": "0.001", "limit_price": "60000"}),
        "2",
    ))
    .await
    .expect(201);
    let count = |query: &'static str| {
        let rig = &rig;
        async move {
            let target = format!("/api/v2/crypto/trading/orders/?account_number={NUMBER}{query}");
            rig.get(&target).await.rows().len()
        }
    };
    assert_eq!(count("").await, 2);
    assert_eq!(count("&state=filled").await, 1);
    assert_eq!(count("&type=limit&side=buy").await, 1);
    assert_eq!(count("&symbol=ETH-USD").await, 0);
    assert_eq!(
        count("&created_at_start=2026-11-20T10:30:30-05:00").await,
        1
    );
    let wrong =
        format!("/api/v2/crypto/trading/orders/?account_number={NUMBER}&state=partially_filled");
    rig.get(&wrong).await.expect(400);
    rig.get("/api/v1/crypto/trading/orders/?state=partially_filled")
        .await
        .expect(200);
    assert_eq!(rig.broker().ledger().count(Route::Orders), 7);
}

#[tokio::test]
async fn the_bucket_empties_and_fills_again() {
    let bucket = Some(Bucket {
        burst: 3,
        per_minute: 60,
    });
    let rig = Rig::with(|settings| settings.limit = bucket).await;
    let path = "/api/v1/crypto/trading/accounts/";
    for _ in 0..3 {
        rig.get(path).await.expect(200);
    }
    let refusal = rig.get(path).await;
    assert_eq!(
        (refusal.status, refusal.header("retry-after")),
        (429, Some("1"))
    );
    rig.broker()
        .change_settings(|settings| settings.limit_as_401 = true);
    rig.get(path).await.expect(401);
    rig.sim.advance(Duration::from_secs(2));
    rig.get(path).await.expect(200);
}

#[tokio::test]
async fn the_next_page_can_lie_on_a_foreign_host() {
    let rig =
        Rig::with(|settings| settings.next_origin = Some("https://evil.example".into())).await;
    let body = rig
        .get("/api/v2/crypto/trading/trading_pairs/?limit=1")
        .await
        .expect(200);
    assert!(
        body["next"]
            .as_str()
            .unwrap()
            .starts_with("https://evil.example/api/v2/")
    );
}
