use std::{borrow::Cow, fmt};

use secrecy::SecretSlice;
use time::OffsetDateTime;
use wheelhouse_core::BrokerId;

/// What sort of thing a record is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordKind(Cow<'static, str>);

impl RecordKind {
    /// Failed logins of a user.
    pub const LOCKOUT: Self = Self(Cow::Borrowed("lockout"));
    /// Whose turn it is to log a user in.
    pub const LOGIN_TURN: Self = Self(Cow::Borrowed("login"));
    /// A login that waits for an answer.
    pub const PENDING_LOGIN: Self = Self(Cow::Borrowed("pending_login"));
    /// A user was asked to approve a login.
    pub const PUSH: Self = Self(Cow::Borrowed("push"));
    /// A session.
    pub const SESSION: Self = Self(Cow::Borrowed("session"));

    /// Makes a kind of a store's text. Any text is one: a store keeps what it does not know.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(Cow::Owned(text.into()))
    }

    /// Returns the kind as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a record is kept: its kind and its id, which is random for everything that this crate stores.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RecordKey {
    /// The kind.
    pub kind: RecordKind,
    /// The id within the kind. Any text, to be kept exactly.
    pub id: String,
}

impl RecordKey {
    /// Makes a key.
    pub fn new(kind: RecordKind, id: impl Into<String>) -> Self {
        Self {
            kind,
            id: id.into(),
        }
    }
}

/// The clear part of a record.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordHead {
    /// Where it is kept.
    pub key: RecordKey,
    /// The broker.
    pub broker: BrokerId,
    /// The user, as the store has it: the name, or its keyed hash under an
    /// [`EncryptedStore`](crate::EncryptedStore).
    pub user: String,
    /// Which write of the record this is; grows with each.
    pub version: u64,
    /// When it was first written, to the microsecond.
    pub created_at: OffsetDateTime,
    /// When it is no longer given out, to the microsecond. `None` is never.
    pub expires_at: Option<OffsetDateTime>,
}

impl RecordHead {
    /// Makes the head of a first version.
    pub fn new(
        key: RecordKey,
        broker: BrokerId,
        user: impl Into<String>,
        created_at: OffsetDateTime,
    ) -> Self {
        Self {
            key,
            broker,
            user: user.into(),
            version: 1,
            created_at: whole_micros(created_at),
            expires_at: None,
        }
    }

    /// Sets the version.
    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    /// Sets when the record is no longer given out.
    #[must_use]
    pub fn with_expiry(mut self, at: impl Into<Option<OffsetDateTime>>) -> Self {
        self.expires_at = at.into().map(whole_micros);
        self
    }

    /// Tells whether the record has expired at `now`.
    pub fn has_expired(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

impl fmt::Debug for RecordHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordHead")
            .field("key", &self.key)
            .field("broker", &self.broker)
            .field("version", &self.version)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A record: the head that a store can read, and a body that it cannot or must not.
#[derive(Clone)]
#[non_exhaustive]
pub struct Record {
    /// The clear part.
    pub head: RecordHead,
    /// The rest, to be kept as it is.
    pub body: SecretSlice<u8>,
    /// An [`EncryptedStore`](crate::EncryptedStore) has opened it with a key that is no longer the
    /// primary one. To write it again seals it under that. No store keeps this.
    pub under_older_key: bool,
}

impl Record {
    /// Puts a record together.
    pub fn new(head: RecordHead, body: impl Into<SecretSlice<u8>>) -> Self {
        Self {
            head,
            body: body.into(),
            under_older_key: false,
        }
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

/// Which records are asked for. What is not set does not narrow.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct RecordQuery {
    /// The kind.
    pub kind: Option<RecordKind>,
    /// The broker.
    pub broker: Option<BrokerId>,
    /// The user, exactly.
    pub user: Option<String>,
    /// Leaves out what has expired by then.
    pub alive_at: Option<OffsetDateTime>,
}

impl RecordQuery {
    /// Asks for everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for one kind.
    #[must_use]
    pub fn with_kind(mut self, kind: RecordKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Asks for one broker.
    #[must_use]
    pub fn with_broker(mut self, broker: impl Into<Option<BrokerId>>) -> Self {
        self.broker = broker.into();
        self
    }

    /// Asks for one user.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Leaves out what has expired at `now`.
    #[must_use]
    pub fn alive_at(mut self, now: OffsetDateTime) -> Self {
        self.alive_at = Some(now);
        self
    }

    /// Tells whether `head` is asked for.
    pub fn matches(&self, head: &RecordHead) -> bool {
        self.kind.as_ref().is_none_or(|kind| *kind == head.key.kind)
            && self
                .broker
                .as_ref()
                .is_none_or(|broker| *broker == head.broker)
            && self.user.as_ref().is_none_or(|user| *user == head.user)
            && self.alive_at.is_none_or(|now| !head.has_expired(now))
    }
}

impl fmt::Debug for RecordQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordQuery")
            .field("kind", &self.kind)
            .field("broker", &self.broker)
            .field("alive_at", &self.alive_at)
            .finish_non_exhaustive()
    }
}

// Databases keep microseconds; what is written has to compare equal to what is read.
fn whole_micros(at: OffsetDateTime) -> OffsetDateTime {
    at.truncate_to_microsecond()
}
