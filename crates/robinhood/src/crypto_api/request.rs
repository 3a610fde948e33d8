//! An order to be placed: checked against what core's rules do not know, and written down.

use bytes::Bytes;
use wheelhouse_core::{
    Decimal, InstrumentRules, InstrumentStatus, OrderKind, OrderRequest, OrderSize, Price,
    Quantity, Result, Side,
};

use super::{
    CryptoApiVersion,
    capabilities::times_in_force,
    convert::Pair,
    error::{invalid, unsupported},
    wire::{NewOrder, NewTerms, Plain},
};

/// Says why a pair takes no such orders, if it does not.
pub(crate) fn refused_now(pair: &Pair, side: Side) -> Option<&'static str> {
    match pair.instrument.status {
        Some(InstrumentStatus::Closed) => Some("takes no orders through this API"),
        _ if pair.sell_only && side == Side::Buy => Some("can only be sold"),
        _ => None,
    }
}

/// Checks what core's rules do not know: amounts of money, and the least value of an order.
pub(crate) fn check_amount(request: &OrderRequest, pair: &Pair) -> Result<()> {
    let price = request.kind.limit_price().or(request.kind.stop_price());
    let worth = match request.size {
        OrderSize::Notional(money) => {
            if request.kind == OrderKind::Market {
                let what = "market orders for an amount; give a quantity, or a limit order";
                return Err(unsupported(format!("this broker has no {what}")));
            }
            if money.currency != pair.quote {
                let (symbol, quote) = (&pair.instrument.symbol, pair.quote);
                let message = format!("{symbol} is paid in {quote}, not in {}", money.currency);
                return Err(invalid(message));
            }
            let rules = &pair.instrument.rules;
            rules.check_price("amount", Price::new(money.amount))?;
            check_size_of_amount(money.amount, price, rules, pair)?;
            Some(money.amount)
        }
        // A market order has no price to value it with; the broker says if it is too small.
        size => price.and_then(|price| size.amount().checked_mul(price.value())),
    };
    let Some((worth, least)) = worth
        .zip(pair.min_amount)
        .filter(|(worth, least)| worth < least)
    else {
        return Ok(());
    };
    let quote = pair.quote;
    let hint = match (request.size, price, pair.instrument.rules.quantity_step) {
        (OrderSize::Units(_), Some(price), Some(step)) => {
            least_quantity(least, price, step.value()).map_or(String::new(), |quantity| {
                format!(", which is {quantity} at {price}")
            })
        }
        _ => String::new(),
    };
    let worth = worth.normalize();
    Err(invalid(format!(
        "the order is worth {worth} {quote}; the least is {least} {quote}{hint}"
    )))
}

/// Checks the quantity that an amount buys at the price of its order against the sizes of the pair.
fn check_size_of_amount(
    amount: Decimal,
    price: Option<Price>,
    rules: &InstrumentRules,
    pair: &Pair,
) -> Result<()> {
    let Some((quantity, price)) =
        price.and_then(|price| Some((amount.checked_div(price.value())?, price)))
    else {
        return Ok(());
    };
    let (asset, quote) = (&pair.asset, pair.quote);
    let refused = |what: &str, size: Quantity| {
        let bound = size.value().normalize();
        let worth = bound.checked_mul(price.value());
        let worth = worth.map_or(String::new(), |worth| {
            format!(", which is {} {quote}", worth.normalize())
        });
        Err(invalid(format!(
            "{amount} {quote} at {price} is {what}, {bound} {asset}{worth}"
        )))
    };
    match (rules.min_quantity, rules.max_quantity) {
        (Some(least), _) if quantity < least.value() => refused("below the least", least),
        (_, Some(most)) if quantity > most.value() => refused("above the most", most),
        _ => Ok(()),
    }
}

/// The least quantity on the grid that is worth `least`.
fn least_quantity(least: Decimal, price: Price, step: Decimal) -> Option<Decimal> {
    let steps = least.checked_div(price.value())?.checked_div(step)?.ceil();
    Some(steps.checked_mul(step)?.normalize())
}

/// Writes the body, always in the same order of fields.
pub(crate) fn body(
    request: &OrderRequest,
    wire_id: &str,
    version: CryptoApiVersion,
) -> Result<Bytes> {
    let time_in_force = request.time_in_force.as_ref();
    let known = times_in_force();
    let wanted = known
        .iter()
        .find(|(known, _)| time_in_force.is_none_or(|it| it == known));
    let terms = NewTerms {
        asset_quantity: match request.size {
            OrderSize::Notional(_) => None,
            size => Some(Plain(size.amount())),
        },
        quote_amount: match request.size {
            OrderSize::Notional(money) => Some(Plain(money.amount)),
            _ => None,
        },
        limit_price: request.kind.limit_price().map(|price| Plain(price.value())),
        stop_price: request.kind.stop_price().map(|price| Plain(price.value())),
        time_in_force: wanted.map(|(_, name)| *name),
    };
    let timeless = NewTerms {
        time_in_force: None,
        ..terms
    };
    let mut order = NewOrder {
        client_order_id: wire_id,
        side: match request.side {
            Side::Buy => "buy",
            Side::Sell => "sell",
        },
        kind: "market",
        symbol: request.instrument.as_str(),
        market_order_config: None,
        limit_order_config: None,
        stop_loss_order_config: None,
        stop_limit_order_config: None,
    };
    match request.kind {
        OrderKind::Market => order.market_order_config = Some(timeless),
        OrderKind::Limit { .. } => {
            order.kind = "limit";
            order.limit_order_config = Some(match version {
                CryptoApiVersion::V1 => timeless,
                CryptoApiVersion::V2 => terms,
            });
        }
        OrderKind::Stop { .. } => {
            order.kind = "stop_loss";
            order.stop_loss_order_config = Some(terms);
        }
        OrderKind::StopLimit { .. } => {
            order.kind = "stop_limit";
            order.stop_limit_order_config = Some(terms);
        }
        kind => {
            let kind = kind.order_type();
            return Err(unsupported(format!("this broker has no {kind} orders")));
        }
    }
    serde_json::to_vec(&order)
        .map(Bytes::from)
        .map_err(|_| invalid("the order cannot be written as JSON"))
}
