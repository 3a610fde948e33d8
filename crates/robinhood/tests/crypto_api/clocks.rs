use time::Duration;
use wheelhouse_core::{Broker, Resolution};
use wheelhouse_sim::{
    Kind,
    robinhood_crypto::{Rejection, Route},
};

use crate::rig::{AtSim, Hurried, accepted, builder, http, unknown};

#[tokio::test]
async fn a_clock_that_is_off_is_noted_and_made_up_for() {
    for off in [Duration::minutes(5), Duration::minutes(-5)] {
        let at = AtSim::new().await;
        let clock = Hurried::off_by(off);
        let broker = builder(&at.api().origin(), http(clock)).build().unwrap();
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
