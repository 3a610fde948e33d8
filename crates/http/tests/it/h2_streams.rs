//! HTTP/2 is told apart from HTTP/1.1 by ALPN, so these tests run over TLS.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};
use wheelhouse_core::Effect;
use wheelhouse_http::{Endpoint, HttpClient, Sent};

use crate::{
    peer::Peer,
    support::{ANY, PLACE, READ, builder, target},
};

#[derive(Clone, Copy, Debug)]
enum Deed {
    Answer,
    GoAway,
    RefuseStream,
}

/// Does `deed` to every request but answers from the `well`th one on; counts the requests.
async fn serve(deed: Deed, well: usize) -> (Peer, HttpClient, String, Arc<AtomicUsize>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = time::macros::datetime!(2026-01-01 00:00:00 UTC);
    params.not_after = time::macros::datetime!(2027-01-01 00:00:00 UTC);
    params.is_ca = rcgen::IsCa::ExplicitNoCa;
    let certificate = params.self_signed(&key).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = requests.clone();
    let peer = Peer::start(move |connection, _| {
        let (acceptor, counted) = (acceptor.clone(), counted.clone());
        async move {
            let Ok(stream) = acceptor.accept(connection.stream).await else {
                return;
            };
            let Ok(mut streams) = h2::server::handshake(stream).await else {
                return;
            };
            while let Some(Ok((_, mut respond))) = streams.accept().await {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                match if number >= well { Deed::Answer } else { deed } {
                    Deed::RefuseStream => respond.send_reset(h2::Reason::REFUSED_STREAM),
                    Deed::GoAway => streams.abrupt_shutdown(h2::Reason::NO_ERROR),
                    Deed::Answer => {
                        let head = http::Response::builder()
                            .header("content-type", "application/json")
                            .body(())
                            .unwrap();
                        let mut body = respond.send_response(head, false).unwrap();
                        body.send_data(Bytes::from_static(b"{\"s\":\"ok\"}"), true)
                            .unwrap();
                    }
                }
            }
        }
    })
    .await;
    let url = format!("https://localhost:{}", peer.address.port());
    let client = builder(&url)
        .extra_root_der(certificate.der())
        .build()
        .unwrap();
    (peer, client, url, requests)
}

#[tokio::test]
async fn f42_a_refused_stream_or_a_goaway_is_unknown_for_a_placement() {
    for deed in [Deed::RefuseStream, Deed::GoAway] {
        let (_peer, client, url, requests) = serve(deed, usize::MAX).await;
        let error = client
            .call(&PLACE, &target(&url))
            .json(&1)
            .send()
            .await
            .unwrap_err();
        assert_eq!(error.sent(), Sent::Maybe, "{deed:?}: {error:?}");
        assert_eq!(error.error().effect(), Effect::MaybeApplied);
        assert_eq!(requests.load(Ordering::SeqCst), 1, "{deed:?}");
    }
}

#[tokio::test]
async fn f42_a_request_without_a_body_counts_as_sent_too() {
    static CLOSE_ALL: Endpoint = Endpoint::delete("close_all", "/all", ANY).without_token();
    for deed in [Deed::RefuseStream, Deed::GoAway] {
        let (_peer, client, url, requests) = serve(deed, usize::MAX).await;
        let error = client
            .call(&CLOSE_ALL, &target(&url))
            .send()
            .await
            .unwrap_err();
        assert_eq!(
            (error.sent(), requests.load(Ordering::SeqCst)),
            (Sent::Maybe, 1),
            "{deed:?}"
        );
    }
}

#[tokio::test]
async fn f42_a_read_goes_again() {
    for deed in [Deed::RefuseStream, Deed::GoAway] {
        let (_peer, client, url, requests) = serve(deed, 1).await;
        let answer = client.call(&READ, &target(&url)).send().await.unwrap();
        assert_eq!(
            (answer.text(), requests.load(Ordering::SeqCst)),
            (r#"{"s":"ok"}"#, 2),
            "{deed:?}"
        );
    }
}

#[tokio::test]
async fn http_2_is_used_where_it_is_offered() {
    let (peer, client, url, requests) = serve(Deed::Answer, 0).await;
    let target = target(&url);
    for _ in 0..5 {
        client.call(&PLACE, &target).json(&1).send().await.unwrap();
    }
    assert_eq!(
        (requests.load(Ordering::SeqCst), peer.journal.connections()),
        (5, 1)
    );
}
