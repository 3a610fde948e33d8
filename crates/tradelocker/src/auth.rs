use std::fmt;

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use time::{OffsetDateTime, format_description::well_known::Iso8601};
use wheelhouse_core::{AccountId, BrokerId, Clock, Error, ErrorKind, Result};
use wheelhouse_http::{Answer, Endpoint, HttpClient, Target};
use wheelhouse_ratelimit::LimitScope;
use wheelhouse_session::{
    Authenticator, ChallengeAnswer, Credentials, Grant, LoginStep, PendingLogin, SessionPolicy,
};

use crate::{
    Environment, convert, endpoints, error,
    wire::{
        auth::{AccountTokens, Claims, Login, Refresh, Tokens},
        token::Token,
    },
};

/// Logs users in at TradeLocker: e-mail address, password and the broker's server name. There are no
/// challenges, and nothing to end a session with at the broker.
///
/// The server name is taken from the credentials' field `server`, or from here.
#[derive(Clone)]
pub struct TradeLockerAuth {
    http: HttpClient,
    target: Target,
    server: Option<String>,
    developer_key: Option<SecretString>,
}

/// The name of the field of [`Credentials`] that names the server.
pub const SERVER_FIELD: &str = "server";

/// A token that opens the streams of one account.
#[non_exhaustive]
pub struct StreamToken {
    /// Which account.
    pub account: AccountId,
    /// The token.
    pub token: SecretString,
    /// When it ends.
    pub expires_at: Option<OffsetDateTime>,
}

impl TradeLockerAuth {
    /// Prepares to log users in.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OriginRefused`] or [`ErrorKind::InvalidInput`] if a password must not be sent to
    /// the environment.
    pub fn new(http: &HttpClient, environment: &Environment) -> Result<Self> {
        let base = environment.base_url()?;
        // Logins are counted per address, as nothing better is known.
        let scope = LimitScope::new(format!("tradelocker:{}:login", base.origin()));
        Ok(Self {
            http: http.with_origins([base.origin().clone()]),
            target: Target::new(base, scope).with_broker(BrokerId::tradelocker()),
            server: None,
            developer_key: None,
        })
    }

    /// Sets the server name for credentials that name none.
    #[must_use]
    pub fn with_server(mut self, server: impl Into<String>) -> Self {
        self.server = Some(server.into());
        self
    }

    /// Sets the key of the developer program. It is not sent to [`stream_tokens`](Self::stream_tokens).
    #[must_use]
    pub fn with_developer_key(mut self, key: SecretString) -> Self {
        self.developer_key = Some(key);
        self
    }

    /// Gets a token per account, for streams. It is a login of its own; the tokens cannot be
    /// refreshed.
    ///
    /// # Errors
    ///
    /// As [`begin`](Authenticator::begin).
    pub async fn stream_tokens(&self, credentials: &Credentials) -> Result<Vec<StreamToken>> {
        let endpoint = &endpoints::ACCOUNT_TOKENS;
        let body = self.login_body(credentials)?;
        let call = self.http.call(endpoint, &self.target).secret_json(&body);
        let answer = call.send().await?;
        let tokens = login_error(&answer).map_or_else(|| stream_tokens(&answer), Err);
        tokens.map_err(|error| place(endpoint, error))
    }

    fn login_body<'a>(&'a self, credentials: &'a Credentials) -> Result<Login<'a>> {
        let configured = self.server.as_deref().filter(|server| !server.is_empty());
        let server = credentials.field(SERVER_FIELD).or(configured).ok_or_else(|| {
            let message = "the server name is missing: it is the one typed into the Server box of the web login";
            place(&endpoints::TOKEN, Error::new(ErrorKind::MissingField, message))
        })?;
        Ok(Login {
            email: credentials.user(),
            password: credentials.password().expose_secret(),
            server,
        })
    }

    fn clock(&self) -> &dyn Clock {
        &**self.http.clock()
    }

