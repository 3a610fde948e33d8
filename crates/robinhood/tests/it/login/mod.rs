//! Every way in, against the simulator.

use std::{sync::Arc, time::Duration};

use wheelhouse_core::{Broker, Clock, ErrorKind, ExposeSecret, SecretString};
use wheelhouse_crypto::{Key, KeyRing};
use wheelhouse_robinhood::{
    ApprovalFlow, DEVICE_TOKEN, DeviceTokens, READ_ONLY_TOKEN, Robinhood, RobinhoodAuth,
    StoredDevices, TokenCache, USER_UUID,
};
use wheelhouse_session::{
    AnswerRequest, Authenticator, Challenge, ChallengeAnswer, CodeChannel, EncryptedStore, Login,
    LoginRequest, MemoryStore, OpenLogin, Session, SessionManager,
};
use wheelhouse_sim::{
    Fault, Kind, Sim,
    robinhood::{
        Approval, CodeKind, ErrorShape, LoginFlow, LoginOutcome, PromptAnswer, RateLimits,
        RefreshAnswer, Route, Settings, UserSpec,
    },
};

use crate::rig::{self, PASSWORD, SkipClock, USER, credentials};

/// A login under way.
struct Door {
    sim: Arc<Sim>,
    clock: SkipClock,
    auth: Arc<RobinhoodAuth>,
    manager: SessionManager,
    devices: Arc<StoredDevices<EncryptedStore<MemoryStore>>>,
}

impl Door {
    async fn new(settings: Settings) -> Self {
        Self::with(settings, ApprovalFlow::Auto).await
    }

    async fn with(settings: Settings, flow: ApprovalFlow) -> Self {
        let (sim, clock) = rig::start(settings, UserSpec::demo()).await;
        let mut config = rig::config(&sim);
        config.approval = flow;
        let store = EncryptedStore::new(
            MemoryStore::new(),
            KeyRing::new(Key::from_bytes(std::array::from_fn(|n| n as u8)).unwrap()),
        );
        let devices = Arc::new(StoredDevices::new(store.clone(), Arc::new(clock.clone())));
        let auth = RobinhoodAuth::new(config, rig::http(&clock)).unwrap();
        let auth = Arc::new(auth.with_devices(devices.clone()));
        let manager = SessionManager::builder(store)
            .clock(Arc::new(clock.clone()))
            .build()
            .unwrap();
        Self {
            sim,
            clock,
            auth,
            manager,
            devices,
        }
    }

    async fn knock(&self) -> wheelhouse_core::Result<Login> {
        self.manager
            .create(LoginRequest::new(self.auth.clone(), credentials()))
            .await
    }

    async fn answer(
        &self,
        open: &OpenLogin,
        answer: ChallengeAnswer,
    ) -> wheelhouse_core::Result<Login> {
        self.manager
            .answer(AnswerRequest::new(self.auth.clone(), &open.id, answer))
            .await
    }

    /// Polls as it is asked to, until something else comes.
    async fn approve(&self, mut login: Login) -> wheelhouse_core::Result<Login> {
        for _ in 0..60 {
            let Login::Challenge(open) = &login else {
                return Ok(login);
            };
            let Challenge::Approve { poll_after, .. } = open.challenge else {
                return Ok(login);
            };
            let wait = Duration::try_from(poll_after - self.clock.now()).unwrap_or_default();
            self.clock.0.skip(wait);
            login = self.answer(open, ChallengeAnswer::Poll).await?;
        }
        panic!("it is polled without end");
    }

    fn outcomes(&self) -> Vec<LoginOutcome> {
        let logins = self.sim.robinhood().ledger().logins();
        logins.iter().map(|login| login.outcome).collect()
    }
}

fn settings(login: LoginFlow) -> Settings {
    let mut settings = Settings::new();
    settings.login = login;
    settings
}

fn open(login: Login) -> OpenLogin {
    match login {
        Login::Challenge(open) => open,
        other => panic!("{other:?}"),
    }
}

fn ready(login: Login) -> Session {
    match login {
        Login::Ready(session) => session,
        other => panic!("{other:?}"),
    }
}

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
        let Challenge::Approve { poll_after, until } = open_of(&login).challenge else {
            panic!("{login:?}")
        };
        assert!(poll_after - door.clock.now() > time::Duration::seconds(9));
        assert!(until.is_some());
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

