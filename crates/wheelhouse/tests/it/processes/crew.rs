//! The side of the test: a simulated broker, its time, and the processes that work there.

use std::{
    fmt,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};
use wheelhouse::{
    session::{RecordKind, RecordQuery, SessionStore},
    sqlite::SqliteStore,
};
use wheelhouse_sim::{
    Sim,
    robinhood::{Ledger, LoginFlow, LoginOutcome, Route, Settings},
};

use super::relay::Relay;
use crate::shared_clock::SharedClock;

pub(super) const ORIGIN: &str = "WHEELHOUSE_TEST_ORIGIN";
pub(super) const DIRECTORY: &str = "WHEELHOUSE_TEST_DIRECTORY";
pub(super) const WATCHED: &str = "WHEELHOUSE_TEST_WATCHED";
/// What a watched worker calls itself at the broker.
pub(super) const NAME: &str = "WHEELHOUSE_TEST_NAME";
/// Tells what a worker says from what the test harness prints.
pub(super) const MARK: &str = "@@ ";

pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// A broker whose access tokens live for an hour and whose refresh tokens are good once: a used one
/// ends the session.
pub(super) struct Crew {
    pub(super) sim: Sim,
    pub(super) relay: Relay,
    clock: SharedClock,
    dir: TempDir,
    story: Story,
}

impl Crew {
    pub(super) async fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new();
        settings.login = LoginFlow::Granted;
        settings.access_token_life = HOUR;
        change(&mut settings);
        let sim = Sim::builder()
            .robinhood("127.0.0.1:0".parse().unwrap())
            .robinhood_settings(settings)
            .start()
            .await
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        Self {
            relay: Relay::start(sim.robinhood().addr()).await,
            clock: SharedClock::in_directory(dir.path()),
            dir,
            story: Story {
                stage: Arc::default(),
                ledger: sim.robinhood().ledger().clone(),
            },
            sim,
        }
    }

    /// Says what the test does next, for the message of a failure.
    pub(super) fn stage(&self, stage: String) {
        *self.story.stage.lock().unwrap() = stage;
    }

    pub(super) fn advance(&self, by: Duration) {
        self.clock.advance(&self.sim, by);
    }

    /// Starts a process on the data directory, as a program of a user does.
    pub(super) async fn worker(&self) -> Worker {
        self.start("a worker", |_| {}).await
    }

    /// Starts a process that can be told to stand still at a point of a refresh.
    pub(super) async fn watched(&self, name: &'static str) -> Worker {
        self.start(name, |command| {
            command.env(WATCHED, "1").env(NAME, name);
        })
        .await
    }

    async fn start(&self, name: &'static str, change: impl FnOnce(&mut Command)) -> Worker {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "processes::worker::worker"])
            .args(["--ignored", "--nocapture", "--test-threads=1"])
            .env(ORIGIN, self.relay.origin())
            .env(DIRECTORY, self.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let mut worker = Worker {
            stdin: child.stdin.take().unwrap(),
            lines: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
            conflicts: 0,
            name,
            story: self.story.clone(),
        };
        assert_eq!(worker.hear().await, "ready");
        worker
    }

    /// The version of the one session that is stored.
    pub(super) async fn stored_version(&self) -> u64 {
        let path = self.data().join("sessions.db");
        let store = SqliteStore::open(path).await.unwrap();
        let query = RecordQuery::new().with_kind(RecordKind::SESSION);
        let heads = store.list(&query).await.unwrap();
        store.close().await;
        let [head] = heads.as_slice() else {
            panic!("{} sessions are stored", heads.len())
        };
        head.version
    }

    pub(super) fn data(&self) -> std::path::PathBuf {
        let dir: &Path = self.dir.path();
        dir.join("data")
    }

    pub(super) fn tally(&self) -> Tally {
        let ledger = self.sim.robinhood().ledger();
        let (refreshes, logins) = (ledger.refreshes(), ledger.logins());
        Tally {
            refreshes: refreshes.iter().filter(|refresh| refresh.accepted).count(),
            refused: refreshes.iter().filter(|refresh| !refresh.accepted).count(),
            reused: refreshes.iter().filter(|refresh| refresh.reused).count(),
            logins: logins.len(),
            granted: logins
                .iter()
                .filter(|login| login.outcome == LoginOutcome::Granted)
                .count(),
        }
    }
}

