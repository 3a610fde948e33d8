use std::time::Duration;

use wheelhouse_core::{
    AccountStatus, Broker, BrokerExt, Currency, Decimal, ExecutionQuery, InstrumentId,
    InstrumentQuery, InstrumentStatus, Money, OrderKind, OrderQuery, OrderRequest, OrderSize,
    OrderState, PositionQuery, Price, Quantity, Side, TimeInForce, dec,
};
use wheelhouse_robinhood::CryptoApiVersion;
use wheelhouse_sim::robinhood_crypto::{Numbers, Route};
use wheelhouse_testkit::ManualClock;

use crate::rig::{AtSim, START, accepted, btc, builder, http, id, units, user};

#[tokio::test]
async fn a_user_reads_buys_and_sells_in_both_versions() {
    for version in [CryptoApiVersion::V1, CryptoApiVersion::V2] {
        for numbers in [Numbers::Number, Numbers::Text] {
            let at = AtSim::with(user(), |settings| settings.numbers = numbers).await;
            journey(&at, &at.another(version), version).await;
            assert!(at.api().ledger().rejections().is_empty());
        }
    }
}

async fn journey(
    at: &AtSim,
    broker: &wheelhouse_robinhood::RobinhoodCrypto,
    version: CryptoApiVersion,
) {
    let account = broker.accounts().await.unwrap().only().unwrap();
    assert_eq!(account.status, AccountStatus::Active);
    assert_eq!(account.currency, Some(Currency::USD));
    let summary = broker.account_summary(&account.id).await.unwrap();
    assert_eq!(summary.equity, Some(dec!(100_000)));
    assert_eq!(
        (summary.position_count, summary.order_count),
        (Some(0), Some(0))
    );

    let pairs = broker
        .instruments(&account.id, InstrumentQuery::all())
        .await
        .unwrap();
    assert_eq!(pairs.items.len(), 4);
    let found = broker
        .instruments(&account.id, InstrumentQuery::all().text("btc".into()))
        .await;
    assert_eq!(found.unwrap().items.len(), 1);
    let btc = broker
        .find_instrument(&account.id, "BTC-USD")
        .await
        .unwrap();
    let quote = broker.quote(&account.id, &btc).await.unwrap();
    assert!(quote.bid < quote.ask && quote.last.is_none());

    let limit = OrderRequest::limit(&account, &btc, Side::Buy, units(dec!(0.01)), dec!(50000));
    let limit = accepted(broker.place_order(&limit).await.unwrap());
    assert_eq!(limit.state, OrderState::Working);
    let market = OrderRequest::market(&account, &btc, Side::Buy, units(dec!(0.1)));
    let market = accepted(broker.place_order(&market).await.unwrap());

    let filled = broker.order(&account.id, &market.id).await.unwrap();
    assert_eq!(filled.state, OrderState::Filled);
    assert_eq!(filled.filled.value(), dec!(0.1));
    let held = broker
        .positions(&account.id, PositionQuery::all())
        .await
        .unwrap()
        .items;
    assert_eq!((held.len(), held[0].size), (1, units(dec!(0.1))));
    assert_eq!(held[0].instrument, btc.id);
    let fills = broker
        .executions(&account.id, ExecutionQuery::all())
        .await
        .unwrap()
        .items;
    assert_eq!(fills.len(), 1);
    assert_eq!(fills[0].order, market.id);
    assert_eq!(fills[0].fee.is_some(), version == CryptoApiVersion::V2);

    // Cash is held for the open order, and the broker does not say how much.
    let summary = broker.account_summary(&account.id).await.unwrap();
    assert_eq!((summary.cash, summary.equity), (None, None));
    assert!(summary.portfolio_value > Some(dec!(6_000)));
    broker.cancel_order(&account.id, &limit.id).await.unwrap();
    assert_eq!(
        broker.order(&account.id, &limit.id).await.unwrap().state,
        OrderState::Canceled
    );
    let summary = broker.account_summary(&account.id).await.unwrap();
    assert_eq!(summary.cash, summary.buying_power);
    assert!(summary.equity > Some(dec!(99_000)), "{summary:?}");

    let sell = OrderRequest::market(&account, &btc, Side::Sell, units(dec!(0.1)));
    accepted(broker.place_order(&sell).await.unwrap());
    let held = broker
        .positions(&account.id, PositionQuery::all())
        .await
        .unwrap();
    assert!(held.items.is_empty());
    assert!(at.count(Route::PlaceOrder) >= 3);
}

