//! Device approval: prompts, pages that only wait, screens for people.

use std::time::Duration;

use wheelhouse_core::{Clock, ErrorKind};
use wheelhouse_robinhood::ApprovalFlow;
use wheelhouse_session::{Challenge, ChallengeAnswer};
use wheelhouse_sim::{
    Fault, Kind,
    robinhood::{Approval, HumanScreen, LoginFlow, LoginOutcome, PromptAnswer, RateLimits, Route},
};

use super::{Door, open, open_of, ready, settings};

#[tokio::test]
async fn a_device_is_approved_in_the_app_in_both_flows() {
    for flow in [
        ApprovalFlow::Pathfinder,
        ApprovalFlow::Identi,
        ApprovalFlow::Auto,
    ] {
        let mut settings = settings(LoginFlow::Approval(Approval::Prompt));
        settings.prompt = PromptAnswer::After(3);
        settings.views_without_challenge = 2;
        settings.continues_pending = 2;
        settings.logins_pending = 1;
        settings.rate_limits = RateLimits::observed();
        let door = Door::with(settings, flow).await;
        let login = door.knock().await.unwrap();
        let Challenge::Approve { poll_after, .. } = open_of(&login).challenge else {
            panic!("{login:?}")
        };
        assert!(poll_after - door.clock.now() > time::Duration::seconds(9));
        ready(door.approve(login).await.unwrap());
        let logins = door.sim.robinhood().ledger().logins();
        assert!(
            logins
                .iter()
                .all(|it| it.device_token == logins[0].device_token),
            "{flow:?}"
        );
        assert!(
            logins
                .iter()
                .all(|it| it.request_id == logins[0].request_id),
            "{flow:?}"
        );
        assert_eq!(logins.last().unwrap().outcome, LoginOutcome::Granted);
        let polls = door.sim.robinhood().ledger().polls();
        assert!(
            polls.iter().all(|poll| poll.status.is_some()),
            "no poll was too fast"
        );
        assert!(
            polls
                .windows(2)
                .all(|pair| pair[1].at - pair[0].at >= time::Duration::seconds(10))
        );
    }
}

#[tokio::test]
async fn polling_too_soon_sends_nothing() {
    let mut settings = settings(LoginFlow::Approval(Approval::Prompt));
    settings.prompt = PromptAnswer::Ignore;
    let door = Door::new(settings).await;
    let mut login = door.knock().await.unwrap();
    for _ in 0..50 {
        login = door
            .answer(open_of(&login), ChallengeAnswer::Poll)
            .await
            .unwrap();
    }
    assert_eq!(door.sim.robinhood().ledger().polls().len(), 0);
    door.clock.0.skip(Duration::from_secs(10));
    door.sim.robinhood().approve_prompts();
    ready(door.approve(login).await.unwrap());
}

#[tokio::test]
async fn a_machine_that_was_used_before_is_an_approval() {
    let mut settings = settings(LoginFlow::Approval(Approval::Prompt));
    settings.prompt = PromptAnswer::Redeem(0);
    settings.continue_gone = true;
    let door = Door::with(settings, ApprovalFlow::Pathfinder).await;
    let login = door.knock().await.unwrap();
    ready(door.approve(login).await.unwrap());
}

#[tokio::test]
async fn a_page_that_only_waits_is_looked_at_again_slowly_and_not_for_ever() {
    let mut settings = settings(LoginFlow::Approval(Approval::Sms));
    settings.views_without_challenge = 3;
    let door = Door::with(settings, ApprovalFlow::Pathfinder).await;
    let begun = door.clock.now();
    let asked = open(door.approve(door.knock().await.unwrap()).await.unwrap());
    assert!(
        matches!(asked.challenge, Challenge::Code { .. }),
        "{asked:?}"
    );
    assert!(door.clock.now() - begun >= time::Duration::seconds(30));
    let login = door
        .answer(&asked, ChallengeAnswer::code(super::CODE))
        .await;
    ready(door.approve(login.unwrap()).await.unwrap());

    door.sim
        .robinhood()
        .change_settings(|settings| settings.views_without_challenge = 1_000);
    let never = Door::with(door.settings(), ApprovalFlow::Pathfinder).await;
    let login = never.approve(never.knock().await.unwrap()).await.unwrap();
    let error = login.ready().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HumanNeeded);
    assert!(never.sim.robinhood().ledger().count(Route::UserView) <= 8);
}

#[tokio::test]
async fn an_approval_that_is_never_noticed_ends() {
    for flow in super::FLOWS {
        for (continues, logins) in [(10_000, 0), (0, 10_000)] {
            let mut settings = settings(LoginFlow::Approval(Approval::Prompt));
            settings.prompt = PromptAnswer::After(0);
            settings.continues_pending = continues;
            settings.logins_pending = logins;
            let door = Door::with(settings, flow).await;
            let login = door.knock().await.unwrap();
            let error = door.approve_for(login, 200).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::SessionExpired, "{flow:?}: {error}");
            assert_eq!(door.waiting().await, 0);
            // The password is not sent without end.
            assert!(
                door.outcomes().len() <= 10,
                "{flow:?} {}",
                door.outcomes().len()
            );
        }
    }
}

