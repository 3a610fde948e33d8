use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::net::TcpSocket;
use wheelhouse_core::{Effect, ErrorKind, RetryAdvice};
use wheelhouse_http::{Endpoint, Sent};

use crate::{
    peer::{Peer, ok},
    support::{ANY, CANCEL, PLACE, READ, builder, call, eventually, pause, target},
};

/// A port at which nobody listens, and which nobody else gets until the socket is dropped.
fn silent_port() -> (TcpSocket, std::net::SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[tokio::test]
async fn f33_a_refused_connection_means_that_nothing_was_sent() {
    let (_socket, address) = silent_port();
    let url = format!("http://{address}");
    for endpoint in [&READ, &PLACE, &CANCEL] {
        let error = call(&url, endpoint).await.unwrap_err();
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Network, Sent::No));
        assert_eq!(error.error().effect(), Effect::None);
        assert!(matches!(error.error().advice(), RetryAdvice::After(_)));
        assert!(error.to_string().contains("refused"), "{error}");
    }
}

#[tokio::test]
async fn f33_a_placement_whose_connection_was_refused_is_tried_again() {
    let (socket, address) = silent_port();
    let url = format!("http://{address}");
    let client = builder(&url)
        .clock(Arc::new(wheelhouse_core::SystemClock::new()))
        .build()
        .unwrap();
    let target = target(&url);
    let placing = tokio::spawn(async move {
        client
            .call(&PLACE, &target)
            .json(&1)
            .send()
            .await
            .map(|answer| answer.status())
    });
    pause(20).await;
    // The second or third attempt finds somebody there.
    let listener = socket.listen(8).unwrap();
    let served = tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 1024];
        let read = stream.read(&mut buffer).await.unwrap();
        stream.write_all(&ok()).await.unwrap();
        read
    });
    match placing.await.unwrap() {
        Ok(status) => assert!(status == 200 && served.await.unwrap() > 0),
        // All three random waits were shorter than ours; then it must have said so.
        Err(error) => assert_eq!(error.sent(), Sent::No),
    }
}

#[tokio::test]
async fn f32_a_name_that_does_not_exist_means_that_nothing_was_sent() {
    // A label of 64 letters is no name anywhere, so nobody has to be asked.
    let error = call(&format!("https://{}.invalid", "a".repeat(64)), &PLACE)
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.sent()), (ErrorKind::Network, Sent::No));
    assert_eq!(error.error().effect(), Effect::None);
}

#[tokio::test]
async fn f34_a_connection_lost_after_the_request_is_unknown_for_a_placement() {
    #[derive(Clone, Copy, Debug)]
    enum Loss {
        Reset,
        Eof,
        EofInHead,
        EofInBody,
        ResetInBody,
    }
    for loss in [
        Loss::Reset,
        Loss::Eof,
        Loss::EofInHead,
        Loss::EofInBody,
        Loss::ResetInBody,
    ] {
        for (endpoint, times) in [(&READ, 3), (&CANCEL, 3), (&PLACE, 1)] {
            let peer = Peer::start(move |mut connection, _| async move {
                connection.request().await;
                match loss {
                    Loss::Reset => connection.reset(),
                    Loss::Eof => {}
                    Loss::EofInHead => drop(connection.write(b"HTTP/1.1 200 OK\r\ncontent-").await),
                    Loss::EofInBody | Loss::ResetInBody => {
                        connection
                            .write(b"HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n{\"s\":\"ok\"")
                            .await;
                        if matches!(loss, Loss::ResetInBody) {
                            pause(5).await;
                            connection.reset();
                        }
                    }
                }
            })
            .await;
            let error = call(&peer.url(), endpoint).await.unwrap_err();
            let what = format!("{loss:?} {}: {error:?}", endpoint.operation());
            assert_eq!(peer.journal.count(), times, "{what}");
            assert!(error.sent() >= Sent::Maybe, "{what}");
            let in_body = matches!(loss, Loss::EofInBody);
            let kind = if in_body {
                ErrorKind::NotTheProtocol
            } else {
                ErrorKind::Network
            };
            assert_eq!(error.kind(), kind, "{what}");
            let effect = if endpoint.operation() == "read" {
                Effect::None
            } else {
                Effect::MaybeApplied
            };
            assert_eq!(error.error().effect(), effect, "{what}");
        }
    }
}

