use serde_json::{Value, json};

use crate::rig::{ACCOUNT, Rig, market};

#[tokio::test]
async fn config_has_its_keys_in_the_broker_s_order() {
    let rig = Rig::start().await;
    let text = rig.get("/trade/config?ref=py_c&v=0.56.2").await.text();
    let keys = [
        "customerAccess",
        "positionsConfig",
        "ordersConfig",
        "ordersHistoryConfig",
        "filledOrdersConfig",
        "accountDetailsConfig",
        "rateLimits",
        "limits",
    ];
    let places: Vec<_> = keys
        .iter()
        .map(|key| text.find(&format!("\"{key}\":")).unwrap())
        .collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[tokio::test]
async fn config_tells_columns_limits_and_rates() {
    let rig = Rig::of(wheelhouse_sim::Sim::builder()).await;
    let config = rig.get("/trade/config").await.d();
    let columns = |table: &str| config[table]["columns"].as_array().unwrap().len();
    assert_eq!(columns("positionsConfig"), 11);
    assert_eq!(
        (columns("ordersConfig"), columns("ordersHistoryConfig")),
        (22, 22)
    );
    assert_eq!(
        (
            columns("filledOrdersConfig"),
            columns("accountDetailsConfig")
        ),
        (8, 26)
    );
    assert!(
        config["positionsConfig"]["columns"][0]
            .get("description")
            .is_none()
    );
    assert_eq!(config["ordersHistoryConfig"]["title"], "Orders history");
    let rates = config["rateLimits"].as_array().unwrap();
    assert_eq!(rates.len(), 18);
    let state = json!({
        "rateLimitType": "GET_ACCOUNTS_STATE", "measure": "SECONDS", "intervalNum": 2, "limit": 4
    });
    assert!(rates.contains(&state));
    assert_eq!(
        config["limits"][0],
        json!({"limitType": "QUOTES_HISTORY_BARS", "limit": 50_000})
    );
}

#[tokio::test]
async fn the_account_of_the_header_is_told_with_its_rules() {
    let rig = Rig::start().await;
    let accounts = rig.get("/trade/accounts").await.d();
    assert_eq!(accounts.as_array().unwrap().len(), 1);
    assert_eq!(
        (&accounts[0]["id"], &accounts[0]["type"]),
        (&json!(ACCOUNT), &json!("DEMO"))
    );
    assert_eq!(
        accounts[0]["tradingRules"]["supportPartialClosePosition"],
        true
    );
    assert_eq!(accounts[0]["riskRules"]["maxOrderAmount"], Value::Null);
}

#[tokio::test]
async fn the_state_adds_up() {
    let rig = Rig::start().await;
    rig.broker()
        .set_price("EURUSD", "1.10000".parse().unwrap())
        .unwrap();
    rig.placed(market("buy", 1.0)).await;
    rig.broker()
        .set_price("EURUSD", "1.10108".parse().unwrap())
        .unwrap();
    let state = rig.table("state").await["accountDetailsData"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(state.len(), 26);
    // Bought at 1.10008, worth 1.10108: 0.001 on 100,000 units. Margin at leverage 30.
    assert_eq!(
        (&state[0], &state[1]),
        (&json!(100_000.0), &json!(100_100.0))
    );
    assert_eq!((&state[22], &state[23]), (&json!(100.0), &json!(100.0)));
    assert_eq!(
        (&state[9], &state[2]),
        (&json!(3_666.93), &json!(96_433.07))
    );
    assert_eq!((&state[24], &state[25]), (&json!(1), &json!(0)));
    assert_eq!((&state[20], &state[21]), (&json!(1.0), &json!(1)));
}

#[tokio::test]
async fn paths_that_do_not_exist_are_404_with_and_without_a_token() {
    let rig = Rig::start().await;
    for path in [
        "/trade/accounts/1002003/trades",
        "/trade/positions",
        "/nothing",
    ] {
        assert_eq!(rig.get(path).await.status, 404, "{path}");
    }
    let bytes = rig.bare("GET", "/auth/login", "").await;
    assert_eq!(
        (bytes.status, &bytes.json()["message"]),
        (404, &json!("Not Found"))
    );
}
