use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::try_join_all;
use time::{Duration, OffsetDateTime, Time};
use wheelhouse_core::{
    AccountId, Bar, BarQuery, ClosedTrade, ClosedTradeQuery, ClosedTrades, Depth, Error, ErrorKind,
    InstrumentId, MarketDepth, MarketHistory, Page, PageToken, Quote, Result, SessionStatus,
    TradingSchedule, TradingSessions,
};

use crate::{
    TradeLocker,
    accounts::AccountState,
    api,
    client::Inner,
    convert, endpoints, error,
    instruments::Listed,
    wire::{
        instruments as wire_instruments, market, number::to_millis, reply, reply::Reply, reports,
        token::Token,
    },
};

/// What the documentation allows in one answer. `/trade/config` has said more; the smaller one
/// counts.
const MAX_BARS: u64 = 20_000;
/// More windows than this are taken for a mistake.
const MAX_WINDOWS: u64 = 1_000;
/// History is limited by the minute, so a long one has to wait longer than other reads.
const HISTORY_WAIT: std::time::Duration = std::time::Duration::from_secs(70);

impl Inner {
    pub(crate) async fn read_quotes(
        &self,
        id: &AccountId,
        instruments: &[InstrumentId],
    ) -> Result<Vec<Quote>> {
        let account = &*self.account(id, "quotes").await?;
        try_join_all(
            instruments
                .iter()
                .map(|instrument| self.read_quote(account, instrument)),
        )
        .await
    }

    async fn read_quote(&self, account: &AccountState, id: &InstrumentId) -> Result<Quote> {
        let endpoint = &endpoints::GET_QUOTE;
        let listed = self.listed(account, id).await?;
        let call = |route| {
            self.api
                .call(endpoint, account.acc_num)
                .query("routeId", route)
                .query("tradableInstrumentId", id)
        };
        let body = self.read_data(account, &listed, endpoint, call).await?;
        let quote = api::data::<market::Quote<'_>>(&body)
            .and_then(|quote| convert::quote(&quote, id.clone(), self.clock().now(), &body));
        quote.map_err(|error| self.api.place(endpoint, error))
    }

    async fn read_session_status(
        &self,
        account: &AccountState,
        listed: &Listed,
    ) -> Result<SessionStatus> {
        let endpoint = &endpoints::GET_SESSION_STATUS;
        let details = self.details(account, listed).await?;
        let id = details
            .session_status
            .ok_or_else(|| no_session(endpoint.operation()))?
            .to_string();
        let call = self
            .api
            .call(endpoint, account.acc_num)
            .path("sessionStatusId", &id);
        let body = self.api.read(endpoint, call).await?;
        let status = api::data::<wire_instruments::SessionStatus<'_>>(&body)
            .and_then(|status| convert::session_status(&status, &body));
        status.map_err(|error| self.api.place(endpoint, error))
    }

    async fn read_bars(&self, account: &AccountState, query: &BarQuery) -> Result<Vec<Bar>> {
        let (resolution, shortest) = convert::resolution(query.interval).ok_or_else(|| {
            let message = format!("there are no bars of {:?} at this broker", query.interval);
            Error::new(ErrorKind::Unsupported, message)
        })?;
        if query.from > query.to {
            return Err(error::invalid("the time span ends before it begins"));
        }
        let max_bars = self
            .config(account)
            .await?
            .max_bars
            .unwrap_or(MAX_BARS)
            .min(MAX_BARS);
        let step = window(shortest, max_bars);
        if (query.to - query.from) / step > MAX_WINDOWS as f64 {
            let message = format!("the time span would take more than {MAX_WINDOWS} requests");
            return Err(error::invalid(message));
        }
        let listed = self.listed(account, &query.instrument).await?;
        let mut bars = Vec::new();
        let mut from = query.from;
        while from <= query.to {
            let to = query.to.min(from.saturating_add(step));
            bars.extend(
                self.read_window(account, &listed, resolution, from, to)
                    .await?,
            );
            from = to.saturating_add(Duration::MILLISECOND);
        }
        bars.retain(|bar: &Bar| (query.from..=query.to).contains(&bar.time));
        bars.sort_by_key(|bar| bar.time);
        bars.dedup_by_key(|bar| bar.time);
        Ok(bars)
    }

