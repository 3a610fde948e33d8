use std::{
    io,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use secrecy::SecretString;
use wheelhouse_core::{AccessToken, Error, ErrorKind, Result, TokenSource};
use wheelhouse_http::{CallError, Endpoint, RetryPolicy, Target};

use crate::{
    peer::{Peer, json, ok},
    support::{ANY, builder, target},
};

static LOGIN: Endpoint = Endpoint::post("login", "/login/{part}", ANY);

const CANARIES: [&str; 7] = [
    "canary-token",
    "canary-password",
    "canary-api-key",
    "canary-query",
    "canary-part",
    "canary-answer",
    "canary-location",
];

#[derive(Debug)]
struct Canary(&'static str);

#[async_trait]
impl TokenSource for Canary {
    async fn token(&self) -> Result<AccessToken> {
        Ok(AccessToken::new(SecretString::from(self.0), 1, None))
    }
    async fn replace(&self, _: &AccessToken) -> Result<AccessToken> {
        Err(Error::new(ErrorKind::RefreshRefused, "refused"))
    }
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn everything(url: &str, target: &Target, token: &'static str) -> String {
    let client = builder(url).retry(RetryPolicy::never()).build().unwrap();
    let key = SecretString::from("canary-api-key");
    let source = Canary(token);
    let call = client
        .call(&LOGIN, target)
        .token(&source)
        .path("part", "canary-part")
        .query("q", "canary-query")
        .secret_header("developer-api-key", &key)
        .secret_json(&serde_json::json!({"password": "canary-password"}));
    let mut shown = format!("{client:?} {call:?} {target:?} {LOGIN:?}");
    match call.send().await {
        Ok(answer) => {
            let json = answer.json::<u8>();
            shown += &format!("{answer:?} {json:?} {:?}", answer.status_error());
        }
        Err(error) => {
            shown += &with_sources(&error);
            shown += &with_sources(&Error::from(error));
        }
    }
    shown
}

fn with_sources(error: &(dyn std::error::Error + 'static)) -> String {
    let mut shown = format!("{error} {error:?}");
    let mut next = error.source();
    while let Some(error) = next {
        shown += &format!(" {error} {error:?}");
        next = error.source();
    }
    shown
}

#[tokio::test]
async fn enc_8_no_secret_is_in_an_error_a_debug_text_or_a_log() {
    // One for the whole process: interest in an event is kept per process, and a subscriber of one
    // thread can lose events to tests that run beside it.
    let logs = Captured::default();
    let writer = logs.clone();
    let here = std::thread::current().id();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || -> Box<dyn io::Write> {
            if std::thread::current().id() == here {
                Box::new(writer.clone())
            } else {
                Box::new(io::sink())
            }
        })
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let mut shown = String::new();
    let body = r#"{"echo":"canary-answer"}"#;
    let page = "HTTP/1.1 403 x\r\ncontent-type: text/html\r\ncontent-length: 24\r\n\r\n<html>canary-answer</ht>";
    for answer in [
        ok(),
        json("200 x", "", body),
        json("200 x", "", "canary-answer"),
        json("200 x", "", "{\"a\":canary-answer}"),
        json("400 x", "", body),
        json("401 x", "", body),
        json("429 x", "retry-after: canary-answer\r\n", body),
        json("500 x", "", body),
        json(
            "302 x",
            "location: https://canary-location/?canary-token\r\n",
            "",
        ),
        page.as_bytes().to_vec(),
        b"canary-answer\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"canary-answer".to_vec(),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\ncanary-answer\r\n".to_vec(),
        json("200 x", "content-encoding: canary-answer\r\n", body),
        json("200 x", "", "{\"canary-answer\": \u{1}}"),
        Vec::new(),
    ] {
        let cut_off =
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 200 OK\r\ncontent-length: 100");
        let peer = Peer::start(move |mut connection, _| {
            let answer = answer.clone();
            async move {
                while connection.request().await.is_some() {
                    connection.write(&answer).await;
                    if cut_off {
                        return;
                    }
                }
            }
        })
        .await;
        shown += &everything(&peer.url(), &target(&peer.url()), "canary-token").await;
    }
    shown += &everything(
        "http://127.0.0.1:1",
        &target("http://127.0.0.1:1"),
        "canary-token",
    )
    .await;
    shown += &everything(
        "http://127.0.0.1:1",
        &target("https://127.0.0.2:1"),
        "canary-token",
    )
    .await;
    shown += &everything(
        "http://127.0.0.1:1",
        &target("http://127.0.0.1:1"),
        "canary-token\n",
    )
    .await;
    shown += &everything(
        "https://127.0.0.1:1",
        &target("https://127.0.0.1:1"),
        "canary-token",
    )
    .await;

    let logged = String::from_utf8(logs.0.lock().unwrap().clone()).unwrap();
    assert!(
        logged.contains("answered") && logged.contains("failed"),
        "nothing was logged"
    );
    assert!(logged.contains("/login/{part}"));
    let hidden = |canary: &str| {
        let hex: String = canary.bytes().map(|byte| format!("{byte:02x}")).collect();
        [
            canary.to_owned(),
            hex.to_uppercase(),
            hex,
            STANDARD.encode(canary),
            URL_SAFE.encode(canary),
        ]
    };
    for canary in CANARIES.into_iter().flat_map(hidden) {
        let canary = &*canary;
        for (place, text) in [("shown", &shown), ("logged", &logged)] {
            if let Some(at) = text.find(canary) {
                let from = at.saturating_sub(200);
                panic!(
                    "{canary} is {place}: …{}…",
                    &text[from..(at + 60).min(text.len())]
                );
            }
        }
    }
}

#[test]
fn a_call_error_is_small_enough_to_return() {
    assert!(size_of::<CallError>() <= 16);
}
