//! Wire types into core types. Pure: no network, no clock.

use std::borrow::Cow;

use bytes::Bytes;
use time::OffsetDateTime;
use wheelhouse_core::{
    Account, AccountId, AccountStatus, AccountSummary, Bar, BarInterval, BrokerOrderId,
    ClientOrderId, ClosedTrade, Currency, Decimal, Depth, DepthLevel, Execution, ExecutionId,
    Holiday, Instrument, InstrumentId, InstrumentKind, InstrumentRules, InstrumentStatus, Money,
    Offset, Order, OrderSize, OrderState, OrderType, Position, PositionEffect, PositionId, Price,
    Quantity, Quote, Raw, Result, SessionStatus, Side, SizeUnit, StopLoss, Symbol, TakeProfit,
    Tick, TimeInForce, TradingSchedule,
};

use crate::{
    error::unexpected,
    wire::{
        accounts::{AccountEntry, state},
        instruments as wire_instruments, market,
        orders::{execution, order},
        positions::position,
        reports,
        table::{Row, Table},
        token::{Misfit, Token},
    },
};

/// What rows do not tell: whose they are, and what instruments are called.
pub(crate) struct Rows<'a> {
    account: &'a AccountId,
    currency: Option<Currency>,
    symbol_of: &'a (dyn Fn(&InstrumentId) -> Option<Symbol> + Send + Sync),
    /// Instruments already met in this answer: there are few, and most rows share one.
    met: Vec<(InstrumentId, Option<Symbol>)>,
}

