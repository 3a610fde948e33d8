//! How the simulated broker behaves where the real one leaves room.

use std::time::Duration;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};

pub use crate::tradelocker::RefreshReuse;

/// How a login with right credentials from an unknown device goes on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LoginFlow {
    /// A device has to be approved first, over `pathfinder` or `identi`. The default, with
    /// [`Approval::Prompt`].
    Approval(Approval),
    /// Wrong credentials, whatever was sent: the broker distrusts the client.
    BadCredentials,
    /// Tokens at once.
    Granted,
    /// The challenge that old clients know: a code, then the login again with a header.
    LegacyChallenge(CodeKind),
    /// The login has to be repeated with `mfa_code`.
    MfaRequired(CodeKind),
    /// An HTML page with this status.
    Page(u16),
    /// Status 429, to be repeated after this many seconds.
    Throttled(u64),
}

/// What a user has to do before a device is approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Approval {
    /// A code from the authenticator app.
    App,
    /// A code by mail.
    Email,
    /// A screen that only a human can pass: bank, photo, selfie.
    Human,
    /// A tap in the app.
    Prompt,
    /// A code by SMS.
    Sms,
}

/// Where a code comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CodeKind {
    /// The authenticator app.
    App,
    /// Mail.
    Email,
    /// SMS.
    Sms,
}

/// What the user does with a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PromptAnswer {
    /// Approves after the status was asked this often without success. The default, with 1.
    After(u32),
    /// Refuses: the status becomes `failed`.
    Deny,
    /// Nothing: it expires after [`Settings::challenge_life`], unless
    /// [`approve_prompts`](super::RobinhoodSim::approve_prompts) is called.
    Ignore,
    /// As `After`, but the status says `redeemed` instead of `validated`.
    Redeem(u32),
}

/// Which screen [`Approval::Human`] shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HumanScreen {
    /// A bank account has to be linked.
    Bank,
    /// The account is frozen.
    Frozen,
    /// A passkey has to be used.
    Passkey,
    /// A photo of a document has to be taken.
    Photo,
    /// A picture of the user's face has to be taken.
    Selfie,
    /// The support has to be called. The default.
    #[default]
    Support,
    /// A screen of which no client has heard.
    Unknown,
}

/// How `identi` takes the end of a challenge by a code: only the end of a prompt was captured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IdentiStyle {
    /// By an action that is named like the screen, such as `emailChallengeAction`; any other is
    /// refused. The default.
    #[default]
    ByScreen,
    /// By no action: the workflow goes on by itself once the code was taken, and actions change
    /// nothing.
    Itself,
    /// By `deviceApprovalChallengeAction`, the one that was captured, whatever the screen; any other
    /// is refused.
    OneAction,
    /// As `ByScreen`, but screens and actions have other names.
    Renamed,
}

/// Where an error's text is put.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorShape {
    /// `{"detail": "…"}`.
    #[default]
    Detail,
    /// `{"non_field_errors": ["…"]}`.
    NonFieldErrors,
}

/// How a refresh with a good token is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefreshAnswer {
    /// With new tokens.
    #[default]
    Granted,
    /// With `invalid_grant`.
    Refused,
    /// With a verification workflow: a full login is needed.
    Workflow,
}

/// How the broker ends orders of stocks and options that it has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OrderEnd {
    /// They fail before they work.
    Failed,
    /// A sale of more shares than there are is taken, and ends because nobody lends the shares;
    /// other orders go on.
    LocateFailed,
    /// They work until the next step and are voided then; what was filled stays.
    Voided,
}

/// Whether the market is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Hours {
    /// Regular hours all the time. The default: a test does not depend on the day it runs on.
    #[default]
    AlwaysOpen,
    /// 9:30 to 16:00 New York time on weekdays.
    Calendar,
    /// Closed all the time.
    Closed,
}

