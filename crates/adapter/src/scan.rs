use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Steps through JSON text value by value and builds nothing, for readers that know what to look for.
///
/// It reads what brokers send in one line: the only blank that it knows is the space. Wherever it
/// returns `None` it has a doubt, and a whole parser has to judge. What it takes for a value is one:
/// strings and nested values are checked, all else by [`Scanned::check`].
///
/// ```
/// use wheelhouse_adapter::{Scanned, Scanner};
///
/// let mut row = Scanner::new(r#"["7100","0.02",null]"#);
/// assert_eq!(row.take(b'['), Some(()));
/// assert_eq!(row.value(), Some(Scanned::Plain("\"7100\"")));
/// assert_eq!(row.byte(), Some(b','));
/// assert_eq!(row.at(), 8);
/// ```
#[derive(Clone, Debug)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Begins at the begin of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Returns how many bytes have been read.
    #[inline]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Returns what has not been read yet.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Returns what has been read since `begin`.
    pub fn since(&self, begin: usize) -> &'a str {
        self.text.get(begin..self.at).unwrap_or_default()
    }

    /// Steps over `len` bytes, which the caller has looked at.
    #[inline]
    pub fn advance(&mut self, len: usize) {
        self.at += len;
    }

    /// Steps over blanks.
    #[inline]
    pub fn blanks(&mut self) {
        while self.text.as_bytes().get(self.at) == Some(&b' ') {
            self.at += 1;
        }
    }

    /// Looks at the next byte that is not blank.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        self.blanks();
        self.text.as_bytes().get(self.at).copied()
    }

    /// Reads the next byte that is not blank.
    #[inline]
    pub fn byte(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Reads the next byte that is not blank, if it is the `wanted` one.
    #[inline]
    pub fn take(&mut self, wanted: u8) -> Option<()> {
        (self.byte()? == wanted).then_some(())
    }

    /// Reads a key without escapes, and the colon behind it.
    #[inline]
    pub fn key(&mut self) -> Option<&'a str> {
        let Scanned::Plain(json) = self.value()? else {
            return None;
        };
        self.take(b':')?;
        json.get(1..json.len() - 1)
    }

    /// Reads what stands behind an element of an array or object: whether there is another, where
    /// `end` is the bracket that closes it.
    #[inline]
    pub fn more(&mut self, end: u8) -> Option<bool> {
        match self.byte()? {
            b',' => Some(true),
            byte if byte == end => Some(false),
            _ => None,
        }
    }

    /// Steps over a value.
    #[inline]
    pub fn skip(&mut self) -> Option<()> {
        self.value()?.check()
    }

    /// Finds the end of the next value.
    #[inline]
    pub fn value(&mut self) -> Option<Scanned<'a>> {
        match self.peek()? {
            b'"' => self.string(),
            b'{' | b'[' => {
                let rest = self.text.get(self.at..)?;
                let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
                let json = values.next()?.ok()?.get();
                self.at += json.len();
                Some(Scanned::Nested(json))
            }
            _ => {
                // A line break or tab ends it too, and nobody steps over that.
                let ends =
                    |byte: &u8| matches!(byte, b',' | b'}' | b']' | b'\t' | b'\n' | b'\r' | b' ');
                let len = self.rest().iter().position(ends)?;
                let json = self.text.get(self.at..self.at + len)?;
                self.at += len;
                Some(Scanned::Other(json))
            }
        }
    }

    #[inline]
    fn string(&mut self) -> Option<Scanned<'a>> {
        let bytes = self.rest();
        let (mut end, mut plain) = (1, true);
        loop {
            end += plain_len(bytes.get(end..)?);
            match bytes.get(end)? {
                b'"' => break,
                b'\\' => (plain, end) = (false, end + 2),
                b' ' | b'!' => end += 1,
                _ => return None,
            }
        }
        let json = self.text.get(self.at..self.at + end + 1)?;
        self.at += json.len();
        Some(match plain {
            true => Scanned::Plain(json),
            false => Scanned::Other(json),
        })
    }
}

