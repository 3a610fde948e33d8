//! The flow of the apps.

use std::time::Duration;

use serde_json::json;
use wheelhouse_core::Result;

use super::{
    RobinhoodAuth,
    approval::{End, good, over, read},
    state::{Flow, Met, Stage},
    words::{Kind, Outcome, Standing, Why},
};
use crate::{
    api::Hosts,
    config::Host,
    endpoints,
    wire::auth::{Challenge, Machine, MachineInput, NewMachine, UserView},
};

impl RobinhoodAuth {
    pub(super) async fn enter_pathfinder(
        &self,
        hosts: &Hosts,
        device_token: &str,
        workflow: &str,
    ) -> Result<Met> {
        let body = NewMachine {
            device_id: device_token,
            flow: "suv",
            input: MachineInput {
                workflow_id: workflow,
            },
        };
        let call = self
            .http
            .call(&endpoints::USER_MACHINE, hosts.target(Host::Api))
            .secret_json(&body);
        let answer = self.good(hosts, call).await?;
        let machine = read::<Machine<'_>>(&answer)?.id.owned();
        Ok(self.look(hosts, machine, workflow, 0).await?.0)
    }

    /// Looks what the apps would show, and how long to wait for the next look.
    pub(super) async fn look(
        &self,
        hosts: &Hosts,
        machine: String,
        workflow: &str,
        looks: u32,
    ) -> Result<(Met, Duration)> {
        let call = self
            .http
            .call(&endpoints::USER_VIEW, hosts.target(Host::Api))
            .path("machine", &machine);
        let answer = self.good(hosts, call).await?;
        let view: UserView<'_> = read(&answer)?;
        if let Some(challenge) = view.challenge() {
            let until = Some(self.until(&answer, challenge.expires_at));
            let flow = Flow::Pathfinder {
                machine,
                workflow: workflow.to_owned(),
            };
            let stage = stage_of(flow, challenge)?;
            return Ok((Met { stage, until }, Duration::ZERO));
        }
        let page = view.page.as_ref().map(|page| page.as_str());
        let waits = view.polling_interval.is_some() || page.is_none_or(|it| it == "LoadingPage");
        let stage = match waits && looks < LOOKS {
            true => Stage::Opening {
                machine,
                workflow: workflow.to_owned(),
                looks: looks + 1,
            },
            false => Stage::Human {
                why: Why::of(page.unwrap_or_default(), view.heading()),
            },
        };
        let asked = view
            .polling_interval
            .and_then(|it| u64::try_from(it.0.trunc()).ok())
            .map_or(Duration::ZERO, Duration::from_secs);
        let wait = asked.min(LONGEST_LOOK);
        Ok((Met { stage, until: None }, wait))
    }

    pub(super) async fn continue_pathfinder(
        &self,
        hosts: &Hosts,
        flow: &Flow,
        machine: &str,
        challenge: &str,
    ) -> Result<End> {
        let body = json!({"sequence": 0, "user_input": {"status": "continue"}});
        let call = self
            .http
            .call(&endpoints::CONTINUE, hosts.target(Host::Api))
            .path("machine", machine)
            .json(&body);
        let answer = self.send(hosts, call).await?;
        // A machine that was used before has approved.
        if answer.status() == 410 {
            return Ok(End::Approved);
        }
        let answer = good(answer)?;
        let view: UserView<'_> = read(&answer)?;
        match (view.result().map(Outcome::read), view.challenge()) {
            (Some(Outcome::Approved), _) => Ok(End::Approved),
            (Some(Outcome::Pending), _) => Ok(End::Pending),
            (Some(Outcome::Refused), _) => Err(over("the broker has refused the approval")),
            (None, Some(next)) if next.id.as_str() != challenge => {
                let stage = stage_of(flow.clone(), next)?;
                let until = Some(self.until(&answer, next.expires_at));
                Ok(End::Next(Met { stage, until }))
            }
            _ => Ok(End::Pending),
        }
    }
}

/// What a challenge asks for, in either flow.
pub(super) fn stage_of(flow: Flow, challenge: &Challenge<'_>) -> Result<Stage> {
    let id = challenge.id.owned();
    let word = challenge.kind.as_ref().map(|kind| kind.as_str());
    let status = challenge.status.as_ref().map(|status| status.as_str());
    match (Standing::read(status), word.and_then(Kind::read)) {
        (Standing::Passed, _) => Ok(Stage::Finish {
            flow,
            challenge: id,
        }),
        (Standing::Expired, _) => Err(over("the broker's challenge has run out")),
        (Standing::Failed, _) => Err(over("the broker takes no answer to its challenge any more")),
        (Standing::Open, Some(kind)) => Ok(Stage::Approval {
            flow,
            challenge: id,
            kind,
        }),
        (Standing::Open, None) => Ok(Stage::Human {
            why: Why::of(word.unwrap_or_default(), None),
        }),
    }
}

/// How often a page that only waits is looked at again.
const LOOKS: u32 = 6;
const LONGEST_LOOK: Duration = Duration::from_secs(60);
