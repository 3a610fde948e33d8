//! Closing and protecting positions: what is sent and what comes of the answers.

use serde_json::{Value, json};
use wheelhouse_core::{
    Broker, Change, Closing, Effect, Offset, PositionChange, PositionId, Quantity, StopLoss,
    TakeProfit, dec,
};
use wiremock::ResponseTemplate;

use crate::rig::{AtServer, sample};

const POSITION: &str = "/trade/positions/7100000000846858725";

fn btc() -> PositionId {
    PositionId::new("7100000000846858725").unwrap()
}

async fn bodies(at: &AtServer, verb: &str) -> Vec<Value> {
    let requests = at.requests(verb, POSITION).await;
    requests
        .iter()
        .map(|request| serde_json::from_slice(&request.body).unwrap())
        .collect()
}

#[tokio::test]
async fn closing_sends_a_body_with_its_delete() {
    let at = AtServer::new().await;
    at.answer("DELETE", POSITION, "close_position_200").await;
    let role = at.broker.position_trading().unwrap();
    for quantity in [None, Some(dec!(0.02)), Some(dec!(0.01))] {
        let closing = role
            .close_position(&at.account, &btc(), quantity.map(Quantity::new))
            .await
            .unwrap();
        assert!(
            matches!(closing, Closing::Accepted { order: None }),
            "{closing}"
        );
    }
    let whole: Value = serde_json::from_str(&sample("close_position_request_full")).unwrap();
    let sent = bodies(&at, "DELETE").await;
    // All that is held is the whole: it may be repeated.
    assert_eq!(sent, [whole.clone(), whole, json!({"qty": 0.01})]);
    assert_eq!(
        at.requests("DELETE", POSITION).await[0].headers["accnum"],
        "1"
    );
}

#[tokio::test]
async fn a_closing_that_cannot_be_right_is_refused_here() {
    let at = AtServer::new().await;
    let role = at.broker.position_trading().unwrap();
    let close = async |id: &PositionId, quantity| {
        role.close_position(&at.account, id, Some(Quantity::new(quantity)))
            .await
            .unwrap_err()
    };
    assert_eq!(close(&btc(), dec!(0.03)).await.code(), 5001);
    assert_eq!(close(&btc(), dec!(0)).await.code(), 5001);
    assert_eq!(close(&btc(), dec!(0.015)).await.code(), 5001);
    assert_eq!(
        close(&PositionId::new("5").unwrap(), dec!(0.01))
            .await
            .code(),
        3002
    );
    assert!(at.requests("DELETE", POSITION).await.is_empty());
}

#[tokio::test]
async fn a_partial_closing_with_an_unclear_answer_is_unknown_and_sent_once() {
    let html = ResponseTemplate::new(502).set_body_raw("<html>", "text/html");
    let json =
        |status, body: &str| ResponseTemplate::new(status).set_body_raw(body, "application/json");
    for template in [html, json(500, "{}"), json(200, "{"), json(403, "")] {
        let at = AtServer::new().await;
        at.respond("DELETE", POSITION, template).await;
        let role = at.broker.position_trading().unwrap();
        let part = Some(Quantity::new(dec!(0.01)));
        let closing = role
            .close_position(&at.account, &btc(), part)
            .await
            .unwrap();
        let Closing::Unknown(open) = closing else {
            panic!("{closing}")
        };
        assert_eq!(
            (open.held_before.value(), open.quantity),
            (dec!(0.02), part)
        );
        assert_eq!(at.requests("DELETE", POSITION).await.len(), 1);
    }
}

#[tokio::test]
async fn a_refused_closing_is_rejected() {
    let at = AtServer::new().await;
    at.answer("DELETE", POSITION, "place_order_error_out_of_session_200")
        .await;
    let role = at.broker.position_trading().unwrap();
    let closing = role
        .close_position(&at.account, &btc(), None)
        .await
        .unwrap();
    assert!(
        matches!(&closing, Closing::Rejected { message } if message.contains("out of session")),
        "{closing}"
    );
    let at = AtServer::new().await;
    at.raw("DELETE", POSITION, "trade_401_expired_token").await;
    let role = at.broker.position_trading().unwrap();
    let error = role
        .close_position(&at.account, &btc(), Some(Quantity::new(dec!(0.01))))
        .await
        .unwrap_err();
    assert_eq!((error.code(), error.effect()), (1003, Effect::None));
}

#[tokio::test]
async fn protecting_sends_what_changes_and_null_for_what_goes() {
    let at = AtServer::new().await;
    at.answer("PATCH", POSITION, "modify_position_200").await;
    let role = at.broker.position_trading().unwrap();
    let change = PositionChange::new()
        .stop_loss(Some(StopLoss::at(dec!(88000))))
        .take_profit(None);
    role.modify_position(&at.account, &btc(), &change)
        .await
        .unwrap();
    let mut keep = PositionChange::new();
    keep.take_profit = Change::Set(TakeProfit::at(dec!(99000.5)));
    role.modify_position(&at.account, &btc(), &keep)
        .await
        .unwrap();
    let trailing =
        PositionChange::new().stop_loss(Some(StopLoss::Trailing(Offset::Pips(dec!(50)))));
    role.modify_position(&at.account, &btc(), &trailing)
        .await
        .unwrap();
    let sent = bodies(&at, "PATCH").await;
    let documented: Value = serde_json::from_str(&sample("modify_position_request")).unwrap();
    assert_eq!(
        sent[0]["stopLoss"].as_f64(),
        documented["stopLoss"].as_f64()
    );
    assert_eq!(
        sent[0].as_object().unwrap().len(),
        documented.as_object().unwrap().len()
    );
    assert!(sent[0]["takeProfit"].is_null());
    assert_eq!(
        sent[1..],
        [
            json!({"takeProfit": 99000.5}),
            json!({"trailingOffset": 50})
        ]
    );
}

#[tokio::test]
async fn a_protection_that_cannot_be_right_is_refused_here() {
    let at = AtServer::new().await;
    let role = at.broker.position_trading().unwrap();
    let offset = PositionChange::new().stop_loss(Some(StopLoss::Offset(Offset::Pips(dec!(5)))));
    let off_tick = PositionChange::new().stop_loss(Some(StopLoss::at(dec!(88000.001))));
    for (change, code) in [
        (PositionChange::new(), 5001),
        (offset, 3010),
        (off_tick, 5001),
    ] {
        let error = role
            .modify_position(&at.account, &btc(), &change)
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    assert!(at.requests("PATCH", POSITION).await.is_empty());
}

#[tokio::test]
async fn closing_all_is_asked_for_the_account_and_perhaps_one_instrument() {
    let at = AtServer::new().await;
    let all = "/trade/accounts/1002003/positions";
    at.answer("DELETE", all, "close_all_positions_200").await;
    let role = at.broker.position_trading().unwrap();
    role.close_all_positions(&at.account, None).await.unwrap();
    let btc = wheelhouse_core::InstrumentId::new("206").unwrap();
    role.close_all_positions(&at.account, Some(&btc))
        .await
        .unwrap();
    let queries: Vec<_> = at
        .requests("DELETE", all)
        .await
        .iter()
        .map(|r| r.url.query().map(str::to_owned))
        .collect();
    assert_eq!(queries, [None, Some("tradableInstrumentId=206".to_owned())]);
}
