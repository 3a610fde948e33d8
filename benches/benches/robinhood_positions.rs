//! `positions()` of 200 rows at Robinhood through all layers, against a client written by hand with
//! reqwest and serde and against robin_stocks, all three on the same server.
//!
//! The server is a process of its own that sends bytes made beforehand, so that the wall time is the
//! client's: the simulator makes its answers anew for every call, and its share would hide ours.
//! robin_stocks runs in a Python process that counts its own processor time. Its virtual environment
//! is the one of `crates/sim/tests/robin_stocks/run`; without it that line is left out.

#![allow(clippy::print_stdout, reason = "it reports")]

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use serde::Deserialize;
use wheelhouse_benches::{
    Compared, Took, calls,
    loopback::{self, Server, json},
    only, report,
    robinhood::{self as samples, HOST, ONE_PAGE, TWO_PAGES, USER},
    rounds,
};
use wheelhouse_core::{AccountId, BrokerExt, Decimal, Result, SystemClock};
use wheelhouse_http::HttpClient;
use wheelhouse_ratelimit::{
    LimitClass, LimitRequest, LimitScope, Limiter, LocalLimiter, Quota, Usage,
};
use wheelhouse_robinhood::{Environment, Robinhood, RobinhoodAuth, RobinhoodConfig};
use wheelhouse_session::{Credentials, Login, LoginRequest, SessionManager};

const ROWS: usize = 200;
const CALLS: u32 = 100;
/// Of robin_stocks, which takes its time.
const PYTHON_CALLS: u32 = 10;
const ROUNDS: usize = 31;

fn main() {
    if loopback::is_wanted() {
        return serve();
    }
    let server = Server::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        match only() {
            Some(calls) => repeat(server.origin(), calls).await,
            None => measure(server.origin()).await,
        }
    });
}

async fn repeat(origin: &str, calls: u32) {
    let broker = through_all_layers(origin).await;
    let account = AccountId::new(TWO_PAGES).expect("an account");
    let (took, ()) = Took::of_async(async {
        for _ in 0..calls {
            assert_eq!(all_positions(&broker, &account).await, ROWS);
        }
    })
    .await;
    println!("{:?}", took.of_each(calls));
}

async fn measure(origin: &str) {
    let broker = through_all_layers(origin).await;
    let by_hand = ByHand::new(origin);
    let mut robin_stocks = RobinStocks::start(origin);
    if robin_stocks.is_none() {
        println!(
            "robin_stocks is left out: run crates/sim/tests/robin_stocks/run once, which installs it"
        );
    }
    for (account, name) in [(ONE_PAGE, "one page"), (TWO_PAGES, "two pages")] {
        let id = AccountId::new(account).expect("an account");
        let (mut to_hand, mut to_python) = (Compared::default(), Compared::default());
        for _ in 0..rounds(ROUNDS) {
            let (ours, ()) = Took::of_async(async {
                for _ in 0..calls(CALLS) {
                    assert_eq!(all_positions(&broker, &id).await, ROWS);
                }
            })
            .await;
            let (floor, ()) = Took::of_async(async {
                for _ in 0..calls(CALLS) {
                    assert_eq!(by_hand.positions(account).await.len(), ROWS);
                }
            })
            .await;
            let ours = ours.of_each(calls(CALLS));
            to_hand.add(ours, floor.of_each(calls(CALLS)));
            if let Some(python) = &mut robin_stocks {
                let took = python.positions(account, PYTHON_CALLS);
                to_python.add(ours, took.of_each(PYTHON_CALLS));
            }
        }
        show(name, &to_hand, &to_python);
    }
}

fn show(name: &str, to_hand: &Compared, to_python: &Compared) {
    let subject = format!("positions() of {ROWS} rows in {name}");
    println!("\n{subject}");
    for (who, wall, cpu) in [
        ("wheelhouse", to_hand.medians().0, to_hand.cpu_medians().0),
        ("by hand", to_hand.medians().1, to_hand.cpu_medians().1),
        (
            "robin_stocks",
            to_python.medians().1,
            to_python.cpu_medians().1,
        ),
    ] {
        if !wall.is_zero() {
            println!("  {who:<14} wall {wall:>10.1?}  processor {cpu:>10.1?}  a call");
        }
    }
    report(
        format!("{name}: wall time / by hand"),
        to_hand.wall(),
        1.10,
        "x",
    );
    if let Some(cpu) = to_hand.cpu() {
        println!(
            "{:<58} {cpu:>8.2} x",
            format!("{name}: processor time / by hand")
        );
    }
    if to_python.is_empty() {
        return;
    }
    if let Some(cpu) = to_python.cpu() {
        report(
            format!("{name}: processor time / robin_stocks"),
            cpu,
            0.10,
            "x",
        );
    }
}

/// A broker as programs have it: a session of a manager, the usual limiter, the whole pipeline.
async fn through_all_layers(origin: &str) -> Robinhood {
    let clock = Arc::new(SystemClock::new());
    let http = HttpClient::builder()
        .clock(clock.clone())
        .limiter(Arc::new(WideOpen(LocalLimiter::new(clock.clone()))))
        .build()
        .expect("a client");
    let mut config = RobinhoodConfig::default();
    config.environment = Environment::Custom(origin.to_owned());
    let auth = RobinhoodAuth::new(config.clone(), http.clone()).expect("a login");
    let manager = SessionManager::in_memory()
        .clock(clock)
        .build()
        .expect("a session manager");
    let credentials = Credentials::new(USER.0, USER.1.into()).expect("credentials");
    let login = manager
        .create(LoginRequest::new(Arc::new(auth), credentials))
        .await;
    let Ok(Login::Ready(session)) = login else {
        panic!("the login of the bench: {login:?}");
    };
    Robinhood::builder()
        .config(config)
        .http(http)
        .session(session)
        .build()
        .expect("a broker")
}

