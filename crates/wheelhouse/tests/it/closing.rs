//! Closing a connector, and going without.

use std::path::Path;

use wheelhouse::{Broker, Connector, ErrorKind};
use wheelhouse_sim::tradelocker::Route;

use crate::tradelocker::{connector, settings, simulator};

/// The files of the database.
fn files(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("sessions")).collect();
    names.sort_unstable();
    names
}

const OPEN: [&str; 3] = ["sessions.db", "sessions.db-shm", "sessions.db-wal"];

#[tokio::test]
async fn one_file_is_left_once_a_connector_is_closed() {
    let (sim, dir) = (simulator().await, tempfile::tempdir().unwrap());
    let first = connector(&sim, dir.path()).await.unwrap();
    let clone = first.clone();
    let broker = first.connect("tradelocker").await.unwrap();
    assert_eq!(files(dir.path()), OPEN);
    first.close().await;
    assert_eq!(files(dir.path()), ["sessions.db"]);
    // Nothing is opened again: not by a broker that is still there, by a clone, or by a second end.
    broker.accounts().await.unwrap();
    let error = clone.connect("tradelocker").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageRead);
    clone.close().await;
    drop((first, clone, broker));
    assert_eq!(files(dir.path()), ["sessions.db"]);

    let second = connector(&sim, dir.path()).await.unwrap();
    assert!(second.tradelocker().await.unwrap().resumed);
    second.close().await;
    assert_eq!(files(dir.path()), ["sessions.db"]);
    assert_eq!(sim.tradelocker().ledger().count(Route::Token), 1);
}

#[tokio::test]
async fn the_log_stays_while_another_has_the_file_open() {
    let (sim, dir) = (simulator().await, tempfile::tempdir().unwrap());
    let first = connector(&sim, dir.path()).await.unwrap();
    let second = connector(&sim, dir.path()).await.unwrap();
    first.tradelocker().await.unwrap();
    first.close().await;
    assert_eq!(files(dir.path()), OPEN);
    assert!(second.tradelocker().await.unwrap().resumed);
    second.close().await;
    assert_eq!(files(dir.path()), ["sessions.db"]);
}

/// What a process leaves that is killed, or that ends without closing.
#[test]
fn nothing_is_lost_without_closing() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let main = runtime();
    let sim = main.block_on(simulator());
    let forgotten = runtime().block_on(async {
        let connector = connector(&sim, dir.path()).await.unwrap();
        assert!(!connector.tradelocker().await.unwrap().resumed);
        connector
    });
    assert_eq!(files(dir.path()), OPEN);
    let copy = tempfile::tempdir().unwrap();
    copied(dir.path(), copy.path());
    drop(forgotten);
    for dir in [dir.path(), copy.path()] {
        runtime().block_on(async {
            let connector = connector(&sim, dir).await.unwrap();
            assert!(connector.tradelocker().await.unwrap().resumed);
            connector.close().await;
        });
        assert_eq!(files(dir), ["sessions.db"]);
    }
    assert_eq!(sim.tradelocker().ledger().count(Route::Token), 1);
}

/// Copies a directory as it is, with its modes.
fn copied(from: &Path, to: &Path) {
    std::fs::set_permissions(to, std::fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            std::fs::create_dir(&target).unwrap();
            copied(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

#[tokio::test]
async fn in_memory_there_is_nothing_to_close() {
    let sim = simulator().await;
    let connector = Connector::builder()
        .settings(settings(&sim).build().unwrap())
        .in_memory();
    let connector = connector.build().await.unwrap();
    connector.tradelocker().await.unwrap();
    connector.close().await;
    assert!(connector.tradelocker().await.unwrap().resumed);
}
