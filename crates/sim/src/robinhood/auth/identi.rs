//! Device approval as the newer web client does it.

use serde_json::{Value, json};

use super::approval::{ATTEMPTS, Workflow, kind};
use crate::{
    robinhood::{body::Body, reply, settings::Approval, state::State, text},
    server::{Request, Response},
};

impl State {
    pub(in crate::robinhood) fn identi_migrated(&mut self, workflow: &str) -> Response {
        if !self.auth.workflows.contains_key(workflow) {
            return reply::not_found();
        }
        reply::ok(&json!({"result": self.world.settings.identi}))
    }

    pub(in crate::robinhood) fn identi_workflow(
        &mut self,
        workflow: &str,
        request: &Request,
        now: i64,
    ) -> Response {
        let body = match Body::of(request) {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        let identi = self.world.settings.identi;
        let challenge = self.world.id();
        let expires = now + text::millis(self.world.settings.challenge_life);
        let known = self.auth.workflows.get_mut(workflow).filter(|_| identi);
        let Some(known) = known else {
            return reply::not_found();
        };
        known.settle(now);
        let action = body
            .value("deviceApprovalChallengeAction")
            .or_else(|| body.value("smsChallengeAction"));
        let has = |name: &str| action.is_some_and(|action| !action[name].is_null());
        if has("fallback") {
            known.kind = Approval::Sms;
        }
        if has("fallback") || has("resend") {
            known.challenge = challenge;
            known.status = "issued";
            known.expires = expires;
        }
        if has("proceed") && known.passed() {
            if known.continues > 0 {
                known.continues -= 1;
            } else {
                known.approved = true;
                let exit = json!({"route": {"exit": {"status": "WORKFLOW_STATUS_APPROVED"}}});
                return reply::ok(&exit);
            }
        }
        reply::ok(&screen(workflow, known))
    }
}

/// The screen of a workflow. Only the one for device approval was captured; the names of the
/// others are guesses in its style.
fn screen(id: &str, workflow: &Workflow) -> Value {
    let (name, params, other) = match workflow.kind {
        Approval::App => ("TOTP_CHALLENGE", "totpChallengeScreenParams", ""),
        Approval::Email => (
            "EMAIL_CHALLENGE",
            "emailChallengeScreenParams",
            "Send text instead",
        ),
        Approval::Human => ("CONTACT_SUPPORT", "contactSupportScreenParams", ""),
        Approval::Prompt => (
            "DEVICE_APPROVAL_CHALLENGE",
            "deviceApprovalChallengeScreenParams",
            "Send text instead",
        ),
        Approval::Sms => (
            "SMS_CHALLENGE",
            "smsChallengeScreenParams",
            "Verify with bank instead",
        ),
    };
    let challenge = json!({
        "id": workflow.challenge,
        "type": kind(workflow.kind).to_ascii_uppercase(),
        "status": workflow.status.to_ascii_uppercase(),
        "remainingRetries": ATTEMPTS,
        "remainingAttempts": workflow.attempts,
        "expiresAt": text::stamp(workflow.expires),
    });
    let mut screen = json!({"name": name, "blockId": text::uuid_of(id)});
    if workflow.kind != Approval::Human {
        screen[params] = json!({
            "sheriffChallenge": challenge,
            "sheriffFlowId": "login_suv",
            "fallbackCtaText": other,
        });
    }
    json!({"route": {"replace": {"screen": screen}}})
}
