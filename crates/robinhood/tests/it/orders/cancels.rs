//! Cancelling, and how orders end.

use std::time::Duration;

use wheelhouse_core::{
    Broker, ErrorKind, OptionOrderRequest, OrderRequest, OrderSize, OrderState, PositionEffect,
    Quantity, Side, TimeInForce, dec, shares,
};
use wheelhouse_sim::{Fault, Kind, robinhood::Route};

use super::{accepted, again::cheap_put};
use crate::rig::{AtServer, AtSim, sample};

#[tokio::test]
async fn a_cancel_that_is_refused_is_explained_by_the_order() {
    let id = wheelhouse_core::BrokerOrderId::new("0c66da33-164f-4ebf-9198-317ca6a521a0").unwrap();
    let route = "/orders/0c66da33-164f-4ebf-9198-317ca6a521a0/";
    let at = AtServer::new().await;
    at.mount("GET", "api", route, 200, sample("order_placed_limit"), 1)
        .await;
    at.mount(
        "POST",
        "api",
        &format!("{route}cancel/"),
        403,
        sample("order_cancel_again"),
        1,
    )
    .await;
    let error = at.broker.cancel_order(&at.account, &id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let roth = wheelhouse_core::AccountId::new("100200302").unwrap();
    let error = at.broker.cancel_order(&roth, &id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "it is another account's");

    let at = AtServer::new().await;
    at.mount("GET", "api", route, 200, sample("order_placed_limit"), 1)
        .await;
    at.mount(
        "POST",
        "api",
        &format!("{route}cancel/"),
        200,
        sample("order_cancel_ok"),
        1,
    )
    .await;
    at.broker.cancel_order(&at.account, &id).await.unwrap();
}

#[tokio::test]
async fn f47_a_cancel_that_comes_too_late_leaves_a_filled_order() {
    let at = AtSim::new().await;
    at.server()
        .change_settings(|settings| settings.cancel_loses = true);
    let f = at.instrument("F").await;
    let request = OrderRequest::limit(&at.account, &f, Side::Buy, shares!(2), dec!(5));
    let placed = accepted(at.broker.place_order(&request).await.unwrap());
    at.broker
        .cancel_order(&at.account, &placed.id)
        .await
        .unwrap();
    let order = at.broker.order(&at.account, &placed.id).await.unwrap();
    assert_eq!(order.state, OrderState::Filled);
}

#[tokio::test]
async fn a_cancel_that_is_asked_for_twice_or_whose_answer_is_lost_was_asked_for() {
    for lost in [false, true] {
        let at = AtSim::new().await;
        let f = at.instrument("F").await;
        // The broker takes its time.
        at.server()
            .change_settings(|settings| settings.confirm_after = Duration::from_secs(3_600));
        let request = OrderRequest::limit(&at.account, &f, Side::Buy, shares!(2), dec!(5));
        let placed = accepted(at.broker.place_order(&request).await.unwrap());
        at.server()
            .change_settings(|settings| settings.cancel_loses = true);
        if lost {
            let fault = Fault::new(Route::CancelOrder, Kind::DropAnswer).times(1);
            at.server().faults().add(fault);
        }
        for _ in 0..2 {
            at.broker
                .cancel_order(&at.account, &placed.id)
                .await
                .unwrap();
        }
        let order = at.broker.order(&at.account, &placed.id).await.unwrap();
        assert!(!order.state.is_final(), "{}", order.state);
        at.server()
            .change_settings(|settings| settings.cancel_loses = false);
        at.clock.0.skip(Duration::from_secs(3_601));
        let order = at.broker.order(&at.account, &placed.id).await.unwrap();
        assert_eq!(order.state, OrderState::Canceled);
        at.broker
            .cancel_order(&at.account, &placed.id)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn orders_of_options_and_crypto_are_cancelled_and_end_canceled_in_either_spelling() {
    for american in [false, true] {
        let at = AtSim::built(crate::rig::granted(), crate::rig::rich(), |mut config| {
            config.private_crypto = true;
            config
        })
        .await;
        at.server()
            .change_settings(|settings| settings.american_cancel = american);
        let options = at.broker.options().unwrap();
        let request: OptionOrderRequest = cheap_put(&at).await;
        let placed = accepted(options.place_option_order(&request).await.unwrap());
        for _ in 0..2 {
            options
                .cancel_option_order(&at.account, &placed.id)
                .await
                .unwrap();
        }
        let query = wheelhouse_core::OrderQuery::all();
        let orders = options.option_orders(&at.account, query).await.unwrap();
        assert_eq!(orders.items[0].order.state, OrderState::Canceled);

        let pair = at.instrument("BTC-USD").await;
        let size = OrderSize::Units(Quantity::new(dec!(0.0001)));
        let request = OrderRequest::limit(&at.account, &pair, Side::Buy, size, dec!(1000));
        let placed = accepted(at.broker.place_order(&request).await.unwrap());
        for _ in 0..2 {
            at.broker
                .cancel_order(&at.account, &placed.id)
                .await
                .unwrap();
        }
        let order = at.broker.order(&at.account, &placed.id).await.unwrap();
        assert_eq!(order.state, OrderState::Canceled);
    }
}

#[tokio::test]
async fn an_order_of_the_day_that_runs_out_has_expired() {
    let at = AtSim::rich().await;
    let f = at.instrument("F").await;
    let request = OrderRequest::limit(&at.account, &f, Side::Buy, shares!(2), dec!(5));
    let day = accepted(at.broker.place_order(&request).await.unwrap());
    let lasting = request.time_in_force(TimeInForce::Gtc);
    let lasting = accepted(at.broker.place_order(&lasting).await.unwrap());
    let options = at.broker.options().unwrap();
    let put = cheap_put(&at).await;
    accepted(options.place_option_order(&put).await.unwrap());
    at.clock.0.skip(Duration::from_secs(2 * 86_400));
    let order = at.broker.order(&at.account, &day.id).await.unwrap();
    assert_eq!(order.state, OrderState::Expired);
    let order = at.broker.order(&at.account, &lasting.id).await.unwrap();
    assert_eq!(order.state, OrderState::Working);
    let query = wheelhouse_core::OrderQuery::all();
    let orders = options.option_orders(&at.account, query).await.unwrap();
    assert_eq!(orders.items[0].order.state, OrderState::Expired);
    at.broker.cancel_order(&at.account, &day.id).await.unwrap();
}

/// The connection ends after a part was filled; what was filled is read exactly.
#[tokio::test]
async fn f46_a_part_that_was_filled_is_known_to_the_share_whatever_became_of_the_rest() {
    let at = AtSim::rich().await;
    let f = at.instrument("F").await;
    at.server()
        .change_settings(|settings| settings.fill_step = Some(dec!(3)));
    let fault = Fault::new(Route::PlaceOrder, Kind::DropAnswer).times(1);
    at.server().faults().add(fault);
    let request = OrderRequest::limit(&at.account, &f, Side::Buy, shares!(1000), dec!(20));
    let placed = at.broker.place_order(&request).await.unwrap();
    let wheelhouse_core::Submission::Unknown(open) = placed else {
        panic!("{placed}")
    };
    let wheelhouse_core::Resolution::Found(found) = at.broker.resolve(&open).await.unwrap() else {
        panic!()
    };
    let _ = at.broker.cancel_order(&at.account, &found.id).await;
    let order = at.broker.order(&at.account, &found.id).await.unwrap();
    let fills = at.server().ledger().fills();
    let filled: wheelhouse_core::Decimal = fills.iter().map(|fill| fill.quantity).sum();
    assert!(filled >= dec!(3) && filled < dec!(1000), "{filled}");
    assert_eq!(order.filled.value(), filled);
    assert_eq!(order.state, OrderState::Canceled);
}

#[tokio::test]
async fn the_legs_say_what_an_order_of_options_does_and_not_the_name_of_its_strategy() {
    let at = AtServer::new().await;
    let route = "/options/orders/";
    at.mount("GET", "api", route, 200, sample("options_orders"), 1)
        .await;
    let options = at.broker.options().unwrap();
    let query = wheelhouse_core::OrderQuery::all();
    let orders = options.option_orders(&at.account, query).await.unwrap();
    let of = |id: &str| {
        let order = orders.items.iter().find(|it| it.order.id.as_str() == id);
        order.unwrap()
    };
    // Named `short_call`: a long call is sold.
    let sold = of("5917b3d7-4e2b-4fd9-99fb-dcb48a135377");
    assert_eq!(
        (sold.order.side, sold.order.effect),
        (Side::Sell, Some(PositionEffect::Close))
    );
    assert_eq!(sold.legs[0].side, Side::Sell);
    let over = of("618483d1-eb44-4aa8-a80e-3ccc94468628");
    assert_eq!(over.order.state, OrderState::Expired);
}
