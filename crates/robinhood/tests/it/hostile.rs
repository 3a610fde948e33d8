//! Faults below JSON, through the adapter's own client: what comes is told by its code, nothing is
//! waited for without end, and no token goes where it does not belong.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wheelhouse_core::{
    Broker, BrokerExt, BrokerOrderId, Clock, Effect, Error, ErrorKind, OrderRequest, Side,
    Submission, SystemClock, dec, shares,
};
use wheelhouse_http::{Deadlines, HttpClient, RetryPolicy};
use wheelhouse_robinhood::{Environment, Robinhood, RobinhoodConfig};
use wheelhouse_sim::{
    Fault, Kind, Matcher,
    faults::{GzipFault, Moment, StallAt},
    robinhood::Route,
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

use crate::rig::{self, AtServer, AtSim, CANARY, SkipClock, Skipping, Token};

/// A client that waits a second for anything and two in all, by a real clock, and asks once.
fn impatient() -> HttpClient {
    let step = Duration::from_secs(1);
    let deadlines = Deadlines::default()
        .with_connect(step)
        .with_headers(step)
        .with_idle(step)
        .with_total(2 * step);
    HttpClient::builder()
        .clock(Arc::new(SystemClock::new()))
        .deadlines(deadlines)
        .retry(RetryPolicy::never())
        .build()
        .unwrap()
}

fn at(address: String, http: HttpClient) -> Robinhood {
    let mut config = RobinhoodConfig::default();
    config.environment = Environment::Custom(address);
    Robinhood::builder()
        .config(config)
        .http(http)
        .tokens(Arc::new(Token::default()), rig::USER)
        .build()
        .unwrap()
}

/// Reads at the simulator under a fault, with an impatient client.
async fn read(kind: Kind) -> Error {
    let at = AtSim::new().await;
    let hasty = Robinhood::builder()
        .config(at.broker.config().clone())
        .http(impatient())
        .session(at.session.clone());
    let hasty = hasty.build().unwrap();
    let fault = Fault::new(Matcher::path("/api.robinhood.com/user/"), kind.clone());
    let id = at.server().faults().add(fault);
    let began = std::time::Instant::now();
    let error = hasty.user().await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(20), "{kind:?}");
    assert_eq!(error.effect(), Effect::None, "{kind:?}");
    // The connection that it came on serves nobody else.
    at.server().faults().remove(id);
    hasty.user().await.unwrap();
    error
}

/// Places at the simulator under a fault: what it comes to, and whether the broker has the order.
async fn place(kind: Kind) -> (u16, bool) {
    let at = AtSim::new().await;
    let f = at.instrument("F").await;
    at.broker.accounts().await.unwrap();
    let hasty = Robinhood::builder()
        .config(at.broker.config().clone())
        .http(impatient())
        .session(at.session.clone());
    let hasty = hasty.build().unwrap();
    let fault = Fault::new(Route::PlaceOrder, kind.clone()).times(1);
    at.server().faults().add(fault);
    let request = OrderRequest::limit(&at.account, &f, Side::Buy, shares!(1), dec!(5));
    let outcome = hasty.place_order(&request).await.unwrap();
    let Submission::Unknown(open) = outcome else {
        panic!("{kind:?}: {outcome}")
    };
    let ledger = at.server().ledger();
    assert_eq!(ledger.count(Route::PlaceOrder), 1, "{kind:?}");
    (open.cause_code, !ledger.placements().is_empty())
}

#[tokio::test]
async fn f4_a_refusal_with_the_status_of_success_is_no_empty_list() {
    let at = AtServer::new().await;
    let refusal = br#"{"detail":"Not found."}"#;
    for route in ["/positions/", "/orders/", "/options/orders/"] {
        at.mount("GET", "api", route, 200, refusal.to_vec(), 1)
            .await;
    }
    let options = at.broker.options().unwrap();
    let errors = [
        at.broker.all_positions(&at.account).await.unwrap_err(),
        at.broker
            .all_orders(&at.account, Default::default())
            .await
            .unwrap_err(),
        options
            .option_orders(&at.account, Default::default())
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.code(), 3006, "{error}");
    }
}

#[tokio::test]
async fn f8_an_order_that_is_not_there_is_not_found_and_not_canceled() {
    let at = AtSim::new().await;
    let order = BrokerOrderId::new("11111111-2222-4333-8444-555555555555").unwrap();
    let read = at.broker.order(&at.account, &order).await.unwrap_err();
    let cancel = at.broker.cancel_order(&at.account, &order).await;
    assert_eq!((read.code(), cancel.unwrap_err().code()), (3002, 3002));
}

