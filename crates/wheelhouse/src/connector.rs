#[cfg(feature = "sqlite")]
use std::path::PathBuf;
use std::{fmt, sync::Arc};

use wheelhouse_core::{Broker, Clock, Error, ErrorKind, Random, Result, SystemClock};
use wheelhouse_crypto::SystemRandom;
use wheelhouse_http::HttpClient;
use wheelhouse_ratelimit::{Limiter, LocalLimiter};
#[cfg(feature = "robinhood")]
use wheelhouse_robinhood::DeviceTokens;
use wheelhouse_session::{SessionManager, SessionManagerBuilder};
use wheelhouse_settings::Settings;

use crate::{
    KeySource,
    storage::{self, Storage},
};

/// Builds brokers from settings and holds what they share: connections, limits, sessions.
///
/// One is enough for a process, however many users it serves. A clone is the same connector.
///
/// ```no_run
/// use wheelhouse::{Connector, settings::{Key, Settings}};
///
/// # async fn run() -> wheelhouse::Result<()> {
/// let settings = Settings::builder()
///     .variables(std::env::vars_os())
///     .set(Key::TradeLockerEnvironment, "demo")
///     .build()?;
/// let connector = Connector::builder().settings(settings).build().await?;
/// let broker = connector.connect("tradelocker").await?;
/// println!("{} accounts", broker.accounts().await?.len());
/// connector.close().await;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Connector {
    pub(crate) settings: Settings,
    pub(crate) http: HttpClient,
    pub(crate) sessions: SessionManager,
    pub(crate) random: Arc<dyn Random>,
    #[cfg_attr(not(feature = "tradelocker"), allow(dead_code))]
    pub(crate) realm: Option<String>,
    #[cfg(feature = "robinhood")]
    pub(crate) devices: Arc<dyn DeviceTokens>,
    key_source: KeySource,
    #[cfg(feature = "sqlite")]
    store: Option<wheelhouse_sqlite::SqliteStore>,
}

impl Connector {
    /// Starts to build a connector.
    pub fn builder() -> ConnectorBuilder {
        ConnectorBuilder::default()
    }

    /// Connects to a broker by its name (`robinhood`, `robinhood-crypto`, `tradelocker`): with the stored session if it still
    /// lives, with a login otherwise.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if there is no such broker in this build, naming those that there
    /// are; otherwise as the method named after the broker.
    pub async fn connect(&self, broker: &str) -> Result<Arc<dyn Broker>> {
        match broker {
            #[cfg(feature = "tradelocker")]
            "tradelocker" => Ok(Arc::new(self.tradelocker().await?.broker)),
            #[cfg(feature = "robinhood")]
            "robinhood" => Ok(Arc::new(self.robinhood().await?.broker)),
            #[cfg(feature = "robinhood")]
            "robinhood-crypto" => Ok(Arc::new(self.robinhood_crypto()?)),
            _ => Err(unknown_broker(broker)),
        }
    }

    /// Returns the manager of all sessions, to list, validate and end them.
    pub fn sessions(&self) -> &SessionManager {
        &self.sessions
    }

    /// Returns the HTTP client that every broker shares.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    /// Returns the random source.
    pub fn random(&self) -> &Arc<dyn Random> {
        &self.random
    }

    /// Returns the settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns where the key comes from that seals stored sessions.
    pub fn key_source(&self) -> &KeySource {
        &self.key_source
    }

    /// Closes the file of the sessions once what is being written has ended: SQLite's log goes, and
    /// the one file stays.
    ///
    /// It is for the end of a program, after the last call of a broker: clones of the connector are
    /// closed too, connecting again fails, and what a session becomes afterwards is not stored, so
    /// that the next start may have to log in.
    ///
    /// Without it nothing is lost: the log stays beside the file (`sessions.db-wal` and
    /// `sessions.db-shm`), and the next start reads it. It stays as long as another process has the
    /// file open, too. Sessions in memory, and a
    /// [`session_manager`](ConnectorBuilder::session_manager) of one's own, are left as they are.
    pub async fn close(&self) {
        #[cfg(feature = "sqlite")]
        if let Some(store) = &self.store {
            store.close().await;
        }
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("settings", &self.settings)
            .field("sessions", &self.sessions)
            .field("key_source", &self.key_source)
            .finish_non_exhaustive()
    }
}

/// Builds a [`Connector`].
pub struct ConnectorBuilder {
    settings: Settings,
    storage: Storage,
    manager: Option<SessionManagerBuilder>,
    http: Option<HttpClient>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    limiter: Option<Arc<dyn Limiter>>,
    realm: Option<String>,
    #[cfg(feature = "robinhood")]
    devices: Option<Arc<dyn DeviceTokens>>,
}

impl Default for ConnectorBuilder {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            #[cfg(feature = "sqlite")]
            storage: Storage::Directory(None),
            #[cfg(not(feature = "sqlite"))]
            storage: Storage::Memory,
            manager: None,
            http: None,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom::new()),
            limiter: None,
            realm: None,
            #[cfg(feature = "robinhood")]
            devices: None,
        }
    }
}

