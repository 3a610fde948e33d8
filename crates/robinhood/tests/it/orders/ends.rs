//! Rare states of orders, and requests that the broker takes no more of: read at the simulator.

use std::time::Duration;

use wheelhouse_core::{
    Broker, BrokerOrderId, Effect, ErrorKind, ExecutionQuery, InstrumentId, OptionLeg, OptionOrder,
    OptionQuery, Order, OrderQuery, OrderRequest, OrderState, PositionEffect, RejectReason,
    Resolution, Side, Submission, Symbol, TimeInForce, dec, shares,
};
use wheelhouse_sim::{
    Fault, Kind,
    robinhood::{OrderEnd, Route, Settings},
};

use super::{accepted, again::cheap_put, leg};
use crate::rig::{AtSim, granted, rich};

const HOUR: Duration = Duration::from_secs(3_600);

async fn at(change: impl FnOnce(&mut Settings)) -> AtSim {
    let mut settings = granted();
    change(&mut settings);
    AtSim::with(settings, rich()).await
}

async fn ending(end: OrderEnd) -> AtSim {
    at(|settings| settings.order_end = Some(end)).await
}

/// Shares that nobody sells as cheap.
async fn resting(at: &AtSim) -> OrderRequest {
    let f = at.instrument("F").await;
    OrderRequest::limit(&at.account, &f, Side::Buy, shares!(2), dec!(5))
        .time_in_force(TimeInForce::Gtc)
}

async fn placed(at: &AtSim, request: &OrderRequest) -> BrokerOrderId {
    accepted(at.broker.place_order(request).await.unwrap()).id
}

async fn put_placed(at: &AtSim) -> BrokerOrderId {
    let put = cheap_put(at).await;
    let options = at.broker.options().unwrap();
    accepted(options.place_option_order(&put).await.unwrap()).id
}

async fn order(at: &AtSim, id: &BrokerOrderId) -> Order {
    at.broker.order(&at.account, id).await.unwrap()
}

async fn put_order(at: &AtSim, query: OrderQuery) -> Option<OptionOrder> {
    let options = at.broker.options().unwrap();
    let orders = options.option_orders(&at.account, query).await.unwrap();
    orders.items.into_iter().next()
}

/// How many orders there are, of shares and of options.
async fn count(at: &AtSim, query: OrderQuery) -> (usize, usize) {
    let orders = at.broker.orders(&at.account, query.clone()).await.unwrap();
    let of_options = usize::from(put_order(at, query).await.is_some());
    (orders.items.len(), of_options)
}

#[tokio::test]
async fn an_order_whose_cancel_pends_is_open_until_it_is_over() {
    let at = at(|settings| settings.cancel_takes = HOUR).await;
    let (options, request) = (at.broker.options().unwrap(), resting(&at).await);
    let (id, put) = (placed(&at, &request).await, put_placed(&at).await);
    for _ in 0..2 {
        at.broker.cancel_order(&at.account, &id).await.unwrap();
        let canceled = options.cancel_option_order(&at.account, &put).await;
        canceled.unwrap();
    }
    let pends = order(&at, &id).await;
    assert_eq!(pends.state, OrderState::PendingCancel);
    assert!(!pends.state.is_final());
    let pends = put_order(&at, OrderQuery::all()).await.unwrap().order;
    assert_eq!(pends.state, OrderState::PendingCancel);
    assert_eq!(count(&at, OrderQuery::open()).await, (1, 1));
    let summary = at.broker.account_summary(&at.account).await.unwrap();
    assert_eq!(summary.order_count, Some(2));
    at.clock.0.skip(HOUR);
    assert_eq!(order(&at, &id).await.state, OrderState::Canceled);
    let over = put_order(&at, OrderQuery::all()).await.unwrap().order;
    assert_eq!(over.state, OrderState::Canceled);
    assert_eq!(count(&at, OrderQuery::open()).await, (0, 0));
    assert_eq!(at.server().ledger().cancels().len(), 2);
}

