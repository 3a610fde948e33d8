//! What goes wrong on the way, by the numbers of the fault list. Each has a read that says what
//! happened, and where it matters a placement that is never taken for more than is known.

use std::time::Duration;

use serde_json::{Value, json};
use wheelhouse_core::{
    AccountId, Broker, ClientOrderId, ErrorKind, OrderRequest, Resolution, Side, Submission, dec,
    shares,
};
use wheelhouse_session::{Authenticator, Credentials};
use wheelhouse_sim::{Fault, Kind, Matcher, robinhood::Route};

use crate::rig::{self, AtServer, AtSim};

/// The code that reading fails with under a fault.
async fn read_code(kind: Kind) -> u16 {
    let at = AtSim::new().await;
    at.server()
        .faults()
        .add(Fault::new(Matcher::path("/api.robinhood.com/user/"), kind));
    let error = at.broker.user().await.unwrap_err();
    assert_eq!(error.operation(), Some("user"));
    assert!(error.broker().is_some() && !error.to_string().contains("Bearer"));
    error.code()
}

/// What a placement comes to under a fault that is met once, and whether the broker has the order.
async fn placed(kind: Kind) -> (wheelhouse_core::Result<Submission>, bool) {
    let at = AtSim::new().await;
    let f = at.instrument("F").await;
    at.server()
        .faults()
        .add(Fault::new(Route::PlaceOrder, kind).times(1));
    let request = OrderRequest::limit(&at.account, &f, Side::Buy, shares!(1), dec!(5));
    let outcome = at.broker.place_order(&request).await;
    assert_eq!(
        at.server().ledger().count(Route::PlaceOrder),
        1,
        "it is sent once"
    );
    let there = !at.server().ledger().placements().is_empty();
    if let Ok(Submission::Unknown(open)) = &outcome {
        let resolved = at.broker.resolve(open).await.unwrap();
        assert_eq!(
            matches!(resolved, Resolution::Found(_)),
            there,
            "{}",
            resolved.report()
        );
    }
    (outcome, there)
}

async fn is_unknown(kind: Kind) {
    let (outcome, _) = placed(kind.clone()).await;
    assert!(
        matches!(outcome, Ok(Submission::Unknown(_))),
        "{kind:?}: {outcome:?}"
    );
}

fn status(status: u16, body: &Value) -> Kind {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Kind::Status {
        status,
        headers,
        body: body.to_string(),
    }
}

#[tokio::test]
async fn f1_malformed_json_is_told_and_a_placement_is_unknown() {
    let broken = || Kind::Body(b"{\"id\": \"1\",".to_vec());
    assert_eq!(read_code(broken()).await, 3006);
    is_unknown(broken()).await;
}

#[tokio::test]
async fn f2_a_page_is_not_the_protocol() {
    for page in [200, 403, 503] {
        assert_eq!(read_code(Kind::Html(page)).await, 2004, "{page}");
        is_unknown(Kind::Html(page)).await;
    }
}

#[tokio::test]
async fn f3_an_empty_answer_is_told() {
    assert_eq!(read_code(Kind::Body(Vec::new())).await, 3006);
    is_unknown(Kind::Body(Vec::new())).await;
}