/// What the broker has counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) refreshes: usize,
    pub(super) refused: usize,
    /// Times that a used refresh token came again.
    pub(super) reused: usize,
    pub(super) logins: usize,
    pub(super) granted: usize,
}

/// What has led to a failure: where the test was, and what the token endpoint saw before.
#[derive(Clone)]
struct Story {
    stage: Arc<Mutex<String>>,
    ledger: Ledger,
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = self.stage.lock().unwrap();
        writeln!(f, "{stage}; the last requests for tokens, oldest first:")?;
        let mut requests = self.ledger.requests();
        requests.retain(|request| request.route == Route::Token.name());
        for request in requests.iter().skip(requests.len().saturating_sub(SHOWN)) {
            let by = request.user_agent.as_deref().unwrap_or("nobody");
            writeln!(f, "  {} by {by}: {:?}", request.at, request.fate)?;
        }
        writeln!(f, "the last refreshes, by the token that was sent:")?;
        let refreshes = self.ledger.refreshes();
        let mut generation = 1;
        for (place, refresh) in refreshes.iter().enumerate() {
            let of = if refresh.reused {
                "an older one than".to_owned()
            } else {
                "generation".to_owned()
            };
            if place + SHOWN >= refreshes.len() {
                let answer = if refresh.accepted {
                    "new tokens"
                } else {
                    "refused"
                };
                writeln!(f, "  {} {of} {generation}: {answer}", refresh.at)?;
            }
            generation += usize::from(refresh.accepted);
        }
        Ok(())
    }
}

/// How many requests of each kind a failure shows.
const SHOWN: usize = 6;

/// A process at work.
pub(super) struct Worker {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    /// Writes of this process that the store has refused, as of the last reading.
    pub(super) conflicts: u32,
    name: &'static str,
    story: Story,
}

impl Worker {
    /// Sends a command and returns what comes of it.
    pub(super) async fn ask(&mut self, command: &str) -> String {
        self.tell(command).await;
        self.hear().await
    }

    pub(super) async fn tell(&mut self, command: &str) {
        let line = format!("{command}\n");
        self.stdin.write_all(line.as_bytes()).await.unwrap();
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a worker that hangs must not hang the tests"
    )]
    pub(super) async fn hear(&mut self) -> String {
        let line = async {
            loop {
                let line = self.lines.next_line().await.unwrap();
                let line = line.expect("the worker has ended");
                if let Some(said) = line.strip_prefix(MARK) {
                    return said.to_owned();
                }
            }
        };
        let heard = tokio::time::timeout(Duration::from_secs(60), line).await;
        heard.expect("the worker says nothing")
    }

    /// Reads so many times at once, and returns the generation of the token.
    pub(super) async fn read(&mut self, times: usize) -> u64 {
        self.tell(&format!("read {times}")).await;
        self.result().await
    }

    /// What came of a reading.
    pub(super) async fn result(&mut self) -> u64 {
        let said = self.hear().await;
        let words: Vec<&str> = said.split(' ').collect();
        let ["ok", generation, conflicts] = words.as_slice() else {
            panic!("{} says: {said}\n{}", self.name, self.story)
        };
        self.conflicts = conflicts.parse().unwrap();
        generation.parse().unwrap()
    }

    /// Stops the process in the middle of whatever it does, and returns once it stands.
    pub(super) async fn stop(&self) {
        self.signal("STOP").await;
        while !self.is_stopped() {
            tokio::task::yield_now().await;
        }
    }

    pub(super) async fn carry_on(&self) {
        self.signal("CONT").await;
    }

    fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        // The state comes after the name, which is in parentheses.
        let (_, rest) = stat.rsplit_once(") ").unwrap();
        rest.starts_with('T')
    }

    async fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.id());
        let status = Command::new("sh").args(["-c", &command]).status().await;
        assert!(status.unwrap().success(), "{command}");
    }

    fn id(&self) -> u32 {
        self.child.id().unwrap()
    }
}
