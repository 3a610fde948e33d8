use std::{sync::Arc, time::Duration};

use wheelhouse_core::ClientOrderId;
use wheelhouse_testkit::{
    DrillOrder, DrillReport, LedgerEntry, MockBroker, Operation, OrderDrill, PlacementAnswer,
    ScaledClock, fixtures,
};

const ORDERS: usize = 40;
const MINUTE: Duration = Duration::from_secs(60);

fn lost(placed: bool, unclear: u32) -> PlacementAnswer {
    PlacementAnswer::Lost { placed, unclear }
}

fn order(mock: &MockBroker, number: usize) -> DrillOrder {
    let id = ClientOrderId::new(format!("drill-{number}")).unwrap();
    let request = fixtures::limit_request().client_order_id(id.clone());
    DrillOrder::new(Arc::new(mock.clone()), request, id)
}

fn ledger(mock: &MockBroker) -> Vec<LedgerEntry> {
    let orders = mock.ledger().into_iter();
    orders
        .map(|order| LedgerEntry::new(order.client_order_id.unwrap(), order.id))
        .collect()
}

/// Places one order after the other. The answers to the first ones are given.
async fn drill(
    answers: impl IntoIterator<Item = PlacementAnswer>,
    doctored: impl FnOnce(&mut Vec<LedgerEntry>),
) -> DrillReport {
    let mock = MockBroker::builder().with_fixtures().build();
    let mut answers = answers.into_iter();
    let mut drill = OrderDrill::new(Arc::new(ScaledClock::new(60))).in_flight(1);
    for number in 0..ORDERS {
        answers
            .by_ref()
            .take(1)
            .for_each(|it| mock.next_placement(it));
        drill.place(order(&mock, number)).await;
    }
    let report = drill.report(|| {
        let mut ledger = ledger(&mock);
        doctored(&mut ledger);
        ledger
    });
    report.await
}

#[tokio::test]
async fn a_client_that_finds_out_about_lost_answers_passes() {
    let refused = PlacementAnswer::insufficient_funds();
    let report = drill([lost(true, 0), lost(false, 0), refused], |_| {}).await;
    report.check().unwrap();
    assert_eq!((report.begun, report.outcomes), (ORDERS, ORDERS));
    assert_eq!((report.placed, report.not_placed), (ORDERS - 2, 2));
    assert_eq!(report.unknown_at_first, 2);
}

#[tokio::test]
async fn a_ledger_with_another_order_shows_a_duplicate_and_a_lost_one() {
    let report = drill([], |ledger| {
        ledger.push(LedgerEntry::new("drill-7", "double"))
    })
    .await;
    assert_eq!((report.duplicated, report.lost, report.made_up), (1, 1, 0));
    let failure = report.check().unwrap_err();
    assert!(
        failure.message().starts_with("orders are duplicated"),
        "{failure}"
    );
    let report = drill([], |ledger| {
        ledger.push(LedgerEntry::new("strange", "other"))
    })
    .await;
    assert_eq!((report.duplicated, report.lost, report.made_up), (0, 1, 0));
    report.check().unwrap_err();
}

#[tokio::test]
async fn a_ledger_without_an_order_shows_that_it_is_made_up() {
    let report = drill([], |ledger| _ = ledger.pop()).await;
    assert_eq!((report.duplicated, report.lost, report.made_up), (0, 0, 1));
    report.check().unwrap_err();
}

#[tokio::test]
async fn an_order_that_cannot_be_found_out_is_left_unknown() {
    let report = drill([lost(false, u32::MAX)], |_| {}).await;
    assert_eq!((report.left_unknown.len(), report.lost), (1, 0));
    assert!(report.left_unknown[0].starts_with("drill-0: "), "{report}");
    report.check().unwrap_err();
}

#[tokio::test]
async fn an_order_is_placed_once_more_where_that_was_asked_for() {
    let mock = MockBroker::builder().with_fixtures().build();
    let mut drill = OrderDrill::new(Arc::new(ScaledClock::new(60)));
    mock.next_placement(lost(false, 0));
    drill
        .place(order(&mock, 0).again().known_within(MINUTE))
        .await;
    let report = drill.report(|| ledger(&mock)).await;
    report.check().unwrap();
    assert_eq!(mock.count(Operation::PlaceOrder), 2);
    assert_eq!((report.placed, report.sent_again), (1, 1));
    assert_eq!(report.waits[&MINUTE].orders, 1);
}

#[tokio::test]
async fn orders_placed_in_turn_are_placed_in_their_order_and_all_settled() {
    let mock = MockBroker::builder().with_fixtures().build();
    mock.next_placement(lost(true, 0));
    let mut drill = OrderDrill::new(Arc::new(ScaledClock::new(60)));
    let orders: Vec<_> = (0..ORDERS).map(|number| order(&mock, number)).collect();
    drill.place_in_turn(orders);
    let report = drill.report(|| ledger(&mock)).await;
    report.check().unwrap();
    assert_eq!((report.placed, report.unknown_at_first), (ORDERS, 1));
    let labels: Vec<_> = ledger(&mock).into_iter().map(|it| it.label).collect();
    let in_turn: Vec<_> = (0..ORDERS)
        .map(|number| format!("drill-{number}"))
        .collect();
    assert_eq!(labels, in_turn);
}

#[tokio::test]
async fn figures_of_several_drills_add_up() {
    let mut sum = drill([lost(true, 0)], |_| {}).await;
    sum.merge(drill([lost(false, u32::MAX)], |ledger| _ = ledger.pop()).await);
    assert_eq!((sum.begun, sum.placed), (2 * ORDERS, 2 * ORDERS - 1));
    assert_eq!((sum.made_up, sum.left_unknown.len()), (1, 1));
    assert_eq!(sum.waits.values().map(|wait| wait.orders).sum::<usize>(), 2);
}
