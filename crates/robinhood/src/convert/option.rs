use time::OffsetDateTime;
use wheelhouse_core::{
    Currency, Decimal, Deliverable, InstrumentId, Money, OptionChain, OptionContract, OptionLeg,
    OptionPosition, OptionQuote, OptionRight, PositionEffect, PositionId, Price, Quantity, Result,
    Side, Symbol,
};

use super::{Place, account_id, direction, fit, instrument_id, odd, price, symbol};
use crate::{
    types::{ChainCollateral, OptionEvent, OptionStrategy, SharesMoved, StrategyLeg},
    wire::{Num, Text, option as wire},
};

pub(crate) fn chain(
    chain: &wire::Chain<'_>,
    underlying: &Symbol,
    place: Place<'_>,
) -> Result<OptionChain> {
    let mut converted = OptionChain::new(chain.id.as_str(), underlying.clone());
    let root = symbol(&chain.symbol)?;
    converted.root = (root != *underlying).then_some(root);
    converted.expirations = chain.expiration_dates.iter().map(|day| day.0).collect();
    converted.expirations.sort_unstable();
    converted.multiplier = delivers(chain)?.units;
    converted.can_open = chain.can_open_position;
    converted.raw = place.raw();
    Ok(converted)
}

/// What the contracts of a chain stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delivers {
    /// The share that they are on. Chains that were adjusted have a root of their own.
    underlying: Option<Symbol>,
    /// Which instrument that is.
    instrument: Option<InstrumentId>,
    /// How many units of it, where it is that alone.
    units: Option<Decimal>,
    kind: Option<Deliverable>,
}

impl Delivers {
    /// Names the share that they are on, and the instrument that it is.
    pub(crate) fn share(&self) -> Option<(Symbol, InstrumentId)> {
        self.underlying.clone().zip(self.instrument.clone())
    }

    pub(crate) fn describe(&self, contract: &mut OptionContract) {
        if let Some(underlying) = &self.underlying {
            contract.underlying = underlying.clone();
        }
        if let Some(units) = self.units {
            contract.multiplier = units;
        }
        // An index cannot be delivered, whatever its chain says.
        if contract.deliverable != Some(Deliverable::Cash) {
            contract.deliverable = self.kind;
        }
    }
}

pub(crate) fn delivers(chain: &wire::Chain<'_>) -> Result<Delivers> {
    let value = multiplier(chain.trade_value_multiplier)?;
    // Cash beside the shares marks contracts that were adjusted.
    let cash = chain.cash_component.is_some_and(|it| {
        let amount = serde_json::from_str::<Num>(it.get());
        !amount.is_ok_and(|amount| amount.0.is_zero())
    });
    let (units, kind) = match chain.underlying_instruments.as_deref() {
        None => (None, cash.then_some(Deliverable::Adjusted)),
        Some([]) => (Some(value), Some(Deliverable::Cash)),
        Some([one]) if !cash && one.quantity.0 == value => {
            (Some(value), Some(Deliverable::Standard))
        }
        Some([one]) if !cash => (Some(one.quantity.0), Some(Deliverable::Adjusted)),
        Some(_) => (None, Some(Deliverable::Adjusted)),
    };
    let one = match chain.underlyings.as_deref() {
        Some([one]) => Some(one),
        _ => None,
    };
    let underlying = one.and_then(|one| one.symbol.as_ref()).map(symbol);
    let share = one.filter(|one| one.kind.as_ref().map(Text::as_str) == Some("equity"));
    let id = share.and_then(|one| one.id.as_ref()).map(Text::as_str);
    let instrument = id.map(|id| fit("instrument", InstrumentId::new(id)));
    Ok(Delivers {
        underlying: underlying.transpose()?,
        instrument: instrument.transpose()?,
        units,
        kind,
    })
}

fn right(text: &str) -> Result<OptionRight> {
    match text {
        "call" => Ok(OptionRight::Call),
        "put" => Ok(OptionRight::Put),
        _ => Err(odd("the option in the answer is neither a call nor a put")),
    }
}

