use std::{borrow::Cow, fmt};

use bytes::Bytes;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use time::OffsetDateTime;
use wheelhouse_core::{Decimal, Error, Result};

use super::{
    reply,
    token::{Misfit, Token},
};
use crate::error;

/// Where the columns that this adapter knows stand in the rows of an answer.
///
/// `/trade/config` tells the columns; they move, come and go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns<const N: usize> {
    /// For every place in a row the known column there, or [`UNKNOWN`].
    known_at: Box<[u8]>,
    present: [bool; N],
}

const UNKNOWN: u8 = u8::MAX;

impl<const N: usize> Columns<N> {
    /// Maps the columns `known` to their places among `ids`.
    pub fn new<'a>(known: &[&str; N], ids: impl IntoIterator<Item = &'a str>) -> Self {
        let mut present = [false; N];
        let known_at = ids
            .into_iter()
            .map(|id| match known.iter().position(|known| *known == id) {
                Some(column) if !present[column] && column < usize::from(UNKNOWN) => {
                    present[column] = true;
                    column as u8
                }
                _ => UNKNOWN,
            })
            .collect();
        Self { known_at, present }
    }

    /// Returns how many columns a row has.
    pub fn len(&self) -> usize {
        self.known_at.len()
    }

    /// Returns whether there are no columns.
    pub fn is_empty(&self) -> bool {
        self.known_at.is_empty()
    }

    /// Returns whether rows have this known column.
    pub fn has(&self, column: usize) -> bool {
        self.present.get(column).copied().unwrap_or(false)
    }
}

/// The rows of one answer: where every known value stands in the body. Nothing is copied.
///
/// A row takes `4 + 4 * N` bytes.
#[derive(Debug)]
pub struct Table<const N: usize> {
    body: Bytes,
    name: &'static str,
    rows: Vec<Spans<N>>,
    has_more: Option<bool>,
    uneven: bool,
}

/// Begin of the row in the body, and begin (from there) and length of every value.
#[derive(Clone, Copy, Debug)]
struct Spans<const N: usize> {
    start: u32,
    cells: [(u16, u16); N],
}

impl<const N: usize> Table<N> {
    /// Reads the list `name` in the data of an answer, in one pass.
    ///
    /// # Errors
    ///
    /// The refusal that the answer tells, or an answer that does not fit.
    pub fn decode(body: &Bytes, name: &'static str, columns: &Columns<N>) -> Result<Self> {
        Self::read(body, name, columns, false)
    }

    /// Reads `name` in the data of an answer where it is one row instead of a list of rows.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn decode_single(body: &Bytes, name: &'static str, columns: &Columns<N>) -> Result<Self> {
        Self::read(body, name, columns, true)
    }

    fn read(body: &Bytes, name: &'static str, columns: &Columns<N>, single: bool) -> Result<Self> {
        let text = reply::text(body)?;
        let body = body.slice_ref(text.as_bytes());
        let mut found = Found {
            base: text.as_ptr() as usize,
            total: text.len(),
            name,
            columns,
            single,
            rows: None,
            has_more: None,
            uneven: false,
            status: None,
            message: None,
        };
        let mut json = serde_json::Deserializer::from_str(text);
        Envelope(&mut found)
            .deserialize(&mut json)
            .map_err(error::from_json)?;
        json.end().map_err(error::from_json)?;
        let Found {
            rows,
            has_more,
            uneven,
            status,
            message,
            ..
        } = found;
        match status.as_deref() {
            Some(status) if status.eq_ignore_ascii_case("ok") => {}
            Some(status) => return Err(error::refused(status, message.as_deref())),
            None => return Err(error::unexpected("s", "is missing")),
        }
        let rows = rows.ok_or_else(|| error::unexpected(format_args!("d.{name}"), "is missing"))?;
        Ok(Self {
            body,
            name,
            rows,
            has_more,
            uneven,
        })
    }

    /// Returns how many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns whether a row was longer or shorter than the list of columns: then the columns have
    /// changed since they were read.
    pub fn is_uneven(&self) -> bool {
        self.uneven
    }

    /// Returns what the answer says about further rows that it left out.
    pub fn has_more(&self) -> Option<bool> {
        self.has_more
    }

    /// Returns the answer.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Reads every row, in the broker's order.
    ///
    /// # Errors
    ///
    /// The first one of `read`.
    pub fn read_all<T>(&self, mut read: impl FnMut(&Row<'_, N>) -> Result<T>) -> Result<Vec<T>> {
        let mut all = Vec::with_capacity(self.len());
        for row in self.rows() {
            all.push(read(&row)?);
        }
        Ok(all)
    }

    /// Returns the rows, in the broker's order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_, N>> {
        // It was found to be UTF-8 when it was decoded.
        let text = std::str::from_utf8(&self.body).unwrap_or_default();
        self.rows.iter().enumerate().map(move |(index, spans)| Row {
            text: text.get(spans.start as usize..).unwrap_or_default(),
            name: self.name,
            index,
            spans,
        })
    }
}

/// One row of a [`Table`].
#[derive(Clone, Copy, Debug)]
pub struct Row<'a, const N: usize> {
    text: &'a str,
    name: &'static str,
    index: usize,
    spans: &'a Spans<N>,
}

