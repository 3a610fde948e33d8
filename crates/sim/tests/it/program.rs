use std::process::Stdio;

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
};

use crate::rig::{Reply, raw, request};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wheelhouse-sim"));
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// The ready line and the running program.
async fn ready(arguments: &[&str]) -> (Value, Child, BufReader<tokio::process::ChildStdout>) {
    let mut child = program(arguments).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).await.unwrap();
    (serde_json::from_str(&line).unwrap(), child, out)
}

async fn signalled(child: &Child, signal: &str) {
    let id = child.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args([signal, &id])
            .status()
            .await
            .unwrap()
            .success()
    );
}

#[tokio::test]
async fn it_prints_one_line_serves_and_ends_with_0_on_sigterm_and_sigint() {
    for signal in ["-TERM", "-INT"] {
        let arguments = [
            "--tradelocker",
            "127.0.0.1:0",
            "--seed",
            "9",
            "--user",
            "a@b.c",
            "--accounts",
            "2",
        ];
        let (ready, mut child, mut out) = ready(&arguments).await;
        assert_eq!(ready["seed"], 9);
        let origin = ready["tradelocker"]["origin"].as_str().unwrap();
        assert_eq!(ready["tradelocker"]["api"], format!("{origin}/backend-api"));
        let addr = origin.strip_prefix("http://").unwrap().parse().unwrap();
        let body = r#"{"email":"a@b.c","password":"demo-password","server":"DEMO"}"#;
        let text = request("POST", "/auth/jwt/token", &[("Connection", "close")], body);
        assert_eq!(
            Reply::parse(&raw(addr, &text).await.unwrap())
                .unwrap()
                .status,
            201
        );
        signalled(&child, signal).await;
        assert!(child.wait().await.unwrap().success());
        let mut rest = String::new();
        out.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, "", "more than one line on standard output");
    }
}

#[tokio::test]
async fn it_refuses_other_than_loopback_addresses_in_one_sentence() {
    let output = program(&["--tradelocker", "0.0.0.0:4010"])
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("loopback"), "{text}");
}

#[tokio::test]
async fn it_says_what_an_address_looks_like() {
    for wrong in ["127.0.0.1", "localhost:4010", "127.0.0.1:80000", ""] {
        let (status, said) = failure(&["--robinhood", wrong]).await;
        assert_eq!(status, Some(2), "{wrong}: {said}");
        assert!(said.contains("such as 127.0.0.1:4010"), "{wrong}: {said}");
    }
}

#[tokio::test]
async fn it_names_the_place_of_a_mistake_in_a_script() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("script.json");
    std::fs::write(
        &path,
        "{\"tradelocker\": {\n\"faults\": [{\"rout\": \"quotes\"}]}}",
    )
    .unwrap();
    let script = path.to_str().unwrap();
    let output = program(&["--tradelocker", "127.0.0.1:0", "--script", script])
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(text.contains("line 2") && text.contains("`rout`"), "{text}");
}

#[tokio::test]
async fn it_plays_a_script_from_its_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("script.json");
    std::fs::write(
        &path,
        r#"{"tradelocker": {"faults": [{"route": "token", "fault": {"html": {"status": 503}}}]}}"#,
    )
    .unwrap();
    let (ready, _child, _out) = ready(&[
        "--tradelocker",
        "127.0.0.1:0",
        "--script",
        path.to_str().unwrap(),
    ])
    .await;
    let origin = ready["tradelocker"]["origin"].as_str().unwrap();
    let addr = origin.strip_prefix("http://").unwrap().parse().unwrap();
    let text = request("POST", "/auth/jwt/token", &[("Connection", "close")], "{}");
    assert_eq!(
        Reply::parse(&raw(addr, &text).await.unwrap())
            .unwrap()
            .status,
        503
    );
}

#[tokio::test]
async fn its_help_names_the_flags() {
    let output = program(&["--help"]).output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for flag in [
        "--tradelocker",
        "--script",
        "--seed",
        "--user",
        "--password",
        "--server",
        "--rate-limits",
        "--accounts",
    ] {
        assert!(text.contains(flag), "{flag}");
    }
    let missing = program(&[]).output().await.unwrap();
    assert!(!missing.status.success());
}

async fn failure(arguments: &[&str]) -> (Option<i32>, String) {
    let output = program(arguments).output().await.unwrap();
    assert!(output.stdout.is_empty(), "{arguments:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), text)
}

#[tokio::test]
async fn every_refusal_of_the_command_line_has_a_code() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("script.json");
    std::fs::write(&script, "{\"robinhood\": {\n\"fault\": []}}").unwrap();
    let script = script.to_str().unwrap();
    let any = "127.0.0.1:0";
    let taken = std::net::TcpListener::bind(any).unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (arguments, status, code, text) in [
        (vec!["--robinhod", any], 2, 5001, "'--robinhood'"),
        (vec!["--robinhood", "nonsense"], 2, 5001, "'nonsense'"),
        (vec!["--robinhood-login", "x"], 2, 5001, "granted"),
        (vec!["--robinhood-page-size", "0"], 2, 5001, "1..=1000"),
        (vec!["--robinhood-positions", "-3"], 2, 5001, "3..=10000"),
        (vec!["--seed", "-1"], 2, 5001, "'-1'"),
        (vec!["--log", "["], 2, 5001, "--log"),
        (vec!["--quiet", "--verbose"], 2, 5001, "--verbose"),
        (vec![], 1, 5002, "--robinhood 127.0.0.1:0"),
        (vec!["--robinhood", "0.0.0.0:1"], 1, 5001, "loopback"),
        (vec!["--robinhood", &taken], 1, 5003, "cannot listen"),
        (vec!["--robinhood", any, "--script", "/no"], 1, 5003, "/no"),
        (
            vec!["--robinhood", any, "--script", script],
            1,
            5003,
            "line 2",
        ),
    ] {
        let (ended, said) = failure(&arguments).await;
        assert_eq!(ended, Some(status), "{arguments:?}: {said}");
        let first = said.lines().next().unwrap();
        assert!(first.starts_with("error: "), "{said}");
        assert!(said.contains(&format!("(code {code})")), "{said}");
        assert!(said.contains(text), "{said}");
    }
}

/// What it logs while it is asked once.
async fn logged(arguments: &[&str]) -> String {
    let arguments = [&["--robinhood", "127.0.0.1:0"], arguments].concat();
    let (ready, mut child, _out) = ready(&arguments).await;
    let origin = ready["robinhood"]["origin"].as_str().unwrap();
    let addr = origin.strip_prefix("http://").unwrap().parse().unwrap();
    let text = request("GET", "/positions/", &[("Connection", "close")], "");
    raw(addr, &text).await.unwrap();
    signalled(&child, "-TERM").await;
    let mut said = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut said).await.unwrap();
    assert!(child.wait().await.unwrap().success());
    said
}

#[tokio::test]
async fn it_tells_of_requests_only_if_asked() {
    assert!(logged(&["--verbose"]).await.contains("positions"));
    assert_eq!(logged(&[]).await, "");
    assert_eq!(logged(&["--quiet"]).await, "");
}
