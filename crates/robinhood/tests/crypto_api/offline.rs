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
