//! What Robinhood's refusals mean: one table for statuses, one for texts.

use std::{borrow::Cow, time::Duration};

use wheelhouse_core::{Error, ErrorKind, RejectReason, RetryAdvice};
use wheelhouse_http::Answer;

use crate::wire::{Misfit, failure::Failure};

/// What a status that is no success means, unless a text says it better.
const STATUSES: &[(std::ops::RangeInclusive<u16>, ErrorKind)] = &[
    (400..=400, ErrorKind::InvalidRequest),
    (401..=401, ErrorKind::SessionExpired),
    (403..=403, ErrorKind::PermissionDenied),
    (404..=404, ErrorKind::NotFound),
    (405..=405, ErrorKind::Unsupported),
    (409..=409, ErrorKind::ClientOrderIdReused),
    (429..=429, ErrorKind::RateLimited),
    (500..=599, ErrorKind::BrokerFailure),
];

/// What a text means. Robinhood has no codes, so fragments in lower case have to do; the first that
/// fits counts.
const TEXTS: &[(&str, ErrorKind, RejectReason)] = {
    use {ErrorKind as Kind, RejectReason as Reason};
    &[
        // "Unable to log in with provided credentials."
        ("unable to log in", Kind::InvalidCredentials, Reason::Other),
        // "Please enter a valid code."; "Incorrect code."; "Challenge response is invalid."
        ("valid code", Kind::MfaRequired, Reason::Other),
        ("incorrect code", Kind::MfaRequired, Reason::Other),
        ("challenge response", Kind::MfaRequired, Reason::Other),
        // "Reference ID must be unique."; "Order with this ref_id already exists."
        (
            "reference id must be unique",
            Kind::ClientOrderIdReused,
            Reason::Other,
        ),
        (
            "this ref_id already exists",
            Kind::ClientOrderIdReused,
            Reason::Other,
        ),
        // "You can only purchase 0 shares of F."; "Not enough overnight buying power."
        (
            "you can only purchase",
            Kind::OrderRejected,
            Reason::InsufficientFunds,
        ),
        (
            "buying power",
            Kind::OrderRejected,
            Reason::InsufficientFunds,
        ),
        (
            "not enough shares",
            Kind::OrderRejected,
            Reason::InsufficientFunds,
        ),
        // "Your app version is missing important stock trading updates. You can still place orders
        // on the web.": the version of the order form, which trailing stops were refused with.
        (
            "app version is missing",
            Kind::OrderRejected,
            Reason::OrderType,
        ),
        // "Trailing stop limit orders not supported."
        (
            "orders not supported",
            Kind::OrderRejected,
            Reason::OrderType,
        ),
        (
            "cannot include fractional",
            Kind::OrderRejected,
            Reason::OrderType,
        ),
        (
            "market is closed",
            Kind::OrderRejected,
            Reason::MarketClosed,
        ),
        (
            "extended hours and market hours",
            Kind::OrderRejected,
            Reason::InvalidField,
        ),
        ("minimum tick", Kind::OrderRejected, Reason::InvalidField),
        (
            "good til canceled",
            Kind::OrderRejected,
            Reason::InvalidField,
        ),
        (
            "no price provided",
            Kind::OrderRejected,
            Reason::InvalidField,
        ),
        (
            "fractional orders must be",
            Kind::OrderRejected,
            Reason::InvalidField,
        ),
        // "Request was throttled. …"; "Too many requests for fractional orders"
        ("throttled", Kind::RateLimited, Reason::Other),
        ("too many requests", Kind::RateLimited, Reason::Other),
    ]
};

fn meaning(text: &str) -> Option<(ErrorKind, RejectReason)> {
    let text = text.to_ascii_lowercase();
    let (_, kind, reason) = TEXTS
        .iter()
        .find(|(fragment, ..)| text.contains(fragment))?;
    Some((*kind, reason.clone()))
}

/// Why an order was refused, from the broker's words.
pub(crate) fn reject_reason(failure: &Failure) -> RejectReason {
    let told = failure
        .sentences()
        .find_map(meaning)
        .map(|(_, reason)| reason);
    match told {
        Some(reason) => reason,
        None if !failure.fields.is_empty() => RejectReason::InvalidField,
        None => RejectReason::Other,
    }
}

/// Whether a refusal says that an order with this identifier is there already.
pub(crate) fn says_duplicate(status: u16, failure: &Failure) -> bool {
    let told = |(kind, _)| kind == ErrorKind::ClientOrderIdReused;
    status == 409 || failure.sentences().filter_map(meaning).any(told)
}

/// Makes the error for an answer whose status is no success.
pub(crate) fn of_status(answer: &Answer) -> Option<Error> {
    if answer.is_success() {
        return None;
    }
    let failure = Failure::read(answer.text().as_bytes());
    Some(of_failure(
        answer.status(),
        failure.as_ref(),
        answer.retry_after(),
    ))
}

