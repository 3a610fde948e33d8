use std::error::Error as _;

use wheelhouse_sim::{
    Script, Sim, SimError,
    tradelocker::{AccountSpec, UserSpec},
};

use crate::rig::{Reply, raw, request};

fn at_any_port() -> wheelhouse_sim::SimBuilder {
    Sim::builder().tradelocker("127.0.0.1:0".parse().unwrap())
}

#[tokio::test]
async fn a_simulator_needs_a_loopback_address() {
    assert!(matches!(
        Sim::builder().start().await,
        Err(SimError::NoBroker)
    ));
    for addr in ["0.0.0.0:0", "192.0.2.1:80", "[::]:0"] {
        let error = Sim::builder()
            .tradelocker(addr.parse().unwrap())
            .start()
            .await
            .unwrap_err();
        assert!(matches!(error, SimError::NotLoopback { .. }), "{error}");
        assert!(error.to_string().contains("127.0.0.1"), "{error}");
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let sim = at_any_port().start().await.unwrap();
    let addr = sim.tradelocker().addr();
    let error = Sim::builder().tradelocker(addr).start().await.unwrap_err();
    assert!(error.to_string().contains(&addr.to_string()) && error.source().is_some());
}

#[tokio::test]
async fn repeated_users_and_accounts_are_refused() {
    let twice = at_any_port()
        .user(UserSpec::demo())
        .user(UserSpec::demo())
        .start()
        .await;
    assert!(matches!(
        twice,
        Err(SimError::Duplicate { what: "user", .. })
    ));
    let same = UserSpec::new("b", "p", "DEMO").accounts([AccountSpec::new("1002003")]);
    let twice = at_any_port()
        .user(UserSpec::demo())
        .user(same)
        .start()
        .await;
    assert!(matches!(
        twice,
        Err(SimError::Duplicate {
            what: "account",
            ..
        })
    ));
}

#[tokio::test]
async fn a_price_for_an_unknown_instrument_is_refused_with_the_known_ones() {
    let script = Script::from_json(r#"{"tradelocker": {"prices": {"EURUSDX": "1"}}}"#).unwrap();
    let error = at_any_port().script(script).start().await.unwrap_err();
    assert!(error.to_string().contains("EURUSD.x"), "{error}");
}

#[tokio::test]
async fn addresses_have_the_forms_that_clients_want() {
    let sim = at_any_port().start().await.unwrap();
    let broker = sim.tradelocker();
    assert_eq!(broker.origin(), format!("http://{}", broker.addr()));
    assert_eq!(broker.api_url(), format!("{}/backend-api", broker.origin()));
}

#[tokio::test]
async fn a_user_is_shown_without_the_password() {
    let text = format!(
        "{:?}",
        UserSpec::new("a@b.c", "hunter2", "S").account_count(1)
    );
    assert!(
        text.contains("a@b.c") && !text.contains("hunter2"),
        "{text}"
    );
}

#[tokio::test]
async fn after_a_shutdown_nobody_answers() {
    let sim = at_any_port().start().await.unwrap();
    let addr = sim.tradelocker().addr();
    let mut idle = tokio::net::TcpStream::connect(addr).await.unwrap();
    sim.shutdown().await;
    let mut rest = Vec::new();
    let ended = tokio::io::AsyncReadExt::read_to_end(&mut idle, &mut rest).await;
    assert!(ended.is_err() || rest.is_empty());
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_dropped_simulator_stops_too() {
    let sim = at_any_port().start().await.unwrap();
    let addr = sim.tradelocker().addr();
    drop(sim);
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(addr).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("still listening");
}

#[tokio::test]
async fn one_connection_serves_many_requests_also_pipelined_and_chunked() {
    let sim = at_any_port().start().await.unwrap();
    let plain = request("GET", "/nothing", &[], "");
    let chunked = "POST /backend-api/auth/jwt/token HTTP/1.1\r\nHost: x\r\n\
        Transfer-Encoding: chunked\r\n\r\n5\r\n{\"ema\r\n3\r\nil\"\r\n0\r\n\r\n";
    let last = request("GET", "/nothing", &[("Connection", "close")], "");
    let bytes = raw(sim.tradelocker().addr(), &format!("{plain}{chunked}{last}"))
        .await
        .unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let statuses: Vec<_> = text
        .match_indices("HTTP/1.1 ")
        .map(|(at, _)| &text[at + 9..at + 12])
        .collect();
    assert_eq!(statuses, ["404", "400", "404"]);
    assert_eq!(sim.tradelocker().ledger().requests().len(), 3);
}

#[tokio::test]
async fn a_body_is_waited_for_with_100_continue() {
    let sim = at_any_port().start().await.unwrap();
    let text = request(
        "POST",
        "/auth/jwt/token",
        &[("Expect", "100-continue"), ("Connection", "close")],
        "{}",
    );
    let bytes = raw(sim.tradelocker().addr(), &text).await.unwrap();
    let interim = Reply::parse(&bytes).unwrap();
    assert_eq!(interim.status, 100);
    assert_eq!(Reply::parse(&interim.body).unwrap().status, 400);
}

#[tokio::test]
async fn what_is_not_http_gets_400_and_the_end() {
    let sim = at_any_port().start().await.unwrap();
    let bytes = raw(sim.tradelocker().addr(), "\u{16}\u{3}\u{1}hello\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(Reply::parse(&bytes).unwrap().status, 400);
}
