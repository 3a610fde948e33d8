//! The whole journey, against the simulator.

use std::time::Duration;

use time::OffsetDateTime;
use wheelhouse_core::{
    BarInterval, BarQuery, Broker, BrokerExt, Change, ClosedTradeQuery, Closing, Decimal,
    ErrorKind, ExecutionQuery, InstrumentQuery, InstrumentStatus, OrderChange, OrderQuery,
    OrderRequest, OrderState, PositionChange, PositionQuery, Price, Quantity, Side, StopLoss,
    Submission, Symbol, TakeProfit, dec, lots,
};
use wheelhouse_sim::tradelocker::{RateLimits, Route, Settings, UserSpec};

use crate::rig::AtSim;

fn accepted(submission: Submission) -> wheelhouse_core::AcceptedOrder {
    match submission {
        Submission::Accepted(order) => order,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn accounts_are_read_and_their_summary_is_money() {
    let at = AtSim::new().await;
    let account = at.broker.accounts().await.unwrap().only().unwrap();
    assert_eq!(account.balance.unwrap().to_string(), "100000.00 USD");
    let summary = at.broker.account_summary(&account.id).await.unwrap();
    assert_eq!(summary.cash, Some(dec!(100000)));
    assert_eq!(summary.position_count, Some(0));
    let details = at.broker.account_details(&account.id).await.unwrap();
    assert_eq!(details.trading_rules.support_brackets, Some(true));
}

#[tokio::test]
async fn a_resting_order_is_placed_found_changed_and_cancelled() {
    let at = AtSim::new().await;
    at.sim
        .tradelocker()
        .set_price("EURUSD", dec!(1.10000))
        .unwrap();
    let eurusd = at.instrument("EURUSD").await;
    let request = OrderRequest::limit(&at.account, &eurusd, Side::Buy, lots!(0.10), dec!(1.05))
        .stop_loss(StopLoss::at(dec!(1.04)))
        .take_profit(TakeProfit::at(dec!(1.20)));
    let placed = accepted(at.broker.place_order(&request).await.unwrap());
    assert_eq!(placed.client_order_id.as_str().len(), 30);

    let found = at
        .broker
        .order_by_client_id(&at.account, &placed.client_order_id)
        .await
        .unwrap();
    let found = found.expect("it rests");
    assert_eq!(
        (&found.id, &found.state),
        (&placed.id, &OrderState::Working)
    );
    assert_eq!(found.stop_loss, Some(StopLoss::at(dec!(1.04))));
    assert_eq!(found.limit_price, Some(Price::new(dec!(1.05))));

    let change = OrderChange::new().limit_price(dec!(1.06)).size(lots!(0.20));
    let same = at
        .broker
        .replace_order(&at.account, &placed.id, &change)
        .await
        .unwrap();
    assert_eq!(same, placed.id);
    let changed = at.broker.order(&at.account, &same).await.unwrap();
    assert_eq!(changed.limit_price, Some(Price::new(dec!(1.06))));
    assert_eq!(changed.size, lots!(0.20));

    at.broker
        .cancel_order(&at.account, &placed.id)
        .await
        .unwrap();
    let cancelled = at.broker.order(&at.account, &placed.id).await.unwrap();
    assert_eq!(cancelled.state, OrderState::Canceled);
    // Once more changes nothing and is no error.
    at.broker
        .cancel_order(&at.account, &placed.id)
        .await
        .unwrap();
    let late = at
        .broker
        .replace_order(&at.account, &placed.id, &change)
        .await
        .unwrap_err();
    assert_eq!(late.code(), 3001);
    assert_eq!(at.sim.tradelocker().ledger().placements().len(), 1);
}

#[tokio::test]
async fn a_market_order_leads_to_its_position_which_is_protected_and_closed() {
    let at = AtSim::new().await;
    at.sim
        .tradelocker()
        .set_price("BTCUSD", dec!(90000))
        .unwrap();
    let btc = at.instrument("BTCUSD").await;
    let request = OrderRequest::market(&at.account, &btc, Side::Buy, lots!(0.05));
    let placed = accepted(at.broker.place_order(&request).await.unwrap());
    let position = at
        .broker
        .position_of_order(&at.account, &placed.id)
        .await
        .unwrap();
    let position = position.expect("it was filled");
    let order = at.broker.order(&at.account, &placed.id).await.unwrap();
    assert_eq!(
        (order.state, order.position.as_ref()),
        (OrderState::Filled, Some(&position))
    );

    let held = at.broker.all_positions(&at.account).await.unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(
        (&held[0].id, held[0].side, held[0].size),
        (&position, Side::Buy, lots!(0.05))
    );
    assert_eq!(held[0].symbol, Some(Symbol::new("BTCUSD").unwrap()));
    assert_eq!(
        held[0].client_order_id.as_ref(),
        Some(&placed.client_order_id)
    );

    let role = at.broker.position_trading().unwrap();
    let protect = PositionChange::new()
        .stop_loss(Some(StopLoss::at(dec!(88000))))
        .take_profit(Some(TakeProfit::at(dec!(99000))));
    role.modify_position(&at.account, &position, &protect)
        .await
        .unwrap();
    let held = at.broker.all_positions(&at.account).await.unwrap();
    assert!(held[0].stop_loss_order.is_some() && held[0].take_profit_order.is_some());
    let mut remove = PositionChange::new();
    remove.take_profit = Change::Remove;
    role.modify_position(&at.account, &position, &remove)
        .await
        .unwrap();
    let held = at.broker.all_positions(&at.account).await.unwrap();
    assert!(held[0].stop_loss_order.is_some() && held[0].take_profit_order.is_none());

    let part = Some(Quantity::new(dec!(0.02)));
    let closing = role
        .close_position(&at.account, &position, part)
        .await
        .unwrap();
    assert!(matches!(closing, Closing::Accepted { .. }), "{closing}");
    let held = at.broker.all_positions(&at.account).await.unwrap();
    assert_eq!(held[0].size, lots!(0.03));
    let closing = role
        .close_position(&at.account, &position, None)
        .await
        .unwrap();
    assert!(matches!(closing, Closing::Accepted { .. }), "{closing}");
    assert!(
        at.broker
            .all_positions(&at.account)
            .await
            .unwrap()
            .is_empty()
    );
    let gone = role
        .close_position(&at.account, &position, None)
        .await
        .unwrap_err();
    assert_eq!(gone.code(), 3002);

    let executions = at
        .broker
        .executions(&at.account, ExecutionQuery::all())
        .await
        .unwrap()
        .items;
    assert!(
        executions
            .iter()
            .any(|execution| execution.order == placed.id),
        "{executions:?}"
    );
    let history = at
        .broker
        .all_orders(&at.account, OrderQuery::closed())
        .await
        .unwrap();
    let of_position = history
        .iter()
        .filter(|order| order.position.as_ref() == Some(&position));
    assert!(
        of_position.count() >= 3,
        "entry and two closings share the position"
    );
    let trades = at.broker.closed_trades().unwrap();
    let trades = trades
        .list(&at.account, ClosedTradeQuery::all())
        .await
        .unwrap();
    assert!(
        trades.items.iter().all(|trade| trade.position == position) && !trades.items.is_empty()
    );
}

#[tokio::test]
async fn everything_is_cancelled_and_closed_for_one_instrument_or_all() {
    let at = AtSim::new().await;
    let (eurusd, btc) = (at.instrument("EURUSD").await, at.instrument("BTCUSD").await);
    at.sim
        .tradelocker()
        .set_price("EURUSD", dec!(1.10000))
        .unwrap();
    at.sim
        .tradelocker()
        .set_price("BTCUSD", dec!(90000))
        .unwrap();
    for (instrument, price) in [(&eurusd, dec!(1.05)), (&btc, dec!(50000))] {
        let rest = OrderRequest::limit(&at.account, instrument, Side::Buy, lots!(0.01), price);
        let _ = accepted(at.broker.place_order(&rest).await.unwrap());
        let open = OrderRequest::market(&at.account, instrument, Side::Sell, lots!(0.01));
        let _ = accepted(at.broker.place_order(&open).await.unwrap());
    }
    let bulk = at.broker.bulk_orders().unwrap();
    bulk.cancel_all_orders(&at.account, Some(&eurusd.id))
        .await
        .unwrap();
    let open = at
        .broker
        .all_orders(&at.account, OrderQuery::open())
        .await
        .unwrap();
    assert_eq!(
        open.iter().map(|o| &o.instrument).collect::<Vec<_>>(),
        [&btc.id]
    );
    bulk.cancel_all_orders(&at.account, None).await.unwrap();
    assert!(
        at.broker
            .all_orders(&at.account, OrderQuery::open())
            .await
            .unwrap()
            .is_empty()
    );

    let role = at.broker.position_trading().unwrap();
    role.close_all_positions(&at.account, Some(&btc.id))
        .await
        .unwrap();
    let query = PositionQuery::all().instrument(eurusd.id.clone());
    assert_eq!(
        at.broker
            .positions(&at.account, query)
            .await
            .unwrap()
            .items
            .len(),
        1
    );
    role.close_all_positions(&at.account, None).await.unwrap();
    assert!(
        at.broker
            .all_positions(&at.account)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn writes_that_are_answered_with_204_are_accepted() {
    let settings = Settings::new()
        .rate_limits(RateLimits::off())
        .no_content_writes(true);
    let at = AtSim::with(settings, UserSpec::demo()).await;
    at.sim
        .tradelocker()
        .set_price("EURUSD", dec!(1.10000))
        .unwrap();
    let eurusd = at.instrument("EURUSD").await;
    let rest = OrderRequest::limit(&at.account, &eurusd, Side::Buy, lots!(0.10), dec!(1.05));
    let placed = accepted(at.broker.place_order(&rest).await.unwrap());
    let change = OrderChange::new().limit_price(dec!(1.06));
    at.broker
        .replace_order(&at.account, &placed.id, &change)
        .await
        .unwrap();
    at.broker
        .cancel_order(&at.account, &placed.id)
        .await
        .unwrap();
    let open = OrderRequest::market(&at.account, &eurusd, Side::Buy, lots!(0.10));
    let placed = accepted(at.broker.place_order(&open).await.unwrap());
    let position = at
        .broker
        .position_of_order(&at.account, &placed.id)
        .await
        .unwrap()
        .unwrap();
    let closing = at
        .broker
        .position_trading()
        .unwrap()
        .close_position(&at.account, &position, None)
        .await;
    assert!(matches!(closing, Ok(Closing::Accepted { .. })));
}

#[tokio::test]
async fn instruments_have_rules_and_prices() {
    let at = AtSim::new().await;
    let eurusd = at.instrument("EURUSD").await;
    assert_eq!(eurusd.rules.quantity_step, Some(Quantity::new(dec!(0.01))));
    assert_eq!(eurusd.rules.lot_size, Some(dec!(100000)));
    assert_eq!(eurusd.rules.tick_at(dec!(1)), Some(dec!(0.00001)));
    assert_eq!(eurusd.status, Some(InstrumentStatus::Open));
    let query = InstrumentQuery::all().text("eurusd".to_owned());
    let found = at
        .broker
        .instruments(&at.account, query)
        .await
        .unwrap()
        .items;
    assert_eq!(found.len(), 2, "the plain one and the one with a suffix");

    let quotes = at
        .broker
        .quotes(&at.account, std::slice::from_ref(&eurusd.id))
        .await
        .unwrap();
    assert!(quotes[0].bid < quotes[0].ask && quotes[0].bid.is_some());
    let depth = at
        .broker
        .market_depth()
        .unwrap()
        .depth(&at.account, &eurusd.id)
        .await
        .unwrap();
    assert!(depth.bids[0].price < depth.asks[0].price);
    let history = at.broker.market_history().unwrap();
    let today = history
        .daily_bar(&at.account, &eurusd.id)
        .await
        .unwrap()
        .unwrap();
    assert!(today.low <= today.high);
    let to = OffsetDateTime::now_utc();
    let query = BarQuery::new(
        &eurusd,
        BarInterval::Hour1,
        to - Duration::from_secs(86_400 * 7),
        to,
    );
    let bars = history.bars(&at.account, &query).await.unwrap();
    assert!(bars.windows(2).all(|pair| pair[0].time < pair[1].time) && bars.len() > 24);
    let sessions = at.broker.trading_sessions().unwrap();
    assert!(
        sessions
            .session_status(&at.account, &eurusd.id)
            .await
            .unwrap()
            .can_place
    );
    sessions
        .trading_hours(&at.account, &eurusd.id)
        .await
        .unwrap();
}

#[tokio::test]
async fn f51_steps_that_change_with_the_price_are_kept() {
    let at = AtSim::new().await;
    let gas = at.instrument("NATGAS").await;
    assert!(gas.rules.ticks.len() > 1, "{:?}", gas.rules.ticks);
    let request = OrderRequest::market(&at.account, &gas, Side::Buy, lots!(0.15));
    let error = at.broker.place_order(&request).await.unwrap_err();
    assert!(
        error.message().contains("the nearest are 0.1 and 0.2"),
        "{error}"
    );
}

#[tokio::test]
async fn a_dead_info_route_is_passed_over() {
    let at = AtSim::new().await;
    let gold = at.instrument("XAUUSD").await;
    let quotes = at
        .broker
        .quotes(&at.account, std::slice::from_ref(&gold.id))
        .await
        .unwrap();
    assert!(quotes[0].bid.is_some());
}

#[tokio::test]
async fn an_instrument_out_of_its_session_is_refused_by_the_broker_and_then_here() {
    let at = AtSim::new().await;
    let apple = at.instrument("AAPL").await;
    let request = OrderRequest::market(&at.account, &apple, Side::Buy, lots!(1));
    let refused = at.broker.place_order(&request).await.unwrap();
    assert!(matches!(refused, Submission::Rejected(_)), "{refused}");
    let status = at
        .broker
        .trading_sessions()
        .unwrap()
        .session_status(&at.account, &apple.id)
        .await
        .unwrap();
    assert!(!status.can_place);
    let known = at.broker.place_order(&request).await.unwrap_err();
    assert_eq!(known.kind(), ErrorKind::InvalidInput);
    assert_eq!(at.sim.tradelocker().ledger().count(Route::PlaceOrder), 1);
}

#[tokio::test]
async fn accounts_of_one_user_are_kept_apart() {
    let settings = Settings::new().rate_limits(RateLimits::off());
    let at = AtSim::with(settings, UserSpec::demo().account_count(2)).await;
    let accounts = at.broker.accounts().await.unwrap();
    assert_eq!(accounts.only().unwrap_err().code(), 5002);
    let second = accounts[1].id.clone();
    let btc = at.broker.find_instrument(&second, "BTCUSD").await.unwrap();
    let request = OrderRequest::market(&second, &btc, Side::Buy, lots!(0.01));
    let placed = accepted(at.broker.place_order(&request).await.unwrap());
    assert_eq!(
        at.sim.tradelocker().ledger().placements()[0].account,
        second.as_str()
    );
    assert!(
        at.broker
            .all_positions(&at.account)
            .await
            .unwrap()
            .is_empty()
    );
    let foreign = at.broker.order(&at.account, &placed.id).await.unwrap_err();
    assert_eq!(foreign.kind(), ErrorKind::NotFound);
    let change = OrderChange::new().size(lots!(0.02));
    let foreign = at
        .broker
        .replace_order(&at.account, &placed.id, &change)
        .await
        .unwrap_err();
    assert_eq!(foreign.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn published_limits_replace_the_defaults() {
    let at = AtSim::new().await;
    at.broker.all_positions(&at.account).await.unwrap();
    let _ = at.broker.all_positions(&at.account).await.unwrap();
    let usage = at.broker.usage().await;
    let positions = usage
        .iter()
        .find(|usage| usage.class.name() == "tradelocker.positions")
        .unwrap();
    assert_eq!(positions.limit, 1_000_000);
}

#[tokio::test]
async fn an_expired_token_is_replaced_without_the_caller_noticing() {
    let at = AtSim::new().await;
    at.sim.tradelocker().expire_access_tokens();
    assert_eq!(
        at.broker.account_summary(&at.account).await.unwrap().cash,
        Some(Decimal::from(100_000))
    );
}
