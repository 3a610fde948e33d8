use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use time::macros::format_description;
use wheelhouse_core::{
    AccountId, BrokerOrderId, Clock, Error, ErrorKind, InstrumentId, OptionChain, OptionContract,
    OptionOrder, OptionOrderRequest, OptionPosition, OptionQuery, OptionQuote, OptionRight,
    OptionsTrading, OrderQuery, Page, PageToken, PositionId, Result, Submission, Symbol,
};

use crate::{
    Robinhood,
    accounts::{ById, next_page},
    api::{self, place, rows},
    client::Inner,
    config::Host,
    convert::{self, Delivers, Place},
    endpoints, error,
    indexes::{chain_of, token_after},
    wire::{Num, option as wire},
};

/// How many identifiers go into one request.
const IDS: usize = 40;
/// The most contracts and chains that are remembered.
const MOST: usize = 20_000;

/// Contracts and chains met of late, with the time of their reading: a split or a merger changes
/// their terms.
#[derive(Debug, Default)]
pub(crate) struct Contracts(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    contracts: HashMap<InstrumentId, (Duration, Arc<Terms>)>,
    chains: HashMap<String, (Duration, Arc<ChainTerms>)>,
    indexes: HashMap<Symbol, (Duration, Vec<String>)>,
}

/// A contract and what orders of it have to keep to.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) contract: OptionContract,
    pub(crate) chain: String,
    pub(crate) ticks: Option<wire::Ticks>,
}

#[derive(Clone, Debug)]
pub(crate) struct ChainTerms {
    delivers: Delivers,
    pub(crate) ticks: Option<wire::Ticks>,
    pub(crate) ticks_multileg: Option<wire::Ticks>,
}

impl Contracts {
    fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, clock: &dyn Clock, terms: Terms) -> Arc<Terms> {
        let (at, terms) = (clock.monotonic(), Arc::new(terms));
        self.with(|state| {
            if state.contracts.len() >= MOST {
                state.contracts.clear();
            }
            let id = terms.contract.id.clone();
            state.contracts.insert(id, (at, terms.clone()));
        });
        terms
    }

    fn contract(&self, id: &InstrumentId, since: Duration) -> Option<Arc<Terms>> {
        self.with(|state| {
            let (at, terms) = state.contracts.get(id)?;
            (*at >= since).then(|| terms.clone())
        })
    }

    pub(crate) fn put_index(&self, clock: &dyn Clock, index: Symbol, chains: Vec<String>) {
        let at = clock.monotonic();
        self.with(|state| {
            if state.indexes.len() >= MOST {
                state.indexes.clear();
            }
            state.indexes.insert(index, (at, chains));
        });
    }

    pub(crate) fn index(&self, index: &Symbol, since: Duration) -> Option<Vec<String>> {
        self.with(|state| {
            let (at, chains) = state.indexes.get(index)?;
            (*at >= since).then(|| chains.clone())
        })
    }

    fn put_chain(&self, clock: &dyn Clock, id: String, terms: ChainTerms) -> Arc<ChainTerms> {
        let (at, terms) = (clock.monotonic(), Arc::new(terms));
        self.with(|state| {
            if state.chains.len() >= MOST {
                state.chains.clear();
            }
            state.chains.insert(id, (at, terms.clone()));
        });
        terms
    }

    fn chain(&self, id: &str, since: Duration) -> Option<Arc<ChainTerms>> {
        self.with(|state| {
            let (at, terms) = state.chains.get(id)?;
            (*at >= since).then(|| terms.clone())
        })
    }
}

