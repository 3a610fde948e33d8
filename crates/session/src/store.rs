use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use time::OffsetDateTime;
use wheelhouse_core::{Error, ErrorKind};

use crate::{Record, RecordHead, RecordKey, RecordQuery};

/// Keeps records whose bodies it cannot read.
///
/// Every write is a compare-and-swap on the version: of two writers that have read the same version,
/// one fails with [`StoreError::Conflict`]. A write that has returned survives the process, and a
/// loss of power where the store is on a disk. Text in keys and heads is kept exactly,
/// whatever characters it has. Put an [`EncryptedStore`](crate::EncryptedStore) above it.
///
/// The suite in `wheelhouse-testkit` says what an implementation has to do, and checks it.
#[async_trait]
pub trait SessionStore: fmt::Debug + Send + Sync + 'static {
    /// Names this store, differently from every other one: records are bound to it.
    fn namespace(&self) -> String;

    /// Returns a record, or `None` if there is none or it has expired at `now`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Read`], or a more telling variant.
    async fn load(
        &self,
        key: &RecordKey,
        now: OffsetDateTime,
    ) -> Result<Option<Record>, StoreError>;

    /// Writes a record if what stands there is what `write` expects.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if something else stands there; [`StoreError::LimitReached`];
    /// [`StoreError::Write`], or a more telling variant. Nothing has changed then.
    async fn save(&self, record: &Record, write: Write) -> Result<(), StoreError>;

    /// Deletes a record, and tells whether there was one. Expired ones count.
    ///
    /// # Errors
    ///
    /// [`StoreError::Write`], or a more telling variant.
    async fn delete(&self, key: &RecordKey) -> Result<bool, StoreError>;

    /// Returns the heads of the records that `query` asks for, the oldest first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Read`], or a more telling variant.
    async fn list(&self, query: &RecordQuery) -> Result<Vec<RecordHead>, StoreError>;

    /// Deletes the records and leases that have expired at `now`, and returns how many records there
    /// were. The generations of such leases begin anew.
    ///
    /// # Errors
    ///
    /// [`StoreError::Write`], or a more telling variant.
    async fn prune(&self, now: OffsetDateTime) -> Result<u64, StoreError>;

    /// Takes, extends or releases a lease.
    ///
    /// Taken if nobody has it, if its time is over, or if `request.holder` has it already. Returns
    /// its generation, which grows each time it changes hands, or `None` if another holder has it.
    /// A `ttl` of zero releases it if the holder has it, and returns `None`.
    ///
    /// A lease saves work; it does not protect a record. The version does.
    ///
    /// # Errors
    ///
    /// [`StoreError::Write`], or a more telling variant.
    async fn lease(&self, request: &LeaseRequest) -> Result<Option<u64>, StoreError>;
}

/// What a write expects to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Write {
    /// No record, or one that has expired at `now`. If `limit` is set, there may be no more
    /// unexpired records of this kind, broker and user than that, this one included.
    Insert {
        /// The most records of the same kind, broker and user.
        limit: Option<u32>,
        /// When a record has expired.
        now: OffsetDateTime,
    },
    /// The record in this version. The new version is greater.
    Replace {
        /// The version that was read.
        version: u64,
    },
}

/// What is asked of [`SessionStore::lease`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseRequest {
    /// What is leased. Any text, to be kept exactly.
    pub name: String,
    /// Who asks; different for each process.
    pub holder: String,
    /// For how long; zero releases.
    pub ttl: Duration,
    /// The time now.
    pub now: OffsetDateTime,
}