#[tokio::test]
async fn f34_a_request_without_a_body_counts_as_sent_too() {
    static CLOSE_ALL: Endpoint = Endpoint::delete("close_all", "/all", ANY).without_token();
    let peer = Peer::start(|mut connection, _| async move {
        connection.request().await;
        connection.reset();
    })
    .await;
    let client = builder(&peer.url()).build().unwrap();
    let error = client
        .call(&CLOSE_ALL, &target(&peer.url()))
        .send()
        .await
        .unwrap_err();
    assert_eq!((error.sent(), peer.journal.count()), (Sent::Maybe, 1));
    assert_eq!(error.error().effect(), Effect::MaybeApplied);
}

/// Nobody can tell whether a fresh connection that is reset took the request with it.
#[tokio::test]
async fn f33_a_reset_on_accept_is_never_taken_for_an_answer() {
    let peer = Peer::start(|connection, _| async { connection.reset() }).await;
    for endpoint in [&READ, &PLACE] {
        let error = call(&peer.url(), endpoint).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Network);
        if error.sent() == Sent::No {
            assert_eq!(error.error().effect(), Effect::None);
        }
    }
    assert_eq!(peer.journal.count(), 0);
}

#[tokio::test]
async fn f38_a_stale_pooled_connection_is_replaced_without_a_second_request() {
    // Every connection answers once and is closed while it is idle.
    let peer = Peer::start(|mut connection, _| async move {
        if connection.request().await.is_some() {
            connection.write(&ok()).await;
        }
    })
    .await;
    let client = builder(&peer.url()).build().unwrap();
    let target = target(&peer.url());
    for number in 1..=20 {
        let answer = client.call(&PLACE, &target).json(&1).send().await;
        assert_eq!(answer.unwrap().status(), 200);
        assert_eq!(peer.journal.count(), number);
        // Gives the client's connection a moment to see the end.
        pause(5).await;
    }
}

#[tokio::test]
async fn f38_a_connection_closed_when_the_second_request_has_arrived_is_not_tried_again() {
    let peer = Peer::start(|mut connection, _| async move {
        connection.request().await;
        connection.write(&ok()).await;
        connection.request().await;
        connection.reset();
    })
    .await;
    let client = builder(&peer.url()).build().unwrap();
    let target = target(&peer.url());
    client.call(&PLACE, &target).json(&1).send().await.unwrap();
    let error = client
        .call(&PLACE, &target)
        .json(&1)
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        (error.sent(), error.error().effect()),
        (Sent::Maybe, Effect::MaybeApplied)
    );
    assert_eq!((peer.journal.count(), peer.journal.connections()), (2, 1));
}

