//! Every sample is read by some test; this list says by which.

use std::{collections::BTreeSet, path::Path};

use time::macros::datetime;
use wheelhouse_core::{
    AccountStatus, BarInterval, BarQuery, Broker, BrokerExt, BrokerOrderId, ClosedTradeQuery,
    ExecutionQuery, InstrumentKind, InstrumentStatus, OrderChange, OrderQuery, OrderState,
    OrderType, PositionEffect, Price, Quantity, Side, StopLoss, TakeProfit, TimeInForce, dec, lots,
};

use crate::rig::AtServer;

const READ_BY: &[(&str, &str, &str)] = &[
    (
        "auth_jwt_accounts_tokens_201",
        "login",
        "stream_tokens_come_per_account_and_without_the_developer_key",
    ),
    ("auth_jwt_all_accounts_200", "samples", "accounts"),
    (
        "auth_jwt_all_accounts_empty_200",
        "samples",
        "a_user_without_accounts",
    ),
    (
        "auth_jwt_refresh_201",
        "login",
        "a_refresh_uses_the_token_up_and_gives_new_ones",
    ),
    (
        "auth_jwt_token_201",
        "login",
        "a_login_gives_both_tokens_and_when_they_end",
    ),
    ("cancel_all_orders_200", "samples", "cancels"),
    ("cancel_order_200", "samples", "cancels"),
    ("cancel_order_error_final_200", "samples", "cancels"),
    (
        "close_all_positions_200",
        "positions",
        "closing_all_is_asked_for_the_account_and_perhaps_one_instrument",
    ),
    (
        "close_position_200",
        "positions",
        "closing_sends_a_body_with_its_delete",
    ),
    (
        "close_position_request_full",
        "positions",
        "closing_sends_a_body_with_its_delete",
    ),
    ("close_trades_history_200", "samples", "closed_trades"),
    (
        "error_d_null_200",
        "fields",
        "f4_an_error_in_a_success_is_an_error",
    ),
    ("modify_order_200", "samples", "modifications"),
    ("modify_order_minimal_200", "samples", "modifications"),
    (
        "modify_position_200",
        "positions",
        "protecting_sends_what_changes_and_null_for_what_goes",
    ),
    (
        "modify_position_request",
        "positions",
        "protecting_sends_what_changes_and_null_for_what_goes",
    ),
    (
        "place_order_200",
        "placing",
        "an_answer_with_an_order_id_is_an_acceptance",
    ),
    (
        "place_order_error_closing_only_200",
        "placing",
        "f4_a_refusal_in_a_success_is_a_rejection_with_its_reason",
    ),
    (
        "place_order_error_lot_step_200",
        "placing",
        "f4_a_refusal_in_a_success_is_a_rejection_with_its_reason",
    ),
    (
        "place_order_error_not_enough_margin_200",
        "placing",
        "f4_a_refusal_in_a_success_is_a_rejection_with_its_reason",
    ),
    (
        "place_order_error_order_type_not_allowed_200",
        "placing",
        "f4_a_refusal_in_a_success_is_a_rejection_with_its_reason",
    ),
    (
        "place_order_error_out_of_session_200",
        "placing",
        "f47_a_closed_market_is_a_typed_rejection",
    ),
    (
        "place_order_error_qty_validation_200",
        "placing",
        "f4_a_refusal_in_a_success_is_a_rejection_with_its_reason",
    ),
    (
        "place_order_error_sl_price_200",
        "placing",
        "f4_a_refusal_in_a_success_is_a_rejection_with_its_reason",
    ),
    (
        "place_order_error_strategy_id_200",
        "placing",
        "f4_a_refusal_in_a_success_is_a_rejection_with_its_reason",
    ),
    (
        "place_order_request_limit",
        "placing",
        "bodies_are_those_of_the_samples",
    ),
    (
        "place_order_request_market",
        "placing",
        "bodies_are_those_of_the_samples",
    ),
    (
        "place_order_request_stop_trailing",
        "placing",
        "bodies_are_those_of_the_samples",
    ),
    ("trade_accounts_200", "samples", "account_details"),
    ("trade_accounts_state_200", "samples", "account_state"),
    ("trade_config_200", "samples", "positions"),
    (
        "trade_config_reordered_columns_200",
        "rows",
        "f28_reordered_and_unknown_columns_are_mapped_by_name",
    ),
    ("trade_daily_bar_200", "samples", "prices"),
    ("trade_depth_200", "samples", "prices"),
    ("trade_executions_200", "samples", "executions"),
    ("trade_history_200", "samples", "prices"),
    (
        "trade_history_no_data_200",
        "reading",
        "no_bars_are_no_error_and_a_wrong_span_is",
    ),
    (
        "trade_history_no_data_nb_200",
        "reading",
        "no_bars_are_no_error_and_a_wrong_span_is",
    ),
    ("trade_instrument_details_200", "samples", "instruments"),
    ("trade_instrument_details_fx_200", "samples", "instruments"),
    ("trade_instruments_200", "samples", "instruments"),
    ("trade_orders_200", "samples", "open_orders"),
    ("trade_orders_empty_200", "samples", "empty_lists"),
    ("trade_orders_history_200", "samples", "final_orders"),
    (
        "trade_orders_history_has_more_200",
        "reading",
        "a_history_that_never_ends_is_an_error",
    ),
    (
        "trade_orders_reordered_200",
        "rows",
        "f28_reordered_and_unknown_columns_are_mapped_by_name",
    ),
    ("trade_positions_200", "samples", "positions"),
    ("trade_positions_empty_200", "samples", "empty_lists"),
    (
        "trade_positions_reordered_200",
        "rows",
        "f28_reordered_and_unknown_columns_are_mapped_by_name",
    ),
    ("trade_quotes_200", "samples", "prices"),
    ("trade_session_statuses_200", "samples", "sessions"),
    ("trade_session_statuses_closed_200", "samples", "sessions"),
    ("trade_sessions_200", "samples", "sessions"),
    (
        "raw_http/auth_400_bad_credentials",
        "login",
        "bad_credentials_are_what_the_api_calls_so_and_nothing_else",
    ),
    (
        "raw_http/auth_401_bad_credentials",
        "login",
        "bad_credentials_are_what_the_api_calls_so_and_nothing_else",
    ),
    (
        "raw_http/auth_403_forbidden",
        "login",
        "bad_credentials_are_what_the_api_calls_so_and_nothing_else",
    ),
    (
        "raw_http/edge_200_html",
        "login",
        "bad_credentials_are_what_the_api_calls_so_and_nothing_else",
    ),
    (
        "raw_http/edge_503_html",
        "login",
        "bad_credentials_are_what_the_api_calls_so_and_nothing_else",
    ),
    (
        "raw_http/empty_200",
        "login",
        "bad_credentials_are_what_the_api_calls_so_and_nothing_else",
    ),
    (
        "raw_http/maintenance_302",
        "login",
        "bad_credentials_are_what_the_api_calls_so_and_nothing_else",
    ),
    (
        "raw_http/place_order_400",
        "placing",
        "a_400_of_the_api_is_a_rejection",
    ),
    (
        "raw_http/refresh_400_invalid_token",
        "login",
        "a_refused_refresh_token_is_refused_and_trouble_is_not",
    ),
    (
        "raw_http/trade_400_missing_acc_num",
        "samples",
        "refused_reads",
    ),
    (
        "raw_http/trade_401_expired_token",
        "placing",
        "f6_f7_f8_f10_refusals_in_the_apis_own_words_place_nothing",
    ),
    (
        "raw_http/trade_403_forbidden",
        "placing",
        "f6_f7_f8_f10_refusals_in_the_apis_own_words_place_nothing",
    ),
    (
        "raw_http/trade_404_unknown",
        "placing",
        "f6_f7_f8_f10_refusals_in_the_apis_own_words_place_nothing",
    ),
    (
        "raw_http/trade_429_plain",
        "placing",
        "f6_f7_f8_f10_refusals_in_the_apis_own_words_place_nothing",
    ),
    (
        "raw_http/trade_429_with_retry_after",
        "placing",
        "f6_f7_f8_f10_refusals_in_the_apis_own_words_place_nothing",
    ),
    ("raw_http/write_204_empty", "samples", "cancels"),
];

