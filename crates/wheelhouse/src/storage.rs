use std::path::PathBuf;
#[cfg(any(feature = "robinhood", feature = "sqlite"))]
use std::sync::Arc;

#[cfg(feature = "sqlite")]
use wheelhouse_core::{Clock, Error, ErrorKind, Random, Result, SecretString};
#[cfg(feature = "robinhood")]
use wheelhouse_robinhood::DeviceTokens;
#[cfg(all(feature = "robinhood", feature = "sqlite"))]
use wheelhouse_robinhood::StoredDevices;
#[cfg(feature = "sqlite")]
use wheelhouse_session::{EncryptedStore, RecordQuery, SessionStore};
use wheelhouse_session::{SessionManager, SessionManagerBuilder};
#[cfg(feature = "sqlite")]
use wheelhouse_sqlite::SqliteStore;

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
    /// What has to be closed; a manager of the caller's own is the caller's to close.
    #[cfg(feature = "sqlite")]
    pub(crate) store: Option<SqliteStore>,
    #[cfg(feature = "robinhood")]
    pub(crate) devices: Arc<dyn DeviceTokens>,
}

impl Opened {
    /// A manager that keeps what it keeps elsewhere. Device tokens live as long as the process.
    pub(crate) fn with_manager(manager: SessionManagerBuilder, key_source: KeySource) -> Self {
        Self {
            manager,
            key_source,
            #[cfg(feature = "sqlite")]
            store: None,
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
    clock: Arc<dyn Clock>,
) -> Result<Opened> {
    use wheelhouse_crypto::{Key, KeyFile, KeyRing};

    let dir = dir.map_or_else(default_dir, Ok)?;
    let given = key
        .map(|text| Key::from_text(&text))
        .transpose()
        .map_err(|error| {
            let message = format!("the setting WHEELHOUSE_KEY is no key: {error}");
            Error::new(ErrorKind::Configuration, message).with_source(error)
        })?;
    // The store looks at the directory; nothing is written into one that is not fit.
    let store = SqliteStore::open(dir.join("sessions.db")).await?;
    let (key, key_source) = match given {
        Some(key) => (key, KeySource::Given),
        None => {
            let path = dir.join("keys").join("session.key");
            let file = KeyFile::open_or_create(&path, random)?;
            let created = file.was_created();
            (file.into_key(), KeySource::File { path, created })
        }
    };
    let file = store.clone();
    let store = EncryptedStore::new(store, KeyRing::new(key));
    check_key(&store, &*clock).await?;
    Ok(Opened {
        #[cfg(feature = "robinhood")]
        devices: Arc::new(StoredDevices::new(store.clone(), clock)),
        manager: SessionManager::builder(store),
        key_source,
        store: Some(file),
    })
}

/// Refuses a key that opens nothing of what is stored: sessions would be silently out of reach, and
/// their number without limit.
#[cfg(feature = "sqlite")]
async fn check_key(store: &EncryptedStore<SqliteStore>, clock: &dyn Clock) -> Result<()> {
    let now = clock.now();
    let mut refused = None;
    for head in store.list(&RecordQuery::new().alive_at(now)).await? {
        match store.load(&head.key, now).await {
            Err(error) if error.kind() == ErrorKind::KeyUnavailable => refused = Some(error),
            _ => return Ok(()),
        }
    }
    refused.map_or(Ok(()), |error| {
        let path = store.inner().path().display();
        let message = format!(
            "the sessions in {path} are sealed with another key; give that key again, or remove the \
             file to log in anew"
        );
        Err(Error::new(ErrorKind::KeyUnavailable, message).with_source(error))
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