/// Limits that the broker enforces; nothing is published, these were observed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RateLimits {
    /// Reads, writes and polls of one user.
    pub requests: Option<Rate>,
    /// Placements of one user.
    pub orders: Option<Rate>,
    /// Placements with a fraction of a share or by amount.
    pub fractional: Option<Rate>,
    /// Polls of one prompt.
    pub prompts: Option<Rate>,
    /// Failed logins of one user name; the whole account is locked for the wait.
    pub failed_logins: Option<Rate>,
    /// Whether a `Retry-After` header comes with the text.
    pub no_retry_after: bool,
}

/// This many in this time, else a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many are let through.
    pub count: usize,
    /// In which time.
    #[serde(rename = "window_s", deserialize_with = "seconds")]
    pub window: Duration,
    /// How long all are refused afterwards, in whole seconds.
    #[serde(rename = "wait_s", deserialize_with = "seconds")]
    pub wait: Duration,
}

impl RateLimits {
    /// No limits; the default.
    #[must_use]
    pub fn off() -> Self {
        Self::default()
    }

    /// What users have met: three failed logins, a prompt polled every few seconds, nine quick
    /// fractional orders.
    #[must_use]
    pub fn observed() -> Self {
        let rate = |count, window, wait| {
            let [window, wait] = [window, wait].map(Duration::from_secs);
            Some(Rate {
                count,
                window,
                wait,
            })
        };
        Self {
            requests: rate(60, 10, 14),
            orders: rate(20, 10, 14),
            fractional: rate(9, 20, 48),
            prompts: rate(1, 5, 45),
            failed_logins: rate(3, 600, 300),
            no_retry_after: false,
        }
    }
}

