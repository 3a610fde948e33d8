//! What the broker's words mean. The two flows differ in case, and a word may have one prefix that says
//! what it is about, as in `WORKFLOW_STATUS_APPROVED`. The rest is read whole.

use serde::{Deserialize, Serialize};
use wheelhouse_session::CodeChannel;

/// What a challenge wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    App,
    Mail,
    Prompt,
    Sms,
}

impl Kind {
    pub(super) fn read(text: &str) -> Option<Self> {
        match word(text, "type_").as_str() {
            "app" | "totp" => Some(Self::App),
            "email" => Some(Self::Mail),
            "prompt" => Some(Self::Prompt),
            "sms" => Some(Self::Sms),
            _ => None,
        }
    }

    pub(super) fn channel(self) -> Option<CodeChannel> {
        match self {
            Self::Mail => Some(CodeChannel::Mail),
            Self::Sms => Some(CodeChannel::Sms),
            Self::App | Self::Prompt => None,
        }
    }

    /// How the key of its screen's action begins, in the flow of the web page.
    pub(super) fn stem(self) -> Option<&'static str> {
        match self {
            Self::App => None,
            Self::Mail => Some("emailChallenge"),
            Self::Prompt => Some("deviceApprovalChallenge"),
            Self::Sms => Some("smsChallenge"),
        }
    }
}

/// How a challenge stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Expired,
    Failed,
    Open,
    Passed,
}

impl Standing {
    /// A status that is not known, or not there, is taken for one that may still change.
    pub(super) fn read(text: Option<&str>) -> Self {
        match word(text.unwrap_or_default(), "status_").as_str() {
            "validated" | "redeemed" => Self::Passed,
            "expired" => Self::Expired,
            "failed" => Self::Failed,
            _ => Self::Open,
        }
    }
}

/// How a workflow stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Approved,
    Pending,
    Refused,
}

impl Outcome {
    /// A status that is not known is no approval, and ends the login.
    pub(super) fn read(text: &str) -> Self {
        match word(text, "workflow_status_").as_str() {
            "approved" => Self::Approved,
            "internal_pending" | "pending" => Self::Pending,
            _ => Self::Refused,
        }
    }
}

fn word(text: &str, prefix: &str) -> String {
    let text = text.to_ascii_lowercase();
    text.strip_prefix(prefix).unwrap_or(&text).to_owned()
}

/// Why only a person can go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub(super) enum Why {
    Bank,
    Call,
    Contact,
    Frozen,
    Identity,
    Passkey,
    Questions,
    Selfie,
    Support,
    Unknown { screen: String },
    Update,
}

impl Why {
    /// Names the reason from what the broker calls its screen, and from what stands on it. A name that
    /// says nothing is passed on.
    pub(super) fn of(screen: &str, heading: Option<&str>) -> Self {
        let words = format!("{screen} {}", heading.unwrap_or_default()).to_ascii_uppercase();
        let has = |fragments: &[&str]| fragments.iter().any(|it| words.contains(it));
        match () {
            () if has(&["FREEZE", "FROZEN", "LOCKED", "RESTRICTED"]) => Self::Frozen,
            () if has(&["PLAID", "BANK"]) => Self::Bank,
            () if has(&["SELFIE"]) => Self::Selfie,
            () if has(&["KYC", "DOCUMENT", "PHOTO", "IDENTITY"]) => Self::Identity,
            () if has(&["WEBAUTHN", "PASSKEY"]) => Self::Passkey,
            () if has(&["KBA"]) => Self::Questions,
            () if has(&["PHONE_CALL"]) => Self::Call,
            () if has(&["UPDATE_APP"]) => Self::Update,
            () if has(&["CONTACT_INFORMATION"]) => Self::Contact,
            () if has(&["SUPPORT"]) && !has(&["UNSUPPORTED"]) => Self::Support,
            () => {
                let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
                let screen = screen.chars().filter(plain).take(60).collect();
                Self::Unknown { screen }
            }
        }
    }

