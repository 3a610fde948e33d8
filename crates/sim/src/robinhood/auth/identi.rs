//! Device approval as the newer web client does it.

use serde_json::{Value, json};

use super::approval::{ATTEMPTS, Workflow, code_kind, kind};
use crate::{
    robinhood::{
        body::Body,
        reply,
        settings::{Approval, HumanScreen, IdentiStyle},
        state::State,
        text,
    },
    server::{Request, Response},
};

/// How a screen is called, and the key of its parameters and of its actions without their endings.
struct Names {
    screen: &'static str,
    stem: &'static str,
}

impl Names {
    /// Those of prompts, SMS and mail are the broker's own. For a code of the app no screen is known.
    fn of(style: IdentiStyle, human: HumanScreen, approval: Approval) -> Self {
        let renamed = style == IdentiStyle::Renamed;
        let (screen, stem) = match approval {
            Approval::App if renamed => ("VERIFY_MFA_CODE", "verifyMfaCode"),
            Approval::App => ("TOTP_CHALLENGE", "totpChallenge"),
            Approval::Email if renamed => ("VERIFY_EMAIL", "verifyEmail"),
            Approval::Email => ("EMAIL_CHALLENGE", "emailChallenge"),
            Approval::Human => match human {
                HumanScreen::Bank => ("PLAID_BANK_LIST", "plaidBankList"),
                HumanScreen::Frozen => ("FREEZE_ACCOUNT", "freezeAccount"),
                HumanScreen::Passkey => ("DEVICE_APPROVAL_CHALLENGE", "deviceApprovalChallenge"),
                HumanScreen::Photo => ("KYC_STATUS_CHECK", "kycStatusCheck"),
                HumanScreen::Selfie => ("SELFIE_CHECK", "selfieCheck"),
                HumanScreen::Support => ("CONTACT_SUPPORT", "contactSupport"),
                HumanScreen::Unknown => ("PUZZLE", "puzzle"),
            },
            Approval::Prompt => ("DEVICE_APPROVAL_CHALLENGE", "deviceApprovalChallenge"),
            Approval::Sms if renamed => ("VERIFY_PHONE", "verifyPhone"),
            Approval::Sms => ("SMS_CHALLENGE", "smsChallenge"),
        };
        Self { screen, stem }
    }

    fn action(&self, style: IdentiStyle) -> String {
        let stem = match style {
            IdentiStyle::OneAction => "deviceApprovalChallenge",
            _ => self.stem,
        };
        format!("{stem}Action")
    }
}

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
        let settings = &self.world.settings;
        let (identi, style, human) = (settings.identi, settings.identi_style, settings.human);
        let expires = now + text::millis(settings.challenge_life);
        let challenge = self.world.id();
        let known = self.auth.workflows.get_mut(workflow).filter(|_| identi);
        let Some(known) = known else {
            return reply::not_found();
        };
        known.settle(now);
        let names = Names::of(style, human, known.kind);
        let ends_itself = style == IdentiStyle::Itself && code_kind(known.kind).is_some();
        let action = body.value(&names.action(style)).filter(|_| {
            let named = body.text("screenName");
            named.is_none_or(|name| name == names.screen || style == IdentiStyle::OneAction)
        });
        if action.is_none() && !body.has("entryPointAction") && !ends_itself {
            return reply::general("This action does not belong to the screen.");
        }
        let has = |name: &str| action.is_some_and(|action| !action[name].is_null());
        if has("fallback") {
            known.reissue(Approval::Sms, challenge, expires);
        } else if has("resend") {
            known.reissue(known.kind, challenge, expires);
        }
        if known.passed() && (has("proceed") || ends_itself) {
            if known.continues > 0 {
                known.continues -= 1;
            } else {
                known.approved = true;
            }
        }
        if known.approved {
            return reply::ok(&json!({"route": {"exit": {"status": "WORKFLOW_STATUS_APPROVED"}}}));
        }
        reply::ok(&screen(workflow, known, style, human))
    }
}

fn screen(id: &str, workflow: &Workflow, style: IdentiStyle, human: HumanScreen) -> Value {
    let names = Names::of(style, human, workflow.kind);
    let is_passkey = workflow.kind == Approval::Human && human == HumanScreen::Passkey;
    let other = match workflow.kind {
        Approval::Email | Approval::Prompt => "Send text instead",
        Approval::Sms => "Verify with bank instead",
        Approval::App | Approval::Human => "",
    };
    let kind = match is_passkey {
        true => "WEBAUTHN".to_owned(),
        false => kind(workflow.kind).to_ascii_uppercase(),
    };
    let challenge = json!({
        "id": workflow.challenge,
        "type": kind,
        "status": workflow.status.to_ascii_uppercase(),
        "remainingRetries": ATTEMPTS,
        "remainingAttempts": workflow.attempts,
        "expiresAt": text::stamp(workflow.expires),
    });
    let mut screen = json!({"name": names.screen, "blockId": text::uuid_of(id)});
    let params = format!("{}ScreenParams", names.stem);
    if workflow.kind != Approval::Human || is_passkey {
        screen[params] = json!({
            "sheriffChallenge": challenge,
            "sheriffFlowId": "login_suv",
            "fallbackCtaText": other,
        });
    } else {
        screen[params] = json!({});
    }
    json!({"route": {"replace": {"screen": screen}}})
}
