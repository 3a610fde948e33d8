//! The simulator as a program.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::rig::send;

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
