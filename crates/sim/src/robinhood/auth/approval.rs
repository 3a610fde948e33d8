//! Device approval: `pathfinder`, `identi` and the challenges behind both.

use serde_json::{Value, json};

use crate::{
    robinhood::{
        body::Body,
        reply,
        settings::{Approval, CodeKind, HumanScreen},
        shape,
        state::State,
        text,
    },
    server::{Request, Response},
};

pub(super) const ATTEMPTS: u32 = 3;

/// An approval that was asked for.
#[derive(Debug)]
pub(super) struct Workflow {
    pub(super) user: usize,
    pub(super) device: Option<String>,
    pub(super) machine: Option<String>,
    /// The device that the machine was made for.
    pub(super) machine_device: Option<String>,
    pub(super) kind: Approval,
    pub(super) challenge: String,
    pub(super) status: &'static str,
    pub(super) attempts: u32,
    pub(super) expires: i64,
    pub(super) updated: i64,
    pub(super) polls: u32,
    pub(super) views: u32,
    pub(super) continues: u32,
    pub(super) approved: bool,
    pub(super) logins: u32,
}

/// The challenge that old clients know.
#[derive(Debug)]
pub(super) struct Legacy {
    pub(super) user: usize,
    pub(super) kind: CodeKind,
    pub(super) status: &'static str,
    pub(super) attempts: u32,
    pub(super) expires: i64,
}

impl Workflow {
    /// A new challenge takes the place of the old one.
    pub(super) fn reissue(&mut self, kind: Approval, challenge: String, expires: i64) {
        self.kind = kind;
        self.challenge = challenge;
        self.status = "issued";
        self.attempts = ATTEMPTS;
        self.expires = expires;
    }

    /// The user approves in the app.
    pub(super) fn tap(&mut self) {
        if self.kind == Approval::Prompt && self.status == "issued" {
            self.status = "validated";
        }
    }

    pub(super) fn passed(&self) -> bool {
        matches!(self.status, "validated" | "redeemed")
    }

    pub(super) fn settle(&mut self, now: i64) {
        if self.status == "issued" && now >= self.expires {
            self.status = "expired";
        }
    }

    pub(super) fn row(&self) -> Value {
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
    pub(super) fn challenge(&self) -> Value {
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

/// The page of the apps that asks for a person. Only that of the support is of a capture; of the
/// others nothing is known but that they are there.
fn human_page(screen: HumanScreen, workflow: &Workflow) -> (&'static str, Value) {
    let (page, text) = match screen {
        HumanScreen::Bank => ("PlaidPage", "Verify with your bank"),
        HumanScreen::Frozen => ("FrozenAccountPage", "Your account is frozen"),
        HumanScreen::Passkey => {
            let mut challenge = workflow.row();
            challenge["type"] = json!("webauthn");
            let context = json!({"sheriff_challenge": challenge, "sheriff_flow_id": "login_suv"});
            return ("ChallengePage", context);
        }
        HumanScreen::Photo => ("DocumentPage", "Take a photo of your ID"),
        HumanScreen::Selfie => ("SelfiePage", "Take a selfie"),
        HumanScreen::Support => ("UnsupportedPage", "We need to verify your identity"),
        HumanScreen::Unknown => ("PuzzlePage", "Solve this puzzle"),
    };
    let context = json!({"heading": {"text": text}, "sheriff_flow_id": "login_suv"});
    (page, context)
}

pub(super) fn kind(approval: Approval) -> &'static str {
    match approval {
        Approval::App => "app",
        Approval::Email => "email",
        Approval::Human => "human",
        Approval::Prompt => "prompt",
        Approval::Sms => "sms",
    }
}

pub(super) fn code_kind(approval: Approval) -> Option<CodeKind> {
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
            let is_open = now < known.expires && known.status != "failed";
            known.user == user && known.device == device && (is_open || known.approved)
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
        let human = self.world.settings.human;
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
            let (page, context) = human_page(human, workflow);
            (page, "Challenge", Value::Null, context)
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
}
