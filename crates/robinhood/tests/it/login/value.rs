//! The login as a value: written down, left, taken up by another process, dropped, given up.

use std::{sync::Arc, time::Duration};

use wheelhouse_core::{Broker, Clock, ErrorKind};
use wheelhouse_robinhood::{ApprovalFlow, Robinhood, RobinhoodConfig};
use wheelhouse_session::{
    AnswerRequest, Challenge, ChallengeAnswer, Credentials, Identity, Login, LoginRequest,
    MemoryStore, OpenLogin,
};
use wheelhouse_sim::{
    Fault, Kind, Sim,
    robinhood::{Approval, LoginFlow, LoginOutcome, PromptAnswer, Route, UserSpec},
};
use wheelhouse_sqlite::SqliteStore;

use super::{CODE, Door, FLOWS, open, open_of, ready, sealed, settings};
use crate::rig::{self, PASSWORD, SkipClock, USER, credentials};

/// A process that has nothing but a file, and what another one has written down.
async fn process(
    sim: &Arc<Sim>,
    clock: &SkipClock,
    config: &RobinhoodConfig,
    file: &std::path::Path,
) -> Door<SqliteStore> {
    let store = sealed(SqliteStore::open(file).await.unwrap());
    Door::at(sim.clone(), clock.clone(), config.clone(), store)
}

/// What a process leaves behind.
fn write_down(door: Door<SqliteStore>, login: Login) -> Result<String, Login> {
    let text = match &login {
        Login::Challenge(open) => serde_json::to_string(open).unwrap(),
        _ => return Err(login),
    };
    drop((door, login));
    Ok(text)
}

fn answer_to(door: &Door<SqliteStore>, open: &OpenLogin) -> ChallengeAnswer {
    match &open.challenge {
        Challenge::Approve { poll_after, .. } => {
            let wait = Duration::try_from(*poll_after - door.clock.now()).unwrap_or_default();
            door.clock.0.skip(wait);
            ChallengeAnswer::Poll
        }
        Challenge::Totp => ChallengeAnswer::Code(door.sim.robinhood().totp(USER).unwrap()),
        _ => ChallengeAnswer::code(CODE),
    }
}

#[tokio::test]
async fn a_login_goes_through_with_a_new_process_for_every_step_and_no_second_login() {
    for flow in FLOWS {
        for kind in [
            Approval::Prompt,
            Approval::Sms,
            Approval::Email,
            Approval::App,
        ] {
            let what = format!("{flow:?} {kind:?}");
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join("sessions.db");
            let mut settings = settings(LoginFlow::Approval(kind));
            settings.prompt = PromptAnswer::After(2);
            settings.views_without_challenge = 2;
            // How a code of the app ends in the newer flow is not known: a broker that has not noticed
            // it cannot be told from one that wants to be asked for tokens.
            let is_known = flow != ApprovalFlow::Identi || kind != Approval::App;
            settings.continues_pending = u32::from(is_known);
            let (sim, clock) = rig::start(settings, UserSpec::demo()).await;
            let mut config = rig::config(&sim);
            config.approval = flow;

            let first = process(&sim, &clock, &config, &file).await;
            let mut login = first.knock().await.unwrap();
            let mut door = first;
            let mut steps = 0;
            let session = loop {
                let written = match write_down(door, login) {
                    Ok(written) => written,
                    Err(login) => break ready(login),
                };
                assert!(!written.contains(PASSWORD), "{what}");
                steps += 1;
                assert!(steps < 20, "{what}");
                door = process(&sim, &clock, &config, &file).await;
                let open: OpenLogin = serde_json::from_str(&written).unwrap();
                let identity = Identity::new(USER).unwrap();
                let known = door.manager.open_logins(&*door.auth, &identity).await;
                assert_eq!(known.unwrap(), std::slice::from_ref(&open), "{what}");
                let request =
                    AnswerRequest::new(door.auth.clone(), &open.id, answer_to(&door, &open));
                let request = request.with_credentials(credentials());
                let step = door.manager.answer(request).await;
                login = step.unwrap_or_else(|error| panic!("{what}: {error}"));
            };
            assert!(steps > usize::from(is_known), "{what}: {steps}");
            let logins = sim.robinhood().ledger().logins();
            let outcomes: Vec<_> = logins.iter().map(|login| login.outcome).collect();
            // The password went out twice: to begin, and for the tokens.
            assert_eq!(
                outcomes,
                [LoginOutcome::Workflow, LoginOutcome::Granted],
                "{what}"
            );
            assert_eq!(sim.robinhood().ledger().count(Route::Token), 2, "{what}");
            assert_eq!(logins[0].request_id, logins[1].request_id, "{what}");
            assert_eq!(logins[0].device_token, logins[1].device_token, "{what}");
            let polls = sim.robinhood().ledger().polls();
            for pair in polls.windows(2) {
                assert!(
                    pair[1].at - pair[0].at >= time::Duration::seconds(10),
                    "{what}"
                );
            }
            let broker = Robinhood::builder()
                .config(config)
                .http(rig::http(&clock))
                .session(session)
                .build()
                .unwrap();
            broker.accounts().await.unwrap();
        }
    }
}

