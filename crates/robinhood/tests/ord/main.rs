//! Orders under fire: ten thousand placements of shares, options and crypto through a proxy that
//! breaks a fifth of them, judged by the ledger of the server.
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "helpers of tests are tests"
)]

mod naive;
mod rig;

use futures_util::{StreamExt, stream};
use wheelhouse_testkit::{LedgerEntry, OrderDrill, TestResult};

use rig::{IN_FLIGHT, PLACEMENTS, Rig};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ord_1_no_placement_is_doubled_or_lost_when_a_fifth_goes_wrong() -> TestResult {
    let rig = Rig::start().await;
    let traders = rig.traders().await;
    let turns = PLACEMENTS / traders.len();
    let mut drill = OrderDrill::new(rig.clock.clone()).in_flight(IN_FLIGHT);
    for trader in traders {
        drill.place_in_turn((0..turns).map(move |turn| trader.order(turn)));
    }
    let report = drill.report(|| rig.ledger()).await.through(&rig.proxy);
    println!("ORD-1: {report}");
    report.check()?;
    report.check_deck(20, 200)?;
    assert_eq!(
        report.requests() as usize + report.not_sent,
        PLACEMENTS + report.sent_again,
        "each is sent once, and once more where the broker deduplicates and it was asked for"
    );
    assert_eq!(report.outcomes, PLACEMENTS, "{report}");
    assert!(report.sent_again >= 300, "{report}");
    let unclear = report.unknown_at_first;
    assert!(unclear >= 1_000, "the proxy is too kind: {report}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ord_2_a_client_that_tries_again_doubles_hundreds_on_the_same_rig() {
    let rig = Rig::start().await;
    let clients = naive::Client::of_all(&rig).await;
    let placing = stream::iter(0..PLACEMENTS);
    // Half as many as there are at once in the other test, which runs beside it.
    let placing = placing.for_each_concurrent(IN_FLIGHT / 2, |number| {
        clients[number % clients.len()].place(number / clients.len())
    });
    placing.await;
    let duplicated = LedgerEntry::duplicates(&rig.wishes());
    println!(
        "ORD-2: {duplicated} duplicated; proxy {:?}",
        rig.proxy.counts()
    );
    assert!(duplicated >= 500, "the proxy is too kind: {duplicated}");
}
