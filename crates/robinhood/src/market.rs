use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use time::{Date, OffsetDateTime, Weekday, macros::format_description};
use wheelhouse_core::{
    AccountId, Bar, BarInterval, BarQuery, Clock, Error, ErrorKind, Holiday, Instrument,
    InstrumentId, InstrumentQuery, InstrumentStatus, MarketHistory, OrderType, Page, Quote, Result,
    SessionStatus, Symbol, TradingSchedule, TradingSessions,
};

use crate::{
    MarketHours, Robinhood,
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
/// The most instruments that are remembered.
const MOST: usize = 10_000;

/// The instruments met of late, by their identifiers.
#[derive(Debug, Default)]
pub(crate) struct Listings(Mutex<HashMap<InstrumentId, (Duration, Arc<Listing>)>>);

impl Listings {
    fn fresh(&self, clock: &dyn Clock, id: &InstrumentId, age: Duration) -> Option<Arc<Listing>> {
        let listings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, listing) = listings.get(id)?;
        (clock.monotonic().saturating_sub(*read_at) <= age).then(|| listing.clone())
    }

    fn put(&self, clock: &dyn Clock, listing: Listing) -> Arc<Listing> {
        let listing = Arc::new(listing);
        let mut listings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if listings.len() >= MOST {
            listings.clear();
        }
        let id = listing.instrument.id.clone();
        listings.insert(id, (clock.monotonic(), listing.clone()));
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
        if self.config.private_crypto
            && let Some(pair) = self.pair_by_symbol(symbol).await?
        {
            return Ok(pair);
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
            1 => return Ok(self.listings.put(self.clock(), found.remove(0).1)),
            0 => Error::new(
                ErrorKind::NotFound,
                format!("the broker has no instrument {symbol}"),
            ),
            several => error::invalid(format!("{several} instruments are called {symbol}")),
        };
        Err(place(endpoint, error))
    }

    pub(crate) async fn listing(&self, id: &InstrumentId) -> Result<Arc<Listing>> {
        if let Some(known) = self
            .listings
            .fresh(self.clock(), id, self.config.instruments_age)
        {
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

    async fn hours_today(&self, listing: &Listing) -> Result<MarketHours> {
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

/// Finds the shortest span that reaches back to where a query begins.
fn span_of(query: &BarQuery, now: OffsetDateTime) -> Result<(&'static str, &'static str)> {
    const SPANS: [(&str, i64); 5] = [
        ("week", 7),
        ("month", 30),
        ("3month", 90),
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
        assert_eq!(span(BarInterval::Week1, 1).unwrap(), ("week", "month"));
    }

    #[test]
    fn what_the_broker_does_not_keep_is_refused_and_not_cut_short() {
        assert_eq!(span(BarInterval::Minute5, 8).unwrap_err().code(), 5001);
        assert_eq!(span(BarInterval::Minute1, 1).unwrap_err().code(), 3010);
        assert_eq!(span(BarInterval::Day1, 2_000).unwrap_err().code(), 5001);
    }
}
