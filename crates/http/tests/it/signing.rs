//! What a signer sees is what is sent.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use secrecy::SecretString;
use wheelhouse_core::{Error, ErrorKind, Result};
use wheelhouse_http::{CallError, Endpoint, Signer, Unsigned};

use crate::{
    peer::{Peer, json, ok},
    support::{ANY, builder, target},
};

static READ: Endpoint = Endpoint::get("read", "/a/{part}/", ANY).without_token();
static PLACE: Endpoint = Endpoint::post("place", "/orders/", ANY).without_token();

/// Numbers its signatures and keeps what it was shown.
#[derive(Debug, Default)]
struct Numbering {
    count: AtomicUsize,
    shown: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Signer for Numbering {
    fn sign(&self, request: &Unsigned<'_>) -> Result<Vec<(&'static str, SecretString)>> {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        let line = format!("{} {}", request.method(), request.path_and_query());
        self.shown
            .lock()
            .unwrap()
            .push((line, request.body().to_vec()));
        let signature = format!("canary-signature-{number}");
        Ok(vec![("x-signature", SecretString::from(signature))])
    }
}

#[derive(Debug)]
struct Refusing(fn() -> Result<Vec<(&'static str, SecretString)>>);

impl Signer for Refusing {
    fn sign(&self, _: &Unsigned<'_>) -> Result<Vec<(&'static str, SecretString)>> {
        (self.0)()
    }
}

fn assert_same(peer: &Peer, signer: &Numbering) {
    let sent: Vec<_> = peer
        .journal
        .requests()
        .into_iter()
        .map(|seen| {
            let line = seen.head.lines().next().unwrap();
            let line = line.trim_end_matches(" HTTP/1.1").to_owned();
            (line, seen.body)
        })
        .collect();
    assert_eq!(*signer.shown.lock().unwrap(), sent);
}

#[tokio::test]
async fn the_signed_bytes_are_the_sent_bytes() {
    let peer = Peer::answering(vec![ok()]).await;
    let (client, target) = (builder(&peer.url()).build().unwrap(), target(&peer.url()));
    let signer = Numbering::default();
    let call = || client.call(&READ, &target).signer(&signer);

    let plain = call().path("part", "X+#?&;:@~");
    let plain = plain
        .query("symbol", "BTC-USD")
        .query("at", "2026-11-22T10:00:00+01:00, x'\"<>|{}^`")
        .query("empty", "");
    plain.send().await.unwrap();
    for link in [
        "/a/b/?cursor=ZmFrZQ%3D%3D&limit=1",
        "/a/../b/./c/?x=%7b|'^`{}&y=%2E",
        "/a/%2e%2E/b?",
        "/a'b|c{d}?q=<\">#fragment",
        "?only=query",
    ] {
        call().follow(link).send().await.unwrap();
    }
    let order = client.call(&PLACE, &target).signer(&signer);
    let body = r#"{ "a":  "\u00e9", "b": 0.10 }"#;
    order.body(body, "application/json").send().await.unwrap();

    assert_eq!(peer.journal.count(), 7);
    assert_same(&peer, &signer);
    assert_eq!(signer.shown.lock().unwrap()[6].1, body.as_bytes());
    let headers = peer.journal.requests()[3].head.to_ascii_lowercase();
    assert!(
        headers.contains("\r\nx-signature: canary-signature-3\r\n"),
        "{headers}"
    );
}

#[tokio::test]
async fn every_attempt_is_signed_anew() {
    let peer = Peer::answering(vec![json("503 x", "", "{}"), ok()]).await;
    let (client, target) = (builder(&peer.url()).build().unwrap(), target(&peer.url()));
    let signer = Numbering::default();
    let call = client.call(&READ, &target).path("part", "x");
    call.signer(&signer).send().await.unwrap();
    let signatures: Vec<_> = peer
        .journal
        .requests()
        .iter()
        .map(|seen| seen.head.contains("canary-signature-1"))
        .collect();
    assert_eq!(signatures, [false, true]);
}

#[tokio::test]
async fn what_cannot_be_signed_is_not_sent() {
    let peer = Peer::answering(vec![ok()]).await;
    let (client, target) = (builder(&peer.url()).build().unwrap(), target(&peer.url()));
    let outcomes: [(Refusing, u16); 3] = [
        (
            Refusing(|| Err(Error::new(ErrorKind::Timeout, "the caller has gone"))),
            2002,
        ),
        (
            Refusing(|| Ok(vec![("x-key", SecretString::from("canary-key\r\nx: y"))])),
            5001,
        ),
        (
            Refusing(|| Ok(vec![("no name", SecretString::from("canary-key"))])),
            5001,
        ),
    ];
    for (signer, code) in outcomes {
        let call = client.call(&PLACE, &target).signer(&signer);
        let error: CallError = call.send().await.unwrap_err();
        assert_eq!(error.error().code(), code);
        assert_eq!(error.sent(), wheelhouse_http::Sent::No);
        assert!(!format!("{error:?} {error}").contains("canary"), "{error}");
    }
    assert_eq!(peer.journal.connections(), 0);
}

#[tokio::test]
async fn nothing_is_signed_for_a_foreign_origin() {
    let (peer, foreign) = (
        Peer::answering(vec![ok()]).await,
        Peer::answering(vec![ok()]).await,
    );
    let (client, target) = (builder(&peer.url()).build().unwrap(), target(&peer.url()));
    let signer = Numbering::default();
    let call = client.call(&READ, &target).signer(&signer);
    let link = format!("{}/a/?cursor=x", foreign.url());
    let error = call.follow(&link).send().await.unwrap_err();
    assert_eq!(error.error().code(), 2005);
    assert_eq!(signer.count.load(Ordering::SeqCst), 0);
    assert_eq!(foreign.journal.connections(), 0);
}

#[test]
fn a_request_to_be_signed_shows_neither_query_nor_body() {
    #[derive(Debug)]
    struct Showing(Mutex<String>);
    impl Signer for Showing {
        fn sign(&self, request: &Unsigned<'_>) -> Result<Vec<(&'static str, SecretString)>> {
            *self.0.lock().unwrap() = format!("{request:?} {:?}", request.origin());
            Err(Error::new(ErrorKind::InvalidInput, "seen"))
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let url = "http://127.0.0.1:1";
        let (client, target) = (builder(url).build().unwrap(), target(url));
        let signer = Showing(Mutex::default());
        let call = client.call(&PLACE, &target).query("q", "canary-query");
        let call = call.body("canary-body", "text/plain").signer(&signer);
        call.send().await.unwrap_err();
        let shown = signer.0.lock().unwrap();
        assert!(
            shown.contains("127.0.0.1") && !shown.contains("canary"),
            "{shown}"
        );
    });
}
