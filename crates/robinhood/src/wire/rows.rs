//! Reading a page of rows in a fraction of serde_json's time.
//!
//! A row has about fifty fields, of which the adapter reads a dozen. They stand in the same order in
//! every row, and most of those that nobody reads have the same value too. So a row is compared with
//! the first one, many bytes at once, up to the next value that is read; what differs in between is
//! stepped over to its end.
//!
//! It takes only what serde_json takes too, with the same result; whatever it has doubts about is
//! left to serde_json. Structs that refuse unknown fields cannot be read with it: it does not show
//! them any.

use memchr::memchr2;
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor},
    forward_to_deserialize_any,
};
use serde_json::{Error, value::RawValue};

use super::{Text, value::EXACT};

/// Hands the rows of a page to `each`, in their order, and returns the link to the next page.
///
/// `None` if the page is not written the usual way or `each` does not take a row: [`decode`] then
/// tells what is wrong, if anything is. Rows handed over before do not count.
///
/// [`decode`]: super::decode
pub(crate) fn walk<'a, T: Deserialize<'a>>(
    body: &'a [u8],
    mut each: impl FnMut(T) -> bool,
) -> Option<Option<Text<'a>>> {
    // No string may hold one, and no other part of a page that is sent in one line does.
    let control = |part: &[u8]| {
        part.iter()
            .fold(false, |found, byte| found | (*byte < b' '))
    };
    if body.chunks(1024).any(control) {
        return None;
    }
    let mut input = Input {
        text: std::str::from_utf8(body).ok()?,
        at: 0,
    };
    let (mut next, mut results) = (None, None);
    input.take(b'{')?;
    loop {
        match input.key()? {
            "next" if next.is_none() => {
                next = Some(input.value()?.read::<Option<Text<'a>>>().ok()?);
            }
            "results" if results.is_none() => results = Some(rows(&mut input, &mut each)?),
            "next" | "results" => return None,
            _ => input.skip()?,
        }
        match input.byte()? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    input.blanks();
    let whole = input.at == input.text.len();
    (whole && results.is_some()).then_some(next.flatten())
}

fn rows<'a, T: Deserialize<'a>>(
    input: &mut Input<'a>,
    each: &mut impl FnMut(T) -> bool,
) -> Option<()> {
    input.take(b'[')?;
    if input.peek()? == b']' {
        input.at += 1;
        return Some(());
    }
    let mut first = None;
    loop {
        let row = Row {
            input,
            first: &mut first,
        };
        let row = T::deserialize(row).ok()?;
        each(row).then_some(())?;
        match input.byte()? {
            b',' => {}
            b']' => return Some(()),
            _ => return None,
        }
    }
}

/// The text and how far it has been read.
struct Input<'a> {
    text: &'a str,
    at: usize,
}

/// The first row, which the others are compared with.
#[derive(Default)]
struct First<'a> {
    /// From its brace to its brace.
    text: &'a str,
    fields: Vec<Field<'a>>,
}

/// A field and where its parts begin, counted from the begin of the row.
#[derive(Clone, Copy)]
struct Field<'a> {
    /// The comma in front, or the key where there is none.
    begin: usize,
    key_at: usize,
    value_at: usize,
    /// Behind the value.
    end: usize,
    key: &'a str,
    is_read: bool,
    /// The first field from here on that is read.
    next_read: usize,
}

impl First<'_> {
    fn finish(&mut self) {
        let mut next = self.fields.len();
        for (place, field) in self.fields.iter_mut().enumerate().rev() {
            if field.is_read {
                next = place;
            }
            field.next_read = next;
        }
    }
}

