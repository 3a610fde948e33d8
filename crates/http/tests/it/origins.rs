use std::sync::atomic::Ordering;

use proptest::prelude::*;
use wheelhouse_core::ErrorKind;
use wheelhouse_http::{BaseUrl, Endpoint, Origin, Pages, Sent};

use crate::{
    peer::{Peer, ok},
    support::{ANY, Tokens, builder, target},
};

static PAGE: Endpoint = Endpoint::get("page", "/page", ANY);

#[tokio::test]
async fn sup_1_no_link_leads_to_another_origin() {
    let own = Peer::answering(vec![ok()]).await;
    let foreign = Peer::answering(vec![ok()]).await;
    let (own_port, foreign_port) = (own.address.port(), foreign.address.port());
    let client = builder(&own.url()).build().unwrap();
    let target = target(&own.url());
    let tokens = Tokens::default();
    for link in [
        format!("http://127.0.0.1:{foreign_port}/page"),
        format!("//127.0.0.1:{foreign_port}/page"),
        format!("http://localhost:{foreign_port}/page"),
        format!("http://localhost:{own_port}/page"),
        format!("https://127.0.0.1:{own_port}/page"),
        format!("http://127.0.0.1:{own_port}@127.0.0.1:{foreign_port}/page"),
        format!("http://user:pass@127.0.0.1:{own_port}/page"),
        format!("http://127.0.0.1:{own_port}\\@127.0.0.1:{foreign_port}/page"),
        format!("/\\127.0.0.1:{foreign_port}/page"),
        format!("http:\\\\127.0.0.1:{foreign_port}\\page"),
        format!("http://2130706433:{foreign_port}/page"),
        format!("http://0x7f.1:{foreign_port}/page"),
        format!("http://[::1]:{foreign_port}/page"),
        format!("http://[::ffff:127.0.0.1]:{own_port}/page"),
        format!("http://sub.127.0.0.1.example:{foreign_port}/page"),
        "https://xn--trdelocker-l4a.com/page".to_owned(),
        "ftp://127.0.0.1/page".to_owned(),
        "javascript:alert(1)".to_owned(),
        "data:text/plain,x".to_owned(),
        "http:///page".to_owned(),
    ] {
        let error = client
            .call(&PAGE, &target)
            .token(&tokens)
            .follow(&link)
            .send()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OriginRefused, "{link}: {error}");
        assert_eq!(error.sent(), Sent::No, "{link}");
    }
    for link in ["/page\r\nx: y", "/p\u{e4}ge", "/page\0"] {
        let error = client
            .call(&PAGE, &target)
            .token(&tokens)
            .follow(link)
            .send()
            .await
            .unwrap_err();
        assert_eq!(error.error().code(), 5001);
    }
    assert_eq!(foreign.journal.connections(), 0);
    assert_eq!(foreign.journal.bytes.load(Ordering::SeqCst), 0);
    assert_eq!(own.journal.connections(), 0);
}

#[tokio::test]
async fn sup_1_links_within_the_origin_are_followed() {
    let own = Peer::answering(vec![ok()]).await;
    let client = builder(&own.url()).build().unwrap();
    let target = target(&format!("{}/api", own.url()));
    let tokens = Tokens::default();
    for (link, path) in [
        ("/page?cursor=2", "/page?cursor=2"),
        ("page?cursor=3", "/api/page?cursor=3"),
        (&*format!("{}/page#x", own.url()), "/page"),
        (&*format!("//{}/page", own.address), "/page"),
    ] {
        client
            .call(&PAGE, &target)
            .token(&tokens)
            .follow(link)
            .send()
            .await
            .unwrap();
        let head = own.journal.requests().pop().unwrap().head;
        assert!(
            head.starts_with(&format!("GET {path} HTTP/1.1\r\n")),
            "{head}"
        );
    }
}

#[tokio::test]
async fn sup_1_a_base_that_is_not_an_origin_of_the_client_is_refused() {
    let own = Peer::answering(vec![ok()]).await;
    let other = Peer::answering(vec![ok()]).await;
    let client = builder(&own.url()).build().unwrap();
    let tokens = Tokens::default();
    let error = client
        .call(&PAGE, &target(&other.url()))
        .token(&tokens)
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.sent()),
        (ErrorKind::OriginRefused, Sent::No)
    );
    assert_eq!(other.journal.connections(), 0);

    let other_origin: Origin = other.url().parse().unwrap();
    let wider = client.with_origins([other_origin]);
    wider
        .call(&PAGE, &target(&other.url()))
        .token(&tokens)
        .send()
        .await
        .unwrap();
}

#[test]
fn f30_a_walk_in_a_circle_or_without_end_is_stopped() {
    let mut pages = Pages::new();
    for page in 0..Pages::MAX {
        pages.visit(&format!("/p?{page}")).unwrap();
    }
    assert_eq!(pages.visit("/p?10001").unwrap_err().code(), 2005);
}

#[test]
fn sup_1_plain_http_is_for_this_machine_only() {
    for good in [
        "https://demo.tradelocker.com/backend-api",
        "http://127.0.0.1:8080",
        "http://127.9.9.9",
        "http://[::1]:1/x",
        "http://localhost:3000",
        "HTTPS://Demo.TradeLocker.COM",
    ] {
        assert!(good.parse::<BaseUrl>().is_ok(), "{good}");
    }
    for bad in [
        "http://demo.tradelocker.com",
        "http://localhost.evil.com",
        "http://sub.localhost",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://[::]",
        "ws://127.0.0.1",
        "file:///etc/passwd",
        "https://user@demo.tradelocker.com",
        "https://user:pw@demo.tradelocker.com",
        "https://demo.tradelocker.com\\@evil.com",
    ] {
        assert_eq!(bad.parse::<BaseUrl>().unwrap_err().code(), 2005, "{bad}");
    }
    for bad in [
        "",
        "demo",
        "https://",
        "https://h/?q=1",
        "https://h/#f",
        "https://h\u{e4}",
    ] {
        assert_eq!(bad.parse::<BaseUrl>().unwrap_err().code(), 5001, "{bad}");
    }
}

proptest! {
    #[test]
    fn sup_8_whatever_a_base_url_is_it_is_safe(text in "(https?://)?[ -~]{0,30}") {
        if let Ok(base) = text.parse::<BaseUrl>() {
            prop_assert!(base.origin().is_https() || base.origin().is_loopback());
            prop_assert!(!base.as_str().contains('@') || base.as_str().find('@') > base.as_str().find("//").map(|at| at + 2));
            prop_assert_eq!(base.as_str().parse::<BaseUrl>().unwrap(), base);
        }
    }

    #[test]
    fn sup_8_whatever_a_link_is_nothing_goes_elsewhere(link in "(https?:)?[/\\\\]{0,3}[ -~]{0,30}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (requests, hosts) = runtime.block_on(async {
            let own = Peer::answering(vec![ok()]).await;
            let client = builder(&own.url()).build().unwrap();
            let target = target(&own.url());
            let tokens = Tokens::default();
            let sent = client.call(&PAGE, &target).token(&tokens).follow(&link).send().await;
            let host = format!("host: {}", own.address);
            let hosts = own.journal.requests().iter().all(|seen| seen.head.contains(&host));
            // A success can only have come from here.
            (sent.is_ok() == (own.journal.count() == 1), hosts)
        });
        prop_assert!(requests && hosts);
    }
}
