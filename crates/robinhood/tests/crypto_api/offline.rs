//! What is refused before anything is sent.

use wheelhouse_core::{
    AccountId, Broker, BrokerExt, BrokerOrderId, Currency, Decimal, InstrumentId, Money,
    OrderRequest, OrderSize, OrderState, Side, TimeInForce, TradingHours, dec,
};
use wheelhouse_robinhood::CryptoApiVersion;
use wheelhouse_sim::{Kind, robinhood_crypto::Route};

use crate::rig::{AtSim, accepted, answer, btc, code, units, user};

#[tokio::test]
async fn f50_f51_f52_illegal_numbers_are_refused_with_the_nearest_legal_ones() {
    let at = AtSim::new().await;
    let money = |amount| OrderSize::Notional(Money::new(amount, Currency::USD));
    let limit =
        |size, price: Decimal| OrderRequest::limit(&at.account, btc(), Side::Buy, size, price);
    let euros = OrderSize::Notional(Money::new(dec!(50), "EUR".parse().unwrap()));
    for (request, code, words) in [
        (limit(units(dec!(0)), dec!(50000)), 5001, "not above zero"),
        (limit(units(dec!(-1)), dec!(50000)), 5001, "not above zero"),
        (
            limit(units(dec!(0.000100005)), dec!(50000)),
            5001,
            "nearest are 0.0001 and 0.00010001",
        ),
        (
            limit(units(dec!(101)), dec!(50000)),
            5001,
            "above the most, 100",
        ),
        (limit(units(dec!(0.0001)), dec!(0)), 5001, "not above zero"),
        (
            limit(units(dec!(0.0001)), dec!(50000.005)),
            5001,
            "nearest are 50000 and 50000.01",
        ),
        (
            limit(units(dec!(0.00001)), dec!(50000)),
            5001,
            "the least is 1.00 USD, which is 0.00002 at 50000",
        ),
        (limit(money(dec!(0)), dec!(50000)), 5001, "not above zero"),
        (
            limit(money(dec!(0.5)), dec!(50000)),
            5001,
            "the least is 1.00 USD",
        ),
        (
            limit(money(dec!(50.005)), dec!(50000)),
            5001,
            "nearest are 50 and 50.01",
        ),
        (limit(euros, dec!(50000)), 5001, "is paid in USD"),
        (
            OrderRequest::market(&at.account, btc(), Side::Buy, money(dec!(50))),
            3010,
            "for an amount",
        ),
        (
            at.resting().hours(TradingHours::Extended),
            3010,
            "around the clock",
        ),
        (
            at.resting().time_in_force(TimeInForce::Ioc),
            3010,
            "GTC, day, gfw, gfm",
        ),
        (
            at.market(dec!(0.1)).time_in_force(TimeInForce::Day),
            3010,
            "GTC",
        ),
    ] {
        let error = at.broker.place_order(&request).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().contains(words), "{error}");
        assert_eq!(error.operation(), Some("place_order"));
    }
    assert_eq!(at.count(Route::PlaceOrder), 0);
}

#[tokio::test]
async fn version_1_takes_no_time_in_force_for_limit_orders() {
    let at = AtSim::new().await;
    let first = at.another(CryptoApiVersion::V1);
    let daily = at.resting().time_in_force(TimeInForce::Day);
    assert_eq!(code(first.place_order(&daily).await), 3010);
    accepted(first.place_order(&at.resting()).await.unwrap());
}

#[tokio::test]
async fn f53_f54_what_cannot_be_a_pair_is_not_sent() {
    let at = AtSim::new().await;
    at.btc().await;
    let before = at.api().ledger().requests().len();
    for text in [
        "BTC\u{200B}-USD",
        "\u{FF22}TC-USD",
        "BTC-USD ",
        "../BTC-USD",
        "BTC-USD\r\n",
    ] {
        assert_eq!(
            code(at.broker.find_instrument(&at.account, text).await),
            5001,
            "{text:?}"
        );
    }
    for text in ["btc-usd", "BTCUSD", "BTC,ETH-USD", "BTC-USD&symbol=X"] {
        let id = InstrumentId::new(text).unwrap();
        assert_eq!(
            code(at.broker.quotes(&at.account, &[id]).await),
            5001,
            "{text}"
        );
    }
    assert_eq!(at.api().ledger().requests().len(), before);
}

#[tokio::test]
async fn pairs_that_can_only_be_sold_are_not_bought() {
    let at = AtSim::with(user().coins("BTC", dec!(1)), |_| {}).await;
    let only_sold = || Kind::Set {
        pointer: "/results/0/status".into(),
        value: "\"sellonly\"".into(),
    };
    at.faults(Route::TradingPairs, only_sold());
    let error = at.broker.place_order(&at.resting()).await.unwrap_err();
    assert!(error.message().contains("can only be sold"), "{error}");
    let sell = OrderRequest::market(&at.account, btc(), Side::Sell, units(dec!(0.1)));
    accepted(at.broker.place_order(&sell).await.unwrap());
}

#[tokio::test]
async fn pairs_that_the_broker_has_closed_take_no_orders() {
    for (pointer, value) in [
        ("/results/0/status", "\"untradable\""),
        ("/results/0/is_api_tradable", "false"),
    ] {
        let at = AtSim::with(user().coins("BTC", dec!(1)), |_| {}).await;
        let (pointer, value) = (pointer.to_owned(), value.to_owned());
        at.faults(Route::TradingPairs, Kind::Set { pointer, value });
        let mut order = at.resting();
        for side in [Side::Buy, Side::Sell] {
            order.side = side;
            let error = at.broker.place_order(&order).await.unwrap_err();
            assert!(error.message().contains("takes no orders"), "{error}");
        }
        assert_eq!(at.count(Route::PlaceOrder), 0);
    }
}

