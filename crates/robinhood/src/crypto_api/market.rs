//! Trading pairs and prices.

use std::collections::HashMap;

use wheelhouse_core::{
    Error, Instrument, InstrumentId, InstrumentKind, InstrumentQuery, Page, Quantity, Quote,
    Result, Side, Symbol,
};
use wheelhouse_http::{Call, Endpoint};

use super::{
    api::read_json,
    client::Inner,
    convert::{self, Place},
    endpoints,
    error::{invalid, not_found},
    types::{CryptoPriceEstimate, CryptoSpreadQuote},
    wire,
};

/// How many pairs are named in one request, so that its address stays short.
const PAIRS_A_REQUEST: usize = 50;
/// How many quantities an estimate may be asked for.
const MOST_QUANTITIES: usize = 10;

impl Inner {
    pub(crate) async fn list_instruments(
        &self,
        query: InstrumentQuery,
    ) -> Result<Page<Instrument>> {
        let text = query.text.map(|text| text.to_uppercase());
        let wanted = |instrument: &&Instrument| {
            let kind = query
                .kind
                .as_ref()
                .is_none_or(|kind| *kind == InstrumentKind::Crypto);
            let named = |text: &String| instrument.symbol.as_str().contains(text.as_str());
            kind && text.as_ref().is_none_or(named)
        };
        let pairs = self.all_pairs().await?;
        let instruments = pairs.iter().map(|pair| &pair.instrument);
        Ok(Page::last(instruments.filter(wanted).cloned().collect()))
    }

    pub(crate) async fn find_instrument(&self, symbol: &Symbol) -> Result<Instrument> {
        let found = self.find_pair(symbol.as_str(), |_| true).await?;
        let pair = found.ok_or_else(|| {
            let message = format!("there is no trading pair {symbol}; pairs look like BTC-USD");
            self.place_in(not_found(message), "instrument")
        })?;
        Ok(pair.instrument)
    }

    pub(crate) async fn read_quotes(&self, instruments: &[InstrumentId]) -> Result<Vec<Quote>> {
        let endpoint = &self.api.routes.quotes;
        let now = self.api.clock().now();
        let convert =
            |prices: &wire::Prices<'_>, place: Place<'_>| convert::quote(prices, now, place);
        let read = self.read_prices(endpoint, instruments, convert).await?;
        let found: HashMap<_, _> = read
            .into_iter()
            .map(|quote| (quote.instrument.clone(), quote))
            .collect();
        let one = |id: &InstrumentId| {
            found.get(id).cloned().ok_or_else(|| {
                let message = format!("the broker has no prices of {id}");
                self.place_in(not_found(message), "quotes")
            })
        };
        instruments.iter().map(one).collect()
    }

    /// Reads the prices of pairs, as many at a time as an address holds.
    async fn read_prices<T>(
        &self,
        endpoint: &'static Endpoint,
        instruments: &[InstrumentId],
        convert: impl Fn(&wire::Prices<'_>, Place<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut wanted: Vec<&InstrumentId> = instruments.iter().collect();
        wanted.sort_unstable();
        wanted.dedup();
        for id in &wanted {
            check_symbol(id).map_err(|error| self.api.place(endpoint, error))?;
        }
        let mut all = Vec::with_capacity(wanted.len());
        for some in wanted.chunks(PAIRS_A_REQUEST) {
            let body = self
                .api
                .read(endpoint, |call| with_symbols(call, some))
                .await?;
            let mut take = || -> Result<()> {
                let prices: wire::Results<wire::Prices<'_>> = read_json(&body)?;
                for (index, prices) in prices.results.iter().enumerate() {
                    all.push(convert(prices, Place::Row(&body, index))?);
                }
                Ok(())
            };
            take().map_err(|error| self.api.place(endpoint, error))?;
        }
        Ok(all)
    }

    /// Reads the prices of version 1, whichever is spoken otherwise.
    pub(crate) async fn read_spreads(
        &self,
        instruments: &[InstrumentId],
    ) -> Result<Vec<CryptoSpreadQuote>> {
        let convert = |prices: &wire::Prices<'_>, _: Place<'_>| convert::spread_quote(prices);
        self.read_prices(&endpoints::V1.quotes, instruments, convert)
            .await
    }

    pub(crate) async fn read_estimates(
        &self,
        instrument: &InstrumentId,
        side: Side,
        quantities: &[Quantity],
    ) -> Result<Vec<CryptoPriceEstimate>> {
        let endpoint = &self.api.routes.estimates;
        let placed = |error: Error| self.api.place(endpoint, error);
        check_symbol(instrument).map_err(placed)?;
        if quantities.is_empty() || quantities.len() > MOST_QUANTITIES {
            let message = format!("an estimate is for 1 to {MOST_QUANTITIES} quantities");
            return Err(placed(invalid(message)));
        }
        if quantities
            .iter()
            .any(|quantity| quantity.value() <= wheelhouse_core::Decimal::ZERO)
        {
            return Err(placed(invalid(
                "a quantity of the estimate is not above zero",
            )));
        }
        let list: Vec<_> = quantities.iter().map(ToString::to_string).collect();
        let (list, side) = (list.join(","), price_side(side));
        let with = |call| {
            Call::query(call, "symbol", instrument)
                .query("side", side)
                .query("quantity", &list)
        };
        let body = self.api.read(endpoint, with).await?;
        let read = || -> Result<Vec<_>> {
            let prices: wire::Results<wire::Prices<'_>> = read_json(&body)?;
            prices.results.iter().map(convert::estimate).collect()
        };
        read().map_err(placed)
    }
}

/// Buying is at the ask, selling at the bid.
fn price_side(side: Side) -> &'static str {
    match side {
        Side::Buy => "ask",
        Side::Sell => "bid",
    }
}

/// Names pairs in the query, each by a parameter of its own: lists with commas are refused.
pub(crate) fn with_symbols<'a>(call: Call<'a>, symbols: &[&InstrumentId]) -> Call<'a> {
    symbols
        .iter()
        .fold(call, |call, symbol| call.query("symbol", symbol))
}

/// Refuses what cannot be a pair, before it is sent.
pub(crate) fn check_symbol(id: &InstrumentId) -> Result<()> {
    let text = id.as_str();
    let fit = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    if text.len() <= 32 && text.bytes().all(fit) && text.contains('-') {
        return Ok(());
    }
    Err(invalid(
        "the instrument is no trading pair; pairs look like BTC-USD",
    ))
}
