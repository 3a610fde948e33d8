//! Wire types into core types. Pure: no network, no clock.

use bytes::Bytes;
use time::OffsetDateTime;
use wheelhouse_core::{
    Account, AccountId, AccountStatus, BrokerOrderId, ClientOrderId, Currency, Decimal, Execution,
    ExecutionId, Instrument, InstrumentId, InstrumentKind, InstrumentRules, InstrumentStatus,
    Money, Order, OrderSize, OrderState, OrderType, Position, PositionId, Price, Quantity, Quote,
    Raw, Result, Side, SizeUnit, Symbol, Tick, TimeInForce,
};

use super::{
    capabilities::times_in_force,
    error::odd,
    types::{CryptoFeeTier, CryptoPriceEstimate, CryptoSpreadQuote},
    wire,
};
use crate::wire::{Num, Text};

/// A trading pair with the rules that core has no place for.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) instrument: Instrument,
    pub(crate) asset: String,
    pub(crate) quote: Currency,
    /// The least value of an order, in the quote currency.
    pub(crate) min_amount: Option<Decimal>,
    pub(crate) sell_only: bool,
}

/// Where an object stands in the body it came in.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    Row(&'a Bytes, usize),
    Whole(&'a Bytes),
}

impl Place<'_> {
    fn raw(self) -> Raw {
        match self {
            Self::Whole(body) => Raw::whole(body.clone()),
            Self::Row(body, index) => {
                let index = u32::try_from(index).unwrap_or(u32::MAX);
                Raw::element(body.clone(), &["results"], index)
            }
        }
    }
}

fn fit<T>(what: &str, made: Result<T>) -> Result<T> {
    made.map_err(|error| odd(format!("the {what} in the answer cannot be one")).with_source(error))
}

/// A number that is there and above zero.
fn positive(num: Option<Num>) -> Option<Decimal> {
    num.map(|num| num.0).filter(|value| *value > Decimal::ZERO)
}

fn price(num: Option<Num>) -> Option<Price> {
    positive(num).map(Price::new)
}

fn value(num: Option<Num>) -> Option<Decimal> {
    num.map(|num| num.0)
}

fn instrument_id(symbol: &str) -> Result<InstrumentId> {
    fit("symbol", InstrumentId::new(symbol))
}

pub(crate) fn account(account: &wire::Account<'_>, place: Place<'_>) -> Result<Account> {
    let number = account.account_number.as_str();
    let mut converted = Account::new(fit("account", AccountId::new(number))?);
    let currency = fit(
        "currency",
        Currency::new(account.buying_power_currency.as_str()),
    )?;
    converted.number = Some(number.to_owned());
    converted.name = account.account_type.as_ref().map(Text::owned);
    converted.currency = Some(currency);
    converted.balance = Some(Money::new(account.buying_power.0, currency));
    converted.status = match (account.status.as_str(), account.is_api_tradable) {
        ("active", Some(false)) | ("sell_only", _) => AccountStatus::Restricted,
        ("active", _) => AccountStatus::Active,
        ("deactivated", _) => AccountStatus::Closed,
        (other, _) => AccountStatus::Unknown(other.to_owned()),
    };
    converted.raw = place.raw();
    Ok(converted)
}

pub(crate) fn fee_tier(tier: &wire::FeeTier) -> CryptoFeeTier {
    CryptoFeeTier {
        fee_ratio: tier.fee_ratio.0,
        thirty_day_volume: value(tier.thirty_day_volume),
        next_fee_ratio: value(tier.next_fee_tier_ratio),
        next_threshold: value(tier.next_fee_tier_threshold),
    }
}

