//! Reading an answer: UTF-8 once, a path in every error, never a value.

use serde::Deserialize;

/// Why a body could not be read. Holds no part of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    pub(crate) path: String,
    pub(crate) offset: usize,
    pub(crate) what: String,
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, offset, what } = self;
        write!(f, "{what} at {path} (byte {offset})")
    }
}

impl std::error::Error for Misfit {}

/// Decodes a body. A byte order mark is tolerated.
pub(crate) fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Misfit> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let text = std::str::from_utf8(body).map_err(|error| Misfit {
        path: "$".to_owned(),
        offset: error.valid_up_to(),
        what: "bytes that are not UTF-8".to_owned(),
    })?;
    decode_text(text)
}

/// Decodes a body that is known to be text.
pub(crate) fn decode_text<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Misfit> {
    serde_json::from_str(text).map_err(|error| misfit(text, &error))
}

fn misfit(text: &str, error: &serde_json::Error) -> Misfit {
    let offset = offset_of(text, error.line(), error.column());
    let message = error.to_string();
    // serde's own words may quote the value; only those that name a field of ours are kept.
    let field = |start: &str| {
        let rest = message.strip_prefix(start)?;
        rest.split('`').next().map(str::to_owned)
    };
    let what = if let Some(name) = field("missing field `") {
        format!("the field {name} is missing")
    } else if let Some(name) = field("duplicate field `") {
        format!("the field {name} stands twice")
    } else {
        match error.classify() {
            serde_json::error::Category::Eof => "the JSON ends too early".to_owned(),
            serde_json::error::Category::Syntax => "the JSON is malformed".to_owned(),
            _ => "a value is not of the kind that is expected".to_owned(),
        }
    };
    Misfit {
        path: path_at(text, offset),
        offset,
        what,
    }
}

fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    (start + column).min(text.len())
}

enum Step {
    Key(String),
    Index(usize),
}

/// Names the place in the JSON that a byte offset falls into, such as `$.results[3].quantity`.
fn path_at(text: &str, offset: usize) -> String {
    let bytes = text.as_bytes();
    let mut steps: Vec<Step> = Vec::new();
    let (mut at, mut key) = (0, None);
    while at < offset.min(bytes.len()) {
        match bytes[at] {
            b'{' => steps.push(Step::Key(String::new())),
            b'[' => steps.push(Step::Index(0)),
            // The error of a whole object is reported behind its end: stay in it.
            b'}' | b']' if at + 1 < offset => {
                steps.pop();
            }
            b',' => {
                if let Some(Step::Index(index)) = steps.last_mut() {
                    *index += 1;
                }
            }
            b'"' => {
                let end = string_end(bytes, at);
                key = text.get(at + 1..end).map(str::to_owned);
                at = end;
            }
            b':' => {
                if let (Some(Step::Key(name)), Some(read)) = (steps.last_mut(), key.take()) {
                    *name = read;
                }
            }
            _ => {}
        }
        at += 1;
    }
    let mut path = "$".to_owned();
    for step in steps.iter().take(16) {
        match step {
            Step::Key(name) if name.is_empty() => {}
            Step::Key(name) => {
                path.push('.');
                path.extend(name.chars().take(64));
            }
            Step::Index(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

/// Where the string that begins at `start` ends: the place of its closing quote.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Num, Page};

    #[derive(Debug, Deserialize)]
    struct Row {
        #[expect(dead_code, reason = "only read")]
        quantity: Num,
    }

    fn refused(body: &str) -> Misfit {
        decode::<Page<'_, Row>>(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn f24_the_path_of_a_missing_or_null_field_is_named() {
        let error = refused(r#"{"next":null,"results":[{"quantity":"1"},{"other":1}]}"#);
        assert_eq!(error.what, "the field quantity is missing");
        assert!(error.path.starts_with("$.results[1]"), "{error}");
        let error = refused(r#"{"next":null,"results":[{"quantity":"1"},{"quantity":null}]}"#);
        assert_eq!(error.path, "$.results[1].quantity");
    }

    #[test]
    fn f21_a_field_that_stands_twice_is_refused() {
        let error = refused(r#"{"results":[{"quantity":"1","quantity":"2"}]}"#);
        assert_eq!(error.what, "the field quantity stands twice");
    }

    #[test]
    fn f1_malformed_json_is_told_by_its_offset_and_never_quoted() {
        let error = refused(r#"{"results":[{"quantity":"1","x":"secret" oops}]}"#);
        assert_eq!(error.what, "the JSON is malformed");
        assert!(error.offset > 20 && !error.to_string().contains("secret"));
        assert_eq!(refused("").what, "the JSON ends too early");
    }

    #[test]
    fn f20_ten_thousand_levels_do_not_overflow_the_stack() {
        let deep = format!(
            "{{\"results\":{}1{}}}",
            "[".repeat(10_000),
            "]".repeat(10_000)
        );
        refused(&deep);
        let ignored = format!(
            "{{\"x\":{}1{},\"results\":[]}}",
            "[".repeat(10_000),
            "]".repeat(10_000)
        );
        let _ = decode::<Page<'_, Row>>(ignored.as_bytes());
    }

    #[test]
    fn f29_a_mark_is_tolerated_and_other_bytes_are_refused() {
        assert!(decode::<Page<'_, Row>>(b"\xEF\xBB\xBF{\"results\":[]}").is_ok());
        let error = decode::<Page<'_, Row>>(b"{\"results\":[],\"x\":\"\xE9\"}").unwrap_err();
        assert_eq!(error.what, "bytes that are not UTF-8");
    }
}
