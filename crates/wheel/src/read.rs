use std::collections::{BTreeMap, BTreeSet};

use wheelhouse_core::{
    AccountId, Broker, BrokerExt, Clock, Decimal, Error, ErrorKind, InstrumentId, OptionQuote,
    OptionsTrading, OrderSize, Position, Price, Quote, Result, Side, Symbol,
};

use crate::{classify::classify_account, inputs::WheelInputs, report::AccountWheel};

/// Reads an account and says where each of its underlyings stands.
///
/// # Errors
///
/// As [`gather`] and [`classify`](crate::classify).
pub async fn read(
    broker: &dyn Broker,
    account: &AccountId,
    clock: &dyn Clock,
) -> Result<AccountWheel> {
    let inputs = gather(broker, account, clock).await?;
    classify_account(&inputs, account).map_err(|error| error.at_broker(broker.id()))
}

/// Reads what [`classify`](crate::classify) needs to know of an account, but for assignments: add
/// those if they are known.
///
/// The readings follow each other, so that a trade or an assignment in between can show in one and
/// not in the other. A price that the broker does not have is left out.
///
/// # Errors
///
/// [`ErrorKind::Unsupported`] if the broker has no options. [`ErrorKind::UnexpectedAnswer`] if it
/// answers with another account's rows, because then some of this account's may be missing. Else as
/// the readings: if one of them fails, all fails.
pub async fn gather(
    broker: &dyn Broker,
    account: &AccountId,
    clock: &dyn Clock,
) -> Result<WheelInputs> {
    let Some(options) = broker.options() else {
        let error = Error::new(ErrorKind::Unsupported, "this broker has no options");
        return Err(error
            .at_broker(broker.id())
            .in_operation("option_positions"));
    };
    let summary = broker.account_summary(account).await?;
    let positions = broker.all_positions(account).await?;
    let written = options.option_positions(account).await?;

    let mut inputs = WheelInputs::at(clock.now());
    let strange = |operation| {
        let message = "the broker answered with rows of another account";
        let error = Error::new(ErrorKind::UnexpectedAnswer, message);
        error.at_broker(broker.id()).in_operation(operation)
    };
    if summary.account != *account {
        return Err(strange("account_summary"));
    }
    if positions.iter().any(|row| row.account != *account) {
        return Err(strange("positions"));
    }
    if written.iter().any(|row| row.account != *account) {
        return Err(strange("option_positions"));
    }
    inputs.summaries.push(summary);
    inputs.positions = positions;
    inputs.options = written;
    inputs.marks = marks(options, account, &inputs).await?;
    name_and_price(broker, account, &mut inputs).await?;
    Ok(inputs)
}

/// Reads the prices of written contracts.
async fn marks(
    options: &dyn OptionsTrading,
    account: &AccountId,
    inputs: &WheelInputs,
) -> Result<BTreeMap<InstrumentId, Price>> {
    let written = inputs.options.iter().filter(|row| row.side == Side::Sell);
    let contracts: BTreeSet<_> = written.map(|row| row.contract.id.clone()).collect();
    if contracts.is_empty() {
        return Ok(BTreeMap::new());
    }
    let contracts: Vec<_> = contracts.into_iter().collect();
    let quotes = options.option_quotes(account, &contracts).await;
    let quotes = unless(PRICELESS, quotes)?.unwrap_or_default();
    Ok(quotes
        .into_iter()
        .filter_map(|quote| Some((quote.contract.clone(), mark(&quote)?)))
        .collect())
}

/// Finds names for positions that have none, and prices for underlyings that have none.
async fn name_and_price(
    broker: &dyn Broker,
    account: &AccountId,
    inputs: &mut WheelInputs,
) -> Result<()> {
    let shares = |row: &&Position| matches!(row.size, OrderSize::Shares(_));
    let held: Vec<_> = inputs.positions.iter().filter(shares).collect();
    let is_priced = |symbol: &Symbol| {
        held.iter()
            .any(|row| row.symbol.as_ref() == Some(symbol) && row.mark_price.is_some())
    };

    let mut wanted: BTreeMap<InstrumentId, Symbol> = BTreeMap::new();
    for row in held.iter().filter(|row| row.mark_price.is_none()) {
        if let Some(symbol) = &row.symbol {
            wanted.insert(row.instrument.clone(), symbol.clone());
        }
    }
    // Whatever is left has no row of this name: nothing is held, or rows of it carry no name.
    let mut symbols = BTreeMap::new();
    let underlyings = inputs.options.iter().map(|row| &row.contract.underlying);
    for symbol in underlyings.collect::<BTreeSet<_>>() {
        let is_wanted = wanted.values().any(|wanted| wanted == symbol);
        if is_wanted || is_priced(symbol) {
            continue;
        }
        if let Some(found) = unless(NAMELESS, broker.instrument(account, symbol).await)? {
            symbols.insert(found.id.clone(), symbol.clone());
            wanted.insert(found.id, symbol.clone());
        }
    }
    inputs.symbols = symbols;
    if wanted.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = wanted.keys().cloned().collect();
    let quotes = unless(PRICELESS, broker.quotes(account, &ids).await)?;
    for quote in quotes.unwrap_or_default() {
        if let (Some(symbol), Some(price)) = (wanted.get(&quote.instrument), price(&quote)) {
            inputs.prices.insert(symbol.clone(), price);
        }
    }
    Ok(())
}

/// What an instrument that the broker does not have, or has several of, fails with.
const NAMELESS: &[ErrorKind] = &[
    ErrorKind::InvalidInput,
    ErrorKind::NotFound,
    ErrorKind::Unsupported,
];

/// What prices that the broker does not have fail with.
const PRICELESS: &[ErrorKind] = &[ErrorKind::NotFound, ErrorKind::Unsupported];

/// Takes failures of these kinds for nothing; others stay.
fn unless<T>(kinds: &[ErrorKind], result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if kinds.contains(&error.kind()) => Ok(None),
        Err(error) => Err(error),
    }
}

fn mark(quote: &OptionQuote) -> Option<Price> {
    quote.mark.or_else(|| {
        let sum = quote.bid?.value().checked_add(quote.ask?.value())?;
        sum.checked_div(Decimal::TWO).map(Price::new)
    })
}

fn price(quote: &Quote) -> Option<Price> {
    let last = quote.last.filter(|last| last.value() > Decimal::ZERO);
    last.or_else(|| quote.mid())
}