impl<'a, const N: usize> Row<'a, N> {
    /// Returns which row of the answer it is.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Returns the value of a column, `null` where there is none.
    pub fn token(&self, column: usize) -> Token<'a> {
        match self.spans.cells.get(column) {
            Some((start, len)) if *len > 0 => {
                let start = usize::from(*start);
                let json = self.text.get(start..start + usize::from(*len));
                json.map_or(Token::NULL, Token::new)
            }
            _ => Token::NULL,
        }
    }

    /// Reads a column; `ids` are the names of the columns, for the error.
    ///
    /// # Errors
    ///
    /// A value that does not fit, named by its path.
    pub fn read<T>(
        &self,
        ids: &[&'static str; N],
        column: usize,
        read: impl FnOnce(Token<'a>) -> Result<T, Misfit>,
    ) -> Result<T> {
        read(self.token(column)).map_err(|misfit| self.misfit(ids, column, misfit.0))
    }

    /// Makes the error for a column.
    pub fn misfit(&self, ids: &[&'static str; N], column: usize, what: &'static str) -> Error {
        let id = ids.get(column).copied().unwrap_or("?");
        error::unexpected(format_args!("d.{}[{}].{id}", self.name, self.index), what)
    }

    /// Reads text that has to be there.
    ///
    /// # Errors
    ///
    /// A value that is missing or does not fit.
    pub fn required_text(&self, ids: &[&'static str; N], column: usize) -> Result<Cow<'a, str>> {
        self.read(ids, column, Token::text)?
            .ok_or_else(|| self.misfit(ids, column, "is missing"))
    }

    /// Reads a decimal that has to be there.
    ///
    /// # Errors
    ///
    /// A value that is missing or does not fit.
    pub fn required_decimal(&self, ids: &[&'static str; N], column: usize) -> Result<Decimal> {
        self.read(ids, column, Token::decimal)?
            .ok_or_else(|| self.misfit(ids, column, "is missing"))
    }

    /// Reads a time.
    ///
    /// # Errors
    ///
    /// A value that does not fit.
    pub fn time(&self, ids: &[&'static str; N], column: usize) -> Result<Option<OffsetDateTime>> {
        self.read(ids, column, Token::millis)
    }
}

struct Found<'c, const N: usize> {
    base: usize,
    total: usize,
    name: &'static str,
    columns: &'c Columns<N>,
    single: bool,
    rows: Option<Vec<Spans<N>>>,
    has_more: Option<bool>,
    uneven: bool,
    status: Option<String>,
    message: Option<String>,
}

macro_rules! seed {
    ($name:ident, $expecting:literal, $method:ident) => {
        struct $name<'f, 'c, const N: usize>(&'f mut Found<'c, N>);

        impl<'de, const N: usize> DeserializeSeed<'de> for $name<'_, '_, N> {
            type Value = ();

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
                deserializer.$method(self)
            }
        }
    };
}

seed!(Envelope, "an answer", deserialize_map);
seed!(Data, "data", deserialize_any);
seed!(Rows, "rows", deserialize_seq);
seed!(OneRow, "a row", deserialize_seq);

impl<'de, const N: usize> Visitor<'de> for Envelope<'_, '_, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen_data = false;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "s" if self.0.status.is_some() => return Err(A::Error::duplicate_field("s")),
                "s" => self.0.status = Some(map.next_value()?),
                "d" if seen_data => return Err(A::Error::duplicate_field("d")),
                "d" => {
                    seen_data = true;
                    map.next_value_seed(Data(self.0))?;
                }
                "errmsg" => self.0.message = map.next_value()?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

impl<'de, const N: usize> Visitor<'de> for Data<'_, '_, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the data of an answer")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if *key == *self.0.name {
                if self.0.rows.is_some() {
                    return Err(A::Error::duplicate_field(self.0.name));
                }
                self.0.rows = Some(Vec::new());
                if self.0.single {
                    map.next_value_seed(OneRow(self.0))?;
                } else {
                    map.next_value_seed(Rows(self.0))?;
                }
            } else if key == "hasMore" {
                let token = map.next_value::<Token<'de>>()?;
                self.0.has_more = token
                    .boolean()
                    .map_err(|misfit| A::Error::custom(misfit.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl<'de, const N: usize> Visitor<'de> for Rows<'_, '_, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while rows.next_element_seed(OneRow(self.0))?.is_some() {}
        Ok(())
    }
}

impl<'de, const N: usize> Visitor<'de> for OneRow<'_, '_, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<(), A::Error> {
        let found = self.0;
        let mut spans = Spans {
            start: 0,
            cells: [(0, 0); N],
        };
        let (mut start, mut end, mut place) = (0, 0, 0);
        while let Some(token) = row.next_element::<Token<'de>>()? {
            let at = token.json().as_ptr() as usize - found.base;
            if place == 0 {
                start = at;
            }
            end = at + token.json().len();
            let column = found
                .columns
                .known_at
                .get(place)
                .copied()
                .unwrap_or(UNKNOWN);
            if column != UNKNOWN && !token.is_null() {
                let too_long = |_| A::Error::custom("a row is longer than 64 KiB");
                let begin = u16::try_from(at - start).map_err(too_long)?;
                let len = u16::try_from(token.json().len()).map_err(too_long)?;
                spans.cells[usize::from(column)] = (begin, len);
            }
            place += 1;
        }
        spans.start = u32::try_from(start).map_err(A::Error::custom)?;
        found.uneven |= place != found.columns.len();
        let rows = found.rows.get_or_insert_default();
        if rows.is_empty() && !found.single {
            // Rows are much alike: the first one tells about how many will come, and growing in
            // steps would need twice the memory for a moment.
            let rest = found.total.saturating_sub(end);
            let alike = 1 + rest / (end - start + 3);
            rows.reserve(alike.min(found.total / size_of::<Spans<N>>()));
        }
        // No real row is so short; a flood of them would take many times the body.
        if rows.len() * size_of::<Spans<N>>() > 2 * found.total + 65_536 {
            return Err(A::Error::custom("the rows are too short to be rows"));
        }
        rows.push(spans);
        Ok(())
    }
}