    async fn send(
        &self,
        endpoint: &'static Endpoint,
        body: &impl serde::Serialize,
    ) -> Result<Answer> {
        let call = self.http.call(endpoint, &self.target).secret_json(body);
        let call = match &self.developer_key {
            Some(key) => call.secret_header("developer-api-key", key),
            None => call,
        };
        Ok(call.send().await?)
    }
}

#[async_trait]
impl Authenticator for TradeLockerAuth {
    fn broker(&self) -> BrokerId {
        BrokerId::tradelocker()
    }

    fn realm(&self) -> String {
        self.target.base().origin().to_string()
    }

    /// Refresh after 45 minutes, end after 12 hours, 5 sessions.
    fn policy(&self) -> SessionPolicy {
        SessionPolicy::new()
    }

    async fn begin(&self, credentials: &Credentials) -> Result<LoginStep> {
        let endpoint = &endpoints::TOKEN;
        let body = self.login_body(credentials)?;
        let answer = self.send(endpoint, &body).await.map_err(login_limited)?;
        let outcome = login_error(&answer).map_or_else(|| grant(&answer), Err);
        outcome
            .and_then(|grant| not_over(grant, self.clock()))
            .map(LoginStep::Granted)
            .map_err(|error| place(endpoint, error))
    }

    async fn answer(&self, _: &PendingLogin, _: ChallengeAnswer) -> Result<LoginStep> {
        let error = Error::new(ErrorKind::InvalidInput, "this broker asks nothing on login");
        Err(place(&endpoints::TOKEN, error))
    }

    async fn refresh(&self, before: &Grant) -> Result<Grant> {
        let endpoint = &endpoints::REFRESH;
        let token = before.refresh_token().ok_or_else(|| {
            place(
                endpoint,
                Error::new(ErrorKind::RefreshRefused, "there is no refresh token"),
            )
        })?;
        let body = Refresh {
            refresh_token: token.expose_secret(),
        };
        let answer = self.send(endpoint, &body).await.map_err(login_limited)?;
        let outcome = refresh_error(&answer).map_or_else(|| grant(&answer), Err);
        outcome.map_err(|error| place(endpoint, error))
    }

    async fn revoke(&self, _: &Grant) -> Result<()> {
        Ok(())
    }
}

impl fmt::Debug for TradeLockerAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TradeLockerAuth")
            .field("base", self.target.base())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for StreamToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamToken")
            .field("account", &self.account)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

fn place(endpoint: &Endpoint, error: Error) -> Error {
    error
        .in_operation(endpoint.operation())
        .at_broker(BrokerId::tradelocker())
}

/// The broker's limit on logins is not the one on calls.
fn login_limited(error: Error) -> Error {
    if error.kind() != ErrorKind::RateLimited {
        return error;
    }
    let limited = Error::new(ErrorKind::LoginRateLimited, error.message().to_owned())
        .with_advice(error.advice())
        .at_broker(BrokerId::tradelocker());
    match error.operation() {
        Some(operation) => limited.in_operation(operation),
        None => limited,
    }
}

/// Reads what a login was refused with. Documented is 400 for bad credentials, seen are 401 and, for
/// users who may not use the API, 403.
fn login_error(answer: &Answer) -> Option<Error> {
    let error = error::of_status(answer)?;
    let spoken = error::Words::of(answer.text()).is_some();
    Some(match answer.status() {
        400 | 401 if spoken => {
            let message = "the broker does not accept e-mail address, password and server; an account of the other environment looks the same";
            restate(ErrorKind::InvalidCredentials, message, &error)
        }
        400 | 401 => restate(
            ErrorKind::NotTheProtocol,
            "the login was refused, but not by the API",
            &error,
        ),
        429 => login_limited(error),
        _ => error,
    })
}

