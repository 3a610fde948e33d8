use std::time::Duration;

use wheelhouse_session::{AtLimit, SessionPolicy};

use crate::support::{Call, HOUR, MINUTE, PASSWORD, World, settle};

#[tokio::test]
async fn a_destroy_that_the_store_refused_can_be_repeated() {
    let world = World::new();
    let session = world.log_in().await;
    world.store.fail_writes(true);
    assert_eq!(session.destroy().await.unwrap_err().code(), 4002);
    assert_eq!(session.destroy().await.unwrap_err().code(), 4002);
    world.store.fail_writes(false);
    session.destroy().await.unwrap();
    assert!(world.stored_sessions().await.is_empty());
    assert_eq!(world.broker.revoked(), 1);

    let found = world
        .other_process()
        .resume(world.authenticator(), session.identity())
        .await
        .unwrap();
    assert!(found.is_none(), "a destroyed session came back to life");
}

#[tokio::test]
async fn a_broker_that_could_not_be_told_of_a_logout_is_told_later() {
    let world = World::new();
    let session = world.log_in().await;
    world.broker.fail_revocations(3);
    assert_eq!(session.destroy().await.unwrap_err().code(), 2001);
    assert!(world.stored_sessions().await.is_empty() && !session.is_alive());
    world.clock.walk(Duration::from_secs(20)).await;
    assert_eq!(world.broker.revoked(), 0);
    world.clock.walk(Duration::from_secs(2)).await;
    assert_eq!(world.broker.revoked(), 1);
}

#[tokio::test]
async fn f10_a_wait_of_hours_is_kept_before_the_broker_is_told_of_a_logout() {
    let world = World::new();
    let session = world.log_in().await;
    world.broker.put_off_revocation(HOUR * 2);
    assert_eq!(session.destroy().await.unwrap_err().code(), 3004);
    world.clock.walk(HOUR * 2 - MINUTE).await;
    assert_eq!(world.broker.revoked(), 0);
    world.clock.walk(MINUTE).await;
    assert_eq!(world.broker.revoked(), 1);
}

#[tokio::test]
async fn a_broker_that_is_not_to_be_reached_is_left_in_peace_in_the_end() {
    let world = World::new();
    let session = world.log_in().await;
    world.broker.fail_revocations(1000);
    session.destroy().await.unwrap_err();
    world.clock.walk(HOUR).await;
    assert_eq!(world.broker.failing_revocations(), 1000 - 6);
    assert_eq!(world.clock.sleepers(), 0);
}

#[tokio::test]
async fn an_erasure_that_the_store_refused_can_be_repeated() {
    let world = World::new();
    let session = world.log_in_as("ann").await;
    world.store.fail_writes(true);
    let error = world.manager.erase(None, "ann").await.unwrap_err();
    assert_eq!(error.code(), 4002);
    world.store.fail_writes(false);
    assert_eq!(world.manager.erase(None, "ann").await.unwrap(), 1);
    assert!(world.stored_sessions().await.is_empty());
    assert!(!session.is_alive());
}

#[tokio::test]
async fn an_ended_session_whose_record_stayed_makes_room_at_the_limit() {
    let world = one_at_a_time();
    let session = world.log_in().await;
    world.store.fail_writes(true);
    session.destroy().await.unwrap_err();
    world.store.fail_writes(false);
    let next = world.log_in().await;
    let stored = world.stored_sessions().await;
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].key.id, next.id().as_str());
}

#[tokio::test]
async fn a_store_that_deletes_nothing_does_not_keep_a_login_evicting_for_ever() {
    let world = one_at_a_time();
    world.log_in().await;
    world.store.keep_deleted();
    let refused = world.try_log_in("demo@example.com", PASSWORD).await;
    assert_eq!(refused.unwrap_err().code(), 1008);
}

#[tokio::test]
async fn a_caller_who_goes_away_does_not_break_off_a_destroy() {
    let world = World::new();
    let session = world.log_in().await;
    let held = world.store.hold_next(Call::Delete);
    let caller = tokio::spawn(async move { session.destroy().await });
    held.reached.await.unwrap();
    caller.abort();
    settle().await;
    let _ = held.release.send(());
    settle().await;
    assert_eq!(world.broker.revoked(), 1, "the broker was not told");
}

fn one_at_a_time() -> World {
    let world = World::new();
    *world.broker.policy.lock().unwrap() = SessionPolicy::new()
        .with_max_sessions(1)
        .with_at_limit(AtLimit::EvictOldest);
    world
}
