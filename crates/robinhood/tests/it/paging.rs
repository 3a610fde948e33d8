//! Lists over pages: to their end or an error, and never to another host.

use std::time::Duration;

use wheelhouse_core::{
    AccountId, Broker, BrokerExt, ErrorKind, InstrumentQuery, OptionQuery, OrderQuery,
    OrderRequest, Side, Submission, Symbol, dec, shares,
};
use wheelhouse_robinhood::Robinhood;
use wheelhouse_sim::{Fault, Kind, Matcher};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::rig::{AtServer, AtSim, CANARY, F, granted, sample};

/// Links that lead away, each in its own manner.
fn away(evil: &str) -> Vec<String> {
    let bare = evil.trim_start_matches("http://");
    vec![
        format!("{evil}/positions/?cursor=1"),
        format!("//{bare}/positions/?cursor=1"),
        format!("http://api.robinhood.com@{bare}/positions/"),
        format!("http:\\\\{bare}\\positions"),
        "http://api.robinhood.com/positions/?cursor=1".to_owned(),
        "https://api.robinhood.com.evil.example/positions/".to_owned(),
        "https://user@api.robinhood.com/positions/".to_owned(),
        "https://api.robinhood.com:8443/positions/".to_owned(),
        "https://nummus.robinhood.com/positions/?cursor=1".to_owned(),
        "ftp://api.robinhood.com/positions/".to_owned(),
        "javascript:alert(1)".to_owned(),
    ]
}

fn page(next: &str) -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!({"next": next, "previous": null, "results": []})).unwrap()
}

async fn read(broker: &Robinhood, account: &AccountId, list: &str) -> wheelhouse_core::Result<()> {
    let options = broker.options().unwrap();
    match list {
        "/accounts/" => broker.accounts().await.map(drop),
        "/positions/" => broker.all_positions(account).await.map(drop),
        "/orders/" => broker
            .all_orders(account, OrderQuery::all())
            .await
            .map(drop),
        "/options/orders/" => {
            let first = options.option_orders(account, OrderQuery::all()).await?;
            let mut query = OrderQuery::all();
            query.page = first.next;
            options.option_orders(account, query).await.map(drop)
        }
        "/options/positions/" => options.option_positions(account).await.map(drop),
        "/options/aggregate_positions/" => broker.option_strategies(account).await.map(drop),
        "/options/events/" => broker.option_events(account).await.map(drop),
        "/dividends/" => broker.dividends(account).await.map(drop),
        "/instruments/" => {
            let first = broker.instruments(account, InstrumentQuery::all()).await?;
            let mut query = InstrumentQuery::all();
            query.page = first.next;
            broker.instruments(account, query).await.map(drop)
        }
        other => panic!("{other}"),
    }
}

const LISTS: [&str; 9] = [
    "/accounts/",
    "/positions/",
    "/orders/",
    "/options/orders/",
    "/options/positions/",
    "/options/aggregate_positions/",
    "/options/events/",
    "/dividends/",
    "/instruments/",
];