/// The broker's behaviour; may be changed while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The answer to a login from an unknown device. Default: approval by a prompt.
    pub login: LoginFlow,
    /// What the user does with a prompt. Default: approves after one poll.
    pub prompt: PromptAnswer,
    /// Status of the answer that asks for an approval: 403 (likely, the default), 200 or 400.
    pub workflow_status: u16,
    /// Whether `identi` says that it serves the workflow. Default true. `pathfinder` always does.
    pub identi: bool,
    /// How `identi` takes the end of a challenge by a code. Default: by an action of each screen.
    pub identi_style: IdentiStyle,
    /// The screen of [`Approval::Human`]. Default: the support.
    pub human: HumanScreen,
    /// Status of the answer with the challenge that old clients know: 400 (the default) or 401.
    pub legacy_status: u16,
    /// How often a machine shows no challenge before it shows one. Default 0.
    pub views_without_challenge: u32,
    /// How often the end of an approval is answered with `pending`. Default 0.
    pub continues_pending: u32,
    /// Whether the end of an approval is answered with 410 although it worked. Default false.
    pub continue_gone: bool,
    /// How often the login is still answered with a workflow after the approval. Default 0.
    pub logins_pending: u32,
    /// Whether login and refresh have to come from the device that was approved. Default true.
    pub bind_device: bool,
    /// Whether a right `mfa_code` makes an approval unnecessary. Default true.
    pub mfa_code_suffices: bool,
    /// Whether a code of the authenticator app is taken once only. Default false: nothing is known.
    pub totp_once: bool,
    /// Life of a challenge. Default 5 minutes.
    pub challenge_life: Duration,
    /// Status of a login with wrong credentials: 400 (the default) or 401.
    pub bad_credentials_status: u16,
    /// Where the text about wrong credentials is put.
    pub bad_credentials_shape: ErrorShape,
    /// Life of an access token, in whole seconds, whatever was asked for. Default 8 days.
    pub access_token_life: Duration,
    /// Whether access tokens are no JWTs, as with older clients. Default false.
    pub opaque_tokens: bool,
    /// How a refresh is answered. Default: with new tokens.
    pub refresh: RefreshAnswer,
    /// What a used refresh token does. Default: it ends the session with all its tokens.
    pub refresh_reuse: RefreshReuse,
    /// Whether a refresh ends the access token before it. Default true.
    pub refresh_ends_access: bool,
    /// Status of a refused refresh: 401 (the default) or 400.
    pub refresh_refused_status: u16,
    /// Rate limits. Default: none.
    pub rate_limits: RateLimits,
    /// Rows of a page if the request does not say. Default 100.
    pub page_size: usize,
    /// Longest path with its query, in bytes as sent; a longer one is answered with 414. Default
    /// 8,192: prices of about 1,220 symbols.
    pub longest_url: usize,
    /// Most contracts that one request for prices names by links; more of them are answered with
    /// 414. Default 17.
    pub most_option_links: usize,
    /// Origin of `next` links instead of the broker's own, such as `https://evil.example`.
    pub next_origin: Option<String>,
    /// How long new orders stay out of sight of lists. Default 0.
    pub visible_after: Duration,
    /// How long an order stays `unconfirmed`. Default 0: until the next request.
    pub confirm_after: Duration,
    /// Most shares or contracts that fill in one step; a step is a request. Default: all.
    pub fill_step: Option<Decimal>,
    /// If set, orders are taken and then rejected with this text.
    pub reject_with: Option<String>,
    /// If set, how the broker ends orders that it has taken.
    pub order_end: Option<OrderEnd>,
    /// How long an order is `pending_cancelled` after a cancel. Default 0: it is never seen so.
    pub cancel_takes: Duration,
    /// Whether a cancel comes too late: it is answered with 200 and the order fills. Default false.
    pub cancel_loses: bool,
    /// Whether cancelled orders are spelled `canceled`. Default false.
    pub american_cancel: bool,
    /// If set, option orders of several legs are refused with this text and status 400.
    pub refuse_legs_with: Option<String>,
    /// Whether two option orders may have one `ref_id`: unknown of the real broker. Default false.
    pub option_ref_id_repeats: bool,
    /// Lowest `order_form_version` of an equity order. Default 2.
    pub order_form_version: u64,
    /// Whether the average price of short options is negative, as in some captures. Default true.
    pub negative_short_average: bool,
    /// Whether greeks are known. Default true.
    pub greeks: bool,
    /// Whether the market is open. Default: always.
    pub hours: Hours,
    /// How long expirations, assignments and exercises stay pending. Default 6 hours. What would
    /// end between Friday's close and Monday, 9:30 in New York, ends on Monday at 9:30, unless
    /// this is 0.
    pub assignment_takes: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            login: LoginFlow::Approval(Approval::Prompt),
            prompt: PromptAnswer::After(1),
            workflow_status: 403,
            identi: true,
            identi_style: IdentiStyle::ByScreen,
            human: HumanScreen::Support,
            legacy_status: 400,
            views_without_challenge: 0,
            continues_pending: 0,
            continue_gone: false,
            logins_pending: 0,
            bind_device: true,
            mfa_code_suffices: true,
            totp_once: false,
            challenge_life: Duration::from_secs(300),
            bad_credentials_status: 400,
            bad_credentials_shape: ErrorShape::Detail,
            access_token_life: Duration::from_secs(8 * 24 * 3_600),
            opaque_tokens: false,
            refresh: RefreshAnswer::Granted,
            refresh_reuse: RefreshReuse::RevokeSession,
            refresh_ends_access: true,
            refresh_refused_status: 401,
            rate_limits: RateLimits::off(),
            page_size: 100,
            longest_url: 8_192,
            most_option_links: 17,
            next_origin: None,
            visible_after: Duration::ZERO,
            confirm_after: Duration::ZERO,
            fill_step: None,
            reject_with: None,
            order_end: None,
            cancel_takes: Duration::ZERO,
            cancel_loses: false,
            american_cancel: false,
            refuse_legs_with: None,
            option_ref_id_repeats: false,
            order_form_version: 2,
            negative_short_average: true,
            greeks: true,
            hours: Hours::AlwaysOpen,
            assignment_takes: Duration::from_secs(6 * 3_600),
        }
    }
}

impl Settings {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u32::deserialize(deserializer).map(|span| Duration::from_secs(span.into()))
}

impl CodeKind {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}
