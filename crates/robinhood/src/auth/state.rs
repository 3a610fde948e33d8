use serde::{Deserialize, Serialize};
use wheelhouse_core::{Error, ErrorKind, Result};
use wheelhouse_session::{CodeChannel, PendingLogin};
use zeroize::Zeroizing;

/// How far a login has come. It is kept sealed, so that the login can go on after a restart.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct State {
    v: u32,
    pub(super) device_token: String,
    /// The same on every call of one login.
    pub(super) request_id: String,
    /// The step of time of the last one-time code that was sent: none is sent twice.
    pub(super) totp_step: Option<i64>,
    pub(super) stage: Stage,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    /// The challenge of old: a code, then the token again with the challenge's id.
    Legacy { challenge: String, kind: Kind },
    /// The token again, with a code.
    Mfa { kind: Kind },
    /// The device is approved; nothing is left but the token.
    Approved,
    /// Nothing is left but the token; `challenge` goes along as a header.
    Token { challenge: Option<String> },
    /// A challenge of a device approval.
    Approval {
        flow: Flow,
        challenge: String,
        kind: Kind,
    },
    /// The challenge is answered, the approval has to be finished.
    Finish { flow: Flow },
    /// Only a person can go on.
    Human,
}

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
    /// Reads the broker's word; the two flows differ in case.
    pub(super) fn read(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
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
}

/// Which of the two flows of device approval is under way.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "flow", rename_all = "snake_case")]
pub(super) enum Flow {
    Identi {
        workflow: String,
        screen: String,
        stem: String,
    },
    Pathfinder {
        machine: String,
    },
}

impl State {
    pub(super) fn new(device_token: String, request_id: String) -> Self {
        Self {
            v: 1,
            device_token,
            request_id,
            totp_step: None,
            stage: Stage::Token { challenge: None },
        }
    }

    pub(super) fn of(pending: &PendingLogin) -> Result<Self> {
        let unknown = || {
            let message = "what is kept of the login cannot be read; begin again";
            Error::new(ErrorKind::SessionExpired, message)
        };
        let state: Self = serde_json::from_slice(pending.state()).map_err(|_| unknown())?;
        (state.v == 1).then_some(state).ok_or_else(unknown)
    }

    pub(super) fn keep(&self, pending: PendingLogin) -> Result<PendingLogin> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
        serde_json::to_writer(&mut *bytes, self)
            .map_err(|_| Error::new(ErrorKind::InvalidInput, "the login cannot be written down"))?;
        Ok(pending.with_state(std::mem::take(&mut *bytes)))
    }
}
