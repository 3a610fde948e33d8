//! Reads whose answers go wrong.

use std::time::Duration;

use wheelhouse_core::{Broker, BrokerExt, ErrorKind, OrderQuery, OrderState, PositionQuery, dec};
use wheelhouse_sim::{
    Kind,
    faults::{GzipFault, Moment, StallAt},
    robinhood_crypto::{Bucket, Route, Settings},
};

use crate::rig::{
    AtSim, START, accepted, answer, builder, code, hurried_http, impatient_http, refusal, user,
};

fn set(pointer: &str, value: &str) -> Kind {
    Kind::Set {
        pointer: pointer.to_owned(),
        value: value.to_owned(),
    }
}

#[tokio::test]
async fn bad_answers_to_reads_have_their_codes() {
    let at = AtSim::with(user().coins("BTC", dec!(1)), |_| {}).await;
    at.btc().await;
    let deep = format!("{{\"results\":{}}}", "[".repeat(10_000));
    for (what, kind, code) in [
        ("F1 malformed", Kind::Body(b"{\"results\":[".to_vec()), 3006),
        ("F2 page", Kind::Html(200), 2004),
        ("F2 bot wall", Kind::Html(403), 2004),
        ("F3 empty", Kind::Body(Vec::new()), 3006),
        ("F4 a refusal with success", answer(200, include_str!("../data/crypto_error_malformed_symbol.json")), 3001),
        ("F4 errors with success", answer(200, r#"{"type":"client_error","errors":[]}"#), 3006),
        ("F5 results with 400", answer(400, r#"{"results":[]}"#), 3001),
        ("F7 403", refusal(403, "You do not have permission to perform this action."), 3003),
        ("F7 403 of an edge", answer(403, r#"{"message":"Forbidden"}"#), 2004),
        ("F8 404 of an edge", answer(404, r#"{"message":"no route"}"#), 2004),
        ("F14 500", refusal(500, "A server error occurred."), 3005),
        ("F16 redirect", Kind::Redirect { status: 302, location: "/x/".into() }, 2005),
        ("F17 gzip", Kind::Gzip(GzipFault::Corrupt), 2004),
        ("F20 deep", Kind::Body(deep.into_bytes()), 3006),
        ("F21 twice", Kind::Body(br#"{"results":[{"account_number":"1","account_number":"2","asset_code":"BTC","total_quantity":"1"}]}"#.to_vec()), 3006),
        ("F22 grouped", set("/results/0/total_quantity", "\"1,000.5\""), 3006),
        ("F23 NaN", set("/results/0/total_quantity", "\"NaN\""), 3006),
        ("F23 huge", set("/results/0/total_quantity", "1e400"), 3006),
        ("F23 tiny", set("/results/0/total_quantity", "\"1e-40\""), 3006),
        ("F24 null", set("/results/0/total_quantity", "null"), 3006),
        ("F24 missing", Kind::Remove { pointer: "/results/0/asset_code".into() }, 3006),
        ("F29 Latin-1", Kind::Body(b"{\"results\":[],\"x\":\"\xE9\"}".to_vec()), 3006),
        ("negative", set("/results/0/total_quantity", "\"-1\""), 3006),
        ("of another account", set("/results/0/account_number", "\"999\""), 3006),
    ] {
        at.api().faults().clear();
        at.faults(Route::Holdings, kind);
        let error = at.broker.positions(&at.account, PositionQuery::all()).await.unwrap_err();
        assert_eq!(error.code(), code, "{what}: {error}");
        assert_eq!(error.operation(), Some("positions"), "{what}");
        assert!(error.broker().is_some(), "{what}");
    }
    at.api().faults().clear();
    at.faults(Route::Holdings, set("/results/0/total_quantity", "\"NaN\""));
    let error = at
        .broker
        .positions(&at.account, PositionQuery::all())
        .await
        .unwrap_err();
    assert!(
        error.message().contains("$.results[0].total_quantity"),
        "{error}"
    );
}

#[tokio::test]
async fn f14_f34_reads_are_repeated_until_they_succeed() {
    let at = AtSim::new().await;
    for kind in [
        refusal(500, "A server error occurred."),
        refusal(503, "Away."),
        Kind::DropAnswer,
        Kind::Reset(Moment::AfterRead),
        Kind::Truncate { keep: 5 },
    ] {
        at.fault(Route::Accounts, kind);
        at.broker.accounts().await.unwrap();
    }
}

#[tokio::test]
async fn f12_a_429_without_header_is_waited_out_by_its_words() {
    let at = AtSim::new().await;
    at.fault(
        Route::Accounts,
        answer(429, include_str!("../data/crypto_error_429.json")),
    );
    at.broker.accounts().await.unwrap();
    let requests = at.api().ledger().requests();
    assert_eq!(requests.len(), 2);
    let waited = requests[1].at - requests[0].at;
    assert!(waited >= Duration::from_secs(2), "{waited}");
    for _ in 0..3 {
        at.fault(
            Route::Accounts,
            refusal(429, "Expected available in 86400 seconds."),
        );
    }
    let error = at.broker.accounts().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(86_400)));
}

#[tokio::test]
async fn f11_a_date_to_wait_for_is_compared_with_the_brokers_own() {
    let at = AtSim::new().await;
    // The machine's clock and the broker's are 20 s apart; neither may be added to the wait.
    let date = |at: time::OffsetDateTime| {
        at.format(time::macros::format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        ))
        .unwrap()
    };
    let now = START + time::Duration::seconds(20);
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("date", date(now)),
        ("retry-after", date(now + time::Duration::seconds(3))),
    ];
    let headers = headers
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
    let body = include_str!("../data/crypto_error_429.json").to_owned();
    at.fault(
        Route::Accounts,
        Kind::Status {
            status: 429,
            headers,
            body,
        },
    );
    at.broker.accounts().await.unwrap();
    let requests = at.api().ledger().requests();
    let waited = requests[1].at - requests[0].at;
    // Three seconds and a backoff of up to one.
    assert!(waited >= Duration::from_secs(3), "{waited}");
    assert!(waited <= Duration::from_millis(4_100), "{waited}");
}

#[tokio::test]
async fn f12_a_429_that_says_nothing_is_tried_again_after_the_own_backoff() {
    let at = AtSim::new().await;
    for body in ["{}", "", r#"{"type":"client_error","errors":[]}"#] {
        at.fault(Route::Accounts, answer(429, body));
        at.broker.accounts().await.unwrap();
    }
    let headers = vec![("retry-after".to_owned(), "abc".to_owned())];
    let body = "{}".to_owned();
    at.fault(
        Route::Accounts,
        Kind::Status {
            status: 429,
            headers,
            body,
        },
    );
    at.broker.accounts().await.unwrap();
    assert_eq!(at.count(Route::Accounts), 8);
}

#[tokio::test]
async fn f15_f18_f19_f38_f43_answers_that_do_not_fit_their_frame_spoil_no_other_call() {
    let at = AtSim::new().await;
    at.btc().await;
    let interim = Kind::Informational {
        status: 103,
        count: 3,
        every: Duration::ZERO,
    };
    for (what, kind, code) in [
        ("F15 interim answers", interim, None),
        (
            "F18 announced longer",
            Kind::ContentLength { off_by: 9 },
            Some(2004),
        ),
        (
            "F18 announced shorter",
            Kind::ContentLength { off_by: -9 },
            Some(3006),
        ),
        ("F19 64 MiB", Kind::HugeBody { bytes: 64 << 20 }, Some(2004)),
        (
            "F19 bomb",
            Kind::Gzip(GzipFault::Bomb { bytes: 64 << 20 }),
            Some(2004),
        ),
        ("F38 closed quietly", Kind::CloseQuietly, None),
        ("F43 twice", Kind::Duplicate, None),
    ] {
        at.api().faults().clear();
        at.faults(Route::Accounts, kind);
        let outcome = at.broker.accounts().await;
        assert_eq!(
            outcome.map_or_else(|error| Some(error.code()), |_| None),
            code,
            "{what}"
        );
        at.api().faults().clear();
        // The next answers are their own calls'.
        for _ in 0..3 {
            let quotes = at
                .broker
                .quotes(&at.account, &[crate::rig::btc()])
                .await
                .unwrap();
            assert_eq!(quotes[0].instrument, crate::rig::btc(), "{what}");
            at.broker.accounts().await.unwrap();
        }
    }
}

#[tokio::test]
async fn f35_f36_f37_reads_that_are_not_answered_in_time_say_so() {
    let at = AtSim::new().await;
    let broker = builder(&at.api().origin(), impatient_http())
        .build()
        .unwrap();
    for kind in [
        Kind::Stall(StallAt::BeforeHead),
        Kind::Stall(StallAt::MidBody),
        Kind::Drip {
            bytes: 1,
            every: Duration::from_millis(100),
        },
    ] {
        at.api().faults().clear();
        at.faults(Route::Accounts, kind);
        assert_eq!(code(broker.accounts().await), 2002);
    }
}

#[tokio::test]
async fn f49_a_bucket_that_is_smaller_than_published_slows_down_and_goes_on() {
    let bucket = |settings: &mut Settings| {
        settings.limit = Some(Bucket {
            burst: 20,
            per_minute: 1_200,
        });
    };
    let at = AtSim::with(user(), bucket).await;
    let mut served = 0;
    for _ in 0..80 {
        match at.broker.quotes(&at.account, &[crate::rig::btc()]).await {
            Ok(_) => served += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}"),
        }
    }
    assert!(served >= 60, "{served} of 80");
    assert!(at.broker.usage().await[0].slowed);
    let refused = at.count(Route::BestBidAsk) - served;
    assert!((1..=60).contains(&refused), "{refused} refusals");
}

#[tokio::test]
async fn f6_a_burst_over_the_limit_that_is_answered_with_401_is_no_wrong_key() {
    let limited = |settings: &mut Settings| {
        settings.limit_as_401 = true;
        settings.limit = Some(Bucket {
            burst: 8,
            per_minute: 1_200,
        });
    };
    let at = AtSim::with(user(), limited).await;
    // Time passes for this side only: the broker serves eight.
    let broker = builder(&at.api().origin(), hurried_http()).build().unwrap();
    broker
        .find_instrument(&at.account, "BTC-USD")
        .await
        .unwrap();
    let left = 8 - at.api().ledger().requests().len();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..60 {
        let (broker, account) = (broker.clone(), at.account.clone());
        calls.spawn(async move { broker.quotes(&account, &[crate::rig::btc()]).await });
    }
    let mut served = 0;
    while let Some(outcome) = calls.join_next().await {
        match outcome.unwrap() {
            Ok(_) => served += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}");
                assert!(error.retry_after().is_some());
            }
        }
    }
    assert_eq!(served, left);
    let refused = at.count(Route::BestBidAsk) - served;
    assert!(refused >= 20, "{refused}");
    // An order over the limit is not placed, and its key is not doubted.
    loop {
        match broker.place_order(&at.resting()).await {
            Ok(submission) => {
                accepted(submission);
                break;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::RateLimited, "{error}"),
        }
        at.sim.advance(Duration::from_millis(100));
    }
    assert_eq!(at.api().ledger().placements().len(), 1);
}

#[tokio::test]
async fn f6_a_lone_401_is_no_wrong_key() {
    let at = AtSim::new().await;
    at.fault(
        Route::Accounts,
        answer(401, include_str!("../data/crypto_error_401.json")),
    );
    at.broker.accounts().await.unwrap();
    assert_eq!(at.count(Route::Accounts), 2);
    assert!(
        !at.broker.usage().await[0].slowed,
        "one 401 slows nothing down"
    );
    at.faults(
        Route::Accounts,
        answer(401, include_str!("../data/crypto_error_401.json")),
    );
    // A key that was good a moment ago is not doubted at once.
    assert_eq!(code(at.broker.accounts().await), 3004);
    assert_eq!(at.count(Route::Accounts), 5);
    assert!(at.broker.usage().await[0].slowed);
    at.clock.0.skip(Duration::from_secs(61));
    assert_eq!(code(at.broker.accounts().await), 1001);
    assert_eq!(at.count(Route::Accounts), 7, "tried more than once more");
}

#[tokio::test]
async fn f25_f26_new_words_and_fields_are_kept_and_ignored() {
    let at = AtSim::new().await;
    let placed = accepted(at.broker.place_order(&at.resting()).await.unwrap());
    at.faults(Route::Order, set("/state", "\"restated\""));
    let order = at.broker.order(&at.account, &placed.id).await.unwrap();
    assert_eq!(order.state, OrderState::Other("restated".to_owned()));
    at.api().faults().clear();
    at.faults(Route::Order, set("/brand_new", "{\"a\":[1]}"));
    at.broker.order(&at.account, &placed.id).await.unwrap();
    at.api().faults().clear();
    at.faults(Route::Order, set("/side", "\"short\""));
    assert_eq!(code(at.broker.order(&at.account, &placed.id).await), 3006);
}

#[tokio::test]
async fn f27_times_without_zone_or_with_an_impossible_year_are_refused() {
    let at = AtSim::new().await;
    let placed = accepted(at.broker.place_order(&at.resting()).await.unwrap());
    for value in [
        "\"2026-11-20T10:00:00\"",
        "1795212000",
        "\"9999-01-01T00:00:00Z\"",
    ] {
        at.api().faults().clear();
        at.faults(Route::Order, set("/created_at", value));
        assert_eq!(
            code(at.broker.order(&at.account, &placed.id).await),
            3006,
            "{value}"
        );
    }
}

#[tokio::test]
async fn f31_a_page_that_fails_in_the_middle_fails_the_whole() {
    let at = AtSim::with(user(), |settings| settings.page_size = 2).await;
    at.btc().await;
    for _ in 0..5 {
        accepted(at.broker.place_order(&at.resting()).await.unwrap());
    }
    let all = at
        .broker
        .all_orders(&at.account, OrderQuery::all())
        .await
        .unwrap();
    assert_eq!(all.len(), 5);
    for query in [OrderQuery::all(), OrderQuery::open()] {
        let fault = wheelhouse_sim::Fault::new(Route::Orders, Kind::Html(502)).after(1);
        at.api().faults().add(fault);
        assert_eq!(code(at.broker.all_orders(&at.account, query).await), 2004);
        at.api().faults().clear();
    }
}
