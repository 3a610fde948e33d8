//! Closings that leave late, and readings that come late.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use time::OffsetDateTime;
use wheelhouse_core::{
    AccessToken, Broker, BrokerId, Clock, CloseResolution, Closing, Error, ErrorKind, PositionId,
    Quantity, Result, SecretString, TokenSource, UnresolvedClose, dec,
};
use wiremock::{
    Mock, ResponseTemplate,
    matchers::{method, path},
};

use crate::rig::{AtServer, Hurried, THEN, http, sample};

const POSITION: &str = "/trade/positions/7100000000846858725";
const ALL_POSITIONS: &str = "/trade/accounts/1002003/positions";

fn btc() -> PositionId {
    PositionId::new("7100000000846858725").unwrap()
}

fn json(body: impl Into<String>) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.into(), "application/json")
}

/// Takes its time, and remembers when it last gave a token.
#[derive(Debug)]
struct Slow {
    clock: Arc<Hurried>,
    given_at: Mutex<Option<OffsetDateTime>>,
}

#[async_trait]
impl TokenSource for Slow {
    async fn token(&self) -> Result<AccessToken> {
        tokio::time::sleep(Duration::from_millis(50)).await;
        *self.given_at.lock().unwrap() = Some(self.clock.now());
        Ok(AccessToken::new(SecretString::from("token"), 0, None))
    }

    async fn replace(&self, _: &AccessToken) -> Result<AccessToken> {
        self.token().await
    }
}

#[tokio::test]
async fn the_window_of_a_closing_begins_when_it_really_went_out() {
    for quantity in [None, Some(Quantity::new(dec!(0.01)))] {
        let clock = Hurried::at(THEN);
        let slow = Arc::new(Slow {
            clock: clock.clone(),
            given_at: Mutex::default(),
        });
        let session = slow.clone();
        let at = AtServer::built(|builder| builder.http(http(clock)).session(session)).await;
        at.raw("DELETE", POSITION, "edge_503_html").await;
        let role = at.broker.position_trading().unwrap();
        let closing = role.close_position(&at.account, &btc(), quantity).await;
        let Closing::Unknown(open) = closing.unwrap() else {
            panic!("it is unknown")
        };
        let given_at = slow.given_at.lock().unwrap().unwrap();
        assert!(open.sent_at >= given_at, "{} {given_at}", open.sent_at);
    }
}

#[tokio::test]
async fn a_reading_that_began_within_the_window_does_not_prove_that_nothing_was_closed() {
    let clock = Hurried::times(6, THEN);
    let slow = clock.clone();
    let at = AtServer::built(|builder| builder.http(http(clock))).await;
    let held = || json(sample("trade_positions_200"));
    at.respond_first("GET", ALL_POSITIONS, held(), 2).await;
    // It begins early, and comes after a minute and a half.
    let late = held();
    Mock::given(method("GET"))
        .and(path(format!("/backend-api{ALL_POSITIONS}")))
        .respond_with(move |_: &wiremock::Request| {
            slow.skip(Duration::from_secs(90));
            late.clone()
        })
        .up_to_n_times(1)
        .with_priority(1)
        .mount(&at.server)
        .await;
    let none = json(r#"{"s":"ok","d":{"positions":[]}}"#);
    at.respond("GET", ALL_POSITIONS, none).await;
    let open = UnresolvedClose::new(
        BrokerId::tradelocker(),
        at.account.clone(),
        btc(),
        None,
        Quantity::new(dec!(0.02)),
        THEN,
        &Error::new(ErrorKind::Timeout, "no answer"),
    );
    let role = at.broker.position_trading().unwrap();
    let outcome = role.resolve_close(&open).await.unwrap();
    assert!(
        matches!(outcome, CloseResolution::Closed { .. }),
        "{outcome:?}"
    );
}