/// Makes the error for a refusal.
pub(crate) fn of_failure(status: u16, failure: Option<&Failure>, wait: Option<Duration>) -> Error {
    let by_status = STATUSES
        .iter()
        .find(|(statuses, _)| statuses.contains(&status))
        .map_or(ErrorKind::InvalidRequest, |(_, kind)| *kind);
    let told = failure.and_then(|failure| failure.sentences().find_map(meaning));
    let kind = match told {
        // A text narrows a refusal down; it does not turn a failed session into something else.
        Some((kind, _)) if by_status == ErrorKind::InvalidRequest => kind,
        _ => by_status,
    };
    let mut error = match failure
        .map(Failure::message)
        .filter(|text| !text.is_empty())
    {
        Some(text) => {
            let message = format!("the broker answered with status {status}: {}", shown(&text));
            Error::new(kind, message).with_broker_message(text)
        }
        None => Error::new(kind, format!("the broker answered with status {status}")),
    };
    if let (ErrorKind::RateLimited | ErrorKind::BrokerFailure, Some(wait)) = (kind, wait) {
        error = error.with_advice(RetryAdvice::After(wait));
    }
    error
}

/// Reads from the body of a 429 how long to wait.
pub(crate) fn wait_in_body(body: &[u8]) -> Option<Duration> {
    let seconds = Failure::read(body)?.wait_seconds()?;
    Some(Duration::from_secs(seconds))
}

/// Makes the error for an answer that does not fit. Never quotes the answer.
pub(crate) fn misfit(misfit: &Misfit) -> Error {
    Error::new(
        ErrorKind::UnexpectedAnswer,
        format!("the answer does not fit: {misfit}"),
    )
}

/// Makes the error for a value that is not allowed.
pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

/// Makes the error for what this broker cannot do.
pub(crate) fn unsupported(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Unsupported, message)
}

/// Shortens a broker's text and takes what could break a line out of it.
fn shown(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(200).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Failure {
        Failure::read(json.as_bytes()).unwrap()
    }

    #[test]
    fn statuses_and_texts_have_their_kinds() {
        for (status, json, code) in [
            (
                400,
                r#"{"detail":"Unable to log in with provided credentials."}"#,
                1001,
            ),
            (
                400,
                r#"{"non_field_errors":["Unable to log in with provided credentials."]}"#,
                1001,
            ),
            (400, r#"{"detail":"Please enter a valid code."}"#, 1002),
            (
                401,
                r#"{"detail":"Incorrect authentication credentials."}"#,
                1003,
            ),
            (
                403,
                r#"{"detail":"You do not have permission to perform this action."}"#,
                3003,
            ),
            (404, r#"{"detail":"Not found."}"#, 3002),
            (405, r#"{"detail":"Method \"PATCH\" not allowed."}"#, 3010),
            (409, r#"{"detail":"Reference ID must be unique."}"#, 3009),
            (
                429,
                r#"{"detail":"Too many requests for fractional orders"}"#,
                3004,
            ),
            (
                400,
                r#"{"detail":"Invalid interval and span combination."}"#,
                3001,
            ),
            (400, r#"{"detail":"Not enough shares to sell."}"#, 3008),
            (500, r#"{"detail":"x"}"#, 3005),
        ] {
            assert_eq!(
                of_failure(status, Some(&read(json)), None).code(),
                code,
                "{json}"
            );
        }
    }

    #[test]
    fn captured_refusals_have_their_reasons() {
        for (json, reason) in [
            (
                r#"{"detail":"Not enough overnight buying power."}"#,
                RejectReason::InsufficientFunds,
            ),
            (
                r#"{"detail":"You can only purchase 0 shares of F."}"#,
                RejectReason::InsufficientFunds,
            ),
            (
                r#"{"non_field_errors":["Trailing stop limit orders not supported."]}"#,
                RejectReason::OrderType,
            ),
            (
                r#"{"time_in_force":["Invalid Good Til Canceled order."]}"#,
                RejectReason::InvalidField,
            ),
            (
                r#"{"quantity":["Enter a valid number."]}"#,
                RejectReason::InvalidField,
            ),
            (
                r#"{"detail":"This order introduces infinite risk."}"#,
                RejectReason::Other,
            ),
        ] {
            assert_eq!(reject_reason(&read(json)), reason, "{json}");
        }
    }

    #[test]
    fn f9_a_duplicate_is_told_by_status_or_by_field() {
        assert!(says_duplicate(409, &read(r#"{"detail":"anything"}"#)));
        assert!(says_duplicate(
            400,
            &read(r#"{"ref_id":["Order with this ref_id already exists."]}"#)
        ));
        assert!(!says_duplicate(
            400,
            &read(r#"{"ref_id":["Enter a valid UUID."]}"#)
        ));
    }
}
