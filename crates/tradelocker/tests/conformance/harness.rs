use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use wheelhouse_core::{ClientOrderId, Clock, SecretString, TokenSource};
use wheelhouse_http::{Deadlines, HttpClient};
use wheelhouse_session::{Credentials, LoginRequest, Session, SessionManager};
use wheelhouse_sim::{
    Fault, Kind, Sim, Start,
    faults::Moment,
    tradelocker::{RateLimits, Route, Settings, UserSpec},
};
use wheelhouse_testkit::{
    ScaledClock, TestFailure,
    broker::{Backstage, BrokerHarness, BrokerWorld, Trouble},
};
use wheelhouse_tradelocker::{Environment, TradeLocker, TradeLockerAuth};

/// How much faster than the machine's clock the worlds run.
const SPEED: u32 = 100;
const PASSWORD: &str = "canary-pass/word \"7\"";
const REFUSAL: &str =
    r#"{"s":"error","errmsg":"Not enough margin to create Order #7100000000907785999 Buy 0.01"}"#;

/// Starts a simulated TradeLocker and logs a user in.
#[derive(Default)]
pub struct SimHarness {
    tokens: Mutex<Vec<String>>,
}

#[async_trait]
impl BrokerHarness for SimHarness {
    type Broker = TradeLocker;

    async fn start(&self) -> Result<BrokerWorld<TradeLocker>, TestFailure> {
        let clock: Arc<dyn Clock> = Arc::new(ScaledClock::new(SPEED));
        let user = UserSpec::new("kit@example.com", PASSWORD, "DEMO").account_count(1);
        let sim = Sim::builder()
            .tradelocker("127.0.0.1:0".parse()?)
            .time(Start::Frozen(clock.now()))
            .settings(Settings::new().rate_limits(RateLimits::off()))
            .user(user)
            .start()
            .await?;
        let sim = Arc::new(sim);
        let environment = Environment::Custom(sim.tradelocker().origin());
        let http = HttpClient::builder()
            .clock(clock.clone())
            .origin(environment.base_url()?.origin().clone())
            .deadlines(patient())
            .build()?;
        let auth = Arc::new(TradeLockerAuth::new(&http, &environment)?.with_server("DEMO"));
        let manager = SessionManager::in_memory().clock(clock.clone()).build()?;
        let password = SecretString::from(PASSWORD);
        let credentials = Credentials::new("kit@example.com", password)?;
        let login = LoginRequest::new(auth, credentials);
        let session = manager.create(login).await?.ready()?;
        let token = session.token().await?.expose().to_owned();
        self.tokens.lock().unwrap().push(token);
        let broker = TradeLocker::builder()
            .environment(environment)
            .http(http)
            .session(Arc::new(session.clone()))
            .build()?;
        let pace = tokio::spawn(keep_pace(Arc::downgrade(&sim), clock));
        Ok(BrokerWorld {
            broker,
            // These two trade around the clock.
            symbols: ["BTCUSD".to_owned(), "ETHUSD".to_owned()],
            account: None,
            backstage: Box::new(Behind {
                sim,
                pace,
                _session: session,
            }),
        })
    }

    fn secrets(&self) -> Vec<String> {
        let mut secrets = self.tokens.lock().unwrap().clone();
        secrets.push(PASSWORD.to_owned());
        secrets
    }
}

/// Deadlines are on the fast clock: three real seconds.
fn patient() -> Deadlines {
    let long = Duration::from_secs(3 * u64::from(SPEED));
    Deadlines::default()
        .with_connect(long)
        .with_headers(long)
        .with_idle(long)
        .with_total(2 * long)
}

/// Lets the simulator's time go with the client's.
#[expect(
    clippy::disallowed_methods,
    reason = "the fast clock rests on real time"
)]
async fn keep_pace(sim: std::sync::Weak<Sim>, clock: Arc<dyn Clock>) {
    loop {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let Some(sim) = sim.upgrade() else {
            return;
        };
        if let Ok(behind) = Duration::try_from(clock.now() - sim.now()) {
            sim.advance(behind);
        }
    }
}

struct Behind {
    sim: Arc<Sim>,
    pace: tokio::task::JoinHandle<()>,
    _session: Session,
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.pace.abort();
    }
}

impl fmt::Debug for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Behind")
            .field("sim", &self.sim)
            .field("session", &self._session)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Backstage for Behind {
    async fn orders_placed(&self, id: Option<&ClientOrderId>) -> Option<usize> {
        let ledger = self.sim.tradelocker().ledger();
        Some(match id {
            Some(id) => ledger.placements_of(id.as_str()).len(),
            None => ledger.placements().len(),
        })
    }

    async fn requests(&self) -> Option<u64> {
        u64::try_from(self.sim.tradelocker().ledger().requests().len()).ok()
    }

    async fn changes(&self) -> Option<u64> {
        let requests = self.sim.tradelocker().ledger().requests();
        let changes = requests
            .iter()
            .filter(|request| request.method != "GET" && !request.path.contains("/auth/"));
        u64::try_from(changes.count()).ok()
    }

    async fn cause(&self, trouble: Trouble) -> bool {
        let broker = self.sim.tradelocker();
        let fault = match trouble {
            Trouble::BreakReads => {
                let fault = Fault::new(Route::Orders, Kind::Truncate { keep: 20 });
                broker.faults().add(fault);
                return true;
            }
            Trouble::ExpireToken => {
                broker.expire_access_tokens();
                return true;
            }
            Trouble::LimitRead => Fault::new(Route::Orders, limit()),
            Trouble::LoseAnswer => Fault::new(Route::PlaceOrder, Kind::DropAnswer),
            Trouble::LoseClosingAnswer => Fault::new(Route::ClosePosition, Kind::DropAnswer),
            Trouble::LoseRequest => Fault::new(Route::PlaceOrder, Kind::Reset(Moment::AfterRead)),
            Trouble::RefuseOrder => Fault::new(Route::PlaceOrder, refusal()),
            _ => return false,
        };
        broker.faults().add(fault.times(1));
        true
    }
}

fn refusal() -> Kind {
    Kind::Status {
        status: 200,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: REFUSAL.to_owned(),
    }
}

fn limit() -> Kind {
    Kind::Status {
        status: 429,
        headers: vec![("Retry-After".to_owned(), "2".to_owned())],
        body: String::new(),
    }
}
