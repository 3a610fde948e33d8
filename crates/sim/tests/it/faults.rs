use std::{
    io::{ErrorKind, Read},
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use wheelhouse_sim::{
    Fate, Fault, Kind, Matcher,
    faults::{GzipFault, Moment, RowFault, StallAt},
    tradelocker::Route,
};

use crate::rig::{ACCOUNT, Reply, Rig, limit, market};

const CONFIG: &str = "/trade/config";

async fn with(kind: Kind) -> Rig {
    let rig = Rig::start().await;
    rig.broker()
        .faults()
        .add(Fault::new(Route::Config, kind).times(1));
    rig
}

/// What a placement and its connection became under a fault, and whether the order exists.
async fn placement(fault: Fault) -> (std::io::Result<Vec<u8>>, bool, Fate) {
    let rig = Rig::start().await;
    rig.broker().faults().add(fault);
    let path = format!("/trade/accounts/{ACCOUNT}/orders");
    let outcome = rig
        .bytes("POST", &path, &market("buy", 0.01).to_string())
        .await;
    let ledger = rig.broker().ledger();
    let fate = ledger.requests().last().unwrap().fate;
    (outcome, !ledger.placements().is_empty(), fate)
}

fn was_reset(outcome: &std::io::Result<Vec<u8>>) -> bool {
    outcome
        .as_ref()
        .is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
}

#[tokio::test]
async fn resets_come_before_or_after_the_broker_acts() {
    for (moment, exists) in [
        (Moment::BeforeRead, false),
        (Moment::AfterRead, false),
        (Moment::AfterActing, true),
    ] {
        let (outcome, placed, fate) =
            placement(Fault::new(Route::PlaceOrder, Kind::Reset(moment))).await;
        assert!(was_reset(&outcome), "{moment:?}: {outcome:?}");
        assert_eq!((placed, fate), (exists, Fate::Reset), "{moment:?}");
    }
}

#[tokio::test]
async fn a_reset_on_connect_reads_nothing() {
    let rig = Rig::start().await;
    let seen = rig.broker().ledger().requests().len();
    rig.broker()
        .faults()
        .add(Fault::new(Matcher::any(), Kind::Reset(Moment::OnConnect)).times(1));
    let mut stream = TcpStream::connect(rig.broker().addr()).await.unwrap();
    let read = stream.read(&mut [0; 16]).await;
    assert!(read.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    assert_eq!(rig.broker().ledger().requests().len(), seen);
    assert_eq!(rig.get(CONFIG).await.status, 200);
}

#[tokio::test]
async fn a_dropped_answer_ends_the_connection_after_acting() {
    let (outcome, placed, fate) = placement(Fault::new(Route::PlaceOrder, Kind::DropAnswer)).await;
    assert_eq!(
        (outcome.unwrap().len(), placed, fate),
        (0, true, Fate::Dropped)
    );
    let (_, placed, _) =
        placement(Fault::new(Route::PlaceOrder, Kind::DropAnswer).acting(false)).await;
    assert!(!placed);
}

#[tokio::test]
async fn a_page_with_an_error_status_comes_before_or_after_acting() {
    let page = Fault::new(Route::PlaceOrder, Kind::Html(502));
    for (fault, exists) in [(page.clone(), false), (page.acting(true), true)] {
        let (outcome, placed, fate) = placement(fault).await;
        let reply = Reply::parse(&outcome.unwrap()).unwrap();
        assert_eq!(
            (reply.status, placed, fate),
            (502, exists, Fate::Answered(502))
        );
        assert_eq!(
            reply.header("content-type"),
            Some("text/html; charset=UTF-8")
        );
        assert!(reply.text().starts_with("<!DOCTYPE html>"));
    }
}

#[tokio::test]
async fn a_truncated_answer_announces_what_it_does_not_send() {
    let (outcome, placed, _) =
        placement(Fault::new(Route::PlaceOrder, Kind::Truncate { keep: 10 })).await;
    let reply = Reply::parse(&outcome.unwrap()).unwrap();
    let said: usize = reply.header("content-length").unwrap().parse().unwrap();
    assert_eq!((reply.body.len(), placed), (10, true));
    assert!(said > 10);
}

#[tokio::test]
async fn a_duplicate_answers_the_next_request_on_the_connection() {
    let rig = with(Kind::Duplicate).await;
    let mut stream = TcpStream::connect(rig.broker().addr()).await.unwrap();
    let keep = |text: String| text.replace("Connection: close\r\n", "");
    stream
        .write_all(keep(rig.request("GET", CONFIG, "")).as_bytes())
        .await
        .unwrap();
    let quotes = "/trade/quotes?routeId=452&tradableInstrumentId=206";
    stream
        .write_all(rig.request("GET", quotes, "").as_bytes())
        .await
        .unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.matches("customerAccess").count(), 2);
    assert!(text.rfind("customerAccess") < text.find("\"ap\""));
}

#[tokio::test]
async fn a_quiet_close_is_not_announced() {
    let rig = with(Kind::CloseQuietly).await;
    let reply = rig.get(CONFIG).await;
    assert_eq!((reply.status, reply.header("connection")), (200, None));
    reply.d();
    assert_eq!(rig.get(CONFIG).await.header("connection"), Some("close"));
}

#[tokio::test]
async fn a_wrong_length_is_longer_or_shorter_than_the_body() {
    for off_by in [-3_i64, 5] {
        let reply = with(Kind::ContentLength { off_by }).await.get(CONFIG).await;
        let said: i64 = reply.header("content-length").unwrap().parse().unwrap();
        assert_eq!(said - i64::try_from(reply.body.len()).unwrap(), off_by);
    }
}

#[tokio::test]
async fn delays_hold_back_the_answer_or_the_broker() {
    let span = Duration::from_millis(80);
    for kind in [Kind::DelayAnswer(span), Kind::DelayRequest(span)] {
        let held = matches!(kind, Kind::DelayRequest(_));
        let rig = with(kind).await;
        #[allow(clippy::disallowed_methods, reason = "delays of faults are real time")]
        let start = Instant::now();
        rig.get(CONFIG).await.d();
        assert!(start.elapsed() >= span);
        let record = rig.broker().ledger().requests().last().cloned().unwrap();
        assert_eq!(record.held, if held { span } else { Duration::ZERO });
    }
}

#[tokio::test]
async fn a_request_that_was_given_up_is_acted_on_late() {
    let rig = Rig::start().await;
    let span = Duration::from_millis(400);
    rig.broker()
        .faults()
        .add(Fault::new(Route::PlaceOrder, Kind::DelayRequest(span)).times(1));
    #[allow(clippy::disallowed_methods, reason = "delays of faults are real time")]
    let start = Instant::now();
    let mut stream = TcpStream::connect(rig.broker().addr()).await.unwrap();
    let path = format!("/trade/accounts/{ACCOUNT}/orders");
    let order = limit("buy", "0.01", 0.5).to_string();
    stream
        .write_all(rig.request("POST", &path, &order).as_bytes())
        .await
        .unwrap();
    drop(stream);
    while rig.broker().ledger().placements().is_empty() {
        assert!(rig.orders().await.len() <= 1);
    }
    assert!(start.elapsed() >= span, "it was not held");
    assert_eq!(rig.orders().await.len(), 1);
}

#[tokio::test]
async fn a_drip_sends_everything_in_small_pieces() {
    let rig = with(Kind::Drip {
        bytes: 1_000,
        every: Duration::from_millis(5),
    })
    .await;
    #[allow(clippy::disallowed_methods, reason = "delays of faults are real time")]
    let start = Instant::now();
    rig.get(CONFIG).await.d();
    assert!(start.elapsed() >= Duration::from_millis(10));
}

/// Reads until the text is long enough, then makes sure that nothing more comes.
async fn read_until_silent(stream: &mut TcpStream, enough: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !enough(&bytes) {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "closed");
    }
    let pause = Duration::from_millis(50);
    #[allow(clippy::disallowed_methods, reason = "nothing else ends a silence")]
    let silent = tokio::time::timeout(pause, stream.read_buf(&mut bytes)).await;
    assert!(silent.is_err(), "not silent");
    bytes
}

