//! The simulator as a program.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use super::rig::{credentials, send};

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(arguments: &[&str]) -> (Program, Value) {
    let child = Command::new(env!("CARGO_BIN_EXE_wheelhouse-sim"))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut program = Program(child);
    let mut line = String::new();
    BufReader::new(program.0.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready = serde_json::from_str(&line).unwrap();
    (program, ready)
}

#[tokio::test]
async fn one_line_names_all_addresses() {
    let any = "127.0.0.1:0";
    let arguments = [
        "--robinhood",
        any,
        "--robinhood-crypto",
        any,
        "--tradelocker",
        any,
    ];
    let (_program, ready) = start(&arguments);
    assert!(ready["tradelocker"]["api"].is_string());
    for (broker, path) in [
        ("robinhood", "/accounts/"),
        ("robinhood_crypto", "/api/v1/crypto/trading/accounts/"),
    ] {
        let origin = ready[broker]["origin"].as_str().unwrap();
        let addr = origin.strip_prefix("http://").unwrap().parse().unwrap();
        assert_eq!(
            send(addr, "GET", path, &[], "").await.status,
            401,
            "{broker}"
        );
    }
    let (_program, ready) = start(&["--robinhood", any]);
    assert!(ready.get("tradelocker").is_none() && ready.get("robinhood_crypto").is_none());
}

/// A program whose user is logged in at once, and the bearer header.
async fn logged_in(arguments: &[&str]) -> (Program, SocketAddr, String) {
    let always = [
        "--robinhood",
        "127.0.0.1:0",
        "--robinhood-login",
        "granted",
        "--rate-limits",
        "off",
    ];
    let (program, ready) = start(&[&always, arguments].concat());
    let origin = ready["robinhood"]["origin"].as_str().unwrap();
    let addr = origin.strip_prefix("http://").unwrap().parse().unwrap();
    let body = credentials("d1", json!({})).to_string();
    let kind = [("Content-Type", "application/json")];
    let tokens = send(addr, "POST", "/oauth2/token/", &kind, &body).await;
    let token = tokens.expect(200)["access_token"].clone();
    (program, addr, format!("Bearer {}", token.as_str().unwrap()))
}

#[tokio::test]
async fn it_serves_as_many_positions_and_contracts_as_it_is_told() {
    let arguments = [
        "--robinhood-positions",
        "200",
        "--robinhood-contracts",
        "5000",
    ];
    let (_program, addr, token) = logged_in(&arguments).await;
    let get = async |path: &str| {
        let header = [("Authorization", token.as_str())];
        send(addr, "GET", path, &header, "").await.expect(200)
    };
    let rows = get("/positions/?nonzero=true&page_size=1000").await["results"].clone();
    assert_eq!(rows.as_array().unwrap().len(), 200);
    let chain = "chain_id=11057328-9f9a-46b3-b665-bc5dc944f363";
    // The last of 50 pages.
    let cursor = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "p=4900");
    let last = get(&format!("/options/instruments/?{chain}&cursor={cursor}")).await;
    assert_eq!(last["results"].as_array().unwrap().len(), 100);
    assert_eq!(last["next"], Value::Null);
    let (_program, addr, token) = logged_in(&[]).await;
    let header = [("Authorization", token.as_str())];
    let path = format!("/options/instruments/?{chain}");
    let rows = send(addr, "GET", &path, &header, "").await.rows();
    assert_eq!(rows.len(), 56, "what --help says of the ordinary world");
}
