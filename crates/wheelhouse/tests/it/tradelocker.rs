use std::path::Path;

use wheelhouse::{
    Broker, Connector, ErrorKind, KeySource,
    settings::{Key, Settings, SettingsBuilder},
};
use wheelhouse_sim::{Sim, tradelocker::Route};

pub(crate) async fn simulator() -> Sim {
    Sim::builder()
        .tradelocker("127.0.0.1:0".parse().unwrap())
        .start()
        .await
        .unwrap()
}

pub(crate) fn settings(sim: &Sim) -> SettingsBuilder {
    Settings::builder()
        .set(Key::TradeLockerEmail, "demo@example.com")
        .set(Key::TradeLockerPassword, "demo-password")
        .set(Key::TradeLockerServer, "DEMO")
        .set(Key::TradeLockerEnvironment, sim.tradelocker().origin())
}

pub(crate) async fn connector(sim: &Sim, dir: &Path) -> wheelhouse::Result<Connector> {
    Connector::builder()
        .settings(settings(sim).build()?)
        .data_dir(dir)
        .build()
        .await
}

fn logins(sim: &Sim) -> usize {
    sim.tradelocker().ledger().count(Route::Token)
}

#[tokio::test]
async fn a_second_process_goes_on_without_a_login() {
    let (sim, dir) = (simulator().await, tempfile::tempdir().unwrap());
    let first = connector(&sim, dir.path()).await.unwrap();
    assert!(matches!(
        first.key_source(),
        KeySource::File { created: true, .. }
    ));
    assert!(!first.tradelocker().await.unwrap().resumed);
    drop(first);

    let second = connector(&sim, dir.path()).await.unwrap();
    let connection = second.tradelocker().await.unwrap();
    assert!(connection.resumed);
    assert_eq!(connection.broker.accounts().await.unwrap().len(), 1);
    assert_eq!(logins(&sim), 1);
}

#[tokio::test]
async fn a_session_that_ended_at_the_broker_is_replaced_by_a_login() {
    let (sim, dir) = (simulator().await, tempfile::tempdir().unwrap());
    let connector = connector(&sim, dir.path()).await.unwrap();
    drop(connector.tradelocker().await.unwrap());
    sim.tradelocker().revoke_sessions();
    let connection = connector.tradelocker().await.unwrap();
    assert!(!connection.resumed);
    connection.broker.accounts().await.unwrap();
    assert_eq!(logins(&sim), 2);
}

#[tokio::test]
async fn a_key_that_opens_nothing_is_refused_before_anything_is_sent() {
    let (sim, dir) = (simulator().await, tempfile::tempdir().unwrap());
    drop(
        connector(&sim, dir.path())
            .await
            .unwrap()
            .tradelocker()
            .await
            .unwrap(),
    );
    let other = settings(&sim)
        .set(Key::SealingKey, "0123456789abcdef".repeat(4))
        .build()
        .unwrap();
    let built = Connector::builder()
        .settings(other)
        .data_dir(dir.path())
        .build()
        .await;
    assert_eq!(built.unwrap_err().kind(), ErrorKind::KeyUnavailable);
    assert_eq!(logins(&sim), 1);
}

#[tokio::test]
async fn a_refused_login_leaves_no_session_and_no_secret() {
    let (sim, dir) = (simulator().await, tempfile::tempdir().unwrap());
    let wrong = settings(&sim)
        .set(Key::TradeLockerPassword, "wrong-canary")
        .build()
        .unwrap();
    let connector = Connector::builder()
        .settings(wrong)
        .data_dir(dir.path())
        .build()
        .await;
    let connector = connector.unwrap();
    let error = connector.connect("tradelocker").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidCredentials);
    assert!(!format!("{error:?} {error} {connector:?}").contains("wrong-canary"));
    assert_eq!(sim.tradelocker().session_count(), 0);
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(
                !bytes.windows(12).any(|part| part == b"wrong-canary"),
                "{}",
                path.display()
            );
        }
    }
}

#[tokio::test]
async fn missing_settings_and_unknown_brokers_are_named() {
    let connector = Connector::builder().in_memory().build().await.unwrap();
    let error = connector.connect("tradelocker").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingField);
    assert!(error.to_string().contains("TRADELOCKER_EMAIL"), "{error}");
    let error = connector.connect("nobody").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("tradelocker"), "{error}");
}
