//! What follows a login: devices, refresh, the token that can only read, the end.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use wheelhouse_core::{
    Broker, BrokerId, Clock, ErrorKind, ExposeSecret, SecretString, TokenSource,
};
use wheelhouse_crypto::{Key, KeyRing};
use wheelhouse_robinhood::{
    DEVICE_TOKEN, DeviceTokens, Environment, MemoryDevices, READ_ONLY_TOKEN, ReadOnly, Robinhood,
    RobinhoodAuth, RobinhoodConfig, StoredDevices, TokenCache, USER_UUID,
};
use wheelhouse_session::{
    Authenticator, EncryptedStore, Grant, Identity, LoginRequest, MemoryStore, Record, RecordHead,
    RecordKey, RecordKind, RecordQuery, SessionManager, SessionStore, Write,
};
use wheelhouse_sim::{
    Fault, Kind,
    robinhood::{Approval, LoginFlow, LoginOutcome, RefreshAnswer, Route, UserSpec},
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use super::{Door, ready, sealed, settings};
use crate::rig::{self, SkipClock, USER, credentials};

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
    let kept = door
        .devices
        .load(&door.auth.realm(), USER)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.expose_secret(), device.expose_secret());
    ready(door.knock().await.unwrap());
    let logins = door.sim.robinhood().ledger().logins();
    assert_eq!(logins.last().unwrap().outcome, LoginOutcome::Granted);
}

#[tokio::test]
async fn a_device_token_is_kept_for_each_user_in_each_of_the_brokers_worlds() {
    let clock = SkipClock(rig::Skipping::new());
    let store = sealed(MemoryStore::new());
    let stored = StoredDevices::new(store.clone(), Arc::new(clock.clone()));
    let memory = MemoryDevices::new();
    for devices in [&stored as &dyn DeviceTokens, &memory] {
        let keep = |realm: &'static str, user: &'static str, token: &str| {
            let token = SecretString::from(token);
            async move { devices.keep(realm, user, token).await.unwrap() }
        };
        let places = [
            ("live", "a"),
            ("live", "b"),
            ("http://127.0.0.1:1", "a"),
            ("http://127.0.0.1:2", "a"),
        ];
        for (n, (realm, user)) in places.into_iter().enumerate() {
            assert!(devices.load(realm, user).await.unwrap().is_none());
            let kept = keep(realm, user, &n.to_string()).await;
            assert_eq!(kept.expose_secret(), n.to_string());
        }
        for (n, (realm, user)) in places.into_iter().enumerate() {
            // The first one stays.
            assert_eq!(
                keep(realm, user, "late").await.expose_secret(),
                n.to_string()
            );
            let known = devices.load(realm, user).await.unwrap().unwrap();
            assert_eq!(known.expose_secret(), n.to_string());
        }
    }
    // Who asks to be forgotten is forgotten with his devices.
    let manager = SessionManager::builder(store).build().unwrap();
    assert_eq!(manager.erase(None, "a").await.unwrap(), 3);
    assert!(stored.load("live", "a").await.unwrap().is_none());
    assert!(stored.load("live", "b").await.unwrap().is_some());
}

#[tokio::test]
async fn every_spelling_of_an_address_is_one_user_with_one_device_and_one_session() {
    let door = Door::new(settings(LoginFlow::Approval(Approval::Prompt))).await;
    let session = ready(door.approve(door.knock().await.unwrap()).await.unwrap());
    let device = session.extra(DEVICE_TOKEN).unwrap();
    let memory = MemoryDevices::new();
    memory.keep("live", USER, device.clone()).await.unwrap();
    for user in [
        "Demo@Example.com",
        "DEMO@EXAMPLE.COM",
        " demo@example.com\u{a0}",
    ] {
        for (devices, realm) in [
            (&*door.devices as &dyn DeviceTokens, door.auth.realm()),
            (&memory, "live".to_owned()),
        ] {
            let known = devices.load(&realm, user).await.unwrap().unwrap();
            assert_eq!(known.expose_secret(), device.expose_secret(), "{user:?}");
            let kept = devices.keep(&realm, user, "late".into()).await.unwrap();
            assert_eq!(kept.expose_secret(), device.expose_secret(), "{user:?}");
        }
        let identity = Identity::new(user).unwrap();
        let other = Door::at(
            door.sim.clone(),
            door.clock.clone(),
            door.config.clone(),
            door.store.clone(),
        );
        let found = other.manager.resume(other.auth.clone(), &identity).await;
        assert_eq!(found.unwrap().unwrap().id(), session.id(), "{user:?}");
    }
}

