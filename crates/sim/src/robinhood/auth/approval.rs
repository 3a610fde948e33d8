//! Device approval: `pathfinder`, `identi` and the challenges behind both.

use serde_json::{Value, json};

use crate::{
    clock::from_millis,
    robinhood::{
        body::Body,
        ledger::Poll,
        reply,
        settings::{Approval, CodeKind, PromptAnswer},
        shape,
        state::State,
        text,
    },
    server::{Request, Response},
};

const ATTEMPTS: u32 = 3;

/// An approval that was asked for.
#[derive(Debug)]
pub(super) struct Workflow {
    user: usize,
    device: Option<String>,
    machine: Option<String>,
    /// The device that the machine was made for.
    machine_device: Option<String>,
    kind: Approval,
    challenge: String,
    status: &'static str,
    attempts: u32,
    expires: i64,
    updated: i64,
    polls: u32,
    views: u32,
    continues: u32,
    approved: bool,
    logins: u32,
}

/// The challenge that old clients know.
#[derive(Debug)]
pub(super) struct Legacy {
    pub(super) user: usize,
    kind: CodeKind,
    status: &'static str,
    attempts: u32,
    expires: i64,
}

impl Workflow {
    /// The user approves in the app.
    pub(super) fn tap(&mut self) {
        if self.kind == Approval::Prompt && self.status == "issued" {
            self.status = "validated";
        }
    }

    fn passed(&self) -> bool {
        matches!(self.status, "validated" | "redeemed")
    }

    fn settle(&mut self, now: i64) {
        if self.status == "issued" && now >= self.expires {
            self.status = "expired";
        }
    }

    fn row(&self) -> Value {
        json!({
            "id": self.challenge,
            "type": kind(self.kind),
            "status": self.status,
            "expires_at": text::local(self.expires),
            "remaining_retries": ATTEMPTS,
            "remaining_attempts": self.attempts,
        })
    }

    /// The challenge as `/challenge/` shows it.
    fn challenge(&self) -> Value {
        json!({
            "id": self.challenge,
            "type": kind(self.kind),
            "alternate_type": null,
            "status": self.status,
            "remaining_retries": if self.passed() { 0 } else { ATTEMPTS },
            "remaining_attempts": if self.passed() { 0 } else { self.attempts },
            "expires_at": text::local(self.expires),
            "updated_at": text::local(self.updated),
            "flow_id": "login_suv",
        })
    }
}

impl Legacy {
    pub(super) fn new(user: usize, kind: CodeKind, expires: i64) -> Self {
        Self {
            user,
            kind,
            status: "issued",
            attempts: ATTEMPTS,
            expires,
        }
    }

    pub(super) fn passed(&self, now: i64) -> bool {
        self.status == "validated" && now < self.expires
    }

    pub(super) fn row(&self, id: &str, user: &str) -> Value {
        let alternate = if self.kind == CodeKind::Sms {
            "email"
        } else {
            "sms"
        };
        json!({
            "id": id,
            "user": user,
            "type": self.kind.text(),
            "alternate_type": alternate,
            "status": self.status,
            "remaining_retries": ATTEMPTS,
            "remaining_attempts": self.attempts,
            "expires_at": text::local(self.expires),
        })
    }
}

fn kind(approval: Approval) -> &'static str {
    match approval {
        Approval::App => "app",
        Approval::Email => "email",
        Approval::Human => "human",
        Approval::Prompt => "prompt",
        Approval::Sms => "sms",
    }
}

fn code_kind(approval: Approval) -> Option<CodeKind> {
    match approval {
        Approval::App => Some(CodeKind::App),
        Approval::Email => Some(CodeKind::Email),
        Approval::Sms => Some(CodeKind::Sms),
        Approval::Human | Approval::Prompt => None,
    }
}

impl State {
    /// Asks for an approval.
    pub(super) fn open_workflow(
        &mut self,
        user: usize,
        device: Option<String>,
        now: i64,
    ) -> Response {
        let settings = &self.world.settings;
        let kind = match settings.login {
            super::super::settings::LoginFlow::Approval(kind) => kind,
            _ => Approval::Prompt,
        };
        let expires = now + text::millis(settings.challenge_life);
        let (continues, logins) = (settings.continues_pending, settings.logins_pending);
        let (id, challenge) = (self.world.id(), self.world.id());
        // A client that asks again while its approval is under way gets the same workflow.
        let open = self.auth.workflows.iter_mut().find(|(_, known)| {
            known.user == user && known.device == device && (now < known.expires || known.approved)
        });
        let id = match open {
            Some((id, known)) => {
                known.logins = known.logins.saturating_sub(u32::from(known.approved));
                id.clone()
            }
            None => {
                self.auth.workflows.insert(
                    id.clone(),
                    Workflow {
                        user,
                        device,
                        machine: None,
                        machine_device: None,
                        kind,
                        challenge,
                        status: "issued",
                        attempts: ATTEMPTS,
                        expires,
                        updated: now,
                        polls: 0,
                        views: 0,
                        continues,
                        approved: false,
                        logins,
                    },
                );
                id
            }
        };
        let body = json!({"verification_workflow": {
            "id": id,
            "workflow_status": "workflow_status_internal_pending",
        }});
        Response::json(self.world.settings.workflow_status, &body)
    }