fn open_of(login: &Login) -> &OpenLogin {
    match login {
        Login::Challenge(open) => open,
        other => panic!("{other:?}"),
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
async fn a_refusal_in_the_app_and_a_prompt_that_ran_out_end_the_login() {
    for answer in [PromptAnswer::Deny, PromptAnswer::Ignore] {
        let mut settings = settings(LoginFlow::Approval(Approval::Prompt));
        settings.prompt = answer;
        let door = Door::new(settings).await;
        let login = door.knock().await.unwrap();
        let error = door.approve(login).await.unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::SessionExpired,
            "{answer:?}: {error}"
        );
    }
}

#[tokio::test]
async fn codes_by_sms_and_mail_are_asked_for_and_a_wrong_one_is_asked_for_again() {
    for (kind, channel, flows) in [
        (
            Approval::Sms,
            CodeChannel::Sms,
            [ApprovalFlow::Pathfinder, ApprovalFlow::Identi],
        ),
        // What the newer flow looks like with mail, nobody has seen.
        (
            Approval::Email,
            CodeChannel::Mail,
            [ApprovalFlow::Pathfinder; 2],
        ),
    ] {
        for flow in flows {
            let door = Door::with(settings(LoginFlow::Approval(kind)), flow).await;
            let asked = open(door.knock().await.unwrap());
            assert_eq!(
                asked.challenge,
                Challenge::Code {
                    channel,
                    sent_to: None
                }
            );
            let error = door
                .answer(&asked, ChallengeAnswer::code("000000"))
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::MfaRequired);
            assert!(error.message().contains("2 attempts"), "{error}");
            let login = door
                .answer(&asked, ChallengeAnswer::code("758447"))
                .await
                .unwrap();
            ready(door.approve(login).await.unwrap());
        }
    }
}

#[tokio::test]
async fn three_wrong_codes_end_the_login() {
    let door = Door::new(settings(LoginFlow::Approval(Approval::Sms))).await;
    let asked = open(door.knock().await.unwrap());
    let mut kinds = Vec::new();
    for _ in 0..3 {
        kinds.push(
            door.answer(&asked, ChallengeAnswer::code("1"))
                .await
                .unwrap_err()
                .kind(),
        );
    }
    assert_eq!(
        kinds,
        [
            ErrorKind::MfaRequired,
            ErrorKind::MfaRequired,
            ErrorKind::SessionExpired
        ]
    );
}

#[tokio::test]
async fn a_prompt_can_be_exchanged_for_a_text() {
    let door = Door::with(
        settings(LoginFlow::Approval(Approval::Prompt)),
        ApprovalFlow::Identi,
    )
    .await;
    let asked = open(door.knock().await.unwrap());
    let asked = open(door.answer(&asked, ChallengeAnswer::Resend).await.unwrap());
    assert!(
        matches!(
            asked.challenge,
            Challenge::Code {
                channel: CodeChannel::Sms,
                ..
            }
        ),
        "{asked:?}"
    );
    let login = door
        .answer(&asked, ChallengeAnswer::code("758447"))
        .await
        .unwrap();
    ready(door.approve(login).await.unwrap());
}

#[tokio::test]
async fn one_time_codes_are_made_from_the_secret_and_never_sent_twice() {
    let mut settings = settings(LoginFlow::Approval(Approval::App));
    settings.mfa_code_suffices = false;
    let door = Door::with(settings, ApprovalFlow::Pathfinder).await;
    let secret = SecretString::from("gezd gnbv gy3t qojq gezd gnbv gy3t qojq");
    let credentials = credentials().with_totp_secret(secret).unwrap();
    let begun = door.clock.0.skipped();
    let login = door
        .manager
        .create(LoginRequest::new(door.auth.clone(), credentials))
        .await
        .unwrap();
    ready(door.approve(login).await.unwrap());
    // F57: the code of the first call was used, so the challenge had to wait for the next one.
    assert!(door.clock.0.skipped() > begun);
    let logins = door.sim.robinhood().ledger().logins();
    assert!(logins[0].with_code && logins[0].outcome == LoginOutcome::Workflow);
}

#[tokio::test]
async fn f57_a_secret_of_the_app_makes_the_approval_unnecessary_where_it_suffices() {
    let door = Door::new(settings(LoginFlow::Approval(Approval::Prompt))).await;
    let secret = SecretString::from("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    let credentials = credentials().with_totp_secret(secret).unwrap();
    let login = door
        .manager
        .create(LoginRequest::new(door.auth.clone(), credentials))
        .await
        .unwrap();
    ready(login);
    assert_eq!(door.outcomes(), [LoginOutcome::Granted]);
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
            _ => "758447".into(),
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
        door.answer(&asked, ChallengeAnswer::code("758447"))
            .await
            .unwrap(),
    );
    assert_eq!(
        door.outcomes(),
        [LoginOutcome::LegacyChallenge, LoginOutcome::Granted]
    );
}

