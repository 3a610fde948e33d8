//! Logging in: the token endpoint, the two flows of device approval, refresh and revocation.

mod approval;
mod devices;
mod identi;
mod state;
mod token;
pub(crate) mod totp;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use time::OffsetDateTime;
use wheelhouse_core::{
    BrokerId, Clock, Error, ErrorKind, ExposeSecret, Random, Result, RetryAdvice, SecretString,
};
use wheelhouse_http::{Answer, Call, HttpClient, SystemRandom};
use wheelhouse_session::{
    Authenticator, Challenge, ChallengeAnswer, Credentials, Grant, LoginStep, PendingLogin,
    SessionPolicy,
};

pub use self::devices::{DeviceTokens, MemoryDevices, StoredDevices};
use self::state::{Kind, Stage, State};
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
/// The login is a value: every challenge that it meets is a [`Challenge`], and what has to be
/// remembered until the answer is in the [`PendingLogin`]. What no program can do (photo, bank,
/// support) is [`Challenge::Human`].
#[derive(Clone)]
pub struct RobinhoodAuth {
    pub(self) config: RobinhoodConfig,
    pub(self) http: HttpClient,
    devices: Arc<dyn DeviceTokens>,
    random: Arc<dyn Random>,
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
        if let Some(known) = self.devices.load(user).await? {
            return Ok(known);
        }
        let fresh = random_uuid(&*self.random)?;
        self.devices.keep(user, fresh.into()).await
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

    /// Wraps a state into a challenge for the user.
    fn ask(&self, state: &State, until: Option<OffsetDateTime>) -> Result<LoginStep> {
        let challenge = match &state.stage {
            Stage::Human => Challenge::Human {
                reason: "the broker wants to see a person: a photo, a bank or its support"
                    .to_owned(),
                place: "the Robinhood app or robinhood.com".to_owned(),
            },
            Stage::Approval {
                kind: Kind::Prompt, ..
            } => Challenge::Approve {
                poll_after: self.after(self.config.poll_interval),
                until,
            },
            Stage::Approved | Stage::Finish { .. } | Stage::Token { .. } => Challenge::Approve {
                poll_after: self.after(PENDING),
                until,
            },
            Stage::Approval { kind, .. } | Stage::Legacy { kind, .. } | Stage::Mfa { kind } => {
                match kind.channel() {
                    Some(channel) => Challenge::Code {
                        channel,
                        sent_to: None,
                    },
                    None => Challenge::Totp,
                }
            }
        };
        self.pending(state, challenge, until)
    }

    fn pending(
        &self,
        state: &State,
        challenge: Challenge,
        until: Option<OffsetDateTime>,
    ) -> Result<LoginStep> {
        let mut pending = PendingLogin::new(challenge);
        if let Some(until) = until {
            // Ten minutes more than the challenge: what follows it takes its time.
            pending = pending.with_expiry(until + time::Duration::minutes(10));
        }
        Ok(LoginStep::Challenge(state.keep(pending)?))
    }

    /// Makes a one-time code that was not sent before, waiting for the next one if need be.
    async fn one_time_code(
        &self,
        credentials: &Credentials,
        state: &mut State,
    ) -> Result<Option<SecretString>> {
        let Some(secret) = credentials.totp_secret() else {
            return Ok(None);
        };
        let mut now = self.clock().now();
        if let Some(used) = state.totp_step
            && totp::step_at(now) <= used
        {
            let next = (used + 1) * totp::STEP - now.unix_timestamp();
            let wait = u64::try_from(next)
                .unwrap_or(0)
                .min(2 * totp::STEP.unsigned_abs());
            self.clock().sleep(Duration::from_secs(wait)).await;
            now = self.clock().now();
        }
        let step = totp::step_at(now);
        state.totp_step = Some(step);
        totp::code(secret, step).map(Some)
    }

    async fn go_on(&self, pending: &PendingLogin, answer: ChallengeAnswer) -> Result<LoginStep> {
        let mut state = State::of(pending)?;
        let credentials = pending.credentials().ok_or_else(|| {
            let message = "after a restart the credentials have to be given again with the answer";
            Error::new(ErrorKind::MissingField, message)
        })?;
        let until = pending
            .expires_at()
            .map(|at| at - time::Duration::minutes(10));
        if let Challenge::Approve { poll_after, .. } = pending.challenge()
            && matches!(answer, ChallengeAnswer::Poll)
            && self.clock().now() < *poll_after
        {
            // Asked too soon: nothing is sent, and the caller is told again how long to wait.
            return self.pending(&state, pending.challenge().clone(), until);
        }
        let stage = state.stage.clone();
        match (stage, answer) {
            (Stage::Mfa { .. }, ChallengeAnswer::Code(code)) => {
                let step = self
                    .request_token(credentials, &mut state, Some(&code), None)
                    .await;
                or_again(step)
            }
            (Stage::Legacy { challenge, .. }, ChallengeAnswer::Code(code)) => {
                self.respond(credentials, &challenge, &code).await?;
                self.finish_legacy(credentials, state, challenge).await
            }
            (
                Stage::Approval {
                    flow,
                    challenge,
                    kind,
                },
                ChallengeAnswer::Code(code),
            ) if kind != Kind::Prompt => {
                self.respond(credentials, &challenge, &code).await?;
                state.stage = Stage::Finish { flow };
                self.finish(credentials, state, until).await
            }
            (
                Stage::Approval {
                    flow,
                    challenge,
                    kind: Kind::Prompt,
                },
                ChallengeAnswer::Poll,
            ) => self.poll(credentials, state, flow, &challenge, until).await,
            (Stage::Approval { flow, .. }, ChallengeAnswer::Resend) => {
                self.resend(credentials, state, flow).await
            }
            (Stage::Finish { .. }, ChallengeAnswer::Poll | ChallengeAnswer::Done) => {
                self.finish(credentials, state, until).await
            }
            (Stage::Approved, ChallengeAnswer::Poll | ChallengeAnswer::Done) => {
                self.finish_approved(credentials, state, until).await
            }
            (Stage::Human, ChallengeAnswer::Done | ChallengeAnswer::Poll) => {
                state.stage = Stage::Token { challenge: None };
                self.request_token(credentials, &mut state, None, None)
                    .await
            }
            _ => {
                let message = "this is not an answer to what the broker asks";
                Err(Error::new(ErrorKind::InvalidInput, message))
            }
        }
    }
}

/// A code that the broker does not take is asked for again.
fn or_again(step: Result<LoginStep>) -> Result<LoginStep> {
    match step {
        Err(error) if error.kind() == ErrorKind::InvalidRequest => {
            let again = Error::new(ErrorKind::MfaRequired, "the broker does not take the code");
            Err(match error.broker_message() {
                Some(words) => again.with_broker_message(words),
                None => again,
            })
        }
        other => other,
    }
}

/// How long to wait after a 429 that does not say.
const AFTER_429: Duration = Duration::from_secs(45);
/// How long to wait while the broker has not noticed an approval yet.
const PENDING: Duration = Duration::from_secs(5);

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
            let mut state = State::new(device.expose_secret().to_owned(), request);
            let code = self.one_time_code(credentials, &mut state).await?;
            self.request_token(credentials, &mut state, code.as_ref(), None)
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
