//! One process and its tokens at Robinhood, over the SQLite store.

use std::{sync::Arc, time::Duration};

use tempfile::TempDir;
use wheelhouse::{
    Clock, Connection, Connector, TokenSource,
    http::{Deadlines, HttpClient},
    robinhood::Robinhood,
    settings::{Key, Settings},
};
use wheelhouse_sim::{
    Fate, Fault, Kind, RequestRecord, Sim,
    faults::Moment,
    robinhood::{self, LoginFlow, Route},
};
use wheelhouse_testkit::SeededRandom;

use crate::shared_clock::SharedClock;

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);
/// How long a request is held up at the broker, in real time.
const HELD: Duration = Duration::from_millis(250);

/// A broker whose access tokens live for an hour and whose refresh tokens are good once.
struct World {
    sim: Sim,
    clock: SharedClock,
    connector: Connector,
    _dir: TempDir,
}

impl World {
    async fn new() -> Self {
        let mut settings = robinhood::Settings::new();
        settings.login = LoginFlow::Granted;
        settings.access_token_life = HOUR;
        let sim = Sim::builder()
            .robinhood("127.0.0.1:0".parse().unwrap())
            .robinhood_settings(settings)
            .start()
            .await
            .unwrap();
        let settings = Settings::builder()
            .set(Key::RobinhoodUsername, "demo@example.com")
            .set(Key::RobinhoodPassword, "demo-password")
            .set(Key::RobinhoodEnvironment, sim.robinhood().origin())
            .build()
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let clock = SharedClock::in_directory(dir.path());
        // At a hundred times the pace they are seconds of real time, for a machine that is busy.
        let patience = 10 * MINUTE;
        let deadlines = Deadlines::default()
            .with_connect(patience)
            .with_headers(patience)
            .with_idle(patience)
            .with_total(patience);
        let http = HttpClient::builder()
            .clock(Arc::new(clock.clone()))
            .deadlines(deadlines)
            .build()
            .unwrap();
        let connector = Connector::builder()
            .settings(settings)
            .http_client(http)
            .clock(Arc::new(clock.clone()))
            .data_dir(dir.path().join("data"))
            .build()
            .await
            .unwrap();
        Self {
            sim,
            clock,
            connector,
            _dir: dir,
        }
    }

    async fn connect(&self) -> Connection<Robinhood> {
        self.connector.robinhood().await.unwrap()
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(&self.sim, by);
    }

    /// Lets time pass a hundred times as fast until something has come about.
    async fn step_until(&self, done: impl Fn() -> bool) {
        while !done() {
            self.advance(Duration::from_millis(200));
            self.clock.sleep(Duration::from_millis(2)).await;
        }
    }

    /// How often a refresh was asked for, as far as the broker has seen.
    fn posts(&self) -> usize {
        let ledger = self.sim.robinhood().ledger();
        ledger.count(Route::Token) - ledger.logins().len()
    }

    /// How many readings came with a token that the broker had ended.
    fn refused_reads(&self) -> usize {
        let requests = self.sim.robinhood().ledger().requests();
        let refused =
            |it: &&RequestRecord| it.route == Route::User.name() && it.fate == Fate::Answered(401);
        requests.iter().filter(refused).count()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tok_4_a_thousand_refreshes_with_a_fifth_of_the_answers_lost_end_without_a_loop() {
    let world = World::new().await;
    let faults = world.sim.robinhood().faults();
    let random = SeededRandom::new(4);
    let mut connection = world.connect().await;
    let (mut refreshed, mut over, mut lost) = (0, 0, 0);
    for _ in 0..1000 {
        world.advance(HOUR);
        let fault = (random.below(5) == 0).then(|| match random.below(5) {
            0 => Fault::new(Route::Token, Kind::DropAnswer),
            1 => Fault::new(Route::Token, Kind::Reset(Moment::AfterActing)),
            2 => Fault::new(Route::Token, Kind::Truncate { keep: 40 }),
            3 => Fault::new(Route::Token, Kind::Html(502)).acting(true),
            // Not even the request has come through; that cannot be told from the others.
            _ => Fault::new(Route::Token, Kind::Reset(Moment::AfterRead)),
        });
        let fault = fault.map(|fault| faults.add(fault.times(1)));
        let before = world.posts();
        let read = connection.broker.user().await;
        let posts = world.posts() - before;
        assert!((1..=2).contains(&posts), "{posts} posts: {read:?}");
        if let Some(fault) = fault {
            assert_eq!(faults.played(fault), 1);
            faults.remove(fault);
            lost += 1;
        }
        match read {
            Ok(_) => refreshed += 1,
            Err(error) => {
                assert_eq!(error.code(), 1006, "{error}");
                assert!(fault.is_some(), "{error}");
                over += 1;
                // Whoever asks again is told the same, and nothing is sent.
                let again = connection.broker.user().await.unwrap_err();
                assert_eq!((again.code(), world.posts() - before), (1006, posts));
                // The limit that the adapter keeps on logins would be waited for.
                world.advance(MINUTE);
                connection = world.connect().await;
                assert!(!connection.resumed);
            }
        }
    }
    assert_eq!(refreshed + over, 1000);
    assert!((150..=250).contains(&lost) && over > 100, "{lost} {over}");
    let logins = world.sim.robinhood().ledger().logins().len();
    assert_eq!(logins, over + 1);
    println!("{lost} answers lost: {refreshed} refreshed, {over} ended with 1006");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tok_5_a_thousand_late_401s_for_an_old_token_refresh_nothing() {
    const AT_ONCE: usize = 20;
    let world = World::new().await;
    let connection = world.connect().await;
    let faults = world.sim.robinhood().faults();
    let (mut late, mut rounds) = (0, 0);
    while late < 1000 {
        rounds += 1;
        let held = faults.add(Fault::new(Route::User, Kind::DelayRequest(HELD)).times(20));
        let mut reads = Vec::new();
        for _ in 0..AT_ONCE {
            let broker = connection.broker.clone();
            reads.push(tokio::spawn(async move { broker.user().await }));
        }
        // The adapter's limit lets them out one after the other.
        world.step_until(|| faults.played(held) == 20).await;
        // The refresh ends their token while they are on the way.
        connection.session.refresh().await.unwrap();
        world.clock.sleep(HELD).await;
        world
            .step_until(|| reads.iter().all(|read| read.is_finished()))
            .await;
        for read in reads {
            read.await.unwrap().unwrap();
        }
        faults.remove(held);
        late = world.refused_reads();
        assert!(rounds < 200, "the refresh is always late, not the answers");
        world.advance(MINUTE * 10);
    }
    let ledger = world.sim.robinhood().ledger();
    let refreshes = ledger.refreshes();
    assert_eq!(
        refreshes.len(),
        rounds,
        "none but those that were asked for"
    );
    assert!(refreshes.iter().all(|it| it.accepted && !it.reused));
    // Each that was refused with the old token was sent again with the new one.
    assert_eq!(ledger.count(Route::User), AT_ONCE * rounds + late);
    let token = connection.session.token().await.unwrap();
    assert_eq!(token.generation(), rounds as u64 + 1);
    assert_eq!(ledger.logins().len(), 1);
}