#[tokio::test]
async fn screens_for_people_are_told_as_such() {
    for flow in [ApprovalFlow::Pathfinder, ApprovalFlow::Identi] {
        let door = Door::with(settings(LoginFlow::Approval(Approval::Human)), flow).await;
        let login = door.knock().await.unwrap();
        assert!(
            matches!(open_of(&login).challenge, Challenge::Human { .. }),
            "{login:?}"
        );
        let error = login.ready().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HumanNeeded);
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
async fn a_wait_of_hours_stops_every_caller_of_the_user() {
    let door = Door::new(settings(LoginFlow::Granted)).await;
    let session = ready(door.knock().await.unwrap());
    let config = rig::config(&door.sim);
    let http = rig::http(&door.clock);
    let auth = Arc::new(RobinhoodAuth::new(config.clone(), http.clone()).unwrap());
    let broker = Robinhood::builder()
        .config(config)
        .http(http)
        .session(session)
        .build()
        .unwrap();
    broker.accounts().await.unwrap();
    door.sim
        .robinhood()
        .change_settings(|settings| settings.login = LoginFlow::Throttled(7_200));
    let second = SessionManager::in_memory()
        .clock(Arc::new(door.clock.clone()))
        .build()
        .unwrap();
    let login = second
        .create(LoginRequest::new(auth.clone(), credentials()))
        .await;
    assert_eq!(login.unwrap_err().kind(), ErrorKind::LoginRateLimited);
    let requests = door.sim.robinhood().ledger().requests().len();
    let error = broker.user().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert!(
        error
            .retry_after()
            .is_some_and(|wait| wait > Duration::from_secs(7_000))
    );
    let again = second
        .create(LoginRequest::new(auth, credentials()))
        .await
        .unwrap_err();
    assert_eq!(again.kind(), ErrorKind::LoginRateLimited);
    assert_eq!(
        door.sim.robinhood().ledger().requests().len(),
        requests,
        "nothing was sent"
    );
}

#[tokio::test]
async fn a_login_goes_on_after_a_restart_without_a_second_one() {
    let door = Door::with(
        settings(LoginFlow::Approval(Approval::Sms)),
        ApprovalFlow::Pathfinder,
    )
    .await;
    let asked = open(door.knock().await.unwrap());
    let text = format!("{asked:?}");
    assert!(!text.contains(PASSWORD));
    // Another process: nothing is left but the store.
    let logins = door.sim.robinhood().ledger().logins().len();
    let Door {
        sim,
        clock,
        auth,
        manager,
        ..
    } = door;
    let request = AnswerRequest::new(auth.clone(), &asked.id, ChallengeAnswer::code("758447"));
    let login = manager
        .answer(request.with_credentials(credentials()))
        .await
        .unwrap();
    let door = Door {
        sim,
        clock,
        auth,
        manager,
        devices: door.devices,
    };
    ready(door.approve(login).await.unwrap());
    let all = door.sim.robinhood().ledger().logins();
    assert_eq!(all.len(), logins + 1);
    assert_eq!(all[0].request_id, all[1].request_id);
}

#[tokio::test]
async fn the_device_token_outlives_logout_and_no_second_approval_is_needed() {
    let door = Door::new(settings(LoginFlow::Approval(Approval::Prompt))).await;
    let session = ready(door.approve(door.knock().await.unwrap()).await.unwrap());
    let device = session.extra(DEVICE_TOKEN).unwrap();
    session.destroy().await.unwrap();
    assert_eq!(
        door.sim.robinhood().session_count(),
        0,
        "it was revoked at the broker"
    );
    let kept = door.devices.load(USER).await.unwrap().unwrap();
    assert_eq!(kept.expose_secret(), device.expose_secret());
    ready(door.knock().await.unwrap());
    let logins = door.sim.robinhood().ledger().logins();
    assert_eq!(logins.last().unwrap().outcome, LoginOutcome::Granted);
}

#[tokio::test]
async fn a_grant_ends_when_its_token_says_and_has_what_is_needed_later() {
    let mut life = settings(LoginFlow::Granted);
    life.access_token_life = Duration::from_secs(3_600);
    let door = Door::new(life).await;
    let session = ready(door.knock().await.unwrap());
    assert!(session.extra(READ_ONLY_TOKEN).is_some() && session.extra(USER_UUID).is_some());
    let token = wheelhouse_core::TokenSource::token(&session).await.unwrap();
    let left = token.expires_at().unwrap() - door.clock.now();
    assert!((3_500..=3_600).contains(&left.whole_seconds()), "{left}");
    // Tokens that are no JWT have the life that the answer tells.
    door.sim
        .robinhood()
        .change_settings(|settings| settings.opaque_tokens = true);
    let session = ready(door.knock().await.unwrap());
    let token = wheelhouse_core::TokenSource::token(&session).await.unwrap();
    assert!(token.expires_at().is_some());
}

#[tokio::test]
async fn tok_5_a_refresh_token_is_used_once_however_many_ask() {
    // Places in the line are waited for in real time.
    let at = rig::AtSim::built(rig::granted(), UserSpec::demo(), |mut config| {
        config.limit_wait = Duration::from_secs(300);
        config
    })
    .await;
    at.server().expire_access_tokens();
    let broker = Arc::new(at.broker.clone());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let broker = broker.clone();
        tasks.spawn(async move { broker.user().await });
    }
    while let Some(read) = tasks.join_next().await {
        read.unwrap().unwrap();
    }
    let refreshes = at.server().ledger().refreshes();
    assert_eq!(refreshes.len(), 1);
    assert!(
        refreshes
            .iter()
            .all(|refresh| refresh.accepted && !refresh.reused)
    );
}

