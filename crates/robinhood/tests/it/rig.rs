//! What tests stand on: a clock that skips waits, for this side and the simulator alike, and a user
//! at the simulator.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use time::{OffsetDateTime, Weekday};
use wheelhouse_core::{
    AccessToken, AccountId, BrokerExt, Clock, Instrument, Result, SecretString, Sleep, TokenSource,
};
use wheelhouse_http::{Deadlines, HttpClient};
use wheelhouse_robinhood::{Environment, Robinhood, RobinhoodAuth, RobinhoodConfig};
use wheelhouse_session::{Credentials, Login, LoginRequest, Session, SessionManager};
use wheelhouse_sim::{
    Sim, Start,
    robinhood::{AccountSpec, LoginFlow, RobinhoodSim, Settings, UserSpec},
};

/// Waits as long as this are deadlines of the pipeline; shorter ones are skipped.
const DEADLINE: Duration = Duration::from_secs(100);

/// When the tests take place: a Wednesday, ten o'clock in New York.
pub(crate) const START: OffsetDateTime = time::macros::datetime!(2026-11-18 15:00 UTC);

/// A clock whose waits take no time: they pass at once, here and at the simulator. Nothing else moves
/// it, so a slow machine is as good as a fast one.
#[derive(Debug)]
pub(crate) struct Skipping {
    wall: OffsetDateTime,
    skipped: AtomicU64,
    sim: OnceLock<Arc<Sim>>,
}

impl Skipping {
    pub(crate) fn new() -> Arc<Self> {
        Self::at(START)
    }

    /// Begins at another time.
    pub(crate) fn at(wall: OffsetDateTime) -> Arc<Self> {
        Arc::new(Self {
            wall,
            skipped: AtomicU64::new(0),
            sim: OnceLock::new(),
        })
    }

    pub(crate) fn skip(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap() + 1;
        self.skipped.fetch_add(millis, Ordering::SeqCst);
        if let Some(sim) = self.sim.get() {
            sim.advance(Duration::from_millis(millis));
        }
    }

    /// Goes ahead of the simulator by so much more.
    pub(crate) fn run_ahead(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap();
        self.skipped.fetch_add(millis, Ordering::SeqCst);
    }

    /// How much time was skipped so far.
    pub(crate) fn skipped(&self) -> Duration {
        Duration::from_millis(self.skipped.load(Ordering::SeqCst))
    }
}

/// Handed out as a clock; the skipping happens when a sleep is first looked at.
#[derive(Clone, Debug)]
pub(crate) struct SkipClock(pub(crate) Arc<Skipping>);

impl Clock for SkipClock {
    fn now(&self) -> OffsetDateTime {
        self.0.wall + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.0.skipped()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        if duration >= DEADLINE {
            return Box::pin(tokio::time::sleep(duration / 30));
        }
        let skipping = self.0.clone();
        Box::pin(async move {
            skipping.skip(duration);
            tokio::task::yield_now().await;
        })
    }
}

/// An HTTP client whose deadlines are ten seconds on the wall: a busy machine is no silent broker.
pub(crate) fn http(clock: &SkipClock) -> HttpClient {
    let step = 3 * DEADLINE;
    let deadlines = Deadlines::default()
        .with_connect(step)
        .with_headers(step)
        .with_idle(step)
        .with_total(2 * step);
    HttpClient::builder()
        .clock(Arc::new(clock.clone()))
        .deadlines(deadlines)
        .build()
        .unwrap()
}

/// A user at the simulator.
pub(crate) struct AtSim {
    pub(crate) sim: Arc<Sim>,
    pub(crate) clock: SkipClock,
    pub(crate) http: HttpClient,
    pub(crate) manager: SessionManager,
    pub(crate) session: Session,
    pub(crate) broker: Robinhood,
    pub(crate) account: AccountId,
}

pub(crate) const USER: &str = "demo@example.com";
pub(crate) const PASSWORD: &str = "demo-password";

