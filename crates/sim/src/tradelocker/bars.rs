//! Price bars, computed when they are asked for.

use rust_decimal::Decimal;
use serde::Serialize;
use time::{Date, Month, OffsetDateTime, Time};

use super::{market::Market, reply::Float};
use crate::{clock, random::mix};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
const WEEK: i64 = 7 * DAY;
/// 1970-01-05, the first Monday of the epoch.
const FIRST_MONDAY: i64 = 4 * DAY;
/// 2015-01-01: no instrument has older bars.
const LISTED: i64 = 1_420_070_400_000;
const SAMPLES: i64 = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolution {
    Month,
    /// A length in milliseconds.
    Span(i64),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Bar {
    pub(super) t: i64,
    pub(super) o: Float,
    pub(super) h: Float,
    pub(super) l: Float,
    pub(super) c: Float,
    pub(super) v: Float,
}

impl Resolution {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "1m" => Self::Span(MINUTE),
            "5m" => Self::Span(5 * MINUTE),
            "15m" => Self::Span(15 * MINUTE),
            "30m" => Self::Span(30 * MINUTE),
            "1H" => Self::Span(60 * MINUTE),
            "4H" => Self::Span(240 * MINUTE),
            "1D" => Self::Span(DAY),
            "1W" => Self::Span(WEEK),
            "1M" => Self::Month,
            _ => return None,
        })
    }

    /// How many bars a window can have at most.
    pub(super) fn count(self, from: i64, to: i64) -> i64 {
        let length = match self {
            Self::Month => 28 * DAY,
            Self::Span(span) => span,
        };
        (to - from).max(0) / length
    }

    /// The first start of a bar that is not before `at`.
    fn first(self, at: i64) -> i64 {
        let before = self.containing(at);
        if before == at { at } else { self.next(before) }
    }

    /// The start of the bar that contains `at`.
    fn containing(self, at: i64) -> i64 {
        match self {
            Self::Month => {
                let date = clock::from_millis(at).date();
                month_start(date.year(), date.month())
            }
            Self::Span(WEEK) => at - (at - FIRST_MONDAY).rem_euclid(WEEK),
            Self::Span(span) => at - at.rem_euclid(span),
        }
    }

    fn next(self, start: i64) -> i64 {
        match self {
            Self::Month => {
                let date = clock::from_millis(start).date();
                let year = date.year() + i32::from(date.month() == Month::December);
                month_start(year, date.month().next())
            }
            Self::Span(span) => start + span,
        }
    }
}

fn month_start(year: i32, month: Month) -> i64 {
    Date::from_calendar_date(year, month, 1).map_or(0, |date| {
        clock::to_millis(OffsetDateTime::new_utc(date, Time::MIDNIGHT))
    })
}

/// Bars that start within `from` to `to`, both inclusive, oldest first.
pub(super) fn bars(
    market: &Market,
    index: usize,
    resolution: Resolution,
    (from, to): (i64, i64),
    now: i64,
) -> Vec<Bar> {
    let mut out = Vec::new();
    let mut start = resolution.first(from.max(LISTED));
    while start <= to.min(now) {
        let next = resolution.next(start);
        out.push(bar(market, index, start, next.min(now.max(start + 1)), now));
        start = next;
    }
    out
}

/// The start of the newest bar before `from`, if there is one.
pub(super) fn earlier(resolution: Resolution, from: i64, now: i64) -> Option<i64> {
    let start = resolution.containing(from.min(now + 1) - 1);
    (start >= LISTED).then_some(start)
}

/// The bar of the current UTC day, moved by `shift`.
pub(super) fn today(market: &Market, index: usize, shift: Decimal, now: i64) -> Bar {
    let start = Resolution::Span(DAY).containing(now);
    let bar = bar(market, index, start, now.max(start + 1), now);
    let moved = |price: Float| Float(price.0 + shift);
    Bar {
        o: moved(bar.o),
        h: moved(bar.h),
        l: moved(bar.l),
        c: moved(bar.c),
        ..bar
    }
}

fn bar(market: &Market, index: usize, start: i64, end: i64, now: i64) -> Bar {
    let deviation = |n: i64| market.deviation(index, start + (end - start) * n / SAMPLES);
    let open = deviation(0);
    let (mut low, mut high, mut close) = (open, open, open);
    for n in 1..=SAMPLES {
        close = deviation(n);
        low = low.min(close);
        high = high.max(close);
    }
    let price = |deviation| market.price(index, deviation);
    let (mut h, mut l, mut c) = (price(high), price(low), price(close));
    if market.is_set(index) && end >= now {
        c = market.quote(index, now).bid;
        h = h.max(c);
        l = l.min(c);
    }
    let volume = 1_000 + mix(market.seed ^ index as u64, start as u64) % 9_000;
    Bar {
        t: start,
        o: Float(price(open)),
        h: Float(h),
        l: Float(l),
        c: Float(c),
        v: Float(Decimal::from(volume)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_893_456_000_000;

    #[test]
    fn bars_start_on_their_grid_and_meet_each_other() {
        let market = Market::new(1);
        let hour = Resolution::Span(60 * MINUTE);
        let found = bars(&market, 1, hour, (NOW - DAY, NOW + DAY), NOW);
        assert_eq!(found.len(), 25);
        for pair in found.windows(2) {
            assert_eq!(pair[1].t - pair[0].t, 60 * MINUTE);
            assert_eq!(pair[0].c, pair[1].o);
            assert!(pair[0].l.0 <= pair[0].o.0 && pair[0].c.0 <= pair[0].h.0);
        }
    }

    #[test]
    fn months_and_weeks_start_on_their_first_day() {
        let month = Resolution::Month;
        let start = month.containing(NOW + 5 * DAY);
        assert_eq!(start, NOW);
        assert_eq!(month.next(start), NOW + 31 * DAY);
        let monday = Resolution::Span(WEEK).containing(NOW);
        assert_eq!(clock::from_millis(monday).weekday(), time::Weekday::Monday);
    }

    #[test]
    fn a_window_between_two_starts_is_empty_and_names_the_earlier_bar() {
        let market = Market::new(1);
        let week = Resolution::Span(WEEK);
        let at = NOW - 30 * DAY + 1;
        assert!(bars(&market, 1, week, (at, at), NOW).is_empty());
        assert!(earlier(week, at, NOW).is_some_and(|start| start < at && at - start < WEEK));
        assert_eq!(earlier(week, LISTED, NOW), None);
    }
}