    async fn read_window(
        &self,
        account: &AccountState,
        listed: &Listed,
        resolution: &'static str,
        from: OffsetDateTime,
        to: OffsetDateTime,
    ) -> Result<Vec<Bar>> {
        let endpoint = &endpoints::GET_BARS;
        let call = |route| {
            self.api
                .call(endpoint, account.acc_num)
                .query("routeId", route)
                .query("tradableInstrumentId", listed.number())
                .query("resolution", resolution)
                .query("from", to_millis(from))
                .query("to", to_millis(to))
                .max_wait(HISTORY_WAIT)
        };
        let body = self.read_data(account, listed, endpoint, call).await?;
        bars(&body).map_err(|error| self.api.place(endpoint, error))
    }
}

/// Returns how long a window may be so that it cannot have more than `max_bars` bars, both ends
/// included.
fn window(shortest: Duration, max_bars: u64) -> Duration {
    let bars = i32::try_from(max_bars.saturating_sub(1).max(1)).unwrap_or(i32::MAX);
    shortest.checked_mul(bars).unwrap_or(Duration::MAX)
}

fn bars(body: &Bytes) -> Result<Vec<Bar>> {
    let reply = Reply::read(reply::text(body)?)?;
    if reply.is_no_data() {
        return Ok(Vec::new());
    }
    let history: market::History<'_> = reply.data()?;
    let bars = history.bar_details.unwrap_or_default();
    let bars = bars.iter().enumerate();
    bars.map(|(index, bar)| convert::bar(&format!("d.barDetails[{index}]"), bar, None))
        .collect()
}

fn daily_bar(body: &Bytes, now: OffsetDateTime) -> Result<Option<Bar>> {
    let reply = Reply::read(reply::text(body)?)?;
    if reply.is_no_data() {
        return Ok(None);
    }
    let bar: market::Bar<'_> = reply.data()?;
    if bar.o.is_null() && bar.c.is_null() {
        return Ok(None);
    }
    // It tells no time; daily bars begin at midnight UTC.
    convert::bar("d", &bar, Some(now.replace_time(Time::MIDNIGHT))).map(Some)
}

fn no_session(operation: &'static str) -> Error {
    let message = "the instrument names no trading hours";
    Error::new(ErrorKind::Unsupported, message)
        .in_operation(operation)
        .at_broker(wheelhouse_core::BrokerId::tradelocker())
}

#[async_trait]
impl MarketHistory for TradeLocker {
    async fn bars(&self, account: &AccountId, query: &BarQuery) -> Result<Vec<Bar>> {
        let inner = &*self.inner;
        let account = inner.account(account, "bars").await?;
        inner
            .read_bars(&account, query)
            .await
            .map_err(|error| inner.place_in(error, "bars"))
    }

    async fn daily_bar(
        &self,
        account: &AccountId,
        instrument: &InstrumentId,
    ) -> Result<Option<Bar>> {
        let (inner, endpoint) = (&*self.inner, &endpoints::GET_DAILY_BAR);
        let account = inner.account(account, endpoint.operation()).await?;
        let listed = inner.listed(&account, instrument).await?;
        let kind = listed.bar_source.as_deref().unwrap_or("BID");
        let call = |route| {
            inner
                .api
                .call(endpoint, account.acc_num)
                .query("routeId", route)
                .query("tradableInstrumentId", listed.number())
                .query("barType", kind)
        };
        let body = inner.read_data(&account, &listed, endpoint, call).await?;
        daily_bar(&body, inner.clock().now()).map_err(|error| inner.api.place(endpoint, error))
    }
}

