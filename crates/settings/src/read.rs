use std::{fmt, net::IpAddr, path::PathBuf};

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use crate::{Key, Problem, Settings, SettingsError};

/// The longest password or other text that is taken, in bytes.
const MAX_LEN: usize = 1024;

/// What is needed to log in to TradeLocker.
#[derive(Clone)]
#[non_exhaustive]
pub struct TradeLockerSettings {
    /// The e-mail address of the login.
    pub email: String,
    /// The password, byte for byte as given.
    pub password: SecretString,
    /// The broker's name, as typed into the box "Server".
    pub server: String,
    /// Which host.
    pub environment: BrokerEnvironment,
    /// The key of the developer program, if there is one.
    pub developer_api_key: Option<SecretString>,
}

impl fmt::Debug for TradeLockerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TradeLockerSettings")
            .field("server", &self.server)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

/// Which host of a broker is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BrokerEnvironment {
    /// The host for practice accounts.
    #[default]
    Demo,
    /// The host for real money.
    Live,
    /// Another host: https, or http on loopback.
    Url(Url),
}

impl Settings {
    /// Reads what is needed to log in to TradeLocker; `None` if none of it is set.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Problems`] naming everything that is missing or wrong.
    pub fn tradelocker(&self) -> Result<Option<TradeLockerSettings>, SettingsError> {
        use Key::*;
        let all = [
            TradeLockerEmail,
            TradeLockerPassword,
            TradeLockerServer,
            TradeLockerEnvironment,
        ];
        let Some(set) = all.into_iter().find(|key| self.values.contains_key(key)) else {
            return Ok(None);
        };
        let mut problems = Vec::new();
        let mut need = |key: Key| match self.values.get(&key) {
            Some(value) if value.text.expose_secret().len() > MAX_LEN => {
                let expected = format!("at most {MAX_LEN} bytes long");
                problems.push(Problem::Invalid {
                    key,
                    source: value.source.clone(),
                    expected,
                });
                SecretString::default()
            }
            Some(value) => value.text.clone(),
            None => {
                problems.push(Problem::Missing {
                    key,
                    needed_by: set,
                });
                SecretString::default()
            }
        };
        let email = need(TradeLockerEmail).expose_secret().to_owned();
        let password = need(TradeLockerPassword);
        let server = need(TradeLockerServer).expose_secret().to_owned();
        let environment = match self.values.get(&TradeLockerEnvironment) {
            None => BrokerEnvironment::default(),
            Some(value) => {
                let parsed = parse_environment(value.text.expose_secret());
                parsed.unwrap_or_else(|expected| {
                    problems.push(Problem::Invalid {
                        key: TradeLockerEnvironment,
                        source: value.source.clone(),
                        expected: expected.to_owned(),
                    });
                    BrokerEnvironment::default()
                })
            }
        };
        if !problems.is_empty() {
            return Err(SettingsError::Problems(problems));
        }
        let developer_api_key = self.secret(TradeLockerDeveloperApiKey);
        Ok(Some(TradeLockerSettings {
            email,
            password,
            server,
            environment,
            developer_api_key,
        }))
    }

    /// Returns the key that seals stored sessions, as text, if it is set.
    pub fn sealing_key(&self) -> Option<SecretString> {
        self.secret(Key::SealingKey)
    }

    /// Returns the directory for stored sessions, if it is set.
    pub fn data_dir(&self) -> Option<PathBuf> {
        self.secret(Key::DataDir)
            .map(|path| PathBuf::from(path.expose_secret()))
    }

    fn secret(&self, key: Key) -> Option<SecretString> {
        self.values.get(&key).map(|value| value.text.clone())
    }
}

fn parse_environment(text: &str) -> Result<BrokerEnvironment, &'static str> {
    const EXPECTED: &str = "demo, live or a base URL such as https://host/";
    match text {
        "demo" => return Ok(BrokerEnvironment::Demo),
        "live" => return Ok(BrokerEnvironment::Live),
        _ => {}
    }
    let url = Url::parse(text).map_err(|_| EXPECTED)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL without user name and password");
    }
    match url.scheme() {
        "https" => Ok(BrokerEnvironment::Url(url)),
        "http" if is_loopback(&url) => Ok(BrokerEnvironment::Url(url)),
        "http" => Err("an https URL; http is for loopback addresses only"),
        _ => Err(EXPECTED),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        for url in [
            "http://127.0.0.1:4000",
            "http://localhost:1",
            "http://[::1]:5",
            "https://x.example",
        ] {
            assert!(parse_environment(url).is_ok(), "{url}");
        }
        for url in [
            "http://x.example",
            "ftp://x",
            "Demo",
            "",
            "http://127.0.0.1.example",
            "https://u:p@x",
        ] {
            assert!(parse_environment(url).is_err(), "{url}");
        }
    }
}
