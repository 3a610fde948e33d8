use std::{fmt, net::SocketAddr, path::PathBuf};

use wheelhouse::{
    Connector, Error, ErrorKind, Result,
    settings::{BrokerEnvironment, Key, Settings, SettingsBuilder},
};
use wheelhouse_sim::{
    Sim, SimBuilder, SimError,
    robinhood::{self, Approval, LoginFlow},
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
        // The simulated web flow knows prompts and codes by SMS; the flow of the apps knows them all.
        behaviour.identi = !matches!(login, LoginFlow::Approval(Approval::App | Approval::Email));
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
                let practice = ["127.", "localhost", "[::1]"];
                let host = url.host_str().unwrap_or_default();
                let is_practice = practice.iter().any(|start| host.starts_with(start));
                (!is_practice, url.origin().ascii_serialization())
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

fn environment() -> SettingsBuilder {
    Settings::builder().variables(std::env::vars_os())
}

async fn start(builder: SimBuilder) -> Result<Sim> {
    builder.start().await.map_err(|error: SimError| {
        let message = format!("the simulator did not start: {error}");
        Error::new(ErrorKind::Configuration, message).with_source(error)
    })
}

const ANY_PORT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// The example keys of the API's own documentation, which the simulator knows.
const EXAMPLE_API_KEY: &str = "rh-api-6148effc-c0b1-486c-8940-a1d099456be6";
const EXAMPLE_PRIVATE_KEY: &str = "xQnTJVeQLmw1/Mg2YimEViSpw/SdJcgNXZ5kQkAXNPU=";
