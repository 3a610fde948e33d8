//! Both flows, every challenge, every end that it can take.

use std::time::Duration;

use wheelhouse_core::{Clock, ErrorKind, SecretString};
use wheelhouse_robinhood::ApprovalFlow;
use wheelhouse_session::{Challenge, ChallengeAnswer, CodeChannel, Login, OpenLogin};
use wheelhouse_sim::{
    Fault, Kind,
    robinhood::{Approval, IdentiStyle, LoginOutcome, PromptAnswer, Route},
};

use super::{CODE, Door, FLOWS, open, ready, settings};
use crate::rig::USER;

const CODES: [Approval; 3] = [Approval::Sms, Approval::Email, Approval::App];
const ALL: [Approval; 4] = [
    Approval::Prompt,
    Approval::Sms,
    Approval::Email,
    Approval::App,
];
const STYLES: [IdentiStyle; 4] = [
    IdentiStyle::ByScreen,
    IdentiStyle::Itself,
    IdentiStyle::OneAction,
    IdentiStyle::Renamed,
];

/// Every pair of a flow and a challenge by a code; the newer flow in each style that it may have.
fn codes() -> Vec<(ApprovalFlow, IdentiStyle, Approval)> {
    let mut all = Vec::new();
    for kind in CODES {
        all.push((ApprovalFlow::Pathfinder, IdentiStyle::ByScreen, kind));
        all.extend(STYLES.map(|style| (ApprovalFlow::Identi, style, kind)));
    }
    all
}

async fn door(flow: ApprovalFlow, style: IdentiStyle, kind: Approval) -> Door {
    let mut settings = settings(wheelhouse_sim::robinhood::LoginFlow::Approval(kind));
    settings.identi_style = style;
    Door::with(settings, flow).await
}

fn code_of(door: &Door, kind: Approval) -> SecretString {
    match kind {
        Approval::App => door.sim.robinhood().totp(USER).unwrap(),
        _ => CODE.into(),
    }
}

async fn right(door: &Door, open: &OpenLogin, kind: Approval) -> Login {
    let code = ChallengeAnswer::Code(code_of(door, kind));
    door.answer(open, code).await.unwrap()
}

fn is_asked(open: &OpenLogin, kind: Approval) -> bool {
    match (&open.challenge, kind) {
        (Challenge::Approve { until, .. }, Approval::Prompt) => until.is_some(),
        (Challenge::Code { channel, .. }, Approval::Sms) => *channel == CodeChannel::Sms,
        (Challenge::Code { channel, .. }, Approval::Email) => *channel == CodeChannel::Mail,
        (Challenge::Totp, Approval::App) => true,
        _ => false,
    }
}

/// One device and one request from the first call to the last, and tokens in the end.
fn is_one_login(door: &Door) {
    let logins = door.sim.robinhood().ledger().logins();
    assert!(logins.len() >= 2);
    for login in &logins {
        assert_eq!(login.request_id, logins[0].request_id);
        assert_eq!(login.device_token, logins[0].device_token);
    }
    assert_eq!(logins[0].outcome, LoginOutcome::Workflow);
    assert_eq!(logins.last().unwrap().outcome, LoginOutcome::Granted);
}

#[tokio::test]
async fn the_right_code_logs_in() {
    for (flow, style, kind) in codes() {
        let door = door(flow, style, kind).await;
        let asked = open(door.knock().await.unwrap());
        assert!(is_asked(&asked, kind), "{flow:?} {asked:?}");
        let login = right(&door, &asked, kind).await;
        ready(door.approve(login).await.unwrap());
        is_one_login(&door);
        // The way that is known takes no second attempt.
        if style == IdentiStyle::ByScreen {
            assert_eq!(door.outcomes().len(), 2, "{flow:?} {kind:?}");
        }
    }
}

#[tokio::test]
async fn an_approved_prompt_logs_in() {
    for flow in FLOWS {
        for answer in [PromptAnswer::After(2), PromptAnswer::Redeem(2)] {
            let door = door(flow, IdentiStyle::ByScreen, Approval::Prompt).await;
            door.sim
                .robinhood()
                .change_settings(|settings| settings.prompt = answer);
            let login = door.knock().await.unwrap();
            ready(door.approve(login).await.unwrap());
            is_one_login(&door);
            assert_eq!(door.outcomes().len(), 2);
        }
    }
}

