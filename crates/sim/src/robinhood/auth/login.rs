//! The token endpoint.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use subtle::ConstantTimeEq;

use super::{approval::Legacy, code};
use crate::{
    clock::from_millis,
    robinhood::{
        body::Body,
        ledger::{Login, LoginOutcome},
        reply,
        settings::{CodeKind, ErrorShape, LoginFlow},
        state::State,
        text,
    },
    server::{Request, Response},
};

pub(super) const CHALLENGE_HEADER: &str = "x-robinhood-challenge-response-id";

struct Attempt<'a> {
    body: &'a Body,
    user: usize,
    device: Option<String>,
    mfa_code: Option<String>,
    challenge: Option<&'a str>,
}

impl State {
    pub(in crate::robinhood) fn token_endpoint(&mut self, request: &Request, now: i64) -> Response {
        let body = match Body::of(request) {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        match body.text("grant_type").as_deref() {
            Some("refresh_token") => self.refresh(&body, now),
            Some("password") => self.login(request, &body, now),
            _ => Response::json(400, &json!({"error": "unsupported_grant_type"})),
        }
    }

    fn login(&mut self, request: &Request, body: &Body, now: i64) -> Response {
        let username = body.text("username").unwrap_or_default();
        let (outcome, response) = self.decide(request, body, &username, now);
        self.world.ledger.push_login(Login {
            at: from_millis(now),
            username,
            device_token: body.text("device_token"),
            request_id: body.text("request_id"),
            with_code: body.has("mfa_code"),
            outcome,
        });
        response
    }

    fn decide(
        &mut self,
        request: &Request,
        body: &Body,
        username: &str,
        now: i64,
    ) -> (LoginOutcome, Response) {
        let known = self.users.iter().position(|user| user.username == username);
        if let Err(refusal) = self
            .usage
            .login(&self.world.settings.rate_limits, username, now)
        {
            return (LoginOutcome::Throttled, refusal);
        }
        let given: SecretString = body.text("password").unwrap_or_default().into();
        let right = known.filter(|user| is_same(&self.users[*user].password, &given));
        let Some(user) = right.filter(|_| self.world.settings.login != LoginFlow::BadCredentials)
        else {
            self.usage.failed_login(username, now);
            return (LoginOutcome::BadCredentials, self.bad_credentials());
        };
        let attempt = Attempt {
            body,
            user,
            device: body.text("device_token"),
            mfa_code: body.text("mfa_code"),
            challenge: request.header(CHALLENGE_HEADER),
        };
        self.go_on(&attempt, now)
    }

    fn go_on(&mut self, attempt: &Attempt<'_>, now: i64) -> (LoginOutcome, Response) {
        match self.world.settings.login.clone() {
            LoginFlow::Throttled(seconds) => {
                let header = !self.world.settings.rate_limits.no_retry_after;
                return (LoginOutcome::Throttled, reply::throttled(seconds, header));
            }
            LoginFlow::Page(status) => {
                let page = "<!DOCTYPE html><html><body>One moment</body></html>";
                let page = Response::empty(status).with_body("text/html; charset=UTF-8", page);
                return (LoginOutcome::Page, page);
            }
            LoginFlow::Granted => return self.granted(attempt, now),
            _ => {}
        }
        let device = attempt.device.clone().unwrap_or_default();
        if self.users[attempt.user].devices.contains(&device) {
            return self.granted(attempt, now);
        }
        match self.world.settings.login.clone() {
            LoginFlow::MfaRequired(kind) => self.with_mfa(attempt, kind, now),
            LoginFlow::LegacyChallenge(kind) => self.with_legacy(attempt, kind, now),
            _ => self.with_approval(attempt, now),
        }
    }

    fn with_mfa(
        &mut self,
        attempt: &Attempt<'_>,
        kind: CodeKind,
        now: i64,
    ) -> (LoginOutcome, Response) {
        match &attempt.mfa_code {
            None => {
                let body = json!({"mfa_required": true, "mfa_type": kind.text()});
                (LoginOutcome::MfaRequired, reply::ok(&body))
            }
            Some(code) if self.is_right(attempt.user, kind, code, now) => {
                self.granted(attempt, now)
            }
            Some(_) => (LoginOutcome::BadCode, bad_code()),
        }
    }

    fn with_legacy(
        &mut self,
        attempt: &Attempt<'_>,
        kind: CodeKind,
        now: i64,
    ) -> (LoginOutcome, Response) {
        let passed = attempt
            .challenge
            .and_then(|id| self.auth.legacy.get(id))
            .is_some_and(|legacy| legacy.user == attempt.user && legacy.passed(now));
        if passed {
            return self.granted(attempt, now);
        }
        let id = self.world.id();
        let expires = now + text::millis(self.world.settings.challenge_life);
        let legacy = Legacy::new(attempt.user, kind, expires);
        let body = json!({
            "detail": "Request blocked, challenge issued.",
            "challenge": legacy.row(&id, &self.users[attempt.user].id),
        });
        self.auth.legacy.insert(id, legacy);
        let status = self.world.settings.legacy_status;
        (LoginOutcome::LegacyChallenge, Response::json(status, &body))
    }

    fn with_approval(&mut self, attempt: &Attempt<'_>, now: i64) -> (LoginOutcome, Response) {
        if let Some(code) = &attempt.mfa_code {
            if !self.is_right(attempt.user, CodeKind::App, code, now) {
                return (LoginOutcome::BadCode, bad_code());
            }
            if self.world.settings.mfa_code_suffices {
                return self.granted(attempt, now);
            }
        }
        if self.approved(attempt.user, attempt.device.as_deref()) {
            return self.granted(attempt, now);
        }
        let response = self.open_workflow(attempt.user, attempt.device.clone(), now);
        (LoginOutcome::Workflow, response)
    }

    fn granted(&mut self, attempt: &Attempt<'_>, now: i64) -> (LoginOutcome, Response) {
        if let Some(device) = &attempt.device {
            self.users[attempt.user].devices.insert(device.clone());
        }
        let read_only = attempt
            .body
            .flag("create_read_only_secondary_token")
            .unwrap_or(false);
        let response = self.grant(attempt.user, attempt.device.clone(), read_only, now);
        (LoginOutcome::Granted, response)
    }

    /// Whether a code is the right one.
    pub(super) fn is_right(&mut self, user: usize, kind: CodeKind, given: &str, now: i64) -> bool {
        let known = &self.users[user];
        match kind {
            CodeKind::App => {
                let right = code::is_totp(&known.totp, given, now);
                let fresh = !right || self.auth.used_codes.insert((user, given.to_owned()));
                right && (fresh || !self.world.settings.totp_once)
            }
            CodeKind::Email | CodeKind::Sms => is_same(&known.code, &given.into()),
        }
    }

    fn bad_credentials(&self) -> Response {
        let text = "Unable to log in with provided credentials.";
        let body = match self.world.settings.bad_credentials_shape {
            ErrorShape::Detail => json!({"detail": text}),
            ErrorShape::NonFieldErrors => json!({"non_field_errors": [text]}),
        };
        Response::json(self.world.settings.bad_credentials_status, &body)
    }
}

fn bad_code() -> Response {
    reply::detail(400, "Please enter a valid code.")
}

fn is_same(known: &SecretString, given: &SecretString) -> bool {
    known
        .expose_secret()
        .as_bytes()
        .ct_eq(given.expose_secret().as_bytes())
        .into()
}
