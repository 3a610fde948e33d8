use std::{fmt, time::Duration};

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::Url;
use wheelhouse_core::{Error, ErrorKind, Result, TokenSource};
use wheelhouse_ratelimit::LimitRequest;
use zeroize::Zeroizing;

use crate::{Answer, CallError, Endpoint, HttpClient, Sent, Signer, Target, pipeline, validate};

/// A call that is being put together. A wrong value is kept as an error, which
/// [`send`](Self::send) returns before anything else happens.
#[must_use = "a call does nothing until it is sent"]
pub struct Call<'a> {
    pub(crate) client: &'a HttpClient,
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) target: &'a Target,
    pub(crate) token: Option<&'a dyn TokenSource>,
    pub(crate) signer: Option<&'a dyn Signer>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) max_wait: Duration,
    path: Path<'a>,
    query: String,
    error: Option<Error>,
}

enum Path<'a> {
    Link(&'a str),
    Template(Vec<(&'a str, &'a str)>),
}

impl<'a> Call<'a> {
    pub(crate) fn new(client: &'a HttpClient, endpoint: &'a Endpoint, target: &'a Target) -> Self {
        Self {
            client,
            endpoint,
            target,
            token: None,
            signer: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            max_wait: LimitRequest::DEFAULT_MAX_WAIT,
            path: Path::Template(Vec::new()),
            query: String::new(),
            error: None,
        }
    }

    /// Says where its token comes from.
    pub fn token(mut self, source: &'a dyn TokenSource) -> Self {
        self.token = Some(source);
        self
    }

    /// Says what signs it. Every attempt is signed anew.
    pub fn signer(mut self, signer: &'a dyn Signer) -> Self {
        self.signer = Some(signer);
        self
    }

    /// Fills the part `{name}` of the endpoint's path. The value is checked and percent-encoded:
    /// printable ASCII of at most 256 bytes, without `/`, `\` and `%`.
    pub fn path(mut self, name: &'a str, value: &'a str) -> Self {
        let checked = validate::path_part(name, value);
        self.note(checked);
        if let Path::Template(parts) = &mut self.path {
            parts.push((name, value));
        }
        self
    }

