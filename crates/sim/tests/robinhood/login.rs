//! The token endpoint and all its answers.

use secrecy::ExposeSecret;
use serde_json::json;
use std::time::Duration;
use wheelhouse_sim::robinhood::{
    Approval, CodeKind, ErrorShape, LoginFlow, LoginOutcome, RateLimits, Settings, UserSpec,
};

use super::rig::{Rig, credentials, send};

async fn rig(login: LoginFlow) -> Rig {
    let mut settings = Settings::new();
    settings.login = login;
    Rig::out(UserSpec::demo(), settings).await
}

#[tokio::test]
async fn a_granted_login_has_all_fields_in_form_and_in_json() {
    let rig = rig(LoginFlow::Granted).await;
    let by_form = rig.login("d1").await.expect(200);
    let by_json = rig
        .open("POST", "/oauth2/token/", &credentials("d2", json!({})))
        .await
        .expect(200);
    for body in [by_form, by_json] {
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body["expires_in"], 691_200);
        assert!(body["mfa_code"].is_null() && body["read_only_secondary_access_token"].is_string());
        assert_eq!(body["access_token"].as_str().unwrap().split('.').count(), 3);
    }
    let logins = rig.broker().ledger().logins();
    assert_eq!(logins.len(), 2);
    assert_eq!(logins[1].device_token.as_deref(), Some("d2"));
}

#[tokio::test]
async fn a_wrong_password_is_bad_credentials_in_either_shape_and_status() {
    let rig = rig(LoginFlow::Granted).await;
    let wrong = json!({"password": "wrong"});
    let text = "Unable to log in with provided credentials.";
    assert_eq!(
        rig.login_with("d", wrong.clone()).await.expect(400)["detail"],
        text
    );
    rig.broker().change_settings(|settings| {
        settings.bad_credentials_status = 401;
        settings.bad_credentials_shape = ErrorShape::NonFieldErrors;
    });
    assert_eq!(
        rig.login_with("d", wrong).await.expect(401)["non_field_errors"][0],
        text
    );
    let outcome = rig.broker().ledger().logins()[1].outcome;
    assert_eq!(outcome, LoginOutcome::BadCredentials);
    assert_eq!(rig.broker().session_count(), 0);
}

#[tokio::test]
async fn a_distrusted_client_is_refused_with_the_right_password() {
    let rig = rig(LoginFlow::BadCredentials).await;
    rig.login("d").await.expect(400);
}

#[tokio::test]
async fn mfa_is_required_then_the_code_logs_in() {
    let rig = rig(LoginFlow::MfaRequired(CodeKind::App)).await;
    let asked = rig.login("d").await.expect(200);
    assert_eq!(asked, json!({"mfa_required": true, "mfa_type": "app"}));
    let wrong = rig
        .login_with("d", json!({"mfa_code": "000000"}))
        .await
        .expect(400);
    assert_eq!(wrong["detail"], "Please enter a valid code.");
    let code = rig.broker().totp("demo@example.com").unwrap();
    let right = json!({"mfa_code": code.expose_secret()});
    assert!(rig.login_with("d", right).await.expect(200)["access_token"].is_string());
    // The device is known from then on.
    assert!(rig.login("d").await.expect(200)["access_token"].is_string());
}

#[tokio::test]
async fn mfa_by_sms_takes_the_code_that_was_sent() {
    let rig = rig(LoginFlow::MfaRequired(CodeKind::Sms)).await;
    assert_eq!(rig.login("d").await.expect(200)["mfa_type"], "sms");
    assert!(
        rig.login_with("d", json!({"mfa_code": "758447"}))
            .await
            .expect(200)["access_token"]
            .is_string()
    );
}

