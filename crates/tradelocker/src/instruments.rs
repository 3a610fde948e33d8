use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use wheelhouse_adapter::Cached;
use wheelhouse_core::{
    AccountId, Error, ErrorKind, Instrument, InstrumentId, InstrumentQuery, Page, Result,
    SessionStatus, Symbol,
};
use wheelhouse_http::{Call, Endpoint};

use crate::{
    accounts::{AccountState, account_path},
    api,
    client::Inner,
    convert, endpoints, error,
    wire::{
        instruments::{Details as WireDetails, Instruments},
        market::Quote as WireQuote,
        reply::{self, Reply},
        token::Token,
    },
};

/// The instruments of an account.
#[derive(Debug)]
pub(crate) struct Listing {
    entries: Vec<Arc<Listed>>,
    by_id: HashMap<InstrumentId, usize>,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) instrument: Instrument,
    pub(crate) bar_source: Option<String>,
    /// Routes of data. Of several some can be dead.
    info: Vec<u64>,
    trade: Option<u64>,
    /// The one that has answered, or zero.
    info_found: AtomicU64,
    details: Cached<Details>,
    pub(crate) status: Cached<SessionStatus>,
}

/// The rules of an instrument and where its trading hours are told.
#[derive(Debug)]
pub(crate) struct Details {
    pub(crate) instrument: Instrument,
    pub(crate) session: Option<u64>,
    pub(crate) session_status: Option<u64>,
}

impl Listing {
    fn decode(body: &Bytes) -> Result<Self> {
        let data: Instruments<'_> = api::data(body)?;
        let mut entries = Vec::with_capacity(data.instruments.len());
        let mut by_id = HashMap::with_capacity(data.instruments.len());
        for (index, listed) in data.instruments.iter().enumerate() {
            let (instrument, routes) = convert::instrument(listed, index, body)?;
            let bar_source =
                convert::leaf("d.instruments[].barSource", listed.bar_source, Token::text)?;
            by_id.insert(instrument.id.clone(), entries.len());
            entries.push(Arc::new(Listed {
                instrument,
                bar_source: bar_source.map(std::borrow::Cow::into_owned),
                info: routes.info,
                trade: routes.trade,
                info_found: AtomicU64::new(0),
                details: Cached::default(),
                status: Cached::default(),
            }));
        }
        Ok(Self { entries, by_id })
    }

    pub(crate) fn symbol_of(&self, id: &InstrumentId) -> Option<Symbol> {
        let index = self.by_id.get(id)?;
        self.entries
            .get(*index)
            .map(|entry| entry.instrument.symbol.clone())
    }

    /// Finds the instrument with exactly this name.
    fn named(&self, symbol: &Symbol) -> Result<Arc<Listed>> {
        let named: Vec<_> = self
            .entries
            .iter()
            .filter(|entry| entry.instrument.symbol == *symbol)
            .collect();
        match named.as_slice() {
            [one] => Ok(Arc::clone(one)),
            [] => Err(self.not_found(symbol)),
            several => {
                let ids: Vec<_> = several
                    .iter()
                    .map(|entry| entry.instrument.id.as_str())
                    .collect();
                Err(error::invalid(format!(
                    "{} instruments are called {symbol}; name one by its id: {}",
                    ids.len(),
                    ids.join(", ")
                )))
            }
        }
    }

    /// Brokers put suffixes to names (`EURUSD.x`). That is for a person to decide on: names that
    /// are alike are offered, never taken.
    fn not_found(&self, symbol: &Symbol) -> Error {
        const MOST: usize = 5;
        let wanted = normalised(symbol.as_str());
        let alike = |entry: &&Arc<Listed>| {
            let name = normalised(entry.instrument.symbol.as_str());
            !wanted.is_empty()
                && !name.is_empty()
                && (name.starts_with(&wanted) || wanted.starts_with(&name))
        };
        let names: Vec<_> = self.entries.iter().filter(alike).take(MOST).collect();
        let hint = match names.as_slice() {
            [] => String::new(),
            names => {
                let names: Vec<_> = names
                    .iter()
                    .map(|entry| entry.instrument.symbol.as_str())
                    .collect();
                format!("; alike are {}", names.join(", "))
            }
        };
        Error::new(
            ErrorKind::NotFound,
            format!("no instrument is called {symbol}{hint}"),
        )
    }
}

