use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytestring::ByteString;
use time::{Date, OffsetDateTime, Weekday, macros::format_description};
use wheelhouse_core::{
    AccountId, Bar, BarInterval, BarQuery, Clock, Error, ErrorKind, Holiday, Instrument,
    InstrumentId, InstrumentQuery, InstrumentStatus, MarketHistory, OrderType, Page, Quote, Result,
    SessionStatus, Symbol, TradingSchedule, TradingSessions,
};
use wheelhouse_http::Endpoint;

use crate::{
    Fundamentals, MarketHours, Robinhood,
    accounts::{ById, next_page},
    api::{self, place, rows},
    client::Inner,
    config::Host,
    convert::{self, Listing, Place},
    endpoints, error, new_york,
    wire::market as wire,
};

/// How many identifiers go into one request: 50 of 36 characters, within the 2 KiB of a query.
pub(crate) const IDS: usize = 50;
/// How many bytes of symbols go into one request, within the 2 KiB of a query.
const SYMBOL_BYTES: usize = 2_000;
/// The most symbols in one request for fundamentals.
const FUNDAMENTALS: usize = 100;
/// An instrument that was read so lately need not be read again for what it tells of itself.
pub(crate) const JUST_NOW: Duration = Duration::from_secs(30);
/// The most instruments that are remembered.
const MOST: usize = 10_000;

/// The instruments met of late, by their identifiers.
#[derive(Debug, Default)]
pub(crate) struct Listings(Mutex<Listed>);

#[derive(Debug, Default)]
struct Listed {
    listings: HashMap<InstrumentId, (Duration, Arc<Listing>)>,
    /// Those that were found by their name.
    by_symbol: HashMap<Symbol, InstrumentId>,
    /// Those that options are on which were met.
    underlyings: BTreeMap<Symbol, InstrumentId>,
}

impl Listings {
    fn fresh(&self, clock: &dyn Clock, id: &InstrumentId, age: Duration) -> Option<Arc<Listing>> {
        let listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, listing) = listed.listings.get(id)?;
        (clock.monotonic().saturating_sub(*read_at) <= age).then(|| listing.clone())
    }

    fn id_of(&self, symbol: &Symbol) -> Option<InstrumentId> {
        let listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        listed.by_symbol.get(symbol).cloned()
    }

    /// Notes which instrument options of this name are on.
    pub(crate) fn meet(&self, symbol: Symbol, id: InstrumentId) {
        let mut listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if listed.underlyings.len() >= MOST {
            listed.underlyings.clear();
        }
        listed.underlyings.insert(symbol, id);
    }

    /// Returns the instrument that options of this name are on, and after it others that will be
    /// asked for too.
    fn underlyings_from(&self, clock: &dyn Clock, symbol: &Symbol) -> Vec<InstrumentId> {
        let since = clock.monotonic().saturating_sub(JUST_NOW);
        let listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(first) = listed.underlyings.get(symbol) else {
            return Vec::new();
        };
        let old = |id: &&InstrumentId| {
            let read = listed.listings.get(*id);
            read.is_none_or(|(at, _)| *at < since)
        };
        if !old(&first) {
            return vec![first.clone()];
        }
        let others = listed.underlyings.values().filter(|id| *id != first);
        let all = std::iter::once(first).chain(others.filter(old));
        all.take(IDS).cloned().collect()
    }

    fn put_named(&self, clock: &dyn Clock, listing: Listing) -> Arc<Listing> {
        let listing = self.put(clock, listing);
        let mut listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let it = &listing.instrument;
        listed.by_symbol.insert(it.symbol.clone(), it.id.clone());
        listing
    }

    fn put(&self, clock: &dyn Clock, listing: Listing) -> Arc<Listing> {
        let listing = Arc::new(listing);
        let mut listed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if listed.listings.len() >= MOST {
            *listed = Listed::default();
        }
        let id = listing.instrument.id.clone();
        let read_at = clock.monotonic();
        listed.listings.insert(id, (read_at, listing.clone()));
        listing
    }
}

