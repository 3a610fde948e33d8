//! What tests stand on: a clock that hurries, a user at the simulator, a user at a scripted server.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use time::OffsetDateTime;
use wheelhouse_core::{
    AccessToken, AccountId, Broker, BrokerExt, Clock, Instrument, Result, SecretString, Sleep,
    TokenSource,
};
use wheelhouse_http::{Deadlines, HttpClient, RetryPolicy};
use wheelhouse_session::{Credentials, LoginRequest, Session, SessionManager};
use wheelhouse_sim::{
    Sim,
    tradelocker::{RateLimits, Settings, UserSpec},
};
use wheelhouse_tradelocker::{Environment, TradeLocker, TradeLockerAuth, TradeLockerBuilder};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path, path_regex},
};

/// Waits pass this many times faster than on the wall.
const HURRY: u32 = 60;

/// A clock whose waits are short; its wall time is real, or begins where a test says.
#[derive(Debug)]
pub(crate) struct Hurried {
    hurry: u32,
    began: Instant,
    wall: Mutex<OffsetDateTime>,
    skipped: Mutex<Duration>,
}

impl Hurried {
    pub(crate) fn real() -> Arc<Self> {
        Self::at(OffsetDateTime::now_utc())
    }

    pub(crate) fn at(wall: OffsetDateTime) -> Arc<Self> {
        Self::times(HURRY, wall)
    }

    pub(crate) fn times(hurry: u32, wall: OffsetDateTime) -> Arc<Self> {
        Arc::new(Self {
            hurry,
            began: Instant::now(),
            wall: Mutex::new(wall),
            skipped: Mutex::default(),
        })
    }

    /// Sets the wall clock forward or back.
    pub(crate) fn turn(&self, by: time::Duration) {
        *self.wall.lock().unwrap() += by;
    }

    /// Lets time pass at once.
    pub(crate) fn skip(&self, span: Duration) {
        *self.skipped.lock().unwrap() += span;
    }
}

impl Clock for Hurried {
    fn now(&self) -> OffsetDateTime {
        *self.wall.lock().unwrap() + *self.skipped.lock().unwrap() + self.began.elapsed()
    }

    fn monotonic(&self) -> Duration {
        *self.skipped.lock().unwrap() + self.began.elapsed() * self.hurry
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration / self.hurry))
    }
}

/// An HTTP client whose deadlines are generous in real time: they are measured on the clock.
pub(crate) fn http(clock: Arc<dyn Clock>) -> HttpClient {
    http_within(clock, Duration::from_secs(300))
}

/// An HTTP client that waits this long for each step of a call.
fn http_within(clock: Arc<dyn Clock>, step: Duration) -> HttpClient {
    let deadlines = Deadlines::default()
        .with_connect(step)
        .with_headers(step)
        .with_idle(step)
        .with_total(2 * step);
    HttpClient::builder()
        .clock(clock)
        .deadlines(deadlines)
        .retry(RetryPolicy::default())
        .build()
        .unwrap()
}

/// A user at the simulator.
pub(crate) struct AtSim {
    pub(crate) sim: Sim,
    pub(crate) broker: TradeLocker,
    pub(crate) account: AccountId,
    pub(crate) session: Arc<Session>,
    pub(crate) clock: Arc<Hurried>,
}

impl AtSim {
    pub(crate) async fn new() -> Self {
        Self::with(
            Settings::new().rate_limits(RateLimits::off()),
            UserSpec::demo(),
        )
        .await
    }

    /// One whose calls end after a second on the wall, or two.
    pub(crate) async fn impatient() -> Self {
        let settings = Settings::new().rate_limits(RateLimits::off());
        Self::within(settings, UserSpec::demo(), Duration::from_secs(60)).await
    }

    pub(crate) async fn with(settings: Settings, user: UserSpec) -> Self {
        Self::within(settings, user, Duration::from_secs(300)).await
    }

    /// One whose clock runs as fast as the simulator's.
    pub(crate) async fn unhurried(settings: Settings) -> Self {
        let clock = Hurried::times(1, OffsetDateTime::now_utc());
        Self::on(clock, settings, UserSpec::demo(), Duration::from_secs(5)).await
    }

    async fn within(settings: Settings, user: UserSpec, step: Duration) -> Self {
        Self::on(Hurried::real(), settings, user, step).await
    }

    async fn on(clock: Arc<Hurried>, settings: Settings, user: UserSpec, step: Duration) -> Self {
        let sim = Sim::builder()
            .tradelocker("127.0.0.1:0".parse().unwrap())
            .settings(settings)
            .user(user)
            .start()
            .await
            .unwrap();
        let environment = Environment::Custom(sim.tradelocker().origin());
        let http = http_within(clock.clone(), step);
        let auth = TradeLockerAuth::new(&http, &environment)
            .unwrap()
            .with_server("DEMO");
        let manager = SessionManager::in_memory()
            .clock(clock.clone())
            .build()
            .unwrap();
        let credentials = Credentials::new("demo@example.com", "demo-password".into()).unwrap();
        let login = manager
            .create(LoginRequest::new(Arc::new(auth), credentials))
            .await;
        let session = Arc::new(login.unwrap().ready().unwrap());
        let broker = TradeLocker::builder()
            .environment(environment)
            .server("DEMO")
            .http(http)
            .session(session.clone())
            .build()
            .unwrap();
        let account = broker.accounts().await.unwrap()[0].id.clone();
        Self {
            sim,
            broker,
            account,
            session,
            clock,
        }
    }

    pub(crate) async fn instrument(&self, symbol: &str) -> Instrument {
        self.broker
            .find_instrument(&self.account, symbol)
            .await
            .unwrap()
    }
}

