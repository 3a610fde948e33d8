//! Clocks, tokens and limiters for tests.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use time::{OffsetDateTime, macros::datetime};
use wheelhouse_core::{
    AccessToken, Clock, Error, ErrorKind, Random, Result, SecretString, Sleep, TokenSource,
};
use wheelhouse_http::{
    Answer, BaseUrl, CallError, Deadlines, Endpoint, HttpClient, HttpClientBuilder, Target,
};
use wheelhouse_ratelimit::{LimitClass, LimitRequest, LimitScope, Limiter, Quota, Usage};

pub(crate) const ANY: LimitClass = LimitClass::new("test.any", Quota::per_second(1000));
pub(crate) static READ: Endpoint = Endpoint::get("read", "/read", ANY).without_token();
pub(crate) static PLACE: Endpoint = Endpoint::post("place", "/place", ANY).without_token();
pub(crate) static CANCEL: Endpoint = Endpoint::delete("cancel", "/cancel", ANY)
    .without_token()
    .idempotent();

/// Skips waits: a sleep is over at once and time has moved on by it. Sleeps of 500 s and more are
/// deadlines and never end.
#[derive(Debug, Default)]
pub(crate) struct SkipClock {
    nanos: AtomicU64,
}

impl Clock for SkipClock {
    fn now(&self) -> OffsetDateTime {
        datetime!(2026-11-22 10:00:00 UTC) + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        if duration >= Duration::from_secs(500) {
            return Box::pin(std::future::pending());
        }
        self.nanos
            .fetch_add(duration.as_nanos() as u64, Ordering::SeqCst);
        Box::pin(std::future::ready(()))
    }
}

/// Deadlines that a [`SkipClock`] never reaches.
pub(crate) fn never() -> Deadlines {
    let never = Duration::from_secs(599);
    Deadlines::default()
        .with_connect(never)
        .with_headers(never)
        .with_idle(never)
        .with_total(Duration::from_secs(600))
}

/// Moves only when it is told to.
#[derive(Clone, Debug, Default)]
pub(crate) struct ManualClock(Arc<Mutex<Manual>>);

#[derive(Debug, Default)]
struct Manual {
    now: Duration,
    sleepers: Vec<(Duration, Waker)>,
}

impl ManualClock {
    pub(crate) fn advance(&self, by: Duration) {
        let mut manual = self.0.lock().unwrap();
        manual.now += by;
        let now = manual.now;
        manual.sleepers.retain(|(until, waker)| {
            if *until <= now {
                waker.wake_by_ref();
            }
            *until > now
        });
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        datetime!(2026-11-22 10:00:00 UTC) + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        self.0.lock().unwrap().now
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        struct Sleeping(Arc<Mutex<Manual>>, Duration);
        impl Future for Sleeping {
            type Output = ();
            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
                let mut manual = self.0.lock().unwrap();
                if manual.now >= self.1 {
                    return Poll::Ready(());
                }
                manual.sleepers.push((self.1, cx.waker().clone()));
                Poll::Pending
            }
        }
        Box::pin(Sleeping(self.0.clone(), self.monotonic() + duration))
    }
}

/// Draws the same number every time.
#[derive(Debug)]
pub(crate) struct Fixed(pub(crate) u8);

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        bytes.fill(self.0);
        Ok(())
    }
}

/// Lets everything through and remembers what it was told.
#[derive(Debug, Default)]
pub(crate) struct OpenLimiter {
    pub(crate) acquired: AtomicUsize,
    pub(crate) rejections: AtomicUsize,
    pub(crate) pauses: Mutex<Vec<Duration>>,
    pub(crate) closed: bool,
}

#[async_trait]
impl Limiter for OpenLimiter {
    async fn acquire(&self, _: &LimitRequest<'_>) -> Result<()> {
        self.acquired.fetch_add(1, Ordering::SeqCst);
        if self.closed {
            return Err(Error::new(ErrorKind::RateLimited, "closed"));
        }
        Ok(())
    }
    async fn pause(&self, _: &LimitScope, wait: Duration) {
        self.pauses.lock().unwrap().push(wait);
    }
    async fn configure(&self, _: &LimitScope, _: LimitClass, _: Quota) {}
    async fn observe_rejection(&self, _: &LimitScope, _: LimitClass) {
        self.rejections.fetch_add(1, Ordering::SeqCst);
    }
    async fn usage(&self, _: &LimitScope) -> Vec<Usage> {
        Vec::new()
    }
}

/// Hands out `token-1`, `token-2`, … and counts the refreshes.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    pub(crate) generation: AtomicU64,
    pub(crate) refreshes: AtomicUsize,
    pub(crate) dead: bool,
}

impl Tokens {
    fn current(&self) -> AccessToken {
        let generation = self.generation.load(Ordering::SeqCst);
        AccessToken::new(
            SecretString::from(format!("token-{generation}")),
            generation,
            None,
        )
    }
}

#[async_trait]
impl TokenSource for Tokens {
    async fn token(&self) -> Result<AccessToken> {
        Ok(self.current())
    }

    async fn replace(&self, rejected: &AccessToken) -> Result<AccessToken> {
        if self.dead {
            return Err(Error::new(
                ErrorKind::RefreshRefused,
                "the refresh token was refused",
            ));
        }
        let next = rejected.generation() + 1;
        if self
            .generation
            .compare_exchange(
                rejected.generation(),
                next,
                Ordering::SeqCst,
                Ordering::SeqCst,
            )
            .is_ok()
        {
            self.refreshes.fetch_add(1, Ordering::SeqCst);
        }
        Ok(self.current())
    }
}

pub(crate) fn target(url: &str) -> Target {
    Target::new(url.parse().unwrap(), LimitScope::new("test:user"))
}

/// A client that may talk to `url`, skips its waits and knows no deadline and no limit. It trusts a
/// root of its own only, so that no test depends on the machine's.
pub(crate) fn builder(url: &str) -> HttpClientBuilder {
    static ROOT: OnceLock<Vec<u8>> = OnceLock::new();
    let root = ROOT.get_or_init(|| {
        rcgen::generate_simple_self_signed(Vec::new())
            .unwrap()
            .cert
            .der()
            .to_vec()
    });
    let base: BaseUrl = url.parse().unwrap();
    HttpClient::builder()
        .extra_root_der(root)
        .only_extra_roots()
        .origin(base.origin().clone())
        .clock(Arc::new(SkipClock::default()))
        .random(Arc::new(Fixed(128)))
        .limiter(Arc::new(OpenLimiter::default()))
        .deadlines(never())
}

/// Calls `endpoint` once with a client of [`builder`].
pub(crate) async fn call(url: &str, endpoint: &Endpoint) -> Result<Answer, CallError> {
    let client = builder(url).build().unwrap();
    let target = target(url);
    let call = client.call(endpoint, &target);
    match endpoint.method() {
        wheelhouse_http::Method::Get => call.send().await,
        _ => call.json(&serde_json::json!({"qty": "0.01"})).send().await,
    }
}

/// Waits in real time until `condition` holds.
pub(crate) async fn eventually(condition: impl Fn() -> bool) {
    for _ in 0..5_000 {
        if condition() {
            return;
        }
        pause(1).await;
    }
    panic!("it did not happen within five seconds");
}

#[expect(clippy::disallowed_methods, reason = "real sockets need real time")]
pub(crate) async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
