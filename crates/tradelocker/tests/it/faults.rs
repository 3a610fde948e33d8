//! Faults on the way, as this adapter feels them. Each is tried on a read and, where it could have
//! reached the broker, on a placement.

use std::time::Duration;

use wheelhouse_core::{
    Broker, BrokerExt, Effect, Error, OrderRequest, Resolution, RetryAdvice, Side, Submission, lots,
};
use wheelhouse_sim::{
    Fault, Kind,
    faults::{GzipFault, Moment, StallAt},
    tradelocker::Route,
};
use wiremock::ResponseTemplate;

use crate::rig::{AtServer, AtSim};

const POSITIONS: &str = "/trade/accounts/1002003/positions";

/// Reads while the fault lasts, and returns what came of it.
async fn read(at: &AtSim, kind: Kind) -> Result<usize, Error> {
    let fault = at
        .sim
        .tradelocker()
        .faults()
        .add(Fault::new(Route::Positions, kind));
    let outcome = at.broker.all_positions(&at.account).await;
    at.sim.tradelocker().faults().remove(fault);
    outcome.map(|positions| positions.len())
}

/// Places one order with the fault in the way. The outcome is unknown, or what the ledger says;
/// resolving it finds out which.
async fn place(at: &AtSim, kind: Kind) -> (Submission, usize) {
    let eurusd = at.instrument("EURUSD").await;
    let ledger = at.sim.tradelocker().ledger();
    let before = ledger.placements().len();
    let sent = ledger.count(Route::PlaceOrder);
    let request = OrderRequest::market(&at.account, &eurusd, Side::Buy, lots!(0.01));
    let fault = at
        .sim
        .tradelocker()
        .faults()
        .add(Fault::new(Route::PlaceOrder, kind.clone()));
    let outcome = at.broker.place_order(&request).await.unwrap();
    at.sim.tradelocker().faults().remove(fault);
    assert_eq!(
        ledger.count(Route::PlaceOrder),
        sent + 1,
        "{kind:?} is sent once"
    );
    let placed = ledger.placements().len() - before;
    if let Submission::Unknown(open) = &outcome {
        match at.broker.resolve(open).await.unwrap() {
            Resolution::Found(order) => {
                assert_eq!(
                    order.id.as_str(),
                    ledger.placements().last().unwrap().order_id
                );
                assert_eq!(placed, 1, "{kind:?}");
            }
            Resolution::NotFound(_) => assert_eq!(placed, 0, "{kind:?}"),
            other => panic!("{kind:?}: {}", other.report()),
        }
    }
    (outcome, placed)
}

