use std::{collections::BTreeMap, fmt};

use secrecy::SecretString;
use time::OffsetDateTime;

/// What a broker gives after a login or a refresh.
///
/// ```
/// use wheelhouse_session::Grant;
///
/// let grant = Grant::new("access".into())
///     .with_refresh_token("refresh".into())
///     .with_extra("device_token", "device".into());
/// assert!(!format!("{grant:?}").contains("device\""));
/// ```
#[derive(Clone)]
pub struct Grant {
    access_token: SecretString,
    expires_at: Option<OffsetDateTime>,
    refresh_token: Option<SecretString>,
    refresh_expires_at: Option<OffsetDateTime>,
    extra: BTreeMap<String, SecretString>,
}

impl Grant {
    /// Starts from the token that opens the API.
    pub fn new(access_token: SecretString) -> Self {
        Self {
            access_token,
            expires_at: None,
            refresh_token: None,
            refresh_expires_at: None,
            extra: BTreeMap::new(),
        }
    }

    /// Says when the access token ends. Without it, only the broker knows, and says so with a 401.
    #[must_use]
    pub fn with_expiry(mut self, at: OffsetDateTime) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// Adds the token that gets new tokens. An answer to a refresh that has none keeps the old one.
    #[must_use]
    pub fn with_refresh_token(mut self, token: SecretString) -> Self {
        self.refresh_token = Some(token);
        self
    }

    /// Says when the refresh token ends. Without it, the broker decides.
    #[must_use]
    pub fn with_refresh_expiry(mut self, at: OffsetDateTime) -> Self {
        self.refresh_expires_at = Some(at);
        self
    }

    /// Adds something of the adapter's own that has to outlive the process: a token secret, a
    /// device token, a user id. What is not given again by a refresh is kept.
    #[must_use]
    pub fn with_extra(mut self, name: impl Into<String>, value: SecretString) -> Self {
        self.extra.insert(name.into(), value);
        self
    }

    /// Returns the token that opens the API.
    pub fn access_token(&self) -> &SecretString {
        &self.access_token
    }

    /// Returns when the access token ends.
    pub fn expires_at(&self) -> Option<OffsetDateTime> {
        self.expires_at
    }

    /// Returns the token that gets new tokens.
    pub fn refresh_token(&self) -> Option<&SecretString> {
        self.refresh_token.as_ref()
    }

    /// Returns when the refresh token ends.
    pub fn refresh_expires_at(&self) -> Option<OffsetDateTime> {
        self.refresh_expires_at
    }

    /// Returns something that the adapter has added.
    pub fn extra(&self, name: &str) -> Option<&SecretString> {
        self.extra.get(name)
    }

    pub(crate) fn extras(&self) -> &BTreeMap<String, SecretString> {
        &self.extra
    }

    /// Fills what a refresh did not give again from the grant before it.
    pub(crate) fn or_from(mut self, before: &Self) -> Self {
        if self.refresh_token.is_none() {
            self.refresh_token.clone_from(&before.refresh_token);
            self.refresh_expires_at = self.refresh_expires_at.or(before.refresh_expires_at);
        }
        for (name, value) in &before.extra {
            if !self.extra.contains_key(name) {
                self.extra.insert(name.clone(), value.clone());
            }
        }
        self
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("expires_at", &self.expires_at)
            .field("refreshable", &self.refresh_token.is_some())
            .field("refresh_expires_at", &self.refresh_expires_at)
            .finish_non_exhaustive()
    }
}
