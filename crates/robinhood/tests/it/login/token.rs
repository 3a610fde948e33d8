//! The token endpoint: each of its answers, told by the keys of the body.

use std::time::Duration;

use serde_json::{Value, json};
use wheelhouse_core::{ErrorKind, SecretString};
use wheelhouse_robinhood::{
    ApprovalFlow, DEVICE_TOKEN, Environment, READ_ONLY_TOKEN, RobinhoodAuth, RobinhoodConfig,
    USER_UUID,
};
use wheelhouse_session::{
    Authenticator, Challenge, ChallengeAnswer, CodeChannel, Credentials, Grant, LoginStep,
};
use wheelhouse_sim::robinhood::{CodeKind, ErrorShape, LoginFlow, LoginOutcome};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path},
};

use super::{CODE, Door, open, ready, settings};
use crate::rig::{self, PASSWORD, SkipClock, USER, sample};

/// A server whose token endpoint answers so, and whose other routes answer with samples.
async fn at(status: u16, body: &[u8], kind: &str) -> (MockServer, RobinhoodAuth) {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(status).set_body_raw(body, kind);
    mount(&server, "POST", "/oauth2/token/", answer).await;
    for (verb, route, name) in [
        (
            "POST",
            "/pathfinder/user_machine/",
            "pathfinder_user_machine",
        ),
        (
            "GET",
            "/pathfinder/inquiries/a03bfab5-309f-4c15-8754-c9019b96a136/user_view/",
            "user_view_sms",
        ),
        ("POST", "/oauth2/revoke_token/", "revoke_ok"),
    ] {
        let answer = ResponseTemplate::new(200).set_body_raw(sample(name), "application/json");
        mount(&server, verb, route, answer).await;
    }
    let clock = SkipClock(rig::Skipping::new());
    let mut config = RobinhoodConfig::default();
    config.environment = Environment::Custom(server.uri());
    config.approval = ApprovalFlow::Pathfinder;
    let auth = RobinhoodAuth::new(config, rig::http(&clock)).unwrap();
    (server, auth)
}

async fn mount(server: &MockServer, verb: &str, route: &str, answer: ResponseTemplate) {
    Mock::given(method(verb))
        .and(path(format!("/api.robinhood.com{route}")))
        .respond_with(answer)
        .mount(server)
        .await;
}

async fn begin(status: u16, name: &str) -> wheelhouse_core::Result<LoginStep> {
    let (_server, auth) = at(status, &sample(name), "application/json").await;
    auth.begin(&rig::credentials()).await
}

