use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use time::macros::format_description;
use wheelhouse_core::{
    AccountId, BrokerOrderId, Decimal, Error, ErrorKind, InstrumentId, OptionChain, OptionContract,
    OptionOrder, OptionOrderRequest, OptionPosition, OptionQuery, OptionQuote, OptionRight,
    OptionsTrading, OrderQuery, Page, Result, Submission, Symbol,
};

use crate::{
    Robinhood,
    accounts::{ById, next_page},
    api::{self, place, rows},
    client::Inner,
    config::Host,
    convert::{self, Place},
    endpoints,
    wire::option as wire,
};

/// How many identifiers go into one request.
const IDS: usize = 40;
/// The most contracts and chains that are remembered.
const MOST: usize = 20_000;

/// Contracts met of late: their terms never change.
#[derive(Debug, Default)]
pub(crate) struct Contracts(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    contracts: HashMap<InstrumentId, Arc<Terms>>,
    chains: HashMap<String, Arc<ChainTerms>>,
}

/// A contract and what orders of it have to keep to.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) contract: OptionContract,
    pub(crate) chain: String,
    pub(crate) ticks: Option<wire::Ticks>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ChainTerms {
    deliverable: Option<Decimal>,
    pub(crate) ticks: Option<wire::Ticks>,
    pub(crate) ticks_multileg: Option<wire::Ticks>,
}

impl Contracts {
    fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, terms: Terms) -> Arc<Terms> {
        let terms = Arc::new(terms);
        self.with(|state| {
            if state.contracts.len() >= MOST {
                state.contracts.clear();
            }
            state
                .contracts
                .insert(terms.contract.id.clone(), terms.clone());
        });
        terms
    }
}

