//! Waits that a broker tells in the body of a 429.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use wheelhouse_core::{Clock, ErrorKind};
use wheelhouse_http::{Answer, CallError, Endpoint, Target};
use wheelhouse_ratelimit::{LimitScope, LocalLimiter};

use crate::{
    peer::{Peer, json, ok},
    support::{CANCEL, OpenLimiter, PLACE, READ, SkipClock, builder, target},
};

const SEVEN: &str = r#"{"detail":"Expected available in 7 seconds."}"#;
/// What a client waits by itself before the second attempt after a 429, at most.
const OWN: Duration = Duration::from_secs(1);

/// Reads `in 7 seconds`; `in for ever seconds` is the longest there is.
fn read(body: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("in ")?;
    match rest.split_once(" second")?.0 {
        "for ever" => Some(Duration::MAX),
        number => number.parse().ok().map(Duration::from_secs),
    }
}

struct Outcome {
    answer: Result<Answer, CallError>,
    /// What every caller of the scope was told to wait.
    pauses: Vec<Duration>,
    /// How long this call waited.
    waited: Duration,
    requests: usize,
}

async fn call(endpoint: &Endpoint, answers: Vec<Vec<u8>>) -> Outcome {
    call_with(endpoint, answers, |target| target.with_wait_in_body(read)).await
}

