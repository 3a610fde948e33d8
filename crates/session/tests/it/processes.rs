use std::time::Duration;

use wheelhouse_core::{Clock, ErrorKind, TokenSource};
use wheelhouse_session::{LeaseRequest, Session, SessionEventKind, SessionStore, Write};

use crate::support::{Call, HOUR, MINUTE, World, settle};

#[tokio::test]
async fn f76_of_two_processes_one_refreshes_and_the_other_adopts() {
    let world = World::new();
    let here = world.log_in().await;
    let other = world.other_process();
    let there = other
        .resume(world.authenticator(), here.identity())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(here.id(), there.id());
    for round in 1..=10 {
        world.clock.advance(HOUR);
        let (one, two) = tokio::join!(
            tokio::spawn({
                let s = here.clone();
                async move { s.token().await }
            }),
            async {
                settle().await;
                world.clock.walk(Duration::from_millis(200)).await;
                there.token().await
            },
        );
        let (one, two) = (one.unwrap().unwrap(), two.unwrap());
        assert_eq!(one.expose(), two.expose());
        assert_eq!(world.broker.refreshes(), round);
    }
    assert_eq!(world.broker.alarms(), 0);
}

#[tokio::test]
async fn a_process_waits_for_the_lease_and_takes_the_result() {
    let world = World::new();
    let here = world.log_in().await;
    let other = world.other_process();
    let there = other
        .resume(world.authenticator(), here.identity())
        .await
        .unwrap()
        .unwrap();
    world.clock.advance(HOUR);
    world.broker.close_gate();
    let one = tokio::spawn({
        let s = here.clone();
        async move { s.token().await }
    });
    settle().await;
    let two = tokio::spawn({
        let s = there.clone();
        async move { s.token().await }
    });
    world.clock.walk(Duration::from_secs(5)).await;
    assert!(!two.is_finished());
    assert_eq!(world.broker.posts(), 1);
    world.broker.open_gate();
    settle().await;
    world.clock.walk(Duration::from_secs(2)).await;
    let (one, two) = (one.await.unwrap().unwrap(), two.await.unwrap().unwrap());
    assert_eq!(one.expose(), two.expose());
    assert_eq!((world.broker.posts(), world.broker.alarms()), (1, 0));
}

#[tokio::test]
async fn tok_3_a_holder_that_stalls_beyond_its_lease_overwrites_nothing() {
    let world = World::new();
    let (here, there) = in_two_processes(&world).await;
    world.clock.advance(MINUTE * 46);
    // This broker's refresh tokens stay good, so that only the store is in question.
    world
        .broker
        .fail(&[crate::support::Fault::SameRefreshToken; 2]);
    let held = world.store.hold_next(Call::SaveToBe);
    let stalled = tokio::spawn(async move { here.token().await });
    held.reached.await.unwrap();
    assert_eq!(world.broker.refreshes(), 1);
    let winner = tokio::spawn(async move { there.token().await });
    world.clock.walk(Duration::from_secs(61)).await;
    let two = winner.await.unwrap().unwrap();
    assert_eq!(world.broker.refreshes(), 2, "the lease was not handed over");
    let _ = held.release.send(());
    let one = stalled.await.unwrap().unwrap();
    // Who wrote first is the one whose token both use.
    assert_eq!(one.expose(), two.expose());
    assert_eq!(world.stored_sessions().await[0].version, 2);
    assert_eq!(world.broker.alarms(), 0);
}

#[tokio::test]
async fn tok_3_a_holder_that_stalls_with_the_store_read_sends_nothing_when_it_wakes() {
    let world = World::new();
    let (here, there) = in_two_processes(&world).await;
    world.clock.advance(MINUTE * 46);
    let held = world.store.hold_next(Call::Load);
    let stalled = tokio::spawn(async move { here.token().await });
    held.reached.await.unwrap();
    let winner = tokio::spawn(async move { there.token().await });
    world.clock.walk(Duration::from_secs(61)).await;
    let two = winner.await.unwrap().unwrap();
    let _ = held.release.send(());
    let one = stalled.await.unwrap().unwrap();
    assert_eq!(one.expose(), two.expose());
    assert_eq!((world.broker.posts(), world.broker.alarms()), (1, 0));
}

