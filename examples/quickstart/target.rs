use std::{fmt, net::SocketAddr, path::Path};

use wheelhouse::{
    prelude::*,
    settings::{BrokerEnvironment, Key, Settings},
};
use wheelhouse_examples::is_this_machine;
use wheelhouse_sim::{Script, Sim};

use crate::args::Args;

/// Whom the run talks to.
pub(crate) struct Target {
    pub(crate) settings: Settings,
    /// Keeps the simulator running.
    pub(crate) sim: Option<Sim>,
    pub(crate) is_live: bool,
    text: String,
}

/// Takes the host that the environment names, or starts a simulator.
pub(crate) async fn choose(args: &Args) -> Result<Target> {
    let settings = Settings::builder().variables(std::env::vars_os()).build()?;
    match settings.tradelocker()? {
        Some(_) if args.script.is_some() => Err(Error::new(
            ErrorKind::InvalidInput,
            "--script is for the simulator, and TRADELOCKER_EMAIL asks for a real host",
        )),
        Some(login) => Ok(Target {
            is_live: is_live(&login.environment),
            text: describe(&login.environment),
            settings,
            sim: None,
        }),
        None => simulated(args.script.as_deref()).await,
    }
}

async fn simulated(script: Option<&Path>) -> Result<Target> {
    let failed = |error: wheelhouse_sim::SimError| {
        Error::new(
            ErrorKind::Configuration,
            format!("the simulator did not start: {error}"),
        )
        .with_source(error)
    };
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    // As a broker does, the simulator knows the sessions of earlier runs.
    let broker = wheelhouse_sim::tradelocker::Settings::new().earlier_runs(true);
    let mut builder = Sim::builder().tradelocker(any_port).settings(broker);
    if let Some(path) = script {
        builder = builder.script(Script::from_file(path).map_err(failed)?);
    }
    let sim = builder.start().await.map_err(failed)?;
    let settings = Settings::builder()
        .variables(std::env::vars_os())
        .set(Key::TradeLockerEmail, "demo@example.com")
        .set(Key::TradeLockerPassword, "demo-password")
        .set(Key::TradeLockerServer, "DEMO")
        .set(Key::TradeLockerEnvironment, sim.tradelocker().origin())
        .build()?;
    let text = format!(
        "no credentials in the environment, so a simulator was started at {}",
        sim.tradelocker().origin()
    );
    Ok(Target {
        settings,
        sim: Some(sim),
        is_live: false,
        text,
    })
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A host that is not known to be for practice is taken for live.
fn is_live(environment: &BrokerEnvironment) -> bool {
    match environment {
        BrokerEnvironment::Demo => false,
        BrokerEnvironment::Url(url) => {
            let host = url.host_str().unwrap_or_default();
            let is_named = ["demo.", "stg."].iter().any(|name| host.starts_with(name));
            let is_practice = is_named && host.ends_with(".tradelocker.com");
            !is_practice && !is_this_machine(host)
        }
        _ => true,
    }
}

fn describe(environment: &BrokerEnvironment) -> String {
    match environment {
        BrokerEnvironment::Demo => "TradeLocker's demo host".to_owned(),
        BrokerEnvironment::Live => "TradeLocker's live host".to_owned(),
        BrokerEnvironment::Url(url) => url.origin().ascii_serialization(),
        other => format!("{other:?}"),
    }
}