#[tokio::test]
async fn a_wrong_code_is_asked_for_again() {
    for (flow, style, kind) in codes() {
        let door = door(flow, style, kind).await;
        let asked = open(door.knock().await.unwrap());
        let wrong = door.answer(&asked, ChallengeAnswer::code("000001")).await;
        let error = wrong.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MfaRequired, "{flow:?} {kind:?}");
        assert!(error.message().contains("2 attempts"), "{error}");
        let login = right(&door, &asked, kind).await;
        ready(door.approve(login).await.unwrap());
        is_one_login(&door);
    }
}

#[tokio::test]
async fn three_wrong_codes_end_the_login_and_the_next_one_is_new() {
    for (flow, style, kind) in codes() {
        let door = door(flow, style, kind).await;
        let asked = open(door.knock().await.unwrap());
        let mut kinds = Vec::new();
        for _ in 0..3 {
            let wrong = door.answer(&asked, ChallengeAnswer::code("000001")).await;
            kinds.push(wrong.unwrap_err().kind());
        }
        let (again, over) = (ErrorKind::MfaRequired, ErrorKind::SessionExpired);
        assert_eq!(kinds, [again, again, over], "{flow:?} {style:?} {kind:?}");
        assert_eq!(door.waiting().await, 0);
        let asked = open(door.knock().await.unwrap());
        let login = right(&door, &asked, kind).await;
        ready(door.approve(login).await.unwrap());
    }
}

#[tokio::test]
async fn a_prompt_that_is_refused_ends_the_login() {
    for flow in FLOWS {
        let door = door(flow, IdentiStyle::ByScreen, Approval::Prompt).await;
        door.sim
            .robinhood()
            .change_settings(|settings| settings.prompt = PromptAnswer::Deny);
        let login = door.knock().await.unwrap();
        let error = door.approve(login).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SessionExpired, "{flow:?}: {error}");
        assert_eq!(door.waiting().await, 0);
        assert_eq!(door.outcomes().len(), 1, "nothing is tried again");
    }
}

#[tokio::test]
async fn a_challenge_that_ran_out_ends_the_login_and_the_next_one_is_new() {
    for flow in FLOWS {
        for kind in ALL {
            let door = door(flow, IdentiStyle::ByScreen, kind).await;
            door.sim
                .robinhood()
                .change_settings(|settings| settings.prompt = PromptAnswer::Ignore);
            let asked = open(door.knock().await.unwrap());
            door.clock.0.skip(Duration::from_secs(301));
            let late = match kind {
                Approval::Prompt => ChallengeAnswer::Poll,
                _ => ChallengeAnswer::Code(code_of(&door, kind)),
            };
            let error = door.answer(&asked, late).await.unwrap_err();
            let what = format!("{flow:?} {kind:?}: {error}");
            assert_eq!(error.kind(), ErrorKind::SessionExpired, "{what}");
            assert_eq!(door.waiting().await, 0, "{what}");
            assert_eq!(door.outcomes().len(), 1, "{what}");

            door.sim
                .robinhood()
                .change_settings(|settings| settings.prompt = PromptAnswer::After(0));
            let mut login = door.knock().await.unwrap();
            if kind != Approval::Prompt {
                login = right(&door, &open(login), kind).await;
            }
            ready(door.approve(login).await.unwrap());
        }
    }
}

