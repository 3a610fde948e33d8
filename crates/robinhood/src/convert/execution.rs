use wheelhouse_core::{
    AccountId, BrokerOrderId, Currency, Decimal, Execution, ExecutionId, InstrumentId, Money,
    PositionId, Price, Quantity, Result,
};

use super::{PREFIX, Place, account_id, fit, instrument_id, odd, side};
use crate::wire::{
    crypto::CryptoFills,
    option_order::OptionFills,
    order::{Execution as Fill, Order},
};

pub(crate) fn equity_executions(order: &Order<'_>, place: Place<'_>) -> Result<Vec<Execution>> {
    let id = fit("order", BrokerOrderId::new(order.id.as_str()))?;
    let account = account_id(None, Some(&order.account))?;
    let instrument = instrument_id(order.instrument_id.as_ref(), &order.instrument)?;
    let side = side(order.side.as_str())?;
    let convert = |row: &Fill<'_>| -> Result<Execution> {
        let mut execution = Execution::new(
            fit("execution", ExecutionId::new(row.id.as_str()))?,
            id.clone(),
            account.clone(),
            side,
            Quantity::new(row.quantity.0),
            Price::new(row.price.0),
        );
        execution.instrument = Some(instrument.clone());
        execution.position = Some(fit("position", PositionId::new(instrument.as_str()))?);
        execution.fee = row.fees.map(|fee| Money::new(fee.0, Currency::USD));
        execution.time = row.timestamp.map(|at| at.0);
        execution.raw = place.raw();
        Ok(execution)
    };
    let fills = order.executions.as_deref().unwrap_or_default();
    fills.iter().map(convert).collect()
}

/// Each leg has executions of its own, in contracts at the price per unit of the underlying.
pub(crate) fn option_executions(
    order: &OptionFills<'_>,
    place: Place<'_>,
) -> Result<Vec<Execution>> {
    let id = fit("order", BrokerOrderId::new(order.id.as_str()))?;
    let account = account_id(Some(&order.account_number), None)?;
    let mut executions = Vec::new();
    for leg in &order.legs {
        let contract = fit("contract", InstrumentId::new(leg.option.tail()))?;
        let side = side(leg.side.as_str())?;
        for row in leg.executions.as_deref().unwrap_or_default() {
            let mut execution = Execution::new(
                fit("execution", ExecutionId::new(row.id.as_str()))?,
                id.clone(),
                account.clone(),
                side,
                Quantity::new(row.quantity.0),
                Price::new(row.price.0),
            );
            execution.instrument = Some(contract.clone());
            execution.time = row.timestamp.map(|at| at.0);
            execution.raw = place.raw();
            executions.push(execution);
        }
    }
    // Fees are told for the whole order.
    if let [only] = executions.as_mut_slice() {
        let fees = order.regulatory_fees.zip(order.contract_fees);
        let fees = fees.and_then(|(a, b)| a.0.checked_add(b.0));
        only.fee = fees.map(|fees| Money::new(fees, Currency::USD));
    }
    Ok(executions)
}

/// Those without an identifier get one made of the order's and their place in it.
pub(crate) fn crypto_executions(
    order: &CryptoFills<'_>,
    account: &AccountId,
    place: Place<'_>,
) -> Result<Vec<Execution>> {
    let fills = order.executions.as_deref().unwrap_or_default();
    let filled = order.cumulative_quantity.map_or(Decimal::ZERO, |n| n.0);
    if fills.is_empty() && !filled.is_zero() {
        return Err(odd(
            "an order in the answer was filled and has no executions",
        ));
    }
    let id = order.id.as_str();
    let pair = format!("{PREFIX}{}", order.currency_pair_id.as_str());
    let mut executions = Vec::with_capacity(fills.len());
    for (index, row) in fills.iter().enumerate() {
        let own = match &row.id {
            Some(own) => own.owned(),
            None => format!("{id}:{index}"),
        };
        let mut execution = Execution::new(
            fit("execution", ExecutionId::new(own))?,
            fit("order", BrokerOrderId::new(format!("{PREFIX}{id}")))?,
            account.clone(),
            side(order.side.as_str())?,
            Quantity::new(row.quantity.0),
            Price::new(row.effective_price.0),
        );
        execution.instrument = Some(fit("pair", InstrumentId::new(pair.as_str()))?);
        execution.time = row.timestamp.map(|at| at.0);
        execution.raw = place.raw();
        executions.push(execution);
    }
    Ok(executions)
}