#[test]
fn every_sample_is_read_by_the_test_that_the_list_names() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut there = BTreeSet::new();
    for (folder, prefix) in [("data", ""), ("data/raw_http", "raw_http/")] {
        for entry in std::fs::read_dir(tests.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if let Some(stem) = name.strip_suffix(".json") {
                there.insert(format!("{prefix}{stem}"));
            }
        }
    }
    let listed: BTreeSet<_> = READ_BY
        .iter()
        .map(|(sample, ..)| (*sample).to_owned())
        .collect();
    assert_eq!(there, listed);
    for (sample, module, test) in READ_BY {
        let source = std::fs::read_to_string(tests.join(format!("it/{module}.rs"))).unwrap();
        assert!(
            source.contains(&format!("fn {test}(")),
            "{sample}: {module} has no test {test}"
        );
        let stem = sample.rsplit('/').next().unwrap();
        let rig = std::fs::read_to_string(tests.join("it/rig.rs")).unwrap();
        let named = format!("\"{stem}\"");
        assert!(
            source.matches(&named).count() > usize::from(*module == "samples" && stem == *sample)
                || rig.contains(&named),
            "{sample} is not read"
        );
    }
}

#[tokio::test]
async fn accounts() {
    let at = AtServer::new().await;
    let accounts = at.broker.accounts().await.unwrap();
    assert_eq!(accounts.len(), 2);
    assert_eq!(
        (accounts[0].id.as_str(), &accounts[0].status),
        ("1002003", &AccountStatus::Active)
    );
    assert_eq!(accounts[1].balance.unwrap().to_string(), "25000.50 USD");
    assert_eq!(
        accounts[0].name.as_deref(),
        Some("ACMEDM#usr00000000000000001#1#1")
    );
    assert!(accounts[1].raw.json().unwrap().contains("25000.50"));
}