    /// Adds a pair to the query. Printable ASCII of at most 2 KiB; never a secret.
    pub fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        let value = value.to_string();
        let checked = validate::query(name, name).and_then(|()| validate::query(name, &value));
        if self.note(checked) {
            let separator = if self.query.is_empty() { '?' } else { '&' };
            self.query.push(separator);
            encode(name, &mut self.query);
            self.query.push('=');
            encode(&value, &mut self.query);
        }
        self
    }

    /// Sets a header. Printable ASCII of at most 16 KiB.
    pub fn header(self, name: &'static str, value: impl fmt::Display) -> Self {
        let value = value.to_string();
        self.put_header(name, &value, false)
    }

    /// Sets a header that no log may show, such as an API key.
    pub fn secret_header(self, name: &'static str, value: &SecretString) -> Self {
        self.put_header(name, value.expose_secret(), true)
    }

    /// Sends `value` as JSON. `DELETE` may have a body too.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.put_body(Bytes::from(body), "application/json"),
            Err(_) => self.unserializable(),
        }
        self
    }

    /// Sends `value` as JSON, and overwrites the text in memory once it is sent.
    pub fn secret_json(mut self, value: &impl Serialize) -> Self {
        // Room enough for a login, so that growing leaves no copies behind.
        let mut body = Zeroizing::new(Vec::with_capacity(8 * 1024));
        match serde_json::to_writer(&mut *body, value) {
            Ok(()) => self.put_body(Bytes::from_owner(body), "application/json"),
            Err(_) => self.unserializable(),
        }
        self
    }

    /// Sends bytes as they are.
    pub fn body(mut self, body: impl Into<Bytes>, content_type: &'static str) -> Self {
        self.put_body(body.into(), content_type);
        self
    }

    /// Says how long it may wait for its limit; 10 s unless said.
    pub fn max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// Follows a link that an answer has given, in place of the endpoint's path. It is resolved
    /// against the base URL; if it leads to any other origin, nothing is sent.
    pub fn follow(mut self, link: &'a str) -> Self {
        self.path = Path::Link(link);
        self
    }

    /// Sends the request and reads the answer.
    ///
    /// Waits for the limit, asks for the token, sends, and checks what came. A request of which
    /// nothing was written is tried again; one that may have arrived is sent again only if its
    /// endpoint says that this does no harm. See the crate's documentation for all of it.
    ///
    /// Dropping the future closes the connection of an exchange that is under way.
    ///
    /// # Errors
    ///
    /// - [`InvalidInput`](ErrorKind::InvalidInput), [`MissingField`](ErrorKind::MissingField): the
    ///   call was put together wrongly.
    /// - [`OriginRefused`](ErrorKind::OriginRefused): the address is not one of the client's
    ///   origins, or the answer was a redirect.
    /// - [`RateLimited`](ErrorKind::RateLimited): the limit would take too long, or the broker says
    ///   so and the endpoint may be sent again later.
    /// - [`Network`](ErrorKind::Network), [`Timeout`](ErrorKind::Timeout),
    ///   [`Tls`](ErrorKind::Tls): the exchange failed.
    /// - [`NotTheProtocol`](ErrorKind::NotTheProtocol): HTML or other text, cut off, too large.
    /// - [`UnexpectedAnswer`](ErrorKind::UnexpectedAnswer): the answer is not UTF-8.
    /// - The token source's and the signer's own errors.
    pub async fn send(self) -> Result<Answer, CallError> {
        pipeline::run(self).await
    }

    /// Makes sure that everything is there and allowed, and builds the address.
    pub(crate) fn prepare(&mut self) -> Result<Url> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let base = &self.target.base;
        if !self.client.origins.contains(base.origin()) {
            return Err(Error::new(
                ErrorKind::OriginRefused,
                format!("{} is not one of the client's origins", base.origin()),
            ));
        }
        if self.endpoint.needs_token && self.token.is_none() {
            return Err(Error::new(
                ErrorKind::MissingField,
                "the endpoint needs a token and the call has no source for one",
            ));
        }
        match &self.path {
            Path::Link(link) => base.resolve(link),
            Path::Template(parts) => {
                let mut text = String::with_capacity(128);
                text.push_str(base.as_str());
                fill(self.endpoint.template, parts, &mut text)?;
                text.push_str(&self.query);
                Url::parse(&text).map_err(|_| {
                    Error::new(
                        ErrorKind::InvalidInput,
                        "the address of the call is not a URL",
                    )
                })
            }
        }
    }

    fn put_header(mut self, name: &'static str, value: &str, secret: bool) -> Self {
        let checked = validate::header(name, value);
        if !self.note(checked) {
            return self;
        }
        match (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(value),
        ) {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(secret);
                self.headers.insert(name, value);
            }
            _ => {
                self.note(Err(Error::new(
                    ErrorKind::InvalidInput,
                    format!("{name} cannot be sent as a header"),
                )));
            }
        }
        self
    }

    fn put_body(&mut self, body: Bytes, content_type: &'static str) {
        self.body = body;
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }

    fn unserializable(&mut self) {
        self.note(Err(Error::new(
            ErrorKind::InvalidInput,
            "the body cannot be written as JSON",
        )));
    }

    fn note(&mut self, checked: Result<()>) -> bool {
        match checked {
            Ok(()) => true,
            Err(error) => {
                self.error.get_or_insert(error);
                false
            }
        }
    }

    pub(crate) fn refuse(&self, error: Error) -> CallError {
        CallError {
            error: self.place(error),
            sent: Sent::No,
        }
    }

    /// Names operation and broker in an error.
    pub(crate) fn place(&self, error: Error) -> Error {
        let error = error.in_operation(self.endpoint.operation);
        match (&self.target.broker, error.broker()) {
            (Some(broker), None) => error.at_broker(broker.clone()),
            _ => error,
        }
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("operation", &self.endpoint.operation)
            .field("method", &self.endpoint.method)
            .field("origin", self.target.base.origin())
            .field("template", &self.endpoint.template)
            .finish_non_exhaustive()
    }
}

/// Writes `template` with its parts in braces replaced.
fn fill(template: &str, parts: &[(&str, &str)], out: &mut String) -> Result<()> {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        match parts.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => encode(value, out),
            None => {
                return Err(Error::new(
                    ErrorKind::MissingField,
                    format!("the path of the call has no {name}"),
                ));
            }
        }
        rest = after;
    }
    out.push_str(rest);
    match parts
        .iter()
        .find(|(name, _)| !template.contains(&format!("{{{name}}}")))
    {
        None => Ok(()),
        Some((name, _)) => Err(Error::new(
            ErrorKind::InvalidInput,
            format!("the path of the call has no place for {name}"),
        )),
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
fn encode(value: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_into_the_template() {
        let mut out = String::new();
        fill(
            "/a/{id}/b/{sym}",
            &[("id", "7"), ("sym", "X+#?&")],
            &mut out,
        )
        .unwrap();
        assert_eq!(out, "/a/7/b/X%2B%23%3F%26");
    }

    #[test]
    fn a_part_without_value_or_a_value_without_part_is_refused() {
        let missing = fill("/a/{id}", &[], &mut String::new()).unwrap_err();
        assert_eq!(
            (missing.code(), missing.message()),
            (5002, "the path of the call has no id")
        );
        let extra = fill("/a", &[("id", "7")], &mut String::new()).unwrap_err();
        assert_eq!(extra.code(), 5001);
    }
}
