//! Logging in and staying logged in.

use std::sync::Arc;

use serde_json::Value;
use time::macros::datetime;
use wheelhouse_core::{Effect, Error, ErrorKind, ExposeSecret, RetryAdvice};
use wheelhouse_session::{Authenticator, Credentials, Grant, LoginStep};
use wheelhouse_tradelocker::{Environment, SERVER_FIELD, TradeLockerAuth};
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate,
    matchers::{method, path},
};

use crate::rig::{Hurried, THEN, http, raw_sample, sample};

struct Door {
    server: MockServer,
    auth: TradeLockerAuth,
}

impl Door {
    async fn new() -> Self {
        let server = MockServer::start().await;
        let environment = Environment::Custom(server.uri());
        let auth = TradeLockerAuth::new(&http(Hurried::at(THEN)), &environment).unwrap();
        Self {
            server,
            auth: auth.with_server("ACMEDM"),
        }
    }

    async fn answering(route: &str, template: ResponseTemplate) -> Self {
        let door = Self::new().await;
        Mock::given(method("POST"))
            .and(path(format!("/backend-api{route}")))
            .respond_with(template)
            .mount(&door.server)
            .await;
        door
    }

    async fn requests(&self) -> Vec<Request> {
        self.server.received_requests().await.unwrap()
    }

    async fn grant(&self) -> Result<Grant, Error> {
        match self.auth.begin(&credentials()).await? {
            LoginStep::Granted(grant) => Ok(grant),
            other => panic!("{other:?}"),
        }
    }
}

fn json(status: u16, body: impl Into<String>) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.into(), "application/json")
}

fn credentials() -> Credentials {
    Credentials::new("ada@example.com", "canary-password".into()).unwrap()
}

const TOKEN: &str = "/auth/jwt/token";
const REFRESH: &str = "/auth/jwt/refresh";

#[tokio::test]
async fn a_login_gives_both_tokens_and_when_they_end() {
    let door = Door::answering(TOKEN, json(201, sample("auth_jwt_token_201"))).await;
    let grant = door.grant().await.unwrap();
    assert_eq!(grant.expires_at(), Some(datetime!(2030-01-01 01:00 UTC)));
    assert_eq!(
        grant.refresh_expires_at(),
        Some(datetime!(2030-01-08 00:00 UTC))
    );
    assert!(grant.refresh_token().is_some());
    let request = &door.requests().await[0];
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["email"], "ada@example.com");
    assert_eq!(body["server"], "ACMEDM");
    assert!(!request.headers.contains_key("authorization"));
}

#[tokio::test]
async fn the_server_of_the_credentials_goes_before_the_configured_one() {
    let door = Door::answering(TOKEN, json(201, sample("auth_jwt_token_201"))).await;
    let other = credentials().with_field(SERVER_FIELD, "OTHER").unwrap();
    door.auth.begin(&other).await.unwrap();
    let body: Value = serde_json::from_slice(&door.requests().await[0].body).unwrap();
    assert_eq!(body["server"], "OTHER");
    let nameless = TradeLockerAuth::new(&http(Hurried::at(THEN)), &Environment::Demo).unwrap();
    let error = nameless.begin(&credentials()).await.unwrap_err();
    assert_eq!(error.code(), 5002);
}

#[tokio::test]
async fn f55_a_password_is_sent_byte_for_byte() {
    for password in [
        " leading",
        "quo\"te'\\",
        "\u{1F511}\u{301}",
        &"x".repeat(1024),
    ] {
        let door = Door::answering(TOKEN, json(201, sample("auth_jwt_token_201"))).await;
        let credentials = Credentials::new("ada@example.com", password.into()).unwrap();
        door.auth.begin(&credentials).await.unwrap();
        let body: Value = serde_json::from_slice(&door.requests().await[0].body).unwrap();
        assert_eq!(body["password"], *password);
    }
}

