//! From a workflow of approval to tokens, in either flow.

use time::{Duration, OffsetDateTime};
use wheelhouse_core::{Error, ErrorKind, Result};
use wheelhouse_http::{Answer, Call};
use wheelhouse_session::{Credentials, LoginStep};

use super::{
    RobinhoodAuth,
    state::{Flow, Met, Stage, State},
    words::Kind,
};
use crate::{
    api::Hosts,
    error,
    wire::{self, Stamp},
};

/// What the broker says when it is told that the challenge is passed.
pub(super) enum End {
    Approved,
    /// There is something else to do.
    Next(Met),
    /// It has not noticed yet.
    Pending,
    /// Nothing that is understood.
    Unclear,
}

impl RobinhoodAuth {
    /// Begins the approval of this device.
    pub(super) async fn open_workflow(
        &self,
        credentials: &Credentials,
        state: &mut State,
        workflow: &str,
    ) -> Result<LoginStep> {
        // Asked again after the approval: it has not arrived everywhere yet.
        if matches!(state.stage, Stage::Approved | Stage::Finish { .. }) {
            return self.ask(state);
        }
        let hosts = self.hosts(credentials.user())?;
        let met = self.enter(&hosts, state, workflow).await?;
        self.go_to(credentials, state.clone(), met).await
    }

    /// Goes on with what was met: without the user where that is possible.
    pub(super) async fn go_to(
        &self,
        credentials: &Credentials,
        mut state: State,
        met: Met,
    ) -> Result<LoginStep> {
        state.meet(met, self.clock().now());
        match state.stage.clone() {
            Stage::Finish { .. } => Box::pin(self.finish(credentials, state)).await,
            Stage::Approved => Box::pin(self.finish_approved(credentials, state)).await,
            Stage::Approval {
                flow,
                challenge,
                kind: Kind::App,
            } => {
                let Some(code) = self.one_time_code(credentials, &mut state).await? else {
                    return self.ask(&state);
                };
                match self.respond(credentials, &challenge, &code).await {
                    Ok(()) => {
                        state.stage = Stage::Finish { flow, challenge };
                        let step = Box::pin(self.finish(credentials, state.clone())).await;
                        self.keep_progress(&state, step)
                    }
                    // The secret is not the right one; the user may know better.
                    Err(error) if error.kind() == ErrorKind::MfaRequired => {
                        state.totp_refused = true;
                        self.ask(&state)
                    }
                    Err(error) => Err(error),
                }
            }
            _ => self.ask(&state),
        }
    }

    /// Tells the broker that the challenge is answered, and asks for tokens again.
    pub(super) async fn finish(
        &self,
        credentials: &Credentials,
        mut state: State,
    ) -> Result<LoginStep> {
        let Stage::Finish { flow, challenge } = state.stage.clone() else {
            return Err(over("the login has lost its place"));
        };
        let hosts = self.hosts(credentials.user())?;
        let end = match &flow {
            Flow::Pathfinder { machine, .. } => {
                self.continue_pathfinder(&hosts, &flow, machine, &challenge)
                    .await?
            }
            Flow::Identi(place) => self.proceed(&hosts, place, &challenge).await?,
        };
        match end {
            End::Approved => {
                state.stage = Stage::Approved;
                self.finish_approved(credentials, state).await
            }
            End::Next(met) => self.go_to(credentials, state, met).await,
            End::Pending => {
                state.pendings += 1;
                // The token endpoint may have noticed what the web page's flow has not.
                if matches!(flow, Flow::Identi(_)) && state.pendings.is_multiple_of(ASK_AT) {
                    return self.finish_approved(credentials, state).await;
                }
                self.ask(&state)
            }
            End::Unclear => self.finish_approved(credentials, state).await,
        }
    }

    /// Repeats the request for tokens. The broker may need some seconds to notice the approval.
    pub(super) async fn finish_approved(
        &self,
        credentials: &Credentials,
        mut state: State,
    ) -> Result<LoginStep> {
        state.tries += 1;
        if state.tries > MOST_TRIES {
            return Err(over("the broker has not noticed the approval"));
        }
        let step = self
            .request_token(credentials, &mut state, None, None)
            .await;
        self.keep_progress(&state, step)
    }

    /// Returns when the broker forgets a challenge, by this side's clock.
    pub(super) fn until(&self, answer: &Answer, told: Option<Stamp>) -> OffsetDateTime {
        let now = self.clock().now();
        let life = match told {
            Some(Stamp(at)) => at - answer.server_date().unwrap_or(now),
            None => USUAL_LIFE,
        };
        now.saturating_add(life.clamp(Duration::ZERO, LONGEST_LIFE))
    }

    pub(super) async fn good(&self, hosts: &Hosts, call: Call<'_>) -> Result<Answer> {
        good(self.send(hosts, call).await?)
    }
}

pub(super) fn good(answer: Answer) -> Result<Answer> {
    match error::of_status(&answer) {
        None => Ok(answer),
        Some(error) if error.kind() == ErrorKind::SessionExpired => {
            Err(over("the broker has forgotten this login"))
        }
        Some(error) if error.kind() == ErrorKind::NotFound => {
            Err(over("the broker does not know this login any more"))
        }
        Some(error) => Err(error),
    }
}

pub(super) fn read<'a, T: serde::Deserialize<'a>>(answer: &'a Answer) -> Result<T> {
    wire::decode(answer.text().as_bytes()).map_err(|misfit| error::misfit(&misfit))
}

/// The login cannot go on.
pub(super) fn over(why: &'static str) -> Error {
    Error::new(
        ErrorKind::SessionExpired,
        format!("{why}; begin a new login"),
    )
}

/// How often tokens are asked for after an approval.
const MOST_TRIES: u32 = 8;
/// After how many answers that say "pending" tokens are asked for all the same.
const ASK_AT: u32 = 4;
/// The life of a challenge in captures, for one that does not tell.
const USUAL_LIFE: Duration = Duration::minutes(5);
const LONGEST_LIFE: Duration = Duration::hours(1);