/// Answers the first question with a 429, and says how long the second one waited.
async fn waited(headers: &[(&'static str, &str)]) -> (Duration, Option<Error>) {
    let server = MockServer::start().await;
    let route = || matchers::path("/api.robinhood.com/user/");
    let mut throttled = ResponseTemplate::new(429).set_body_json(json!({"detail": "Slow down."}));
    for (name, value) in headers {
        throttled = throttled.append_header(*name, *value);
    }
    Mock::given(route())
        .respond_with(throttled)
        .up_to_n_times(1)
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(route())
        .respond_with(
            ResponseTemplate::new(200).set_body_raw(rig::sample("user"), "application/json"),
        )
        .with_priority(2)
        .mount(&server)
        .await;
    let clock = SkipClock(Skipping::new());
    let broker = at(server.uri(), rig::http(&clock));
    let outcome = broker.user().await;
    (clock.0.skipped(), outcome.err())
}

pub(crate) fn date(at: time::OffsetDateTime) -> String {
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    at.format(format).unwrap()
}

#[tokio::test]
async fn f11_a_date_to_come_back_is_counted_from_the_brokers_own_clock() {
    let seconds = |n| time::Duration::seconds(n);
    // The broker's clock may be hours or years away from ours.
    for skew in [0, -7_200, 7_200, 94_608_000] {
        let there = SkipClock(Skipping::new()).now() + seconds(skew);
        let (now, later) = (date(there), date(there + seconds(20)));
        let (wait, error) = waited(&[("date", &now), ("retry-after", &later)]).await;
        assert!(error.is_none(), "{skew}: {error:?}");
        assert!(
            (Duration::from_secs(19)..Duration::from_secs(40)).contains(&wait),
            "{skew}: {wait:?}"
        );
        let past = date(there - seconds(3_600));
        let (wait, error) = waited(&[("date", &now), ("retry-after", &past)]).await;
        assert!(
            error.is_none() && wait < Duration::from_secs(20),
            "{wait:?}"
        );
    }
}

#[tokio::test]
async fn f12_waits_that_make_no_sense_are_our_own_and_long_ones_are_told() {
    for text in ["0", "-1", "abc", "1.5", ""] {
        let (wait, error) = waited(&[("retry-after", text)]).await;
        assert!(error.is_none(), "{text}: {error:?}");
        assert!(wait < Duration::from_secs(20), "{text}: {wait:?}");
    }
    let (wait, error) = waited(&[("retry-after", "3"), ("retry-after", "9")]).await;
    assert!(
        error.is_none() && wait < Duration::from_secs(20),
        "{wait:?}"
    );
    let (wait, error) = waited(&[("retry-after", "43184")]).await;
    let error = error.unwrap();
    assert_eq!(error.code(), 3004);
    assert!(error.retry_after().unwrap() >= Duration::from_secs(43_000));
    assert!(wait < Duration::from_secs(60), "{wait:?}");
}

#[tokio::test]
async fn f15_interim_answers_without_end_stop_at_the_deadline() {
    let endless = |count| Kind::Informational {
        status: 103,
        count,
        every: Duration::from_millis(5),
    };
    let code = read(endless(0)).await.code();
    assert!(matches!(code, 2002 | 2004), "{code}");
    let (code, there) = place(endless(0)).await;
    assert!(there && matches!(code, 2002 | 2004), "{code}");
}

#[tokio::test]
async fn f16_a_redirect_of_any_kind_is_refused() {
    let foreign = MockServer::start().await;
    for status in [300, 301, 302, 303, 304, 305, 307, 308] {
        let location = format!("{}/user/", foreign.uri());
        let kind = Kind::Redirect { status, location };
        let code = read(kind.clone()).await.code();
        assert!(matches!(code, 2004 | 2005), "{status}: {code}");
        let (_, there) = place(kind).await;
        assert!(!there, "{status}");
    }
    // One to the very same host is no better.
    let location = "/api.robinhood.com/user/".to_owned();
    let kind = Kind::Redirect {
        status: 302,
        location,
    };
    assert_eq!(read(kind).await.code(), 2005);
    assert_eq!(foreign.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn f17_a_truncated_or_damaged_gzip_is_not_the_protocol() {
    for fault in [GzipFault::Truncated, GzipFault::Corrupt, GzipFault::NotGzip] {
        let error = read(Kind::Gzip(fault)).await;
        assert_eq!(error.code(), 2004, "{fault:?}: {error}");
        assert_eq!(place(Kind::Gzip(fault)).await, (2004, true), "{fault:?}");
    }
}

#[tokio::test]
async fn f18_a_length_that_lies_is_an_error() {
    for (off_by, codes) in [(5, [2001, 2002, 2004]), (-5, [2001, 2004, 3006])] {
        let kind = Kind::ContentLength { off_by };
        let error = read(kind.clone()).await;
        assert!(codes.contains(&error.code()), "{off_by}: {error}");
        let (code, there) = place(kind).await;
        assert!(there && codes.contains(&code), "{off_by}: {code}");
    }
}

#[tokio::test]
async fn f19_sup_3_bodies_without_end_and_bombs_are_stopped_at_the_cap() {
    for kind in [
        Kind::HugeBody { bytes: 10_000_000 },
        Kind::HugeBody { bytes: 1 << 30 },
        Kind::Gzip(GzipFault::Bomb { bytes: 64 << 20 }),
    ] {
        let error = read(kind.clone()).await;
        assert_eq!(error.code(), 2004, "{kind:?}: {error}");
        assert_eq!(place(kind).await, (2004, false));
    }
}

#[tokio::test]
async fn f20_f21_f29_sup_3_bodies_that_are_no_proper_json_are_told() {
    let deep = format!("{{\"id\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    let mut keys = String::from("{");
    for n in 0..500_000 {
        keys.push_str(&format!("\"k{n}\":1,"));
    }
    keys.push_str("\"id\":\"1\"}");
    for (name, body) in [
        ("deep", deep.into_bytes()),
        ("keys", keys.into_bytes()),
        ("twice", br#"{"id":"1","id":"2","username":"x"}"#.to_vec()),
        (
            "latin-1",
            b"{\"id\":\"1\",\"username\":\"J\xF6rg\"}".to_vec(),
        ),
        ("utf-16", b"\xFF\xFE{\0\"\0i\0d\0\"\0".to_vec()),
    ] {
        let error = read(Kind::Body(body)).await;
        assert!(matches!(error.code(), 2004 | 3006), "{name}: {error}");
        assert!(!error.to_string().contains("rg"), "{name}: {error}");
    }
    let at = AtServer::new().await;
    let marked = [b"\xEF\xBB\xBF".as_slice(), &rig::sample("user")].concat();
    at.mount("GET", "api", "/user/", 200, marked, 1).await;
    at.broker.user().await.unwrap();
}

#[tokio::test]
async fn f32_a_name_that_does_not_exist_means_that_nothing_was_sent() {
    // A label of 64 letters is no name anywhere, so nobody has to be asked.
    let nowhere = format!("https://{}.invalid", "a".repeat(64));
    let error = at(nowhere, impatient());
    let error = error.accounts().await.unwrap_err();
    assert_eq!((error.code(), error.effect()), (2001, Effect::None));
}

#[tokio::test]
async fn f34_f42_connections_that_break_are_made_again_for_reads() {
    for kind in [
        Kind::DropAnswer,
        Kind::Reset(Moment::AfterActing),
        Kind::Reset(Moment::AfterRead),
        Kind::Reset(Moment::BeforeRead),
    ] {
        let at = AtSim::new().await;
        let user = Matcher::path("/api.robinhood.com/user/");
        at.server()
            .faults()
            .add(Fault::new(user, kind.clone()).times(2));
        at.broker.user().await.unwrap();
        assert_eq!(read(kind).await.code(), 2001);
    }
    assert_eq!(place(Kind::Reset(Moment::AfterActing)).await, (2001, true));
    assert_eq!(place(Kind::Reset(Moment::AfterRead)).await, (2001, false));
}

#[tokio::test]
async fn f35_f36_silence_ends_by_the_deadline_of_its_phase() {
    for (stall, phase) in [
        (StallAt::BeforeHead, "head"),
        (StallAt::AfterHead, "body"),
        (StallAt::MidBody, "body"),
    ] {
        let error = read(Kind::Stall(stall)).await;
        assert_eq!(error.code(), 2002, "{stall:?}: {error}");
        assert!(error.message().contains(phase), "{stall:?}: {error}");
        assert_eq!(place(Kind::Stall(stall)).await, (2002, true), "{stall:?}");
    }
    // Connected and silent: TLS does not even begin.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let error = at(address, impatient());
    let error = error.accounts().await.unwrap_err();
    assert_eq!((error.code(), error.effect()), (2002, Effect::None));
    assert!(error.message().contains("connect"), "{error}");
}

#[tokio::test]
async fn f37_sup_4_a_byte_now_and_then_is_not_waited_for_to_the_end() {
    let drip = Kind::Drip {
        bytes: 1,
        every: Duration::from_millis(100),
    };
    let began = std::time::Instant::now();
    assert_eq!(read(drip.clone()).await.code(), 2002);
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(place(drip).await, (2002, true));
    // The head by single bytes, from a peer of its own.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let peer = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for byte in b"HTTP/1.1 200 OK\r\nx-slow: ".iter().cycle() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if stream.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
    });
    let error = at(address, impatient());
    assert_eq!(error.accounts().await.unwrap_err().code(), 2002);
    peer.await.unwrap();
}

/// Answers the first message of TLS with that of an old version, and keeps what it was sent.
async fn speaks_tls_1_0() -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = heard.clone();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut message = vec![0; 16_384];
            let length = stream.read(&mut message).await.unwrap_or(0);
            ears.lock().unwrap().extend_from_slice(&message[..length]);
            let mut hello = vec![22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1];
            hello.extend([9; 32]);
            hello.extend([0, 0xc0, 0x14, 0]);
            let _ = stream.write_all(&hello).await;
            let length = stream.read(&mut message).await.unwrap_or(0);
            ears.lock().unwrap().extend_from_slice(&message[..length]);
        }
    });
    (address, heard)
}

#[tokio::test]
async fn f39_old_tls_is_refused_and_no_token_is_sent() {
    let (address, heard) = speaks_tls_1_0().await;
    let error = at(address, impatient());
    let error = error.accounts().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Tls, 2003));
    let heard = heard.lock().unwrap();
    let canary = |window: &[u8]| window == CANARY.as_bytes();
    assert!(!heard.is_empty() && !heard.windows(CANARY.len()).any(canary));
}

