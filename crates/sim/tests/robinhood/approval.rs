//! Device approval in both flows.

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::time::Duration;
use wheelhouse_sim::robinhood::{
    Approval, HumanScreen, IdentiStyle, LoginFlow, PromptAnswer, RateLimits, Settings, UserSpec,
};

use super::rig::{Reply, Rig};

async fn rig(kind: Approval, change: impl FnOnce(&mut Settings)) -> Rig {
    let mut settings = Settings::new();
    settings.login = LoginFlow::Approval(kind);
    change(&mut settings);
    Rig::out(UserSpec::demo(), settings).await
}

/// An approval under way.
struct Flow<'a> {
    rig: &'a Rig,
    workflow: String,
    machine: String,
}

impl<'a> Flow<'a> {
    async fn begin(rig: &'a Rig, device: &str) -> Self {
        let asked = rig.login(device).await.expect(403);
        let workflow = asked["verification_workflow"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let body = json!({"device_id": device, "flow": "suv", "input": {"workflow_id": workflow}});
        let machine = rig
            .open("POST", "/pathfinder/user_machine/", &body)
            .await
            .expect(200);
        let machine = machine["id"].as_str().unwrap().to_owned();
        Self {
            rig,
            workflow,
            machine,
        }
    }

    async fn view(&self) -> Value {
        let path = format!("/pathfinder/inquiries/{}/user_view/", self.machine);
        self.rig.open("GET", &path, &Value::Null).await.expect(200)
    }

    async fn challenge(&self) -> String {
        self.view().await["context"]["sheriff_challenge"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn poll(&self, challenge: &str) -> Reply {
        let path = format!("/push/{challenge}/get_prompts_status/");
        self.rig.open("GET", &path, &Value::Null).await
    }

    async fn respond(&self, challenge: &str, code: &str) -> Reply {
        self.rig
            .form(
                &format!("/challenge/{challenge}/respond/"),
                &json!({"response": code}),
            )
            .await
    }

    async fn finish(&self) -> Reply {
        let path = format!("/pathfinder/inquiries/{}/user_view/", self.machine);
        let body = json!({"sequence": 0, "user_input": {"status": "continue"}});
        self.rig.open("POST", &path, &body).await
    }

    async fn identi(&self, action: Value) -> Value {
        self.patch(action).await.expect(200)
    }

    async fn patch(&self, action: Value) -> Reply {
        let path = format!("/identi.robinhood.com/idl/v1/workflow/{}/", self.workflow);
        let mut body = json!({"clientVersion": "1.0.0", "id": self.workflow});
        for (key, value) in action.as_object().unwrap() {
            body[key] = value.clone();
        }
        let kind = ("Content-Type", "application/json");
        super::rig::send(self.rig.addr(), "PATCH", &path, &[kind], &body.to_string()).await
    }
}

#[tokio::test]
async fn a_prompt_is_polled_approved_and_the_device_remembered() {
    let rig = rig(Approval::Prompt, |_| {}).await;
    let flow = Flow::begin(&rig, "d1").await;
    let view = flow.view().await;
    let challenge = &view["context"]["sheriff_challenge"];
    assert_eq!(
        (&challenge["type"], &challenge["status"]),
        (&json!("prompt"), &json!("issued"))
    );
    assert_eq!(view["type_context"]["context"], view["context"]);
    let id = challenge["id"].as_str().unwrap();
    assert_eq!(
        flow.poll(id).await.expect(200)["challenge_status"],
        "issued"
    );
    assert_eq!(
        flow.poll(id).await.expect(200)["challenge_status"],
        "validated"
    );
    let end = flow.finish().await.expect(200);
    assert_eq!(end["type_context"]["result"], "workflow_status_approved");
    assert_eq!(flow.finish().await.status, 410);
    assert!(rig.login("d1").await.expect(200)["access_token"].is_string());
    assert!(rig.login("d1").await.expect(200)["access_token"].is_string());
    // Another device starts over.
    rig.login("d2").await.expect(403);
    let statuses: Vec<_> = rig
        .broker()
        .ledger()
        .polls()
        .iter()
        .map(|poll| poll.status)
        .collect();
    assert_eq!(statuses, [Some("issued"), Some("validated")]);
}

#[tokio::test]
async fn nothing_is_approved_before_the_challenge_is() {
    let rig = rig(Approval::Prompt, |settings| {
        settings.prompt = PromptAnswer::Ignore
    })
    .await;
    let flow = Flow::begin(&rig, "d").await;
    let result = flow.finish().await.expect(200)["type_context"]["result"].clone();
    assert_eq!(result, "workflow_status_internal_pending");
    rig.login("d").await.expect(403);
    rig.broker().approve_prompts();
    flow.finish().await.expect(200);
    assert!(rig.login("d").await.expect(200)["access_token"].is_string());
}

#[tokio::test]
async fn prompts_can_be_redeemed_denied_or_left_to_expire() {
    let rig = rig(Approval::Prompt, |settings| {
        settings.prompt = PromptAnswer::Redeem(0)
    })
    .await;
    let flow = Flow::begin(&rig, "d1").await;
    let id = flow.challenge().await;
    assert_eq!(flow.poll(&id).await.json()["challenge_status"], "redeemed");
    rig.broker()
        .change_settings(|settings| settings.prompt = PromptAnswer::Deny);
    let flow = Flow::begin(&rig, "d2").await;
    let id = flow.challenge().await;
    assert_eq!(flow.poll(&id).await.json()["challenge_status"], "failed");
    rig.broker()
        .change_settings(|settings| settings.prompt = PromptAnswer::Ignore);
    let flow = Flow::begin(&rig, "d3").await;
    let id = flow.challenge().await;
    assert_eq!(flow.poll(&id).await.json()["challenge_status"], "issued");
    rig.sim.advance(Duration::from_secs(300));
    assert_eq!(flow.poll(&id).await.json()["challenge_status"], "expired");
}

#[tokio::test]
async fn codes_by_sms_and_mail_are_counted_down() {
    for (kind, name) in [(Approval::Sms, "sms"), (Approval::Email, "email")] {
        let rig = rig(kind, |_| {}).await;
        let flow = Flow::begin(&rig, "d").await;
        assert_eq!(
            flow.view().await["context"]["sheriff_challenge"]["type"],
            name
        );
        let id = flow.challenge().await;
        let wrong = flow.respond(&id, "000000").await.expect(400);
        assert!(wrong.get("status").is_none());
        assert_eq!(wrong["challenge"]["remaining_attempts"], 2);
        let right = flow.respond(&id, "758447").await.expect(200);
        assert_eq!(
            (&right["status"], &right["mfa_status"]),
            (&json!("validated"), &json!(name))
        );
        flow.finish().await.expect(200);
        assert!(rig.login("d").await.expect(200)["access_token"].is_string());
    }
}

#[tokio::test]
async fn three_wrong_codes_end_a_challenge() {
    let rig = rig(Approval::Sms, |_| {}).await;
    let flow = Flow::begin(&rig, "d").await;
    let id = flow.challenge().await;
    for left in [2, 1, 0] {
        assert_eq!(
            flow.respond(&id, "1").await.expect(400)["challenge"]["remaining_attempts"],
            left
        );
    }
    flow.respond(&id, "758447").await.expect(400);
    assert_eq!(
        flow.view().await["context"]["sheriff_challenge"]["status"],
        "failed"
    );
}

#[tokio::test]
async fn a_code_from_the_app_is_the_totp_of_now() {
    let rig = rig(Approval::App, |_| {}).await;
    let flow = Flow::begin(&rig, "d").await;
    let id = flow.challenge().await;
    let code = rig.broker().totp("demo@example.com").unwrap();
    rig.sim.advance(Duration::from_secs(30));
    let right = flow.respond(&id, code.expose_secret()).await.expect(200);
    assert_eq!(right["type"], "app");
    let read = rig
        .open("GET", &format!("/challenge/{id}/"), &Value::Null)
        .await
        .expect(200);
    assert_eq!(read["status"], "validated");
}

#[tokio::test]
async fn a_challenge_can_be_missing_at_first_and_the_end_can_be_pending() {
    let rig = rig(Approval::Prompt, |settings| {
        settings.views_without_challenge = 1;
        settings.continues_pending = 1;
        settings.logins_pending = 1;
        settings.prompt = PromptAnswer::After(0);
    })
    .await;
    let flow = Flow::begin(&rig, "d").await;
    let first = flow.view().await;
    assert_eq!(first["page"], "LoadingPage");
    assert!(first["context"].get("sheriff_challenge").is_none());
    let id = flow.challenge().await;
    flow.poll(&id).await.expect(200);
    let results = [flow.finish().await.json(), flow.finish().await.json()];
    let results = results.map(|end| end["type_context"]["result"].clone());
    assert_eq!(
        results,
        [
            "workflow_status_internal_pending",
            "workflow_status_approved"
        ]
    );
    rig.login("d").await.expect(403);
    assert!(rig.login("d").await.expect(200)["access_token"].is_string());
}

#[tokio::test]
async fn an_end_that_is_gone_has_worked() {
    let rig = rig(Approval::Prompt, |settings| {
        settings.continue_gone = true;
        settings.prompt = PromptAnswer::After(0);
    })
    .await;
    let flow = Flow::begin(&rig, "d").await;
    let id = flow.challenge().await;
    flow.poll(&id).await.expect(200);
    assert_eq!(flow.finish().await.status, 410);
    assert!(rig.login("d").await.expect(200)["access_token"].is_string());
}

#[tokio::test]
async fn a_screen_for_humans_has_no_challenge() {
    let rig = rig(Approval::Human, |_| {}).await;
    let flow = Flow::begin(&rig, "d").await;
    let view = flow.view().await;
    assert_eq!(view["page"], "UnsupportedPage");
    assert!(view["context"].get("sheriff_challenge").is_none());
    let entry = flow.identi(json!({"entryPointAction": {}})).await;
    assert_eq!(
        entry["route"]["replace"]["screen"]["name"],
        "CONTACT_SUPPORT"
    );
}

#[tokio::test]
async fn identi_approves_in_its_own_spelling() {
    let rig = rig(Approval::Prompt, |_| {}).await;
    let flow = Flow::begin(&rig, "d").await;
    let path = format!(
        "/identi.robinhood.com/verification_workflows/polaris_migrated/{}/",
        flow.workflow
    );
    let migrated = super::rig::send(rig.addr(), "GET", &path, &[], "")
        .await
        .expect(200);
    assert_eq!(migrated, json!({"result": true}));
    let entry = flow.identi(json!({"entryPointAction": {}})).await;
    let screen = &entry["route"]["replace"]["screen"];
    assert_eq!(screen["name"], "DEVICE_APPROVAL_CHALLENGE");
    let challenge = &screen["deviceApprovalChallengeScreenParams"]["sheriffChallenge"];
    assert_eq!(
        (&challenge["type"], &challenge["status"]),
        (&json!("PROMPT"), &json!("ISSUED"))
    );
    let id = challenge["id"].as_str().unwrap().to_owned();
    flow.poll(&id).await.expect(200);
    flow.poll(&id).await.expect(200);
    let proceed = json!({
        "screenName": "DEVICE_APPROVAL_CHALLENGE",
        "deviceApprovalChallengeAction": {"proceed": {}},
    });
    let end = flow.identi(proceed).await;
    assert_eq!(
        end,
        json!({"route": {"exit": {"status": "WORKFLOW_STATUS_APPROVED"}}})
    );
    assert!(rig.login("d").await.expect(200)["access_token"].is_string());
}

#[tokio::test]
async fn identi_falls_back_to_sms() {
    let rig = rig(Approval::Prompt, |_| {}).await;
    let flow = Flow::begin(&rig, "d").await;
    let fallback = json!({"deviceApprovalChallengeAction": {"fallback": {}}});
    let screen = flow.identi(fallback).await["route"]["replace"]["screen"].clone();
    let challenge = &screen["smsChallengeScreenParams"]["sheriffChallenge"];
    let id = challenge["id"].as_str().unwrap();
    assert_eq!(challenge["type"], "SMS");
    flow.respond(id, "758447").await.expect(200);
    let end = flow
        .identi(json!({"smsChallengeAction": {"proceed": {}}}))
        .await;
    assert!(end["route"]["exit"].is_object());
}

#[tokio::test]
async fn identi_ends_every_challenge_by_a_code_in_each_of_its_styles() {
    let approved = json!({"route": {"exit": {"status": "WORKFLOW_STATUS_APPROVED"}}});
    for (style, sms, mail, app) in [
        (
            IdentiStyle::ByScreen,
            "smsChallenge",
            "emailChallenge",
            "totpChallenge",
        ),
        (
            IdentiStyle::Renamed,
            "verifyPhone",
            "verifyEmail",
            "verifyMfaCode",
        ),
        (
            IdentiStyle::OneAction,
            "deviceApprovalChallenge",
            "deviceApprovalChallenge",
            "deviceApprovalChallenge",
        ),
        (IdentiStyle::Itself, "nothing", "nothing", "nothing"),
    ] {
        for (kind, stem) in [
            (Approval::Sms, sms),
            (Approval::Email, mail),
            (Approval::App, app),
        ] {
            let rig = rig(kind, |settings| settings.identi_style = style).await;
            let flow = Flow::begin(&rig, "d").await;
            let entry = flow.identi(json!({"entryPointAction": {}})).await;
            let screen = entry["route"]["replace"]["screen"].as_object().unwrap();
            let params = screen.iter().find(|(key, _)| key.ends_with("ScreenParams"));
            let id = params.unwrap().1["sheriffChallenge"]["id"]
                .as_str()
                .unwrap();
            let code = match kind {
                Approval::App => rig.broker().totp("demo@example.com").unwrap(),
                _ => "758447".into(),
            };
            // An action before the code is taken approves nothing.
            let proceed = json!({format!("{stem}Action"): {"proceed": {}}});
            assert_ne!(flow.identi(proceed.clone()).await, approved);
            flow.respond(id, code.expose_secret()).await.expect(200);
            if style != IdentiStyle::Itself {
                flow.patch(json!({"someOtherAction": {"proceed": {}}}))
                    .await
                    .expect(400);
            }
            assert_eq!(flow.identi(proceed).await, approved, "{style:?} {kind:?}");
            // From then on the workflow is over.
            assert_eq!(flow.identi(json!({"entryPointAction": {}})).await, approved);
            assert!(rig.login("d").await.expect(200)["access_token"].is_string());
        }
    }
}

#[tokio::test]
async fn a_code_that_is_sent_again_has_all_its_attempts() {
    let rig = rig(Approval::Email, |_| {}).await;
    let flow = Flow::begin(&rig, "d").await;
    let id = flow.challenge().await;
    flow.respond(&id, "1").await.expect(400);
    let resend = json!({"screenName": "EMAIL_CHALLENGE", "emailChallengeAction": {"resend": {}}});
    let screen = flow.identi(resend).await["route"]["replace"]["screen"].clone();
    let challenge = &screen["emailChallengeScreenParams"]["sheriffChallenge"];
    assert_ne!(challenge["id"], json!(id));
    assert_eq!(challenge["remainingAttempts"], 3);
    flow.respond(challenge["id"].as_str().unwrap(), "758447")
        .await
        .expect(200);
}

#[tokio::test]
async fn a_code_that_came_too_late_is_told_as_such_and_costs_no_attempt() {
    let rig = rig(Approval::Sms, |_| {}).await;
    let flow = Flow::begin(&rig, "d").await;
    let id = flow.challenge().await;
    rig.sim.advance(Duration::from_secs(300));
    let late = flow.respond(&id, "758447").await.expect(400);
    assert_eq!(late["challenge"]["status"], "expired");
    assert_eq!(late["challenge"]["remaining_attempts"], 3);
}

#[tokio::test]
async fn a_login_after_a_failed_one_has_a_challenge_of_its_own() {
    let rig = rig(Approval::Sms, |_| {}).await;
    let flow = Flow::begin(&rig, "d").await;
    let id = flow.challenge().await;
    for _ in 0..3 {
        flow.respond(&id, "1").await.expect(400);
    }
    let flow = Flow::begin(&rig, "d").await;
    let next = flow.challenge().await;
    assert_ne!(next, id);
    flow.respond(&next, "758447").await.expect(200);
}

#[tokio::test]
async fn a_code_of_the_app_can_be_good_for_one_use() {
    let rig = rig(Approval::App, |settings| settings.totp_once = true).await;
    let code = rig.broker().totp("demo@example.com").unwrap();
    let first = Flow::begin(&rig, "d1").await;
    let id = first.challenge().await;
    first.respond(&id, code.expose_secret()).await.expect(200);
    let second = Flow::begin(&rig, "d2").await;
    let id = second.challenge().await;
    second.respond(&id, code.expose_secret()).await.expect(400);
    rig.sim.advance(Duration::from_secs(30));
    let code = rig.broker().totp("demo@example.com").unwrap();
    second.respond(&id, code.expose_secret()).await.expect(200);
}

#[tokio::test]
async fn every_screen_for_humans_is_shown_in_both_flows() {
    for (screen, page, name) in [
        (HumanScreen::Bank, "PlaidPage", "PLAID_BANK_LIST"),
        (HumanScreen::Frozen, "FrozenAccountPage", "FREEZE_ACCOUNT"),
        (
            HumanScreen::Passkey,
            "ChallengePage",
            "DEVICE_APPROVAL_CHALLENGE",
        ),
        (HumanScreen::Photo, "DocumentPage", "KYC_STATUS_CHECK"),
        (HumanScreen::Selfie, "SelfiePage", "SELFIE_CHECK"),
        (HumanScreen::Support, "UnsupportedPage", "CONTACT_SUPPORT"),
        (HumanScreen::Unknown, "PuzzlePage", "PUZZLE"),
    ] {
        let rig = rig(Approval::Human, |settings| settings.human = screen).await;
        let flow = Flow::begin(&rig, "d").await;
        assert_eq!(flow.view().await["page"], page);
        let entry = flow.identi(json!({"entryPointAction": {}})).await;
        assert_eq!(entry["route"]["replace"]["screen"]["name"], name);
    }
}

#[tokio::test]
async fn identi_can_say_that_it_does_not_serve_a_workflow() {
    let rig = rig(Approval::Prompt, |settings| settings.identi = false).await;
    let flow = Flow::begin(&rig, "d").await;
    let path = format!(
        "/identi.robinhood.com/verification_workflows/polaris_migrated/{}/",
        flow.workflow
    );
    let migrated = super::rig::send(rig.addr(), "GET", &path, &[], "")
        .await
        .expect(200);
    assert_eq!(migrated, json!({"result": false}));
}

#[tokio::test]
async fn an_approval_is_for_the_device_of_its_machine() {
    for bind in [true, false] {
        let rig = rig(Approval::Prompt, |settings| {
            settings.bind_device = bind;
            settings.prompt = PromptAnswer::After(0);
        })
        .await;
        let asked = rig.login("cached").await.expect(403);
        let workflow = asked["verification_workflow"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        // A known bug of a client: the machine gets another device than the login.
        let body = json!({"device_id": "fresh", "flow": "suv", "input": {"workflow_id": workflow}});
        let machine = rig
            .open("POST", "/pathfinder/user_machine/", &body)
            .await
            .expect(200);
        let machine = machine["id"].as_str().unwrap().to_owned();
        let flow = Flow {
            rig: &rig,
            workflow,
            machine,
        };
        let id = flow.challenge().await;
        flow.poll(&id).await.expect(200);
        flow.finish().await.expect(200);
        let status = rig.login("cached").await.status;
        assert_eq!(status, if bind { 403 } else { 200 });
    }
}

#[tokio::test]
async fn a_prompt_that_is_polled_too_fast_is_throttled() {
    let rig = rig(Approval::Prompt, |settings| {
        settings.rate_limits = RateLimits::observed()
    })
    .await;
    let flow = Flow::begin(&rig, "d").await;
    let id = flow.challenge().await;
    flow.poll(&id).await.expect(200);
    rig.sim.advance(Duration::from_secs(4));
    let refusal = flow.poll(&id).await;
    assert_eq!(
        (refusal.status, refusal.header("retry-after")),
        (429, Some("45"))
    );
    rig.sim.advance(Duration::from_secs(45));
    assert_eq!(
        flow.poll(&id).await.expect(200)["challenge_status"],
        "validated"
    );
}
