use std::{sync::atomic::Ordering, time::Duration};

use wheelhouse_core::{BrokerId, Clock, Result};
use wheelhouse_session::{
    AnswerRequest, ChallengeAnswer, EncryptedStore, Login, LoginRequest, Record, RecordHead,
    RecordKey, RecordKind, SessionManager, SessionStore, Write,
};

use crate::support::{PASSWORD, World, credentials, keys, settle};

const USER: &str = "demo@example.com";

fn request(world: &World, password: &str) -> LoginRequest {
    LoginRequest::new(world.authenticator(), credentials(USER, password))
}

fn start(
    world: &World,
    manager: &SessionManager,
    password: &str,
) -> tokio::task::JoinHandle<Result<Login>> {
    let (manager, request) = (manager.clone(), request(world, password));
    tokio::spawn(async move { manager.resume_or_create(request).await })
}

#[tokio::test]
async fn of_processes_that_start_at_once_one_logs_in_and_the_others_take_up_its_session() {
    let world = World::new();
    world.broker.hold_logins();
    let mut starts = Vec::new();
    for number in 2..=8 {
        starts.push(start(&world, &world.process(number), PASSWORD));
    }
    // Two of one process do not log in twice either.
    starts.push(start(&world, &world.manager, PASSWORD));
    starts.push(start(&world, &world.manager, PASSWORD));
    settle().await;
    // Longer than a turn lasts that nobody extends.
    world.clock.walk(Duration::from_secs(40)).await;
    assert_eq!(world.broker.logins(), 1);
    world.broker.let_logins_through();
    world.clock.walk(Duration::from_secs(2)).await;

    let (mut new, mut ids) = (0, std::collections::HashSet::new());
    for start in starts {
        let login = start.await.unwrap().unwrap();
        new += usize::from(matches!(login, Login::Ready(_)));
        ids.insert(login.ready().unwrap().id().clone());
    }
    assert_eq!((new, ids.len(), world.broker.logins()), (1, 1, 1));
    assert_eq!(world.stored_sessions().await.len(), 1);
}

#[tokio::test]
async fn a_login_that_is_refused_lets_the_next_process_try_at_once() {
    let world = World::new();
    let wrong = start(&world, &world.manager, "wrong");
    assert_eq!(wrong.await.unwrap().unwrap_err().code(), 1001);
    let right = start(&world, &world.other_process(), PASSWORD);
    assert!(matches!(right.await.unwrap().unwrap(), Login::Ready(_)));
    assert_eq!(world.broker.logins(), 2);
}

#[tokio::test]
async fn the_turn_of_a_process_that_died_in_its_login_holds_nobody_up_for_long() {
    let world = World::new();
    let now = world.clock.now();
    let key = RecordKey::new(RecordKind::from_text("login"), "left");
    let head = RecordHead::new(key, BrokerId::tradelocker(), USER, now)
        .with_expiry(now + Duration::from_secs(15));
    let write = Write::Insert { limit: None, now };
    let store = EncryptedStore::new(world.store.clone(), keys());
    store
        .save(&Record::new(head, Vec::new()), write)
        .await
        .unwrap();
    let start = start(&world, &world.manager, PASSWORD);
    world.clock.walk(Duration::from_secs(14)).await;
    assert!(!start.is_finished());
    world.clock.walk(Duration::from_secs(2)).await;
    assert!(matches!(start.await.unwrap().unwrap(), Login::Ready(_)));
}

#[tokio::test]
async fn users_do_not_wait_for_each_other() {
    let world = World::new();
    world.broker.hold_logins();
    let one = start(&world, &world.manager, PASSWORD);
    settle().await;
    let other = world.other_process();
    let credentials = credentials("another@example.com", PASSWORD);
    let request = LoginRequest::new(world.authenticator(), credentials);
    let two = tokio::spawn(async move { other.resume_or_create(request).await });
    settle().await;
    assert_eq!(world.broker.logins(), 2);
    world.broker.let_logins_through();
    for start in [one, two] {
        start.await.unwrap().unwrap().ready().unwrap();
    }
}

#[tokio::test]
async fn a_challenge_is_asked_once_and_taken_up_by_the_other_process() {
    let world = World::new();
    world.broker.challenge.store(true, Ordering::SeqCst);
    let other = world.other_process();
    let one = start(&world, &world.manager, PASSWORD);
    let two = start(&world, &other, PASSWORD);
    world.clock.walk(Duration::from_secs(2)).await;
    let (one, two) = (one.await.unwrap().unwrap(), two.await.unwrap().unwrap());
    let (Login::Challenge(one), Login::Challenge(two)) = (one, two) else {
        panic!("no challenge")
    };
    assert_eq!((&one, world.broker.logins()), (&two, 1));

    let answer = AnswerRequest::new(
        world.authenticator(),
        two.id,
        ChallengeAnswer::code("123456"),
    )
    .with_credentials(credentials(USER, PASSWORD));
    let session = other.answer(answer).await.unwrap().ready().unwrap();
    let again = start(&world, &world.manager, PASSWORD);
    let again = again.await.unwrap().unwrap();
    assert!(matches!(&again, Login::Resumed(resumed) if resumed.id() == session.id()));
}

#[tokio::test]
async fn with_a_store_that_cannot_be_written_a_login_fails_as_before() {
    let world = World::new();
    world.store.fail_writes(true);
    let start = start(&world, &world.manager, PASSWORD);
    assert_eq!(start.await.unwrap().unwrap_err().code(), 4002);
    assert_eq!(world.broker.revoked(), world.broker.logins() as usize);
}

#[tokio::test]
async fn nothing_of_a_login_stays_but_the_session() {
    let world = World::new();
    start(&world, &world.manager, PASSWORD)
        .await
        .unwrap()
        .unwrap();
    let all = wheelhouse_session::RecordQuery::new();
    let heads = world.memory.list(&all).await.unwrap();
    assert_eq!(heads.len(), 1);
    assert_eq!(heads[0].key.kind, RecordKind::SESSION);
}
