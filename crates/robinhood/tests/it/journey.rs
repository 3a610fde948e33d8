//! The whole journey, against the simulator.

use wheelhouse_core::{
    BarInterval, BarQuery, Broker, BrokerExt, Clock, Decimal, InstrumentKind, InstrumentQuery,
    OptionLeg, OptionOrderRequest, OptionQuery, OptionRight, OrderKind, OrderQuery, OrderRequest,
    OrderState, PositionEffect, Price, Quantity, Side, Submission, Symbol, dec, shares,
};
use wheelhouse_sim::robinhood::{Route, UserSpec};

use crate::rig::{AtSim, granted};

fn accepted(submission: Submission) -> wheelhouse_core::AcceptedOrder {
    match submission {
        Submission::Accepted(order) => order,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn every_account_is_there_also_the_one_for_retirement() {
    let at = AtSim::new().await;
    let accounts = at.broker.accounts().await.unwrap();
    let mut numbers: Vec<_> = accounts.iter().map(|account| account.id.as_str()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, ["100200301", "100200302", "100200303"]);
    assert_eq!(accounts.only().unwrap_err().code(), 5002);
    let roth = accounts.by_id("100200302").unwrap();
    assert_eq!(roth.name.as_deref(), Some("Roth IRA"));
}

#[tokio::test]
async fn a_summary_has_every_figure_of_the_specification() {
    let at = AtSim::new().await;
    let summary = at.broker.account_summary(&at.account).await.unwrap();
    assert_eq!(summary.account, at.account);
    assert_eq!(summary.cash, Some(dec!(19250.55)));
    for (name, figure) in [
        ("buying_power", summary.buying_power),
        ("portfolio_value", summary.portfolio_value),
        ("total_return_today", summary.total_return_today),
        ("total_return_total", summary.total_return_total),
        ("equity", summary.equity),
    ] {
        assert!(figure.is_some(), "{name}");
    }
    assert_eq!(summary.pattern_day_trader, Some(false));
    assert!(summary.day_trades_remaining.is_some_and(|left| left <= 3));
    assert_eq!(summary.position_count, Some(6));
    assert_eq!(summary.order_count, Some(0));
}

#[tokio::test]
async fn positions_in_shares_and_options_are_read() {
    let at = AtSim::new().await;
    let held = at.broker.all_positions(&at.account).await.unwrap();
    let cost: Vec<_> = held
        .iter()
        .map(|it| {
            (
                it.symbol.as_ref().unwrap().as_str(),
                it.size.amount(),
                it.average_price.unwrap().value(),
            )
        })
        .collect();
    assert!(cost.contains(&("KO", dec!(100), dec!(61.25))), "{cost:?}");
    assert!(cost.contains(&("T", dec!(40.125), dec!(22.1))), "{cost:?}");

    let options = at.broker.options().unwrap();
    let held = options.option_positions(&at.account).await.unwrap();
    let put = held
        .iter()
        .find(|it| it.contract.underlying.as_str() == "F")
        .unwrap();
    assert_eq!((put.side, put.contracts.value()), (Side::Sell, dec!(1)));
    assert_eq!(put.contract.right, OptionRight::Put);
    assert_eq!(put.average_price.map(Price::value), Some(dec!(0.28)));
    assert_eq!(put.contract.multiplier, dec!(100));

    let strategies = at.broker.option_strategies(&at.account).await.unwrap();
    assert_eq!(strategies.len(), 3);
    let call = strategies
        .iter()
        .find(|it| it.underlying.as_str() == "KO")
        .unwrap();
    assert_eq!(call.strategy, "short_call");
    assert_eq!(call.legs[0].contract.strike.value(), dec!(75));

    let roth = wheelhouse_core::AccountId::new("100200302").unwrap();
    assert!(at.broker.all_positions(&roth).await.unwrap().is_empty());
    assert!(options.option_positions(&roth).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_resting_order_is_placed_found_and_cancelled() {
    let at = AtSim::new().await;
    let f = at.instrument("F").await;
    let request = OrderRequest::limit(&at.account, &f, Side::Buy, shares!(2), dec!(5));
    let placed = accepted(at.broker.place_order(&request).await.unwrap());
    assert_eq!(placed.client_order_id.as_str().len(), 36);
    let found = at
        .broker
        .order_by_client_id(&at.account, &placed.client_order_id)
        .await
        .unwrap();
    let found = found.expect("it rests");
    assert_eq!(found.id, placed.id);
    assert_eq!(found.limit_price, Some(Price::new(dec!(5))));
    assert_eq!(
        at.broker
            .all_orders(&at.account, OrderQuery::open())
            .await
            .unwrap()
            .len(),
        1
    );
    at.broker
        .cancel_order(&at.account, &placed.id)
        .await
        .unwrap();
    let order = at.broker.order(&at.account, &placed.id).await.unwrap();
    assert_eq!(order.state, OrderState::Canceled);
    assert_eq!(at.server().ledger().placements().len(), 1);
}

#[tokio::test]
async fn fractions_and_amounts_are_bought_at_market() {
    let at = AtSim::rich().await;
    at.wait_for_regular_hours();
    let f = at.instrument("F").await;
    let half = OrderRequest::market(&at.account, &f, Side::Buy, shares!(0.5));
    accepted(at.broker.place_order(&half).await.unwrap());
    let money = wheelhouse_core::Money::new(dec!(25), wheelhouse_core::Currency::USD);
    let size = wheelhouse_core::OrderSize::Notional(money);
    let for_25 = OrderRequest::market(&at.account, &f, Side::Buy, size);
    accepted(at.broker.place_order(&for_25).await.unwrap());
    let placed = at.server().ledger().placements();
    assert_eq!(placed[0].quantity, dec!(0.5));
    at.broker
        .all_orders(&at.account, OrderQuery::all())
        .await
        .unwrap();
    at.broker
        .all_orders(&at.account, OrderQuery::all())
        .await
        .unwrap();
    let held = at.broker.all_positions(&at.account).await.unwrap();
    let fills: Decimal = at
        .server()
        .ledger()
        .fills()
        .iter()
        .map(|fill| fill.quantity)
        .sum();
    assert_eq!(held.len(), 1);
    assert!(fills > dec!(0.5), "{fills}");
    assert_eq!(held[0].size.amount(), fills);
    let tenth = OrderRequest::market(&at.account, &f, Side::Buy, shares!(0.01));
    assert_eq!(
        at.broker.place_order(&tenth).await.unwrap_err().code(),
        5001
    );
}

#[tokio::test]
async fn stops_and_trailing_stops_are_placed() {
    let at = AtSim::new().await;
    let ko = at.instrument("KO").await;
    let last = at
        .broker
        .quote(&at.account, &ko)
        .await
        .unwrap()
        .bid
        .unwrap()
        .value();
    let below = (last * dec!(0.8)).round_dp(2);
    let t = at.instrument("T").await;
    for kind in [
        OrderKind::Stop {
            stop: Price::new(dec!(10)),
        },
        OrderKind::StopLimit {
            stop: Price::new(dec!(10)),
            price: Price::new(dec!(9.5)),
        },
        OrderKind::TrailingStop {
            trail: wheelhouse_core::Offset::Percent(dec!(20)),
        },
    ] {
        let request = OrderRequest::new(&at.account, &t, Side::Sell, shares!(5), kind);
        let placed = accepted(at.broker.place_order(&request).await.unwrap());
        let order = at.broker.order(&at.account, &placed.id).await.unwrap();
        assert_eq!(order.order_type, kind.order_type());
        assert!(!order.state.is_final(), "{}", order.state);
    }
    assert!(below > Decimal::ZERO);
}

#[tokio::test]
async fn market_data_is_read() {
    let at = AtSim::new().await;
    let f = at.instrument("F").await;
    assert_eq!(f.kind, InstrumentKind::Equity);
    let found = at
        .broker
        .instruments(&at.account, InstrumentQuery::all().text("F".to_owned()))
        .await
        .unwrap();
    assert!(found.items.iter().any(|it| it.id == f.id));
    let now = at.clock.now();
    let history = at.broker.market_history().unwrap();
    let query = BarQuery::new(&f, BarInterval::Day1, now - time::Duration::days(6), now);
    let bars = history.bars(&at.account, &query).await.unwrap();
    assert!(bars.is_sorted_by_key(|bar| bar.time) && !bars.is_empty());
    let fundamentals = at.broker.fundamentals(&f.id).await.unwrap();
    assert_eq!(fundamentals.instrument, f.id);
    let sessions = at.broker.trading_sessions().unwrap();
    assert!(
        sessions
            .session_status(&at.account, &f.id)
            .await
            .unwrap()
            .can_place
    );
    let (_, user) = at.broker.user().await.unwrap();
    assert!(!user.is_empty());
    let nothing = Symbol::new("NOSUCH").unwrap();
    assert_eq!(
        at.broker
            .instrument(&at.account, &nothing)
            .await
            .unwrap_err()
            .code(),
        3002
    );
}

#[tokio::test]
async fn option_chains_contracts_and_greeks_are_read() {
    let at = AtSim::new().await;
    let options = at.broker.options().unwrap();
    let f = Symbol::new("F").unwrap();
    let chains = options.option_chains(&at.account, &f).await.unwrap();
    assert_eq!((chains.len(), chains[0].multiplier), (1, Some(dec!(100))));
    let mut query = OptionQuery::new(f);
    query.expiration = Some(chains[0].expirations[2]);
    query.right = Some(OptionRight::Put);
    query.strike = Some(Price::new(dec!(10)));
    let page = options.option_contracts(&at.account, query).await.unwrap();
    assert_eq!(page.items.len(), 1, "{page:?}");
    let put = &page.items[0];
    let quotes = options
        .option_quotes(&at.account, std::slice::from_ref(&put.id))
        .await
        .unwrap();
    assert!(quotes[0].mark.is_some() && quotes[0].delta.is_some());
    let collateral = at
        .broker
        .option_collateral(&at.account, &chains[0].id)
        .await
        .unwrap();
    assert_eq!(collateral.cash.amount, dec!(1000));
    let power = at.broker.options_buying_power(&at.account).await.unwrap();
    assert!(power.amount > Decimal::ZERO);
}

#[tokio::test]
async fn options_are_sold_bought_back_and_spread() {
    let at = AtSim::new().await;
    let options = at.broker.options().unwrap();
    let f = Symbol::new("F").unwrap();
    let chains = options.option_chains(&at.account, &f).await.unwrap();
    let mut query = OptionQuery::new(f);
    query.expiration = Some(chains[0].expirations[2]);
    query.right = Some(OptionRight::Put);
    let puts = options
        .option_contracts(&at.account, query)
        .await
        .unwrap()
        .items;
    let leg = |at: usize, side| OptionLeg {
        contract: puts[at].id.clone(),
        side,
        effect: PositionEffect::Open,
        ratio: 1,
    };
    let one = Quantity::new(dec!(1));
    let limit = |price| OrderKind::Limit {
        price: Price::new(price),
    };
    let legs = vec![leg(0, Side::Sell)];
    let sell = OptionOrderRequest::new(&at.account, legs, one, limit(dec!(2.50)), Side::Sell);
    let placed = accepted(options.place_option_order(&sell).await.unwrap());
    let orders = options
        .option_orders(&at.account, OrderQuery::open())
        .await
        .unwrap();
    let order = orders
        .items
        .iter()
        .find(|it| it.order.id == placed.id)
        .unwrap();
    assert_eq!(order.legs, sell.legs);
    assert_eq!(
        order.order.client_order_id.as_ref(),
        Some(&placed.client_order_id)
    );
    options
        .cancel_option_order(&at.account, &placed.id)
        .await
        .unwrap();
    options
        .cancel_option_order(&at.account, &placed.id)
        .await
        .unwrap();

    let legs = vec![leg(1, Side::Sell), leg(0, Side::Buy)];
    let spread = OptionOrderRequest::new(&at.account, legs, one, limit(dec!(3.01)), Side::Sell);
    accepted(options.place_option_order(&spread).await.unwrap());

    let sent = at.server().ledger().count(Route::PlaceOptionOrder);
    let legs = vec![leg(0, Side::Sell)];
    let off_grid = OptionOrderRequest::new(&at.account, legs, one, limit(dec!(3.01)), Side::Sell);
    let error = options.place_option_order(&off_grid).await.unwrap_err();
    assert!(error.message().contains("3 and 3.05"), "{error}");
    assert_eq!(at.server().ledger().count(Route::PlaceOptionOrder), sent);
}

#[tokio::test]
async fn crypto_of_the_private_api_is_read_and_traded_if_asked_for() {
    let off = AtSim::new().await;
    assert!(
        off.broker
            .all_positions(&off.account)
            .await
            .unwrap()
            .iter()
            .all(|it| !it.instrument.as_str().starts_with("crypto:"))
    );

    let at = AtSim::built(granted(), UserSpec::demo(), |mut config| {
        config.private_crypto = true;
        config
    })
    .await;
    let btc = at.instrument("BTC-USD").await;
    assert_eq!(btc.kind, InstrumentKind::Crypto);
    let held = at.broker.all_positions(&at.account).await.unwrap();
    assert!(held.iter().any(|it| it.instrument == btc.id), "{held:?}");
    let size = wheelhouse_core::OrderSize::Units(Quantity::new(dec!(0.0001)));
    let request = OrderRequest::limit(&at.account, &btc, Side::Buy, size, dec!(1000));
    let placed = accepted(at.broker.place_order(&request).await.unwrap());
    assert!(placed.id.as_str().starts_with("crypto:"));
    let order = at.broker.order(&at.account, &placed.id).await.unwrap();
    assert_eq!(order.limit_price, Some(Price::new(dec!(1000))));
    let all = at
        .broker
        .all_orders(&at.account, OrderQuery::open())
        .await
        .unwrap();
    assert!(all.iter().any(|it| it.id == placed.id));
    let again = request.client_order_id(placed.client_order_id.clone());
    let again = accepted(at.broker.place_order(&again).await.unwrap());
    assert_eq!(again.id, placed.id);
    at.broker
        .cancel_order(&at.account, &placed.id)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_reader_with_the_second_token_reads_and_changes_nothing() {
    let at = AtSim::new().await;
    let reader = wheelhouse_robinhood::Robinhood::builder()
        .config(at.broker.config().clone())
        .http(at.http.clone())
        .read_only(at.session.clone())
        .build()
        .unwrap();
    assert_eq!(reader.accounts().await.unwrap().len(), 3);
    let f = reader.find_instrument(&at.account, "F").await.unwrap();
    let request = OrderRequest::market(&at.account, &f, Side::Buy, shares!(1));
    assert_eq!(reader.place_order(&request).await.unwrap_err().code(), 1010);
    assert!(reader.capabilities().orders.is_empty());
    assert!(at.server().ledger().placements().is_empty());
}