pub(crate) fn pair(pair: &wire::Pair<'_>, place: Place<'_>) -> Result<Pair> {
    let symbol = pair.symbol.as_str();
    let quote = fit("currency", Currency::new(pair.quote_code.as_str()))?;
    let mut instrument = Instrument::new(
        instrument_id(symbol)?,
        fit("symbol", Symbol::new(symbol))?,
        InstrumentKind::Crypto,
    );
    instrument.currency = Some(quote);
    instrument.unit = SizeUnit::Units;
    let mut rules = InstrumentRules::default();
    rules.min_quantity = positive(pair.min_order_size).map(Quantity::new);
    rules.max_quantity = positive(pair.max_order_size).map(Quantity::new);
    rules.quantity_step = positive(Some(pair.asset_increment)).map(Quantity::new);
    rules.ticks = positive(Some(pair.quote_increment))
        .map(|size| Tick { from: None, size })
        .into_iter()
        .collect();
    instrument.rules = rules;
    let status = pair.status.as_str();
    instrument.status = Some(match (status, pair.is_api_tradable) {
        (_, Some(false)) | ("untradable", _) => InstrumentStatus::Closed,
        ("tradable", _) => InstrumentStatus::Open,
        (other, _) => InstrumentStatus::Unknown(other.to_owned()),
    });
    instrument.raw = place.raw();
    Ok(Pair {
        instrument,
        asset: pair.asset_code.owned(),
        quote,
        min_amount: positive(pair.min_order_amount),
        sell_only: matches!(status, "sellonly" | "sell_only"),
    })
}

/// Converts a holding; `symbol` is that of the pair it is traded in. `None` if nothing is held.
pub(crate) fn holding(
    holding: &wire::Holding<'_>,
    symbol: &str,
    place: Place<'_>,
) -> Result<Option<Position>> {
    let held = holding.total_quantity.0;
    if held.is_zero() {
        return Ok(None);
    }
    if held < Decimal::ZERO {
        return Err(odd("a holding in the answer is negative"));
    }
    let mut converted = Position::new(
        fit("position", PositionId::new(symbol))?,
        fit("account", AccountId::new(holding.account_number.as_str()))?,
        instrument_id(symbol)?,
        Side::Buy,
        OrderSize::Units(Quantity::new(held)),
    );
    converted.symbol = Some(fit("symbol", Symbol::new(symbol))?);
    converted.available = value(holding.quantity_available_for_trading).map(Quantity::new);
    converted.raw = place.raw();
    Ok(Some(converted))
}

pub(crate) fn quote(
    prices: &wire::Prices<'_>,
    now: OffsetDateTime,
    place: Place<'_>,
) -> Result<Quote> {
    let mut converted = Quote::new(instrument_id(prices.symbol.as_str())?, now);
    converted.bid = price(prices.bid).or(price(prices.bid_inclusive_of_sell_spread));
    converted.ask = price(prices.ask).or(price(prices.ask_inclusive_of_buy_spread));
    converted.time = prices.timestamp.map(|at| at.0);
    converted.raw = place.raw();
    Ok(converted)
}

pub(crate) fn spread_quote(prices: &wire::Prices<'_>) -> Result<CryptoSpreadQuote> {
    Ok(CryptoSpreadQuote {
        instrument: instrument_id(prices.symbol.as_str())?,
        price: price(prices.price),
        bid: price(prices.bid_inclusive_of_sell_spread),
        sell_spread: value(prices.sell_spread),
        ask: price(prices.ask_inclusive_of_buy_spread),
        buy_spread: value(prices.buy_spread),
        time: prices.timestamp.map(|at| at.0),
    })
}

pub(crate) fn estimate(prices: &wire::Prices<'_>) -> Result<CryptoPriceEstimate> {
    let side = match prices.side.as_ref().map(Text::as_str) {
        Some("ask") => Side::Buy,
        Some("bid") => Side::Sell,
        _ => {
            return Err(odd(
                "an estimate in the answer is neither of the bid nor of the ask",
            ));
        }
    };
    let quantity = positive(prices.quantity)
        .ok_or_else(|| odd("an estimate in the answer does not say for how much"))?;
    Ok(CryptoPriceEstimate {
        instrument: instrument_id(prices.symbol.as_str())?,
        side,
        quantity: Quantity::new(quantity),
        bid: price(prices.bid).or(price(prices.bid_inclusive_of_sell_spread)),
        ask: price(prices.ask).or(price(prices.ask_inclusive_of_buy_spread)),
        fee_ratio: value(prices.fee_ratio),
        fee: value(prices.est_fee),
        total_cost: positive(prices.est_total_cost),
        total_credit: positive(prices.est_total_credit),
        time: prices.timestamp.map(|at| at.0),
    })
}

