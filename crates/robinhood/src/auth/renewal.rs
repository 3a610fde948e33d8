//! Refresh and revocation.

use bytes::Bytes;
use url::form_urlencoded;
use wheelhouse_core::{Effect, Error, ErrorKind, ExposeSecret, Result, SecretString};
use wheelhouse_session::Grant;
use zeroize::Zeroizing;

use super::{
    DEVICE_TOKEN, READ_ONLY_TOKEN, RobinhoodAuth, USER_DIGEST,
    token::{CLIENT_ID, EXPIRES_IN, refusal},
};
use crate::{
    api::Hosts,
    config::Host,
    endpoints, error,
    wire::{self, auth::TokenAnswer, failure::Failure},
};

impl RobinhoodAuth {
    /// Gets new tokens. The refresh token is good for one use: what is lost on the way is lost.
    pub(super) async fn renew(&self, grant: &Grant) -> Result<Grant> {
        let refused = |why: &'static str| Error::new(ErrorKind::RefreshRefused, why);
        let Some(token) = grant.refresh_token() else {
            return Err(refused("the session has no refresh token"));
        };
        let device = grant
            .extra(DEVICE_TOKEN)
            .map_or("", ExposeSecret::expose_secret);
        let body = form(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", token.expose_secret()),
            ("scope", "internal"),
            ("client_id", CLIENT_ID),
            ("device_token", device),
            ("expires_in", &EXPIRES_IN.to_string()),
        ]);
        let digest = digest_in(grant);
        let hosts = Hosts::new(&self.config, digest)?;
        let call = self
            .http
            .call(&endpoints::REFRESH, hosts.target(Host::Api))
            .body(body, FORM);
        let answer = self.send(&hosts, call).await?;
        let read: Result<TokenAnswer<'_>, _> = wire::decode(answer.text().as_bytes());
        match read {
            Ok(read) if read.access_token.is_some() => {
                let mut fresh = self.granted(read, answer.server_date(), device, digest)?;
                // The old one ends with the old access token: it must not stay beside the new one.
                if grant.extra(READ_ONLY_TOKEN).is_some() && fresh.extra(READ_ONLY_TOKEN).is_none()
                {
                    fresh = fresh.with_extra(READ_ONLY_TOKEN, SecretString::default());
                }
                Ok(fresh)
            }
            // Whatever else the broker wants now, only a full login gives it.
            Ok(read)
                if read.verification_workflow.is_some()
                    || read.challenge.is_some()
                    || read.mfa_required == Some(true) =>
            {
                Err(refused("the broker wants a full login"))
            }
            _ if (400..500).contains(&answer.status()) => {
                let failure = Failure::read(answer.text().as_bytes()).unwrap_or_default();
                Err(refused("the broker refuses the refresh token")
                    .with_broker_message(failure.message()))
            }
            Ok(_) if answer.is_success() => Err(Error::new(
                ErrorKind::UnexpectedAnswer,
                "the answer to the refresh has no token",
            )
            .with_effect(Effect::MaybeApplied)),
            Err(misfit) if answer.is_success() => {
                Err(error::misfit(&misfit).with_effect(Effect::MaybeApplied))
            }
            _ => Err(refusal(&answer).with_effect(Effect::MaybeApplied)),
        }
    }

    pub(super) async fn give_back(&self, grant: &Grant) -> Result<()> {
        let token = grant.refresh_token().unwrap_or(grant.access_token());
        let body = form(&[("client_id", CLIENT_ID), ("token", token.expose_secret())]);
        let hosts = Hosts::new(&self.config, digest_in(grant))?;
        let call = self
            .http
            .call(&endpoints::REVOKE, hosts.target(Host::Api))
            .body(body, FORM);
        let answer = self.send(&hosts, call).await?;
        match answer.status() {
            200..300 => Ok(()),
            // It was over already.
            401 | 404 => Ok(()),
            _ => Err(refusal(&answer)),
        }
    }
}

fn digest_in(grant: &Grant) -> &str {
    grant
        .extra(USER_DIGEST)
        .map_or("unknown", ExposeSecret::expose_secret)
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Writes a form into memory that is overwritten afterwards.
fn form(pairs: &[(&str, &str)]) -> Bytes {
    let text = form_urlencoded::Serializer::new(String::with_capacity(8 * 1024))
        .extend_pairs(pairs)
        .finish();
    Bytes::from_owner(Zeroizing::new(text.into_bytes()))
}