#[tokio::test]
async fn the_password_has_to_be_given_again_and_by_the_same_user() {
    let door = Door::new(settings(LoginFlow::Approval(Approval::Sms))).await;
    let asked = open(door.knock().await.unwrap());
    let other = Door::at(
        door.sim.clone(),
        door.clock.clone(),
        door.config.clone(),
        door.store.clone(),
    );
    let sent = door.sim.robinhood().ledger().requests().len();
    let code = || AnswerRequest::new(other.auth.clone(), &asked.id, ChallengeAnswer::code(CODE));
    let error = other.manager.answer(code()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingField);
    let stranger = Credentials::new("other@example.com", PASSWORD.into()).unwrap();
    let error = other
        .manager
        .answer(code().with_credentials(stranger))
        .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(door.sim.robinhood().ledger().requests().len(), sent);
    let login = other
        .manager
        .answer(code().with_credentials(credentials()))
        .await;
    ready(other.approve(login.unwrap()).await.unwrap());
}

#[tokio::test]
async fn a_login_that_is_taken_up_too_late_sends_nothing() {
    for (flow, kind) in [
        (ApprovalFlow::Pathfinder, Approval::Prompt),
        (ApprovalFlow::Identi, Approval::Sms),
    ] {
        let door = Door::with(settings(LoginFlow::Approval(kind)), flow).await;
        let asked = open(door.knock().await.unwrap());
        let sent = door.sim.robinhood().ledger().requests().len();
        let left = Duration::try_from(asked.expires_at - door.clock.now()).unwrap();
        door.clock.0.skip(left);
        let other = Door::at(
            door.sim.clone(),
            door.clock.clone(),
            door.config.clone(),
            door.store.clone(),
        );
        for answer in [ChallengeAnswer::Poll, ChallengeAnswer::code(CODE)] {
            let request = AnswerRequest::new(other.auth.clone(), &asked.id, answer);
            let error = other
                .manager
                .answer(request.with_credentials(credentials()))
                .await;
            assert_eq!(error.unwrap_err().kind(), ErrorKind::SessionExpired);
        }
        assert_eq!(other.waiting().await, 0);
        assert_eq!(door.sim.robinhood().ledger().requests().len(), sent);
    }
}

#[tokio::test]
async fn a_login_is_not_gone_on_with_in_another_world() {
    let door = Door::new(settings(LoginFlow::Approval(Approval::Sms))).await;
    let asked = open(door.knock().await.unwrap());
    let (sim, _) = rig::start(settings(LoginFlow::Granted), UserSpec::demo()).await;
    let config = rig::config(&sim);
    let other = Door::at(sim.clone(), door.clock.clone(), config, door.store.clone());
    let request = AnswerRequest::new(other.auth.clone(), &asked.id, ChallengeAnswer::code(CODE));
    let error = other
        .manager
        .answer(request.with_credentials(credentials()))
        .await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::SessionExpired);
    assert_eq!(sim.robinhood().ledger().requests().len(), 0);
}

/// Waits in real time until something is so.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to that");
}