impl Inner {
    async fn read_chains(&self, underlying: &Symbol) -> Result<Vec<OptionChain>> {
        let endpoint = &endpoints::GET_CHAINS;
        let call = self.api.call(Host::Api, endpoint);
        let (call, of_index) = match self.listing_by_symbol(underlying).await {
            Ok(listing) => {
                let id = &listing.instrument.id;
                (call.query("equity_instrument_ids", id), None)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let ids = self.index_chains(underlying).await?.ok_or(error)?;
                if ids.is_empty() {
                    return Ok(Vec::new());
                }
                (call.query("ids", ids.join(",")), Some(ids))
            }
            Err(error) => return Err(error),
        };
        let mut chains = Vec::new();
        self.api
            .all_pages(Host::Api, endpoint, call, |body| {
                let (items, next) = rows(body, |row: &wire::Chain<'_>, index| {
                    self.remember_chain(row)?;
                    convert::chain(row, underlying, Place::Row(body, index)).map(Some)
                })?;
                chains.extend(items);
                Ok((next, true))
            })
            .await?;
        if let Some(ids) = of_index {
            chains.retain(|chain: &OptionChain| ids.contains(&chain.id));
            if !ids.iter().all(|id| chains.iter().any(|it| it.id == *id)) {
                let error = convert::odd("a chain of the index is missing in the answer");
                return Err(place(endpoint, error));
            }
        }
        Ok(chains)
    }

    fn remember_chain(&self, chain: &wire::Chain<'_>) -> Result<Arc<ChainTerms>> {
        let terms = ChainTerms {
            delivers: convert::delivers(chain)?,
            ticks: chain.min_ticks,
            ticks_multileg: chain.min_ticks_multileg,
        };
        if let Some((symbol, id)) = terms.delivers.share() {
            self.listings.meet(symbol, id);
        }
        let id = chain.id.owned();
        Ok(self.contracts.put_chain(self.clock(), id, terms))
    }

    /// Since when terms must have been read to be taken for today's.
    pub(crate) fn terms_since(&self) -> Duration {
        let age = self.config.instruments_age;
        self.clock().monotonic().saturating_sub(age)
    }

    pub(crate) async fn chain_terms(&self, id: &str) -> Result<Arc<ChainTerms>> {
        if let Some(known) = self.contracts.chain(id, self.terms_since()) {
            return Ok(known);
        }
        let endpoint = &endpoints::GET_CHAIN;
        let call = self.api.call(Host::Api, endpoint).path("chain", id);
        let body = self.api.read(endpoint, call).await?;
        api::decode::<wire::Chain<'_>>(&body)
            .and_then(|chain| self.remember_chain(&chain))
            .map_err(|error| place(endpoint, error))
    }

    /// Reads the terms of chains, many in one request.
    async fn chains_of(
        &self,
        ids: impl Iterator<Item = &str>,
    ) -> Result<HashMap<String, Arc<ChainTerms>>> {
        let since = self.terms_since();
        let ids: HashSet<&str> = ids.collect();
        let known = |id: &&str| Some(((*id).to_owned(), self.contracts.chain(id, since)?));
        let mut found: HashMap<_, _> = ids.iter().filter_map(known).collect();
        let missing: Vec<_> = ids.iter().filter(|id| !found.contains_key(**id)).collect();
        if missing.len() > 1 {
            let endpoint = &endpoints::GET_CHAINS;
            for chunk in missing.chunks(IDS) {
                let list: Vec<_> = chunk.iter().map(|id| **id).collect();
                let call = self.api.call(Host::Api, endpoint);
                let call = call.query("ids", list.join(","));
                let read = self.api.all_pages(Host::Api, endpoint, call, |body| {
                    let (items, next) = rows(body, |row: &wire::Chain<'_>, _| {
                        let terms = self.remember_chain(row)?;
                        Ok(Some((row.id.owned(), terms)))
                    })?;
                    found.extend(items);
                    let all = chunk.iter().all(|id| found.contains_key(**id));
                    Ok((next, !all))
                });
                read.await?;
            }
        }
        for id in missing {
            if !found.contains_key(*id) {
                found.insert((*id).to_owned(), self.chain_terms(id).await?);
            }
        }
        Ok(found)
    }

    async fn list_contracts(&self, query: OptionQuery) -> Result<Page<OptionContract>> {
        let endpoint = &endpoints::GET_CONTRACTS;
        let chains = self.chain_ids(&query.underlying).await?;
        let token = query.page.as_ref().map(PageToken::as_str);
        if chains.is_empty() {
            return Ok(Page::last(Vec::new()));
        }
        let (chain, link) = chain_of(&chains, token)
            .ok_or_else(|| error::invalid("the page is not one of these contracts"))?;
        let terms = self.chain_terms(chain).await?;
        let body = match link {
            link if !link.is_empty() => self.api.follow(Host::Api, endpoint, link).await?,
            _ => {
                let mut call = self.api.call(Host::Api, endpoint).query("chain_id", chain);
                if let Some(date) = query.expiration {
                    let text = date.format(format_description!("[year]-[month]-[day]"));
                    call = call.query("expiration_dates", text.unwrap_or_default());
                }
                if let Some(strike) = query.strike {
                    // Formatting by a precision panics on decimals that are full.
                    let mut strike = strike.value();
                    strike.rescale(4);
                    call = call.query("strike_price", strike);
                }
                match query.right {
                    Some(OptionRight::Call) => call = call.query("type", "call"),
                    Some(OptionRight::Put) => call = call.query("type", "put"),
                    None => {}
                }
                self.api
                    .read(endpoint, call.query("state", "active"))
                    .await?
            }
        };
        let page = rows(&body, |row: &wire::Contract<'_>, index| {
            let mut it = convert::contract(row, Place::Row(&body, index))?;
            terms.delivers.describe(&mut it);
            if row.is_on_an_index() {
                it.underlying = query.underlying.clone();
            }
            let fits = row.chain_id.as_str() == chain
                && query.expiration.is_none_or(|date| it.expiration == date)
                && query.strike.is_none_or(|strike| it.strike == strike)
                && query.right.is_none_or(|right| it.right == right);
            Ok(fits.then_some(it))
        });
        let (items, next) = page.map_err(|error| place(endpoint, error))?;
        let next = token_after(&chains, chain, next);
        let next = next_page(query.page.as_ref(), next).map_err(|error| place(endpoint, error))?;
        Ok(Page { items, next })
    }

    /// Finds the terms of contracts by their identifiers, reading those that were not met before.
    pub(crate) async fn terms_of(&self, ids: &[InstrumentId]) -> Result<ById<Arc<Terms>>> {
        self.terms_told_since(self.terms_since(), ids).await
    }

    /// Does so with what was told at `since` or later.
    pub(crate) async fn terms_told_since(
        &self,
        since: Duration,
        ids: &[InstrumentId],
    ) -> Result<ById<Arc<Terms>>> {
        let known = |id: &InstrumentId| Some((id.clone(), self.contracts.contract(id, since)?));
        let mut found: ById<Arc<Terms>> = ids.iter().filter_map(known).collect();
        let mut missing: Vec<_> = ids.iter().filter(|id| !found.contains_key(*id)).collect();
        missing.sort_unstable();
        missing.dedup();
        let endpoint = &endpoints::GET_CONTRACTS;
        let mut read = Vec::new();
        for chunk in missing.chunks(IDS) {
            let list: Vec<_> = chunk.iter().map(|id| id.as_str()).collect();
            let call = self
                .api
                .call(Host::Api, endpoint)
                .query("ids", list.join(","));
            let wanted = read.len() + chunk.len();
            self.api
                .all_pages(Host::Api, endpoint, call, |body| {
                    let (items, next) = rows(body, |row: &wire::Contract<'_>, index| {
                        let terms = Terms {
                            contract: convert::contract(row, Place::Row(body, index))?,
                            chain: row.chain_id.owned(),
                            ticks: row.min_ticks,
                        };
                        Ok(chunk.contains(&&terms.contract.id).then_some(terms))
                    })?;
                    read.extend(items);
                    // Everything that was asked for is there.
                    Ok((next, read.len() < wanted))
                })
                .await?;
        }
        let chains = self.chains_of(read.iter().map(|terms| terms.chain.as_str()));
        let chains = chains.await?;
        for mut terms in read {
            if let Some(chain) = chains.get(&terms.chain) {
                chain.delivers.describe(&mut terms.contract);
            }
            let id = terms.contract.id.clone();
            found.insert(id, self.contracts.put(self.clock(), terms));
        }
        match ids.iter().find(|id| !found.contains_key(*id)) {
            None => Ok(found),
            Some(id) => {
                let message = format!("the broker does not know the contract {id}");
                Err(place(endpoint, Error::new(ErrorKind::NotFound, message)))
            }
        }
    }

    /// Reads prices in the order of `ids`. What the broker has none of, as of contracts that are
    /// over, stays without figures.
    async fn read_option_quotes(&self, ids: &[InstrumentId]) -> Result<Vec<OptionQuote>> {
        let endpoint = &endpoints::GET_OPTION_QUOTES;
        let mut found: ById<OptionQuote> = ById::new();
        for chunk in ids.chunks(IDS) {
            let list: Vec<_> = chunk.iter().map(|id| id.as_str()).collect();
            let call = self
                .api
                .call(Host::Api, endpoint)
                .query("ids", list.join(","));
            let body = self.api.read(endpoint, call).await?;
            let now = self.clock().now();
            let page = rows(
                &body,
                |row: &Option<wire::OptionQuote<'_>>, index| match row {
                    Some(row) => {
                        convert::option_quote(row, now, Place::Row(&body, index)).map(Some)
                    }
                    None => Ok(None),
                },
            );
            let (quotes, _) = page.map_err(|error| place(endpoint, error))?;
            found.extend(
                quotes
                    .into_iter()
                    .map(|quote| (quote.contract.clone(), quote)),
            );
        }
        let now = self.clock().now();
        let quote = |id: &InstrumentId| {
            found
                .get(id)
                .cloned()
                .unwrap_or_else(|| OptionQuote::new(id.clone(), now))
        };
        Ok(ids.iter().map(quote).collect())
    }

    async fn read_option_positions(&self, account: &AccountId) -> Result<Vec<OptionPosition>> {
        self.known(account, "option_positions").await?;
        let endpoint = &endpoints::GET_OPTION_POSITIONS;
        let call = self.api.call(Host::Api, endpoint);
        let call = call
            .query("nonzero", "True")
            .query("account_numbers", account);
        let mut bodies = Vec::new();
        let mut ids = Vec::new();
        self.api
            .all_pages(Host::Api, endpoint, call, |body| {
                let (held, next) = rows(body, |row: &wire::OptionPosition<'_>, _| {
                    Ok(counts(row).then_some(InstrumentId::new(contract_of(row))?))
                })?;
                ids.extend(held);
                bodies.push(body.clone());
                Ok((next, true))
            })
            .await?;
        let terms = self.terms_of(&ids).await?;
        // What is alone is in no strategy of several.
        let strategies = match ids.len() {
            0 | 1 => HashMap::new(),
            _ => self.strategies_of_several(account).await?,
        };
        let (mut all, mut seen) = (Vec::new(), HashSet::new());
        for body in &bodies {
            let page = rows(body, |row: &wire::OptionPosition<'_>, index| {
                let Some(terms) = terms.get(contract_of(row)).filter(|_| counts(row)) else {
                    return Ok(None);
                };
                let at = Place::Row(body, index);
                let mut position = convert::option_position(row, terms.contract.clone(), at)?;
                let id = row.id.as_str().to_ascii_lowercase();
                position.strategy = strategies.get(&id).cloned();
                let mine = position.account == *account;
                Ok(mine.then_some((id, position)))
            });
            let (page, _) = page.map_err(|error| place(endpoint, error))?;
            let new = page.into_iter().filter(|(id, _)| seen.insert(id.clone()));
            all.extend(new.map(|(_, position)| position));
        }
        Ok(all)
    }

    /// Finds the strategies of several legs that positions are a part of.
    async fn strategies_of_several(
        &self,
        account: &AccountId,
    ) -> Result<HashMap<String, PositionId>> {
        let endpoint = &endpoints::GET_STRATEGIES;
        let call = self.api.call(Host::Api, endpoint);
        let call = call
            .query("nonzero", "True")
            .query("account_numbers", account);
        let mut legs = HashMap::new();
        let read = self.api.all_pages(Host::Api, endpoint, call, |body| {
            let (found, next) = rows(body, |row: &wire::AggregatePosition<'_>, _| {
                let several = row.legs.len() > 1;
                Ok(several
                    .then_some((PositionId::new(row.id.as_str())?, &row.legs))
                    .map(|(id, legs)| {
                        let of = |leg: &wire::AggregateLeg<'_>| {
                            (leg.position.tail().to_ascii_lowercase(), id.clone())
                        };
                        legs.iter().map(of).collect::<Vec<_>>()
                    }))
            })?;
            legs.extend(found.into_iter().flatten());
            Ok((next, true))
        });
        read.await?;
        Ok(legs)
    }
}

