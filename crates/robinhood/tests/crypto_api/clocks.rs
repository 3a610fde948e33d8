use time::Duration;
use wheelhouse_core::{Broker, BrokerExt, Effect, ErrorKind, Resolution};
use wheelhouse_sim::{
    Kind,
    robinhood_crypto::{Rejection, Route},
};

use crate::rig::{AtSim, accepted, builder, http, unknown};

#[tokio::test]
async fn a_clock_that_is_off_is_noted_and_made_up_for() {
    for off in [Duration::minutes(5), Duration::minutes(-5)] {
        let at = AtSim::new().await;
        at.clock.0.set_off(off);
        let broker = builder(&at.api().origin(), http(&at.clock))
            .build()
            .unwrap();
        assert_eq!(broker.clock_offset(), Duration::ZERO);
        broker.accounts().await.unwrap();
        assert_eq!(at.api().ledger().rejections(), [Rejection::Clock]);
        assert!((broker.clock_offset() + off).abs() < Duration::seconds(3));
        // From now on every signature is dated right, that of the order too.
        accepted(broker.place_order(&at.resting()).await.unwrap());
        at.fault(Route::PlaceOrder, Kind::DropAnswer);
        let open = unknown(broker.place_order(&at.resting()).await.unwrap());
        let resolution = broker.resolve(&open).await.unwrap();
        assert!(
            matches!(resolution, Resolution::Found(_)),
            "{}",
            resolution.report()
        );
        assert_eq!(at.api().ledger().rejections().len(), 1);
    }
}

#[tokio::test]
async fn a_difference_that_is_known_dates_the_first_signature_too() {
    let at = AtSim::new().await;
    let off = Duration::minutes(5);
    let mut config = at.broker.config().clone();
    config.clock_offset = -off;
    at.clock.0.set_off(off);
    let http = http(&at.clock);
    let builder = builder(&at.api().origin(), http).config(config);
    let broker = builder.build().unwrap();
    assert_eq!(broker.clock_offset(), -off);
    broker.accounts().await.unwrap();
    accepted(broker.place_order(&at.resting()).await.unwrap());
    assert!(at.api().ledger().rejections().is_empty());
}

#[tokio::test]
async fn an_order_of_a_clock_that_was_set_meanwhile_is_not_placed_and_the_key_not_doubted() {
    let at = AtSim::new().await;
    let broker = builder(&at.api().origin(), http(&at.clock))
        .build()
        .unwrap();
    broker
        .find_instrument(&at.account, "BTC-USD")
        .await
        .unwrap();
    at.clock.0.set_off(Duration::minutes(-10));
    let error = broker.place_order(&at.resting()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect()),
        (ErrorKind::RateLimited, Effect::None)
    );
    assert!(error.retry_after().is_some(), "{error}");
    accepted(broker.place_order(&at.resting()).await.unwrap());
    assert_eq!(at.api().ledger().rejections(), [Rejection::Clock]);
    assert_eq!(at.count(Route::PlaceOrder), 2);
}
