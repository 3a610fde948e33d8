//! Logging in: the token endpoint, the two flows of device approval, refresh and revocation.

mod approval;
mod challenge;
mod devices;
mod identi;
mod one_time;
mod pathfinder;
mod renewal;
mod state;
mod steps;
mod token;
pub(crate) mod totp;
mod words;

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use time::OffsetDateTime;
use wheelhouse_core::{
    BrokerId, Clock, Error, ErrorKind, ExposeSecret, Random, Result, RetryAdvice, SecretString,
};
use wheelhouse_http::{Answer, Call, HttpClient, SystemRandom};
use wheelhouse_session::{
    Authenticator, ChallengeAnswer, Credentials, Grant, LoginStep, PendingLogin, SessionPolicy,
};

pub use self::devices::{DeviceTokens, MemoryDevices, StoredDevices};
use self::state::State;
use crate::{
    api::{Hosts, digest_of, pause},
    config::RobinhoodConfig,
};

/// The name under which a [`Grant`] keeps the device's token.
pub const DEVICE_TOKEN: &str = "device_token";
/// The name under which a [`Grant`] keeps the token that can only read.
pub const READ_ONLY_TOKEN: &str = "read_only_token";
/// The name under which a [`Grant`] keeps whose limits it counts against.
pub(crate) const USER_DIGEST: &str = "user_digest";
/// The name under which a [`Grant`] keeps the user's identifier.
pub const USER_UUID: &str = "user_uuid";

/// Logs users in at Robinhood. Give it to a session manager.
///
/// The login is a value: every challenge that it meets is a [`Challenge`](wheelhouse_session::Challenge), and what has to be
/// remembered until the answer is in the [`PendingLogin`]. What no program can do (photo, bank,
/// support) is [`Challenge::Human`](wheelhouse_session::Challenge::Human).
#[derive(Clone)]
pub struct RobinhoodAuth {
    pub(self) config: RobinhoodConfig,
    pub(self) http: HttpClient,
    devices: Arc<dyn DeviceTokens>,
    random: Arc<dyn Random>,
    codes: Arc<Mutex<one_time::SentCodes>>,
}

impl RobinhoodAuth {
    /// Starts from a pipeline; which origins it knows does not matter. Device tokens are kept in memory unless
    /// [`with_devices`](Self::with_devices) says where: with the process goes the approval.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if a setting is out of its bounds.
    pub fn new(config: RobinhoodConfig, http: HttpClient) -> Result<Self> {
        config.check()?;
        let http = http.with_origins(config.environment.origins()?);
        Ok(Self {
            config,
            http,
            devices: Arc::new(MemoryDevices::new()),
            random: Arc::new(SystemRandom),
            codes: Arc::default(),
        })
    }

    /// Says where device tokens are kept.
    #[must_use]
    pub fn with_devices(mut self, devices: Arc<dyn DeviceTokens>) -> Self {
        self.devices = devices;
        self
    }

    /// Says where randomness comes from; the operating system unless set.
    #[must_use]
    pub fn with_random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    fn clock(&self) -> &dyn Clock {
        &**self.http.clock()
    }

    fn after(&self, wait: Duration) -> OffsetDateTime {
        let wait = wait.try_into().unwrap_or(time::Duration::DAY);
        self.clock().now().saturating_add(wait)
    }

    fn hosts(&self, user: &str) -> Result<Hosts> {
        Hosts::new(&self.config, &digest_of(user))
    }

    async fn device_token(&self, user: &str) -> Result<SecretString> {
        let realm = self.realm();
        if let Some(known) = self.devices.load(&realm, user).await? {
            return Ok(known);
        }
        let fresh = random_uuid(&*self.random)?;
        self.devices.keep(&realm, user, fresh.into()).await
    }

    /// Keeps a device's token that is approved already, such as that of a
    /// [`TokenCache`](crate::TokenCache), and returns the one that is kept: a user who has one
    /// already keeps that.
    ///
    /// # Errors
    ///
    /// Of the store.
    pub async fn keep_device_token(&self, user: &str, token: SecretString) -> Result<SecretString> {
        self.devices.keep(&self.realm(), user, token).await
    }

    /// Sends a call of a login. A server's wait stops every caller of the user.
    async fn send(&self, hosts: &Hosts, call: Call<'_>) -> Result<Answer> {
        let call = call.header("x-robinhood-api-version", &self.config.api_version);
        let answer = call
            .max_wait(self.config.limit_wait)
            .send()
            .await
            .map_err(Error::from);
        match answer {
            Ok(answer) if answer.status() == 429 => {
                let wait = answer.retry_after().unwrap_or(AFTER_429);
                pause(&self.http, hosts, wait).await;
                let message = "the broker limits logins at the moment";
                let error = Error::new(ErrorKind::LoginRateLimited, message);
                Err(self.name(error.with_advice(RetryAdvice::After(wait)), "login"))
            }
            Err(error) if error.kind() == ErrorKind::RateLimited => {
                if let Some(wait) = error.retry_after() {
                    pause(&self.http, hosts, wait).await;
                }
                Err(limited(error))
            }
            other => other,
        }
    }

    fn name(&self, error: Error, operation: &'static str) -> Error {
        error
            .in_operation(operation)
            .at_broker(BrokerId::robinhood())
    }
}

/// How long to wait after a 429 that does not say.
const AFTER_429: Duration = Duration::from_secs(45);

fn limited(error: Error) -> Error {
    let wait = error.retry_after().unwrap_or(AFTER_429);
    Error::new(ErrorKind::LoginRateLimited, error.message().to_owned())
        .with_advice(RetryAdvice::After(wait))
}

/// Makes a random UUID (version 4) in lower case.
pub(crate) fn random_uuid(random: &dyn Random) -> Result<String> {
    let mut bytes = [0; 16];
    random.fill(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string())
}

#[async_trait]
impl Authenticator for RobinhoodAuth {
    fn broker(&self) -> BrokerId {
        BrokerId::robinhood()
    }

    fn realm(&self) -> String {
        self.config.environment.to_string()
    }

    /// By the token's own expiry; a session of 30 days at most. How many sessions a user may have is
    /// not known.
    fn policy(&self) -> SessionPolicy {
        SessionPolicy::new()
            .with_refresh_after(None)
            .with_max_age(Duration::from_secs(30 * 86_400))
            .with_max_sessions(None)
    }

    async fn begin(&self, credentials: &Credentials) -> Result<LoginStep> {
        let step = async {
            let device = self.device_token(credentials.user()).await?;
            let request = random_uuid(&*self.random)?;
            let device = device.expose_secret().to_owned();
            let mut state = State::new(device, request, self.clock().now());
            self.recall_code(credentials.user(), &mut state);
            if let Some(step) = self.by_secret(credentials, &mut state, None).await? {
                return Ok(step);
            }
            self.request_token(credentials, &mut state, None, None)
                .await
        };
        step.await.map_err(|error| self.name(error, "login"))
    }

    async fn answer(&self, pending: &PendingLogin, answer: ChallengeAnswer) -> Result<LoginStep> {
        let step = self.go_on(pending, answer).await;
        step.map_err(|error| self.name(error, "login"))
    }

    async fn refresh(&self, grant: &Grant) -> Result<Grant> {
        let renewed = self.renew(grant).await;
        renewed.map_err(|error| self.name(error, "refresh"))
    }

    async fn revoke(&self, grant: &Grant) -> Result<()> {
        let revoked = self.give_back(grant).await;
        revoked.map_err(|error| self.name(error, "revoke"))
    }
}

impl fmt::Debug for RobinhoodAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RobinhoodAuth")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
