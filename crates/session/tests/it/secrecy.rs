use std::{fmt::Write as _, sync::atomic::Ordering};

use wheelhouse_core::{ExposeSecret, TokenSource};
use wheelhouse_session::{
    AnswerRequest, ChallengeAnswer, Grant, LoginRequest, PendingLogin, RecordQuery, SessionStore,
    SignInUrl,
};
use wheelhouse_testkit::{Canaries, LogCapture};

use crate::support::{Fault, HOUR, PASSWORD, World, credentials, settle};

const USER: &str = "user-canary@example.com";
const TOTP: &str = "JBSWY3DPEHPK3PXPCANARY22";

#[tokio::test]
async fn enc_8_no_secret_shows_in_logs_debug_errors_events_or_the_store() {
    let logs = LogCapture::start();
    let mut text = String::new();
    let world = World::new();
    let mut events = world.manager.events();

    let credentials = credentials(USER, PASSWORD)
        .with_totp_secret(TOTP.into())
        .unwrap();
    world.broker.challenge.store(true, Ordering::SeqCst);
    let request = LoginRequest::new(world.authenticator(), credentials.clone());
    write!(
        text,
        "{credentials:?} {request:?} {:?}",
        credentials.identity()
    )
    .unwrap();
    let login = world.manager.create(request).await.unwrap();
    write!(text, "{login:?}").unwrap();
    let id = world
        .manager
        .open_logins(&*world.broker, credentials.identity())
        .await
        .unwrap();
    let answer = AnswerRequest::new(
        world.authenticator(),
        &id[0].id,
        ChallengeAnswer::code("000000"),
    )
    .with_credentials(credentials.clone());
    write!(
        text,
        "{answer:?} {:?}",
        world.manager.answer(answer.clone()).await
    )
    .unwrap();
    world.broker.challenge.store(false, Ordering::SeqCst);

    let session = world.log_in_as(USER).await;
    let token = session.token().await.unwrap();
    world.clock.advance(HOUR);
    session.token().await.unwrap();
    write!(text, "{session:?} {token:?} {:?}", world.manager).unwrap();
    world.store.fail_writes(true);
    session.refresh().await.unwrap();
    write!(text, "{:?}", session.last_storage_error()).unwrap();
    world.store.fail_writes(false);
    write!(text, "{:?}", world.manager.list(&Default::default()).await).unwrap();
    for fault in [Fault::NotSent, Fault::AnswerLost] {
        world.broker.fail(&[fault]);
        let error = session.refresh().await.unwrap_err();
        write!(text, "{error} {error:?}").unwrap();
        world.clock.advance(HOUR / 60);
    }
    for _ in 0..4 {
        let error = world.try_log_in(USER, "wrong-canary").await.unwrap_err();
        write!(text, "{error} {error:?}").unwrap();
    }
    let grant = Grant::new("access-canary-1".into())
        .with_refresh_token("refresh-canary-1".into())
        .with_extra("device", "device-canary-1".into());
    let pending = PendingLogin::new(wheelhouse_session::Challenge::Totp)
        .with_state(b"state-canary-1".to_vec());
    let url = SignInUrl::new("https://example.com/?oauth_token=url-canary-1");
    write!(text, "{grant:?} {pending:?} {url:?}").unwrap();
    settle().await;
    while let Some(event) = events.try_next() {
        write!(text, "{event:?}").unwrap();
    }
    let mut stored = String::new();
    for head in world.memory.list(&RecordQuery::new()).await.unwrap() {
        let now = time::OffsetDateTime::UNIX_EPOCH;
        let record = world.memory.load(&head.key, now).await.unwrap().unwrap();
        write!(stored, "{} {record:?} ", head.user).unwrap();
        stored.push_str(&String::from_utf8_lossy(record.body.expose_secret()));
    }
    assert!(text.len() > 2000 && stored.len() > 500 && !logs.text().is_empty());

    let mut secrets = vec![
        USER.to_owned(),
        PASSWORD.into(),
        TOTP.into(),
        "000000".into(),
    ];
    secrets.extend(
        [
            "wrong-canary",
            "device-canary-1",
            "url-canary-1",
            "state-canary",
        ]
        .map(Into::into),
    );
    secrets.extend((1..=9).map(|n| format!("access-canary-{n}")));
    secrets.extend((1..=9).map(|n| format!("refresh-canary-{n}")));
    let canaries = Canaries::new(secrets);
    canaries.absent_from("the text", &text).unwrap();
    canaries.absent_from("the logs", &logs.text()).unwrap();
    canaries.absent_from("the store", &stored).unwrap();
}

#[tokio::test]
async fn the_password_is_nowhere_in_the_store_even_without_encryption() {
    let world = World::new();
    let memory = wheelhouse_session::MemoryStore::new();
    let manager = wheelhouse_session::SessionManager::dangerous_accept_plaintext(memory.clone())
        .clock(std::sync::Arc::new(world.clock.clone()))
        .build()
        .unwrap();
    let world = World { manager, ..world };
    let session = world.log_in().await;
    world.broker.challenge.store(true, Ordering::SeqCst);
    world.try_log_in("other", PASSWORD).await.unwrap_err();
    let token = session.token().await.unwrap();
    let mut stored = String::new();
    for head in memory.list(&RecordQuery::new()).await.unwrap() {
        let now = time::OffsetDateTime::UNIX_EPOCH;
        let record = memory.load(&head.key, now).await.unwrap().unwrap();
        stored.push_str(&String::from_utf8_lossy(record.body.expose_secret()));
    }
    // The search can find something: the token is there.
    assert!(stored.contains(token.expose()));
    Canaries::new([PASSWORD])
        .absent_from("the store", &stored)
        .unwrap();
}
