//! A local clock that is ahead of the broker's.

use std::time::Duration;

use wheelhouse_core::{
    Broker, BrokerExt, Closing, OrderRequest, Resolution, Side, Submission, TokenSource, lots,
};
use wheelhouse_sim::{Fault, Kind, tradelocker::Route};

use crate::rig::AtSim;

#[tokio::test]
async fn tok_6_a_clock_set_forward_an_hour_costs_one_refresh_and_keeps_its_tokens() {
    let at = AtSim::new().await;
    let refreshes = || at.sim.tradelocker().ledger().count(Route::Refresh);
    at.clock.turn(time::Duration::minutes(65));
    for _ in 0..20 {
        let error = at.session.token().await.unwrap_err();
        assert_eq!(error.code(), 3006, "{error}");
        assert!(error.to_string().contains("clock"), "{error}");
    }
    assert_eq!(refreshes(), 1);
    // Put right again, the session goes on with what it was given, or what that gets it.
    at.clock.turn(time::Duration::minutes(-65));
    at.clock.skip(Duration::from_secs(300));
    assert!(at.session.is_alive());
    at.session.token().await.unwrap();
    assert!(at.broker.all_positions(&at.account).await.is_ok());
    assert!(refreshes() <= 2, "{}", refreshes());
}

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
