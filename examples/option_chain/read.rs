use std::collections::{BTreeMap, HashMap};

use time::Date;
use wheelhouse::{
    OptionChain, OptionContract, OptionQuery, OptionQuote, OptionRight, OptionsTrading, Raw,
    prelude::*,
};
use wheelhouse_examples::progress;

/// The contracts of one strike.
#[derive(Default)]
pub(crate) struct Strike {
    pub(crate) call: Option<OptionContract>,
    pub(crate) put: Option<OptionContract>,
}

pub(crate) type Strikes = BTreeMap<Price, Strike>;
pub(crate) type Quotes = HashMap<InstrumentId, OptionQuote>;

/// What there is of one day.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) calls: usize,
    pub(crate) puts: usize,
    pub(crate) lowest: Option<Price>,
    pub(crate) highest: Option<Price>,
}

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
        let message = format!("there are no options on {underlying}");
        Error::new(ErrorKind::NotFound, message)
    })
}

/// Walks through contracts, of which one page is in memory at a time.
async fn each(
    broker: &dyn Broker,
    account: &AccountId,
    query: OptionQuery,
    mut look: impl FnMut(Vec<OptionContract>),
) -> Result<()> {
    let mut pages = broker.option_pages(account.clone(), query)?;
    let mut count = 0;
    while let Some(page) = pages.next().await? {
        count += page.len();
        progress(format_args!("{count} contracts read …"))?;
        look(page);
    }
    progress("")
}

/// Reads the contracts of one day, and keeps the strikes that are nearest to the price.
pub(crate) async fn nearest(
    broker: &dyn Broker,
    account: &AccountId,
    underlying: &Symbol,
    (expiration, price, count): (Date, Option<Price>, usize),
) -> Result<Strikes> {
    let mut query = OptionQuery::new(underlying.clone());
    query.expiration = Some(expiration);
    let mut strikes = Strikes::new();
    let look = |page: Vec<OptionContract>| {
        for mut contract in page {
            // The broker's own words are a part of the whole page, which would stay in memory.
            contract.raw = Raw::default();
            let strike = strikes.entry(contract.strike).or_default();
            match contract.right {
                OptionRight::Call => strike.call = Some(contract),
                OptionRight::Put => strike.put = Some(contract),
            }
        }
        let distance = |strike: &Price| price.map(|price| (strike.value() - price.value()).abs());
        let mut by_distance: Vec<_> = strikes.keys().copied().collect();
        by_distance.sort_by_key(|strike| (distance(strike), *strike));
        for far in by_distance.iter().skip(count) {
            strikes.remove(far);
        }
    };
    each(broker, account, query, look).await?;
    Ok(strikes)
}

/// Reads the contracts of all days, and counts them.
pub(crate) async fn tallies(
    broker: &dyn Broker,
    account: &AccountId,
    underlying: &Symbol,
) -> Result<BTreeMap<Date, Tally>> {
    let mut days: BTreeMap<Date, Tally> = BTreeMap::new();
    let look = |page: Vec<OptionContract>| {
        for contract in page {
            let day = days.entry(contract.expiration).or_default();
            match contract.right {
                OptionRight::Call => day.calls += 1,
                OptionRight::Put => day.puts += 1,
            }
            let strike = contract.strike;
            day.lowest = Some(day.lowest.map_or(strike, |lowest| lowest.min(strike)));
            day.highest = day.highest.max(Some(strike));
        }
    };
    each(broker, account, OptionQuery::new(underlying.clone()), look).await?;
    Ok(days)
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
    let quotes = quotes.into_iter();
    Ok(quotes
        .map(|quote| (quote.contract.clone(), quote))
        .collect())
}