#[tokio::test]
async fn every_kind_of_order_comes_back_as_it_was_placed() {
    let at = AtSim::with(user().coins("BTC", dec!(1)), |_| {}).await;
    let (usd, weekly) = (Currency::USD, TimeInForce::Unknown("gfw".to_owned()));
    let notional = |amount| OrderSize::Notional(Money::new(amount, usd));
    let (price, stop) = (Price::new(dec!(59900.00)), Price::new(dec!(60000.00)));
    for (side, size, kind, time_in_force) in [
        (
            Side::Buy,
            units(dec!(0.0001)),
            OrderKind::Limit { price },
            None,
        ),
        (
            Side::Buy,
            notional(dec!(50.00)),
            OrderKind::Limit { price },
            Some(TimeInForce::Day),
        ),
        (
            Side::Sell,
            units(dec!(0.01)),
            OrderKind::Stop { stop },
            Some(weekly),
        ),
        (
            Side::Sell,
            notional(dec!(20)),
            OrderKind::Stop { stop },
            None,
        ),
        (
            Side::Sell,
            units(dec!(0.01)),
            OrderKind::StopLimit { stop, price },
            Some(TimeInForce::Gtc),
        ),
    ] {
        let mut request = OrderRequest::new(&at.account, btc(), side, size, kind);
        request.time_in_force = time_in_force.clone();
        let placed = accepted(at.broker.place_order(&request).await.unwrap());
        let order = at.broker.order(&at.account, &placed.id).await.unwrap();
        assert_eq!(
            (order.side, order.size, &order.order_type),
            (side, size, &kind.order_type())
        );
        assert_eq!(order.limit_price, kind.limit_price());
        assert_eq!(order.stop_price, kind.stop_price());
        assert_eq!(
            order.time_in_force,
            time_in_force.unwrap_or(TimeInForce::Gtc)
        );
        assert_eq!(order.client_order_id, Some(placed.client_order_id));
        assert_eq!(
            (order.filled.value(), order.average_price),
            (Decimal::ZERO, None)
        );
    }
}

#[tokio::test]
async fn orders_that_are_partly_filled_are_open_and_never_missed() {
    let at = AtSim::with(user(), |settings| settings.fill_step = Some(dec!(0.001))).await;
    let placed = accepted(at.broker.place_order(&at.market(dec!(0.1))).await.unwrap());
    for _ in 0..2 {
        let open = at
            .broker
            .all_orders(&at.account, OrderQuery::open())
            .await
            .unwrap();
        assert_eq!(open.len(), 1);
        assert_eq!(
            (&open[0].id, &open[0].state),
            (&placed.id, &OrderState::PartiallyFilled)
        );
        assert!(open[0].filled.value() > Decimal::ZERO && open[0].average_price.is_some());
    }
    let refused = at.count(Route::Orders);
    assert_eq!(refused, 7, "version 2 is asked in vain only once");
}

#[tokio::test]
async fn an_order_for_an_amount_is_filled_in_money() {
    let at = AtSim::new().await;
    let size = OrderSize::Notional(Money::new(dec!(500), Currency::USD));
    let request = OrderRequest::limit(&at.account, btc(), Side::Buy, size, dec!(70000));
    let placed = accepted(at.broker.place_order(&request).await.unwrap());
    let order = at.broker.order(&at.account, &placed.id).await.unwrap();
    assert_eq!((order.state, order.size), (OrderState::Filled, size));
    let paid = order.filled.value();
    assert!(paid > dec!(480) && paid <= dec!(500), "{paid}");
}

#[tokio::test]
async fn fees_estimates_and_spreads_are_told() {
    let at = AtSim::with(user().volume(dec!(60_000)), |_| {}).await;
    let tier = at.broker.fee_tier(&at.account).await.unwrap().unwrap();
    assert_eq!(
        (tier.fee_ratio, tier.thirty_day_volume),
        (dec!(0.0025), Some(dec!(60_000)))
    );
    let quantities = [Quantity::new(dec!(0.1)), Quantity::new(dec!(1))];
    let buying = at
        .broker
        .estimated_prices(&btc(), Side::Buy, &quantities)
        .await
        .unwrap();
    assert_eq!((buying.len(), buying[1].quantity), (2, quantities[1]));
    assert!(buying[1].total_cost > buying[0].total_cost && buying[0].total_credit.is_none());
    let selling = at
        .broker
        .estimated_prices(&btc(), Side::Sell, &quantities[..1])
        .await
        .unwrap();
    assert!(selling[0].total_credit.is_some() && selling[0].total_cost.is_none());
    let eth = InstrumentId::new("ETH-USD").unwrap();
    let spreads = at.broker.spread_quotes(&[btc(), eth]).await.unwrap();
    assert!(
        spreads
            .iter()
            .all(|it| it.bid < it.price && it.price < it.ask && it.time.is_some())
    );

    let first = at.another(CryptoApiVersion::V1);
    assert_eq!(first.fee_tier(&at.account).await.unwrap(), None);
    let old = first
        .estimated_prices(&btc(), Side::Buy, &quantities)
        .await
        .unwrap();
    assert!(old[0].fee.is_none() && old[0].bid < old[0].ask);

    let none = at.broker.estimated_prices(&btc(), Side::Buy, &[]).await;
    assert_eq!(none.unwrap_err().code(), 5001);
    let many = [Quantity::new(dec!(1)); 11];
    let many = at.broker.estimated_prices(&btc(), Side::Buy, &many).await;
    assert_eq!(many.unwrap_err().code(), 5001);
}

