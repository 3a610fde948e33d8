use serde::{
    Deserializer,
    de::{self, DeserializeSeed, Error as _, MapAccess, Visitor},
    forward_to_deserialize_any,
};
use serde_json::Error;

use wheelhouse_adapter::Scanner;

use super::value::read;

/// One row, to be read as a struct.
pub(super) struct Row<'s, 'a> {
    pub(super) input: &'s mut Scanner<'a>,
    pub(super) first: &'s mut Option<First<'a>>,
}

impl<'a> Deserializer<'a> for Row<'_, 'a> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'a>>(self, _: V) -> Result<V::Value, Error> {
        Err(doubt())
    }

    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.input.peek() {
            Some(b'{') => visitor.visit_some(self),
            _ => read(self.input.value().ok_or_else(doubt)?, Rest(visitor)),
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
            begin: input.at() - 1,
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
                first.finish(fields.input.since(fields.begin));
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

/// The first row, which the others are compared with.
#[derive(Default)]
pub(super) struct First<'a> {
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
    /// The row from here to the value of the first field that is read, or to its end.
    ahead: &'a str,
    /// That field, by its place and its key; `None` at the end of the row.
    goal: Option<(usize, &'a str)>,
}

impl<'a> First<'a> {
    fn finish(&mut self, text: &'a str) {
        self.text = text;
        let (mut goal, mut goal_at) = (None, text.len());
        for (place, field) in self.fields.iter_mut().enumerate().rev() {
            if field.is_read {
                (goal, goal_at) = (Some((place, field.key)), field.value_at);
            }
            field.goal = goal;
            field.ahead = text.get(field.begin..goal_at).unwrap_or_default();
        }
    }
}

struct Fields<'s, 'a> {
    input: &'s mut Scanner<'a>,
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
                let (rest, ahead) = (self.input.rest(), field.ahead.as_bytes());
                if rest.starts_with(ahead) {
                    self.input.advance(ahead.len());
                    self.count += 1;
                    let Some((goal, key)) = field.goal else {
                        self.ended = true;
                        return Some(None);
                    };
                    *place = goal + 1;
                    return Some(Some(key));
                }
                // What is the same up to the sign behind its value is stepped over.
                let reached = field.begin + common(rest, ahead);
                let mut at = field;
                while at.end < reached {
                    *place += 1;
                    self.count += 1;
                    at = first.fields.get(*place)?;
                }
                if at.value_at <= reached {
                    // Only the value is another, of a field that nobody reads.
                    self.input.advance(at.value_at - field.begin);
                    *place += 1;
                    self.count += 1;
                    self.input.skip()?;
                    continue;
                }
                self.input.advance(at.begin - field.begin);
            }
            let begin = self.input.at();
            match (self.input.peek()?, self.count) {
                (b'}', _) => {
                    self.input.advance(1);
                    self.ended = true;
                    return Some(None);
                }
                (b',', 1..) => self.input.advance(1),
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
            && self.input.rest().starts_with(written.as_bytes())
        {
            *place += 1;
            self.input.advance(written.len());
            return Some((field.key, field.is_read));
        }
        let key_at = self.input.at();
        let key = self.input.key()?;
        let is_read = self.known.contains(&key);
        match &mut self.pace {
            Pace::Leading(first) => first.fields.push(Field {
                begin: begin - self.begin,
                key_at: key_at - self.begin,
                value_at: self.input.at() - self.begin,
                end: 0,
                key,
                is_read,
                ahead: "",
                goal: None,
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
            field.end = self.input.at() - self.begin;
        }
    }
}

/// How many bytes are the same at the begin of both.
#[inline]
fn common(one: &[u8], other: &[u8]) -> usize {
    let mut same = 0;
    let (ones, others) = (one.as_chunks::<16>().0, other.as_chunks::<16>().0);
    for (one, other) in ones.iter().zip(others) {
        let differing = u128::from_le_bytes(*one) ^ u128::from_le_bytes(*other);
        if differing != 0 {
            return same + (differing.trailing_zeros() / 8) as usize;
        }
        same += 16;
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
        read(value, seed)
    }
}

fn doubt() -> Error {
    Error::custom("left to serde_json")
}
