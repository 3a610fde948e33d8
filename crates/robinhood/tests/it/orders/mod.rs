//! Placing orders, finding out about them, and cancelling them.

mod again;
mod answers;
mod bodies;
mod cancels;
mod dropped;
mod ends;
mod finding;
mod rules;

use serde_json::{Value, json};
use wheelhouse_core::{
    Broker, ClientOrderId, Decimal, InstrumentId, OptionLeg, OptionOrderRequest, OrderKind,
    OrderRequest, OrderSize, PositionEffect, Price, Quantity, Side, Submission, dec,
};

use crate::rig::{AtServer, F, sample};

/// Friday, half past ten in New York: the market is open.
pub(super) const FRIDAY: time::OffsetDateTime = time::macros::datetime!(2026-11-20 15:30 UTC);

/// At a server that says when the market is open.
pub(super) async fn at_friday() -> AtServer {
    let at = AtServer::at(FRIDAY).await;
    let route = "/markets/XNYS/hours/2026-11-20/";
    at.mount("GET", "api", route, 200, sample("market_hours"), 1)
        .await;
    at
}

pub(super) const REF: &str = "b542ce3d-e12a-40bb-895e-0e4acf479632";

pub(super) fn price(value: Decimal) -> Price {
    Price::new(value)
}

pub(super) fn share_order(
    at: &AtServer,
    side: Side,
    size: OrderSize,
    kind: OrderKind,
) -> OrderRequest {
    let f = InstrumentId::new(F).unwrap();
    OrderRequest::new(&at.account, f, side, size, kind)
        .client_order_id(ClientOrderId::new(REF).unwrap())
}

pub(super) async fn body_of(at: &AtServer, request: &OrderRequest) -> Value {
    at.mount(
        "POST",
        "api",
        "/orders/",
        201,
        json!({"id": "1", "ref_id": REF}).to_string().into(),
        1,
    )
    .await;
    let placed = at.broker.place_order(request).await.unwrap();
    assert!(matches!(placed, Submission::Accepted(_)), "{placed}");
    at.sent("POST", "/orders/").await[0].body_json().unwrap()
}

/// Reads a sample of a request, a form or JSON.
pub(super) fn known(name: &str) -> Value {
    match serde_json::from_slice(&sample(name)).unwrap() {
        Value::Array(pairs) => {
            let pair = |pair: &Value| (pair[0].as_str().unwrap().to_owned(), pair[1].clone());
            Value::Object(pairs.iter().map(pair).collect())
        }
        object => object,
    }
}

/// Compares fields by what they mean: numbers as numbers, whatever they are written as.
pub(super) fn same(sent: &Value, known: &Value, fields: &[&str]) {
    for field in fields {
        let text = |value: &Value| match &value[*field] {
            Value::String(text) => text.to_lowercase(),
            other => other.to_string(),
        };
        let (a, b) = (text(sent), text(known));
        let number = |text: &str| text.parse::<Decimal>().ok();
        let equal = a == b || (number(&a).is_some() && number(&a) == number(&b));
        assert!(equal, "{field}: {a} and {b}");
    }
}

pub(super) const ALL: [&str; 9] = [
    "account",
    "instrument",
    "symbol",
    "type",
    "trigger",
    "side",
    "market_hours",
    "ref_id",
    "quantity",
];

pub(super) fn option_order(
    at: &AtServer,
    legs: Vec<OptionLeg>,
    kind: OrderKind,
    direction: Side,
) -> OptionOrderRequest {
    let mut request =
        OptionOrderRequest::new(&at.account, legs, Quantity::new(dec!(1)), kind, direction);
    request.client_order_id = Some(ClientOrderId::new(REF).unwrap());
    request
}

pub(super) fn leg(contract: &str, side: Side, effect: PositionEffect) -> OptionLeg {
    OptionLeg {
        contract: InstrumentId::new(contract).unwrap(),
        side,
        effect,
        ratio: 1,
    }
}

pub(super) fn accepted(submission: Submission) -> wheelhouse_core::AcceptedOrder {
    match submission {
        Submission::Accepted(order) => order,
        other => panic!("{other}"),
    }
}