#[tokio::test]
async fn tok_2_two_processes_over_one_store_never_use_a_refresh_token_twice() {
    let mut life = rig::granted();
    life.access_token_life = Duration::from_secs(3_600);
    let (sim, clock) = rig::start(life, UserSpec::demo()).await;
    let mut config = rig::config(&sim);
    config.limit_wait = Duration::from_secs(300);
    let ring = KeyRing::new(Key::from_bytes(std::array::from_fn(|n| n as u8)).unwrap());
    let store = EncryptedStore::new(MemoryStore::new(), ring);
    let mut brokers = Vec::new();
    for _ in 0..2 {
        let manager = SessionManager::builder(store.clone())
            .clock(Arc::new(clock.clone()))
            .build()
            .unwrap();
        let http = rig::http(&clock);
        let auth = Arc::new(RobinhoodAuth::new(config.clone(), http.clone()).unwrap());
        let resumed = manager
            .resume(auth.clone(), credentials().identity())
            .await
            .unwrap();
        let session = match resumed {
            Some(session) => session,
            None => ready(
                manager
                    .create(LoginRequest::new(auth, credentials()))
                    .await
                    .unwrap(),
            ),
        };
        let builder = Robinhood::builder()
            .config(config.clone())
            .http(http)
            .session(session);
        brokers.push((manager, builder.build().unwrap()));
    }
    for _ in 0..20 {
        clock.0.skip(Duration::from_secs(3_600));
        let (a, b) = (&brokers[0].1, &brokers[1].1);
        let (a, b) = futures_util::future::join(a.user(), b.user()).await;
        a.unwrap();
        b.unwrap();
    }
    let ledger = sim.robinhood().ledger();
    assert_eq!(ledger.logins().len(), 1, "nobody was logged out");
    let refreshes = ledger.refreshes();
    assert!(
        refreshes
            .iter()
            .all(|refresh| refresh.accepted && !refresh.reused)
    );
    assert_eq!(refreshes.len(), 20);
}

#[tokio::test]
async fn f83_a_refused_refresh_asks_for_a_login() {
    for answer in [RefreshAnswer::Refused, RefreshAnswer::Workflow] {
        let at = rig::AtSim::new().await;
        at.server()
            .change_settings(|settings| settings.refresh = answer);
        at.server().expire_access_tokens();
        let error = at.broker.user().await.unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::RefreshRefused,
            "{answer:?}: {error}"
        );
    }
}

#[tokio::test]
async fn tok_4_a_lost_answer_to_a_refresh_ends_without_a_loop() {
    let at = rig::AtSim::new().await;
    at.server().expire_access_tokens();
    at.server()
        .faults()
        .add(Fault::new(Route::Token, Kind::DropAnswer));
    let error = at.broker.user().await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::RefreshRefused | ErrorKind::Network),
        "{error}"
    );
    assert!(
        at.server().ledger().count(Route::Token) <= 3,
        "login and two tries at most"
    );
}

