//! What Robinhood tells beyond the vocabulary of core.

use std::collections::HashSet;

use time::Date;
use wheelhouse_core::{AccountId, Bar, InstrumentId, Money, Quote, Result, Symbol};

use crate::{
    ChainCollateral, Dividend, Fundamentals, MarketHours, OptionEvent, OptionStrategy, Robinhood,
    api::{self, place, rows},
    config::Host,
    convert::{self, Place},
    endpoints,
    wire::{account, market, option},
};

impl Robinhood {
    /// Reads the dividends of an account, paid and to come.
    ///
    /// # Errors
    ///
    /// [`NotFound`](wheelhouse_core::ErrorKind::NotFound) if it is not the user's account, and the kinds that every
    /// call can fail with.
    pub async fn dividends(&self, account: &AccountId) -> Result<Vec<Dividend>> {
        let inner = &self.inner;
        inner.known(account, "dividends").await?;
        let endpoint = &endpoints::GET_DIVIDENDS;
        let call = inner
            .api
            .call(Host::Api, endpoint)
            .query("account_numbers", account);
        let (mut all, mut seen) = (Vec::new(), HashSet::new());
        let read = inner.api.all_pages(Host::Api, endpoint, call, |body| {
            let (items, next) = rows(body, |row: &account::Dividend<'_>, _| {
                convert::dividend(row).map(Some)
            })?;
            let mine = items.into_iter().filter(|row| row.account == *account);
            all.extend(mine.filter(|row| seen.insert(row.id.clone())));
            Ok((next, true))
        });
        read.await?;
        Ok(all)
    }

    /// Reads what can be spent on options, which is not always what can be spent on shares.
    ///
    /// # Errors
    ///
    /// As [`dividends`](Self::dividends).
    pub async fn options_buying_power(&self, account: &AccountId) -> Result<Money> {
        let inner = &self.inner;
        inner.known(account, "options_buying_power").await?;
        let endpoint = &endpoints::GET_OPTIONS_BUYING_POWER;
        let call = inner
            .api
            .call(Host::Bonfire, endpoint)
            .path("account", account.as_str());
        let body = inner.api.read(endpoint, call).await?;
        let read = || {
            let wire: account::OptionsBuyingPower<'_> = api::decode(&body)?;
            let currency =
                wheelhouse_core::Currency::new(wire.buying_power.currency_code.as_str())?;
            Ok(Money::new(wire.buying_power.amount.0, currency))
        };
        read().map_err(|error| place(endpoint, error))
    }

    /// Reads the user's identifier and name.
    ///
    /// # Errors
    ///
    /// The kinds that every call can fail with.
    pub async fn user(&self) -> Result<(String, String)> {
        let endpoint = &endpoints::GET_USER;
        let body = self
            .inner
            .api
            .read(endpoint, self.inner.api.call(Host::Api, endpoint))
            .await?;
        let user: account::User<'_> = api::decode(&body).map_err(|error| place(endpoint, error))?;
        Ok((user.id.owned(), user.username.owned()))
    }

    /// Reads when a market, such as `XNYS`, trades on a date in New York.
    ///
    /// # Errors
    ///
    /// [`NotFound`](wheelhouse_core::ErrorKind::NotFound) if there is no such market, and the kinds that every call
    /// can fail with.
    pub async fn market_hours(&self, market: &str, date: Date) -> Result<MarketHours> {
        let hours = self.inner.read_hours(market, date).await;
        hours.map_err(|error| self.inner.place_in(error, "market_hours"))
    }

    /// Reads what is known of a company and its day.
    ///
    /// # Errors
    ///
    /// [`NotFound`](wheelhouse_core::ErrorKind::NotFound) if the broker knows nothing of it, and the kinds that every
    /// call can fail with.
    pub async fn fundamentals(&self, instrument: &InstrumentId) -> Result<Fundamentals> {
        let endpoint = &endpoints::GET_FUNDAMENTALS;
        let api = &self.inner.api;
        let call = api
            .call(Host::Api, endpoint)
            .path("instrument", instrument.as_str());
        let body = api.read(endpoint, call).await?;
        api::decode::<market::Fundamentals<'_>>(&body)
            .and_then(|row| convert::fundamentals(&row, Place::Whole(&body)))
            .map_err(|error| place(endpoint, error))
    }

    /// Reads the best prices of shares by their names, in the order of `symbols`: some 300 names in
    /// one request.
    ///
    /// # Errors
    ///
    /// [`NotFound`](wheelhouse_core::ErrorKind::NotFound), which names them, if the broker does not
    /// know all of the symbols, and the kinds that every call can fail with.
    pub async fn quotes_of(&self, symbols: &[Symbol]) -> Result<Vec<Quote>> {
        self.inner.read_quotes_of(symbols).await
    }

    /// Reads what is known of companies and their day by their names, in the order of `symbols`: 100
    /// in one request.
    ///
    /// # Errors
    ///
    /// As [`quotes_of`](Self::quotes_of).
    pub async fn fundamentals_of(&self, symbols: &[Symbol]) -> Result<Vec<Fundamentals>> {
        self.inner.read_fundamentals_of(symbols).await
    }

    /// Reads the options that an account holds, a row for each strategy, with the terms of its legs.
    ///
    /// # Errors
    ///
    /// [`NotFound`](wheelhouse_core::ErrorKind::NotFound) if it is not the user's account, and the kinds that every
    /// call can fail with.
    pub async fn option_strategies(&self, account: &AccountId) -> Result<Vec<OptionStrategy>> {
        let inner = &self.inner;
        inner.known(account, "option_strategies").await?;
        let endpoint = &endpoints::GET_STRATEGIES;
        let call = inner.api.call(Host::Api, endpoint);
        let call = call
            .query("nonzero", "True")
            .query("account_numbers", account);
        let (mut all, mut seen) = (Vec::new(), HashSet::new());
        let read = inner.api.all_pages(Host::Api, endpoint, call, |body| {
            let (items, next) = rows(body, |row: &option::AggregatePosition<'_>, index| {
                let held = convert::strategy(row, Place::Row(body, index))?;
                Ok((held.account == *account && !held.quantity.value().is_zero()).then_some(held))
            })?;
            all.extend(items.into_iter().filter(|row| seen.insert(row.id.clone())));
            Ok((next, true))
        });
        read.await?;
        Ok(all)
    }

    /// Reads what became of options that ended: expiries, exercises and assignments.
    ///
    /// # Errors
    ///
    /// As [`option_strategies`](Self::option_strategies).
    pub async fn option_events(&self, account: &AccountId) -> Result<Vec<OptionEvent>> {
        let inner = &self.inner;
        inner.known(account, "option_events").await?;
        let endpoint = &endpoints::GET_OPTION_EVENTS;
        let call = inner
            .api
            .call(Host::Api, endpoint)
            .query("account_numbers", account);
        let (mut all, mut seen) = (Vec::new(), HashSet::new());
        let read = inner.api.all_pages(Host::Api, endpoint, call, |body| {
            let (items, next) = rows(body, |row: &option::OptionEvent<'_>, index| {
                let event = convert::event(row, Place::Row(body, index))?;
                Ok((event.account == *account).then_some(event))
            })?;
            all.extend(items.into_iter().filter(|row| seen.insert(row.id.clone())));
            Ok((next, true))
        });
        read.await?;
        Ok(all)
    }

    /// Reads what is set aside for the written options of a chain.
    ///
    /// # Errors
    ///
    /// As [`option_strategies`](Self::option_strategies).
    pub async fn option_collateral(
        &self,
        account: &AccountId,
        chain: &str,
    ) -> Result<ChainCollateral> {
        let inner = &self.inner;
        inner.known(account, "option_collateral").await?;
        let endpoint = &endpoints::GET_COLLATERAL;
        let call = inner.api.call(Host::Api, endpoint).path("chain", chain);
        let body = inner
            .api
            .read(endpoint, call.query("account_number", account))
            .await?;
        api::decode::<option::ChainCollateral<'_>>(&body)
            .and_then(|answer| convert::collateral(&answer, Place::Whole(&body)))
            .map_err(|error| place(endpoint, error))
    }

    /// Reads the bars of a contract by the day, over the last week, oldest first.
    ///
    /// # Errors
    ///
    /// The kinds that every call can fail with.
    pub async fn option_bars(&self, contract: &InstrumentId) -> Result<Vec<Bar>> {
        let endpoint = &endpoints::GET_OPTION_BARS;
        let api = &self.inner.api;
        let call = api
            .call(Host::Api, endpoint)
            .path("contract", contract.as_str());
        let call = call
            .query("span", "week")
            .query("interval", "day")
            .query("bounds", "regular");
        let body = api.read(endpoint, call).await?;
        let read: market::OptionHistoricals =
            api::decode(&body).map_err(|error| place(endpoint, error))?;
        let real = read
            .data_points
            .iter()
            .filter(|candle| candle.interpolated != Some(true));
        let mut bars: Vec<Bar> = real.map(convert::bar).collect();
        bars.sort_by_key(|bar| bar.time);
        Ok(bars)
    }
}
