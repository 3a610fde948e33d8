use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use wheelhouse_core::Error;
use wheelhouse_session::{SessionStore, StoreError};
use wheelhouse_sqlite::SqliteStore;
use wheelhouse_testkit::store::StoreHarness;

use crate::harness::SqliteHarness;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

async fn made(harness: &SqliteHarness) -> std::path::PathBuf {
    let store = SqliteStore::open(harness.path()).await.unwrap();
    store.close().await;
    harness.path()
}

async fn code(path: &Path) -> u16 {
    Error::from(SqliteStore::open(path).await.unwrap_err()).code()
}

#[tokio::test]
async fn sto_6_files_are_made_for_their_owner_only() {
    let harness = SqliteHarness::default();
    let path = harness.path();
    let store = harness.open().await.unwrap();
    store.prune(time::OffsetDateTime::UNIX_EPOCH).await.unwrap();
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(mode(&entry.path()), 0o600, "{:?}", entry.path());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["sessions.db", "sessions.db-shm", "sessions.db-wal"]);
}

#[tokio::test]
async fn sto_6_a_file_that_others_could_read_is_closed_to_them() {
    let harness = SqliteHarness::default();
    let path = made(&harness).await;
    set_mode(&path, 0o644);
    SqliteStore::open(&path).await.unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[tokio::test]
async fn sto_6_what_others_could_have_written_is_refused() {
    let harness = SqliteHarness::default();
    let path = made(&harness).await;
    set_mode(&path, 0o620);
    assert_eq!(code(&path).await, 4003);
    set_mode(&path, 0o600);

    let directory = path.parent().unwrap();
    set_mode(directory, 0o777);
    assert_eq!(code(&path).await, 4003);
    assert_eq!(code(&directory.join("new.db")).await, 4003);
    assert!(!directory.join("new.db").exists());
    set_mode(directory, 0o700);
    SqliteStore::open(&path).await.unwrap();
}

#[tokio::test]
async fn f67_a_symbolic_link_is_refused() {
    let harness = SqliteHarness::default();
    let path = made(&harness).await;
    let link = path.with_file_name("link.db");
    symlink(&path, &link).unwrap();
    assert_eq!(code(&link).await, 4003);
    let dangling = path.with_file_name("dangling.db");
    symlink(path.with_file_name("nowhere"), &dangling).unwrap();
    assert_eq!(code(&dangling).await, 4003);
}

#[tokio::test]
async fn f68_empty_cut_and_foreign_files_are_refused_and_left_alone() {
    let harness = SqliteHarness::default();
    let path = made(&harness).await;
    let whole = fs::read(&path).unwrap();
    let half = whole[..whole.len() / 2].to_vec();
    for bytes in [
        Vec::new(),
        b"SQLite".to_vec(),
        whole[..100].to_vec(),
        half,
        vec![0xAB; 8192],
    ] {
        fs::write(&path, &bytes).unwrap();
        let error = SqliteStore::open(&path).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_left_alone() {
    let harness = SqliteHarness::default();
    let path = made(&harness).await;
    let foreign = path.with_file_name("foreign.db");
    let options = SqliteConnectOptions::new()
        .filename(&foreign)
        .create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    let sql = "CREATE TABLE record (kind TEXT)";
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    set_mode(&foreign, 0o600);
    let before = fs::read(&foreign).unwrap();
    let error = SqliteStore::open(&foreign).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
    assert_eq!(fs::read(&foreign).unwrap(), before);
}

#[tokio::test]
async fn f70_a_newer_schema_is_refused_and_left_alone() {
    let harness = SqliteHarness::default();
    let path = made(&harness).await;
    let options = SqliteConnectOptions::new().filename(&path);
    let mut connection = options.connect().await.unwrap();
    let sql = "INSERT INTO _sqlx_migrations SELECT 9, description, installed_on, success, checksum,
               execution_time FROM _sqlx_migrations WHERE version = 1";
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let before = fs::read(&path).unwrap();
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Newer { found: 9, known: 1 }),
        "{error:?}"
    );
    assert_eq!(Error::from(error).code(), 4004);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn no_draft_is_left_beside_the_database() {
    let harness = SqliteHarness::default();
    let path = made(&harness).await;
    let names: Vec<_> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["sessions.db"]);
}

#[tokio::test]
async fn f67_a_directory_that_is_a_file_is_named_with_the_reason() {
    let harness = SqliteHarness::default();
    let path = made(&harness).await;
    let error = SqliteStore::open(path.join("sessions.db"))
        .await
        .unwrap_err();
    let error = Error::from(error);
    assert_eq!(error.code(), 4001);
    let text = error.to_string();
    assert!(text.contains("sessions.db/sessions.db"), "{text}");
    assert!(text.contains("not a directory"), "{text}");
}

#[tokio::test]
async fn a_draft_that_a_killed_process_left_is_swept_and_nothing_else() {
    let harness = SqliteHarness::default();
    let path = made(&harness).await;
    let beside = |name: &str| path.with_file_name(name);
    let left = beside("sessions.db.0123456789abcdef.tmp");
    fs::write(&left, b"half").unwrap();
    let beside_it = beside("sessions.db.0123456789abcdef.tmp-journal");
    fs::write(&beside_it, b"half").unwrap();
    // A process that was killed between giving the name and taking the draft's away.
    let published = beside("sessions.db.00000000deadbeef.tmp");
    fs::hard_link(&path, &published).unwrap();
    // One that is at work.
    let busy = beside("sessions.db.fedcba9876543210.tmp");
    let lock = fs::File::create(&busy).unwrap();
    lock.lock().unwrap();
    let strangers = [
        "sessions.db.0123456789abcde.tmp",
        "sessions.db.0123456789abcdeg.tmp",
        "sessions.db.0123456789abcdef.tmp.old",
        "other.db.0123456789abcdef.tmp",
    ];
    for name in strangers {
        fs::write(beside(name), b"not ours").unwrap();
    }
    let link = beside("sessions.db.1111111111111111.tmp");
    symlink(&path, &link).unwrap();

    let store = SqliteStore::open(&path).await.unwrap();
    assert!(!left.exists() && !beside_it.exists() && !published.exists());
    assert!(busy.exists() && fs::symlink_metadata(&link).is_ok());
    for name in strangers {
        assert!(beside(name).exists(), "{name}");
    }
    store.prune(time::OffsetDateTime::UNIX_EPOCH).await.unwrap();
    store.close().await;
    drop(lock);
    SqliteStore::open(&path).await.unwrap().close().await;
    assert!(!busy.exists());
}

#[tokio::test]
async fn closing_leaves_the_one_file() {
    let harness = SqliteHarness::default();
    let path = made(&harness).await;
    let store = SqliteStore::open(&path).await.unwrap();
    store.prune(time::OffsetDateTime::UNIX_EPOCH).await.unwrap();
    store.close().await;
    let left = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(left, 1);
}

#[tokio::test]
async fn errors_and_debug_name_the_file_and_nothing_of_sqlx() {
    let harness = SqliteHarness::default();
    let store = SqliteStore::open(harness.path()).await.unwrap();
    let debug = format!("{store:?}");
    assert!(debug.starts_with("SqliteStore { path: "), "{debug}");
    store.close().await;
    let error = store
        .prune(time::OffsetDateTime::UNIX_EPOCH)
        .await
        .unwrap_err();
    assert_eq!(Error::from(error).code(), 4002);
}
