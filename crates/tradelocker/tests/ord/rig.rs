use std::{sync::Arc, time::Duration};

use wheelhouse_core::{
    AccountId, Broker, BrokerExt, ClientOrderId, Clock, Instrument, OrderRequest, SecretString,
    Side, dec, lots,
};
use wheelhouse_http::{Deadlines, HttpClient};
use wheelhouse_session::{Credentials, LoginRequest, SessionManager};
use wheelhouse_sim::{
    Sim, Start,
    tradelocker::{AccountSpec, Placement, RateLimits, Settings, UserSpec},
};
use wheelhouse_testkit::{DrillOrder, FaultPlan, FaultProxy, LedgerEntry, Pace, ScaledClock};
use wheelhouse_tradelocker::{Environment, TradeLocker, TradeLockerAuth, TradeLockerConfig};

pub const PLACEMENTS: usize = 10_000;
pub const IN_FLIGHT: usize = 64;
/// How long a client waits for an answer, in real time.
pub const PATIENCE: Duration = Duration::from_secs(1);
pub const PASSWORD: &str = "ord-password";
pub const SERVER: &str = "DEMO";
/// Trades around the clock.
pub const SYMBOL: &str = "BTCUSD";
pub const PRICE: &str = "60000";

const USERS: usize = 4;
const ACCOUNTS_EACH: usize = 5;
/// How much faster than the machine's clock the client's runs.
const SPEED: u32 = 4;
const SEED: u64 = 20_261_122;
const MINUTE: Duration = Duration::from_secs(60);

/// A server, and a proxy before it that breaks a fifth of the placements.
pub struct Rig {
    pub sim: Arc<Sim>,
    pub proxy: FaultProxy,
    pub clock: Arc<dyn Clock>,
    _pace: Pace,
}

/// An account of a user who is logged in.
pub struct Trader {
    broker: Arc<dyn Broker>,
    account: AccountId,
    instrument: Instrument,
    known_within: Duration,
}

impl Rig {
    pub async fn start() -> Self {
        let clock = ScaledClock::new(SPEED);
        let mut builder = Sim::builder()
            .tradelocker("127.0.0.1:0".parse().unwrap())
            .time(Start::Frozen(clock.now()))
            .settings(Settings::new().rate_limits(RateLimits::off()));
        for number in 0..USERS {
            let accounts = (0..ACCOUNTS_EACH)
                .map(|of| AccountSpec::new(account(number, of)).balance(dec!(1_000_000_000)));
            builder =
                builder.user(UserSpec::new(email(number), PASSWORD, SERVER).accounts(accounts));
        }
        let sim = Arc::new(builder.start().await.unwrap());
        sim.tradelocker()
            .set_price(SYMBOL, PRICE.parse().unwrap())
            .unwrap();
        let plan = FaultPlan::seeded(SEED)
            .percent(20)
            .delay(PATIENCE * 3 / 2)
            .only(|head| head.method == "POST" && head.path.ends_with("/orders"));
        let proxy = FaultProxy::start(sim.tradelocker().addr(), plan)
            .await
            .unwrap();
        let follower = sim.clone();
        let pace = clock.lead(move |now| follower.advance_to(now));
        Self {
            sim,
            proxy,
            clock: Arc::new(clock),
            _pace: pace,
        }
    }

    /// Logs all users in, through the proxy; gives one for each of their accounts. The last user says
    /// after 20 s that an order is not there: the server shows everything at once. So all is known in
    /// a minute. The others wait as long as they do by default, and then know within another minute.
    pub async fn traders(&self) -> Vec<Trader> {
        let environment = Environment::Custom(format!("http://{}", self.proxy.addr()));
        let patience = PATIENCE * SPEED;
        let http = HttpClient::builder()
            .clock(self.clock.clone())
            .origin(environment.base_url().unwrap().origin().clone())
            .deadlines(
                Deadlines::default()
                    .with_connect(5 * patience)
                    .with_headers(patience)
                    .with_idle(patience)
                    .with_total(10 * patience),
            )
            .build()
            .unwrap();
        let auth = TradeLockerAuth::new(&http, &environment).unwrap();
        let auth = Arc::new(auth.with_server(SERVER));
        let manager = SessionManager::in_memory()
            .clock(self.clock.clone())
            .build()
            .unwrap();
        let mut traders = Vec::new();
        for number in 0..USERS {
            let password = SecretString::from(PASSWORD);
            let credentials = Credentials::new(email(number), password).unwrap();
            let login = LoginRequest::new(auth.clone(), credentials);
            let session = manager.create(login).await.unwrap().ready().unwrap();
            let mut config = TradeLockerConfig::default();
            config.environment = environment.clone();
            let mut known_within = config.consistency_window + MINUTE;
            if number == USERS - 1 {
                config.consistency_window = Duration::from_secs(20);
                known_within = MINUTE;
            }
            let broker = TradeLocker::builder()
                .config(config)
                .http(http.clone())
                .session(Arc::new(session))
                .build()
                .unwrap();
            for account in broker.accounts().await.unwrap() {
                let instrument = broker.find_instrument(&account, SYMBOL).await.unwrap();
                // The limits that the server publishes come with the columns of its tables.
                broker.all_positions(&account).await.unwrap();
                traders.push(Trader {
                    broker: Arc::new(broker.clone()),
                    account: account.id,
                    instrument,
                    known_within,
                });
            }
        }
        traders
    }

    /// Returns every order that the server really has.
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        let ledger = self.sim.tradelocker().ledger();
        assert_eq!(ledger.forgotten(), 0);
        let entry =
            |it: Placement| LedgerEntry::new(it.strategy_id.unwrap_or_default(), it.order_id);
        ledger.placements().into_iter().map(entry).collect()
    }
}

impl Trader {
    /// Makes an order: one in five at market, the others far below it.
    pub fn order(&self, turn: usize) -> DrillOrder {
        let (account, instrument) = (&self.account, &self.instrument);
        let request = if turn.is_multiple_of(5) {
            OrderRequest::market(account, instrument, Side::Buy, lots!(0.01))
        } else {
            OrderRequest::limit(account, instrument, Side::Buy, lots!(0.01), dec!(30_000))
        };
        let id = ClientOrderId::new(format!("ORD-{}-{turn:05}", self.account)).unwrap();
        let request = request.client_order_id(id.clone());
        DrillOrder::new(self.broker.clone(), request, id).known_within(self.known_within)
    }
}

pub fn email(number: usize) -> String {
    format!("user{number}@example.com")
}

pub fn account(number: usize, of: usize) -> String {
    (2_000_000 + 1_000 * number + of).to_string()
}
