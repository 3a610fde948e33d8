//! Placements of which nobody knows what became.

use std::time::Duration;

use wheelhouse_core::{
    Broker, ClientOrderId, InstrumentId, OptionLeg, OptionOrderRequest, OptionQuery, OrderKind,
    OrderRequest, PositionEffect, Quantity, Resolution, Side, Submission, Symbol, dec, shares,
};
use wheelhouse_robinhood::Robinhood;
use wheelhouse_sim::{Fault, Kind, Matcher, robinhood::Route};

use super::{REF, accepted, leg, price};
use crate::rig::AtSim;

#[tokio::test]
async fn an_unclear_placement_can_be_placed_again_and_is_there_once() {
    for (kind, before) in [
        (Kind::DropAnswer, 1),
        (Kind::Html(502), 0),
        (Kind::Truncate { keep: 20 }, 1),
    ] {
        let at = AtSim::new().await;
        let f = at.instrument("F").await;
        let id = ClientOrderId::new("WHL-A-unclear").unwrap();
        let request = OrderRequest::limit(&at.account, &f, Side::Buy, shares!(2), dec!(5))
            .client_order_id(id.clone());
        at.server()
            .faults()
            .add(Fault::new(Route::PlaceOrder, kind.clone()).times(1));
        let first = at.broker.place_order(&request).await.unwrap();
        assert!(matches!(first, Submission::Unknown(_)), "{kind:?}: {first}");
        assert_eq!(at.server().ledger().placements().len(), before, "{kind:?}");
        assert!(at.broker.capabilities().client_order_id.deduplicated);
        let again = accepted(at.broker.place_order(&request).await.unwrap());
        assert_eq!(again.client_order_id, id);
        let there = at.server().ledger().placements_of(&Robinhood::ref_id(&id));
        assert_eq!(there.len(), 1, "{kind:?}");
        assert_eq!(there[0].order_id, again.id.as_str());
        let listed = at.broker.order(&at.account, &again.id).await.unwrap();
        assert_eq!(listed.client_order_id, Some(id));
    }
}

#[tokio::test]
async fn a_refusal_of_the_second_sending_says_nothing_about_the_first() {
    let at = AtSim::new().await;
    let f = at.instrument("F").await;
    let id = ClientOrderId::new(REF).unwrap();
    let request =
        OrderRequest::limit(&at.account, &f, Side::Buy, shares!(2), dec!(5)).client_order_id(id);
    at.server()
        .faults()
        .add(Fault::new(Route::PlaceOrder, Kind::DropAnswer).times(1));
    let first = at.broker.place_order(&request).await.unwrap();
    let refusal = Kind::Status {
        status: 400,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: r#"{"detail":"Not enough overnight buying power."}"#.to_owned(),
    };
    at.server()
        .faults()
        .add(Fault::new(Route::PlaceOrder, refusal).times(1));
    let second = at.broker.place_order(&request).await.unwrap();
    assert!(matches!(
        (&first, &second),
        (Submission::Unknown(_), Submission::Unknown(_))
    ));
    let Submission::Unknown(open) = second else {
        unreachable!()
    };
    assert!(matches!(
        at.broker.resolve(&open).await.unwrap(),
        Resolution::Found(_)
    ));
}

#[tokio::test]
async fn an_unclear_order_of_options_is_never_sent_again_but_found() {
    let at = AtSim::new().await;
    let says = at.broker.capabilities().client_order_id;
    assert!(!says.options_deduplicated);
    let options = at.broker.options().unwrap();
    let request = cheap_put(&at).await;
    at.server()
        .change_settings(|settings| settings.option_ref_id_repeats = true);
    at.server()
        .faults()
        .add(Fault::new(Route::PlaceOptionOrder, Kind::DropAnswer).times(1));
    let first = options.place_option_order(&request).await.unwrap();
    let again = options.place_option_order(&request).await.unwrap();
    let Submission::Unknown(open) = again else {
        panic!("{again}")
    };
    assert!(matches!(first, Submission::Unknown(_)));
    assert_eq!(at.server().ledger().count(Route::PlaceOptionOrder), 1);
    let Resolution::Found(order) = at.broker.resolve(&open).await.unwrap() else {
        panic!()
    };
    assert_eq!(order.client_order_id.unwrap().as_str(), REF);
    assert_eq!(at.server().ledger().placements().len(), 1);
    // What was found out is remembered.
    let again = options.place_option_order(&request).await.unwrap();
    assert_eq!(accepted(again).id, order.id);
    assert_eq!(at.server().ledger().count(Route::PlaceOptionOrder), 1);
}

/// An order for a contract that is far from the market.
pub(super) async fn cheap_put(at: &AtSim) -> OptionOrderRequest {
    let options = at.broker.options().unwrap();
    let f = Symbol::new("F").unwrap();
    let chains = options.option_chains(&at.account, &f).await.unwrap();
    let mut query = OptionQuery::new(f);
    query.expiration = Some(chains[0].expirations[2]);
    let puts = options.option_contracts(&at.account, query).await.unwrap();
    let contract: &InstrumentId = &puts.items[0].id;
    let legs: Vec<OptionLeg> = vec![leg(contract.as_str(), Side::Buy, PositionEffect::Open)];
    let kind = OrderKind::Limit {
        price: price(dec!(0.01)),
    };
    let one = Quantity::new(dec!(1));
    let mut request = OptionOrderRequest::new(&at.account, legs, one, kind, Side::Buy);
    request.client_order_id = Some(ClientOrderId::new(REF).unwrap());
    request
}

