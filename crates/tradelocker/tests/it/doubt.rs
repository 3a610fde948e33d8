//! Changes that are tried twice: what the first attempt leaves in doubt is called so.

use wheelhouse_core::{
    Broker, BrokerOrderId, BulkOrders, Closing, Effect, OrderChange, PositionChange, PositionId,
    TakeProfit, dec,
};
use wiremock::ResponseTemplate;

use crate::rig::{AtServer, raw_sample, sample};

const ORDER: &str = "/trade/orders/7100000000907673698";
const ALL_ORDERS: &str = "/trade/accounts/1002003/orders";
const POSITION: &str = "/trade/positions/7100000000846858725";
const ALL_POSITIONS: &str = "/trade/accounts/1002003/positions";

fn order() -> BrokerOrderId {
    BrokerOrderId::new("7100000000907673698").unwrap()
}

fn btc() -> PositionId {
    PositionId::new("7100000000846858725").unwrap()
}

fn json(status: u16, body: impl Into<String>) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.into(), "application/json")
}

/// What the API may say to the second attempt because the first one did it.
fn refusals() -> [ResponseTemplate; 4] {
    [
        json(200, sample("place_order_error_out_of_session_200")),
        json(404, r#"{"message":"not found"}"#),
        json(403, r#"{"message":"Forbidden"}"#),
        raw_sample("trade_401_expired_token"),
    ]
}

/// A server whose first answer to a change is lost behind an HTML page.
async fn doubtful(verb: &str, route: &str, second: ResponseTemplate) -> AtServer {
    let at = AtServer::new().await;
    let lost = raw_sample("edge_503_html");
    at.respond_first(verb, route, lost, 1).await;
    at.respond(verb, route, second).await;
    at
}

#[tokio::test]
async fn a_change_whose_first_attempt_was_lost_may_be_made_although_the_second_is_refused() {
    for second in refusals() {
        let at = doubtful("PATCH", ORDER, second.clone()).await;
        let change = OrderChange::new().limit_price(dec!(84000));
        let error = at
            .broker
            .replace_order(&at.account, &order(), &change)
            .await;
        assert_eq!(error.unwrap_err().effect(), Effect::MaybeApplied);
        assert!(at.requests("PATCH", ORDER).await.len() >= 2);

        let at = doubtful("DELETE", ORDER, second.clone()).await;
        let error = at.broker.cancel_order(&at.account, &order()).await;
        assert_eq!(error.unwrap_err().effect(), Effect::MaybeApplied);

        let at = doubtful("DELETE", ALL_ORDERS, second.clone()).await;
        let error = at.broker.cancel_all_orders(&at.account, None).await;
        assert_eq!(error.unwrap_err().effect(), Effect::MaybeApplied);

        let at = doubtful("PATCH", POSITION, second.clone()).await;
        let role = at.broker.position_trading().unwrap();
        let change = PositionChange::new().take_profit(Some(TakeProfit::at(dec!(99000))));
        let error = role.modify_position(&at.account, &btc(), &change).await;
        assert_eq!(error.unwrap_err().effect(), Effect::MaybeApplied);

        let at = doubtful("DELETE", ALL_POSITIONS, second).await;
        let role = at.broker.position_trading().unwrap();
        let error = role.close_all_positions(&at.account, None).await;
        assert_eq!(error.unwrap_err().effect(), Effect::MaybeApplied);
    }
}

#[tokio::test]
async fn an_order_that_is_gone_after_a_lost_cancellation_may_have_been_cancelled() {
    let gone = "/trade/orders/7100000000000000001";
    let at = doubtful("DELETE", gone, json(404, r#"{"message":"not found"}"#)).await;
    let id = BrokerOrderId::new("7100000000000000001").unwrap();
    let error = at.broker.cancel_order(&at.account, &id).await.unwrap_err();
    assert_eq!((error.code(), error.effect()), (3002, Effect::MaybeApplied));
}

#[tokio::test]
async fn a_closing_whose_first_attempt_was_lost_is_unknown_although_the_second_is_refused() {
    for second in refusals() {
        let at = doubtful("DELETE", POSITION, second).await;
        let role = at.broker.position_trading().unwrap();
        let closing = role.close_position(&at.account, &btc(), None).await;
        let closing = closing.unwrap();
        assert!(matches!(closing, Closing::Unknown(_)), "{closing}");
        assert!(at.requests("DELETE", POSITION).await.len() >= 2);
    }
}
