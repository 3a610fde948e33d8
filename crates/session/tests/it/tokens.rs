use std::{
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Wake},
};

use wheelhouse_core::{ErrorKind, TokenSource};
use wheelhouse_session::{Session, SessionEventKind, SessionPolicy};

use crate::support::{Fault, HOUR, MINUTE, World, settle};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tok_1_a_thousand_callers_share_each_of_a_hundred_refreshes() {
    let world = World::new();
    // Half an hour passes each round; the session must not end on the way.
    let policy = SessionPolicy::new().with_max_age(HOUR * 24 * 30);
    *world.broker.policy.lock().unwrap() = policy;
    let session = world.log_in().await;
    for round in 1..=100 {
        world.clock.advance(HOUR * 2);
        let mut callers = Vec::with_capacity(1000);
        for _ in 0..1000 {
            let session = session.clone();
            callers.push(tokio::spawn(async move { session.token().await }));
        }
        for caller in callers {
            let token = caller.await.unwrap().unwrap();
            assert_eq!(token.generation(), round + 1);
        }
        assert_eq!(world.broker.refreshes(), round as u32);
    }
    assert_eq!((world.broker.posts(), world.broker.alarms()), (100, 0));
}

/// Asks for newer tokens at the very moment in which those who wait are told.
struct AsksAgain {
    session: Session,
    answered: Mutex<Vec<bool>>,
}

impl Wake for AsksAgain {
    fn wake(self: Arc<Self>) {
        let next =
            pin!(self.session.refresh()).poll(&mut Context::from_waker(std::task::Waker::noop()));
        self.answered.lock().unwrap().push(next.is_ready());
    }
}

#[tokio::test]
async fn a_refresh_that_is_over_is_shared_with_nobody_who_comes_later() {
    let world = World::new();
    let session = world.log_in().await;
    let asks = Arc::new(AsksAgain {
        session: session.clone(),
        answered: Mutex::default(),
    });
    let waker = asks.clone().into();
    let mut first = pin!(session.refresh());
    assert!(
        first
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    settle().await;
    let done = first.poll(&mut Context::from_waker(&waker));
    assert!(matches!(done, Poll::Ready(Ok(()))));
    // What has ended cannot answer them: they wait for a refresh of their own.
    assert_eq!(*asks.answered.lock().unwrap(), [false]);
    assert_eq!((world.broker.refreshes(), world.broker.alarms()), (2, 0));
    assert_eq!(session.token().await.unwrap().generation(), 3);
}

#[tokio::test]
async fn a_session_is_walked_from_44_59_over_45_00_to_its_end_at_12_hours() {
    let world = World::new();
    let session = world.log_in().await;
    let second = std::time::Duration::from_secs(1);

    world.clock.advance(MINUTE * 45 - second);
    assert_eq!(session.token().await.unwrap().generation(), 1);
    world.clock.advance(second);
    assert_eq!(session.token().await.unwrap().generation(), 2);

    // 15 more refreshes take it to 12 hours less a second.
    for generation in 3..=16 {
        world.clock.advance(MINUTE * 45);
        let token = session.token().await.unwrap();
        assert_eq!(token.generation(), generation);
        assert!(world.broker.takes(&token));
    }
    world.clock.advance(MINUTE * 45 - second);
    assert!(session.token().await.is_ok());
    world.clock.advance(second);
    let error = session.token().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::SessionExpired, 1003)
    );
    assert!(!session.is_alive());
    settle().await;
    assert!(world.stored_sessions().await.is_empty());
    assert_eq!(world.broker.refreshes(), 15);
}

#[tokio::test]
async fn tok_5_a_late_401_for_an_old_token_refreshes_nothing() {
    let world = World::new();
    let session = world.log_in().await;
    let old = session.token().await.unwrap();
    world.clock.advance(MINUTE * 50);
    let new = session.token().await.unwrap();
    for _ in 0..1000 {
        let token = session.replace(&old).await.unwrap();
        assert_eq!(token.generation(), new.generation());
    }
    assert_eq!(world.broker.refreshes(), 1);
}

#[tokio::test]
async fn a_401_for_the_present_token_refreshes_once_for_all() {
    let world = World::new();
    let session = world.log_in().await;
    let old = session.token().await.unwrap();
    world.broker.close_gate();
    let mut callers = Vec::new();
    for _ in 0..50 {
        let (session, old) = (session.clone(), old.clone());
        callers.push(tokio::spawn(async move { session.replace(&old).await }));
    }
    settle().await;
    world.broker.open_gate();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().generation(), 2);
    }
    assert_eq!(world.broker.posts(), 1);
}

#[tokio::test]
async fn a_second_401_on_an_unexpired_token_invalidates_the_session() {
    let world = World::new();
    let mut events = world.manager.events();
    let session = world.log_in().await;
    let first = session.token().await.unwrap();
    let second = session.replace(&first).await.unwrap();
    let error = session.replace(&second).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SessionInvalidated);
    assert_eq!(session.token().await.unwrap_err().code(), 1007);
    assert_eq!(world.broker.posts(), 1);
    let mut invalidated = 0;
    while let Some(event) = events.try_next() {
        invalidated += u32::from(matches!(event.kind, SessionEventKind::Invalidated { .. }));
    }
    assert_eq!(invalidated, 1);
    settle().await;
    assert!(world.stored_sessions().await.is_empty());
}

