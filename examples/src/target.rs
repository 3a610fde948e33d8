use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use wheelhouse::{
    Connector, Error, ErrorKind, Result,
    settings::{BrokerEnvironment, Key, RobinhoodSettings, Settings, SettingsBuilder},
};
use wheelhouse_sim::{
    Sim, SimBuilder, SimError,
    robinhood::{self, LoginFlow},
};

/// Whom an example talks to: Robinhood if the environment has credentials, otherwise a simulator in
/// its own process.
#[derive(Debug)]
pub struct Target {
    settings: Settings,
    sim: Option<Sim>,
    is_real: bool,
    text: String,
}

impl Target {
    /// Robinhood's private API. A simulator asks for `login` before it lets its user in.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] or [`ErrorKind::MissingField`] if the settings are wrong.
    pub async fn robinhood(login: LoginFlow) -> Result<Self> {
        let settings = environment().build()?;
        if let Some(found) = settings.robinhood()? {
            return Ok(Self::named(settings, &found.environment, "Robinhood"));
        }
        let mut behaviour = robinhood::Settings::new();
        behaviour.login = login;
        let builder = Sim::builder()
            .robinhood(ANY_PORT)
            .robinhood_settings(behaviour);
        let sim = start(builder).await?;
        let origin = sim.robinhood().origin();
        let settings = environment()
            .set(Key::RobinhoodUsername, "demo@example.com")
            .set(Key::RobinhoodPassword, "demo-password")
            .set(Key::RobinhoodEnvironment, &origin)
            .build()?;
        Ok(Self::simulated(settings, sim, &origin))
    }

    /// Robinhood's official Crypto Trading API.
    ///
    /// # Errors
    ///
    /// As [`robinhood`](Self::robinhood).
    pub async fn robinhood_crypto() -> Result<Self> {
        let settings = environment().build()?;
        if let Some(found) = settings.robinhood_crypto()? {
            let name = "Robinhood's Crypto Trading API";
            return Ok(Self::named(settings, &found.environment, name));
        }
        let sim = start(Sim::builder().robinhood_crypto(ANY_PORT)).await?;
        let origin = sim.robinhood_crypto().origin();
        let settings = environment()
            .set(Key::RobinhoodCryptoApiKey, EXAMPLE_API_KEY)
            .set(Key::RobinhoodCryptoPrivateKey, EXAMPLE_PRIVATE_KEY)
            .set(Key::RobinhoodCryptoEnvironment, &origin)
            .build()?;
        Ok(Self::simulated(settings, sim, &origin))
    }

    fn named(settings: Settings, environment: &BrokerEnvironment, live: &str) -> Self {
        let (is_real, text) = match environment {
            BrokerEnvironment::Url(url) => {
                let is_here = url.host_str().is_some_and(is_this_machine);
                (!is_here, url.origin().ascii_serialization())
            }
            _ => (true, format!("{live}: the real one")),
        };
        Self {
            settings,
            sim: None,
            is_real,
            text,
        }
    }

    fn simulated(settings: Settings, sim: Sim, origin: &str) -> Self {
        let text =
            format!("no credentials in the environment, so a simulator was started at {origin}");
        Self {
            settings,
            sim: Some(sim),
            is_real: false,
            text,
        }
    }

    /// The settings, with the simulator's credentials if it was started.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The login of Robinhood: of the environment, or the simulator's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingField`] if there is none.
    pub fn robinhood_login(&self) -> Result<RobinhoodSettings> {
        let login = self.settings.robinhood()?;
        login.ok_or_else(|| Error::new(ErrorKind::MissingField, "no Robinhood login is set"))
    }

    /// The simulator, if it was started.
    pub fn sim(&self) -> Option<&Sim> {
        self.sim.as_ref()
    }

    /// Whether orders would be for real money. A host that is not on this machine is taken for real.
    pub fn is_real(&self) -> bool {
        self.is_real
    }

    /// Makes a connector. Sessions of a real broker are stored, in `data_dir` or among the user's
    /// data, so that one login serves all examples; a simulator's end with it.
    ///
    /// # Errors
    ///
    /// The kinds 4xxx if the store or its key cannot be opened.
    pub async fn connector(&self, data_dir: Option<PathBuf>) -> Result<Connector> {
        let builder = Connector::builder().settings(self.settings.clone());
        match (&self.sim, data_dir) {
            (Some(_), _) => builder.in_memory(),
            (None, Some(dir)) => builder.data_dir(dir),
            (None, None) => builder,
        }
        .build()
        .await
    }

    /// Stops the simulator, if it was started.
    pub async fn shutdown(self) {
        if let Some(sim) = self.sim {
            sim.shutdown().await;
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether a host can only be this machine.
pub fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn environment() -> SettingsBuilder {
    Settings::builder().variables(std::env::vars_os())
}

async fn start(builder: SimBuilder) -> Result<Sim> {
    builder.start().await.map_err(|error: SimError| {
        let message = format!("the simulator did not start: {error}");
        Error::new(ErrorKind::Configuration, message).with_source(error)
    })
}

const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The example keys of the API's own documentation, which the simulator knows.
const EXAMPLE_API_KEY: &str = "rh-api-6148effc-c0b1-486c-8940-a1d099456be6";
const EXAMPLE_PRIVATE_KEY: &str = "xQnTJVeQLmw1/Mg2YimEViSpw/SdJcgNXZ5kQkAXNPU=";

#[cfg(test)]
mod tests {
    use super::*;

    fn is_real(environment: &str) -> bool {
        let url = environment.parse().unwrap();
        let named = Target::named(Settings::default(), &BrokerEnvironment::Url(url), "x");
        named.is_real()
    }

    #[test]
    fn what_is_not_on_this_machine_is_taken_for_real() {
        assert!(Target::named(Settings::default(), &BrokerEnvironment::Live, "x").is_real());
        for real in [
            "https://trading.robinhood.com",
            "https://127.0.0.1.example",
            "https://localhost.example",
            "https://example/127.0.0.1",
        ] {
            assert!(is_real(real), "{real}");
        }
        for here in [
            "http://127.0.0.1:4030",
            "http://localhost:1",
            "http://[::1]:1",
        ] {
            assert!(!is_real(here), "{here}");
        }
    }
}
