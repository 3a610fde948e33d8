use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use wheelhouse_sim::robinhood::{Approval, CodeKind, LoginFlow};

/// Logs in to Robinhood and asks you whatever Robinhood asks: an approval in the app, a code, or a
/// visit to its own site. It reads only. Without credentials in the environment it uses a simulator
/// in its own process.
#[derive(Debug, Parser)]
#[command(after_help = "Environment:
  ROBINHOOD_USERNAME, ROBINHOOD_PASSWORD   the login; both or none
  ROBINHOOD_MFA_CODE   the base32 secret of the authenticator app, if codes are to be made of it
  ROBINHOOD_ENVIRONMENT   live (the default), or a base URL (https; http on loopback only)
  WHEELHOUSE_DATA_DIR   where the stored session and the key file are kept
  WHEELHOUSE_KEY   32 bytes in base64 or hex that seal the stored session; without it a key file is made

Interrupt it whenever you like: run it again, and it goes on with the login where it was.

Robinhood's private API is not offered to third parties; for crypto there is an official one, see the
example crypto_order.")]
pub(crate) struct Args {
    /// What the simulator asks for.
    #[arg(long, value_enum, default_value_t = Asked::Sms)]
    pub(crate) challenge: Asked,
    /// Where the stored session and the key file are kept [default: the user's data directory].
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Takes up the tokens in a cache of robin_stocks (~/.tokens/robinhood.pickle) instead of logging
    /// in. The file is read as data and never run.
    #[arg(long, value_name = "FILE")]
    pub(crate) import: Option<PathBuf>,
    /// Ends the session in the end, here and at Robinhood.
    #[arg(long)]
    pub(crate) logout: bool,
    /// Reads with the session's second token, which can only read.
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Asks for a code by SMS where Robinhood wants a tap in its app.
    #[arg(long)]
    pub(crate) text: bool,
    /// Waits this long at most, and tries again, when Robinhood limits logins.
    #[arg(
        long,
        allow_negative_numbers = true,
        value_name = "SECONDS",
        default_value_t = 600
    )]
    pub(crate) patience: u64,
}

/// What a simulated broker asks of its user.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Asked {
    /// A code of the authenticator app, to approve the device.
    App,
    /// A photo or a bank: only a person can do that.
    Human,
    /// A code by SMS, in the way of old clients.
    Legacy,
    /// A code by mail.
    Mail,
    /// A code of the authenticator app, with the password.
    Mfa,
    /// Nothing.
    Nothing,
    /// A tap in the app.
    Prompt,
    /// A code by SMS.
    Sms,
}

impl Asked {
    pub(crate) fn flow(self) -> LoginFlow {
        match self {
            Self::App => LoginFlow::Approval(Approval::App),
            Self::Human => LoginFlow::Approval(Approval::Human),
            Self::Legacy => LoginFlow::LegacyChallenge(CodeKind::Sms),
            Self::Mail => LoginFlow::Approval(Approval::Email),
            Self::Mfa => LoginFlow::MfaRequired(CodeKind::App),
            Self::Nothing => LoginFlow::Granted,
            Self::Prompt => LoginFlow::Approval(Approval::Prompt),
            Self::Sms => LoginFlow::Approval(Approval::Sms),
        }
    }
}
