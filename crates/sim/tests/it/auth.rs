use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use time::OffsetDateTime;
use wheelhouse_sim::{
    Sim, Start,
    tradelocker::{AccountSpec, RateLimits, RefreshReuse, Route, SessionLimit, Settings, UserSpec},
};

use crate::rig::{Reply, Rig};

fn claims(token: &Value) -> Value {
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

async fn refresh(rig: &Rig, tokens: &Value) -> Reply {
    let body = json!({"refreshToken": tokens["refreshToken"]}).to_string();
    rig.bare("POST", "/auth/jwt/refresh", &body).await
}

async fn accepted(rig: &Rig, tokens: &Value) -> bool {
    let token = tokens["accessToken"].as_str().unwrap().to_owned();
    let text = crate::rig::request(
        "GET",
        "/auth/jwt/all-accounts",
        &[
            ("authorization", &format!("Bearer {token}")),
            ("connection", "close"),
        ],
        "",
    );
    let bytes = crate::rig::raw(rig.broker().addr(), &text).await.unwrap();
    Reply::parse(&bytes).unwrap().status == 200
}

#[tokio::test]
async fn a_login_gives_tokens_with_the_documented_claims() {
    let rig = Rig::start().await;
    let reply = rig.login("demo-password").await;
    assert_eq!(reply.status, 201);
    let tokens = reply.json();
    let (access, refresh) = (
        claims(&tokens["accessToken"]),
        claims(&tokens["refreshToken"]),
    );
    assert_eq!(access["type"], "access_token");
    assert_eq!(refresh["type"], "refresh_token");
    assert_eq!(access["iss"], "tradelocker-api");
    assert_eq!(access["brand"], "DEMO");
    assert!(access["sub"].as_str().unwrap().starts_with("DEMO#"));
    let life = |claims: &Value| claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!((life(&access), life(&refresh)), (3_600, 604_800));
    let expires = tokens["expireDate"].as_str().unwrap();
    assert!(expires.ends_with(".000Z"), "{expires}");
}

#[tokio::test]
async fn wrong_credentials_are_refused_with_the_status_that_was_set() {
    let rig = Rig::start().await;
    let reply = rig.login("wrong").await;
    assert_eq!(
        (reply.status, &reply.json()["message"]),
        (400, &json!("Incorrect email or password"))
    );
    rig.broker()
        .change_settings(|settings| settings.bad_credentials_status = 401);
    assert_eq!(rig.login("wrong").await.status, 401);
    assert_eq!(
        rig.bare("POST", "/auth/jwt/token", "{\"email\":1}")
            .await
            .status,
        400
    );
    let logins = rig.broker().ledger().logins();
    assert_eq!(
        logins
            .iter()
            .map(|login| login.accepted)
            .collect::<Vec<_>>(),
        [true, false, false]
    );
}

#[tokio::test]
async fn a_refresh_changes_both_tokens_even_within_one_second() {
    let rig = Rig::start().await;
    let first = rig.login("demo-password").await.json();
    let reply = refresh(&rig, &first).await;
    assert_eq!(reply.status, 201);
    let second = reply.json();
    assert_ne!(first["accessToken"], second["accessToken"]);
    assert_ne!(first["refreshToken"], second["refreshToken"]);
    assert!(accepted(&rig, &second).await && accepted(&rig, &first).await);
}

#[tokio::test]
async fn a_used_refresh_token_does_what_the_settings_say() {
    for (reuse, again, survivor) in [
        (RefreshReuse::Refuse, 400, true),
        (RefreshReuse::RevokeSession, 400, false),
        (RefreshReuse::Accept, 201, true),
    ] {
        let rig = Rig::with(Settings::new().refresh_reuse(reuse)).await;
        let first = rig.login("demo-password").await.json();
        let second = refresh(&rig, &first).await.json();
        assert_eq!(refresh(&rig, &first).await.status, again, "{reuse:?}");
        assert_eq!(accepted(&rig, &second).await, survivor, "{reuse:?}");
        let refreshes = rig.broker().ledger().refreshes();
        assert_eq!(
            refreshes.iter().map(|r| r.reused).collect::<Vec<_>>(),
            [false, true]
        );
    }
}

#[tokio::test]
async fn tokens_that_are_forged_foreign_or_of_the_wrong_type_are_refused() {
    let mut rig = Rig::start().await;
    let tokens = rig.login("demo-password").await.json();
    let access = tokens["accessToken"].as_str().unwrap();
    let wrong = [
        String::new(),
        "nonsense".to_owned(),
        format!("{}x", access),
        tokens["refreshToken"].as_str().unwrap().to_owned(),
    ];
    for token in wrong {
        rig.token = token;
        let reply = rig.get("/auth/jwt/all-accounts").await;
        assert_eq!(
            (reply.status, &reply.json()["message"]),
            (401, &json!("Unauthorized"))
        );
    }
    let body = json!({"refreshToken": access}).to_string();
    assert_eq!(
        rig.bare("POST", "/auth/jwt/refresh", &body).await.status,
        400
    );
}

#[tokio::test]
async fn access_tokens_expire_with_time_and_on_request_but_refresh_tokens_stay() {
    let rig = Rig::with(Settings::new().access_token_life(Duration::from_secs(60))).await;
    let first = rig.login("demo-password").await.json();
    rig.sim.advance(Duration::from_secs(59 - 1));
    assert!(accepted(&rig, &first).await);
    rig.sim.advance(Duration::from_secs(2));
    assert!(!accepted(&rig, &first).await);
    let second = refresh(&rig, &first).await.json();
    assert!(accepted(&rig, &second).await);
    rig.broker().expire_access_tokens();
    assert!(!accepted(&rig, &second).await);
    let third = refresh(&rig, &second).await.json();
    assert!(accepted(&rig, &third).await);
    rig.sim.advance(Duration::from_secs(604_801));
    assert_eq!(refresh(&rig, &third).await.status, 400);
}

#[tokio::test]
async fn revoked_sessions_need_a_login() {
    let rig = Rig::start().await;
    let tokens = rig.login("demo-password").await.json();
    assert_eq!(rig.broker().session_count(), 2);
    rig.broker().revoke_sessions();
    assert_eq!(rig.broker().session_count(), 0);
    assert!(!accepted(&rig, &tokens).await);
    assert_eq!(refresh(&rig, &tokens).await.status, 400);
    assert_eq!(rig.login("demo-password").await.status, 201);
}

#[tokio::test]
async fn a_sixth_session_ends_the_oldest_or_is_refused() {
    let rig = Rig::with(Settings::new().session_limit(SessionLimit::EvictOldest(5))).await;
    let mut tokens = Vec::new();
    for _ in 0..5 {
        tokens.push(rig.login("demo-password").await.json());
    }
    // The rig's own login was the first and made way for the sixth.
    assert_eq!(rig.get("/auth/jwt/all-accounts").await.status, 401);
    assert!(accepted(&rig, &tokens[0]).await && accepted(&rig, &tokens[4]).await);
    rig.broker()
        .change_settings(|s| s.session_limit = SessionLimit::Refuse(5));
    assert_eq!(rig.login("demo-password").await.status, 403);
    assert_eq!(rig.broker().session_count(), 5);
}

#[tokio::test]
async fn all_accounts_are_text_and_one_user_does_not_see_anothers() {
    let demo = UserSpec::demo().account_count(2);
    let other = UserSpec::new("b@example.com", "p", "DEMO").accounts([AccountSpec::new("7")]);
    let settings = Settings::new().rate_limits(RateLimits::off());
    let builder = Sim::builder().user(demo).user(other).settings(settings);
    let mut rig = Rig::of(builder).await;
    let accounts = rig.get("/auth/jwt/all-accounts").await.json();
    let accounts = accounts["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 2);
    assert_eq!(accounts[1]["accNum"], "2");
    assert_eq!(accounts[1]["accountBalance"], "25000.50");
    assert!(
        accounts
            .iter()
            .flat_map(|a| a.as_object().unwrap().values())
            .all(Value::is_string)
    );

    assert_eq!(rig.get("/trade/accounts/7/positions").await.status, 403);
    assert_eq!(rig.get("/trade/accounts/8/positions").await.status, 404);
    assert_eq!(
        rig.get("/trade/accounts/1002004/positions").await.status,
        403
    );
    rig.acc_num = "2".into();
    assert_eq!(
        rig.get("/trade/accounts/1002004/positions").await.status,
        200
    );
    rig.acc_num = "3".into();
    assert_eq!(rig.get("/trade/config").await.status, 403);
}

#[tokio::test]
async fn the_account_number_is_required_on_trade_routes_only() {
    let rig = Rig::start().await;
    let token = format!("Bearer {}", rig.token);
    for (path, status) in [("/trade/config", 400), ("/auth/jwt/all-accounts", 200)] {
        let headers = [("authorization", &*token), ("connection", "close")];
        let text = crate::rig::request("GET", path, &headers, "");
        let bytes = crate::rig::raw(rig.broker().addr(), &text).await.unwrap();
        assert_eq!(Reply::parse(&bytes).unwrap().status, status, "{path}");
    }
}

#[tokio::test]
async fn stream_tokens_come_one_for_each_account_and_do_not_trade() {
    let rig = Rig::of(Sim::builder().user(UserSpec::demo().account_count(2))).await;
    let body = json!({"email": "demo@example.com", "password": "demo-password", "server": "DEMO"});
    let reply = rig
        .bare("POST", "/auth/jwt/accounts/tokens", &body.to_string())
        .await;
    assert_eq!(reply.status, 201);
    let tokens = reply.json()["data"].clone();
    assert_eq!(tokens.as_array().unwrap().len(), 2);
    assert_eq!(tokens[1]["accountId"], "D#1002004");
    assert!(tokens[0].get("refreshToken").is_none());
    assert!(!accepted(&rig, &tokens[0]).await);
    assert_eq!(rig.broker().ledger().count(Route::AccountsTokens), 1);
}

#[tokio::test]
async fn tokens_of_an_earlier_run_are_good_if_that_was_set() {
    let run = |minute: i64, earlier| {
        let at = OffsetDateTime::UNIX_EPOCH + time::Duration::minutes(29_000_000 + minute);
        let settings = Settings::new().earlier_runs(earlier);
        Rig::of(Sim::builder().time(Start::Frozen(at)).settings(settings))
    };
    let first = run(0, true).await;
    let tokens = first.login("demo-password").await.json();

    let other = run(1, false).await;
    assert!(!accepted(&other, &tokens).await);
    assert_eq!(refresh(&other, &tokens).await.status, 400);

    let second = run(2, true).await;
    assert!(accepted(&second, &tokens).await);
    let renewed = refresh(&second, &tokens).await;
    assert_eq!(renewed.status, 201);
    assert!(accepted(&second, &renewed.json()).await);
    assert_eq!(refresh(&second, &tokens).await.status, 400, "it was used");

    second.broker().revoke_sessions();
    assert!(!accepted(&second, &tokens).await);
    assert_eq!(refresh(&second, &renewed.json()).await.status, 400);
}