#[tokio::test]
async fn a_user_without_accounts() {
    let at = AtServer::new().await;
    at.answer(
        "GET",
        "/auth/jwt/all-accounts",
        "auth_jwt_all_accounts_empty_200",
    )
    .await;
    assert_eq!(
        at.broker
            .accounts()
            .await
            .unwrap()
            .only()
            .unwrap_err()
            .code(),
        3002
    );
    assert_eq!(
        at.broker
            .all_positions(&at.account)
            .await
            .unwrap_err()
            .code(),
        3002
    );
}

#[tokio::test]
async fn account_details() {
    let at = AtServer::new().await;
    at.answer("GET", "/trade/accounts", "trade_accounts_200")
        .await;
    let details = at.broker.account_details(&at.account).await.unwrap();
    assert_eq!(
        details.trading_rules.support_partial_close_position,
        Some(true)
    );
    assert_eq!(details.trading_rules.support_self_trading, Some(false));
    assert_eq!(
        (details.max_pending_orders, details.max_positions),
        (Some(60), Some(100))
    );
}

#[tokio::test]
async fn account_state() {
    let at = AtServer::new().await;
    at.answer(
        "GET",
        "/trade/accounts/1002003/state",
        "trade_accounts_state_200",
    )
    .await;
    let summary = at.broker.account_summary(&at.account).await.unwrap();
    assert_eq!(summary.currency.unwrap().code(), "USD");
    assert_eq!(
        (summary.cash, summary.equity),
        (Some(dec!(100000)), Some(dec!(99957.5)))
    );
    assert_eq!(
        (summary.buying_power, summary.margin_used),
        (Some(dec!(98150.25)), Some(dec!(1807.25)))
    );
    assert_eq!(
        (summary.open_pnl, summary.total_return_today),
        (Some(dec!(-43.1)), Some(dec!(8.2)))
    );
    assert_eq!(
        (summary.position_count, summary.order_count),
        (Some(2), Some(3))
    );
    assert_eq!(
        (summary.day_trades_remaining, summary.portfolio_value),
        (None, None)
    );
}

#[tokio::test]
async fn positions() {
    let at = AtServer::new().await;
    let positions = at.broker.all_positions(&at.account).await.unwrap();
    let [btc, eur] = positions.as_slice() else {
        panic!("{positions:?}")
    };
    assert_eq!(
        (btc.id.as_str(), btc.side, btc.size),
        ("7100000000846858725", Side::Buy, lots!(0.02))
    );
    assert_eq!(btc.average_price, Some(Price::new(dec!(90300.33))));
    assert_eq!(btc.unrealized_pnl.unwrap().to_string(), "-45.81 USD");
    assert_eq!(
        btc.stop_loss_order.as_ref().unwrap().as_str(),
        "7100000000907674001"
    );
    assert_eq!(
        btc.take_profit_order.as_ref().unwrap().as_str(),
        "7100000000907674002"
    );
    assert_eq!(btc.opened_at, Some(datetime!(2030-01-01 00:00:25.5 UTC)));
    assert_eq!(
        btc.client_order_id.as_ref().unwrap().as_str(),
        "sdk-01HZX0000000000000000002"
    );
    assert_eq!(
        (eur.side, eur.size, &eur.client_order_id),
        (Side::Sell, lots!(1.50), &None)
    );
    assert!(btc.raw.json().unwrap().contains("7100000000846858725"));
}

