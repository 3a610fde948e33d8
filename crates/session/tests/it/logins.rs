use wheelhouse_core::{BrokerId, ErrorKind, TokenSource};
use wheelhouse_session::{AtLimit, SessionFilter, SessionPolicy};

use crate::support::{HOUR, PASSWORD, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ses_2_of_a_hundred_logins_at_once_five_get_a_session() {
    let world = std::sync::Arc::new(World::new());
    let mut logins = Vec::new();
    for _ in 0..100 {
        let world = world.clone();
        logins.push(tokio::spawn(async move {
            world.try_log_in("demo@example.com", PASSWORD).await
        }));
    }
    let mut sessions = Vec::new();
    for login in logins {
        match login.await.unwrap() {
            Ok(session) => sessions.push(session),
            Err(error) => assert_eq!(error.code(), 1008),
        }
    }
    assert_eq!(sessions.len(), 5);
    assert_eq!(world.stored_sessions().await.len(), 5);
    assert_eq!(world.broker.logins(), 5, "the broker was asked in vain");
    assert!(world.try_log_in("another", PASSWORD).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ses_2_two_processes_share_the_limit() {
    let world = std::sync::Arc::new(World::new());
    let other = world.other_process();
    let mut logins = Vec::new();
    for number in 0..40 {
        let manager = match number % 2 {
            0 => world.manager.clone(),
            _ => other.clone(),
        };
        let credentials = crate::support::credentials("demo@example.com", PASSWORD);
        let request = wheelhouse_session::LoginRequest::new(world.authenticator(), credentials);
        logins.push(tokio::spawn(async move { manager.create(request).await }));
    }
    let mut sessions = Vec::new();
    for login in logins {
        match login.await.unwrap() {
            Ok(login) => sessions.push(login.ready().unwrap()),
            Err(error) => assert_eq!(error.code(), 1008),
        }
    }
    assert_eq!(sessions.len(), 5);
    assert_eq!(world.stored_sessions().await.len(), 5);
    // What was granted beyond the limit was given back.
    assert_eq!(world.broker.logins() as usize - 5, world.broker.revoked());
}

#[tokio::test]
async fn f82_an_expired_session_makes_room_before_it_is_swept() {
    let world = World::new();
    for _ in 0..5 {
        world.log_in().await;
        world.clock.advance(HOUR);
    }
    let error = world
        .try_log_in("demo@example.com", PASSWORD)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SessionLimit);
    world.clock.advance(HOUR * 7);
    world
        .try_log_in("demo@example.com", PASSWORD)
        .await
        .unwrap();
}

#[tokio::test]
async fn at_the_limit_the_oldest_goes_if_the_policy_says_so() {
    let world = World::new();
    *world.broker.policy.lock().unwrap() = SessionPolicy::new()
        .with_max_sessions(2)
        .with_at_limit(AtLimit::EvictOldest);
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(world.log_in().await);
        world.clock.advance(HOUR / 4);
    }
    assert_eq!(sessions[0].token().await.unwrap_err().code(), 1007);
    assert!(sessions[1].token().await.is_ok());
    assert!(sessions[2].token().await.is_ok());
    assert_eq!(world.broker.revoked(), 1);

    // Also when the oldest belongs to a process that is gone.
    let other = world.other_process();
    let credentials = crate::support::credentials("demo@example.com", PASSWORD);
    let request = wheelhouse_session::LoginRequest::new(world.authenticator(), credentials);
    other.create(request).await.unwrap();
    assert_eq!(world.broker.revoked(), 2);
    assert_eq!(sessions[1].validate().await.unwrap_err().code(), 1007);
}

#[tokio::test]
async fn a_policy_of_the_builder_replaces_that_of_the_adapter() {
    let world = World::new();
    let policy = SessionPolicy::new().with_max_sessions(1).capped_at(HOUR);
    let manager = wheelhouse_session::SessionManager::in_memory()
        .policy(BrokerId::tradelocker(), policy)
        .clock(std::sync::Arc::new(world.clock.clone()))
        .build()
        .unwrap();
    let credentials = crate::support::credentials("demo@example.com", PASSWORD);
    let request =
        || wheelhouse_session::LoginRequest::new(world.authenticator(), credentials.clone());
    let session = manager.create(request()).await.unwrap().ready().unwrap();
    assert_eq!(manager.create(request()).await.unwrap_err().code(), 1008);
    assert_eq!(session.ends_at() - session.created_at(), HOUR);
}

#[tokio::test]
async fn sessions_are_listed_by_broker_and_user() {
    let world = World::new();
    let ann = world.log_in_as("ann").await;
    world.log_in_as("bob").await;
    let list = |filter| async move { world_list(&world, filter).await };
    async fn world_list(
        world: &World,
        filter: SessionFilter,
    ) -> Vec<wheelhouse_session::SessionInfo> {
        world.manager.list(&filter).await.unwrap()
    }
    let found = list(SessionFilter::new().with_user("ann")).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id, *ann.id());
    assert_eq!(found[0].identity.as_ref().unwrap().user(), "ann");
    assert!(found[0].in_use && found[0].problem.is_none());
    assert_eq!(found[0].ends_at, Some(ann.ends_at()));
}

#[tokio::test]
async fn a_thousand_sessions_live_in_one_manager() {
    let world = World::new();
    let mut sessions = Vec::new();
    for number in 0..1000 {
        sessions.push(world.log_in_as(&format!("user-{number}")).await);
    }
    world.clock.advance(HOUR);
    for session in &sessions {
        assert_eq!(session.token().await.unwrap().generation(), 2);
    }
    assert_eq!(
        world
            .manager
            .list(&SessionFilter::new())
            .await
            .unwrap()
            .len(),
        1000
    );
    assert_eq!(world.broker.refreshes(), 1000);
}

#[tokio::test]
async fn the_token_of_an_evicted_session_is_shown_to_its_own_realm_only() {
    let world = World::new();
    drop(world.log_in().await);
    let live = crate::support::FakeBroker::new(&world.clock);
    *live.realm.lock().unwrap() = "live";
    *live.policy.lock().unwrap() = SessionPolicy::new()
        .with_max_sessions(1)
        .with_at_limit(AtLimit::EvictOldest);
    let credentials = crate::support::credentials("demo@example.com", PASSWORD);
    let request = wheelhouse_session::LoginRequest::new(live.clone(), credentials);
    world.other_process().create(request).await.unwrap();
    assert_eq!((live.revoked(), world.broker.revoked()), (0, 0));
    assert_eq!(world.stored_sessions().await.len(), 1);
}
