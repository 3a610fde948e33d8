use std::borrow::Cow;

use bytes::Bytes;
use wheelhouse_core::{
    Currency, Holiday, Instrument, InstrumentId, InstrumentKind, InstrumentRules, InstrumentStatus,
    OrderType, Quantity, Raw, Result, SessionStatus, SizeUnit, Symbol, Tick, TradingSchedule,
};

use super::{element, leaf, required};
use crate::wire::{instruments as wire_instruments, token::Token};

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