#[tokio::test]
async fn a_device_token_that_was_kept_as_its_user_typed_is_found_so() {
    let door = Door::new(settings(LoginFlow::Granted)).await;
    let typed = "Demo@Example.com";
    let key = RecordKey::new(RecordKind::from_text("device_token"), "old");
    let now = door.clock.now();
    let head = RecordHead::new(key, BrokerId::robinhood(), typed, now);
    let write = Write::Insert { limit: None, now };
    let record = Record::new(head, b"the-old-device".to_vec());
    door.store.save(&record, write).await.unwrap();

    assert!(door.devices.load("live", USER).await.unwrap().is_none());
    let known = door.devices.load("live", typed).await.unwrap().unwrap();
    assert_eq!(known.expose_secret(), "the-old-device");
    let kept = door
        .devices
        .keep("live", typed, "late".into())
        .await
        .unwrap();
    assert_eq!(kept.expose_secret(), "the-old-device");
}

fn key(first: u8) -> Key {
    Key::from_bytes(std::array::from_fn(|n| first + n as u8)).unwrap()
}

fn devices(memory: &MemoryStore, keys: KeyRing) -> StoredDevices<EncryptedStore<MemoryStore>> {
    let store = EncryptedStore::new(memory.clone(), keys);
    StoredDevices::new(store, Arc::new(SkipClock(rig::Skipping::new())))
}

async fn device_heads(memory: &MemoryStore) -> Vec<RecordHead> {
    let query = RecordQuery::new().with_kind(RecordKind::from_text("device_token"));
    memory.list(&query).await.unwrap()
}

#[tokio::test]
async fn f72_a_device_token_under_an_older_key_is_sealed_again_when_it_is_read() {
    let memory = MemoryStore::new();
    let old = devices(&memory, KeyRing::new(key(1)));
    old.keep("live", USER, "a-device".into()).await.unwrap();
    let rotated = || devices(&memory, KeyRing::new(key(100)).with_older(key(1)));
    let before = device_heads(&memory).await.remove(0);
    let known = rotated().load("live", USER).await.unwrap().unwrap();
    assert_eq!(known.expose_secret(), "a-device");
    let after = device_heads(&memory).await;
    assert_eq!(after.len(), 1);
    assert_eq!((after[0].version, before.version), (2, 1));
    assert_eq!(after[0].created_at, before.created_at);

    let new = devices(&memory, KeyRing::new(key(100)));
    let known = new.load("live", USER).await.unwrap().unwrap();
    assert_eq!(known.expose_secret(), "a-device");
    assert!(old.load("live", USER).await.unwrap().is_none());
    // What is under the new key already is not written.
    rotated().load("live", USER).await.unwrap().unwrap();
    let kept = rotated().keep("live", USER, "late".into()).await.unwrap();
    assert_eq!(kept.expose_secret(), "a-device");
    assert_eq!(device_heads(&memory).await, after);
}

#[tokio::test]
async fn a_device_token_that_was_kept_as_its_user_typed_moves_when_it_is_read() {
    let memory = MemoryStore::new();
    let record = RecordKey::new(RecordKind::from_text("device_token"), "old");
    let clock = SkipClock(rig::Skipping::new());
    let now = clock.now();
    let head = RecordHead::new(record, BrokerId::robinhood(), "Demo@Example.com", now);
    let store = EncryptedStore::new(memory.clone(), KeyRing::new(key(1)));
    let write = Write::Insert { limit: None, now };
    let record = Record::new(head, b"a-device".to_vec());
    store.save(&record, write).await.unwrap();
    let devices = devices(&memory, KeyRing::new(key(1)));
    for user in ["Demo@Example.com", USER, "DEMO@EXAMPLE.COM"] {
        let known = devices.load("live", user).await.unwrap().unwrap();
        assert_eq!(known.expose_secret(), "a-device");
    }
    assert_eq!(device_heads(&memory).await.len(), 1);
}

#[tokio::test]
async fn f74_a_device_token_that_cannot_be_sealed_again_is_used_all_the_same() {
    let memory = MemoryStore::new();
    let old = devices(&memory, KeyRing::new(key(1)));
    old.keep("live", USER, "a-device".into()).await.unwrap();
    // A key that is used up seals nothing more.
    let used_up = KeyRing::new(key(100).with_limit(0)).with_older(key(1));
    let known = devices(&memory, used_up).load("live", USER).await;
    let known = known.unwrap().unwrap();
    assert_eq!(known.expose_secret(), "a-device");
}

