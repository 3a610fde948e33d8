//! Values as Robinhood writes them: a number may be a string and a string a number, everywhere.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, Visitor},
};
use serde_json::value::RawValue;
use time::{Date, OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};
use wheelhouse_core::Decimal;

/// A decimal from a JSON string or number, exact. `"0E-8"` is one form of zero that occurs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Num(pub(crate) Decimal);

impl fmt::Debug for Num {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a deserializer is asked for by a [`Num`]. One that knows the name may hand over the text of
/// a string; for all others it is the value inside.
pub(super) const EXACT: &str = "wheelhouse::Exact";

impl<'de> Deserialize<'de> for Num {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Exact;

        impl<'de> Visitor<'de> for Exact {
            type Value = Num;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an exact decimal number")
            }

            fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Num, E> {
                let value = decimal(text).map(Num);
                value.ok_or_else(|| E::custom("not an exact decimal number"))
            }

            fn visit_newtype_struct<D>(self, deserializer: D) -> Result<Num, D::Error>
            where
                D: Deserializer<'de>,
            {
                let raw = <&RawValue>::deserialize(deserializer)?.get();
                let text = match raw
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix('"'))
                {
                    Some(text) => text,
                    None if raw.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => raw,
                    None => return Err(D::Error::custom("not a number")),
                };
                self.visit_borrowed_str(text)
            }
        }

        deserializer.deserialize_newtype_struct(EXACT, Exact)
    }
}

/// Reads exact decimal text, with an exponent or without; `None` if it is none or has more than 28
/// significant digits.
pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    short(text.as_bytes()).or_else(|| long(text))
}

/// Reads the usual: at most 18 digits, no exponent.
#[inline]
fn short(text: &[u8]) -> Option<Decimal> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.len() > 19 {
        return None;
    }
    let (whole, mantissa) = leading(digits, 0);
    let (scale, mantissa) = match digits.get(whole..)? {
        [] => (0, mantissa),
        [b'.', fraction @ ..] => match leading(fraction, mantissa) {
            (scale @ 1.., mantissa) if scale == fraction.len() => (scale, mantissa),
            _ => return None,
        },
        _ => return None,
    };
    if whole == 0 || whole + scale > 18 {
        return None;
    }
    if mantissa == 0 {
        return Some(Decimal::ZERO);
    }
    let mantissa = if negative { -mantissa } else { mantissa };
    Some(Decimal::new(mantissa, u32::try_from(scale).ok()?))
}

/// Counts the digits that `text` begins with and appends them to `mantissa`.
#[inline]
fn leading(text: &[u8], mut mantissa: i64) -> (usize, i64) {
    for (place, byte) in text.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return (place, mantissa);
        }
        mantissa = mantissa.wrapping_mul(10).wrapping_add(i64::from(digit));
    }
    (text.len(), mantissa)
}

fn long(text: &str) -> Option<Decimal> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = whole.strip_prefix('-').unwrap_or(whole);
    if unsigned.is_empty() || !digits(unsigned) || !digits(fraction) || mantissa.ends_with('.') {
        return None;
    }
    let exact = Decimal::from_str_exact(mantissa).ok().or_else(|| {
        // Crypto amounts have 18 places, nearly all of them zeros.
        let short = mantissa.split_once('.')?.1.trim_end_matches('0').len();
        let cut = mantissa.len() - (fraction.len() - short);
        Decimal::from_str_exact(mantissa[..cut].trim_end_matches('.')).ok()
    })?;
    shift(exact, exponent)
}

fn shift(value: Decimal, exponent: i32) -> Option<Decimal> {
    if value.is_zero() {
        return Some(Decimal::ZERO);
    }
    if exponent == 0 {
        return Some(value);
    }
    if exponent < 0 {
        let value = value.normalize();
        let scale = value.scale().checked_add(exponent.unsigned_abs())?;
        return (scale <= 28).then(|| Decimal::from_i128_with_scale(value.mantissa(), scale));
    }
    (0..exponent.min(30)).try_fold(value, |value, _| value.checked_mul(Decimal::TEN))
}

/// Text that is borrowed from the body where it has no escapes.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn owned(&self) -> String {
        self.0.clone().into_owned()
    }

    /// The last part of the path of a URL, which is the id of what it points to.
    pub(crate) fn tail(&self) -> &str {
        let path = self.0.split(['?', '#']).next().unwrap_or_default();
        path.trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default()
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;

        impl<'de> Visitor<'de> for Words {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }

            // Account numbers are numbers in some answers and text in others.
            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Cow::Owned(number.to_string()))
            }
        }

        deserializer.deserialize_any(Words).map(Self)
    }
}