fn challenge(step: LoginStep) -> Challenge {
    match step {
        LoginStep::Challenge(pending) => pending.challenge().clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn answers_a_to_e_are_told_by_their_keys_whatever_the_status() {
    for status in [200, 201, 400, 401, 403, 422] {
        let granted = begin(status, "login_token_ok").await.unwrap();
        let LoginStep::Granted(grant) = granted else {
            panic!("{status}")
        };
        for name in [DEVICE_TOKEN, READ_ONLY_TOKEN, USER_UUID] {
            assert!(grant.extra(name).is_some(), "{name}");
        }
        assert!(grant.refresh_token().is_some());

        let sms = Challenge::Code {
            channel: CodeChannel::Sms,
            sent_to: None,
        };
        for (name, asked) in [
            ("login_verification_workflow", &sms),
            ("login_mfa_required_sms", &sms),
            ("login_mfa_required_app", &Challenge::Totp),
        ] {
            let step = begin(status, name).await.unwrap();
            assert_eq!(challenge(step), *asked, "{name} with {status}");
        }
        for (name, code) in [
            ("login_bad_credentials", 1001),
            ("login_bad_credentials_non_field_errors", 1001),
            ("login_mfa_code_rejected", 1002),
            ("login_throttled", 1004),
            ("refresh_invalid_grant", 1001),
        ] {
            let error = begin(status, name).await.unwrap_err();
            assert_eq!(error.code(), code, "{name} with {status}: {error}");
        }
    }
    // The sample's challenge of old has run out long ago, so it is given a later end.
    let mut legacy: Value = serde_json::from_slice(&sample("login_challenge_legacy")).unwrap();
    legacy["challenge"]["expires_at"] = json!("2100-11-20T10:15:00.000000-05:00");
    for status in [200, 400, 401, 403] {
        for (kind, asked) in [("sms", CodeChannel::Sms), ("email", CodeChannel::Mail)] {
            legacy["challenge"]["type"] = json!(kind);
            let (_server, auth) =
                at(status, legacy.to_string().as_bytes(), "application/json").await;
            let step = auth.begin(&rig::credentials()).await.unwrap();
            let Challenge::Code { channel, .. } = challenge(step) else {
                panic!("{status} {kind}")
            };
            assert_eq!(channel, asked);
        }
        legacy["challenge"]["type"] = json!("bank");
        let (_server, auth) = at(status, legacy.to_string().as_bytes(), "application/json").await;
        let step = auth.begin(&rig::credentials()).await.unwrap();
        assert!(matches!(challenge(step), Challenge::Human { .. }));
    }
}

#[tokio::test]
async fn answers_f_to_h_and_what_nobody_has_seen_are_errors_of_their_kind() {
    let json = "application/json";
    let html: &[u8] = b"<!DOCTYPE html><html><body>One moment</body></html>";
    for (status, body, kind, code) in [
        (429, &sample("login_throttled")[..], json, 1004),
        (429, b"", json, 1004),
        (200, html, "text/html", 2004),
        (403, html, "text/html", 2004),
        (503, html, "text/html", 2004),
        (403, html, json, 2004),
        (500, &sample("error_500")[..], json, 3005),
        (
            503,
            br#"{"detail":"Unable to log in with provided credentials."}"#,
            json,
            3005,
        ),
        (200, b"{}", json, 3006),
        (200, b"", json, 3006),
        (200, b"[]", json, 3006),
        (200, br#"{"access_token":7}"#, json, 3006),
        (400, b"{}", json, 3001),
        (401, br#"{"detail":"Something else."}"#, json, 3003),
        (403, &sample("error_403")[..], json, 3003),
        (401, br#"{"error":"invalid_client"}"#, json, 3003),
    ] {
        let (server, auth) = at(status, body, kind).await;
        let error = auth.begin(&rig::credentials()).await.unwrap_err();
        let text = String::from_utf8_lossy(body);
        assert_eq!(error.code(), code, "{status} {text}: {error}");
        let sent = server.received_requests().await.unwrap().len();
        assert_eq!(
            sent, 1,
            "a login is not repeated by itself: {status} {text}"
        );
        assert!(!format!("{error:?}").contains(PASSWORD));
    }
    let (_server, auth) = at(429, &sample("login_throttled"), json).await;
    let error = auth.begin(&rig::credentials()).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(51)));
}

#[tokio::test]
async fn the_older_code_and_challenge_are_known_too() {
    for kind in [CodeKind::App, CodeKind::Sms] {
        let door = Door::new(settings(LoginFlow::MfaRequired(kind))).await;
        let asked = open(door.knock().await.unwrap());
        let error = door
            .answer(&asked, ChallengeAnswer::code("1"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MfaRequired, "{error}");
        let code = match kind {
            CodeKind::App => door.sim.robinhood().totp(USER).unwrap(),
            _ => CODE.into(),
        };
        ready(
            door.answer(&asked, ChallengeAnswer::Code(code))
                .await
                .unwrap(),
        );
    }
    let door = Door::new(settings(LoginFlow::LegacyChallenge(CodeKind::Sms))).await;
    let asked = open(door.knock().await.unwrap());
    assert!(matches!(asked.challenge, Challenge::Code { .. }));
    assert_eq!(
        door.answer(&asked, ChallengeAnswer::code("1"))
            .await
            .unwrap_err()
            .code(),
        1002
    );
    ready(
        door.answer(&asked, ChallengeAnswer::code(CODE))
            .await
            .unwrap(),
    );
    assert_eq!(
        door.outcomes(),
        [LoginOutcome::LegacyChallenge, LoginOutcome::Granted]
    );
}

#[tokio::test]
async fn the_older_ways_send_their_code_again_and_end_as_well() {
    for kind in [CodeKind::Sms, CodeKind::Email] {
        for flow in [
            LoginFlow::MfaRequired(kind),
            LoginFlow::LegacyChallenge(kind),
        ] {
            let door = Door::new(settings(flow.clone())).await;
            let asked = open(door.knock().await.unwrap());
            let again = door.answer(&asked, ChallengeAnswer::Resend).await;
            let again = open(again.unwrap());
            assert_eq!(again.challenge, asked.challenge, "{flow:?}");
            ready(
                door.answer(&again, ChallengeAnswer::code(CODE))
                    .await
                    .unwrap(),
            );
            let logins = door.sim.robinhood().ledger().logins();
            assert_eq!(logins.len(), 3, "{flow:?}");
            assert!(
                logins
                    .iter()
                    .all(|it| it.request_id == logins[0].request_id)
            );
        }
    }
    let door = Door::new(settings(LoginFlow::MfaRequired(CodeKind::App))).await;
    let asked = open(door.knock().await.unwrap());
    let error = door.answer(&asked, ChallengeAnswer::Resend).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Unsupported);

    // The challenge of old runs out, and has three attempts.
    let door = Door::new(settings(LoginFlow::LegacyChallenge(CodeKind::Sms))).await;
    let asked = open(door.knock().await.unwrap());
    door.clock.0.skip(Duration::from_secs(301));
    let late = door.answer(&asked, ChallengeAnswer::code(CODE)).await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::SessionExpired);
    let asked = open(door.knock().await.unwrap());
    let mut kinds = Vec::new();
    for _ in 0..3 {
        let wrong = door.answer(&asked, ChallengeAnswer::code("000001")).await;
        kinds.push(wrong.unwrap_err().kind());
    }
    let again = ErrorKind::MfaRequired;
    assert_eq!(kinds, [again, again, ErrorKind::SessionExpired]);
}

#[tokio::test]
async fn the_challenge_of_old_is_named_in_a_header_and_not_lost_with_its_answer() {
    use wheelhouse_sim::{Fault, Kind, robinhood::Route};
    for kind in [Kind::DropAnswer, Kind::Html(503)] {
        let door = Door::new(settings(LoginFlow::LegacyChallenge(CodeKind::Sms))).await;
        let fault = Fault::new(Route::Token, kind).after(1).times(1);
        door.sim.robinhood().faults().add(fault);
        let asked = open(door.knock().await.unwrap());
        let login = door.answer(&asked, ChallengeAnswer::code(CODE)).await;
        ready(door.approve(login.unwrap()).await.unwrap());
        let ledger = door.sim.robinhood().ledger();
        assert_eq!(ledger.count(Route::ChallengeRespond), 1);
        assert_eq!(*door.outcomes().last().unwrap(), LoginOutcome::Granted);
    }
}

#[tokio::test]
async fn wrong_passwords_are_told_by_the_brokers_words_and_never_tried_again() {
    for (status, shape) in [
        (400, ErrorShape::Detail),
        (401, ErrorShape::Detail),
        (400, ErrorShape::NonFieldErrors),
    ] {
        let mut settings = settings(LoginFlow::BadCredentials);
        settings.bad_credentials_status = status;
        settings.bad_credentials_shape = shape;
        let door = Door::new(settings).await;
        let error = door.knock().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCredentials, "{status}");
        assert_eq!(door.outcomes().len(), 1);
        assert!(!format!("{error:?}").contains(PASSWORD));
    }
}

#[tokio::test]
async fn f2_f13_pages_and_limits_are_no_wrong_passwords() {
    let door = Door::new(settings(LoginFlow::Page(403))).await;
    for _ in 0..8 {
        assert_eq!(
            door.knock().await.unwrap_err().kind(),
            ErrorKind::NotTheProtocol
        );
    }
    let door = Door::new(settings(LoginFlow::Throttled(43_184))).await;
    let error = door.knock().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginRateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(43_184)));
}

