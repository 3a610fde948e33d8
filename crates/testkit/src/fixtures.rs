//! Ready domain values: an account with 100,000 USD, EURUSD in lots, BTCUSD in lots, AAPL in shares,
//! and orders and positions of them.
//!
//! What they say is fixed, so tests may compare with it; the doc of each says it.

use time::{OffsetDateTime, macros::datetime};
use wheelhouse_core::{
    Account, AccountId, BrokerOrderId, Currency, Decimal, Instrument, InstrumentId, InstrumentKind,
    InstrumentStatus, Money, Order, OrderKind, OrderRequest, OrderSize, OrderState, OrderType,
    Position, PositionId, Price, Quantity, Quote, Side, SizeUnit, Symbol, Tick, TimeInForce, dec,
    lots,
};

/// When everything here was made: 5 January 2026, 12:00 UTC, where a
/// [`ManualClock`](crate::ManualClock) starts too.
pub const TIME: OffsetDateTime = datetime!(2026-01-05 12:00 UTC);

/// Account `1002003`, called "Fixture", with 100,000 USD.
pub fn account() -> Account {
    let mut account = Account::new(id("1002003", AccountId::new));
    account.number = Some("1002003".to_owned());
    account.name = Some("Fixture".to_owned());
    account.currency = Some(Currency::USD);
    account.balance = Some(Money::new(dec!(100000), Currency::USD));
    account
}

/// Account `1002004`, for users with two.
pub fn second_account() -> Account {
    let mut account = account();
    account.id = id("1002004", AccountId::new);
    account.number = Some("1002004".to_owned());
    account.name = Some("Second fixture".to_owned());
    account
}

/// EURUSD, id `278`: 0.01 to 50 lots of 100,000 in steps of 0.01, prices in steps of 0.00001.
pub fn eurusd() -> Instrument {
    instrument(
        ("278", "EURUSD", InstrumentKind::Forex, SizeUnit::Lots),
        (dec!(0.01), dec!(50), dec!(100000)),
        dec!(0.00001),
    )
}

/// BTCUSD, id `206`: 0.01 to 10 lots of 1 in steps of 0.01, prices in steps of 0.01.
pub fn btcusd() -> Instrument {
    instrument(
        ("206", "BTCUSD", InstrumentKind::Crypto, SizeUnit::Lots),
        (dec!(0.01), dec!(10), dec!(1)),
        dec!(0.01),
    )
}

/// AAPL, id `aapl`: 1 to 10,000 whole shares, prices in steps of 0.01.
pub fn aapl() -> Instrument {
    instrument(
        ("aapl", "AAPL", InstrumentKind::Equity, SizeUnit::Shares),
        (dec!(1), dec!(10000), dec!(1)),
        dec!(0.01),
    )
}

/// A quote of `instrument`, received at [`TIME`].
pub fn quote(instrument: &Instrument, bid: impl Into<Price>, ask: impl Into<Price>) -> Quote {
    let mut quote = Quote::new(instrument.id.clone(), TIME);
    quote.bid = Some(bid.into());
    quote.ask = Some(ask.into());
    quote.time = Some(TIME);
    quote
}

/// A request to buy 0.10 lots of EURUSD at 1.05000 or better, good till cancelled.
pub fn limit_request() -> OrderRequest {
    OrderRequest::limit(&account(), &eurusd(), Side::Buy, lots!(0.10), dec!(1.05000))
        .time_in_force(TimeInForce::Gtc)
}

/// A request to buy 0.10 lots of EURUSD at market.
pub fn market_request() -> OrderRequest {
    OrderRequest::market(&account(), &eurusd(), Side::Buy, lots!(0.10))
}

/// Order `7001`: what [`limit_request`] becomes, working and not filled.
pub fn working_order() -> Order {
    let request = limit_request();
    let mut order = Order::new(
        id("7001", BrokerOrderId::new),
        request.account,
        request.instrument,
        request.side,
        request.kind.order_type(),
        request.size,
    );
    order.symbol = Some(eurusd().symbol);
    order.limit_price = request.kind.limit_price();
    order.created_at = Some(TIME);
    order.updated_at = Some(TIME);
    order
}