#[tokio::test]
async fn f40_a_portal_of_a_hotel_is_told_apart() {
    let error = read(Kind::Html(511)).await;
    assert_eq!(error.code(), 2004);
    assert!(error.message().contains("511"), "{error}");
    let error = read(Kind::Html(407)).await;
    assert!(error.message().contains("407"), "{error}");
}

#[tokio::test]
async fn f41_a_name_with_two_addresses_of_which_one_is_dead_is_reached() {
    // `localhost` is 127.0.0.1 and ::1, and only the first one listens.
    let server = AtServer::new().await;
    let port = server.server.address().port();
    let broker = at(format!("http://localhost:{port}"), impatient());
    assert!(!broker.accounts().await.unwrap().is_empty());
}

#[tokio::test]
async fn f58_an_account_that_the_broker_refuses_stays_refused() {
    let at = AtServer::new().await;
    let mine = "/accounts/100200301/";
    for route in [mine, "/positions/"] {
        let refused = rig::sample("error_403");
        at.mount("GET", "api", route, 403, refused, 1).await;
    }
    let error = at.broker.all_positions(&at.account).await.unwrap_err();
    assert_eq!(error.code(), 3003);
    assert!(error.broker_message().is_some());
    let error = at.broker.account_summary(&at.account).await.unwrap_err();
    assert_eq!(error.code(), 3003);
    // A refusal is no reason to look for another token.
    assert_eq!(at.sent("GET", ".com/positions/").await.len(), 1);
}

