use std::fmt;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::{Position, Url};
use wheelhouse_core::{ErrorKind, Result};

use crate::{Method, Origin, Sent, error::Failure, validate};

/// Signs requests, for brokers that want every request signed instead of a token.
///
/// A [`Call`](crate::Call) that has one asks it right before each attempt, after the limit and after
/// the waits between attempts, with exactly the bytes that are sent: a signature over the time of
/// day is never older than the attempt. It is asked for the client's own origins only.
pub trait Signer: fmt::Debug + Send + Sync {
    /// Returns the headers that carry the signature. No log shows their values.
    ///
    /// # Errors
    ///
    /// Fails if the request cannot or should not be signed; the call ends with that error and
    /// nothing is sent.
    fn sign(&self, request: &Unsigned<'_>) -> Result<Vec<(&'static str, SecretString)>>;
}

/// A request as it goes out, except for its signature.
pub struct Unsigned<'a> {
    method: Method,
    origin: &'a Origin,
    url: &'a Url,
    body: &'a [u8],
}

impl<'a> Unsigned<'a> {
    pub(crate) fn new(method: Method, origin: &'a Origin, url: &'a Url, body: &'a [u8]) -> Self {
        Self {
            method,
            origin,
            url,
            body,
        }
    }

    /// Returns the method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Returns where the request goes.
    pub fn origin(&self) -> &'a Origin {
        self.origin
    }

    /// Returns path and query as they stand in the request line, with the `?` if there is a query.
    pub fn path_and_query(&self) -> &'a str {
        &self.url[Position::BeforePath..Position::AfterQuery]
    }

    /// Returns the body; empty if there is none.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }
}

/// Shows neither query nor body.
impl fmt::Debug for Unsigned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsigned")
            .field("method", &self.method)
            .field("origin", &self.origin)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Adds the headers of the signature. A signer that refuses is not asked again.
pub(crate) fn sign(
    signer: &dyn Signer,
    request: &Unsigned<'_>,
    headers: &mut HeaderMap,
) -> Result<(), Failure> {
    let refused = |kind, why: String| {
        let mut failure = Failure::new(kind, Sent::No, why);
        failure.transient = false;
        failure
    };
    let signed = signer
        .sign(request)
        .map_err(|error| refused(error.kind(), error.message().to_owned()))?;
    for (name, value) in signed {
        let value = value.expose_secret();
        validate::header(name, value)
            .map_err(|error| refused(error.kind(), error.message().to_owned()))?;
        match (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
            _ => {
                let why = format!("{name} cannot be sent as a header");
                return Err(refused(ErrorKind::InvalidInput, why));
            }
        }
    }
    Ok(())
}

fn _object_safe(_: &dyn Signer) {}
