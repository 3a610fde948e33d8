//! Orders under fire: ten thousand placements through a proxy that breaks a fifth of them, judged by
//! the ledger of the server.
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "helpers of tests are tests"
)]

mod naive;
mod rig;
mod tally;

use std::sync::Arc;

use tokio::sync::Semaphore;
use wheelhouse_core::{Broker, Error, OrderRequest, Resolution, Submission};
use wheelhouse_testkit::ProxyFault;
use wheelhouse_tradelocker::TradeLocker;

use rig::{IN_FLIGHT, PLACEMENTS, Rig};
use tally::{Outcome, Tally};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ord_1_no_placement_is_doubled_or_lost_when_a_fifth_goes_wrong() {
    let rig = Rig::start().await;
    let traders = rig.traders().await;
    let permits = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut placing = tokio::task::JoinSet::new();
    for number in 0..PLACEMENTS {
        let permit = permits.clone().acquire_owned().await.unwrap();
        let trader = traders[number % traders.len()].clone();
        let request = trader.request(number / traders.len());
        placing.spawn(async move {
            let placed = trader.broker.place_order(&request).await;
            drop(permit);
            let placed_at = trader.clock.monotonic();
            let outcome = settled(&trader.broker, &request, placed).await;
            (outcome, trader.clock.monotonic() - placed_at)
        });
    }
    let mut tally = Tally::default();
    while let Some(done) = placing.join_next().await {
        let (outcome, took) = done.unwrap();
        tally.add(outcome, took);
    }
    let verdict = tally.against(&rig.ledger());
    println!("ORD-1: {verdict}; proxy {:?}", rig.proxy.counts());

    let counts = rig.proxy.counts();
    let sent: u64 = counts.values().sum();
    let sent = sent as usize;
    assert_eq!(sent + verdict.not_sent, PLACEMENTS, "each is sent once");
    // Every hundred requests have twenty faults.
    assert!(rig.proxy.faults() as usize >= sent / 100 * 20, "{counts:?}");
    for fault in ProxyFault::ALL {
        assert!(counts[&fault] >= 200, "{counts:?}");
    }
    assert_eq!(verdict.reported, PLACEMENTS, "{verdict}");
    assert_eq!(verdict.duplicated, 0, "{verdict}");
    assert_eq!(verdict.lost, 0, "{verdict}");
    assert_eq!(verdict.made_up, 0, "{verdict}");
    assert_eq!(verdict.left_unknown, 0, "{verdict}");
    assert_eq!(verdict.unknown_for_over_a_minute, 0, "{verdict}");
    assert!(
        verdict.unknown_at_first >= 1_500,
        "the proxy is too kind: {verdict}"
    );
}

/// Finds out what is not known, as a program does.
async fn settled(
    broker: &TradeLocker,
    request: &OrderRequest,
    placed: Result<Submission, Error>,
) -> Outcome {
    let id = request.client_order_id.clone().unwrap();
    match placed {
        Ok(Submission::Accepted(order)) => Outcome::accepted(id, order.id),
        Ok(Submission::Rejected(_)) => Outcome::refused(id),
        Err(_) => Outcome::not_sent(id),
        Ok(Submission::Unknown(open)) => match broker.resolve(&open).await {
            Ok(Resolution::Found(order)) => Outcome::accepted(id, order.id).resolved(),
            Ok(Resolution::NotFound(_)) => Outcome::refused(id).resolved(),
            _ => Outcome::unknown(id),
        },
        Ok(other) => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ord_2_a_client_that_tries_again_doubles_hundreds_on_the_same_rig() {
    let rig = Rig::start().await;
    let client = naive::Client::log_in(&rig).await;
    let permits = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut placing = tokio::task::JoinSet::new();
    for number in 0..PLACEMENTS {
        let permit = permits.clone().acquire_owned().await.unwrap();
        let client = client.clone();
        placing.spawn(async move {
            client.place(number).await;
            drop(permit);
        });
    }
    while let Some(done) = placing.join_next().await {
        done.unwrap();
    }
    let duplicated = tally::duplicates(&rig.ledger());
    println!(
        "ORD-2: {duplicated} duplicated; proxy {:?}",
        rig.proxy.counts()
    );
    assert!(duplicated >= 500, "the proxy is too kind: {duplicated}");
}