#[tokio::test]
async fn a_code_is_sent_again_and_a_prompt_becomes_a_text() {
    for flow in FLOWS {
        for style in [IdentiStyle::ByScreen, IdentiStyle::Itself] {
            for kind in [Approval::Prompt, Approval::Sms, Approval::Email] {
                let door = door(flow, style, kind).await;
                let asked = open(door.knock().await.unwrap());
                if style == IdentiStyle::Itself && kind != Approval::Prompt {
                    // This broker takes no action at a screen for codes: the code stays good.
                    let login = match door.answer(&asked, ChallengeAnswer::Resend).await {
                        Ok(again) => open(again),
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::Unsupported, "{flow:?} {kind:?}");
                            asked
                        }
                    };
                    let login = right(&door, &login, kind).await;
                    ready(door.approve(login).await.unwrap());
                    continue;
                }
                // An attempt is used up: that it is back shows a new challenge.
                if kind != Approval::Prompt {
                    let wrong = door.answer(&asked, ChallengeAnswer::code("000001")).await;
                    wrong.unwrap_err();
                }
                let again = door.answer(&asked, ChallengeAnswer::Resend).await;
                let again = open(again.unwrap_or_else(|e| panic!("{flow:?} {kind:?}: {e}")));
                let sent = match kind {
                    Approval::Prompt => Approval::Sms,
                    other => other,
                };
                assert!(is_asked(&again, sent), "{flow:?} {again:?}");
                let wrong = door.answer(&again, ChallengeAnswer::code("000001")).await;
                let error = wrong.unwrap_err();
                assert!(error.message().contains("2 attempts"), "{error}");
                let login = right(&door, &again, sent).await;
                ready(door.approve(login).await.unwrap());
                is_one_login(&door);
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_be_sent_again_is_said_and_the_login_stays_open() {
    for flow in FLOWS {
        let door = door(flow, IdentiStyle::ByScreen, Approval::App).await;
        let asked = open(door.knock().await.unwrap());
        let sent = door.sim.robinhood().ledger().requests().len();
        let error = door
            .answer(&asked, ChallengeAnswer::Resend)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{flow:?}");
        assert_eq!(door.sim.robinhood().ledger().requests().len(), sent);
        let login = right(&door, &asked, Approval::App).await;
        ready(door.approve(login).await.unwrap());
    }
    // The older flow asks the newer one to send again; where that is not there, nothing is lost.
    for kind in [Approval::Prompt, Approval::Sms] {
        let door = door(ApprovalFlow::Pathfinder, IdentiStyle::ByScreen, kind).await;
        door.sim
            .robinhood()
            .change_settings(|settings| settings.identi = false);
        let asked = open(door.knock().await.unwrap());
        let error = door.answer(&asked, ChallengeAnswer::Resend).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Unsupported);
        let login = match kind {
            Approval::Prompt => Login::Challenge(asked),
            _ => right(&door, &asked, kind).await,
        };
        ready(door.approve(login).await.unwrap());
    }
}

fn throttled(route: Route, seconds: u32) -> Fault {
    let text = format!("Request was throttled. Expected available in {seconds} seconds.");
    Fault::new(
        route,
        Kind::Status {
            status: 429,
            headers: vec![
                ("Content-Type".to_owned(), "application/json".to_owned()),
                ("Retry-After".to_owned(), seconds.to_string()),
            ],
            body: serde_json::json!({ "detail": text }).to_string(),
        },
    )
}

fn poll_after(login: &Login) -> time::OffsetDateTime {
    match login {
        Login::Challenge(open) => match open.challenge {
            Challenge::Approve { poll_after, .. } => poll_after,
            _ => panic!("{login:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn f13_a_wait_that_is_told_while_polling_is_waited_and_the_login_goes_on() {
    for flow in FLOWS {
        let door = door(flow, IdentiStyle::ByScreen, Approval::Prompt).await;
        let server = door.sim.robinhood();
        server
            .faults()
            .add(throttled(Route::PromptStatus, 120).times(1));
        let asked = door.knock().await.unwrap();
        door.clock.0.skip(Duration::from_secs(10));
        let login = door
            .answer(super::open_of(&asked), ChallengeAnswer::Poll)
            .await
            .unwrap();
        assert!(poll_after(&login) - door.clock.now() > time::Duration::seconds(115));
        let sent = server.ledger().requests().len();
        door.clock.0.skip(Duration::from_secs(60));
        let login = door
            .answer(super::open_of(&login), ChallengeAnswer::Poll)
            .await
            .unwrap();
        assert_eq!(server.ledger().requests().len(), sent, "{flow:?}");
        ready(door.approve(login).await.unwrap());
    }
}

#[tokio::test]
async fn f13_a_wait_that_is_told_for_a_code_costs_neither_the_code_nor_the_login() {
    for flow in FLOWS {
        for kind in CODES {
            let door = door(flow, IdentiStyle::ByScreen, kind).await;
            let server = door.sim.robinhood();
            server
                .faults()
                .add(throttled(Route::ChallengeRespond, 45).times(1));
            let asked = open(door.knock().await.unwrap());
            let refused = door.answer(&asked, ChallengeAnswer::code(CODE)).await;
            let error = refused.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::LoginRateLimited);
            assert_eq!(error.retry_after(), Some(Duration::from_secs(45)));
            // Asked again too soon, nothing goes out.
            let sent = server.ledger().requests().len();
            let refused = door.answer(&asked, ChallengeAnswer::code(CODE)).await;
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::LoginRateLimited);
            assert_eq!(server.ledger().requests().len(), sent);
            door.clock.0.skip(Duration::from_secs(45));
            let login = right(&door, &asked, kind).await;
            ready(door.approve(login).await.unwrap());
        }
    }
}

/// The routes by which a challenge that is answered becomes a login, and what can happen there.
fn late_faults(flow: ApprovalFlow) -> Vec<Fault> {
    let finish = match flow {
        ApprovalFlow::Identi => (Route::IdentiWorkflow, 1),
        _ => (Route::UserViewContinue, 0),
    };
    let mut faults = Vec::new();
    for (route, after) in [finish, (Route::Token, 1)] {
        faults.push(throttled(route, 30).after(after).times(1));
        for kind in [Kind::DropAnswer, Kind::Html(503)] {
            faults.push(Fault::new(route, kind).after(after).times(1));
        }
    }
    faults
}

#[tokio::test]
async fn f34_what_fails_after_the_challenge_is_passed_asks_the_user_for_nothing_again() {
    for flow in FLOWS {
        for kind in ALL {
            for fault in late_faults(flow) {
                let what = format!("{flow:?} {kind:?} {fault:?}");
                let door = door(flow, IdentiStyle::ByScreen, kind).await;
                let server = door.sim.robinhood();
                server.change_settings(|settings| settings.prompt = PromptAnswer::After(0));
                server.faults().add(fault);
                let asked = door.knock().await.unwrap();
                let login = match kind {
                    Approval::Prompt => asked,
                    _ => right(&door, &open(asked), kind).await,
                };
                let login = door.approve(login).await;
                ready(login.unwrap_or_else(|error| panic!("{what}: {error}")));
                is_one_login(&door);
                let codes = server.ledger().count(Route::ChallengeRespond);
                assert_eq!(codes, usize::from(kind != Approval::Prompt), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn f34_a_lost_answer_to_a_code_is_looked_up() {
    for flow in FLOWS {
        for kind in CODES {
            for fault in [Kind::DropAnswer, Kind::Html(502), Kind::Body(b"{".to_vec())] {
                let what = format!("{flow:?} {kind:?} {fault:?}");
                let door = door(flow, IdentiStyle::ByScreen, kind).await;
                let server = door.sim.robinhood();
                let fault = Fault::new(Route::ChallengeRespond, fault).acting(true);
                server.faults().add(fault.times(1));
                let asked = open(door.knock().await.unwrap());
                let login = right(&door, &asked, kind).await;
                ready(door.approve(login).await.unwrap());
                assert_eq!(server.ledger().count(Route::ChallengeRespond), 1, "{what}");
                assert_eq!(server.ledger().count(Route::Challenge), 1, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn f34_a_code_that_did_not_arrive_can_be_sent_again() {
    for flow in FLOWS {
        let door = door(flow, IdentiStyle::ByScreen, Approval::Sms).await;
        let server = door.sim.robinhood();
        let fault = Fault::new(Route::ChallengeRespond, Kind::Html(502)).times(1);
        server.faults().add(fault);
        let asked = open(door.knock().await.unwrap());
        let lost = door.answer(&asked, ChallengeAnswer::code(CODE)).await;
        assert_eq!(lost.unwrap_err().kind(), ErrorKind::NotTheProtocol);
        let login = right(&door, &asked, Approval::Sms).await;
        ready(door.approve(login).await.unwrap());
    }
}

#[tokio::test]
async fn a_prompt_whose_status_has_gone_is_looked_up_at_its_challenge() {
    for flow in FLOWS {
        let door = door(flow, IdentiStyle::ByScreen, Approval::Prompt).await;
        let server = door.sim.robinhood();
        server.change_settings(|settings| settings.prompt = PromptAnswer::Ignore);
        let gone = Kind::Status {
            status: 404,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: r#"{"detail":"Not found."}"#.to_owned(),
        };
        server.faults().add(Fault::new(Route::PromptStatus, gone));
        let asked = door.knock().await.unwrap();
        door.clock.0.skip(Duration::from_secs(10));
        let login = door
            .answer(super::open_of(&asked), ChallengeAnswer::Poll)
            .await
            .unwrap();
        server.approve_prompts();
        ready(door.approve(login).await.unwrap());
        is_one_login(&door);
    }
}