    pub(super) fn reason(&self) -> String {
        let wanted = match self {
            Self::Bank => "a bank account to be linked",
            Self::Call => "a telephone call",
            Self::Contact => "an address or number to be confirmed",
            Self::Frozen => return "the broker has frozen the account".to_owned(),
            Self::Identity => "proof of identity, such as a photo of a document",
            Self::Passkey => "a passkey",
            Self::Questions => "questions about the user to be answered",
            Self::Selfie => "a picture of the user's face",
            Self::Support => "the user to talk to its support",
            Self::Unknown { screen } if screen.is_empty() => {
                return "the broker shows a screen that is not known here".to_owned();
            }
            Self::Unknown { screen } => {
                return format!("the broker shows a screen that is not known here: {screen}");
            }
            Self::Update => "a newer app",
        };
        format!("the broker wants {wanted}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_either_case_and_with_a_prefix() {
        for text in ["sms", "SMS", "TYPE_SMS"] {
            assert_eq!(Kind::read(text), Some(Kind::Sms));
        }
        assert_eq!(Kind::read("totp"), Some(Kind::App));
        assert_eq!(Kind::read("WEBAUTHN"), None);
        for text in ["validated", "REDEEMED", "STATUS_VALIDATED"] {
            assert_eq!(Standing::read(Some(text)), Standing::Passed);
        }
        assert_eq!(Standing::read(Some("EXPIRED")), Standing::Expired);
        assert_eq!(Standing::read(Some("something")), Standing::Open);
        assert_eq!(Standing::read(None), Standing::Open);
        let pending = "workflow_status_internal_pending";
        assert_eq!(Outcome::read(pending), Outcome::Pending);
        assert_eq!(Outcome::read("WORKFLOW_STATUS_APPROVED"), Outcome::Approved);
        assert_eq!(Outcome::read("not_approved_at_all"), Outcome::Refused);
    }

    #[test]
    fn a_word_that_only_ends_in_one_that_is_known_means_nothing() {
        for text in [
            "not_approved",
            "workflow_status_not_approved",
            "WORKFLOW_STATUS_UNAPPROVED",
            "workflow_status_pending_approved",
            "status_approved",
            "_approved",
            "approved_",
            "workflow_status_",
            "",
        ] {
            assert_eq!(Outcome::read(text), Outcome::Refused, "{text}");
        }
        for text in ["not_validated", "status_not_redeemed", "_validated", ""] {
            assert_eq!(Standing::read(Some(text)), Standing::Open, "{text}");
        }
        for text in ["not_failed", "never_expired"] {
            assert_eq!(Standing::read(Some(text)), Standing::Open, "{text}");
        }
        for text in ["no_prompt", "type_bank_app", "_sms"] {
            assert_eq!(Kind::read(text), None, "{text}");
        }
    }

    #[test]
    fn every_screen_of_the_web_page_that_needs_a_person_has_its_reason() {
        for (name, why) in [
            ("PLAID_BANK_LIST", Why::Bank),
            ("PLAID_AUTH", Why::Bank),
            ("KBA", Why::Questions),
            ("GKBA", Why::Questions),
            ("KYC_STATUS_CHECK", Why::Identity),
            ("REQUEST_PHONE_CALL", Why::Call),
            ("FREEZE_ACCOUNT", Why::Frozen),
            ("UNVERIFIED_ACCOUNT_CONTACT_INFORMATION", Why::Contact),
            ("SUPPORT_INTAKE_CASE_CONFIRMATION", Why::Support),
            ("CONTACT_SUPPORT", Why::Support),
            ("UPDATE_APP", Why::Update),
        ] {
            assert_eq!(Why::of(name, None), why, "{name}");
            assert!(why.reason().starts_with("the broker"));
        }
        let unsupported = Why::of("UnsupportedPage", Some("We need to verify your identity"));
        assert_eq!(unsupported, Why::Identity);
        let unknown = Why::of("NEW\u{1b}[2J_\nTHING", None);
        assert_eq!(
            unknown.reason(),
            "the broker shows a screen that is not known here: NEW2J_THING"
        );
    }
}
