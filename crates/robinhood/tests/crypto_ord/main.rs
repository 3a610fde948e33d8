//! Orders under fire: ten thousand placements over both versions of the Crypto Trading API, through
//! proxies that break a fifth of them, judged by the ledgers of the servers.
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "helpers of tests are tests"
)]

mod naive;
mod rig;
#[path = "../ord/tally.rs"]
mod tally;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::sync::Semaphore;
use wheelhouse_core::{Broker, Error, OrderRequest, Resolution, Submission};
use wheelhouse_robinhood::{CryptoApiVersion, RobinhoodCrypto};
use wheelhouse_sim::robinhood_crypto::Duplicate;
use wheelhouse_testkit::ProxyFault;

use rig::{Rig, Trader};
use tally::{Outcome, Tally, Verdict};

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
async fn ord_1_no_placement_is_doubled_or_lost_when_a_fifth_goes_wrong() {
    let turns = Arc::new(Semaphore::new(SERVERS_AT_ONCE));
    let mut runs = tokio::task::JoinSet::new();
    for version in [CryptoApiVersion::V1, CryptoApiVersion::V2] {
        for duplicate in SERVERS {
            runs.spawn(nothing_is_doubled_or_lost(
                version,
                duplicate,
                turns.clone(),
            ));
        }
    }
    let mut counts = BTreeMap::<ProxyFault, u64>::new();
    let (mut reported, mut unknown_at_first) = (0, 0);
    while let Some(done) = runs.join_next().await {
        let (server, verdict, proxied) = done.unwrap();
        println!("ORD-1 {server}: {verdict}");
        reported += verdict.reported;
        unknown_at_first += verdict.unknown_at_first;
        for (fault, count) in proxied {
            *counts.entry(fault).or_default() += count;
        }
    }
    println!("ORD-1: {reported} reported, {unknown_at_first} unknown at first; proxies {counts:?}");
    assert_eq!(reported, PLACEMENTS);
    for fault in ProxyFault::ALL {
        assert!(counts[&fault] >= 200, "{counts:?}");
    }
    assert!(
        unknown_at_first >= 1_500,
        "the proxies are too kind: {unknown_at_first}"
    );
}

/// An eighth of the placements, at one of the servers that there may be.
async fn nothing_is_doubled_or_lost(
    version: CryptoApiVersion,
    duplicate: Duplicate,
    turns: Arc<Semaphore>,
) -> (String, Verdict, BTreeMap<ProxyFault, u64>) {
    let many = PLACEMENTS / SERVERS.len() / 2;
    let rig = Rig::start(version, duplicate).await;
    let verdict = placed(&rig, many, turns).await;
    let counts = rig.proxy.counts();
    let sent: u64 = counts.values().sum();
    assert_eq!(sent as usize + verdict.not_sent, many, "each is sent once");
    // Every hundred requests have twenty faults.
    assert!(rig.proxy.faults() >= sent / 100 * 20, "{counts:?}");
    assert_eq!(verdict.reported, many, "{verdict}");
    assert_eq!(verdict.duplicated, 0, "{verdict}");
    assert_eq!(verdict.lost, 0, "{verdict}");
    assert_eq!(verdict.made_up, 0, "{verdict}");
    assert_eq!(verdict.left_unknown, 0, "{verdict}");
    assert_eq!(verdict.unknown_for_over_a_minute, 0, "{verdict}");
    (format!("{version} {duplicate:?}"), verdict, counts)
}

/// Places orders, many at once, and finds out what is not known, as a program does.
async fn placed(rig: &Rig, many: usize, turns: Arc<Semaphore>) -> Verdict {
    let turn = turns.acquire().await.unwrap();
    let permits = Arc::new(Semaphore::new(IN_FLIGHT / SERVERS_AT_ONCE));
    let traders = rig.traders().await;
    let mut placing = tokio::task::JoinSet::new();
    for number in 0..many {
        let permit = permits.clone().acquire_owned().await.unwrap();
        let trader = traders[number % traders.len()].clone();
        let request = trader.request(number);
        placing.spawn(async move {
            let placed = trader.broker.place_order(&request).await;
            drop(permit);
            let placed_at = trader.now();
            let outcome = settled(&trader.broker, &request, placed).await;
            (outcome, trader.now() - placed_at)
        });
    }
    // What is not known yet is looked for while others place.
    drop(turn);
    let mut tally = Tally::default();
    while let Some(done) = placing.join_next().await {
        let (outcome, took) = done.unwrap();
        tally.add(outcome, took);
    }
    tally.against(&rig.ledger())
}

async fn settled(
    broker: &RobinhoodCrypto,
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

/// A program that was restarted and places again what it wanted: where the server knows the
/// identifier, by whatever it says, the first order is adopted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ord_1_orders_that_are_wanted_again_after_a_restart_are_adopted_and_not_doubled() {
    let permits = Arc::new(Semaphore::new(FEW_IN_FLIGHT));
    let mut runs = tokio::task::JoinSet::new();
    for version in [CryptoApiVersion::V1, CryptoApiVersion::V2] {
        for duplicate in &SERVERS[1..] {
            runs.spawn(wanted_again(version, *duplicate, permits.clone()));
        }
    }
    while let Some(done) = runs.join_next().await {
        done.unwrap();
    }
}

async fn wanted_again(version: CryptoApiVersion, duplicate: Duplicate, permits: Arc<Semaphore>) {
    const ORDERS: usize = 200;
    let rig = Rig::start(version, duplicate).await;
    let before = rig.traders().await;
    let after = rig.traders().await;
    let mut placing = tokio::task::JoinSet::new();
    for number in 0..ORDERS {
        let permit = permits.clone().acquire_owned().await.unwrap();
        let (first, second): (Arc<Trader>, Arc<Trader>) = (
            before[number % before.len()].clone(),
            after[number % after.len()].clone(),
        );
        placing.spawn(async move {
            let request = first.request(number);
            // Nobody looks at what came of it: the program is gone.
            let _ = first.broker.place_order(&request).await;
            let again = second.broker.place_order(&request).await;
            drop(permit);
            settled(&second.broker, &request, again).await
        });
    }
    let mut tally = Tally::default();
    while let Some(done) = placing.join_next().await {
        tally.add(done.unwrap(), Duration::ZERO);
    }
    let verdict = tally.against(&rig.ledger());
    assert_eq!(verdict.reported, ORDERS, "{verdict}");
    assert_eq!(verdict.duplicated, 0, "{verdict}");
    assert_eq!((verdict.lost, verdict.made_up), (0, 0), "{verdict}");
    assert_eq!(verdict.left_unknown, 0, "{verdict}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ord_2_a_client_that_tries_again_doubles_hundreds_on_the_same_rig() {
    let rig = Rig::start(CryptoApiVersion::V2, Duplicate::Another).await;
    let client = naive::Client::new(&rig);
    let permits = Arc::new(Semaphore::new(FEW_IN_FLIGHT));
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