    /// Whether a device has an approval that was not used yet; it is used up.
    pub(super) fn approved(&mut self, user: usize, device: Option<&str>) -> bool {
        let bind = self.world.settings.bind_device;
        let found = self.auth.workflows.iter().find(|(_, known)| {
            let from = known.machine_device.as_deref().or(known.device.as_deref());
            known.user == user && known.approved && known.logins == 0 && (!bind || from == device)
        });
        let Some(id) = found.map(|(id, _)| id.clone()) else {
            return false;
        };
        self.auth.workflows.remove(&id);
        true
    }

    pub(in crate::robinhood) fn user_machine(&mut self, request: &Request) -> Response {
        let body = match Body::of(request) {
            Ok(body) => body,
            Err(refusal) => return refusal,
        };
        let workflow = body
            .value("input")
            .and_then(|input| input["workflow_id"].as_str());
        let machine = self.world.id();
        let known = workflow.and_then(|id| self.auth.workflows.get_mut(id));
        let Some(known) = known.filter(|_| body.text("flow").as_deref() == Some("suv")) else {
            return reply::not_found();
        };
        known.machine_device = body.text("device_id");
        let machine = known.machine.get_or_insert(machine);
        reply::ok(&json!({"id": machine}))
    }

    fn machine(&mut self, machine: &str) -> Option<(String, &mut Workflow)> {
        let found = self.auth.workflows.iter_mut();
        let mut found = found.filter(|(_, known)| known.machine.as_deref() == Some(machine));
        found.next().map(|(id, known)| (id.clone(), known))
    }

    pub(in crate::robinhood) fn user_view(&mut self, machine: &str, now: i64) -> Response {
        let hidden = self.world.settings.views_without_challenge;
        let Some((id, workflow)) = self.machine(machine) else {
            return reply::not_found();
        };
        workflow.settle(now);
        workflow.views += 1;
        let (page, state, polling, context) = if workflow.views <= hidden {
            (
                "LoadingPage",
                "EntryPoint",
                json!(5),
                json!({"initial_alert": null}),
            )
        } else if workflow.kind == Approval::Human {
            let heading = json!({"text": "We need to verify your identity"});
            let context = json!({"heading": heading, "sheriff_flow_id": "login_suv"});
            ("UnsupportedPage", "Challenge", Value::Null, context)
        } else {
            let other = match workflow.kind {
                Approval::Prompt => "Send text instead",
                _ => "Verify with bank instead",
            };
            let context = json!({
                "initial_alert": null,
                "sheriff_flow_id": "login_suv",
                "fallback_cta_text": other,
                "sheriff_challenge": workflow.row(),
                "verification_workflow_id": id,
            });
            ("ChallengePage", "Challenge", Value::Null, context)
        };
        reply::ok(&shape::USER_VIEW.with(json!({
            "page": page,
            "context": context,
            "type_context": {"page": page, "context": context},
            "state_name": state,
            "polling_interval": polling,
        })))
    }

    pub(in crate::robinhood) fn user_view_continue(&mut self, machine: &str) -> Response {
        let gone = self.world.settings.continue_gone;
        let Some((_, workflow)) = self.machine(machine) else {
            return reply::not_found();
        };
        if workflow.approved {
            return reply::detail(410, "Gone.");
        }
        let status = match workflow {
            workflow if !workflow.passed() => "workflow_status_internal_pending",
            workflow if workflow.continues > 0 => {
                workflow.continues -= 1;
                "workflow_status_internal_pending"
            }
            workflow => {
                workflow.approved = true;
                if gone {
                    return reply::detail(410, "Gone.");
                }
                "workflow_status_approved"
            }
        };
        reply::ok(&shape::USER_VIEW.with(json!({
            "page": null,
            "context": null,
            "type": "result",
            "type_context": {"result": status, "result_type": "security.verification-result"},
            "prev_state_name": "Challenge",
            "http_status": null,
        })))
    }

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
            let right = self.is_right(legacy.user, legacy.kind, &code, now);
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
        let right = self.is_right(workflow.user, kind, &code, now);
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
        workflow.attempts = workflow.attempts.saturating_sub(1);
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
        legacy.attempts = legacy.attempts.saturating_sub(1);
        if legacy.attempts == 0 {
            legacy.status = "failed";
        }
        let row = legacy.row(id, user);
        let body = json!({"detail": "Challenge response is invalid.", "challenge": row});
        Response::json(400, &body)
    }

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
