//! Answers.

use serde_json::{Value, json};

use crate::server::Response;

/// A step of an answer: its value, or the refusal to send.
pub(super) type Answer<T = Response> = Result<T, Response>;

pub(super) fn ok(body: &Value) -> Response {
    Response::json(200, body)
}

fn error(status: u16, kind: &str, detail: &str, attr: Option<&str>) -> Response {
    Response::json(
        status,
        &json!({"type": kind, "errors": [{"detail": detail, "attr": attr}]}),
    )
}

/// A value that is wrong, and where.
pub(super) fn invalid(attr: &str, detail: &str) -> Response {
    error(400, "validation_error", detail, Some(attr))
}

/// Something wrong with the whole request.
pub(super) fn client(status: u16, detail: &str) -> Response {
    error(status, "client_error", detail, None)
}

pub(super) fn not_found() -> Response {
    client(404, "Not found.")
}

pub(super) fn forbidden() -> Response {
    client(403, "You do not have permission to perform this action.")
}

/// The text of an error, for the ledger.
pub(super) fn reason(response: &Response) -> String {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    body["errors"][0]["detail"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}
