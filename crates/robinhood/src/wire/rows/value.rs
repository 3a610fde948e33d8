use serde::{
    Deserializer,
    de::{DeserializeSeed, Visitor},
    forward_to_deserialize_any,
};
use serde_json::Error;

use wheelhouse_adapter::Scanned;

use super::super::value::EXACT;

/// Reads a value that was stepped over.
#[inline]
pub(super) fn read<'a, S: DeserializeSeed<'a>>(
    value: Scanned<'a>,
    seed: S,
) -> Result<S::Value, Error> {
    match value {
        Scanned::Plain(json) => seed.deserialize(Plain { json }),
        Scanned::Other("null") => seed.deserialize(Null),
        Scanned::Nested(json) | Scanned::Other(json) => {
            let mut inner = serde_json::Deserializer::from_str(json);
            let value = seed.deserialize(&mut inner)?;
            inner.end()?;
            Ok(value)
        }
    }
}

#[inline]
fn unquoted(json: &str) -> &str {
    json.get(1..json.len() - 1).unwrap_or_default()
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
