//! Setting the adapter up: what is needed, what is allowed, what is shown.

use std::{sync::Arc, time::Duration};

use wheelhouse_core::{Broker, BrokerId, ErrorKind};
use wheelhouse_http::HttpClient;
use wheelhouse_tradelocker::{Environment, TradeLocker, TradeLockerBuilder, TradeLockerConfig};

use crate::rig::{AtServer, Hurried, THEN, Token, http};

fn client() -> HttpClient {
    http(Hurried::at(THEN))
}

fn complete() -> TradeLockerBuilder {
    TradeLocker::builder()
        .http(client())
        .session(Arc::new(Token::default()))
}

#[test]
fn what_is_missing_is_named() {
    let without_http = TradeLocker::builder()
        .session(Arc::new(Token::default()))
        .build();
    assert_eq!(without_http.unwrap_err().code(), 5002);
    let without_session = TradeLocker::builder().http(client()).build();
    assert_eq!(without_session.unwrap_err().code(), 5002);
    let broker = complete().build().unwrap();
    assert_eq!(broker.id(), BrokerId::tradelocker());
    assert_eq!(broker.config().environment, Environment::Demo);
}

#[test]
fn f66_values_out_of_their_bounds_are_refused() {
    let with = |change: fn(&mut TradeLockerConfig)| {
        let mut config = TradeLockerConfig::default();
        change(&mut config);
        complete().config(config).build().unwrap_err()
    };
    for error in [
        with(|config| config.consistency_window = Duration::ZERO),
        with(|config| config.limit_wait = Duration::from_secs(1_000_000)),
        with(|config| config.client_order_prefix = "too-long".to_owned()),
        with(|config| config.client_order_prefix = "a b".to_owned()),
    ] {
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    }
}

#[test]
fn tokens_go_to_https_or_loopback_only() {
    for url in [
        "http://demo.tradelocker.com",
        "https://u:p@demo.tradelocker.com",
        "file:///etc",
    ] {
        let environment = Environment::Custom(url.to_owned());
        let error = complete().environment(environment).build().unwrap_err();
        assert!(matches!(error.code(), 2005 | 5001), "{url}: {error}");
    }
    assert_eq!("prod".parse::<Environment>().unwrap_err().code(), 5003);
    let local = "http://127.0.0.1:8080/".parse::<Environment>().unwrap();
    assert_eq!(
        local.base_url().unwrap().as_str(),
        "http://127.0.0.1:8080/backend-api"
    );
    let own = Environment::Custom("https://broker.example/api".to_owned());
    assert_eq!(
        own.base_url().unwrap().as_str(),
        "https://broker.example/api"
    );
}

#[test]
fn a_configuration_survives_being_written_down() {
    let mut config = TradeLockerConfig::default();
    config.environment = Environment::Live;
    config.server = "ACMEDM".to_owned();
    let text = serde_json::to_string(&config).unwrap();
    assert!(text.contains(r#""environment":"live""#), "{text}");
    assert_eq!(
        serde_json::from_str::<TradeLockerConfig>(&text).unwrap(),
        config
    );
    let partial: TradeLockerConfig = serde_json::from_str(r#"{"server":"X"}"#).unwrap();
    assert_eq!(partial.consistency_window, Duration::from_secs(60));
    assert!(serde_json::from_str::<TradeLockerConfig>(r#"{"sever":"X"}"#).is_err());
}

#[tokio::test]
async fn no_secret_shows_in_debug_or_errors() {
    let at = AtServer::built(|builder| builder.developer_key("tl-canary".into())).await;
    at.raw(
        "GET",
        "/trade/accounts/1002003/positions",
        "trade_401_expired_token",
    )
    .await;
    let error = at
        .broker
        .positions(&at.account, Default::default())
        .await
        .unwrap_err();
    for text in [
        format!("{error:?}"),
        error.to_string(),
        format!("{:?}", at.broker),
    ] {
        assert!(!text.contains("canary"), "{text}");
    }
}
