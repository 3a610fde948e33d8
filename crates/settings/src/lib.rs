#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod error;
mod key;
mod load;
mod read;
mod robinhood;

pub use error::{Problem, SettingsError};
pub use key::Key;
pub use load::{Settings, SettingsBuilder, Source};
pub use read::{BrokerEnvironment, TradeLockerSettings};
pub use robinhood::{RobinhoodCryptoSettings, RobinhoodSettings};