async fn call_with(
    endpoint: &Endpoint,
    answers: Vec<Vec<u8>>,
    with: impl Fn(Target) -> Target,
) -> Outcome {
    let peer = Peer::answering(answers).await;
    let (clock, limiter) = (
        Arc::new(SkipClock::default()),
        Arc::new(OpenLimiter::default()),
    );
    let client = builder(&peer.url())
        .clock(clock.clone())
        .limiter(limiter.clone())
        .build()
        .unwrap();
    let target = with(target(&peer.url()));
    let answer = client.call(endpoint, &target).send().await;
    let pauses = limiter.pauses.lock().unwrap().clone();
    Outcome {
        answer,
        pauses,
        waited: clock.monotonic(),
        requests: peer.journal.count(),
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn f12_a_wait_in_the_body_is_kept_to_where_no_header_says_it() {
    for endpoint in [&READ, &CANCEL] {
        let outcome = call(endpoint, vec![json("429 x", "", SEVEN), ok()]).await;
        assert_eq!(outcome.answer.unwrap().status(), 200);
        assert_eq!((outcome.pauses, outcome.requests), (vec![seconds(7)], 2));
        assert!(outcome.waited >= seconds(7) && outcome.waited <= seconds(7) + OWN);
    }
}

#[tokio::test]
async fn f12_a_header_that_can_be_read_wins_over_the_body() {
    let date =
        "date: Sun, 22 Nov 2026 10:00:00 GMT\r\nretry-after: Sun, 22 Nov 2026 10:00:03 GMT\r\n";
    for header in ["retry-after: 3\r\n", date] {
        let outcome = call(&READ, vec![json("429 x", header, SEVEN), ok()]).await;
        assert_eq!(outcome.pauses, [seconds(3)], "{header}");
        assert!(
            outcome.waited >= seconds(3) && outcome.waited < seconds(7),
            "{header}"
        );
    }
    for header in [
        "retry-after: abc\r\n",
        "retry-after: -1\r\n",
        "retry-after: 3\r\nretry-after: 4\r\n",
        "retry-after: Sun, 22 Nov 2020 10:00:00 GMT\r\n",
    ] {
        let outcome = call(&READ, vec![json("429 x", header, SEVEN), ok()]).await;
        assert_eq!(outcome.pauses, [seconds(7)], "{header}");
    }
}

#[tokio::test]
async fn f12_a_body_that_says_nothing_leaves_the_own_backoff() {
    for body in [
        "",
        "{}",
        r#"{"detail":"Expected available in a few seconds."}"#,
        r#"{"detail":"Expected available in -7 seconds."}"#,
        r#"{"detail":"Expected available in 99999999999999999999999 seconds."}"#,
        r#"{"detail":"Expected available in 0 seconds."}"#,
    ] {
        let outcome = call(&READ, vec![json("429 x", "", body), ok()]).await;
        assert_eq!(outcome.answer.unwrap().status(), 200, "{body}");
        assert_eq!(outcome.pauses, [Duration::from_millis(200)], "{body}");
        assert!(
            !outcome.waited.is_zero() && outcome.waited <= OWN,
            "{body}: {:?}",
            outcome.waited
        );
    }
    let not_text = [
        &b"HTTP/1.1 429 x\r\ncontent-length: 2\r\n\r\n"[..],
        b"\xE9\xE9",
    ]
    .concat();
    let outcome = call(&READ, vec![not_text, ok()]).await;
    assert_eq!(outcome.answer.unwrap().status(), 200);
    assert_eq!(outcome.pauses, [Duration::from_millis(200)]);
}

#[tokio::test]
async fn f12_a_wait_beyond_the_cap_is_told_and_not_slept() {
    for (words, told) in [
        ("61", seconds(61)),
        ("86400", seconds(86_400)),
        ("for ever", seconds(u64::from(u32::MAX))),
    ] {
        let body = format!(r#"{{"detail":"Expected available in {words} seconds."}}"#);
        let outcome = call(&READ, vec![json("429 x", "", &body)]).await;
        let error = outcome.answer.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited, "{words}");
        assert_eq!(error.error().retry_after(), Some(told), "{words}");
        assert_eq!(
            (outcome.waited, outcome.requests),
            (Duration::ZERO, 1),
            "{words}"
        );
        // Callers after this one ask again when the longest pause is over.
        assert_eq!(outcome.pauses, [seconds(60)], "{words}");
    }
    let outcome = call(&READ, vec![json("429 x", "", SEVEN)]).await;
    assert_eq!(outcome.answer.unwrap_err().kind(), ErrorKind::RateLimited);
    assert!(outcome.requests == 3 && outcome.waited <= seconds(60));
}

#[tokio::test]
async fn a_placement_is_told_the_wait_in_the_body_and_is_not_sent_again() {
    let outcome = call(&PLACE, vec![json("429 x", "", SEVEN), ok()]).await;
    let answer = outcome.answer.unwrap();
    assert_eq!(
        (answer.status(), answer.retry_after()),
        (429, Some(seconds(7)))
    );
    assert_eq!((outcome.requests, outcome.waited), (1, Duration::ZERO));
    assert_eq!(outcome.pauses, [seconds(7)]);
}

#[tokio::test]
async fn a_wait_in_the_body_stops_every_caller_of_the_scope_and_no_other() {
    let peer = Peer::answering(vec![json("429 x", "", SEVEN), ok()]).await;
    let clock = Arc::new(SkipClock::default());
    let client = builder(&peer.url())
        .clock(clock.clone())
        .limiter(Arc::new(LocalLimiter::new(clock.clone())))
        .build()
        .unwrap();
    let mine = target(&peer.url()).with_wait_in_body(read);
    client.call(&PLACE, &mine).send().await.unwrap();
    for endpoint in [&READ, &CANCEL] {
        let call = client.call(endpoint, &mine).max_wait(Duration::ZERO);
        let error = call.send().await.unwrap_err();
        assert!(error.error().retry_after().unwrap() > seconds(6));
    }
    let other = mine.with_scope(LimitScope::new("somebody else"));
    client
        .call(&READ, &other)
        .max_wait(Duration::ZERO)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn only_the_body_of_a_429_is_asked_and_only_if_the_target_says_how() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    fn counted(body: &[u8]) -> Option<Duration> {
        ASKED.fetch_add(1, Ordering::SeqCst);
        read(body)
    }
    for status in ["200 x", "400 x", "401 x", "500 x", "503 x"] {
        let answers = vec![json(status, "", SEVEN)];
        let outcome = call_with(&READ, answers, |target| target.with_wait_in_body(counted)).await;
        assert_eq!(outcome.answer.unwrap().retry_after(), None, "{status}");
        assert_eq!(outcome.pauses, Vec::<Duration>::new(), "{status}");
    }
    assert_eq!(ASKED.load(Ordering::SeqCst), 0);
    let outcome = call_with(&READ, vec![json("429 x", "", SEVEN), ok()], |target| target).await;
    assert_eq!(outcome.pauses, [Duration::from_millis(200)]);
}