pub(crate) fn credentials() -> Credentials {
    Credentials::new(USER, PASSWORD.into()).unwrap()
}

pub(crate) fn granted() -> Settings {
    let mut settings = Settings::new();
    settings.login = LoginFlow::Granted;
    settings
}

/// A user with one account and much money in it.
pub(crate) fn rich() -> UserSpec {
    let cash = "100000".parse().unwrap();
    UserSpec::new(USER, PASSWORD).account(AccountSpec::new("100200301").cash(cash))
}

/// Starts the simulator and its clock.
pub(crate) async fn start(settings: Settings, user: UserSpec) -> (Arc<Sim>, SkipClock) {
    let sim = Sim::builder()
        .time(Start::Frozen(START))
        .robinhood("127.0.0.1:0".parse().unwrap())
        .robinhood_settings(settings)
        .robinhood_user(user)
        .start()
        .await
        .unwrap();
    let sim = Arc::new(sim);
    let clock = SkipClock(Skipping::new());
    clock.0.sim.set(sim.clone()).unwrap();
    (sim, clock)
}

pub(crate) fn config(sim: &Sim) -> RobinhoodConfig {
    let mut config = RobinhoodConfig::default();
    config.environment = Environment::Custom(sim.robinhood().origin());
    config
}

impl AtSim {
    pub(crate) async fn new() -> Self {
        Self::with(granted(), UserSpec::demo()).await
    }

    pub(crate) async fn rich() -> Self {
        Self::with(granted(), rich()).await
    }

    pub(crate) async fn with(settings: Settings, user: UserSpec) -> Self {
        Self::built(settings, user, |config| config).await
    }

    pub(crate) async fn built(
        settings: Settings,
        user: UserSpec,
        change: impl FnOnce(RobinhoodConfig) -> RobinhoodConfig,
    ) -> Self {
        let (sim, clock) = start(settings, user).await;
        let config = change(config(&sim));
        let http = http(&clock);
        let auth = Arc::new(RobinhoodAuth::new(config.clone(), http.clone()).unwrap());
        let manager = SessionManager::in_memory()
            .clock(Arc::new(clock.clone()))
            .build()
            .unwrap();
        let login = manager
            .create(LoginRequest::new(auth, credentials()))
            .await
            .unwrap();
        let Login::Ready(session) = login else {
            panic!("{login:?}")
        };
        let builder = Robinhood::builder().config(config).http(http.clone());
        let broker = builder.session(session.clone()).build().unwrap();
        let account = AccountId::new("100200301").unwrap();
        Self {
            sim,
            clock,
            http,
            manager,
            session,
            broker,
            account,
        }
    }

    pub(crate) fn server(&self) -> &RobinhoodSim {
        self.sim.robinhood()
    }

    /// Waits for the next weekday, half past ten or eleven in New York: regular hours.
    pub(crate) fn wait_for_regular_hours(&self) {
        let now = self.clock.now();
        let mut open = now.replace_time(time::macros::time!(15:30));
        while open < now || matches!(open.weekday(), Weekday::Saturday | Weekday::Sunday) {
            open += time::Duration::DAY;
        }
        self.clock.0.skip((open - now).try_into().unwrap());
    }

    pub(crate) async fn instrument(&self, symbol: &str) -> Instrument {
        self.broker
            .find_instrument(&self.account, symbol)
            .await
            .unwrap()
    }
}

/// A token that is always good.
#[derive(Debug, Default)]
pub(crate) struct Token {
    pub(crate) replaced: AtomicU64,
}

pub(crate) const CANARY: &str = "canary-token";

#[async_trait]
impl TokenSource for Token {
    async fn token(&self) -> Result<AccessToken> {
        let generation = self.replaced.load(Ordering::SeqCst);
        let secret = SecretString::from(format!("{CANARY}-{generation}"));
        Ok(AccessToken::new(secret, generation, None))
    }