async fn all_positions(broker: &Robinhood, account: &AccountId) -> usize {
    let all = broker.all_positions(account).await.expect("positions");
    all.len()
}

/// The limiter of every program, with quotas that are never reached.
#[derive(Debug)]
struct WideOpen(LocalLimiter);

fn wide(class: LimitClass) -> LimitClass {
    LimitClass::new(class.name(), Quota::per_second(u32::MAX))
}

#[async_trait]
impl Limiter for WideOpen {
    async fn acquire(&self, request: &LimitRequest<'_>) -> Result<()> {
        let wide = LimitRequest::new(request.scope(), wide(request.class()))
            .with_priority(request.priority())
            .with_max_wait(request.max_wait());
        self.0.acquire(&wide).await
    }

    async fn pause(&self, scope: &LimitScope, wait: Duration) {
        self.0.pause(scope, wait).await;
    }

    async fn configure(&self, scope: &LimitScope, class: LimitClass, quota: Quota) {
        self.0.configure(scope, wide(class), quota).await;
    }

    async fn observe_rejection(&self, scope: &LimitScope, class: LimitClass) {
        self.0.observe_rejection(scope, wide(class)).await;
    }

    async fn usage(&self, scope: &LimitScope) -> Vec<Usage> {
        self.0.usage(scope).await
    }
}

/// What one writes for an afternoon's use: the fields that one needs, owned, decimals exact.
struct ByHand {
    client: reqwest::Client,
    base: String,
}

#[derive(Deserialize)]
struct Page {
    next: Option<String>,
    results: Vec<PlainPosition>,
}

#[derive(Deserialize)]
#[expect(
    dead_code,
    reason = "they are read off the wire, which is what is measured"
)]
struct PlainPosition {
    instrument_id: String,
    symbol: String,
    account_number: String,
    #[serde(rename = "type")]
    kind: String,
    quantity: Decimal,
    average_buy_price: Decimal,
    clearing_average_cost: Decimal,
    created_at: String,
}

impl ByHand {
    fn new(origin: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self {
            client: reqwest::Client::builder().build().expect("a client"),
            base: format!("{origin}{}", HOST.trim_start_matches("https:/")),
        }
    }

    async fn positions(&self, account: &str) -> Vec<PlainPosition> {
        let first = format!(
            "{}/positions/?nonzero=true&account_number={account}",
            self.base
        );
        let mut page = self.page(&first).await;
        let mut all = page.results;
        while let Some(next) = page.next {
            page = self.page(&next.replace(HOST, &self.base)).await;
            all.append(&mut page.results);
        }
        all
    }

    async fn page(&self, url: &str) -> Page {
        let answer = self
            .client
            .get(url)
            .bearer_auth("token")
            .header("accept", "application/json")
            .header("x-robinhood-api-version", "1.431.4")
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .expect("an answer");
        let body = answer.bytes().await.expect("a body");
        serde_json::from_slice(&body).expect("a page of positions")
    }
}

/// robin_stocks in its Python process.
struct RobinStocks {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl RobinStocks {
    /// Starts it and logs it in; `None` if it is not installed.
    fn start(origin: &str) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("../target"), PathBuf::from);
        let python = target.join("robin_stocks/venv/bin/python");
        let mut process = Command::new(python)
            .arg("-B")
            .arg(root.join("robin_stocks_client.py"))
            .args([origin, USER.0, USER.1])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let input = process.stdin.take()?;
        let output = BufReader::new(process.stdout.take()?);
        let mut python = Self {
            process,
            input,
            output,
        };
        (python.read_line()? == "ready").then_some(python)
    }

    fn positions(&mut self, account: &str, calls: u32) -> Took {
        writeln!(self.input, "{account} {calls} {ROWS}").expect("robin_stocks listens");
        let line = self.read_line().expect("robin_stocks answers");
        let mut nanos = line.split(' ').map(|text| {
            let nanos = text.parse().expect("nanoseconds");
            Duration::from_nanos(nanos)
        });
        let (wall, cpu) = (nanos.next(), nanos.next());
        Took {
            wall: wall.expect("the wall time"),
            cpu: cpu.expect("the processor time"),
        }
    }

    fn read_line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.output.read_line(&mut line).ok()?;
        Some(line.trim().to_owned()).filter(|line| !line.is_empty())
    }
}

impl Drop for RobinStocks {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn serve() {
    let tokens = json(&samples::tokens());
    let accounts = json(&samples::accounts());
    let nothing = json(&samples::nothing());
    let whole = json(&samples::positions(ONE_PAGE, 0, ROWS, None));
    let link =
        format!("{HOST}/positions/?cursor=cD0xMDA%3D&nonzero=true&account_number={TWO_PAGES}");
    let first = json(&samples::positions(TWO_PAGES, 0, ROWS / 2, Some(&link)));
    let second = json(&samples::positions(TWO_PAGES, ROWS / 2, ROWS, None));
    loopback::serve(move |target| {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let answer = match path.trim_start_matches("/api.robinhood.com") {
            "/oauth2/token/" => &tokens,
            "/accounts/" => &accounts,
            "/positions/" if query.contains(ONE_PAGE) => &whole,
            "/positions/" if query.contains("cursor") => &second,
            "/positions/" if query.contains(TWO_PAGES) => &first,
            _ => &nothing,
        };
        answer.clone()
    });
}