#[tokio::test]
async fn f44_a_login_whose_caller_goes_away_can_be_gone_on_with() {
    for flow in FLOWS {
        let door = Arc::new(Door::with(settings(LoginFlow::Approval(Approval::Sms)), flow).await);
        let server = door.sim.robinhood();
        let slow = Kind::DelayAnswer(Duration::from_millis(100));
        server
            .faults()
            .add(Fault::new(Route::Token, slow.clone()).times(1));
        let task = tokio::spawn({
            let door = door.clone();
            async move { door.knock().await.map(drop) }
        });
        until(async || server.ledger().logins().len() == 1).await;
        task.abort();
        until(async || door.waiting().await == 1).await;
        let identity = Identity::new(USER).unwrap();
        let waiting = door.manager.open_logins(&*door.auth, &identity).await;
        let [asked] = &waiting.unwrap()[..] else {
            panic!()
        };

        // Neither is the answer lost with him who gave it.
        server
            .faults()
            .add(Fault::new(Route::ChallengeRespond, slow).times(1));
        let task = tokio::spawn({
            let (door, asked) = (door.clone(), asked.clone());
            async move {
                door.answer(&asked, ChallengeAnswer::code(CODE))
                    .await
                    .map(drop)
            }
        });
        until(async || server.ledger().count(Route::ChallengeRespond) == 1).await;
        task.abort();
        until(async || server.session_count() == 1 && door.waiting().await == 0).await;
        let session = door.manager.resume(door.auth.clone(), &identity).await;
        assert!(session.unwrap().is_some());
        let outcomes = [LoginOutcome::Workflow, LoginOutcome::Granted];
        assert_eq!(door.outcomes(), outcomes);
    }
}

#[tokio::test]
async fn logins_of_one_user_at_once_go_one_after_another_and_all_end() {
    for flow in FLOWS {
        let door = Door::with(settings(LoginFlow::Approval(Approval::Prompt)), flow).await;
        let knocks = futures_util::future::join_all((0..5).map(|_| door.knock())).await;
        let (logins, refused): (Vec<_>, Vec<_>) = knocks.into_iter().partition(Result::is_ok);
        let logins: Vec<_> = logins
            .into_iter()
            .map(|login| open(login.unwrap()))
            .collect();
        // In an hour a user is asked to approve three times.
        for error in refused.into_iter().map(Result::unwrap_err) {
            assert_eq!(error.kind(), ErrorKind::LockedOut, "{error}");
            let wait = error.retry_after().unwrap().as_secs();
            assert!((3_500..=3_600).contains(&wait), "{wait}");
        }
        assert_eq!(door.outcomes(), [LoginOutcome::Workflow; 3]);
        assert_eq!(door.waiting().await, 3);
        let mut done = 0;
        for open in logins {
            match door.approve(Login::Challenge(open)).await {
                Ok(login) => {
                    ready(login);
                    done += 1;
                }
                // The approval was for one.
                Err(error) => assert_eq!(error.kind(), ErrorKind::SessionExpired, "{error}"),
            }
        }
        assert!(done >= 1, "{flow:?}");
        assert_eq!(door.waiting().await, 0);
        for pair in door.sim.robinhood().ledger().polls().windows(2) {
            let apart = pair[1].at - pair[0].at;
            assert!(apart >= time::Duration::seconds(10), "{flow:?}: {apart}");
        }
    }
}

#[tokio::test]
async fn ses_1_no_fourth_prompt_is_sent_within_an_hour_and_one_is_after_it() {
    for flow in FLOWS {
        let mut prompts = settings(LoginFlow::Approval(Approval::Prompt));
        prompts.prompt = PromptAnswer::Deny;
        let door = Door::with(prompts, flow).await;
        for _ in 0..3 {
            let login = door.knock().await.unwrap();
            let error = door.approve(login).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::SessionExpired, "{error}");
        }
        let again = Door::at(
            door.sim.clone(),
            door.clock.clone(),
            door.config.clone(),
            door.store.clone(),
        );
        let error = again.knock().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LockedOut, "{error}");
        assert_eq!(door.outcomes(), [LoginOutcome::Workflow; 3]);
        door.clock.0.skip(error.retry_after().unwrap());
        assert!(matches!(again.knock().await.unwrap(), Login::Challenge(_)));
        assert_eq!(door.outcomes(), [LoginOutcome::Workflow; 4]);
    }
}

