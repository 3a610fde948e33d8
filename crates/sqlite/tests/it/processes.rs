use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use time::OffsetDateTime;
use wheelhouse_core::{BrokerId, Error};
use wheelhouse_session::{
    Record, RecordHead, RecordKey, RecordKind, RecordQuery, SessionStore, StoreError, Write,
};
use wheelhouse_sqlite::{SqliteConfig, SqliteStore};
use wheelhouse_testkit::SeededRandom;

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
    let config = SqliteConfig::new(harness.path()).with_busy_timeout(Duration::from_millis(500));
    let store = SqliteStore::open_with(config).await.unwrap();
    let other = SqliteConnectOptions::new().filename(harness.path());
    let mut other = other.connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();

    let epoch = OffsetDateTime::UNIX_EPOCH;
    let error = store.prune(epoch).await.unwrap_err();
    assert!(matches!(error, StoreError::Locked), "{error:?}");
    assert_eq!(Error::from(error).code(), 4007);

    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    store.prune(epoch).await.unwrap();
}

/// Opens the store, writes a record, counts what is there and closes: run by other tests as a process.
#[tokio::test]
#[ignore = "the processes of the other tests run it"]
async fn worker() {
    let Ok(path) = std::env::var(PATH) else {
        return;
    };
    let store = SqliteStore::open(path).await.unwrap();
    insert(&store, &format!("process-{}", std::process::id())).await;
    let count = store.list(&RecordQuery::new()).await.unwrap().len();
    store.close().await;
    println!("\n{MARK}{count}");
}

const PATH: &str = "WHEELHOUSE_TEST_PATH";
const MARK: &str = "records: ";

fn start(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::worker", "--ignored", "--nocapture"])
        .env(PATH, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Runs a process and returns how many records it has found, its own included.
fn count(path: &Path) -> usize {
    let output = start(path).wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let found = text.lines().find_map(|line| line.strip_prefix(MARK));
    found.unwrap_or_else(|| panic!("{text}")).parse().unwrap()
}

async fn insert(store: &SqliteStore, id: &str) {
    let now = OffsetDateTime::UNIX_EPOCH;
    let key = RecordKey::new(RecordKind::SESSION, id);
    let head = RecordHead::new(key, BrokerId::tradelocker(), "user", now);
    let write = Write::Insert { limit: None, now };
    let record = Record::new(head, b"body".to_vec());
    store.save(&record, write).await.unwrap();
}

#[cfg(target_os = "linux")]
fn is_locked(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let end = format!(":{}", std::fs::metadata(path).unwrap().ino());
    let me = std::process::id().to_string();
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    locks.lines().any(|lock| {
        let mut words = lock.split_whitespace().skip(1);
        words.next() == Some("POSIX")
            && words.nth(2) == Some(me.as_str())
            && words.next().is_some_and(|inode| inode.ends_with(&end))
    })
}

/// SQLite's locks belong to the process, and a file that is opened and closed beside it takes them
/// away: <https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_>.
/// Another process then believes to be the last one and removes the log that is written to.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_opened_twice_loses_nothing_to_another_process() {
    let harness = SqliteHarness::default();
    let path = harness.path();
    let store = SqliteStore::open(&path).await.unwrap();
    insert(&store, "first").await;
    let second = SqliteStore::open(&path).await.unwrap();
    assert!(is_locked(&path), "the first store has lost its lock");
    assert_eq!(count(&path), 2);
    insert(&store, "third").await;
    insert(&second, "fourth").await;
    assert_eq!(count(&path), 5);
}

#[expect(
    clippy::disallowed_methods,
    reason = "a process is killed in real time"
)]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sto_2_a_process_killed_while_it_makes_the_file_leaves_nothing_behind() {
    let random = SeededRandom::new(2);
    for round in 0..30 {
        let harness = SqliteHarness::default();
        let path = harness.path();
        let mut child = start(&path);
        pause(Duration::from_micros(random.below(40_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let store = SqliteStore::open(&path).await.unwrap();
        insert(&store, "after").await;
        store.close().await;
        let names: Vec<_> = std::fs::read_dir(path.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["sessions.db"], "round {round}");
    }
}
