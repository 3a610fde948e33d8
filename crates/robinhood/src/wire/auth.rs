//! The token endpoint and the two flows of device approval.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer, Serialize};
use wheelhouse_core::{ExposeSecret, SecretString};

use super::{Num, Stamp, Text};

/// Any answer of `POST /oauth2/token/`: which it is, its keys tell, not its status.
#[derive(Deserialize)]
pub(crate) struct TokenAnswer<'a> {
    #[serde(default, deserialize_with = "token")]
    pub(crate) access_token: Option<SecretString>,
    #[serde(default, deserialize_with = "token")]
    pub(crate) refresh_token: Option<SecretString>,
    #[serde(default, deserialize_with = "token")]
    pub(crate) read_only_secondary_access_token: Option<SecretString>,
    #[serde(default)]
    pub(crate) expires_in: Option<Num>,
    #[serde(borrow, default)]
    pub(crate) user_uuid: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) verification_workflow: Option<Workflow<'a>>,
    #[serde(default)]
    pub(crate) mfa_required: Option<bool>,
    #[serde(borrow, default)]
    pub(crate) mfa_type: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) challenge: Option<Challenge<'a>>,
}

/// An empty token is none.
fn token<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    let token = Option::<SecretString>::deserialize(deserializer)?;
    Ok(token.filter(|token| !token.expose_secret().is_empty()))
}

#[derive(Deserialize)]
pub(crate) struct Workflow<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
}

/// The claims of an access token that is a JWT. Nothing in it is trusted; only the end matters.
#[derive(Deserialize)]
pub(crate) struct Claims {
    #[serde(default)]
    pub(crate) exp: Option<Num>,
}

/// A challenge, in the words of either flow.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Challenge<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(rename = "type", borrow, default)]
    pub(crate) kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) status: Option<Text<'a>>,
    #[serde(alias = "expiresAt", default)]
    pub(crate) expires_at: Option<Stamp>,
    #[serde(alias = "remainingAttempts", default)]
    pub(crate) remaining_attempts: Option<Num>,
}

/// `POST /challenge/{id}/respond/` and `GET /challenge/{id}/`: validated only if the top level says
/// so.
#[derive(Debug, Deserialize)]
pub(crate) struct Responded<'a> {
    #[serde(borrow, default)]
    pub(crate) status: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) remaining_attempts: Option<Num>,
    #[serde(borrow, default)]
    pub(crate) challenge: Option<Challenge<'a>>,
}

/// `POST /pathfinder/user_machine/`.
#[derive(Debug, Deserialize)]
pub(crate) struct Machine<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
}

/// `GET` and `POST /pathfinder/inquiries/{machine}/user_view/`.
#[derive(Debug, Deserialize)]
pub(crate) struct UserView<'a> {
    #[serde(borrow, default)]
    pub(crate) page: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) context: Option<ViewContext<'a>>,
    #[serde(borrow, default)]
    pub(crate) type_context: Option<TypeContext<'a>>,
    /// Seconds until the next look, on a page that only waits.
    #[serde(default)]
    pub(crate) polling_interval: Option<Num>,
}

impl<'a> UserView<'a> {
    pub(crate) fn challenge(&self) -> Option<&Challenge<'a>> {
        let inner = self.type_context.as_ref().and_then(|t| t.context.as_ref());
        self.context
            .iter()
            .chain(inner)
            .find_map(|context| context.sheriff_challenge.as_ref())
    }

    pub(crate) fn heading(&self) -> Option<&str> {
        let heading = self.context.as_ref()?.heading.as_ref()?;
        heading.text.as_ref().map(Text::as_str)
    }

    pub(crate) fn result(&self) -> Option<&str> {
        self.type_context
            .as_ref()?
            .result
            .as_ref()
            .map(Text::as_str)
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct ViewContext<'a> {
    #[serde(borrow, default)]
    pub(crate) sheriff_challenge: Option<Challenge<'a>>,
    #[serde(borrow, default)]
    pub(crate) heading: Option<Heading<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Heading<'a> {
    #[serde(borrow, default)]
    pub(crate) text: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct TypeContext<'a> {
    #[serde(borrow, default)]
    pub(crate) context: Option<ViewContext<'a>>,
    #[serde(borrow, default)]
    pub(crate) result: Option<Text<'a>>,
}

/// `GET /push/{challenge}/get_prompts_status/`.
#[derive(Debug, Deserialize)]
pub(crate) struct PromptStatus<'a> {
    #[serde(borrow)]
    pub(crate) challenge_status: Text<'a>,
}

/// `GET identi /verification_workflows/polaris_migrated/{workflow}/`.
#[derive(Debug, Deserialize)]
pub(crate) struct Migrated {
    pub(crate) result: bool,
}

/// `PATCH identi /idl/v1/workflow/{workflow}/`.
#[derive(Debug, Deserialize)]
pub(crate) struct IdentiAnswer<'a> {
    /// Missing where an action leads nowhere.
    #[serde(borrow, default)]
    pub(crate) route: Option<Route<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Route<'a> {
    #[serde(borrow, default)]
    pub(crate) replace: Option<Replace<'a>>,
    #[serde(borrow, default)]
    pub(crate) exit: Option<Exit<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Exit<'a> {
    #[serde(borrow)]
    pub(crate) status: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Replace<'a> {
    #[serde(borrow)]
    pub(crate) screen: Screen<'a>,
}

/// A screen: its name, and its parameters under a key that is made of the name.
#[derive(Debug)]
pub(crate) struct Screen<'a> {
    pub(crate) name: Text<'a>,
    /// The key of the parameters without `ScreenParams`, such as `deviceApprovalChallenge`.
    pub(crate) stem: Option<String>,
    pub(crate) challenge: Option<Challenge<'a>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Screen<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Params<'a> {
            #[serde(rename = "sheriffChallenge", borrow, default)]
            challenge: Option<Challenge<'a>>,
        }

        let fields: HashMap<String, &'de serde_json::value::RawValue> =
            HashMap::deserialize(deserializer)?;
        let name = match fields.get("name") {
            Some(raw) => serde_json::from_str(raw.get()).map_err(serde::de::Error::custom)?,
            None => return Err(serde::de::Error::missing_field("name")),
        };
        let params = fields.iter().find_map(|(key, raw)| {
            let stem = key.strip_suffix("Params")?;
            let stem = stem.strip_suffix("Screen").unwrap_or(stem);
            // Parameters that do not fit are those of a screen that no program can pass.
            let params: Option<Params<'de>> = serde_json::from_str(raw.get()).ok();
            Some((stem.to_owned(), params.and_then(|it| it.challenge)))
        });
        let (stem, challenge) = params.unzip();
        Ok(Self {
            name,
            stem,
            challenge: challenge.flatten(),
        })
    }
}

/// The body of `POST /pathfinder/user_machine/`.
#[derive(Debug, Serialize)]
pub(crate) struct NewMachine<'a> {
    pub(crate) device_id: &'a str,
    pub(crate) flow: &'static str,
    pub(crate) input: MachineInput<'a>,
}

#[derive(Debug, Serialize)]
pub(crate) struct MachineInput<'a> {
    pub(crate) workflow_id: &'a str,
}
