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
        let Some(set) = self.first_set(&all) else {
            return Ok(None);
        };
        let mut needs = Needs::new(self, set);
        let email = needs.text(TradeLockerEmail);
        let password = needs.secret(TradeLockerPassword);
        let server = needs.text(TradeLockerServer);
        let environment = needs.environment(TradeLockerEnvironment, BrokerEnvironment::Demo);
        needs.finish()?;
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

    /// Returns the first of some settings that is set.
    pub(crate) fn first_set(&self, keys: &[Key]) -> Option<Key> {
        keys.iter()
            .copied()
            .find(|key| self.values.contains_key(key))
    }
}

/// Reads what belongs together, and collects what is missing or wrong.
pub(crate) struct Needs<'a> {
    settings: &'a Settings,
    needed_by: Key,
    problems: Vec<Problem>,
}

impl<'a> Needs<'a> {
    /// Starts to read what the setting `needed_by` needs.
    pub(crate) fn new(settings: &'a Settings, needed_by: Key) -> Self {
        Self {
            settings,
            needed_by,
            problems: Vec::new(),
        }
    }

    pub(crate) fn text(&mut self, key: Key) -> String {
        self.secret(key).expose_secret().to_owned()
    }

    pub(crate) fn secret(&mut self, key: Key) -> SecretString {
        if !self.settings.values.contains_key(&key) {
            self.problems.push(Problem::Missing {
                key,
                needed_by: self.needed_by,
            });
        }
        self.optional(key).unwrap_or_default()
    }

    pub(crate) fn optional(&mut self, key: Key) -> Option<SecretString> {
        let value = self.settings.values.get(&key)?;
        if value.text.expose_secret().len() > MAX_LEN {
            self.problems.push(Problem::Invalid {
                key,
                source: value.source.clone(),
                expected: format!("at most {MAX_LEN} bytes long"),
            });
        }
        Some(value.text.clone())
    }

    /// A host is `live` or a URL, and `demo` where that is what is meant if nothing is set.
    pub(crate) fn environment(
        &mut self,
        key: Key,
        default: BrokerEnvironment,
    ) -> BrokerEnvironment {
        let Some(value) = self.settings.values.get(&key) else {
            return default;
        };
        let has_demo = default == BrokerEnvironment::Demo;
        parse_environment(value.text.expose_secret(), has_demo).unwrap_or_else(|expected| {
            self.problems.push(Problem::Invalid {
                key,
                source: value.source.clone(),
                expected: expected.to_owned(),
            });
            default
        })
    }

    /// Tells all problems at once.
    pub(crate) fn finish(self) -> Result<(), SettingsError> {
        match self.problems {
            none if none.is_empty() => Ok(()),
            problems => Err(SettingsError::Problems(problems)),
        }
    }
}

fn parse_environment(text: &str, has_demo: bool) -> Result<BrokerEnvironment, &'static str> {
    let expected = match has_demo {
        true => "demo, live or a base URL such as https://host/",
        false => "live or a base URL such as https://host/",
    };
    match text {
        "demo" if has_demo => return Ok(BrokerEnvironment::Demo),
        "live" => return Ok(BrokerEnvironment::Live),
        _ => {}
    }
    let url = Url::parse(text).map_err(|_| expected)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL without user name and password");
    }
    match url.scheme() {
        "https" => Ok(BrokerEnvironment::Url(url)),
        "http" if is_loopback(&url) => Ok(BrokerEnvironment::Url(url)),
        "http" => Err("an https URL; http is for loopback addresses only"),
        _ => Err(expected),
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
            assert!(parse_environment(url, true).is_ok(), "{url}");
        }
        for url in [
            "http://x.example",
            "ftp://x",
            "Demo",
            "",
            "http://127.0.0.1.example",
            "https://u:p@x",
        ] {
            assert!(parse_environment(url, true).is_err(), "{url}");
        }
    }
}