#[tokio::test]
async fn f59_money_of_another_currency_is_not_taken_for_dollars() {
    let mut portfolio: serde_json::Value =
        serde_json::from_slice(&rig::sample("portfolio_detail")).unwrap();
    for (told, read) in [("GBP", Some("GBP")), ("$", None)] {
        portfolio["display_currency"] = json!(told);
        let body = portfolio.to_string().into_bytes();
        let route = "/portfolios/100200301/";
        let at = crate::wheel::world().await;
        at.mount("GET", "api", route, 200, body, 1).await;
        let summary = at.broker.account_summary(&at.account).await;
        match read {
            Some(code) => assert_eq!(summary.unwrap().currency.unwrap().to_string(), code),
            None => assert_eq!(summary.unwrap_err().code(), 3006),
        }
    }
}

#[tokio::test]
async fn f30_a_list_without_end_is_left_after_a_thousand_pages() {
    for route in [
        "/options/positions/",
        "/dividends/",
        "/positions/",
        "/orders/",
    ] {
        let at = AtServer::new().await;
        let own = format!("{}/api.robinhood.com{route}", at.server.uri());
        let answer = move |request: &wiremock::Request| {
            let cursor = request.url.query_pairs().find(|(key, _)| key == "cursor");
            let at = cursor.map_or(0, |(_, n)| n.parse::<usize>().unwrap());
            assert!(at <= 10_001);
            let next = format!("{own}?cursor={}", at + 1);
            ResponseTemplate::new(200).set_body_json(json!({"next": next, "results": []}))
        };
        Mock::given(matchers::path(format!("/api.robinhood.com{route}")))
            .respond_with(answer)
            .with_priority(1)
            .mount(&at.server)
            .await;
        let options = at.broker.options().unwrap();
        let error = match route {
            "/options/positions/" => options.option_positions(&at.account).await.map(drop),
            "/dividends/" => at.broker.dividends(&at.account).await.map(drop),
            "/positions/" => at.broker.all_positions(&at.account).await.map(drop),
            _ => at
                .broker
                .all_orders(&at.account, Default::default())
                .await
                .map(drop),
        };
        let error = error.unwrap_err();
        assert!(matches!(error.code(), 2005 | 3006), "{route}: {error}");
        let pages = at.sent("GET", &format!(".com{route}")).await.len();
        assert!((1_000..=1_001).contains(&pages), "{route}: {pages}");
    }
}
