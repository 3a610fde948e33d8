//! Executions of every book.

use serde_json::{Value, json};
use time::macros::datetime;
use wheelhouse_core::{
    Broker, Decimal, Execution, ExecutionQuery, InstrumentId, OptionLeg, OptionOrderRequest,
    OptionQuery, OptionRight, OrderKind, OrderRequest, PositionEffect, Price, Quantity, Result,
    Side, Submission, Symbol, dec, shares,
};
use wheelhouse_sim::robinhood::UserSpec;
use wiremock::{Mock, ResponseTemplate, matchers};

use crate::rig::{AtServer, AtSim, F, PUT, granted, sample};

const BTC: &str = "crypto:3d961844-d360-45fc-989b-f6fca761d511";

async fn all(broker: &impl Broker, at: &AtServer, query: ExecutionQuery) -> Result<Vec<Execution>> {
    let (mut all, mut query) = (Vec::new(), query);
    loop {
        let page = broker.executions(&at.account, query.clone()).await?;
        all.extend(page.items);
        match page.next {
            Some(next) => query.page = Some(next),
            None => return Ok(all),
        }
    }
}

fn coins(fills: Value) -> Vec<u8> {
    let mut page: Value = serde_json::from_slice(&sample("nummus_orders")).unwrap();
    page["results"][0]["cumulative_quantity"] = json!("0.000100000000000000");
    page["results"][0]["executions"] = fills;
    page.to_string().into()
}

async fn at_books(crypto: bool, coins: Vec<u8>) -> AtServer {
    let at = AtServer::built(|mut config| {
        config.private_crypto = crypto;
        config
    })
    .await;
    for (host, route, body) in [
        ("api", "/orders/", sample("orders_page_2")),
        ("api", "/options/orders/", sample("options_orders")),
        ("nummus", "/orders/", coins),
    ] {
        at.mount("GET", host, route, 200, body, 3).await;
    }
    at
}

fn fill() -> Value {
    json!([{"effective_price": "49999.5", "quantity": "0.0001", "timestamp": "2026-11-20T10:01:00-05:00"}])
}

#[tokio::test]
async fn executions_of_options_and_crypto_follow_those_of_shares() {
    let at = at_books(true, coins(fill())).await;
    let fills = all(&at.broker, &at, ExecutionQuery::all()).await.unwrap();
    let of = |id: &str| -> Vec<&Execution> {
        let id = InstrumentId::new(id).unwrap();
        fills
            .iter()
            .filter(|it| it.instrument.as_ref() == Some(&id))
            .collect()
    };
    assert!(!of(F).is_empty(), "{fills:?}");
    let put = of(PUT);
    assert_eq!(put.len(), 1);
    assert_eq!(
        (put[0].side, put[0].quantity.value()),
        (Side::Sell, Decimal::ONE)
    );
    assert_eq!(put[0].price, Price::new(dec!(0.28)));
    assert_eq!(put[0].fee.map(|fee| fee.amount), Some(dec!(0.03)));
    assert_eq!(put[0].time, Some(datetime!(2026-11-06 15:31:02.74 UTC)));
    assert_eq!(
        put[0].order.as_str(),
        "143ba89c-bc4e-45ae-82d4-9b5c72020d45"
    );
    let calls = of("f495880e-58cc-43a5-92a0-0a5033f51ab0");
    assert_eq!(calls[0].quantity.value(), dec!(4));
    let btc = of(BTC);
    assert_eq!((btc.len(), btc[0].price.value()), (1, dec!(49999.5)));
    assert_eq!(
        btc[0].order.as_str(),
        "crypto:4786a9af-5a7e-49b0-a07c-2060157a93c8"
    );
    assert_eq!(
        fills.last().map(|it| &it.instrument),
        Some(&btc[0].instrument)
    );
}

#[tokio::test]
async fn executions_are_filtered_by_instrument_and_time_in_every_book() {
    let at = at_books(true, coins(fill())).await;
    for (id, count) in [(F, 1), (PUT, 1), (BTC, 1), ("another", 0)] {
        let id = InstrumentId::new(id).unwrap();
        let query = ExecutionQuery::all().instrument(id.clone());
        let fills = all(&at.broker, &at, query).await.unwrap();
        assert!(fills.iter().all(|it| it.instrument.as_ref() == Some(&id)));
        assert_eq!(fills.len(), count, "{id}");
    }
    let query = ExecutionQuery::all().from(datetime!(2026-11-10 0:00 UTC));
    let fills = all(&at.broker, &at, query).await.unwrap();
    assert!(
        fills
            .iter()
            .all(|it| it.time >= Some(datetime!(2026-11-10 0:00 UTC)))
    );
    assert!(
        fills
            .iter()
            .any(|it| it.instrument.as_ref().is_some_and(|id| id.as_str() == BTC))
    );
}

