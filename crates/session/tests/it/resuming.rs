use std::sync::Arc;

use wheelhouse_core::{BrokerId, Clock, ExposeSecret, SessionId, TokenSource};
use wheelhouse_crypto::{Key, KeyRing};
use wheelhouse_session::{
    EncryptedStore, Identity, MemoryStore, Record, RecordHead, RecordKey, RecordKind,
    SessionEventKind, SessionManager, SessionStore, Write,
};

use crate::support::{FakeBroker, FaultyStore, HOUR, MINUTE, World, keys};

#[tokio::test]
async fn a_stored_session_is_taken_up_without_a_login() {
    let world = World::new();
    let session = world.log_in().await;
    let token = session.token().await.unwrap();
    world.clock.advance(MINUTE * 20);
    let other = world.other_process();
    let resumed = other
        .resume(world.authenticator(), session.identity())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(resumed.id(), session.id());
    assert_eq!(resumed.token().await.unwrap().expose(), token.expose());
    assert_eq!(resumed.ends_at(), session.ends_at());
    // The refresh is due by the age of the token, not of the process.
    world.clock.advance(MINUTE * 25);
    assert_eq!(resumed.token().await.unwrap().generation(), 2);
    assert_eq!((world.broker.logins(), world.broker.refreshes()), (1, 1));
}

#[tokio::test]
async fn a_session_resumed_twice_in_a_process_is_one() {
    let world = World::new();
    let session = world.log_in().await;
    let other = world.other_process();
    let one = other
        .resume(world.authenticator(), session.identity())
        .await
        .unwrap()
        .unwrap();
    let two = other
        .resume_by_id(world.authenticator(), session.id())
        .await
        .unwrap();
    one.refresh().await.unwrap();
    assert_eq!(two.token().await.unwrap().generation(), 2);
    assert_eq!(other.session(one.id()).unwrap().id(), one.id());
}

#[tokio::test]
async fn another_user_server_or_realm_finds_nothing() {
    let world = World::new();
    let session = world.log_in().await;
    let other = world.other_process();
    let identity = |user: &str| Identity::new(user).unwrap();
    for stranger in [
        identity("demo@example.com"),
        identity("demo@example.com")
            .with_field("server", "LIVE")
            .unwrap(),
        identity("else@example.com")
            .with_field("server", "DEMO")
            .unwrap(),
    ] {
        let found = other
            .resume(world.authenticator(), &stranger)
            .await
            .unwrap();
        assert!(found.is_none());
    }
    let unknown = SessionId::new("unknown").unwrap();
    let error = other
        .resume_by_id(world.authenticator(), &unknown)
        .await
        .unwrap_err();
    assert_eq!(error.code(), 1003);
    world.clock.advance(HOUR * 12);
    let late = other
        .resume(world.authenticator(), session.identity())
        .await
        .unwrap();
    assert!(late.is_none());
}

#[tokio::test]
async fn f71_a_missing_key_is_an_error_and_no_new_login() {
    let world = World::new();
    let session = world.log_in().await;
    let wrong = Key::from_bytes(*b"another key for tests, 32 bytes.").unwrap();
    let store = EncryptedStore::new(world.store.clone(), KeyRing::new(wrong));
    let manager = SessionManager::builder(store)
        .clock(Arc::new(world.clock.clone()))
        .build()
        .unwrap();
    // By its id: with another key the user's hash is another one too.
    let error = manager
        .resume_by_id(world.authenticator(), session.id())
        .await
        .unwrap_err();
    assert_eq!(error.code(), 4005);
}