#[tokio::test]
async fn the_least_and_the_most_hold_for_amounts_too_and_in_both_versions() {
    let at = AtSim::new().await;
    let money = |amount| OrderSize::Notional(Money::new(amount, Currency::USD));
    let limit =
        |size, price: Decimal| OrderRequest::limit(&at.account, btc(), Side::Buy, size, price);
    let most = limit(money(dec!(6_000_000)), dec!(50000));
    let error = at.broker.place_order(&most).await.unwrap_err();
    let words = "6000000 USD at 50000 is above the most, 100 BTC, which is 5000000 USD";
    assert!(error.message().contains(words), "{error}");
    // Version 1 has a least size in the asset, version 2 a least amount in the quote.
    at.faults(
        Route::TradingPairs,
        Kind::Set {
            pointer: "/results/0/min_order_size".into(),
            value: "\"0.001000000000000000\"".into(),
        },
    );
    let first = at.another(CryptoApiVersion::V1);
    for (size, words) in [
        (
            units(dec!(0.0005)),
            "the quantity 0.0005 is below the least, 0.001",
        ),
        (
            money(dec!(10)),
            "is below the least, 0.001 BTC, which is 50 USD",
        ),
    ] {
        let error = first
            .place_order(&limit(size, dec!(50000)))
            .await
            .unwrap_err();
        assert_eq!(error.code(), 5001);
        assert!(error.message().contains(words), "{error}");
    }
    accepted(
        first
            .place_order(&limit(money(dec!(60)), dec!(50000)))
            .await
            .unwrap(),
    );
    assert_eq!(at.count(Route::PlaceOrder), 1);
}

#[tokio::test]
async fn accounts_that_may_not_trade_place_no_orders() {
    for (user, words, sells) in [
        (user().deactivated(), "is deactivated", false),
        (
            user().not_api_tradable(),
            "takes no orders through this API",
            false,
        ),
        (user().sell_only(), "may only sell", true),
    ] {
        let at = AtSim::with(user.coins("BTC", dec!(1)), |_| {}).await;
        let error = at.broker.place_order(&at.resting()).await.unwrap_err();
        assert_eq!(
            (error.code(), error.operation()),
            (3003, Some("place_order"))
        );
        assert!(error.message().contains(words), "{error}");
        let sell = OrderRequest::market(&at.account, btc(), Side::Sell, units(dec!(0.1)));
        match at.broker.place_order(&sell).await {
            Ok(submission) if sells => drop(accepted(submission)),
            Err(error) if !sells => assert_eq!(error.code(), 3003),
            other => panic!("{other:?}"),
        }
        assert_eq!(at.count(Route::PlaceOrder), usize::from(sells));
        // What the account has can be read and cancelled all the same.
        at.broker.account_summary(&at.account).await.unwrap();
    }
}

#[tokio::test]
async fn an_account_that_was_opened_meanwhile_is_looked_at_anew() {
    let at = AtSim::new().await;
    at.btc().await;
    let closed = Kind::Set {
        pointer: "/results/0/status".into(),
        value: "\"deactivated\"".into(),
    };
    at.faults(Route::Accounts, closed);
    at.broker.accounts().await.unwrap();
    assert_eq!(code(at.broker.place_order(&at.resting()).await), 3003);
    let asked = at.count(Route::Accounts);
    assert_eq!(code(at.broker.place_order(&at.resting()).await), 3003);
    assert_eq!(
        at.count(Route::Accounts),
        asked,
        "asked twice within half a minute"
    );
    at.api().faults().clear();
    at.clock.0.skip(std::time::Duration::from_secs(31));
    accepted(at.broker.place_order(&at.resting()).await.unwrap());
}

#[tokio::test]
async fn f8_identifiers_that_the_broker_never_gives_are_not_found_without_asking() {
    let at = AtSim::new().await;
    at.btc().await;
    let before = at.api().ledger().requests().len();
    let id = BrokerOrderId::new("123456789012").unwrap();
    assert_eq!(code(at.broker.order(&at.account, &id).await), 3002);
    assert_eq!(code(at.broker.cancel_order(&at.account, &id).await), 3002);
    assert_eq!(at.api().ledger().requests().len(), before);
    let id = BrokerOrderId::new("497f6eca-6276-4993-bfeb-53cbbbba6f08").unwrap();
    assert_eq!(code(at.broker.order(&at.account, &id).await), 3002);
    assert_eq!(code(at.broker.cancel_order(&at.account, &id).await), 3002);
}

#[tokio::test]
async fn an_order_is_found_in_the_list_where_the_route_for_one_is_missing() {
    let at = AtSim::new().await;
    let placed = accepted(at.broker.place_order(&at.resting()).await.unwrap());
    at.faults(
        Route::Order,
        answer(404, include_str!("../data/crypto_error_404.json")),
    );
    let order = at.broker.order(&at.account, &placed.id).await.unwrap();
    assert_eq!((order.id, order.state), (placed.id, OrderState::Working));
}

#[tokio::test]
async fn accounts_of_others_are_not_named_to_the_broker() {
    let at = AtSim::new().await;
    at.btc().await;
    let other = AccountId::new("99999999").unwrap();
    let mut request = at.resting();
    request.account = other.clone();
    assert_eq!(code(at.broker.place_order(&request).await), 3002);
    assert_eq!(code(at.broker.account_summary(&other).await), 3002);
    let queries = at.api().ledger().requests();
    assert!(
        queries
            .iter()
            .all(|request| !request.query.contains("99999999"))
    );
}
