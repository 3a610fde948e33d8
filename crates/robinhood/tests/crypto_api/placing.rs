//! Placements: sent once, and sorted by what the answer proves.

use std::{sync::Arc, time::Duration};

use wheelhouse_core::{
    Broker, BrokerExt, Clock, ErrorKind, OrderQuery, RejectReason, Resolution, Submission, dec,
};
use wheelhouse_ratelimit::LimitScope;
use wheelhouse_robinhood::CryptoApiVersion;
use wheelhouse_sim::{
    Fault, Kind,
    faults::{GzipFault, Moment, StallAt},
    robinhood_crypto::{Duplicate, Route},
};
use wheelhouse_testkit::ManualClock;

use crate::rig::{
    AtSim, START, accepted, answer, builder, code, http, id, impatient_http, refusal, unknown, user,
};

/// Answers that prove nothing, and whether the order was placed all the same.
fn unclear() -> Vec<(&'static str, Fault, bool)> {
    let fault = |kind| Fault::new(Route::PlaceOrder, kind).times(1);
    let placed = unclear_and_placed().into_iter();
    let placed = placed.map(|(what, kind)| (what, fault(kind).acting(true), true));
    let others = unclear_and_not_placed().into_iter();
    let others = others.map(|(what, kind)| (what, fault(kind), false));
    placed.chain(others).collect()
}

fn unclear_and_placed() -> Vec<(&'static str, Kind)> {
    let body = |text: &[u8]| Kind::Body(text.to_vec());
    let announced = |off_by| Kind::ContentLength { off_by };
    let set = |pointer: &str, value: &str| Kind::Set {
        pointer: pointer.to_owned(),
        value: value.to_owned(),
    };
    let another = "\"131de903-5a9c-4260-abc1-28d562a5dcf0\"";
    let (size, limit) = (
        "/limit_order_config/asset_quantity",
        "/limit_order_config/limit_price",
    );
    let no_id = Kind::Remove {
        pointer: "/id".into(),
    };
    vec![
        ("F34 no answer", Kind::DropAnswer),
        ("F34 reset, acted", Kind::Reset(Moment::AfterActing)),
        ("F2 page of an edge", Kind::Html(502)),
        ("F14 500", refusal(500, "A server error occurred.")),
        ("F1 malformed", body(b"{\"id\": oops}")),
        ("F3 empty", body(b"")),
        ("F17 gzip cut off", Kind::Gzip(GzipFault::Truncated)),
        ("F18 cut off", Kind::Truncate { keep: 20 }),
        ("F18 announced longer", announced(7)),
        ("F18 announced shorter", announced(-7)),
        ("F20 deep", body("[".repeat(10_000).as_bytes())),
        ("F21 twice", body(b"{\"id\":\"1\",\"id\":\"2\"}")),
        ("F22 no number", set(limit, "\"1,000.5\"")),
        ("F23 NaN", set("/filled_asset_quantity", "\"NaN\"")),
        ("F24 no id", no_id),
        ("F27 no zone", set("/created_at", "\"2026-11-20T10:00:00\"")),
        ("F29 Latin-1", body(b"{\"id\":\"\xE9\"}")),
        ("F43 of another", set("/client_order_id", another)),
        ("F43 of another account", set("/account_number", "\"999\"")),
        ("other numbers", set(size, "\"7\"")),
    ]
}