impl<'a> Input<'a> {
    #[inline]
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn since(&self, begin: usize) -> &'a str {
        self.text.get(begin..self.at).unwrap_or_default()
    }

    #[inline]
    fn blanks(&mut self) {
        while self.text.as_bytes().get(self.at) == Some(&b' ') {
            self.at += 1;
        }
    }

    /// Looks at the next byte that is not blank.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        self.blanks();
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.byte()? == wanted).then_some(())
    }

    /// Reads a key without escapes, and the colon behind it.
    #[inline]
    fn key(&mut self) -> Option<&'a str> {
        match self.value()? {
            Value::Plain { json } => {
                self.take(b':')?;
                Some(unquoted(json))
            }
            _ => None,
        }
    }

    /// Steps over a value.
    #[inline]
    fn skip(&mut self) -> Option<()> {
        match self.value()? {
            Value::Plain { .. } | Value::Nested { .. } => Some(()),
            Value::Other {
                json: "null" | "true" | "false",
            } => Some(()),
            other => other.read::<IgnoredAny>().ok().map(drop),
        }
    }

    /// Finds the end of the next value.
    #[inline]
    fn value(&mut self) -> Option<Value<'a>> {
        match self.peek()? {
            b'"' => self.string(),
            b'{' | b'[' => {
                let rest = self.rest();
                let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
                let json = values.next()?.ok()?.get();
                self.at += json.len();
                Some(Value::Nested { json })
            }
            _ => {
                let rest = self.rest();
                let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ');
                let len = rest.bytes().position(|byte| ends(&byte))?;
                self.at += len;
                rest.get(..len).map(|json| Value::Other { json })
            }
        }
    }

    #[inline]
    fn string(&mut self) -> Option<Value<'a>> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let (mut end, mut plain) = (1, true);
        loop {
            end += memchr2(b'"', b'\\', bytes.get(end..)?)?;
            if bytes.get(end) == Some(&b'"') {
                break;
            }
            plain = false;
            end += 2;
        }
        let json = rest.get(..=end)?;
        self.at += json.len();
        Some(match plain {
            true => Value::Plain { json },
            false => Value::Other { json },
        })
    }
}

#[inline]
fn unquoted(json: &str) -> &str {
    json.get(1..json.len() - 1).unwrap_or_default()
}

/// A value and where it ends.
#[derive(Clone, Copy)]
enum Value<'a> {
    /// An object or an array, well-formed.
    Nested { json: &'a str },
    /// A string without escapes, with its quotation marks.
    Plain { json: &'a str },
    /// Anything else, still to be checked.
    Other { json: &'a str },
}

impl<'a> Value<'a> {
    fn read<T: Deserialize<'a>>(self) -> Result<T, Error> {
        self.read_seed(std::marker::PhantomData)
    }

    #[inline]
    fn read_seed<S: DeserializeSeed<'a>>(self, seed: S) -> Result<S::Value, Error> {
        match self {
            Self::Plain { json } => seed.deserialize(Plain { json }),
            Self::Other { json: "null" } => seed.deserialize(Null),
            Self::Nested { json } | Self::Other { json } => {
                let mut inner = serde_json::Deserializer::from_str(json);
                let value = seed.deserialize(&mut inner)?;
                inner.end()?;
                Ok(value)
            }
        }
    }
}

fn doubt() -> Error {
    Error::custom("left to serde_json")
}

/// One row, to be read as a struct.
struct Row<'s, 'a> {
    input: &'s mut Input<'a>,
    first: &'s mut Option<First<'a>>,
}

impl<'a> Deserializer<'a> for Row<'_, 'a> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'a>>(self, _: V) -> Result<V::Value, Error> {
        Err(doubt())
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.input.peek() {
            Some(b'{') => visitor.visit_some(self),
            _ => self
                .input
                .value()
                .ok_or_else(doubt)?
                .read_seed(Rest(visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let Self { input, first } = self;
        input.take(b'{').ok_or_else(doubt)?;
        let mut fields = Fields {
            begin: input.at - 1,
            input,
            known,
            count: 0,
            pace: match first.take() {
                Some(first) => Pace::Beside(first, 0),
                None => Pace::Leading(First::default()),
            },
            ended: false,
        };
        let value = visitor.visit_map(&mut fields)?;
        fields.ended.then_some(()).ok_or_else(doubt)?;
        *first = match fields.pace {
            Pace::Alone(first) | Pace::Beside(first, _) => Some(first),
            Pace::Leading(mut first) => {
                first.text = fields.input.since(fields.begin);
                first.finish();
                Some(first)
            }
        };
        Ok(value)
    }

    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The visitor of an option, where there may be nothing.
struct Rest<V>(V);

impl<'a, V: Visitor<'a>> DeserializeSeed<'a> for Rest<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_option(self.0)
    }
}

struct Fields<'s, 'a> {
    input: &'s mut Input<'a>,
    /// Where the row begins.
    begin: usize,
    known: &'static [&'static str],
    count: usize,
    pace: Pace<'a>,
    ended: bool,
}

