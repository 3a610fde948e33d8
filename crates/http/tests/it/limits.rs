use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use wheelhouse_core::{Clock, Effect, ErrorKind};
use wheelhouse_http::{Endpoint, Sent};
use wheelhouse_ratelimit::{LimitClass, LimitScope, LocalLimiter, Quota};

use crate::{
    peer::{Peer, json, ok},
    support::{OpenLimiter, PLACE, READ, SkipClock, builder, target},
};

const SLOW: LimitClass = LimitClass::new("test.slow", Quota::per_second(1));
static PACED: Endpoint = Endpoint::get("paced", "/paced", SLOW).without_token();
static OTHER: Endpoint = Endpoint::delete("other", "/other", SLOW)
    .without_token()
    .idempotent()
    .reserved();

#[tokio::test]
async fn every_attempt_takes_its_limit() {
    let peer = Peer::answering(vec![json("503 x", "", "{}")]).await;
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
    assert_eq!(
        (
            limiter.acquired.load(Ordering::SeqCst),
            peer.journal.count()
        ),
        (3, 3)
    );
}

#[tokio::test]
async fn a_limit_that_says_no_means_that_nothing_was_sent() {
    let peer = Peer::answering(vec![ok()]).await;
    let limiter = OpenLimiter {
        closed: true,
        ..OpenLimiter::default()
    };
    let client = builder(&peer.url())
        .limiter(Arc::new(limiter))
        .build()
        .unwrap();
    let error = client
        .call(&PLACE, &target(&peer.url()))
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.sent()),
        (ErrorKind::RateLimited, Sent::No)
    );
    assert_eq!(error.error().effect(), Effect::None);
    assert_eq!(error.error().operation(), Some("place"));
    assert_eq!(peer.journal.connections(), 0);
}

#[tokio::test]
async fn calls_of_one_user_are_paced_and_those_of_another_are_not() {
    let peer = Peer::answering(vec![ok()]).await;
    let clock = Arc::new(SkipClock::default());
    let limiter = Arc::new(LocalLimiter::new(clock.clone()));
    let client = builder(&peer.url())
        .clock(clock.clone())
        .limiter(limiter)
        .build()
        .unwrap();
    for user in 0..5 {
        let target = target(&peer.url()).with_scope(LimitScope::new(format!("user-{user}")));
        client.call(&PACED, &target).send().await.unwrap();
    }
    assert_eq!(clock.monotonic(), Duration::ZERO);
    let target = target(&peer.url()).with_scope(LimitScope::new("user-0"));
    for _ in 0..3 {
        client.call(&PACED, &target).send().await.unwrap();
    }
    assert!(
        clock.monotonic() >= Duration::from_secs(3),
        "{:?}",
        clock.monotonic()
    );
}

#[tokio::test]
async fn f10_a_429_stops_every_caller_of_the_scope_and_no_other() {
    let peer = Peer::answering(vec![json("429 x", "retry-after: 30\r\n", "{}"), ok()]).await;
    let clock = Arc::new(SkipClock::default());
    let limiter = Arc::new(LocalLimiter::new(clock.clone()));
    let client = builder(&peer.url())
        .clock(clock.clone())
        .limiter(limiter)
        .build()
        .unwrap();
    let mine = target(&peer.url());
    client.call(&PLACE, &mine).send().await.unwrap();

    let now = Duration::ZERO;
    for endpoint in [&READ, &PACED, &OTHER] {
        let error = client
            .call(endpoint, &mine)
            .max_wait(now)
            .send()
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.sent()),
            (ErrorKind::RateLimited, Sent::No)
        );
        assert!(error.error().retry_after().unwrap() > Duration::from_secs(29));
    }
    let other = target(&peer.url()).with_scope(LimitScope::new("somebody else"));
    client
        .call(&READ, &other)
        .max_wait(now)
        .send()
        .await
        .unwrap();
    assert_eq!(peer.journal.count(), 2);
    client
        .call(&READ, &mine)
        .max_wait(Duration::from_secs(31))
        .send()
        .await
        .unwrap();
    assert!(clock.monotonic() >= Duration::from_secs(30));
}