/// A token that is always good, and counts how often it was found to be bad.
#[derive(Debug, Default)]
pub(crate) struct Token {
    pub(crate) replaced: AtomicU64,
}

#[async_trait]
impl TokenSource for Token {
    async fn token(&self) -> Result<AccessToken> {
        let generation = self.replaced.load(Ordering::SeqCst);
        Ok(AccessToken::new(
            SecretString::from(format!("canary-token-{generation}")),
            generation,
            None,
        ))
    }

    async fn replace(&self, _: &AccessToken) -> Result<AccessToken> {
        self.replaced.fetch_add(1, Ordering::SeqCst);
        self.token().await
    }
}

/// A user at a server that answers with samples.
pub(crate) struct AtServer {
    pub(crate) server: MockServer,
    pub(crate) broker: TradeLocker,
    pub(crate) account: AccountId,
    pub(crate) token: Arc<Token>,
}

/// The samples are of this time.
pub(crate) const THEN: OffsetDateTime = time::macros::datetime!(2030-01-01 00:00:30 UTC);

impl AtServer {
    pub(crate) async fn new() -> Self {
        Self::built(|builder| builder).await
    }

    pub(crate) async fn built(
        complete: impl FnOnce(TradeLockerBuilder) -> TradeLockerBuilder,
    ) -> Self {
        let server = MockServer::start().await;
        for (route, name) in [
            ("/auth/jwt/all-accounts", "auth_jwt_all_accounts_200"),
            ("/trade/config", "trade_config_200"),
            (
                "/trade/accounts/1002003/instruments",
                "trade_instruments_200",
            ),
            ("/trade/instruments/206", "trade_instrument_details_200"),
            ("/trade/instruments/278", "trade_instrument_details_fx_200"),
            ("/trade/accounts/1002003/positions", "trade_positions_200"),
            ("/trade/accounts/1002003/orders", "trade_orders_200"),
            (
                "/trade/accounts/1002003/ordersHistory",
                "trade_orders_history_200",
            ),
        ] {
            mount(&server, "GET", route, sample(name), 200).await;
        }
        let token = Arc::new(Token::default());
        let builder = TradeLocker::builder()
            .environment(Environment::Custom(server.uri()))
            .http(http(Hurried::at(THEN)))
            .session(token.clone());
        let broker = complete(builder).build().unwrap();
        let account = AccountId::new("1002003").unwrap();
        Self {
            server,
            broker,
            account,
            token,
        }
    }

    /// Answers a route with a sample from now on.
    pub(crate) async fn answer(&self, verb: &str, route: &str, name: &str) {
        self.body(verb, route, 200, sample(name)).await;
    }

    /// Answers a route with a body from now on.
    pub(crate) async fn body(&self, verb: &str, route: &str, status: u16, body: impl Into<String>) {
        let template = ResponseTemplate::new(status).set_body_raw(body.into(), "application/json");
        self.respond(verb, route, template).await;
    }

    pub(crate) async fn respond(&self, verb: &str, route: &str, template: ResponseTemplate) {
        Mock::given(method(verb))
            .and(path_regex(format!("^/backend-api{route}$")))
            .respond_with(template)
            .with_priority(1)
            .mount(&self.server)
            .await;
    }

    /// Answers a route `times` times; called again before `respond`, it says what comes next.
    pub(crate) async fn respond_first(
        &self,
        verb: &str,
        route: &str,
        template: ResponseTemplate,
        times: u64,
    ) {
        Mock::given(method(verb))
            .and(path_regex(format!("^/backend-api{route}$")))
            .respond_with(template)
            .up_to_n_times(times)
            .with_priority(1)
            .mount(&self.server)
            .await;
    }

    /// Answers a route as a raw sample says: status, headers and body.
    pub(crate) async fn raw(&self, verb: &str, route: &str, name: &str) {
        self.respond(verb, route, raw_sample(name)).await;
    }

    /// Returns the requests of a route.
    pub(crate) async fn requests(&self, verb: &str, route: &str) -> Vec<wiremock::Request> {
        let route = format!("/backend-api{route}");
        let requests = self.server.received_requests().await.unwrap();
        requests
            .into_iter()
            .filter(|request| request.method.as_str() == verb && request.url.path() == route)
            .collect()
    }

    pub(crate) async fn instrument(&self, symbol: &str) -> Instrument {
        self.broker
            .find_instrument(&self.account, symbol)
            .await
            .unwrap()
    }
}

async fn mount(server: &MockServer, verb: &str, route: &str, body: String, status: u16) {
    Mock::given(method(verb))
        .and(path(format!("/backend-api{route}")))
        .respond_with(ResponseTemplate::new(status).set_body_raw(body, "application/json"))
        .with_priority(9)
        .mount(server)
        .await;
}

pub(crate) fn sample(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(format!("{name}.json"));
    std::fs::read_to_string(file).unwrap()
}

pub(crate) fn raw_sample(name: &str) -> ResponseTemplate {
    let raw: serde_json::Value =
        serde_json::from_str(&sample(&format!("raw_http/{name}"))).unwrap();
    let status = u16::try_from(raw["status"].as_u64().unwrap()).unwrap();
    let mut template = ResponseTemplate::new(status);
    let mut kind = String::new();
    for (key, value) in raw["headers"].as_object().unwrap() {
        if key == "content-type" {
            kind = value.as_str().unwrap().to_owned();
        } else {
            template = template.insert_header(key.as_str(), value.as_str().unwrap());
        }
    }
    template.set_body_raw(raw["body"].as_str().unwrap(), &kind)
}