/// Which list an order stands in: the broker keeps final orders apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    Final,
    Open,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(
        account: &'a AccountId,
        currency: Option<Currency>,
        symbol_of: &'a (dyn Fn(&InstrumentId) -> Option<Symbol> + Send + Sync),
    ) -> Self {
        Self {
            account,
            currency,
            symbol_of,
            met: Vec::new(),
        }
    }

    pub(crate) fn position(
        &mut self,
        row: &Row<'_, { position::COUNT }>,
        body: &Bytes,
    ) -> Result<Position> {
        use position::*;
        let id = required_id(row, &IDS, ID, PositionId::new)?;
        let instrument = required_text(row, &IDS, INSTRUMENT)?;
        let (instrument, symbol) =
            self.instrument(&instrument, || row.misfit(&IDS, INSTRUMENT, NO_ID))?;
        let size = row.required_decimal(&IDS, QTY)?;
        let side =
            side(&row.required_text(&IDS, SIDE)?).map_err(|m| row.misfit(&IDS, SIDE, m.0))?;
        let size = OrderSize::Lots(Quantity::new(size.abs()));
        let mut position = Position::new(id, self.account.clone(), instrument, side, size);
        position.symbol = symbol;
        position.average_price = row.read(&IDS, AVG_PRICE, Token::nonzero)?.map(Price::new);
        position.stop_loss_order = optional_id(row, &IDS, STOP_LOSS, BrokerOrderId::new)?;
        position.take_profit_order = optional_id(row, &IDS, TAKE_PROFIT, BrokerOrderId::new)?;
        position.opened_at = row.time(&IDS, OPEN_DATE)?;
        let pnl = row.read(&IDS, UNREALIZED_PL, Token::decimal)?;
        position.unrealized_pnl = pnl
            .zip(self.currency)
            .map(|(pnl, currency)| Money::new(pnl, currency));
        position.client_order_id = label(row.read(&IDS, STRATEGY, Token::text)?);
        position.raw = element(body, &["d", "positions"], row.index());
        Ok(position)
    }

    pub(crate) fn order(
        &mut self,
        row: &Row<'_, { order::COUNT }>,
        body: &Bytes,
        list: List,
    ) -> Result<Order> {
        use order::*;
        let id = required_id(row, &IDS, ID, BrokerOrderId::new)?;
        let instrument = required_text(row, &IDS, INSTRUMENT)?;
        let (instrument, symbol) =
            self.instrument(&instrument, || row.misfit(&IDS, INSTRUMENT, NO_ID))?;
        let side =
            side(&row.required_text(&IDS, SIDE)?).map_err(|m| row.misfit(&IDS, SIDE, m.0))?;
        let quantity = Quantity::new(row.required_decimal(&IDS, QTY)?);
        let order_type = order_type(row.required_text(&IDS, TYPE)?);
        let size = OrderSize::Lots(quantity);
        let mut order = Order::new(id, self.account.clone(), instrument, side, order_type, size);
        order.symbol = symbol;
        order.filled = Quantity::new(
            row.read(&IDS, FILLED_QTY, Token::decimal)?
                .unwrap_or_default(),
        );
        order.state = state_of(
            &row.required_text(&IDS, STATUS)?,
            list,
            order.filled,
            quantity,
        );
        order.average_price = row.read(&IDS, AVG_PRICE, Token::nonzero)?.map(Price::new);
        // The price of a market order is what the market was at when it came.
        if order.order_type != OrderType::Market {
            order.limit_price = row.read(&IDS, PRICE, Token::nonzero)?.map(Price::new);
        }
        order.stop_price = row.read(&IDS, STOP_PRICE, Token::nonzero)?.map(Price::new);
        let expires = row.time(&IDS, EXPIRE_DATE)?;
        order.time_in_force = time_in_force(row.read(&IDS, VALIDITY, Token::text)?, expires);
        order.created_at = row.time(&IDS, CREATED_DATE)?;
        // It is rounded to seconds and can lie before the creation.
        order.updated_at = row.time(&IDS, LAST_MODIFIED)?.max(order.created_at);
        order.effect = row
            .read(&IDS, IS_OPEN, Token::boolean)?
            .map(|opens| match opens {
                true => PositionEffect::Open,
                false => PositionEffect::Close,
            });
        order.position = optional_id(row, &IDS, POSITION, PositionId::new)?;
        let kind = row.read(&IDS, STOP_LOSS_TYPE, Token::text)?;
        let value = row.read(&IDS, STOP_LOSS, Token::nonzero)?;
        order.stop_loss = value.and_then(|value| stop_loss(kind.as_deref(), value));
        let kind = row.read(&IDS, TAKE_PROFIT_TYPE, Token::text)?;
        let value = row.read(&IDS, TAKE_PROFIT, Token::nonzero)?;
        order.take_profit = value.and_then(|value| take_profit(kind.as_deref(), value));
        order.client_order_id = label(row.read(&IDS, STRATEGY, Token::text)?);
        order.raw = match list {
            List::Final => element(body, &["d", "ordersHistory"], row.index()),
            List::Open => element(body, &["d", "orders"], row.index()),
        };
        Ok(order)
    }

    pub(crate) fn execution(
        &mut self,
        row: &Row<'_, { execution::COUNT }>,
        body: &Bytes,
    ) -> Result<Execution> {
        use execution::*;
        let mut execution = Execution::new(
            required_id(row, &IDS, ID, ExecutionId::new)?,
            required_id(row, &IDS, ORDER, BrokerOrderId::new)?,
            self.account.clone(),
            side(&row.required_text(&IDS, SIDE)?).map_err(|m| row.misfit(&IDS, SIDE, m.0))?,
            Quantity::new(row.required_decimal(&IDS, QTY)?),
            Price::new(row.required_decimal(&IDS, PRICE)?),
        );
        execution.instrument = optional_id(row, &IDS, INSTRUMENT, InstrumentId::new)?;
        execution.position = optional_id(row, &IDS, POSITION, PositionId::new)?;
        execution.time = row.time(&IDS, CREATED_DATE)?;
        execution.raw = element(body, &["d", "executions"], row.index());
        Ok(execution)
    }

    fn instrument(
        &mut self,
        text: &str,
        misfit: impl FnOnce() -> wheelhouse_core::Error,
    ) -> Result<(InstrumentId, Option<Symbol>)> {
        if let Some((id, symbol)) = self.met.iter().find(|(id, _)| id.as_str() == text) {
            return Ok((id.clone(), symbol.clone()));
        }
        let id = InstrumentId::new(text).map_err(|_| misfit())?;
        let symbol = (self.symbol_of)(&id);
        self.met.push((id.clone(), symbol.clone()));
        Ok((id, symbol))
    }
}

const NO_ID: &str = "is not an identifier";

fn required_text<'a, const N: usize>(
    row: &Row<'a, N>,
    ids: &[&'static str; N],
    column: usize,
) -> Result<Cow<'a, str>> {
    row.required_text(ids, column)
}