impl Inner {
    pub(crate) async fn list_instruments(
        &self,
        query: InstrumentQuery,
    ) -> Result<Page<Instrument>> {
        let endpoint = &endpoints::GET_INSTRUMENTS;
        let body = match &query.page {
            Some(token) => self.api.follow(Host::Api, endpoint, token.as_str()).await?,
            None => {
                let call = self.api.call(Host::Api, endpoint);
                let call = match &query.text {
                    Some(text) => call.query("query", text),
                    None => call.query("active_instruments_only", true),
                };
                self.api.read(endpoint, call).await?
            }
        };
        let text = query.text.as_ref().map(|text| text.to_lowercase());
        let fits = |it: &Instrument| {
            let named = text.as_ref().is_none_or(|text| {
                it.symbol.as_str().to_lowercase().contains(text)
                    || it
                        .name
                        .as_ref()
                        .is_some_and(|name| name.to_lowercase().contains(text))
            });
            named && query.kind.as_ref().is_none_or(|kind| it.kind == *kind)
        };
        let page = rows(&body, |row: &wire::Instrument<'_>, index| {
            let listing = convert::instrument(row, Place::Row(&body, index))?;
            Ok(Some(listing.instrument).filter(&fits))
        });
        let (items, next) = page.map_err(|error| place(endpoint, error))?;
        let next = next_page(query.page.as_ref(), next).map_err(|error| place(endpoint, error))?;
        Ok(Page { items, next })
    }

    pub(crate) async fn find_instrument(&self, symbol: &Symbol) -> Result<Instrument> {
        // Names of shares have no hyphen: they can be found while the host of crypto is away.
        if self.config.private_crypto
            && symbol.as_str().contains('-')
            && let Some(pair) = self.pair_by_symbol(symbol).await?
        {
            return Ok(pair);
        }
        // Whoever asks for one underlying of the options held will ask for the others too.
        let ids = self.listings.underlyings_from(self.clock(), symbol);
        if let Some(first) = ids.first().cloned() {
            let found = self.listings_within(JUST_NOW, ids.into_iter()).await?;
            let named = |it: &&Arc<Listing>| it.instrument.symbol == *symbol;
            if let Some(listing) = found.get(&first).filter(named) {
                return Ok(listing.instrument.clone());
            }
        }
        Ok(self.listing_by_symbol(symbol).await?.instrument.clone())
    }

    pub(crate) async fn listing_by_symbol(&self, symbol: &Symbol) -> Result<Arc<Listing>> {
        let endpoint = &endpoints::FIND_INSTRUMENT;
        let call = self.api.call(Host::Api, endpoint).query("symbol", symbol);
        let body = self.api.read(endpoint, call).await?;
        let page = rows(&body, |row: &wire::Instrument<'_>, index| {
            if row.symbol.as_str() != symbol.as_str() {
                return Ok(None);
            }
            let active = row
                .state
                .as_ref()
                .is_none_or(|state| state.as_str() == "active");
            Ok(Some((
                active,
                convert::instrument(row, Place::Row(&body, index))?,
            )))
        });
        let (mut found, _) = page.map_err(|error| place(endpoint, error))?;
        // A name that was used before can belong to a dead instrument too.
        if found.iter().any(|(active, _)| *active) {
            found.retain(|(active, _)| *active);
        }
        let error = match found.len() {
            1 => return Ok(self.listings.put_named(self.clock(), found.remove(0).1)),
            0 => Error::new(
                ErrorKind::NotFound,
                format!("the broker has no instrument {symbol}"),
            ),
            several => error::invalid(format!("{several} instruments are called {symbol}")),
        };
        Err(place(endpoint, error))
    }

    /// Finds an instrument by its name, without asking again for a while.
    pub(crate) async fn listing_of(&self, symbol: &Symbol) -> Result<Arc<Listing>> {
        let age = self.config.instruments_age;
        let id = self.listings.id_of(symbol);
        match id.and_then(|id| self.listings.fresh(self.clock(), &id, age)) {
            Some(known) => Ok(known),
            None => self.listing_by_symbol(symbol).await,
        }
    }

    pub(crate) async fn listing(&self, id: &InstrumentId) -> Result<Arc<Listing>> {
        self.listing_within(self.config.instruments_age, id).await
    }

    /// Finds an instrument as it was told no longer ago than `age`.
    pub(crate) async fn listing_within(
        &self,
        age: Duration,
        id: &InstrumentId,
    ) -> Result<Arc<Listing>> {
        if let Some(known) = self.listings.fresh(self.clock(), id, age) {
            return Ok(known);
        }
        let endpoint = &endpoints::GET_INSTRUMENT;
        let call = self
            .api
            .call(Host::Api, endpoint)
            .path("instrument", id.as_str());
        let body = self.api.read(endpoint, call).await?;
        let listing = api::decode::<wire::Instrument<'_>>(&body)
            .and_then(|row| convert::instrument(&row, Place::Whole(&body)))
            .map_err(|error| place(endpoint, error))?;
        Ok(self.listings.put(self.clock(), listing))
    }

    /// Finds instruments by their identifiers, many in one request. What the broker does not know
    /// is left out.
    pub(crate) async fn listings_of(
        &self,
        ids: impl Iterator<Item = InstrumentId>,
    ) -> Result<ById<Arc<Listing>>> {
        self.listings_within(self.config.instruments_age, ids).await
    }

    async fn listings_within(
        &self,
        age: Duration,
        ids: impl Iterator<Item = InstrumentId>,
    ) -> Result<ById<Arc<Listing>>> {
        let (mut found, mut missing) = (ById::new(), BTreeSet::new());
        for id in ids {
            match self.listings.fresh(self.clock(), &id, age) {
                Some(known) => {
                    found.insert(id, known);
                }
                None => {
                    missing.insert(id);
                }
            }
        }
        let missing: Vec<_> = missing.into_iter().collect();
        let endpoint = &endpoints::GET_INSTRUMENTS;
        for chunk in missing.chunks(IDS) {
            let list: Vec<_> = chunk.iter().map(InstrumentId::as_str).collect();
            let call = self.api.call(Host::Api, endpoint);
            let call = call.query("ids", list.join(","));
            let read = self.api.all_pages(Host::Api, endpoint, call, |body| {
                let (items, next) = rows(body, |row: &wire::Instrument<'_>, index| {
                    let listing = convert::instrument(row, Place::Row(body, index))?;
                    Ok(chunk.contains(&listing.instrument.id).then_some(listing))
                })?;
                for listing in items {
                    let listing = self.listings.put(self.clock(), listing);
                    found.insert(listing.instrument.id.clone(), listing);
                }
                Ok((next, !chunk.iter().all(|id| found.contains_key(id))))
            });
            read.await?;
        }
        Ok(found)
    }

    /// Reads the best prices of shares by their names, in the order of `symbols`.
    pub(crate) async fn read_quotes_of(&self, symbols: &[Symbol]) -> Result<Vec<Quote>> {
        let endpoint = &endpoints::FIND_QUOTES;
        let read = self.by_symbol(endpoint, symbols, usize::MAX, |body, asked| {
            let now = self.clock().now();
            rows(body, |row: &Option<wire::Quote<'_>>, index| {
                let Some(row) = row else {
                    return Ok(Some(None));
                };
                let named = row.symbol.as_ref().zip(asked.get(index));
                if named
                    .is_some_and(|(is, asked)| !asked.as_str().eq_ignore_ascii_case(is.as_str()))
                {
                    return Err(convert::odd("a quote in the answer is of another symbol"));
                }
                convert::quote(row, now, Place::Row(body, index)).map(|quote| Some(Some(quote)))
            })
        });
        read.await
    }

    /// Reads fundamentals by names, in the order of `symbols`.
    pub(crate) async fn read_fundamentals_of(
        &self,
        symbols: &[Symbol],
    ) -> Result<Vec<Fundamentals>> {
        let endpoint = &endpoints::FIND_FUNDAMENTALS;
        let read = self.by_symbol(endpoint, symbols, FUNDAMENTALS, |body, _| {
            rows(body, |row: &Option<wire::Fundamentals<'_>>, index| {
                let at = Place::Row(body, index);
                let read = row.as_ref().map(|row| convert::fundamentals(row, at));
                read.transpose().map(Some)
            })
        });
        read.await
    }

    /// Reads a row for each symbol, in their order; `null` holds the place of an unknown one.
    async fn by_symbol<T>(
        &self,
        endpoint: &'static Endpoint,
        symbols: &[Symbol],
        most: usize,
        read: impl Fn(&ByteString, &[Symbol]) -> Result<(Vec<Option<T>>, Option<String>)> + Send + Sync,
    ) -> Result<Vec<T>> {
        let (mut all, mut unknown) = (Vec::with_capacity(symbols.len()), Vec::new());
        for batch in batches(symbols, most) {
            let list: Vec<_> = batch.iter().map(Symbol::as_str).collect();
            let call = self.api.call(Host::Api, endpoint);
            let body = self
                .api
                .read(endpoint, call.query("symbols", list.join(",")))
                .await?;
            let (rows, _) = read(&body, batch).map_err(|error| place(endpoint, error))?;
            if rows.len() != batch.len() {
                let error = convert::odd("the answer has not a row for each symbol");
                return Err(place(endpoint, error));
            }
            for (row, symbol) in rows.into_iter().zip(batch) {
                match row {
                    Some(row) => all.push(row),
                    None => unknown.push(symbol.as_str()),
                }
            }
        }
        if unknown.is_empty() {
            return Ok(all);
        }
        let (count, shown) = (unknown.len(), unknown.iter().take(20));
        let shown: Vec<_> = shown.copied().collect();
        let message = match count {
            1..=20 => format!("the broker does not know {}", shown.join(", ")),
            _ => format!(
                "the broker does not know {count} symbols: {}, …",
                shown.join(", ")
            ),
        };
        Err(place(endpoint, Error::new(ErrorKind::NotFound, message)))
    }

    /// Reads quotes in the order of `ids`. What the broker has no quote of stays without prices.
    pub(crate) async fn read_quotes(&self, ids: &[InstrumentId]) -> Result<Vec<Quote>> {
        let mut found: ById<Quote> = ById::new();
        let (crypto, shares): (Vec<_>, Vec<_>) = ids
            .iter()
            .partition(|id| convert::own_part(id.as_str()).is_some());
        let endpoint = &endpoints::GET_QUOTES;
        for chunk in shares.chunks(IDS) {
            let list: Vec<_> = chunk.iter().map(|id| id.as_str()).collect();
            let call = self
                .api
                .call(Host::Api, endpoint)
                .query("ids", list.join(","));
            let body = self.api.read(endpoint, call).await?;
            let now = self.clock().now();
            let page = rows(&body, |row: &Option<wire::Quote<'_>>, index| match row {
                Some(row) => convert::quote(row, now, Place::Row(&body, index)).map(Some),
                None => Ok(None),
            });
            let (quotes, _) = page.map_err(|error| place(endpoint, error))?;
            found.extend(
                quotes
                    .into_iter()
                    .map(|quote| (quote.instrument.clone(), quote)),
            );
        }
        for id in crypto {
            let quote = self.read_crypto_quote(id).await?;
            found.insert(id.clone(), quote);
        }
        let now = self.clock().now();
        let quote = |id: &InstrumentId| {
            found
                .get(id)
                .cloned()
                .unwrap_or_else(|| Quote::new(id.clone(), now))
        };
        Ok(ids.iter().map(quote).collect())
    }

    pub(crate) async fn read_hours(&self, market: &str, date: Date) -> Result<MarketHours> {
        let endpoint = &endpoints::GET_HOURS;
        let date = date
            .format(format_description!("[year]-[month]-[day]"))
            .map_err(|_| error::invalid("the date cannot be written"))?;
        let call = self
            .api
            .call(Host::Api, endpoint)
            .path("market", market)
            .path("date", &date);
        let body = self.api.read(endpoint, call).await?;
        let hours: wire::Hours = api::decode(&body).map_err(|error| place(endpoint, error))?;
        Ok(convert::hours(&hours, Place::Whole(&body)))
    }

    pub(crate) async fn hours_today(&self, listing: &Listing) -> Result<MarketHours> {
        let market = listing.market.as_deref().ok_or_else(|| {
            let message = "the broker does not say on which market it trades";
            Error::new(ErrorKind::UnexpectedAnswer, message)
        })?;
        self.read_hours(market, new_york::date_at(self.clock().now()))
            .await
    }

    async fn read_bars(&self, query: &BarQuery) -> Result<Vec<Bar>> {
        let (interval, span) = span_of(query, self.clock().now())?;
        let endpoint = &endpoints::GET_HISTORICALS;
        let call = self
            .api
            .call(Host::Api, endpoint)
            .path("instrument", query.instrument.as_str());
        let call = call
            .query("interval", interval)
            .query("span", span)
            .query("bounds", "regular");
        let body = self.api.read(endpoint, call).await?;
        let read: wire::Historicals = api::decode(&body).map_err(|error| place(endpoint, error))?;
        let mut bars: Vec<Bar> = read
            .historicals
            .iter()
            // Made up where nothing was traded.
            .filter(|candle| candle.interpolated != Some(true))
            .map(convert::bar)
            .filter(|bar| query.from <= bar.time && bar.time <= query.to)
            .collect();
        bars.sort_by_key(|bar| bar.time);
        bars.dedup_by_key(|bar| bar.time);
        Ok(bars)
    }
}

