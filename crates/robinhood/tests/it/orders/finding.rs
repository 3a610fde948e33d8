//! Orders that are looked for by their identifier.

use std::time::Duration;

use serde_json::{Value, json};
use wheelhouse_core::{
    Broker, BrokerId, ClientOrderId, Error, ErrorKind, InstrumentId, OrderKind, OrderRequest,
    OrderSize, Quantity, Resolution, Side, UnresolvedOrder, dec, shares,
};
use wiremock::{Mock, ResponseTemplate, matchers};

use super::{FRIDAY, REF, price, share_order};
use crate::rig::{AtServer, PUT, sample};

fn row(name: &str) -> Value {
    let mut row: Value = serde_json::from_slice(&sample(name)).unwrap();
    if let Some(first) = row.get("results").and_then(|rows| rows.get(0)) {
        row = first.clone();
    }
    row
}

fn with(mut row: Value, fields: &[(&str, &str)]) -> Value {
    for (name, value) in fields {
        row[*name] = json!(value);
    }
    row
}

fn page(rows: &[Value], next: Option<&str>) -> Vec<u8> {
    json!({"next": next, "previous": null, "results": rows})
        .to_string()
        .into()
}

/// Answers a list only if it is asked for with this parameter, else with no rows.
async fn mount_if(at: &AtServer, route: &str, parameter: (&str, &str), body: Vec<u8>) {
    at.mount("GET", "api", route, 200, page(&[], None), 4).await;
    let path = format!("/api.robinhood.com{route}");
    Mock::given(matchers::method("GET"))
        .and(matchers::path(path))
        .and(matchers::query_param(parameter.0, parameter.1))
        .respond_with(ResponseTemplate::new(200).set_body_raw(body, "application/json"))
        .with_priority(1)
        .mount(&at.server)
        .await;
}

fn open(request: OrderRequest) -> UnresolvedOrder {
    let cause = Error::new(ErrorKind::Timeout, "no answer");
    let id = ClientOrderId::new(REF).unwrap();
    UnresolvedOrder::new(BrokerId::robinhood(), id, request, FRIDAY, &cause)
}

fn share(at: &AtServer) -> UnresolvedOrder {
    let kind = OrderKind::Limit {
        price: price(dec!(12)),
    };
    open(share_order(at, Side::Buy, shares!(10), kind))
}

fn contract(at: &AtServer) -> UnresolvedOrder {
    let kind = OrderKind::Limit {
        price: price(dec!(0.25)),
    };
    let size = OrderSize::Contracts(Quantity::new(dec!(1)));
    let put = InstrumentId::new(PUT).unwrap();
    open(OrderRequest::new(&at.account, put, Side::Sell, size, kind))
}

#[tokio::test]
async fn an_order_that_is_months_old_and_still_works_is_found() {
    let id = ClientOrderId::new(REF).unwrap();
    let old = [("ref_id", REF), ("created_at", "2026-06-01T15:30:27Z")];
    for (route, other, parameter, name) in [
        (
            "/orders/",
            "/options/orders/",
            ("is_closed", "false"),
            "order_placed_limit",
        ),
        (
            "/options/orders/",
            "/orders/",
            (
                "states",
                "new,queued,unconfirmed,confirmed,partially_filled,pending_cancelled",
            ),
            "option_order_placed",
        ),
    ] {
        let at = AtServer::at(FRIDAY).await;
        let row = with(row(name), &old);
        let there = row["id"].as_str().unwrap().to_owned();
        mount_if(&at, route, parameter, page(&[row], None)).await;
        at.mount("GET", "api", other, 200, page(&[], None), 4).await;
        let found = at.broker.order_by_client_id(&at.account, &id).await;
        let found = found.unwrap().unwrap_or_else(|| panic!("{route}: none"));
        assert_eq!(found.id.as_str(), there, "{route}");
        assert!(!found.state.is_final());
    }
}

#[tokio::test]
async fn several_orders_with_one_identifier_are_told_and_none_is_taken_for_the_one() {
    let at = AtServer::at(FRIDAY).await;
    let twin = |id| with(row("option_order_placed"), &[("ref_id", REF), ("id", id)]);
    // Pages move: the first one is there twice.
    let rows = [twin("one"), twin("two"), twin("one")];
    let body = page(&rows, None);
    at.mount("GET", "api", "/options/orders/", 200, body, 1)
        .await;
    at.mount("GET", "api", "/orders/", 200, page(&[], None), 1)
        .await;
    let outcome = at.broker.resolve(&contract(&at)).await.unwrap();
    let Resolution::Unknown(_, evidence) = outcome else {
        panic!("{outcome:?}")
    };
    let remark = evidence.remark.unwrap();
    assert!(remark.contains("2 orders"), "{remark}");
    let id = ClientOrderId::new(REF).unwrap();
    let error = at.broker.order_by_client_id(&at.account, &id).await;
    assert_eq!(error.unwrap_err().code(), 3006);
}