#[tokio::test]
async fn f72_sessions_under_an_older_key_are_found_and_sealed_again_by_a_refresh() {
    let world = World::new();
    let session = world.log_in().await;
    let new = || Key::from_bytes(*b"another key for tests, 32 bytes.").unwrap();
    let old = || Key::from_bytes(*b"a key for tests, of 32 bytes. Ok").unwrap();
    let clock = Arc::new(world.clock.clone());
    let rotated = EncryptedStore::new(world.store.clone(), KeyRing::new(new()).with_older(old()));
    let rotated = SessionManager::builder(rotated)
        .clock(clock.clone())
        .build()
        .unwrap();
    let resumed = rotated
        .resume(world.authenticator(), session.identity())
        .await
        .unwrap()
        .unwrap();
    resumed.refresh().await.unwrap();

    let only_new = EncryptedStore::new(world.store.clone(), KeyRing::new(new()));
    let only_new = SessionManager::builder(only_new)
        .clock(clock)
        .build()
        .unwrap();
    let found = only_new
        .resume(world.authenticator(), session.identity())
        .await
        .unwrap();
    assert!(found.is_some());
    assert_eq!(world.broker.logins(), 1);
}

#[tokio::test]
async fn f72_a_record_tells_that_it_is_under_an_older_key() {
    let memory = MemoryStore::new();
    let new = || Key::from_bytes(*b"another key for tests, 32 bytes.").unwrap();
    let old = || Key::from_bytes(*b"a key for tests, of 32 bytes. Ok").unwrap();
    let before = EncryptedStore::new(memory.clone(), KeyRing::new(old()));
    let rotated = EncryptedStore::new(memory, KeyRing::new(new()).with_older(old()));
    let now = time::macros::datetime!(2026-01-05 12:00 UTC);
    let key = RecordKey::new(RecordKind::SESSION, "one");
    let head = RecordHead::new(key.clone(), BrokerId::tradelocker(), "demo", now);
    let write = Write::Insert { limit: None, now };
    let record = Record::new(head, b"body".to_vec());
    before.save(&record, write).await.unwrap();
    assert!(
        !before
            .load(&key, now)
            .await
            .unwrap()
            .unwrap()
            .under_older_key
    );

    let mut record = rotated.load(&key, now).await.unwrap().unwrap();
    assert!(record.under_older_key);
    record.head.version = 2;
    let write = Write::Replace { version: 1 };
    rotated.save(&record, write).await.unwrap();
    assert!(
        !rotated
            .load(&key, now)
            .await
            .unwrap()
            .unwrap()
            .under_older_key
    );
}

#[tokio::test]
async fn the_limit_counts_sessions_under_an_older_key() {
    let world = World::new();
    for _ in 0..4 {
        world.log_in().await;
    }
    let new = Key::from_bytes(*b"another key for tests, 32 bytes.").unwrap();
    let old = Key::from_bytes(*b"a key for tests, of 32 bytes. Ok").unwrap();
    let store = EncryptedStore::new(world.store.clone(), KeyRing::new(new).with_older(old));
    let manager = SessionManager::builder(store)
        .clock(Arc::new(world.clock.clone()))
        .build()
        .unwrap();
    let world = World { manager, ..world };
    world.log_in().await;
    let error = world
        .try_log_in("demo@example.com", crate::support::PASSWORD)
        .await;
    assert_eq!(error.unwrap_err().code(), 1008);
}

#[tokio::test]
async fn f68_a_damaged_record_is_passed_over_with_an_event() {
    let world = World::new();
    let session = world.log_in().await;
    let head = world.stored_sessions().await.remove(0);
    let now = world.clock.now();
    let mut record = world.memory.load(&head.key, now).await.unwrap().unwrap();
    record.body = vec![0xAB; 200].into();
    world.memory.delete(&head.key).await.unwrap();
    world
        .memory
        .save(&record, Write::Insert { limit: None, now })
        .await
        .unwrap();

    let other = world.other_process();
    let mut events = other.events();
    let found = other
        .resume(world.authenticator(), session.identity())
        .await
        .unwrap();
    assert!(found.is_none());
    let event = events.try_next().unwrap();
    assert!(
        matches!(event.kind, SessionEventKind::Unreadable { ref error } if error.code() == 4004)
    );
    let listed = other.list(&Default::default()).await.unwrap();
    assert_eq!(listed[0].problem.as_ref().unwrap().code(), 4004);
}

