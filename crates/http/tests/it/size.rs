use std::{io::Write, process::Command};

use flate2::{Compression, write::GzEncoder};
use wheelhouse_core::{Effect, ErrorKind};
use wheelhouse_http::{Endpoint, HttpClientBuilder, Sent};

use crate::{
    peer::{Connection, Peer},
    support::{ANY, PLACE, READ, builder, call, target},
};

const CAP: usize = HttpClientBuilder::BODY_CAP;
const GIB: usize = 1 << 30;

/// Writes a body of a gibibyte in chunks until the client has had enough; returns how much it took.
async fn endless(connection: &mut Connection) -> usize {
    connection.request().await;
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    connection.write(head.as_bytes()).await;
    let chunk = [b"10000\r\n".to_vec(), vec![b'1'; 0x10000], b"\r\n".to_vec()].concat();
    let mut written = 0;
    while written < GIB && connection.write(&chunk).await {
        written += 0x10000;
    }
    written
}

#[tokio::test]
async fn sup_3_a_gibibyte_in_chunks_is_stopped_at_the_cap() {
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let peer = Peer::start(move |mut connection, _| {
        let tell = tell.clone();
        async move { tell.send(endless(&mut connection).await).unwrap() }
    })
    .await;
    let error = call(&peer.url(), &PLACE).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.sent()),
        (ErrorKind::NotTheProtocol, Sent::Answered)
    );
    assert!(
        error
            .to_string()
            .contains("too large; at most 8388608 bytes"),
        "{error}"
    );
    assert_eq!(error.error().effect(), Effect::MaybeApplied);
    let written = told.recv().await.unwrap();
    assert!(written < 4 * CAP, "the peer could write {written} bytes");
    assert_eq!(peer.journal.count(), 1);
}

#[tokio::test]
async fn sup_3_ten_megabytes_that_are_announced_are_not_read_at_all() {
    for length in ["10485760", "1099511627776"] {
        let peer = Peer::start(move |mut connection, _| async move {
            connection.request().await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{{");
            connection.write(head.as_bytes()).await;
            connection.stall().await;
        })
        .await;
        let error = call(&peer.url(), &READ).await.unwrap_err();
        assert!(error.to_string().contains("too large"), "{error}");
        assert_eq!(peer.journal.count(), 1);
    }
}

fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(b"[").unwrap();
    for _ in 0..200 {
        encoder.write_all(&[b' '; 64 * 1024]).unwrap();
    }
    let packed = encoder.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        packed.len()
    );
    [head.into_bytes(), packed].concat()
}

#[tokio::test]
async fn sup_3_a_gzip_bomb_is_stopped() {
    let peer = Peer::answering(vec![bomb()]).await;
    let error = call(&peer.url(), &READ).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotTheProtocol);
    assert!(error.to_string().contains("hundredfold"), "{error}");
    assert_eq!(peer.journal.count(), 1);
}

#[tokio::test]
async fn an_endpoint_may_have_a_cap_of_its_own() {
    static SMALL: Endpoint = Endpoint::get("small", "/small", ANY)
        .without_token()
        .body_cap(10);
    for (body, fits) in [("[1,2,3,45]", true), ("[1,2,3,456]", false)] {
        let peer = Peer::answering(vec![crate::peer::json("200 x", "", body)]).await;
        assert_eq!(call(&peer.url(), &SMALL).await.is_ok(), fits, "{body}");
        assert!(call(&peer.url(), &READ).await.is_ok());
    }
}

#[tokio::test]
async fn sup_3_json_that_is_nested_too_deep_or_has_a_million_keys_is_an_error_or_an_answer() {
    let deep = "[".repeat(10_000);
    let peer = Peer::answering(vec![crate::peer::json("200 x", "", &deep)]).await;
    let answer = call(&peer.url(), &READ).await.unwrap();
    assert_eq!(answer.json::<serde_json::Value>().unwrap_err().code(), 3006);

    let keys: String = (0..300_000).map(|key| format!("\"k{key}\":1,")).collect();
    let wide = format!("{{{keys}\"s\":\"ok\"}}");
    let peer = Peer::answering(vec![crate::peer::json("200 x", "", &wide)]).await;
    let answer = call(&peer.url(), &READ).await.unwrap();
    #[derive(serde::Deserialize)]
    struct Envelope<'a> {
        s: &'a str,
    }
    assert_eq!(answer.json::<Envelope<'_>>().unwrap().s, "ok");
}

/// A process of its own, so that nothing else is counted.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sup_3_memory_stays_within_twice_the_cap() {
    let chunked = Peer::start(|mut connection, _| async move {
        endless(&mut connection).await;
    })
    .await;
    let bomb = Peer::answering(vec![bomb()]).await;
    for url in [chunked.url(), bomb.url()] {
        let child = tokio::task::spawn_blocking(move || {
            Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "size::child_that_measures_its_memory",
                    "--ignored",
                    "--nocapture",
                ])
                .env("WHEELHOUSE_TEST_URL", url)
                .output()
                .unwrap()
        });
        let output = child.await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let grown = text
            .lines()
            .find_map(|line| line.split("grown: ").nth(1)?.trim().parse::<usize>().ok())
            .unwrap_or_else(|| panic!("no figure in {text}"));
        assert!(grown * 1024 <= 2 * CAP, "grown by {grown} KiB");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "runs in a process of its own, started by sup_3_memory_stays_within_twice_the_cap"]
async fn child_that_measures_its_memory() {
    fn peak_kib() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmHWM:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
    let url = std::env::var("WHEELHOUSE_TEST_URL").unwrap();
    let client = builder(&url).build().unwrap();
    let target = target(&url);
    let before = peak_kib();
    let error = client.call(&READ, &target).send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotTheProtocol);
    println!("grown: {}", peak_kib() - before);
}
