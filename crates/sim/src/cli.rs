//! Command line and life of the program.

use std::{
    error::Error,
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use clap::{Parser, ValueEnum};
use secrecy::SecretString;
use serde::Serialize;
use tracing_subscriber::EnvFilter;
use wheelhouse_sim::{
    Script, Sim, SimError,
    robinhood::{self, Approval, CodeKind, LoginFlow},
    robinhood_crypto,
    tradelocker::{RateLimits, Settings, UserSpec},
};

/// Stock positions of the first account of the wheel's world.
const WORLD_POSITIONS: usize = 3;
/// Life of TradeLocker's access tokens in seconds.
const HOUR: u64 = 3_600;
/// Contracts in the chain of F.
const WORLD_CONTRACTS: usize = 56;

/// Simulated brokers on loopback that speak the real protocols.
///
/// Prints one JSON line with the addresses when it is ready, logs to standard error, and ends
/// with status 0 on SIGINT or SIGTERM.
#[derive(Debug, Parser)]
#[command(name = "wheelhouse-sim", version)]
pub(crate) struct Options {
    /// Simulate Robinhood's private API on this loopback address; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address)]
    robinhood: Option<SocketAddr>,

    /// How Robinhood answers a login from an unknown device.
    #[arg(long, value_enum, default_value_t = RobinhoodLogin::Prompt)]
    robinhood_login: RobinhoodLogin,

    /// Rows of a Robinhood page if the request does not say.
    #[arg(long, allow_negative_numbers = true, value_name = "ROWS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    robinhood_page_size: u32,

    /// Stock positions of the first Robinhood account: the three of its world, then ten shares each
    /// of W0001, W0002 and so on.
    #[arg(long, allow_negative_numbers = true, value_name = "ROWS", default_value_t = 3, value_parser = clap::value_parser!(u32).range(3..=10_000))]
    robinhood_positions: u32,

    /// Contracts in the option chain of F: the 56 of its world, then calls and puts on rising
    /// strikes from 100.
    #[arg(long, allow_negative_numbers = true, value_name = "CONTRACTS", default_value_t = 56, value_parser = clap::value_parser!(u32).range(56..=100_000))]
    robinhood_contracts: u32,

    /// Simulate the Robinhood Crypto API on this loopback address; port 0 takes a free one. The
    /// known key is the example of the API's documentation.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address)]
    robinhood_crypto: Option<SocketAddr>,

    /// Simulate TradeLocker on this loopback address; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address)]
    tradelocker: Option<SocketAddr>,

    /// Faults, prices, moves and settings, as JSON; the format is in the crate's README. Settings
    /// in it come before those of other flags.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,

    /// Seed of prices, ids and chances.
    #[arg(long, allow_negative_numbers = true, default_value_t = 1)]
    seed: u64,

    /// E-mail address that can log in.
    #[arg(long, default_value = "demo@example.com")]
    user: String,

    /// Its password.
    #[arg(long, default_value = "demo-password")]
    password: SecretString,

    /// Its server name; TradeLocker only.
    #[arg(long, default_value = "DEMO")]
    server: String,

    /// How many accounts it has; TradeLocker only.
    #[arg(long, allow_negative_numbers = true, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=100))]
    accounts: u32,

    /// Rate limits.
    #[arg(long, value_enum, default_value_t = Limits::Captured)]
    rate_limits: Limits,

    /// Life of access tokens in seconds [default: 3600 of TradeLocker, 691200 of Robinhood].
    #[arg(long, allow_negative_numbers = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    access_token_life: Option<u64>,

    /// Life of refresh tokens in seconds; TradeLocker only.
    #[arg(long, allow_negative_numbers = true, value_name = "SECONDS", default_value_t = 604_800, value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    refresh_token_life: u64,

    /// Log every request and fault.
    #[arg(short, long, conflicts_with_all = ["quiet", "log"])]
    verbose: bool,

    /// Log errors only. The line with the addresses is printed all the same.
    #[arg(short, long, conflicts_with = "log")]
    quiet: bool,

    /// What is logged to standard error, as in `info` or `wheelhouse_sim=debug` [default: info].
    #[arg(long, value_name = "FILTER", value_parser = filter)]
    log: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Limits {
    /// As captured from the real broker.
    Captured,
    /// None.
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RobinhoodLogin {
    /// Approval with a code from the authenticator app.
    App,
    /// Wrong credentials, whatever was sent.
    BadCredentials,
    /// Approval with a code by mail, which is 758447.
    Email,
    /// Tokens at once.
    Granted,
    /// Approval on a screen that only a human can pass.
    Human,
    /// The challenge that old clients know, with a code by SMS.
    LegacyChallenge,
    /// A code from the authenticator app as `mfa_code`.
    Mfa,
    /// A code by SMS as `mfa_code`.
    MfaSms,
    /// A page of HTML with status 503.
    Page,
    /// Approval by a tap in the app, which comes after the first poll.
    Prompt,
    /// Approval with a code by SMS, which is 758447.
    Sms,
    /// Status 429, to be repeated after five minutes.
    Throttled,
}

impl RobinhoodLogin {
    fn flow(self) -> LoginFlow {
        match self {
            Self::App => LoginFlow::Approval(Approval::App),
            Self::BadCredentials => LoginFlow::BadCredentials,
            Self::Email => LoginFlow::Approval(Approval::Email),
            Self::Granted => LoginFlow::Granted,
            Self::Human => LoginFlow::Approval(Approval::Human),
            Self::LegacyChallenge => LoginFlow::LegacyChallenge(CodeKind::Sms),
            Self::Mfa => LoginFlow::MfaRequired(CodeKind::App),
            Self::MfaSms => LoginFlow::MfaRequired(CodeKind::Sms),
            Self::Page => LoginFlow::Page(503),
            Self::Prompt => LoginFlow::Approval(Approval::Prompt),
            Self::Sms => LoginFlow::Approval(Approval::Sms),
            Self::Throttled => LoginFlow::Throttled(300),
        }
    }
}

#[derive(Serialize)]
struct Ready {
    #[serde(skip_serializing_if = "Option::is_none")]
    robinhood: Option<Origin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    robinhood_crypto: Option<Origin>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tradelocker: Option<Addresses>,
    seed: u64,
}

#[derive(Serialize)]
struct Origin {
    origin: String,
}

#[derive(Serialize)]
struct Addresses {
    origin: String,
    api: String,
}

/// Checks a filter, which cannot be cloned and so is kept as text.
fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let wanted = "an IP address and a port are expected, such as 127.0.0.1:4010";
    text.parse().map_err(|_| wanted)
}

fn filter(text: &str) -> Result<String, tracing_subscriber::filter::ParseError> {
    EnvFilter::try_new(text).map(|_| text.to_owned())
}

/// A command line that cannot be used: the sentence of `clap` with the code of wrong input, or of
/// a missing field.
pub(crate) fn refusal(error: &clap::Error) -> String {
    use clap::error::ErrorKind;

    let code = match error.kind() {
        ErrorKind::MissingRequiredArgument => 5002,
        _ => 5001,
    };
    let text = error.to_string();
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    format!("{first} (code {code})\n{rest}")
        .trim_end()
        .to_owned()
}

/// The code of an error, as in the other programs of the workspace.
fn code(error: &(dyn Error + 'static)) -> Option<u16> {
    Some(match error.downcast_ref::<SimError>()? {
        SimError::NoBroker => 5002,
        SimError::Bind { .. } | SimError::Script { .. } | SimError::ScriptFile { .. } => 5003,
        _ => 5001,
    })
}

impl Options {
    pub(crate) fn log_filter(&self) -> EnvFilter {
        let filter = match (&self.log, self.verbose, self.quiet) {
            (Some(filter), ..) => filter,
            (None, true, _) => "info,wheelhouse_sim=debug",
            (None, false, true) => "error",
            (None, false, false) => "info",
        };
        EnvFilter::new(filter)
    }
}

pub(crate) async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let ended = end()?;
    let asked = [
        options.robinhood.is_some(),
        options.robinhood_crypto.is_some(),
        options.tradelocker.is_some(),
    ];
    let sizes = Sizes {
        positions: usize::try_from(options.robinhood_positions)?,
        contracts: usize::try_from(options.robinhood_contracts)?,
    };
    let mut sim = Sim::builder().seed(options.seed);
    if let Some(addr) = options.robinhood {
        let mut settings = robinhood::Settings::new();
        settings.login = options.robinhood_login.flow();
        if let Some(life) = options.access_token_life {
            settings.access_token_life = Duration::from_secs(life);
        }
        settings.page_size = usize::try_from(options.robinhood_page_size)?;
        if options.rate_limits == Limits::Captured {
            settings.rate_limits = robinhood::RateLimits::observed();
        }
        let user = robinhood::UserSpec::new(options.user.clone(), options.password.clone());
        sim = sim
            .robinhood(addr)
            .robinhood_settings(settings)
            .robinhood_user(user.wheel_world());
    }
    if let Some(addr) = options.robinhood_crypto {
        let mut settings = robinhood_crypto::Settings::new();
        if options.rate_limits == Limits::Off {
            settings.limit = None;
        }
        sim = sim
            .robinhood_crypto(addr)
            .robinhood_crypto_settings(settings);
    }
    let user = UserSpec::new(options.user, options.password, options.server);
    let limits = match options.rate_limits {
        Limits::Captured => RateLimits::captured(),
        Limits::Off => RateLimits::off(),
    };
    let settings = Settings::new()
        .rate_limits(limits)
        .access_token_life(Duration::from_secs(
            options.access_token_life.unwrap_or(HOUR),
        ))
        .refresh_token_life(Duration::from_secs(options.refresh_token_life));
    let script = options
        .script
        .map(Script::from_file)
        .transpose()?
        .unwrap_or_default();
    if let Some(addr) = options.tradelocker {
        sim = sim.tradelocker(addr);
    }
    let sim = sim
        .user(user.account_count(options.accounts))
        .settings(settings)
        .script(script)
        .start()
        .await?;
    if asked[0] {
        seed(sim.robinhood(), &sizes)?;
    }
    announce(&sim, asked)?;
    ended.await;
    sim.shutdown().await;
    Ok(())
}

/// How much there is beside the ordinary world.
struct Sizes {
    positions: usize,
    contracts: usize,
}

fn seed(broker: &robinhood::RobinhoodSim, sizes: &Sizes) -> Result<(), Box<dyn Error>> {
    broker.seed_positions("100200301", sizes.positions.saturating_sub(WORLD_POSITIONS))?;
    broker.seed_contracts("F", sizes.contracts.saturating_sub(WORLD_CONTRACTS))?;
    Ok(())
}

/// Listens for the signals that end the program, from this call on.
#[cfg(unix)]
fn end() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn end() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

fn announce(sim: &Sim, asked: [bool; 3]) -> Result<(), Box<dyn Error>> {
    let [robinhood, robinhood_crypto, tradelocker] = asked;
    let ready = Ready {
        robinhood: robinhood.then(|| Origin {
            origin: sim.robinhood().origin(),
        }),
        robinhood_crypto: robinhood_crypto.then(|| Origin {
            origin: sim.robinhood_crypto().origin(),
        }),
        tradelocker: tradelocker.then(|| Addresses {
            origin: sim.tradelocker().origin(),
            api: sim.tradelocker().api_url(),
        }),
        seed: sim.seed(),
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(&ready)?)?;
    Ok(out.flush()?)
}

/// An error with its causes and its code, as one sentence.
pub(crate) fn sentence(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let code = code(error);
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    if let Some(code) = code {
        text.push_str(&format!(" (code {code})"));
    }
    text
}
