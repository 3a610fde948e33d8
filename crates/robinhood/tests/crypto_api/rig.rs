//! What tests stand on: a clock that hurries, and a user at the simulator.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use time::OffsetDateTime;
use wheelhouse_core::{
    AccountId, BrokerExt, ClientOrderId, Clock, Decimal, Instrument, OrderRequest, OrderSize,
    Quantity, SecretString, Side, Sleep, Submission, UnresolvedOrder, dec,
};
use wheelhouse_http::{Deadlines, HttpClient};
use wheelhouse_robinhood::{
    CryptoApiVersion, RobinhoodCrypto, RobinhoodCryptoBuilder, RobinhoodCryptoConfig,
};
use wheelhouse_sim::{
    Fault, Kind, Sim,
    robinhood_crypto::{RobinhoodCryptoSim, Route, Settings, UserSpec},
};

/// The example keys of the API's own documentation.
pub(crate) const API_KEY: &str = "rh-api-6148effc-c0b1-486c-8940-a1d099456be6";
pub(crate) const PRIVATE_KEY: &str = "xQnTJVeQLmw1/Mg2YimEViSpw/SdJcgNXZ5kQkAXNPU=";
pub(crate) const PUBLIC_KEY: &str = "jPItx4TLjcnSUnmnXQQyAKL4eJj3+oWNNMmmm2vATqk=";
pub(crate) const ACCOUNT: &str = "123456789012";

/// Waits pass this many times faster than on the wall.
const HURRY: u32 = 30;

/// A clock whose waits are short and whose wall time is off by some seconds.
#[derive(Debug)]
pub(crate) struct Hurried {
    began: Instant,
    off_seconds: AtomicI64,
}

impl Hurried {
    pub(crate) fn new() -> Arc<Self> {
        Self::off_by(time::Duration::ZERO)
    }

    pub(crate) fn off_by(off: time::Duration) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            off_seconds: AtomicI64::new(off.whole_seconds()),
        })
    }

    /// Sets the wall time off by this much from now on.
    pub(crate) fn set_off(&self, off: time::Duration) {
        self.off_seconds
            .store(off.whole_seconds(), Ordering::SeqCst);
    }
}

impl Clock for Hurried {
    fn now(&self) -> OffsetDateTime {
        let off = self.off_seconds.load(Ordering::SeqCst);
        OffsetDateTime::now_utc() + time::Duration::seconds(off)
    }

    fn monotonic(&self) -> Duration {
        self.began.elapsed() * HURRY
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration / HURRY))
    }
}

pub(crate) async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

/// An HTTP client whose deadlines are generous in real time: they are measured on the clock.
pub(crate) fn http(clock: Arc<dyn Clock>) -> HttpClient {
    let step = Duration::from_secs(300);
    let deadlines = Deadlines::default()
        .with_connect(step)
        .with_headers(step)
        .with_idle(step)
        .with_total(2 * step);
    HttpClient::builder()
        .clock(clock)
        .deadlines(deadlines)
        .build()
        .unwrap()
}

/// An HTTP client that waits half a second of real time for anything.
pub(crate) fn impatient_http() -> HttpClient {
    let step = Duration::from_secs(15);
    let deadlines = Deadlines::default()
        .with_connect(step)
        .with_headers(step)
        .with_idle(step)
        .with_total(2 * step);
    HttpClient::builder()
        .clock(Hurried::new())
        .deadlines(deadlines)
        .build()
        .unwrap()
}

/// A builder with the example keys.
pub(crate) fn builder(url: &str, http: HttpClient) -> RobinhoodCryptoBuilder {
    let mut config = RobinhoodCryptoConfig::default();
    config.base_url = url.to_owned();
    config.consistency_window = Duration::from_secs(10);
    RobinhoodCrypto::builder()
        .config(config)
        .http(http)
        .api_key(SecretString::from(API_KEY))
        .private_key(SecretString::from(PRIVATE_KEY))
}

