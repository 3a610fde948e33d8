use std::collections::{BTreeMap, HashMap};

use time::Date;
use wheelhouse::{
    OptionChain, OptionContract, OptionQuery, OptionQuote, OptionRight, OptionsTrading, prelude::*,
};

/// The contracts of one strike.
#[derive(Default)]
pub(crate) struct Strike {
    pub(crate) call: Option<OptionContract>,
    pub(crate) put: Option<OptionContract>,
}

pub(crate) type Strikes = BTreeMap<Price, Strike>;
pub(crate) type Quotes = HashMap<InstrumentId, OptionQuote>;

fn options(broker: &dyn Broker) -> Result<&dyn OptionsTrading> {
    broker
        .options()
        .ok_or_else(|| Error::new(ErrorKind::Unsupported, "this broker has no options"))
}

/// Reads the chain that new positions are opened in.
pub(crate) async fn chain(
    broker: &dyn Broker,
    account: &AccountId,
    underlying: &Symbol,
) -> Result<OptionChain> {
    let chains = options(broker)?.option_chains(account, underlying).await?;
    let (usable, rest): (Vec<_>, Vec<_>) = chains
        .into_iter()
        .partition(|chain| chain.can_open != Some(false));
    usable.into_iter().chain(rest).next().ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            format!("there are no options on {underlying}"),
        )
    })
}

/// Reads the contracts of one day, page after page.
pub(crate) async fn strikes(
    broker: &dyn Broker,
    account: &AccountId,
    underlying: &Symbol,
    expiration: Date,
) -> Result<Strikes> {
    let mut query = OptionQuery::new(underlying.clone());
    query.expiration = Some(expiration);
    let mut strikes = Strikes::new();
    loop {
        let page = options(broker)?
            .option_contracts(account, query.clone())
            .await?;
        for contract in page.items {
            let strike = strikes.entry(contract.strike).or_default();
            match contract.right {
                OptionRight::Call => strike.call = Some(contract),
                OptionRight::Put => strike.put = Some(contract),
            }
        }
        match page.next {
            Some(next) => query.page = Some(next),
            None => return Ok(strikes),
        }
    }
}

/// Keeps the strikes that are nearest to the price.
pub(crate) fn nearest(strikes: Strikes, price: Option<Price>, count: usize) -> Strikes {
    let mut by_distance: Vec<_> = strikes.into_iter().collect();
    if let Some(price) = price {
        by_distance.sort_by_key(|(strike, _)| (strike.value() - price.value()).abs());
    }
    by_distance.truncate(count);
    by_distance.into_iter().collect()
}

pub(crate) async fn quotes(
    broker: &dyn Broker,
    account: &AccountId,
    strikes: &Strikes,
) -> Result<Quotes> {
    let contracts = strikes
        .values()
        .flat_map(|strike| strike.call.iter().chain(&strike.put));
    let ids: Vec<_> = contracts.map(|contract| contract.id.clone()).collect();
    if ids.is_empty() {
        return Ok(Quotes::new());
    }
    let quotes = options(broker)?.option_quotes(account, &ids).await?;
    Ok(quotes
        .into_iter()
        .map(|quote| (quote.contract.clone(), quote))
        .collect())
}