#[tokio::test]
async fn a_part_that_was_filled_is_known_while_a_cancel_pends_and_after_it() {
    for loses in [false, true] {
        let at = at(|settings| {
            settings.cancel_takes = HOUR;
            settings.cancel_loses = loses;
            settings.fill_step = Some(dec!(3));
        })
        .await;
        let f = at.instrument("F").await;
        let request = OrderRequest::limit(&at.account, &f, Side::Buy, shares!(500), dec!(20));
        let id = placed(&at, &request).await;
        at.broker.cancel_order(&at.account, &id).await.unwrap();
        let pends = order(&at, &id).await;
        assert_eq!(pends.state, OrderState::PendingCancel);
        let part = pends.filled.value();
        assert!(part > dec!(0) && part < dec!(500), "{part}");
        at.server()
            .change_settings(|settings| settings.fill_step = None);
        at.clock.0.skip(HOUR);
        let over = order(&at, &id).await;
        let expected = match loses {
            false => (OrderState::Canceled, part),
            true => (OrderState::Filled, dec!(500)),
        };
        assert_eq!((over.state, over.filled.value()), expected);
    }
}

#[tokio::test]
async fn an_order_that_failed_is_rejected_and_nothing_of_it_is_open() {
    let at = ending(OrderEnd::Failed).await;
    let id = placed(&at, &resting(&at).await).await;
    let put = put_placed(&at).await;
    let failed = order(&at, &id).await;
    assert_eq!(failed.state, OrderState::Rejected);
    assert_eq!(failed.filled.value(), dec!(0));
    let failed = put_order(&at, OrderQuery::all()).await.unwrap().order;
    assert_eq!(failed.state, OrderState::Rejected);
    assert_eq!(count(&at, OrderQuery::open()).await, (0, 0));
    assert_eq!(count(&at, OrderQuery::closed()).await, (1, 1));
    // There is nothing left to cancel, so nothing is asked of the broker.
    at.broker.cancel_order(&at.account, &id).await.unwrap();
    let options = at.broker.options().unwrap();
    let canceled = options.cancel_option_order(&at.account, &put).await;
    canceled.unwrap();
    let ledger = at.server().ledger();
    assert_eq!(ledger.count(Route::CancelOrder), 0);
    assert_eq!(ledger.count(Route::CancelOptionOrder), 0);
}

#[tokio::test]
async fn an_order_that_failed_after_its_answer_was_lost_is_found_as_it_ended() {
    let at = ending(OrderEnd::Failed).await;
    let lost = Fault::new(Route::PlaceOrder, Kind::DropAnswer).times(1);
    at.server().faults().add(lost);
    let request = resting(&at).await;
    let Submission::Unknown(open) = at.broker.place_order(&request).await.unwrap() else {
        panic!("its answer was lost")
    };
    let Resolution::Found(found) = at.broker.resolve(&open).await.unwrap() else {
        panic!("it is there")
    };
    assert_eq!(found.state, OrderState::Rejected);
    // Placed again it is the same order, which has ended.
    let again = open.request.clone();
    let again = accepted(at.broker.place_order(&again).await.unwrap());
    assert_eq!((again.id, again.state), (found.id, OrderState::Rejected));
    assert_eq!(at.server().ledger().placements().len(), 1);
}

#[tokio::test]
async fn a_voided_order_is_canceled_and_keeps_what_was_filled() {
    let at = at(|settings| settings.fill_step = Some(dec!(3))).await;
    let f = at.instrument("F").await;
    let request = OrderRequest::limit(&at.account, &f, Side::Buy, shares!(500), dec!(20));
    let part = placed(&at, &request).await;
    let put = put_placed(&at).await;
    assert_eq!(order(&at, &part).await.state, OrderState::PartiallyFilled);
    at.server()
        .change_settings(|settings| settings.order_end = Some(OrderEnd::Voided));
    let voided = order(&at, &part).await;
    assert_eq!(voided.state, OrderState::Canceled);
    let fills = at.server().ledger().fills();
    let filled: wheelhouse_core::Decimal = fills.iter().map(|fill| fill.quantity).sum();
    assert!(filled > dec!(0) && filled < dec!(500), "{filled}");
    assert_eq!(voided.filled.value(), filled);
    let query = ExecutionQuery::all();
    let executions = at.broker.executions(&at.account, query).await.unwrap();
    assert_eq!(executions.items.len(), fills.len());
    let voided = put_order(&at, OrderQuery::closed()).await.unwrap().order;
    assert_eq!((voided.id, voided.state), (put, OrderState::Canceled));
    assert_eq!(count(&at, OrderQuery::open()).await, (0, 0));
}