#[tokio::test]
async fn f5_the_status_wins_over_what_looks_like_success() {
    let body = json!({"id": "1", "username": "x"});
    assert_eq!(read_code(status(404, &body)).await, 3002);
    let (outcome, there) = placed(status(400, &body)).await;
    assert!(
        !there && !matches!(outcome, Ok(Submission::Accepted(_))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn f6_a_401_refreshes_once_and_repeats_reads_only() {
    let refused = || {
        status(
            401,
            &json!({"detail": "Incorrect authentication credentials."}),
        )
    };
    assert_eq!(read_code(refused()).await, 1003);
    let (outcome, there) = placed(refused()).await;
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::SessionExpired);
    assert!(!there);
    let at = AtSim::new().await;
    at.server().expire_access_tokens();
    at.broker.user().await.unwrap();
    assert_eq!(at.server().ledger().refreshes().len(), 1);
}

#[tokio::test]
async fn f7_a_permission_and_a_wall_are_told_apart() {
    let body = json!({"detail": "You do not have permission to perform this action."});
    assert_eq!(read_code(status(403, &body)).await, 3003);
    assert_eq!(read_code(Kind::Html(403)).await, 2004);
}

#[tokio::test]
async fn f10_f12_waits_stand_in_header_or_text_and_else_are_our_own() {
    let text = json!({"detail": "Request was throttled. Expected available in 14 seconds."});
    for (body, least) in [(text, 14), (json!({"detail": "Too many requests"}), 0)] {
        let at = AtSim::new().await;
        let fault = Fault::new(
            Matcher::path("/api.robinhood.com/user/"),
            status(429, &body),
        );
        at.server().faults().add(fault.times(2));
        let before = at.clock.0.skipped();
        let outcome = at.broker.user().await;
        let waited = at.clock.0.skipped() - before;
        match outcome {
            Ok(_) => assert!(waited >= Duration::from_secs(least), "{waited:?}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::RateLimited),
        }
    }
    let (outcome, there) = placed(status(429, &json!({}))).await;
    assert!(outcome.unwrap_err().retry_after().is_some() && !there);
}

#[tokio::test]
async fn f14_failures_of_the_broker_are_read_again_and_placements_are_unknown() {
    for failure in [500, 502, 503, 504] {
        let body = json!({"detail": "x"});
        assert_eq!(read_code(status(failure, &body)).await, 3005, "{failure}");
        is_unknown(status(failure, &body)).await;
        let at = AtSim::new().await;
        let fault = Fault::new(
            Matcher::path("/api.robinhood.com/user/"),
            status(failure, &body),
        );
        at.server().faults().add(fault.times(1));
        at.broker.user().await.unwrap();
    }
}

#[tokio::test]
async fn f15_f18_f19_what_is_not_http_or_too_much_is_not_the_protocol() {
    let switch = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n";
    for kind in [
        Kind::Raw(switch.to_vec()),
        Kind::HugeBody { bytes: 10_000_000 },
        Kind::ContentLength { off_by: 10 },
        Kind::Raw(b"SSH-2.0-x\r\n".to_vec()),
    ] {
        let code = read_code(kind.clone()).await;
        assert!(matches!(code, 2001 | 2004), "{kind:?}: {code}");
        is_unknown(kind).await;
    }
}

#[tokio::test]
async fn f25_f26_new_fields_are_ignored_and_new_words_are_kept() {
    let at = AtSim::new().await;
    let f = at.instrument("F").await;
    let request = OrderRequest::limit(&at.account, &f, Side::Buy, shares!(1), dec!(5));
    let Submission::Accepted(order) = at.broker.place_order(&request).await.unwrap() else {
        panic!()
    };
    for (pointer, value) in [
        ("/never_seen", "{\"a\":[1]}"),
        ("/state", "\"frobnicated\""),
    ] {
        let kind = Kind::Set {
            pointer: pointer.to_owned(),
            value: value.to_owned(),
        };
        at.server()
            .faults()
            .add(Fault::new(Route::Order, kind).times(1));
        let read = at.broker.order(&at.account, &order.id).await.unwrap();
        assert!(!read.state.is_final(), "{}", read.state);
    }
}

#[tokio::test]
async fn f22_f23_f24_f27_values_that_cannot_be_are_told_with_their_place() {
    for (pointer, value) in [
        ("/results/0/quantity", "\"1,000.5\""),
        ("/results/0/quantity", "\"NaN\""),
        ("/results/0/quantity", "1e400"),
        ("/results/0/quantity", "null"),
        ("/results/0/created_at", "\"2026-11-20 15:30\""),
        ("/results/0/created_at", "\"9999-01-01T00:00:00Z\""),
        ("/results/0/symbol", "\"F\\u200b\""),
        ("/results/0", "null"),
    ] {
        let at = AtSim::new().await;
        let kind = Kind::Set {
            pointer: pointer.to_owned(),
            value: value.to_owned(),
        };
        at.server().faults().add(Fault::new(Route::Positions, kind));
        let error = at
            .broker
            .positions(&at.account, wheelhouse_core::PositionQuery::all())
            .await
            .unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::UnexpectedAnswer,
            "{pointer} {value}: {error}"
        );
        assert!(!error.to_string().contains("1,000.5"));
    }
    let at = AtSim::new().await;
    let kind = Kind::Remove {
        pointer: "/results/1/quantity".to_owned(),
    };
    at.server().faults().add(Fault::new(Route::Positions, kind));
    let error = at
        .broker
        .positions(&at.account, wheelhouse_core::PositionQuery::all())
        .await
        .unwrap_err();
    assert!(
        error.message().contains("$.results[1]") && error.message().contains("quantity"),
        "{error}"
    );
}

#[tokio::test]
async fn f33_a_broker_that_is_not_there_is_a_network_error_and_nothing_was_placed() {
    let at = AtSim::new().await;
    let f = at.instrument("F").await;
    at.broker.accounts().await.unwrap();
    at.broker
        .quotes(&at.account, std::slice::from_ref(&f.id))
        .await
        .unwrap();
    let request = OrderRequest::limit(&at.account, &f, Side::Buy, shares!(1), dec!(5));
    let AtSim {
        sim,
        clock,
        broker,
        http,
        manager,
        session,
        account,
    } = at;
    // The clock holds the simulator too; its socket closes with the last of them.
    drop((http, manager, session, account));
    let mut config = broker.config().clone();
    config.environment = wheelhouse_robinhood::Environment::Custom("http://127.0.0.1:9".to_owned());
    let nobody = wheelhouse_robinhood::Robinhood::builder()
        .config(config)
        .http(rig::http(&clock))
        .tokens(std::sync::Arc::new(rig::Token::default()), rig::USER)
        .build()
        .unwrap();
    let error = nobody.place_order(&request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(sim.robinhood().ledger().placements().is_empty());
}

#[tokio::test]
async fn f34_f38_a_lost_answer_is_unknown_and_a_dead_connection_is_not_felt() {
    is_unknown(Kind::DropAnswer).await;
    let at = AtSim::new().await;
    at.server().faults().add(Fault::new(
        Matcher::path("/api.robinhood.com/user/"),
        Kind::CloseQuietly,
    ));
    for _ in 0..5 {
        at.broker.user().await.unwrap();
    }
}

#[tokio::test]
async fn f35_an_answer_that_does_not_come_in_time_is_unknown() {
    let (outcome, there) = placed(Kind::DelayAnswer(Duration::from_secs(60))).await;
    let Ok(Submission::Unknown(open)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((open.cause_code, there), (2002, true));
}

#[tokio::test]
async fn f43_the_answer_to_another_request_is_not_taken() {
    let at = AtServer::new().await;
    let other = json!({"id": "1", "ref_id": "7151eda4-3328-47a5-9b37-32cf886f8eb4"});
    at.mount("POST", "api", "/orders/", 201, other.to_string().into(), 1)
        .await;
    let f = wheelhouse_core::InstrumentId::new(rig::F).unwrap();
    let request = OrderRequest::limit(&at.account, f, Side::Buy, shares!(1), dec!(12));
    assert!(matches!(
        at.broker.place_order(&request).await.unwrap(),
        Submission::Unknown(_)
    ));
}

#[tokio::test]
async fn f44_an_answer_that_nobody_waits_for_is_noted() {
    let at = AtSim::new().await;
    let f = at.instrument("F").await;
    at.broker.accounts().await.unwrap();
    let id = ClientOrderId::new("left-alone").unwrap();
    let request =
        OrderRequest::limit(&at.account, &f, Side::Buy, shares!(1), dec!(5)).client_order_id(id);
    let slow = Kind::DelayAnswer(Duration::from_millis(300));
    at.server()
        .faults()
        .add(Fault::new(Route::PlaceOrder, slow).times(1));
    let arrived = async {
        while at.server().ledger().placements().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        outcome = at.broker.place_order(&request) => panic!("{outcome:?}"),
        () = arrived => {}
    }
    let id = loop {
        match at.broker.place_order(&request).await.unwrap() {
            Submission::Accepted(order) => break order.id,
            Submission::Unknown(_) => tokio::task::yield_now().await,
            other => panic!("{other}"),
        }
    };
    let placed = at.server().ledger().placements();
    assert_eq!(
        (placed.len(), placed[0].order_id.as_str()),
        (1, id.as_str())
    );
    assert_eq!(at.server().ledger().count(Route::PlaceOrder), 1);
}

#[tokio::test]
async fn f48_orders_that_were_not_sent_from_here_are_shown() {
    let at = AtServer::new().await;
    at.mount(
        "GET",
        "api",
        "/orders/",
        200,
        rig::sample("orders_page_2"),
        1,
    )
    .await;
    let orders = at
        .broker
        .orders(&at.account, wheelhouse_core::OrderQuery::all())
        .await
        .unwrap();
    assert_eq!(orders.items.len(), 4);
    assert!(
        orders
            .items
            .iter()
            .all(|order| order.client_order_id.is_some())
    );
}

#[tokio::test]
async fn f55_passwords_are_sent_byte_by_byte() {
    for password in [
        " leading",
        "quo\"te'\\",
        "\u{1F511}\u{301}",
        "a&b=c%20+d",
        &"x".repeat(1024),
    ] {
        let at = AtServer::new().await;
        let refused = rig::sample("login_bad_credentials");
        at.mount("POST", "api", "/oauth2/token/", 400, refused, 1)
            .await;
        let clock = rig::SkipClock(rig::Skipping::new());
        let auth =
            wheelhouse_robinhood::RobinhoodAuth::new(at.broker.config().clone(), rig::http(&clock))
                .unwrap();
        let credentials = Credentials::new("u@example.com", password.into()).unwrap();
        let error = auth.begin(&credentials).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
        let sent: Value = at.sent("POST", "/oauth2/token/").await[0]
            .body_json()
            .unwrap();
        assert_eq!(sent["password"], *password);
    }
}

#[tokio::test]
async fn f58_an_account_of_another_user_is_refused_before_anything_is_sent_for_it() {
    let at = AtSim::new().await;
    let other = AccountId::new("999999999").unwrap();
    let error = at.broker.account_summary(&other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let requests = at.server().ledger().requests();
    assert!(
        requests
            .iter()
            .all(|request| !request.path.contains("999999999"))
    );
}
