//! One-time codes that are made from the secret of the user's app.

use std::time::Duration;

use wheelhouse_core::{Clock, ErrorKind, SecretString};
use wheelhouse_robinhood::{Environment, RobinhoodAuth, RobinhoodConfig};
use wheelhouse_session::{Authenticator, Challenge, ChallengeAnswer, Credentials};
use wheelhouse_sim::robinhood::{Approval, CodeKind, LoginFlow, LoginOutcome, Route};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use super::{Door, FLOWS, open, ready, settings};
use crate::{
    hostile::date as date_of,
    rig::{self, SkipClock, USER, credentials},
};

fn with_secret(secret: &str) -> Credentials {
    credentials()
        .with_totp_secret(SecretString::from(secret))
        .unwrap()
}

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const WRONG: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

#[tokio::test]
async fn f56_f57_codes_are_made_from_the_secret_and_never_sent_twice() {
    for flow in FLOWS {
        let mut settings = settings(LoginFlow::Approval(Approval::App));
        settings.mfa_code_suffices = false;
        settings.totp_once = true;
        let door = Door::with(settings, flow).await;
        let begun = door.clock.0.skipped();
        let secret = "gezd gnbv gy3t qojq gezd gnbv gy3t qojq";
        let login = door.knock_as(with_secret(secret)).await.unwrap();
        ready(door.approve(login).await.unwrap());
        // The code of the first call was used, so the challenge had to wait for the next one.
        assert!(door.clock.0.skipped() > begun);
        let logins = door.sim.robinhood().ledger().logins();
        assert!(logins[0].with_code && logins[0].outcome == LoginOutcome::Workflow);
        assert_eq!(
            door.sim.robinhood().ledger().count(Route::ChallengeRespond),
            1
        );
    }
}

#[tokio::test]
async fn f57_two_logins_in_one_step_send_two_codes() {
    let mut settings = settings(LoginFlow::MfaRequired(CodeKind::App));
    settings.totp_once = true;
    let door = Door::new(settings).await;
    ready(door.knock_as(with_secret(SECRET)).await.unwrap());
    // A second device in the same half minute: its code is the same, and refused; then it is asked
    // for, or the next one is good.
    let second = Door::at(
        door.sim.clone(),
        door.clock.clone(),
        door.config.clone(),
        super::sealed(wheelhouse_session::MemoryStore::new()),
    );
    let asked = open(second.knock_as(with_secret(SECRET)).await.unwrap());
    assert_eq!(asked.challenge, Challenge::Totp);
    door.clock.0.skip(Duration::from_secs(30));
    let code = door.sim.robinhood().totp(USER).unwrap();
    ready(
        second
            .answer(&asked, ChallengeAnswer::Code(code))
            .await
            .unwrap(),
    );
}

#[tokio::test]
async fn f57_a_login_that_is_tried_again_waits_for_the_next_code() {
    let server = MockServer::start().await;
    let failure = ResponseTemplate::new(500).set_body_string("{}");
    let clock = SkipClock(rig::Skipping::new());
    // Also where the broker's clock is ahead.
    for ahead in [0, 3_600] {
        let date = clock.now() + Duration::from_secs(ahead);
        let failure = failure.clone().insert_header("date", &*date_of(date));
        server.reset().await;
        Mock::given(any())
            .respond_with(failure)
            .mount(&server)
            .await;
        let mut config = RobinhoodConfig::default();
        config.environment = Environment::Custom(server.uri());
        let auth = RobinhoodAuth::new(config, rig::http(&clock)).unwrap();
        for _ in 0..3 {
            let error = auth.begin(&with_secret(SECRET)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BrokerFailure);
        }
        let mut codes: Vec<_> = server
            .received_requests()
            .await
            .unwrap()
            .iter()
            .map(|it| it.body_json::<serde_json::Value>().unwrap()["mfa_code"].to_string())
            .collect();
        codes.dedup();
        assert_eq!(codes.len(), 3, "{codes:?}");
    }
}

#[tokio::test]
async fn a_secret_of_the_app_makes_the_approval_unnecessary_where_it_suffices() {
    let door = Door::new(settings(LoginFlow::Approval(Approval::Prompt))).await;
    ready(door.knock_as(with_secret(SECRET)).await.unwrap());
    assert_eq!(door.outcomes(), [LoginOutcome::Granted]);
}

#[tokio::test]
async fn f57_a_clock_that_is_off_is_corrected_by_the_brokers() {
    for (flow, ahead) in [
        (LoginFlow::MfaRequired(CodeKind::App), 95),
        (LoginFlow::Approval(Approval::App), 95),
        (LoginFlow::Approval(Approval::App), 3_600),
    ] {
        let mut settings = settings(flow.clone());
        settings.mfa_code_suffices = false;
        let door = Door::new(settings).await;
        // The broker's clock alone goes on: this machine's is behind.
        door.sim.advance(Duration::from_secs(ahead));
        let login = door.knock_as(with_secret(SECRET)).await.unwrap();
        ready(door.approve(login).await.unwrap());
        let refused = door.outcomes();
        let refused = refused.iter().filter(|it| **it == LoginOutcome::BadCode);
        assert_eq!(
            refused.count(),
            1,
            "{flow:?}: one code, then the clock is known"
        );
    }
}

#[tokio::test]
async fn a_secret_that_is_not_the_right_one_keeps_nobody_out() {
    for flow in [
        LoginFlow::MfaRequired(CodeKind::App),
        LoginFlow::Approval(Approval::App),
        LoginFlow::Approval(Approval::Sms),
    ] {
        let mut settings = settings(flow.clone());
        settings.mfa_code_suffices = false;
        let door = Door::new(settings).await;
        let asked = open(door.knock_as(with_secret(WRONG)).await.unwrap());
        let code = match &asked.challenge {
            Challenge::Totp => door.sim.robinhood().totp(USER).unwrap(),
            _ => super::CODE.into(),
        };
        let login = door.answer(&asked, ChallengeAnswer::Code(code)).await;
        ready(door.approve(login.unwrap()).await.unwrap());
        let outcomes = door.outcomes();
        assert!(outcomes.len() <= 3, "{flow:?}: {outcomes:?}");
        assert!(!outcomes.contains(&LoginOutcome::BadCredentials));
    }
}

#[tokio::test]
async fn codes_are_tidied_and_what_is_none_is_not_sent() {
    let door = Door::new(settings(LoginFlow::Approval(Approval::Sms))).await;
    let asked = open(door.knock().await.unwrap());
    let sent = door.sim.robinhood().ledger().requests().len();
    for nothing in [
        "",
        " \n",
        "again",
        "758447!",
        "７５８４４７",
        &"1".repeat(33),
    ] {
        let error = door.answer(&asked, ChallengeAnswer::code(nothing)).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(door.sim.robinhood().ledger().requests().len(), sent);
    let login = door
        .answer(&asked, ChallengeAnswer::code(" 758-447\n"))
        .await;
    ready(door.approve(login.unwrap()).await.unwrap());
}