/// An order whose answer is lost, and nothing else.
async fn lost(at: &AtSim) -> OrderRequest {
    let f = at.instrument("F").await;
    let request = OrderRequest::market(&at.account, &f, Side::Buy, shares!(2))
        .client_order_id(ClientOrderId::new(REF).unwrap());
    at.server()
        .faults()
        .add(Fault::new(Route::PlaceOrder, Kind::DropAnswer).times(1));
    let first = at.broker.place_order(&request).await.unwrap();
    assert!(matches!(first, Submission::Unknown(_)), "{first}");
    assert_eq!(at.server().ledger().placements().len(), 1);
    request
}

fn status(status: u16, body: &str) -> Kind {
    Kind::Status {
        status,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_owned(),
    }
}

#[tokio::test]
async fn nothing_is_read_before_the_second_sending_that_could_fail() {
    let at = AtSim::new().await;
    let request = lost(&at).await;
    let quotes = Matcher::path("/api.robinhood.com/marketdata/quotes/");
    at.server()
        .faults()
        .add(Fault::new(quotes, Kind::Html(503)));
    let again = accepted(at.broker.place_order(&request).await.unwrap());
    let placements = at.server().ledger().placements();
    assert_eq!(placements.len(), 1);
    assert_eq!(placements[0].order_id, again.id.as_str());
}

#[tokio::test]
async fn whatever_becomes_of_the_second_sending_it_does_not_deny_the_first() {
    let throttled = r#"{"detail":"Request was throttled. Expected available in 14 seconds."}"#;
    for kind in [
        status(429, throttled),
        status(400, r#"{"detail":"Not enough overnight buying power."}"#),
        status(401, r#"{"detail":"Incorrect authentication credentials."}"#),
        status(
            403,
            r#"{"detail":"You do not have permission to perform this action."}"#,
        ),
        status(404, r#"{"detail":"Not found."}"#),
        Kind::Html(429),
        Kind::DropAnswer,
    ] {
        let at = AtSim::new().await;
        let request = lost(&at).await;
        let fault = Fault::new(Route::PlaceOrder, kind.clone()).times(1);
        at.server().faults().add(fault);
        let again = at.broker.place_order(&request).await;
        let Ok(Submission::Unknown(open)) = again else {
            panic!("{kind:?}: {again:?}")
        };
        let found = at.broker.resolve(&open).await.unwrap();
        assert!(matches!(found, Resolution::Found(_)), "{kind:?}");
        assert_eq!(at.server().ledger().placements().len(), 1);
    }
}

#[tokio::test]
async fn an_order_is_looked_for_where_it_was_sent_first() {
    let at = AtSim::new().await;
    let request = lost(&at).await;
    at.clock.0.skip(Duration::from_secs(3 * 3_600));
    let fault = Fault::new(Route::PlaceOrder, Kind::DropAnswer).times(1);
    at.server().faults().add(fault);
    let Submission::Unknown(open) = at.broker.place_order(&request).await.unwrap() else {
        panic!()
    };
    let found = at.broker.resolve(&open).await.unwrap();
    assert!(matches!(found, Resolution::Found(_)), "{}", found.report());
}

#[tokio::test]
async fn a_clock_that_is_ahead_hides_no_order() {
    let at = AtSim::new().await;
    at.clock.0.run_ahead(Duration::from_secs(600));
    let request = lost(&at).await;
    let Submission::Unknown(open) = ({
        let fault = Fault::new(Route::PlaceOrder, Kind::DropAnswer).times(1);
        at.server().faults().add(fault);
        at.broker.place_order(&request).await.unwrap()
    }) else {
        panic!()
    };
    let found = at.broker.resolve(&open).await.unwrap();
    assert!(matches!(found, Resolution::Found(_)), "{}", found.report());
}

/// The window is counted from when the order left, not from when it began to wait for its turn.
#[tokio::test]
async fn an_order_that_has_waited_for_its_turn_was_sent_after_that() {
    let at = AtSim::new().await;
    let f = at.instrument("F").await;
    let limit = || OrderRequest::limit(&at.account, &f, Side::Buy, shares!(1), dec!(5));
    accepted(at.broker.place_order(&limit()).await.unwrap());
    let fault = Fault::new(Route::PlaceOrder, Kind::DropAnswer).times(1);
    at.server().faults().add(fault);
    let Submission::Unknown(open) = at.broker.place_order(&limit()).await.unwrap() else {
        panic!()
    };
    let placements = at.server().ledger().placements();
    let apart = placements[1].at - placements[0].at;
    assert!(
        apart >= Duration::from_secs(2),
        "the limit has not held it up: {apart}"
    );
    let early = placements[1].at - open.sent_at;
    assert!(early < Duration::from_secs(2), "{early} before it was sent");
}

/// Another process, which has read nothing yet, at a broker in trouble.
#[tokio::test]
async fn a_resolution_goes_on_while_the_accounts_cannot_be_read() {
    let at = AtSim::new().await;
    let f = at.instrument("F").await;
    let fault = Fault::new(Route::PlaceOrder, Kind::DropAnswer).times(1);
    at.server().faults().add(fault);
    let request = OrderRequest::limit(&at.account, &f, Side::Buy, shares!(1), dec!(5));
    let Submission::Unknown(open) = at.broker.place_order(&request).await.unwrap() else {
        panic!()
    };
    let other = Robinhood::builder()
        .config(at.broker.config().clone())
        .http(at.http.clone())
        .session(at.session.clone())
        .build()
        .unwrap();
    let fault = Fault::new(Route::Accounts, Kind::Html(503)).times(7);
    at.server().faults().add(fault);
    let found = other.resolve(&open).await.unwrap();
    assert!(matches!(found, Resolution::Found(_)), "{}", found.report());
    let mut stranger = open.clone();
    stranger.request.account = wheelhouse_core::AccountId::new("999999999").unwrap();
    assert!(other.resolve(&stranger).await.is_err());
}
