use std::{borrow::Borrow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

use crate::{Error, ErrorKind, Result};

/// The longest identifier that is accepted, in bytes.
pub const MAX_ID_LEN: usize = 128;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// Cheap to clone: up to 23 bytes stand in place, longer ones are shared. Compared and ordered
        /// as text.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

        impl $name {
            /// Checks `text` and makes an identifier of it.
            ///
            /// # Errors
            ///
            /// [`ErrorKind::InvalidInput`] unless `text` is 1 to [`MAX_ID_LEN`] bytes of visible
            /// ASCII (no blanks, no control characters) and free of `/`, `\`, `?`, `%` and `..`,
            /// so that it can stand in a URL path and in a header.
            pub fn new(text: impl AsRef<str>) -> Result<Self> {
                let text = text.as_ref();
                check_id($what, text)?;
                Ok(Self(SmolStr::new(text)))
            }

            /// Returns the identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<&$name> for $name {
            fn from(id: &$name) -> Self {
                id.clone()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(text).map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// Names a broker: `tradelocker`, `robinhood`.
    BrokerId, "broker"
);
id!(
    /// The key under which a broker takes calls for an account.
    ///
    /// It is not always the number a person sees; that is [`Account::number`](crate::Account::number).
    AccountId, "account"
);
id!(
    /// Names one login session.
    SessionId, "session"
);
id!(
    /// A broker's own key of a tradable instrument.
    InstrumentId, "instrument"
);
id!(
    /// The identifier that this side gives an order before it is sent.
    ///
    /// It is what an order is found by when the answer to its placement is lost.
    ClientOrderId, "client order id"
);
id!(
    /// The identifier that the broker gives an order.
    BrokerOrderId, "order"
);
id!(
    /// The identifier that the broker gives a position.
    PositionId, "position"
);
id!(
    /// The identifier that the broker gives an execution (a fill).
    ExecutionId, "execution"
);

impl BrokerId {
    /// The identifier of the TradeLocker adapter.
    pub fn tradelocker() -> Self {
        Self(SmolStr::new_static("tradelocker"))
    }

    /// The identifier of the Robinhood adapter.
    pub fn robinhood() -> Self {
        Self(SmolStr::new_static("robinhood"))
    }

    /// The identifier of the adapter for Robinhood's Crypto Trading API.
    pub fn robinhood_crypto() -> Self {
        Self(SmolStr::new_static("robinhood-crypto"))
    }
}

/// For brokers that have one position in an instrument and no name for it. Shares the text.
impl From<&InstrumentId> for PositionId {
    fn from(instrument: &InstrumentId) -> Self {
        Self(instrument.0.clone())
    }
}

impl ClientOrderId {
    /// Makes a new identifier: `prefix`, then a ULID of 26 characters from `millis` since the Unix
    /// epoch and 80 bits of `random`.
    ///
    /// Identifiers of one prefix sort by their time. With a prefix of five characters the result
    /// has 31, which every broker known to wheelhouse takes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if `prefix` is not fit for an identifier.
    pub fn generate(prefix: &str, millis: u64, random: [u8; 10]) -> Result<Self> {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let mut bits = u128::from(millis & 0xFFFF_FFFF_FFFF) << 80;
        for (index, byte) in random.iter().enumerate() {
            bits |= u128::from(*byte) << (72 - 8 * index);
        }
        let mut text = String::with_capacity(prefix.len() + 26);
        text.push_str(prefix);
        for place in (0..26).rev() {
            let digit = (bits >> (5 * place)) & 31;
            text.push(char::from(ALPHABET[digit as usize]));
        }
        Self::new(text)
    }
}

/// The name under which people know an instrument: `EURUSD`, `AAPL`, `DOW+`.
///
/// Letters, digits and the signs that brokers use in names, nothing that looks like another
/// character or hides: a symbol read from a chat or a web page is refused rather than guessed at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(SmolStr);

impl Symbol {
    /// The longest symbol, in bytes.
    pub const MAX_LEN: usize = 64;

    /// Checks `text` and makes a symbol of it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] unless `text` is 1 to 64 characters out of `A-Z a-z 0-9` and
    /// `. _ - + # & : ^ = ! @ $ /` and blanks inside, without `..`. The message names the first
    /// refused character by its code point.
    pub fn new(text: impl AsRef<str>) -> Result<Self> {
        let text = text.as_ref();
        let fit = |c: char| c.is_ascii_alphanumeric() || "._-+#&:^=!@$/ ".contains(c);
        if text.is_empty() {
            return Err(Error::new(ErrorKind::MissingField, "the symbol is empty"));
        }
        if let Some(c) = text.chars().find(|c| !fit(*c)) {
            let message = format!(
                "the symbol has the character U+{:04X}, which no symbol has; letters, digits and . _ - + # & : ^ = ! @ $ / are allowed",
                u32::from(c)
            );
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        if text.len() > Self::MAX_LEN {
            let message = format!(
                "the symbol has {} bytes; at most 64 are allowed",
                text.len()
            );
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        if text.trim() != text || text.contains("..") {
            let message =
                "the symbol begins or ends with a blank (U+0020) or has two dots in a row";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        Ok(Self(SmolStr::new(text)))
    }

    /// Returns the symbol as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Symbol({})", self.0)
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Symbol {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl Serialize for Symbol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Symbol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[inline]
fn check_id(what: &str, text: &str) -> Result<()> {
    let kinds = text
        .bytes()
        .fold(0, |all, byte| all | KINDS[usize::from(byte)]);
    let fit = kinds & UNFIT == 0 && (kinds & DOT == 0 || !text.contains(".."));
    if fit && (1..=MAX_ID_LEN).contains(&text.len()) {
        return Ok(());
    }
    Err(id_error(what, text))
}

const UNFIT: u8 = 1;
const DOT: u8 = 2;

/// What there is to say of each byte of an identifier.
static KINDS: [u8; 256] = {
    let mut kinds = [UNFIT; 256];
    let mut byte = 0;
    while byte < 256 {
        let sign = byte as u8;
        if sign.is_ascii_graphic() && !is_url_sign(sign as char) {
            kinds[byte] = if sign == b'.' { DOT } else { 0 };
        }
        byte += 1;
    }
    kinds
};

/// Tells the signs that mean something in a URL.
const fn is_url_sign(c: char) -> bool {
    matches!(c, '/' | '\\' | '?' | '%')
}

#[cold]
fn id_error(what: &str, text: &str) -> Error {
    if text.is_empty() {
        return Error::new(ErrorKind::MissingField, format!("the {what} is empty"));
    }
    let len = text.len();
    let unfit = |c: &char| !c.is_ascii_graphic() || is_url_sign(*c);
    let message = if len > MAX_ID_LEN {
        format!("the {what} has {len} bytes; at most {MAX_ID_LEN} are allowed")
    } else if let Some(c) = text.chars().find(unfit) {
        let point = u32::from(c);
        format!(
            "the {what} has the character U+{point:04X}; visible ASCII without / \\ ? % is allowed"
        )
    } else {
        format!("the {what} has two dots in a row")
    };
    Error::new(ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f53_symbols_with_hidden_or_lookalike_characters_are_refused_by_code_point() {
        for (symbol, point) in [
            ("EUR\u{200B}USD", "U+200B"),
            ("\u{202E}EURUSD", "U+202E"),
            ("EUR\u{A0}USD", "U+00A0"),
            ("\u{415}URUSD", "U+0415"),
            ("\u{FF25}URUSD", "U+FF25"),
        ] {
            let error = Symbol::new(symbol).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(point), "{error}");
        }
        assert_eq!(Symbol::new("EURUSD ").unwrap_err().code(), 5001);
        assert_eq!(Symbol::new("DOW+").unwrap().as_str(), "DOW+");
    }

    #[test]
    fn f54_symbols_and_ids_that_could_leave_a_url_path_are_refused() {
        for text in [
            "/../x",
            "%2e%2e",
            "A\r\nX: y",
            "A\0",
            "..",
            &"A".repeat(65_536),
        ] {
            assert_eq!(
                Symbol::new(text).unwrap_err().kind().code(),
                5001,
                "{text:.10}"
            );
            assert_eq!(
                AccountId::new(text).unwrap_err().kind().code(),
                5001,
                "{text:.10}"
            );
        }
    }

    #[test]
    fn generated_client_order_ids_sort_by_time_and_fit_31_characters() {
        let early = ClientOrderId::generate("WHL-A", 1_700_000_000_000, [0xFF; 10]).unwrap();
        let late = ClientOrderId::generate("WHL-A", 1_700_000_000_001, [0; 10]).unwrap();
        assert!(early < late);
        assert_eq!(late.as_str().len(), 31);
    }
}