#[tokio::test]
async fn a_second_login_that_is_begun_while_one_waits_hurts_neither() {
    for flow in FLOWS {
        for kind in [Approval::Sms, Approval::App] {
            let door = Door::with(settings(LoginFlow::Approval(kind)), flow).await;
            let first = open(door.knock().await.unwrap());
            let second = open(door.knock().await.unwrap());
            assert_ne!(first.id, second.id);
            let code = || match kind {
                Approval::App => door.sim.robinhood().totp(USER).unwrap(),
                _ => CODE.into(),
            };
            let login = door.answer(&second, ChallengeAnswer::Code(code())).await;
            ready(door.approve(login.unwrap()).await.unwrap());
            // The other is over at the broker, and says so or comes through.
            let login = door.answer(&first, ChallengeAnswer::Code(code())).await;
            match login {
                Ok(login) => drop(ready(door.approve(login).await.unwrap())),
                Err(error) => assert_eq!(error.kind(), ErrorKind::SessionExpired),
            }
            assert_eq!(door.waiting().await, 0, "{flow:?} {kind:?}");
        }
    }
}

#[tokio::test]
async fn a_login_that_is_given_up_is_forgotten_here_and_asks_nothing_of_the_broker() {
    let door = Door::new(settings(LoginFlow::Approval(Approval::Prompt))).await;
    let login = door.knock().await.unwrap();
    let asked = open_of(&login).clone();
    let sent = door.sim.robinhood().ledger().requests().len();
    assert!(door.manager.abandon(&*door.auth, &asked.id).await.unwrap());
    assert!(!door.manager.abandon(&*door.auth, &asked.id).await.unwrap());
    assert_eq!(door.waiting().await, 0);
    door.clock.0.skip(Duration::from_secs(10));
    let error = door
        .answer(&asked, ChallengeAnswer::Poll)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SessionExpired);
    assert_eq!(door.sim.robinhood().ledger().requests().len(), sent);
    ready(door.approve(door.knock().await.unwrap()).await.unwrap());
}

#[tokio::test]
async fn a_login_without_a_manager_is_a_value_too() {
    use wheelhouse_session::{Authenticator, LoginStep};
    let door = Door::new(settings(LoginFlow::Granted)).await;
    let step = door.auth.begin(&credentials()).await.unwrap();
    assert!(matches!(step, LoginStep::Granted(_)));
    // What is kept of another broker, or of another version, is not guessed at.
    let pending = wheelhouse_session::PendingLogin::new(Challenge::Totp);
    for state in ["", "{}", r#"{"v":1}"#, "[]"] {
        let pending = pending.clone().with_state(state.as_bytes().to_vec());
        let error = door.auth.answer(&pending, ChallengeAnswer::code("1")).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::SessionExpired);
    }
}

