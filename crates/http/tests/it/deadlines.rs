use std::{sync::Arc, time::Duration};

use wheelhouse_core::{Clock, Effect, ErrorKind};
use wheelhouse_http::{CallError, Deadlines, Endpoint, RetryPolicy, Sent};

use crate::{
    peer::{Connection, Peer},
    support::{ManualClock, PLACE, READ, builder, pause, target},
};

/// Calls `endpoint` while a second passes every few milliseconds, and returns when it ended.
async fn timed(
    peer: &Peer,
    endpoint: &'static Endpoint,
    retry: RetryPolicy,
) -> (CallError, Duration) {
    let clock = ManualClock::default();
    let client = builder(&peer.url())
        .clock(Arc::new(clock.clone()))
        .deadlines(Deadlines::default())
        .retry(retry)
        .build()
        .unwrap();
    let target = target(&peer.url());
    let call = tokio::spawn(async move { client.call(endpoint, &target).send().await });
    // The first exchange is under way before time moves.
    crate::support::eventually(|| peer.journal.count() > 0).await;
    while !call.is_finished() {
        pause(10).await;
        clock.advance(Duration::from_secs(1));
        assert!(
            clock.monotonic() < Duration::from_secs(100),
            "it never ends"
        );
    }
    (call.await.unwrap().unwrap_err(), clock.monotonic())
}

async fn drip(mut connection: Connection, start: &str) {
    connection.request().await;
    if connection.write(start.as_bytes()).await {
        while connection.write(b"x").await {
            pause(2).await;
        }
    }
}

#[tokio::test]
async fn sup_4_slow_heads_bodies_and_endless_interim_answers_end_by_the_deadline() {
    let total = Deadlines::default().total;
    for start in [
        "HTTP/1.1 200 OK\r\nx-slow: ",
        "HTTP/1.1 200 OK\r\ncontent-length: 8000000\r\n\r\n{",
    ] {
        let peer = Peer::start(move |connection, _| drip(connection, start)).await;
        let (error, ended) = timed(&peer, &READ, RetryPolicy::default()).await;
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(
            ended <= total + total / 10,
            "{start:?} ended after {ended:?}"
        );
    }
    let peer = Peer::start(|mut connection, _| async move {
        connection.request().await;
        while connection.write(b"HTTP/1.1 103 Early Hints\r\n\r\n").await {
            pause(2).await;
        }
    })
    .await;
    let (error, ended) = timed(&peer, &READ, RetryPolicy::default()).await;
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(ended <= total + total / 10, "ended after {ended:?}");
}

#[tokio::test]
async fn f35_the_error_names_the_phase() {
    let silent =
        Peer::start(|connection, _| async { connection.stall_after_request().await }).await;
    let (error, ended) = timed(&silent, &READ, RetryPolicy::never()).await;
    assert_eq!(
        (error.kind(), error.sent()),
        (ErrorKind::Timeout, Sent::Maybe)
    );
    assert!(
        error.to_string().contains("10s while waiting for the head"),
        "{error}"
    );
    assert!((10..=12).contains(&ended.as_secs()), "{ended:?}");

    let (error, _) = timed(&silent, &PLACE, RetryPolicy::default()).await;
    assert_eq!(
        (error.sent(), error.error().effect()),
        (Sent::Maybe, Effect::MaybeApplied)
    );
    assert_eq!(
        error.error().advice(),
        wheelhouse_core::RetryAdvice::ResolveFirst
    );
    assert_eq!(silent.journal.count(), 2);
}

#[tokio::test]
async fn f36_a_connection_that_falls_silent_within_the_body_ends_by_the_idle_deadline() {
    let half = Peer::start(|mut connection, _| async move {
        connection.request().await;
        connection
            .write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
            .await;
        connection.stall().await;
    })
    .await;
    let (error, ended) = timed(&half, &PLACE, RetryPolicy::default()).await;
    assert_eq!(
        (error.kind(), error.sent()),
        (ErrorKind::Timeout, Sent::Answered)
    );
    assert!(error.to_string().contains("reading the body"), "{error}");
    assert_eq!(error.error().effect(), Effect::MaybeApplied);
    assert!((10..=12).contains(&ended.as_secs()), "{ended:?}");
}

#[tokio::test]
async fn f37_a_body_of_a_byte_a_second_ends_by_the_total_deadline() {
    let peer = Peer::start(|c, _| {
        drip(
            c,
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8000000\r\n{",
        )
    })
    .await;
    let (error, ended) = timed(&peer, &READ, RetryPolicy::never()).await;
    assert!(
        error.to_string().contains("deadline of the whole call"),
        "{error}"
    );
    assert!((30..=33).contains(&ended.as_secs()), "{ended:?}");
}

#[tokio::test]
async fn f15_an_unexpected_101_is_not_the_protocol() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n";
    let peer = Peer::answering(vec![switch.as_bytes().to_vec()]).await;
    let error = crate::support::call(&peer.url(), &PLACE).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.error().effect()),
        (ErrorKind::NotTheProtocol, Effect::MaybeApplied)
    );
    assert_eq!(peer.journal.count(), 1);
}

/// A TLS server that accepts and says nothing: TCP stands, the handshake does not end.
#[tokio::test]
async fn f35_a_handshake_that_hangs_is_a_connect_timeout_and_nothing_was_sent() {
    let peer = Peer::start(|connection, _| connection.stall()).await;
    let url = peer.url().replace("http:", "https:");
    let clock = ManualClock::default();
    let client = builder(&url)
        .clock(Arc::new(clock.clone()))
        .deadlines(Deadlines::default())
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    let target = target(&url);
    let call = tokio::spawn(async move { client.call(&PLACE, &target).send().await });
    crate::support::eventually(|| peer.journal.connections() > 0).await;
    clock.advance(Duration::from_millis(4900));
    pause(20).await;
    assert!(!call.is_finished());
    clock.advance(Duration::from_millis(200));
    let error = call.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Timeout, Sent::No));
    assert_eq!(error.error().effect(), Effect::None);
    assert!(error.to_string().contains("connecting"), "{error}");
}

impl Connection {
    async fn stall_after_request(mut self) {
        self.request().await;
        self.stall().await;
    }
}
