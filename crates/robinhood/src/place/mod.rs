//! Placing an order: checked here, sent once, and never lost sight of.

mod crypto;
mod gate;
mod options;
mod shares;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use ring::digest;
use serde::Serialize;
use wheelhouse_core::{
    AcceptedOrder, BrokerId, BrokerOrderId, ClientOrderId, Effect, Error, ErrorKind, Order,
    OrderRequest, OrderState, Raw, Rejection, Result, RetryAdvice, Submission, TimeInForce,
    UnresolvedOrder,
};
use wheelhouse_http::{Answer, Endpoint};

use self::gate::{Caller, Gate};
use crate::{
    auth::random_uuid,
    client::Inner,
    config::Host,
    convert, endpoints, error,
    recent::Standing,
    resolve::Book,
    wire::{self, failure::Failure, order::Placed},
};

/// An order that has passed the checks of this side.
struct Prepared {
    book: Book,
    host: Host,
    endpoint: &'static Endpoint,
    /// What was asked for, to tell one order from another.
    content: Vec<u8>,
    body: Bytes,
    ref_id: String,
    /// What it is while its outcome is not known.
    open: UnresolvedOrder,
}

impl Inner {
    /// Checks an order and sends it once. From the moment it may have left, it goes on by itself:
    /// a caller who stops waiting does not stop the answer from being noted.
    pub(crate) async fn place(self: &Arc<Self>, request: &OrderRequest) -> Result<Submission> {
        self.may_change()?;
        self.capabilities().check_order(request)?;
        let (request, known) = self.identified(request)?;
        if let Some(outcome) = known {
            return Ok(outcome);
        }
        let prepared = match convert::own_part(request.instrument.as_str()) {
            Some(_) => self.prepare_crypto(request).await?,
            None => self.prepare_shares(request).await?,
        };
        self.dispatch(prepared).await
    }

    async fn dispatch(self: &Arc<Self>, mut prepared: Prepared) -> Result<Submission> {
        let begun = self.recent.begin(
            &prepared.content,
            &prepared.body,
            &prepared.ref_id,
            &prepared.open,
        )?;
        let again = match begun {
            Standing::New => false,
            Standing::Known(outcome) => return Ok(*outcome),
            Standing::Unclear(sent) if prepared.book.refuses_duplicates() => {
                prepared.body = sent;
                true
            }
            Standing::Unclear(_) => {
                let outcome = Ok(Submission::Unknown(prepared.open.clone()));
                self.recent
                    .finish(&prepared.open.client_order_id, &outcome, true);
                return outcome;
            }
        };
        let caller = Caller::default();
        let (inner, abandoned) = (self.clone(), caller.gone.clone());
        let open = prepared.open.clone();
        let sending = tokio::spawn(async move {
            let outcome = inner.send(&prepared, &abandoned, again).await;
            inner
                .recent
                .finish(&prepared.open.client_order_id, &outcome, again);
            if abandoned.load(Ordering::Acquire) {
                report_alone(&prepared.open.client_order_id, &outcome);
            }
            outcome
        });
        match sending.await {
            Ok(outcome) => outcome,
            // The runtime is going down: the request may be on its way.
            Err(_) => Ok(Submission::Unknown(open)),
        }
    }

    /// Gives an order its identifier; what an order with the same one became is returned along.
    fn identified(&self, request: &OrderRequest) -> Result<(OrderRequest, Option<Submission>)> {
        let mut request = request.clone();
        match &request.client_order_id {
            None => request.client_order_id = Some(self.new_client_order_id()?),
            Some(id) => {
                let content = fingerprint(&request)?;
                if let Standing::Known(outcome) = self.recent.standing(id, &content)? {
                    return Ok((request, Some(*outcome)));
                }
            }
        }
        Ok((request, None))
    }

    fn new_client_order_id(&self) -> Result<ClientOrderId> {
        ClientOrderId::new(random_uuid(&*self.random)?)
    }

    /// Puts this side's identifier into an order, where it differs from what the broker was given.
    pub(crate) fn own_id(&self, mut order: Order) -> Order {
        if let Some(told) = &order.client_order_id
            && let Some(own) = self.recent.own_id(told.as_str())
        {
            order.client_order_id = Some(own);
        }
        order
    }