pub(crate) fn contract(contract: &wire::Contract<'_>, place: Place<'_>) -> Result<OptionContract> {
    let mut converted = OptionContract::new(
        fit("contract", InstrumentId::new(contract.id.as_str()))?,
        symbol(&contract.chain_symbol)?,
        contract.expiration_date.0,
        Price::new(contract.strike_price.0),
        right(contract.right.as_str())?,
    );
    let active = contract
        .state
        .as_ref()
        .is_none_or(|state| state.as_str() == "active");
    converted.tradable = contract
        .tradability
        .as_ref()
        .map(|text| active && text.as_str() == "tradable");
    converted.deliverable = contract.is_on_an_index().then_some(Deliverable::Cash);
    converted.raw = place.raw();
    Ok(converted)
}

pub(crate) fn option_quote(
    quote: &wire::OptionQuote<'_>,
    now: OffsetDateTime,
    place: Place<'_>,
) -> Result<OptionQuote> {
    let id = instrument_id(quote.instrument_id.as_ref(), &quote.instrument)?;
    let value = |num: Option<Num>| num.map(|num| num.0);
    let count = |num: Option<Num>| value(num).and_then(|value| u64::try_from(value).ok());
    // A bid of zero is a bid that nobody makes; a mark of zero is a worthless option.
    let mark = value(quote.adjusted_mark_price).or(value(quote.mark_price));
    let mut converted = OptionQuote::new(id, now);
    converted.bid = price(quote.bid_price);
    converted.ask = price(quote.ask_price);
    converted.mark = mark.map(Price::new);
    converted.last = price(quote.last_trade_price);
    converted.volume = count(quote.volume);
    converted.open_interest = count(quote.open_interest);
    converted.implied_volatility = value(quote.implied_volatility);
    converted.delta = value(quote.delta);
    converted.gamma = value(quote.gamma);
    converted.theta = value(quote.theta);
    converted.vega = value(quote.vega);
    converted.rho = value(quote.rho);
    converted.raw = place.raw();
    Ok(converted)
}

pub(crate) fn option_position(
    position: &wire::OptionPosition<'_>,
    contract: OptionContract,
    place: Place<'_>,
) -> Result<OptionPosition> {
    let account = account_id(position.account_number.as_ref(), position.account.as_ref())?;
    let id = fit("position", PositionId::new(position.id.as_str()))?;
    let side = held(&position.direction)?;
    let multiplier = multiplier(position.trade_value_multiplier)?;
    let contracts = Quantity::new(position.quantity.0.abs());
    let mut converted = OptionPosition::new(id, account, contract, side, contracts);
    // Per contract on the wire, and negative for short ones in some answers.
    converted.average_price = position
        .average_price
        .and_then(|paid| paid.0.abs().checked_div(multiplier))
        .map(Price::new);
    let contracts = |num: Option<Num>| num.map(|num| Quantity::new(num.0.abs()));
    converted.pending_assignment = contracts(position.pending_assignment_quantity);
    converted.pending_expiration = contracts(position.pending_expiration_quantity);
    converted.opened_at = position.opened_at.or(position.created_at).map(|at| at.0);
    converted.raw = place.raw();
    Ok(converted)
}

fn held(text: &Text<'_>) -> Result<Side> {
    match text.as_str() {
        "long" => Ok(Side::Buy),
        "short" => Ok(Side::Sell),
        _ => Err(odd("the position in the answer is neither long nor short")),
    }
}

fn multiplier(num: Option<Num>) -> Result<Decimal> {
    match num.map_or(Decimal::ONE_HUNDRED, |num| num.0) {
        value if value > Decimal::ZERO => Ok(value),
        _ => Err(odd("the multiplier in the answer is not above zero")),
    }
}

