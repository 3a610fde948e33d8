use std::{borrow::Cow, fmt};

use bytes::Bytes;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use time::OffsetDateTime;
use wheelhouse_adapter::{Scanned, Scanner};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        let found = match single {
            true => None,
            false => Found::step_through(text, name, columns),
        };
        let Found {
            rows,
            has_more,
            uneven,
            status,
            message,
            ..
        } = match found {
            Some(found) => found,
            None => Found::parse(text, name, columns, single).map_err(error::from_json)?,
        };
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

#[derive(Debug)]
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

impl<'c, const N: usize> Found<'c, N> {
    fn new(text: &str, name: &'static str, columns: &'c Columns<N>, single: bool) -> Self {
        Self {
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
        }
    }

    fn parse(
        text: &str,
        name: &'static str,
        columns: &'c Columns<N>,
        single: bool,
    ) -> Result<Self, serde_json::Error> {
        let mut found = Self::new(text, name, columns, single);
        let mut json = serde_json::Deserializer::from_str(text);
        Envelope(&mut found).deserialize(&mut json)?;
        json.end()?;
        Ok(found)
    }

    /// Finds the rows of a success that is written the usual way, in a fraction of the time that
    /// [`parse`](Self::parse) takes, which judges the rest: `None` is no error.
    fn step_through(text: &str, name: &'static str, columns: &'c Columns<N>) -> Option<Self> {
        let mut found = Self::new(text, name, columns, false);
        let mut json = Scanner::new(text);
        json.take(b'{')?;
        loop {
            match json.key()? {
                "s" if found.status.is_none() => {
                    let is_ok = json.value()? == Scanned::Plain(r#""ok""#);
                    found.status = Some(is_ok.then_some("ok")?.to_owned());
                }
                "d" if found.rows.is_none() => found.step_through_data(&mut json)?,
                "s" | "d" | "errmsg" => return None,
                _ => json.skip()?,
            }
            if !json.more(b'}')? {
                break;
            }
        }
        json.blanks();
        json.rest().is_empty().then_some(found)
    }

    fn step_through_data(&mut self, json: &mut Scanner<'_>) -> Option<()> {
        json.take(b'{')?;
        loop {
            match json.key()? {
                name if name == self.name && self.rows.is_none() => {
                    self.rows = Some(Vec::new());
                    json.take(b'[')?;
                    match json.peek()? {
                        b']' => json.take(b']')?,
                        _ => while self.step_through_row(json)? {},
                    }
                }
                "hasMore" if self.has_more.is_none() => {
                    let value = json.value()?;
                    value.check()?;
                    self.has_more = Some(Token::new(value.json()).boolean().ok()??);
                }
                name if name == self.name || name == "hasMore" => return None,
                _ => json.skip()?,
            }
            if !json.more(b'}')? {
                return self.rows.is_some().then_some(());
            }
        }
    }

    /// Returns whether there is another row.
    fn step_through_row(&mut self, json: &mut Scanner<'_>) -> Option<bool> {
        let mut row = Cells::new();
        json.take(b'[')?;
        loop {
            let value = json.value()?;
            value.check()?;
            let at = json.at() - value.json().len();
            row.add(self.columns, at, value.json()).ok()?;
            if !json.more(b']')? {
                break;
            }
        }
        self.add(row).ok()?;
        json.more(b']')
    }

    fn add(&mut self, row: Cells<N>) -> Result<(), &'static str> {
        let Cells {
            mut spans,
            start,
            end,
            place,
        } = row;
        spans.start = u32::try_from(start).map_err(|_| "the answer is longer than 4 GiB")?;
        self.uneven |= place != self.columns.len();
        let rows = self.rows.get_or_insert_default();
        if rows.is_empty() && !self.single {
            // Rows are much alike: the first one tells about how many will come, and growing in
            // steps would need twice the memory for a moment.
            let rest = self.total.saturating_sub(end);
            let alike = 1 + rest / (end - start + 3);
            rows.reserve(alike.min(self.total / size_of::<Spans<N>>()));
        }
        // No real row is so short; a flood of them would take many times the body.
        if rows.len() * size_of::<Spans<N>>() > 2 * self.total + 65_536 {
            return Err("the rows are too short to be rows");
        }
        rows.push(spans);
        Ok(())
    }
}

/// A row that is being read.
struct Cells<const N: usize> {
    spans: Spans<N>,
    start: usize,
    end: usize,
    place: usize,
}

impl<const N: usize> Cells<N> {
    fn new() -> Self {
        let spans = Spans {
            start: 0,
            cells: [(0, 0); N],
        };
        Self {
            spans,
            start: 0,
            end: 0,
            place: 0,
        }
    }

