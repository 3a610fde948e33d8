use time::OffsetDateTime;
use wheelhouse_core::{
    Bar, Currency, Decimal, Instrument, InstrumentId, InstrumentKind, InstrumentRules,
    InstrumentStatus, Price, Quantity, Quote, Result, SizeUnit, Tick, dec,
};

use super::{Place, filled_in, fit, instrument_id, positive, price, symbol};
use crate::{
    types::{Fundamentals, MarketHours},
    wire::{Text, market as wire},
};

/// The smallest part of a share.
pub(crate) const FRACTION: Decimal = dec!(0.000001);

/// What else than core's instrument is needed to place an order.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) instrument: Instrument,
    pub(crate) fractional: bool,
    /// Whether what is left of a share can be sold at least, as far as is known.
    pub(crate) fractions_sell: bool,
    pub(crate) all_day: bool,
    pub(crate) over_the_counter: bool,
    /// How far above the quote a market order may execute, as a fraction.
    pub(crate) collar: Decimal,
    pub(crate) chain: Option<String>,
    /// The code of its market, such as `XNYS`.
    pub(crate) market: Option<String>,
}

pub(crate) fn instrument(instrument: &wire::Instrument<'_>, place: Place<'_>) -> Result<Listing> {
    let id = fit("instrument", InstrumentId::new(instrument.id.as_str()))?;
    let mut converted = Instrument::new(id, symbol(&instrument.symbol)?, kind(instrument));
    converted.name = filled_in(&instrument.simple_name)
        .or(filled_in(&instrument.name))
        .map(str::to_owned);
    converted.currency = Some(Currency::USD);
    converted.unit = SizeUnit::Shares;
    let tradable = |text: &Option<Text<'_>>| text.as_ref().map(Text::as_str) == Some("tradable");
    let fractional = tradable(&instrument.fractional_tradability);
    converted.rules = rules(instrument);
    converted.status = status(instrument);
    converted.raw = place.raw();
    Ok(Listing {
        instrument: converted,
        fractional,
        fractions_sell: filled_in(&instrument.fractional_tradability)
            .is_some_and(|text| text != "untradable"),
        all_day: tradable(&instrument.all_day_tradability),
        over_the_counter: is_over_the_counter(instrument),
        collar: positive(instrument.default_preset_percent_limit).unwrap_or(dec!(0.05)),
        chain: filled_in(&instrument.tradable_chain_id).map(str::to_owned),
        market: instrument.market.as_ref().map(|url| url.tail().to_owned()),
    })
}

fn is_over_the_counter(instrument: &wire::Instrument<'_>) -> bool {
    filled_in(&instrument.otc_market_tier).is_some()
}

fn kind(instrument: &wire::Instrument<'_>) -> InstrumentKind {
    match instrument.kind.as_ref().map(Text::as_str) {
        Some("stock" | "adr" | "reit" | "lp" | "nyrs" | "tracking") => InstrumentKind::Equity,
        Some("etp" | "etf") => InstrumentKind::Etf,
        other => InstrumentKind::Unknown(other.unwrap_or_default().to_owned()),
    }
}

/// Whole shares: fractions are for market orders only, which are checked apart.
fn rules(instrument: &wire::Instrument<'_>) -> InstrumentRules {
    let mut rules = InstrumentRules::default();
    rules.min_quantity = Some(Quantity::new(Decimal::ONE));
    rules.quantity_step = Some(Quantity::new(Decimal::ONE));
    // Rule 612 of Regulation NMS, unless the instrument has a tick of its own. Over the counter it
    // does not hold, and what clients send there has six places up to a cent.
    let tick = |from, size| Tick { from, size };
    rules.ticks = match positive(instrument.min_tick_size) {
        Some(size) => vec![tick(None, size)],
        None if is_over_the_counter(instrument) => vec![
            tick(None, dec!(0.000001)),
            tick(Some(dec!(0.01)), dec!(0.0001)),
            tick(Some(Decimal::ONE), dec!(0.01)),
        ],
        None => vec![
            tick(None, dec!(0.0001)),
            tick(Some(Decimal::ONE), dec!(0.01)),
        ],
    };
    rules
}

