//! Logins, approvals and tokens.

mod approval;
mod challenge;
mod code;
mod identi;
mod login;
mod refresh;
mod token;

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use self::approval::{Legacy, Workflow};
pub(super) use self::code::totp;
use super::{reply, settings::RefreshReuse};
use crate::server::{Request, Response};

/// What is known of logins.
#[derive(Default)]
pub(super) struct Auth {
    sessions: Vec<Session>,
    access: HashMap<String, (usize, Scope)>,
    refresh: HashMap<String, usize>,
    workflows: HashMap<String, Workflow>,
    legacy: HashMap<String, Legacy>,
    /// Codes of authenticator apps that were taken, by user.
    used_codes: HashSet<(usize, String)>,
}

struct Session {
    user: usize,
    device: Option<String>,
    /// Access tokens die at this time; `None` after the end of the session.
    until: Option<i64>,
    current_refresh: String,
}

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Internal,
    Read,
}

/// Whoever sent a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) user: usize,
    pub(super) scope: Scope,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("sessions", &self.sessions.len())
            .finish_non_exhaustive()
    }
}

impl Auth {
    /// Who sent a request, from its bearer token.
    pub(super) fn caller(&self, request: &Request, now: i64) -> Result<Caller, Response> {
        let Some(header) = request.header("authorization") else {
            return Err(reply::detail(
                401,
                "Authentication credentials were not provided.",
            ));
        };
        let refusal = || reply::detail(401, "Incorrect authentication credentials.");
        let (scheme, token) = header.split_once(' ').ok_or_else(refusal)?;
        let known = self
            .access
            .get(token.trim())
            .filter(|_| scheme.eq_ignore_ascii_case("bearer"));
        let (session, scope) = *known.ok_or_else(refusal)?;
        let session = &self.sessions[session];
        match session.until {
            Some(until) if now < until => Ok(Caller {
                user: session.user,
                scope,
            }),
            _ => Err(refusal()),
        }
    }

    fn end(&mut self, session: usize) {
        self.sessions[session].until = None;
        self.access.retain(|_, (of, _)| *of != session);
    }

    pub(super) fn expire_access(&mut self) {
        self.access.clear();
    }

    pub(super) fn revoke_all(&mut self) {
        (0..self.sessions.len()).for_each(|session| self.end(session));
        self.refresh.clear();
    }

    pub(super) fn session_count(&self) -> usize {
        self.sessions
            .iter()
            .filter(|session| session.until.is_some())
            .count()
    }

    pub(super) fn approve_prompts(&mut self) {
        self.workflows.values_mut().for_each(Workflow::tap);
    }
}

/// Whether a used refresh token ends its session.
fn punishes(reuse: RefreshReuse) -> bool {
    matches!(reuse, RefreshReuse::RevokeSession)
}
