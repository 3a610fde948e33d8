//! Refresh, rotation, revocation and what a token is good for.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::time::Duration;
use wheelhouse_sim::robinhood::{RefreshAnswer, RefreshReuse};

use super::rig::{Reply, Rig, limit, send};

async fn refresh(rig: &Rig, token: &str, device: &str) -> Reply {
    let fields = json!({
        "grant_type": "refresh_token",
        "refresh_token": token,
        "scope": "internal",
        "client_id": "c82SH0WZOsabOXGP2sxqcj34FxkvfnWRZBKlBjFS",
        "device_token": device,
        "expires_in": "86400",
    });
    rig.form("/oauth2/token/", &fields).await
}

async fn status(rig: &Rig, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    send(
        rig.addr(),
        "GET",
        "/positions/",
        &[("Authorization", &bearer)],
        "",
    )
    .await
    .status
}

fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_refresh_gives_new_tokens_and_ends_the_old_ones() {
    let rig = Rig::start().await;
    let first = rig.login("d").await.expect(200);
    let second = refresh(&rig, &text(&first, "refresh_token"), "d")
        .await
        .expect(200);
    assert_ne!(first["access_token"], second["access_token"]);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(status(&rig, &text(&first, "access_token")).await, 401);
    assert_eq!(status(&rig, &text(&second, "access_token")).await, 200);
}

#[tokio::test]
async fn a_refresh_token_that_is_used_again_ends_the_session() {
    let rig = Rig::start().await;
    let first = rig.login("d").await.expect(200);
    let second = refresh(&rig, &text(&first, "refresh_token"), "d")
        .await
        .expect(200);
    let refusal = refresh(&rig, &text(&first, "refresh_token"), "d")
        .await
        .expect(401);
    assert_eq!(refusal["error"], "invalid_grant");
    assert_eq!(status(&rig, &text(&second, "access_token")).await, 401);
    refresh(&rig, &text(&second, "refresh_token"), "d")
        .await
        .expect(401);
    let refreshes = rig.broker().ledger().refreshes();
    assert_eq!(refreshes.iter().filter(|refresh| refresh.reused).count(), 1);
    // The other session of the user goes on.
    assert_eq!(rig.get("/positions/").await.status, 200);
}

#[tokio::test]
async fn reuse_can_be_refused_without_punishment_or_accepted() {
    let rig = Rig::with(|settings| settings.refresh_reuse = RefreshReuse::Refuse).await;
    let first = rig.login("d").await.expect(200);
    let second = refresh(&rig, &text(&first, "refresh_token"), "d")
        .await
        .expect(200);
    refresh(&rig, &text(&first, "refresh_token"), "d")
        .await
        .expect(401);
    assert_eq!(status(&rig, &text(&second, "access_token")).await, 200);
    rig.broker()
        .change_settings(|settings| settings.refresh_reuse = RefreshReuse::Accept);
    refresh(&rig, &text(&first, "refresh_token"), "d")
        .await
        .expect(200);
}

#[tokio::test]
async fn a_refresh_can_be_refused_or_ask_for_an_approval() {
    let rig = Rig::with(|settings| {
        settings.refresh = RefreshAnswer::Refused;
        settings.refresh_refused_status = 400;
    })
    .await;
    let login = rig.login("d").await.expect(200);
    refresh(&rig, &text(&login, "refresh_token"), "d")
        .await
        .expect(400);
    rig.broker()
        .change_settings(|settings| settings.refresh = RefreshAnswer::Workflow);
    let asked = refresh(&rig, &text(&login, "refresh_token"), "d")
        .await
        .expect(403);
    assert!(asked["verification_workflow"]["id"].is_string());
}

#[tokio::test]
async fn a_refresh_from_another_device_is_refused() {
    let rig = Rig::start().await;
    let login = rig.login("d").await.expect(200);
    refresh(&rig, &text(&login, "refresh_token"), "other")
        .await
        .expect(401);
    refresh(&rig, &text(&login, "refresh_token"), "d")
        .await
        .expect(200);
}

#[tokio::test]
async fn a_revoked_token_takes_its_session_along() {
    let rig = Rig::start().await;
    let login = rig.login("d").await.expect(200);
    let body = json!({"client_id": "c", "token": login["refresh_token"]});
    assert_eq!(
        rig.form("/oauth2/revoke_token/", &body).await.expect(200),
        json!({})
    );
    assert_eq!(status(&rig, &text(&login, "access_token")).await, 401);
    refresh(&rig, &text(&login, "refresh_token"), "d")
        .await
        .expect(401);
    rig.form("/oauth2/revoke_token/", &json!({"token": "nobody's"}))
        .await
        .expect(200);
}

#[tokio::test]
async fn tokens_end_when_their_claims_say() {
    let rig = Rig::with(|settings| settings.access_token_life = Duration::from_secs(60)).await;
    let claims = rig.token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["scope"], "internal");
    assert_eq!(claims["exp"], 1_795_188_660);
    rig.sim.advance(Duration::from_secs(59));
    assert_eq!(rig.get("/positions/").await.status, 200);
    rig.sim.advance(Duration::from_secs(1));
    let refusal = rig.get("/positions/").await;
    assert_eq!(
        refusal.expect(401)["detail"],
        "Incorrect authentication credentials."
    );
}

#[tokio::test]
async fn a_request_without_a_token_has_a_text_of_its_own() {
    let rig = Rig::start().await;
    let refusal = rig
        .open("GET", "/positions/", &Value::Null)
        .await
        .expect(401);
    assert_eq!(
        refusal["detail"],
        "Authentication credentials were not provided."
    );
}

#[tokio::test]
async fn the_secondary_token_reads_and_does_not_write() {
    let mut rig = Rig::start().await;
    let login = rig.login("d").await.expect(200);
    rig.token = text(&login, "read_only_secondary_access_token");
    assert_eq!(rig.get("/positions/").await.status, 200);
    let refusal = rig
        .post("/orders/", &limit("buy", "1", "12.40", "r1"))
        .await;
    assert_eq!(
        refusal.expect(403)["detail"],
        "You do not have permission to perform this action."
    );
    assert!(rig.broker().ledger().placements().is_empty());
}

#[tokio::test]
async fn the_secondary_token_has_to_be_asked_for() {
    let rig = Rig::start().await;
    let login = rig
        .login_with("d", json!({"create_read_only_secondary_token": "False"}))
        .await;
    assert!(login.expect(200)["read_only_secondary_access_token"].is_null());
}

#[tokio::test]
async fn tokens_need_not_be_claims() {
    let mut rig = Rig::with(|settings| settings.opaque_tokens = true).await;
    rig.token = text(&rig.login("d").await.expect(200), "access_token");
    assert!(!rig.token.contains('.'));
    assert_eq!(rig.get("/positions/").await.status, 200);
}

#[tokio::test]
async fn sessions_can_be_ended_from_outside() {
    let rig = Rig::start().await;
    assert_eq!(rig.broker().session_count(), 1);
    rig.broker().expire_access_tokens();
    assert_eq!(rig.get("/positions/").await.status, 401);
    rig.broker().revoke_sessions();
    assert_eq!(rig.broker().session_count(), 0);
}