#[tokio::test]
async fn a_stall_stays_silent_until_the_client_goes() {
    let half = |bytes: &[u8]| {
        Reply::parse(bytes).is_some_and(|reply| {
            let said: usize = reply.header("content-length").unwrap().parse().unwrap();
            reply.body.len() >= said / 2
        })
    };
    let head = |bytes: &[u8]| Reply::parse(bytes).is_some();
    for (at, halves) in [
        (StallAt::BeforeHead, 0),
        (StallAt::AfterHead, 0),
        (StallAt::MidBody, 1),
    ] {
        let rig = with(Kind::Stall(at)).await;
        let mut stream = TcpStream::connect(rig.broker().addr()).await.unwrap();
        stream
            .write_all(rig.request("GET", CONFIG, "").as_bytes())
            .await
            .unwrap();
        let bytes = match at {
            StallAt::BeforeHead => read_until_silent(&mut stream, |_| true).await,
            StallAt::AfterHead => read_until_silent(&mut stream, head).await,
            _ => read_until_silent(&mut stream, half).await,
        };
        let Some(reply) = Reply::parse(&bytes) else {
            assert_eq!(at, StallAt::BeforeHead);
            continue;
        };
        let said: usize = reply.header("content-length").unwrap().parse().unwrap();
        assert_eq!(reply.body.len(), said / 2 * halves, "{at:?}");
    }
}