#[tokio::test]
async fn a_legacy_challenge_is_answered_and_named_in_a_header() {
    let rig = rig(LoginFlow::LegacyChallenge(CodeKind::Sms)).await;
    let asked = rig.login("d").await.expect(400);
    let challenge = &asked["challenge"];
    assert_eq!(
        (&challenge["type"], &challenge["status"]),
        (&json!("sms"), &json!("issued"))
    );
    let id = challenge["id"].as_str().unwrap();
    let headers = [
        ("X-ROBINHOOD-CHALLENGE-RESPONSE-ID", id),
        ("Content-Type", "application/json"),
    ];
    let body = credentials("d", json!({})).to_string();
    let early = send(rig.addr(), "POST", "/oauth2/token/", &headers, &body).await;
    assert!(early.expect(400)["challenge"].is_object());
    let path = format!("/challenge/{id}/respond/");
    let wrong = rig.form(&path, &json!({"response": "1"})).await.expect(400);
    assert_eq!(wrong["challenge"]["remaining_attempts"], 2);
    assert_eq!(
        rig.form(&path, &json!({"response": "758447"}))
            .await
            .expect(200)["status"],
        "validated"
    );
    let granted = send(rig.addr(), "POST", "/oauth2/token/", &headers, &body).await;
    assert!(granted.expect(200)["access_token"].is_string());
}

#[tokio::test]
async fn a_legacy_challenge_has_either_status() {
    let rig = rig(LoginFlow::LegacyChallenge(CodeKind::Email)).await;
    rig.broker()
        .change_settings(|settings| settings.legacy_status = 401);
    let asked = rig.login("d").await.expect(401);
    assert_eq!(asked["challenge"]["type"], "email");
}

#[tokio::test]
async fn a_throttled_login_names_the_wait_in_text_and_header() {
    let rig = rig(LoginFlow::Throttled(51)).await;
    let reply = rig.login("d").await;
    let text = "Request was throttled. Expected available in 51 seconds.";
    assert_eq!(reply.expect(429)["detail"], text);
    assert_eq!(reply.header("retry-after"), Some("51"));
    rig.broker()
        .change_settings(|settings| settings.rate_limits.no_retry_after = true);
    assert_eq!(rig.login("d").await.header("retry-after"), None);
}

#[tokio::test]
async fn a_page_instead_of_an_answer_is_no_json() {
    let rig = rig(LoginFlow::Page(503)).await;
    let reply = rig.login("d").await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (503, Some("text/html; charset=UTF-8"))
    );
}

#[tokio::test]
async fn a_right_code_makes_the_approval_unnecessary_unless_told_otherwise() {
    let rig = rig(LoginFlow::Approval(Approval::Prompt)).await;
    let code = rig.broker().totp("demo@example.com").unwrap();
    let with_code = json!({"mfa_code": code.expose_secret()});
    rig.broker()
        .change_settings(|settings| settings.mfa_code_suffices = false);
    assert!(
        rig.login_with("d", with_code.clone()).await.expect(403)["verification_workflow"]
            .is_object()
    );
    rig.broker()
        .change_settings(|settings| settings.mfa_code_suffices = true);
    assert!(rig.login_with("d", with_code).await.expect(200)["access_token"].is_string());
}

#[tokio::test]
async fn three_failed_logins_lock_the_account_for_a_while() {
    let rig = rig(LoginFlow::Granted).await;
    let token = rig.login("d").await.expect(200)["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    rig.broker()
        .change_settings(|settings| settings.rate_limits = RateLimits::observed());
    for _ in 0..3 {
        rig.login_with("d", json!({"password": "wrong"}))
            .await
            .expect(400);
    }
    rig.login("d").await.expect(429);
    let bearer = format!("Bearer {token}");
    let read = || async {
        send(
            rig.addr(),
            "GET",
            "/accounts/",
            &[("Authorization", &bearer)],
            "",
        )
        .await
        .status
    };
    assert_eq!(read().await, 429);
    rig.sim.advance(Duration::from_secs(601));
    assert_eq!(read().await, 200);
    assert!(rig.login("d").await.expect(200)["access_token"].is_string());
}