#[tokio::test]
async fn bad_credentials_are_what_the_api_calls_so_and_nothing_else() {
    for (template, code) in [
        (raw_sample("auth_400_bad_credentials"), 1001),
        (raw_sample("auth_401_bad_credentials"), 1001),
        // A user who may not use the API; and a wall in front of it.
        (
            json(403, r#"{"message":"Forbidden","statusCode":403}"#),
            3003,
        ),
        (raw_sample("auth_403_forbidden"), 2004),
        (raw_sample("edge_200_html"), 2004),
        (raw_sample("edge_503_html"), 2004),
        (raw_sample("empty_200"), 3006),
        (raw_sample("maintenance_302"), 2005),
        (json(400, ""), 2004),
        (json(401, "{}"), 2004),
        (json(500, r#"{"message":"boom"}"#), 3005),
        (json(201, "{}"), 3006),
        (json(201, r#"{"accessToken":null}"#), 3006),
    ] {
        let door = Door::answering(TOKEN, template.clone()).await;
        let error = door.grant().await.unwrap_err();
        assert_eq!(error.code(), code, "{template:?}: {error}");
        assert_eq!(door.requests().await.len(), 1, "a login is sent once");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[tokio::test]
async fn f13_a_limit_on_logins_is_no_failed_password() {
    for name in ["trade_429_plain", "trade_429_with_retry_after"] {
        let door = Door::answering(TOKEN, raw_sample(name)).await;
        let error = door.grant().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.effect()),
            (ErrorKind::LoginRateLimited, Effect::None),
            "{error}"
        );
        if name.ends_with("after") {
            assert_eq!(
                error.advice(),
                RetryAdvice::After(std::time::Duration::from_secs(1))
            );
        }
    }
}

#[tokio::test]
async fn a_refresh_uses_the_token_up_and_gives_new_ones() {
    let door = Door::answering(TOKEN, json(201, sample("auth_jwt_token_201"))).await;
    let before = door.grant().await.unwrap();
    let door = Door::answering(REFRESH, json(201, sample("auth_jwt_refresh_201"))).await;
    let after = door.auth.refresh(&before).await.unwrap();
    assert_ne!(
        after.access_token().expose_secret(),
        before.access_token().expose_secret()
    );
    assert_eq!(after.expires_at(), Some(datetime!(2030-01-01 01:30 UTC)));
    let request = &door.requests().await[0];
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        body["refreshToken"],
        before.refresh_token().unwrap().expose_secret()
    );
    assert!(
        !request.headers.contains_key("authorization") && !request.headers.contains_key("accnum")
    );
}

#[tokio::test]
async fn a_refused_refresh_token_is_refused_and_trouble_is_not() {
    let grant = Grant::new("access".into()).with_refresh_token("canary-refresh".into());
    for (template, code) in [
        (raw_sample("refresh_400_invalid_token"), 1006),
        (json(401, r#"{"message":"Unauthorized"}"#), 1006),
        (json(503, r#"{"message":"later"}"#), 3005),
        (raw_sample("trade_429_plain"), 1004),
        (raw_sample("edge_503_html"), 2004),
    ] {
        let door = Door::answering(REFRESH, template).await;
        let error = door.auth.refresh(&grant).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(door.requests().await.len(), 1);
        assert!(!format!("{error:?}").contains("canary"));
    }
    let none = Door::new()
        .await
        .auth
        .refresh(&Grant::new("access".into()))
        .await
        .unwrap_err();
    assert_eq!(none.code(), 1006);
}

#[tokio::test]
async fn f83_odd_ends_of_tokens_are_refused_or_left_out() {
    let with = |expires: &str| {
        format!(r#"{{"accessToken":"opaque","refreshToken":"r","expireDate":{expires}}}"#)
    };
    for wrong in ["\"2020-01-01T00:00:00.000Z\"", "\"soon\"", "[]"] {
        let door = Door::answering(TOKEN, json(201, with(wrong))).await;
        assert_eq!(door.grant().await.unwrap_err().code(), 3006, "{wrong}");
    }
    let door = Door::answering(TOKEN, json(201, with("null"))).await;
    assert_eq!(door.grant().await.unwrap().expires_at(), None);
    // An answer without a new refresh token: the manager keeps the old one.
    let door = Door::answering(REFRESH, json(201, r#"{"accessToken":"opaque"}"#)).await;
    let before = Grant::new("a".into()).with_refresh_token("r".into());
    assert!(
        door.auth
            .refresh(&before)
            .await
            .unwrap()
            .refresh_token()
            .is_none()
    );
}

#[tokio::test]
async fn stream_tokens_come_per_account_and_without_the_developer_key() {
    let door = Door::answering(
        "/auth/jwt/accounts/tokens",
        json(201, sample("auth_jwt_accounts_tokens_201")),
    )
    .await;
    let auth = door.auth.clone().with_developer_key("tl-canary".into());
    let tokens = auth.stream_tokens(&credentials()).await.unwrap();
    let accounts: Vec<_> = tokens.iter().map(|token| token.account.as_str()).collect();
    assert_eq!(accounts, ["1002003", "1002004"]);
    assert_eq!(tokens[0].expires_at, Some(datetime!(2030-01-01 01:00 UTC)));
    assert!(!format!("{tokens:?}{auth:?}").contains("canary"));
    assert!(
        !door.requests().await[0]
            .headers
            .contains_key("developer-api-key")
    );
}

#[tokio::test]
async fn sup_1_a_password_goes_to_https_or_loopback_only() {
    let http = http(Hurried::at(THEN));
    for (url, code) in [
        ("http://demo.tradelocker.com", 2005),
        ("ftp://127.0.0.1", 2005),
        ("https://user@demo.tradelocker.com", 2005),
        ("not a url", 2005),
        ("http://127.0.0.1.example.com", 2005),
    ] {
        let error = TradeLockerAuth::new(&http, &Environment::Custom(url.to_owned())).unwrap_err();
        assert!(
            error.code() == code || error.code() == 5001,
            "{url}: {error}"
        );
    }
    let demo = TradeLockerAuth::new(&http, &Environment::Demo).unwrap();
    assert_eq!(demo.realm(), "https://demo.tradelocker.com");
    let live = TradeLockerAuth::new(&http, &Environment::Live).unwrap();
    assert_ne!(demo.realm(), live.realm());
    let policy = Arc::new(demo).policy();
    assert_eq!(
        (policy.max_age.as_secs(), policy.max_sessions),
        (12 * 3_600, Some(5))
    );
}
