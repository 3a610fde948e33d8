//! The other side of a crew: connects, reads, and stops where it is told.

use std::{
    env, fmt,
    io::{BufRead, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use time::OffsetDateTime;
use tokio::sync::{Notify, mpsc};
use wheelhouse::{
    Connector, Error, TokenSource,
    crypto::{Key as SealingKey, KeyRing},
    http::HttpClient,
    ratelimit::{LimitClass, LimitRequest, LimitScope, Limiter, LocalLimiter, Quota, Usage},
    robinhood::{Robinhood, StoredDevices},
    session::{
        EncryptedStore, LeaseRequest, Record, RecordHead, RecordKey, RecordQuery, Session,
        SessionManager, SessionStore, StoreError, Write,
    },
    settings::{Key, Settings},
    sqlite::SqliteStore,
};

use super::crew::{DIRECTORY, MARK, NAME, ORIGIN, WATCHED};
use crate::shared_clock::SharedClock;

#[tokio::test]
#[ignore = "the processes of the other tests run it"]
async fn worker() {
    let (Ok(origin), Ok(dir)) = (env::var(ORIGIN), env::var(DIRECTORY)) else {
        return;
    };
    let gate = Arc::new(Gate::default());
    let mut commands = commands(gate.clone());
    let connector = connector(&origin, &PathBuf::from(dir), gate.clone()).await;
    say("ready");
    let mut connection = None;
    while let Some(command) = commands.recv().await {
        match command.split_once(' ').unwrap_or((&command, "")) {
            ("arm", point) => gate.arm(point),
            ("connect", _) => match connector.robinhood().await {
                Ok(connected) => {
                    let how = if connected.resumed { "resumed" } else { "new" };
                    say(&format!("ok {how}"));
                    connection = Some(connected);
                }
                Err(error) => refuse(&error),
            },
            ("read", times) => {
                let connection = connection.as_ref().unwrap();
                let times = times.parse().unwrap();
                match read(&connection.broker, &connection.session, times).await {
                    Ok(generation) => say(&format!("ok {generation} {}", gate.conflicts())),
                    Err(error) => refuse(&error),
                }
            }
            (other, _) => panic!("{other}?"),
        }
    }
}

/// Reads several times at once, and tells with which token of the session that ended.
async fn read(broker: &Robinhood, session: &Session, times: usize) -> Result<u64, Error> {
    let mut reads = tokio::task::JoinSet::new();
    for _ in 0..times {
        let broker = broker.clone();
        reads.spawn(async move { broker.user().await });
    }
    while let Some(read) = reads.join_next().await {
        read.unwrap()?;
    }
    Ok(session.token().await?.generation())
}

async fn connector(origin: &str, dir: &Path, gate: Arc<Gate>) -> Connector {
    let settings = Settings::builder()
        .set(Key::RobinhoodUsername, "demo@example.com")
        .set(Key::RobinhoodPassword, "demo-password")
        .set(Key::RobinhoodEnvironment, origin)
        .build()
        .unwrap();
    let clock = Arc::new(SharedClock::in_directory(dir));
    let builder = Connector::builder().settings(settings).clock(clock.clone());
    let data = dir.join("data");
    if env::var(WATCHED).is_err() {
        return builder.data_dir(data).build().await.unwrap();
    }
    let inner = SqliteStore::open(data.join("sessions.db")).await.unwrap();
    let key = SealingKey::from_bytes(*b"a key for tests, of 32 bytes. Ok").unwrap();
    let watched = Watched {
        inner,
        gate: gate.clone(),
    };
    let store = EncryptedStore::new(watched, KeyRing::new(key));
    let inner = LocalLimiter::new(clock.clone());
    let http = HttpClient::builder()
        .clock(clock.clone())
        .limiter(Arc::new(Queue { inner, gate }))
        .user_agent(env::var(NAME).unwrap())
        .build()
        .unwrap();
    builder
        .session_manager(SessionManager::builder(store.clone()))
        .robinhood_devices(Arc::new(StoredDevices::new(store, clock)))
        .http_client(http)
        .build()
        .await
        .unwrap()
}

fn commands(gate: Arc<Gate>) -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if line == "go" {
                gate.open();
            } else if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // The test harness may have begun a line of its own.
    writeln!(out, "\n{MARK}{text}").unwrap();
    out.flush().unwrap();
}

fn refuse(error: &Error) {
    say(&format!("error {} {error}", error.code()));
}

/// Where this process stands still once, until it hears `go`.
#[derive(Default)]
struct Gate {
    armed: Mutex<Option<String>>,
    /// Made anew each time: what was broken off at the gate leaves it open.
    opening: Mutex<Arc<Notify>>,
    conflicts: AtomicU32,
}

impl Gate {
    fn arm(&self, point: &str) {
        *self.opening.lock().unwrap() = Arc::default();
        *self.armed.lock().unwrap() = Some(point.to_owned());
    }

    async fn at(&self, point: &str) {
        let here = |armed: &mut String| armed == point;
        if self.armed.lock().unwrap().take_if(here).is_some() {
            let opening = self.opening.lock().unwrap().clone();
            // Said by a task of its own, which this one thread runs once the caller's has come to rest:
            // who is stopped upon it goes on by being woken, and not in the middle of a step.
            let arrived = format!("at {point}");
            tokio::spawn(async move { say(&arrived) });
            opening.notified().await;
        }
    }

    fn open(&self) {
        self.opening.lock().unwrap().notify_one();
    }

    fn conflicts(&self) -> u32 {
        self.conflicts.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gate")
    }
}

/// The SQLite store, with gates before a write and behind a reading.
#[derive(Clone, Debug)]
struct Watched {
    inner: SqliteStore,
    gate: Arc<Gate>,
}

#[async_trait]
impl SessionStore for Watched {
    fn namespace(&self) -> String {
        self.inner.namespace()
    }

    async fn load(
        &self,
        key: &RecordKey,
        now: OffsetDateTime,
    ) -> Result<Option<Record>, StoreError> {
        let loaded = self.inner.load(key, now).await;
        self.gate.at("loaded").await;
        loaded
    }

    async fn save(&self, record: &Record, write: Write) -> Result<(), StoreError> {
        self.gate.at("writing").await;
        let saved = self.inner.save(record, write).await;
        if let Err(StoreError::Conflict) = &saved {
            self.gate.conflicts.fetch_add(1, Ordering::SeqCst);
        }
        saved
    }

    async fn delete(&self, key: &RecordKey) -> Result<bool, StoreError> {
        self.inner.delete(key).await
    }

    async fn list(&self, query: &RecordQuery) -> Result<Vec<RecordHead>, StoreError> {
        self.inner.list(query).await
    }

    async fn prune(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
        self.inner.prune(now).await
    }

    async fn lease(&self, request: &LeaseRequest) -> Result<Option<u64>, StoreError> {
        self.inner.lease(request).await
    }
}

/// The limiter of the request pipeline, with a gate behind the place in the queue of the token
/// endpoint: nothing of the request has left the process there.
#[derive(Debug)]
struct Queue {
    inner: LocalLimiter,
    gate: Arc<Gate>,
}

#[async_trait]
impl Limiter for Queue {
    async fn acquire(&self, request: &LimitRequest<'_>) -> Result<(), Error> {
        self.inner.acquire(request).await?;
        if request.class().name() == "robinhood.login" {
            self.gate.at("sending").await;
        }
        Ok(())
    }

    async fn pause(&self, scope: &LimitScope, wait: Duration) {
        self.inner.pause(scope, wait).await;
    }

    async fn configure(&self, scope: &LimitScope, class: LimitClass, quota: Quota) {
        self.inner.configure(scope, class, quota).await;
    }

    async fn observe_rejection(&self, scope: &LimitScope, class: LimitClass) {
        self.inner.observe_rejection(scope, class).await;
    }

    async fn usage(&self, scope: &LimitScope) -> Vec<Usage> {
        self.inner.usage(scope).await
    }
}
