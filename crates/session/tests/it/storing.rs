use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use time::OffsetDateTime;
use wheelhouse_core::{Clock, Error, Sleep, TokenSource};
use wheelhouse_session::{
    EncryptedStore, RecordKind, SessionEventKind, SessionManager, SessionStore,
};
use wheelhouse_testkit::ManualClock;

use crate::support::{Call, HOUR, World, keys, settle};

#[tokio::test]
async fn f73_tokens_that_cannot_be_stored_serve_from_memory_until_they_can() {
    let world = World::new();
    let session = world.log_in().await;
    let mut events = world.manager.events();
    world.store.fail_writes(true);
    world.clock.advance(HOUR);
    let token = session.token().await.unwrap();
    assert_eq!(token.generation(), 2);
    assert!(world.broker.takes(&token));
    assert_eq!(session.last_storage_error().unwrap().code(), 4002);
    let failed = |kind: &SessionEventKind| matches!(kind, SessionEventKind::StorageFailed { error } if error.code() == 4002);
    assert!(std::iter::from_fn(|| events.try_next()).any(|event| failed(&event.kind)));

    // Retried with growing pauses, not in a storm.
    let before = world.store.saves();
    world.clock.walk(Duration::from_secs(600)).await;
    let tries = world.store.saves() - before;
    assert!((8..=20).contains(&tries), "{tries} tries in ten minutes");
    assert_eq!(world.stored_sessions().await[0].version, 1);

    world.store.fail_writes(false);
    world.clock.walk(Duration::from_secs(61)).await;
    settle().await;
    assert!(session.last_storage_error().is_none());
    let recovered = |kind: &SessionEventKind| matches!(kind, SessionEventKind::StorageRecovered);
    assert!(std::iter::from_fn(|| events.try_next()).any(|event| recovered(&event.kind)));

    let other = world.other_process();
    let resumed = other
        .resume(world.authenticator(), session.identity())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(resumed.token().await.unwrap().expose(), token.expose());
    assert_eq!(world.broker.posts(), 1);
}

#[tokio::test]
async fn a_refresh_while_the_store_is_down_goes_on_with_the_tokens_in_memory() {
    let world = World::new();
    let session = world.log_in().await;
    world.store.fail_writes(true);
    world.store.fail_reads(true);
    for generation in 2..=5 {
        world.clock.advance(HOUR);
        assert_eq!(session.token().await.unwrap().generation(), generation);
    }
    assert_eq!(world.broker.alarms(), 0);
    world.store.fail_writes(false);
    world.store.fail_reads(false);
    world.clock.walk(Duration::from_secs(61)).await;
    assert!(session.last_storage_error().is_none());
    world.clock.advance(HOUR);
    assert_eq!(session.token().await.unwrap().generation(), 6);
    assert_eq!((world.broker.posts(), world.broker.alarms()), (5, 0));
}

#[tokio::test]
async fn new_tokens_are_in_the_store_before_anybody_has_them() {
    let world = World::new();
    let session = world.log_in().await;
    world.clock.advance(HOUR);
    session.token().await.unwrap();
    assert_eq!(world.stored_sessions().await[0].version, 2);
}

#[tokio::test]
async fn a_login_that_cannot_be_stored_is_given_back() {
    let world = World::new();
    world.store.fail_writes(true);
    let error = world
        .try_log_in("demo@example.com", crate::support::PASSWORD)
        .await;
    assert_eq!(error.unwrap_err().code(), 4002);
    assert_eq!((world.broker.logins(), world.broker.revoked()), (1, 1));
    assert!(world.stored_sessions().await.is_empty());
}

#[tokio::test]
async fn ses_6_a_destroyed_session_is_gone_at_once_even_if_the_store_is_down() {
    let world = World::new();
    let session = world.log_in().await;
    world.store.fail_writes(true);
    let error = world.manager.destroy(&session).await.unwrap_err();
    assert_eq!(error.code(), 4002);
    assert_eq!(session.token().await.unwrap_err().code(), 1007);
    assert!(session.extra("family").is_none());
    assert_eq!(world.broker.revoked(), 1);
}

#[tokio::test]
async fn destroying_during_a_refresh_leaves_no_tokens_behind() {
    let world = World::new();
    let session = world.log_in().await;
    world.clock.advance(HOUR);
    world.broker.close_gate();
    let caller = tokio::spawn({
        let session = session.clone();
        async move { session.token().await }
    });
    settle().await;
    session.destroy().await.unwrap();
    world.broker.open_gate();
    assert_eq!(caller.await.unwrap().unwrap_err().code(), 1007);
    assert!(world.stored_sessions().await.is_empty());
    assert_eq!(world.broker.revoked(), 1);
}

