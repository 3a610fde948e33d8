//! The simulator's answers have the shape of recorded ones.

use std::time::Duration;

use serde_json::{Map, Value, json};
use wheelhouse_sim::{
    Sim,
    tradelocker::{RateLimit, RateLimits, RetryAfter, Settings, UserSpec},
};

use crate::rig::{ACCOUNT, Reply, Rig, column, limit, market, with};

fn sample(name: &str) -> Value {
    let path = format!("{}/tests/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Complains where keys differ or types do. Null fits anything; rows may be more or fewer.
fn compare(path: &str, recorded: &Value, ours: &Value) {
    match (recorded, ours) {
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::Object(recorded), Value::Object(ours)) => {
            let keys = |map: &Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(recorded), keys(ours), "keys at {path}");
            for (key, value) in recorded {
                compare(&format!("{path}/{key}"), value, &ours[key]);
            }
        }
        (Value::Array(recorded), Value::Array(ours)) => {
            let rows = ours.iter().all(Value::is_array) || ours.iter().all(Value::is_object);
            if rows {
                let Some(first) = recorded.first() else {
                    return;
                };
                ours.iter()
                    .for_each(|row| compare(&format!("{path}/*"), first, row));
            } else {
                assert_eq!(recorded.len(), ours.len(), "length at {path}");
                for (at, (recorded, ours)) in recorded.iter().zip(ours).enumerate() {
                    compare(&format!("{path}/{at}"), recorded, ours);
                }
            }
        }
        _ => {
            let same = std::mem::discriminant(recorded) == std::mem::discriminant(ours);
            assert!(same, "{recorded} became {ours} at {path}");
        }
    }
}

async fn traded() -> Rig {
    let user = UserSpec::demo().account_count(2);
    let settings = Settings::new().rate_limits(RateLimits::off());
    let rig = Rig::of(Sim::builder().user(user).settings(settings)).await;
    rig.broker()
        .set_price("EURUSD", "1.10000".parse().unwrap())
        .unwrap();
    let keys = json!({
        "stopLoss": 1.0, "stopLossType": "absolute", "strategyId": "a",
        "takeProfit": 1.2, "takeProfitType": "absolute"
    });
    rig.placed(with(market("buy", 0.02), keys)).await;
    rig.placed(limit("buy", "0.01", 1.05)).await;
    rig
}

#[tokio::test]
async fn reads_have_the_recorded_shape() {
    let rig = traded().await;
    let account = format!("/trade/accounts/{ACCOUNT}");
    let market = "routeId=452&tradableInstrumentId=206";
    let to = rig.sim.now().unix_timestamp() * 1_000;
    let from = to - 86_400_000;
    for (name, path) in [
        (
            "auth_jwt_all_accounts_200",
            "/auth/jwt/all-accounts".to_owned(),
        ),
        ("trade_accounts_200", "/trade/accounts".to_owned()),
        ("trade_accounts_state_200", format!("{account}/state")),
        ("trade_positions_200", format!("{account}/positions")),
        ("trade_orders_200", format!("{account}/orders")),
        (
            "trade_orders_history_200",
            format!("{account}/ordersHistory"),
        ),
        ("trade_executions_200", format!("{account}/executions")),
        ("trade_instruments_200", format!("{account}/instruments")),
        (
            "trade_instrument_details_200",
            format!("/trade/instruments/206?{market}"),
        ),
        (
            "trade_instrument_details_fx_200",
            "/trade/instruments/278?routeId=452".to_owned(),
        ),
        ("trade_quotes_200", format!("/trade/quotes?{market}")),
        ("trade_depth_200", format!("/trade/depth?{market}")),
        (
            "trade_daily_bar_200",
            format!("/trade/dailyBar?{market}&barType=BID"),
        ),
        (
            "trade_history_200",
            format!("/trade/history?{market}&resolution=15m&from={from}&to={to}"),
        ),
        (
            "trade_history_no_data_nb_200",
            format!("/trade/history?{market}&resolution=1W&from={to}&to={to}"),
        ),
    ] {
        compare(name, &sample(name), &rig.get(&path).await.json());
    }
    let login = rig.login("demo-password").await.json();
    compare("token", &sample("auth_jwt_token_201"), &login);
}

