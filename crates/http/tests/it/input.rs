use secrecy::SecretString;
use wheelhouse_core::ErrorKind;
use wheelhouse_http::{Endpoint, Sent};

use crate::{
    peer::{Peer, ok},
    support::{ANY, READ, builder, target},
};

static ORDER: Endpoint =
    Endpoint::get("order", "/accounts/{accountId}/orders/{orderId}", ANY).without_token();
static CLOSE: Endpoint = Endpoint::delete("close", "/positions/{id}", ANY).without_token();

fn bad_texts() -> Vec<String> {
    [
        "a\rb",
        "a\nb",
        "a\r\nx: y",
        "a\0b",
        "\u{7f}",
        "é",
        "a\u{200b}b",
        "a\u{a0}b",
        "Ａ",
        "a\u{202e}b",
        "a\tb",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain(["a".repeat(65_536)])
    .collect()
}

#[tokio::test]
async fn sup_6_text_that_would_change_a_request_is_refused_before_any_socket() {
    let peer = Peer::answering(vec![ok()]).await;
    let client = builder(&peer.url()).build().unwrap();
    let target = target(&peer.url());
    for bad in bad_texts() {
        let secret = SecretString::from(bad.clone());
        for call in [
            client
                .call(&ORDER, &target)
                .path("accountId", &bad)
                .path("orderId", "1"),
            client.call(&READ, &target).query("symbol", &bad),
            client.call(&READ, &target).query(&bad, "x"),
            client.call(&READ, &target).header("accNum", &bad),
            client
                .call(&READ, &target)
                .secret_header("developer-api-key", &secret),
        ] {
            let error = call.send().await.unwrap_err();
            assert_eq!(
                (error.kind(), error.sent()),
                (ErrorKind::InvalidInput, Sent::No),
                "{bad:?}"
            );
        }
    }
    assert_eq!(peer.journal.connections(), 0);
}

#[tokio::test]
async fn f54_a_value_that_would_change_the_path_is_refused() {
    let peer = Peer::answering(vec![ok()]).await;
    let client = builder(&peer.url()).build().unwrap();
    let target = target(&peer.url());
    for bad in ["", ".", "..", "a/../b", "/", "%2e%2e", "%2F", "a\\b", "a b"] {
        let call = client
            .call(&ORDER, &target)
            .path("accountId", bad)
            .path("orderId", "1");
        assert_eq!(
            call.send().await.unwrap_err().error().code(),
            5001,
            "{bad:?}"
        );
    }
    let missing = client
        .call(&ORDER, &target)
        .path("accountId", "1")
        .send()
        .await
        .unwrap_err();
    assert_eq!(missing.error().code(), 5002);
    let unknown = client
        .call(&READ, &target)
        .path("accountId", "1")
        .send()
        .await
        .unwrap_err();
    assert_eq!(unknown.error().code(), 5001);
    assert_eq!(peer.journal.connections(), 0);
}

#[tokio::test]
async fn allowed_text_arrives_as_it_was_given() {
    let peer = Peer::answering(vec![ok()]).await;
    let client = builder(&peer.url()).build().unwrap();
    let target = target(&format!("{}/backend-api/", peer.url()));
    client
        .call(&ORDER, &target)
        .path("accountId", "BRAND#7")
        .path("orderId", "x?&=+")
        .query("from", 17)
        .query("symbol", "EUR/USD &x=1")
        .header("accNum", 2)
        .send()
        .await
        .unwrap();
    let head = peer.journal.requests().pop().unwrap().head;
    let line = "GET /backend-api/accounts/BRAND%237/orders/x%3F%26%3D%2B?from=17&symbol=EUR%2FUSD%20%26x%3D1 HTTP/1.1\r\n";
    assert!(head.starts_with(line), "{head}");
    assert!(
        head.contains("accnum: 2\r\n") && head.contains("accept: application/json\r\n"),
        "{head}"
    );
    assert!(head.contains("user-agent: wheelhouse/"), "{head}");
    assert!(!head.contains("referer"), "{head}");
}

#[tokio::test]
async fn a_delete_has_its_body() {
    let peer = Peer::answering(vec![ok()]).await;
    let client = builder(&peer.url()).build().unwrap();
    let target = target(&peer.url());
    let call = client.call(&CLOSE, &target).path("id", "9");
    call.json(&serde_json::json!({"qty": 0}))
        .send()
        .await
        .unwrap();
    let seen = peer.journal.requests().pop().unwrap();
    assert_eq!(seen.body, br#"{"qty":0}"#);
    assert!(
        seen.head.contains("content-type: application/json\r\n"),
        "{}",
        seen.head
    );
}

#[tokio::test]
async fn f55_a_password_is_sent_byte_for_byte() {
    let peer = Peer::answering(vec![ok()]).await;
    let client = builder(&peer.url()).build().unwrap();
    let target = target(&peer.url());
    let password = format!(" \"\\'😀\t{}", "x".repeat(1024));
    let body = serde_json::json!({"password": password});
    client
        .call(&crate::support::PLACE, &target)
        .secret_json(&body)
        .send()
        .await
        .unwrap();
    let seen: serde_json::Value = serde_json::from_slice(&peer.journal.requests()[0].body).unwrap();
    assert_eq!(seen, body);
}

#[test]
fn f66_settings_out_of_bounds_are_refused() {
    use std::time::Duration;
    use wheelhouse_http::{Deadlines, HttpClient, RetryPolicy};
    let build = |deadlines: Deadlines, retry: RetryPolicy, cap: usize| {
        builder("http://127.0.0.1:1")
            .deadlines(deadlines)
            .retry(retry)
            .body_cap(cap)
            .build()
    };
    let (deadlines, retry) = (Deadlines::default(), RetryPolicy::default());
    assert!(build(deadlines, retry, 1).is_ok());
    let code = |built: wheelhouse_core::Result<HttpClient>| built.unwrap_err().code();
    assert_eq!(
        code(build(deadlines.with_total(Duration::ZERO), retry, 1)),
        5003
    );
    assert_eq!(
        code(build(deadlines.with_idle(Duration::MAX), retry, 1)),
        5003
    );
    assert_eq!(code(build(deadlines, retry.with_attempts(0), 1)), 5003);
    assert_eq!(code(build(deadlines, retry.with_attempts(1000), 1)), 5003);
    assert_eq!(code(build(deadlines, retry, 0)), 5003);
    assert_eq!(code(HttpClient::builder().build()), 5003);
    assert_eq!(
        code(builder("http://127.0.0.1:1").user_agent("x\ny").build()),
        5003
    );
    assert_eq!(
        code(
            builder("http://127.0.0.1:1")
                .extra_root_pem(b"junk")
                .build()
        ),
        5003
    );
    assert_eq!(
        code(
            builder("http://127.0.0.1:1")
                .proxy("http://u:p@proxy")
                .build()
        ),
        5003
    );
}
