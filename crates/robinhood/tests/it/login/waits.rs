//! A wait that the broker names holds for every caller of the account.

use std::{sync::Arc, time::Duration};

use wheelhouse_core::{Broker, Clock, ErrorKind};
use wheelhouse_http::HttpClient;
use wheelhouse_robinhood::{ApprovalFlow, Robinhood, RobinhoodAuth};
use wheelhouse_session::{
    AnswerRequest, Challenge, ChallengeAnswer, Credentials, Login, LoginRequest, Session,
    SessionManager,
};
use wheelhouse_sim::{
    Fault, Kind,
    robinhood::{Approval, LoginFlow, PromptAnswer, Route},
};

use super::{Door, FLOWS, open, open_of, ready, settings};
use crate::rig::{self, PASSWORD, USER, credentials};

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

/// Everything that speaks for the users of one client.
struct House {
    door: Door,
    http: HttpClient,
    auth: Arc<RobinhoodAuth>,
    manager: SessionManager,
}

impl House {
    async fn new() -> (Self, Session) {
        let door = Door::new(settings(LoginFlow::Granted)).await;
        let http = rig::http(&door.clock);
        let auth = Arc::new(RobinhoodAuth::new(door.config.clone(), http.clone()).unwrap());
        let manager = SessionManager::in_memory()
            .clock(Arc::new(door.clock.clone()))
            .build()
            .unwrap();
        let login = manager
            .create(LoginRequest::new(auth.clone(), credentials()))
            .await;
        let session = ready(login.unwrap());
        let house = Self {
            door,
            http,
            auth,
            manager,
        };
        (house, session)
    }

    fn broker(&self, session: &Session) -> Robinhood {
        Robinhood::builder()
            .config(self.door.config.clone())
            .http(self.http.clone())
            .session(session.clone())
            .build()
            .unwrap()
    }

    fn sent(&self) -> usize {
        self.door.sim.robinhood().ledger().requests().len()
    }
}

fn throttled(route: Route, seconds: u32, header: bool) -> Fault {
    let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    if header {
        headers.push(("Retry-After".to_owned(), seconds.to_string()));
    }
    let text = format!("Request was throttled. Expected available in {seconds} seconds.");
    let body = serde_json::json!({ "detail": text }).to_string();
    let status = Kind::Status {
        status: 429,
        headers,
        body,
    };
    Fault::new(route, status).times(1)
}

#[tokio::test]
async fn f10_a_wait_that_is_told_to_one_value_holds_for_every_other_of_the_account() {
    for header in [true, false] {
        let (house, session) = House::new().await;
        let (one, two) = (house.broker(&session), house.broker(&session));
        // Of a source of tokens, too, and with the name in other letters.
        let three = Robinhood::builder()
            .config(house.door.config.clone())
            .http(house.http.clone())
            .tokens(Arc::new(session.clone()), &USER.to_uppercase())
            .build()
            .unwrap();
        let reader = Robinhood::builder()
            .config(house.door.config.clone())
            .http(house.http.clone())
            .read_only(session.clone())
            .build()
            .unwrap();
        for broker in [&one, &two, &three, &reader] {
            broker.user().await.unwrap();
        }
        let faults = house.door.sim.robinhood().faults();
        faults.add(throttled(Route::User, 7_200, header));
        let error = one.user().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        let sent = house.sent();
        for broker in [&one, &two, &three, &reader] {
            let error = broker.accounts().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::RateLimited);
            let wait = error.retry_after().unwrap();
            assert!(wait > Duration::from_secs(7_000), "{wait:?}");
        }
        let request = LoginRequest::new(house.auth.clone(), credentials());
        let error = house.manager.create(request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LoginRateLimited);
        session.refresh().await.unwrap_err();
        assert_eq!(house.sent(), sent, "nothing is sent while the wait lasts");

        // Another user is not meant.
        let other = Credentials::new("other@example.com", PASSWORD.into()).unwrap();
        let login = house
            .manager
            .create(LoginRequest::new(house.auth.clone(), other));
        assert_eq!(
            login.await.unwrap_err().kind(),
            ErrorKind::InvalidCredentials
        );

        house.door.clock.0.skip(Duration::from_secs(7_200));
        for broker in [&one, &two, &three, &reader] {
            broker.user().await.unwrap();
        }
    }
}