#[tokio::test]
async fn rows_do_not_fit_their_columns() {
    for (fault, length) in [
        (RowFault::Longer, 23),
        (RowFault::Shorter, 21),
        (RowFault::Reversed, 22),
    ] {
        let rig = Rig::start().await;
        let id = rig.placed(limit("buy", "0.01", 0.5)).await;
        rig.broker()
            .faults()
            .add(Fault::new(Route::Orders, Kind::Rows(fault)));
        let row = rig.orders().await[0].as_array().unwrap().clone();
        assert_eq!(row.len(), length);
        let at = if fault == RowFault::Reversed {
            length - 1
        } else {
            0
        };
        assert_eq!(row[at], json!(id));
    }
}

#[tokio::test]
async fn values_of_an_answer_are_replaced_or_removed() {
    let rig = with(Kind::Set {
        pointer: "/d/limits/0/limit".into(),
        value: "\"many\"".into(),
    })
    .await;
    assert_eq!(rig.get(CONFIG).await.d()["limits"][0]["limit"], "many");
    let rig = Rig::start().await;
    let remove = Kind::Remove {
        pointer: "/d/orderId".into(),
    };
    rig.broker()
        .faults()
        .add(Fault::new(Route::PlaceOrder, remove));
    assert_eq!(rig.place(market("buy", 0.01)).await.d(), json!({}));
    assert_eq!(rig.broker().ledger().placements().len(), 1);
}

#[tokio::test]
async fn a_body_is_replaced_after_the_broker_has_acted() {
    for body in [&b""[..], b"{\"s\":", b"\xEF\xBB\xBF{}", b"\xFF\xFE"] {
        let fault = Fault::new(Route::PlaceOrder, Kind::Body(body.to_vec()));
        let (outcome, placed, fate) = placement(fault).await;
        let reply = Reply::parse(&outcome.unwrap()).unwrap();
        assert_eq!((reply.body.as_slice(), placed), (body, true));
        assert_eq!(fate, Fate::Answered(200));
        assert!(
            reply
                .header("content-type")
                .unwrap()
                .starts_with("application/json")
        );
    }
}

#[tokio::test]
async fn rows_of_objects_are_left_alone() {
    let plain = Rig::start().await.get(CONFIG).await.d();
    assert_eq!(
        with(Kind::Rows(RowFault::Longer))
            .await
            .get(CONFIG)
            .await
            .d(),
        plain
    );
}

