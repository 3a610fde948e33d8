//! Candles of stocks, contracts and coins.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    context::Context,
    host::tail,
    market::Instrument,
    reply::{self, Answer},
    shape,
    state::State,
    text::{self, DAY, is_weekend, price, second},
};
use crate::random::mix;

impl State {
    pub(super) fn historicals(&self, id: &str, context: &Context<'_>) -> Answer {
        let span = Span::of(context)?;
        let row = |name: &str| {
            self.find(tail(name))
                .map(|found| self.history(found, &span, context))
        };
        if !id.is_empty() {
            return row(id)
                .map(|row| reply::ok(&row))
                .ok_or_else(reply::not_found);
        }
        let asked = context
            .list("symbols")
            .or_else(|| context.list("ids"))
            .unwrap_or_default();
        let results: Vec<Value> = asked.iter().filter_map(|name| row(name)).collect();
        Ok(reply::ok(&json!({"results": results})))
    }

    fn history(&self, of: &Instrument, span: &Span, context: &Context<'_>) -> Value {
        let candles = span.candles(&of.id, of.quote.last, context.now);
        let open = candles.first().map(|candle| candle["open_price"].clone());
        shape::HISTORICALS.with(json!({
            "quote": context.links.api(&format!("/quotes/{}/", of.id)),
            "symbol": of.symbol,
            "interval": span.interval,
            "span": span.span,
            "bounds": span.bounds,
            "instrument": context.links.instrument(&of.id),
            "InstrumentID": of.id,
            "open_price": open,
            "previous_close_price": price(of.quote.previous_close),
            "historicals": candles,
        }))
    }
}

/// What history was asked for.
pub(super) struct Span {
    pub(super) interval: String,
    pub(super) span: String,
    pub(super) bounds: String,
}

impl Span {
    pub(super) fn of(context: &Context<'_>) -> Answer<Self> {
        let param = |name: &str, default: &str| {
            context
                .request
                .param(name)
                .unwrap_or_else(|| default.to_owned())
        };
        let (interval, span) = (param("interval", "day"), param("span", "week"));
        let spans: &[&str] = match interval.as_str() {
            "15second" => &["hour"],
            "5minute" | "10minute" => &["day", "week"],
            "hour" => &["day", "week", "month", "3month"],
            "day" => &["week", "month", "3month", "year", "5year"],
            "week" => &["month", "3month", "year", "5year"],
            _ => &[],
        };
        let bounds = param("bounds", "regular");
        let known = matches!(bounds.as_str(), "regular" | "extended" | "trading" | "24_7");
        if !spans.contains(&span.as_str()) || !known {
            return Err(reply::detail(400, "Invalid interval and span combination."));
        }
        Ok(Self {
            interval,
            span,
            bounds,
        })
    }

    fn length(&self) -> i64 {
        match self.interval.as_str() {
            "15second" => 15_000,
            "5minute" => DAY / 288,
            "10minute" => DAY / 144,
            "hour" => DAY / 24,
            "week" => 7 * DAY,
            _ => DAY,
        }
    }

    /// Candles up to now, oldest first, around a price and following from it.
    pub(super) fn candles(&self, of: &str, around: Decimal, now: i64) -> Vec<Value> {
        let days = match self.span.as_str() {
            "hour" => 0,
            "day" => 1,
            "week" => 7,
            "month" => 30,
            "3month" => 91,
            "year" => 365,
            _ => 1_826,
        };
        let length = self.length();
        let reach = (days * DAY).max(DAY / 24);
        let seed = of
            .bytes()
            .fold(7_u64, |hash, byte| hash.wrapping_mul(31) + u64::from(byte));
        let at = |begin: i64| {
            let step = mix(seed, begin.unsigned_abs()) % 401;
            let step = i64::try_from(step).unwrap_or(0) - 200;
            (around + around * Decimal::new(step, 4)).round_dp(4)
        };
        let first = (now - reach).div_euclid(length) * length + length;
        (0..)
            .map(|n| first + n * length)
            .take_while(|begin| *begin <= now)
            .filter(|begin| {
                length < DAY || self.bounds == "24_7" || !is_weekend(text::utc_date(*begin))
            })
            .map(|begin| {
                let (open, close) = (at(begin), at(begin + length));
                let edge = (around * Decimal::new(5, 4)).round_dp(4);
                json!({
                    "begins_at": second(begin),
                    "open_price": price(open),
                    "close_price": price(close),
                    "high_price": price(open.max(close) + edge),
                    "low_price": price(open.min(close) - edge),
                    "volume": 1_000 + mix(seed, begin.unsigned_abs()) % 100_000,
                    "session": "reg",
                    "interpolated": false,
                })
            })
            .collect()
    }
}