#[tokio::test]
async fn tok_3_a_refresh_that_waits_beyond_its_lease_is_not_carried_on() {
    let world = World::new();
    let (here, there) = in_two_processes(&world).await;
    world.clock.advance(MINUTE * 46);
    // As in the queue of a limit: nothing has been sent.
    world.broker.close_gate();
    let stalled = tokio::spawn(async move { here.token().await });
    settle().await;
    let winner = tokio::spawn(async move { there.token().await });
    world.clock.walk(Duration::from_secs(61)).await;
    world.broker.open_gate();
    settle().await;
    world.clock.walk(Duration::from_secs(2)).await;
    let (one, two) = (
        stalled.await.unwrap().unwrap(),
        winner.await.unwrap().unwrap(),
    );
    assert_eq!(one.expose(), two.expose());
    assert_eq!((world.broker.refreshes(), world.broker.alarms()), (1, 0));
}

#[tokio::test]
async fn f78_while_another_process_keeps_the_store_locked_nothing_is_refreshed() {
    let world = World::new();
    let session = world.log_in().await;
    world.clock.advance(HOUR);
    world.store.lock(true);
    let waiting = tokio::spawn({
        let s = session.clone();
        async move { s.token().await }
    });
    world.clock.walk(Duration::from_secs(30)).await;
    assert_eq!((waiting.is_finished(), world.broker.posts()), (false, 0));
    world.store.lock(false);
    world.clock.walk(Duration::from_secs(2)).await;
    assert_eq!(waiting.await.unwrap().unwrap().generation(), 2);

    world.clock.advance(HOUR);
    world.store.lock(true);
    let waiting = tokio::spawn(async move { session.token().await });
    world.clock.walk(Duration::from_secs(77)).await;
    assert_eq!(waiting.await.unwrap().unwrap_err().code(), 4007);
    assert_eq!(world.broker.posts(), 1);
}

#[tokio::test]
async fn a_refresh_that_outlives_its_lease_alone_is_carried_on() {
    let world = World::new();
    let here = world.log_in().await;
    world.clock.advance(MINUTE * 46);
    world.broker.close_gate();
    let slow = tokio::spawn(async move { here.token().await });
    world.clock.walk(Duration::from_secs(61)).await;
    world.broker.open_gate();
    assert_eq!(slow.await.unwrap().unwrap().generation(), 2);
    assert_eq!((world.broker.posts(), world.broker.alarms()), (1, 0));
}

#[tokio::test]
async fn f77_a_lease_that_a_dead_process_left_holds_nobody_up_for_long() {
    let world = World::new();
    let session = world.log_in().await;
    world.clock.advance(HOUR);
    let name = format!("refresh:{}", session.id());
    let dead = LeaseRequest::take(name, "dead", Duration::from_secs(60), world.clock.now());
    world.memory.lease(&dead).await.unwrap();
    let caller = tokio::spawn({
        let s = session.clone();
        async move { s.token().await }
    });
    world.clock.walk(Duration::from_secs(59)).await;
    assert!(!caller.is_finished());
    world.clock.walk(Duration::from_secs(2)).await;
    assert_eq!(caller.await.unwrap().unwrap().generation(), 2);
}

#[tokio::test]
async fn a_lease_that_never_comes_free_is_a_typed_error() {
    let world = World::new();
    let session = world.log_in().await;
    world.clock.advance(HOUR);
    let name = format!("refresh:{}", session.id());
    let busy = LeaseRequest::take(name, "busy", HOUR, world.clock.now());
    world.memory.lease(&busy).await.unwrap();
    let caller = tokio::spawn({
        let s = session.clone();
        async move { s.token().await }
    });
    world.clock.walk(Duration::from_secs(77)).await;
    let error = caller.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LockTimeout);
    assert_eq!(world.broker.posts(), 0);
}

