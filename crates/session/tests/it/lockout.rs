use std::time::Duration;

use wheelhouse_core::{BrokerId, RetryAdvice};
use wheelhouse_session::{LoginRequest, SessionEventKind};

use crate::support::{HOUR, MINUTE, PASSWORD, World, credentials};

#[tokio::test]
async fn ses_1_waits_double_from_30_seconds_and_the_broker_sees_ten_attempts() {
    let world = World::new();
    let mut waits = Vec::new();
    for _ in 0..1000 {
        let error = world
            .try_log_in("demo@example.com", "wrong")
            .await
            .unwrap_err();
        match (error.code(), error.advice()) {
            (1001, _) => {}
            (1005, RetryAdvice::After(wait)) => {
                waits.push(wait.as_secs());
                // A moment before its end the lock still holds.
                world.clock.advance(wait - Duration::from_secs(1));
                let error = world
                    .try_log_in("demo@example.com", PASSWORD)
                    .await
                    .unwrap_err();
                assert_eq!(error.code(), 1005);
                world.clock.advance(Duration::from_secs(1));
            }
            (1005, RetryAdvice::Never) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1920]);
    assert_eq!(world.broker.logins(), 10);
    // Stopped until a person unlocks: the right password does not help, nor does time.
    world.clock.advance(HOUR * 24 * 90);
    let error = world
        .try_log_in("demo@example.com", PASSWORD)
        .await
        .unwrap_err();
    assert_eq!(error.code(), 1005);
    world
        .manager
        .unlock(&BrokerId::tradelocker(), "demo@example.com")
        .await
        .unwrap();
    world
        .try_log_in("demo@example.com", PASSWORD)
        .await
        .unwrap();
}

#[tokio::test]
async fn ses_1_a_restart_forgets_no_failure() {
    let world = World::new();
    let mut tries = 0;
    for _ in 0..100 {
        let process = world.other_process();
        let credentials = credentials("demo@example.com", "wrong");
        let request = LoginRequest::new(world.authenticator(), credentials);
        let error = process.create(request).await.unwrap_err();
        tries += u32::from(error.code() == 1001);
    }
    assert_eq!((tries, world.broker.logins()), (3, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ses_1_a_burst_of_wrong_passwords_reaches_the_broker_three_times() {
    let world = std::sync::Arc::new(World::new());
    let mut logins = Vec::new();
    for _ in 0..100 {
        let world = world.clone();
        logins.push(tokio::spawn(async move {
            world.try_log_in("demo@example.com", "wrong").await
        }));
    }
    for login in logins {
        login.await.unwrap().unwrap_err();
    }
    assert_eq!(world.broker.logins(), 3);
}

#[tokio::test]
async fn ses_5_only_refused_credentials_count() {
    let world = World::new();
    for password in ["down", "html", "busy", "fails"] {
        for _ in 0..25 {
            world
                .try_log_in("demo@example.com", password)
                .await
                .unwrap_err();
        }
    }
    assert_eq!(world.broker.logins(), 100);
    world
        .try_log_in("demo@example.com", PASSWORD)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_login_that_succeeds_clears_the_count() {
    let world = World::new();
    for _ in 0..20 {
        for _ in 0..2 {
            let error = world
                .try_log_in("demo@example.com", "wrong")
                .await
                .unwrap_err();
            assert_eq!(error.code(), 1001);
        }
        let session = world
            .try_log_in("demo@example.com", PASSWORD)
            .await
            .unwrap();
        session.destroy().await.unwrap();
    }
}

#[tokio::test]
async fn one_user_locked_is_no_other_locked() {
    let world = World::new();
    for _ in 0..5 {
        world.try_log_in("ann", "wrong").await.unwrap_err();
    }
    world.try_log_in("bob", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_caller_who_fails_with_many_users_is_locked_out() {
    let world = World::new();
    let attempt = |user: String, caller: &'static str, password: &'static str| {
        let credentials = credentials(&user, password);
        let request = LoginRequest::new(world.authenticator(), credentials).from_caller(caller);
        world.manager.create(request)
    };
    for number in 0..20 {
        let error = attempt(format!("user-{number}"), "10.0.0.1", "wrong")
            .await
            .unwrap_err();
        assert_eq!(error.code(), 1001);
    }
    let error = attempt("ann".into(), "10.0.0.1", PASSWORD)
        .await
        .unwrap_err();
    assert_eq!(error.code(), 1005);
    assert_eq!(error.retry_after(), Some(MINUTE * 15));
    attempt("ann".into(), "10.0.0.2", PASSWORD).await.unwrap();
    world.clock.advance(MINUTE * 15);
    attempt("bob".into(), "10.0.0.1", PASSWORD).await.unwrap();
}

#[tokio::test]
async fn failures_count_in_memory_while_the_store_cannot_be_written() {
    let world = World::new();
    world.store.fail_writes(true);
    for _ in 0..20 {
        world
            .try_log_in("demo@example.com", "wrong")
            .await
            .unwrap_err();
    }
    assert_eq!(world.broker.logins(), 3);
}

#[tokio::test]
async fn a_lockout_is_an_event() {
    let world = World::new();
    let mut events = world.manager.events();
    for _ in 0..3 {
        world
            .try_log_in("demo@example.com", "wrong")
            .await
            .unwrap_err();
    }
    let event = events.try_next().unwrap();
    assert!(matches!(
        event.kind,
        SessionEventKind::LockedOut { until: Some(_) }
    ));
}
