use std::{sync::Arc, time::Duration};

use proptest::prelude::*;
use wheelhouse_core::{Clock, Effect, ErrorKind, RetryAdvice};
use wheelhouse_http::{RetryPolicy, Sent};

use crate::{
    peer::{Peer, json, ok},
    support::{
        CANCEL, Fixed, ManualClock, OpenLimiter, PLACE, READ, SkipClock, builder, call, target,
    },
};

const MINE: &str = r#"{"s":"error"}"#;

#[tokio::test]
async fn f14_a_read_is_tried_three_times_and_the_last_answer_is_the_adapters() {
    for status in ["500 x", "502 x", "503 x", "504 x"] {
        let peer = Peer::answering(vec![json(status, "", MINE)]).await;
        let answer = call(&peer.url(), &READ).await.unwrap();
        assert_eq!(answer.status().to_string(), status[..3]);
        assert_eq!(
            answer.status_error().unwrap().kind(),
            ErrorKind::BrokerFailure
        );
        assert_eq!(peer.journal.count(), 3, "{status}");
    }
}

#[tokio::test]
async fn f14_a_read_that_recovers_is_an_answer() {
    let peer = Peer::answering(vec![json("502 x", "", MINE), ok()]).await;
    assert_eq!(call(&peer.url(), &READ).await.unwrap().status(), 200);
    assert_eq!(call(&peer.url(), &CANCEL).await.unwrap().status(), 200);
    assert_eq!(peer.journal.count(), 3);
}

#[tokio::test]
async fn an_answer_says_whether_an_earlier_attempt_may_have_changed_something() {
    let refusal = || json("404 x", "", MINE);
    for (earlier, unclear) in [
        (vec![], false),
        (vec![json("429 x", "", MINE)], false),
        (vec![json("502 x", "", MINE)], true),
        (vec![json("429 x", "", MINE), json("502 x", "", MINE)], true),
        (vec![json("502 x", "", MINE), json("429 x", "", MINE)], true),
    ] {
        let attempts = earlier.len() + 1;
        let answers: Vec<_> = earlier.into_iter().chain([refusal()]).collect();
        let peer = Peer::answering(answers.clone()).await;
        let answer = call(&peer.url(), &CANCEL).await.unwrap();
        assert_eq!(peer.journal.count(), attempts);
        assert_eq!((answer.status(), answer.earlier_unclear()), (404, unclear));
        // A read changes nothing, however often it is sent.
        let peer = Peer::answering(answers).await;
        assert!(!call(&peer.url(), &READ).await.unwrap().earlier_unclear());
    }
}

#[tokio::test]
async fn a_placement_is_sent_once_whatever_is_answered() {
    for status in [
        "200 x", "201 x", "204 x", "400 x", "401 x", "403 x", "404 x", "409 x", "422 x", "429 x",
        "500 x", "502 x", "503 x", "504 x",
    ] {
        let body = if status.starts_with("204") { "" } else { MINE };
        let peer = Peer::answering(vec![json(status, "retry-after: 1\r\n", body)]).await;
        let answer = call(&peer.url(), &PLACE).await.unwrap();
        assert_eq!(answer.status().to_string(), status[..3]);
        assert_eq!(peer.journal.count(), 1, "{status}");
    }
}

#[tokio::test]
async fn other_refusals_are_not_tried_again() {
    for status in ["400 x", "403 x", "404 x", "409 x", "422 x", "501 x"] {
        let peer = Peer::answering(vec![json(status, "", MINE)]).await;
        assert!(!call(&peer.url(), &READ).await.unwrap().is_success());
        assert_eq!(peer.journal.count(), 1, "{status}");
    }
}

/// Answers 429 with `headers` once, and returns the virtual time that passed and what came out.
async fn after_429(
    headers: &str,
    random: u8,
) -> (Duration, Result<u16, wheelhouse_http::CallError>) {
    after(vec![json("429 x", headers, MINE), ok()], random).await
}