pub(crate) fn side(text: &str) -> Result<Side> {
    match text {
        "buy" => Ok(Side::Buy),
        "sell" => Ok(Side::Sell),
        // A side that is not known cannot be guessed at.
        _ => Err(odd("the side in the answer is neither buy nor sell")),
    }
}

pub(crate) fn order_type(text: &str) -> OrderType {
    match text {
        "limit" => OrderType::Limit,
        "market" => OrderType::Market,
        "stop_limit" => OrderType::StopLimit,
        "stop_loss" => OrderType::Stop,
        other => OrderType::Unknown(other.to_owned()),
    }
}

fn time_in_force(text: Option<&str>) -> TimeInForce {
    let Some(text) = text else {
        return TimeInForce::Gtc;
    };
    let known = times_in_force().into_iter().find(|(_, name)| *name == text);
    known.map_or_else(|| TimeInForce::Unknown(text.to_owned()), |(known, _)| known)
}

pub(crate) fn state(text: &str, filled: Decimal) -> OrderState {
    match text {
        "open" if filled > Decimal::ZERO => OrderState::PartiallyFilled,
        "open" => OrderState::Working,
        "pending" => OrderState::PendingNew,
        "partially_filled" => OrderState::PartiallyFilled,
        "filled" => OrderState::Filled,
        "canceled" | "cancelled" => OrderState::Canceled,
        "failed" | "rejected" => OrderState::Rejected,
        other => OrderState::Other(other.to_owned()),
    }
}

/// The currency that a pair such as `BTC-USD` is quoted in.
fn quote_currency(symbol: &str) -> Result<Currency> {
    let code = symbol.rsplit_once('-').map_or("", |(_, code)| code);
    fit("currency", Currency::new(code))
}

pub(crate) fn order(order: &wire::Order<'_>, place: Place<'_>) -> Result<Order> {
    let symbol = order.symbol.as_str();
    let terms = order
        .terms()
        .ok_or_else(|| odd("an order in the answer has no terms"))?;
    let fills = order.executions.as_deref().unwrap_or_default();
    let asset_filled = order
        .filled_asset_quantity
        .map_or(Decimal::ZERO, |num| num.0);
    // `filled` is in the unit of the size: of an order for an amount it is what was paid.
    let (size, filled) = match (positive(terms.asset_quantity), positive(terms.quote_amount)) {
        (Some(quantity), _) => (OrderSize::Units(Quantity::new(quantity)), asset_filled),
        (None, Some(amount)) => {
            let money = Money::new(amount, quote_currency(symbol)?);
            (OrderSize::Notional(money), paid(fills, order)?)
        }
        (None, None) => {
            return Err(odd(
                "an order in the answer has neither quantity nor amount",
            ));
        }
    };
    let mut converted = Order::new(
        fit("order", BrokerOrderId::new(order.id.as_str()))?,
        fit("account", AccountId::new(order.account_number.as_str()))?,
        instrument_id(symbol)?,
        side(order.side.as_str())?,
        order_type(order.kind.as_str()),
        size,
    );
    let client_order_id = ClientOrderId::new(order.client_order_id.as_str().to_ascii_lowercase());
    converted.client_order_id = client_order_id.ok();
    converted.symbol = Some(fit("symbol", Symbol::new(symbol))?);
    converted.filled = Quantity::new(filled);
    converted.average_price = price(order.average_price).filter(|_| asset_filled > Decimal::ZERO);
    converted.limit_price = price(terms.limit_price);
    converted.stop_price = price(terms.stop_price);
    converted.time_in_force = time_in_force(terms.time_in_force.as_ref().map(Text::as_str));
    converted.state = state(order.state.as_str(), asset_filled);
    converted.created_at = order.created_at.map(|at| at.0);
    converted.updated_at = order.updated_at.map(|at| at.0);
    converted.raw = place.raw();
    Ok(converted)
}