fn unclear_and_not_placed() -> Vec<(&'static str, Kind)> {
    let errors = r#"{"type":"client_error","errors":[]}"#;
    let server_error = r#"{"type":"server_error","errors":[{"detail":"x","attr":null}]}"#;
    let refused = include_str!("../data/crypto_error_validation.json");
    let elsewhere = Kind::Redirect {
        status: 307,
        location: "/elsewhere/".into(),
    };
    vec![
        ("F34 reset, not acted", Kind::Reset(Moment::AfterRead)),
        ("F2 page with success", Kind::Html(200)),
        ("F14 503", answer(503, "")),
        ("F14 504 worded", refusal(504, "Timed out.")),
        ("F3 204", answer(204, "")),
        ("F4 success with errors", answer(200, errors)),
        ("F4 success with a refusal", answer(200, refused)),
        ("F4 a server error with 400", answer(400, server_error)),
        (
            "F5 400 with an order",
            answer(400, r#"{"id":"7","state":"open"}"#),
        ),
        (
            "F7 403 of an edge",
            answer(403, r#"{"message":"Forbidden"}"#),
        ),
        ("F16 redirect", elsewhere),
        ("F19 64 MiB", Kind::HugeBody { bytes: 64 << 20 }),
    ]
}

#[tokio::test]
async fn unclear_answers_are_unknown_sent_once_and_found_out_by_reading() {
    let mut tasks = tokio::task::JoinSet::new();
    for (what, fault, placed) in unclear() {
        tasks.spawn(async move {
            let at = AtSim::new().await;
            at.btc().await;
            at.api().faults().add(fault);
            let submission = at.broker.place_order(&at.resting()).await;
            let open = match submission {
                Ok(Submission::Unknown(open)) => open,
                other => panic!("{what}: {other:?}"),
            };
            assert_ne!(open.cause_code, 0, "{what}");
            assert_eq!(at.count(Route::PlaceOrder), 1, "{what}: sent again");
            let resolution = at.broker.resolve(&open).await.unwrap();
            match (&resolution, placed) {
                (Resolution::Found(order), true) => {
                    assert_eq!(order.client_order_id.as_ref(), Some(&open.client_order_id));
                }
                (Resolution::NotFound(evidence), false) => {
                    assert!(evidence.complete_reads >= 3, "{what}: {evidence}");
                }
                _ => panic!("{what}: {}", resolution.report()),
            }
            // The same order again is not sent again.
            let mut same = at.resting();
            same.client_order_id = Some(open.client_order_id.clone());
            let _ = at.broker.place_order(&same).await.unwrap();
            assert_eq!(at.count(Route::PlaceOrder), 1, "{what}");
            assert_eq!(
                at.api().ledger().placements().len(),
                usize::from(placed),
                "{what}"
            );
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn refusals_of_the_broker_are_rejections_with_their_reason() {
    let at = AtSim::new().await;
    let order = at.limit(dec!(50), dec!(50000));
    let Submission::Rejected(rejection) = at.broker.place_order(&order).await.unwrap() else {
        panic!("the order costs more than there is");
    };
    assert_eq!(rejection.reason, RejectReason::InsufficientFunds);
    assert_eq!(rejection.message, "Insufficient buying power.");
    for (body, reason) in [
        (
            include_str!("../data/crypto_error_validation.json"),
            RejectReason::InvalidField,
        ),
        (
            include_str!("../data/crypto_error_account_number_missing.json"),
            RejectReason::InvalidField,
        ),
    ] {
        at.fault(Route::PlaceOrder, answer(400, body));
        let submission = at.broker.place_order(&at.resting()).await.unwrap();
        let Submission::Rejected(rejection) = submission else {
            panic!("{submission}");
        };
        assert_eq!(rejection.reason, reason);
    }
    assert!(at.api().ledger().placements().is_empty());
}

#[tokio::test]
async fn f6_f10_f58_what_was_refused_before_it_was_looked_at_is_an_error_and_nothing_was_placed() {
    for (status, body, kind) in [
        // The key is good: the read that asks about it says so.
        (
            401,
            include_str!("../data/crypto_error_401.json"),
            ErrorKind::RateLimited,
        ),
        (
            403,
            include_str!("../data/crypto_error_403.json"),
            ErrorKind::PermissionDenied,
        ),
        (
            429,
            include_str!("../data/crypto_error_429.json"),
            ErrorKind::RateLimited,
        ),
    ] {
        let at = AtSim::new().await;
        at.btc().await;
        at.fault(Route::PlaceOrder, answer(status, body));
        let error = at.broker.place_order(&at.resting()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.effect(), wheelhouse_core::Effect::None);
        assert_eq!(error.operation(), Some("place_order"));
        assert_eq!(at.count(Route::PlaceOrder), 1, "{status} was sent again");
        if status == 429 {
            assert_eq!(error.retry_after(), Some(Duration::from_secs(2)));
        }
        // It is not remembered as placed: the caller may try again.
        accepted(at.broker.place_order(&at.resting()).await.unwrap());
    }
}

#[tokio::test]
async fn f6_an_order_that_is_refused_with_a_key_that_is_wrong_says_so() {
    let at = AtSim::new().await;
    at.btc().await;
    let refused = || answer(401, include_str!("../data/crypto_error_401.json"));
    at.faults(Route::PlaceOrder, refused());
    at.faults(Route::Accounts, refused());
    // More than a minute since the key was good.
    at.clock.0.skip(Duration::from_secs(61));
    let error = at.broker.place_order(&at.resting()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (ErrorKind::InvalidCredentials, wheelhouse_core::Effect::None)
    );
    assert_eq!(at.count(Route::PlaceOrder), 1);
}

#[tokio::test]
async fn f47_a_pair_that_was_closed_meanwhile_is_a_rejection_of_the_broker() {
    let at = AtSim::new().await;
    // What this side knows of the pair is older than what the broker knows.
    at.faults(
        Route::TradingPairs,
        Kind::Set {
            pointer: "/results/3/is_api_tradable".into(),
            value: "true".into(),
        },
    );
    let bill = at
        .broker
        .find_instrument(&at.account, "BILL-USD")
        .await
        .unwrap();
    let order = wheelhouse_core::OrderRequest::market(
        &at.account,
        &bill,
        wheelhouse_core::Side::Buy,
        crate::rig::units(dec!(10)),
    );
    let Submission::Rejected(rejection) = at.broker.place_order(&order).await.unwrap() else {
        panic!("the broker does not trade it");
    };
    assert_eq!(rejection.reason, RejectReason::InvalidField);
    assert_eq!(
        rejection.message,
        "symbol: This pair can not be traded over the API."
    );
    assert!(at.api().ledger().placements().is_empty());
}

#[tokio::test]
async fn f46_an_order_that_fills_in_parts_after_its_answer_was_lost_is_counted_to_the_coin() {
    for version in [CryptoApiVersion::V1, CryptoApiVersion::V2] {
        let at = AtSim::with(user(), |settings| settings.fill_step = Some(dec!(0.013))).await;
        let broker = at.another(version);
        broker
            .find_instrument(&at.account, "BTC-USD")
            .await
            .unwrap();
        at.fault(Route::PlaceOrder, Kind::DropAnswer);
        let open = unknown(broker.place_order(&at.market(dec!(0.1))).await.unwrap());
        let Resolution::Found(found) = broker.resolve(&open).await.unwrap() else {
            panic!("the order is there");
        };
        let mut filled = found.filled;
        loop {
            at.fault(Route::Order, Kind::Reset(Moment::AfterActing));
            let order = broker.order(&at.account, &found.id).await.unwrap();
            assert!(order.filled >= filled && order.filled.value() <= dec!(0.1));
            filled = order.filled;
            if order.state.is_final() {
                break;
            }
        }
        assert_eq!(filled.value(), dec!(0.1));
        let fills = broker
            .executions(&at.account, wheelhouse_core::ExecutionQuery::all())
            .await
            .unwrap()
            .items;
        let parts: Vec<_> = fills.iter().map(|fill| fill.quantity.value()).collect();
        assert_eq!(parts.iter().sum::<wheelhouse_core::Decimal>(), dec!(0.1));
        assert_eq!(parts.len(), 8, "{parts:?}");
        let held = broker.all_positions(&at.account).await.unwrap();
        assert_eq!(held[0].size.amount(), dec!(0.1));
    }
}

#[tokio::test]
async fn f48_orders_that_other_programs_have_placed_are_shown() {
    let at = AtSim::new().await;
    let other = at.another(CryptoApiVersion::V1);
    let placed = accepted(other.place_order(&at.resting()).await.unwrap());
    let open = at
        .broker
        .all_orders(&at.account, OrderQuery::open())
        .await
        .unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].id, placed.id);
    assert_eq!(open[0].client_order_id, Some(placed.client_order_id));
}

#[tokio::test]
async fn f35_f36_f37_a_placement_that_is_not_answered_in_time_is_unknown_and_sent_once() {
    for kind in [
        Kind::Stall(StallAt::BeforeHead),
        Kind::Stall(StallAt::AfterHead),
        Kind::Stall(StallAt::MidBody),
        Kind::Drip {
            bytes: 1,
            every: Duration::from_millis(100),
        },
        Kind::Informational {
            status: 102,
            count: 0,
            every: Duration::from_millis(20),
        },
    ] {
        let at = AtSim::new().await;
        let broker = builder(&at.api().origin(), impatient_http())
            .build()
            .unwrap();
        broker
            .find_instrument(&at.account, "BTC-USD")
            .await
            .unwrap();
        let what = format!("{kind:?}");
        at.fault(Route::PlaceOrder, kind);
        let open = unknown(broker.place_order(&at.resting()).await.unwrap());
        assert_eq!(open.cause_code, 2002, "{what}");
        let resolution = broker.resolve(&open).await.unwrap();
        assert!(matches!(resolution, Resolution::Found(_)), "{what}");
        assert_eq!(at.count(Route::PlaceOrder), 1, "{what}");
    }
}

#[tokio::test]
async fn f33_what_was_not_sent_may_be_tried_again() {
    let at = AtSim::new().await;
    at.btc().await;
    let request = at.resting().client_order_id(id("a-try"));
    let url = at.api().origin();
    let AtSim { sim, broker, .. } = at;
    Arc::into_inner(sim).unwrap().shutdown().await;
    let error = broker.place_order(&request).await.unwrap_err();
    assert_eq!(
        (error.code(), error.effect()),
        (2001, wheelhouse_core::Effect::None),
        "{url}"
    );
}

#[tokio::test]
async fn a_failed_order_is_a_rejection() {
    let at = AtSim::new().await;
    at.btc().await;
    at.fault(
        Route::PlaceOrder,
        Kind::Set {
            pointer: "/state".into(),
            value: "\"failed\"".into(),
        },
    );
    let submission = at.broker.place_order(&at.resting()).await.unwrap();
    let Submission::Rejected(rejection) = submission else {
        panic!("{submission}");
    };
    assert!(rejection.order.is_some());
}

#[tokio::test]
async fn ord_9_f9_a_used_identifier_is_adopted_or_refused_however_the_broker_says_it() {
    for duplicate in [
        Duplicate::SameOrder,
        Duplicate::Refuse(409),
        Duplicate::Refuse(400),
    ] {
        let at = AtSim::with(user(), |settings| settings.duplicate = duplicate).await;
        let request = at.resting().client_order_id(id("once"));
        let first = accepted(at.broker.place_order(&request).await.unwrap());
        // In this process it is known without asking.
        let again = accepted(at.broker.place_order(&request).await.unwrap());
        assert_eq!(
            (again.id, at.count(Route::PlaceOrder)),
            (first.id.clone(), 1)
        );
        let mut other = request.clone();
        other.side = wheelhouse_core::Side::Sell;
        assert_eq!(code(at.broker.place_order(&other).await), 3009);
        assert_eq!(at.count(Route::PlaceOrder), 1);

        let restarted = at.another(CryptoApiVersion::V2);
        let adopted = accepted(restarted.place_order(&request).await.unwrap());
        assert_eq!(adopted.id, first.id, "{duplicate:?}");
        let restarted = at.another(CryptoApiVersion::V2);
        assert_eq!(
            code(restarted.place_order(&other).await),
            3009,
            "{duplicate:?}"
        );
        assert_eq!(at.api().ledger().placements().len(), 1);
    }
}

#[tokio::test]
async fn f9_a_duplicate_that_cannot_be_found_stays_unknown() {
    let at = AtSim::new().await;
    at.btc().await;
    let text = "An order with this client_order_id already exists.";
    at.fault(Route::PlaceOrder, refusal(409, text));
    unknown(at.broker.place_order(&at.resting()).await.unwrap());
}

#[tokio::test]
async fn f44_an_answer_that_comes_after_its_caller_has_gone_is_noted() {
    let at = AtSim::new().await;
    at.btc().await;
    at.fault(Route::PlaceOrder, Kind::DelayAnswer(Duration::from_secs(1)));
    let request = at.resting().client_order_id(id("alone"));
    let arrived = async {
        while at.api().ledger().placements().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        outcome = at.broker.place_order(&request) => panic!("{outcome:?}"),
        () = arrived => {}
    }
    let mut waited = 0;
    loop {
        match at.broker.place_order(&request).await.unwrap() {
            Submission::Accepted(_) => break,
            Submission::Unknown(_) => waited += 1,
            other => panic!("{other}"),
        }
        tokio::task::yield_now().await;
    }
    assert!(waited > 0, "it was told before it was known");
    assert_eq!(at.count(Route::PlaceOrder), 1);
}

#[tokio::test]
async fn the_window_of_an_order_that_waited_for_its_limit_begins_when_it_went_out() {
    let at = AtSim::new().await;
    at.fault(Route::PlaceOrder, Kind::DropAnswer);
    let http = http(&at.clock);
    let scope = LimitScope::new("crypto-queue");
    let builder = builder(&at.api().origin(), http.clone());
    let broker = builder.limit_scope(scope.clone()).build().unwrap();
    // The instrument and the accounts are known from here on.
    broker
        .find_instrument(&at.account, "BTC-USD")
        .await
        .unwrap();
    let began = at.clock.now();
    http.limiter().pause(&scope, Duration::from_secs(9)).await;
    let submission = broker.place_order(&at.resting()).await.unwrap();
    let Submission::Unknown(open) = submission else {
        panic!("{submission:?}")
    };
    let waited = open.sent_at - began;
    assert!(waited >= time::Duration::seconds(9), "{waited}");
}

#[tokio::test]
async fn an_order_whose_caller_has_gone_before_it_was_sent_is_not_sent() {
    let at = AtSim::new().await;
    let scope = LimitScope::new("the-user");
    let clock = ManualClock::at(START);
    let http = http(&clock);
    let builder = builder(&at.api().origin(), http.clone());
    let broker = builder.limit_scope(scope.clone()).build().unwrap();
    broker
        .find_instrument(&at.account, "BTC-USD")
        .await
        .unwrap();
    http.limiter().pause(&scope, Duration::from_secs(6)).await;
    let request = at.resting().client_order_id(id("gone"));
    tokio::select! {
        outcome = broker.place_order(&request) => panic!("{outcome:?}"),
        () = clock.walk(Duration::from_secs(1)) => {}
    }
    clock.walk(Duration::from_secs(10)).await;
    assert_eq!(at.count(Route::PlaceOrder), 0);
    // Nothing was sent, so it is not taken for placed.
    accepted(broker.place_order(&request).await.unwrap());
    assert_eq!(at.count(Route::PlaceOrder), 1);
}

#[tokio::test]
async fn a_cancel_is_repeated_until_it_is_answered_and_its_late_result_is_shown() {
    let at = AtSim::new().await;
    let placed = accepted(at.broker.place_order(&at.resting()).await.unwrap());
    at.fault(Route::CancelOrder, Kind::DropAnswer);
    at.broker
        .cancel_order(&at.account, &placed.id)
        .await
        .unwrap();
    let open = at
        .broker
        .all_orders(&at.account, OrderQuery::open())
        .await
        .unwrap();
    assert!(open.is_empty());

    // F4: success that refuses is none.
    at.fault(
        Route::CancelOrder,
        answer(200, include_str!("../data/crypto_error_404.json")),
    );
    let refused = at.broker.cancel_order(&at.account, &placed.id).await;
    assert_eq!(code(refused), 3001);

    at.api()
        .change_settings(|settings| settings.cancel_loses = true);
    let placed = accepted(at.broker.place_order(&at.resting()).await.unwrap());
    at.broker
        .cancel_order(&at.account, &placed.id)
        .await
        .unwrap();
    let order = at.broker.order(&at.account, &placed.id).await.unwrap();
    assert_eq!(order.state, wheelhouse_core::OrderState::Filled);
    at.broker
        .cancel_order(&at.account, &placed.id)
        .await
        .unwrap();
}