impl ConnectorBuilder {
    /// Sets the settings. Without them nothing is known of any broker.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Keeps sessions in an SQLite file in this directory, and the key file below it. The default
    /// is the setting `WHEELHOUSE_DATA_DIR`, then `wheelhouse` in the user's data directory.
    #[cfg(feature = "sqlite")]
    #[must_use]
    pub fn data_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.storage = Storage::Directory(Some(dir.into()));
        self
    }

    /// Keeps sessions in memory: every start logs in.
    #[must_use]
    pub fn in_memory(mut self) -> Self {
        self.storage = Storage::Memory;
        self
    }

    /// Takes a session manager of one's own, with any store and policy. Clock and random source
    /// are set here.
    #[must_use]
    pub fn session_manager(mut self, manager: SessionManagerBuilder) -> Self {
        self.manager = Some(manager);
        self
    }

    /// Takes an HTTP client of one's own, with other deadlines, roots or a proxy. Its limiter is
    /// used, not the one set here.
    #[must_use]
    pub fn http_client(mut self, http: HttpClient) -> Self {
        self.http = Some(http);
        self
    }

    /// Sets the clock. The default is the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the random source. The default is the system's.
    #[must_use]
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Sets the limiter. The default is one for this process.
    #[must_use]
    pub fn limiter(mut self, limiter: Arc<dyn Limiter>) -> Self {
        self.limiter = Some(limiter);
        self
    }

    /// Sets where Robinhood's device tokens are kept: each new one has to be approved by its user.
    /// The default is beside the sessions, or in memory for a
    /// [`session_manager`](Self::session_manager) of one's own.
    #[cfg(feature = "robinhood")]
    #[must_use]
    pub fn robinhood_devices(mut self, devices: Arc<dyn DeviceTokens>) -> Self {
        self.devices = Some(devices);
        self
    }

    /// Names the world that TradeLocker sessions belong to, instead of the host's address. Only for
    /// hosts whose address changes, such as a simulator on a free port: a session is offered to
    /// every host of the same name.
    #[cfg(feature = "tradelocker")]
    #[must_use]
    pub fn tradelocker_realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = Some(realm.into());
        self
    }

    /// Opens the store and builds the connector. No broker is spoken to yet.
    ///
    /// # Errors
    ///
    /// The kinds 4xxx if the store or the key cannot be opened, [`ErrorKind::Configuration`] if the
    /// key of the settings is not one.
    pub async fn build(self) -> Result<Connector> {
        let http = match self.http {
            Some(http) => http,
            None => {
                let limiter = self
                    .limiter
                    .unwrap_or_else(|| Arc::new(LocalLimiter::new(self.clock.clone())));
                HttpClient::builder()
                    .clock(self.clock.clone())
                    .random(self.random.clone())
                    .limiter(limiter)
                    .build()?
            }
        };
        let opened = match (self.manager, self.storage) {
            (Some(manager), _) => storage::Opened::with_manager(manager, KeySource::Given),
            (None, Storage::Memory) => storage::in_memory(),
            #[cfg(feature = "sqlite")]
            (None, Storage::Directory(dir)) => {
                let dir = dir.or_else(|| self.settings.data_dir());
                storage::in_directory(
                    dir,
                    self.settings.sealing_key(),
                    &*self.random,
                    self.clock.clone(),
                )
                .await?
            }
            #[cfg(not(feature = "sqlite"))]
            (None, Storage::Directory(_)) => storage::in_memory(),
        };
        let manager = opened.manager.clock(self.clock).random(self.random.clone());
        Ok(Connector {
            settings: self.settings,
            http,
            sessions: manager.build()?,
            random: self.random,
            realm: self.realm,
            #[cfg(feature = "robinhood")]
            devices: self.devices.unwrap_or(opened.devices),
            key_source: opened.key_source,
            #[cfg(feature = "sqlite")]
            store: opened.store,
        })
    }
}

impl fmt::Debug for ConnectorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectorBuilder")
            .field("settings", &self.settings)
            .field("storage", &self.storage)
            .finish_non_exhaustive()
    }
}

fn unknown_broker(name: &str) -> Error {
    let mut known: Vec<&str> = Vec::new();
    if cfg!(feature = "robinhood") {
        known.extend(["robinhood", "robinhood-crypto"]);
    }
    if cfg!(feature = "tradelocker") {
        known.push("tradelocker");
    }
    let message = match known.as_slice() {
        [] => "this build has no broker; switch on a feature such as tradelocker".to_owned(),
        known => {
            let shown: String = name.chars().take(32).filter(|c| !c.is_control()).collect();
            format!(
                "there is no broker {shown:?} in this build; there is {}",
                known.join(", ")
            )
        }
    };
    Error::new(ErrorKind::Unsupported, message).in_operation("connect")
}