#[tokio::test]
async fn a_cache_of_robin_stocks_is_as_good_as_a_login() {
    let door = Door::new(settings(LoginFlow::Granted)).await;
    let session = ready(door.knock().await.unwrap());
    let token = wheelhouse_core::TokenSource::token(&session).await.unwrap();
    let device = session.extra(DEVICE_TOKEN).unwrap();
    let mut pickle = b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00}\x94(".to_vec();
    for text in [
        "token_type",
        "Bearer",
        "access_token",
        token.expose(),
        "device_token",
        device.expose_secret(),
    ] {
        pickle.push(b'X');
        pickle.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        pickle.extend(text.bytes());
        pickle.push(0x94);
    }
    pickle.extend(b"u.");
    let cache = TokenCache::read(&pickle).unwrap();
    assert_eq!(
        cache.device_token().unwrap().expose_secret(),
        device.expose_secret()
    );
    door.devices
        .keep(USER, cache.device_token().unwrap().clone())
        .await
        .unwrap();
    let grant = cache.into_grant(USER);
    let identity = wheelhouse_session::Identity::new(USER).unwrap();
    let adopted = door
        .manager
        .adopt(door.auth.clone(), identity, grant)
        .await
        .unwrap();
    let broker = Robinhood::builder()
        .config(rig::config(&door.sim))
        .http(rig::http(&door.clock))
        .session(adopted)
        .build()
        .unwrap();
    broker.accounts().await.unwrap();
    assert_eq!(
        door.sim.robinhood().ledger().logins().len(),
        1,
        "there was no second login"
    );
}

#[tokio::test]
async fn the_bodies_of_a_login_are_those_of_the_web_page() {
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{method, path},
    };
    let server = MockServer::start().await;
    let sample = |name: &str| {
        let path = format!("{}/tests/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(path).unwrap()
    };
    let answer = |status: u16, name: &str| {
        ResponseTemplate::new(status).set_body_raw(sample(name), "application/json")
    };
    let api = "/api.robinhood.com";
    Mock::given(method("POST"))
        .and(path(format!("{api}/oauth2/token/")))
        .respond_with(answer(403, "login_verification_workflow"))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path(format!("{api}/pathfinder/user_machine/")))
        .respond_with(answer(200, "pathfinder_user_machine"))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path(format!("{api}/oauth2/revoke_token/")))
        .respond_with(answer(200, "revoke_ok"))
        .mount(&server)
        .await;
    let view =
        format!("{api}/pathfinder/inquiries/a03bfab5-309f-4c15-8754-c9019b96a136/user_view/");
    Mock::given(method("GET"))
        .and(path(&view))
        .respond_with(answer(200, "user_view_sms"))
        .mount(&server)
        .await;
    let clock = SkipClock(rig::Skipping::new());
    let mut config = wheelhouse_robinhood::RobinhoodConfig::default();
    config.environment = wheelhouse_robinhood::Environment::Custom(server.uri());
    config.approval = ApprovalFlow::Pathfinder;
    let auth = RobinhoodAuth::new(config, rig::http(&clock)).unwrap();
    let step = auth
        .begin(
            &wheelhouse_session::Credentials::new("user@example.com", "not-a-real-password".into())
                .unwrap(),
        )
        .await
        .unwrap();
    assert!(matches!(step, wheelhouse_session::LoginStep::Challenge(_)));
    let requests = server.received_requests().await.unwrap();
    assert!(
        requests
            .iter()
            .all(|request| !request.headers.contains_key("authorization"))
    );
    let mut sent: serde_json::Value = requests[0].body_json().unwrap();
    let mut known: serde_json::Value = serde_json::from_slice(&sample("req_login_web")).unwrap();
    for body in [&mut sent, &mut known] {
        for made_up in ["device_token", "request_id"] {
            assert_eq!(body[made_up].as_str().unwrap().len(), 36);
            body[made_up] = serde_json::Value::Null;
        }
    }
    assert_eq!(sent, known);
    let machine: serde_json::Value = requests[1].body_json().unwrap();
    let known: serde_json::Value = serde_json::from_slice(&sample("req_user_machine")).unwrap();
    assert_eq!(
        (&machine["flow"], &machine["input"]),
        (&known["flow"], &known["input"])
    );

    // Refresh and revocation are forms, in the order of the sample.
    let pairs =
        |name: &str| -> Vec<(String, String)> { serde_json::from_slice(&sample(name)).unwrap() };
    let device = SecretString::from("5d2f0c1a-7b3e-4c96-8a41-0f6b2d9e7c53");
    let grant = wheelhouse_session::Grant::new("a".into())
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
