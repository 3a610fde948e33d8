use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use wheelhouse_core::{Effect, ErrorKind};
use wheelhouse_http::{CallError, Endpoint, Sent};

use crate::{
    peer::{Peer, json, ok},
    support::{ANY, PLACE, READ, call},
};

fn answer(status: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\n{kind}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

const HTML: &str = "content-type: text/html\r\n";
const JSON: &str = "content-type: application/json\r\n";
const GZIP: &str = "content-type: application/json\r\ncontent-encoding: gzip\r\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn error_of(answer: Vec<u8>, endpoint: &Endpoint) -> (CallError, usize) {
    let peer = Peer::answering(vec![answer]).await;
    let error = call(&peer.url(), endpoint).await.unwrap_err();
    (error, peer.journal.count())
}

#[tokio::test]
async fn f2_html_is_not_the_protocol_whatever_its_status() {
    let page = b"<!DOCTYPE html><title>canary-title</title>";
    for (status, kind, attempts) in [
        ("200 x", HTML, 1),
        ("200 x", JSON, 1),
        ("200 x", "", 1),
        ("403 x", HTML, 1),
        ("404 x", HTML, 1),
        ("503 x", HTML, 3),
    ] {
        let (error, count) = error_of(answer(status, kind, page), &READ).await;
        assert_eq!(
            (error.kind(), error.sent()),
            (ErrorKind::NotTheProtocol, Sent::Answered)
        );
        assert_eq!(count, attempts, "{status} {kind}");
        assert!(error.to_string().contains("HTML") && error.to_string().contains(&status[..3]));
        assert!(!format!("{error:?}").contains("canary-title"));

        let (error, count) = error_of(answer(status, kind, page), &PLACE).await;
        assert_eq!((error.error().effect(), count), (Effect::MaybeApplied, 1));
    }
}

