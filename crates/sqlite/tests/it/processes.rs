use std::{sync::Arc, time::Duration};

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use wheelhouse_core::Error;
use wheelhouse_session::{SessionStore, StoreError};
use wheelhouse_sqlite::{SqliteConfig, SqliteStore};

use crate::harness::SqliteHarness;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_make_the_file_at_once_all_get_the_same_one() {
    for _ in 0..5 {
        let harness = Arc::new(SqliteHarness::default());
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let harness = Arc::clone(&harness);
            tasks.push(tokio::spawn(async move {
                SqliteStore::open(harness.path()).await
            }));
        }
        let mut namespaces = Vec::new();
        for task in tasks {
            namespaces.push(task.await.unwrap().unwrap().namespace());
        }
        namespaces.dedup();
        assert_eq!(namespaces.len(), 1);
    }
}

#[tokio::test]
async fn two_files_have_different_namespaces() {
    let (one, two) = (SqliteHarness::default(), SqliteHarness::default());
    let one = SqliteStore::open(one.path()).await.unwrap();
    let two = SqliteStore::open(two.path()).await.unwrap();
    assert_ne!(one.namespace(), two.namespace());
}

#[tokio::test]
async fn f78_a_lock_that_another_process_keeps_is_a_typed_error() {
    let harness = SqliteHarness::default();
    let config = SqliteConfig::new(harness.path()).with_busy_timeout(Duration::from_millis(50));
    let store = SqliteStore::open_with(config).await.unwrap();
    let other = SqliteConnectOptions::new().filename(harness.path());
    let mut other = other.connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();

    let epoch = time::OffsetDateTime::UNIX_EPOCH;
    let error = store.prune(epoch).await.unwrap_err();
    assert!(matches!(error, StoreError::Locked), "{error:?}");
    assert_eq!(Error::from(error).code(), 4007);

    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    store.prune(epoch).await.unwrap();
}