#[tokio::test]
async fn a_sale_for_which_nobody_lends_shares_is_taken_and_rejected() {
    let at = ending(OrderEnd::LocateFailed).await;
    let f = at.instrument("F").await;
    let request = OrderRequest::limit(&at.account, &f, Side::Sell, shares!(5), dec!(5));
    let id = placed(&at, &request).await;
    let ended = order(&at, &id).await;
    assert_eq!(ended.state, OrderState::Rejected);
    assert_eq!(ended.filled.value(), dec!(0));
    let position = at.broker.positions(&at.account, Default::default());
    assert!(position.await.unwrap().items.is_empty());
    at.broker.cancel_order(&at.account, &id).await.unwrap();
    assert_eq!(at.server().ledger().count(Route::CancelOrder), 0);
}

#[tokio::test]
async fn an_order_of_several_legs_that_is_not_taken_is_rejected_and_not_sent_again() {
    let text = "Multi-leg orders are refused here.";
    let at = at(|settings| settings.refuse_legs_with = Some(text.to_owned())).await;
    let options = at.broker.options().unwrap();
    let mut request = cheap_put(&at).await;
    let mut query = OptionQuery::new(Symbol::new("F").unwrap());
    let chains = options.option_chains(&at.account, &query.underlying);
    query.expiration = Some(chains.await.unwrap()[0].expirations[2]);
    let puts = options.option_contracts(&at.account, query).await.unwrap();
    let other: &InstrumentId = &puts.items[1].id;
    let second: OptionLeg = leg(other.as_str(), Side::Sell, PositionEffect::Open);
    request.legs.push(second);
    for _ in 0..2 {
        let outcome = options.place_option_order(&request).await.unwrap();
        let Submission::Rejected(rejection) = outcome else {
            panic!("{outcome}")
        };
        assert_eq!(rejection.message, text);
        assert_eq!(rejection.reason, RejectReason::Other);
    }
    let ledger = at.server().ledger();
    assert_eq!(ledger.count(Route::PlaceOptionOrder), 1);
    assert!(ledger.placements().is_empty());
    // One leg is taken.
    request.legs.truncate(1);
    request.client_order_id = None;
    accepted(options.place_option_order(&request).await.unwrap());
}

#[tokio::test]
async fn no_request_is_longer_than_the_broker_takes() {
    let at = at(|settings| settings.longest_url = 3_000).await;
    let server = at.server();
    server.seed_positions("100200301", 1_220).unwrap();
    server.seed_contracts("F", 300).unwrap();
    let names: Vec<_> = (1..=1_220)
        .map(|n| Symbol::new(format!("W{n:04}")).unwrap())
        .collect();
    let quotes = at.broker.quotes_of(&names).await.unwrap();
    assert_eq!(quotes.len(), names.len());
    let ids: Vec<_> = quotes.into_iter().map(|quote| quote.instrument).collect();
    let quotes = at.broker.quotes(&at.account, &ids).await.unwrap();
    assert_eq!(quotes.len(), ids.len());
    let options = at.broker.options().unwrap();
    let query = OptionQuery::new(Symbol::new("F").unwrap());
    let page = options.option_contracts(&at.account, query).await.unwrap();
    let ids: Vec<_> = page.items.into_iter().map(|contract| contract.id).collect();
    assert!(ids.len() >= 100, "{}", ids.len());
    let quotes = options.option_quotes(&at.account, &ids).await.unwrap();
    assert!(quotes.iter().all(|quote| quote.mark.is_some()));
    // What is too long all the same is said, and not tried again.
    server.change_settings(|settings| settings.longest_url = 200);
    let before = server.ledger().count(Route::Quotes);
    let error = at.broker.quotes_of(&names).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotTheProtocol, "{error}");
    assert_eq!(error.effect(), Effect::None);
    assert_eq!(server.ledger().count(Route::Quotes), before + 1);
}
