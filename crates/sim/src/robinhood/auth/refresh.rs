//! Refreshing and revoking.

use serde_json::json;

use super::punishes;
use crate::{
    clock::from_millis,
    robinhood::{
        body::Body,
        ledger::Refresh,
        reply,
        settings::{RefreshAnswer, RefreshReuse},
        state::State,
    },
    server::{Request, Response},
};

impl State {
    pub(super) fn refresh(&mut self, body: &Body, now: i64) -> Response {
        let token = body.text("refresh_token").unwrap_or_default();
        let found = self.auth.refresh.get(&token).copied();
        let alive = found.filter(|session| self.auth.sessions[*session].until.is_some());
        let reused =
            alive.is_some_and(|session| self.auth.sessions[session].current_refresh != token);
        let settings = &self.world.settings;
        let note = Refresh {
            at: from_millis(now),
            accepted: false,
            reused,
        };
        if reused
            && punishes(settings.refresh_reuse)
            && let Some(session) = alive
        {
            self.auth.end(session);
        }
        let settings = &self.world.settings;
        let usable = alive
            .filter(|_| !reused || settings.refresh_reuse == RefreshReuse::Accept)
            .filter(|_| settings.refresh == RefreshAnswer::Granted);
        let same_device = |session: &usize| {
            let known = &self.auth.sessions[*session].device;
            !settings.bind_device || known.is_none() || *known == body.text("device_token")
        };
        match usable.filter(same_device) {
            Some(session) => {
                self.world.ledger.push_refresh(Refresh {
                    accepted: true,
                    ..note
                });
                if self.world.settings.refresh_ends_access {
                    self.auth.access.retain(|_, (of, _)| *of != session);
                }
                reply::ok(&self.issue(session, true, now))
            }
            None => {
                self.world.ledger.push_refresh(note);
                if let (Some(session), RefreshAnswer::Workflow) =
                    (alive, self.world.settings.refresh)
                {
                    let user = self.auth.sessions[session].user;
                    return self.open_workflow(user, body.text("device_token"), now);
                }
                let status = self.world.settings.refresh_refused_status;
                let body = json!({
                    "error": "invalid_grant",
                    "error_description": "Invalid refresh token.",
                });
                Response::json(status, &body)
            }
        }
    }

    /// Ends the session of an access or refresh token; of an unknown token too, as RFC 7009 says.
    pub(in crate::robinhood) fn revoke(&mut self, request: &Request) -> Response {
        let body = match Body::of(request) {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        let token = body.text("token").unwrap_or_default();
        let by_access = self.auth.access.get(&token).map(|(session, _)| *session);
        if let Some(session) = by_access.or_else(|| self.auth.refresh.get(&token).copied()) {
            self.auth.end(session);
        }
        reply::ok(&json!({}))
    }
}