    /// Notes the next value, which stands at `at` of the body.
    fn add(&mut self, columns: &Columns<N>, at: usize, json: &str) -> Result<(), &'static str> {
        if self.place == 0 {
            self.start = at;
        }
        self.end = at + json.len();
        let column = columns.known_at.get(self.place).copied();
        let column = usize::from(column.unwrap_or(UNKNOWN));
        if let Some(cell) = self.spans.cells.get_mut(column)
            && json != "null"
        {
            let short = |len: usize| u16::try_from(len).map_err(|_| "a row is longer than 64 KiB");
            *cell = (short(at - self.start)?, short(json.len())?);
        }
        self.place += 1;
        Ok(())
    }
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
        let mut cells = Cells::new();
        while let Some(token) = row.next_element::<Token<'de>>()? {
            let at = token.json().as_ptr() as usize - found.base;
            let added = cells.add(found.columns, at, token.json());
            added.map_err(A::Error::custom)?;
        }
        found.add(cells).map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BODIES: [(&str, &str); 3] = [
        (
            "positions",
            include_str!("../../tests/data/trade_positions_200.json"),
        ),
        (
            "ordersHistory",
            include_str!("../../tests/data/trade_orders_history_has_more_200.json"),
        ),
        (
            "orders",
            include_str!("../../tests/data/trade_orders_empty_200.json"),
        ),
    ];

    type Rows = (Vec<Spans<4>>, Option<bool>, bool);

    fn columns() -> Columns<4> {
        Columns::new(&["a", "b", "c", "d"], ["b", "x", "a", "d", "y", "c"])
    }

    fn told(found: Found<'_, 4>) -> Option<Rows> {
        let is_ok = found.status.as_deref() == Some("ok");
        let rows = found.rows.filter(|_| is_ok)?;
        Some((rows, found.has_more, found.uneven))
    }

    /// What both readings find.
    fn both(text: &str, name: &'static str) -> [Option<Rows>; 2] {
        let columns = columns();
        let quick = Found::step_through(text, name, &columns).and_then(told);
        let parsed = Found::parse(text, name, &columns, false);
        [quick, parsed.ok().and_then(told)]
    }

    /// In one line, as the broker sends it.
    fn sent(sample: &str) -> String {
        let lines: String = sample.lines().map(str::trim).collect();
        lines.replace("\": ", "\":")
    }

    #[test]
    fn answers_as_they_are_sent_are_stepped_through() {
        for (name, body) in BODIES {
            let [quick, parsed] = both(&sent(body), name);
            assert!(parsed.is_some(), "{name}");
            assert_eq!(quick, parsed, "{name}");
        }
    }

    #[test]
    fn rows_of_every_kind_are_found_where_serde_json_finds_them() {
        for data in [
            r#""rows":[["1",2,null,"x y",true,-1.50]]"#,
            r#""rows":[["1"],["1","2","3","4","5","6","7"]],"hasMore":true"#,
            r#""other":{"rows":[1]},"rows":[["\u0041\"]",["x"],{"y":"]"},"ä",1e5,""]]"#,
            r#""rows":[ [ "1" , "2" ] , [ "3" ] ] , "hasMore" : "false" "#,
            r#""rows":[]"#,
            "\"rows\":[[7\n,\tnull,\n\"a\",\r1.5\r]]",
        ] {
            let body = format!(r#"{{"s":"ok","d":{{{data}}},"more":[1]}}"#);
            let [quick, parsed] = both(&body, "rows");
            assert!(parsed.is_some(), "{body}");
            assert!(quick.is_none() || quick == parsed, "{body}");
        }
    }

    #[test]
    fn f1_f21_f24_what_serde_json_refuses_is_not_found_either() {
        for body in [
            r#"{"s":"ok","d":{"rows":[["1",01]]}}"#,
            r#"{"s":"ok","d":{"rows":[["1",nul]]}}"#,
            r#"{"s":"ok","d":{"rows":[["1"]],"rows":[]}}"#,
            r#"{"s":"ok","d":{"rows":[["1"]]},"d":{}}"#,
            r#"{"s":"ok","s":"ok","d":{"rows":[["1"]]}}"#,
            r#"{"s":"ok","d":{"rows":[["1"]]}} x"#,
            r#"{"s":"ok","d":{"rows":[["1",]]}}"#,
            r#"{"s":"ok","d":{"rows":[["1"],]}}"#,
            r#"{"s":"ok","d":{"rows":[["1"]],"hasMore":7}}"#,
            r#"{"s":"ok","d":{"rows":[["\q"]]}}"#,
            "{\"s\":\"ok\",\"d\":{\"rows\":[[\"\t\"]]}}",
            r#"{"s":"no","d":{"rows":[["1"]]}}"#,
            r#"{"d":{"rows":[["1"]]}}"#,
            r#"{"s":"ok","d":{}}"#,
            r#"{"s":"ok","d":null}"#,
            "",
        ] {
            assert_eq!(both(body, "rows"), [None, None], "{body}");
        }
    }

    proptest! {
        /// Bytes taken out, doubled or put in anywhere in a good answer.
        #[test]
        fn damaged_answers_are_never_read_otherwise_than_by_serde_json(
            body in 0..BODIES.len(),
            at in any::<prop::sample::Index>(),
            cut in 0_usize..30,
            put in "[\\[\\]{}\",: \t\n\r\u{1}0-9a\\\\ue-]{0,6}",
        ) {
            let (name, body) = BODIES[body];
            let mut body = sent(body);
            let at = at.index(body.len());
            let end = (at + cut).min(body.len());
            if body.is_char_boundary(at) && body.is_char_boundary(end) {
                body.replace_range(at..end, &put);
            }
            let [quick, parsed] = both(&body, name);
            prop_assert!(quick.is_none() || quick == parsed, "{}", body);
        }
    }
}