#[tokio::test]
async fn a_session_that_another_process_has_destroyed_ends_here_too() {
    let world = World::new();
    let here = world.log_in().await;
    let other = world.other_process();
    let there = other
        .resume(world.authenticator(), here.identity())
        .await
        .unwrap()
        .unwrap();
    there.destroy().await.unwrap();
    assert_eq!(here.validate().await.unwrap_err().code(), 1007);
    assert_eq!(here.token().await.unwrap_err().code(), 1007);
    assert_eq!(world.broker.posts(), 0);
}

#[tokio::test]
async fn validating_adopts_what_another_process_has_stored() {
    let world = World::new();
    let here = world.log_in().await;
    let other = world.other_process();
    let there = other
        .resume(world.authenticator(), here.identity())
        .await
        .unwrap()
        .unwrap();
    there.refresh().await.unwrap();
    here.validate().await.unwrap();
    let (one, two) = (here.token().await.unwrap(), there.token().await.unwrap());
    assert_eq!(one.expose(), two.expose());
    assert_eq!(world.broker.posts(), 1);
}

#[tokio::test]
async fn enc_4_an_older_record_that_was_put_back_ends_a_session_in_use() {
    let world = World::new();
    let mut events = world.manager.events();
    let session = world.log_in().await;
    let key = world.stored_sessions().await[0].key.clone();
    let now = world.clock.now();
    let old = world.memory.load(&key, now).await.unwrap().unwrap();
    session.refresh().await.unwrap();
    world.memory.delete(&key).await.unwrap();
    let write = Write::Insert { limit: None, now };
    world.memory.save(&old, write).await.unwrap();

    let error = session.refresh().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::RolledBack, 4006));
    assert_eq!(session.token().await.unwrap_err().code(), 4006);
    assert_eq!((world.broker.posts(), world.broker.alarms()), (1, 0));
    let invalidated =
        |kind: &SessionEventKind| matches!(kind, SessionEventKind::Invalidated { .. });
    assert!(std::iter::from_fn(|| events.try_next()).any(|event| invalidated(&event.kind)));
}

#[tokio::test]
async fn a_record_that_was_tampered_with_ends_a_session_in_use() {
    let world = World::new();
    let session = world.log_in().await;
    let key = world.stored_sessions().await[0].key.clone();
    let now = world.clock.now();
    let mut record = world.memory.load(&key, now).await.unwrap().unwrap();
    record.head.version = 2;
    world
        .memory
        .save(&record, Write::Replace { version: 1 })
        .await
        .unwrap();
    assert_eq!(session.refresh().await.unwrap_err().code(), 4004);
    assert_eq!(session.token().await.unwrap_err().code(), 4004);
    assert_eq!(world.broker.posts(), 0);
}

#[tokio::test]
async fn a_record_read_before_a_refresh_and_looked_at_after_it_is_not_a_rollback() {
    let world = World::new();
    let session = world.log_in().await;
    let held = world.store.hold_next(Call::Load);
    let validation = tokio::spawn({
        let s = session.clone();
        async move { s.validate().await }
    });
    held.reached.await.unwrap();
    session.refresh().await.unwrap();
    assert_eq!(world.stored_sessions().await[0].version, 2);
    let _ = held.release.send(());
    validation.await.unwrap().unwrap();
    assert_eq!(session.token().await.unwrap().generation(), 2);
    // The version that is known has not gone back either.
    session.refresh().await.unwrap();
    assert_eq!(world.stored_sessions().await[0].version, 3);
    assert!(session.last_storage_error().is_none());
}

pub(crate) async fn in_two_processes(world: &World) -> (Session, Session) {
    let here = world.log_in().await;
    let there = world
        .other_process()
        .resume(world.authenticator(), here.identity())
        .await
        .unwrap()
        .unwrap();
    (here, there)
}