#[tokio::test]
async fn configuration_and_session_statuses_are_the_recorded_ones() {
    let rig = Rig::of(Sim::builder()).await;
    assert_eq!(
        rig.get("/trade/config").await.json(),
        sample("trade_config_200")
    );
    for (id, name) in [
        (20, "trade_session_statuses_200"),
        (21, "trade_session_statuses_closed_200"),
    ] {
        assert_eq!(
            rig.get(&format!("/trade/sessionStatuses/{id}"))
                .await
                .json(),
            sample(name)
        );
    }
}

#[tokio::test]
async fn writes_have_the_recorded_shape() {
    let rig = traded().await;
    let placed = rig.place(limit("buy", "0.01", 1.05)).await.json();
    compare("place", &sample("place_order_200"), &placed);
    let path = format!("/trade/orders/{}", placed["d"]["orderId"].as_str().unwrap());
    let modified = rig.send("PATCH", &path, r#"{"price": 1.04}"#).await.json();
    compare("modify", &sample("modify_order_200"), &modified);
    assert_eq!(
        rig.send("DELETE", &path, "").await.json(),
        sample("cancel_order_200")
    );
    assert_eq!(
        rig.send("DELETE", &path, "").await.json(),
        sample("cancel_order_error_final_200")
    );
    let position = rig.positions().await[0][column::ID]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/trade/positions/{position}");
    rig.send("DELETE", &path, r#"{"qty": 0.01}"#).await;
    assert_eq!(
        rig.send("DELETE", &path, r#"{"qty": 0}"#).await.json(),
        sample("close_position_200")
    );
    let report = rig
        .get("/trade/reports/close-trades-history?limit=1")
        .await
        .json();
    compare("report", &sample("close_trades_history_200"), &report);
}

fn matches(name: &str, reply: &Reply) {
    let recorded = sample(name);
    assert_eq!(json!(reply.status), recorded["status"], "{name}");
    for (header, value) in recorded["headers"].as_object().unwrap() {
        assert_eq!(reply.header(header), value.as_str(), "{name}");
    }
    let body = recorded["body"].as_str().unwrap();
    match serde_json::from_str::<Value>(body) {
        Ok(json) => assert_eq!(reply.json(), json, "{name}"),
        Err(_) => assert_eq!(reply.text(), body, "{name}"),
    }
}

#[tokio::test]
async fn refusals_are_the_recorded_ones() {
    let mut rig = traded().await;
    matches("auth_400_bad_credentials", &rig.login("wrong").await);
    let refresh = rig
        .bare("POST", "/auth/jwt/refresh", r#"{"refreshToken": "x"}"#)
        .await;
    matches("refresh_400_invalid_token", &refresh);
    matches("trade_404_unknown", &rig.get("/trade/statement").await);
    matches(
        "trade_403_forbidden",
        &rig.get("/trade/accounts/1002004/state").await,
    );
    let token = format!("Bearer {}", rig.token);
    let headers = [("authorization", &*token), ("connection", "close")];
    let text = crate::rig::request("GET", "/trade/config", &headers, "");
    let bytes = crate::rig::raw(rig.broker().addr(), &text).await.unwrap();
    matches("trade_400_missing_acc_num", &Reply::parse(&bytes).unwrap());
    let none = || RateLimits::table([RateLimit::per_second("GET_ACCOUNTS", 0)]);
    rig.broker()
        .change_settings(|settings| settings.rate_limits = none());
    matches("trade_429_plain", &rig.get("/trade/accounts").await);
    let spoken = none().retry_after(RetryAfter::Seconds);
    rig.broker()
        .change_settings(|settings| settings.rate_limits = spoken);
    matches(
        "trade_429_with_retry_after",
        &rig.get("/trade/accounts").await,
    );
    rig.sim.advance(Duration::from_secs(3_600));
    matches("trade_401_expired_token", &rig.get("/trade/config").await);
    rig.token.clear();
    matches("trade_401_expired_token", &rig.get("/trade/config").await);
}
