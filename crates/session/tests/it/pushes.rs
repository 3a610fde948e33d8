//! How often a user may be asked to approve a login.

use std::sync::atomic::Ordering;

use wheelhouse_core::{BrokerId, Error, Result, RetryAdvice};
use wheelhouse_session::{
    AnswerRequest, ChallengeAnswer, Login, LoginRequest, OpenLogin, SessionManager,
};

use crate::support::{HOUR, MINUTE, PASSWORD, World, credentials};

const USER: &str = "demo@example.com";

fn world() -> World {
    let world = World::new();
    world.broker.approval.store(true, Ordering::SeqCst);
    world
}

async fn ask(world: &World, manager: &SessionManager, user: &str) -> Result<OpenLogin> {
    let request = LoginRequest::new(world.authenticator(), credentials(user, PASSWORD));
    match manager.create(request).await? {
        Login::Challenge(open) => Ok(open),
        other => panic!("{other:?}"),
    }
}

fn minutes_left(error: &Error) -> u64 {
    assert_eq!(error.code(), 1005);
    match error.advice() {
        RetryAdvice::After(wait) => wait.as_secs() / 60,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn ses_1_no_user_is_asked_to_approve_a_fourth_time_in_an_hour() {
    let world = world();
    for _ in 0..3 {
        ask(&world, &world.manager, USER).await.unwrap();
        world.clock.advance(MINUTE * 10);
    }
    for spelling in [USER, "Demo@Example.com"] {
        let error = ask(&world, &world.manager, spelling).await.unwrap_err();
        assert_eq!(minutes_left(&error), 30);
        assert!(error.message().contains("1801 s"), "{error}");
    }
    assert_eq!(world.broker.logins(), 3);
    world
        .clock
        .advance(MINUTE * 30 - std::time::Duration::from_secs(1));
    assert!(ask(&world, &world.manager, USER).await.is_err());
    world.clock.advance(std::time::Duration::from_secs(1));
    ask(&world, &world.manager, USER).await.unwrap();
    // Three of the last hour again: the second one is 50 minutes old.
    let error = ask(&world, &world.manager, USER).await.unwrap_err();
    assert_eq!(minutes_left(&error), 10);
    assert_eq!(world.broker.logins(), 4);
}

#[tokio::test]
async fn ses_1_a_restart_forgets_no_request_for_approval_and_other_users_are_free() {
    let world = world();
    for n in 100..103 {
        ask(&world, &world.process(n), USER).await.unwrap();
    }
    for n in 103..200 {
        let error = ask(&world, &world.process(n), USER).await;
        assert_eq!(minutes_left(&error.unwrap_err()), 60);
    }
    assert_eq!(world.broker.logins(), 3);
    let other = ask(&world, &world.process(200), "else@example.com").await;
    other.unwrap();
}

#[tokio::test]
async fn ses_1_logins_at_once_ask_three_times() {
    let world = std::sync::Arc::new(world());
    let mut logins = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let world = world.clone();
        logins.spawn(async move { ask(&world, &world.manager, USER).await.is_ok() });
    }
    let asked = logins.join_all().await.into_iter().filter(|ok| *ok);
    assert_eq!((asked.count(), world.broker.logins()), (3, 3));
}

#[tokio::test]
async fn a_store_that_does_not_write_makes_no_room() {
    let world = world();
    world.store.fail_writes(true);
    for _ in 0..10 {
        ask(&world, &world.manager, USER).await.unwrap_err();
    }
    assert_eq!(world.broker.logins(), 3);
    world.clock.advance(HOUR);
    world.store.fail_writes(false);
    ask(&world, &world.manager, USER).await.unwrap();
}

#[tokio::test]
async fn polls_and_logins_that_ask_for_no_approval_do_not_count() {
    let world = world();
    let open = ask(&world, &world.manager, USER).await.unwrap();
    for _ in 0..10 {
        let poll = ChallengeAnswer::Poll;
        let request = AnswerRequest::new(world.authenticator(), &open.id, poll);
        let login = world.manager.answer(request).await.unwrap();
        assert!(matches!(login, Login::Challenge(_)));
    }
    world.broker.approval.store(false, Ordering::SeqCst);
    for _ in 0..5 {
        let session = world.try_log_in(USER, PASSWORD).await.unwrap();
        session.destroy().await.unwrap();
    }
    world.broker.challenge.store(true, Ordering::SeqCst);
    for _ in 0..5 {
        ask(&world, &world.manager, USER).await.unwrap();
    }
    world.broker.approval.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        ask(&world, &world.manager, USER).await.unwrap();
    }
    assert!(ask(&world, &world.manager, USER).await.is_err());
}

#[tokio::test]
async fn an_approval_that_is_asked_for_in_the_course_of_a_login_counts() {
    let world = world();
    world.broker.approval.store(false, Ordering::SeqCst);
    world.broker.challenge.store(true, Ordering::SeqCst);
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(ask(&world, &world.manager, USER).await.unwrap());
    }
    let answer = async |open: &OpenLogin, answer| {
        let request = AnswerRequest::new(world.authenticator(), &open.id, answer);
        world.manager.answer(request).await
    };
    for open in &open[..3] {
        answer(open, ChallengeAnswer::Done).await.unwrap();
    }
    let error = answer(&open[3], ChallengeAnswer::Done).await.unwrap_err();
    assert_eq!(minutes_left(&error), 60);
    // The login still stands, and a code that is there already is no push.
    let login = answer(&open[3], ChallengeAnswer::code("123456")).await;
    assert!(matches!(login.unwrap(), Login::Ready(_)));
    assert!(ask(&world, &world.manager, USER).await.is_err());
    assert_eq!(world.broker.approvals(), 3);
}

#[tokio::test]
async fn a_person_can_make_room() {
    let world = world();
    for _ in 0..3 {
        ask(&world, &world.manager, USER).await.unwrap();
    }
    assert!(ask(&world, &world.manager, USER).await.is_err());
    let broker = BrokerId::tradelocker();
    world.manager.unlock(&broker, USER).await.unwrap();
    ask(&world, &world.manager, USER).await.unwrap();
}
