use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::signature::{Ed25519KeyPair, KeyPair};
use wheelhouse_core::{
    AccountId, Broker, BrokerExt, ClientOrderId, Clock, InstrumentId, OrderRequest, OrderSize,
    Quantity, SecretString, Side, SystemClock, dec,
};
use wheelhouse_http::{Deadlines, HttpClient};
use wheelhouse_ratelimit::{LimitClass, LimitScope, Quota};
use wheelhouse_robinhood::{CryptoApiVersion, RobinhoodCrypto, RobinhoodCryptoConfig};
use wheelhouse_sim::{
    Sim,
    robinhood_crypto::{Duplicate, Settings, UserSpec},
};
use wheelhouse_testkit::{FaultPlan, FaultProxy};

use crate::tally::Entry;

/// How long a client waits for an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

const USERS: usize = 4;
const SEED: u64 = 20_261_122;

/// A server, and a proxy before it that breaks a fifth of the placements.
pub(crate) struct Rig {
    pub(crate) proxy: FaultProxy,
    pub(crate) clock: Arc<dyn Clock>,
    version: CryptoApiVersion,
    sim: Sim,
}

/// A user with an account.
pub(crate) struct Trader {
    pub(crate) broker: RobinhoodCrypto,
    clock: Arc<dyn Clock>,
    account: AccountId,
}

impl Rig {
    pub(crate) async fn start(version: CryptoApiVersion, duplicate: Duplicate) -> Self {
        // Faster clocks would measure how busy the machine is.
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let mut settings = Settings::new();
        settings.limit = None;
        settings.duplicate = duplicate;
        let mut builder = Sim::builder()
            .robinhood_crypto("127.0.0.1:0".parse().unwrap())
            .robinhood_crypto_settings(settings);
        for number in 0..USERS {
            let public = STANDARD.encode(key_pair(number).public_key());
            let user = UserSpec::new(api_key(number), public, account(number));
            builder = builder.robinhood_crypto_user(user.cash(dec!(1_000_000_000)));
        }
        let sim = builder.start().await.unwrap();
        let plan = FaultPlan::seeded(SEED)
            .percent(20)
            .delay(PATIENCE * 3 / 2)
            .only(|head| head.method == "POST" && head.path.contains("/trading/orders/"));
        let server = sim.robinhood_crypto().addr();
        let proxy = FaultProxy::start(server, plan).await.unwrap();
        Self {
            proxy,
            clock,
            version,
            sim,
        }
    }

    /// Makes a broker for each user, as a program does that has just started.
    pub(crate) async fn traders(&self) -> Vec<Arc<Trader>> {
        let deadlines = Deadlines::default()
            .with_connect(5 * PATIENCE)
            .with_headers(PATIENCE)
            .with_idle(PATIENCE)
            .with_total(10 * PATIENCE);
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
            // This server shows everything at once. What is left of the minute is for reading.
            config.consistency_window = Duration::from_secs(20);
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
            traders.push(Arc::new(Trader {
                broker,
                clock: self.clock.clone(),
                account,
            }));
        }
        traders
    }

    /// Returns every order that the server really has.
    pub(crate) fn ledger(&self) -> Vec<Entry> {
        let ledger = self.sim.robinhood_crypto().ledger();
        assert_eq!(ledger.forgotten(), 0);
        assert_eq!(ledger.rejections(), []);
        let placements = ledger.placements().into_iter();
        placements
            .map(|placement| Entry {
                label: placement.client_order_id,
                order: placement.order_id,
            })
            .collect()
    }
}

impl Trader {
    pub(crate) fn now(&self) -> Duration {
        self.clock.monotonic()
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