#[tokio::test]
async fn empty_lists() {
    let at = AtServer::new().await;
    at.answer(
        "GET",
        "/trade/accounts/1002003/positions",
        "trade_positions_empty_200",
    )
    .await;
    at.answer(
        "GET",
        "/trade/accounts/1002003/orders",
        "trade_orders_empty_200",
    )
    .await;
    assert!(
        at.broker
            .all_positions(&at.account)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        at.broker
            .all_orders(&at.account, OrderQuery::open())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn open_orders() {
    let at = AtServer::new().await;
    let mut orders = at
        .broker
        .all_orders(&at.account, OrderQuery::open())
        .await
        .unwrap();
    orders.sort_by(|a, b| a.id.cmp(&b.id));
    let [limit, stop, loss, profit] = orders.as_slice() else {
        panic!("{orders:?}")
    };
    assert_eq!(
        (&limit.order_type, limit.limit_price),
        (&OrderType::Limit, Some(Price::new(dec!(85000))))
    );
    assert_eq!(
        (&limit.state, &limit.time_in_force),
        (&OrderState::Working, &TimeInForce::Gtc)
    );
    assert_eq!(
        (limit.filled, limit.average_price),
        (Quantity::default(), None)
    );
    assert_eq!(
        limit.updated_at, limit.created_at,
        "rounded down, it would lie before"
    );
    assert_eq!(stop.stop_price, Some(Price::new(dec!(95000))));
    assert_eq!(stop.stop_loss, Some(StopLoss::at(dec!(94000))));
    assert_eq!(stop.take_profit, Some(TakeProfit::at(dec!(97000))));
    assert_eq!(
        (stop.effect, loss.effect),
        (Some(PositionEffect::Open), Some(PositionEffect::Close))
    );
    assert_eq!(loss.position, profit.position);
    assert_eq!(profit.limit_price, Some(Price::new(dec!(99000))));
}

#[tokio::test]
async fn final_orders() {
    let at = AtServer::new().await;
    let orders = at
        .broker
        .all_orders(&at.account, OrderQuery::closed())
        .await
        .unwrap();
    let [filled, closing, cancelled, rejected] = orders.as_slice() else {
        panic!("{orders:?}")
    };
    assert_eq!(
        (&filled.state, &filled.time_in_force),
        (&OrderState::Filled, &TimeInForce::Ioc)
    );
    assert_eq!(
        (filled.filled, filled.average_price),
        (Quantity::new(dec!(0.02)), Some(Price::new(dec!(90300.33))))
    );
    assert_eq!((filled.limit_price, filled.stop_price), (None, None));
    assert_eq!(closing.effect, Some(PositionEffect::Close));
    assert_eq!(
        (&cancelled.state, cancelled.average_price),
        (&OrderState::Canceled, None)
    );
    assert_eq!(cancelled.client_order_id, None);
    assert_eq!(
        (&rejected.state, rejected.size),
        (&OrderState::Rejected, lots!(500))
    );
}

#[tokio::test]
async fn executions() {
    let at = AtServer::new().await;
    at.answer(
        "GET",
        "/trade/accounts/1002003/executions",
        "trade_executions_200",
    )
    .await;
    let executions = at
        .broker
        .executions(&at.account, ExecutionQuery::all())
        .await
        .unwrap()
        .items;
    let [one] = executions.as_slice() else {
        panic!("{executions:?}")
    };
    assert_eq!(
        (one.order.as_str(), one.quantity.value()),
        ("7100000000907785465", dec!(0.02))
    );
    assert_eq!(
        (one.price.value(), one.instrument.as_ref().unwrap().as_str()),
        (dec!(90300.33), "206")
    );
    assert_eq!(one.fee, None);
}

#[tokio::test]
async fn instruments() {
    let at = AtServer::new().await;
    let all = at
        .broker
        .instruments(&at.account, Default::default())
        .await
        .unwrap()
        .items;
    let eurusd = all
        .iter()
        .find(|instrument| instrument.symbol.as_str() == "EURUSD")
        .unwrap();
    assert_eq!(
        (eurusd.id.as_str(), &eurusd.kind),
        ("278", &InstrumentKind::Forex)
    );
    let btc = at.instrument("BTCUSD").await;
    assert_eq!(
        (btc.rules.min_quantity, btc.rules.max_quantity),
        (Some(Quantity::new(dec!(0.01))), None)
    );
    assert_eq!(
        (btc.rules.lot_size, btc.rules.tick_at(dec!(1))),
        (Some(dec!(1)), Some(dec!(0.01)))
    );
    assert_eq!(
        (btc.currency.unwrap().code(), btc.status),
        ("USD", Some(InstrumentStatus::Open))
    );
    let eurusd = at.instrument("EURUSD").await;
    assert_eq!(eurusd.rules.tick_at(dec!(1.1)), Some(dec!(0.00001)));
    assert_eq!(eurusd.rules.max_quantity, Some(Quantity::new(dec!(100))));
    let asked = &at.requests("GET", "/trade/instruments/206").await[0];
    assert_eq!(asked.url.query(), Some("routeId=452&locale=en"));
}

#[tokio::test]
async fn prices() {
    let at = AtServer::new().await;
    at.answer("GET", "/trade/quotes", "trade_quotes_200").await;
    at.answer("GET", "/trade/depth", "trade_depth_200").await;
    at.answer("GET", "/trade/dailyBar", "trade_daily_bar_200")
        .await;
    at.answer("GET", "/trade/history", "trade_history_200")
        .await;
    let btc = at.instrument("BTCUSD").await;
    let quote = at
        .broker
        .quotes(&at.account, std::slice::from_ref(&btc.id))
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (quote.bid.unwrap().value(), quote.ask.unwrap().value()),
        (dec!(90300.5), dec!(90301.7))
    );
    assert_eq!(
        (quote.time, quote.bid_size.unwrap().value()),
        (None, dec!(1))
    );
    let depth = at
        .broker
        .market_depth()
        .unwrap()
        .depth(&at.account, &btc.id)
        .await
        .unwrap();
    assert_eq!(
        (depth.asks[1].price.value(), depth.bids[1].size.value()),
        (dec!(90302.1), dec!(3))
    );
    let history = at.broker.market_history().unwrap();
    let day = history
        .daily_bar(&at.account, &btc.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (day.time, day.high.value()),
        (datetime!(2030-01-01 00:00 UTC), dec!(91011.74))
    );
    let from = datetime!(2030-01-01 00:00 UTC);
    let query = BarQuery::new(
        &btc,
        BarInterval::Minute15,
        from,
        from + time::Duration::HOUR,
    );
    let bars = history.bars(&at.account, &query).await.unwrap();
    assert_eq!(
        (bars.len(), bars[1].time),
        (3, datetime!(2030-01-01 00:15 UTC))
    );
    assert_eq!(
        (bars[1].close.value(), bars[1].volume),
        (dec!(90200), Some(dec!(4471)))
    );
    let asked = &at.requests("GET", "/trade/dailyBar").await[0];
    assert_eq!(
        asked.url.query(),
        Some("routeId=452&tradableInstrumentId=206&barType=BID")
    );
}

#[tokio::test]
async fn sessions() {
    let at = AtServer::new().await;
    at.answer("GET", "/trade/sessions/1547", "trade_sessions_200")
        .await;
    at.answer(
        "GET",
        "/trade/sessionStatuses/20",
        "trade_session_statuses_200",
    )
    .await;
    let btc = at.instrument("BTCUSD").await;
    let role = at.broker.trading_sessions().unwrap();
    let hours = role.trading_hours(&at.account, &btc.id).await.unwrap();
    assert_eq!(
        (hours.blocked, hours.holidays[0].date.as_str()),
        (Some(false), "2030-12-25")
    );
    let status = role.session_status(&at.account, &btc.id).await.unwrap();
    assert!(status.can_place && status.can_modify && status.can_cancel);
    assert_eq!(status.order_types.len(), 5);
    let at = AtServer::new().await;
    at.answer(
        "GET",
        "/trade/sessionStatuses/20",
        "trade_session_statuses_closed_200",
    )
    .await;
    let role = at.broker.trading_sessions().unwrap();
    let status = role.session_status(&at.account, &btc.id).await.unwrap();
    assert!(!status.can_place && status.can_cancel && status.order_types.is_empty());
}

#[tokio::test]
async fn closed_trades() {
    let at = AtServer::new().await;
    at.answer(
        "GET",
        "/trade/reports/close-trades-history",
        "close_trades_history_200",
    )
    .await;
    let role = at.broker.closed_trades().unwrap();
    let page = role
        .list(&at.account, ClosedTradeQuery::all())
        .await
        .unwrap();
    let trade = &page.items[0];
    assert_eq!(
        (trade.position.as_str(), trade.side),
        ("7100000000846856994", Side::Buy)
    );
    assert_eq!(
        (trade.profit, trade.commission, trade.swap),
        (Some(dec!(-458.10)), Some(dec!(-12.20)), Some(dec!(0)))
    );
    assert_eq!(trade.closed_at, Some(datetime!(2030-01-01 00:00:06 UTC)));
}

#[tokio::test]
async fn cancels() {
    let at = AtServer::new().await;
    let (open, last) = (
        BrokerOrderId::new("7100000000907673698").unwrap(),
        BrokerOrderId::new("7100000000907785465").unwrap(),
    );
    at.answer(
        "DELETE",
        "/trade/orders/7100000000907673698",
        "cancel_order_200",
    )
    .await;
    at.broker.cancel_order(&at.account, &open).await.unwrap();
    // The broker says "not found" of an order that is final, and of any other.
    at.answer("DELETE", "/trade/orders/.*", "cancel_order_error_final_200")
        .await;
    at.broker.cancel_order(&at.account, &last).await.unwrap();
    let stranger = BrokerOrderId::new("5").unwrap();
    assert_eq!(
        at.broker
            .cancel_order(&at.account, &stranger)
            .await
            .unwrap_err()
            .code(),
        3002
    );
    at.answer(
        "DELETE",
        "/trade/accounts/1002003/orders",
        "cancel_all_orders_200",
    )
    .await;
    at.broker
        .bulk_orders()
        .unwrap()
        .cancel_all_orders(&at.account, None)
        .await
        .unwrap();
    let at = AtServer::new().await;
    at.raw(
        "DELETE",
        "/trade/orders/7100000000907673698",
        "write_204_empty",
    )
    .await;
    at.broker.cancel_order(&at.account, &open).await.unwrap();
    assert_eq!(
        at.requests("DELETE", "/trade/orders/7100000000907673698")
            .await[0]
            .headers["accnum"],
        "1"
    );
}

#[tokio::test]
async fn modifications() {
    for name in ["modify_order_200", "modify_order_minimal_200"] {
        let at = AtServer::new().await;
        let route = "/trade/orders/7100000000907673698";
        at.answer("PATCH", route, name).await;
        let id = BrokerOrderId::new("7100000000907673698").unwrap();
        let change = OrderChange::new()
            .limit_price(dec!(84000.5))
            .size(lots!(0.02))
            .stop_loss(StopLoss::at(dec!(83000)));
        assert_eq!(
            at.broker
                .replace_order(&at.account, &id, &change)
                .await
                .unwrap(),
            id
        );
        let sent: serde_json::Value =
            serde_json::from_slice(&at.requests("PATCH", route).await[0].body).unwrap();
        let expected = serde_json::json!({
            "price": 84000.5, "qty": 0.02, "stopLoss": 83000, "stopLossType": "absolute"
        });
        assert_eq!(sent, expected);
        for (change, code) in [
            (OrderChange::new(), 5001),
            (OrderChange::new().stop_price(dec!(1)), 5001),
            (OrderChange::new().size(lots!(0.015)), 5001),
            (
                OrderChange::new().stop_loss(StopLoss::at(dec!(86000))),
                5001,
            ),
        ] {
            let error = at
                .broker
                .replace_order(&at.account, &id, &change)
                .await
                .unwrap_err();
            assert_eq!(error.code(), code, "{error}");
        }
        assert_eq!(at.requests("PATCH", route).await.len(), 1);
    }
}

#[tokio::test]
async fn refused_reads() {
    let at = AtServer::new().await;
    at.raw(
        "GET",
        "/trade/accounts/1002003/positions",
        "trade_400_missing_acc_num",
    )
    .await;
    let error = at.broker.all_positions(&at.account).await.unwrap_err();
    assert_eq!(
        (error.code(), error.broker_message()),
        (3001, Some("accNum header is required"))
    );
    assert_eq!(error.operation(), Some("positions"));
}
