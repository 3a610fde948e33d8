//! From an answer of the user to the next step.

use std::time::Duration;

use wheelhouse_core::{Error, ErrorKind, ExposeSecret, Result, SecretString};
use wheelhouse_session::{Challenge, ChallengeAnswer, Credentials, LoginStep, PendingLogin};

use super::{
    RobinhoodAuth,
    approval::over,
    identi::nothing_again,
    state::{Stage, State},
    words::Kind,
};

impl RobinhoodAuth {
    pub(super) async fn go_on(
        &self,
        pending: &PendingLogin,
        answer: ChallengeAnswer,
    ) -> Result<LoginStep> {
        let state = State::of(pending)?;
        let now = self.clock().now();
        if now >= state.ends_at {
            return Err(over("the time of this login is over"));
        }
        let credentials = pending.credentials().ok_or_else(|| {
            let message = "after a restart the credentials have to be given again with the answer";
            Error::new(ErrorKind::MissingField, message)
        })?;
        if let Challenge::Approve { poll_after, .. } = pending.challenge()
            && matches!(answer, ChallengeAnswer::Poll | ChallengeAnswer::Done)
        {
            // Asked too soon: nothing is sent, and the caller is told again how long to wait.
            if now < *poll_after {
                return self.pending(&state, pending.challenge().clone());
            }
            let step = self.approved(credentials, state.clone(), &answer).await;
            return self.wait_as_told(&state, step);
        }
        self.answered(credentials, state, answer).await
    }

    /// The user was to approve, or there is nothing to do but to wait for the broker.
    async fn approved(
        &self,
        credentials: &Credentials,
        mut state: State,
        answer: &ChallengeAnswer,
    ) -> Result<LoginStep> {
        match (state.stage.clone(), answer) {
            (
                Stage::Approval {
                    flow,
                    challenge,
                    kind: Kind::Prompt,
                },
                ChallengeAnswer::Poll,
            ) => self.poll(credentials, state, flow, challenge).await,
            (Stage::Finish { .. }, _) => self.finish(credentials, state).await,
            (Stage::Approved, _) => self.finish_approved(credentials, state).await,
            (
                Stage::Opening {
                    machine,
                    workflow,
                    looks,
                },
                _,
            ) => {
                let hosts = self.hosts(credentials.user())?;
                let (met, wait) = self.look(&hosts, machine, &workflow, looks).await?;
                if matches!(met.stage, Stage::Opening { .. }) {
                    // Each look counts against the same end.
                    state.stage = met.stage;
                    return self.wait(&state, wait);
                }
                self.go_to(credentials, state, met).await
            }
            (Stage::Token { challenge }, _) => {
                self.request_token(credentials, &mut state, None, challenge.as_deref())
                    .await
            }
            _ => Err(no_answer()),
        }
    }

    async fn answered(
        &self,
        credentials: &Credentials,
        mut state: State,
        answer: ChallengeAnswer,
    ) -> Result<LoginStep> {
        match (state.stage.clone(), answer) {
            (Stage::Mfa { .. }, ChallengeAnswer::Code(code)) => {
                let code = typed(&code)?;
                let step = self
                    .request_token(credentials, &mut state, Some(&code), None)
                    .await;
                or_again(step)
            }
            (Stage::Legacy { challenge, .. }, ChallengeAnswer::Code(code)) => {
                self.respond(credentials, &challenge, &typed(&code)?)
                    .await?;
                state.stage = Stage::Token {
                    challenge: Some(challenge.clone()),
                };
                let before = state.clone();
                let step = self
                    .request_token(credentials, &mut state, None, Some(&challenge))
                    .await;
                self.keep_progress(&before, step)
            }
            (
                Stage::Approval {
                    flow,
                    challenge,
                    kind,
                },
                ChallengeAnswer::Code(code),
            ) if kind != Kind::Prompt => {
                self.respond(credentials, &challenge, &typed(&code)?)
                    .await?;
                state.stage = Stage::Finish { flow, challenge };
                let step = self.finish(credentials, state.clone()).await;
                self.keep_progress(&state, step)
            }
            // An app shows its codes; there is nothing to send.
            (
                Stage::Approval {
                    kind: Kind::App, ..
                }
                | Stage::Legacy {
                    kind: Kind::App, ..
                }
                | Stage::Mfa { kind: Kind::App },
                ChallengeAnswer::Resend,
            ) => Err(nothing_again()),
            (Stage::Approval { flow, kind, .. }, ChallengeAnswer::Resend) => {
                self.resend(credentials, state, flow, kind).await
            }
            // The older ways send a new code with the next request for tokens.
            (Stage::Legacy { .. } | Stage::Mfa { .. }, ChallengeAnswer::Resend)
            | (Stage::Human { .. }, ChallengeAnswer::Done) => {
                state.stage = Stage::Token { challenge: None };
                self.request_token(credentials, &mut state, None, None)
                    .await
            }
            _ => Err(no_answer()),
        }
    }