fn contract_of<'a>(row: &'a wire::OptionPosition<'_>) -> &'a str {
    let id = row.option_id.as_ref();
    id.map_or(row.option.tail(), |id| id.as_str())
}

/// Whether anything is held or still under way.
fn counts(row: &wire::OptionPosition<'_>) -> bool {
    let some = |num: Option<Num>| num.is_some_and(|num| !num.0.is_zero());
    !row.quantity.0.is_zero()
        || some(row.pending_assignment_quantity)
        || some(row.pending_expiration_quantity)
}

#[async_trait]
impl OptionsTrading for Robinhood {
    async fn option_chains(&self, _: &AccountId, underlying: &Symbol) -> Result<Vec<OptionChain>> {
        let chains = self.inner.read_chains(underlying).await;
        chains.map_err(|error| self.inner.place_in(error, "option_chains"))
    }

    async fn option_contracts(
        &self,
        _: &AccountId,
        query: OptionQuery,
    ) -> Result<Page<OptionContract>> {
        let contracts = self.inner.list_contracts(query).await;
        contracts.map_err(|error| self.inner.place_in(error, "option_contracts"))
    }

    async fn option_quotes(
        &self,
        _: &AccountId,
        contracts: &[InstrumentId],
    ) -> Result<Vec<OptionQuote>> {
        self.inner.read_option_quotes(contracts).await
    }

    async fn option_positions(&self, account: &AccountId) -> Result<Vec<OptionPosition>> {
        let positions = self.inner.read_option_positions(account).await;
        positions.map_err(|error| self.inner.place_in(error, "option_positions"))
    }

    async fn option_orders(
        &self,
        account: &AccountId,
        query: OrderQuery,
    ) -> Result<Page<OptionOrder>> {
        self.inner.list_option_orders(account, query).await
    }

    async fn place_option_order(&self, request: &OptionOrderRequest) -> Result<Submission> {
        let placed = self.inner.place_options(request).await;
        placed.map_err(|error| self.inner.place_in(error, "place_option_order"))
    }

    async fn cancel_option_order(&self, account: &AccountId, order: &BrokerOrderId) -> Result<()> {
        let canceled = self.inner.cancel_options(account, order).await;
        canceled.map_err(|error| self.inner.place_in(error, "cancel_option_order"))
    }
}
