//! Orders under fire: ten thousand placements of shares, options and crypto through a proxy that
//! breaks a fifth of them, judged by the ledger of the server.
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "helpers of tests are tests"
)]

mod naive;
mod rig;
mod tally;

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, task::JoinSet};
use wheelhouse_core::{Broker, Error, Resolution, Submission};
use wheelhouse_testkit::ProxyFault;

use rig::{IN_FLIGHT, PLACEMENTS, Rig, Trader, Wish};
use tally::{Outcome, Tally};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ord_1_no_placement_is_doubled_or_lost_when_a_fifth_goes_wrong() {
    let rig = Rig::start().await;
    let traders = rig.traders().await;
    let turns = PLACEMENTS / traders.len();
    let permits = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut users = JoinSet::new();
    for trader in traders {
        users.spawn(place_all(trader, turns, permits.clone()));
    }
    let mut tally = Tally::default();
    let mut sent_again = 0;
    while let Some(done) = users.join_next().await {
        for (outcome, again, took) in done.unwrap() {
            sent_again += usize::from(again);
            tally.add(outcome, took);
        }
    }
    let verdict = tally.against(&rig.ledger());
    let counts = rig.proxy.counts();
    println!("ORD-1: {verdict}; {sent_again} sent again; proxy {counts:?}");

    let sent: u64 = counts.values().sum();
    let sent = sent as usize;
    assert_eq!(
        sent + verdict.not_sent,
        PLACEMENTS + sent_again,
        "each is sent once, and once more where the broker deduplicates and it was asked for"
    );
    // Every hundred requests have twenty faults.
    assert!(rig.proxy.faults() as usize >= sent / 100 * 20, "{counts:?}");
    for fault in ProxyFault::ALL {
        assert!(counts[&fault] >= 200, "{counts:?}");
    }
    assert!(sent_again >= 300, "{sent_again}");
    assert_eq!(verdict.reported, PLACEMENTS, "{verdict}");
    assert_eq!(verdict.duplicated, 0, "{verdict}");
    assert_eq!(verdict.lost, 0, "{verdict}");
    assert_eq!(verdict.made_up, 0, "{verdict}");
    assert_eq!(verdict.left_unknown, 0, "{verdict}");
    assert_eq!(verdict.unknown_for_over_a_minute, 0, "{verdict}");
    assert!(
        verdict.unknown_at_first >= 1_000,
        "the proxy is too kind: {verdict}"
    );
}

type Told = (Outcome, bool, Duration);

/// Places the orders of one user, one after the other, and finds out about those that are not known
/// meanwhile, as a program does.
async fn place_all(trader: Arc<Trader>, turns: usize, permits: Arc<Semaphore>) -> Vec<Told> {
    let mut settling = JoinSet::new();
    for turn in 0..turns {
        let wish = trader.wish(turn);
        let permit = permits.acquire().await.unwrap();
        let mut placed = trader.place(&wish).await;
        let placed_at = trader.clock.monotonic();
        let unclear = matches!(placed, Ok(Submission::Unknown(_)));
        let again = unclear && wish.again;
        if again {
            placed = trader.place(&wish).await;
        }
        drop(permit);
        let trader = trader.clone();
        settling.spawn(async move {
            let mut outcome = settled(&trader, &wish, placed).await;
            if unclear {
                outcome = outcome.resolved();
            }
            (outcome, again, trader.clock.monotonic() - placed_at)
        });
    }
    settling.join_all().await
}

async fn settled(trader: &Trader, wish: &Wish, placed: Result<Submission, Error>) -> Outcome {
    let id = wish.label();
    match placed {
        Ok(Submission::Accepted(order)) => Outcome::accepted(id, order.id),
        Ok(Submission::Rejected(_)) => Outcome::refused(id),
        Err(_) => Outcome::not_sent(id),
        Ok(Submission::Unknown(open)) => match trader.broker.resolve(&open).await {
            Ok(Resolution::Found(order)) => Outcome::accepted(id, order.id),
            Ok(Resolution::NotFound(_)) => Outcome::refused(id),
            Ok(_) => Outcome::unknown(id),
            Err(error) => panic!("{error}"),
        },
        Ok(other) => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ord_2_a_client_that_tries_again_doubles_hundreds_on_the_same_rig() {
    let rig = Rig::start().await;
    let clients = naive::Client::of_all(&rig).await;
    // Half as many as there are at once in the other test, which runs beside it.
    let permits = Arc::new(Semaphore::new(IN_FLIGHT / 2));
    let mut placing = JoinSet::new();
    for client in clients {
        let permits = permits.clone();
        placing.spawn(async move {
            for turn in 0..PLACEMENTS / rig::USERS {
                let _permit = permits.acquire().await.unwrap();
                client.place(turn).await;
            }
        });
    }
    while let Some(done) = placing.join_next().await {
        done.unwrap();
    }
    let (placed, wishes) = rig.wishes();
    let duplicated = placed - wishes;
    println!(
        "ORD-2: {placed} orders for {wishes} wishes, {duplicated} duplicated; proxy {:?}",
        rig.proxy.counts()
    );
    assert!(duplicated >= 500, "the proxy is too kind: {duplicated}");
}
