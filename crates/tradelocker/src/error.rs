//! What TradeLocker's refusals mean: one table for statuses, one for texts.

use std::fmt;

use serde::Deserialize;
use wheelhouse_core::{BrokerOrderId, Effect, Error, ErrorKind, RejectReason, RetryAdvice};
use wheelhouse_http::Answer;

/// What a status that is no success means, unless a text says it better.
const STATUSES: &[(std::ops::RangeInclusive<u16>, ErrorKind)] = &[
    (400..=400, ErrorKind::InvalidRequest),
    (401..=401, ErrorKind::SessionExpired),
    (403..=403, ErrorKind::PermissionDenied),
    (404..=404, ErrorKind::NotFound),
    (429..=429, ErrorKind::RateLimited),
    (500..=599, ErrorKind::BrokerFailure),
];

/// What a text means. TradeLocker has no codes, so fragments in lower case have to do; the first
/// that fits counts.
const TEXTS: &[(&str, ErrorKind, RejectReason)] = {
    use {ErrorKind as Kind, RejectReason as Reason};
    &[
        (
            "trading out of session",
            Kind::OrderRejected,
            Reason::MarketClosed,
        ),
        (
            "market is closed",
            Kind::OrderRejected,
            Reason::MarketClosed,
        ),
        (
            "only positions closing",
            Kind::OrderRejected,
            Reason::CloseOnly,
        ),
        (
            "order type is not allowed",
            Kind::OrderRejected,
            Reason::OrderType,
        ),
        (
            "not enough margin",
            Kind::OrderRejected,
            Reason::InsufficientFunds,
        ),
        (
            "insufficient",
            Kind::OrderRejected,
            Reason::InsufficientFunds,
        ),
        ("sl price", Kind::OrderRejected, Reason::Bracket),
        ("tp price", Kind::OrderRejected, Reason::Bracket),
        ("stop loss", Kind::OrderRejected, Reason::Bracket),
        ("take profit", Kind::OrderRejected, Reason::Bracket),
        // Validation: `{field=[message]}`.
        ("=[", Kind::InvalidRequest, Reason::InvalidField),
        ("too many requests", Kind::RateLimited, Reason::Other),
        ("not found", Kind::NotFound, Reason::Other),
        ("internal error", Kind::BrokerFailure, Reason::Other),
        ("internal server error", Kind::BrokerFailure, Reason::Other),
        ("try again later", Kind::BrokerFailure, Reason::Other),
        ("timeout", Kind::BrokerFailure, Reason::Other),
    ]
};

/// Finds what a text means.
pub(crate) fn meaning(text: &str) -> Option<(ErrorKind, RejectReason)> {
    let text = text.to_ascii_lowercase();
    let (_, kind, reason) = TEXTS
        .iter()
        .find(|(fragment, ..)| text.contains(fragment))?;
    Some((*kind, reason.clone()))
}

/// Makes the error for `{"s": "error"}`.
pub(crate) fn refused(status: &str, text: Option<&str>) -> Error {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        let message = if status.eq_ignore_ascii_case("error") {
            "the broker refused without saying why"
        } else {
            "the broker answered with a status that is not known"
        };
        return Error::new(ErrorKind::InvalidRequest, message);
    };
    let kind = meaning(text).map_or(ErrorKind::InvalidRequest, |(kind, _)| kind);
    Error::new(kind, format!("the broker refused: {}", shown(text))).with_broker_message(text)
}

/// Makes the error for an answer whose status is no success.
pub(crate) fn of_status(answer: &Answer) -> Option<Error> {
    if answer.is_success() {
        return None;
    }
    let status = answer.status();
    let by_status = STATUSES
        .iter()
        .find(|(statuses, _)| statuses.contains(&status))
        .map_or(ErrorKind::InvalidRequest, |(_, kind)| *kind);
    let words = Words::of(answer.text());
    let text = words.as_ref().and_then(Words::text);
    let kind = match text.and_then(meaning) {
        // A text narrows a refusal down; it does not turn a failed session into something else.
        Some((kind, _)) if by_status == ErrorKind::InvalidRequest => kind,
        _ => by_status,
    };
    let mut error = match text {
        Some(text) => {
            let message = format!("the broker answered with status {status}: {}", shown(text));
            Error::new(kind, message).with_broker_message(text)
        }
        None => Error::new(kind, format!("the broker answered with status {status}")),
    };
    if let (ErrorKind::RateLimited | ErrorKind::BrokerFailure, Some(wait)) =
        (kind, answer.retry_after())
    {
        error = error.with_advice(RetryAdvice::After(wait));
    }
    Some(error)
}

