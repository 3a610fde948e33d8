//! What the bodies of this crate's records hold: JSON, with a version of its own.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use time::OffsetDateTime;

use crate::{Challenge, Grant, Identity, PendingLogin, StoreError};

const FORMAT: u64 = 1;

/// A session as it is stored.
pub(crate) struct StoredSession {
    pub(crate) realm: String,
    pub(crate) identity: Identity,
    pub(crate) generation: u64,
    pub(crate) obtained_at: OffsetDateTime,
    pub(crate) grant: Grant,
}

impl StoredSession {
    pub(crate) fn encode(&self) -> Result<SecretSlice<u8>, StoreError> {
        encode(&SessionOut {
            v: FORMAT,
            realm: &self.realm,
            identity: &self.identity,
            generation: self.generation,
            obtained_at: self.obtained_at,
            access: self.grant.access_token().expose_secret(),
            expires_at: self.grant.expires_at(),
            refresh: self.grant.refresh_token().map(|t| t.expose_secret()),
            refresh_expires_at: self.grant.refresh_expires_at(),
            extra: self
                .grant
                .extras()
                .iter()
                .map(|(name, value)| (name.as_str(), value.expose_secret()))
                .collect(),
        })
    }

    pub(crate) fn decode(bytes: &SecretSlice<u8>) -> Result<Self, StoreError> {
        let stored: SessionIn = decode(bytes)?;
        let mut grant = Grant::new(stored.access);
        if let Some(at) = stored.expires_at {
            grant = grant.with_expiry(at);
        }
        if let Some(token) = stored.refresh {
            grant = grant.with_refresh_token(token);
        }
        if let Some(at) = stored.refresh_expires_at {
            grant = grant.with_refresh_expiry(at);
        }
        for (name, value) in stored.extra {
            grant = grant.with_extra(name, value);
        }
        Ok(Self {
            realm: stored.realm,
            identity: stored.identity,
            generation: stored.generation,
            obtained_at: stored.obtained_at,
            grant,
        })
    }
}

/// A login in progress as it is stored. The credentials are not in it.
pub(crate) struct StoredLogin {
    pub(crate) realm: String,
    pub(crate) identity: Identity,
    pub(crate) pending: PendingLogin,
}

impl StoredLogin {
    pub(crate) fn encode(&self) -> Result<SecretSlice<u8>, StoreError> {
        let state = zeroize::Zeroizing::new(STANDARD.encode(self.pending.state()));
        encode(&LoginOut {
            v: FORMAT,
            realm: &self.realm,
            identity: &self.identity,
            challenge: self.pending.challenge(),
            expires_at: self.pending.expires_at(),
            state: &state,
        })
    }

    pub(crate) fn decode(bytes: &SecretSlice<u8>) -> Result<Self, StoreError> {
        let stored: LoginIn = decode(bytes)?;
        let state = STANDARD
            .decode(stored.state.expose_secret())
            .map_err(|_| malformed())?;
        let mut pending = PendingLogin::new(stored.challenge).with_state(state);
        if let Some(at) = stored.expires_at {
            pending = pending.with_expiry(at);
        }
        Ok(Self {
            realm: stored.realm,
            identity: stored.identity,
            pending,
        })
    }
}

/// The failed logins of a user as they are stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredLockout {
    v: u64,
    pub(crate) failures: u32,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) until: Option<OffsetDateTime>,
}

impl StoredLockout {
    pub(crate) fn new(failures: u32, until: Option<OffsetDateTime>) -> Self {
        Self {
            v: FORMAT,
            failures,
            until,
        }
    }

    pub(crate) fn encode(&self) -> Result<SecretSlice<u8>, StoreError> {
        encode(self)
    }

    pub(crate) fn decode(bytes: &SecretSlice<u8>) -> Result<Self, StoreError> {
        decode(bytes)
    }
}

#[derive(Serialize)]
struct SessionOut<'a> {
    v: u64,
    realm: &'a str,
    identity: &'a Identity,
    generation: u64,
    #[serde(with = "time::serde::rfc3339")]
    obtained_at: OffsetDateTime,
    access: &'a str,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    refresh: Option<&'a str>,
    #[serde(with = "time::serde::rfc3339::option")]
    refresh_expires_at: Option<OffsetDateTime>,
    extra: BTreeMap<&'a str, &'a str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionIn {
    #[serde(rename = "v")]
    _v: u64,
    realm: String,
    identity: Identity,
    generation: u64,
    #[serde(with = "time::serde::rfc3339")]
    obtained_at: OffsetDateTime,
    access: SecretString,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    refresh: Option<SecretString>,
    #[serde(with = "time::serde::rfc3339::option")]
    refresh_expires_at: Option<OffsetDateTime>,
    extra: BTreeMap<String, SecretString>,
}

#[derive(Serialize)]
struct LoginOut<'a> {
    v: u64,
    realm: &'a str,
    identity: &'a Identity,
    challenge: &'a Challenge,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    state: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginIn {
    #[serde(rename = "v")]
    _v: u64,
    realm: String,
    identity: Identity,
    challenge: Challenge,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    state: SecretString,
}

#[derive(Deserialize)]
struct AnyVersion {
    v: u64,
}

// The length is counted first: a buffer that grows leaves copies of secrets behind.
fn encode(value: &impl Serialize) -> Result<SecretSlice<u8>, StoreError> {
    let failed = |error: serde_json::Error| StoreError::Write(Box::new(error));
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).map_err(failed)?;
    let mut bytes = Vec::with_capacity(count.0);
    serde_json::to_writer(&mut bytes, value).map_err(failed)?;
    Ok(bytes.into())
}

// What serde_json says about a bad body may quote it, so that is dropped.
fn decode<T: DeserializeOwned>(bytes: &SecretSlice<u8>) -> Result<T, StoreError> {
    let bytes = bytes.expose_secret();
    let AnyVersion { v } = serde_json::from_slice(bytes).map_err(|_| malformed())?;
    if v > FORMAT {
        return Err(StoreError::Newer {
            found: v,
            known: FORMAT,
        });
    }
    serde_json::from_slice(bytes).map_err(|_| malformed())
}

fn malformed() -> StoreError {
    StoreError::Corrupt("a record is not what it says it is".into())
}

struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