fn required_id<T, const N: usize>(
    row: &Row<'_, N>,
    ids: &[&'static str; N],
    column: usize,
    make: impl FnOnce(String) -> Result<T>,
) -> Result<T> {
    let text = row.required_text(ids, column)?;
    make(text.into_owned()).map_err(|_| row.misfit(ids, column, NO_ID))
}

fn optional_id<T, const N: usize>(
    row: &Row<'_, N>,
    ids: &[&'static str; N],
    column: usize,
    make: impl FnOnce(String) -> Result<T>,
) -> Result<Option<T>> {
    // Some answers write "0" where there is none.
    match row
        .read(ids, column, Token::text)?
        .filter(|text| text != "0")
    {
        None => Ok(None),
        Some(text) => make(text.into_owned())
            .map(Some)
            .map_err(|_| row.misfit(ids, column, NO_ID)),
    }
}

/// A label that is no identifier was not made by this side.
fn label(text: Option<Cow<'_, str>>) -> Option<ClientOrderId> {
    ClientOrderId::new(text?).ok()
}

fn element(body: &Bytes, path: &'static [&'static str], index: usize) -> Raw {
    Raw::element(body.clone(), path, u32::try_from(index).unwrap_or(u32::MAX))
}

fn side(text: &str) -> Result<Side, Misfit> {
    match text {
        _ if text.eq_ignore_ascii_case("buy") => Ok(Side::Buy),
        _ if text.eq_ignore_ascii_case("sell") => Ok(Side::Sell),
        _ => Err(Misfit("is neither buy nor sell")),
    }
}

fn order_type(text: Cow<'_, str>) -> OrderType {
    match plain(&text).as_str() {
        "limit" => OrderType::Limit,
        "market" => OrderType::Market,
        "stop" => OrderType::Stop,
        "stoplimit" => OrderType::StopLimit,
        "trailingstop" => OrderType::TrailingStop,
        _ => OrderType::Unknown(text.into_owned()),
    }
}

fn time_in_force(text: Option<Cow<'_, str>>, expires: Option<OffsetDateTime>) -> TimeInForce {
    let Some(text) = text else {
        return TimeInForce::Unknown(String::new());
    };
    match (plain(&text).as_str(), expires) {
        ("gtc", _) => TimeInForce::Gtc,
        ("ioc", _) => TimeInForce::Ioc,
        ("fok", _) => TimeInForce::Fok,
        ("day", _) => TimeInForce::Day,
        ("gtd", Some(date)) => TimeInForce::Gtd(date),
        _ => TimeInForce::Unknown(text.into_owned()),
    }
}

/// Lower case, without the signs that differ between spellings.
fn plain(text: &str) -> String {
    let letters = text.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// Reads a status. What is not known stays open: an order is never taken for final by guessing.
fn state_of(text: &str, list: List, filled: Quantity, ordered: Quantity) -> OrderState {
    let partly = filled.value() > Decimal::ZERO && filled < ordered;
    let name = plain(text);
    match name.strip_prefix("status").unwrap_or(&name) {
        "pendingnew" | "pendingexecution" => OrderState::PendingNew,
        "pendingcancel" => OrderState::PendingCancel,
        "pendingreplace" | "pendingreplacenotactive" => OrderState::PendingReplace,
        "partfilled" | "partiallyfilled" => OrderState::PartiallyFilled,
        "new" | "accepted" | "working" | "pending" | "restated" if list == List::Open => {
            match partly {
                true => OrderState::PartiallyFilled,
                false => OrderState::Working,
            }
        }
        // A changed order keeps its identifier and goes on.
        "replaced" if list == List::Open => OrderState::Working,
        "replaced" => OrderState::Replaced,
        "waitingmarket" | "offmarket" => OrderState::Held,
        "filled" => OrderState::Filled,
        "cancelled" | "canceled" | "removed" => OrderState::Canceled,
        "rejected" | "refused" => OrderState::Rejected,
        "expired" => OrderState::Expired,
        _ => OrderState::Other(text.to_owned()),
    }
}

fn stop_loss(kind: Option<&str>, value: Decimal) -> Option<StopLoss> {
    match plain(kind?).as_str() {
        "absolute" => Some(StopLoss::at(value)),
        "offset" => Some(StopLoss::Offset(Offset::Pips(value))),
        "trailingoffset" => Some(StopLoss::Trailing(Offset::Pips(value))),
        _ => None,
    }
}

fn take_profit(kind: Option<&str>, value: Decimal) -> Option<TakeProfit> {
    match plain(kind?).as_str() {
        "absolute" => Some(TakeProfit::at(value)),
        "offset" => Some(TakeProfit::Offset(Offset::Pips(value))),
        _ => None,
    }
}

/// Reads a leaf of an object and names it in the error.
pub(crate) fn leaf<'a, T>(
    path: &str,
    token: Token<'a>,
    read: impl FnOnce(Token<'a>) -> Result<T, Misfit>,
) -> Result<T> {
    read(token).map_err(|misfit| unexpected(path, misfit.0))
}

/// Reads a leaf that has to be there.
pub(crate) fn required<'a, T>(
    path: &str,
    token: Token<'a>,
    read: impl FnOnce(Token<'a>) -> Result<Option<T>, Misfit>,
) -> Result<T> {
    leaf(path, token, read)?.ok_or_else(|| unexpected(path, "is missing"))
}

/// Converts an account of all-accounts, with its `accNum`.
pub(crate) fn account(
    entry: &AccountEntry<'_>,
    index: usize,
    body: &Bytes,
) -> Result<(Account, u64)> {
    let path = |key: &str| format!("accounts[{index}].{key}");
    let id = required(&path("id"), entry.id, Token::text)?;
    let id = AccountId::new(id).map_err(|_| unexpected(path("id"), NO_ID))?;
    let number = required(&path("accNum"), entry.acc_num, Token::whole)?;
    let mut account = Account::new(id);
    account.name = leaf(&path("name"), entry.name, Token::text)?.map(Cow::into_owned);
    let currency = leaf(&path("currency"), entry.currency, Token::text)?;
    account.currency = currency.and_then(|code| Currency::new(&code).ok());
    account.status = match leaf(&path("status"), entry.status, Token::text)? {
        None => AccountStatus::Unknown(String::new()),
        Some(text) => match plain(&text).as_str() {
            "active" => AccountStatus::Active,
            "restricted" => AccountStatus::Restricted,
            "suspended" => AccountStatus::Suspended,
            "closed" | "archived" => AccountStatus::Closed,
            _ => AccountStatus::Unknown(text.into_owned()),
        },
    };
    let balance = leaf(
        &path("accountBalance"),
        entry.account_balance,
        Token::decimal,
    )?;
    account.balance = balance
        .zip(account.currency)
        .map(|(amount, currency)| Money::new(amount, currency));
    account.raw = element(body, &["accounts"], index);
    Ok((account, number))
}

pub(crate) fn summary(
    table: &Table<{ state::COUNT }>,
    account: &AccountId,
    currency: Option<Currency>,
    now: OffsetDateTime,
) -> Result<AccountSummary> {
    use state::*;
    let row = table
        .rows()
        .next()
        .ok_or_else(|| unexpected("d.accountDetailsData", "is missing"))?;
    let figure = |column| row.read(&IDS, column, Token::decimal);
    let count = |column| -> Result<Option<u32>> {
        Ok(row
            .read(&IDS, column, Token::whole)?
            .and_then(|count| u32::try_from(count).ok()))
    };
    let mut summary = AccountSummary::new(account.clone(), now);
    summary.currency = currency;
    summary.cash = figure(BALANCE)?;
    summary.equity = figure(PROJECTED_BALANCE)?;
    summary.buying_power = figure(AVAILABLE_FUNDS)?;
    summary.withdrawable = figure(WITHDRAWAL_AVAILABLE)?;
    summary.margin_used = figure(INITIAL_MARGIN_REQ)?;
    summary.open_pnl = figure(OPEN_NET_PNL)?.or(figure(OPEN_GROSS_PNL)?);
    summary.total_return_today = figure(TODAY_NET)?;
    summary.position_count = count(POSITIONS_COUNT)?;
    summary.order_count = count(ORDERS_COUNT)?;
    summary.raw = Raw::whole(table.body().clone());
    Ok(summary)
}

/// The two kinds of routes of an instrument.
pub(crate) struct Routes {
    pub(crate) info: Vec<u64>,
    pub(crate) trade: Option<u64>,
}

pub(crate) fn instrument(
    listed: &wire_instruments::ListedInstrument<'_>,
    index: usize,
    body: &Bytes,
) -> Result<(Instrument, Routes)> {
    let path = |key: &str| format!("d.instruments[{index}].{key}");
    let number = required(
        &path("tradableInstrumentId"),
        listed.tradable_instrument_id,
        Token::whole,
    )?;
    let id = InstrumentId::new(number.to_string())?;
    let name = required(&path("name"), listed.name, Token::text)?;
    // A name with signs that no symbol has must not hide the instrument, nor all the others.
    let symbol = Symbol::new(&name).or_else(|_| Symbol::new(format!("#{number}")))?;
    let kind = leaf(&path("type"), listed.kind, Token::text)?.unwrap_or_default();
    let mut instrument = Instrument::new(id, symbol, instrument_kind(&kind));
    let description = leaf(&path("description"), listed.description, Token::text)?;
    instrument.name = description.or(Some(name)).map(Cow::into_owned);
    instrument.unit = SizeUnit::Lots;
    instrument.raw = element(body, &["d", "instruments"], index);
    let mut routes = Routes {
        info: Vec::new(),
        trade: None,
    };
    for route in &listed.routes {
        let id = required(&path("routes[].id"), route.id, Token::whole)?;
        match leaf(&path("routes[].type"), route.kind, Token::text)?.as_deref() {
            Some("INFO") => routes.info.push(id),
            Some("TRADE") => routes.trade = routes.trade.or(Some(id)),
            _ => {}
        }
    }
    Ok((instrument, routes))
}

fn instrument_kind(text: &str) -> InstrumentKind {
    match text {
        "CRYPTO" => InstrumentKind::Crypto,
        "EQUITY" => InstrumentKind::Equity,
        "EQUITY_CFD" | "FUTURES_CFD" => InstrumentKind::Cfd,
        "ETF" => InstrumentKind::Etf,
        "FOREX" => InstrumentKind::Forex,
        "FUTURES" => InstrumentKind::Future,
        "INDICES" => InstrumentKind::Index,
        "OPTIONS" => InstrumentKind::Option,
        other => InstrumentKind::Unknown(other.to_owned()),
    }
}

/// Completes an instrument of the list with what its details tell.
pub(crate) fn with_details(
    mut instrument: Instrument,
    details: &wire_instruments::Details<'_>,
    body: &Bytes,
) -> Result<Instrument> {
    let quantity = |path: &str, token: Token<'_>| -> Result<Option<Quantity>> {
        Ok(leaf(path, token, Token::nonzero)?.map(Quantity::new))
    };
    let currency = leaf("d.quotingCurrency", details.quoting_currency, Token::text)?;
    instrument.currency = currency.and_then(|code| Currency::new(&code).ok());
    let mut rules = InstrumentRules::default();
    rules.min_quantity = quantity("d.minLot", details.min_lot)?;
    rules.max_quantity = quantity("d.maxLot", details.max_lot)?;
    rules.quantity_step = quantity("d.lotStep", details.lot_step)?;
    rules.lot_size = leaf("d.lotSize", details.lot_size, Token::nonzero)?;
    for range in details.tick_size.iter().flatten() {
        let from = leaf(
            "d.tickSize[].leftRangeLimit",
            range.left_range_limit,
            Token::nonzero,
        )?;
        if let Some(size) = leaf("d.tickSize[].tickSize", range.tick_size, Token::nonzero)? {
            rules.ticks.push(Tick { from, size });
        }
    }
    rules.ticks.sort_by_key(|tick| tick.from);
    instrument.rules = rules;
    instrument.status =
        leaf("d.symbolStatus", details.symbol_status, Token::text)?.map(|text| match &*text {
            "FULLY_OPEN" => InstrumentStatus::Open,
            "CLOSED" => InstrumentStatus::Closed,
            "TRADING_HALT" => InstrumentStatus::Halted,
            other => InstrumentStatus::Unknown(other.to_owned()),
        });
    instrument.raw = Raw::whole(body.clone());
    Ok(instrument)
}

pub(crate) fn quote(
    quote: &market::Quote<'_>,
    instrument: InstrumentId,
    now: OffsetDateTime,
    body: &Bytes,
) -> Result<Quote> {
    let mut converted = Quote::new(instrument, now);
    converted.ask = leaf("d.ap", quote.ap, Token::nonzero)?.map(Price::new);
    converted.ask_size = leaf("d.as", quote.ask_size, Token::decimal)?.map(Quantity::new);
    converted.bid = leaf("d.bp", quote.bp, Token::nonzero)?.map(Price::new);
    converted.bid_size = leaf("d.bs", quote.bs, Token::decimal)?.map(Quantity::new);
    converted.raw = Raw::whole(body.clone());
    Ok(converted)
}

pub(crate) fn depth(depth: &market::Depth<'_>, instrument: InstrumentId) -> Result<Depth> {
    let levels = |name: &str, wire: &[Vec<Token<'_>>]| -> Result<Vec<DepthLevel>> {
        let level = |(index, level): (usize, &Vec<Token<'_>>)| {
            let at = |place: usize| level.get(place).copied().unwrap_or_default();
            let price = required(&format!("d.{name}[{index}][0]"), at(0), Token::decimal)?;
            let size = required(&format!("d.{name}[{index}][1]"), at(1), Token::decimal)?;
            Ok(DepthLevel {
                price: Price::new(price),
                size: Quantity::new(size),
            })
        };
        wire.iter().enumerate().map(level).collect()
    };
    let mut depth = Depth {
        instrument,
        bids: levels("bids", &depth.bids)?,
        asks: levels("asks", &depth.asks)?,
    };
    depth.bids.sort_by(|a, b| b.price.cmp(&a.price));
    depth.asks.sort_by(|a, b| a.price.cmp(&b.price));
    Ok(depth)
}

/// Converts a bar; `time` is for the bar of the day, which tells none.
pub(crate) fn bar(path: &str, bar: &market::Bar<'_>, time: Option<OffsetDateTime>) -> Result<Bar> {
    let at = |key: &str| format!("{path}.{key}");
    let price = |key: &str, token| required(&at(key), token, Token::decimal).map(Price::new);
    let told = leaf(&at("t"), bar.t, Token::millis)?;
    Ok(Bar {
        time: told
            .or(time)
            .ok_or_else(|| unexpected(at("t"), "is missing"))?,
        open: price("o", bar.o)?,
        high: price("h", bar.h)?,
        low: price("l", bar.l)?,
        close: price("c", bar.c)?,
        volume: leaf(&at("v"), bar.v, Token::decimal)?,
    })
}

/// The name of an interval and the shortest time that one can take.
pub(crate) fn resolution(interval: BarInterval) -> Option<(&'static str, time::Duration)> {
    use time::Duration;
    Some(match interval {
        BarInterval::Minute1 => ("1m", Duration::MINUTE),
        BarInterval::Minute5 => ("5m", 5 * Duration::MINUTE),
        BarInterval::Minute15 => ("15m", 15 * Duration::MINUTE),
        BarInterval::Minute30 => ("30m", 30 * Duration::MINUTE),
        BarInterval::Hour1 => ("1H", Duration::HOUR),
        BarInterval::Hour4 => ("4H", 4 * Duration::HOUR),
        BarInterval::Day1 => ("1D", Duration::DAY),
        BarInterval::Week1 => ("1W", Duration::WEEK),
        BarInterval::Month1 => ("1M", 28 * Duration::DAY),
        _ => return None,
    })
}

pub(crate) fn schedule(
    session: &wire_instruments::Session<'_>,
    body: &Bytes,
) -> Result<TradingSchedule> {
    let mut schedule = TradingSchedule::default();
    schedule.blocked = leaf("d.blockTrading", session.block_trading, Token::boolean)?;
    for (index, holiday) in session.holidays.iter().flatten().enumerate() {
        let date = leaf(
            &format!("d.holidays[{index}].date"),
            holiday.date,
            Token::text,
        )?;
        let name = leaf(
            &format!("d.holidays[{index}].name"),
            holiday.name,
            Token::text,
        )?;
        if let Some(date) = date {
            schedule.holidays.push(Holiday {
                date: date.into_owned(),
                name: name.map(Cow::into_owned),
            });
        }
    }
    schedule.raw = Raw::whole(body.clone());
    Ok(schedule)
}

pub(crate) fn session_status(
    status: &wire_instruments::SessionStatus<'_>,
    body: &Bytes,
) -> Result<SessionStatus> {
    let flag = |name: &str, flags: &[Token<'_>], place: usize| -> Result<bool> {
        let path = format!("d.{name}[{place}]");
        required(
            &path,
            flags.get(place).copied().unwrap_or_default(),
            Token::boolean,
        )
    };
    let operation = |place| flag("allowedOperations", &status.allowed_operations, place);
    let types = [
        OrderType::Market,
        OrderType::Stop,
        OrderType::Limit,
        OrderType::StopLimit,
        OrderType::TrailingStop,
    ];
    let mut allowed = Vec::new();
    // The first flag is for orders by telephone.
    for (place, order_type) in (1..).zip(types) {
        if place < status.allowed_order_types.len()
            && flag("allowedOrderTypes", &status.allowed_order_types, place)?
        {
            allowed.push(order_type);
        }
    }
    let mut converted = SessionStatus::new(operation(0)?, operation(1)?, operation(2)?, allowed);
    converted.raw = Raw::whole(body.clone());
    Ok(converted)
}

pub(crate) fn closed_trade(
    trade: &reports::ClosedTrade<'_>,
    index: usize,
    body: &Bytes,
) -> Result<ClosedTrade> {
    let path = |key: &str| format!("data[{index}].{key}");
    let id = required(&path("positionId"), trade.position_id, Token::text)?;
    let id = PositionId::new(id).map_err(|_| unexpected(path("positionId"), NO_ID))?;
    let side_text = required(&path("positionSide"), trade.position_side, Token::text)?;
    let side = side(&side_text).map_err(|misfit| unexpected(path("positionSide"), misfit.0))?;
    let figure = |key: &str, token| leaf(&path(key), token, Token::decimal);
    let mut converted = ClosedTrade::new(id, side);
    let symbol = leaf(&path("instrument"), trade.instrument, Token::text)?;
    converted.symbol = symbol.and_then(|name| Symbol::new(name).ok());
    converted.quantity = figure("openAmount", trade.open_amount)?.map(Quantity::new);
    converted.open_price = figure("openPrice", trade.open_price)?.map(Price::new);
    converted.close_price = figure("closePrice", trade.close_price)?.map(Price::new);
    converted.opened_at = leaf(
        &path("openMilliseconds"),
        trade.open_milliseconds,
        Token::millis,
    )?;
    converted.closed_at = leaf(
        &path("closeMilliseconds"),
        trade.close_milliseconds,
        Token::millis,
    )?;
    converted.profit = figure("profit", trade.profit)?;
    converted.net_profit = figure("netProfit", trade.net_profit)?;
    converted.commission = figure("commission", trade.commission)?;
    converted.swap = figure("swap", trade.swap)?;
    converted.raw = element(body, &["data"], index);
    Ok(converted)
}

#[cfg(test)]
mod tests {
    use wheelhouse_core::dec;

    use super::*;

    fn state(text: &str, list: List) -> OrderState {
        state_of(text, list, Quantity::default(), Quantity::new(dec!(1)))
    }

    #[test]
    fn statuses_are_read_in_every_spelling() {
        for (text, list, expected) in [
            ("New", List::Open, OrderState::Working),
            ("STATUS_NEW", List::Open, OrderState::Working),
            ("STATUS_PENDING_NEW", List::Open, OrderState::PendingNew),
            ("part_filled", List::Open, OrderState::PartiallyFilled),
            ("Filled", List::Final, OrderState::Filled),
            ("Cancelled", List::Final, OrderState::Canceled),
            ("STATUS_CANCELED", List::Final, OrderState::Canceled),
            ("Refused", List::Final, OrderState::Rejected),
            ("WAITING_MARKET", List::Open, OrderState::Held),
            ("Replaced", List::Open, OrderState::Working),
            ("Replaced", List::Final, OrderState::Replaced),
        ] {
            assert_eq!(state(text, list), expected, "{text}");
        }
    }

    #[test]
    fn f25_an_unknown_status_is_kept_and_never_final() {
        for text in ["None", "Unplaced", "MODIFY_TRADING_MODE", "frobnicated"] {
            let state = state(text, List::Final);
            assert_eq!(state, OrderState::Other(text.to_owned()));
            assert!(!state.is_final());
        }
    }

    #[test]
    fn f46_an_open_order_with_a_part_filled_says_so() {
        let state = state_of(
            "New",
            List::Open,
            Quantity::new(dec!(0.5)),
            Quantity::new(dec!(1)),
        );
        assert_eq!(state, OrderState::PartiallyFilled);
    }

    #[test]
    fn a_stop_loss_without_a_known_type_is_none() {
        assert_eq!(stop_loss(None, dec!(1)), None);
        assert_eq!(
            stop_loss(Some("absolute"), dec!(1)),
            Some(StopLoss::at(dec!(1)))
        );
        let trailing = StopLoss::Trailing(Offset::Pips(dec!(5)));
        assert_eq!(stop_loss(Some("trailingOffset"), dec!(5)), Some(trailing));
    }
}
