//! A local clock that is ahead of the broker's.

use wheelhouse_core::{
    Broker, BrokerExt, Closing, OrderRequest, Resolution, Side, Submission, lots,
};
use wheelhouse_sim::{Fault, Kind, tradelocker::Route};

use crate::rig::AtSim;

#[tokio::test]
async fn an_order_that_is_over_is_found_by_a_clock_that_is_half_an_hour_ahead() {
    let at = AtSim::new().await;
    at.clock.turn(time::Duration::minutes(30));
    let eurusd = at.instrument("EURUSD").await;
    let lost = Fault::new(Route::PlaceOrder, Kind::DropAnswer).times(1);
    at.sim.tradelocker().faults().add(lost);
    let request = OrderRequest::market(&at.account, &eurusd, Side::Buy, lots!(0.10));
    let Submission::Unknown(open) = at.broker.place_order(&request).await.unwrap() else {
        panic!("its answer was lost")
    };
    let position = at
        .broker
        .all_positions(&at.account)
        .await
        .unwrap()
        .remove(0);
    let role = at.broker.position_trading().unwrap();
    let closing = role.close_position(&at.account, &position.id, None).await;
    assert!(matches!(closing, Ok(Closing::Accepted { .. })));
    let outcome = at.broker.resolve(&open).await.unwrap();
    let Resolution::Found(order) = outcome else {
        panic!("{}", outcome.report())
    };
    let placed = at.sim.tradelocker().ledger().placements();
    assert_eq!(order.id.as_str(), placed[0].order_id);
    let found = at
        .broker
        .order_by_client_id(&at.account, &open.client_order_id)
        .await;
    assert_eq!(found.unwrap().map(|found| found.id), Some(order.id));
}
