use serde_json::json;
use time::OffsetDateTime;
use wheelhouse_core::{Error, ErrorKind, ExposeSecret, Result, SecretString};
use wheelhouse_http::Answer;
use wheelhouse_session::{Challenge, Credentials, LoginStep};

use super::{
    RobinhoodAuth,
    identi::identi_stage,
    state::{Flow, Kind, Stage, State},
    token::SHORT_WAIT,
};
use crate::{
    api::Hosts,
    config::Host,
    endpoints, error,
    wire::{
        self,
        auth::{
            IdentiAnswer, Machine, MachineInput, NewMachine, PromptStatus, Responded, UserView,
        },
    },
};

/// How often a page that only waits is looked at again.
const LOOKS: u32 = 6;

impl RobinhoodAuth {
    /// Begins the approval of this device.
    pub(super) async fn open_workflow(
        &self,
        credentials: &Credentials,
        mut state: State,
        workflow: &str,
    ) -> Result<LoginStep> {
        // Asked again after the approval: it has not arrived everywhere yet.
        if matches!(state.stage, Stage::Approved) {
            return self.ask(&state, None);
        }
        let hosts = self.hosts(credentials.user())?;
        let (stage, until) = match self.serves_identi(&hosts, workflow).await? {
            true => self.enter_identi(&hosts, workflow).await?,
            false => self.enter_pathfinder(&hosts, &state, workflow).await?,
        };
        state.stage = stage;
        if let Stage::Approval {
            flow,
            challenge,
            kind: Kind::App,
        } = &state.stage
            && credentials.totp_secret().is_some()
        {
            let (flow, challenge) = (flow.clone(), challenge.clone());
            if let Some(code) = self.one_time_code(credentials, &mut state).await? {
                match self.respond(credentials, &challenge, &code).await {
                    Ok(()) => {
                        state.stage = Stage::Finish { flow };
                        return Box::pin(self.finish(credentials, state, until)).await;
                    }
                    // The secret is not the right one; the user may know better.
                    Err(error) if error.kind() == ErrorKind::MfaRequired => {}
                    Err(error) => return Err(error),
                }
            }
        }
        self.ask(&state, until)
    }

    async fn enter_pathfinder(
        &self,
        hosts: &Hosts,
        state: &State,
        workflow: &str,
    ) -> Result<(Stage, Option<OffsetDateTime>)> {
        let target = hosts.target(Host::Api);
        let body = NewMachine {
            device_id: &state.device_token,
            flow: "suv",
            input: MachineInput {
                workflow_id: workflow,
            },
        };
        let call = self
            .http
            .call(&endpoints::USER_MACHINE, target)
            .secret_json(&body);
        let answer = self.good(hosts, call).await?;
        let machine = read::<Machine<'_>>(&answer)?.id.owned();
        for look in 0..LOOKS {
            let call = self
                .http
                .call(&endpoints::USER_VIEW, target)
                .path("machine", &machine);
            let answer = self.good(hosts, call).await?;
            let view: UserView<'_> = read(&answer)?;
            if let Some(challenge) = view.challenge() {
                let until = challenge.expires_at.map(|at| at.0);
                let flow = Flow::Pathfinder {
                    machine: machine.clone(),
                };
                if is_passed(challenge.status.as_str()) {
                    return Ok((Stage::Finish { flow }, until));
                }
                return Ok(match Kind::read(challenge.kind.as_str()) {
                    Some(kind) => {
                        let challenge = challenge.id.owned();
                        (
                            Stage::Approval {
                                flow,
                                challenge,
                                kind,
                            },
                            until,
                        )
                    }
                    None => (Stage::Human, until),
                });
            }
            let waits = view.polling_interval.is_some()
                || view
                    .page
                    .as_ref()
                    .is_none_or(|page| page.as_str() == "LoadingPage");
            if !waits || look + 1 == LOOKS {
                break;
            }
            self.clock().sleep(SHORT_WAIT).await;
        }
        Ok((Stage::Human, None))
    }

    /// Looks whether the user has approved in the app.
    pub(super) async fn poll(
        &self,
        credentials: &Credentials,
        mut state: State,
        flow: Flow,
        challenge: &str,
        until: Option<OffsetDateTime>,
    ) -> Result<LoginStep> {
        let hosts = self.hosts(credentials.user())?;
        let target = hosts.target(Host::Api);
        let call = self
            .http
            .call(&endpoints::PROMPT, target)
            .path("challenge", challenge);
        let answer = match self.send(&hosts, call).await {
            Ok(answer) => answer,
            // The broker says how long to wait, and the challenge may still be open then.
            Err(error) if error.kind() == ErrorKind::LoginRateLimited => {
                let Some(wait) = error.retry_after() else {
                    return Err(error);
                };
                let poll_after = self.after(wait.max(self.config.poll_interval));
                if until.is_some_and(|until| poll_after >= until) {
                    return Err(error);
                }
                return self.pending(&state, Challenge::Approve { poll_after, until }, until);
            }
            Err(error) => return Err(error),
        };
        let answer = good(answer)?;
        let status: PromptStatus<'_> = read(&answer)?;
        match status
            .challenge_status
            .as_str()
            .to_ascii_lowercase()
            .as_str()
        {
            text if is_passed(text) => {
                state.stage = Stage::Finish { flow };
                self.finish(credentials, state, until).await
            }
            "failed" => Err(over("the login was refused in the app")),
            "expired" => Err(over("nobody approved the login in time")),
            _ if until.is_some_and(|until| self.clock().now() >= until) => {
                Err(over("nobody approved the login in time"))
            }
            _ => self.ask(&state, until),
        }
    }

