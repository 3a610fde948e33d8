//! Challenges: prompts that are polled and codes that are sent.

use serde_json::json;
use wheelhouse_core::{Error, ErrorKind, ExposeSecret, Result, SecretString};
use wheelhouse_http::Answer;
use wheelhouse_session::{Credentials, LoginStep};

use super::{
    RobinhoodAuth,
    approval::{good, over, read},
    state::{Flow, Stage, State},
    words::Standing,
};
use crate::{
    api::Hosts,
    config::Host,
    endpoints,
    wire::{
        self,
        auth::{PromptStatus, Responded},
    },
};

impl RobinhoodAuth {
    /// Looks whether the user has approved in the app.
    pub(super) async fn poll(
        &self,
        credentials: &Credentials,
        mut state: State,
        flow: Flow,
        challenge: String,
    ) -> Result<LoginStep> {
        let hosts = self.hosts(credentials.user())?;
        match self.prompt_standing(&hosts, &challenge).await? {
            Standing::Passed => {
                state.stage = Stage::Finish { flow, challenge };
                let step = self.finish(credentials, state.clone()).await;
                self.keep_progress(&state, step)
            }
            Standing::Failed => Err(over("the login was refused in the app")),
            Standing::Expired => Err(over("nobody approved the login in time")),
            Standing::Open if state.until.is_some_and(|it| it <= self.clock().now()) => {
                Err(over("nobody approved the login in time"))
            }
            Standing::Open => self.ask(&state),
        }
    }

    async fn prompt_standing(&self, hosts: &Hosts, challenge: &str) -> Result<Standing> {
        let call = self
            .http
            .call(&endpoints::PROMPT, hosts.target(Host::Api))
            .path("challenge", challenge);
        let answer = self.send(hosts, call).await?;
        let told = wire::decode::<PromptStatus<'_>>(answer.text().as_bytes());
        match told {
            Ok(told) if answer.is_success() => {
                Ok(Standing::read(Some(told.challenge_status.as_str())))
            }
            _ if answer.status() == 404 || answer.is_success() => {
                self.look_up(hosts, challenge).await
            }
            _ => good(answer).map(|_| Standing::Open),
        }
    }

    /// Reads how a challenge stands from the challenge itself.
    async fn look_up(&self, hosts: &Hosts, challenge: &str) -> Result<Standing> {
        let call = self
            .http
            .call(&endpoints::CHALLENGE, hosts.target(Host::Api))
            .path("challenge", challenge);
        let answer = self.good(hosts, call).await?;
        let told: Responded<'_> = read(&answer)?;
        Ok(Standing::read(told.status.as_ref().map(|it| it.as_str())))
    }

    /// Sends a code that the user has typed or an app has made.
    pub(super) async fn respond(
        &self,
        credentials: &Credentials,
        challenge: &str,
        code: &SecretString,
    ) -> Result<()> {
        let hosts = self.hosts(credentials.user())?;
        let body = json!({"response": code.expose_secret()});
        let call = self
            .http
            .call(&endpoints::RESPOND, hosts.target(Host::Api))
            .path("challenge", challenge)
            .secret_json(&body);
        let unclear = match self.send(&hosts, call).await {
            Ok(answer) => match judge(answer) {
                Ok(verdict) => return verdict,
                Err(unclear) => unclear,
            },
            Err(error) if error.kind() == ErrorKind::LoginRateLimited => return Err(error),
            Err(error) => error,
        };
        // The code may have been taken although no answer says so: it would be refused a second time.
        match self.look_up(&hosts, challenge).await {
            Ok(Standing::Passed) => Ok(()),
            Ok(Standing::Expired) => Err(over(LATE)),
            Ok(Standing::Failed) => Err(over(NONE_LEFT)),
            Ok(Standing::Open) | Err(_) => Err(unclear),
        }
    }
}

/// What an answer says about a code; `Err` if it says nothing about it.
fn judge(answer: Answer) -> Result<Result<()>> {
    let told = wire::decode::<Responded<'_>>(answer.text().as_bytes());
    let told = match told {
        _ if answer.status() >= 500 => return good(answer).map(|_| Ok(())),
        _ if answer.status() == 404 => {
            return Ok(Err(over(
                "the broker does not know this challenge any more",
            )));
        }
        Ok(told) => told,
        Err(_) if answer.is_success() => return read::<Responded<'_>>(&answer).map(|_| Ok(())),
        Err(_) => return good(answer).map(|_| Ok(())),
    };
    let own = told.status.as_ref().map(|status| status.as_str());
    if answer.is_success() && Standing::read(own) == Standing::Passed {
        return Ok(Ok(()));
    }
    let inner = told.challenge.as_ref();
    let status = own.or_else(|| inner?.status.as_ref().map(|status| status.as_str()));
    let left = told
        .remaining_attempts
        .or_else(|| inner?.remaining_attempts)
        .map(|left| left.0);
    Ok(Err(match (Standing::read(status), left) {
        (Standing::Expired, _) => over(LATE),
        (Standing::Failed, _) => over(NONE_LEFT),
        (_, Some(left)) if left.is_zero() => over(NONE_LEFT),
        (_, Some(left)) => Error::new(
            ErrorKind::MfaRequired,
            format!("the code was wrong; {left} attempts are left"),
        ),
        // A refusal that is not about the code.
        (_, None) if inner.is_none() && !matches!(answer.status(), 200..300 | 400) => {
            return good(answer).map(|_| Ok(()));
        }
        (_, None) => Error::new(ErrorKind::MfaRequired, "the code was wrong"),
    }))
}

const LATE: &str = "the code came too late";
const NONE_LEFT: &str = "the code was wrong, and no attempt is left";