fn cause(outcome: &Submission) -> u16 {
    match outcome {
        Submission::Unknown(open) => open.cause_code,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn f2_html_is_not_the_api() {
    let at = AtSim::new().await;
    for status in [200, 403, 503] {
        assert_eq!(
            read(&at, Kind::Html(status)).await.unwrap_err().code(),
            2004,
            "{status}"
        );
        let (outcome, placed) = place(&at, Kind::Html(status)).await;
        assert_eq!((cause(&outcome), placed), (2004, 0), "{status}");
    }
}

#[tokio::test]
async fn f6_a_401_is_answered_with_one_refresh_and_one_replay_of_reads() {
    let at = AtServer::new().await;
    at.raw("GET", POSITIONS, "trade_401_expired_token").await;
    let error = at.broker.all_positions(&at.account).await.unwrap_err();
    assert_eq!(
        (error.code(), error.advice()),
        (1003, RetryAdvice::AfterRefresh)
    );
    assert_eq!(at.requests("GET", POSITIONS).await.len(), 2);
    assert_eq!(
        at.token.replaced.load(std::sync::atomic::Ordering::SeqCst),
        1
    );
    let mut tokens: Vec<_> = at
        .requests("GET", POSITIONS)
        .await
        .iter()
        .map(|request| {
            request.headers["authorization"]
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    tokens.dedup();
    assert_eq!(tokens.len(), 2, "the replay has the new token");
}

#[tokio::test]
async fn f7_a_permission_is_told_from_a_wall() {
    let at = AtServer::new().await;
    for (name, code) in [("trade_403_forbidden", 3003), ("auth_403_forbidden", 2004)] {
        at.server.reset().await;
        let at = AtServer::new().await;
        at.raw("GET", POSITIONS, name).await;
        let error = at.broker.all_positions(&at.account).await.unwrap_err();
        assert_eq!(error.code(), code, "{name}");
    }
}

#[tokio::test]
async fn f10_f12_a_429_is_waited_for_and_then_surfaces_with_its_wait() {
    let at = AtServer::new().await;
    at.raw("GET", POSITIONS, "trade_429_with_retry_after").await;
    let error = at.broker.all_positions(&at.account).await.unwrap_err();
    assert_eq!(
        (error.code(), error.retry_after()),
        (3004, Some(Duration::from_secs(1)))
    );
    assert_eq!(at.requests("GET", POSITIONS).await.len(), 3);
    for header in ["86400", "-1", "abc"] {
        let at = AtServer::new().await;
        let limited = ResponseTemplate::new(429).insert_header("retry-after", header);
        at.respond("GET", POSITIONS, limited).await;
        let error = at.broker.all_positions(&at.account).await.unwrap_err();
        assert_eq!(error.code(), 3004, "{header}");
        assert!(error.retry_after().is_some());
    }
}

#[tokio::test]
async fn f14_a_failing_broker_is_asked_again_for_reads_and_never_for_placements() {
    let at = AtSim::new().await;
    let failure = |status| Kind::Status {
        status,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: r#"{"message":"boom","statusCode":500}"#.to_owned(),
    };
    for status in [500, 502, 503, 504] {
        let before = at.sim.tradelocker().ledger().count(Route::Positions);
        assert_eq!(read(&at, failure(status)).await.unwrap_err().code(), 3005);
        assert_eq!(
            at.sim.tradelocker().ledger().count(Route::Positions) - before,
            3
        );
        let (outcome, placed) = place(&at, failure(status)).await;
        assert_eq!((cause(&outcome), placed), (3005, 0));
    }
    at.sim
        .tradelocker()
        .faults()
        .add(Fault::new(Route::Positions, failure(503)).times(1));
    at.broker.all_positions(&at.account).await.unwrap();
}

#[tokio::test]
async fn f15_interim_answers_are_passed_over_until_the_deadline() {
    let at = AtSim::impatient().await;
    let endless = |count| Kind::Informational {
        status: 103,
        count,
        every: Duration::from_millis(5),
    };
    assert_eq!(read(&at, endless(3)).await.unwrap(), 0);
    assert!(matches!(
        read(&at, endless(0)).await.unwrap_err().code(),
        2001 | 2002 | 2004
    ));
    let (outcome, placed) = place(&at, endless(0)).await;
    assert!(matches!(cause(&outcome), 2001 | 2002 | 2004), "{outcome}");
    assert_eq!(placed, 1);
}

#[tokio::test]
async fn f16_sup_2_redirects_are_refused_and_lead_nowhere() {
    let at = AtServer::new().await;
    let foreign = wiremock::MockServer::start().await;
    let btc = at.instrument("BTCUSD").await;
    for status in [301, 302, 303, 307, 308] {
        let moved =
            ResponseTemplate::new(status).insert_header("location", format!("{}/x", foreign.uri()));
        let at = AtServer::new().await;
        at.respond("GET", POSITIONS, moved.clone()).await;
        at.respond("POST", "/trade/accounts/1002003/orders", moved)
            .await;
        assert_eq!(
            at.broker
                .all_positions(&at.account)
                .await
                .unwrap_err()
                .code(),
            2005
        );
        let request = OrderRequest::market(&at.account, &btc, Side::Buy, lots!(0.01));
        assert_eq!(cause(&at.broker.place_order(&request).await.unwrap()), 2005);
    }
    at.raw("GET", POSITIONS, "maintenance_302").await;
    assert_eq!(
        at.broker
            .all_positions(&at.account)
            .await
            .unwrap_err()
            .code(),
        2005
    );
    assert!(foreign.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn f17_a_truncated_or_damaged_gzip_is_not_the_protocol() {
    let at = AtSim::new().await;
    for fault in [GzipFault::Truncated, GzipFault::Corrupt, GzipFault::NotGzip] {
        assert_eq!(
            read(&at, Kind::Gzip(fault)).await.unwrap_err().code(),
            2004,
            "{fault:?}"
        );
        let (outcome, placed) = place(&at, Kind::Gzip(fault)).await;
        assert_eq!((cause(&outcome), placed), (2004, 1), "{fault:?}");
    }
}

#[tokio::test]
async fn f18_a_content_length_that_lies_is_an_error() {
    let at = AtSim::impatient().await;
    // Longer than the body: it never comes. Shorter: the text is cut, and not JSON.
    for (off_by, codes) in [(5, [2001, 2002, 2004]), (-5, [3006, 2004, 2001])] {
        let error = read(&at, Kind::ContentLength { off_by }).await.unwrap_err();
        assert!(codes.contains(&error.code()), "{off_by}: {error}");
        let (outcome, placed) = place(&at, Kind::ContentLength { off_by }).await;
        assert!(codes.contains(&cause(&outcome)), "{off_by}: {outcome}");
        assert_eq!(placed, 1);
    }
}

#[tokio::test]
async fn f19_bodies_without_end_and_bombs_are_stopped() {
    let at = AtSim::new().await;
    let huge = Kind::HugeBody { bytes: 1 << 30 };
    let bomb = Kind::Gzip(GzipFault::Bomb { bytes: 64 << 20 });
    for kind in [huge, bomb] {
        assert_eq!(
            read(&at, kind.clone()).await.unwrap_err().code(),
            2004,
            "{kind:?}"
        );
        let (outcome, placed) = place(&at, kind).await;
        assert_eq!((cause(&outcome), placed), (2004, 0));
    }
}

#[tokio::test]
async fn f34_f42_connections_that_break_are_made_again_for_reads() {
    let at = AtSim::new().await;
    for kind in [
        Kind::DropAnswer,
        Kind::Reset(Moment::AfterActing),
        Kind::Reset(Moment::BeforeRead),
    ] {
        at.sim
            .tradelocker()
            .faults()
            .add(Fault::new(Route::Positions, kind.clone()).times(1));
        at.broker.all_positions(&at.account).await.unwrap();
        assert_eq!(
            read(&at, kind.clone()).await.unwrap_err().code(),
            2001,
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn f35_f36_f37_silence_ends_by_the_deadline() {
    let at = AtSim::impatient().await;
    for stall in [StallAt::BeforeHead, StallAt::AfterHead, StallAt::MidBody] {
        let error = read(&at, Kind::Stall(stall)).await.unwrap_err();
        assert_eq!(
            (error.code(), error.effect()),
            (2002, Effect::None),
            "{stall:?}: {error}"
        );
        let (outcome, placed) = place(&at, Kind::Stall(stall)).await;
        assert_eq!((cause(&outcome), placed), (2002, 1), "{stall:?}");
    }
    let drip = Kind::Drip {
        bytes: 1,
        every: Duration::from_millis(100),
    };
    assert_eq!(read(&at, drip).await.unwrap_err().code(), 2002);
}

#[tokio::test]
async fn f38_a_dead_pooled_connection_costs_nothing() {
    let at = AtSim::new().await;
    let eurusd = at.instrument("EURUSD").await;
    at.sim
        .tradelocker()
        .faults()
        .add(Fault::new(Route::Positions, Kind::CloseQuietly));
    for _ in 0..5 {
        at.broker.all_positions(&at.account).await.unwrap();
        let request = OrderRequest::market(&at.account, &eurusd, Side::Buy, lots!(0.01));
        let outcome = at.broker.place_order(&request).await.unwrap();
        // Written to a connection that was just closing: unknown, and found out.
        if let Submission::Unknown(open) = &outcome {
            let _ = at.broker.resolve(open).await.unwrap();
        }
    }
    let ledger = at.sim.tradelocker().ledger();
    assert!(ledger.placements().len() <= 5, "none twice");
}

#[tokio::test]
async fn f43_an_answer_that_comes_twice_does_not_answer_the_next_question() {
    let at = AtSim::new().await;
    let eurusd = at.instrument("EURUSD").await;
    for _ in 0..5 {
        at.sim
            .tradelocker()
            .faults()
            .add(Fault::new(Route::Positions, Kind::Duplicate).times(1));
        at.broker.all_positions(&at.account).await.unwrap();
        let request = OrderRequest::market(&at.account, &eurusd, Side::Buy, lots!(0.01));
        match at.broker.place_order(&request).await.unwrap() {
            Submission::Accepted(order) => {
                let placed = at
                    .sim
                    .tradelocker()
                    .ledger()
                    .placements_of(order.client_order_id.as_str());
                assert_eq!(placed[0].order_id, order.id.as_str());
            }
            Submission::Unknown(open) => drop(at.broker.resolve(&open).await.unwrap()),
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn cancelling_with_an_unclear_answer_says_that_it_may_have_happened() {
    let at = AtServer::new().await;
    let id = wheelhouse_core::BrokerOrderId::new("7100000000907673698").unwrap();
    at.raw(
        "DELETE",
        "/trade/orders/7100000000907673698",
        "edge_503_html",
    )
    .await;
    let error = at.broker.cancel_order(&at.account, &id).await.unwrap_err();
    assert_eq!((error.code(), error.effect()), (2004, Effect::MaybeApplied));
    let at = AtServer::new().await;
    // Still open, and the broker says no: nothing happened.
    at.answer(
        "DELETE",
        "/trade/orders/7100000000907673698",
        "place_order_error_out_of_session_200",
    )
    .await;
    let error = at.broker.cancel_order(&at.account, &id).await.unwrap_err();
    assert_eq!((error.code(), error.effect()), (3008, Effect::None));
}

#[tokio::test]
async fn f49_a_lower_limit_than_published_slows_down_and_goes_on() {
    use wheelhouse_sim::tradelocker::{RateLimit, RateLimits, Settings};
    let limits = RateLimits::off().enforcing([RateLimit::per_second("GET_POSITIONS", 20)]);
    let at = AtSim::unhurried(Settings::new().rate_limits(limits)).await;
    for _ in 0..60 {
        at.broker.all_positions(&at.account).await.unwrap();
    }
    let usage = at.broker.usage().await;
    assert!(usage.iter().any(|class| class.slowed), "{usage:?}");
}
