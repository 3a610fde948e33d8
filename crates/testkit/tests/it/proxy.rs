use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use wheelhouse_core::Clock;
use wheelhouse_testkit::{FaultPlan, FaultProxy, NaiveClient, OrderDrill, ProxyFault, ScaledClock};

const BODY: &str = r#"{"s":"ok","d":{"orderId":"1"}}"#;
/// How late an answer comes, in real time.
const LATE: Duration = Duration::from_millis(50);
const REQUEST: &[u8] = b"POST /orders HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}";

/// A server that counts what it was asked.
async fn server() -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (addr, asked) = (listener.local_addr().unwrap(), Arc::new(AtomicU64::new(0)));
    let counted = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let counted = counted.clone();
            tokio::spawn(async move {
                let mut request = Vec::new();
                while client
                    .read_buf(&mut request)
                    .await
                    .is_ok_and(|read| read > 0)
                {
                    if !request.ends_with(b"\r\n\r\n{}") {
                        continue;
                    }
                    request.clear();
                    counted.fetch_add(1, Ordering::Relaxed);
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{BODY}",
                        BODY.len()
                    );
                    client.write_all(answer.as_bytes()).await.unwrap();
                }
            });
        }
    });
    (addr, asked)
}

async fn rig(fault: ProxyFault) -> (FaultProxy, TcpStream, Arc<AtomicU64>) {
    let (addr, asked) = server().await;
    let plan = FaultPlan::seeded(1).faults([fault]).delay(LATE);
    let proxy = FaultProxy::start(addr, plan).await.unwrap();
    let mut client = TcpStream::connect(proxy.addr()).await.unwrap();
    client.write_all(REQUEST).await.unwrap();
    (proxy, client, asked)
}

/// Reads until there is enough, or to the end of the connection.
async fn read_until(client: &mut TcpStream, enough: impl Fn(&str) -> bool) -> io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8(bytes.clone()).unwrap();
        if enough(&text) || client.read_buf(&mut bytes).await? == 0 {
            return Ok(text);
        }
    }
}

/// Reads one answer, or what there is of it at the end of the connection.
async fn read(client: &mut TcpStream) -> io::Result<String> {
    read_until(client, |text| text.ends_with(BODY)).await
}

/// Reads to the end of the connection.
async fn read_all(client: &mut TcpStream) -> io::Result<String> {
    read_until(client, |_| false).await
}

#[tokio::test]
async fn what_passes_is_unchanged_and_the_connection_stays() {
    let (proxy, mut client, asked) = rig(ProxyFault::Pass).await;
    for number in 1..=3 {
        let answer = read(&mut client).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with(BODY),
            "{answer}"
        );
        assert_eq!(asked.load(Ordering::Relaxed), number);
        client.write_all(REQUEST).await.unwrap();
    }
    assert_eq!(proxy.faults(), 0);
}

#[tokio::test]
async fn a_reset_is_a_reset_with_or_without_forwarding() {
    for (fault, forwarded) in [
        (ProxyFault::ResetBeforeForwarding, 0),
        (ProxyFault::ResetAfterForwarding, 1),
    ] {
        let (proxy, mut client, asked) = rig(fault).await;
        let error = read(&mut client).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{fault:?}");
        assert_eq!(asked.load(Ordering::Relaxed), forwarded, "{fault:?}");
        assert_eq!(proxy.counts()[&fault], 1);
    }
}

#[tokio::test]
async fn a_dropped_answer_closes_the_connection_after_the_server_acted() {
    let (_proxy, mut client, asked) = rig(ProxyFault::DropAnswer).await;
    assert_eq!(read_all(&mut client).await.unwrap(), "");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn html_comes_with_or_without_forwarding_and_the_connection_stays() {
    for (fault, forwarded) in [
        (ProxyFault::HtmlInsteadOfForwarding, 0),
        (ProxyFault::HtmlAfterForwarding, 1),
    ] {
        let (_proxy, mut client, asked) = rig(fault).await;
        let page = |text: &str| text.ends_with("</html>");
        let answer = read_until(&mut client, page).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 502") && page(&answer),
            "{answer}"
        );
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("content-length: {}", body.len())),
            "{head}"
        );
        assert_eq!(asked.load(Ordering::Relaxed), forwarded, "{fault:?}");
        client.write_all(REQUEST).await.unwrap();
        let again = read_until(&mut client, page).await.unwrap();
        assert!(page(&again), "{again}");
    }
}

#[tokio::test]
async fn answers_are_doubled_halved_and_late() {
    let (_proxy, mut client, _) = rig(ProxyFault::DuplicateAnswer).await;
    let both = |text: &str| text.matches(BODY).count() == 2;
    let answers = read_until(&mut client, both).await.unwrap();
    assert!(both(&answers), "{answers}");
    let (_proxy, mut client, _) = rig(ProxyFault::TruncateAnswer).await;
    let half = &BODY[..BODY.len() / 2];
    let answer = read_until(&mut client, |text| text.ends_with(half)).await;
    let (answer, length) = (answer.unwrap(), half.len());
    assert!(answer.ends_with(half), "{answer}");
    let whole = format!("content-length: {length}\r\n\r\n");
    assert!(answer.contains(&whole), "{answer}");
    let clock = ScaledClock::new(1);
    let (_proxy, mut client, asked) = rig(ProxyFault::DelayAnswer).await;
    let answer = read(&mut client).await.unwrap();
    assert!(answer.ends_with(BODY), "{answer}");
    assert!(clock.monotonic() >= LATE, "it came at once");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

/// Places through a proxy that breaks so many of a hundred, up to four times until it is answered.
/// Returns how many orders the server got.
async fn naive(wishes: u64, percent: u8, patience: Duration) -> (FaultProxy, u64) {
    let (addr, asked) = server().await;
    let plan = FaultPlan::seeded(1).percent(percent).delay(patience * 2);
    let proxy = FaultProxy::start(addr, plan).await.unwrap();
    let client = NaiveClient::new(proxy.addr(), patience).header("authorization", "Bearer x");
    for _ in 0..wishes {
        for _ in 0..4 {
            match client.send("POST", "/orders", "{}").await {
                Ok(answer) if answer.starts_with(BODY) && answer.ends_with(BODY) => break,
                _ => {}
            }
        }
    }
    (proxy, asked.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_naive_client_places_once_without_faults_and_too_often_with_them() {
    // Nothing is late there: no answer of a slow machine may be taken for lost.
    let (_, asked) = naive(50, 0, Duration::from_secs(60)).await;
    assert_eq!(asked, 50);
    let (proxy, asked) = naive(50, 20, Duration::from_millis(500)).await;
    assert!(asked > 50, "{asked}");

    let report = OrderDrill::new(Arc::new(ScaledClock::new(1)));
    let report = report.report(Vec::new).await.through(&proxy);
    assert!(report.requests() > 50);
    let failure = report.check().unwrap_err();
    assert!(failure.message().contains("more than once"), "{failure}");
}

#[tokio::test]
async fn a_deck_that_is_too_kind_is_told() {
    let (proxy, mut client, _) = rig(ProxyFault::DropAnswer).await;
    read(&mut client).await.unwrap();
    let report = OrderDrill::new(Arc::new(ScaledClock::new(1)));
    let report = report.report(Vec::new).await.through(&proxy);
    report.check_deck(100, 0).unwrap();
    let failure = report.check_deck(100, 1).unwrap_err();
    assert!(failure.message().contains("DelayAnswer"), "{failure}");
}