#[tokio::test]
async fn a_page_without_rows_hides_none_of_the_pages_behind_it() {
    for (route, name) in [
        ("/orders/", "order_placed_limit"),
        ("/options/orders/", "option_order_placed"),
    ] {
        let at = AtServer::at(FRIDAY).await;
        let next = format!("https://api.robinhood.com{route}?cursor=2");
        at.mount("GET", "api", route, 200, page(&[], Some(&next)), 2)
            .await;
        let second = page(&[with(row(name), &[("ref_id", REF)])], None);
        Mock::given(matchers::path(format!("/api.robinhood.com{route}")))
            .and(matchers::query_param("cursor", "2"))
            .respond_with(ResponseTemplate::new(200).set_body_raw(second, "application/json"))
            .with_priority(1)
            .mount(&at.server)
            .await;
        let open = match route {
            "/orders/" => share(&at),
            _ => contract(&at),
        };
        let outcome = at.broker.resolve(&open).await.unwrap();
        assert!(matches!(outcome, Resolution::Found(_)), "{outcome:?}");
    }
}

#[tokio::test]
async fn the_list_of_crypto_is_read_back_to_the_order_and_no_further() {
    let at = AtServer::built_at(FRIDAY, |mut config| {
        config.private_crypto = true;
        config.consistency_window = Duration::from_secs(20);
        config
    })
    .await;
    let order = |at: &str| with(row("nummus_orders"), &[("created_at", at), ("ref_id", "x")]);
    let rows = [
        order("2026-11-20T10:30:10-05:00"),
        order("2026-11-18T10:00:00-05:00"),
    ];
    let link = |cursor| format!("https://nummus.robinhood.com/orders/?cursor={cursor}");
    let first = page(&rows, Some(&link(2)));
    at.mount("GET", "nummus", "/orders/", 200, first, 3).await;
    for (cursor, row) in [
        (2, order("2026-11-17T10:00:00-05:00")),
        (3, order("2024-11-17T10:00:00-05:00")),
    ] {
        let body = page(&[row], Some(&link(cursor + 1)));
        Mock::given(matchers::path("/nummus.robinhood.com/orders/"))
            .and(matchers::query_param("cursor", cursor.to_string()))
            .respond_with(ResponseTemplate::new(200).set_body_raw(body, "application/json"))
            .with_priority(1)
            .mount(&at.server)
            .await;
    }
    let btc = InstrumentId::new("crypto:3d961844-d360-45fc-989b-f6fca761d511").unwrap();
    let size = OrderSize::Units(Quantity::new(dec!(0.0001)));
    let request = OrderRequest::limit(&at.account, btc, Side::Buy, size, dec!(50_000));
    let outcome = at.broker.resolve(&open(request)).await.unwrap();
    assert!(matches!(outcome, Resolution::NotFound(_)), "{outcome:?}");
    let asked = at.sent("GET", "nummus.robinhood.com/orders/").await;
    let of = |cursor: &str| {
        let at_page = |it: &&wiremock::Request| it.url.query() == Some(cursor);
        asked.iter().filter(at_page).count()
    };
    assert!(of("cursor=2") >= 3, "{}", of("cursor=2"));
    assert_eq!(of("cursor=3"), 0);
}

/// The list of orders cannot be read without it, and an order was placed with it.
#[tokio::test]
async fn an_account_of_crypto_that_is_gone_proves_nothing() {
    let at = AtServer::built_at(FRIDAY, |mut config| {
        config.private_crypto = true;
        config.consistency_window = Duration::from_secs(5);
        config
    })
    .await;
    at.mount("GET", "nummus", "/accounts/", 200, page(&[], None), 1)
        .await;
    let btc = InstrumentId::new("crypto:3d961844-d360-45fc-989b-f6fca761d511").unwrap();
    let size = OrderSize::Units(Quantity::new(dec!(0.0001)));
    let request = OrderRequest::limit(&at.account, btc, Side::Buy, size, dec!(50_000));
    let outcome = at.broker.resolve(&open(request)).await.unwrap();
    assert!(matches!(outcome, Resolution::Unknown(..)), "{outcome:?}");
}
