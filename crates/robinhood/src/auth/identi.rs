//! The flow of the present web page.
//!
//! Captured are the entry and the end of a prompt, and its exchange for a text. The screens by SMS and
//! mail have actions of their own name. How a code of an app ends is not known: each way that it may
//! have is tried, and the last word has the token endpoint.

use serde_json::{Value, json};
use wheelhouse_core::{Error, ErrorKind, Result};
use wheelhouse_http::Answer;
use wheelhouse_session::{Credentials, LoginStep};

use super::{
    RobinhoodAuth,
    approval::{End, over, read},
    pathfinder::stage_of,
    state::{Flow, Met, Place, Stage, State},
    words::{Kind, Outcome, Why},
};
use crate::{
    api::Hosts,
    config::{ApprovalFlow, Host},
    endpoints,
    wire::{
        self,
        auth::{IdentiAnswer, Migrated, Screen},
    },
};

impl RobinhoodAuth {
    /// Begins an approval, in the flow that the broker or the configuration says.
    pub(super) async fn enter(&self, hosts: &Hosts, state: &State, workflow: &str) -> Result<Met> {
        let device = &state.device_token;
        match self.config.approval {
            ApprovalFlow::Identi => self.enter_identi(hosts, workflow).await,
            ApprovalFlow::Pathfinder => self.enter_pathfinder(hosts, device, workflow).await,
            ApprovalFlow::Auto => {
                if self.serves_identi(hosts, workflow).await? {
                    match self.enter_identi(hosts, workflow).await {
                        // The other flow works without that host.
                        Err(error) if error.kind() != ErrorKind::LoginRateLimited => {
                            let code = error.code();
                            tracing::debug!(code, "the newer flow of approval cannot be entered");
                        }
                        met => return met,
                    }
                }
                self.enter_pathfinder(hosts, device, workflow).await
            }
        }
    }

    async fn serves_identi(&self, hosts: &Hosts, workflow: &str) -> Result<bool> {
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
            Err(_) => Ok(false),
        }
    }

    async fn enter_identi(&self, hosts: &Hosts, workflow: &str) -> Result<Met> {
        let body = json!({"clientVersion": "1.0.0", "id": workflow, "entryPointAction": {}});
        let answer = self.patch(hosts, workflow, &body).await?;
        let told: IdentiAnswer<'_> = read(&answer)?;
        let route = told.route.as_ref();
        if let Some(exit) = route.and_then(|route| route.exit.as_ref()) {
            let stage = match Outcome::read(exit.status.as_str()) {
                Outcome::Refused => return Err(over("the broker has refused the approval")),
                _ => Stage::Approved,
            };
            return Ok(Met { stage, until: None });
        }
        match route.and_then(|route| route.replace.as_ref()) {
            Some(replace) => self.met(workflow, &answer, &replace.screen),
            None => Err(Error::new(
                ErrorKind::UnexpectedAnswer,
                "the broker's answer names no screen",
            )),
        }
    }

    fn met(&self, workflow: &str, answer: &Answer, screen: &Screen<'_>) -> Result<Met> {
        let Some(challenge) = &screen.challenge else {
            return Ok(human(Why::of(screen.name.as_str(), None)));
        };
        let place = Place {
            workflow: workflow.to_owned(),
            screen: screen.name.owned(),
            stem: screen.stem.clone(),
        };
        Ok(Met {
            stage: stage_of(Flow::Identi(place), challenge)?,
            until: Some(self.until(answer, challenge.expires_at)),
        })
    }

    /// Tells the broker that the user has done what the screen asked for.
    pub(super) async fn proceed(
        &self,
        hosts: &Hosts,
        place: &Place,
        challenge: &str,
    ) -> Result<End> {
        for stem in stems(place, None) {
            let answer = match self.act(hosts, place, &stem, "proceed").await {
                Ok(answer) => answer,
                Err(error) if is_refusal(&error) => continue,
                Err(error) => return Err(error),
            };
            match self.end(place, &answer, challenge)? {
                End::Unclear => {}
                end => return Ok(end),
            }
        }
        let body = json!({"clientVersion": "1.0.0", "id": place.workflow, "entryPointAction": {}});
        match self.patch(hosts, &place.workflow, &body).await {
            Ok(answer) => self.end(place, &answer, challenge),
            Err(error) if is_refusal(&error) => Ok(End::Unclear),
            Err(error) => Err(error),
        }
    }

    fn end(&self, place: &Place, answer: &Answer, challenge: &str) -> Result<End> {
        let told: IdentiAnswer<'_> = read(answer)?;
        let Some(route) = &told.route else {
            return Ok(End::Unclear);
        };
        if let Some(exit) = &route.exit {
            return match Outcome::read(exit.status.as_str()) {
                Outcome::Approved => Ok(End::Approved),
                Outcome::Pending => Ok(End::Pending),
                Outcome::Refused => Err(over("the broker has refused the approval")),
            };
        }
        let Some(replace) = &route.replace else {
            return Ok(End::Unclear);
        };
        let screen = &replace.screen;
        let same = |it: &wire::auth::Challenge<'_>| it.id.as_str() == challenge;
        if screen.challenge.as_ref().is_some_and(same) {
            // At a screen that is known, this is an approval that was not noticed yet.
            return Ok(match KNOWN.contains(&screen.name.as_str()) {
                true => End::Pending,
                false => End::Unclear,
            });
        }
        self.met(&place.workflow, answer, screen).map(End::Next)
    }

    /// Asks for the code again, or for a text instead of a prompt. The flow of the apps has no words
    /// for that, so there the web page's is gone on with.
    pub(super) async fn resend(
        &self,
        credentials: &Credentials,
        mut state: State,
        flow: Flow,
        kind: Kind,
    ) -> Result<LoginStep> {
        let hosts = self.hosts(credentials.user())?;
        let met = self.sent_again(&hosts, flow, kind).await?;
        state.meet(met.ok_or_else(nothing_again)?, self.clock().now());
        self.ask(&state)
    }

    async fn sent_again(&self, hosts: &Hosts, flow: Flow, kind: Kind) -> Result<Option<Met>> {
        let place = match flow {
            Flow::Identi(place) => place,
            Flow::Pathfinder { workflow, .. } => match self.enter_identi(hosts, &workflow).await {
                Ok(Met {
                    stage:
                        Stage::Approval {
                            flow: Flow::Identi(place),
                            ..
                        },
                    ..
                }) => place,
                Err(error) if error.kind() == ErrorKind::LoginRateLimited => return Err(error),
                _ => return Ok(None),
            },
        };
        let action = match kind {
            Kind::Prompt => "fallback",
            _ => "resend",
        };
        for stem in stems(&place, Some(kind)) {
            let answer = match self.act(hosts, &place, &stem, action).await {
                Ok(answer) => answer,
                Err(error) if is_refusal(&error) => continue,
                Err(error) => return Err(error),
            };
            let told: IdentiAnswer<'_> = read(&answer)?;
            let replace = told.route.as_ref().and_then(|route| route.replace.as_ref());
            return match replace {
                Some(replace) => self
                    .met(&place.workflow, &answer, &replace.screen)
                    .map(Some),
                // It leads nowhere: the screen is the one that it was.
                None => self.enter_identi(hosts, &place.workflow).await.map(Some),
            };
        }
        Ok(None)
    }

    async fn act(&self, hosts: &Hosts, place: &Place, stem: &str, action: &str) -> Result<Answer> {
        let mut body = json!({
            "clientVersion": "1.0.0",
            "screenName": place.screen,
            "id": place.workflow,
        });
        body[format!("{stem}Action")] = json!({action: {}});
        self.patch(hosts, &place.workflow, &body).await
    }

    async fn patch(&self, hosts: &Hosts, workflow: &str, body: &Value) -> Result<Answer> {
        let target = hosts.target(Host::Identi);
        let call = self
            .http
            .call(&endpoints::IDENTI, target)
            .path("workflow", workflow)
            .json(body);
        self.good(hosts, call).await
    }
}