#[tokio::test]
async fn f70_a_session_of_a_newer_version_is_refused_and_kept() {
    // The record is in the clear here, so that its body can be changed.
    let world = World::new();
    let memory = MemoryStore::new();
    let clock = world.clock.clone();
    let build = || {
        SessionManager::dangerous_accept_plaintext(FaultyStore::new(memory.clone()))
            .clock(Arc::new(clock.clone()))
            .build()
            .unwrap()
    };
    let manager = build();
    let world = World { manager, ..world };
    let session = world.log_in().await;
    let now = world.clock.now();
    let key = RecordKey::new(RecordKind::SESSION, session.id().as_str());
    let mut record = memory.load(&key, now).await.unwrap().unwrap();
    record.body = br#"{"v":2,"something":"new"}"#.to_vec().into();
    record.head.version = 2;
    memory
        .save(&record, Write::Replace { version: 1 })
        .await
        .unwrap();

    let error = build()
        .resume(world.authenticator(), session.identity())
        .await
        .unwrap_err();
    assert_eq!(error.code(), 4004);
    assert!(error.to_string().contains("newer"), "{error}");
    assert!(memory.load(&key, now).await.unwrap().is_some());
}

#[tokio::test]
async fn f70_a_session_that_is_sealed_in_another_format_is_refused_and_kept() {
    // Behind the four letters that a sealed record begins with: its version, and its algorithm.
    for at in [4, 5] {
        let world = World::new();
        let session = world.log_in().await;
        let head = world.stored_sessions().await.remove(0);
        let now = world.clock.now();
        let mut record = world.memory.load(&head.key, now).await.unwrap().unwrap();
        let mut bytes = record.body.expose_secret().to_vec();
        bytes[at] += 1;
        record.body = bytes.into();
        let version = record.head.version;
        record.head.version += 1;
        let write = Write::Replace { version };
        world.memory.save(&record, write).await.unwrap();

        let error = world
            .other_process()
            .resume(world.authenticator(), session.identity())
            .await
            .unwrap_err();
        assert_eq!(error.code(), 4004);
        assert!(error.message().contains("not known here"), "{error}");
        assert_eq!(world.stored_sessions().await.len(), 1);
    }
}

#[tokio::test]
async fn enc_3_a_session_moved_to_another_store_does_not_open() {
    let world = World::new();
    let session = world.log_in().await;
    let head = world.stored_sessions().await.remove(0);
    let now = world.clock.now();
    let record = world.memory.load(&head.key, now).await.unwrap().unwrap();
    let copy = MemoryStore::new();
    copy.save(&record, Write::Insert { limit: None, now })
        .await
        .unwrap();
    let manager = SessionManager::builder(EncryptedStore::new(copy, keys()))
        .clock(Arc::new(world.clock.clone()))
        .build()
        .unwrap();
    let found = manager
        .resume(world.authenticator(), session.identity())
        .await
        .unwrap();
    assert!(found.is_none());
}

#[tokio::test]
async fn a_session_of_another_realm_is_not_taken_up_with_the_wrong_authenticator() {
    let world = World::new();
    let session = world.log_in().await;
    let live = FakeBroker::new(&world.clock);
    *live.realm.lock().unwrap() = "live";
    let other = world.other_process();
    let mut events = other.events();
    let found = other.resume(live.clone(), session.identity()).await;
    assert!(found.unwrap().is_none());
    let by_id = other.resume_by_id(live.clone(), session.id()).await;
    assert_eq!(by_id.unwrap_err().code(), 1003);
    let event = events.try_next();
    assert!(event.is_none(), "{event:?}");

    // Nor once it is in use with the right one.
    let resumed = other
        .resume_by_id(world.authenticator(), session.id())
        .await
        .unwrap();
    let by_id = other.resume_by_id(live.clone(), session.id()).await;
    assert_eq!(by_id.unwrap_err().code(), 1003);
    resumed.refresh().await.unwrap();
    assert_eq!((world.broker.posts(), live.posts()), (1, 0));
}