/// Letters and digits only, in upper case.
fn normalised(name: &str) -> String {
    let kept = name.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_uppercase()).collect()
}

impl Listed {
    /// Returns the number that the API wants, which the id was made of.
    pub(crate) fn number(&self) -> &str {
        self.instrument.id.as_str()
    }

    /// Returns the route that orders take.
    pub(crate) fn trade_route(&self) -> Result<u64> {
        self.trade.ok_or_else(|| {
            let symbol = &self.instrument.symbol;
            error::invalid(format!(
                "{symbol} has no TRADE route in this account: it cannot be traded"
            ))
        })
    }
}

impl Details {
    fn decode(body: &Bytes, listed: &Listed) -> Result<Self> {
        let data: WireDetails<'_> = api::data(body)?;
        let instrument = convert::with_details(listed.instrument.clone(), &data, body)?;
        let status = data.trade_session_status_id;
        Ok(Self {
            instrument,
            session: convert::leaf("d.tradeSessionId", data.trade_session_id, Token::whole)?,
            session_status: convert::leaf("d.tradeSessionStatusId", status, Token::whole)?,
        })
    }
}

impl Inner {
    pub(crate) async fn listing(&self, account: &AccountState) -> Result<Arc<Listing>> {
        let load = || self.read_listing(account);
        account
            .instruments
            .get(self.clock(), self.config.instruments_age, load)
            .await
    }

    async fn read_listing(&self, account: &AccountState) -> Result<Listing> {
        let endpoint = &endpoints::GET_INSTRUMENTS;
        let call = account_path(self.api.call(endpoint, account.acc_num), account.id());
        let body = self.api.read(endpoint, call).await?;
        Listing::decode(&body).map_err(|error| self.api.place(endpoint, error))
    }

    /// Returns what the list says of an instrument.
    pub(crate) async fn listed(
        &self,
        account: &AccountState,
        id: &InstrumentId,
    ) -> Result<Arc<Listed>> {
        let listing = self.listing(account).await?;
        let found = listing
            .by_id
            .get(id)
            .and_then(|index| listing.entries.get(*index));
        found.cloned().ok_or_else(|| {
            let message = format!("account {} has no instrument {id}", account.id());
            self.place_in(Error::new(ErrorKind::NotFound, message), "instrument")
        })
    }

    /// Returns the rules of an instrument.
    pub(crate) async fn details(
        &self,
        account: &AccountState,
        listed: &Listed,
    ) -> Result<Arc<Details>> {
        let load = || async {
            let endpoint = &endpoints::GET_INSTRUMENT_DETAILS;
            let call = |route: u64| {
                self.api
                    .call(endpoint, account.acc_num)
                    .path("tradableInstrumentId", listed.number())
                    .query("routeId", route)
                    .query("locale", "en")
            };
            let body = self.read_data(account, listed, endpoint, call).await?;
            Details::decode(&body, listed).map_err(|error| self.api.place(endpoint, error))
        };
        listed
            .details
            .get(self.clock(), self.config.rules_age, load)
            .await
    }