#[tokio::test]
async fn a_workflow_that_ends_unapproved_ends_the_login() {
    for flow in super::FLOWS {
        let (route, pointer, value) = match flow {
            ApprovalFlow::Identi => (
                Route::IdentiWorkflow,
                "/route/exit/status",
                r#""WORKFLOW_STATUS_DENIED""#,
            ),
            _ => (
                Route::UserViewContinue,
                "/type_context/result",
                r#""workflow_status_denied""#,
            ),
        };
        let mut settings = settings(LoginFlow::Approval(Approval::Prompt));
        settings.prompt = PromptAnswer::After(0);
        let door = Door::with(settings, flow).await;
        let (pointer, value) = (pointer.to_owned(), value.to_owned());
        let denied = Fault::new(route, Kind::Set { pointer, value });
        let after = u64::from(flow == ApprovalFlow::Identi);
        door.sim.robinhood().faults().add(denied.after(after));
        let login = door.knock().await.unwrap();
        let error = door.approve(login).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SessionExpired, "{flow:?}: {error}");
        assert_eq!(door.outcomes().len(), 1);
        assert_eq!(door.waiting().await, 0);
    }
}

#[tokio::test]
async fn where_the_newer_flow_fails_the_older_one_is_taken() {
    for fault in [
        Fault::new(Route::IdentiMigrated, Kind::Html(503)),
        Fault::new(Route::IdentiMigrated, Kind::DropAnswer),
        Fault::new(Route::IdentiWorkflow, Kind::Html(503)),
        Fault::new(Route::IdentiWorkflow, Kind::Body(b"[]".to_vec())),
        Fault::new(Route::IdentiWorkflow, Kind::DropAnswer),
    ] {
        let what = format!("{fault:?}");
        let door = Door::new(settings(LoginFlow::Approval(Approval::Email))).await;
        door.sim.robinhood().faults().add(fault);
        let asked = open(door.knock().await.unwrap());
        let login = door
            .answer(&asked, ChallengeAnswer::code(super::CODE))
            .await;
        ready(door.approve(login.unwrap()).await.unwrap());
        let machines = door.sim.robinhood().ledger().count(Route::UserMachine);
        assert_eq!(machines, 1, "{what}");
    }
}

#[tokio::test]
async fn every_screen_for_people_is_told_as_such_and_is_gone_on_with_when_it_is_done() {
    for flow in super::FLOWS {
        for (screen, word) in [
            (HumanScreen::Bank, "bank"),
            (HumanScreen::Frozen, "frozen"),
            (HumanScreen::Passkey, "passkey"),
            (HumanScreen::Photo, "identity"),
            (HumanScreen::Selfie, "face"),
            (HumanScreen::Support, ""),
            (HumanScreen::Unknown, "not known here: P"),
        ] {
            let mut settings = settings(LoginFlow::Approval(Approval::Human));
            settings.human = screen;
            let door = Door::with(settings, flow).await;
            let login = door.knock().await.unwrap();
            let asked = open_of(&login).clone();
            let Challenge::Human { reason, place } = &asked.challenge else {
                panic!("{flow:?} {screen:?} {login:?}")
            };
            assert!(reason.contains(word), "{flow:?} {screen:?}: {reason}");
            assert!(!place.is_empty());
            assert!(asked.expires_at - door.clock.now() > time::Duration::hours(23));
            assert_eq!(login.ready().unwrap_err().kind(), ErrorKind::HumanNeeded);

            // Nobody polls here: each look would send the password.
            let sent = door.sim.robinhood().ledger().requests().len();
            for answer in [ChallengeAnswer::Poll, ChallengeAnswer::code("123456")] {
                let error = door.answer(&asked, answer).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
            }
            assert_eq!(door.sim.robinhood().ledger().requests().len(), sent);

            // Not done yet is told again, and done lets in.
            let still = open(door.answer(&asked, ChallengeAnswer::Done).await.unwrap());
            assert!(matches!(still.challenge, Challenge::Human { .. }));
            door.clock.0.skip(Duration::from_secs(3_600));
            door.sim
                .robinhood()
                .change_settings(|settings| settings.login = LoginFlow::Granted);
            ready(door.answer(&still, ChallengeAnswer::Done).await.unwrap());
            let logins = door.sim.robinhood().ledger().logins();
            assert!(
                logins
                    .iter()
                    .all(|it| it.request_id == logins[0].request_id)
            );
        }
    }
}
