//! One user may write an e-mail address in several ways.

use wheelhouse_core::{BrokerId, Clock};
use wheelhouse_session::{
    EncryptedStore, Identity, LoginRequest, SessionFilter, SessionManager, SessionStore, Write,
};

use crate::support::{MINUTE, PASSWORD, World, credentials, keys};

const SPELLINGS: [&str; 4] = [
    "demo@example.com",
    "Demo@Example.com",
    "DEMO@EXAMPLE.COM",
    " demo@example.com ",
];

/// Puts the only session under the name of its user as it was typed, as earlier versions did.
async fn keep_as_typed(world: &World, user: &str) {
    let store = EncryptedStore::new(world.store.clone(), keys());
    let head = world.stored_sessions().await.remove(0);
    let now = world.clock.now();
    let mut record = store.load(&head.key, now).await.unwrap().unwrap();
    record.head.user = user.to_owned();
    record.head.version += 1;
    let version = head.version;
    let write = Write::Replace { version };
    store.save(&record, write).await.unwrap();
}

async fn resumes(manager: &SessionManager, world: &World, user: &str) -> bool {
    let credentials = credentials(user, PASSWORD);
    let found = manager.resume(world.authenticator(), credentials.identity());
    found.await.unwrap().is_some()
}

#[tokio::test]
async fn every_spelling_of_an_address_finds_the_session_in_every_process() {
    for written in SPELLINGS {
        let world = World::new();
        world.try_log_in(written, PASSWORD).await.unwrap();
        for user in SPELLINGS {
            let other = world.other_process();
            assert!(resumes(&other, &world, user).await, "{written:?} {user:?}");
            let request = LoginRequest::new(world.authenticator(), credentials(user, PASSWORD));
            other
                .resume_or_create(request)
                .await
                .unwrap()
                .ready()
                .unwrap();
            let filter = SessionFilter::new().with_user(user);
            assert_eq!(other.list(&filter).await.unwrap().len(), 1);
        }
        assert_eq!(world.broker.logins(), 1);
    }
}

#[tokio::test]
async fn names_that_are_no_addresses_are_told_apart_by_every_sign() {
    let world = World::new();
    world.try_log_in("demo", PASSWORD).await.unwrap();
    for other in ["Demo", "DEMO", " demo"] {
        assert!(!resumes(&world.manager, &world, other).await, "{other:?}");
        assert_ne!(
            Identity::new("demo").unwrap(),
            Identity::new(other).unwrap()
        );
    }
    assert!(resumes(&world.manager, &world, "demo").await);
}

#[tokio::test]
async fn another_spelling_counts_towards_the_same_lock_and_limit() {
    let world = World::new();
    for user in &SPELLINGS[..3] {
        let error = world.try_log_in(user, "wrong").await.unwrap_err();
        assert_eq!(error.code(), 1001);
    }
    let error = world.try_log_in(SPELLINGS[3], PASSWORD).await.unwrap_err();
    assert_eq!(error.code(), 1005);
    let broker = BrokerId::tradelocker();
    world.manager.unlock(&broker, SPELLINGS[2]).await.unwrap();

    for n in 0..5 {
        world.try_log_in(SPELLINGS[n % 4], PASSWORD).await.unwrap();
    }
    let error = world.try_log_in(SPELLINGS[1], PASSWORD).await.unwrap_err();
    assert_eq!(error.code(), 1008);
    assert_eq!(world.manager.erase(None, SPELLINGS[2]).await.unwrap(), 5);
    assert!(world.stored_sessions().await.is_empty());
}

#[tokio::test]
async fn a_record_of_an_earlier_version_is_found_as_it_was_typed_and_moves_with_its_next_write() {
    let world = World::new();
    let session = world.try_log_in("Demo@Example.com", PASSWORD).await;
    drop(session);
    keep_as_typed(&world, "Demo@Example.com").await;
    let other = world.other_process();
    assert!(!resumes(&other, &world, "demo@example.com").await);

    let identity = credentials("Demo@Example.com", PASSWORD).identity().clone();
    let found = other.resume(world.authenticator(), &identity).await;
    let found = found.unwrap().unwrap();
    world.clock.advance(MINUTE * 20);
    found.refresh().await.unwrap();
    for user in SPELLINGS {
        assert!(
            resumes(&world.other_process(), &world, user).await,
            "{user:?}"
        );
    }
    assert_eq!(world.broker.logins(), 1);
}

#[tokio::test]
async fn records_of_an_earlier_version_count_and_are_erased() {
    let world = World::new();
    drop(world.try_log_in("Demo@Example.com", PASSWORD).await);
    keep_as_typed(&world, "Demo@Example.com").await;
    let limit = wheelhouse_session::SessionPolicy::new().with_max_sessions(Some(1));
    let limit = limit.with_at_limit(wheelhouse_session::AtLimit::EvictOldest);
    *world.broker.policy.lock().unwrap() = limit;
    world
        .try_log_in("Demo@Example.com", PASSWORD)
        .await
        .unwrap();
    assert_eq!(world.stored_sessions().await.len(), 1);

    keep_as_typed(&world, "Demo@Example.com").await;
    let erased = world.other_process().erase(None, "Demo@Example.com").await;
    assert_eq!(erased.unwrap(), 1);
}