#[tokio::test]
async fn crypto_that_is_switched_off_is_not_told_as_none() {
    let at = at_books(false, coins(fill())).await;
    let fills = all(&at.broker, &at, ExecutionQuery::all()).await.unwrap();
    assert!(
        fills
            .iter()
            .all(|it| it.instrument.as_ref().is_some_and(|id| id.as_str() != BTC))
    );
    let query = ExecutionQuery::all().instrument(InstrumentId::new(BTC).unwrap());
    let error = all(&at.broker, &at, query).await.unwrap_err();
    assert_eq!(error.code(), 3010);
}

/// The form of executions of crypto was never captured.
#[tokio::test]
async fn executions_of_crypto_in_another_form_are_an_error_and_not_left_out() {
    for fills in [
        json!([]),
        json!(null),
        json!([{"price": "1", "quantity": "1"}]),
        json!([7]),
    ] {
        let at = at_books(true, coins(fills.clone())).await;
        let error = all(&at.broker, &at, ExecutionQuery::all())
            .await
            .unwrap_err();
        assert_eq!(error.code(), 3006, "{fills}");
        // The orders themselves can still be read.
        let query = wheelhouse_core::OrderQuery::all().instrument(InstrumentId::new(BTC).unwrap());
        assert_eq!(
            at.broker
                .orders(&at.account, query)
                .await
                .unwrap()
                .items
                .len(),
            1
        );
    }
}

#[tokio::test]
async fn the_pages_of_each_book_are_followed() {
    let at = at_books(false, coins(fill())).await;
    let mut first: Value = serde_json::from_slice(&sample("options_orders")).unwrap();
    let second = json!({"next": null, "results": [first["results"][1].clone()]});
    first["next"] = json!("https://api.robinhood.com/options/orders/?cursor=2");
    first["results"] = json!([]);
    at.mount(
        "GET",
        "api",
        "/options/orders/",
        200,
        first.to_string().into(),
        2,
    )
    .await;
    Mock::given(matchers::path("/api.robinhood.com/options/orders/"))
        .and(matchers::query_param("cursor", "2"))
        .respond_with(ResponseTemplate::new(200).set_body_json(second))
        .with_priority(1)
        .mount(&at.server)
        .await;
    let query = ExecutionQuery::all().instrument(InstrumentId::new(PUT).unwrap());
    assert_eq!(all(&at.broker, &at, query).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_the_simulator_fills_is_among_the_executions() {
    let at = AtSim::built(granted(), UserSpec::demo(), |mut config| {
        config.private_crypto = true;
        config
    })
    .await;
    at.wait_for_regular_hours();
    let mut placed = Vec::new();
    let f = at.instrument("F").await;
    let btc = at.instrument("BTC-USD").await;
    let units = wheelhouse_core::OrderSize::Units(Quantity::new(dec!(0.0001)));
    for request in [
        OrderRequest::market(&at.account, &f, Side::Buy, shares!(2)),
        OrderRequest::market(&at.account, &btc, Side::Buy, units),
    ] {
        let outcome = at.broker.place_order(&request).await.unwrap();
        let Submission::Accepted(order) = outcome else {
            panic!("{outcome}")
        };
        placed.push(order.id);
    }
    let options = at.broker.options().unwrap();
    let mut query = OptionQuery::new(Symbol::new("F").unwrap());
    query.right = Some(OptionRight::Put);
    let puts = options.option_contracts(&at.account, query).await.unwrap();
    let quoted: Vec<_> = puts.items.iter().map(|it| it.id.clone()).collect();
    let quotes = options.option_quotes(&at.account, &quoted).await.unwrap();
    let quote = quotes.iter().find(|it| it.ask.is_some()).unwrap();
    let leg = OptionLeg {
        contract: quote.contract.clone(),
        side: Side::Buy,
        effect: PositionEffect::Open,
        ratio: 1,
    };
    let kind = OrderKind::Limit {
        price: quote.ask.unwrap(),
    };
    let one = Quantity::new(dec!(1));
    let request = OptionOrderRequest::new(&at.account, vec![leg], one, kind, Side::Buy);
    let outcome = options.place_option_order(&request).await.unwrap();
    let Submission::Accepted(order) = outcome else {
        panic!("{outcome}")
    };
    placed.push(order.id);
    at.clock.0.skip(std::time::Duration::from_secs(60));
    let (mut fills, mut query) = (Vec::new(), ExecutionQuery::all());
    loop {
        let page = at
            .broker
            .executions(&at.account, query.clone())
            .await
            .unwrap();
        fills.extend(page.items);
        let Some(next) = page.next else { break };
        query.page = Some(next);
    }
    for order in placed {
        assert!(
            fills.iter().any(|it| it.order == order),
            "{order}: {fills:?}"
        );
    }
}
