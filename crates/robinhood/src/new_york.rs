//! The date in New York, by the rule that has held since 2007: summer time from the second Sunday of
//! March to the first Sunday of November, each at 2 in the morning.

use time::{Date, Month, OffsetDateTime, UtcOffset, Weekday, macros::offset};

pub(crate) fn date_at(now: OffsetDateTime) -> Date {
    now.to_offset(offset_at(now)).date()
}

fn offset_at(now: OffsetDateTime) -> UtcOffset {
    let (winter, summer) = (offset!(-5), offset!(-4));
    let year = now.to_offset(winter).year();
    let begins = sunday(year, Month::March, 2)
        .map(|day| day.midnight().assume_offset(winter) + time::Duration::hours(2));
    let ends = sunday(year, Month::November, 1)
        .map(|day| day.midnight().assume_offset(summer) + time::Duration::hours(2));
    match begins.zip(ends) {
        Some((begins, ends)) if begins <= now && now < ends => summer,
        _ => winter,
    }
}

/// The nth Sunday of a month.
fn sunday(year: i32, month: Month, nth: u8) -> Option<Date> {
    let first = Date::from_calendar_date(year, month, 1).ok()?;
    let to_sunday = match first.weekday() {
        Weekday::Sunday => 0,
        other => 7 - other.number_days_from_sunday(),
    };
    Date::from_calendar_date(year, month, 1 + to_sunday + 7 * (nth - 1)).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;

    #[test]
    fn the_date_changes_at_midnight_of_new_york_in_winter_and_summer() {
        for (utc, day) in [
            (datetime!(2026-11-20 04:59:59 UTC), date!(2026 - 11 - 19)),
            (datetime!(2026-11-20 05:00 UTC), date!(2026 - 11 - 20)),
            (datetime!(2026-07-01 03:59:59 UTC), date!(2026 - 06 - 30)),
            (datetime!(2026-07-01 04:00 UTC), date!(2026 - 07 - 01)),
            (datetime!(2026-03-08 06:59:59 UTC), date!(2026 - 03 - 08)),
            (datetime!(2026-11-01 04:30 UTC), date!(2026 - 11 - 01)),
            (datetime!(2027-01-01 04:30 UTC), date!(2026 - 12 - 31)),
        ] {
            assert_eq!(date_at(utc), day, "{utc}");
        }
    }

    #[test]
    fn summer_time_begins_and_ends_on_its_sundays() {
        assert_eq!(offset_at(datetime!(2026-03-08 06:59 UTC)), offset!(-5));
        assert_eq!(offset_at(datetime!(2026-03-08 07:00 UTC)), offset!(-4));
        assert_eq!(offset_at(datetime!(2026-11-01 05:59 UTC)), offset!(-4));
        assert_eq!(offset_at(datetime!(2026-11-01 06:00 UTC)), offset!(-5));
    }
}
