use std::sync::Arc;

use wheelhouse_core::{Broker, Error, ErrorKind, Result};
use wheelhouse_robinhood::{
    Environment, Robinhood, RobinhoodAuth, RobinhoodConfig, RobinhoodCrypto, TokenCache,
};
use wheelhouse_session::{
    AnswerRequest, Authenticator, Challenge, ChallengeAnswer, Credentials, Login, LoginRequest,
    OpenLogin, Session,
};
use wheelhouse_settings::{BrokerEnvironment, RobinhoodCryptoSettings, RobinhoodSettings};

use crate::{Connecting, Connection, Connector};

impl Connector {
    /// Connects the Robinhood user of the settings: with the stored session if it still lives, with
    /// a login otherwise.
    ///
    /// Where a login that was begun before waits for an approval, it is asked whether that was
    /// given: approve in the app, then connect again. Programs that can ask their user have
    /// [`robinhood_begin`](Self::robinhood_begin).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingField`] naming the settings that are missing;
    /// [`ErrorKind::MfaRequired`] or [`ErrorKind::HumanNeeded`] if the broker wants a code or a
    /// person; [`ErrorKind::InvalidCredentials`], and whatever else a login can fail with.
    pub async fn robinhood(&self) -> Result<Connection<Robinhood>> {
        let login = self.settings.robinhood()?.ok_or_else(|| {
            let message = "no Robinhood login is set: ROBINHOOD_USERNAME and ROBINHOOD_PASSWORD \
                           are needed";
            wrong(ErrorKind::MissingField, message)
        })?;
        self.robinhood_as(&login).await
    }

    /// Connects a Robinhood user; for programs that serve many.
    ///
    /// # Errors
    ///
    /// As [`robinhood`](Self::robinhood).
    pub async fn robinhood_as(&self, login: &RobinhoodSettings) -> Result<Connection<Robinhood>> {
        match self.robinhood_begin(login).await? {
            Connecting::Connected(connection) => Ok(connection),
            Connecting::Challenge(open) => Err(unanswered(&open)),
        }
    }

    /// Connects a Robinhood user as far as it goes: what the broker asks comes back, to be shown and
    /// answered with [`robinhood_answer`](Self::robinhood_answer), also after a restart.
    ///
    /// A login that waits for an answer is taken up; another is begun only if there is none. If it
    /// waits for an approval, the broker is asked for it, no sooner than it allows.
    ///
    /// # Errors
    ///
    /// As [`robinhood`](Self::robinhood), but for the challenges.
    pub async fn robinhood_begin(
        &self,
        login: &RobinhoodSettings,
    ) -> Result<Connecting<Robinhood>> {
        let request = LoginRequest::new(self.robinhood_authenticator(login)?, credentials(login)?);
        let mut tries = 0;
        loop {
            tries += 1;
            match self.sessions.resume_or_create(request.clone()).await? {
                Login::Resumed(session) => {
                    let broker = self.robinhood_with(login, session.clone())?;
                    // The session may have ended at the broker; its first answer tells.
                    match broker.accounts().await {
                        Ok(_) => {
                            return Ok(Connecting::Connected(Connection {
                                broker,
                                session,
                                resumed: true,
                            }));
                        }
                        Err(error) if is_over(&error) && tries < TRIES => {
                            self.sessions.destroy(&session).await?;
                        }
                        Err(error) => return Err(error),
                    }
                }
                Login::Challenge(open) if matches!(open.challenge, Challenge::Approve { .. }) => {
                    let poll = self.robinhood_answer(login, &open.id, ChallengeAnswer::Poll);
                    match poll.await {
                        // It was refused, or nobody has approved in time.
                        Err(error) if is_over(&error) && tries < TRIES => {}
                        other => return other,
                    }
                }
                step => return self.robinhood_step(login, step),
            }
        }
    }

    /// Answers what the broker asks; `id` is [`OpenLogin::id`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MfaRequired`] if the answer was wrong and may be given again,
    /// [`ErrorKind::SessionExpired`] if the login's time is over: begin another. Otherwise as
    /// [`SessionManager::answer`](crate::session::SessionManager::answer).
    pub async fn robinhood_answer(
        &self,
        login: &RobinhoodSettings,
        id: &str,
        answer: ChallengeAnswer,
    ) -> Result<Connecting<Robinhood>> {
        let authenticator = self.robinhood_authenticator(login)?;
        let request =
            AnswerRequest::new(authenticator, id, answer).with_credentials(credentials(login)?);
        let step = self.sessions.answer(request).await?;
        self.robinhood_step(login, step)
    }

    /// Returns what logs Robinhood users in, for programs that drive the
    /// [`sessions`](Self::sessions) themselves.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the environment is not one of Robinhood's.
    pub fn robinhood_authenticator(
        &self,
        login: &RobinhoodSettings,
    ) -> Result<Arc<dyn Authenticator>> {
        let auth = RobinhoodAuth::new(config(login)?, self.http.clone())?
            .with_devices(self.devices.clone())
            .with_random(self.random.clone());
        Ok(Arc::new(auth))
    }

    /// Returns the broker that speaks through a session.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the environment is not one of Robinhood's.
    pub fn robinhood_with(&self, login: &RobinhoodSettings, session: Session) -> Result<Robinhood> {
        Robinhood::builder()
            .config(config(login)?)
            .http(self.http.clone())
            .session(session)
            .random(self.random.clone())
            .build()
    }

    /// Returns a broker that speaks through a session with its second token, which can only read:
    /// the least that a reader needs. Nothing is placed or cancelled through it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the environment is not one of Robinhood's. Calls fail with
    /// [`ErrorKind::Unsupported`] if the broker has given no such token.
    pub fn robinhood_read_only(
        &self,
        login: &RobinhoodSettings,
        session: &Session,
    ) -> Result<Robinhood> {
        Robinhood::builder()
            .config(config(login)?)
            .http(self.http.clone())
            .read_only(session.clone())
            .random(self.random.clone())
            .build()
    }

