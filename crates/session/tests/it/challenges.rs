use std::sync::atomic::Ordering;

use wheelhouse_core::{Clock, ErrorKind, TokenSource};
use wheelhouse_session::{
    AnswerRequest, ChallengeAnswer, Login, LoginRequest, OpenLogin, RecordKind, RecordQuery,
    SessionEventKind, SessionManager, SessionStore, Write,
};

use crate::support::{MINUTE, PASSWORD, World, credentials};

async fn begin(world: &World) -> OpenLogin {
    world.broker.challenge.store(true, Ordering::SeqCst);
    let credentials = credentials("demo@example.com", PASSWORD);
    let request = LoginRequest::new(world.authenticator(), credentials);
    match world.manager.create(request).await.unwrap() {
        Login::Challenge(open) => open,
        other => panic!("{other:?}"),
    }
}

async fn answer(
    world: &World,
    manager: &SessionManager,
    open: &OpenLogin,
    code: &str,
) -> wheelhouse_core::Result<Login> {
    let answer = ChallengeAnswer::code(code);
    manager
        .answer(AnswerRequest::new(world.authenticator(), &open.id, answer))
        .await
}

#[tokio::test]
async fn a_challenge_is_answered_and_gives_a_session() {
    let world = World::new();
    let open = begin(&world).await;
    assert!(world.stored_sessions().await.is_empty());
    let session = answer(&world, &world.manager, &open, "123456")
        .await
        .unwrap();
    assert!(session.ready().unwrap().token().await.is_ok());
    assert_eq!(world.broker.answers(), ["state-canary-1 true"]);
    // It is used up.
    let error = answer(&world, &world.manager, &open, "123456")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SessionExpired);
    assert_eq!(world.broker.answers().len(), 1);
}

#[tokio::test]
async fn a_login_in_progress_survives_a_restart_without_the_password() {
    let world = World::new();
    let open = begin(&world).await;
    let World {
        clock,
        broker,
        memory,
        store,
        manager,
    } = world;
    drop(manager);
    let world = World {
        manager: crate::support::manager(&clock, store.clone(), 3),
        clock,
        broker,
        memory,
        store,
    };
    let identity = credentials("demo@example.com", PASSWORD).identity().clone();
    let found = world
        .manager
        .open_logins(&*world.broker, &identity)
        .await
        .unwrap();
    assert_eq!(found, [open]);
    let login = answer(&world, &world.manager, &found[0], "123456")
        .await
        .unwrap();
    assert!(login.ready().unwrap().token().await.is_ok());
    assert_eq!(world.broker.answers(), ["state-canary-1 false"]);
}

#[tokio::test]
async fn a_wrong_code_can_be_given_again_and_a_second_challenge_follows_the_first() {
    let world = World::new();
    let open = begin(&world).await;
    let error = answer(&world, &world.manager, &open, "000000")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MfaRequired);
    let Login::Challenge(again) = answer(&world, &world.manager, &open, "second")
        .await
        .unwrap()
    else {
        panic!("no second challenge");
    };
    assert_eq!(again.id, open.id);
    let login = answer(&world, &world.manager, &again, "123456")
        .await
        .unwrap();
    assert!(matches!(login, Login::Ready(_)));
    assert_eq!(world.broker.answers()[2], "state-canary-2 true");
}

#[tokio::test]
async fn a_login_that_nobody_answers_is_forgotten() {
    let world = World::new();
    let open = begin(&world).await;
    world.clock.walk(MINUTE * 10).await;
    let error = answer(&world, &world.manager, &open, "123456")
        .await
        .unwrap_err();
    assert_eq!(error.code(), 1003);
    assert!(world.broker.answers().is_empty());
}

#[tokio::test]
async fn an_open_login_can_be_written_down_and_read_again() {
    let world = World::new();
    let open = begin(&world).await;
    let text = serde_json::to_string(&open).unwrap();
    assert!(!text.contains("canary"), "{text}");
    let read: OpenLogin = serde_json::from_str(&text).unwrap();
    assert_eq!(read, open);
    assert!(matches!(
        answer(&world, &world.manager, &read, "123456").await,
        Ok(Login::Ready(_))
    ));
}

