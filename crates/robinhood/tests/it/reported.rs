//! Orders are told as they are, or not at all.

use serde_json::{Value, json};
use wheelhouse_core::{
    Broker, BrokerExt, BrokerOrderId, ErrorKind, InstrumentId, OrderQuery, OrderSize, OrderState,
    dec,
};

use crate::rig::{AtServer, sample};

const BTC: &str = "3d961844-d360-45fc-989b-f6fca761d511";

fn row(name: &str) -> Value {
    let row: Value = serde_json::from_slice(&sample(name)).unwrap();
    row.get("results")
        .and_then(|rows| rows.get(0))
        .cloned()
        .unwrap_or(row)
}

/// Reads one order as a list of the book that it is in.
async fn listed(row: &Value) -> wheelhouse_core::Result<wheelhouse_core::Order> {
    let at = AtServer::built(|mut config| {
        config.private_crypto = true;
        config
    })
    .await;
    let body: Vec<u8> = json!({"next": null, "results": [row]}).to_string().into();
    let mut query = OrderQuery::all();
    if row.get("legs").is_some() {
        at.mount("GET", "api", "/options/orders/", 200, body, 1)
            .await;
        let orders = at.broker.options().unwrap();
        let page = orders.option_orders(&at.account, query).await?;
        return Ok(page.items[0].order.clone());
    }
    let host = match row.get("currency_pair_id") {
        Some(_) => {
            query.instrument = Some(InstrumentId::new(format!("crypto:{BTC}")).unwrap());
            "nummus"
        }
        None => "api",
    };
    at.mount("GET", host, "/orders/", 200, body, 1).await;
    let page = at.broker.orders(&at.account, query).await?;
    Ok(page.items[0].clone())
}

#[tokio::test]
async fn an_order_by_amount_is_filled_in_money() {
    let mut order = row("order_placed_dollar");
    order["quantity"] = Value::Null;
    order["state"] = json!("filled");
    order["cumulative_quantity"] = json!("2.02470000");
    order["average_price"] = json!("12.34750000");
    order["executed_notional"] = json!({"amount": "25.00", "currency_code": "USD"});
    let read = listed(&order).await.unwrap();
    assert!(matches!(read.size, OrderSize::Notional(_)));
    assert_eq!(read.filled.value(), dec!(25));
    order["executed_notional"] = Value::Null;
    let read = listed(&order).await.unwrap();
    assert_eq!(read.filled.value(), dec!(24.99998325));
    order["average_price"] = Value::Null;
    assert_eq!(listed(&order).await.unwrap_err().code(), 3006);
}

#[tokio::test]
async fn what_was_filled_is_not_taken_for_nothing_because_it_is_not_told() {
    for (name, field) in [
        ("order_placed_limit", "cumulative_quantity"),
        ("option_order_placed", "processed_quantity"),
        ("nummus_orders", "cumulative_quantity"),
    ] {
        let mut order = row(name);
        order[field] = Value::Null;
        assert!(listed(&order).await.unwrap().filled.value().is_zero());
        for state in ["filled", "partially_filled", "cancelled", "frobnicated"] {
            order["state"] = json!(state);
            let error = listed(&order).await.unwrap_err();
            assert_eq!(error.code(), 3006, "{name} {state}");
        }
        order["state"] = json!("rejected");
        assert_eq!(listed(&order).await.unwrap().state, OrderState::Rejected);
    }
}

#[tokio::test]
async fn f43_an_answer_about_another_order_or_pair_is_refused() {
    let at = AtServer::built(|mut config| {
        config.private_crypto = true;
        config
    })
    .await;
    for (host, prefix, body) in [
        ("api", "", sample("order_placed_limit")),
        ("nummus", "crypto:", row("nummus_orders").to_string().into()),
    ] {
        at.mount("GET", host, "/orders/another/", 200, body, 1)
            .await;
        let id = BrokerOrderId::new(format!("{prefix}another")).unwrap();
        let read = at.broker.order(&at.account, &id).await.unwrap_err();
        let cancel = at.broker.cancel_order(&at.account, &id).await.unwrap_err();
        assert_eq!((read.code(), cancel.code()), (3006, 3006), "{host}");
    }
    let body = sample("option_order_placed");
    at.mount("GET", "api", "/options/orders/another/", 200, body, 1)
        .await;
    let id = BrokerOrderId::new("another").unwrap();
    let options = at.broker.options().unwrap();
    let error = options.cancel_option_order(&at.account, &id).await;
    assert_eq!(error.unwrap_err().code(), 3006);
    assert!(at.sent("POST", "/cancel/").await.is_empty());
    let body = sample("forex_quote");
    at.mount(
        "GET",
        "api",
        "/marketdata/forex/quotes/another/",
        200,
        body,
        1,
    )
    .await;
    let pair = InstrumentId::new("crypto:another").unwrap();
    let error = at.broker.quotes(&at.account, &[pair]).await.unwrap_err();
    assert_eq!(error.code(), 3006);
}

#[tokio::test]
async fn a_refused_cancel_of_an_order_that_nobody_cancels_is_an_error() {
    let mut order = row("order_placed_limit");
    let id = BrokerOrderId::new(order["id"].as_str().unwrap()).unwrap();
    let route = format!("/orders/{id}/");
    order["cancel"] = Value::Null;
    for (state, fine) in [("cancel_requested", true), ("no_cancel_requested", false)] {
        order["user_cancel_request_state"] = json!(state);
        let at = AtServer::new().await;
        let body = order.to_string().into();
        at.mount("GET", "api", &route, 200, body, 1).await;
        let refusal = sample("order_cancel_again");
        at.mount("POST", "api", &format!("{route}cancel/"), 403, refusal, 1)
            .await;
        match at.broker.cancel_order(&at.account, &id).await {
            Ok(()) => assert!(fine, "{state}"),
            Err(error) => {
                assert!(!fine, "{state}");
                assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            }
        }
    }
}

#[tokio::test]
async fn cash_without_a_direction_is_not_taken_for_income() {
    let at = AtServer::new().await;
    let mut events: Value = serde_json::from_slice(&sample("options_events")).unwrap();
    for event in events["results"].as_array_mut().unwrap() {
        event["direction"] = Value::Null;
    }
    let body = events.to_string().into();
    at.mount("GET", "api", "/options/events/", 200, body, 1)
        .await;
    let read = at.broker.option_events(&at.account).await.unwrap();
    let cash: Vec<_> = read.iter().map(|it| it.cash.map(|it| it.amount)).collect();
    assert_eq!(cash, [None, Some(dec!(0))]);
}

#[tokio::test]
async fn shares_are_found_while_the_host_of_crypto_is_away() {
    let at = AtServer::built(|mut config| {
        config.private_crypto = true;
        config
    })
    .await;
    let down = br#"{"detail":"down"}"#.to_vec();
    at.mount("GET", "nummus", "/currency_pairs/", 500, down, 1)
        .await;
    let body = sample("instruments_by_symbol_F");
    at.mount("GET", "api", "/instruments/", 200, body, 1).await;
    let f = at.broker.find_instrument(&at.account, "F").await.unwrap();
    assert_eq!(f.symbol.as_str(), "F");
    let error = at.broker.find_instrument(&at.account, "BTC-USD").await;
    assert_eq!(error.unwrap_err().code(), 3005);
}
