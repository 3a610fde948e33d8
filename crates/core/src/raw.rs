use std::{borrow::Cow, fmt};

use bytes::Bytes;
use serde_json::value::RawValue;

/// The broker's own words behind an object: the JSON it was read from.
///
/// It shares the body of the answer instead of copying it, so an object keeps that body alive;
/// [`detached`](Self::detached) copies just its part. [`Debug`](fmt::Debug) shows the length only.
#[derive(Clone, Default)]
pub struct Raw {
    body: Bytes,
    at: At,
}

#[derive(Clone, Copy, Default)]
enum At {
    #[default]
    Whole,
    Element {
        path: &'static [&'static str],
        index: u32,
    },
}

impl Raw {
    /// Keeps a whole body.
    pub fn whole(body: Bytes) -> Self {
        Self {
            body,
            at: At::Whole,
        }
    }

    /// Keeps element `index` of the array at `path` of `body`, found only when it is asked for.
    pub fn element(body: Bytes, path: &'static [&'static str], index: u32) -> Self {
        Self {
            body,
            at: At::Element { path, index },
        }
    }

    /// Returns the JSON text; `None` if there is none or it is not JSON.
    pub fn json(&self) -> Option<Cow<'_, str>> {
        let text = std::str::from_utf8(&self.body)
            .ok()
            .filter(|text| !text.is_empty())?;
        match self.at {
            At::Whole => Some(Cow::Borrowed(text)),
            At::Element { path, index } => {
                let mut at: &RawValue = serde_json::from_str(text).ok()?;
                for key in path {
                    let mut object: std::collections::HashMap<Cow<'_, str>, &RawValue> =
                        serde_json::from_str(at.get()).ok()?;
                    at = object.remove(*key)?;
                }
                let elements: Vec<&RawValue> = serde_json::from_str(at.get()).ok()?;
                let element = elements.get(usize::try_from(index).ok()?)?;
                Some(Cow::Owned(element.get().to_owned()))
            }
        }
    }

    /// Returns a copy that holds only its own part of the answer.
    #[must_use]
    pub fn detached(&self) -> Self {
        match self.json() {
            Some(json) => Self::whole(Bytes::copy_from_slice(json.as_bytes())),
            None => Self::default(),
        }
    }
}

/// Two objects are the same whatever they were read from.
impl PartialEq for Raw {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Raw {}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.body.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_found_when_it_is_asked_for() {
        let body = Bytes::from_static(br#"{"s":"ok","d":{"orders":[["1"],["2",null]]}}"#);
        let raw = Raw::element(body, &["d", "orders"], 1);
        assert_eq!(raw.json().as_deref(), Some(r#"["2",null]"#));
        assert_eq!(raw.detached().json().as_deref(), Some(r#"["2",null]"#));
        assert_eq!(Raw::default().json(), None);
    }
}
