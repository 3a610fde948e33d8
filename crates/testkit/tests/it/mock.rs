use std::{future::poll_fn, sync::Arc};

use wheelhouse_core::{
    Broker, BrokerExt, ClientOrderId, CloseResolution, ClosedTradeQuery, Closing, Decimal, Error,
    ErrorKind, EventKind, EventStream, OptionContract, OptionLeg, OptionOrderRequest, OptionQuery,
    OptionRight, OrderKind, OrderQuery, OrderState, PositionEffect, Price, Quantity, RejectReason,
    Resolution, Result, Side, Submission, Subscription, Symbol, dec, lots, shares,
};
use wheelhouse_testkit::{
    Ability, ClosingAnswer, MockBroker, Operation, PlacementAnswer, fixtures,
};

fn accepted(submission: Submission) -> wheelhouse_core::BrokerOrderId {
    match submission {
        Submission::Accepted(order) => order.id,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_programmed_error_fails_the_next_call_of_its_kind_only() {
    let mock = MockBroker::new();
    let account = fixtures::account().id;
    mock.fail_next(
        Operation::Orders,
        Error::new(ErrorKind::RateLimited, "slow down"),
    );
    mock.quote(&account, &fixtures::eurusd()).await.unwrap();
    let error = mock.orders(&account, OrderQuery::all()).await.unwrap_err();
    assert_eq!(error.to_string(), "orders at mock: slow down (code 3004)");
    mock.orders(&account, OrderQuery::all()).await.unwrap();
    assert_eq!(mock.count(Operation::Orders), 2);
}

#[tokio::test]
async fn calls_are_recorded_with_what_was_asked() {
    let mock = MockBroker::new();
    let request = fixtures::limit_request();
    let id = accepted(mock.place_order(&request).await.unwrap());
    mock.cancel_order(&request.account, &id).await.unwrap();
    let calls = mock.calls();
    assert_eq!(calls[0].operation, Operation::PlaceOrder);
    assert_eq!(calls[0].request.as_ref(), Some(&request));
    assert_eq!(calls[1].subject.as_deref(), Some(id.as_str()));
    assert_eq!(calls[1].account, Some(request.account));
    mock.forget_calls();
    assert!(mock.calls().is_empty());
}

#[tokio::test]
async fn an_order_is_filled_in_parts_on_demand() {
    let mock = MockBroker::new();
    let account = fixtures::account().id;
    let id = accepted(mock.place_order(&fixtures::limit_request()).await.unwrap());
    mock.fill_part(&id, dec!(0.04)).unwrap();
    let order = mock.order(&account, &id).await.unwrap();
    assert_eq!(order.state, OrderState::PartiallyFilled);
    assert_eq!(mock.held()[0].size, lots!(0.04));
    assert_eq!(
        mock.fill_part(&id, dec!(0.07)).unwrap_err().code(),
        5001,
        "too much"
    );
    mock.fill(&id).unwrap();
    let order = mock.order(&account, &id).await.unwrap();
    assert_eq!(order.state, OrderState::Filled);
    assert_eq!(order.average_price, Some(Price::new(dec!(1.05))));
    assert_eq!(mock.held().len(), 1);
    assert_eq!(mock.held()[0].size, lots!(0.10));
    assert_eq!(mock.fill(&id).unwrap_err().code(), 5001, "it is final");
}

#[tokio::test]
async fn profit_is_booked_when_a_position_is_closed() {
    let mock = MockBroker::new();
    let account = fixtures::account().id;
    let bought = mock.place_order(&fixtures::market_request()).await.unwrap();
    assert_eq!(bought.state(), OrderState::Filled);
    mock.set_quote(&fixtures::eurusd(), dec!(1.09020), dec!(1.09040));
    let summary = mock.account_summary(&account).await.unwrap();
    assert_eq!(
        summary.open_pnl,
        Some(dec!(100)),
        "0.10 lots of 100,000, a cent up"
    );
    assert_eq!(summary.cash, Some(dec!(100000)));
    let position = mock.all_positions(&account).await.unwrap().remove(0);
    let trading = mock.position_trading().unwrap();
    let closing = trading
        .close_position(&account, &position.id, None)
        .await
        .unwrap();
    assert!(matches!(closing, Closing::Accepted { order: Some(_) }));
    let summary = mock.account_summary(&account).await.unwrap();
    assert_eq!(summary.equity, Some(dec!(100100)));
    let closed = mock.closed_trades().unwrap();
    let trades = closed
        .list(&account, ClosedTradeQuery::all())
        .await
        .unwrap();
    assert_eq!(trades.items[0].profit, Some(dec!(100)));
}

#[tokio::test]
async fn a_stop_loss_that_is_filled_closes_its_position() {
    let mock = MockBroker::new();
    let request = fixtures::market_request()
        .stop_loss(wheelhouse_core::StopLoss::at(dec!(1.07)))
        .take_profit(wheelhouse_core::TakeProfit::at(dec!(1.09)));
    accepted(mock.place_order(&request).await.unwrap());
    let held = mock.held().remove(0);
    mock.fill(&held.stop_loss_order.unwrap()).unwrap();
    assert!(mock.held().is_empty());
    let open: Vec<_> = mock
        .ledger()
        .into_iter()
        .filter(|it| it.state.is_open())
        .collect();
    assert!(
        open.is_empty(),
        "the take profit went with the position: {open:?}"
    );
}

#[tokio::test]
async fn a_lost_placement_can_stay_unclear_for_a_while() {
    let mock = MockBroker::new();
    mock.next_placement(PlacementAnswer::Lost {
        placed: true,
        unclear: 2,
    });
    let submission = mock.place_order(&fixtures::limit_request()).await.unwrap();
    let Submission::Unknown(open) = submission else {
        panic!("{submission}");
    };
    for _ in 0..2 {
        let resolved = mock.resolve(&open).await.unwrap();
        assert!(matches!(resolved, Resolution::Unknown(..)), "{resolved:?}");
    }
    let resolved = mock.resolve(&open).await.unwrap();
    assert!(matches!(resolved, Resolution::Found(_)), "{resolved:?}");

    mock.next_placement(PlacementAnswer::Lost {
        placed: false,
        unclear: u32::MAX,
    });
    let submission = mock.place_order(&fixtures::limit_request()).await.unwrap();
    for _ in 0..100 {
        let resolved = mock.settle(&submission).await.unwrap();
        assert!(
            matches!(resolved, Some(Resolution::Unknown(..))),
            "{resolved:?}"
        );
    }
}

#[tokio::test]
async fn answers_stand_in_line_and_then_orders_are_accepted() {
    let mock = MockBroker::new();
    mock.next_placement(PlacementAnswer::insufficient_funds());
    mock.next_placement(PlacementAnswer::Fill);
    let request = fixtures::limit_request();
    let Submission::Rejected(rejection) = mock.place_order(&request).await.unwrap() else {
        panic!("it was to be refused");
    };
    assert_eq!(rejection.reason, RejectReason::InsufficientFunds);
    assert_eq!(
        mock.place_order(&request).await.unwrap().state(),
        OrderState::Filled
    );
    assert_eq!(
        mock.place_order(&request).await.unwrap().state(),
        OrderState::Working
    );
    assert_eq!(mock.ledger().len(), 2);
}

#[tokio::test]
async fn an_instrument_that_nobody_trades_takes_no_market_order() {
    let mock = MockBroker::builder()
        .account(fixtures::account())
        .instrument_without_price(fixtures::aapl())
        .build();
    let request = wheelhouse_core::OrderRequest::market(
        &fixtures::account(),
        &fixtures::aapl(),
        Side::Buy,
        shares!(1),
    );
    let submission = mock.place_order(&request).await.unwrap();
    assert_eq!(submission.state(), OrderState::Rejected, "{submission}");
    let quote = mock
        .quote(&fixtures::account(), &fixtures::aapl())
        .await
        .unwrap();
    assert_eq!((quote.bid, quote.ask), (None, None), "unknown, not zero");
}

#[tokio::test]
async fn a_closing_that_was_not_carried_out_is_told_from_one_that_was() {
    for closed in [true, false] {
        let mock = MockBroker::builder()
            .with_fixtures()
            .position(fixtures::position())
            .build();
        mock.next_closing(ClosingAnswer::Lost { closed });
        let account = fixtures::account().id;
        let trading = mock.position_trading().unwrap();
        let closing = trading
            .close_position(&account, &fixtures::position().id, None)
            .await;
        let Closing::Unknown(open) = closing.unwrap() else {
            panic!("the answer was to get lost");
        };
        match trading.resolve_close(&open).await.unwrap() {
            CloseResolution::Closed { remaining } if closed => {
                assert_eq!(remaining.value(), Decimal::ZERO);
            }
            CloseResolution::NotClosed(evidence) if !closed => {
                assert_eq!(evidence.complete_reads, 3);
            }
            other => panic!("closed {closed}, resolved {other:?}"),
        }
    }
}

#[tokio::test]
async fn two_accounts_are_kept_apart_and_never_guessed() {
    let mock = MockBroker::builder()
        .with_fixtures()
        .account(fixtures::second_account())
        .build();
    accepted(mock.place_order(&fixtures::market_request()).await.unwrap());
    let other = fixtures::second_account().id;
    assert!(mock.all_positions(&other).await.unwrap().is_empty());
    assert_eq!(
        mock.accounts().await.unwrap().only().unwrap_err().code(),
        5002
    );
}

#[tokio::test]
async fn followers_are_told_of_a_gap_and_catch_up() {
    let mock = MockBroker::new();
    let subscription = Subscription::account(&fixtures::account()).quotes_of(&fixtures::eurusd());
    let mut events = mock.streaming().unwrap().events(subscription).unwrap();
    until_caught_up(&mut events).await;
    mock.set_quote(&fixtures::eurusd(), dec!(1.1), dec!(1.2));
    mock.set_quote(&fixtures::btcusd(), dec!(1), dec!(2));
    let first = next(&mut events).await;
    assert!(matches!(first.kind, EventKind::Quote(quote) if quote.ask == Some(dec!(1.2).into())));

    accepted(mock.place_order(&fixtures::limit_request()).await.unwrap());
    assert!(
        matches!(next(&mut events).await.kind, EventKind::Order(_)),
        "not of BTCUSD"
    );
    mock.break_streams();
    let gap = next(&mut events).await;
    assert!(matches!(gap.kind, EventKind::Gap { .. }), "{gap:?}");
    assert!(gap.generation > first.generation);
    let snapshot = until_caught_up(&mut events).await;
    assert!(
        snapshot
            .iter()
            .any(|kind| matches!(kind, EventKind::Order(_))),
        "{snapshot:?}"
    );
}

async fn next(events: &mut EventStream) -> wheelhouse_core::BrokerEvent {
    let event = poll_fn(|context| events.as_mut().poll_next(context)).await;
    event.expect("the stream goes on")
}

async fn until_caught_up(events: &mut EventStream) -> Vec<EventKind> {
    let mut snapshot = Vec::new();
    loop {
        match next(events).await.kind {
            EventKind::CaughtUp => return snapshot,
            kind => snapshot.push(kind),
        }
    }
}

#[tokio::test]
async fn what_is_taken_away_is_gone_in_word_and_deed() {
    let mock = MockBroker::builder()
        .with_fixtures()
        .without(Ability::ClosePosition)
        .build();
    assert!(mock.position_trading().is_none());
    assert!(!mock.capabilities().partial_close.is_there());
    let shared: Arc<dyn Broker> = Arc::new(mock);
    assert!(shared.position_trading().is_none());
}

#[tokio::test]
async fn option_chains_are_made_from_the_contracts() -> Result<()> {
    let underlying = Symbol::new("AAPL")?;
    let contract = |id: &str, strike: Decimal, right| {
        OptionContract::new(
            wheelhouse_core::InstrumentId::new(id).unwrap(),
            Symbol::new("AAPL").unwrap(),
            fixtures::TIME.date(),
            Price::new(strike),
            right,
        )
    };
    let mock = MockBroker::builder()
        .with_fixtures()
        .option(contract("c1", dec!(200), OptionRight::Call))
        .option(contract("p1", dec!(190), OptionRight::Put))
        .build();
    let account = fixtures::account().id;
    let options = mock.options().unwrap();
    let chains = options.option_chains(&account, &underlying).await?;
    assert_eq!(chains[0].expirations, [fixtures::TIME.date()]);
    let mut query = OptionQuery::new(underlying);
    query.right = Some(OptionRight::Put);
    let puts = options.option_contracts(&account, query).await?;
    assert_eq!(puts.items.len(), 1);
    Ok(())
}

#[tokio::test]
async fn orders_of_options_are_deduplicated_if_the_capabilities_say_so() -> Result<()> {
    for says in [false, true] {
        let mock = MockBroker::builder()
            .with_fixtures()
            .capabilities(|it| it.client_order_id.options_deduplicated = says)
            .build();
        let leg = OptionLeg {
            contract: wheelhouse_core::InstrumentId::new("c1")?,
            side: Side::Buy,
            effect: PositionEffect::Open,
            ratio: 1,
        };
        let price = Price::new(dec!(0.05));
        let kind = OrderKind::Limit { price };
        let account = fixtures::account().id;
        let one = Quantity::new(dec!(1));
        let mut request = OptionOrderRequest::new(&account, vec![leg], one, kind, Side::Buy);
        request.client_order_id = Some(ClientOrderId::new("once")?);
        let options = mock.options().unwrap();
        let first = accepted(options.place_option_order(&request).await?);
        let again = accepted(options.place_option_order(&request).await?);
        assert_eq!(again == first, says);
        request.quantity = Quantity::new(dec!(2));
        let other = options.place_option_order(&request).await;
        let reused = other.is_err_and(|error| error.kind() == ErrorKind::ClientOrderIdReused);
        assert_eq!(reused, says);
    }
    Ok(())
}
