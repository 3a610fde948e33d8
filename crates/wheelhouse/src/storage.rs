use std::path::PathBuf;
#[cfg(feature = "robinhood")]
use std::sync::Arc;

#[cfg(all(feature = "robinhood", feature = "sqlite"))]
use wheelhouse_core::Clock;
use wheelhouse_core::Result;
#[cfg(feature = "sqlite")]
use wheelhouse_core::{Error, ErrorKind, Random, SecretString};
#[cfg(feature = "robinhood")]
use wheelhouse_robinhood::DeviceTokens;
#[cfg(all(feature = "robinhood", feature = "sqlite"))]
use wheelhouse_robinhood::StoredDevices;
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
    #[cfg(feature = "robinhood")]
    pub(crate) devices: Arc<dyn DeviceTokens>,
}

impl Opened {
    /// A manager that keeps what it keeps elsewhere. Device tokens live as long as the process.
    pub(crate) fn with_manager(manager: SessionManagerBuilder, key_source: KeySource) -> Self {
        Self {
            manager,
            key_source,
            #[cfg(feature = "robinhood")]
            devices: Arc::new(wheelhouse_robinhood::MemoryDevices::new()),
        }
    }
}

pub(crate) fn in_memory() -> Opened {
    Opened::with_manager(SessionManager::in_memory(), KeySource::None)
}

/// Opens the database and the key file of a directory, making both if they are not there.
#[cfg(feature = "sqlite")]
pub(crate) async fn in_directory(
    dir: Option<PathBuf>,
    key: Option<SecretString>,
    random: &dyn Random,
    #[cfg(feature = "robinhood")] clock: Arc<dyn Clock>,
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
    let store = EncryptedStore::new(store, KeyRing::new(key));
    Ok(Opened {
        #[cfg(feature = "robinhood")]
        devices: Arc::new(StoredDevices::new(store.clone(), clock)),
        manager: SessionManager::builder(store),
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
