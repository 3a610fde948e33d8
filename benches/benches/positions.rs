//! `positions()` of 200 rows through all layers against a client written by hand with reqwest and
//! serde, on the same server.
//!
//! The server is a process of its own, so that only the client's processor time is counted.

#![allow(clippy::print_stdout, reason = "it reports")]

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use wheelhouse_benches::{
    Compared, Took, calls,
    loopback::{self, Server, json},
    only, plain, positions_body, report, rounds,
};
use wheelhouse_core::{
    AccessToken, AccountId, Broker, PositionQuery, Result, SystemClock, TokenSource,
};
use wheelhouse_http::{Endpoint, HttpClient, Target};
use wheelhouse_ratelimit::{LimitClass, LimitScope, Quota};
use wheelhouse_tradelocker::{Environment, TradeLocker};

const ROWS: usize = 200;
const CALLS: u32 = 200;
const ROUNDS: usize = 31;

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
    let http = HttpClient::builder()
        .clock(Arc::new(SystemClock::new()))
        .build()
        .expect("a client");
    let broker = TradeLocker::builder()
        .environment(Environment::Custom(origin.to_owned()))
        .http(http)
        .session(Arc::new(FixedToken))
        .build()
        .expect("a broker");
    let account = broker
        .accounts()
        .await
        .expect("accounts")
        .only()
        .expect("one account")
        .id;

    if let Some(calls) = only() {
        let (took, ()) = Took::of_async(async {
            for _ in 0..calls {
                assert_eq!(through_all_layers(&broker, &account).await, ROWS);
            }
        })
        .await;
        println!("{:?}", took.of_each(calls));
        return;
    }

    let _ = rustls::crypto::ring::default_provider().install_default();
    let plain = reqwest::Client::builder().build().expect("a client");
    let url = format!("{origin}/backend-api/trade/accounts/{account}/positions");

    let pipeline = broker_less_client(origin);
    let target = Target::new(
        format!("{origin}/backend-api").parse().expect("a base URL"),
        LimitScope::new("bench"),
    );

    let mut compared = Compared::default();
    let mut transport = Compared::default();
    for _ in 0..rounds(ROUNDS) {
        let (sent, ()) = Took::of_async(async {
            for _ in 0..calls(CALLS) {
                assert!(through_the_pipeline(&pipeline, &target, &account).await > ROWS);
            }
        })
        .await;
        let (bare, ()) = Took::of_async(async {
            for _ in 0..calls(CALLS) {
                assert!(fetch(&plain, &url).await.len() > ROWS);
            }
        })
        .await;
        transport.add(sent, bare);
        let (ours, ()) = Took::of_async(async {
            for _ in 0..calls(CALLS) {
                assert_eq!(through_all_layers(&broker, &account).await, ROWS);
            }
        })
        .await;
        let (floor, ()) = Took::of_async(async {
            for _ in 0..calls(CALLS) {
                assert_eq!(by_hand(&plain, &url).await, ROWS);
            }
        })
        .await;
        compared.add(ours, floor);
    }
    let calls = calls(CALLS);
    let (sent, bare) = transport.medians();
    println!(
        "of that the request pipeline {:?}, reqwest {:?}",
        sent / calls,
        bare / calls
    );
    if let Some(cpu) = transport.cpu() {
        println!("the pipeline takes {cpu:.2} times reqwest's processor time");
    }
    let (ours, floor) = compared.medians();
    println!(
        "a call takes {:?}, by hand {:?}",
        ours / calls,
        floor / calls
    );
    report(
        "positions() of 200 rows: wall time / by hand",
        compared.wall(),
        1.10,
        "x",
    );
    if let Some(cpu) = compared.cpu() {
        report(
            "positions() of 200 rows: processor time / by hand",
            cpu,
            1.25,
            "x",
        );
    }
}

async fn through_all_layers(broker: &TradeLocker, account: &AccountId) -> usize {
    let page = broker
        .positions(account, PositionQuery::all())
        .await
        .expect("positions");
    page.items.len()
}

async fn by_hand(client: &reqwest::Client, url: &str) -> usize {
    plain::decode(&fetch(client, url).await).len()
}

async fn fetch(client: &reqwest::Client, url: &str) -> Bytes {
    let answer = client
        .get(url)
        .bearer_auth("token")
        .header("accNum", "1")
        .header("accept", "application/json")
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .expect("an answer");
    answer.bytes().await.expect("a body")
}

static POSITIONS: Endpoint = Endpoint::get(
    "positions",
    "/trade/accounts/{accountId}/positions",
    LimitClass::new("bench.positions", Quota::per_second(1_000_000)),
);

fn broker_less_client(origin: &str) -> HttpClient {
    let builder = HttpClient::builder().clock(Arc::new(SystemClock::new()));
    builder
        .origin(origin.parse().expect("an origin"))
        .build()
        .expect("a client")
}

async fn through_the_pipeline(client: &HttpClient, target: &Target, account: &AccountId) -> usize {
    let call = client
        .call(&POSITIONS, target)
        .token(&FixedToken)
        .header("accNum", "1");
    let answer = call
        .path("accountId", account.as_str())
        .send()
        .await
        .expect("an answer");
    answer.text().len()
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

fn serve() {
    let positions = json(&positions_body(ROWS));
    let accounts = json(
        r#"{"accounts":[{"id":"1002003","name":"D","currency":"USD","status":"ACTIVE","accNum":"1","accountBalance":"1.00"}]}"#,
    );
    let config = json(&config_body());
    let instruments = json(r#"{"s":"ok","d":{"instruments":[]}}"#);
    loopback::serve(move |target| {
        let answer = match target {
            path if path.ends_with("/positions") => &positions,
            path if path.ends_with("/all-accounts") => &accounts,
            path if path.ends_with("/config") => &config,
            _ => &instruments,
        };
        answer.clone()
    });
}

fn config_body() -> String {
    let columns = plain::COLUMNS
        .map(|id| format!(r#"{{"id":"{id}"}}"#))
        .join(",");
    let table = |name: &str, columns: &str| {
        format!(r#""{name}":{{"id":"x","title":"x","columns":[{columns}]}}"#)
    };
    let others = [
        "ordersConfig",
        "ordersHistoryConfig",
        "filledOrdersConfig",
        "accountDetailsConfig",
    ]
    .map(|name| table(name, r#"{"id":"id"}"#))
    .join(",");
    let limits =
        r#"{"rateLimitType":"GET_POSITIONS","measure":"SECONDS","intervalNum":1,"limit":1000000}"#;
    format!(
        r#"{{"s":"ok","d":{{"customerAccess":{{}},{},{others},"rateLimits":[{limits}],"limits":[]}}}}"#,
        table("positionsConfig", &columns)
    )
}
