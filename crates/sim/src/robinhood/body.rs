//! Request bodies: forms and JSON are the same to the broker.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::reply::{self, Answer};
use crate::server::{Request, decode};

/// The fields of a body.
#[derive(Debug, Clone, Default)]
pub(super) struct Body(Map<String, Value>);

impl Body {
    pub(super) fn of(request: &Request) -> Answer<Self> {
        let text = String::from_utf8_lossy(&request.body);
        let json = request
            .header("content-type")
            .is_some_and(|kind| kind.contains("json"));
        if json || text.trim_start().starts_with('{') {
            if text.trim().is_empty() {
                return Ok(Self::default());
            }
            return match serde_json::from_str(&text) {
                Ok(Value::Object(fields)) => Ok(Self(fields)),
                Ok(_) => Err(reply::general("Invalid data. Expected a dictionary.")),
                Err(error) => Err(reply::detail(400, &format!("JSON parse error - {error}"))),
            };
        }
        let fields = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), Value::String(decode(value)))
        });
        Ok(Self(fields.collect()))
    }

    /// The field as text, if it is there and is neither null nor empty.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let text = match self.0.get(name)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => return None,
        };
        (!text.is_empty() && text != "None").then_some(text)
    }

    /// A required text.
    pub(super) fn required(&self, name: &str) -> Answer<String> {
        self.text(name)
            .ok_or_else(|| reply::field(name, "This field is required."))
    }

    /// Booleans are words in any case: Python clients send `True`.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.text(name)?.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// A number, sent as text or as a number.
    pub(super) fn decimal(&self, name: &str) -> Answer<Option<Decimal>> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        decimal(&text)
            .map(Some)
            .ok_or_else(|| reply::field(name, "Enter a valid number."))
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }
}

/// A decimal from text, also in scientific notation.
pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    let text = text.trim();
    text.parse()
        .ok()
        .or_else(|| Decimal::from_scientific(text).ok())
}

/// A decimal from a JSON text or number.
pub(crate) fn decimal_of(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => decimal(text),
        Value::Number(number) => decimal(&number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(kind: &str, text: &str) -> Body {
        Body::of(&Request {
            headers: vec![("Content-Type".into(), kind.into())],
            body: text.as_bytes().to_vec(),
            ..Request::default()
        })
        .unwrap()
    }

    #[test]
    fn forms_and_json_give_the_same_fields() {
        let form = body(
            "application/x-www-form-urlencoded",
            "price=12.0&extended_hours=False&x=a%2Fb+c&ref_id=",
        );
        let json = body(
            "application/json",
            r#"{"price": 12.0, "extended_hours": false, "x": "a/b c", "ref_id": null}"#,
        );
        for body in [form, json] {
            assert_eq!(body.decimal("price").unwrap(), Some(Decimal::new(12, 0)));
            assert_eq!(body.flag("extended_hours"), Some(false));
            assert_eq!(body.text("x").as_deref(), Some("a/b c"));
            assert_eq!(body.text("ref_id"), None);
        }
    }

    #[test]
    fn a_number_that_is_none_is_an_error_of_its_field() {
        let refusal = body("application/json", r#"{"quantity": "ten"}"#)
            .decimal("quantity")
            .unwrap_err();
        assert_eq!(refusal.body, br#"{"quantity":["Enter a valid number."]}"#);
    }
}