#[tokio::test]
async fn two_401s_far_apart_only_refresh() {
    let world = World::new();
    let session = world.log_in().await;
    let first = session.token().await.unwrap();
    let second = session.replace(&first).await.unwrap();
    world.clock.advance(MINUTE * 10);
    assert_eq!(session.replace(&second).await.unwrap().generation(), 3);
}

#[tokio::test]
async fn refresh_failure_reaches_all_waiters() {
    let world = World::new();
    let session = world.log_in().await;
    world.clock.advance(HOUR * 2);
    world.broker.fail(&[Fault::Refused]);
    world.broker.close_gate();
    let mut callers = Vec::new();
    for _ in 0..100 {
        let session = session.clone();
        callers.push(tokio::spawn(async move { session.token().await }));
    }
    settle().await;
    world.broker.open_gate();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap_err().code(), 1006);
    }
    // Remembered: the dead token is not tried again.
    assert_eq!(session.token().await.unwrap_err().code(), 1006);
    assert_eq!(session.refresh().await.unwrap_err().code(), 1006);
    assert_eq!(world.broker.posts(), 1);
}

#[tokio::test]
async fn a_caller_who_goes_away_does_not_break_off_the_refresh() {
    let world = World::new();
    let session = world.log_in().await;
    world.clock.advance(HOUR * 2);
    world.broker.close_gate();
    let caller = tokio::spawn({
        let session = session.clone();
        async move { session.token().await }
    });
    settle().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    world.broker.open_gate();
    settle().await;
    assert_eq!(world.broker.refreshes(), 1);
    assert_eq!(session.token().await.unwrap().generation(), 2);
    assert_eq!(world.broker.posts(), 1);
}

#[tokio::test]
async fn a_token_that_lives_is_used_while_refreshes_fail_and_none_after_its_end() {
    let world = World::new();
    let session = world.log_in().await;
    world.clock.advance(MINUTE * 46);
    world.broker.fail(&[Fault::NotSent; 1000]);
    for _ in 0..100 {
        assert_eq!(session.token().await.unwrap().generation(), 1);
    }
    // One attempt, then a pause.
    assert_eq!(world.broker.posts(), 1);
    world.clock.advance(MINUTE * 14);
    let error = session.token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(session.is_alive());
}

#[tokio::test]
async fn f10_a_wait_that_the_broker_asks_for_is_kept() {
    let world = World::new();
    let session = world.log_in().await;
    world.clock.advance(MINUTE * 46);
    world.broker.fail(&[Fault::RateLimited(20)]);
    assert_eq!(session.token().await.unwrap().generation(), 1);
    world.clock.advance(std::time::Duration::from_secs(19));
    assert_eq!(session.token().await.unwrap().generation(), 1);
    assert_eq!(world.broker.posts(), 1);
    world.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(session.token().await.unwrap().generation(), 2);
}

#[tokio::test]
async fn f10_a_wait_of_hours_is_kept_too() {
    let world = World::new();
    let session = world.log_in().await;
    world.clock.advance(MINUTE * 46);
    world.broker.fail(&[Fault::RateLimited(5 * 3600)]);
    assert_eq!(session.token().await.unwrap().generation(), 1);
    world.clock.advance(HOUR * 5 - MINUTE);
    assert_eq!(session.token().await.unwrap_err().code(), 3004);
    assert_eq!(world.broker.posts(), 1);
    world.clock.advance(MINUTE);
    assert_eq!(session.token().await.unwrap().generation(), 2);
}

#[tokio::test]
async fn f83_an_answer_without_a_refresh_token_keeps_the_old_one() {
    let world = World::new();
    let session = world.log_in().await;
    world.broker.fail(&[Fault::SameRefreshToken]);
    session.refresh().await.unwrap();
    session.refresh().await.unwrap();
    assert_eq!((world.broker.refreshes(), world.broker.alarms()), (2, 0));
    assert!(session.extra("family").is_some());
}

#[tokio::test]
async fn an_idle_session_ends_if_the_policy_says_so() {
    let world = World::new();
    *world.broker.policy.lock().unwrap() = SessionPolicy::new().with_idle(MINUTE * 30);
    let session = world.log_in().await;
    for _ in 0..4 {
        world.clock.advance(MINUTE * 29);
        session.token().await.unwrap();
    }
    world.clock.advance(MINUTE * 30);
    assert_eq!(session.token().await.unwrap_err().code(), 1003);
}

#[tokio::test]
async fn without_a_refresh_due_the_broker_and_the_store_are_left_alone() {
    let world = World::new();
    let session = world.log_in().await;
    let saves = world.store.saves();
    let source: Arc<dyn TokenSource> = Arc::new(session);
    for _ in 0..1000 {
        source.token().await.unwrap();
    }
    assert_eq!((world.broker.posts(), world.store.saves()), (0, saves));
}

#[tokio::test]
async fn a_token_that_cannot_be_refreshed_is_used_to_its_end() {
    let world = World::new();
    let session = world.log_in().await;
    world.broker.fail(&[Fault::Impossible]);
    for _ in 0..59 {
        assert!(session.token().await.is_ok());
        world.clock.advance(MINUTE);
    }
    world.clock.advance(MINUTE);
    let error = session.token().await.unwrap_err();
    assert_eq!(error.code(), 1003);
    assert_eq!(world.broker.posts(), 1);
    settle().await;
    assert!(world.stored_sessions().await.is_empty());
}