#[tokio::test]
async fn identifiers_that_are_no_uuids_are_kept_and_found_from_another_process() {
    let at = AtSim::new().await;
    let own = id("WHL-2026-11-22-000001");
    let request = at.resting().client_order_id(own.clone());
    let placed = accepted(at.broker.place_order(&request).await.unwrap());
    assert_eq!(placed.client_order_id, own);
    let order = at.broker.order(&at.account, &placed.id).await.unwrap();
    assert_eq!(order.client_order_id, Some(own.clone()));
    let open = at
        .broker
        .all_orders(&at.account, OrderQuery::open())
        .await
        .unwrap();
    assert_eq!(open[0].client_order_id, Some(own.clone()));

    let other = at.another(CryptoApiVersion::V2);
    let found = other
        .order_by_client_id(&at.account, &own)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.id, found.client_order_id), (placed.id, Some(own)));
    assert_eq!(
        other
            .order_by_client_id(&at.account, &id("NEVER"))
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn pairs_that_the_api_does_not_trade_say_so() {
    let at = AtSim::new().await;
    let bill = at
        .broker
        .find_instrument(&at.account, "BILL-USD")
        .await
        .unwrap();
    assert_eq!(bill.status, Some(InstrumentStatus::Closed));
    let order = OrderRequest::market(&at.account, &bill, Side::Buy, units(dec!(10)));
    let error = at.broker.place_order(&order).await.unwrap_err();
    assert!(error.message().contains("takes no orders"), "{error}");
    assert_eq!(at.count(Route::PlaceOrder), 0);
}

#[tokio::test]
async fn limits_are_shared_by_values_of_one_key_and_can_be_watched() {
    let at = AtSim::new().await;
    // Nothing comes back while time stands still.
    let clock = ManualClock::at(START);
    let http = http(&clock);
    let value = || builder(&at.api().origin(), http.clone()).build().unwrap();
    let (one, other) = (value(), value());
    one.accounts().await.unwrap();
    other.accounts().await.unwrap();
    let usage = one.usage().await;
    assert_eq!(usage.len(), 1);
    assert_eq!(usage[0].class.name(), "robinhood_crypto.requests");
    assert_eq!((usage[0].limit, usage[0].burst), (100, Some(300)));
    assert_eq!((usage[0].used, usage[0].remaining), (2, 298));
    clock.advance(Duration::from_secs(2));
    assert_eq!(other.usage().await[0].used, 0);
}

#[tokio::test]
async fn the_published_burst_goes_out_at_once_and_is_never_refused() {
    let at = AtSim::new().await;
    at.btc().await;
    let clock = ManualClock::at(START);
    let http = http(&clock);
    let mut config = at.broker.config().clone();
    // Nobody would wake who waits.
    config.limit_wait = Duration::from_millis(1);
    let builder = builder(&at.api().origin(), http).config(config);
    let broker = builder.build().unwrap();
    // Two requests were made before, and a fifth is kept for cancels and resolving.
    let account = broker.accounts().await.unwrap().only().unwrap().id;
    for _ in 0..230 {
        broker.quotes(&account, &[btc()]).await.unwrap();
    }
    let mut refused = 0;
    for _ in 0..20 {
        if let Err(error) = broker.quotes(&account, &[btc()]).await {
            assert_eq!(error.code(), 3004);
            refused += 1;
        }
    }
    assert!(refused >= 10, "{refused}");
    assert!(at.count(Route::BestBidAsk) <= 240);
    assert!(!broker.usage().await[0].slowed, "the broker had to refuse");
}