async fn after(
    answers: Vec<Vec<u8>>,
    random: u8,
) -> (Duration, Result<u16, wheelhouse_http::CallError>) {
    let peer = Peer::answering(answers).await;
    let clock = Arc::new(SkipClock::default());
    let client = builder(&peer.url())
        .clock(clock.clone())
        .random(Arc::new(Fixed(random)))
        .build()
        .unwrap();
    let result = client.call(&READ, &target(&peer.url())).send().await;
    (clock.monotonic(), result.map(|answer| answer.status()))
}

#[tokio::test]
async fn f12_f49_the_tries_at_a_limit_that_does_not_say_how_long_last_over_a_second() {
    for random in [0, 255] {
        let limited = || json("429 x", "", MINE);
        let (waited, result) = after(vec![limited(), limited(), ok()], random).await;
        assert_eq!(result.unwrap(), 200);
        let (least, most) = (Duration::from_millis(1_500), Duration::from_secs(3));
        assert!((least..=most).contains(&waited), "{waited:?}");
    }
}

#[tokio::test]
async fn ord_7_a_servers_wait_is_kept_within_the_own_backoff_and_the_cap() {
    let own = RetryPolicy::default().first_when_limited.mul_f64(0.5);
    let cap = RetryPolicy::default().server_cap;
    for (headers, wait) in [
        ("", 0),
        ("retry-after: 0\r\n", 0),
        ("retry-after: 3\r\n", 3),
        ("retry-after: 60\r\n", 60),
        ("retry-after: -1\r\n", 0),
        ("retry-after: abc\r\n", 0),
        ("retry-after: 3\r\nretry-after: 120\r\n", 0),
        (
            "date: Sun, 22 Nov 2026 10:00:00 GMT\r\nretry-after: Sun, 22 Nov 2026 10:00:07 GMT\r\n",
            7,
        ),
        // The server's clock is a day behind; only its own difference counts.
        (
            "date: Sat, 21 Nov 2026 10:00:00 GMT\r\nretry-after: Sat, 21 Nov 2026 10:00:07 GMT\r\n",
            7,
        ),
        ("retry-after: Sun, 22 Nov 2020 10:00:07 GMT\r\n", 0),
    ] {
        let (waited, result) = after_429(headers, 128).await;
        assert_eq!(result.unwrap(), 200, "{headers}");
        assert!(
            waited >= own && waited >= Duration::from_secs(wait),
            "{headers}: {waited:?}"
        );
        assert!(waited <= cap, "{headers}: {waited:?}");
        assert!(
            waited <= Duration::from_secs(wait) + 2 * own,
            "{headers}: {waited:?}"
        );
    }
    for (headers, seconds) in [
        ("retry-after: 61\r\n", 61),
        ("retry-after: 120\r\n", 120),
        ("retry-after: 86400\r\n", 86_400),
    ] {
        let (waited, result) = after_429(headers, 128).await;
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(
            error.error().retry_after(),
            Some(Duration::from_secs(seconds))
        );
        assert_eq!(
            (waited, error.error().effect()),
            (Duration::ZERO, Effect::None)
        );
    }
}

#[tokio::test]
async fn f12_waits_that_a_server_demands_again_and_again_stay_under_the_cap_together() {
    let peer = Peer::answering(vec![json("429 x", "retry-after: 40\r\n", MINE)]).await;
    let clock = Arc::new(SkipClock::default());
    let client = builder(&peer.url()).clock(clock.clone()).build().unwrap();
    let error = client
        .call(&READ, &target(&peer.url()))
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        error.error().advice(),
        RetryAdvice::After(Duration::from_secs(40))
    );
    assert!(
        clock.monotonic() <= Duration::from_secs(60),
        "{:?}",
        clock.monotonic()
    );
    assert_eq!(peer.journal.count(), 2);
}

