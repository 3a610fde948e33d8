//! Answers.

use serde_json::{Value, json};

use crate::server::Response;

/// A step of an answer: its value, or the refusal to send.
pub(super) type Answer<T = Response> = Result<T, Response>;

pub(super) fn ok(body: &Value) -> Response {
    Response::json(200, body)
}

pub(super) fn created(body: &Value) -> Response {
    Response::json(201, body)
}

pub(super) fn detail(status: u16, text: &str) -> Response {
    Response::json(status, &json!({"detail": text}))
}

/// An error of the whole request.
pub(super) fn general(text: &str) -> Response {
    Response::json(400, &json!({"non_field_errors": [text]}))
}

/// An error of one field: neither `detail` nor an id tells of it.
pub(super) fn field(name: &str, text: &str) -> Response {
    let mut body = serde_json::Map::new();
    body.insert(name.to_owned(), json!([text]));
    Response::json(400, &Value::Object(body))
}

pub(super) fn not_found() -> Response {
    detail(404, "Not found.")
}

pub(super) fn forbidden() -> Response {
    detail(403, "You do not have permission to perform this action.")
}

pub(super) fn not_allowed(method: &str) -> Response {
    detail(405, &format!("Method \"{method}\" not allowed."))
}

pub(super) fn throttled(seconds: u64, header: bool) -> Response {
    let mut response = detail(
        429,
        &format!("Request was throttled. Expected available in {seconds} seconds."),
    );
    if header {
        response.set_header("retry-after", seconds.to_string());
    }
    response
}

pub(super) fn server_error() -> Response {
    Response::empty(500).with_body("text/html", "<h1>Server Error (500)</h1>")
}

/// The answer to an address that is too long; what the real broker sends is not known.
pub(super) fn too_long() -> Response {
    Response::empty(414).with_body("text/html", "<h1>Request-URI Too Large (414)</h1>")
}

/// The first text in an error's body, for the ledger.
pub(super) fn reason(response: &Response) -> String {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let mut at = &body;
    loop {
        at = match at {
            Value::Object(map) => match map.values().next() {
                Some(inner) => inner,
                None => return String::new(),
            },
            Value::Array(items) => match items.first() {
                Some(inner) => inner,
                None => return String::new(),
            },
            Value::String(text) => return text.clone(),
            other => return other.to_string(),
        }
    }
}