/// A user with cash and nothing else.
pub(crate) fn user() -> UserSpec {
    UserSpec::new(API_KEY, PUBLIC_KEY, ACCOUNT).cash(dec!(100_000))
}

/// A user at the simulator.
pub(crate) struct AtSim {
    pub(crate) sim: Sim,
    pub(crate) broker: RobinhoodCrypto,
    pub(crate) account: AccountId,
}

impl AtSim {
    pub(crate) async fn new() -> Self {
        Self::with(user(), |_| {}).await
    }

    pub(crate) async fn with(user: UserSpec, set: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new();
        set(&mut settings);
        let sim = Sim::builder()
            .robinhood_crypto("127.0.0.1:0".parse().unwrap())
            .robinhood_crypto_user(user)
            .robinhood_crypto_settings(settings)
            .start()
            .await
            .unwrap();
        let url = sim.robinhood_crypto().origin();
        Self {
            broker: builder(&url, http(Hurried::new())).build().unwrap(),
            account: AccountId::new(ACCOUNT).unwrap(),
            sim,
        }
    }

    /// The same user in another process.
    pub(crate) fn another(&self, version: CryptoApiVersion) -> RobinhoodCrypto {
        let builder = builder(&self.api().origin(), http(Hurried::new()));
        builder.version(version).build().unwrap()
    }

    pub(crate) fn api(&self) -> &RobinhoodCryptoSim {
        self.sim.robinhood_crypto()
    }

    pub(crate) fn fault(&self, route: Route, kind: Kind) {
        self.api().faults().add(Fault::new(route, kind).times(1));
    }

    pub(crate) fn faults(&self, route: Route, kind: Kind) {
        self.api().faults().add(Fault::new(route, kind));
    }

    pub(crate) fn count(&self, route: Route) -> usize {
        self.api().ledger().count(route)
    }

    pub(crate) async fn btc(&self) -> Instrument {
        self.broker
            .find_instrument(&self.account, "BTC-USD")
            .await
            .unwrap()
    }

    /// An order to buy for about 5 USD that rests far below the market.
    pub(crate) fn resting(&self) -> OrderRequest {
        self.limit(dec!(0.0001), dec!(50000))
    }

    pub(crate) fn limit(&self, quantity: Decimal, price: Decimal) -> OrderRequest {
        OrderRequest::limit(&self.account, btc(), Side::Buy, units(quantity), price)
    }

    pub(crate) fn market(&self, quantity: Decimal) -> OrderRequest {
        OrderRequest::market(&self.account, btc(), Side::Buy, units(quantity))
    }
}

pub(crate) fn btc() -> wheelhouse_core::InstrumentId {
    wheelhouse_core::InstrumentId::new("BTC-USD").unwrap()
}

pub(crate) fn units(quantity: Decimal) -> OrderSize {
    OrderSize::Units(Quantity::new(quantity))
}

pub(crate) fn id(text: &str) -> ClientOrderId {
    ClientOrderId::new(text).unwrap()
}

/// An answer of the API's own making.
pub(crate) fn answer(status: u16, body: &str) -> Kind {
    Kind::Status {
        status,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_owned(),
    }
}

/// A refusal in the API's form.
pub(crate) fn refusal(status: u16, detail: &str) -> Kind {
    let kind = if status < 500 {
        "client_error"
    } else {
        "server_error"
    };
    let body = format!(r#"{{"type":"{kind}","errors":[{{"detail":"{detail}","attr":null}}]}}"#);
    answer(status, &body)
}

#[track_caller]
pub(crate) fn accepted(submission: Submission) -> wheelhouse_core::AcceptedOrder {
    match submission {
        Submission::Accepted(order) => order,
        other => panic!("{other}"),
    }
}

#[track_caller]
pub(crate) fn unknown(submission: Submission) -> UnresolvedOrder {
    match submission {
        Submission::Unknown(open) => open,
        other => panic!("{other}"),
    }
}

/// The code of a call that fails.
#[track_caller]
pub(crate) fn code<T: std::fmt::Debug>(result: wheelhouse_core::Result<T>) -> u16 {
    result.unwrap_err().code()
}
