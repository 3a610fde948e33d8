//! Lists and data: windows, filters, pages, and what is emulated.

use std::{collections::HashSet, time::Duration};

use time::OffsetDateTime;
use wheelhouse_core::{
    BarInterval, BarQuery, Broker, BrokerExt, BrokerOrderId, ClosedTradeQuery, ExecutionQuery,
    InstrumentId, OrderQuery, OrderRequest, OrderState, PositionQuery, Side, Submission, Symbol,
    dec, lots,
};
use wheelhouse_sim::{
    Fault, Kind,
    tradelocker::{RateLimits, Route, Settings, UserSpec},
};
use wiremock::{Mock, Request, ResponseTemplate, matchers::path_regex};

use crate::rig::{AtServer, AtSim, sample};

const HISTORY: &str = "/trade/accounts/1002003/ordersHistory";

#[tokio::test]
async fn f31_a_history_that_does_not_fit_is_read_in_parts_and_whole() {
    let settings = Settings::new()
        .rate_limits(RateLimits::off())
        .history_rows(4);
    let at = AtSim::with(settings, UserSpec::demo()).await;
    at.sim
        .tradelocker()
        .set_price("EURUSD", dec!(1.10000))
        .unwrap();
    let eurusd = at.instrument("EURUSD").await;
    let mut ids = HashSet::new();
    for _ in 0..13 {
        let request = OrderRequest::limit(&at.account, &eurusd, Side::Buy, lots!(0.10), dec!(1.05));
        let Submission::Accepted(order) = at.broker.place_order(&request).await.unwrap() else {
            panic!()
        };
        at.broker
            .cancel_order(&at.account, &order.id)
            .await
            .unwrap();
        ids.insert(order.id);
        at.sim.advance(Duration::from_millis(20));
    }
    let history = at
        .broker
        .all_orders(&at.account, OrderQuery::closed())
        .await
        .unwrap();
    assert_eq!(history.len(), 13, "none twice");
    assert_eq!(
        history
            .into_iter()
            .map(|order| order.id)
            .collect::<HashSet<_>>(),
        ids
    );

    at.sim
        .tradelocker()
        .faults()
        .add(Fault::new(Route::OrdersHistory, Kind::Html(502)).after(3));
    let error = at
        .broker
        .all_orders(&at.account, OrderQuery::closed())
        .await
        .unwrap_err();
    assert_eq!(error.code(), 2004, "a part that fails fails the whole");
}

#[tokio::test]
async fn a_history_that_never_ends_is_an_error() {
    let at = AtServer::new().await;
    at.answer("GET", HISTORY, "trade_orders_history_has_more_200")
        .await;
    let error = at
        .broker
        .orders(&at.account, OrderQuery::closed())
        .await
        .unwrap_err();
    assert_eq!(error.code(), 3006);
    assert!(error.message().contains("hasMore"), "{error}");
}

