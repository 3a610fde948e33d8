use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, SanType,
};
use time::{Duration, OffsetDateTime, macros::datetime};
use tokio::io::AsyncReadExt;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};
use wheelhouse_core::{Effect, ErrorKind};
use wheelhouse_http::{HttpClient, HttpClientBuilder, Sent};

use crate::{
    peer::{Peer, ok},
    support::{PLACE, READ, builder, target},
};

const NOW: OffsetDateTime = datetime!(2026-11-22 10:00:00 UTC);

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = NOW - Duration::days(1000);
    params.not_after = NOW + Duration::days(1000);
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "test authority");
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    Authority {
        issuer: Issuer::new(params, key),
        pem,
    }
}

struct Leaf {
    config: Arc<ServerConfig>,
    spki_sha256: [u8; 32],
}

fn leaf(authority: Option<&Authority>, change: impl FnOnce(&mut CertificateParams)) -> Leaf {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = NOW - Duration::days(10);
    params.not_after = NOW + Duration::days(10);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = match authority {
        Some(authority) => params.signed_by(&key, &authority.issuer).unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    let hash = ring::digest::digest(
        &ring::digest::SHA256,
        &rcgen::PublicKeyData::subject_public_key_info(&key),
    );
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    Leaf {
        config: Arc::new(config),
        spki_sha256: hash.as_ref().try_into().unwrap(),
    }
}

/// Serves TLS and counts the bytes of plain text that came through.
async fn serve(leaf: &Leaf) -> (String, Peer, Arc<std::sync::atomic::AtomicUsize>) {
    let acceptor = TlsAcceptor::from(leaf.config.clone());
    let plain = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = plain.clone();
    let peer = Peer::start(move |connection, _| {
        let (acceptor, counted) = (acceptor.clone(), counted.clone());
        async move {
            let Ok(mut stream) = acceptor.accept(connection.stream).await else {
                return;
            };
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                counted.fetch_add(read, std::sync::atomic::Ordering::SeqCst);
                let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, &ok()).await;
            }
        }
    })
    .await;
    (
        format!("https://localhost:{}", peer.address.port()),
        peer,
        plain,
    )
}

async fn status(builder: HttpClientBuilder, url: &str) -> Result<u16, wheelhouse_http::CallError> {
    let client = builder.build().unwrap();
    client
        .call(&PLACE, &target(url))
        .json(&1)
        .send()
        .await
        .map(|answer| answer.status())
}

async fn assert_refused(leaf: &Leaf, change: impl Fn(HttpClientBuilder) -> HttpClientBuilder) {
    let (url, _peer, plain) = serve(leaf).await;
    let error = status(change(builder(&url)), &url).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.sent()),
        (ErrorKind::Tls, Sent::No),
        "{error:?}"
    );
    assert_eq!(error.error().effect(), Effect::None);
    assert_eq!(
        plain.load(std::sync::atomic::Ordering::SeqCst),
        0,
        "plain text was sent"
    );
}

#[tokio::test]
async fn sup_5_a_valid_certificate_of_a_given_root_is_accepted() {
    let ca = authority();
    let good = leaf(Some(&ca), |_| {});
    let (url, _peer, _) = serve(&good).await;
    let trusting = builder(&url).extra_root_pem(ca.pem.as_bytes());
    assert_eq!(status(trusting, &url).await.unwrap(), 200);
    let pinned = builder(&url).extra_root_pem(ca.pem.as_bytes());
    assert_eq!(
        status(pinned.pin([0; 32]).pin(good.spki_sha256), &url)
            .await
            .unwrap(),
        200
    );
}

#[tokio::test]
async fn f39_sup_5_bad_certificates_are_refused_and_no_byte_is_sent() {
    let ca = authority();
    let root = |builder: HttpClientBuilder| builder.extra_root_pem(ca.pem.as_bytes());
    let expired = leaf(Some(&ca), |params| {
        params.not_after = NOW - Duration::seconds(1)
    });
    assert_refused(&expired, root).await;
    let not_yet = leaf(Some(&ca), |params| {
        params.not_before = NOW + Duration::hours(1)
    });
    assert_refused(&not_yet, root).await;
    let wrong_host = leaf(Some(&ca), |params| {
        params.subject_alt_names = vec![SanType::DnsName("example.com".try_into().unwrap())];
    });
    assert_refused(&wrong_host, root).await;
    let null_name = leaf(Some(&ca), |params| {
        params.subject_alt_names =
            vec![SanType::DnsName("localhost\0.evil.com".try_into().unwrap())];
    });
    assert_refused(&null_name, root).await;
    let no_name = leaf(Some(&ca), |params| params.subject_alt_names.clear());
    assert_refused(&no_name, root).await;
    assert_refused(&leaf(None, |_| {}), root).await;
    let stranger = authority();
    assert_refused(&leaf(Some(&stranger), |_| {}), root).await;
    let good = leaf(Some(&ca), |_| {});
    assert_refused(&good, |builder| builder).await;
    assert_refused(&good, |builder| root(builder).pin([7; 32])).await;
}

#[tokio::test]
async fn sup_5_the_platforms_roots_do_not_know_our_authority() {
    let ca = authority();
    let (url, _peer, plain) = serve(&leaf(Some(&ca), |_| {})).await;
    let origin = url.parse().unwrap();
    let clock = Arc::new(crate::support::SkipClock::default());
    let builder = HttpClient::builder()
        .origin(origin)
        .clock(clock)
        .deadlines(crate::support::never());
    match builder.build() {
        Ok(client) => {
            let error = client
                .call(&PLACE, &target(&url))
                .json(&1)
                .send()
                .await
                .unwrap_err();
            assert_eq!(
                (error.kind(), error.sent()),
                (ErrorKind::Tls, Sent::No),
                "{error:?}"
            );
        }
        // A machine without root certificates says so when the client is built.
        Err(error) => assert_eq!(error.code(), 5003),
    }
    assert_eq!(plain.load(std::sync::atomic::Ordering::SeqCst), 0);
}

/// Old versions: a server that answers the first message with a TLS 1.0 or 1.1 `ServerHello`, or with
/// the alert that it knows nothing newer.
#[tokio::test]
async fn f39_sup_5_old_tls_is_refused_and_no_byte_is_sent() {
    fn server_hello(minor: u8) -> Vec<u8> {
        let mut hello = vec![2, 0, 0, 38, 3, minor];
        hello.extend([9; 32]);
        hello.extend([0, 0xc0, 0x14, 0]);
        let mut record = vec![22, 3, minor, 0, hello.len() as u8];
        record.extend(hello);
        record
    }
    for first in [
        server_hello(1),
        server_hello(2),
        vec![21, 3, 1, 0, 2, 2, 70],
    ] {
        let peer = Peer::start(move |mut connection, _| {
            let first = first.clone();
            async move {
                let mut hello = [0; 4096];
                let _ = connection.stream.read(&mut hello).await;
                connection.write(&first).await;
                connection.stall().await;
            }
        })
        .await;
        let url = peer.url().replace("http:", "https:");
        let error = status(builder(&url), &url).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.sent()),
            (ErrorKind::Tls, Sent::No),
            "{error:?}"
        );
        assert_eq!(peer.journal.count(), 0);
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_refused() {
    let peer = Peer::start(|mut connection, _| async move {
        connection.write(&ok()).await;
        connection.stall().await;
    })
    .await;
    let url = peer.url().replace("http:", "https:");
    let client = builder(&url).build().unwrap();
    let error = client.call(&READ, &target(&url)).send().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.sent()),
        (ErrorKind::Tls, Sent::No),
        "{error:?}"
    );
}