    /// Reads data of an instrument from a route that is alive.
    pub(crate) async fn read_data<'a>(
        &'a self,
        account: &AccountState,
        listed: &Listed,
        endpoint: &'static Endpoint,
        call: impl Fn(u64) -> Call<'a> + Send + Sync,
    ) -> Result<Bytes> {
        let remembered = listed.info_found.load(Ordering::Relaxed);
        let route = match (listed.info.as_slice(), remembered) {
            // Third parties have seen the TRADE route serve data too; it is better than nothing.
            ([], _) => listed
                .trade
                .ok_or_else(|| self.no_route(listed, endpoint))?,
            ([only], _) => *only,
            (_, 0) => self.probe(account, listed, None).await?,
            (_, remembered) => remembered,
        };
        let outcome = self
            .api
            .read(endpoint, call(route).max_wait(self.config.limit_wait))
            .await;
        if listed.info.len() < 2 {
            return outcome;
        }
        let refusal = match outcome.as_ref().map(refusal_in) {
            Err(error) => speaks_of_the_route(error).then(|| error.clone()),
            Ok(refusal) => refusal.filter(speaks_of_the_route),
        };
        let Some(refusal) = refusal else {
            return outcome;
        };
        // The route that has answered before may have died.
        match self.probe(account, listed, Some(route)).await {
            Ok(other) => {
                let call = call(other).max_wait(self.config.limit_wait);
                self.api.read(endpoint, call).await
            }
            Err(_) => Err(self.api.place(endpoint, refusal)),
        }
    }

    fn no_route(&self, listed: &Listed, endpoint: &Endpoint) -> Error {
        let symbol = &listed.instrument.symbol;
        let message = format!("{symbol} has no INFO route in this account");
        self.api
            .place(endpoint, Error::new(ErrorKind::Unsupported, message))
    }

    /// Finds a route that gives quotes, the last one first as the official client does.
    async fn probe(
        &self,
        account: &AccountState,
        listed: &Listed,
        dead: Option<u64>,
    ) -> Result<u64> {
        let endpoint = &endpoints::GET_QUOTE;
        let mut refusal = None;
        for route in listed
            .info
            .iter()
            .rev()
            .filter(|route| Some(**route) != dead)
        {
            let call = self
                .api
                .call(endpoint, account.acc_num)
                .query("routeId", route)
                .query("tradableInstrumentId", listed.number());
            let alive = self.api.read(endpoint, call).await.and_then(|body| {
                let quote: WireQuote<'_> = api::data(&body)?;
                Ok(!quote.ap.is_null() || !quote.bp.is_null())
            });
            match alive {
                Ok(true) => {
                    listed.info_found.store(*route, Ordering::Relaxed);
                    return Ok(*route);
                }
                Ok(false) => {}
                Err(error) if speaks_of_the_route(&error) => refusal = refusal.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        Err(refusal.unwrap_or_else(|| {
            let message = format!("no INFO route of {} gives quotes", listed.instrument.symbol);
            self.place_in(
                Error::new(ErrorKind::Unsupported, message),
                endpoint.operation(),
            )
        }))
    }

    pub(crate) async fn list_instruments(
        &self,
        id: &AccountId,
        query: InstrumentQuery,
    ) -> Result<Page<Instrument>> {
        let account = self.account(id, "instruments").await?;
        let listing = self.listing(&account).await?;
        let text = query.text.as_deref().map(str::to_lowercase);
        let fits = |instrument: &&Instrument| {
            let named = |text: &String| {
                let name = instrument
                    .name
                    .as_deref()
                    .unwrap_or_default()
                    .to_lowercase();
                instrument.symbol.as_str().to_lowercase().contains(text) || name.contains(text)
            };
            text.as_ref().is_none_or(named)
                && query
                    .kind
                    .as_ref()
                    .is_none_or(|kind| instrument.kind == *kind)
        };
        let all = listing.entries.iter().map(|entry| &entry.instrument);
        Ok(Page::last(all.filter(fits).cloned().collect()))
    }

    pub(crate) async fn find_instrument(
        &self,
        id: &AccountId,
        symbol: &Symbol,
    ) -> Result<Instrument> {
        let account = self.account(id, "instrument").await?;
        let listing = self.listing(&account).await?;
        let listed = listing
            .named(symbol)
            .map_err(|error| self.place_in(error, "instrument"))?;
        Ok(self.details(&account, &listed).await?.instrument.clone())
    }
}

/// Returns the refusal that an answer with a success status tells.
fn refusal_in(body: &Bytes) -> Option<Error> {
    let reply = Reply::read(reply::text(body).ok()?).ok()?;
    reply.refusal().filter(|_| !reply.is_no_data())
}

/// Returns whether another route may do better: the broker has answered, and said no.
fn speaks_of_the_route(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidRequest
            | ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::BrokerFailure
            | ErrorKind::UnexpectedAnswer
    )
}
