use bytes::Bytes;
use time::OffsetDateTime;
use wheelhouse_core::{
    Bar, BarInterval, ClosedTrade, Depth, DepthLevel, InstrumentId, PositionId, Price, Quantity,
    Quote, Raw, Result, Symbol,
};

use super::{NO_ID, element, leaf, required, side};
use crate::{
    error::unexpected,
    wire::{market, reports, token::Token},
};

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
    depth
        .bids
        .sort_by_key(|level| std::cmp::Reverse(level.price));
    depth.asks.sort_by_key(|level| level.price);
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
