use std::fmt;

use crate::{KeyId, format};

/// Where a record belongs. A record opens only under the binding it was sealed with.
///
/// Parts that are not set are bound as empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    store: String,
    broker: String,
    user: String,
    record: String,
    kind: String,
    version: u64,
}

impl Binding {
    /// Starts the binding of a record of `kind`, such as `session`.
    pub fn new(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            ..Self::default()
        }
    }

    /// Names the store, so that a record does not open in another one.
    #[must_use]
    pub fn store(mut self, namespace: impl Into<String>) -> Self {
        self.store = namespace.into();
        self
    }

    /// Names the broker.
    #[must_use]
    pub fn broker(mut self, broker: impl Into<String>) -> Self {
        self.broker = broker.into();
        self
    }

    /// Names the user, as the store has it; use a [`UserHash`].
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = user.into();
        self
    }

    /// Names the session or other record.
    #[must_use]
    pub fn record(mut self, id: impl Into<String>) -> Self {
        self.record = id.into();
        self
    }

    /// Says which write of the record it is.
    #[must_use]
    pub fn version(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    /// Writes the associated data. `purpose` keeps the wrapped key and the data apart.
    pub(crate) fn associated_data(&self, purpose: &[u8], key: &KeyId) -> Vec<u8> {
        let version = self.version.to_be_bytes();
        let parts: [&[u8]; 11] = [
            format::MAGIC,
            &[format::FORMAT_VERSION],
            &[format::AES_256_GCM],
            purpose,
            key.as_str().as_bytes(),
            self.store.as_bytes(),
            self.broker.as_bytes(),
            self.user.as_bytes(),
            self.record.as_bytes(),
            self.kind.as_bytes(),
            &version,
        ];
        let mut out = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            out.extend_from_slice(&(part.len() as u64).to_be_bytes());
            out.extend_from_slice(part);
        }
        out
    }
}

/// The keyed hash of a user's name: a lookup key that does not tell the name.
///
/// It is HMAC-SHA-256 under a key derived from a sealing key, as 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UserHash(String);

impl UserHash {
    pub(crate) fn new(hash: [u8; 32]) -> Self {
        Self(format::hex(&hash))
    }

    /// Returns the digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UserHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserHash({:.8}…)", self.0)
    }
}

impl From<UserHash> for String {
    fn from(hash: UserHash) -> Self {
        hash.0
    }
}
