use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, OnceLock},
};

use wheelhouse_core::{Broker, Error, ErrorKind, Result};
use wheelhouse_ratelimit::LimitScope;
use wheelhouse_session::{Authenticator, Credentials, Login, LoginRequest, Session};
use wheelhouse_settings::{BrokerEnvironment, TradeLockerSettings};
use wheelhouse_tradelocker::{Environment, SERVER_FIELD, TradeLocker, TradeLockerAuth};

use crate::{Connection, Connector, realm::InRealm};

impl Connector {
    /// Connects the TradeLocker user of the settings: with the stored session if it still lives,
    /// with a login otherwise.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingField`] naming the settings that are missing,
    /// [`ErrorKind::InvalidCredentials`], and whatever else a login can fail with. No half-made
    /// session is left behind.
    pub async fn tradelocker(&self) -> Result<Connection<TradeLocker>> {
        let login = self.settings.tradelocker()?.ok_or_else(|| {
            let message = "no TradeLocker login is set: TRADELOCKER_EMAIL, TRADELOCKER_PASSWORD and \
                           TRADELOCKER_SERVER are needed";
            Error::new(ErrorKind::MissingField, message).in_operation("connect")
        })?;
        self.tradelocker_as(&login).await
    }

    /// Connects a TradeLocker user; for programs that serve many.
    ///
    /// # Errors
    ///
    /// As [`tradelocker`](Self::tradelocker).
    pub async fn tradelocker_as(
        &self,
        login: &TradeLockerSettings,
    ) -> Result<Connection<TradeLocker>> {
        let environment = match &login.environment {
            BrokerEnvironment::Demo => Environment::Demo,
            BrokerEnvironment::Live => Environment::Live,
            BrokerEnvironment::Url(url) => Environment::Custom(url.to_string()),
            _ => {
                let message = "this environment is not known to the TradeLocker adapter";
                return Err(Error::new(ErrorKind::Configuration, message).in_operation("connect"));
            }
        };
        let credentials = Credentials::new(&login.email, login.password.clone())?
            .with_field(SERVER_FIELD, &login.server)?;
        let authenticator = self.tradelocker_authenticator(login, &environment)?;

        let request = LoginRequest::new(authenticator, credentials);
        let mut tries = 0;
        loop {
            tries += 1;
            let step = self.sessions.resume_or_create(request.clone()).await?;
            let resumed = matches!(step, Login::Resumed(_));
            let session = step.ready()?;
            let broker = self.tradelocker_broker(login, &environment, &session)?;
            // A stored session may have ended at the broker; its first answer tells.
            if resumed && let Err(error) = broker.accounts().await {
                if is_over(&error) && tries < TRIES {
                    self.sessions.destroy(&session).await?;
                    continue;
                }
                return Err(error);
            }
            return Ok(Connection {
                broker,
                session,
                resumed,
            });
        }
    }

    fn tradelocker_authenticator(
        &self,
        login: &TradeLockerSettings,
        environment: &Environment,
    ) -> Result<Arc<dyn Authenticator>> {
        let mut auth = TradeLockerAuth::new(&self.http, environment)?.with_server(&login.server);
        if let Some(key) = &login.developer_api_key {
            auth = auth.with_developer_key(key.clone());
        }
        Ok(match &self.realm {
            Some(realm) => Arc::new(InRealm::new(Arc::new(auth), realm.clone())),
            None => Arc::new(auth),
        })
    }

    fn tradelocker_broker(
        &self,
        login: &TradeLockerSettings,
        environment: &Environment,
        session: &Session,
    ) -> Result<TradeLocker> {
        let mut builder = TradeLocker::builder()
            .environment(environment.clone())
            .server(&login.server)
            .http(self.http.clone())
            .session(Arc::new(session.clone()))
            .random(self.random.clone())
            .limit_scope(scope_of(login, environment));
        if let Some(key) = &login.developer_api_key {
            builder = builder.developer_key(key.clone());
        }
        builder.build()
    }
}

/// What was stored may be over at the broker, and what another process has put there since too.
const TRIES: u32 = 3;

/// Values of one user share their limits. Scopes show in reports, so the user is not named.
fn scope_of(login: &TradeLockerSettings, environment: &Environment) -> LimitScope {
    static KEYS: OnceLock<RandomState> = OnceLock::new();
    let user = KEYS
        .get_or_init(RandomState::new)
        .hash_one((&login.server, &login.email));
    LimitScope::new(format!("tradelocker:{environment}:{user:016x}"))
}

fn is_over(error: &Error) -> bool {
    use ErrorKind::*;
    matches!(
        error.kind(),
        SessionExpired | RefreshRefused | SessionInvalidated
    )
}
