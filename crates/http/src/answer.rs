use std::{fmt, time::Duration};

use bytes::Bytes;
use bytestring::ByteString;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use time::OffsetDateTime;
use wheelhouse_core::{Error, ErrorKind, Result, RetryAdvice};

/// What a broker answered: any status but a redirect, with a text that is whole, within its size and
/// not HTML.
///
/// A status that is not a success is for the adapter to read. `Debug` does not show the body.
#[derive(Clone)]
pub struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: ByteString,
    pub(crate) server_date: Option<OffsetDateTime>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) earlier_unclear: bool,
}

impl Answer {
    /// Returns the status, such as 200.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns a header, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the body, without a byte order mark. It may be empty.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the body as [`text`](Self::text) does, without copying it.
    pub fn into_text(self) -> ByteString {
        self.text
    }

    /// Returns the body.
    pub fn into_bytes(self) -> Bytes {
        self.text.into_bytes()
    }

    /// Returns when the server says that it answered.
    pub fn server_date(&self) -> Option<OffsetDateTime> {
        self.server_date
    }

    /// Returns how long the server asks to wait, if it does so in a way that can be understood.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns whether an earlier attempt of the same call may have changed something: it was sent,
    /// and no answer came that rules it out. A refusal then speaks of the last attempt alone.
    ///
    /// Always `false` for reads and for what is sent once.
    pub fn earlier_unclear(&self) -> bool {
        self.earlier_unclear
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    ///
    /// [`UnexpectedAnswer`](ErrorKind::UnexpectedAnswer) with line and column, without a word of
    /// the body.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        if self.text.trim().is_empty() {
            return Err(Error::new(
                ErrorKind::UnexpectedAnswer,
                format!("the answer is empty (status {})", self.status),
            ));
        }
        serde_json::from_str(&self.text).map_err(|error| {
            let what = match error.classify() {
                serde_json::error::Category::Data => "does not fit what is known of it",
                serde_json::error::Category::Eof => "ends too early",
                _ => "is not JSON",
            };
            let (line, column) = (error.line(), error.column());
            Error::new(
                ErrorKind::UnexpectedAnswer,
                format!(
                    "the answer {what}, at line {line}, column {column} (status {})",
                    self.status
                ),
            )
        })
    }

    /// Makes the error that the status alone stands for; an adapter that finds nothing better in
    /// the body returns it. `None` for a success.
    pub fn status_error(&self) -> Option<Error> {
        let kind = match self.status {
            200..300 => return None,
            401 => ErrorKind::SessionExpired,
            403 => ErrorKind::PermissionDenied,
            404 => ErrorKind::NotFound,
            429 => ErrorKind::RateLimited,
            500.. => ErrorKind::BrokerFailure,
            _ => ErrorKind::InvalidRequest,
        };
        let error = Error::new(
            kind,
            format!("the broker answered with status {}", self.status),
        );
        Some(match (kind, self.retry_after) {
            (ErrorKind::RateLimited | ErrorKind::BrokerFailure, Some(wait)) => {
                error.with_advice(RetryAdvice::After(wait))
            }
            _ => error,
        })
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("bytes", &self.text.len())
            .field("server_date", &self.server_date)
            .field("earlier_unclear", &self.earlier_unclear)
            .field("retry_after", &self.retry_after)
            .finish_non_exhaustive()
    }
}