#[tokio::test]
async fn f10_a_429_pauses_the_scope_and_is_reported_for_placements_too() {
    for endpoint in [&READ, &PLACE] {
        let peer = Peer::answering(vec![json("429 x", "retry-after: 86400\r\n", MINE)]).await;
        let limiter = Arc::new(OpenLimiter::default());
        let client = builder(&peer.url())
            .limiter(limiter.clone())
            .build()
            .unwrap();
        let _ = client.call(endpoint, &target(&peer.url())).send().await;
        assert_eq!(*limiter.pauses.lock().unwrap(), [Duration::from_secs(60)]);
        assert_eq!(
            limiter.rejections.load(std::sync::atomic::Ordering::SeqCst),
            1
        );
    }
}

#[tokio::test]
async fn a_503_that_says_how_long_pauses_the_scope_and_one_that_does_not_does_not() {
    for (headers, pauses) in [("retry-after: 2\r\n", 1), ("", 0)] {
        let peer = Peer::answering(vec![json("503 x", headers, MINE), ok()]).await;
        let limiter = Arc::new(OpenLimiter::default());
        let client = builder(&peer.url())
            .limiter(limiter.clone())
            .build()
            .unwrap();
        client
            .call(&READ, &target(&peer.url()))
            .send()
            .await
            .unwrap();
        assert_eq!(limiter.pauses.lock().unwrap().len(), pauses);
    }
}

#[tokio::test]
async fn a_429_page_from_an_edge_is_a_limit_and_nothing_was_placed() {
    let page = "HTTP/1.1 429 x\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>";
    let peer = Peer::answering(vec![page.as_bytes().to_vec()]).await;
    let error = call(&peer.url(), &PLACE).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.error().effect()),
        (ErrorKind::RateLimited, Effect::None)
    );
    assert_eq!((error.sent(), peer.journal.count()), (Sent::Answered, 1));
}

/// Sends 100 reads a second of virtual time, and a placement every second, to a broker that is down.
#[tokio::test]
async fn ord_6_a_broker_that_is_down_is_not_buried_in_retries() {
    const SECONDS: u64 = 30;
    let down = json("503 x", "", MINE);
    let peer = Peer::answering(vec![down]).await;
    let clock = ManualClock::default();
    let client = builder(&peer.url())
        .clock(Arc::new(clock.clone()))
        .build()
        .unwrap();
    let target = target(&peer.url());
    let mut calls = tokio::task::JoinSet::new();
    let mut reads = 0;
    for tick in 0..SECONDS * 100 {
        let (client, target) = (client.clone(), target.clone());
        reads += 1;
        let placing = tick % 100 == 0;
        calls.spawn(async move {
            if placing {
                client.call(&PLACE, &target).send().await.unwrap();
            }
            client.call(&READ, &target).send().await.unwrap();
        });
        clock.advance(Duration::from_millis(10));
        tokio::task::yield_now().await;
    }
    while !calls.is_empty() {
        clock.advance(Duration::from_millis(100));
        crate::support::pause(1).await;
        while let Some(done) = calls.try_join_next() {
            done.unwrap();
        }
    }
    // A second's worth may have been saved up before.
    let elapsed = clock.monotonic().as_secs() + 2;
    let seen = peer.journal.requests();
    let placed = seen
        .iter()
        .filter(|seen| seen.head.starts_with("POST"))
        .count() as u64;
    assert_eq!(placed, SECONDS, "placements are never sent again");
    let retries = seen.len() as u64 - placed - reads;
    let allowed = (reads + placed) / 5 + 10 * elapsed;
    assert!(retries <= allowed, "{retries} retries, {allowed} allowed");
    assert!(
        retries >= reads / 5,
        "{retries} retries: the budget was not used"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn ord_7_no_header_makes_a_call_wait_too_long(value in "[ -~]{0,24}|[0-9]{1,24}", random: u8) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (waited, _) = runtime.block_on(after_429(&format!("retry-after: {value}\r\n"), random));
        prop_assert!(waited <= Duration::from_secs(60));
    }
}
