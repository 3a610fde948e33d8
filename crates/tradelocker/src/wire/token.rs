use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use time::OffsetDateTime;
use wheelhouse_core::Decimal;

use super::number;

/// One JSON value of the answer, unread.
///
/// TradeLocker writes the same thing as text here and as a number there, and a number that has
/// become a float is no longer what was sent. So leaves are kept as they stand and read by meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a>(&'a str);

/// What is wrong with a value. It never quotes the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Misfit(pub &'static str);

impl<'a> Token<'a> {
    /// A value that is not there.
    pub const NULL: Self = Self("null");

    /// Takes the text of a JSON value.
    pub const fn new(json: &'a str) -> Self {
        Self(json)
    }

    /// Returns the JSON text.
    pub const fn json(self) -> &'a str {
        self.0
    }

    /// Returns whether it is `null`.
    pub fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// Reads text; a number is taken for its digits, `null` and `""` for nothing.
    ///
    /// # Errors
    ///
    /// A list, an object or a boolean.
    pub fn text(self) -> Result<Option<Cow<'a, str>>, Misfit> {
        let text = match self.0.as_bytes().first() {
            Some(b'n') | None => return Ok(None),
            Some(b'"') => self.unquoted()?,
            Some(b'-' | b'0'..=b'9') => Cow::Borrowed(self.0),
            _ => return Err(Misfit("is not text")),
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// Reads an exact decimal from a number or from text; `null` and `""` are nothing.
    ///
    /// # Errors
    ///
    /// What is not a plain decimal number of at most 28 digits.
    pub fn decimal(self) -> Result<Option<Decimal>, Misfit> {
        match self.text()? {
            None => Ok(None),
            Some(text) => number::decimal(&text).map(Some).ok_or(Misfit(
                "is not an exact decimal number of at most 28 digits",
            )),
        }
    }

    /// Reads a decimal and takes zero for nothing, as prices of history rows mean it.
    ///
    /// # Errors
    ///
    /// As [`decimal`](Self::decimal).
    pub fn nonzero(self) -> Result<Option<Decimal>, Misfit> {
        Ok(self.decimal()?.filter(|value| !value.is_zero()))
    }

    /// Reads a time in milliseconds since 1970; `null`, `""` and zero are nothing.
    ///
    /// # Errors
    ///
    /// What is not a whole number of milliseconds between 1973 and 9999, such as seconds.
    pub fn millis(self) -> Result<Option<OffsetDateTime>, Misfit> {
        match self.text()? {
            None => Ok(None),
            Some(text) => number::millis(&text),
        }
    }

    /// Reads a whole number that is not negative.
    ///
    /// # Errors
    ///
    /// What is not one.
    pub fn whole(self) -> Result<Option<u64>, Misfit> {
        const WHAT: Misfit = Misfit("is not a whole number");
        let Some(value) = self.decimal().map_err(|_| WHAT)? else {
            return Ok(None);
        };
        u64::try_from(value)
            .ok()
            .filter(|whole| Decimal::from(*whole) == value)
            .map(Some)
            .ok_or(WHAT)
    }

    /// Reads `true` and `false`, as such, as text or as 1 and 0.
    ///
    /// # Errors
    ///
    /// Anything else but `null` and `""`.
    pub fn boolean(self) -> Result<Option<bool>, Misfit> {
        match self.0 {
            "null" | "\"\"" | "" => Ok(None),
            "true" | "\"true\"" | "1" | "\"1\"" => Ok(Some(true)),
            "false" | "\"false\"" | "0" | "\"0\"" => Ok(Some(false)),
            _ => Err(Misfit("is neither true nor false")),
        }
    }

    fn unquoted(self) -> Result<Cow<'a, str>, Misfit> {
        let inner = self
            .0
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .ok_or(Misfit("is not text"))?;
        let escaped = inner
            .bytes()
            .fold(false, |escaped, b| escaped | (b == b'\\'));
        if !escaped {
            return Ok(Cow::Borrowed(inner));
        }
        serde_json::from_str(self.0)
            .map(Cow::Owned)
            .map_err(|_| Misfit("is not text"))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Token<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self(raw.get()))
    }
}

impl Default for Token<'_> {
    fn default() -> Self {
        Self::NULL
    }
}

#[cfg(test)]
mod tests {
    use wheelhouse_core::dec;

    use super::*;

    #[test]
    fn f22_numbers_are_read_from_numbers_and_from_text() {
        assert_eq!(Token::new("0.02").decimal(), Ok(Some(dec!(0.02))));
        assert_eq!(Token::new("\"10.00\"").decimal(), Ok(Some(dec!(10.00))));
        assert_eq!(Token::new("1e-05").decimal(), Ok(Some(dec!(0.00001))));
        assert_eq!(Token::new("\"\"").decimal(), Ok(None));
        assert!(Token::new("\"1,000.5\"").decimal().is_err());
        assert!(Token::new("[1]").decimal().is_err());
        assert_eq!(Token::new("2.0").whole(), Ok(Some(2)));
        assert!(Token::new("2.5").whole().is_err());
    }

    #[test]
    fn text_is_unescaped_only_where_it_has_to_be() {
        assert!(matches!(
            Token::new("\"abc\"").text(),
            Ok(Some(Cow::Borrowed("abc")))
        ));
        assert_eq!(Token::new(r#""a\u0062c""#).text().unwrap().unwrap(), "abc");
        assert_eq!(Token::new("278").text().unwrap().unwrap(), "278");
        assert_eq!(Token::new("null").text(), Ok(None));
    }
}
