//! Numbers, times and ids as the broker writes them.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use time::{Date, Month, OffsetDateTime, Time, UtcOffset, Weekday};

use crate::{
    clock::{from_millis, to_millis},
    random::mix,
};

pub(crate) const USD: &str = "1072fc76-1862-41ab-82c2-485837590762";
pub(crate) const DAY: i64 = 86_400_000;

/// A decimal with this many places.
pub(crate) fn fixed(value: Decimal, places: u32) -> String {
    let mut value = value.round_dp(places);
    value.rescale(places);
    value.to_string()
}

/// Four places: cash.
pub(crate) fn cash(value: Decimal) -> String {
    fixed(value, 4)
}

/// Six places: prices of quotes.
pub(crate) fn price(value: Decimal) -> String {
    fixed(value, 6)
}

/// Eight places: prices and quantities of orders and positions.
pub(crate) fn exact(value: Decimal) -> String {
    fixed(value, 8)
}

/// Eighteen places: crypto.
pub(crate) fn fine(value: Decimal) -> String {
    fixed(value, 18)
}

/// Zero as `0E-8`, as the server does in clearing fields.
pub(crate) fn scientific(value: Decimal) -> String {
    if value.is_zero() {
        "0E-8".to_owned()
    } else {
        exact(value)
    }
}

/// An amount with its currency.
pub(crate) fn money(value: Decimal) -> Value {
    let amount = if value.is_zero() {
        "0".to_owned()
    } else {
        fixed(value, 2)
    };
    json!({"amount": amount, "currency_code": "USD", "currency_id": USD})
}

/// `2026-11-20T15:30:27.948000Z`.
pub(crate) fn stamp(millis: i64) -> String {
    let at = from_millis(millis);
    format!(
        "{}T{}.{:06}Z",
        date(at.date()),
        clock(at.time()),
        at.microsecond()
    )
}

/// `2026-11-20T15:30:27Z`.
pub(crate) fn second(millis: i64) -> String {
    let at = from_millis(millis);
    format!("{}T{}Z", date(at.date()), clock(at.time()))
}

/// `2026-11-20T15:30:27.948000000Z`.
pub(crate) fn nanos(millis: i64) -> String {
    let at = from_millis(millis);
    format!(
        "{}T{}.{:09}Z",
        date(at.date()),
        clock(at.time()),
        at.nanosecond()
    )
}

/// `2026-11-20T10:30:27.948000-05:00`: challenges and crypto.
pub(crate) fn local(millis: i64) -> String {
    let offset = offset(millis);
    let at = from_millis(millis).to_offset(offset);
    let hours = offset.whole_hours().abs();
    format!(
        "{}T{}.{:06}-{hours:02}:00",
        date(at.date()),
        clock(at.time()),
        at.microsecond()
    )
}

pub(crate) fn date(date: Date) -> String {
    format!(
        "{:04}-{:02}-{:02}",
        date.year(),
        u8::from(date.month()),
        date.day()
    )
}

pub(crate) fn parse_date(text: &str) -> Option<Date> {
    let mut pieces = text.splitn(3, '-');
    let year = pieces.next()?.parse().ok()?;
    let month = Month::try_from(pieces.next()?.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year, month, pieces.next()?.get(..2)?.parse().ok()?).ok()
}