#[tokio::test]
async fn f68_a_damaged_device_token_is_replaced_once() {
    let door = Door::new(settings(LoginFlow::Granted)).await;
    ready(door.knock().await.unwrap());
    let all = door.store.inner().list(&RecordQuery::new()).await.unwrap();
    let is_device = |head: &&RecordHead| head.key.kind.as_str().starts_with("device_token");
    let head = all.iter().find(is_device).unwrap();
    let now = door.clock.now();
    let mut record = door
        .store
        .inner()
        .load(&head.key, now)
        .await
        .unwrap()
        .unwrap();
    record.body = vec![0xAB; 200].into();
    door.store.inner().delete(&head.key).await.unwrap();
    let write = Write::Insert { limit: None, now };
    door.store.inner().save(&record, write).await.unwrap();
    for _ in 0..2 {
        ready(door.knock().await.unwrap());
    }
    let logins = door.sim.robinhood().ledger().logins();
    assert_ne!(logins[0].device_token, logins[1].device_token);
    assert_eq!(logins[1].device_token, logins[2].device_token);
}

#[tokio::test]
async fn two_environments_over_one_store_see_two_devices() {
    let one = Door::new(settings(LoginFlow::Granted)).await;
    let (sim, _) = rig::start(settings(LoginFlow::Granted), UserSpec::demo()).await;
    let config = rig::config(&sim);
    let two = Door::at(sim, one.clock.clone(), config, one.store.clone());
    // An address with a slash at its end is the same one.
    let mut slash = one.config.clone();
    slash.environment = Environment::Custom(format!("{}/", one.sim.robinhood().origin()));
    let again = Door::at(one.sim.clone(), one.clock.clone(), slash, one.store.clone());
    for door in [&one, &two, &again] {
        ready(door.knock().await.unwrap());
    }
    let device = |door: &Door, n: usize| {
        door.sim.robinhood().ledger().logins()[n]
            .device_token
            .clone()
    };
    assert_ne!(device(&one, 0), device(&two, 0));
    assert_eq!(device(&one, 0), device(&one, 1));
}

#[tokio::test]
async fn two_processes_that_log_in_for_the_first_time_at_once_have_one_device() {
    let door = Door::new(settings(LoginFlow::Granted)).await;
    let other = Door::at(
        door.sim.clone(),
        door.clock.clone(),
        door.config.clone(),
        door.store.clone(),
    );
    let (a, b) = futures_util::future::join(door.knock(), other.knock()).await;
    let (a, b) = (ready(a.unwrap()), ready(b.unwrap()));
    let device = |session: &wheelhouse_session::Session| {
        let token = session.extra(DEVICE_TOKEN).unwrap();
        token.expose_secret().to_owned()
    };
    assert_eq!(device(&a), device(&b));
}

#[tokio::test]
async fn a_grant_ends_when_its_token_says_and_has_what_is_needed_later() {
    let mut life = settings(LoginFlow::Granted);
    life.access_token_life = Duration::from_secs(3_600);
    let door = Door::new(life).await;
    let session = ready(door.knock().await.unwrap());
    assert!(session.extra(READ_ONLY_TOKEN).is_some() && session.extra(USER_UUID).is_some());
    let token = session.token().await.unwrap();
    let left = token.expires_at().unwrap() - door.clock.now();
    assert!((3_500..=3_600).contains(&left.whole_seconds()), "{left}");
    // Tokens that are no JWT have the life that the answer tells.
    door.sim
        .robinhood()
        .change_settings(|settings| settings.opaque_tokens = true);
    let session = ready(door.knock().await.unwrap());
    let token = session.token().await.unwrap();
    assert!(token.expires_at().is_some());
}