#[async_trait]
impl MarketDepth for TradeLocker {
    async fn depth(&self, account: &AccountId, instrument: &InstrumentId) -> Result<Depth> {
        let (inner, endpoint) = (&*self.inner, &endpoints::GET_DEPTH);
        let account = inner.account(account, endpoint.operation()).await?;
        let listed = inner.listed(&account, instrument).await?;
        let call = |route| {
            inner
                .api
                .call(endpoint, account.acc_num)
                .query("routeId", route)
                .query("tradableInstrumentId", listed.number())
        };
        let body = inner.read_data(&account, &listed, endpoint, call).await?;
        let depth = api::data::<market::Depth<'_>>(&body)
            .and_then(|depth| convert::depth(&depth, instrument.clone()));
        depth.map_err(|error| inner.api.place(endpoint, error))
    }
}

#[async_trait]
impl TradingSessions for TradeLocker {
    async fn trading_hours(
        &self,
        account: &AccountId,
        instrument: &InstrumentId,
    ) -> Result<TradingSchedule> {
        let (inner, endpoint) = (&*self.inner, &endpoints::GET_SESSION);
        let account = inner.account(account, endpoint.operation()).await?;
        let listed = inner.listed(&account, instrument).await?;
        let details = inner.details(&account, &listed).await?;
        let id = details
            .session
            .ok_or_else(|| no_session(endpoint.operation()))?
            .to_string();
        let call = inner
            .api
            .call(endpoint, account.acc_num)
            .path("sessionId", &id);
        let body = inner.api.read(endpoint, call).await?;
        let schedule = api::data::<wire_instruments::Session<'_>>(&body)
            .and_then(|session| convert::schedule(&session, &body));
        schedule.map_err(|error| inner.api.place(endpoint, error))
    }

    async fn session_status(
        &self,
        account: &AccountId,
        instrument: &InstrumentId,
    ) -> Result<SessionStatus> {
        let inner = &*self.inner;
        let account = inner.account(account, "session_status").await?;
        let listed = inner.listed(&account, instrument).await?;
        let status = inner.read_session_status(&account, &listed).await?;
        listed
            .status
            .put(inner.clock(), std::sync::Arc::new(status.clone()));
        Ok(status)
    }
}

/// Trades that are over come from a route that is not documented. What is wrong with it is an error
/// of this call and of nothing else.
#[async_trait]
impl ClosedTrades for TradeLocker {
    async fn list(
        &self,
        account: &AccountId,
        query: ClosedTradeQuery,
    ) -> Result<Page<ClosedTrade>> {
        let (inner, endpoint) = (&*self.inner, &endpoints::GET_CLOSED_TRADES);
        let account = inner.account(account, endpoint.operation()).await?;
        let call = inner.api.call(endpoint, account.acc_num);
        let call = call.query("limit", query.limit.unwrap_or(200).clamp(1, 200));
        let call = match &query.page {
            Some(page) => call.query("lastTradeId", page.as_str()),
            None => call,
        };
        let body = inner.api.read(endpoint, call).await?;
        let page = closed_trades(&body).map_err(|error| inner.api.place(endpoint, error))?;
        if page.next.is_some() && page.next == query.page {
            let error = error::unexpected("links.next", "leads back to the same page");
            return Err(inner.api.place(endpoint, error));
        }
        let mut page = page;
        if let Some(symbol) = &query.symbol {
            page.items
                .retain(|trade| trade.symbol.as_ref() == Some(symbol));
        }
        Ok(page)
    }
}

fn closed_trades(body: &Bytes) -> Result<Page<ClosedTrade>> {
    let answer: reports::ClosedTrades<'_> = api::bare(body)?;
    let trades = answer.data.iter().enumerate();
    let items: Result<Vec<_>> = trades
        .map(|(index, trade)| convert::closed_trade(trade, index, body))
        .collect();
    let params = answer
        .links
        .and_then(|links| links.next)
        .and_then(|next| next.params);
    let next = match params {
        Some(params) => convert::leaf(
            "links.next.params.lastTradeId",
            params.last_trade_id,
            Token::text,
        )?,
        None => None,
    };
    Ok(Page {
        items: items?,
        next: next.map(|id| PageToken::new(id.into_owned())),
    })
}