#[test]
fn enc_8_no_secret_of_a_login_shows_anywhere_but_in_the_sealed_store() {
    use std::fmt::Write as _;
    use wheelhouse_core::ExposeSecret;
    use wheelhouse_session::{RecordQuery, SessionStore};
    use wheelhouse_testkit::{Canaries, LogCapture};
    let logs = LogCapture::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    let mut secrets = vec![PASSWORD.to_owned(), secret.to_owned(), CODE.to_owned()];
    let (mut shown, mut stored) = (String::new(), String::new());
    runtime.block_on(async {
        for flow in FLOWS {
            for kind in [
                Approval::Prompt,
                Approval::Sms,
                Approval::App,
                Approval::Human,
            ] {
                let memory = MemoryStore::new();
                let mut settings = settings(LoginFlow::Approval(kind));
                settings.prompt = PromptAnswer::After(0);
                let (sim, clock) = rig::start(settings, UserSpec::demo()).await;
                let mut config = rig::config(&sim);
                config.approval = flow;
                let door = Door::at(sim, clock, config, sealed(memory.clone()));
                let credentials = credentials().with_totp_secret(secret.into()).unwrap();
                let request = LoginRequest::new(door.auth.clone(), credentials);
                write!(shown, "{request:?} {:?} {:?}", door.auth, door.devices).unwrap();
                let login = door.manager.create(request).await.unwrap();
                write!(
                    shown,
                    "{login:?} {}",
                    serde_json::to_string(open_of(&login)).unwrap()
                )
                .unwrap();
                let wrong = ChallengeAnswer::code("900900");
                write!(
                    shown,
                    "{wrong:?} {:?}",
                    door.answer(open_of(&login), wrong.clone()).await
                )
                .unwrap();
                secrets.push("900900".to_owned());
                if kind == Approval::Human {
                    continue;
                }
                for head in memory.list(&RecordQuery::new()).await.unwrap() {
                    let record = memory.load(&head.key, door.clock.now()).await.unwrap();
                    let body = record.unwrap().body;
                    write!(stored, "{head:?}").unwrap();
                    stored.push_str(&String::from_utf8_lossy(body.expose_secret()));
                }
                let login = match kind {
                    Approval::Prompt => login,
                    Approval::App => {
                        let code = door.sim.robinhood().totp(USER).unwrap();
                        secrets.push(code.expose_secret().to_owned());
                        let code = ChallengeAnswer::Code(code);
                        door.answer(open_of(&login), code).await.unwrap()
                    }
                    _ => door
                        .answer(open_of(&login), ChallengeAnswer::code(CODE))
                        .await
                        .unwrap(),
                };
                let session = ready(door.approve(login).await.unwrap());
                write!(shown, "{session:?}").unwrap();
                let token = wheelhouse_core::TokenSource::token(&session).await.unwrap();
                write!(shown, "{token:?}").unwrap();
                secrets.push(token.expose().to_owned());
                for extra in [
                    wheelhouse_robinhood::DEVICE_TOKEN,
                    wheelhouse_robinhood::READ_ONLY_TOKEN,
                ] {
                    secrets.push(session.extra(extra).unwrap().expose_secret().to_owned());
                }
                let logins = door.sim.robinhood().ledger().logins();
                secrets.extend(logins.iter().filter_map(|login| login.request_id.clone()));
                for head in memory.list(&RecordQuery::new()).await.unwrap() {
                    let record = memory.load(&head.key, door.clock.now()).await.unwrap();
                    let body = record.unwrap().body;
                    stored.push_str(&String::from_utf8_lossy(body.expose_secret()));
                }
            }
        }
    });
    assert!(shown.len() > 2_000 && stored.len() > 2_000 && !logs.text().is_empty());
    let canaries = Canaries::new(secrets);
    canaries.absent_from("what is shown", &shown).unwrap();
    canaries.absent_from("the log", &logs.text()).unwrap();
    canaries.absent_from("the store", &stored).unwrap();
}

#[tokio::test]
async fn even_an_unsealed_store_never_holds_the_password_or_a_code() {
    use base64::Engine;
    use wheelhouse_core::ExposeSecret;
    use wheelhouse_session::{RecordQuery, SessionManager, SessionStore};
    let memory = MemoryStore::new();
    let door = Door::new(settings(LoginFlow::Approval(Approval::Sms))).await;
    let manager = SessionManager::dangerous_accept_plaintext(memory.clone())
        .clock(Arc::new(door.clock.clone()))
        .build()
        .unwrap();
    let login = manager
        .create(LoginRequest::new(door.auth.clone(), credentials()))
        .await
        .unwrap();
    let text = async || {
        let mut text = String::new();
        for head in memory.list(&RecordQuery::new()).await.unwrap() {
            let record = memory.load(&head.key, door.clock.now()).await.unwrap();
            let record: serde_json::Value =
                serde_json::from_slice(record.unwrap().body.expose_secret()).unwrap();
            text += &record.to_string();
            if let Some(state) = record["state"].as_str() {
                let state = base64::engine::general_purpose::STANDARD
                    .decode(state)
                    .unwrap();
                text += &String::from_utf8(state).unwrap();
            }
        }
        text
    };
    let before = text().await;
    // The search finds what is there: the device's token is, so stores are sealed.
    let device = door.sim.robinhood().ledger().logins()[0]
        .device_token
        .clone();
    assert!(before.contains(&device.unwrap()));
    let request = |code| AnswerRequest::new(door.auth.clone(), &open_of(&login).id, code);
    manager
        .answer(request(ChallengeAnswer::code("900900")))
        .await
        .unwrap_err();
    let after = text().await;
    for text in [before, after] {
        assert!(!text.contains(PASSWORD) && !text.contains("900900"));
    }
}
