//! The token endpoint.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use time::OffsetDateTime;
use wheelhouse_core::{Error, ErrorKind, ExposeSecret, Result, SecretString};
use wheelhouse_http::Answer;
use wheelhouse_session::{Credentials, Grant, LoginStep};
use zeroize::Zeroizing;

use super::{
    DEVICE_TOKEN, READ_ONLY_TOKEN, RobinhoodAuth, USER_DIGEST, USER_UUID, limited,
    state::{Met, Stage, State},
    words::{Kind, Why},
};
use crate::{
    api::digest_of,
    config::Host,
    endpoints, error,
    wire::{
        self,
        auth::{Claims, TokenAnswer},
        failure::Failure,
    },
};

/// The public identifier of the web page.
pub(super) const CLIENT_ID: &str = "c82SH0WZOsabOXGP2sxqcj34FxkvfnWRZBKlBjFS";
/// What is asked for; the broker gives what it likes.
pub(super) const EXPIRES_IN: u32 = 86_400;
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
        state.note_clock(answer.server_date(), self.clock().now());
        let read: TokenAnswer<'_> = match wire::decode(answer.text().as_bytes()) {
            Ok(read) => read,
            Err(misfit) if answer.is_success() => return Err(error::misfit(&misfit)),
            Err(_) => return Err(refusal(&answer)),
        };
        if read.access_token.is_some() {
            let digest = digest_of(credentials.user());
            return self
                .granted(read, answer.server_date(), &state.device_token, &digest)
                .map(LoginStep::Granted);
        }
        if let Some(workflow) = &read.verification_workflow {
            return self
                .open_workflow(credentials, state, workflow.id.as_str())
                .await;
        }
        if read.mfa_required == Some(true) {
            let told = read
                .mfa_type
                .as_ref()
                .and_then(|text| Kind::read(text.as_str()));
            let kind = told
                .filter(|kind| *kind != Kind::Prompt)
                .unwrap_or(Kind::App);
            let stage = Stage::Mfa { kind };
            state.meet(Met { stage, until: None }, self.clock().now());
            if kind == Kind::App
                && code.is_none()
                && let Some(step) = self.by_secret(credentials, state, challenge).await?
            {
                return Ok(step);
            }
            return self.ask(state);
        }
        if let Some(asked) = &read.challenge {
            let word = asked.kind.as_ref().map(|kind| kind.as_str());
            let stage = match word.and_then(Kind::read) {
                Some(kind) if kind != Kind::Prompt => Stage::Legacy {
                    challenge: asked.id.owned(),
                    kind,
                },
                _ => Stage::Human {
                    why: Why::of(word.unwrap_or_default(), None),
                },
            };
            let until = Some(self.until(&answer, asked.expires_at));
            state.meet(Met { stage, until }, self.clock().now());
            return self.ask(state);
        }
        let refused = refusal(&answer);
        match answer.is_success() && refused.kind() == ErrorKind::InvalidRequest {
            true => Err(Error::new(
                ErrorKind::UnexpectedAnswer,
                "the answer to the login has none of the keys that are known",
            )),
            false => Err(refused),
        }
    }

    /// Makes a grant of tokens that were given at `given_at`, by the broker's clock if it is known.
    pub(super) fn granted(
        &self,
        answer: TokenAnswer<'_>,
        given_at: Option<OffsetDateTime>,
        device_token: &str,
        digest: &str,
    ) -> Result<Grant> {
        let Some(access) = answer.access_token else {
            return Err(Error::new(
                ErrorKind::UnexpectedAnswer,
                "the answer has no token",
            ));
        };
        let now = self.clock().now();
        let claimed = expiry_of(&access).map(|at| at - given_at.unwrap_or(now));
        let told = answer
            .expires_in
            .and_then(|seconds| i64::try_from(seconds.0.trunc()).ok())
            .filter(|seconds| *seconds > 0)
            .map(|seconds| time::Duration::seconds(seconds.min(LONGEST)));
        let mut grant = Grant::new(access)
            .with_extra(DEVICE_TOKEN, device_token.into())
            .with_extra(USER_DIGEST, digest.into());
        if let Some(life) = claimed.or(told) {
            let life = life.min(time::Duration::seconds(LONGEST));
            grant = grant.with_expiry(now.saturating_add(life));
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
}

/// What a refused login means. The broker's words decide: with which status they come differs.
pub(super) fn refusal(answer: &Answer) -> Error {
    let failure = Failure::read(answer.text().as_bytes());
    let wait = answer.retry_after();
    let by_status = error::of_failure(answer.status(), failure.as_ref(), wait);
    if answer.status() >= 500 {
        return by_status;
    }
    // RFC 6749, 5.2: of a password grant it says that the password is not the right one.
    if failure
        .as_ref()
        .is_some_and(|it| it.oauth.as_deref() == Some("invalid_grant"))
    {
        return told(ErrorKind::InvalidCredentials, &by_status);
    }
    let by_words = error::of_failure(400, failure.as_ref(), wait);
    match (by_words.kind(), by_status.kind()) {
        (kind @ (ErrorKind::InvalidCredentials | ErrorKind::MfaRequired), _) => {
            told(kind, &by_status)
        }
        (ErrorKind::RateLimited, _) => limited(by_words),
        // A login has no session that could have expired.
        (_, ErrorKind::SessionExpired) => told(ErrorKind::PermissionDenied, &by_status),
        _ => by_status,
    }
}

fn told(kind: ErrorKind, like: &Error) -> Error {
    let error = Error::new(kind, like.message().to_owned());
    match like.broker_message() {
        Some(words) => error.with_broker_message(words),
        None => error,
    }
}

/// Reads when a token ends, if it is a JWT that says so. Nothing else of it is believed.
fn expiry_of(token: &SecretString) -> Option<OffsetDateTime> {
    let payload = token.expose_secret().split('.').nth(1)?;
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?);
    let claims: Claims = wire::decode(&bytes).ok()?;
    OffsetDateTime::from_unix_timestamp(i64::try_from(claims.exp?.0.trunc()).ok()?).ok()
}