#[tokio::test]
async fn pruning_and_erasing_leave_nothing_of_a_user() {
    let world = World::new();
    let session = world.log_in_as("ann").await;
    world.log_in_as("bob").await;
    for _ in 0..3 {
        world.try_log_in("ann", "wrong").await.unwrap_err();
    }
    let erased = world.manager.erase(None, "ann").await.unwrap();
    assert_eq!(erased, 2);
    assert_eq!(session.token().await.unwrap_err().code(), 1007);
    let left = world
        .memory
        .list(&wheelhouse_session::RecordQuery::new())
        .await
        .unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].key.kind, RecordKind::SESSION);
    world
        .try_log_in("ann", crate::support::PASSWORD)
        .await
        .unwrap();

    world.clock.advance(HOUR * 12);
    assert_eq!(world.manager.prune().await.unwrap(), 2);
}

#[tokio::test]
async fn store_errors_keep_their_codes() {
    use wheelhouse_session::StoreError;
    for (error, code) in [
        (StoreError::Conflict, 4008),
        (StoreError::Corrupt("x".into()), 4004),
        (StoreError::LimitReached { limit: 5 }, 1008),
        (StoreError::Locked, 4007),
        (StoreError::Newer { found: 2, known: 1 }, 4004),
        (StoreError::Permission("x".into()), 4003),
        (StoreError::Read("x".into()), 4001),
        (StoreError::Write("x".into()), 4002),
    ] {
        assert_eq!(Error::from(error).code(), code);
    }
}

#[tokio::test]
async fn tokens_seen_as_expired_on_arrival_are_still_written_once_the_store_is_back() {
    let world = World::new();
    let session = world.log_in().await;
    world.clock.jump_wall(time::Duration::hours(3));
    world.store.fail_writes(true);
    assert_eq!(session.token().await.unwrap_err().code(), 3006);
    assert_eq!(session.last_storage_error().unwrap().code(), 4002);
    world.store.fail_writes(false);
    world.clock.walk(Duration::from_secs(61)).await;
    settle().await;
    assert!(session.last_storage_error().is_none());
    assert_eq!(world.stored_sessions().await[0].version, 2);
}

/// Stops the thread that asks for the time, once, when told.
#[derive(Debug)]
struct StoppingClock {
    clock: ManualClock,
    armed: AtomicBool,
    stopped: mpsc::Sender<()>,
    go_on: Mutex<mpsc::Receiver<()>>,
}

impl Clock for StoppingClock {
    fn now(&self) -> OffsetDateTime {
        if self.armed.swap(false, Ordering::SeqCst) {
            self.stopped.send(()).unwrap();
            let _ = self.go_on.lock().unwrap().recv_timeout(PATIENCE);
        }
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.clock.sleep(duration)
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn tokens_that_come_as_the_last_ones_get_stored_are_stored_too() {
    let world = World::new();
    let (stopped, is_stopped) = mpsc::channel();
    let (go_on, gone_on) = mpsc::channel();
    let clock = Arc::new(StoppingClock {
        clock: world.clock.clone(),
        armed: AtomicBool::new(false),
        stopped,
        go_on: Mutex::new(gone_on),
    });
    let manager = SessionManager::builder(EncryptedStore::new(world.store.clone(), keys()))
        .clock(clock.clone())
        .build()
        .unwrap();
    let world = World { manager, ..world };
    let session = world.log_in().await;
    world.store.fail_writes(true);
    world.clock.advance(HOUR);
    assert_eq!(session.token().await.unwrap().generation(), 2);

    let mut held = world.store.hold_next(Call::Save);
    world.store.fail_writes(false);
    pass_time_until(&world, || held.reached.try_recv().is_ok());
    // The task that stores has written generation 2 and stops as it says so.
    clock.armed.store(true, Ordering::SeqCst);
    let _ = held.release.send(());
    is_stopped.recv_timeout(PATIENCE).unwrap();
    world.store.fail_writes(true);
    world.clock.advance(HOUR);
    assert_eq!(session.token().await.unwrap().generation(), 3);
    go_on.send(()).unwrap();

    world.store.fail_writes(false);
    pass_time_until(&world, || session.last_storage_error().is_none());
    assert_eq!(world.stored_sessions().await[0].version, 3);
}

#[expect(
    clippy::disallowed_methods,
    reason = "threads have to get somewhere, not only time"
)]
fn pass_time_until(world: &World, mut done: impl FnMut() -> bool) {
    for _ in 0..300 {
        world.clock.advance(Duration::from_secs(10));
        // Few of them would do, were it not for machines with more to do.
        for _ in 0..10 {
            if done() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    panic!("it was waited for in vain");
}