    async fn send(
        &self,
        prepared: &Prepared,
        abandoned: &Arc<AtomicBool>,
        again: bool,
    ) -> Result<Submission> {
        let gate = Gate {
            session: self.api.session.clone(),
            abandoned: abandoned.clone(),
        };
        let call = self.api.call_with(prepared.host, prepared.endpoint, &gate);
        match call
            .body(prepared.body.clone(), "application/json")
            .send()
            .await
        {
            Ok(answer) => self.classify(&answer, prepared, again).await,
            Err(failure) => {
                let error = self.api.failed(failure).await;
                match error.effect() {
                    Effect::None => Err(error),
                    _ => Ok(unknown(&prepared.open, &error)),
                }
            }
        }
    }

    /// Sorts what the broker answered. An error means that nothing was placed, so it takes the API's
    /// own word for that; what may come from anything in between leaves the outcome unknown. So does
    /// a refusal of what is sent a second time: the first one may be the reason for it.
    async fn classify(
        &self,
        answer: &Answer,
        prepared: &Prepared,
        again: bool,
    ) -> Result<Submission> {
        let open = &prepared.open;
        let status = answer.status();
        if answer.is_success() {
            let placed: Result<Placed<'_>, _> = wire::decode(answer.text().as_bytes());
            return match placed {
                Ok(placed) => self.accepted(&placed, prepared, answer),
                // Refusals were seen with a status that is none.
                Err(misfit) => match Failure::read(answer.text().as_bytes()) {
                    Some(failure) if status == 200 && !again => Ok(rejected(open, &failure)),
                    _ => Ok(unknown(open, &error::misfit(&misfit))),
                },
            };
        }
        let failure = Failure::read(answer.text().as_bytes());
        let error = error::of_failure(status, failure.as_ref(), answer.retry_after());
        if status == 429 {
            // Nothing was placed by this one.
            let wait = answer.retry_after().unwrap_or(AFTER_429);
            self.api.pause(wait).await;
            return Err(error.with_advice(RetryAdvice::After(wait)));
        }
        let Some(failure) = failure else {
            return Ok(unknown(open, &error));
        };
        if error::says_duplicate(status, &failure) {
            return self.adopt(prepared, &error, again).await;
        }
        match status {
            _ if again => Ok(unknown(open, &error)),
            400 | 422 => Ok(rejected(open, &failure)),
            401 | 403 | 404 | 405 => Err(error.with_effect(Effect::None)),
            _ => Ok(unknown(open, &error)),
        }
    }

    fn accepted(
        &self,
        placed: &Placed<'_>,
        prepared: &Prepared,
        answer: &Answer,
    ) -> Result<Submission> {
        let open = &prepared.open;
        let id = format!("{}{}", prepared.book.prefix(), placed.id.as_str());
        let Ok(id) = BrokerOrderId::new(id) else {
            return Ok(unknown(
                open,
                &convert::odd("the order in the answer cannot be one"),
            ));
        };
        let echoed = placed
            .ref_id
            .as_ref()
            .is_none_or(|it| it.as_str().eq_ignore_ascii_case(&prepared.ref_id));
        if !echoed {
            // The answer to another request.
            return Ok(unknown(
                open,
                &convert::odd("the answer is about another order"),
            ));
        }
        let account = open.request.account.clone();
        let mut order = AcceptedOrder::new(id, open.client_order_id.clone(), account);
        if let Some(state) = &placed.state {
            order.state = convert::state(state.as_str(), None);
        }
        order.raw = Raw::whole(Bytes::copy_from_slice(answer.text().as_bytes()));
        if order.state == OrderState::Rejected {
            let failure = Failure {
                detail: Some("the order was rejected at once".to_owned()),
                ..Failure::default()
            };
            let mut rejection = Rejection::new(
                open.client_order_id.clone(),
                error::reject_reason(&failure),
                failure.message(),
            );
            rejection.order = Some(order.id);
            return Ok(Submission::Rejected(rejection));
        }
        Ok(Submission::Accepted(order))
    }

    /// The broker says that it has an order with this identifier: it is looked for, and taken if it
    /// is the same order.
    async fn adopt(&self, prepared: &Prepared, error: &Error, again: bool) -> Result<Submission> {
        let open = &prepared.open;
        let Ok(snapshot) = self
            .reading(
                prepared.book,
                &open.request.account,
                open.sent_at - ANY_TIME,
            )
            .await
        else {
            return Ok(unknown(open, error));
        };
        let found = snapshot.order_of(&prepared.ref_id);
        match found {
            Some(order) if is_same(order, &open.request) => {
                let account = open.request.account.clone();
                let mut accepted =
                    AcceptedOrder::new(order.id.clone(), open.client_order_id.clone(), account);
                accepted.state = order.state.clone();
                accepted.raw = order.raw.clone();
                Ok(Submission::Accepted(accepted))
            }
            Some(_) if !again => {
                let id = &open.client_order_id;
                let message = format!("the client order id {id} was used for another order");
                Err(Error::new(ErrorKind::ClientOrderIdReused, message))
            }
            _ => Ok(unknown(open, error)),
        }
    }
}