#[tokio::test]
async fn any_status_headers_and_body() {
    let rig = with(Kind::Status {
        status: 429,
        headers: vec![
            ("retry-after".into(), "3".into()),
            ("retry-after".into(), "4".into()),
        ],
        body: "slow down".into(),
    })
    .await;
    let reply = rig.get(CONFIG).await;
    assert_eq!((reply.status, reply.text().as_str()), (429, "slow down"));
    assert_eq!(reply.head.matches("retry-after").count(), 2);
    let rig = with(Kind::Redirect {
        status: 302,
        location: "http://localhost/x".into(),
    })
    .await;
    let reply = rig.get(CONFIG).await;
    assert_eq!(
        (reply.status, reply.header("location")),
        (302, Some("http://localhost/x"))
    );
    let rig = with(Kind::Raw(b"SSH-2.0\r\n".to_vec())).await;
    assert_eq!(rig.bytes("GET", CONFIG, "").await.unwrap(), b"SSH-2.0\r\n");
}

#[tokio::test]
async fn interim_answers_come_before_the_real_one() {
    let kind = Kind::Informational {
        status: 103,
        count: 3,
        every: Duration::ZERO,
    };
    let bytes = with(kind).await.bytes("GET", CONFIG, "").await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text.matches("HTTP/1.1 103 Early Hints\r\n\r\n").count(), 3);
    assert!(text.contains("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn endless_interim_answers_end_with_the_client() {
    let kind = Kind::Informational {
        status: 102,
        count: 0,
        every: Duration::ZERO,
    };
    let rig = with(kind).await;
    let mut stream = TcpStream::connect(rig.broker().addr()).await.unwrap();
    stream
        .write_all(rig.request("GET", CONFIG, "").as_bytes())
        .await
        .unwrap();
    let mut bytes = vec![0; 64 * 1024];
    stream.read_exact(&mut bytes).await.unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains(" 200 "));
    drop(stream);
    assert_eq!(rig.get(CONFIG).await.status, 200);
    rig.sim.shutdown().await;
}

fn unpack(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut out)?;
    Ok(out)
}

#[tokio::test]
async fn compressed_answers_are_broken_in_the_way_that_was_asked() {
    for fault in [GzipFault::Corrupt, GzipFault::NotGzip, GzipFault::Truncated] {
        let reply = with(Kind::Gzip(fault)).await.get(CONFIG).await;
        assert_eq!(reply.header("content-encoding"), Some("gzip"));
        assert_eq!(
            reply.header("content-length").unwrap(),
            reply.body.len().to_string()
        );
        assert!(unpack(&reply.body).is_err(), "{fault:?}");
        assert_eq!(
            reply.body.starts_with(&[0x1F, 0x8B]),
            fault != GzipFault::NotGzip
        );
    }
    let reply = with(Kind::Gzip(GzipFault::Bomb { bytes: 5 << 20 }))
        .await
        .get(CONFIG)
        .await;
    assert!(reply.body.len() < 50_000);
    assert_eq!(unpack(&reply.body).unwrap().len(), 5 << 20);
}

#[tokio::test]
async fn a_huge_body_is_sent_only_as_far_as_it_is_read() {
    let rig = with(Kind::HugeBody { bytes: 1 << 30 }).await;
    let mut stream = TcpStream::connect(rig.broker().addr()).await.unwrap();
    stream
        .write_all(rig.request("GET", CONFIG, "").as_bytes())
        .await
        .unwrap();
    let mut bytes = vec![0; 256 * 1024];
    stream.read_exact(&mut bytes).await.unwrap();
    let reply = Reply::parse(&bytes).unwrap();
    assert_eq!(
        (reply.status, reply.header("transfer-encoding")),
        (200, Some("chunked"))
    );
    assert_eq!(reply.header("content-length"), None);
    drop(stream);
    let small = with(Kind::HugeBody { bytes: 20_000 })
        .await
        .get(CONFIG)
        .await;
    assert!(small.body.ends_with(b"\r\n0\r\n\r\n"));
}

#[tokio::test]
async fn faults_are_added_counted_and_cleared_while_the_broker_runs() {
    let rig = Rig::start().await;
    let faults = rig.broker().faults();
    let id =
        faults.add(Fault::new(Matcher::path("/backend-api/trade/*"), Kind::Html(503)).after(1));
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(rig.get(CONFIG).await.status);
    }
    assert_eq!((statuses, faults.played(id)), (vec![200, 503, 503], 2));
    assert_eq!(rig.get("/auth/jwt/all-accounts").await.status, 200);
    faults.clear();
    assert_eq!(rig.get(CONFIG).await.status, 200);
}
