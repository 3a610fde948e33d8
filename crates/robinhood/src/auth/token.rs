use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use serde::Serialize;
use time::OffsetDateTime;
use url::form_urlencoded;
use wheelhouse_core::{Effect, Error, ErrorKind, ExposeSecret, Result, SecretString};
use wheelhouse_http::Answer;
use wheelhouse_session::{Credentials, Grant, LoginStep};
use zeroize::Zeroizing;

use super::{
    DEVICE_TOKEN, READ_ONLY_TOKEN, RobinhoodAuth, USER_DIGEST, USER_UUID,
    state::{Kind, Stage, State},
};
use crate::{
    api::{Hosts, digest_of},
    config::Host,
    endpoints, error,
    wire::{
        self,
        auth::{Claims, TokenAnswer},
        failure::Failure,
    },
};

/// The public identifier of the web page.
const CLIENT_ID: &str = "c82SH0WZOsabOXGP2sxqcj34FxkvfnWRZBKlBjFS";
/// What is asked for; the broker gives what it likes.
const EXPIRES_IN: u32 = 86_400;
/// A token that is said to live longer than this lives this long.
const LONGEST: i64 = 90 * 86_400;

/// The body of a login, as the web page sends it.
#[derive(Serialize)]
struct PasswordGrant<'a> {
    device_token: &'a str,
    client_id: &'static str,
    create_read_only_secondary_token: bool,
    expires_in: u32,
    grant_type: &'static str,
    scope: &'static str,
    token_request_path: &'static str,
    username: &'a str,
    password: &'a str,
    long_session: bool,
    try_passkeys: bool,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa_code: Option<&'a str>,
}

impl RobinhoodAuth {
    /// Asks for tokens and goes by the keys of what comes.
    pub(super) async fn request_token(
        &self,
        credentials: &Credentials,
        state: &mut State,
        code: Option<&SecretString>,
        challenge: Option<&str>,
    ) -> Result<LoginStep> {
        let hosts = self.hosts(credentials.user())?;
        let body = PasswordGrant {
            device_token: &state.device_token,
            client_id: CLIENT_ID,
            create_read_only_secondary_token: true,
            expires_in: EXPIRES_IN,
            grant_type: "password",
            scope: "internal",
            token_request_path: "/login",
            username: credentials.user(),
            password: credentials.password().expose_secret(),
            long_session: self.config.long_session,
            try_passkeys: false,
            request_id: &state.request_id,
            mfa_code: code.map(ExposeSecret::expose_secret),
        };
        let target = hosts.target(Host::Api);
        let mut call = self.http.call(&endpoints::TOKEN, target).secret_json(&body);
        if let Some(challenge) = challenge {
            call = call.header("x-robinhood-challenge-response-id", challenge);
        }
        let answer = self.send(&hosts, call).await?;
        let read: TokenAnswer<'_> = match wire::decode(answer.text().as_bytes()) {
            Ok(read) => read,
            Err(misfit) if answer.is_success() => return Err(error::misfit(&misfit)),
            Err(_) => return Err(refusal(&answer)),
        };
        if read.access_token.is_some() {
            let digest = digest_of(credentials.user());
            return self
                .granted(read, &state.device_token, &digest)
                .map(LoginStep::Granted);
        }
        if let Some(workflow) = &read.verification_workflow {
            return self
                .open_workflow(credentials, state.clone(), workflow.id.as_str())
                .await;
        }
        if read.mfa_required == Some(true) {
            let told = read
                .mfa_type
                .as_ref()
                .and_then(|text| Kind::read(text.as_str()));
            let kind = told.unwrap_or(Kind::App);
            state.stage = Stage::Mfa { kind };
            let by_app = kind == Kind::App && code.is_none();
            if by_app && let Some(code) = self.one_time_code(credentials, state).await? {
                return Box::pin(self.request_token(credentials, state, Some(&code), challenge))
                    .await;
            }
            return self.ask(state, None);
        }
        if let Some(asked) = &read.challenge {
            let Some(kind) = Kind::read(asked.kind.as_str()).filter(|kind| *kind != Kind::Prompt)
            else {
                state.stage = Stage::Human;
                return self.ask(state, None);
            };
            state.stage = Stage::Legacy {
                challenge: asked.id.owned(),
                kind,
            };
            return self.ask(state, asked.expires_at.map(|at| at.0));
        }
        match answer.is_success() {
            true => Err(Error::new(
                ErrorKind::UnexpectedAnswer,
                "the answer to the login has none of the keys that are known",
            )),
            false => Err(refusal(&answer)),
        }
    }

    /// Repeats the request for tokens once the challenge of old is answered.
    pub(super) async fn finish_legacy(
        &self,
        credentials: &Credentials,
        mut state: State,
        challenge: String,
    ) -> Result<LoginStep> {
        state.stage = Stage::Token {
            challenge: Some(challenge.clone()),
        };
        self.request_token(credentials, &mut state, None, Some(&challenge))
            .await
    }

    fn granted(&self, answer: TokenAnswer<'_>, device_token: &str, digest: &str) -> Result<Grant> {
        let Some(access) = answer.access_token else {
            return Err(Error::new(
                ErrorKind::UnexpectedAnswer,
                "the answer has no token",
            ));
        };
        let now = self.clock().now();
        let claimed = expiry_of(&access);
        let mut grant = Grant::new(access)
            .with_extra(DEVICE_TOKEN, device_token.into())
            .with_extra(USER_DIGEST, digest.into());
        let told = answer
            .expires_in
            .and_then(|seconds| i64::try_from(seconds.0.trunc()).ok())
            .map(|seconds| now + time::Duration::seconds(seconds.clamp(0, LONGEST)));
        let latest = now + time::Duration::seconds(LONGEST);
        if let Some(at) = claimed.or(told) {
            grant = grant.with_expiry(at.min(latest));
        }
        if let Some(token) = answer.refresh_token {
            grant = grant.with_refresh_token(token);
        }
        if let Some(token) = answer.read_only_secondary_access_token {
            grant = grant.with_extra(READ_ONLY_TOKEN, token);
        }
        if let Some(user) = answer.user_uuid {
            grant = grant.with_extra(USER_UUID, user.owned().into());
        }
        Ok(grant)
    }

    /// Gets new tokens. The refresh token is good for one use: what is lost on the way is lost.
    pub(super) async fn renew(&self, grant: &Grant) -> Result<Grant> {
        let refused = |why: &'static str| Error::new(ErrorKind::RefreshRefused, why);
        let Some(token) = grant.refresh_token() else {
            return Err(refused("the session has no refresh token"));
        };
        let device = grant
            .extra(DEVICE_TOKEN)
            .map_or("", ExposeSecret::expose_secret);
        let body = form(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", token.expose_secret()),
            ("scope", "internal"),
            ("client_id", CLIENT_ID),
            ("device_token", device),
            ("expires_in", &EXPIRES_IN.to_string()),
        ]);
        let digest = digest_in(grant);
        let hosts = Hosts::new(&self.config, digest)?;
        let call = self
            .http
            .call(&endpoints::REFRESH, hosts.target(Host::Api))
            .body(body, FORM);
        let answer = self.send(&hosts, call).await?;
        let read: Result<TokenAnswer<'_>, _> = wire::decode(answer.text().as_bytes());
        match read {
            Ok(read) if read.access_token.is_some() => self.granted(read, device, digest),
            // Whatever else the broker wants now, only a full login gives it.
            Ok(read) if read.verification_workflow.is_some() || read.challenge.is_some() => {
                Err(refused("the broker wants a full login"))
            }
            _ if (400..500).contains(&answer.status()) => {
                let failure = Failure::read(answer.text().as_bytes()).unwrap_or_default();
                Err(refused("the broker refuses the refresh token")
                    .with_broker_message(failure.message()))
            }
            Ok(_) if answer.is_success() => Err(Error::new(
                ErrorKind::UnexpectedAnswer,
                "the answer to the refresh has no token",
            )
            .with_effect(Effect::MaybeApplied)),
            Err(misfit) if answer.is_success() => {
                Err(error::misfit(&misfit).with_effect(Effect::MaybeApplied))
            }
            _ => Err(refusal(&answer).with_effect(Effect::MaybeApplied)),
        }
    }

    pub(super) async fn give_back(&self, grant: &Grant) -> Result<()> {
        let token = grant.refresh_token().unwrap_or(grant.access_token());
        let body = form(&[("client_id", CLIENT_ID), ("token", token.expose_secret())]);
        let hosts = Hosts::new(&self.config, digest_in(grant))?;
        let call = self
            .http
            .call(&endpoints::REVOKE, hosts.target(Host::Api))
            .body(body, FORM);
        let answer = self.send(&hosts, call).await?;
        match answer.status() {
            200..300 => Ok(()),
            // It was over already.
            401 | 404 => Ok(()),
            _ => Err(refusal(&answer)),
        }
    }
}

