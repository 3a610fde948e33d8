//! Orders under fire: ten thousand placements through a proxy that breaks a fifth of them, judged by
//! the ledger of the server.
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
    let mut drill = OrderDrill::new(rig.clock.clone()).in_flight(IN_FLIGHT);
    for number in 0..PLACEMENTS {
        let trader = &traders[number % traders.len()];
        drill.place(trader.order(number / traders.len())).await;
    }
    let report = drill.report(|| rig.ledger()).await.through(&rig.proxy);
    println!("ORD-1: {report}");
    report.check()?;
    report.check_deck(20, 200)?;
    let sent = report.requests() as usize;
    assert_eq!(sent + report.not_sent, PLACEMENTS, "each is sent once");
    assert_eq!(report.outcomes, PLACEMENTS, "{report}");
    let unclear = report.unknown_at_first;
    assert!(unclear >= 1_500, "the proxy is too kind: {report}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ord_2_a_client_that_tries_again_doubles_hundreds_on_the_same_rig() {
    let rig = Rig::start().await;
    let client = naive::Client::log_in(&rig).await;
    let placing = stream::iter(0..PLACEMENTS);
    // Half as many as there are at once in the other test, which runs beside it.
    let placing = placing.for_each_concurrent(IN_FLIGHT / 2, |number| client.place(number));
    placing.await;
    let duplicated = LedgerEntry::duplicates(&rig.ledger());
    println!(
        "ORD-2: {duplicated} duplicated; proxy {:?}",
        rig.proxy.counts()
    );
    assert!(duplicated >= 500, "the proxy is too kind: {duplicated}");
}