impl Inner {
    async fn read_chains(&self, underlying: &Symbol) -> Result<Vec<OptionChain>> {
        let listing = self.listing_by_symbol(underlying).await?;
        let endpoint = &endpoints::GET_CHAINS;
        let call = self.api.call(Host::Api, endpoint);
        let call = call.query("equity_instrument_ids", &listing.instrument.id);
        let mut chains = Vec::new();
        self.api
            .all_pages(Host::Api, endpoint, call, |body| {
                let (items, next) = rows(body, |row: &wire::Chain<'_>, index| {
                    self.remember_chain(row);
                    convert::chain(row, underlying, Place::Row(body, index)).map(Some)
                })?;
                chains.extend(items);
                Ok((next, true))
            })
            .await?;
        Ok(chains)
    }

    fn remember_chain(&self, chain: &wire::Chain<'_>) -> Arc<ChainTerms> {
        let terms = Arc::new(ChainTerms {
            deliverable: convert::deliverable(chain),
            ticks: chain.min_ticks,
            ticks_multileg: chain.min_ticks_multileg,
        });
        self.contracts
            .with(|state| state.chains.insert(chain.id.owned(), terms.clone()));
        terms
    }

    pub(crate) async fn chain_terms(&self, id: &str) -> Result<Arc<ChainTerms>> {
        if let Some(known) = self.contracts.with(|state| state.chains.get(id).cloned()) {
            return Ok(known);
        }
        let endpoint = &endpoints::GET_CHAIN;
        let call = self.api.call(Host::Api, endpoint).path("chain", id);
        let body = self.api.read(endpoint, call).await?;
        let chain: wire::Chain<'_> = api::decode(&body).map_err(|error| place(endpoint, error))?;
        Ok(self.remember_chain(&chain))
    }

    async fn list_contracts(&self, query: OptionQuery) -> Result<Page<OptionContract>> {
        let endpoint = &endpoints::GET_CONTRACTS;
        let listing = self.listing_by_symbol(&query.underlying).await?;
        let Some(chain) = listing.chain.clone() else {
            return Ok(Page::last(Vec::new()));
        };
        let terms = self.chain_terms(&chain).await?;
        let body = match &query.page {
            Some(token) => self.api.follow(Host::Api, endpoint, token.as_str()).await?,
            None => {
                let mut call = self.api.call(Host::Api, endpoint).query("chain_id", &chain);
                if let Some(date) = query.expiration {
                    let text = date.format(format_description!("[year]-[month]-[day]"));
                    call = call.query("expiration_dates", text.unwrap_or_default());
                }
                if let Some(strike) = query.strike {
                    call = call.query("strike_price", format!("{:.4}", strike.value()));
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
            let terms = self.contract(row, Place::Row(&body, index), Some(&terms))?;
            let it = &terms.contract;
            let fits = terms.chain == chain
                && query.expiration.is_none_or(|date| it.expiration == date)
                && query.strike.is_none_or(|strike| it.strike == strike)
                && query.right.is_none_or(|right| it.right == right);
            Ok(fits.then(|| it.clone()))
        });
        let (items, next) = page.map_err(|error| place(endpoint, error))?;
        let next = next_page(query.page.as_ref(), next).map_err(|error| place(endpoint, error))?;
        Ok(Page { items, next })
    }

    fn contract(
        &self,
        row: &wire::Contract<'_>,
        at: Place<'_>,
        chain: Option<&ChainTerms>,
    ) -> Result<Terms> {
        let mut contract = convert::contract(row, at)?;
        if let Some(deliverable) = chain.and_then(|chain| chain.deliverable) {
            contract.multiplier = deliverable;
        }
        Ok(Terms {
            contract,
            chain: row.chain_id.owned(),
            ticks: row.min_ticks,
        })
    }

    /// Finds the terms of contracts by their identifiers, reading those that were not met before.
    pub(crate) async fn terms_of(&self, ids: &[InstrumentId]) -> Result<ById<Arc<Terms>>> {
        let mut found: ById<Arc<Terms>> = self.contracts.with(|state| {
            let known = |id: &InstrumentId| Some((id.clone(), state.contracts.get(id)?.clone()));
            ids.iter().filter_map(known).collect()
        });
        let mut missing: Vec<_> = ids.iter().filter(|id| !found.contains_key(*id)).collect();
        missing.sort_unstable();
        missing.dedup();
        let endpoint = &endpoints::GET_CONTRACTS;
        for chunk in missing.chunks(IDS) {
            let list: Vec<_> = chunk.iter().map(|id| id.as_str()).collect();
            let call = self
                .api
                .call(Host::Api, endpoint)
                .query("ids", list.join(","));
            let mut read = Vec::new();
            self.api
                .all_pages(Host::Api, endpoint, call, |body| {
                    let (items, next) = rows(body, |row: &wire::Contract<'_>, index| {
                        let terms = self.contract(row, Place::Row(body, index), None)?;
                        Ok(chunk.contains(&&terms.contract.id).then_some(terms))
                    })?;
                    read.extend(items);
                    // Everything that was asked for is there.
                    Ok((next, read.len() < chunk.len()))
                })
                .await?;
            for mut terms in read {
                let chain = self.chain_terms(&terms.chain).await?;
                if let Some(deliverable) = chain.deliverable {
                    terms.contract.multiplier = deliverable;
                }
                found.insert(terms.contract.id.clone(), self.contracts.put(terms));
            }
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
                    let id = row
                        .option_id
                        .as_ref()
                        .map_or(row.option.tail(), |id| id.as_str());
                    Ok((!row.quantity.0.is_zero()).then_some(InstrumentId::new(id)?))
                })?;
                ids.extend(held);
                bodies.push(body.clone());
                Ok((next, true))
            })
            .await?;
        let terms = self.terms_of(&ids).await?;
        let mut all = Vec::new();
        for body in &bodies {
            let page = rows(body, |row: &wire::OptionPosition<'_>, index| {
                let id = row
                    .option_id
                    .as_ref()
                    .map_or(row.option.tail(), |id| id.as_str());
                let Some(terms) = terms.get(id).filter(|_| !row.quantity.0.is_zero()) else {
                    return Ok(None);
                };
                let position =
                    convert::option_position(row, terms.contract.clone(), Place::Row(body, index))?;
                Ok(Some(position).filter(|position| position.account == *account))
            });
            all.extend(page.map_err(|error| place(endpoint, error))?.0);
        }
        Ok(all)
    }
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