#[tokio::test]
async fn filters_hold_even_if_the_server_ignores_them() {
    let at = AtServer::new().await;
    let eurusd = InstrumentId::new("278").unwrap();
    let query = OrderQuery::closed().instrument(eurusd.clone());
    let orders = at.broker.orders(&at.account, query).await.unwrap().items;
    assert_eq!(
        orders.iter().map(|o| o.state.clone()).collect::<Vec<_>>(),
        [OrderState::Canceled, OrderState::Rejected]
    );
    let sent = &at.requests("GET", HISTORY).await[0];
    assert_eq!(sent.url.query(), Some("tradableInstrumentId=278"));

    let millis =
        |millis: i128| OffsetDateTime::from_unix_timestamp_nanos(millis * 1_000_000).unwrap();
    let query = OrderQuery::closed()
        .from(millis(1_893_455_900_001))
        .to(millis(1_893_456_005_995));
    let orders = at.broker.orders(&at.account, query).await.unwrap().items;
    let ids: Vec<_> = orders.iter().map(|order| order.id.as_str()).collect();
    assert_eq!(
        ids,
        ["7100000000907785466", "7100000000907785470"],
        "both ends belong to it, newest first"
    );
    let sent = &at.requests("GET", HISTORY).await[1];
    assert_eq!(
        sent.url.query(),
        Some("from=1893455900001&to=1893456005995")
    );

    let positions = at
        .broker
        .positions(&at.account, PositionQuery::all().instrument(eurusd.clone()))
        .await
        .unwrap();
    assert_eq!(positions.items.len(), 1);
    at.answer(
        "GET",
        "/trade/accounts/1002003/executions",
        "trade_executions_200",
    )
    .await;
    let query = ExecutionQuery::all().instrument(eurusd);
    assert!(
        at.broker
            .executions(&at.account, query)
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

#[tokio::test]
async fn pages_have_as_many_as_asked_for() {
    let at = AtServer::new().await;
    let mut query = OrderQuery::all().limit(3);
    let mut seen = Vec::new();
    loop {
        let page = at.broker.orders(&at.account, query.clone()).await.unwrap();
        assert!(page.items.len() <= 3);
        seen.extend(page.items.into_iter().map(|order| order.id));
        match page.next {
            Some(next) => query.page = Some(next),
            None => break,
        }
    }
    assert_eq!(
        (seen.len(), seen.iter().collect::<HashSet<_>>().len()),
        (8, 8)
    );
}

#[tokio::test]
async fn an_order_is_found_among_open_and_final_ones_with_its_position() {
    let at = AtServer::new().await;
    let order = async |id: &str| {
        at.broker
            .order(&at.account, &BrokerOrderId::new(id).unwrap())
            .await
    };
    assert_eq!(
        order("7100000000907673698").await.unwrap().state,
        OrderState::Working
    );
    let filled = order("7100000000907785465").await.unwrap();
    assert_eq!(filled.position.unwrap().as_str(), "7100000000846858725");
    assert_eq!(order("5").await.unwrap_err().code(), 3002);
    let none = at
        .broker
        .position_of_order(
            &at.account,
            &BrokerOrderId::new("7100000000907785470").unwrap(),
        )
        .await;
    assert_eq!(none.unwrap(), None, "cancelled without a fill");
}

#[tokio::test]
async fn bars_come_in_windows_of_the_smaller_maximum() {
    let at = AtServer::new().await;
    let bars = |request: &Request| {
        let query: std::collections::HashMap<_, _> =
            request.url.query_pairs().into_owned().collect();
        let (from, to): (i64, i64) = (query["from"].parse().unwrap(), query["to"].parse().unwrap());
        let first = (from + 59_999) / 60_000 * 60_000;
        assert!((to - first) / 60_000 < 20_000, "too many bars");
        let bar = |t: i64| format!(r#"{{"t":{t},"o":1,"h":2.5,"l":0.5,"c":2,"v":7}}"#);
        // Only the ends, so that the answer stays small.
        let last = to / 60_000 * 60_000;
        ResponseTemplate::new(200).set_body_raw(
            format!(
                r#"{{"s":"ok","d":{{"barDetails":[{},{}]}}}}"#,
                bar(first),
                bar(last)
            ),
            "application/json",
        )
    };
    Mock::given(path_regex("/trade/history$"))
        .respond_with(bars)
        .mount(&at.server)
        .await;
    let btc = at.instrument("BTCUSD").await;
    let from = time::macros::datetime!(2029-12-01 00:00 UTC);
    let query = BarQuery::new(
        &btc,
        BarInterval::Minute1,
        from,
        from + time::Duration::days(30),
    );
    let bars = at
        .broker
        .market_history()
        .unwrap()
        .bars(&at.account, &query)
        .await
        .unwrap();
    let requests = at.requests("GET", "/trade/history").await;
    assert_eq!(requests.len(), 3, "43,201 bars");
    assert!(requests[0].url.query().unwrap().contains("routeId=452"));
    assert_eq!(
        (bars[0].time, bars.last().unwrap().time),
        (query.from, query.to)
    );
    assert!(bars.windows(2).all(|pair| pair[0].time < pair[1].time));
}

#[tokio::test]
async fn no_bars_are_no_error_and_a_wrong_span_is() {
    for name in ["trade_history_no_data_200", "trade_history_no_data_nb_200"] {
        let at = AtServer::new().await;
        at.answer("GET", "/trade/history", name).await;
        let btc = at.instrument("BTCUSD").await;
        let now = crate::rig::THEN;
        let role = at.broker.market_history().unwrap();
        let query = BarQuery::new(&btc, BarInterval::Day1, now - time::Duration::DAY, now);
        assert_eq!(role.bars(&at.account, &query).await.unwrap(), []);
        let backwards = BarQuery::new(&btc, BarInterval::Day1, now, now - time::Duration::DAY);
        assert_eq!(
            role.bars(&at.account, &backwards).await.unwrap_err().code(),
            5001
        );
        let unknown = BarQuery::new(&btc, BarInterval::Minute10, now, now);
        assert_eq!(
            role.bars(&at.account, &unknown).await.unwrap_err().code(),
            3010
        );
        let endless = BarQuery::new(
            &btc,
            BarInterval::Minute1,
            now - time::Duration::days(36_500),
            now,
        );
        assert_eq!(
            role.bars(&at.account, &endless).await.unwrap_err().code(),
            5001
        );
    }
}

#[tokio::test]
async fn of_several_info_routes_one_that_is_alive_is_found_and_remembered() {
    let at = AtServer::new().await;
    let listed: serde_json::Value = serde_json::from_str(&sample("trade_instruments_200")).unwrap();
    let gold = listed["d"]["instruments"]
        .as_array()
        .unwrap()
        .iter()
        .find(|i| i["name"] == "XAUUSD")
        .unwrap();
    let id = InstrumentId::new(gold["tradableInstrumentId"].to_string()).unwrap();
    let routes: Vec<u64> = gold["routes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|route| route["type"] == "INFO")
        .map(|route| route["id"].as_u64().unwrap())
        .collect();
    assert_eq!(routes.len(), 2);
    let (first, last) = (routes[0], routes[1]);
    let alive = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(first));
    let answers = alive.clone();
    let quote = move |request: &Request| {
        let route = format!(
            "routeId={}",
            answers.load(std::sync::atomic::Ordering::SeqCst)
        );
        let name = if request.url.query().unwrap().contains(&route) {
            "trade_quotes_200"
        } else {
            "error_d_null_200"
        };
        ResponseTemplate::new(200).set_body_raw(sample(name), "application/json")
    };
    Mock::given(path_regex("/trade/quotes$"))
        .respond_with(quote)
        .mount(&at.server)
        .await;
    let quotes = async || {
        at.broker
            .quotes(&at.account, std::slice::from_ref(&id))
            .await
    };
    assert!(quotes().await.unwrap()[0].bid.is_some());
    let count = at.requests("GET", "/trade/quotes").await.len();
    assert_eq!(count, 3, "the last one, the first one, then the quote");
    quotes().await.unwrap();
    assert_eq!(at.requests("GET", "/trade/quotes").await.len(), count + 1);
    // Routes die and others come back.
    alive.store(last, std::sync::atomic::Ordering::SeqCst);
    assert!(quotes().await.unwrap()[0].bid.is_some());
    alive.store(0, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(quotes().await.unwrap_err().code(), 3005);
}

#[tokio::test]
async fn closed_trades_are_read_page_by_page_and_fail_alone() {
    let at = AtServer::new().await;
    let route = "/trade/reports/close-trades-history";
    let trades = at.broker.closed_trades().unwrap();
    let missing = trades
        .list(&at.account, ClosedTradeQuery::all())
        .await
        .unwrap_err();
    assert_eq!(missing.code(), 3002);
    assert_eq!(missing.operation(), Some("closed_trades"));
    at.answer("GET", route, "close_trades_history_200").await;
    let page = trades
        .list(&at.account, ClosedTradeQuery::all().limit(5))
        .await
        .unwrap();
    assert_eq!(page.items[0].net_profit, Some(dec!(-470.30)));
    let next = page.next.unwrap();
    let again = trades
        .list(&at.account, ClosedTradeQuery::all().page(next))
        .await
        .unwrap_err();
    assert_eq!(again.code(), 3006, "the same page again is a circle");
    let sent = at.requests("GET", route).await;
    assert_eq!(sent[1].url.query(), Some("limit=5"));
    assert_eq!(
        sent[2].url.query(),
        Some("limit=200&lastTradeId=7100000000900000099")
    );
    let other = ClosedTradeQuery::all().symbol(Symbol::new("EURUSD").unwrap());
    assert!(
        trades
            .list(&at.account, other)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    at.broker.all_positions(&at.account).await.unwrap();
}

#[tokio::test]
async fn what_the_capabilities_say_is_there_and_what_they_deny_is_not() {
    let at = AtServer::new().await;
    let says = at.broker.capabilities();
    assert_eq!(
        says.market_history.is_there(),
        at.broker.market_history().is_some()
    );
    assert_eq!(
        says.market_depth.is_there(),
        at.broker.market_depth().is_some()
    );
    assert_eq!(
        says.trading_sessions.is_there(),
        at.broker.trading_sessions().is_some()
    );
    assert_eq!(
        says.closed_trades.is_there(),
        at.broker.closed_trades().is_some()
    );
    assert_eq!(says.options.is_there(), at.broker.options().is_some());
    assert_eq!(says.streaming.is_there(), at.broker.streaming().is_some());
    assert_eq!(
        says.close_position.is_there(),
        at.broker.position_trading().is_some()
    );
    assert_eq!(
        says.cancel_all.is_there(),
        at.broker.bulk_orders().is_some()
    );
    assert!(at.broker.order_previews().is_none() && !says.asks_questions);
    assert!(!says.client_order_id.deduplicated);
}

#[tokio::test]
async fn the_list_of_instruments_is_read_once_and_accounts_each_time() {
    let at = AtServer::new().await;
    for _ in 0..3 {
        at.instrument("BTCUSD").await;
        at.broker.accounts().await.unwrap();
    }
    assert_eq!(
        at.requests("GET", "/trade/accounts/1002003/instruments")
            .await
            .len(),
        1
    );
    assert_eq!(at.requests("GET", "/trade/instruments/206").await.len(), 1);
    assert!(at.requests("GET", "/auth/jwt/all-accounts").await.len() >= 3);
}