#[tokio::test]
async fn the_bodies_of_a_login_are_those_of_the_web_page() {
    let (server, auth) = at(
        403,
        &sample("login_verification_workflow"),
        "application/json",
    )
    .await;
    let step = auth
        .begin(&Credentials::new("user@example.com", "not-a-real-password".into()).unwrap())
        .await
        .unwrap();
    assert!(matches!(step, LoginStep::Challenge(_)));
    let requests = server.received_requests().await.unwrap();
    assert!(
        requests
            .iter()
            .all(|request| !request.headers.contains_key("authorization"))
    );
    let mut sent: Value = requests[0].body_json().unwrap();
    let mut known: Value = serde_json::from_slice(&sample("req_login_web")).unwrap();
    for body in [&mut sent, &mut known] {
        for made_up in ["device_token", "request_id"] {
            assert_eq!(body[made_up].as_str().unwrap().len(), 36);
            body[made_up] = Value::Null;
        }
    }
    assert_eq!(sent, known);
    let machine: Value = requests[1].body_json().unwrap();
    let known: Value = serde_json::from_slice(&sample("req_user_machine")).unwrap();
    assert_eq!(
        (&machine["flow"], &machine["input"]),
        (&known["flow"], &known["input"])
    );

    // Refresh and revocation are forms, in the order of the sample.
    let pairs =
        |name: &str| -> Vec<(String, String)> { serde_json::from_slice(&sample(name)).unwrap() };
    let device = SecretString::from("5d2f0c1a-7b3e-4c96-8a41-0f6b2d9e7c53");
    let grant = Grant::new("a".into())
        .with_refresh_token("madeUpRefreshTokenAAAAAAAAAAAA1".into())
        .with_extra(DEVICE_TOKEN, device);
    assert_eq!(auth.refresh(&grant).await.unwrap_err().code(), 1006);
    auth.revoke(&grant).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    for (request, name) in requests
        .iter()
        .rev()
        .take(2)
        .zip(["req_revoke", "req_refresh"])
    {
        let form: Vec<(String, String)> = url::form_urlencoded::parse(&request.body)
            .into_owned()
            .collect();
        assert_eq!(form, pairs(name));
    }
}