/// A value that was stepped over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scanned<'a> {
    /// An object or an array, well-formed.
    Nested(&'a str),
    /// A string without escapes, with its quotation marks.
    Plain(&'a str),
    /// Anything else, still to be checked.
    Other(&'a str),
}

impl<'a> Scanned<'a> {
    /// Returns its JSON text.
    #[inline]
    pub fn json(self) -> &'a str {
        match self {
            Self::Nested(json) | Self::Plain(json) | Self::Other(json) => json,
        }
    }

    /// Makes sure that it is JSON.
    #[inline]
    pub fn check(self) -> Option<()> {
        match self {
            Self::Plain(_) | Self::Nested(_) | Self::Other("null" | "true" | "false") => Some(()),
            Self::Other(json) => serde_json::from_str::<IgnoredAny>(json).ok().map(drop),
        }
    }
}

/// How many bytes there are before the first one that may mean something in a string: a quotation
/// mark, a backslash, a control character, or a blank or `!`, which are found along with those. Eight
/// are looked at in one go.
#[inline]
fn plain_len(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    // Sets the high bit of the bytes below `limit`; behind the first of them it may set others too.
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
    let mut len = 0;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
        let special = (below(word, b'"' + 1) | backslash) & (ONES << 7);
        if special != 0 {
            return len + (special.trailing_zeros() / 8) as usize;
        }
        len += 8;
    }
    let special = |byte: &u8| *byte <= b'"' || *byte == b'\\';
    len + rest.iter().position(special).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of an array, as far as they are certain.
    fn elements(json: &str) -> Option<Vec<&str>> {
        let mut scanner = Scanner::new(json);
        let mut found = Vec::new();
        scanner.take(b'[')?;
        loop {
            let value = scanner.value()?;
            value.check()?;
            found.push(value.json());
            if !scanner.more(b']')? {
                return scanner.rest().is_empty().then_some(found);
            }
        }
    }

    #[test]
    fn values_end_where_they_end() {
        let json = r#"["a b!", "\"c\\", "0123456789abcdef", [1,"]"],{"a":"}"} ,-1.5e3,null,"ä€"]"#;
        let expected = [
            r#""a b!""#,
            r#""\"c\\""#,
            r#""0123456789abcdef""#,
            r#"[1,"]"]"#,
            r#"{"a":"}"}"#,
            "-1.5e3",
            "null",
            "\"ä€\"",
        ];
        assert_eq!(elements(json).unwrap(), expected);
    }

    #[test]
    fn f1_what_is_no_json_is_left_to_others() {
        for json in [
            "",
            "[",
            "[1",
            r#"["a]"#,
            r#"["a\"]"#,
            "[\"\t\"]",
            "[\"1234567\n\"]",
            "[\"12345678\u{1f}\"]",
            "[01]",
            "[nul]",
            "[[1}]",
            r#"["\q"]"#,
            "[1 2]",
            "[1]]",
            "[1,]",
            "[1;2]",
        ] {
            assert_eq!(elements(json), None, "{json}");
        }
    }

    #[test]
    fn blanks_that_it_does_not_know_are_part_of_no_value() {
        for blank in ["\t", "\n", "\r"] {
            for value in ["1", "null", "\"a\"", "\"\\n\"", "[1]"] {
                for json in [format!("[{blank}{value}]"), format!("[{value}{blank}]")] {
                    assert_eq!(elements(&json), None, "{json:?}");
                }
            }
        }
    }

    #[test]
    fn every_byte_is_told_at_every_place_of_a_string() {
        for place in 0..20 {
            for byte in 0..128_u8 {
                let mut text = vec![b'x'; 20];
                text[place] = byte;
                let json = format!("[\"{}\"]", String::from_utf8(text).unwrap());
                let whole = serde_json::from_str::<Vec<&RawValue>>(&json).ok();
                let whole = whole.map(|all| all.iter().map(|it| it.get()).collect::<Vec<_>>());
                assert_eq!(elements(&json), whole, "{byte} at {place}");
            }
        }
    }
}
