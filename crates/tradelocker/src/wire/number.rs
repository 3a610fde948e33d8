//! Exact numbers and times out of text.

use time::OffsetDateTime;
use wheelhouse_core::Decimal;

use super::token::Misfit;

/// Reads `-?digits[.digits][e[+-]digits]` exactly; `None` if it is something else or cannot be kept
/// exactly.
pub fn decimal(text: &str) -> Option<Decimal> {
    short(text.as_bytes()).or_else(|| long(text))
}

/// Reads `-?digits[.digits]` of at most 18 digits, which is nearly every number there is.
fn short(text: &[u8]) -> Option<Decimal> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.len() > 19 {
        return None;
    }
    let (mut value, mut scale, mut point) = (0i64, 0u32, false);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                value = value.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
                scale += u32::from(point);
            }
            b'.' if !point => point = true,
            _ => return None,
        }
    }
    let fits = (1..=18).contains(&(digits.len() - usize::from(point)));
    let closed = digits.first() != Some(&b'.') && digits.last() != Some(&b'.');
    let sign = if digits.len() < text.len() { -1 } else { 1 };
    (fits && closed && value != 0).then(|| Decimal::new(sign * value, scale))
}

fn long(text: &str) -> Option<Decimal> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        None => (text, 0),
        Some(at) => (&text[..at], exponent(&text[at + 1..])?),
    };
    // `from_str_exact` also takes a leading plus and underscores, which no documented form has.
    let plain = mantissa
        .bytes()
        .all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    if !plain || mantissa.ends_with('.') || mantissa.trim_start_matches('-').starts_with('.') {
        return None;
    }
    let value = Decimal::from_str_exact(mantissa).ok()?;
    if exponent == 0 || value.is_zero() {
        return Some(if value.is_zero() {
            Decimal::ZERO
        } else {
            value
        });
    }
    let power = Decimal::try_from_i128_with_scale(10i128.checked_pow(exponent.unsigned_abs())?, 0);
    if exponent > 0 {
        return value.checked_mul(power.ok()?);
    }
    // Dividing would round: move the point instead.
    let value = value.normalize();
    let scale = value.scale().checked_add(exponent.unsigned_abs())?;
    Decimal::try_from_i128_with_scale(value.mantissa(), scale).ok()
}

fn exponent(text: &str) -> Option<i32> {
    let digits = text.trim_start_matches(['+', '-']);
    let fits = (1..=3).contains(&digits.len()) && text.len() - digits.len() <= 1;
    let value = text.strip_prefix('+').unwrap_or(text);
    value.parse().ok().filter(|e: &i32| fits && e.abs() <= 28)
}

/// Reads milliseconds since 1970.
///
/// # Errors
///
/// What is not a whole number of milliseconds between 1973 and 9999: smaller ones are seconds,
/// larger ones microseconds.
pub fn millis(text: &str) -> Result<Option<OffsetDateTime>, Misfit> {
    const WHAT: Misfit = Misfit("is not a time in milliseconds since 1970");
    const EARLIEST: i64 = 100_000_000_000;
    const LATEST: i64 = 253_402_300_799_999;
    let whole = text.strip_suffix(".0").unwrap_or(text);
    let millis = match whole.parse::<i64>() {
        Ok(0) => return Ok(None),
        Ok(millis) if (EARLIEST..=LATEST).contains(&millis) => millis,
        _ => return Err(WHAT),
    };
    let rest = time::Duration::milliseconds(millis.rem_euclid(1_000));
    OffsetDateTime::from_unix_timestamp(millis.div_euclid(1_000))
        .map(|time| Some(time + rest))
        .map_err(|_| WHAT)
}

/// Returns a time in milliseconds since 1970, as the broker wants it.
pub fn to_millis(time: OffsetDateTime) -> i64 {
    let millis = time.unix_timestamp_nanos().div_euclid(1_000_000);
    i64::try_from(millis).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wheelhouse_core::dec;

    use super::*;

    #[test]
    fn f23_numbers_are_exact_or_refused() {
        for text in [
            "NaN",
            "Infinity",
            "-Infinity",
            "1e400",
            "1e-400",
            "",
            "-",
            ".",
            "1.",
            ".5",
            "1_000",
            "+1",
            "1,000.5",
            "0x10",
            "1e",
            "e5",
            "1e+-5",
            "--1",
            " 1",
            "1 ",
            "9999999999999999999999999999999999999999",
            "0.1234567890123456789012345678901",
        ] {
            assert_eq!(decimal(text), None, "{text}");
        }
        assert_eq!(decimal("-0"), Some(Decimal::ZERO));
        assert!(!decimal("-0").unwrap().is_sign_negative());
        assert_eq!(decimal("0E-8"), Some(Decimal::ZERO));
        assert_eq!(decimal("1E-5"), Some(dec!(0.00001)));
        assert_eq!(decimal("1.5e3"), Some(dec!(1500)));
        assert_eq!(decimal("90300.33"), Some(dec!(90300.33)));
        assert_eq!(decimal("-45.81"), Some(dec!(-45.81)));
    }

    #[test]
    fn short_numbers_are_read_as_any_number_is() {
        for text in [
            "1",
            "-1.50",
            "0.10",
            "000.1",
            "999999999999999999",
            "-0.01",
            "12.",
            ".5",
            "-",
            "",
        ] {
            if let Some(value) = short(text.as_bytes()) {
                assert_eq!(long(text), Some(value), "{text}");
                assert_eq!(long(text).map(|v| v.scale()), Some(value.scale()), "{text}");
            }
        }
        assert_eq!(short(b"0.00"), None);
        assert_eq!(short(b"9999999999999999999"), None);
    }

    proptest! {
        #[test]
        fn every_short_number_is_read_as_any_number_is(text in "-?[0-9]{0,12}[.]?[0-9]{0,8}") {
            if let Some(value) = short(text.as_bytes()) {
                prop_assert_eq!(long(&text), Some(value));
            }
        }
    }

    #[test]
    fn f27_times_are_milliseconds_or_refused() {
        let time = millis("1893456025500").unwrap().unwrap();
        assert_eq!(to_millis(time), 1_893_456_025_500);
        assert_eq!(millis("0"), Ok(None));
        for text in [
            "1893456025",
            "1893456025500000",
            "2030-01-01",
            "-5",
            "1e12",
            "",
        ] {
            assert!(millis(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_decimal_survives(mantissa in any::<i64>(), scale in 0u32..=28) {
            let value = Decimal::from_i128_with_scale(i128::from(mantissa), scale);
            prop_assert_eq!(decimal(&value.to_string()), Some(value));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = (decimal(&text), millis(&text));
        }
    }
}