#[tokio::test]
async fn sup_1_no_byte_goes_to_another_host_by_way_of_a_page() {
    let evil = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200))
        .mount(&evil)
        .await;
    for list in LISTS {
        for link in away(&evil.uri()) {
            let at = AtServer::new().await;
            at.mount("GET", "api", list, 200, page(&link), 1).await;
            let error = read(&at.broker, &at.account, list).await.unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::OriginRefused,
                "{list} {link}: {error}"
            );
            assert!(!format!("{error:?}").contains(CANARY));
            // What stayed here went to the host that was asked, with nothing of the link in it.
            let requests = at.server.received_requests().await.unwrap();
            assert!(
                requests
                    .iter()
                    .all(|it| !it.url.query().unwrap_or_default().contains("cursor")),
                "{list} {link}"
            );
        }
    }
    assert_eq!(evil.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn sup_2_no_redirect_is_followed() {
    let evil = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200))
        .mount(&evil)
        .await;
    for status in [301, 302, 303, 307, 308] {
        let at = AtServer::new().await;
        for method in ["GET", "POST"] {
            Mock::given(wiremock::matchers::method(method))
                .and(wiremock::matchers::path("/api.robinhood.com/orders/"))
                .respond_with(ResponseTemplate::new(status).insert_header("location", evil.uri()))
                .with_priority(1)
                .mount(&at.server)
                .await;
        }
        let error = at
            .broker
            .orders(&at.account, OrderQuery::all())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OriginRefused);
        let f = wheelhouse_core::InstrumentId::new(F).unwrap();
        let request = OrderRequest::limit(&at.account, f, Side::Buy, shares!(1), dec!(5));
        let placed = at.broker.place_order(&request).await.unwrap();
        assert!(matches!(placed, Submission::Unknown(_)), "{placed}");
    }
    assert_eq!(evil.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn f30_pages_that_go_round_in_a_circle_end() {
    let at = AtServer::new().await;
    for list in LISTS {
        let own = format!("{}/api.robinhood.com{list}?cursor=again", at.server.uri());
        at.mount("GET", "api", list, 200, page(&own), 1).await;
        let error = read(&at.broker, &at.account, list).await;
        let kind = error.unwrap_err().kind();
        assert_eq!(kind, ErrorKind::OriginRefused, "{list}");
    }
}

#[tokio::test]
async fn links_as_the_broker_writes_them_lead_through_the_gateway() {
    let at = AtServer::new().await;
    let second = Mock::given(wiremock::matchers::query_param("cursor", "cD1mYWtl"))
        .and(wiremock::matchers::path("/api.robinhood.com/positions/"))
        .respond_with(
            ResponseTemplate::new(200).set_body_raw(sample("positions_page_2"), "application/json"),
        );
    second.with_priority(1).mount(&at.server).await;
    at.mount(
        "GET",
        "api",
        "/positions/",
        200,
        sample("positions_page_1"),
        2,
    )
    .await;
    let held = at.broker.all_positions(&at.account).await.unwrap();
    assert_eq!(held.len(), 3);
}

#[tokio::test]
async fn f31_a_page_that_fails_fails_the_list() {
    let mut settings = granted();
    settings.page_size = 50;
    let at = AtSim::with(settings, wheelhouse_sim::robinhood::UserSpec::demo()).await;
    at.server().seed_positions("100200301", 200).unwrap();
    let whole = at.broker.all_positions(&at.account).await.unwrap();
    assert_eq!(whole.len(), 203);
    for kind in [
        Kind::Html(500),
        Kind::Truncate { keep: 100 },
        Kind::Body(b"{\"next\":null,\"results\":[null]}".to_vec()),
        Kind::Body(b"{\"detail\":\"Not found.\"}".to_vec()),
        Kind::Body(Vec::new()),
        Kind::DropAnswer,
    ] {
        let fault =
            Fault::new(Matcher::path("/api.robinhood.com/positions/"), kind.clone()).after(2);
        let id = at.server().faults().add(fault);
        at.broker.all_positions(&at.account).await.unwrap_err();
        assert!(at.server().faults().played(id) > 0, "{kind:?}");
        at.server().faults().remove(id);
        at.clock.0.skip(Duration::from_secs(60));
    }
}

#[tokio::test]
async fn a_chain_of_five_thousand_contracts_comes_page_by_page() {
    let at = AtSim::new().await;
    at.server().seed_contracts("F", 5_000).unwrap();
    let options = at.broker.options().unwrap();
    let mut query = OptionQuery::new(Symbol::new("F").unwrap());
    let (mut count, mut largest) = (0, 0);
    loop {
        let page = options
            .option_contracts(&at.account, query.clone())
            .await
            .unwrap();
        count += page.items.len();
        largest = largest.max(page.items.len());
        match page.next {
            Some(next) => query.page = Some(next),
            None => break,
        }
    }
    assert!(count >= 5_000, "{count}");
    assert!(largest <= 100, "{largest}");
}

#[tokio::test]
async fn rows_of_other_accounts_are_left_out_where_a_filter_is_ignored() {
    let at = AtServer::new().await;
    at.mount(
        "GET",
        "api",
        "/positions/",
        200,
        sample("positions_nonzero"),
        1,
    )
    .await;
    at.mount(
        "GET",
        "api",
        "/options/orders/",
        200,
        sample("options_orders"),
        1,
    )
    .await;
    at.mount("GET", "api", "/orders/", 200, sample("orders_page_2"), 1)
        .await;
    let roth = AccountId::new("100200302").unwrap();
    assert!(at.broker.all_positions(&roth).await.unwrap().is_empty());
    assert!(
        at.broker
            .all_orders(&roth, OrderQuery::all())
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        at.broker
            .all_orders(&at.account, OrderQuery::open())
            .await
            .unwrap()
            .len(),
        1
    );
    let options = at.broker.options().unwrap();
    assert!(
        options
            .option_orders(&roth, OrderQuery::all())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let other = AccountId::new("999").unwrap();
    let error = at
        .broker
        .positions(&other, wheelhouse_core::PositionQuery::all())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}