#[tokio::test]
async fn f7_a_refusal_by_the_api_is_told_from_one_by_an_edge() {
    let peer = Peer::answering(vec![json("403 x", "", r#"{"errmsg":"no"}"#)]).await;
    assert_eq!(call(&peer.url(), &READ).await.unwrap().status(), 403);
    let (error, _) = error_of(
        answer("403 x", "content-type: text/plain\r\n", b"blocked"),
        &READ,
    )
    .await;
    assert_eq!(error.kind(), ErrorKind::NotTheProtocol);
}

#[tokio::test]
async fn text_that_is_not_json_is_refused_unless_the_endpoint_takes_it() {
    static CSV: Endpoint = Endpoint::get("csv", "/csv", ANY)
        .without_token()
        .any_content();
    let csv = answer("200 x", "content-type: text/csv\r\n", b"a,b\n1,2\n");
    let (error, _) = error_of(csv.clone(), &READ).await;
    assert_eq!(error.kind(), ErrorKind::NotTheProtocol);
    let peer = Peer::answering(vec![csv]).await;
    assert_eq!(call(&peer.url(), &CSV).await.unwrap().text(), "a,b\n1,2\n");
    let (error, _) = error_of(answer("200 x", HTML, b"<html>"), &CSV).await;
    assert_eq!(error.kind(), ErrorKind::NotTheProtocol);
}

#[tokio::test]
async fn f40_a_captive_portal_is_told_apart() {
    let (error, _) = error_of(answer("511 x", HTML, b"<html>log in to the hotel"), &READ).await;
    assert_eq!(error.kind(), ErrorKind::NotTheProtocol);
    assert!(error.to_string().contains("511"), "{error}");
}

#[tokio::test]
async fn f3_an_empty_body_is_an_answer_that_has_no_json() {
    for status in ["200 x", "201 x"] {
        let peer = Peer::answering(vec![json(status, "", "")]).await;
        let answer = call(&peer.url(), &READ).await.unwrap();
        assert_eq!(answer.text(), "");
        let error = answer.json::<serde_json::Value>().unwrap_err();
        assert_eq!(error.code(), 3006);
        assert!(error.message().contains("empty"));
    }
    let peer = Peer::answering(vec![b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(), ok()]).await;
    assert_eq!(call(&peer.url(), &PLACE).await.unwrap().status(), 204);
}

#[tokio::test]
async fn f1_json_errors_say_where_and_not_what() {
    let peer = Peer::answering(vec![json("200 x", "", r#"{"s":"canary"}"#)]).await;
    let answer = call(&peer.url(), &READ).await.unwrap();
    #[derive(Debug, serde::Deserialize)]
    struct Envelope {
        #[serde(rename = "s")]
        _s: u8,
    }
    let error = answer.json::<Envelope>().unwrap_err();
    assert!(error.message().contains("line 1, column 13"), "{error}");
    assert!(!format!("{error:?}{answer:?}").contains("canary"));
}

#[tokio::test]
async fn f17_truncated_gzip_is_not_the_protocol() {
    let whole = gzip(br#"{"s":"ok","d":{"positions":[]}}"#);
    let peer = Peer::answering(vec![answer("200 x", GZIP, &whole)]).await;
    assert_eq!(call(&peer.url(), &READ).await.unwrap().text().len(), 31);
    let head = peer.journal.requests()[0].head.clone();
    assert!(head.contains("accept-encoding: gzip\r\n"), "{head}");

    let mut bad_crc = whole.clone();
    let at = bad_crc.len() - 7;
    bad_crc[at] ^= 0x40;
    for body in [
        &whole[..whole.len() - 1],
        &whole[..12],
        &whole[..3],
        &bad_crc,
        b"{\"s\":\"ok\"}",
    ] {
        for endpoint in [&READ, &PLACE] {
            let (error, count) = error_of(answer("200 x", GZIP, body), endpoint).await;
            assert_eq!((error.kind(), count), (ErrorKind::NotTheProtocol, 1));
        }
    }
    for encoding in ["br", "zstd", "deflate", "gzip, gzip", "x"] {
        let kind = format!("{JSON}content-encoding: {encoding}\r\n");
        let (error, _) = error_of(answer("200 x", &kind, b"{}"), &READ).await;
        assert_eq!(error.kind(), ErrorKind::NotTheProtocol, "{encoding}");
    }
}

#[tokio::test]
async fn f29_a_byte_order_mark_is_tolerated_and_other_encodings_are_not() {
    let peer = Peer::answering(vec![answer("200 x", JSON, b"\xef\xbb\xbf{\"s\":\"ok\"}")]).await;
    assert_eq!(
        call(&peer.url(), &READ).await.unwrap().text(),
        r#"{"s":"ok"}"#
    );
    for body in [
        &b"{\"name\":\"M\xfcller\"}"[..],
        b"{\"a\":\"\xed\xa0\x80\"}",
        b"{\"a\":\"\xc0\xaf\"}",
    ] {
        let (error, _) = error_of(answer("200 x", JSON, body), &READ).await;
        assert_eq!(error.kind(), ErrorKind::UnexpectedAnswer);
        assert!(error.to_string().contains("UTF-8, at byte "), "{error}");
    }
    let utf16 = b"\xff\xfe{\0\"\0s\0\"\0:\x001\0}\0";
    assert!(
        [2004, 3006].contains(
            &error_of(answer("200 x", JSON, utf16), &READ)
                .await
                .0
                .error()
                .code()
        )
    );
}

#[tokio::test]
async fn an_answer_has_its_headers_and_the_servers_date() {
    let headers = "date: Sun, 22 Nov 2026 09:59:58 GMT\r\nlocation: /orders/17\r\n";
    let peer = Peer::answering(vec![json("201 x", headers, "{}")]).await;
    let answer = call(&peer.url(), &PLACE).await.unwrap();
    assert_eq!(answer.header("Location"), Some("/orders/17"));
    assert_eq!(
        answer.server_date(),
        Some(time::macros::datetime!(2026-11-22 09:59:58 UTC))
    );
}
