//! What refusals of the Crypto Trading API mean.

use std::{borrow::Cow, time::Duration};

use serde::Deserialize;
use wheelhouse_core::{Error, ErrorKind, RejectReason, RetryAdvice};
use wheelhouse_http::Answer;

/// What a status that is no success means.
const STATUSES: &[(std::ops::RangeInclusive<u16>, ErrorKind)] = &[
    (400..=400, ErrorKind::InvalidRequest),
    (401..=401, ErrorKind::InvalidCredentials),
    (403..=403, ErrorKind::PermissionDenied),
    (404..=404, ErrorKind::NotFound),
    (405..=405, ErrorKind::Unsupported),
    (409..=409, ErrorKind::ClientOrderIdReused),
    (429..=429, ErrorKind::RateLimited),
    (500..=599, ErrorKind::BrokerFailure),
];

/// Why an order is refused. There are no codes for it, so fragments in lower case have to do; the
/// first that fits counts. None of these texts is captured yet, they are words to expect.
const REASONS: &[(&str, RejectReason)] = &[
    ("buying power", RejectReason::InsufficientFunds),
    ("insufficient", RejectReason::InsufficientFunds),
    ("not enough", RejectReason::InsufficientFunds),
    ("sell only", RejectReason::CloseOnly),
    ("sellonly", RejectReason::CloseOnly),
    ("not tradable", RejectReason::MarketClosed),
    ("untradable", RejectReason::MarketClosed),
    ("order type", RejectReason::OrderType),
];

/// The body of every refusal: `{"type": …, "errors": [{"detail": …, "attr": …}]}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Refusal {
    #[serde(rename = "type")]
    kind: String,
    errors: Vec<Detail>,
}

#[derive(Debug, Deserialize)]
struct Detail {
    detail: String,
    #[serde(default)]
    attr: Option<String>,
}

impl Refusal {
    /// Reads a refusal; `None` if the text is not in the API's form.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let refusal: Self = serde_json::from_str(text).ok()?;
        (!refusal.errors.is_empty()).then_some(refusal)
    }

    /// Returns whether it says that the client did something wrong: then nothing was changed.
    pub(crate) fn is_of_the_client(&self) -> bool {
        matches!(self.kind.as_str(), "validation_error" | "client_error")
    }

    /// Returns why an order was refused.
    pub(crate) fn reason(&self) -> RejectReason {
        let told = self.errors.iter().find_map(|error| {
            let text = error.detail.to_ascii_lowercase();
            REASONS.iter().find(|(fragment, _)| text.contains(fragment))
        });
        match told {
            Some((_, reason)) => reason.clone(),
            None if self.errors.iter().any(|error| error.attr.is_some()) => {
                RejectReason::InvalidField
            }
            None => RejectReason::Other,
        }
    }

    /// Returns whether it says that there is an order with this identifier already. What a second
    /// order is answered with is not documented; these are words that such answers have.
    pub(crate) fn says_duplicate(&self) -> bool {
        self.errors.iter().any(|error| {
            let text = error.detail.to_ascii_lowercase();
            let about = error.attr.as_deref() == Some("client_order_id")
                || text.contains("client_order_id")
                || text.contains("client order id");
            let words = ["already", "unique", "duplicate", "exists"];
            about && words.iter().any(|word| text.contains(word))
        })
    }

    /// Returns all words in one line, for people.
    pub(crate) fn message(&self) -> String {
        let mut parts = Vec::new();
        for error in &self.errors {
            parts.push(match &error.attr {
                Some(attr) => format!("{attr}: {}", error.detail),
                None => error.detail.clone(),
            });
        }
        let text = parts.join("; ");
        text.chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(300)
            .collect()
    }

    /// Returns the seconds that a throttled call has to wait: `Expected available in 2 seconds.`
    fn wait_seconds(&self) -> Option<u64> {
        self.errors.iter().find_map(|error| {
            let (before, _) = error.detail.split_once(" second")?;
            let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse().ok()
        })
    }
}

/// Reads from the body of a 429 how long to wait.
pub(crate) fn wait_in_body(body: &[u8]) -> Option<Duration> {
    let refusal = Refusal::read(std::str::from_utf8(body).ok()?)?;
    refusal.wait_seconds().map(Duration::from_secs)
}

/// Makes the error for an answer whose status is no success, or that says so in spite of it.
pub(crate) fn of_status(answer: &Answer) -> Option<Error> {
    if answer.is_success() {
        return of_success(answer.status(), answer.text());
    }
    let refusal = Refusal::read(answer.text());
    let wait = answer
        .retry_after()
        .or_else(|| wait_in_body(answer.text().as_bytes()));
    Some(of_refusal(answer.status(), refusal.as_ref(), wait))
}

/// The longest refusal that is looked for in an answer with success.
const SHORT: usize = 4_096;

