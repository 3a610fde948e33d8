//! Challenges: prompts that are polled and codes that are typed.

use serde_json::json;

use super::approval::code_kind;
use crate::{
    clock::from_millis,
    robinhood::{
        body::Body,
        ledger::Poll,
        reply,
        settings::{Approval, PromptAnswer},
        state::State,
    },
    server::{Request, Response},
};

impl State {
    pub(in crate::robinhood) fn prompt_status(&mut self, challenge: &str, now: i64) -> Response {
        let answer = self.world.settings.prompt;
        let limits = &self.world.settings.rate_limits;
        let at = from_millis(now);
        let challenge_id = challenge.to_owned();
        if let Err(refusal) = self.usage.prompt(limits, challenge, now) {
            self.world.ledger.push_poll(Poll {
                at,
                challenge: challenge_id,
                status: None,
            });
            return refusal;
        }
        let known = self.auth.workflows.values_mut();
        let Some(workflow) = known.filter(|known| known.challenge == challenge).last() else {
            return reply::not_found();
        };
        workflow.settle(now);
        if workflow.kind == Approval::Prompt && workflow.status == "issued" {
            workflow.polls += 1;
            workflow.status = match answer {
                PromptAnswer::After(polls) if workflow.polls > polls => "validated",
                PromptAnswer::Redeem(polls) if workflow.polls > polls => "redeemed",
                PromptAnswer::Deny => "failed",
                _ => "issued",
            };
        }
        let status = Some(workflow.status);
        let response = reply::ok(&json!({"challenge_status": workflow.status}));
        self.world.ledger.push_poll(Poll {
            at,
            challenge: challenge_id,
            status,
        });
        response
    }

    pub(in crate::robinhood) fn challenge(&mut self, id: &str, now: i64) -> Response {
        let known = self
            .auth
            .workflows
            .values_mut()
            .find(|known| known.challenge == id);
        let Some(workflow) = known else {
            return reply::not_found();
        };
        workflow.settle(now);
        reply::ok(&workflow.challenge())
    }

    pub(in crate::robinhood) fn respond(
        &mut self,
        id: &str,
        request: &Request,
        now: i64,
    ) -> Response {
        let body = match Body::of(request) {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        let code = body.text("response").unwrap_or_default();
        if let Some(legacy) = self.auth.legacy.get(id) {
            let (user, kind) = (legacy.user, legacy.kind);
            let right = self.is_right(user, kind, &code, now);
            return self.respond_legacy(id, right, now);
        }
        let known = self
            .auth
            .workflows
            .values()
            .find(|known| known.challenge == id);
        let Some(workflow) = known else {
            return reply::not_found();
        };
        let Some(kind) = code_kind(workflow.kind) else {
            return reply::detail(400, "Challenge type is not supported.");
        };
        let user = workflow.user;
        let right = self.is_right(user, kind, &code, now);
        let known = self
            .auth
            .workflows
            .values_mut()
            .find(|known| known.challenge == id);
        let Some(workflow) = known else {
            return reply::not_found();
        };
        workflow.settle(now);
        workflow.updated = now;
        if workflow.status == "issued" && right {
            workflow.status = "validated";
        }
        if workflow.passed() {
            let mut row = workflow.challenge();
            if let Some(row) = row.as_object_mut() {
                row.insert("mfa_status".to_owned(), json!(kind.text()));
            }
            return reply::ok(&row);
        }
        if workflow.status == "issued" {
            workflow.attempts = workflow.attempts.saturating_sub(1);
        }
        if workflow.attempts == 0 {
            workflow.status = "failed";
        }
        let body = json!({"detail": "Incorrect code.", "challenge": workflow.challenge()});
        Response::json(400, &body)
    }

    fn respond_legacy(&mut self, id: &str, right: bool, now: i64) -> Response {
        let Some(legacy) = self.auth.legacy.get_mut(id) else {
            return reply::not_found();
        };
        let user = &self.users[legacy.user].id;
        if legacy.status == "issued" && right && now < legacy.expires {
            legacy.status = "validated";
            return reply::ok(&legacy.row(id, user));
        }
        if legacy.status == "issued" && now >= legacy.expires {
            legacy.status = "expired";
        }
        if legacy.status == "issued" {
            legacy.attempts = legacy.attempts.saturating_sub(1);
        }
        if legacy.attempts == 0 {
            legacy.status = "failed";
        }
        let row = legacy.row(id, user);
        let body = json!({"detail": "Challenge response is invalid.", "challenge": row});
        Response::json(400, &body)
    }
}