/// Cuts symbols into parts of at most `most` that fit into a query.
fn batches(symbols: &[Symbol], most: usize) -> Vec<&[Symbol]> {
    let mut parts = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, symbol) in symbols.iter().enumerate() {
        let more = symbol.as_str().len() + 1;
        if at > start && (at - start >= most || bytes + more > SYMBOL_BYTES) {
            parts.extend(symbols.get(start..at));
            (start, bytes) = (at, 0);
        }
        bytes += more;
    }
    parts.extend(symbols.get(start..).filter(|rest| !rest.is_empty()));
    parts
}

/// Finds the shortest span that reaches back to where a query begins.
fn span_of(query: &BarQuery, now: OffsetDateTime) -> Result<(&'static str, &'static str)> {
    // Months are counted as short as they can be.
    const SPANS: [(&str, i64); 5] = [
        ("week", 7),
        ("month", 28),
        ("3month", 89),
        ("year", 365),
        ("5year", 1_826),
    ];
    let (name, spans) = match query.interval {
        BarInterval::Minute5 => ("5minute", &SPANS[..1]),
        BarInterval::Minute10 => ("10minute", &SPANS[..1]),
        BarInterval::Hour1 => ("hour", &SPANS[..3]),
        BarInterval::Day1 => ("day", &SPANS[..]),
        BarInterval::Week1 => ("week", &SPANS[1..]),
        _ => {
            let message = "this broker has bars of 5 and 10 minutes, an hour, a day and a week";
            return Err(error::unsupported(message));
        }
    };
    if query.from > query.to {
        return Err(error::invalid("the bars would end before they begin"));
    }
    let reaches = |(_, days): &&(&str, i64)| now - time::Duration::days(*days) <= query.from;
    match spans.iter().find(reaches) {
        Some((span, _)) => Ok((name, span)),
        None => {
            let days = spans.last().map_or(0, |(_, days)| *days);
            let message = format!("the broker keeps bars of this length for {days} days only");
            Err(error::invalid(message))
        }
    }
}