/// How a row goes on.
enum Pace<'a> {
    /// Its fields are others than those of the first row.
    Alone(First<'a>),
    /// It is now at this field of the first row.
    Beside(First<'a>, usize),
    /// It is the first one.
    Leading(First<'a>),
}

impl<'a> Fields<'_, 'a> {
    /// Goes to the value of the next key that the struct knows; `Some(None)` at the end of the row.
    #[inline]
    fn next(&mut self) -> Option<Option<&'a str>> {
        loop {
            if let Pace::Beside(first, place) = &mut self.pace
                && let Some(field) = first.fields.get(*place)
            {
                let first: &First<'a> = first;
                let goal = first.fields.get(field.next_read);
                let goal_at = goal.map_or(first.text.len(), |goal| goal.value_at);
                let ahead = first.text.as_bytes().get(field.begin..goal_at)?;
                let rest = self.input.rest().as_bytes();
                if rest.starts_with(ahead) {
                    self.input.at += ahead.len();
                    self.count += 1;
                    *place = field.next_read + 1;
                    self.ended = goal.is_none();
                    return Some(goal.map(|goal| goal.key));
                }
                // What is the same up to the sign behind its value is stepped over.
                let reached = field.begin + common(rest, ahead);
                let mut at = field;
                while at.end < reached {
                    *place += 1;
                    self.count += 1;
                    at = first.fields.get(*place)?;
                }
                self.input.at += at.begin - field.begin;
            }
            let begin = self.input.at;
            match (self.input.peek()?, self.count) {
                (b'}', _) => {
                    self.input.at += 1;
                    self.ended = true;
                    return Some(None);
                }
                (b',', 1..) => self.input.at += 1,
                (_, 0) => {}
                _ => return None,
            }
            self.count += 1;
            let (key, is_read) = self.key(begin)?;
            if is_read {
                return Some(Some(key));
            }
            self.input.skip()?;
            self.note_end();
        }
    }

    /// Reads a key, and whether the struct knows it. `begin` is where the field begins.
    #[inline]
    fn key(&mut self, begin: usize) -> Option<(&'a str, bool)> {
        self.input.blanks();
        if let Pace::Beside(first, place) = &mut self.pace
            && let Some(field) = first.fields.get(*place)
            && let Some(written) = first.text.get(field.key_at..field.value_at)
            && self.input.rest().starts_with(written)
        {
            *place += 1;
            self.input.at += written.len();
            return Some((field.key, field.is_read));
        }
        let key_at = self.input.at;
        let key = self.input.key()?;
        let is_read = self.known.contains(&key);
        match &mut self.pace {
            Pace::Leading(first) => first.fields.push(Field {
                begin: begin - self.begin,
                key_at: key_at - self.begin,
                value_at: self.input.at - self.begin,
                end: 0,
                key,
                is_read,
                next_read: 0,
            }),
            Pace::Beside(first, _) => self.pace = Pace::Alone(std::mem::take(first)),
            Pace::Alone(_) => {}
        }
        Some((key, is_read))
    }

    #[inline]
    fn note_end(&mut self) {
        if let Pace::Leading(first) = &mut self.pace
            && let Some(field) = first.fields.last_mut()
        {
            field.end = self.input.at - self.begin;
        }
    }
}

/// How many bytes are the same at the begin of both.
#[inline]
fn common(one: &[u8], other: &[u8]) -> usize {
    let (ones, others) = (one.as_chunks::<64>().0, other.as_chunks::<64>().0);
    let wide = ones.iter().zip(others).take_while(|(a, b)| a == b).count();
    let mut same = 64 * wide;
    let (ones, others) = (one.as_chunks::<8>().0, other.as_chunks::<8>().0);
    for (one, other) in ones.iter().zip(others).skip(8 * wide) {
        let differing = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
        if differing != 0 {
            return same + (differing.trailing_zeros() / 8) as usize;
        }
        same += 8;
    }
    let (ones, others) = (one.iter().skip(same), other.iter().skip(same));
    same + ones.zip(others).take_while(|(a, b)| a == b).count()
}

impl<'a> MapAccess<'a> for &mut Fields<'_, 'a> {
    type Error = Error;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        match self.next().ok_or_else(doubt)? {
            Some(key) => {
                let key: de::value::BorrowedStrDeserializer<'a, Error> =
                    de::value::BorrowedStrDeserializer::new(key);
                seed.deserialize(key).map(Some)
            }
            None => Ok(None),
        }
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let value = self.input.value().ok_or_else(doubt)?;
        self.note_end();
        value.read_seed(seed)
    }
}

