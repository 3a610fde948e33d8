//! Orders under fire: ten thousand placements over both versions of the Crypto Trading API, through
//! proxies that break a fifth of them, judged by the ledgers of the servers.
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "helpers of tests are tests"
)]

mod naive;
mod rig;

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio::{sync::Semaphore, task::JoinSet};
use wheelhouse_robinhood::CryptoApiVersion;
use wheelhouse_sim::robinhood_crypto::Duplicate;
use wheelhouse_testkit::{DrillReport, LedgerEntry, OrderDrill, TestFailure, TestResult};

use rig::Rig;

const PLACEMENTS: usize = 10_000;
const IN_FLIGHT: usize = 32;
/// At so many servers at a time: the others would only make the answers of these wait.
const SERVERS_AT_ONCE: usize = 2;
/// So many at once, where another run needs the machine more.
const FEW_IN_FLIGHT: usize = 12;

/// What a server may do with a second order of a known identifier: nobody outside knows which. The
/// first is the one at which anything that is sent twice is there twice.
const SERVERS: [Duplicate; 4] = [
    Duplicate::Another,
    Duplicate::SameOrder,
    Duplicate::Refuse(409),
    Duplicate::Refuse(400),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ord_1_no_placement_is_doubled_or_lost_when_a_fifth_goes_wrong() -> TestResult {
    let turns = Arc::new(Semaphore::new(SERVERS_AT_ONCE));
    let mut runs = JoinSet::new();
    for version in [CryptoApiVersion::V1, CryptoApiVersion::V2] {
        for duplicate in SERVERS {
            runs.spawn(under_fire(version, duplicate, turns.clone()));
        }
    }
    let mut all = DrillReport::default();
    while let Some(done) = runs.join_next().await {
        let (server, report) = done.unwrap()?;
        println!("ORD-1 {server}: {report}");
        all.merge(report);
    }
    println!("ORD-1: {all}");
    all.check()?;
    all.check_deck(20, 200)?;
    assert_eq!(all.outcomes, PLACEMENTS, "{all}");
    let unclear = all.unknown_at_first;
    assert!(unclear >= 1_500, "the proxies are too kind: {all}");
    Ok(())
}

/// An eighth of the placements, at one of the servers that there may be.
async fn under_fire(
    version: CryptoApiVersion,
    duplicate: Duplicate,
    turns: Arc<Semaphore>,
) -> Result<(String, DrillReport), TestFailure> {
    let many = PLACEMENTS / SERVERS.len() / 2;
    let rig = Rig::start(version, duplicate).await;
    let turn = turns.acquire().await.unwrap();
    let traders = rig.traders().await;
    let mut drill = OrderDrill::new(rig.clock.clone()).in_flight(IN_FLIGHT / SERVERS_AT_ONCE);
    for number in 0..many {
        let trader = &traders[number % traders.len()];
        drill.place(trader.order(number)).await;
    }
    // What is not known yet is looked for while others place.
    drop(turn);
    let report = drill.report(|| rig.ledger()).await.through(&rig.proxy);
    report.check()?;
    report.check_deck(20, 0)?;
    let sent = report.requests() as usize;
    assert_eq!(sent + report.not_sent, many, "each is sent once");
    assert_eq!(report.outcomes, many, "{report}");
    Ok((format!("{version} {duplicate:?}"), report))
}

/// A program that was restarted and places again what it wanted: where the server knows the
/// identifier, by whatever it says, the first order is adopted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ord_1_orders_that_are_wanted_again_after_a_restart_are_adopted_and_not_doubled()
-> TestResult {
    let mut runs = JoinSet::new();
    for version in [CryptoApiVersion::V1, CryptoApiVersion::V2] {
        for duplicate in &SERVERS[1..] {
            runs.spawn(wanted_again(version, *duplicate));
        }
    }
    while let Some(done) = runs.join_next().await {
        done.unwrap()?;
    }
    Ok(())
}

async fn wanted_again(version: CryptoApiVersion, duplicate: Duplicate) -> TestResult {
    const ORDERS: usize = 200;
    let rig = Rig::start(version, duplicate).await;
    let before = rig.traders().await;
    let after = rig.traders().await;
    let mut drill = OrderDrill::new(rig.clock.clone()).in_flight(1);
    for number in 0..ORDERS {
        let of = number % before.len();
        // Nobody looks at what came of it: the program is gone.
        let _ = before[of]
            .broker
            .place_order(&before[of].request(number))
            .await;
        drill.place(after[of].order(number)).await;
    }
    let report = drill.report(|| rig.ledger()).await;
    report.check()?;
    assert_eq!(report.outcomes, ORDERS, "{report}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ord_2_a_client_that_tries_again_doubles_hundreds_on_the_same_rig() {
    let rig = Rig::start(CryptoApiVersion::V2, Duplicate::Another).await;
    let client = naive::Client::new(&rig);
    let placing = stream::iter(0..PLACEMENTS);
    let placing = placing.for_each_concurrent(FEW_IN_FLIGHT, |number| client.place(number));
    placing.await;
    let duplicated = LedgerEntry::duplicates(&rig.ledger());
    println!(
        "ORD-2: {duplicated} duplicated; proxy {:?}",
        rig.proxy.counts()
    );
    assert!(duplicated >= 500, "the proxy is too kind: {duplicated}");
}
