use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use time::OffsetDateTime;

/// Reads the server's `Date`.
pub(crate) fn server_date(headers: &HeaderMap) -> Option<OffsetDateTime> {
    let mut values = headers.get_all(DATE).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => http_date(value.to_str().ok()?),
        _ => None,
    }
}

/// Reads how long the server asks to wait.
///
/// Seconds, or a date, which is compared with the server's own `Date` since the two clocks may
/// differ. `None` for no header, several, a date in the past, or anything else.
pub(crate) fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let mut values = headers.get_all(RETRY_AFTER).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let text = value.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number too large to read is very long, not nothing.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::from(u32::MAX))).min(LONGEST));
    }
    let date = http_date(text)?;
    let wait = date - server_date(headers).unwrap_or(now);
    Duration::try_from(wait)
        .ok()
        .filter(|wait| !wait.is_zero())
        .map(|wait| wait.min(LONGEST))
}

/// Longer is as good as for ever.
pub(crate) const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);

fn http_date(text: &str) -> Option<OffsetDateTime> {
    let date = httpdate::parse_http_date(text).ok()?;
    let since_epoch = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    OffsetDateTime::UNIX_EPOCH.checked_add(since_epoch.try_into().ok()?)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-22 10:00:00 UTC);

    fn wait(values: &[&str], date: Option<&str>) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
        }
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_str(date).unwrap());
        }
        retry_after(&headers, NOW).map(|wait| wait.as_secs())
    }

    #[test]
    fn f12_odd_values_are_no_wait() {
        for values in [
            &["-1"][..],
            &["abc"],
            &["3", "5"],
            &["1.5"],
            &[""],
            &["0x10"],
            &["+3"],
            &[],
        ] {
            assert_eq!(wait(values, None), None, "{values:?}");
        }
        assert_eq!(wait(&["0"], None), Some(0));
        assert_eq!(wait(&["3"], None), Some(3));
        assert_eq!(wait(&[" 86400 "], None), Some(86_400));
        assert_eq!(
            wait(&["99999999999999999999999"], None),
            Some(u64::from(u32::MAX))
        );
    }

    #[test]
    fn f11_a_date_is_compared_with_the_servers_own() {
        let in_ten = "Sun, 22 Nov 2026 10:00:10 GMT";
        assert_eq!(wait(&[in_ten], None), Some(10));
        assert_eq!(
            wait(&[in_ten], Some("Sun, 22 Nov 2026 10:00:07 GMT")),
            Some(3)
        );
        assert_eq!(
            wait(&[in_ten], Some("Sun, 22 Nov 2026 09:00:00 GMT")),
            Some(3610)
        );
        assert_eq!(wait(&[in_ten], Some("Sun, 22 Nov 2026 10:00:10 GMT")), None);
        assert_eq!(wait(&["Sun, 22 Nov 2020 10:00:00 GMT"], None), None);
    }

    proptest::proptest! {
        #[test]
        fn sup_8_no_header_panics_or_waits_for_ever(value in "[ -~]{0,40}", date in "[ -~]{0,40}") {
            let seconds = wait(&[&value], Some(&date));
            proptest::prop_assert!(seconds.unwrap_or(0) <= u64::from(u32::MAX));
        }
    }
}