/// A string without escapes.
struct Plain<'a> {
    json: &'a str,
}

impl<'a> Plain<'a> {
    fn whole<T>(
        self,
        read: impl FnOnce(
            &mut serde_json::Deserializer<serde_json::de::StrRead<'a>>,
        ) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut whole = serde_json::Deserializer::from_str(self.json);
        let value = read(&mut whole)?;
        whole.end()?;
        Ok(value)
    }
}

impl<'a> Deserializer<'a> for Plain<'a> {
    type Error = Error;

    #[inline]
    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(unquoted(self.json))
    }

    #[inline]
    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match name {
            EXACT => visitor.visit_borrowed_str(unquoted(self.json)),
            _ => self.whole(|whole| whole.deserialize_newtype_struct(name, visitor)),
        }
    }

    fn deserialize_enum<V: Visitor<'a>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.whole(|whole| whole.deserialize_enum(name, variants, visitor))
    }

    fn deserialize_bytes<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.whole(|whole| whole.deserialize_bytes(visitor))
    }

    fn deserialize_byte_buf<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        self.whole(|whole| whole.deserialize_byte_buf(visitor))
    }

    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string unit unit_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}

/// `null`.
struct Null;

impl<'a> Deserializer<'a> for Null {
    type Error = Error;

    #[inline]
    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_none()
    }

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        serde_json::Deserializer::from_str("null").deserialize_newtype_struct(name, visitor)
    }

    forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{Page, account::Position, decode, option::Contract, order::Order};

    const PAGES: [&str; 3] = [
        include_str!("../../tests/data/positions_nonzero.json"),
        include_str!("../../tests/data/options_instruments_F_puts.json"),
        include_str!("../../tests/data/orders_page_1.json"),
    ];

    /// In one line, as the broker sends it.
    fn sent(sample: &str) -> String {
        let lines: String = sample.lines().map(str::trim).collect();
        lines.replace("\": ", "\":")
    }

    fn quick<'a, T: Deserialize<'a>>(body: &'a str) -> Option<Page<'a, T>> {
        let mut results = Vec::new();
        let next = walk(body.as_bytes(), |row| {
            results.push(row);
            true
        })?;
        Some(Page { next, results })
    }

    fn shown<'a, T: Deserialize<'a> + std::fmt::Debug>(
        page: Option<Page<'a, T>>,
    ) -> Option<String> {
        page.map(|page| format!("{page:?}"))
    }

    /// Both readings of one text, as one kind of row.
    fn both<'a, T: Deserialize<'a> + std::fmt::Debug>(body: &'a str) -> [Option<String>; 2] {
        let slow = decode::<Page<'a, T>>(body.as_bytes()).ok();
        [shown(quick::<T>(body)), shown(slow)]
    }

    fn agree(body: &str) -> Result<(), TestCaseError> {
        for [quick, slow] in [
            both::<Position<'_>>(body),
            both::<Option<Contract<'_>>>(body),
            both::<Order<'_>>(body),
        ] {
            prop_assert!(quick.is_none() || quick == slow, "{body}");
        }
        Ok(())
    }

    #[test]
    fn pages_as_they_are_sent_are_read_the_quick_way() {
        for page in PAGES {
            let body = sent(page);
            agree(&body).unwrap();
        }
        let [positions, contracts, orders] = PAGES.map(sent);
        assert_eq!(quick::<Position<'_>>(&positions).unwrap().results.len(), 3);
        assert!(quick::<Contract<'_>>(&contracts).is_some());
        assert!(quick::<Order<'_>>(&orders).is_some());
        assert!(quick::<Position<'_>>(PAGES[0]).is_none(), "it has lines");
        assert!(walk(positions.as_bytes(), |_: Position<'_>| false).is_none());
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "shown as a whole")]
    struct Small<'a> {
        #[serde(borrow, default)]
        a: Option<Text<'a>>,
        #[serde(default)]
        b: Option<crate::wire::Num>,
        #[serde(default)]
        c: Option<bool>,
    }

    #[test]
    fn rows_that_differ_from_the_first_one_are_read_as_serde_json_reads_them() {
        for rows in [
            r#"{"x":"1","a":"A","y":5,"b":"1","z":[1,{"q":"]"}]},{"x":"1","a":"A","y":51,"b":"1","z":[]}"#,
            r#"{"a":"A","b":"1"},{"b":"1","a":"A"},{"a":"A","b":"1"},{}"#,
            r#"{"a":"A","x":1},{"a":"A","x":1,"b":"2"},{"a":"A"},null,{"a":"A","x":1}"#,
            r#"{},{"a":"A"},{"x":"\u0041\"","a":"\u00e4"}, { "a" : "B" , "b" : 1.50 }"#,
            r#"null,{"x":"1","b":"0E-8"},{"x":"12","b":-28},{"x":"1","b":"0E-8","c":true}"#,
            r#"{"x":{"a":"inner"},"a":"ä€"},{"x":{"a":"inner"},"a":"ä¬"}"#,
        ] {
            let body = format!(r#"{{"next":null,"results":[{rows}],"more":1}}"#);
            let [quick, slow] = both::<Option<Small<'_>>>(&body);
            assert!(slow.is_some(), "{body}");
            assert_eq!(quick, slow, "{body}");
        }
    }

    #[test]
    fn f1_f21_f24_what_serde_json_refuses_is_refused() {
        for rows in [
            r#"{"a":"A","a":"B"}"#,
            r#"{"a":"A"},{"a":"A","a":"A"}"#,
            r#"{"x":01}"#,
            r#"{"x":nul}"#,
            r#"{"x":"1"},{"x":"1",}"#,
            r#"{"x":"1"},{"x":"1"}}"#,
            r#"{"x":"1"},"#,
            r#"{"x":"\q"}"#,
            r#"{"x":"\ud800","a":"\ud800"}"#,
            r#"{"x" "1"}"#,
            r#"{"x":"1" "a":"2"}"#,
            r#"{x:1}"#,
            r#"{"x":[1}"#,
            r#"{"a":true}"#,
            r#"{"b":"1,000"}"#,
            r#"{"c":"true"}"#,
            r#"7"#,
        ] {
            let body = format!(r#"{{"next":null,"results":[{rows}]}}"#);
            assert!(
                decode::<Page<'_, Option<Small<'_>>>>(body.as_bytes()).is_err(),
                "{body}"
            );
            assert!(quick::<Option<Small<'_>>>(&body).is_none(), "{body}");
        }
        for body in [
            r#"{"results":[],"results":[]}"#,
            r#"{"next":null,"next":null,"results":[]}"#,
            r#"{"next":null}"#,
            r#"{"results":[]} x"#,
            r#"{"results":[]"#,
            "",
        ] {
            assert!(quick::<Small<'_>>(body).is_none(), "{body}");
        }
    }

    proptest! {
        /// Bytes taken out, doubled or put in anywhere in a good page.
        #[test]
        fn damaged_pages_are_never_read_otherwise_than_by_serde_json(
            page in 0..PAGES.len(),
            at in any::<prop::sample::Index>(),
            cut in 0_usize..40,
            put in "[\\[\\]{}\",: 0-9a\\\\ue-]{0,6}",
        ) {
            let mut body = sent(PAGES[page]);
            let at = at.index(body.len());
            if body.is_char_boundary(at) {
                let end = (at + cut).min(body.len());
                if body.is_char_boundary(end) {
                    body.replace_range(at..end, &put);
                }
            }
            agree(&body)?;
        }

        /// Values of the second row changed, so that it leaves the pace of the first.
        #[test]
        fn rows_of_any_values_are_read_as_serde_json_reads_them(
            values in prop::collection::vec(
                prop_oneof![
                    "\"[a-z0-9 .:,{}\\[\\]ä-]{0,40}\"",
                    "-?[0-9]{1,3}(\\.[0-9]{1,4})?",
                    Just("null".to_owned()),
                    Just("true".to_owned()),
                    Just("\"0.0000\"".to_owned()),
                    Just("{\"b\":[\"}\"]}".to_owned()),
                ],
                24,
            ),
            keys in prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "x", "y", "zz"]), 24),
        ) {
            let row = |from: usize| {
                let fields: Vec<String> = (from..from + 6)
                    .map(|at| format!("\"{}\":{}", keys[at % 8], values[at]))
                    .collect();
                format!("{{{}}}", fields.join(","))
            };
            let rows: Vec<String> = [0, 6, 0, 12, 18, 18].map(row).to_vec();
            let body = format!("{{\"results\":[{}]}}", rows.join(","));
            let [quick, slow] = both::<Small<'_>>(&body);
            prop_assert!(quick.is_none() || quick == slow, "{}", body);
        }
    }
}
