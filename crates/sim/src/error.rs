//! What can go wrong while a simulator is set up.

use std::{io, net::SocketAddr};

/// A result of this crate.
pub type Result<T, E = SimError> = std::result::Result<T, E>;

/// Why a simulator did not start, or a script was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// The address could not be listened on.
    #[error("cannot listen on {addr}")]
    Bind {
        /// The address that was asked for.
        addr: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The builder was given no broker to simulate.
    #[error(
        "nothing to simulate: name a broker's address, such as --robinhood 127.0.0.1:0, --robinhood-crypto 127.0.0.1:0 or --tradelocker 127.0.0.1:0"
    )]
    NoBroker,
    /// The address is reachable from other machines.
    #[error(
        "{addr} is not a loopback address: a simulator serves this machine only, use 127.0.0.1 or [::1]"
    )]
    NotLoopback {
        /// The address that was asked for.
        addr: SocketAddr,
    },
    /// A script is not valid; the text names the line and the field.
    #[error("script line {line}, column {column}: {message}")]
    Script {
        /// First wrong line, from 1.
        line: usize,
        /// Column in that line, from 1.
        column: usize,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// A script file could not be read.
    #[error("cannot read the script {path}")]
    ScriptFile {
        /// The file that was named.
        path: std::path::PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// An account id that no user of the simulated broker has.
    #[error("no account has the id {id:?}")]
    UnknownAccount {
        /// The id that was asked for.
        id: String,
    },
    /// A symbol that the simulated broker does not list.
    #[error("no instrument is called {name:?}; {known}")]
    UnknownInstrument {
        /// The name that was asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// Two users share a login, or two accounts an id.
    #[error("{what} {id:?} is used twice")]
    Duplicate {
        /// What was repeated.
        what: &'static str,
        /// The repeated value.
        id: String,
    },
    /// A column that the broker does not have in this table, or a table without columns.
    #[error("columns of {table}: {message}")]
    Columns {
        /// The table's name in the broker's configuration.
        table: &'static str,
        /// What is wrong.
        message: String,
    },
}