#[async_trait]
impl MarketHistory for Robinhood {
    async fn bars(&self, _: &AccountId, query: &BarQuery) -> Result<Vec<Bar>> {
        let bars = self.inner.read_bars(query).await;
        bars.map_err(|error| self.inner.place_in(error, "bars"))
    }

    async fn daily_bar(&self, _: &AccountId, instrument: &InstrumentId) -> Result<Option<Bar>> {
        let now = self.inner.clock().now();
        let today = new_york::date_at(now);
        let week = now - time::Duration::days(6);
        let query = BarQuery::new(
            instrument,
            BarInterval::Day1,
            week,
            now + time::Duration::DAY,
        );
        let bars = self.inner.read_bars(&query).await;
        let bars = bars.map_err(|error| self.inner.place_in(error, "daily_bar"))?;
        // A bar of a day is dated by its day, at midnight of UTC.
        Ok(bars.into_iter().rfind(|bar| bar.time.date() == today))
    }
}

#[async_trait]
impl TradingSessions for Robinhood {
    async fn trading_hours(
        &self,
        _: &AccountId,
        instrument: &InstrumentId,
    ) -> Result<TradingSchedule> {
        let read = async {
            let listing = self.inner.listing(instrument).await?;
            let hours = self.inner.hours_today(&listing).await?;
            Ok((listing, hours))
        };
        let (listing, hours) = read
            .await
            .map_err(|e: Error| self.inner.place_in(e, "trading_hours"))?;
        let mut schedule = TradingSchedule::default();
        schedule.blocked = listing
            .instrument
            .status
            .as_ref()
            .map(|status| *status != InstrumentStatus::Open);
        let weekend = matches!(hours.date.weekday(), Weekday::Saturday | Weekday::Sunday);
        if !hours.is_open && !weekend {
            schedule.holidays.push(Holiday {
                date: hours.date.to_string(),
                name: None,
            });
        }
        schedule.raw = hours.raw;
        Ok(schedule)
    }

