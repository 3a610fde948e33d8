use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::signature::{Ed25519KeyPair, KeyPair};
use wheelhouse_core::{
    AccountId, Broker, BrokerExt, ClientOrderId, Clock, InstrumentId, OrderRequest, OrderSize,
    Quantity, SecretString, Side, dec,
};
use wheelhouse_http::{Deadlines, HttpClient};
use wheelhouse_ratelimit::{LimitClass, LimitScope, Quota};
use wheelhouse_robinhood::{CryptoApiVersion, RobinhoodCrypto, RobinhoodCryptoConfig};
use wheelhouse_sim::{
    Sim, Start,
    robinhood_crypto::{Duplicate, Settings, UserSpec},
};
use wheelhouse_testkit::{DrillOrder, FaultPlan, FaultProxy, LedgerEntry, Pace, ScaledClock};

/// How long a client waits for an answer, in real time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

const USERS: usize = 4;
/// How much faster than the machine's clock the client's runs. A much faster one would measure how
/// busy the machine is.
const SPEED: u32 = 2;
const SEED: u64 = 20_261_122;
const MINUTE: Duration = Duration::from_secs(60);

/// A server, and a proxy before it that breaks a fifth of the placements.
pub(crate) struct Rig {
    pub(crate) proxy: FaultProxy,
    pub(crate) clock: Arc<dyn Clock>,
    version: CryptoApiVersion,
    sim: Arc<Sim>,
    _pace: Pace,
}

/// A user with an account.
pub(crate) struct Trader {
    pub(crate) broker: Arc<dyn Broker>,
    account: AccountId,
    known_within: Duration,
}

impl Rig {
    pub(crate) async fn start(version: CryptoApiVersion, duplicate: Duplicate) -> Self {
        let clock = ScaledClock::new(SPEED);
        let mut settings = Settings::new();
        settings.limit = None;
        settings.duplicate = duplicate;
        let mut builder = Sim::builder()
            .robinhood_crypto("127.0.0.1:0".parse().unwrap())
            .time(Start::Frozen(clock.now()))
            .robinhood_crypto_settings(settings);
        for number in 0..USERS {
            let public = STANDARD.encode(key_pair(number).public_key());
            let user = UserSpec::new(api_key(number), public, account(number));
            builder = builder.robinhood_crypto_user(user.cash(dec!(1_000_000_000)));
        }
        let sim = Arc::new(builder.start().await.unwrap());
        let plan = FaultPlan::seeded(SEED)
            .percent(20)
            .delay(PATIENCE * 3 / 2)
            .only(|head| head.method == "POST" && head.path.contains("/trading/orders/"));
        let server = sim.robinhood_crypto().addr();
        let proxy = FaultProxy::start(server, plan).await.unwrap();
        let follower = sim.clone();
        let pace = clock.lead(move |now| follower.advance_to(now));
        Self {
            proxy,
            clock: Arc::new(clock),
            version,
            sim,
            _pace: pace,
        }
    }

    /// Makes a broker for each user, as a program does that has just started. The last user says
    /// after 20 s that an order is not there: the server shows everything at once. So all is known
    /// in a minute. The others wait as long as they do by default, and then know within another
    /// minute.
    pub(crate) async fn traders(&self) -> Vec<Trader> {
        let patience = PATIENCE * SPEED;
        let deadlines = Deadlines::default()
            .with_connect(5 * patience)
            .with_headers(patience)
            .with_idle(patience)
            .with_total(10 * patience);
        let http = HttpClient::builder()
            .clock(self.clock.clone())
            .deadlines(deadlines)
            .build()
            .unwrap();
        let mut traders = Vec::new();
        for number in 0..USERS {
            let scope = LimitScope::new(api_key(number));
            // The published limit would stretch this to an hour and a half.
            let class = LimitClass::new("robinhood_crypto.requests", Quota::per_second(1));
            let quota = Quota::per_second(1_000_000);
            http.limiter().configure(&scope, class, quota).await;
            let mut config = RobinhoodCryptoConfig::default();
            config.base_url = format!("http://{}", self.proxy.addr());
            config.version = self.version;
            let mut known_within = config.consistency_window + MINUTE;
            if number == USERS - 1 {
                config.consistency_window = Duration::from_secs(20);
                known_within = MINUTE;
            }
            let broker = RobinhoodCrypto::builder()
                .config(config)
                .http(http.clone())
                .api_key(SecretString::from(api_key(number)))
                .private_key(SecretString::from(STANDARD.encode(seed(number))))
                .limit_scope(scope)
                .build()
                .unwrap();
            let account = broker.accounts().await.unwrap().only().unwrap().id;
            broker.find_instrument(&account, "BTC-USD").await.unwrap();
            traders.push(Trader {
                broker: Arc::new(broker),
                account,
                known_within,
            });
        }
        traders
    }

    /// Returns every order that the server really has.
    pub(crate) fn ledger(&self) -> Vec<LedgerEntry> {
        let ledger = self.sim.robinhood_crypto().ledger();
        assert_eq!(ledger.forgotten(), 0);
        assert_eq!(ledger.rejections(), []);
        let placements = ledger.placements().into_iter();
        placements
            .map(|it| LedgerEntry::new(it.client_order_id, it.order_id))
            .collect()
    }
}

impl Trader {
    pub(crate) fn order(&self, number: usize) -> DrillOrder {
        let (broker, request) = (self.broker.clone(), self.request(number));
        DrillOrder::new(broker, request, identifier(number)).known_within(self.known_within)
    }

    /// Makes an order: one in four at market, the others far below it.
    pub(crate) fn request(&self, number: usize) -> OrderRequest {
        let pair = InstrumentId::new("BTC-USD").unwrap();
        let size = OrderSize::Units(Quantity::new(dec!(0.0001)));
        let request = if number.is_multiple_of(4) {
            OrderRequest::market(&self.account, pair, Side::Buy, size)
        } else {
            OrderRequest::limit(&self.account, pair, Side::Buy, size, dec!(30_000))
        };
        request.client_order_id(ClientOrderId::new(identifier(number)).unwrap())
    }
}

pub(crate) fn identifier(number: usize) -> String {
    format!("5f0e0000-0000-4000-8000-{number:012}")
}

pub(crate) fn api_key(number: usize) -> String {
    format!("rh-api-5f0e0000-0000-4000-8000-{number:012}")
}

pub(crate) fn account(number: usize) -> String {
    (100_000_000_000 + number).to_string()
}

pub(crate) fn key_pair(number: usize) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&seed(number)).unwrap()
}

fn seed(number: usize) -> [u8; 32] {
    [number as u8 + 1; 32]
}