    async fn replace(&self, _: &AccessToken) -> Result<AccessToken> {
        self.replaced.fetch_add(1, Ordering::SeqCst);
        self.token().await
    }
}

/// A user at a server that answers with samples.
pub(crate) struct AtServer {
    pub(crate) server: wiremock::MockServer,
    pub(crate) clock: SkipClock,
    pub(crate) broker: Robinhood,
    pub(crate) account: AccountId,
}

pub(crate) fn sample(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub(crate) const F: &str = "1a55e189-5d08-417e-9e65-d549ba4b2a1b";
pub(crate) const PUT: &str = "be7c2476-573c-466d-8294-f7150e29271c";

impl AtServer {
    pub(crate) async fn new() -> Self {
        Self::built(|config| config).await
    }

    pub(crate) async fn built(change: impl FnOnce(RobinhoodConfig) -> RobinhoodConfig) -> Self {
        Self::built_at(START, change).await
    }

    /// At a server, at a time.
    pub(crate) async fn at(now: OffsetDateTime) -> Self {
        Self::built_at(now, |config| config).await
    }

    pub(crate) async fn built_at(
        now: OffsetDateTime,
        change: impl FnOnce(RobinhoodConfig) -> RobinhoodConfig,
    ) -> Self {
        let server = wiremock::MockServer::start().await;
        let clock = SkipClock(Skipping::at(now));
        let mut config = RobinhoodConfig::default();
        config.environment = Environment::Custom(server.uri());
        let broker = Robinhood::builder()
            .config(change(config))
            .http(http(&clock))
            .tokens(Arc::new(Token::default()), USER)
            .build()
            .unwrap();
        let account = AccountId::new("100200301").unwrap();
        let at = Self {
            server,
            clock,
            broker,
            account,
        };
        let option = format!("/options/instruments/{PUT}/");
        for (host, route, name) in [
            ("api", "/accounts/", "accounts"),
            (
                "bonfire",
                "/transfer/accounts/",
                "bonfire_transfer_accounts",
            ),
            ("api", "/accounts/100200302/", "account_detail_ira"),
            ("api", &format!("/instruments/{F}/"), "instrument_detail_F"),
            ("api", "/marketdata/quotes/", "marketdata_quotes"),
            ("api", "/options/instruments/", "options_instruments_F_puts"),
            ("api", &option, "option_instrument_detail_F_put_10"),
            (
                "api",
                "/options/chains/11057328-9f9a-46b3-b665-bc5dc944f363/",
                "options_chain_F",
            ),
            ("nummus", "/accounts/", "nummus_accounts"),
            ("nummus", "/currency_pairs/", "nummus_currency_pairs"),
        ] {
            at.mount("GET", host, route, 200, sample(name), 5).await;
        }
        at.mount(
            "GET",
            "api",
            "/accounts/100200303/",
            404,
            sample("error_404"),
            5,
        )
        .await;
        at
    }

    /// Lower priorities come first; 5 is that of the samples.
    pub(crate) async fn mount(
        &self,
        method: &str,
        host: &str,
        route: &str,
        status: u16,
        body: Vec<u8>,
        priority: u8,
    ) {
        let path = format!("/{host}.robinhood.com{route}");
        wiremock::Mock::given(wiremock::matchers::method(method))
            .and(wiremock::matchers::path(path))
            .respond_with(
                wiremock::ResponseTemplate::new(status).set_body_raw(body, "application/json"),
            )
            .with_priority(priority)
            .mount(&self.server)
            .await;
    }

    pub(crate) async fn sent(&self, method: &str, end: &str) -> Vec<wiremock::Request> {
        let requests = self.server.received_requests().await.unwrap();
        let fits =
            |it: &wiremock::Request| it.method.as_str() == method && it.url.path().ends_with(end);
        requests.into_iter().filter(fits).collect()
    }
}