impl LeaseRequest {
    /// Asks for a lease from `now` on.
    pub fn take(
        name: impl Into<String>,
        holder: impl Into<String>,
        ttl: Duration,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            name: name.into(),
            holder: holder.into(),
            ttl,
            now,
        }
    }

    /// Gives a lease back.
    pub fn release(
        name: impl Into<String>,
        holder: impl Into<String>,
        now: OffsetDateTime,
    ) -> Self {
        Self::take(name, holder, Duration::ZERO, now)
    }

    /// Returns when the lease ends.
    pub fn until(&self) -> OffsetDateTime {
        self.now
            .saturating_add(self.ttl.try_into().unwrap_or(time::Duration::MAX))
    }
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a store could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else has written the record in between.
    #[error("somebody else has written the record in between")]
    Conflict,
    /// A record, or the store itself, cannot be read.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// The record could not be sealed or opened.
    #[error("{0}")]
    Crypto(#[from] wheelhouse_crypto::Error),
    /// The operating system does not let a file or directory of the store be used.
    #[error("{} cannot be {}: {}", path.display(), if *writing { "written" } else { "read" }, source.kind())]
    File {
        /// Which one.
        path: PathBuf,
        /// Whether it was to be written.
        writing: bool,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// There are as many records of this user as are allowed.
    #[error("the user has {limit} already, which is the limit")]
    LimitReached {
        /// The limit.
        limit: u32,
    },
    /// Another process has locked the store for too long.
    #[error("the store is locked by another process")]
    Locked,
    /// The store or a record was written by a newer version. It is left untouched.
    #[error(
        "the store was written by a newer version: it has format {found}, this version knows {known}"
    )]
    Newer {
        /// The format that was found.
        found: u64,
        /// The newest format that is known.
        known: u64,
    },
    /// The store's files may not be used, or anybody could use them.
    #[error("{0}")]
    Permission(String),
    /// Reading failed.
    #[error("reading from the store failed")]
    Read(#[source] Cause),
    /// Writing failed.
    #[error("writing to the store failed")]
    Write(#[source] Cause),
}

impl StoreError {
    /// Tells whether a record is damaged, so that nothing is lost by passing it over. One that was
    /// written by another version is not.
    pub fn is_damage(&self) -> bool {
        use wheelhouse_crypto::Error::{Failed, Malformed};
        matches!(self, Self::Corrupt(_) | Self::Crypto(Failed | Malformed(_)))
    }

    /// Returns the kind that [`wheelhouse_core::Error`] gives it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Conflict => ErrorKind::VersionConflict,
            Self::Corrupt(_) | Self::Newer { .. } => ErrorKind::CorruptRecord,
            Self::Crypto(error) => error.kind(),
            Self::LimitReached { .. } => ErrorKind::SessionLimit,
            Self::Locked => ErrorKind::LockTimeout,
            Self::Permission(_) => ErrorKind::StoragePermission,
            Self::File { writing: false, .. } | Self::Read(_) => ErrorKind::StorageRead,
            Self::File { writing: true, .. } | Self::Write(_) => ErrorKind::StorageWrite,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::new(error.kind(), error.to_string()).with_source(error)
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        #[async_trait]
        impl<S: SessionStore + ?Sized> SessionStore for $pointer {
            fn namespace(&self) -> String {
                (**self).namespace()
            }

            async fn load(
                &self,
                key: &RecordKey,
                now: OffsetDateTime,
            ) -> Result<Option<Record>, StoreError> {
                (**self).load(key, now).await
            }

            async fn save(&self, record: &Record, write: Write) -> Result<(), StoreError> {
                (**self).save(record, write).await
            }

            async fn delete(&self, key: &RecordKey) -> Result<bool, StoreError> {
                (**self).delete(key).await
            }

            async fn list(&self, query: &RecordQuery) -> Result<Vec<RecordHead>, StoreError> {
                (**self).list(query).await
            }

            async fn prune(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
                (**self).prune(now).await
            }

            async fn lease(&self, request: &LeaseRequest) -> Result<Option<u64>, StoreError> {
                (**self).lease(request).await
            }
        }
    )*};
}

forward!(Arc<S>, Box<S>);

fn _object_safe(_: &dyn SessionStore) {}