/// A moment: RFC 3339 with any number of fraction digits and any offset, kept in UTC.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(pub(crate) OffsetDateTime);

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        moment(text.as_str())
            .map(Self)
            .ok_or_else(|| D::Error::custom("not a moment of RFC 3339"))
    }
}

fn moment(text: &str) -> Option<OffsetDateTime> {
    let at = OffsetDateTime::parse(text, &Rfc3339)
        .ok()?
        .to_offset(UtcOffset::UTC);
    // Years that only a mix-up of units gives.
    (1980..2200).contains(&at.year()).then_some(at)
}

/// A date, `YYYY-MM-DD`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Day(pub(crate) Date);

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        let format = time::macros::format_description!("[year]-[month]-[day]");
        Date::parse(text.as_str(), format)
            .map(Self)
            .map_err(|_| D::Error::custom("not a date"))
    }
}

/// One page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<'a, T> {
    #[serde(borrow, default)]
    pub(crate) next: Option<Text<'a>>,
    pub(crate) results: Vec<T>,
}

/// An amount with its currency.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Amount<'a> {
    pub(crate) amount: Num,
    #[serde(borrow)]
    pub(crate) currency_code: Text<'a>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wheelhouse_core::dec;

    use super::*;

    fn num(json: &str) -> Option<Decimal> {
        serde_json::from_str::<Num>(json).ok().map(|num| num.0)
    }

    #[test]
    fn f22_numbers_are_read_from_strings_and_numbers_and_from_nothing_else() {
        for (json, value) in [
            (r#""12.340000""#, dec!(12.34)),
            (r#""0E-8""#, dec!(0)),
            ("20", dec!(20)),
            ("1.5e3", dec!(1500)),
            (r#""-28.0000""#, dec!(-28)),
            (r#""2.5E-3""#, dec!(0.0025)),
        ] {
            assert_eq!(num(json), Some(value), "{json}");
        }
        for json in [
            r#""1,000.5""#,
            r#""""#,
            r#"" 1""#,
            r#""+1""#,
            r#""0x10""#,
            "true",
            r#"".5""#,
            r#""1.""#,
        ] {
            assert_eq!(num(json), None, "{json}");
        }
    }

    #[test]
    fn f23_no_number_becomes_zero_or_infinite_silently() {
        for json in [r#""NaN""#, r#""Infinity""#, "1e400", "1e-400", r#""1E-30""#] {
            assert_eq!(num(json), None, "{json}");
        }
        assert_eq!(num(&"9".repeat(40)), None);
        assert_eq!(num("-0"), Some(Decimal::ZERO));
        assert_eq!(
            num(r#""1000000000000.000000000000000000""#),
            Some(dec!(1000000000000))
        );
        assert_eq!(num(r#""0.1234567890123456789012345678901""#), None);
    }

    #[test]
    fn f27_moments_have_a_zone_and_a_year_that_can_be() {
        for text in [
            "2026-11-20T21:00:00Z",
            "2026-11-20T16:00:00.661382912-05:00",
        ] {
            assert_eq!(moment(text).map(|at| at.hour()), Some(21), "{text}");
        }
        for text in [
            "2026-11-20T21:00:00",
            "1795212000",
            "1970-01-01T00:00:00Z",
            "9999-01-01T00:00:00Z",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn the_id_in_a_url_is_its_last_part() {
        let tail = |url| Text(Cow::Borrowed(url)).tail().to_owned();
        assert_eq!(
            tail("https://api.robinhood.com/accounts/100200301/"),
            "100200301"
        );
        assert_eq!(tail("https://api.robinhood.com/accounts/1?x=/2"), "1");
        assert_eq!(tail(""), "");
    }

    proptest! {
        #[test]
        fn every_exact_decimal_survives_the_wire(mantissa: i64, scale in 0u32..=18) {
            let value = Decimal::new(mantissa, scale);
            prop_assert_eq!(decimal(&value.to_string()), Some(value));
            prop_assert_eq!(num(&format!("\"{value}\"")), Some(value));
        }

        #[test]
        fn the_short_way_reads_what_the_long_way_reads(text in "-?[0-9]{0,12}[.:x-]?[0-9]{0,12}") {
            let digits = |value: Decimal| (value, value.scale());
            if let Some(short) = short(text.as_bytes()) {
                prop_assert_eq!(Some(digits(short)), long(&text).map(digits));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _ = decimal(&text);
        }
    }
}