/// How the key of an action may begin at this screen, the likeliest first. At the screen that was
/// captured there is one way.
fn stems(place: &Place, kind: Option<Kind>) -> Vec<String> {
    let known = Kind::Prompt.stem().unwrap_or_default();
    let mut stems: Vec<String> = Vec::with_capacity(4);
    if place.screen == CAPTURED {
        return vec![known.to_owned()];
    }
    stems.extend(place.stem.clone());
    stems.push(camel(&place.screen));
    stems.extend(kind.and_then(Kind::stem).map(str::to_owned));
    stems.push(known.to_owned());
    let mut unique: Vec<String> = Vec::with_capacity(stems.len());
    for stem in stems {
        if !stem.is_empty() && !unique.contains(&stem) {
            unique.push(stem);
        }
    }
    unique
}

/// `SMS_CHALLENGE` as `smsChallenge`.
fn camel(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for (n, word) in name.split('_').filter(|word| !word.is_empty()).enumerate() {
        for (m, c) in word.chars().filter(char::is_ascii_alphanumeric).enumerate() {
            text.push(match n > 0 && m == 0 {
                true => c.to_ascii_uppercase(),
                false => c.to_ascii_lowercase(),
            });
        }
    }
    text
}

fn human(why: Why) -> Met {
    Met {
        stage: Stage::Human { why },
        until: None,
    }
}

/// Whether the broker knows the workflow and takes no such action.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidRequest | ErrorKind::Unsupported
    )
}

pub(super) fn nothing_again() -> Error {
    let message =
        "the broker sends nothing again here; answer what was asked, or begin a new login";
    Error::new(ErrorKind::Unsupported, message)
}

const CAPTURED: &str = "DEVICE_APPROVAL_CHALLENGE";
const KNOWN: [&str; 3] = [CAPTURED, "EMAIL_CHALLENGE", "SMS_CHALLENGE"];

#[cfg(test)]
mod tests {
    use super::*;

    fn place(screen: &str, stem: Option<&str>) -> Place {
        Place {
            workflow: "w".to_owned(),
            screen: screen.to_owned(),
            stem: stem.map(str::to_owned),
        }
    }

    #[test]
    fn the_screen_that_is_known_has_one_action_and_others_have_the_likeliest_first() {
        assert_eq!(
            stems(&place(CAPTURED, Some("x")), None),
            ["deviceApprovalChallenge"]
        );
        let sms = place("SMS_CHALLENGE", Some("smsChallenge"));
        let known = "deviceApprovalChallenge";
        assert_eq!(stems(&sms, Some(Kind::Sms)), ["smsChallenge", known]);
        let mail = place("VERIFY_EMAIL", None);
        assert_eq!(
            stems(&mail, Some(Kind::Mail)),
            ["verifyEmail", "emailChallenge", known]
        );
        assert_eq!(stems(&place("", None), None), [known]);
        assert_eq!(camel("A__b_\"C\""), "aBC");
    }
}
