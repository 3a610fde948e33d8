use std::path::PathBuf;

use wheelhouse_core::{Error as CoreError, ErrorKind};

use crate::KeyId;

/// The result of calls of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a record could not be sealed or opened, or a key not be had.
///
/// No variant holds a key, a plaintext or a part of one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key provider itself failed.
    #[error("the key provider failed")]
    Backend(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The record does not open: another key, another place, or changed bytes. Which one is not told.
    #[error("the record cannot be opened")]
    Failed,
    /// A passphrase key's stored parameters are weaker or dearer than is allowed.
    #[error("the key derivation parameters are refused: {0}")]
    KdfRefused(String),
    /// The key file could not be read or written.
    #[error("the key file {path} cannot be used")]
    KeyFile {
        /// The file or its directory.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The key file is not safe to use as it lies there.
    #[error("the key file {path} is refused: {problem}")]
    KeyFileRefused {
        /// The file or its directory.
        path: PathBuf,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A key is not usable; the text says what is wrong and never quotes it.
    #[error("the key is refused: {0}")]
    KeyRefused(String),
    /// The key has wrapped as many data keys as is safe: make a new one the primary.
    #[error("the key {0} has sealed as many records as one key may: add a new primary key")]
    KeyWorn(KeyId),
    /// The bytes are not a sealed record, or not a whole one.
    #[error("the record is malformed: {0}")]
    Malformed(&'static str),
    /// The random source failed.
    #[error("the random source failed")]
    Random(#[source] CoreError),
    /// The plaintext is larger than a record may be.
    #[error("a record holds at most {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The record was sealed with an algorithm that this version does not know.
    #[error("the record is sealed with algorithm {0}, which is not known here")]
    UnknownAlgorithm(u8),
    /// The record was sealed with a key that is not in the ring.
    #[error("the record is sealed with the key {0}, which is not at hand")]
    UnknownKey(KeyId),
    /// The record has a format version that this version does not know.
    #[error("the record has format version {0}, which is not known here")]
    UnknownVersion(u8),
}

impl Error {
    /// Returns the kind that [`wheelhouse_core::Error`] gives it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Failed
            | Self::Malformed(_)
            | Self::UnknownAlgorithm(_)
            | Self::UnknownVersion(_) => ErrorKind::CorruptRecord,
            Self::Backend(_) | Self::KeyWorn(_) | Self::Random(_) | Self::UnknownKey(_) => {
                ErrorKind::KeyUnavailable
            }
            Self::KdfRefused(_) | Self::KeyRefused(_) => ErrorKind::Configuration,
            Self::KeyFile { source, .. } => match source.kind() {
                std::io::ErrorKind::PermissionDenied => ErrorKind::StoragePermission,
                std::io::ErrorKind::StorageFull => ErrorKind::StorageWrite,
                _ => ErrorKind::StorageRead,
            },
            Self::KeyFileRefused { .. } => ErrorKind::StoragePermission,
            Self::TooLarge { .. } => ErrorKind::InvalidInput,
        }
    }
}

impl From<Error> for CoreError {
    fn from(error: Error) -> Self {
        Self::new(error.kind(), error.to_string()).with_source(error)
    }
}
