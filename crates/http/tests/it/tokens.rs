use std::sync::atomic::Ordering;

use wheelhouse_core::{Effect, ErrorKind};
use wheelhouse_http::{Endpoint, Sent};

use crate::{
    peer::{Peer, json, ok},
    support::{ANY, Tokens, builder, target},
};

static READ: Endpoint = Endpoint::get("read", "/read", ANY);
static PLACE: Endpoint = Endpoint::post("place", "/place", ANY);
static LOGIN: Endpoint = Endpoint::post("login", "/login", ANY).without_token();

fn expired() -> Vec<u8> {
    json("401 x", "", r#"{"s":"error"}"#)
}

fn bearer(head: &str) -> Option<&str> {
    head.lines()
        .find_map(|line| line.strip_prefix("authorization: Bearer "))
}

#[tokio::test]
async fn f6_a_read_is_refreshed_once_and_replayed_once() {
    let peer = Peer::answering(vec![expired(), ok()]).await;
    let (client, target, tokens) = (
        builder(&peer.url()).build().unwrap(),
        target(&peer.url()),
        Tokens::default(),
    );
    let answer = client
        .call(&READ, &target)
        .token(&tokens)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(tokens.refreshes.load(Ordering::SeqCst), 1);
    let used: Vec<_> = peer
        .journal
        .requests()
        .iter()
        .map(|seen| bearer(&seen.head).map(str::to_owned))
        .collect();
    assert_eq!(
        used,
        [Some("token-0".to_owned()), Some("token-1".to_owned())]
    );
}

#[tokio::test]
async fn f6_a_second_401_is_the_adapters() {
    let peer = Peer::answering(vec![expired()]).await;
    let (client, target, tokens) = (
        builder(&peer.url()).build().unwrap(),
        target(&peer.url()),
        Tokens::default(),
    );
    let answer = client
        .call(&READ, &target)
        .token(&tokens)
        .send()
        .await
        .unwrap();
    assert_eq!(
        answer.status_error().unwrap().kind(),
        ErrorKind::SessionExpired
    );
    assert_eq!(
        (
            peer.journal.count(),
            tokens.refreshes.load(Ordering::SeqCst)
        ),
        (2, 1)
    );
}

#[tokio::test]
async fn f6_a_placement_is_refreshed_but_not_replayed() {
    let peer = Peer::answering(vec![expired(), ok()]).await;
    let (client, target, tokens) = (
        builder(&peer.url()).build().unwrap(),
        target(&peer.url()),
        Tokens::default(),
    );
    let answer = client
        .call(&PLACE, &target)
        .token(&tokens)
        .send()
        .await
        .unwrap();
    assert_eq!((answer.status(), peer.journal.count()), (401, 1));
    assert_eq!(tokens.refreshes.load(Ordering::SeqCst), 1);
    client
        .call(&PLACE, &target)
        .token(&tokens)
        .send()
        .await
        .unwrap();
    assert_eq!(bearer(&peer.journal.requests()[1].head), Some("token-1"));
}

#[tokio::test]
async fn a_refused_refresh_is_the_error_of_a_read_and_not_of_a_placement() {
    let peer = Peer::answering(vec![expired()]).await;
    let (client, target) = (builder(&peer.url()).build().unwrap(), target(&peer.url()));
    let tokens = Tokens {
        dead: true,
        ..Tokens::default()
    };
    let error = client
        .call(&READ, &target)
        .token(&tokens)
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.error().effect()),
        (ErrorKind::RefreshRefused, Effect::None)
    );
    let answer = client
        .call(&PLACE, &target)
        .token(&tokens)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn tok_5_a_late_401_for_an_old_token_refreshes_nothing() {
    let peer = Peer::start(|mut connection, _| async move {
        while let Some(seen) = connection.request().await {
            let fresh = bearer(&seen.head) == Some("token-1");
            connection
                .write(&if fresh { ok() } else { expired() })
                .await;
        }
    })
    .await;
    let (client, target) = (builder(&peer.url()).build().unwrap(), target(&peer.url()));
    let tokens = std::sync::Arc::new(Tokens::default());
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (client, target, tokens) = (client.clone(), target.clone(), tokens.clone());
        calls.spawn(async move {
            client
                .call(&READ, &target)
                .token(&*tokens)
                .send()
                .await
                .unwrap()
                .status()
        });
    }
    assert!(calls.join_all().await.iter().all(|status| *status == 200));
    assert_eq!(tokens.refreshes.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_401_page_from_an_edge_refreshes_nothing() {
    let page = "HTTP/1.1 401 x\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>";
    let peer = Peer::answering(vec![page.as_bytes().to_vec()]).await;
    let (client, target, tokens) = (
        builder(&peer.url()).build().unwrap(),
        target(&peer.url()),
        Tokens::default(),
    );
    let error = client
        .call(&READ, &target)
        .token(&tokens)
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.sent()),
        (ErrorKind::NotTheProtocol, Sent::Answered)
    );
    let error = client
        .call(&PLACE, &target)
        .token(&tokens)
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.error().effect(), Effect::MaybeApplied);
    assert_eq!(tokens.refreshes.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_login_carries_no_token_even_if_it_is_given_one() {
    let peer = Peer::answering(vec![expired()]).await;
    let (client, target, tokens) = (
        builder(&peer.url()).build().unwrap(),
        target(&peer.url()),
        Tokens::default(),
    );
    let answer = client
        .call(&LOGIN, &target)
        .token(&tokens)
        .send()
        .await
        .unwrap();
    assert_eq!((answer.status(), peer.journal.count()), (401, 1));
    assert_eq!(bearer(&peer.journal.requests()[0].head), None);
    assert_eq!(tokens.refreshes.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_endpoint_that_needs_a_token_is_not_sent_without_one() {
    let peer = Peer::answering(vec![ok()]).await;
    let error = builder(&peer.url())
        .build()
        .unwrap()
        .call(&READ, &target(&peer.url()))
        .send()
        .await
        .unwrap_err();
    assert_eq!((error.error().code(), error.sent()), (5002, Sent::No));
    assert_eq!(peer.journal.connections(), 0);
}