    /// Asks the user for what the state wants.
    pub(super) fn ask(&self, state: &State) -> Result<LoginStep> {
        let challenge = match &state.stage {
            Stage::Human { why } => Challenge::Human {
                reason: why.reason(),
                place: "the Robinhood app or robinhood.com".to_owned(),
            },
            Stage::Approval { kind, .. } | Stage::Legacy { kind, .. } | Stage::Mfa { kind }
                if *kind != Kind::Prompt =>
            {
                match kind.channel() {
                    Some(channel) => Challenge::Code {
                        channel,
                        sent_to: None,
                    },
                    None => Challenge::Totp,
                }
            }
            _ => return self.wait(state, Duration::ZERO),
        };
        self.pending(state, challenge)
    }

    /// Asks to be asked again, no sooner than in the interval of polling.
    pub(super) fn wait(&self, state: &State, wait: Duration) -> Result<LoginStep> {
        let challenge = Challenge::Approve {
            poll_after: self.after(wait.max(self.config.poll_interval)),
            until: state.until,
        };
        self.pending(state, challenge)
    }

    fn pending(&self, state: &State, challenge: Challenge) -> Result<LoginStep> {
        let pending = PendingLogin::new(challenge).with_expiry(state.ends_at);
        Ok(LoginStep::Challenge(state.keep(pending)?))
    }

    /// Turns a wait that the broker names into a later poll, if the login lives that long.
    fn wait_as_told(&self, state: &State, step: Result<LoginStep>) -> Result<LoginStep> {
        let wait = match &step {
            Err(error) if error.kind() == ErrorKind::LoginRateLimited => error.retry_after(),
            _ => None,
        };
        let end = state.until.filter(|_| !state.stage.is_passed());
        match wait {
            Some(wait) if self.after(wait) < end.unwrap_or(state.ends_at) => self.wait(state, wait),
            _ => step,
        }
    }

    /// Keeps what the user has done although the call failed after it: `state` is gone on with later.
    pub(super) fn keep_progress(
        &self,
        state: &State,
        step: Result<LoginStep>,
    ) -> Result<LoginStep> {
        let Err(error) = &step else {
            return step;
        };
        let passes = matches!(
            error.kind(),
            ErrorKind::BrokerFailure
                | ErrorKind::CircuitOpen
                | ErrorKind::LoginRateLimited
                | ErrorKind::Network
                | ErrorKind::NotTheProtocol
                | ErrorKind::RateLimited
                | ErrorKind::Timeout
                | ErrorKind::UnexpectedAnswer
        );
        let wait = error.retry_after().unwrap_or(Duration::ZERO);
        if !passes || self.after(wait) >= state.ends_at {
            return step;
        }
        let code = error.code();
        tracing::debug!(code, "the challenge is passed; what follows failed for now");
        self.wait(state, wait)
    }
}

/// Reads what a user has typed: six digits, perhaps in groups.
fn typed(code: &SecretString) -> Result<SecretString> {
    let plain = |c: &char| !c.is_whitespace() && *c != '-';
    let text: zeroize::Zeroizing<String> =
        zeroize::Zeroizing::new(code.expose_secret().chars().filter(plain).collect());
    let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric());
    let has_digit = text.bytes().any(|b| b.is_ascii_digit());
    if !is_plain || !has_digit || text.len() > LONGEST_CODE {
        let message = "a code has some digits; nothing was sent";
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    Ok(text.as_str().into())
}

/// A code that the broker does not take is asked for again.
fn or_again(step: Result<LoginStep>) -> Result<LoginStep> {
    match step {
        Err(error) if error.kind() == ErrorKind::InvalidRequest => {
            let again = Error::new(ErrorKind::MfaRequired, "the broker does not take the code");
            Err(match error.broker_message() {
                Some(words) => again.with_broker_message(words),
                None => again,
            })
        }
        other => other,
    }
}

fn no_answer() -> Error {
    let message = "this is not an answer to what the broker asks";
    Error::new(ErrorKind::InvalidInput, message)
}

const LONGEST_CODE: usize = 32;