/// What was paid in the quote currency: what the executions add up to, or without them the mean
/// price of what was filled.
fn paid(fills: &[wire::Fill], order: &wire::Order<'_>) -> Result<Decimal> {
    let filled = positive(order.filled_asset_quantity);
    let sum = match (fills, filled) {
        ([], Some(filled)) => positive(order.average_price).and_then(|it| it.checked_mul(filled)),
        _ => fills.iter().try_fold(Decimal::ZERO, |sum, fill| {
            sum.checked_add(fill.quantity.0.checked_mul(fill.effective_price.0)?)
        }),
    };
    sum.ok_or_else(|| odd("an order in the answer does not say what was paid for it"))
}

/// Converts the executions of an order. They have no identifiers of their own: theirs are made of
/// the order's and their place in it.
pub(crate) fn executions(order: &wire::Order<'_>, place: Place<'_>) -> Result<Vec<Execution>> {
    let fills = order.executions.as_deref().unwrap_or_default();
    let symbol = order.symbol.as_str();
    let account = fit("account", AccountId::new(order.account_number.as_str()))?;
    let currency = quote_currency(symbol)?;
    let id = order.id.as_str();
    let mut converted = Vec::with_capacity(fills.len());
    for (index, fill) in fills.iter().enumerate() {
        let mut execution = Execution::new(
            fit("execution", ExecutionId::new(format!("{id}:{index}")))?,
            fit("order", BrokerOrderId::new(id))?,
            account.clone(),
            side(order.side.as_str())?,
            Quantity::new(fill.quantity.0),
            Price::new(fill.effective_price.0),
        );
        execution.instrument = Some(instrument_id(symbol)?);
        execution.time = fill.timestamp.map(|at| at.0);
        // The fee is told for the whole order.
        execution.fee = value(order.fee_charged)
            .filter(|_| fills.len() == 1)
            .map(|fee| Money::new(fee, currency));
        execution.raw = place.raw();
        converted.push(execution);
    }
    Ok(converted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f25_an_unknown_state_type_or_time_in_force_is_kept() {
        let unknown = state("frobnicated", Decimal::ZERO);
        assert_eq!(unknown, OrderState::Other("frobnicated".to_owned()));
        assert!(!unknown.is_final());
        assert_eq!(order_type("twap"), OrderType::Unknown("twap".to_owned()));
        assert_eq!(
            time_in_force(Some("gfy")),
            TimeInForce::Unknown("gfy".to_owned())
        );
        assert_eq!(time_in_force(Some("gfd")), TimeInForce::Day);
        assert_eq!(side("hold").unwrap_err().code(), 3006);
    }

    #[test]
    fn what_was_paid_for_an_amount_is_told_without_executions_too() {
        let order_of = |order: &wire::Order<'_>| super::order(order, Place::Whole(&Bytes::new()));
        let read = |price: &str| {
            let body = format!(
                r#"{{"id":"7","account_number":"1","symbol":"BTC-USD","client_order_id":"c",
                "side":"buy","type":"limit","state":"partially_filled","executions":null,
                "average_price":{price},"filled_asset_quantity":"0.1",
                "limit_order_config":{{"quote_amount":"9","limit_price":"60"}}}}"#
            );
            let order: wire::Order<'_> = serde_json::from_str(&body).unwrap();
            order_of(&order)
        };
        assert_eq!(read("\"50\"").unwrap().filled.value(), Decimal::from(5));
        assert_eq!(read("null").unwrap_err().code(), 3006);
    }

    #[test]
    fn an_open_order_with_executions_is_partly_filled() {
        assert_eq!(state("open", Decimal::ONE), OrderState::PartiallyFilled);
        assert_eq!(state("open", Decimal::ZERO), OrderState::Working);
        assert_eq!(state("pending", Decimal::ZERO), OrderState::PendingNew);
        assert_eq!(state("failed", Decimal::ZERO), OrderState::Rejected);
    }
}
