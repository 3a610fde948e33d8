use std::{fmt, str::FromStr, time::Duration};

use url::{Host, Url};
use wheelhouse_core::{BrokerId, Error, ErrorKind, Result};
use wheelhouse_ratelimit::LimitScope;

use crate::validate;

/// A scheme, host and port that a token may be sent to.
///
/// `https` only; `http` is accepted for `localhost` and for loopback addresses written as such
/// (`127.0.0.0/8`, `[::1]`), which need no name to be looked up.
///
/// ```
/// use wheelhouse_http::Origin;
///
/// let demo: Origin = "https://demo.tradelocker.com".parse()?;
/// assert_eq!(demo, "https://DEMO.tradelocker.com:443".parse()?);
/// assert_eq!("http://demo.tradelocker.com".parse::<Origin>().unwrap_err().code(), 2005);
/// assert!("http://127.0.0.1:8080".parse::<Origin>().is_ok());
/// # Ok::<(), wheelhouse_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    https: bool,
    host: Host,
    port: u16,
}

impl Origin {
    /// Returns whether requests to it stay in this machine.
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        }
    }

    /// Returns whether requests to it are encrypted.
    pub fn is_https(&self) -> bool {
        self.https
    }

    fn of(url: &Url) -> Result<Self> {
        let refused = |why: &'static str| Error::new(ErrorKind::OriginRefused, why);
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(refused("the address is neither https nor http")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("the address carries a user name"));
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(refused("the address has no host"));
        };
        let origin = Self {
            https,
            host: host.to_owned(),
            port,
        };
        if !https && !origin.is_loopback() {
            return Err(refused(
                "the address is plain http; that is accepted for this machine (127.0.0.1, [::1], localhost) only",
            ));
        }
        Ok(origin)
    }
}

impl FromStr for Origin {
    type Err = Error;

    /// Reads an origin, such as `https://demo.tradelocker.com` or `http://127.0.0.1:8080`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it is not a URL or has a path, and
    /// [`OriginRefused`](ErrorKind::OriginRefused) if a token must not be sent there.
    fn from_str(text: &str) -> Result<Self> {
        let base: BaseUrl = text.parse()?;
        if base.path.is_empty() {
            Ok(base.origin)
        } else {
            Err(Error::new(
                ErrorKind::InvalidInput,
                "an origin is a scheme, a host and a port, without a path",
            ))
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, default) = if self.https {
            ("https", 443)
        } else {
            ("http", 80)
        };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port != default {
            write!(f, ":{}", self.port)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({self})")
    }
}

/// Where a broker's API begins: an [`Origin`] and perhaps a path, such as
/// `https://demo.tradelocker.com/backend-api`.
///
/// It comes from configuration, never from a request's data.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    origin: Origin,
    /// Empty, or begins with a slash and does not end with one.
    path: Box<str>,
    text: Box<str>,
}

impl BaseUrl {
    /// Returns the origin.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the URL, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Resolves a link that an answer has given, and makes sure that it leads to this origin.
    pub(crate) fn resolve(&self, link: &str) -> Result<Url> {
        let refused = || {
            Error::new(
                ErrorKind::OriginRefused,
                "the link leads away from the broker's address; it was not followed",
            )
        };
        validate::link(link)?;
        let base = Url::parse(&format!("{}/", self.text)).map_err(|_| refused())?;
        let mut url = base.join(link).map_err(|_| refused())?;
        if Origin::of(&url)? != self.origin {
            return Err(refused());
        }
        url.set_fragment(None);
        Ok(url)
    }
}

impl FromStr for BaseUrl {
    type Err = Error;

    /// Reads a base URL.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it is not a URL or has a query, and
    /// [`OriginRefused`](ErrorKind::OriginRefused) if a token must not be sent there.
    fn from_str(text: &str) -> Result<Self> {
        let invalid = |why: &'static str| Error::new(ErrorKind::InvalidInput, why);
        validate::link(text)?;
        let url = Url::parse(text)
            .map_err(|_| invalid("the base URL is not a URL; it looks like https://host/path"))?;
        let origin = Origin::of(&url)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("the base URL has a query or a fragment"));
        }
        let path: Box<str> = url.path().trim_end_matches('/').into();
        Ok(Self {
            text: format!("{origin}{path}").into(),
            origin,
            path,
        })
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({})", self.text)
    }
}

/// Reads from the body of a 429 how long to wait.
type ReadWait = fn(&[u8]) -> Option<Duration>;

/// Whom a call goes to and on whose account the broker counts it.
///
/// An adapter makes one per user.
#[derive(Clone, Debug)]
pub struct Target {
    pub(crate) base: BaseUrl,
    pub(crate) scope: LimitScope,
    pub(crate) broker: Option<BrokerId>,
    pub(crate) wait_in_body: Option<ReadWait>,
}

impl Target {
    /// Names the API and the scope of its limits.
    pub fn new(base: BaseUrl, scope: LimitScope) -> Self {
        Self {
            base,
            scope,
            broker: None,
            wait_in_body: None,
        }
    }

    /// Names the broker, for errors.
    #[must_use]
    pub fn with_broker(mut self, broker: BrokerId) -> Self {
        self.broker = Some(broker);
        self
    }

    /// Says how to read from the body of a 429 how long to wait, for brokers that leave out the
    /// header. A header that can be read wins; what is read is bounded as a header is.
    #[must_use]
    pub fn with_wait_in_body(mut self, read: fn(&[u8]) -> Option<Duration>) -> Self {
        self.wait_in_body = Some(read);
        self
    }

    /// Changes the scope, as when the user has become known.
    #[must_use]
    pub fn with_scope(mut self, scope: LimitScope) -> Self {
        self.scope = scope;
        self
    }

    /// Returns where the API begins.
    pub fn base(&self) -> &BaseUrl {
        &self.base
    }

    /// Returns the scope of its limits.
    pub fn scope(&self) -> &LimitScope {
        &self.scope
    }
}
