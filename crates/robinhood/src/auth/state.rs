use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use wheelhouse_core::{Error, ErrorKind, Result};
use wheelhouse_session::PendingLogin;
use zeroize::Zeroizing;

use super::words::{Kind, Why};

/// How far a login has come. It is kept sealed, so that the login can go on after a restart. The
/// password is not in it, and neither is a code.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct State {
    v: u32,
    pub(super) device_token: String,
    /// The same on every call of one login.
    pub(super) request_id: String,
    /// The step of time of the last one-time code that was sent: none is sent twice.
    pub(super) totp_step: Option<i64>,
    /// The broker does not take what the secret gives.
    pub(super) totp_refused: bool,
    /// Seconds that the broker's clock is ahead of this one.
    pub(super) skew: i64,
    /// How often tokens were asked for since the challenge was passed.
    pub(super) tries: u32,
    /// How often the broker had not noticed the approval.
    pub(super) pendings: u32,
    /// The broker forgets the challenge then.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(super) until: Option<OffsetDateTime>,
    /// This login is not gone on with then.
    #[serde(with = "time::serde::rfc3339")]
    pub(super) ends_at: OffsetDateTime,
    pub(super) stage: Stage,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    /// A challenge of a device approval.
    Approval {
        flow: Flow,
        challenge: String,
        kind: Kind,
    },
    /// The device is approved; nothing is left but the token.
    Approved,
    /// The challenge is answered, the approval has to be finished.
    Finish { flow: Flow, challenge: String },
    /// Only a person can go on.
    Human { why: Why },
    /// The challenge of old: a code, then the token again with the challenge's id.
    Legacy { challenge: String, kind: Kind },
    /// The token again, with a code.
    Mfa { kind: Kind },
    /// The apps' flow has begun and shows no challenge yet.
    Opening {
        machine: String,
        workflow: String,
        looks: u32,
    },
    /// Nothing is left but the token; `challenge` goes along as a header.
    Token { challenge: Option<String> },
}

impl Stage {
    /// Whether the user has done what was asked: the rest is between this side and the broker.
    pub(super) fn is_passed(&self) -> bool {
        matches!(
            self,
            Self::Approved | Self::Finish { .. } | Self::Token { .. }
        )
    }
}

/// Which of the two flows of device approval is under way.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "flow", rename_all = "snake_case")]
pub(super) enum Flow {
    Identi(Place),
    Pathfinder { machine: String, workflow: String },
}

/// A screen of the web page's flow.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) workflow: String,
    pub(super) screen: String,
    /// How the key of its parameters begins, and so that of its actions.
    pub(super) stem: Option<String>,
}

/// Where a look at the broker has led to, with the time that the broker leaves.
pub(super) struct Met {
    pub(super) stage: Stage,
    pub(super) until: Option<OffsetDateTime>,
}

impl State {
    pub(super) fn new(device_token: String, request_id: String, now: OffsetDateTime) -> Self {
        Self {
            v: VERSION,
            device_token,
            request_id,
            totp_step: None,
            totp_refused: false,
            skew: 0,
            tries: 0,
            pendings: 0,
            until: None,
            ends_at: now.saturating_add(LONGEST),
            stage: Stage::Token { challenge: None },
        }
    }

    /// Goes on to what was met.
    pub(super) fn meet(&mut self, met: Met, now: OffsetDateTime) {
        self.until = met.until;
        self.ends_at = match (&met.stage, met.until) {
            // People take their time, and the broker's support takes more.
            (Stage::Human { .. }, _) => now.saturating_add(Duration::DAY),
            (_, Some(until)) => until.saturating_add(AFTERWARDS),
            (_, None) => now.saturating_add(LONGEST),
        };
        self.stage = met.stage;
    }

    /// Notes how far the broker's clock is ahead of this one, once it is more than what a call takes.
    pub(super) fn note_clock(&mut self, theirs: Option<OffsetDateTime>, now: OffsetDateTime) {
        let Some(ahead) = theirs.map(|at| (at - now).whole_seconds()) else {
            return;
        };
        let is_real = (NOISE..=MOST_SKEW).contains(&ahead.saturating_abs());
        self.skew = if is_real { ahead } else { 0 };
    }

    pub(super) fn of(pending: &PendingLogin) -> Result<Self> {
        let unknown = || {
            let message = "what is kept of the login cannot be read; begin again";
            Error::new(ErrorKind::SessionExpired, message)
        };
        let state: Self = serde_json::from_slice(pending.state()).map_err(|_| unknown())?;
        (state.v == VERSION).then_some(state).ok_or_else(unknown)
    }

    pub(super) fn keep(&self, pending: PendingLogin) -> Result<PendingLogin> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(2048));
        serde_json::to_writer(&mut *bytes, self)
            .map_err(|_| Error::new(ErrorKind::InvalidInput, "the login cannot be written down"))?;
        Ok(pending.with_state(std::mem::take(&mut *bytes)))
    }
}

const VERSION: u32 = 2;
/// How long a login lives to which the broker sets no end.
const LONGEST: Duration = Duration::minutes(15);
/// How long after the end of its challenge a login lives: what follows takes its time.
const AFTERWARDS: Duration = Duration::minutes(10);
/// Seconds by which two clocks that are right may seem to differ.
const NOISE: i64 = 5;
/// No clock is believed to be off by more than a day, in seconds.
const MOST_SKEW: i64 = 86_400;