/// Makes the error for a refusal that came with success. Nothing else has its form.
fn of_success(status: u16, text: &str) -> Option<Error> {
    let refusal = if text.len() > SHORT {
        None
    } else {
        Refusal::read(text)
    }?;
    let kind = if refusal.is_of_the_client() {
        ErrorKind::InvalidRequest
    } else {
        ErrorKind::BrokerFailure
    };
    let text = refusal.message();
    let message = format!("the broker answered with status {status} and a refusal: {text}");
    Some(Error::new(kind, message).with_broker_message(text))
}

/// Makes the error for a refusal.
pub(crate) fn of_refusal(status: u16, refusal: Option<&Refusal>, wait: Option<Duration>) -> Error {
    let kind = STATUSES
        .iter()
        .find(|(statuses, _)| statuses.contains(&status))
        .map_or(ErrorKind::InvalidRequest, |(_, kind)| *kind);
    let error = match refusal.map(Refusal::message) {
        Some(text) => {
            let message = format!("the broker answered with status {status}: {text}");
            Error::new(kind, message).with_broker_message(text)
        }
        // Something in between says so, not the broker: it does not tell what there is and is not.
        None if matches!(status, 403 | 404) => Error::new(
            ErrorKind::NotTheProtocol,
            format!("a refusal came that is not the API's (status {status})"),
        ),
        None => Error::new(kind, format!("the broker answered with status {status}")),
    };
    match (kind, wait) {
        (ErrorKind::RateLimited | ErrorKind::BrokerFailure, Some(wait)) => {
            error.with_advice(RetryAdvice::After(wait))
        }
        _ => error,
    }
}

/// Returns the refusal by which an answer to a change says for certain that nothing was changed.
pub(crate) fn refusal_of(answer: &Answer) -> Option<Refusal> {
    let refusal = Refusal::read(answer.text())?;
    ((400..500).contains(&answer.status()) && refusal.is_of_the_client()).then_some(refusal)
}

/// Makes the error for a value that is not allowed.
pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

/// Makes the error for what this broker cannot do.
pub(crate) fn unsupported(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Unsupported, message)
}

/// Makes the error for what the broker does not know.
pub(crate) fn not_found(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::NotFound, message)
}

/// Makes the error for an answer that decodes and still cannot be what it says.
pub(crate) fn odd(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::UnexpectedAnswer, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(detail: &str, attr: &str) -> Refusal {
        let attr = if attr.is_empty() {
            "null".to_owned()
        } else {
            format!("\"{attr}\"")
        };
        let text = format!(
            r#"{{"type":"validation_error","errors":[{{"detail":"{detail}","attr":{attr}}}]}}"#
        );
        Refusal::read(&text).unwrap()
    }

    #[test]
    fn f7_a_refusal_without_the_apis_form_is_not_the_brokers_word() {
        for status in [403, 404] {
            assert_eq!(of_refusal(status, None, None).code(), 2004);
        }
        assert_eq!(
            Refusal::read(r#"{"message":"Forbidden"}"#).map(|r| r.message()),
            None
        );
        assert_eq!(
            Refusal::read(r#"{"type":"client_error","errors":[]}"#).map(|r| r.message()),
            None
        );
        assert_eq!(Refusal::read("nginx").map(|r| r.message()), None);
        let worded = refusal("You do not have permission to perform this action.", "");
        assert_eq!(of_refusal(403, Some(&worded), None).code(), 3003);
    }

    #[test]
    fn f4_a_refusal_that_comes_with_success_is_one() {
        let refusal =
            |kind| format!(r#"{{"type":"{kind}","errors":[{{"detail":"No.","attr":"symbol"}}]}}"#);
        let code = |text: &str| of_success(200, text).map(|error| error.code());
        assert_eq!(code(&refusal("validation_error")), Some(3001));
        assert_eq!(code(&refusal("server_error")), Some(3005));
        assert_eq!(code(r#"{"type":"client_error","errors":[]}"#), None);
        assert_eq!(code(r#"{"type":"market","id":"7"}"#), None);
        assert_eq!(code("Cancel request was submitted for order 7"), None);
    }

    #[test]
    fn reasons_are_found_in_words_and_fields() {
        for (detail, attr, reason) in [
            (
                "Not enough buying power.",
                "",
                RejectReason::InsufficientFunds,
            ),
            (
                "Must be a valid UUID.",
                "client_order_id",
                RejectReason::InvalidField,
            ),
            ("Something new.", "", RejectReason::Other),
        ] {
            assert_eq!(refusal(detail, attr).reason(), reason, "{detail}");
        }
    }

    #[test]
    fn f9_a_duplicate_is_told_from_a_wrong_identifier() {
        assert!(refusal("Order with this client_order_id already exists.", "").says_duplicate());
        assert!(refusal("This field must be unique.", "client_order_id").says_duplicate());
        assert!(!refusal("Must be a valid UUID.", "client_order_id").says_duplicate());
        assert!(!refusal("Symbol already delisted.", "symbol").says_duplicate());
    }

    #[test]
    fn a_text_of_the_broker_stays_on_one_line() {
        let text = r#"{"type":"client_error","errors":[{"detail":"a\nb\u0000c","attr":null}]}"#;
        assert_eq!(Refusal::read(text).unwrap().message(), "a b c");
    }
}