fn digest_in(grant: &Grant) -> &str {
    grant
        .extra(USER_DIGEST)
        .map_or("unknown", ExposeSecret::expose_secret)
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Writes a form into memory that is overwritten afterwards.
fn form(pairs: &[(&str, &str)]) -> Bytes {
    let text = form_urlencoded::Serializer::new(String::with_capacity(8 * 1024))
        .extend_pairs(pairs)
        .finish();
    Bytes::from_owner(Zeroizing::new(text.into_bytes()))
}

fn refusal(answer: &Answer) -> Error {
    let failure = Failure::read(answer.text().as_bytes());
    let error = error::of_failure(answer.status(), failure.as_ref(), answer.retry_after());
    match error.kind() {
        // A login has no session that could have expired.
        ErrorKind::SessionExpired => {
            let mut other = Error::new(ErrorKind::PermissionDenied, error.message().to_owned());
            if let Some(words) = error.broker_message() {
                let wrong = words.to_ascii_lowercase().contains("unable to log in");
                if wrong {
                    other = Error::new(ErrorKind::InvalidCredentials, error.message().to_owned());
                }
                other = other.with_broker_message(words);
            }
            other
        }
        _ => error,
    }
}

/// Reads when a token ends, if it is a JWT that says so. Nothing else of it is believed.
fn expiry_of(token: &SecretString) -> Option<OffsetDateTime> {
    let payload = token.expose_secret().split('.').nth(1)?;
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?);
    let claims: Claims = wire::decode(&bytes).ok()?;
    OffsetDateTime::from_unix_timestamp(i64::try_from(claims.exp?.0.trunc()).ok()?).ok()
}

/// How long an approval that is on its way is waited for within one call.
pub(super) const SHORT_WAIT: Duration = Duration::from_secs(5);
