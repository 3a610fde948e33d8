use wheelhouse_core::{
    BrokerOrderId, ClientOrderId, Currency, Decimal, InstrumentId, Money, OptionOrder, Order,
    OrderSize, OrderState, OrderType, PositionEffect, PositionId, Price, Quantity, Result, Side,
};

use super::{
    Place, account_id, direction, filled_in, fit, instrument_id, odd, option::order_leg, positive,
    price, side, state, time_in_force,
};
use crate::wire::{Num, Text, option_order as option_wire, order as wire};

pub(crate) fn equity_order(order: &wire::Order<'_>, place: Place<'_>) -> Result<Order> {
    let id = fit("order", BrokerOrderId::new(order.id.as_str()))?;
    let account = account_id(None, Some(&order.account))?;
    let instrument = instrument_id(order.instrument_id.as_ref(), &order.instrument)?;
    let position = fit("position", PositionId::new(instrument.as_str()))?;
    let size = match (order.quantity, &order.dollar_based_amount) {
        (Some(quantity), _) => OrderSize::Shares(Quantity::new(quantity.0)),
        (None, Some(amount)) => {
            let currency = fit("currency", Currency::new(amount.currency_code.as_str()))?;
            OrderSize::Notional(Money::new(amount.amount.0, currency))
        }
        (None, None) => {
            return Err(odd(
                "an order in the answer has neither quantity nor amount",
            ));
        }
    };
    let order_type = order_type(
        order.kind.as_str(),
        order.trigger.as_ref(),
        order.trailing_peg.is_some(),
    );
    let side = side(order.side.as_str())?;
    let mut converted = Order::new(id, account, instrument, side, order_type, size);
    converted.client_order_id = order.ref_id.as_ref().and_then(ref_id);
    converted.state = state(
        order.state.as_str(),
        order.response_category.as_ref().map(Text::as_str),
    );
    let shares = filled(order.cumulative_quantity, &converted.state)?;
    // It is in the unit of the size: of an order by amount what was paid.
    converted.filled = Quantity::new(match converted.size {
        OrderSize::Notional(_) if !shares.is_zero() => paid(order, shares)?,
        _ => shares,
    });
    converted.average_price = price(order.average_price);
    // The price of a market order is the collar that it may not exceed.
    if matches!(
        converted.order_type,
        OrderType::Limit | OrderType::StopLimit
    ) {
        converted.limit_price = price(order.price);
    }
    converted.stop_price = price(order.stop_price);
    converted.time_in_force = time_in_force(order.time_in_force.as_str());
    converted.effect = match order.position_effect.as_ref().map(Text::as_str) {
        Some("open") => Some(PositionEffect::Open),
        Some("close") => Some(PositionEffect::Close),
        _ => None,
    };
    converted.position = Some(position);
    converted.reason = filled_in(&order.reject_reason)
        .or(filled_in(&order.response_category))
        .map(str::to_owned);
    converted.created_at = order.created_at.map(|at| at.0);
    converted.updated_at = order.updated_at.map(|at| at.0);
    converted.raw = place.raw();
    Ok(converted)
}

/// How much was executed. Left out it is nothing only where nothing can have been.
pub(super) fn filled(told: Option<Num>, state: &OrderState) -> Result<Decimal> {
    use OrderState::{Held, PendingNew, Rejected, Working};
    match (told, state) {
        (Some(quantity), _) => Ok(quantity.0),
        (None, PendingNew | Held | Working | Rejected) => Ok(Decimal::ZERO),
        _ => Err(odd(
            "an order in the answer does not say how much of it was executed",
        )),
    }
}

fn paid(order: &wire::Order<'_>, shares: Decimal) -> Result<Decimal> {
    let told = order.executed_notional.as_ref().map(|it| it.amount.0);
    let average = || positive(order.average_price)?.checked_mul(shares);
    told.or_else(average)
        .ok_or_else(|| odd("an order in the answer does not say what was paid for it"))
}

fn order_type(kind: &str, trigger: Option<&Text<'_>>, trailing: bool) -> OrderType {
    let stop = trigger.is_some_and(|trigger| trigger.as_str() == "stop");
    match (kind, stop) {
        _ if trailing => OrderType::TrailingStop,
        ("limit", false) => OrderType::Limit,
        ("limit", true) => OrderType::StopLimit,
        ("market", false) => OrderType::Market,
        ("market", true) => OrderType::Stop,
        (other, _) => OrderType::Unknown(other.to_owned()),
    }
}

/// The identifier that this side gave an order; orders from telephones have theirs in capitals.
pub(crate) fn ref_id(text: &Text<'_>) -> Option<ClientOrderId> {
    ClientOrderId::new(text.as_str().to_ascii_lowercase()).ok()
}

pub(crate) fn option_order(
    order: &option_wire::OptionOrder<'_>,
    place: Place<'_>,
) -> Result<OptionOrder> {
    let legs = order
        .legs
        .iter()
        .map(order_leg)
        .collect::<Result<Vec<_>>>()?;
    let Some(first) = legs.first() else {
        return Err(odd("an order of options in the answer has no legs"));
    };
    let side = direction(order.direction.as_str())?;
    let mut converted = Order::new(
        fit("order", BrokerOrderId::new(order.id.as_str()))?,
        account_id(Some(&order.account_number), None)?,
        InstrumentId::clone(&first.contract),
        side,
        order_type(order.kind.as_str(), order.trigger.as_ref(), false),
        OrderSize::Contracts(Quantity::new(order.quantity.0)),
    );
    converted.client_order_id = order.ref_id.as_ref().and_then(ref_id);
    converted.symbol = match &order.chain_symbol {
        Some(text) => Some(super::symbol(text)?),
        None => None,
    };
    converted.state = state(
        order.state.as_str(),
        order.response_category.as_ref().map(Text::as_str),
    );
    converted.filled = Quantity::new(filled(order.processed_quantity, &converted.state)?);
    converted.limit_price = price(order.price);
    converted.stop_price = price(order.stop_price);
    converted.average_price = average(order);
    converted.time_in_force = time_in_force(order.time_in_force.as_str());
    converted.effect = legs
        .iter()
        .all(|leg| leg.effect == first.effect)
        .then_some(first.effect);
    converted.reason = filled_in(&order.response_category).map(str::to_owned);
    converted.created_at = order.created_at.map(|at| at.0);
    converted.updated_at = order.updated_at.map(|at| at.0);
    converted.raw = place.raw();
    let mut converted = OptionOrder::new(converted, legs);
    converted.net_premium = net_premium(order)?;
    Ok(converted)
}

/// The mean net price per unit of the underlying of what was executed.
fn average(order: &option_wire::OptionOrder<'_>) -> Option<Price> {
    let premium = positive(order.processed_premium.map(|n| Num(n.0.abs())))?;
    let contracts = positive(order.processed_quantity)?;
    let multiplier = order
        .trade_value_multiplier
        .map_or(Decimal::ONE_HUNDRED, |n| n.0);
    let units = contracts.checked_mul(multiplier)?;
    premium.checked_div(units).map(Price::new)
}

fn net_premium(order: &option_wire::OptionOrder<'_>) -> Result<Option<Money>> {
    let Some(premium) = order.processed_premium.map(|n| n.0.abs()) else {
        return Ok(None);
    };
    let side = match &order.processed_premium_direction {
        Some(text) => direction(text.as_str())?,
        None => direction(order.direction.as_str())?,
    };
    let amount = if side == Side::Sell {
        premium
    } else {
        -premium
    };
    Ok(Some(Money::new(amount, Currency::USD)))
}
