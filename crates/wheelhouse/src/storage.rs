use std::path::PathBuf;

use wheelhouse_core::Result;
#[cfg(feature = "sqlite")]
use wheelhouse_core::{Error, ErrorKind, Random, SecretString};
use wheelhouse_session::{SessionManager, SessionManagerBuilder};

use crate::KeySource;

/// Where sessions are to be kept.
#[derive(Debug)]
pub(crate) enum Storage {
    /// In this directory, or in the user's data directory.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code))]
    Directory(Option<PathBuf>),
    Memory,
}

/// A manager to be, and what its records are sealed with.
pub(crate) struct Opened {
    pub(crate) manager: SessionManagerBuilder,
    pub(crate) key_source: KeySource,
}

pub(crate) fn in_memory() -> Opened {
    Opened {
        manager: SessionManager::in_memory(),
        key_source: KeySource::None,
    }
}

/// Opens the database and the key file of a directory, making both if they are not there.
#[cfg(feature = "sqlite")]
pub(crate) async fn in_directory(
    dir: Option<PathBuf>,
    key: Option<SecretString>,
    random: &dyn Random,
) -> Result<Opened> {
    use wheelhouse_crypto::{Key, KeyFile, KeyRing};
    use wheelhouse_session::EncryptedStore;
    use wheelhouse_sqlite::SqliteStore;

    let dir = dir.map_or_else(default_dir, Ok)?;
    let (key, key_source) = match key {
        Some(text) => (Key::from_text(&text)?, KeySource::Given),
        None => {
            let path = dir.join("keys").join("session.key");
            let file = KeyFile::open_or_create(&path, random)?;
            let created = file.was_created();
            (file.into_key(), KeySource::File { path, created })
        }
    };
    let store = SqliteStore::open(dir.join("sessions.db")).await?;
    let manager = SessionManager::builder(EncryptedStore::new(store, KeyRing::new(key)));
    Ok(Opened {
        manager,
        key_source,
    })
}

#[cfg(feature = "sqlite")]
fn default_dir() -> Result<PathBuf> {
    use etcetera::BaseStrategy;

    let strategy = etcetera::choose_base_strategy().map_err(|source| {
        let message = "there is no home directory to keep sessions in; set WHEELHOUSE_DATA_DIR";
        Error::new(ErrorKind::Configuration, message).with_source(source)
    })?;
    Ok(strategy.data_dir().join("wheelhouse"))
}
