//! Reads whose answers go wrong.

use std::time::Duration;

use wheelhouse_core::{Broker, BrokerExt, ErrorKind, OrderQuery, OrderState, PositionQuery, dec};
use wheelhouse_sim::{
    Kind,
    faults::{GzipFault, Moment},
    robinhood_crypto::Route,
};

use crate::rig::{AtSim, accepted, answer, code, refusal, user};

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
    // Two seconds of a clock that runs thirty times as fast.
    let waited = requests[1].at - requests[0].at;
    assert!(waited >= Duration::from_millis(60), "{waited}");
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
async fn f6_a_lone_401_is_no_wrong_key() {
    let at = AtSim::new().await;
    at.fault(
        Route::Accounts,
        answer(401, include_str!("../data/crypto_error_401.json")),
    );
    at.broker.accounts().await.unwrap();
    assert_eq!(at.count(Route::Accounts), 2);
    at.faults(
        Route::Accounts,
        answer(401, include_str!("../data/crypto_error_401.json")),
    );
    assert_eq!(code(at.broker.accounts().await), 1001);
    assert_eq!(at.count(Route::Accounts), 4, "tried more than once more");
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
