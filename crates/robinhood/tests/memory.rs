//! How much memory a chain takes that is read page by page: the highest number of live bytes, server
//! and all, whatever the length of the chain. In a program of its own, for the allocator counts all of
//! it.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests live in real time and may fail loudly"
)]

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use wheelhouse_core::{
    AccessToken, AccountId, BrokerExt, OptionContract, OptionQuery, Result, SecretString, Symbol,
    SystemClock, TokenSource,
};
use wheelhouse_http::HttpClient;
use wheelhouse_robinhood::{Environment, Robinhood, RobinhoodConfig};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// The broker's pages of contracts hold so many.
const PAGE: usize = 100;
/// How many contracts the chain has.
static CONTRACTS: AtomicUsize = AtomicUsize::new(0);

fn sample(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

/// Answers on one connection after the other. Nothing that it holds grows with the chain.
fn serve(listener: &TcpListener) {
    let instrument = sample("instruments_by_symbol_F");
    let chain = sample("options_chain_F");
    let contract = String::from_utf8(sample("option_instrument_detail_F_put_10")).unwrap();
    let id = "be7c2476-573c-466d-8294-f7150e29271c";
    let (mut line, mut body) = (String::with_capacity(4_096), String::with_capacity(1 << 20));
    for stream in listener.incoming() {
        let stream = stream.unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some(target) = target(&mut reader, &mut line) {
            body.clear();
            if target.contains("/user/") {
                endless(&stream);
                break;
            } else if target.contains("/options/chains/") {
                answer(&stream, &chain);
            } else if target.contains("/options/instruments/") {
                let of = |name: &str| {
                    let at = target
                        .split(['?', '&'])
                        .find_map(|it| it.strip_prefix(name));
                    at.and_then(|it| it.parse::<usize>().ok())
                };
                let from = of("cursor=").unwrap_or(0);
                let all = CONTRACTS.load(Ordering::SeqCst);
                body.push_str("{\"previous\":null,\"results\":[");
                for n in from..(from + PAGE).min(all) {
                    let (before, after) = contract.split_once(id).unwrap();
                    let comma = if n > from { "," } else { "" };
                    write!(body, "{comma}{before}{n:08}{}{after}", &id[8..]).unwrap();
                }
                body.push_str("],\"next\":");
                if from + PAGE < all {
                    let path = target.split('?').next().unwrap();
                    let path = path.trim_start_matches("/api.robinhood.com");
                    let next = from + PAGE;
                    let host = "https://api.robinhood.com";
                    write!(body, "\"{host}{path}?cursor={next}\"}}").unwrap();
                } else {
                    body.push_str("null}");
                }
                answer(&stream, body.as_bytes());
            } else {
                answer(&stream, &instrument);
            }
        }
    }
}

fn target(reader: &mut BufReader<TcpStream>, line: &mut String) -> Option<String> {
    let mut target = None;
    loop {
        line.clear();
        if reader.read_line(line).unwrap_or(0) == 0 {
            return None;
        }
        match line.trim_end() {
            "" => return target,
            text if target.is_none() => target = text.split(' ').nth(1).map(str::to_owned),
            _ => {}
        }
    }
}

/// A gibibyte of blanks in chunks, as long as they are taken.
fn endless(mut stream: &TcpStream) {
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
    for _ in 0..(1 << 30) / 0x10000 {
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
}

fn answer(mut stream: &TcpStream, body: &[u8]) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
}

#[derive(Debug)]
struct Token;

#[async_trait]
impl TokenSource for Token {
    async fn token(&self) -> Result<AccessToken> {
        Ok(AccessToken::new(SecretString::from("token"), 0, None))
    }

    async fn replace(&self, _: &AccessToken) -> Result<AccessToken> {
        self.token().await
    }
}

fn broker(origin: String) -> Robinhood {
    let http = HttpClient::builder().clock(Arc::new(SystemClock::new()));
    let mut config = RobinhoodConfig::default();
    config.environment = Environment::Custom(origin);
    config.limits.reads_per_second = 1_000;
    config.limits.reads_burst = 1_000;
    Robinhood::builder()
        .config(config)
        .http(http.build().unwrap())
        .tokens(Arc::new(Token), "somebody")
        .build()
        .unwrap()
}

/// Walks through a chain; `keep` says what stays of a page.
async fn walk(
    broker: &Robinhood,
    contracts: usize,
    mut keep: impl FnMut(Vec<OptionContract>),
) -> usize {
    let account = AccountId::new("100200301").unwrap();
    let query = OptionQuery::new(Symbol::new("F").unwrap());
    CONTRACTS.store(contracts, Ordering::SeqCst);
    let mut pages = broker.option_pages(&account, query).unwrap();
    let mut count = 0;
    while let Some(page) = pages.next().await.unwrap() {
        count += page.len();
        keep(page);
    }
    assert_eq!(count, contracts);
    count
}

/// The highest number of live bytes while something is done.
async fn highest(work: impl Future<Output = usize>) -> f64 {
    let profiler = dhat::Profiler::builder().testing().build();
    work.await;
    let bytes = dhat::HeapStats::get().max_bytes;
    drop(profiler);
    bytes as f64
}

/// The chains that are compared. How the bytes of an answer arrive moves the peak by 206 kB, whatever the
/// length of the chain. The long one is so long that this is little for each contract.
const SHORT: usize = 500;
const LONG: usize = 20_000;
/// More bytes than these for each contract are growth: an identifier has 36.
const EACH: f64 = 20.0;

#[tokio::test]
async fn a_chain_of_twenty_thousand_contracts_takes_no_more_memory_than_one_of_five_hundred() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || serve(&listener));
    let broker = broker(origin);
    // Connections and what is remembered of the chain are there from now on.
    walk(&broker, SHORT, drop).await;

    let mut short: f64 = 0.0;
    for _ in 0..10 {
        short = short.max(highest(walk(&broker, SHORT, drop)).await);
    }
    let long = highest(walk(&broker, LONG, drop)).await;
    // What would be seen if no more than the identifiers were held somewhere, or all of the chain.
    let mut ids = Vec::new();
    let named = highest(walk(&broker, LONG, |contracts| {
        ids.extend(contracts.iter().map(|it| it.id.as_str().to_owned()));
    }));
    let named = named.await;
    drop(ids);
    let mut all = Vec::new();
    let kept = highest(walk(&broker, LONG, |contracts| all.extend(contracts))).await;
    println!("{SHORT} contracts {short}, {LONG} {long}, with names {named}, all of them {kept}");
    let each = |peak: f64| (peak - short) / (LONG - SHORT) as f64;
    assert!(each(long) < EACH, "it grows: {short} to {long}");
    assert!(each(named) > 2.0 * EACH, "{named} and {short} are alike");
    assert!(long < 720_000.0, "more than six pages: {long}");
    assert!(kept > 20.0 * long, "{kept} and {long} are alike");
    drop(all);

    // SUP-3: an answer of 1 GB takes no more than twice the cap.
    let refused = highest(async {
        let error = broker.user().await.unwrap_err();
        assert_eq!(error.code(), 2004, "{error}");
        0
    });
    let refused = refused.await;
    println!("a gibibyte that is refused {refused}");
    assert!(refused <= 2.0 * 8.0 * 1024.0 * 1024.0, "{refused}");
}