/// How far back an order is looked for that the broker says it has.
const ANY_TIME: time::Duration = time::Duration::days(7);
/// How long to wait after a 429 that does not say.
const AFTER_429: std::time::Duration = std::time::Duration::from_secs(15);

/// Whether an order is what was asked for.
fn is_same(order: &Order, request: &OrderRequest) -> bool {
    let size =
        order.size.unit() != request.size.unit() || order.size.amount() == request.size.amount();
    order.instrument == request.instrument
        && order.side == request.side
        && order.order_type == request.kind.order_type()
        && order.limit_price == request.kind.limit_price()
        && size
}

/// The identifier that the broker is given: it takes UUIDs, so what is none becomes one, always the
/// same one.
pub(crate) fn ref_id_of(id: &ClientOrderId) -> String {
    if let Ok(uuid) = uuid::Uuid::try_parse(id.as_str())
        && id.as_str().len() == 36
    {
        return uuid.to_string();
    }
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"wheelhouse:robinhood:ref_id:");
    context.update(id.as_str().as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&context.finish().as_ref()[..16]);
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}

fn fingerprint(request: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(request).map_err(|_| error::invalid("the order cannot be written as JSON"))
}

fn rejected(open: &UnresolvedOrder, failure: &Failure) -> Submission {
    let reason = error::reject_reason(failure);
    let id = open.client_order_id.clone();
    Submission::Rejected(Rejection::new(id, reason, failure.message()))
}

fn unknown(open: &UnresolvedOrder, cause: &Error) -> Submission {
    let mut open = open.clone();
    open.cause_code = cause.code();
    open.cause = cause.message().to_owned();
    Submission::Unknown(open)
}

fn open(request: OrderRequest, now: time::OffsetDateTime) -> Result<UnresolvedOrder> {
    let id = request
        .client_order_id
        .clone()
        .ok_or_else(|| Error::new(ErrorKind::MissingField, "the order has no identifier"))?;
    let cause = Error::new(ErrorKind::OutcomeUnknown, "no answer has come yet");
    Ok(UnresolvedOrder::new(
        BrokerId::robinhood(),
        id,
        request,
        now,
        &cause,
    ))
}

fn written_time_in_force(time_in_force: &TimeInForce) -> Result<&'static str> {
    match time_in_force {
        TimeInForce::Day => Ok("gfd"),
        TimeInForce::Gtc => Ok("gtc"),
        TimeInForce::Ioc => Ok("ioc"),
        TimeInForce::OnOpen => Ok("opg"),
        other => Err(error::unsupported(format!(
            "this broker has no orders that stand {other}"
        ))),
    }
}

fn report_alone(id: &ClientOrderId, outcome: &Result<Submission>) {
    match outcome {
        Ok(outcome) => tracing::warn!(%id, %outcome, "an order was placed whose caller had gone"),
        Err(error) => tracing::info!(%id, %error, "an order was not placed; its caller had gone"),
    }
}

fn books(book: Book) -> (Host, &'static Endpoint) {
    match book {
        Book::Crypto => (Host::Nummus, &endpoints::PLACE_CRYPTO_ORDER),
        Book::Options => (Host::Api, &endpoints::PLACE_OPTION_ORDER),
        Book::Shares => (Host::Api, &endpoints::PLACE_ORDER),
    }
}

/// Puts an order that was checked and its body together.
fn prepared(
    book: Book,
    body: &impl Serialize,
    open: UnresolvedOrder,
    content: Vec<u8>,
) -> Result<Prepared> {
    let (host, endpoint) = books(book);
    let ref_id = ref_id_of(&open.client_order_id);
    let body = Bytes::from(fingerprint(body)?);
    Ok(Prepared {
        book,
        host,
        endpoint,
        content,
        body,
        ref_id,
        open,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_becomes_the_same_uuid_every_time() {
        let id = |text: &str| ref_id_of(&ClientOrderId::new(text).unwrap());
        let uuid = "7151EDA4-3328-47A5-9B37-32CF886F8EB4";
        assert_eq!(id(uuid), uuid.to_ascii_lowercase());
        assert_eq!(id("KIT-01KE7PH0"), id("KIT-01KE7PH0"));
        assert_ne!(id("KIT-01KE7PH0"), id("KIT-01KE7PH1"));
        assert_eq!(id("7151eda4332847a59b3732cf886f8eb4").len(), 36);
    }
}
