//! The broker's envelopes.

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use crate::server::Response;

#[derive(Serialize)]
struct Ok<T> {
    s: &'static str,
    d: T,
}

#[derive(Serialize)]
struct Bare {
    s: &'static str,
}

#[derive(Serialize)]
struct Error<'a> {
    s: &'static str,
    errmsg: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Refused<'a> {
    message: &'a str,
    status_code: u16,
}

/// `{"s":"ok","d":…}`
pub(super) fn ok(d: impl Serialize) -> Response {
    Response::json(200, &Ok { s: "ok", d })
}

/// A write that was done; 204 if the settings say so.
pub(super) fn done(no_content: bool) -> Response {
    if no_content {
        Response::empty(204)
    } else {
        Response::json(200, &Bare { s: "ok" })
    }
}

/// A business refusal: status 200 with `"s":"error"`.
pub(super) fn error(errmsg: impl AsRef<str>) -> Response {
    Response::json(
        200,
        &Error {
            s: "error",
            errmsg: errmsg.as_ref(),
        },
    )
}

/// A request that the broker cannot read.
pub(super) fn bad_request() -> Response {
    Response::json(
        400,
        &Error {
            s: "error",
            errmsg: "Bad Request",
        },
    )
}

/// A refusal outside the envelope.
pub(super) fn refused(status: u16, message: &str) -> Response {
    Response::json(
        status,
        &Refused {
            message,
            status_code: status,
        },
    )
}

/// A number that the wire carries as a float: `1.0`, never `1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Float(pub(super) Decimal);

impl Serialize for Float {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // By way of text the float is the nearest one; rust_decimal's own conversion is not.
        serializer.serialize_f64(self.0.to_string().parse().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_floats_on_the_wire() {
        let text = |value| serde_json::to_string(&Float(value)).unwrap();
        assert_eq!(text(Decimal::ONE), "1.0");
        assert_eq!(text(Decimal::new(903_017, 1)), "90301.7");
    }
}
