use time::OffsetDateTime;
use wheelhouse_core::{
    AccountId, BrokerOrderId, Currency, Decimal, Instrument, InstrumentId, InstrumentKind,
    InstrumentRules, InstrumentStatus, Order, OrderSize, OrderType, Position, PositionId, Price,
    Quantity, Quote, Result, Side, SizeUnit, Symbol, Tick,
};

use super::{
    Place, filled_in, fit, order::filled, positive, price, ref_id, side, state, symbol,
    time_in_force,
};
use crate::wire::crypto as wire;

/// What identifiers of crypto begin with: the private API keeps its orders and pairs on a host of
/// their own.
pub(crate) const PREFIX: &str = "crypto:";

fn pair_id(id: &str) -> Result<InstrumentId> {
    fit("pair", InstrumentId::new(format!("{PREFIX}{id}")))
}

pub(crate) fn pair(pair: &wire::Pair<'_>, place: Place<'_>) -> Result<Instrument> {
    let id = pair_id(pair.id.as_str())?;
    let mut converted = Instrument::new(id, symbol(&pair.symbol)?, InstrumentKind::Crypto);
    converted.name = filled_in(&pair.name).map(str::to_owned);
    converted.currency = Some(fit(
        "currency",
        Currency::new(pair.quote_currency.code.as_str()),
    )?);
    converted.unit = SizeUnit::Units;
    let mut rules = InstrumentRules::default();
    rules.min_quantity = positive(pair.min_order_size).map(Quantity::new);
    rules.max_quantity = positive(pair.max_order_size).map(Quantity::new);
    rules.quantity_step = positive(pair.min_order_quantity_increment).map(Quantity::new);
    rules.ticks = positive(pair.min_order_price_increment)
        .map(|size| Tick { from: None, size })
        .into_iter()
        .collect();
    converted.rules = rules;
    converted.status = pair.tradability.as_ref().map(|text| match text.as_str() {
        "tradable" => InstrumentStatus::Open,
        "untradable" => InstrumentStatus::Closed,
        other => InstrumentStatus::Unknown(other.to_owned()),
    });
    converted.raw = place.raw();
    Ok(converted)
}

pub(crate) fn holding(
    holding: &wire::Holding<'_>,
    account: &AccountId,
    place: Place<'_>,
) -> Result<Option<Position>> {
    let (Some(pair), false) = (&holding.currency_pair_id, holding.quantity.0.is_zero()) else {
        return Ok(None);
    };
    let id = fit(
        "position",
        PositionId::new(format!("{PREFIX}{}", holding.id.as_str())),
    )?;
    let size = OrderSize::Units(Quantity::new(holding.quantity.0));
    let mut converted = Position::new(
        id,
        account.clone(),
        pair_id(pair.as_str())?,
        Side::Buy,
        size,
    );
    let name = format!("{}-USD", holding.currency.code.as_str());
    converted.symbol = Some(fit("symbol", Symbol::new(name))?);
    let sum = |pick: fn(&wire::CostBasis) -> Option<crate::wire::Num>| {
        holding
            .cost_bases
            .iter()
            .try_fold(Decimal::ZERO, |sum, basis| sum.checked_add(pick(basis)?.0))
    };
    converted.average_price = sum(|b| b.direct_cost_basis)
        .zip(sum(|b| b.direct_quantity).filter(|q| !q.is_zero()))
        .and_then(|(cost, quantity)| cost.checked_div(quantity))
        .filter(|price| *price > Decimal::ZERO)
        .map(Price::new);
    converted.opened_at = holding.created_at.map(|at| at.0);
    converted.raw = place.raw();
    Ok(Some(converted))
}

pub(crate) fn crypto_order(
    order: &wire::CryptoOrder<'_>,
    account: &AccountId,
    place: Place<'_>,
) -> Result<Order> {
    let order_type = match (order.kind.as_str(), order.stop_price.is_some()) {
        ("market", _) => OrderType::Market,
        ("limit", false) => OrderType::Limit,
        ("limit", true) | ("stop_limit", _) => OrderType::StopLimit,
        ("stop_loss" | "stop", _) => OrderType::Stop,
        (other, _) => OrderType::Unknown(other.to_owned()),
    };
    let mut converted = Order::new(
        fit(
            "order",
            BrokerOrderId::new(format!("{PREFIX}{}", order.id.as_str())),
        )?,
        account.clone(),
        pair_id(order.currency_pair_id.as_str())?,
        side(order.side.as_str())?,
        order_type,
        OrderSize::Units(Quantity::new(order.quantity.0)),
    );
    converted.client_order_id = order.ref_id.as_ref().and_then(ref_id);
    converted.state = state(order.state.as_str(), None);
    converted.filled = Quantity::new(filled(order.cumulative_quantity, &converted.state)?);
    converted.average_price = price(order.average_price);
    if matches!(
        converted.order_type,
        OrderType::Limit | OrderType::StopLimit
    ) {
        converted.limit_price = price(order.limit_price).or(price(order.price));
    }
    converted.stop_price = price(order.stop_price);
    converted.time_in_force = time_in_force(order.time_in_force.as_str());
    converted.created_at = order.created_at.map(|at| at.0);
    converted.updated_at = order.updated_at.map(|at| at.0);
    converted.raw = place.raw();
    Ok(converted)
}

pub(crate) fn forex_quote(
    quote: &wire::ForexQuote<'_>,
    now: OffsetDateTime,
    place: Place<'_>,
) -> Result<Quote> {
    let mut converted = Quote::new(pair_id(quote.id.as_str())?, now);
    converted.bid = price(quote.bid_price);
    converted.ask = price(quote.ask_price);
    converted.last = price(quote.mark_price);
    converted.time = quote.updated_at.map(|at| at.0);
    converted.raw = place.raw();
    Ok(converted)
}

/// Whether an identifier is one of crypto, and the broker's own part of it.
pub(crate) fn own_part(id: &str) -> Option<&str> {
    id.strip_prefix(PREFIX)
}
