use serde::Serializer;
use time::{Date, Duration, Month, OffsetDateTime, UtcOffset, Weekday};

/// Returns the date in New York at a moment.
///
/// Options on United States exchanges live by this date. The rule for daylight saving time is that
/// of the Energy Policy Act of 2005: from 2:00 on the second Sunday of March to 2:00 on the first
/// Sunday of November. For 2006 and before it is the one of 1986: from the first Sunday of April to
/// the last Sunday of October.
///
/// ```
/// use time::macros::{date, datetime};
/// use wheelhouse_wheel::new_york_date;
///
/// assert_eq!(new_york_date(datetime!(2026-12-18 04:59:59 UTC)), date!(2026-12-17));
/// assert_eq!(new_york_date(datetime!(2026-12-18 05:00:00 UTC)), date!(2026-12-18));
/// ```
pub fn new_york_date(at: OffsetDateTime) -> Date {
    // At the ends of the calendar there is no date to shift to; the one of UTC is as good there.
    at.checked_to_offset(new_york_offset(at))
        .map_or(at.date(), OffsetDateTime::date)
}

/// Returns how many days there are from one date to another; negative if `expiration` has passed.
pub fn days_to(expiration: Date, today: Date) -> i64 {
    i64::from(expiration.to_julian_day()) - i64::from(today.to_julian_day())
}

/// Writes a date as `2026-12-18`.
pub(crate) fn iso<S: Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(date)
}

/// Returns the offset of New York from UTC at a moment, by the rules since 1987.
fn new_york_offset(at: OffsetDateTime) -> UtcOffset {
    // The clocks change in daylight time's own months only, so the year of UTC is New York's then.
    let at = at.to_utc();
    let year = at.year();
    let (begin, end) = if year >= 2007 {
        (
            sunday_on_or_after(year, Month::March, 8),
            sunday_on_or_after(year, Month::November, 1),
        )
    } else {
        (
            sunday_on_or_after(year, Month::April, 1),
            sunday_on_or_after(year, Month::October, 25),
        )
    };
    // 2:00 standard time is 7:00 UTC; 2:00 daylight time is 6:00 UTC.
    let daylight = match (begin, end) {
        (Some(begin), Some(end)) => {
            let begin = begin.midnight().assume_utc() + Duration::hours(7);
            let end = end.midnight().assume_utc() + Duration::hours(6);
            begin <= at && at < end
        }
        _ => false,
    };
    if daylight { DAYLIGHT } else { STANDARD }
}

fn sunday_on_or_after(year: i32, month: Month, day: u8) -> Option<Date> {
    let date = Date::from_calendar_date(year, month, day).ok()?;
    let days = (7 - i64::from(Weekday::number_days_from_sunday(date.weekday()))) % 7;
    date.checked_add(Duration::days(days))
}

const STANDARD: UtcOffset = time::macros::offset!(-5);
const DAYLIGHT: UtcOffset = time::macros::offset!(-4);

#[cfg(test)]
mod tests {
    use time::{format_description::well_known::Rfc3339, macros::date};

    use super::*;

    /// The changes of New York's clocks as the tz database 2025b has them.
    const CHANGES: &str = include_str!("../tests/data/new_york_1987_2059.csv");

    #[test]
    fn the_clocks_change_when_the_tz_database_says_so() {
        let mut before = STANDARD;
        let mut rows = 0;
        for row in CHANGES.lines().skip(1) {
            let (from, hours) = row.split_once(',').unwrap();
            let from = OffsetDateTime::parse(from, &Rfc3339).unwrap();
            let after = UtcOffset::from_hms(hours.parse().unwrap(), 0, 0).unwrap();
            assert_eq!(new_york_offset(from - Duration::SECOND), before, "{from}");
            assert_eq!(new_york_offset(from), after, "{from}");
            // Nothing changes until the next row: the middle of the season tells.
            assert_eq!(new_york_offset(from + Duration::days(60)), after, "{from}");
            before = after;
            rows += 1;
        }
        assert_eq!(rows, 146, "two changes a year from 1987 to 2059");
    }

    #[test]
    fn the_date_is_new_yorks_whatever_the_offset_of_the_moment() {
        let moment = time::macros::datetime!(2026-07-04 03:59 UTC);
        assert_eq!(new_york_date(moment), date!(2026 - 07 - 03));
        let tokyo = moment.to_offset(time::macros::offset!(+9));
        assert_eq!(new_york_date(tokyo), date!(2026 - 07 - 03));
        let new_year = time::macros::datetime!(2027-01-01 04:00 UTC);
        assert_eq!(new_york_date(new_year), date!(2026 - 12 - 31));
    }

    #[test]
    fn days_count_dates_and_not_hours() {
        assert_eq!(days_to(date!(2026 - 12 - 18), date!(2026 - 11 - 20)), 28);
        assert_eq!(days_to(date!(2026 - 12 - 18), date!(2026 - 12 - 18)), 0);
        assert_eq!(days_to(date!(2026 - 12 - 18), date!(2026 - 12 - 19)), -1);
        assert_eq!(days_to(Date::MAX, Date::MIN), 7_304_483);
    }

    #[test]
    fn the_ends_of_the_calendar_do_not_panic() {
        for moment in [
            Date::MIN.midnight().assume_utc(),
            Date::MAX.midnight().assume_utc(),
        ] {
            let _ = new_york_date(moment);
        }
        let late = Date::MAX
            .midnight()
            .assume_offset(time::macros::offset!(-23));
        let _ = std::panic::catch_unwind(|| new_york_date(late)).expect("no panic");
    }
}