    /// Connects a Robinhood user with the tokens in a cache of robin_stocks
    /// (`~/.tokens/robinhood.pickle`), instead of a login. The bytes are read as data; a pickle that
    /// would run something is refused.
    ///
    /// The device of the cache is kept for later logins, unless another is known of the user. The
    /// session that is made of the tokens is stored, and from then on the cache is spent: its refresh
    /// token is good for one use.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::CorruptRecord`] if it is no such cache, [`ErrorKind::SessionExpired`] or
    /// [`ErrorKind::RefreshRefused`] if its tokens are over, errors of the store.
    pub async fn robinhood_import(
        &self,
        login: &RobinhoodSettings,
        cache: &[u8],
    ) -> Result<Connection<Robinhood>> {
        let cache = TokenCache::read(cache).map_err(|error| error.in_operation("import"))?;
        let credentials = credentials(login)?;
        let identity = credentials.identity().clone();
        let authenticator = self.robinhood_authenticator(login)?;
        if let Some(device) = cache.device_token() {
            let realm = authenticator.realm();
            self.devices
                .keep(&realm, identity.user(), device.clone())
                .await?;
        }
        let grant = cache.into_grant(identity.user());
        let session = self.sessions.adopt(authenticator, identity, grant).await?;
        let broker = self.robinhood_with(login, session.clone())?;
        match broker.accounts().await {
            Ok(_) => Ok(Connection {
                broker,
                session,
                resumed: false,
            }),
            Err(error) => {
                if is_over(&error) {
                    self.sessions.destroy(&session).await?;
                }
                Err(error)
            }
        }
    }

    /// Connects to Robinhood's Crypto Trading API with the keys of the settings. There is no login:
    /// nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingField`] naming the settings that are missing,
    /// [`ErrorKind::Configuration`] if a key cannot be one.
    pub fn robinhood_crypto(&self) -> Result<RobinhoodCrypto> {
        let keys = self.settings.robinhood_crypto()?.ok_or_else(|| {
            let message = "no keys of Robinhood's Crypto API are set: ROBINHOOD_CRYPTO_API_KEY and \
                           ROBINHOOD_CRYPTO_PRIVATE_KEY are needed";
            wrong(ErrorKind::MissingField, message)
        })?;
        self.robinhood_crypto_as(&keys)
    }

    /// Connects to Robinhood's Crypto Trading API; for programs that serve many.
    ///
    /// # Errors
    ///
    /// As [`robinhood_crypto`](Self::robinhood_crypto).
    pub fn robinhood_crypto_as(&self, keys: &RobinhoodCryptoSettings) -> Result<RobinhoodCrypto> {
        let mut builder = RobinhoodCrypto::builder()
            .http(self.http.clone())
            .api_key(keys.api_key.clone())
            .private_key(keys.private_key.clone())
            .random(self.random.clone());
        match &keys.environment {
            BrokerEnvironment::Live => {}
            BrokerEnvironment::Url(url) => builder = builder.base_url(url.as_str()),
            _ => return Err(no_such_environment()),
        }
        builder.build()
    }

    fn robinhood_step(
        &self,
        login: &RobinhoodSettings,
        step: Login,
    ) -> Result<Connecting<Robinhood>> {
        match step {
            Login::Challenge(open) => Ok(Connecting::Challenge(open)),
            step => {
                let session = step.ready()?;
                Ok(Connecting::Connected(Connection {
                    broker: self.robinhood_with(login, session.clone())?,
                    session,
                    resumed: false,
                }))
            }
        }
    }
}

/// What was stored may be over at the broker, and what another process has put there since too.
const TRIES: u32 = 3;

fn credentials(login: &RobinhoodSettings) -> Result<Credentials> {
    let credentials = Credentials::new(&login.username, login.password.clone())?;
    match &login.totp_secret {
        Some(secret) => credentials.with_totp_secret(secret.clone()),
        None => Ok(credentials),
    }
}

fn config(login: &RobinhoodSettings) -> Result<RobinhoodConfig> {
    let mut config = RobinhoodConfig::default();
    config.environment = match &login.environment {
        BrokerEnvironment::Live => Environment::Live,
        BrokerEnvironment::Url(url) => Environment::Custom(url.to_string()),
        _ => return Err(no_such_environment()),
    };
    Ok(config)
}

/// Says what a program that cannot ask its user has to leave to that user.
fn unanswered(open: &OpenLogin) -> Error {
    let (kind, message) = match &open.challenge {
        Challenge::Approve { .. } => (
            ErrorKind::HumanNeeded,
            "the login has to be approved in the Robinhood app; then connect again",
        ),
        Challenge::Code { .. } | Challenge::Totp => (
            ErrorKind::MfaRequired,
            "the broker asks for a code to finish the login",
        ),
        _ => (
            ErrorKind::HumanNeeded,
            "the broker wants to see a person in the Robinhood app or at robinhood.com",
        ),
    };
    wrong(kind, message).at_broker(open.broker.clone())
}

fn no_such_environment() -> Error {
    let message = "this environment is not known to the Robinhood adapter";
    wrong(ErrorKind::Configuration, message)
}

fn wrong(kind: ErrorKind, message: &'static str) -> Error {
    Error::new(kind, message).in_operation("connect")
}

fn is_over(error: &Error) -> bool {
    use ErrorKind::*;
    matches!(
        error.kind(),
        SessionExpired | RefreshRefused | SessionInvalidated
    )
}
