use std::{fmt, str::FromStr};

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, ErrorKind, Result};

macro_rules! decimal {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(Decimal);

        impl $name {
            /// Wraps a decimal. Any sign is accepted here; orders check theirs.
            pub const fn new(value: Decimal) -> Self {
                Self(value)
            }

            /// Returns the decimal.
            pub const fn value(self) -> Decimal {
                self.0
            }
        }

        impl From<Decimal> for $name {
            fn from(value: Decimal) -> Self {
                Self(value)
            }
        }

        impl From<$name> for Decimal {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl FromStr for $name {
            type Err = Error;

            /// Reads exact decimal text.
            ///
            /// # Errors
            ///
            /// [`ErrorKind::InvalidInput`] if the text is not a plain decimal number or has more
            /// digits than can be kept exactly (28).
            fn from_str(text: &str) -> Result<Self> {
                Decimal::from_str_exact(text).map(Self).map_err(|source| {
                    Error::new(
                        ErrorKind::InvalidInput,
                        concat!("the ", $what, " is not a decimal number of at most 28 digits"),
                    )
                    .with_source(source)
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

decimal!(
    /// A price per unit, in the quoting currency of its instrument.
    Price,
    "price"
);
decimal!(
    /// An amount of an instrument; the unit is told by what holds it.
    Quantity,
    "quantity"
);

/// A currency or settlement asset by its code: `USD`, `EUR`, `USDT`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 8]);

impl Currency {
    /// The United States dollar.
    pub const USD: Self = Self(*b"USD\0\0\0\0\0");

    /// Checks `code` and makes a currency of it; lower case is raised.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] unless `code` has 2 to 8 ASCII letters or digits.
    pub fn new(code: &str) -> Result<Self> {
        let fit = (2..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric());
        if !fit {
            let message = "the currency is not a code of 2 to 8 letters or digits such as USD";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let mut bytes = [0; 8];
        for (place, byte) in bytes.iter_mut().zip(code.bytes()) {
            *place = byte.to_ascii_uppercase();
        }
        Ok(Self(bytes))
    }

    /// Returns the code in upper case.
    pub fn code(&self) -> &str {
        let end = self.0.iter().position(|b| *b == 0).unwrap_or(self.0.len());
        std::str::from_utf8(&self.0[..end]).unwrap_or_default()
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Currency({})", self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl FromStr for Currency {
    type Err = Error;

    fn from_str(code: &str) -> Result<Self> {
        Self::new(code)
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// An amount of money in a currency.
///
/// ```
/// # use wheelhouse_core::{Currency, Money, dec};
/// let fee = Money::new(dec!(1.50), Currency::USD);
/// assert_eq!(fee.to_string(), "1.50 USD");
/// assert!(fee.checked_add(Money::new(dec!(1), "EUR".parse()?)).is_none());
/// # Ok::<(), wheelhouse_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// How much.
    pub amount: Decimal,
    /// Of what.
    pub currency: Currency,
}

impl Money {
    /// Makes an amount of money.
    pub const fn new(amount: Decimal, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Adds two amounts; `None` if the currencies differ or the sum cannot be represented.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        let amount = self.amount.checked_add(other.amount)?;
        Some(Self { amount, ..self })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f23_numbers_that_are_not_exact_decimals_are_refused() {
        for text in [
            "NaN",
            "Infinity",
            "1e400",
            "",
            "1,000.5",
            "0x10",
            &"9".repeat(40),
        ] {
            assert_eq!(text.parse::<Price>().unwrap_err().code(), 5001, "{text}");
        }
        assert_eq!("-0".parse::<Quantity>().unwrap().value(), Decimal::ZERO);
    }

    #[test]
    fn currencies_keep_their_code() {
        assert_eq!(Currency::new("usdt").unwrap().code(), "USDT");
        assert_eq!(Currency::new("ABCDEFGH").unwrap().code(), "ABCDEFGH");
        assert!(Currency::new("US$").is_err());
    }
}
