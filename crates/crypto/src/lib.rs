#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod backend;
mod binding;
mod error;
mod format;
mod key;
mod key_file;
mod passphrase;
pub mod private_file;
mod ring_of_keys;
mod sealer;

pub use backend::SystemRandom;
pub use binding::{Binding, UserHash};
pub use error::{Error, Result};
pub use format::{FORMAT_VERSION, sealing_key_id};
pub use key::{Key, KeyId};
pub use key_file::KeyFile;
pub use passphrase::{KdfParameters, Passphrase};
pub use ring_of_keys::{KeyProvider, KeyRing};
pub use sealer::Sealer;
