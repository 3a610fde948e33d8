use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use wheelhouse_core::{Error, Result};

use crate::error;

/// The envelope of every `/trade` answer: `{"s": …, "d": …, "errmsg": …}`.
#[derive(Debug, Deserialize)]
pub struct Reply<'a> {
    /// `ok`, `error` or `no_data`.
    #[serde(borrow)]
    pub s: Cow<'a, str>,
    /// The data.
    #[serde(borrow, default)]
    pub d: Option<&'a RawValue>,
    /// The broker's words for a refusal.
    #[serde(borrow, default)]
    pub errmsg: Option<Cow<'a, str>>,
}

impl<'a> Reply<'a> {
    /// Reads the envelope.
    ///
    /// # Errors
    ///
    /// What is no envelope.
    pub fn read(text: &'a str) -> Result<Self> {
        serde_json::from_str(text).map_err(error::from_json)
    }

    /// Returns whether it is a success.
    pub fn is_ok(&self) -> bool {
        self.s.eq_ignore_ascii_case("ok")
    }

    /// Returns whether it says that there is nothing.
    pub fn is_no_data(&self) -> bool {
        self.s.eq_ignore_ascii_case("no_data")
    }

    /// Returns the error that it tells, if it is not a success.
    pub fn refusal(&self) -> Option<Error> {
        (!self.is_ok()).then(|| error::refused(&self.s, self.errmsg.as_deref()))
    }

    /// Reads the data of a success.
    ///
    /// # Errors
    ///
    /// The refusal; data that is missing or does not fit.
    pub fn data<T: Deserialize<'a>>(&self) -> Result<T> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal);
        }
        let data = self.d.ok_or_else(|| error::unexpected("d", "is missing"))?;
        serde_json::from_str(data.get()).map_err(error::from_json)
    }
}

/// Returns the body as text, without a byte order mark.
///
/// # Errors
///
/// A body that is not UTF-8.
pub fn text(body: &Bytes) -> Result<&str> {
    let text = std::str::from_utf8(body)
        .map_err(|_| error::unexpected("the answer", "is not UTF-8 text"))?;
    Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text))
}