    /// Orders are taken at any time: the broker keeps them until the market opens.
    async fn session_status(
        &self,
        _: &AccountId,
        instrument: &InstrumentId,
    ) -> Result<SessionStatus> {
        let listing = self.inner.listing(instrument).await;
        let listing = listing.map_err(|error| self.inner.place_in(error, "session_status"))?;
        let open = listing
            .instrument
            .status
            .as_ref()
            .is_none_or(|s| *s == InstrumentStatus::Open);
        let types = self
            .inner
            .capabilities()
            .orders
            .into_iter()
            .map(|it| it.order_type);
        let types =
            types.filter(|it| open && !(listing.over_the_counter && *it == OrderType::Market));
        let mut status = SessionStatus::new(open, false, true, types.collect());
        status.raw = listing.instrument.raw.clone();
        Ok(status)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-20 15:00 UTC);

    fn span(interval: BarInterval, days: i64) -> Result<(&'static str, &'static str)> {
        let from = NOW - time::Duration::days(days);
        let id = InstrumentId::new("i").unwrap();
        span_of(&BarQuery::new(id, interval, from, NOW), NOW)
    }

    #[test]
    fn only_pairs_that_the_broker_takes_are_asked_for() {
        assert_eq!(span(BarInterval::Minute5, 3).unwrap(), ("5minute", "week"));
        assert_eq!(span(BarInterval::Hour1, 20).unwrap(), ("hour", "month"));
        assert_eq!(span(BarInterval::Day1, 400).unwrap(), ("day", "5year"));
        // A month back from the first of March.
        assert_eq!(span(BarInterval::Day1, 28).unwrap(), ("day", "month"));
        assert_eq!(span(BarInterval::Day1, 29).unwrap(), ("day", "3month"));
        assert_eq!(span(BarInterval::Week1, 1).unwrap(), ("week", "month"));
    }

    #[test]
    fn every_symbol_is_in_one_batch_that_fits_into_a_query() {
        let name = |n: usize| Symbol::new(format!("W{n:04}")).unwrap();
        let symbols: Vec<_> = (0..1_220).map(name).collect();
        for most in [1, 100, usize::MAX] {
            let parts = batches(&symbols, most);
            assert_eq!(parts.concat(), symbols);
            let bytes =
                |part: &&[Symbol]| part.iter().map(|it| it.as_str().len() + 1).sum::<usize>();
            assert!(
                parts
                    .iter()
                    .all(|it| it.len() <= most && bytes(it) <= SYMBOL_BYTES)
            );
        }
        assert_eq!(batches(&symbols, 100).len(), 13);
        assert_eq!(batches(&symbols, usize::MAX).len(), 4);
        assert!(batches(&[], 100).is_empty());
    }

    #[test]
    fn what_the_broker_does_not_keep_is_refused_and_not_cut_short() {
        assert_eq!(span(BarInterval::Minute5, 8).unwrap_err().code(), 5001);
        assert_eq!(span(BarInterval::Minute1, 1).unwrap_err().code(), 3010);
        assert_eq!(span(BarInterval::Day1, 2_000).unwrap_err().code(), 5001);
    }
}