    /// Sends a code that the user has typed or an app has made.
    pub(super) async fn respond(
        &self,
        credentials: &Credentials,
        challenge: &str,
        code: &SecretString,
    ) -> Result<()> {
        let hosts = self.hosts(credentials.user())?;
        let target = hosts.target(Host::Api);
        let body = json!({"response": code.expose_secret()});
        let call = self
            .http
            .call(&endpoints::RESPOND, target)
            .path("challenge", challenge);
        let answer = self.send(&hosts, call.secret_json(&body)).await?;
        if answer.status() >= 500 {
            return good(answer).map(drop);
        }
        let told: Responded<'_> = read(&answer)?;
        let status = told.status.as_ref().map(|status| status.as_str());
        if answer.is_success()
            && status.is_some_and(|status| status.eq_ignore_ascii_case("validated"))
        {
            return Ok(());
        }
        if answer.status() == 404 {
            return Err(over("the broker does not know this challenge any more"));
        }
        let left = told
            .remaining_attempts
            .or(told
                .challenge
                .as_ref()
                .and_then(|challenge| challenge.remaining_attempts))
            .map(|left| left.0);
        match left {
            Some(left) if left.is_zero() => Err(over("the code was wrong, and no attempt is left")),
            Some(left) => Err(Error::new(
                ErrorKind::MfaRequired,
                format!("the code was wrong; {left} attempts are left"),
            )),
            None => Err(Error::new(ErrorKind::MfaRequired, "the code was wrong")),
        }
    }

    /// Tells the broker that the challenge is answered, and asks for tokens again.
    pub(super) async fn finish(
        &self,
        credentials: &Credentials,
        state: State,
        until: Option<OffsetDateTime>,
    ) -> Result<LoginStep> {
        let Stage::Finish { flow } = &state.stage else {
            return Err(over("the login has lost its place"));
        };
        let hosts = self.hosts(credentials.user())?;
        let approved = match flow {
            Flow::Pathfinder { machine } => self.continue_pathfinder(&hosts, machine).await?,
            Flow::Identi {
                workflow,
                screen,
                stem,
            } => {
                let mut body =
                    json!({"clientVersion": "1.0.0", "screenName": screen, "id": workflow});
                body[format!("{stem}Action")] = json!({"proceed": {}});
                let answer = self.patch_identi(&hosts, workflow, &body).await?;
                let read: IdentiAnswer<'_> = read(&answer)?;
                match &read.route.exit {
                    Some(exit) => exit.status.as_str() == "WORKFLOW_STATUS_APPROVED",
                    None => {
                        let (stage, until) = identi_stage(workflow, &read);
                        let mut state = state.clone();
                        // The same screen again is an approval that was not noticed yet.
                        if matches!(stage, Stage::Human) {
                            state.stage = stage;
                            return self.ask(&state, until);
                        }
                        false
                    }
                }
            }
        };
        if !approved {
            return self.ask(&state, until);
        }
        self.finish_approved(credentials, state, until).await
    }

    /// `true` if the approval is through; a machine that was used before is.
    async fn continue_pathfinder(&self, hosts: &Hosts, machine: &str) -> Result<bool> {
        let target = hosts.target(Host::Api);
        let body = json!({"sequence": 0, "user_input": {"status": "continue"}});
        let call = self
            .http
            .call(&endpoints::CONTINUE, target)
            .path("machine", machine)
            .json(&body);
        let answer = self.send(hosts, call).await?;
        if answer.status() == 410 {
            return Ok(true);
        }
        let answer = good(answer)?;
        let view: UserView<'_> = read(&answer)?;
        Ok(view.result() == Some("workflow_status_approved"))
    }

    /// Repeats the request for tokens. The broker may need some seconds to notice the approval.
    pub(super) async fn finish_approved(
        &self,
        credentials: &Credentials,
        mut state: State,
        until: Option<OffsetDateTime>,
    ) -> Result<LoginStep> {
        state.stage = Stage::Approved;
        let step = self
            .request_token(credentials, &mut state.clone(), None, None)
            .await?;
        match step {
            LoginStep::Challenge(pending)
                if matches!(State::of(&pending)?.stage, Stage::Approved) =>
            {
                self.ask(&state, until)
            }
            step => Ok(step),
        }
    }

    pub(super) async fn good(
        &self,
        hosts: &Hosts,
        call: wheelhouse_http::Call<'_>,
    ) -> Result<Answer> {
        good(self.send(hosts, call).await?)
    }
}

pub(super) fn is_passed(status: &str) -> bool {
    status.eq_ignore_ascii_case("validated") || status.eq_ignore_ascii_case("redeemed")
}

fn good(answer: Answer) -> Result<Answer> {
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
fn over(why: &'static str) -> Error {
    Error::new(
        ErrorKind::SessionExpired,
        format!("{why}; begin a new login"),
    )
}