pub(crate) fn strategy(
    row: &wire::AggregatePosition<'_>,
    place: Place<'_>,
) -> Result<OptionStrategy> {
    let account = account_id(row.account_number.as_ref(), row.account.as_ref())?;
    let underlying = symbol(&row.symbol)?;
    let multiplier = multiplier(row.trade_value_multiplier)?;
    let leg = |leg: &wire::AggregateLeg<'_>| -> Result<StrategyLeg> {
        let mut contract = OptionContract::new(
            instrument_id(leg.option_id.as_ref(), &leg.option)?,
            underlying.clone(),
            leg.expiration_date.0,
            Price::new(leg.strike_price.0),
            right(leg.option_type.as_str())?,
        );
        contract.multiplier = multiplier;
        Ok(StrategyLeg {
            position: fit("position", PositionId::new(leg.position.tail()))?,
            contract,
            side: held(&leg.position_type)?,
            ratio: ratio(leg.ratio_quantity)?,
        })
    };
    Ok(OptionStrategy {
        id: row.id.owned(),
        account,
        underlying: underlying.clone(),
        chain: row.chain.as_ref().map(|url| url.tail().to_owned()),
        strategy: row.strategy.owned(),
        direction: direction(row.direction.as_str())?,
        quantity: Quantity::new(row.quantity.0),
        average_price: row
            .average_open_price
            .and_then(|paid| paid.0.abs().checked_div(multiplier))
            .map(Price::new),
        multiplier,
        legs: row.legs.iter().map(leg).collect::<Result<_>>()?,
        opened_at: row.created_at.map(|at| at.0),
        raw: place.raw(),
    })
}

/// How many contracts of a leg there are for each one of the order.
fn ratio(num: Num) -> Result<u32> {
    let whole = num.0.normalize();
    match u32::try_from(whole) {
        Ok(ratio) if ratio > 0 && whole.scale() == 0 => Ok(ratio),
        _ => Err(odd(
            "the ratio of a leg in the answer is not a whole number above zero",
        )),
    }
}

pub(super) fn order_leg(leg: &crate::wire::option_order::Leg<'_>) -> Result<OptionLeg> {
    Ok(OptionLeg {
        contract: fit("contract", InstrumentId::new(leg.option.tail()))?,
        side: super::side(leg.side.as_str())?,
        effect: match leg.position_effect.as_str() {
            "open" => PositionEffect::Open,
            "close" => PositionEffect::Close,
            _ => return Err(odd("a leg in the answer neither opens nor closes")),
        },
        ratio: ratio(leg.ratio_quantity)?,
    })
}

pub(crate) fn event(row: &wire::OptionEvent<'_>, place: Place<'_>) -> Result<OptionEvent> {
    let moved = |part: &wire::EquityComponent<'_>| -> Result<SharesMoved> {
        Ok(SharesMoved {
            symbol: symbol(&part.symbol)?,
            side: super::side(part.side.as_str())?,
            quantity: Quantity::new(part.quantity.0),
            price: price(part.price),
        })
    };
    // Without its direction nobody knows whether money came or went.
    let amount = row.total_cash_amount.map(|amount| amount.0.abs());
    let side = match &row.direction {
        Some(text) => Some(direction(text.as_str())?),
        None => None,
    };
    let cash = match (amount, side) {
        (Some(amount), Some(Side::Sell)) => Some(amount),
        (Some(amount), Some(Side::Buy)) => Some(-amount),
        (amount, None) => amount.filter(|amount| amount.is_zero()),
        (None, _) => None,
    };
    let cash = cash.map(|amount| Money::new(amount, Currency::USD));
    Ok(OptionEvent {
        id: row.id.owned(),
        account: account_id(row.account_number.as_ref(), row.account.as_ref())?,
        contract: fit("contract", InstrumentId::new(row.option.tail()))?,
        kind: row.kind.owned(),
        state: row.state.owned(),
        date: row.event_date.map(|day| day.0),
        contracts: row.quantity.map(|n| Quantity::new(n.0)),
        cash,
        shares: row
            .equity_components
            .iter()
            .map(moved)
            .collect::<Result<_>>()?,
        raw: place.raw(),
    })
}

pub(crate) fn collateral(
    answer: &wire::ChainCollateral<'_>,
    place: Place<'_>,
) -> Result<ChainCollateral> {
    let shares = |part: &wire::Collateral<'_>| -> Result<Vec<(Symbol, Quantity)>> {
        part.equities
            .iter()
            .map(|row| Ok((symbol(&row.symbol)?, Quantity::new(row.quantity.0))))
            .collect()
    };
    let (positions, orders) = (&answer.collateral, &answer.collateral_held_for_orders);
    Ok(ChainCollateral {
        cash: Money::new(positions.cash.amount.0, Currency::USD),
        shares: shares(positions)?,
        infinite: positions.cash.infinite || orders.cash.infinite,
        cash_for_orders: Money::new(orders.cash.amount.0, Currency::USD),
        shares_for_orders: shares(orders)?,
        raw: place.raw(),
    })
}
