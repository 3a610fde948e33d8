//! The memory that an option chain takes that is read page by page: the most live bytes of the client
//! at any time, which must not grow with the chain. The server is a process of its own.

#![allow(clippy::print_stdout, reason = "it reports")]

use std::sync::Arc;

use async_trait::async_trait;
use wheelhouse_benches::{
    loopback::{self, Server, json},
    report,
    robinhood::{self as samples, HOST, ONE_PAGE, USER},
};
use wheelhouse_core::{
    AccessToken, AccountId, BrokerExt, OptionContract, OptionQuery, Result, Symbol, SystemClock,
    TokenSource,
};
use wheelhouse_http::HttpClient;
use wheelhouse_robinhood::{Environment, Robinhood, RobinhoodConfig};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// As many as the broker puts into a page.
const PAGE: usize = 100;
const LENGTHS: [usize; 3] = [500, 5_000, 20_000];

fn main() {
    if loopback::is_wanted() {
        return serve();
    }
    let server = Server::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime
        .expect("a runtime")
        .block_on(measure(server.origin()));
}

async fn measure(origin: &str) {
    // Connections and what is remembered of the underlying are there before anything is counted.
    for broker in LENGTHS.map(|length| broker(origin, length)) {
        walk(&broker, PAGE, drop).await;
    }
    let mut peaks = Vec::new();
    for length in LENGTHS {
        let broker = broker(origin, length);
        walk(&broker, PAGE, drop).await;
        let (peak, count) = highest(walk(&broker, length, drop)).await;
        assert_eq!(count, length);
        println!("{length:>6} contracts page by page: {:>8.1} kB", peak / 1e3);
        peaks.push(peak);
    }
    let broker = broker(origin, 5_000);
    let mut kept = Vec::new();
    let (all, _) = highest(walk(&broker, 5_000, |page| kept.extend(page))).await;
    println!(
        "{:>6} contracts, all kept:     {:>8.1} kB",
        5_000,
        all / 1e3
    );
    for (length, peak) in LENGTHS.into_iter().zip(&peaks).skip(1) {
        let subject = format!("option chain: peak memory of {length} contracts / of 500");
        report(subject, peak / peaks[0], 1.05, "x");
    }
}

/// Walks through a chain until `enough` contracts were read; `keep` says what stays of a page.
async fn walk(
    broker: &Robinhood,
    enough: usize,
    mut keep: impl FnMut(Vec<OptionContract>),
) -> usize {
    let account = AccountId::new(ONE_PAGE).expect("an account");
    let query = OptionQuery::new(Symbol::new("F").expect("a symbol"));
    let mut pages = broker.option_pages(&account, query).expect("options");
    let mut count = 0;
    while count < enough {
        let Some(page) = pages.next().await.expect("a page") else {
            break;
        };
        count += page.len();
        keep(page);
    }
    count
}

async fn highest(work: impl Future<Output = usize>) -> (f64, usize) {
    let profiler = dhat::Profiler::builder().testing().build();
    let count = work.await;
    let peak = dhat::HeapStats::get().max_bytes;
    drop(profiler);
    (peak as f64, count)
}

/// A broker whose only chain has this many contracts.
fn broker(origin: &str, length: usize) -> Robinhood {
    let http = HttpClient::builder().clock(Arc::new(SystemClock::new()));
    let mut config = RobinhoodConfig::default();
    config.environment = Environment::Custom(format!("{origin}/{length}"));
    config.limits.reads_per_second = 1_000;
    config.limits.reads_burst = 1_000;
    Robinhood::builder()
        .config(config)
        .http(http.build().expect("a client"))
        .tokens(Arc::new(FixedToken), USER.0)
        .build()
        .expect("a broker")
}

#[derive(Debug)]
struct FixedToken;

#[async_trait]
impl TokenSource for FixedToken {
    async fn token(&self) -> Result<AccessToken> {
        Ok(AccessToken::new("token".into(), 1, None))
    }

    async fn replace(&self, _: &AccessToken) -> Result<AccessToken> {
        self.token().await
    }
}

/// The length of the chain is the first part of every path.
fn serve() {
    let (instrument, chain) = (json(&samples::instrument()), json(&samples::chain()));
    loopback::serve(move |target| {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path.contains("/options/chains/") {
            return chain.clone();
        }
        if !path.ends_with("/options/instruments/") {
            return instrument.clone();
        }
        let length = path.split('/').nth(1).and_then(|part| part.parse().ok());
        let length: usize = length.unwrap_or(0);
        let from = query.split_once("cursor=").map_or("0", |(_, rest)| rest);
        let from: usize = from.split('&').next().unwrap_or("0").parse().unwrap_or(0);
        let to = (from + PAGE).min(length);
        let next = (to < length).then(|| format!("{HOST}/options/instruments/?cursor={to}"));
        json(&samples::contracts(from, to, next.as_deref()))
    });
}
