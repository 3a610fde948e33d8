//! What tests stand on: a clock that skips waits, and a user at the simulator.

use std::{
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicI64, AtomicU64, Ordering},
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
    Fault, Kind, Sim, Start,
    robinhood_crypto::{RobinhoodCryptoSim, Route, Settings, UserSpec},
};

/// The example keys of the API's own documentation.
pub(crate) const API_KEY: &str = "rh-api-6148effc-c0b1-486c-8940-a1d099456be6";
pub(crate) const PRIVATE_KEY: &str = "xQnTJVeQLmw1/Mg2YimEViSpw/SdJcgNXZ5kQkAXNPU=";
pub(crate) const PUBLIC_KEY: &str = "jPItx4TLjcnSUnmnXQQyAKL4eJj3+oWNNMmmm2vATqk=";
pub(crate) const ACCOUNT: &str = "123456789012";

/// When the tests take place.
pub(crate) const START: OffsetDateTime = time::macros::datetime!(2026-11-18 15:00 UTC);

/// Waits as long as this are deadlines of the pipeline, and sixty times shorter on the wall; shorter
/// ones are skipped.
const DEADLINE: Duration = Duration::from_secs(100);

/// A clock whose waits take no time: they pass at once, here and at the simulator, and nothing else
/// moves it. Its wall time can be off.
#[derive(Debug, Default)]
pub(crate) struct Skipping {
    skipped: AtomicU64,
    off_seconds: AtomicI64,
    sim: OnceLock<Weak<Sim>>,
}

impl Skipping {
    /// Sets the wall time off by this much from now on.
    pub(crate) fn set_off(&self, off: time::Duration) {
        self.off_seconds
            .store(off.whole_seconds(), Ordering::SeqCst);
    }

    pub(crate) fn skip(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap() + 1;
        self.skipped.fetch_add(millis, Ordering::SeqCst);
        if let Some(sim) = self.sim.get().and_then(Weak::upgrade) {
            sim.advance(Duration::from_millis(millis));
        }
    }
}

/// Handed out as a clock; the skipping happens when a sleep is first looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct SkipClock(pub(crate) Arc<Skipping>);

impl Clock for SkipClock {
    fn now(&self) -> OffsetDateTime {
        let off = self.0.off_seconds.load(Ordering::SeqCst);
        START + self.monotonic() + time::Duration::seconds(off)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.skipped.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        if duration >= DEADLINE {
            return Box::pin(tokio::time::sleep(duration / 60));
        }
        let skipping = self.0.clone();
        Box::pin(async move {
            skipping.skip(duration);
            tokio::task::yield_now().await;
        })
    }
}

/// A clock that runs thirty times as fast as the machine's. Its wall time goes on from the start of
/// the tests, and no faster.
#[derive(Debug)]
struct Hurried(Instant);

const HURRY: u32 = 30;

impl Clock for Hurried {
    fn now(&self) -> OffsetDateTime {
        START + self.0.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed() * HURRY
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration / HURRY))
    }
}

/// An HTTP client that waits five seconds on the wall for anything.
pub(crate) fn http(clock: &(impl Clock + Clone)) -> HttpClient {
    http_within(Arc::new(clock.clone()), 3 * DEADLINE)
}

/// An HTTP client for which time passes, and which waits ten seconds on the wall for anything.
pub(crate) fn hurried_http() -> HttpClient {
    http_within(Arc::new(Hurried(Instant::now())), Duration::from_secs(300))
}

/// An HTTP client for which time passes: it waits a second on the wall for anything.
pub(crate) fn impatient_http() -> HttpClient {
    http_within(Arc::new(Hurried(Instant::now())), Duration::from_secs(30))
}

fn http_within(clock: Arc<dyn Clock>, step: Duration) -> HttpClient {
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
    pub(crate) sim: Arc<Sim>,
    pub(crate) clock: SkipClock,
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
            .time(Start::Frozen(START))
            .robinhood_crypto("127.0.0.1:0".parse().unwrap())
            .robinhood_crypto_user(user)
            .robinhood_crypto_settings(settings)
            .start()
            .await
            .unwrap();
        let (sim, clock) = (Arc::new(sim), SkipClock::default());
        clock.0.sim.set(Arc::downgrade(&sim)).unwrap();
        let url = sim.robinhood_crypto().origin();
        Self {
            broker: builder(&url, http(&clock)).build().unwrap(),
            account: AccountId::new(ACCOUNT).unwrap(),
            sim,
            clock,
        }
    }

    /// The same user in another process.
    pub(crate) fn another(&self, version: CryptoApiVersion) -> RobinhoodCrypto {
        let builder = builder(&self.api().origin(), http(&self.clock));
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