#[tokio::test]
async fn f13_a_wait_that_is_told_while_polling_holds_for_reads_and_for_other_logins() {
    for flow in FLOWS {
        let (house, session) = House::new().await;
        let broker = house.broker(&session);
        let server = house.door.sim.robinhood();
        server.change_settings(|settings| {
            settings.login = LoginFlow::Approval(Approval::Prompt);
            settings.prompt = PromptAnswer::After(0);
        });
        // A second device of the same user, over the same client.
        let mut config = house.door.config.clone();
        config.approval = flow;
        let auth = Arc::new(RobinhoodAuth::new(config, house.http.clone()).unwrap());
        let login = house
            .manager
            .create(LoginRequest::new(auth.clone(), credentials()))
            .await
            .unwrap();
        server
            .faults()
            .add(throttled(Route::PromptStatus, 600, true));
        house.door.clock.0.skip(Duration::from_secs(10));
        let poll = |login: &Login| {
            let id = open_of(login).id.clone();
            let request = AnswerRequest::new(auth.clone(), id, ChallengeAnswer::Poll);
            house.manager.answer(request)
        };
        // Ten minutes are more than the challenge has left: that is an error with its wait.
        let error = poll(&login).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LoginRateLimited);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(600)));
        let sent = house.sent();
        let error = broker.user().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        let request = LoginRequest::new(auth.clone(), credentials());
        let error = house.manager.create(request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LoginRateLimited);
        assert_eq!(
            poll(&login).await.unwrap_err().kind(),
            ErrorKind::LoginRateLimited
        );
        assert_eq!(house.sent(), sent, "{flow:?}");
        house.door.clock.0.skip(Duration::from_secs(600));
        broker.user().await.unwrap();
    }
}

#[tokio::test]
async fn two_logins_of_one_account_together_poll_no_faster_than_one() {
    let mut settings = settings(LoginFlow::Approval(Approval::Prompt));
    settings.prompt = PromptAnswer::Ignore;
    let door = Door::with(settings, ApprovalFlow::Pathfinder).await;
    let http = rig::http(&door.clock);
    let mut waiting = Vec::new();
    for _ in 0..3 {
        // Each a device and a store of its own.
        let auth = Arc::new(RobinhoodAuth::new(door.config.clone(), http.clone()).unwrap());
        let manager = SessionManager::in_memory()
            .clock(Arc::new(door.clock.clone()))
            .build()
            .unwrap();
        let login = manager
            .create(LoginRequest::new(auth.clone(), credentials()))
            .await
            .unwrap();
        waiting.push((auth, manager, open(login)));
    }
    for _ in 0..4 {
        for (auth, manager, open) in &mut waiting {
            let Challenge::Approve { poll_after, .. } = open.challenge else {
                panic!("{open:?}")
            };
            let wait = Duration::try_from(poll_after - door.clock.now()).unwrap_or_default();
            door.clock.0.skip(wait);
            let request = AnswerRequest::new(auth.clone(), &open.id, ChallengeAnswer::Poll);
            *open = open_of(&manager.answer(request).await.unwrap()).clone();
        }
    }
    let polls = door.sim.robinhood().ledger().polls();
    // Some are put off instead of sent.
    assert!((4..=12).contains(&polls.len()), "{}", polls.len());
    for pair in polls.windows(2) {
        let apart = pair[1].at - pair[0].at;
        assert!(apart >= time::Duration::seconds(10), "{apart}");
    }
}