/// Says what a change may have done when its answer is a status that is no success: the API checks
/// before it acts and says so in JSON; anything else may come from in between.
pub(crate) fn effect_of_status(answer: &Answer) -> Effect {
    let refusing = matches!(answer.status(), 400 | 401 | 403 | 404);
    let refused = match Words::of(answer.text()) {
        Some(words) => refusing && !words.claims_success(),
        None => false,
    };
    if refused || answer.status() == 429 {
        Effect::None
    } else {
        Effect::MaybeApplied
    }
}

/// The keys under which refusals without a success status were seen.
#[derive(Debug, Deserialize)]
pub(crate) struct Words {
    #[serde(default)]
    s: Option<String>,
    #[serde(default)]
    errmsg: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

impl Words {
    /// Reads a text that is the API's: an object with at least one of the keys.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let words: Self = serde_json::from_str(text).ok()?;
        let known = words.s.is_some() || words.errmsg.is_some() || words.message.is_some();
        known.then_some(words)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        let text = self.errmsg.as_deref().or(self.message.as_deref())?.trim();
        (!text.is_empty()).then_some(text)
    }

    pub(crate) fn claims_success(&self) -> bool {
        self.s
            .as_deref()
            .is_some_and(|s| s.eq_ignore_ascii_case("ok"))
    }
}

/// Finds the identifier in a text such as `Not enough margin to create Order #7100… Sell`. It
/// stands nowhere else.
pub(crate) fn order_in(text: &str) -> Option<BrokerOrderId> {
    let (_, after) = text.split_once("Order #")?;
    let end = after.bytes().take_while(u8::is_ascii_digit).count();
    BrokerOrderId::new(&after[..end]).ok()
}

/// Makes the error for an answer that does not fit. Never quotes the answer.
pub(crate) fn unexpected(path: impl fmt::Display, what: &str) -> Error {
    Error::new(ErrorKind::UnexpectedAnswer, format!("{path} {what}"))
}

/// Makes the error for JSON that does not fit: where, and for a key which one.
pub(crate) fn from_json(error: serde_json::Error) -> Error {
    use serde_json::error::Category;
    let text = error.to_string();
    // Other texts of serde quote values.
    let named = ["missing field", "duplicate field"]
        .iter()
        .any(|safe| text.starts_with(safe));
    let what = match error.classify() {
        Category::Eof => "the answer ends too early",
        Category::Data if named => text
            .split(" at line")
            .next()
            .unwrap_or("the answer does not fit"),
        Category::Data => "the answer does not fit what is known of it",
        _ => "the answer is not JSON",
    };
    let message = format!("{what} (line {}, column {})", error.line(), error.column());
    Error::new(ErrorKind::UnexpectedAnswer, message)
}

/// Makes the error for a value that is not allowed.
pub(crate) fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

/// Shortens a broker's text and takes what could break a line out of it.
fn shown(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(200).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captured_refusals_have_their_reasons() {
        for (text, reason) in [
            (
                "Order cannot be created since trading out of session is forbidden.",
                RejectReason::MarketClosed,
            ),
            (
                "Order cannot be created. Only positions closing is allowed",
                RejectReason::CloseOnly,
            ),
            (
                "Order cannot be created since order type is not allowed for current session.",
                RejectReason::OrderType,
            ),
            (
                "Not enough margin to create Order #7100000000907785999 Sell   0.84  Price 4383.00 ",
                RejectReason::InsufficientFunds,
            ),
            (
                "SL price is not valid for the order. ",
                RejectReason::Bracket,
            ),
            ("{qty=[must be greater than 0]}", RejectReason::InvalidField),
        ] {
            assert_eq!(
                meaning(text).map(|(_, reason)| reason),
                Some(reason),
                "{text}"
            );
        }
        assert_eq!(meaning("something new"), None);
    }

    #[test]
    fn the_order_in_a_text_is_found() {
        let id = order_in("Not enough margin to create Order #7100000000907785999 Sell");
        assert_eq!(id.unwrap().as_str(), "7100000000907785999");
        assert_eq!(order_in("no order"), None);
        assert_eq!(order_in("Order #"), None);
    }

    #[test]
    fn f1_values_of_the_answer_are_not_in_errors() {
        let error = serde_json::from_str::<Vec<u32>>(r#"["canary"]"#).unwrap_err();
        let error = from_json(error);
        assert_eq!(error.code(), 3006);
        assert!(!error.to_string().contains("canary"), "{error}");
        assert!(error.to_string().contains("line 1"), "{error}");
    }
}