#[tokio::test]
async fn f18_a_wrong_content_length_costs_the_connection() {
    let short = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{\"s\":\"ok\"}";
    let peer = Peer::start(move |mut connection, number| async move {
        while connection.request().await.is_some() {
            if !connection
                .write(if number == 0 { short } else { b"" })
                .await
            {
                return;
            }
            if number > 0 {
                connection.write(&ok()).await;
            }
        }
    })
    .await;
    let client = builder(&peer.url()).build().unwrap();
    let target = target(&peer.url());
    let first = client.call(&READ, &target).send().await.unwrap();
    assert_eq!(first.json::<serde_json::Value>().unwrap_err().code(), 3006);
    pause(20).await;
    assert_eq!(
        client.call(&READ, &target).send().await.unwrap().text(),
        r#"{"s":"ok"}"#
    );
    assert_eq!(peer.journal.connections(), 2);
}

#[tokio::test]
async fn f43_an_answer_that_nobody_asked_for_is_given_to_nobody() {
    let two = [
        ok(),
        crate::peer::json("200 x", "", r#"{"s":"of somebody else"}"#),
    ]
    .concat();
    let peer = Peer::start(move |mut connection, number| {
        let two = two.clone();
        async move {
            while connection.request().await.is_some() {
                connection.write(if number == 0 { &two } else { b"" }).await;
                if number > 0 {
                    connection.write(&ok()).await;
                }
            }
        }
    })
    .await;
    let client = builder(&peer.url()).build().unwrap();
    let target = target(&peer.url());
    for _ in 0..3 {
        let answer = client.call(&READ, &target).send().await.unwrap();
        assert_eq!(answer.text(), r#"{"s":"ok"}"#);
    }
    assert_eq!(peer.journal.connections(), 2);
}

#[tokio::test]
async fn what_is_not_http_is_not_the_protocol() {
    for bytes in [
        "SSH-2.0-OpenSSH_9\r\n\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "\0\0\0\0\0\0\0\0\r\n\r\n",
    ] {
        let peer = Peer::answering(vec![bytes.as_bytes().to_vec()]).await;
        let error = call(&peer.url(), &PLACE).await.unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::NotTheProtocol,
            "{bytes:?}: {error:?}"
        );
        assert_eq!(
            (error.error().effect(), peer.journal.count()),
            (Effect::MaybeApplied, 1)
        );
    }
    let chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}";
    let peer = Peer::answering(vec![chunks.as_bytes().to_vec()]).await;
    let error = call(&peer.url(), &PLACE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotTheProtocol, "{error:?}");
}

#[tokio::test]
async fn f41_a_name_with_two_addresses_of_which_one_is_dead_is_reached() {
    // `localhost` is 127.0.0.1 and ::1 here, and only the first one listens.
    let peer = Peer::answering(vec![ok()]).await;
    let url = format!("http://localhost:{}", peer.address.port());
    assert_eq!(call(&url, &READ).await.unwrap().status(), 200);
}

#[tokio::test]
async fn connections_are_shared_and_kept() {
    let peer = Peer::answering(vec![ok()]).await;
    let client = builder(&peer.url()).build().unwrap();
    for user in 0..50 {
        let target = target(&peer.url()).with_scope(wheelhouse_ratelimit::LimitScope::new(
            format!("user-{user}"),
        ));
        client.clone().call(&READ, &target).send().await.unwrap();
    }
    assert_eq!(peer.journal.connections(), 1);
}

#[tokio::test]
async fn f44_a_dropped_call_does_not_poison_the_next_one() {
    static SLOW: Endpoint = Endpoint::get("slow", "/slow", ANY).without_token();
    let begun = Arc::new(AtomicUsize::new(0));
    let seen = begun.clone();
    let peer = Peer::start(move |mut connection, _| {
        let seen = seen.clone();
        async move {
            while let Some(request) = connection.request().await {
                if request.head.contains("/slow") {
                    seen.fetch_add(1, Ordering::SeqCst);
                    pause(30).await;
                    connection
                        .write(&crate::peer::json("200 x", "", r#"{"s":"slow"}"#))
                        .await;
                } else {
                    connection.write(&ok()).await;
                }
            }
        }
    })
    .await;
    let client = builder(&peer.url()).build().unwrap();
    let target = target(&peer.url());
    for round in 1..=5 {
        let (dropped, at) = (client.clone(), target.clone());
        let task = tokio::spawn(async move { dropped.call(&SLOW, &at).send().await.map(drop) });
        let begun = begun.clone();
        eventually(move || begun.load(Ordering::SeqCst) == round).await;
        task.abort();
        let answer = client.call(&READ, &target).send().await.unwrap();
        assert_eq!(answer.text(), r#"{"s":"ok"}"#);
    }
}

/// A proxy sees the host of the broker and nothing else.
#[tokio::test]
async fn f40_a_proxy_that_asks_for_a_password_is_told_apart() {
    let answer = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
    let proxy = Peer::answering(vec![answer.to_vec()]).await;
    let url = "https://broker.invalid/api";
    let client = builder(url).proxy(proxy.url()).build().unwrap();
    let error = client
        .call(&PLACE, &target(url))
        .query("q", "canary")
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.sent()),
        (ErrorKind::NotTheProtocol, Sent::No),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("proxy asks for a user name"),
        "{error}"
    );
    let seen = proxy.journal.requests();
    assert!(
        seen[0]
            .head
            .starts_with("CONNECT broker.invalid:443 HTTP/1.1\r\n"),
        "{seen:?}"
    );
    assert!(
        !format!("{seen:?}").contains("canary") && !format!("{seen:?}").contains("authorization")
    );

    let password = secrecy::SecretString::from("hunter2");
    let client = builder(url)
        .proxy(proxy.url())
        .proxy_login("me", password)
        .build()
        .unwrap();
    client.call(&PLACE, &target(url)).send().await.unwrap_err();
    let head = proxy.journal.requests().pop().unwrap().head;
    assert!(
        head.contains("authorization: Basic bWU6aHVudGVyMg=="),
        "{head}"
    );
}

#[tokio::test]
async fn loopback_never_goes_through_the_proxy() {
    let (peer, proxy) = (
        Peer::answering(vec![ok()]).await,
        Peer::answering(vec![ok()]).await,
    );
    let client = builder(&peer.url()).proxy(proxy.url()).build().unwrap();
    client
        .call(&READ, &target(&peer.url()))
        .send()
        .await
        .unwrap();
    assert_eq!((peer.journal.count(), proxy.journal.connections()), (1, 0));
}

/// Deadlines that end calls at every moment, on several threads, to catch one that is taken back
/// while it is being written.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_that_says_that_nothing_was_sent_was_never_seen_by_the_peer() {
    const CALLS: usize = 4_000;
    let peer = Peer::start(|mut connection, number| async move {
        while connection.request().await.is_some() {
            if number % 3 == 0 {
                pause(2).await;
            }
            connection.write(&ok()).await;
        }
    })
    .await;
    let moment = std::time::Duration::from_millis(1);
    let client = builder(&peer.url())
        .clock(Arc::new(wheelhouse_core::SystemClock::new()))
        .deadlines(
            wheelhouse_http::Deadlines::default()
                .with_connect(moment)
                .with_headers(2 * moment),
        )
        .retry(wheelhouse_http::RetryPolicy::never())
        .build()
        .unwrap();
    let target = target(&peer.url());
    let mut calls = tokio::task::JoinSet::new();
    let mut outcomes = Vec::new();
    for id in 0..CALLS {
        let (client, target) = (client.clone(), target.clone());
        calls.spawn(async move {
            let sent = client
                .call(&PLACE, &target)
                .query("id", format!("<{id}>"))
                .json(&1)
                .send()
                .await;
            (
                id,
                sent.map_or_else(|error| error.sent(), |_| Sent::Answered),
            )
        });
        if calls.len() >= 64 {
            outcomes.extend(calls.join_next().await.map(Result::unwrap));
        }
    }
    outcomes.extend(calls.join_all().await);
    pause(50).await;
    let requests = peer.journal.requests();
    let seen: std::collections::HashSet<usize> = requests
        .iter()
        .map(|seen| {
            seen.head
                .split("%3C")
                .nth(1)
                .unwrap()
                .split("%3E")
                .next()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect();
    assert_eq!(
        (outcomes.len(), seen.len()),
        (CALLS, requests.len()),
        "none was doubled"
    );
    for (id, sent) in outcomes {
        assert!(
            sent != Sent::No || !seen.contains(&id),
            "{id} was seen and said {sent:?}"
        );
        assert!(
            sent != Sent::Answered || seen.contains(&id),
            "{id} was not seen and said {sent:?}"
        );
    }
}