#[tokio::test]
async fn f68_a_damaged_login_in_progress_is_passed_over_with_an_event() {
    let world = World::new();
    begin(&world).await;
    world.broker.challenge.store(false, Ordering::SeqCst);
    let query = RecordQuery::new().with_kind(RecordKind::PENDING_LOGIN);
    let head = world.memory.list(&query).await.unwrap().remove(0);
    let now = world.clock.now();
    let mut record = world.memory.load(&head.key, now).await.unwrap().unwrap();
    record.body = vec![0xAB; 200].into();
    let version = record.head.version;
    record.head.version += 1;
    let write = Write::Replace { version };
    world.memory.save(&record, write).await.unwrap();

    let other = world.other_process();
    let mut events = other.events();
    let credentials = credentials("demo@example.com", PASSWORD);
    let request = LoginRequest::new(world.authenticator(), credentials);
    let login = other.resume_or_create(request).await.unwrap();
    assert!(matches!(login, Login::Ready(_)), "{login:?}");
    let event = events.try_next().unwrap();
    assert!(
        matches!(event.kind, SessionEventKind::Unreadable { ref error } if error.code() == 4004)
    );
}

#[tokio::test]
async fn credentials_that_come_with_a_wrong_code_are_not_asked_for_again() {
    let world = World::new();
    let open = begin(&world).await;
    let other = world.other_process();
    let given = credentials("demo@example.com", PASSWORD);
    let wrong = AnswerRequest::new(
        world.authenticator(),
        &open.id,
        ChallengeAnswer::code("000000"),
    );
    let error = other.answer(wrong.with_credentials(given)).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::MfaRequired);
    let login = answer(&world, &other, &open, "123456").await.unwrap();
    assert!(matches!(login, Login::Ready(_)), "{login:?}");
    assert_eq!(world.broker.answers()[1], "state-canary-1 true");
}

#[tokio::test]
async fn credentials_are_kept_as_long_as_a_login_whose_time_was_extended() {
    let world = World::new();
    let open = begin(&world).await;
    world.clock.walk(MINUTE * 9).await;
    answer(&world, &world.manager, &open, "second")
        .await
        .unwrap();
    world.clock.walk(MINUTE * 3).await;
    answer(&world, &world.manager, &open, "123456")
        .await
        .unwrap();
    assert_eq!(world.broker.answers()[1], "state-canary-2 true");
    world.clock.walk(MINUTE * 10).await;
    assert_eq!(world.clock.sleepers(), 0);
}

#[tokio::test]
async fn a_challenge_where_none_is_expected_is_a_typed_error() {
    let world = World::new();
    world.broker.challenge.store(true, Ordering::SeqCst);
    let error = world
        .try_log_in("demo@example.com", PASSWORD)
        .await
        .unwrap_err();
    assert_eq!(error.code(), 1002);
}

#[tokio::test]
async fn a_login_that_is_given_up_is_forgotten_with_its_credentials() {
    let world = World::new();
    let open = begin(&world).await;
    let abandon = || world.manager.abandon(&*world.broker, &open.id);
    assert!(abandon().await.unwrap());
    assert!(!abandon().await.unwrap());
    let identity = credentials("demo@example.com", PASSWORD).identity().clone();
    let left = world.manager.open_logins(&*world.broker, &identity).await;
    assert!(left.unwrap().is_empty());
    let late = answer(&world, &world.manager, &open, "123456").await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::SessionExpired);
    assert!(world.broker.answers().is_empty());
}

#[tokio::test]
async fn the_credentials_of_another_user_do_not_answer_a_login() {
    let world = World::new();
    let open = begin(&world).await;
    let request = || {
        let answer = ChallengeAnswer::code("123456");
        AnswerRequest::new(world.authenticator(), &open.id, answer)
    };
    let stranger = request().with_credentials(credentials("other@example.com", PASSWORD));
    let error = world.manager.answer(stranger).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(world.broker.answers().is_empty());
    let owner = request().with_credentials(credentials("demo@example.com", PASSWORD));
    assert!(world.manager.answer(owner).await.unwrap().ready().is_ok());
}
