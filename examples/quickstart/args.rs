use std::path::PathBuf;

use clap::Parser;

/// Logs in to TradeLocker, reads the account, places and cancels an order, opens and closes a
/// position. Without credentials in the environment it uses a simulator in its own process.
#[derive(Debug, Parser)]
#[command(after_help = "Environment:
  TRADELOCKER_EMAIL, TRADELOCKER_PASSWORD, TRADELOCKER_SERVER   the login; all three or none
  TRADELOCKER_ENVIRONMENT   demo (the default), live, or a base URL (https; http on loopback only)
  TRADELOCKER_DEVELOPER_API_KEY   a key of the developer program, if you have one
  WHEELHOUSE_KEY   32 bytes in base64 or hex that seal the stored session; without it a key file is made")]
pub(crate) struct Args {
    /// Reads only: places no order.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Places orders on a live account too.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) trade_live: bool,
    /// Where the stored session and the key file are kept [default: the user's data directory].
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The account to use; needed if the login has several.
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,
    /// What to trade.
    #[arg(long, default_value = "EURUSD")]
    pub(crate) symbol: String,
    /// A file of faults for the simulator; see the README of wheelhouse-sim.
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
}
