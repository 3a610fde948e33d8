use serde_json::json;
use wheelhouse_sim::{Fate, Fault, Kind, tradelocker::Route};

use crate::rig::{ACCOUNT, Rig, limit, market, with};

#[tokio::test]
async fn the_ledger_knows_orders_whose_answer_was_lost() {
    let rig = Rig::start().await;
    rig.broker()
        .faults()
        .add(Fault::new(Route::PlaceOrder, Kind::DropAnswer).times(1));
    let order = with(market("buy", 0.01), json!({"strategyId": "intent-1"}));
    let path = format!("/trade/accounts/{ACCOUNT}/orders");
    assert!(
        rig.bytes("POST", &path, &order.to_string())
            .await
            .unwrap()
            .is_empty()
    );
    let placements = rig.broker().ledger().placements_of("intent-1");
    assert_eq!(placements.len(), 1);
    let placement = &placements[0];
    assert_eq!(
        (placement.account.as_str(), placement.instrument),
        (ACCOUNT, "EURUSD")
    );
    assert_eq!((placement.side, placement.order_type), ("buy", "market"));
    assert_eq!(placement.qty.to_string(), "0.01");
    assert_eq!(rig.history().await[0][0], json!(placement.order_id));
    assert!(rig.broker().ledger().placements_of("intent-2").is_empty());
}

#[tokio::test]
async fn every_request_is_recorded_without_its_secrets() {
    let rig = Rig::start().await;
    rig.get("/trade/config?ref=py_c").await;
    rig.bare("GET", "/trade/config", "").await;
    rig.broker()
        .faults()
        .add(Fault::new(Route::Config, Kind::Html(503)));
    rig.get("/trade/config").await;
    let requests = rig.broker().ledger().requests();
    assert_eq!(requests.len(), 4);
    assert_eq!(
        requests
            .iter()
            .map(|request| request.serial)
            .collect::<Vec<_>>(),
        [1, 2, 3, 4]
    );
    let login = &requests[0];
    assert_eq!(
        (login.route, login.authorized, login.fate),
        ("token", false, Fate::Answered(201))
    );
    let config = &requests[1];
    assert_eq!(
        (config.path.as_str(), config.query.as_str()),
        ("/backend-api/trade/config", "ref=py_c")
    );
    assert_eq!(
        (config.method.as_str(), config.acc_num.as_deref()),
        ("GET", Some("1"))
    );
    assert!(config.authorized && config.acted && config.fault.is_none());
    assert_eq!(
        (requests[2].authorized, requests[2].fate),
        (false, Fate::Answered(401))
    );
    let spoilt = &requests[3];
    assert_eq!(
        (spoilt.acted, spoilt.fault, spoilt.fate),
        (false, Some("html"), Fate::Answered(503))
    );
    assert_eq!(rig.broker().ledger().count(Route::Config), 3);
    let text = format!("{:?}", rig.broker().ledger());
    assert!(!text.contains("demo-password") && !text.contains(&rig.token));
}

#[tokio::test]
async fn cancels_modifications_and_refusals_are_kept_and_cleared() {
    let rig = Rig::start().await;
    let ledger = rig.broker().ledger();
    let id = rig.placed(limit("buy", "0.01", 0.5)).await;
    rig.send("PATCH", &format!("/trade/orders/{id}"), r#"{"price": 0.6}"#)
        .await;
    rig.send("DELETE", &format!("/trade/orders/{id}"), "").await;
    rig.send("DELETE", &format!("/trade/orders/{id}"), "").await;
    rig.place(market("buy", 0.001)).await;
    assert_eq!(ledger.modifications()[0].id, id);
    let cancels = ledger.cancels();
    assert_eq!(
        (cancels.len(), &cancels[0].order_id, cancels[0].requested),
        (1, &id, true)
    );
    assert_eq!(
        ledger.refusals()[0].reason,
        "{qty=[must be a multiple of lot step]}"
    );
    assert_eq!(ledger.forgotten(), 0);
    ledger.clear();
    assert!(ledger.requests().is_empty() && ledger.placements().is_empty());
    rig.get("/trade/config").await;
    assert_eq!(ledger.requests().len(), 1);
}
