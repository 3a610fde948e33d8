//! Request bodies: numbers or text, present, null or absent.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::reply;
use crate::server::{Request, Response};

/// A JSON object of a request.
#[derive(Debug, Default)]
pub(super) struct Body(Map<String, Value>);

/// A refusal instead of a value.
pub(super) type Parsed<T> = Result<T, Response>;

impl Body {
    /// Reads an object; no body at all is an empty one.
    pub(super) fn of(request: &Request) -> Parsed<Self> {
        if request.body.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(&request.body)
            .map(Self)
            .map_err(|_| reply::bad_request())
    }

    /// Whether a key is there, null included.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub(super) fn text(&self, key: &str) -> Parsed<Option<String>> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(reply::bad_request()),
        }
    }

    pub(super) fn decimal(&self, key: &str) -> Parsed<Option<Decimal>> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        let value = text.parse().or_else(|_| Decimal::from_scientific(&text));
        let value: Decimal = value.map_err(|_| reply::bad_request())?;
        // Products of larger numbers do not fit a Decimal.
        if value.abs() > Decimal::new(1_000_000_000_000, 0) {
            return Err(reply::bad_request());
        }
        Ok(Some(value.normalize()))
    }

    pub(super) fn required_text(&self, key: &str) -> Parsed<String> {
        self.text(key)?
            .ok_or_else(|| invalid(key, "must not be null"))
    }

    pub(super) fn required_decimal(&self, key: &str) -> Parsed<Decimal> {
        self.decimal(key)?
            .ok_or_else(|| invalid(key, "must not be null"))
    }
}

/// A field's refusal in the broker's form, `{qty=[must be greater than 0]}`.
pub(super) fn invalid(field: &str, message: &str) -> Response {
    reply::error(format!("{{{field}=[{message}]}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_text_are_the_same_value() {
        let body =
            r#"{"a": 0.02, "b": "0.020", "c": 1e-5, "d": null, "e": [], "f": "x", "g": 1e13}"#;
        let body = Body::of(&Request {
            body: body.into(),
            ..Request::default()
        })
        .unwrap();
        assert_eq!(body.decimal("a"), body.decimal("b"));
        assert_eq!(body.decimal("c").unwrap(), Some(Decimal::new(1, 5)));
        assert_eq!(body.decimal("d").unwrap(), None);
        assert!(body.has("d") && !body.has("h"));
        assert!(["e", "f", "g"].iter().all(|key| body.decimal(key).is_err()));
    }
}
