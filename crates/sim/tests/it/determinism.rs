use std::time::Duration;

use time::OffsetDateTime;
use wheelhouse_sim::{Fault, Kind, Sim, Start, tradelocker::Route};

use crate::rig::{Rig, market};

/// Every answer of a short life, with a fifth of the quotes lost.
async fn life(seed: u64) -> Vec<String> {
    let at = OffsetDateTime::from_unix_timestamp(1_893_456_000).unwrap();
    let rig = Rig::of(Sim::builder().seed(seed).time(Start::Frozen(at))).await;
    rig.broker()
        .faults()
        .add(Fault::new(Route::Quotes, Kind::DropAnswer).share(200_000));
    let mut answers = vec![rig.token.clone()];
    for _ in 0..20 {
        rig.sim.advance(Duration::from_secs(2));
        let path = "/trade/quotes?routeId=452&tradableInstrumentId=206";
        answers.push(String::from_utf8(rig.bytes("GET", path, "").await.unwrap()).unwrap());
        answers.push(rig.place(market("buy", 0.01)).await.text());
    }
    answers.push(rig.table("positions").await.to_string());
    answers.push(rig.table("state").await.to_string());
    answers
}

#[tokio::test]
async fn one_seed_gives_one_life_and_another_seed_another() {
    let first = life(3).await;
    assert_eq!(first, life(3).await);
    assert_ne!(first, life(4).await);
    let lost = first.iter().filter(|answer| answer.is_empty()).count();
    assert!((1..=10).contains(&lost), "{lost}");
}

#[tokio::test]
async fn frozen_time_stands_still_and_advances_by_what_is_added() {
    let at = OffsetDateTime::from_unix_timestamp(1_893_456_000).unwrap();
    let rig = Rig::of(Sim::builder().time(Start::Frozen(at))).await;
    assert_eq!(rig.sim.now(), at);
    let before = rig.broker().quote("BTCUSD").unwrap();
    assert_eq!(rig.broker().quote("BTCUSD").unwrap(), before);
    rig.sim.advance(Duration::from_secs(90));
    assert_eq!(rig.sim.now() - at, Duration::from_secs(90));
    assert_ne!(rig.broker().quote("BTCUSD").unwrap(), before);
    for seconds in [95, 60] {
        rig.sim.advance_to(at + Duration::from_secs(seconds));
        assert_eq!(rig.sim.now() - at, Duration::from_secs(95));
    }
}
