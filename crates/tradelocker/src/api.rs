use std::sync::Arc;

use bytes::Bytes;
use secrecy::SecretString;
use wheelhouse_adapter::{Gone, SendGate};
use wheelhouse_core::{Clock, Effect, Error, ErrorKind, Result, TokenSource};
use wheelhouse_http::{Answer, Call, Endpoint, HttpClient, Target};

use crate::{
    error,
    wire::reply::{self, Reply},
};

/// What every call of a user goes through.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) http: HttpClient,
    pub(crate) target: Target,
    pub(crate) session: Arc<dyn TokenSource>,
    pub(crate) developer_key: Option<SecretString>,
}

impl Api {
    pub(crate) fn clock(&self) -> &dyn Clock {
        &**self.http.clock()
    }

    /// Starts a call on behalf of the user.
    pub(crate) fn user_call(&self, endpoint: &'static Endpoint) -> Call<'_> {
        self.with_key(self.http.call(endpoint, &self.target).token(&*self.session))
    }

    /// Starts a call on behalf of an account: the header is all that names it on some routes.
    pub(crate) fn call(&self, endpoint: &'static Endpoint, acc_num: u64) -> Call<'_> {
        self.user_call(endpoint).header("accNum", acc_num)
    }

    /// Starts a call on behalf of an account with another source of tokens.
    pub(crate) fn call_with<'a>(
        &'a self,
        endpoint: &'static Endpoint,
        acc_num: u64,
        source: &'a dyn TokenSource,
    ) -> Call<'a> {
        let call = self.http.call(endpoint, &self.target).token(source);
        self.with_key(call).header("accNum", acc_num)
    }

    /// Returns what a change has to pass before it goes out.
    pub(crate) fn gate(&self, gone: Gone) -> SendGate {
        SendGate::new(self.session.clone(), self.http.clock().clone(), gone)
    }

    pub(crate) fn with_key<'a>(&self, call: Call<'a>) -> Call<'a> {
        match &self.developer_key {
            Some(key) => call.secret_header("developer-api-key", key),
            None => call,
        }
    }

    /// Sends a read and returns the body of a success.
    pub(crate) async fn read(&self, endpoint: &'static Endpoint, call: Call<'_>) -> Result<Bytes> {
        let answer = call.send().await?;
        if let Some(error) = error::of_status(&answer) {
            return Err(self.place(endpoint, error));
        }
        if answer.text().trim().is_empty() {
            let error = error::unexpected("the answer", "is empty");
            return Err(self.place(endpoint, error));
        }
        Ok(answer.into_bytes())
    }

    /// Sends a change and says whether the broker took it.
    pub(crate) async fn change(
        &self,
        endpoint: &'static Endpoint,
        call: Call<'_>,
    ) -> Result<Changed> {
        let answer = call.send().await?;
        let outcome = changed(&answer).map_err(|error| self.place(endpoint, error));
        if !answer.earlier_unclear() {
            return outcome;
        }
        // The refusal may be what the success of an earlier attempt looks like.
        match outcome {
            Ok(Changed::Refused(error)) => {
                Ok(Changed::Refused(error.with_effect(Effect::MaybeApplied)))
            }
            Err(error) => Err(error.with_effect(Effect::MaybeApplied)),
            taken => taken,
        }
    }

    /// Names operation and broker in an error.
    pub(crate) fn place(&self, endpoint: &Endpoint, error: Error) -> Error {
        error
            .in_operation(endpoint.operation())
            .at_broker(wheelhouse_core::BrokerId::tradelocker())
    }
}

/// What the broker said to a change.
#[derive(Debug)]
pub(crate) enum Changed {
    /// It took it.
    Taken,
    /// It refused. The error's effect tells whether an earlier attempt may have changed something.
    Refused(Error),
}

/// Reads the answer to a change. The documented writes may answer 204 without a body.
fn changed(answer: &Answer) -> Result<Changed> {
    if let Some(error) = error::of_status(answer) {
        let effect = error::effect_of_status(answer);
        let refused = effect == Effect::None
            && matches!(
                error.kind(),
                ErrorKind::InvalidRequest | ErrorKind::NotFound | ErrorKind::OrderRejected
            );
        return match refused {
            true => Ok(Changed::Refused(error)),
            false => Err(error.with_effect(effect)),
        };
    }
    if answer.text().trim().is_empty() {
        return Ok(Changed::Taken);
    }
    let reply = Reply::read(answer.text()).map_err(|e| e.with_effect(Effect::MaybeApplied))?;
    match reply.refusal() {
        None => Ok(Changed::Taken),
        Some(error) if error.kind() == ErrorKind::BrokerFailure => {
            Err(error.with_effect(Effect::MaybeApplied))
        }
        Some(error) => Ok(Changed::Refused(error)),
    }
}

/// Reads the data of a body that has the envelope and gives them to `convert`.
pub(crate) fn data<'a, T: serde::Deserialize<'a>>(body: &'a Bytes) -> Result<T> {
    Reply::read(reply::text(body)?)?.data()
}

/// Reads a body that has no envelope. A refusal may have one all the same.
pub(crate) fn bare<'a, T: serde::Deserialize<'a>>(body: &'a Bytes) -> Result<T> {
    let text = reply::text(body)?;
    serde_json::from_str(text).map_err(|misfit| {
        let refusal = Reply::read(text).ok().and_then(|reply| reply.refusal());
        refusal.unwrap_or_else(|| error::from_json(misfit))
    })
}
