//! The hosts of the broker, and links to them.

use crate::server::Request;

/// A client that was redirected here names the host it meant to reach in this header.
pub const HOST_HEADER: &str = "X-Sim-Host";

/// A host of the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Host {
    /// `api.robinhood.com`: login, stocks, options.
    Api,
    /// `bonfire.robinhood.com`: all accounts, buying power.
    Bonfire,
    /// `identi.robinhood.com`: the newer device approval.
    Identi,
    /// `nummus.robinhood.com`: crypto.
    Nummus,
    /// `phoenix.robinhood.com`: the unified account.
    Phoenix,
}

impl Host {
    /// All hosts.
    pub const ALL: &[Self] = &[
        Self::Api,
        Self::Bonfire,
        Self::Identi,
        Self::Nummus,
        Self::Phoenix,
    ];

    /// The real name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api.robinhood.com",
            Self::Bonfire => "bonfire.robinhood.com",
            Self::Identi => "identi.robinhood.com",
            Self::Nummus => "nummus.robinhood.com",
            Self::Phoenix => "phoenix.robinhood.com",
        }
    }

    fn named(text: &str) -> Option<Self> {
        let name = text.rsplit_once(':').map_or(text, |(name, _)| name);
        Self::ALL
            .iter()
            .copied()
            .find(|host| host.name().eq_ignore_ascii_case(name))
    }
}

/// Where a request wanted to go, and how links in its answer have to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// `None` if a host was named that the broker does not have.
    pub(super) host: Option<Host>,
    /// The path without the host that some clients put before it.
    pub(super) path: String,
    pub(super) links: Links,
}

/// How absolute URLs are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Links {
    /// `https://api.robinhood.com/…`: for clients that rewrite addresses on the way out.
    Original,
    /// `http://127.0.0.1:4020/nummus.robinhood.com/…`; for `api` only if it was asked so.
    Prefixed { authority: String, api: bool },
    /// `http://api.robinhood.com:4020/…`: the name was resolved to this machine.
    Resolved { port: String },
}

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        if let Some(name) = request.header(HOST_HEADER) {
            let path = request.path.clone();
            return Self {
                host: Host::named(name),
                path,
                links: Links::Original,
            };
        }
        let authority = request.header("host").unwrap_or_default().to_owned();
        if let Some(host) = Host::named(&authority) {
            let port = authority
                .rsplit_once(':')
                .map_or(String::new(), |(_, port)| format!(":{port}"));
            let path = request.path.clone();
            return Self {
                host: Some(host),
                path,
                links: Links::Resolved { port },
            };
        }
        let (first, rest) = request.path[1.min(request.path.len())..]
            .split_once('/')
            .unwrap_or((request.path.trim_start_matches('/'), ""));
        match Host::named(first) {
            Some(host) => {
                let links = Links::Prefixed {
                    authority,
                    api: host == Host::Api,
                };
                Self {
                    host: Some(host),
                    path: format!("/{rest}"),
                    links,
                }
            }
            None => {
                let links = Links::Prefixed {
                    authority,
                    api: false,
                };
                Self {
                    host: Some(Host::Api),
                    path: request.path.clone(),
                    links,
                }
            }
        }
    }
}

impl Links {
    /// An absolute URL; `path` begins with a slash.
    pub(super) fn to(&self, host: Host, path: &str) -> String {
        match self {
            Self::Original => format!("https://{}{path}", host.name()),
            Self::Prefixed {
                authority,
                api: false,
            } if host == Host::Api => {
                format!("http://{authority}{path}")
            }
            Self::Prefixed { authority, .. } => format!("http://{authority}/{}{path}", host.name()),
            Self::Resolved { port } => format!("http://{}{port}{path}", host.name()),
        }
    }

    pub(super) fn api(&self, path: &str) -> String {
        self.to(Host::Api, path)
    }

    pub(super) fn account(&self, number: &str) -> String {
        self.api(&format!("/accounts/{number}/"))
    }

    pub(super) fn instrument(&self, id: &str) -> String {
        self.api(&format!("/instruments/{id}/"))
    }

    pub(super) fn option(&self, id: &str) -> String {
        self.api(&format!("/options/instruments/{id}/"))
    }
}

/// The last piece of a URL or path: the id in links that clients send back.
pub(super) fn tail(url: &str) -> &str {
    url.trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str, headers: &[(&str, &str)]) -> Asked {
        let headers = headers
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Asked::of(&Request {
            path: path.to_owned(),
            headers,
            ..Request::default()
        })
    }

    #[test]
    fn the_host_comes_from_the_header_the_name_or_the_path() {
        let by_header = asked(
            "/orders/",
            &[
                ("Host", "127.0.0.1:1"),
                ("x-sim-host", "nummus.robinhood.com"),
            ],
        );
        assert_eq!(by_header.host, Some(Host::Nummus));
        assert_eq!(
            by_header.links.to(Host::Nummus, "/orders/"),
            "https://nummus.robinhood.com/orders/"
        );
        let by_path = asked("/nummus.robinhood.com/orders/", &[("Host", "127.0.0.1:1")]);
        assert_eq!(
            (by_path.host, by_path.path.as_str()),
            (Some(Host::Nummus), "/orders/")
        );
        assert_eq!(by_path.links.api("/x/"), "http://127.0.0.1:1/x/");
        let by_name = asked("/orders/", &[("Host", "nummus.robinhood.com:81")]);
        assert_eq!(by_name.links.api("/x/"), "http://api.robinhood.com:81/x/");
        let plain = asked("/orders/", &[("Host", "127.0.0.1:1")]);
        assert_eq!(
            (plain.host, plain.path.as_str()),
            (Some(Host::Api), "/orders/")
        );
        assert_eq!(asked("/", &[("X-Sim-Host", "evil.example")]).host, None);
    }

    #[test]
    fn the_tail_of_a_link_is_its_id() {
        assert_eq!(tail("https://api.robinhood.com/accounts/100/"), "100");
        assert_eq!(tail("100"), "100");
    }
}