fn refresh_error(answer: &Answer) -> Option<Error> {
    let error = error::of_status(answer)?;
    let spoken = error::Words::of(answer.text()).is_some();
    Some(match answer.status() {
        400 | 401 if spoken => restate(
            ErrorKind::RefreshRefused,
            "the broker refused the refresh token",
            &error,
        ),
        400 | 401 => restate(
            ErrorKind::NotTheProtocol,
            "the refresh was refused, but not by the API",
            &error,
        ),
        429 => login_limited(error),
        _ => error,
    })
}

/// Says an error in other words. The broker's own stay beside them.
fn restate(kind: ErrorKind, message: &'static str, error: &Error) -> Error {
    let restated = Error::new(kind, message);
    match error.broker_message() {
        Some(words) => restated.with_broker_message(words),
        None => restated,
    }
}

/// Refuses a token that has ended already. For logins only: what a refresh gave has used the old
/// refresh token up, and is kept whatever this machine's clock says.
fn not_over(grant: Grant, clock: &dyn Clock) -> Result<Grant> {
    if grant.expires_at().is_some_and(|at| at <= clock.now()) {
        let what = "lies in the past; this machine's clock may be wrong";
        return Err(error::unexpected("the end of the new token", what));
    }
    Ok(grant)
}

fn grant(answer: &Answer) -> Result<Grant> {
    let tokens: Tokens<'_> = answer.json()?;
    let access = convert::required("accessToken", tokens.access_token, Token::text)?;
    let told = date("expireDate", tokens.expire_date)?;
    let expires_at = [expiry(&access), told].into_iter().flatten().min();
    let mut grant = Grant::new(SecretString::from(&*access));
    if let Some(at) = expires_at {
        grant = grant.with_expiry(at);
    }
    if let Some(refresh) = convert::leaf("refreshToken", tokens.refresh_token, Token::text)? {
        if let Some(at) = expiry(&refresh) {
            grant = grant.with_refresh_expiry(at);
        }
        grant = grant.with_refresh_token(SecretString::from(&*refresh));
    }
    Ok(grant)
}

fn stream_tokens(answer: &Answer) -> Result<Vec<StreamToken>> {
    let tokens: AccountTokens<'_> = answer.json()?;
    let convert = |(index, entry): (usize, &crate::wire::auth::AccountToken<'_>)| {
        let path = |key: &str| format!("data[{index}].{key}");
        let token = convert::required(&path("accessToken"), entry.access_token, Token::text)?;
        let name = convert::required(&path("accountId"), entry.account_id, Token::text)?;
        // `D#1002003`: which environment, then the account.
        let id = name.rsplit_once('#').map_or(&*name, |(_, id)| id);
        let account = AccountId::new(id)
            .map_err(|_| error::unexpected(path("accountId"), "is not an identifier"))?;
        let told = date(&path("expireDate"), entry.expire_date)?;
        let expires_at = [expiry(&token), told].into_iter().flatten().min();
        Ok(StreamToken {
            account,
            token: SecretString::from(&*token),
            expires_at,
        })
    };
    tokens.data.iter().enumerate().map(convert).collect()
}

fn date(path: &str, token: Token<'_>) -> Result<Option<OffsetDateTime>> {
    let Some(text) = convert::leaf(path, token, Token::text)? else {
        return Ok(None);
    };
    OffsetDateTime::parse(&text, &Iso8601::DEFAULT)
        .map(Some)
        .map_err(|_| error::unexpected(path, "is not a date in ISO 8601 with its zone"))
}

/// Reads when a JWT ends. The broker checks its signature; this side only needs to know when to
/// refresh. What is no JWT tells nothing.
fn expiry(jwt: &str) -> Option<OffsetDateTime> {
    let payload = jwt.split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    OffsetDateTime::from_unix_timestamp(claims.exp?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_token_is_read_from_its_claims() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"exp":1893459600}"#);
        let at = expiry(&format!("x.{payload}.y")).unwrap();
        assert_eq!(at.unix_timestamp(), 1_893_459_600);
        for other in ["", "x", "x.y.z", "x.!.z"] {
            assert_eq!(expiry(other), None);
        }
    }
}
