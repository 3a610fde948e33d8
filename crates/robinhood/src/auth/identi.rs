//! The flow of the present web page.

use serde_json::json;
use time::OffsetDateTime;
use wheelhouse_core::{Error, ErrorKind, Result};
use wheelhouse_http::Answer;
use wheelhouse_session::{Credentials, LoginStep};

use super::{
    RobinhoodAuth,
    approval::{is_passed, read},
    state::{Flow, Kind, Stage, State},
};
use crate::{
    api::Hosts,
    config::{ApprovalFlow, Host},
    endpoints,
    wire::{
        self,
        auth::{IdentiAnswer, Migrated},
    },
};

impl RobinhoodAuth {
    pub(super) async fn serves_identi(&self, hosts: &Hosts, workflow: &str) -> Result<bool> {
        match self.config.approval {
            ApprovalFlow::Identi => return Ok(true),
            ApprovalFlow::Pathfinder => return Ok(false),
            ApprovalFlow::Auto => {}
        }
        let target = hosts.target(Host::Identi);
        let call = self
            .http
            .call(&endpoints::MIGRATED, target)
            .path("workflow", workflow);
        match self.send(hosts, call).await {
            Ok(answer) if answer.is_success() => {
                Ok(wire::decode::<Migrated>(answer.text().as_bytes()).is_ok_and(|it| it.result))
            }
            Ok(_) => Ok(false),
            Err(error) if error.kind() == ErrorKind::LoginRateLimited => Err(error),
            // The other flow works without that host.
            Err(_) => Ok(false),
        }
    }

    pub(super) async fn enter_identi(
        &self,
        hosts: &Hosts,
        workflow: &str,
    ) -> Result<(Stage, Option<OffsetDateTime>)> {
        let body = json!({"clientVersion": "1.0.0", "id": workflow, "entryPointAction": {}});
        let answer = self.patch_identi(hosts, workflow, &body).await?;
        Ok(identi_stage(workflow, &read(&answer)?))
    }

    pub(super) async fn patch_identi(
        &self,
        hosts: &Hosts,
        workflow: &str,
        body: &serde_json::Value,
    ) -> Result<Answer> {
        let target = hosts.target(Host::Identi);
        let call = self
            .http
            .call(&endpoints::IDENTI, target)
            .path("workflow", workflow)
            .json(body);
        self.good(hosts, call).await
    }

    /// Asks for the code again, or for a text instead of the prompt.
    pub(super) async fn resend(
        &self,
        credentials: &Credentials,
        mut state: State,
        flow: Flow,
    ) -> Result<LoginStep> {
        let Flow::Identi {
            workflow,
            screen,
            stem,
        } = flow
        else {
            let message = "this flow of the broker sends nothing again; begin a new login";
            return Err(Error::new(ErrorKind::Unsupported, message));
        };
        let prompt = matches!(
            &state.stage,
            Stage::Approval {
                kind: Kind::Prompt,
                ..
            }
        );
        let action = if prompt { "fallback" } else { "resend" };
        let mut body = json!({"clientVersion": "1.0.0", "screenName": screen, "id": workflow});
        body[format!("{stem}Action")] = json!({action: {}});
        let hosts = self.hosts(credentials.user())?;
        let answer = self.patch_identi(&hosts, &workflow, &body).await?;
        let (stage, until) = identi_stage(&workflow, &read(&answer)?);
        state.stage = stage;
        self.ask(&state, until)
    }
}

pub(super) fn identi_stage(
    workflow: &str,
    answer: &IdentiAnswer<'_>,
) -> (Stage, Option<OffsetDateTime>) {
    let Some(screen) = answer.route.replace.as_ref().map(|replace| &replace.screen) else {
        return (Stage::Human, None);
    };
    let (Some(stem), Some(challenge)) = (&screen.stem, &screen.challenge) else {
        return (Stage::Human, None);
    };
    let until = challenge.expires_at.map(|at| at.0);
    let flow = Flow::Identi {
        workflow: workflow.to_owned(),
        screen: screen.name.owned(),
        stem: stem.clone(),
    };
    if is_passed(challenge.status.as_str()) {
        return (Stage::Finish { flow }, until);
    }
    match Kind::read(challenge.kind.as_str()) {
        Some(kind) => (
            Stage::Approval {
                flow,
                challenge: challenge.id.owned(),
                kind,
            },
            until,
        ),
        None => (Stage::Human, until),
    }
}