/// Order `7002`: 0.10 lots of EURUSD bought at market for 1.08020, wholly filled, which opened
/// [`position`].
pub fn filled_order() -> Order {
    let mut order = working_order();
    order.id = id("7002", BrokerOrderId::new);
    order.order_type = OrderType::Market;
    order.time_in_force = TimeInForce::Ioc;
    order.limit_price = None;
    order.state = OrderState::Filled;
    order.filled = Quantity::new(dec!(0.10));
    order.average_price = Some(Price::new(dec!(1.08020)));
    order.position = Some(position().id);
    order
}

/// Position `9001`: 0.10 lots of EURUSD, bought for 1.08020.
pub fn position() -> Position {
    let mut position = Position::new(
        id("9001", PositionId::new),
        account().id,
        eurusd().id,
        Side::Buy,
        lots!(0.10),
    );
    position.symbol = Some(eurusd().symbol);
    position.average_price = Some(Price::new(dec!(1.08020)));
    position.opened_at = Some(TIME);
    position
}

/// Says a size in the unit that `instrument` is ordered in.
///
/// ```
/// use wheelhouse_core::{dec, lots};
/// use wheelhouse_testkit::fixtures;
///
/// assert_eq!(fixtures::size_of(&fixtures::eurusd(), dec!(0.10)), lots!(0.10));
/// ```
pub fn size_of(instrument: &Instrument, amount: Decimal) -> OrderSize {
    let quantity = Quantity::new(amount);
    match instrument.unit {
        SizeUnit::Contracts => OrderSize::Contracts(quantity),
        SizeUnit::Lots => OrderSize::Lots(quantity),
        SizeUnit::Units => OrderSize::Units(quantity),
        SizeUnit::Notional => {
            let currency = instrument.currency.unwrap_or(Currency::USD);
            OrderSize::Notional(Money::new(amount, currency))
        }
        _ => OrderSize::Shares(quantity),
    }
}

/// Returns an order kind of each type at sensible prices around `price`, for tests that try them
/// all.
pub fn order_kinds(price: impl Into<Price>) -> Vec<OrderKind> {
    let price = price.into();
    vec![
        OrderKind::Limit { price },
        OrderKind::Market,
        OrderKind::Stop { stop: price },
        OrderKind::StopLimit { stop: price, price },
        OrderKind::TrailingStop {
            trail: wheelhouse_core::Offset::Percent(Decimal::ONE),
        },
    ]
}

fn instrument(
    (key, symbol, kind, unit): (&str, &str, InstrumentKind, SizeUnit),
    (min, max, lot): (Decimal, Decimal, Decimal),
    tick: Decimal,
) -> Instrument {
    let mut instrument = Instrument::new(id(key, InstrumentId::new), id(symbol, Symbol::new), kind);
    instrument.currency = Some(Currency::USD);
    instrument.unit = unit;
    instrument.status = Some(InstrumentStatus::Open);
    instrument.rules.min_quantity = Some(Quantity::new(min));
    instrument.rules.max_quantity = Some(Quantity::new(max));
    instrument.rules.quantity_step = Some(Quantity::new(min));
    instrument.rules.lot_size = Some(lot);
    instrument.rules.ticks = vec![Tick {
        from: None,
        size: tick,
    }];
    instrument
}

/// Makes an identifier of one of this file's own texts, all of which are fit for it.
fn id<'a, T>(text: &'a str, make: impl FnOnce(&'a str) -> wheelhouse_core::Result<T>) -> T {
    match make(text) {
        Ok(id) => id,
        Err(error) => panic!("{text}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_fit_the_rules_of_their_instruments() {
        for instrument in [eurusd(), btcusd(), aapl()] {
            let least = instrument.rules.min_quantity.unwrap();
            instrument.rules.check_quantity(least).unwrap();
        }
        let request = limit_request();
        let price = request.kind.limit_price().unwrap();
        eurusd().rules.check_price("limit price", price).unwrap();
        assert_eq!(request.account, second_account_is_another());
    }

    fn second_account_is_another() -> AccountId {
        assert_ne!(account().id, second_account().id);
        account().id
    }

    #[test]
    fn orders_and_positions_tell_one_story() {
        assert_eq!(filled_order().position, Some(position().id));
        assert_eq!(
            working_order().limit_price,
            limit_request().kind.limit_price()
        );
        assert!(working_order().state.is_open() && filled_order().state.is_final());
    }
}
