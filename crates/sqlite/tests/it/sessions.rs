use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use wheelhouse_core::{
    BrokerId, Error, ErrorKind, ExposeSecret, Result, SecretString, TokenSource,
};
use wheelhouse_crypto::{KeyFile, KeyRing, SystemRandom};
use wheelhouse_session::{
    Authenticator, ChallengeAnswer, Credentials, EncryptedStore, Grant, LoginRequest, LoginStep,
    PendingLogin, Session, SessionManager, SessionPolicy,
};
use wheelhouse_sqlite::SqliteStore;
use wheelhouse_testkit::{Canaries, store::StoreHarness};

use crate::harness::SqliteHarness;

/// Rotates refresh tokens and counts those that come again.
#[derive(Default)]
struct Rotating(Mutex<Tokens>);

#[derive(Default)]
struct Tokens {
    number: u32,
    used: HashSet<String>,
    refreshes: u32,
    alarms: u32,
}

impl std::fmt::Debug for Rotating {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rotating")
    }
}

impl Tokens {
    fn grant(&mut self) -> Grant {
        self.number += 1;
        let number = self.number;
        let access = SecretString::from(format!("access-canary-{number}"));
        Grant::new(access).with_refresh_token(format!("refresh-canary-{number}").into())
    }
}

#[async_trait]
impl Authenticator for Rotating {
    fn broker(&self) -> BrokerId {
        BrokerId::tradelocker()
    }

    fn realm(&self) -> String {
        "demo".into()
    }

    fn policy(&self) -> SessionPolicy {
        SessionPolicy::new()
    }

    async fn begin(&self, _: &Credentials) -> Result<LoginStep> {
        Ok(LoginStep::Granted(self.0.lock().unwrap().grant()))
    }

    async fn answer(&self, _: &PendingLogin, _: ChallengeAnswer) -> Result<LoginStep> {
        Err(Error::new(ErrorKind::Unsupported, "there is no challenge"))
    }

    async fn refresh(&self, grant: &Grant) -> Result<Grant> {
        tokio::task::yield_now().await;
        let mut tokens = self.0.lock().unwrap();
        let token = grant.refresh_token().unwrap().expose_secret().to_owned();
        if !tokens.used.insert(token) {
            tokens.alarms += 1;
            return Err(Error::new(ErrorKind::RefreshRefused, "the token was used"));
        }
        tokens.refreshes += 1;
        Ok(tokens.grant())
    }

    async fn revoke(&self, _: &Grant) -> Result<()> {
        Ok(())
    }
}

fn credentials() -> Credentials {
    Credentials::new("user-canary@example.com", "password-canary".into()).unwrap()
}

async fn manager(harness: &SqliteHarness) -> SessionManager {
    let key = harness.path().with_file_name("sealing.key");
    let key = KeyFile::open_or_create(key, &SystemRandom::new()).unwrap();
    let store = SqliteStore::open(harness.path()).await.unwrap();
    let store = EncryptedStore::new(store, KeyRing::new(key.into_key()));
    SessionManager::builder(store).build().unwrap()
}

async fn log_in(manager: &SessionManager, broker: &Arc<Rotating>) -> Session {
    let request = LoginRequest::new(broker.clone(), credentials());
    manager.create(request).await.unwrap().ready().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tok_2_four_managers_on_one_file_refresh_once_each_time() {
    const ROUNDS: u32 = 25;
    let harness = SqliteHarness::default();
    let broker = Arc::new(Rotating::default());
    let first = manager(&harness).await;
    let session = log_in(&first, &broker).await;
    let mut sessions = vec![session.clone()];
    for _ in 0..3 {
        let other = manager(&harness).await;
        let resumed = other.resume(broker.clone(), session.identity()).await;
        sessions.push(resumed.unwrap().unwrap());
    }
    for round in 1..=ROUNDS {
        let mut callers = Vec::new();
        for session in &sessions {
            let session = session.clone();
            callers.push(tokio::spawn(async move { session.refresh().await }));
        }
        for caller in callers {
            caller.await.unwrap().unwrap();
        }
        let mut tokens = HashSet::new();
        for session in &sessions {
            tokens.insert(session.token().await.unwrap().expose().to_owned());
        }
        assert_eq!(tokens.len(), 1, "round {round}");
    }
    let tokens = broker.0.lock().unwrap();
    assert_eq!((tokens.refreshes, tokens.alarms), (ROUNDS, 0));
}

#[tokio::test]
async fn a_session_is_resumed_from_the_file_and_no_secret_is_in_it() {
    let harness = SqliteHarness::default();
    let broker = Arc::new(Rotating::default());
    let session = log_in(&manager(&harness).await, &broker).await;
    for _ in 0..5 {
        session.refresh().await.unwrap();
    }
    let token = session.token().await.unwrap();
    drop(session);

    let again = manager(&harness).await;
    let resumed = again.resume(broker.clone(), credentials().identity()).await;
    let resumed = resumed.unwrap().unwrap();
    assert_eq!(resumed.token().await.unwrap().expose(), token.expose());
    assert_eq!(broker.0.lock().unwrap().number, 6);

    let mut secrets = vec![
        "user-canary@example.com".to_owned(),
        "password-canary".into(),
    ];
    secrets.extend((1..=6).map(|number| format!("access-canary-{number}")));
    secrets.extend((1..=6).map(|number| format!("refresh-canary-{number}")));
    let bytes = harness.bytes_on_disk().unwrap();
    assert!(bytes.len() > 10_000);
    let text = String::from_utf8_lossy(&bytes);
    Canaries::new(secrets)
        .absent_from("the files", &text)
        .unwrap();
}
