//! Finding out what became of an order or a closing, by reading only.

use std::time::Duration;

use futures_util::future::join_all;
use time::OffsetDateTime;
use wheelhouse_core::{
    Broker, BrokerExt, BrokerId, ClientOrderId, CloseResolution, Closing, Instrument, OrderRequest,
    Price, Quantity, Resolution, Side, Submission, UnresolvedOrder, dec, lots,
};
use wheelhouse_sim::{
    Fault, Kind,
    faults::{Moment, RowFault},
    tradelocker::{Columns, RateLimits, Route, Settings, Table, UserSpec},
};

use crate::rig::{AtServer, AtSim};

async fn unknown(at: &AtSim, request: &OrderRequest, kind: Kind) -> UnresolvedOrder {
    at.sim
        .tradelocker()
        .faults()
        .add(Fault::new(Route::PlaceOrder, kind).times(1));
    match at.broker.place_order(request).await.unwrap() {
        Submission::Unknown(open) => open,
        other => panic!("{other}"),
    }
}

fn market(at: &AtSim, instrument: &Instrument) -> OrderRequest {
    OrderRequest::market(&at.account, instrument, Side::Buy, lots!(0.10))
}

fn reads(at: &AtSim) -> usize {
    let ledger = at.sim.tradelocker().ledger();
    ledger.count(Route::Orders)
        + ledger.count(Route::OrdersHistory)
        + ledger.count(Route::Positions)
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_is_found() {
    let at = AtSim::new().await;
    at.sim
        .tradelocker()
        .set_price("EURUSD", dec!(1.10000))
        .unwrap();
    let eurusd = at.instrument("EURUSD").await;
    let rest = OrderRequest::limit(&at.account, &eurusd, Side::Buy, lots!(0.10), dec!(1.05));
    for (index, request) in [market(&at, &eurusd), rest].iter().enumerate() {
        let open = unknown(&at, request, Kind::DropAnswer).await;
        let found = at.broker.resolve(&open).await.unwrap();
        let Resolution::Found(order) = found else {
            panic!("{}", found.report())
        };
        assert_eq!(
            order.id.as_str(),
            at.sim.tradelocker().ledger().placements()[index].order_id
        );
        assert_eq!(order.client_order_id.as_ref(), Some(&open.client_order_id));
        // From now on it is known to be placed.
        let again = request
            .clone()
            .client_order_id(open.client_order_id.clone());
        assert!(matches!(
            at.broker.place_order(&again).await.unwrap(),
            Submission::Accepted(_)
        ));
    }
}

#[tokio::test]
async fn an_order_that_was_not_placed_is_not_found_after_the_window() {
    let at = AtSim::new().await;
    let eurusd = at.instrument("EURUSD").await;
    let open = unknown(&at, &market(&at, &eurusd), Kind::Reset(Moment::AfterRead)).await;
    let outcome = at.broker.resolve(&open).await.unwrap();
    let Resolution::NotFound(evidence) = outcome else {
        panic!("{}", outcome.report())
    };
    assert!(evidence.complete_reads >= 3, "{evidence}");
    assert_eq!(evidence.failed_reads, 0);
    assert_eq!(
        evidence.window_ends_at,
        open.sent_at + Duration::from_secs(60)
    );
    assert!(at.sim.tradelocker().ledger().placements().is_empty());
    assert_eq!(at.sim.tradelocker().ledger().count(Route::PlaceOrder), 1);
}

#[tokio::test]
async fn an_order_that_shows_late_is_waited_for() {
    let late = Duration::from_secs(3_600);
    let settings = Settings::new()
        .rate_limits(RateLimits::off())
        .visible_after(late);
    let at = AtSim::with(settings, UserSpec::demo()).await;
    let eurusd = at.instrument("EURUSD").await;
    let open = unknown(&at, &market(&at, &eurusd), Kind::DropAnswer).await;
    let before = reads(&at);
    // It shows once a whole reading, of three lists, has not found it.
    let shows = async {
        while reads(&at) < before + 3 {
            tokio::task::yield_now().await;
        }
        at.sim.advance(late);
    };
    let (found, ()) = tokio::join!(at.broker.resolve(&open), shows);
    let found = found.unwrap();
    assert!(matches!(found, Resolution::Found(_)), "{}", found.report());
    assert!(reads(&at) > before + 3, "it was there at once");
}

#[tokio::test]
async fn f31_reads_that_fail_prove_nothing() {
    let at = AtSim::new().await;
    let eurusd = at.instrument("EURUSD").await;
    let open = unknown(&at, &market(&at, &eurusd), Kind::Reset(Moment::AfterRead)).await;
    at.sim
        .tradelocker()
        .faults()
        .add(Fault::new(Route::OrdersHistory, Kind::Html(503)));
    let outcome = at.broker.resolve(&open).await.unwrap();
    let Resolution::Unknown(still, evidence) = outcome else {
        panic!("{}", outcome.report())
    };
    assert_eq!(*still, open);
    assert!(
        evidence.complete_reads == 0 && evidence.failed_reads > 0,
        "{evidence}"
    );
}

#[tokio::test]
async fn many_open_questions_share_their_readings() {
    const ORDERS: usize = 150;
    let at = AtSim::new().await;
    let eurusd = at.instrument("EURUSD").await;
    at.sim
        .tradelocker()
        .faults()
        .add(Fault::new(Route::PlaceOrder, Kind::DropAnswer).share(500_000));
    at.sim.tradelocker().faults().add(Fault::new(
        Route::PlaceOrder,
        Kind::Reset(Moment::AfterRead),
    ));
    let requests: Vec<_> = (0..ORDERS).map(|_| market(&at, &eurusd)).collect();
    let mut open = Vec::new();
    for request in &requests {
        match at.broker.place_order(request).await.unwrap() {
            Submission::Unknown(unclear) => open.push(unclear),
            other => panic!("{other}"),
        }
    }
    let before = reads(&at);
    let outcomes = join_all(open.iter().map(|open| at.broker.resolve(open))).await;
    let placed = at.sim.tradelocker().ledger().placements();
    for (open, outcome) in open.iter().zip(outcomes) {
        let really = placed
            .iter()
            .find(|p| p.strategy_id.as_deref() == Some(open.client_order_id.as_str()));
        match (outcome.unwrap(), really) {
            (Resolution::Found(order), Some(really)) => {
                assert_eq!(order.id.as_str(), really.order_id)
            }
            (Resolution::NotFound(_), None) => {}
            (outcome, really) => panic!("{}: {really:?}", outcome.report()),
        }
    }
    assert!(
        (20..ORDERS).contains(&placed.len()),
        "both happen: {}",
        placed.len()
    );
    // Alone each would have needed about a dozen.
    let readings = (reads(&at) - before) / 3;
    assert!(readings < ORDERS, "{readings}");
}

#[tokio::test]
async fn a_question_of_yesterday_is_answered_at_once() {
    let at = AtSim::new().await;
    let eurusd = at.instrument("EURUSD").await;
    let mut open = unknown(&at, &market(&at, &eurusd), Kind::Reset(Moment::AfterRead)).await;
    open.sent_at -= Duration::from_secs(86_400);
    let outcome = at.broker.resolve(&open).await.unwrap();
    let Resolution::NotFound(evidence) = outcome else {
        panic!("{}", outcome.report())
    };
    assert_eq!(evidence.complete_reads, 3);
}

fn without_labels() -> Settings {
    let mut columns = Columns::default();
    for table in [Table::Orders, Table::OrdersHistory, Table::Positions] {
        let kept: Vec<String> = columns
            .of(table)
            .iter()
            .filter(|id| *id != "strategyId")
            .cloned()
            .collect();
        columns = columns.with(table, kept).unwrap();
    }
    Settings::new()
        .rate_limits(RateLimits::off())
        .columns(columns)
}

#[tokio::test]
async fn without_labels_an_order_is_found_by_what_it_is() {
    let at = AtSim::with(without_labels(), UserSpec::demo()).await;
    at.sim
        .tradelocker()
        .set_price("EURUSD", dec!(1.10000))
        .unwrap();
    let eurusd = at.instrument("EURUSD").await;
    let rest = OrderRequest::limit(&at.account, &eurusd, Side::Buy, lots!(0.10), dec!(1.05));
    let other = OrderRequest::limit(&at.account, &eurusd, Side::Buy, lots!(0.10), dec!(1.04));
    let _ = at.broker.place_order(&other).await.unwrap();
    let open = unknown(&at, &rest, Kind::DropAnswer).await;
    let found = at.broker.resolve(&open).await.unwrap();
    let Resolution::Found(order) = found else {
        panic!("{}", found.report())
    };
    assert_eq!(order.limit_price, Some(Price::new(dec!(1.05))));
    let by_id = at
        .broker
        .order_by_client_id(&at.account, &open.client_order_id)
        .await
        .unwrap_err();
    assert_eq!(by_id.code(), 3010);
}

#[tokio::test]
async fn without_labels_one_that_is_known_to_be_another_is_not_taken() {
    let at = AtSim::with(without_labels(), UserSpec::demo()).await;
    let eurusd = at.instrument("EURUSD").await;
    let known = at.broker.place_order(&market(&at, &eurusd)).await.unwrap();
    assert!(matches!(known, Submission::Accepted(_)));
    let open = unknown(&at, &market(&at, &eurusd), Kind::Reset(Moment::AfterRead)).await;
    let outcome = at.broker.resolve(&open).await.unwrap();
    assert!(
        matches!(outcome, Resolution::NotFound(_)),
        "{}",
        outcome.report()
    );
}

#[tokio::test]
async fn without_labels_two_candidates_stay_unknown() {
    let at = AtSim::with(without_labels(), UserSpec::demo()).await;
    let eurusd = at.instrument("EURUSD").await;
    let first = unknown(&at, &market(&at, &eurusd), Kind::DropAnswer).await;
    let _ = unknown(&at, &market(&at, &eurusd), Kind::DropAnswer).await;
    let outcome = at.broker.resolve(&first).await.unwrap();
    let Resolution::Unknown(_, evidence) = outcome else {
        panic!("{}", outcome.report())
    };
    assert!(evidence.remark.unwrap().contains("2 orders"));
}

#[tokio::test]
async fn an_identifier_that_is_not_there_is_none() {
    let at = AtSim::new().await;
    let id = ClientOrderId::new("nowhere").unwrap();
    assert_eq!(
        at.broker
            .order_by_client_id(&at.account, &id)
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn f8_an_unknown_order_is_not_found_and_not_cancelled() {
    let at = AtSim::new().await;
    let id = wheelhouse_core::BrokerOrderId::new("7100000000000000001").unwrap();
    assert_eq!(
        at.broker.order(&at.account, &id).await.unwrap_err().code(),
        3002
    );
    assert_eq!(
        at.broker
            .cancel_order(&at.account, &id)
            .await
            .unwrap_err()
            .code(),
        3002
    );
}

#[tokio::test]
async fn f48_an_order_of_somebody_else_is_listed_without_an_identifier() {
    let at = AtServer::new().await;
    let orders = at
        .broker
        .all_orders(&at.account, wheelhouse_core::OrderQuery::open())
        .await;
    let orders = orders.unwrap();
    let foreign = orders
        .iter()
        .find(|order| order.id.as_str() == "7100000000907673940");
    assert_eq!(foreign.unwrap().client_order_id, None);
}

#[tokio::test]
async fn a_broker_that_is_away_from_the_start_leaves_the_question_open() {
    let at = AtServer::new().await;
    let btc = at.instrument("BTCUSD").await;
    let request = OrderRequest::market(&at.account, &btc, Side::Buy, lots!(0.02));
    at.body(
        "POST",
        "/trade/accounts/1002003/orders",
        500,
        r#"{"message":"boom"}"#,
    )
    .await;
    let Submission::Unknown(mut open) = at.broker.place_order(&request).await.unwrap() else {
        panic!()
    };
    let restarted = AtServer::new().await;
    restarted
        .body(
            "GET",
            "/auth/jwt/all-accounts",
            500,
            r#"{"message":"boom"}"#,
        )
        .await;
    let outcome = restarted.broker.resolve(&open).await.unwrap();
    assert!(
        matches!(outcome, Resolution::Unknown(..)),
        "{}",
        outcome.report()
    );
    open.request.account = wheelhouse_core::AccountId::new("555").unwrap();
    assert_eq!(at.broker.resolve(&open).await.unwrap_err().code(), 3002);
}

#[tokio::test]
async fn another_brokers_question_is_refused() {
    let at = AtSim::new().await;
    let eurusd = at.instrument("EURUSD").await;
    let mut open = unknown(&at, &market(&at, &eurusd), Kind::DropAnswer).await;
    open.broker = BrokerId::robinhood();
    assert_eq!(at.broker.resolve(&open).await.unwrap_err().code(), 5001);
}

#[tokio::test]
async fn a_position_that_shows_before_its_order_is_never_taken_for_nothing() {
    let at = AtServer::new().await;
    let btc = at.instrument("BTCUSD").await;
    at.answer(
        "GET",
        "/trade/accounts/1002003/orders",
        "trade_orders_empty_200",
    )
    .await;
    at.body(
        "GET",
        "/trade/accounts/1002003/ordersHistory",
        200,
        r#"{"s":"ok","d":{"ordersHistory":[],"hasMore":false}}"#,
    )
    .await;
    let id = ClientOrderId::new("sdk-01HZX0000000000000000002").unwrap();
    at.body(
        "POST",
        "/trade/accounts/1002003/orders",
        500,
        r#"{"message":"boom"}"#,
    )
    .await;
    let request =
        OrderRequest::market(&at.account, &btc, Side::Buy, lots!(0.02)).client_order_id(id);
    let Submission::Unknown(open) = at.broker.place_order(&request).await.unwrap() else {
        panic!()
    };
    let outcome = at.broker.resolve(&open).await.unwrap();
    let Resolution::Unknown(_, evidence) = outcome else {
        panic!("{}", outcome.report())
    };
    assert!(
        evidence
            .remark
            .unwrap()
            .contains("position 7100000000846858725")
    );
}

async fn held(at: &AtSim, size: &str) -> wheelhouse_core::Position {
    let eurusd = at.instrument("EURUSD").await;
    let size = wheelhouse_core::OrderSize::Lots(size.parse().unwrap());
    let request = OrderRequest::market(&at.account, &eurusd, Side::Buy, size);
    let _ = at.broker.place_order(&request).await.unwrap();
    at.broker
        .all_positions(&at.account)
        .await
        .unwrap()
        .remove(0)
}

#[tokio::test]
async fn a_partial_closing_whose_answer_was_lost_is_found_out() {
    let part = Some(Quantity::new(dec!(0.4)));
    for (kind, happened) in [
        (Kind::DropAnswer, true),
        (Kind::Reset(Moment::AfterRead), false),
    ] {
        let at = AtSim::new().await;
        let position = held(&at, "1").await;
        at.sim
            .tradelocker()
            .faults()
            .add(Fault::new(Route::ClosePosition, kind).times(1));
        let role = at.broker.position_trading().unwrap();
        let closing = role
            .close_position(&at.account, &position.id, part)
            .await
            .unwrap();
        let Closing::Unknown(open) = closing else {
            panic!("{closing}")
        };
        assert_eq!(open.held_before, Quantity::new(dec!(1)));
        assert_eq!(
            at.sim.tradelocker().ledger().count(Route::ClosePosition),
            1,
            "sent once"
        );
        match role.resolve_close(&open).await.unwrap() {
            CloseResolution::Closed { remaining } if happened => {
                assert_eq!(remaining.value(), dec!(0.6))
            }
            CloseResolution::NotClosed(evidence) if !happened => {
                assert!(evidence.complete_reads >= 3)
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn closing_the_whole_is_repeated_until_it_is_known() {
    let at = AtSim::new().await;
    let position = held(&at, "1").await;
    at.sim
        .tradelocker()
        .faults()
        .add(Fault::new(Route::ClosePosition, Kind::DropAnswer).times(1));
    let role = at.broker.position_trading().unwrap();
    let closing = role
        .close_position(&at.account, &position.id, None)
        .await
        .unwrap();
    assert!(matches!(closing, Closing::Accepted { .. }), "{closing}");
    assert_eq!(at.sim.tradelocker().ledger().closes().len(), 1);
    assert_eq!(at.sim.tradelocker().ledger().count(Route::ClosePosition), 2);
}

#[tokio::test]
async fn the_time_in_an_identifier_says_how_far_back_to_look() {
    let at = AtSim::new().await;
    let millis = u64::try_from(OffsetDateTime::now_utc().unix_timestamp() - 3_600).unwrap() * 1_000;
    let id = ClientOrderId::generate("whl-", millis, [1; 10]).unwrap();
    assert_eq!(
        at.broker
            .order_by_client_id(&at.account, &id)
            .await
            .unwrap(),
        None
    );
    let requests = at.sim.tradelocker().ledger().requests();
    let history = requests
        .iter()
        .rev()
        .find(|request| request.route == "orders_history")
        .unwrap();
    assert_eq!(history.query, format!("from={}", millis - 3_600_000));
}

// Rows without their last value have no label: an order was called "not placed" that was there.
#[tokio::test]
async fn rows_that_lack_the_label_prove_nothing() {
    let at = AtSim::new().await;
    at.sim
        .tradelocker()
        .set_price("EURUSD", dec!(1.10000))
        .unwrap();
    let eurusd = at.instrument("EURUSD").await;
    for route in [Route::Orders, Route::OrdersHistory] {
        let shorter = Fault::new(route, Kind::Rows(RowFault::Shorter));
        at.sim.tradelocker().faults().add(shorter);
    }
    let rest = OrderRequest::limit(&at.account, &eurusd, Side::Buy, lots!(0.10), dec!(1.05));
    let open = unknown(&at, &rest, Kind::DropAnswer).await;
    let by_id = at
        .broker
        .order_by_client_id(&at.account, &open.client_order_id)
        .await;
    assert_eq!(by_id.unwrap_err().code(), 3010);
    let found = at.broker.resolve(&open).await.unwrap();
    let Resolution::Found(order) = found else {
        panic!("{}", found.report())
    };
    let placed = at.sim.tradelocker().ledger().placements();
    assert_eq!(order.id.as_str(), placed[0].order_id);
}