fn status(instrument: &wire::Instrument<'_>) -> Option<InstrumentStatus> {
    if filled_in(&instrument.internal_halt_reason).is_some() {
        return Some(InstrumentStatus::Halted);
    }
    if instrument
        .state
        .as_ref()
        .is_some_and(|state| state.as_str() != "active")
    {
        return Some(InstrumentStatus::Closed);
    }
    Some(match instrument.tradability.as_ref()?.as_str() {
        "tradable" => InstrumentStatus::Open,
        "untradable" => InstrumentStatus::Closed,
        other => InstrumentStatus::Unknown(other.to_owned()),
    })
}

pub(crate) fn quote(
    quote: &wire::Quote<'_>,
    now: OffsetDateTime,
    place: Place<'_>,
) -> Result<Quote> {
    let id = instrument_id(quote.instrument_id.as_ref(), &quote.instrument)?;
    let mut converted = Quote::new(id, now);
    converted.bid = price(quote.bid_price);
    converted.bid_size = quote.bid_size.map(|size| Quantity::new(size.0));
    converted.ask = price(quote.ask_price);
    converted.ask_size = quote.ask_size.map(|size| Quantity::new(size.0));
    converted.last = price(quote.last_extended_hours_trade_price).or(price(quote.last_trade_price));
    converted.previous_close = price(quote.adjusted_previous_close).or(price(quote.previous_close));
    converted.time = quote.updated_at.map(|at| at.0);
    converted.raw = place.raw();
    Ok(converted)
}

pub(crate) fn bar(candle: &wire::Candle) -> Bar {
    Bar {
        time: candle.begins_at.0,
        open: Price::new(candle.open_price.0),
        high: Price::new(candle.high_price.0),
        low: Price::new(candle.low_price.0),
        close: Price::new(candle.close_price.0),
        volume: candle.volume.map(|volume| volume.0),
    }
}

pub(crate) fn fundamentals(row: &wire::Fundamentals<'_>, place: Place<'_>) -> Result<Fundamentals> {
    let value = |num: Option<crate::wire::Num>| num.map(|num| num.0);
    Ok(Fundamentals {
        instrument: instrument_id(None, &row.instrument)?,
        market_date: row.market_date.map(|day| day.0),
        open: price(row.open),
        high: price(row.high),
        low: price(row.low),
        volume: value(row.volume),
        average_volume: value(row.average_volume),
        high_52_weeks: price(row.high_52_weeks),
        low_52_weeks: price(row.low_52_weeks),
        market_cap: value(row.market_cap),
        pe_ratio: value(row.pe_ratio),
        pb_ratio: value(row.pb_ratio),
        dividend_yield: value(row.dividend_yield),
        ex_dividend_date: row.ex_dividend_date.map(|day| day.0),
        shares_outstanding: value(row.shares_outstanding),
        sector: filled_in(&row.sector).map(str::to_owned),
        industry: filled_in(&row.industry).map(str::to_owned),
        raw: place.raw(),
    })
}

pub(crate) fn hours(hours: &wire::Hours, place: Place<'_>) -> MarketHours {
    MarketHours {
        date: hours.date.0,
        is_open: hours.is_open,
        opens_at: hours.opens_at.map(|at| at.0),
        closes_at: hours.closes_at.map(|at| at.0),
        extended_opens_at: hours.extended_opens_at.map(|at| at.0),
        extended_closes_at: hours.extended_closes_at.map(|at| at.0),
        all_day_opens_at: hours.all_day_opens_at.map(|at| at.0),
        all_day_closes_at: hours.all_day_closes_at.map(|at| at.0),
        late_option_closes_at: hours.late_option_closes_at.map(|at| at.0),
        raw: place.raw(),
    }
}