fn clock(time: Time) -> String {
    format!(
        "{:02}:{:02}:{:02}",
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// Milliseconds since the epoch of an RFC 3339 time or of the start of a date.
pub(crate) fn instant(text: &str) -> Option<i64> {
    let format = &time::format_description::well_known::Rfc3339;
    // A plus that was not encoded has become a blank.
    let at = OffsetDateTime::parse(&text.replace(' ', "+"), format).ok();
    let day = || Some(OffsetDateTime::new_utc(parse_date(text)?, Time::MIDNIGHT));
    at.or_else(day).map(to_millis)
}

/// The date in UTC.
pub(crate) fn utc_date(millis: i64) -> Date {
    from_millis(millis).date()
}

/// The date in New York.
pub(crate) fn new_york(millis: i64) -> Date {
    from_millis(millis).to_offset(offset(millis)).date()
}

/// An hour of a New York date, in milliseconds since the epoch.
pub(crate) fn at_new_york(date: Date, hour: u8, minute: u8) -> i64 {
    let time = Time::from_hms(hour, minute, 0).unwrap_or(Time::MIDNIGHT);
    let utc = to_millis(OffsetDateTime::new_utc(date, time));
    utc - i64::from(offset(utc).whole_seconds()) * 1_000
}

/// Summer time runs from the second Sunday of March to the first of November.
fn offset(millis: i64) -> UtcOffset {
    let year = from_millis(millis).year();
    let begins = sunday(year, Month::March, 2, 7);
    let ends = sunday(year, Month::November, 1, 6);
    let hours = if (begins..ends).contains(&millis) {
        -4
    } else {
        -5
    };
    UtcOffset::from_hms(hours, 0, 0).unwrap_or(UtcOffset::UTC)
}

fn sunday(year: i32, month: Month, nth: u8, utc_hour: u8) -> i64 {
    let first = Date::from_calendar_date(year, month, 1).unwrap_or(Date::MIN);
    let away = (7 - first.weekday().number_days_from_sunday()) % 7 + (nth - 1) * 7;
    let time = Time::from_hms(utc_hour, 0, 0).unwrap_or(Time::MIDNIGHT);
    to_millis(OffsetDateTime::new_utc(
        first + time::Duration::days(i64::from(away)),
        time,
    ))
}

/// A span in milliseconds.
pub(crate) fn millis(span: std::time::Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX / 4)
}

pub(crate) fn is_weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// The next day that is no weekend.
pub(crate) fn next_business(date: Date) -> Date {
    let mut next = date.next_day().unwrap_or(date);
    while is_weekend(next) {
        next = next.next_day().unwrap_or(Date::MAX);
    }
    next
}

/// An id in the shape of a random UUID that follows from a seed and a position.
pub(crate) fn uuid(seed: u64, position: u64) -> String {
    let high = mix(seed, position.wrapping_mul(2)) & 0xFFFF_FFFF_FFFF_0FFF | 0x4000;
    let low =
        mix(seed, position.wrapping_mul(2) + 1) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000;
    let text = format!("{high:016x}{low:016x}");
    format!(
        "{}-{}-{}-{}-{}",
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..]
    )
}

/// An id that follows from a text.
pub(crate) fn uuid_of(text: &str) -> String {
    let digest = text.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    uuid(digest, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_188_627_948;

    #[test]
    fn times_have_the_digits_of_their_kind() {
        assert_eq!(stamp(NOON), "2026-11-20T15:30:27.948000Z");
        assert_eq!(second(NOON), "2026-11-20T15:30:27Z");
        assert_eq!(local(NOON), "2026-11-20T10:30:27.948000-05:00");
        assert_eq!(nanos(NOON), "2026-11-20T15:30:27.948000000Z");
        assert!(local(NOON - 60 * DAY).ends_with("-04:00"));
    }

    #[test]
    fn new_york_dates_and_hours_meet_utc() {
        let day = parse_date("2026-11-20").unwrap();
        assert_eq!(second(at_new_york(day, 9, 30)), "2026-11-20T14:30:00Z");
        assert_eq!(new_york(at_new_york(day, 23, 0)), day);
        assert_eq!(date(next_business(day)), "2026-11-23");
        assert_eq!(parse_date("2026-13-01"), None);
    }

    #[test]
    fn numbers_keep_their_places() {
        assert_eq!(cash(Decimal::new(5, 1)), "0.5000");
        assert_eq!(exact(Decimal::new(1_234_567_891, 9)), "1.23456789");
        assert_eq!(scientific(Decimal::ZERO), "0E-8");
        assert_eq!(money(Decimal::ZERO)["amount"], "0");
    }

    #[test]
    fn ids_look_like_uuids_and_differ() {
        let id = uuid(1, 1);
        assert_eq!(id.len(), 36);
        assert_eq!((&id[14..15], id.matches('-').count()), ("4", 4));
        assert_ne!(id, uuid(1, 2));
        assert_ne!(uuid_of("F"), uuid_of("KO"));
    }
}