#[tokio::test]
async fn f83_lives_that_cannot_be_are_not_believed() {
    for (life, told) in [
        (json!(0), None),
        (json!(-5), None),
        (json!("3600"), Some(3_600)),
        (json!(1e15), Some(90 * 86_400)),
    ] {
        let server = MockServer::start().await;
        let body = json!({"access_token": "opaque", "expires_in": life, "refresh_token": "r"});
        Mock::given(any())
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&server)
            .await;
        let clock = SkipClock(rig::Skipping::new());
        let mut config = RobinhoodConfig::default();
        config.environment = Environment::Custom(server.uri());
        let auth = RobinhoodAuth::new(config, rig::http(&clock)).unwrap();
        let step = auth.begin(&credentials()).await.unwrap();
        let wheelhouse_session::LoginStep::Granted(grant) = step else {
            panic!("{step:?}")
        };
        let left = grant
            .expires_at()
            .map(|at| (at - clock.now()).whole_seconds());
        match told {
            None => assert_eq!(left, None),
            Some(told) => assert!((told - 5..=told).contains(&left.unwrap()), "{left:?}"),
        }
    }
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
    let store: EncryptedStore<MemoryStore> = sealed(MemoryStore::new());
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
async fn f83_empty_tokens_are_none() {
    let clock = SkipClock(rig::Skipping::new());
    for (body, code) in [
        (json!({"access_token": ""}), Some(3006)),
        (
            json!({"access_token": "", "verification_workflow": {"id": "w"}}),
            Some(1006),
        ),
        (
            json!({"access_token": "b", "refresh_token": "", "read_only_secondary_access_token": ""}),
            None,
        ),
    ] {
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(200).set_body_json(&body))
            .mount(&server)
            .await;
        let mut config = RobinhoodConfig::default();
        config.environment = Environment::Custom(server.uri());
        let auth = RobinhoodAuth::new(config, rig::http(&clock)).unwrap();
        let grant = Grant::new("a".into()).with_refresh_token("r".into());
        match (auth.refresh(&grant).await, code) {
            (Ok(fresh), None) => {
                assert!(fresh.refresh_token().is_none() && fresh.extra(READ_ONLY_TOKEN).is_none());
            }
            (Err(error), Some(code)) => assert_eq!(error.code(), code, "{body}"),
            (other, _) => panic!("{body}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn f83_a_refused_refresh_asks_for_a_login_and_a_login_helps() {
    for (answer, status) in [
        (RefreshAnswer::Refused, 400),
        (RefreshAnswer::Refused, 401),
        (RefreshAnswer::Workflow, 403),
        (RefreshAnswer::Workflow, 200),
    ] {
        let at = rig::AtSim::new().await;
        at.server().change_settings(|settings| {
            settings.refresh = answer;
            settings.refresh_refused_status = status;
            settings.workflow_status = status;
        });
        at.server().expire_access_tokens();
        let error = at.broker.user().await.unwrap_err();
        let what = format!("{answer:?} {status}: {error}");
        assert_eq!(error.kind(), ErrorKind::RefreshRefused, "{what}");
        // The dead token is not sent again, and nothing logs in by itself.
        at.broker.user().await.unwrap_err();
        assert_eq!(at.server().ledger().refreshes().len(), 1, "{what}");
        assert_eq!(at.server().ledger().logins().len(), 1, "{what}");
        let auth = Arc::new(RobinhoodAuth::new(rig::config(&at.sim), at.http.clone()).unwrap());
        let login = at
            .manager
            .create(LoginRequest::new(auth, credentials()))
            .await;
        let broker = Robinhood::builder()
            .config(rig::config(&at.sim))
            .http(at.http.clone())
            .session(ready(login.unwrap()))
            .build()
            .unwrap();
        broker.user().await.unwrap();
    }
}

#[tokio::test]
async fn f83_whatever_a_refresh_is_asked_for_instead_of_tokens_is_a_full_login() {
    let clock = SkipClock(rig::Skipping::new());
    for (status, body, code) in [
        (200, json!({"mfa_required": true, "mfa_type": "app"}), 1006),
        (400, json!({"mfa_required": true, "mfa_type": "sms"}), 1006),
        (200, json!({"verification_workflow": {"id": "w"}}), 1006),
        (403, json!({"verification_workflow": {"id": "w"}}), 1006),
        (
            401,
            json!({"challenge": {"id": "c", "type": "sms", "status": "issued"}}),
            1006,
        ),
        (400, json!({"error": "invalid_grant"}), 1006),
        (401, json!({"detail": "anything"}), 1006),
        (403, json!({}), 1006),
        // What says nothing about the token does not end the session.
        (500, json!({"detail": "anything"}), 3005),
        (200, json!({}), 3006),
        (
            429,
            json!({"detail": "Expected available in 9 seconds."}),
            1004,
        ),
    ] {
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(status).set_body_json(&body))
            .mount(&server)
            .await;
        let mut config = RobinhoodConfig::default();
        config.environment = Environment::Custom(server.uri());
        let auth = RobinhoodAuth::new(config, rig::http(&clock)).unwrap();
        let grant = Grant::new("a".into()).with_refresh_token("r".into());
        let error = auth.refresh(&grant).await.unwrap_err();
        assert_eq!(error.code(), code, "{status} {body}: {error}");
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn each_refresh_brings_a_new_refresh_token_and_the_old_one_is_not_used_again() {
    let at = rig::AtSim::new().await;
    for n in 1..=5 {
        at.session.refresh().await.unwrap();
        at.broker.user().await.unwrap();
        let refreshes = at.server().ledger().refreshes();
        assert_eq!(refreshes.len(), n);
        assert!(refreshes.iter().all(|it| it.accepted && !it.reused));
    }
    assert_eq!(at.server().session_count(), 1);
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
async fn logout_revokes_and_what_is_over_already_is_no_error() {
    let door = Door::new(settings(LoginFlow::Granted)).await;
    let session = ready(door.knock().await.unwrap());
    let token = session.token().await.unwrap();
    assert_eq!(door.sim.robinhood().session_count(), 1);
    session.destroy().await.unwrap();
    assert_eq!(door.sim.robinhood().session_count(), 0);
    assert_eq!(door.sim.robinhood().ledger().count(Route::Revoke), 1);
    // The refresh token is dead with it.
    let grant = Grant::new(token.expose().into());
    door.auth.revoke(&grant).await.unwrap();
    // And an end that does not reach the broker is an end here all the same.
    let session = ready(door.knock().await.unwrap());
    let fault = Fault::new(Route::Revoke, Kind::Html(503));
    door.sim.robinhood().faults().add(fault);
    let _ = session.destroy().await;
    assert!(session.token().await.is_err());
}

#[tokio::test]
async fn the_second_token_reads_and_neither_orders_nor_survives_alone() {
    let at = rig::AtSim::new().await;
    let readers = ReadOnly::new(at.session.clone());
    let weak = readers.token().await.unwrap();
    let strong = at.session.token().await.unwrap();
    assert_ne!(weak.expose(), strong.expose());
    let reader = Robinhood::builder()
        .config(rig::config(&at.sim))
        .http(at.http.clone())
        .read_only(at.session.clone())
        .build()
        .unwrap();
    reader.accounts().await.unwrap();
    reader.user().await.unwrap();
    // A refresh brings both anew, and the reader takes the new one.
    at.server().expire_access_tokens();
    reader.user().await.unwrap();
    assert_ne!(readers.token().await.unwrap().expose(), weak.expose());
    assert_eq!(at.server().ledger().refreshes().len(), 1);
    let order = wheelhouse_core::OrderRequest::market(
        &at.account,
        &at.instrument("F").await,
        wheelhouse_core::Side::Buy,
        wheelhouse_core::OrderSize::Shares(wheelhouse_core::Quantity::new(wheelhouse_core::dec!(
            1
        ))),
    );
    let refused = reader.place_order(&order).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(at.server().ledger().count(Route::PlaceOrder), 0);
}

#[tokio::test]
async fn a_refresh_without_the_second_token_takes_the_old_one_away() {
    let server = MockServer::start().await;
    let body = json!({"access_token": "new", "expires_in": 3_600, "refresh_token": "r2"});
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(&server)
        .await;
    let clock = SkipClock(rig::Skipping::new());
    let mut config = RobinhoodConfig::default();
    config.environment = Environment::Custom(server.uri());
    let auth = Arc::new(RobinhoodAuth::new(config, rig::http(&clock)).unwrap());
    let manager = SessionManager::in_memory()
        .clock(Arc::new(clock))
        .build()
        .unwrap();
    let grant = Grant::new("a".into())
        .with_refresh_token("r1".into())
        .with_extra(READ_ONLY_TOKEN, "old".into());
    let identity = Identity::new(USER).unwrap();
    let session = manager.adopt(auth, identity, grant).await.unwrap();
    let readers = ReadOnly::new(session.clone());
    assert_eq!(readers.token().await.unwrap().expose(), "old");
    session.refresh().await.unwrap();
    assert_eq!(
        readers.token().await.unwrap_err().kind(),
        ErrorKind::Unsupported
    );
}

#[tokio::test]
async fn a_cache_of_robin_stocks_is_as_good_as_a_login() {
    let door = Door::new(settings(LoginFlow::Granted)).await;
    let session = ready(door.knock().await.unwrap());
    let token = session.token().await.unwrap();
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
    door.auth
        .keep_device_token(USER, cache.device_token().unwrap().clone())
        .await
        .unwrap();
    let grant = cache.into_grant(USER);
    let identity = Identity::new(USER).unwrap();
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
