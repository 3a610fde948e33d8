//! Placing an order: checked here, sent once, and never lost sight of.

mod crypto;
mod likeness;
mod options;
mod shares;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use ring::digest;
use serde::{Serialize, de::IgnoredAny};
use wheelhouse_adapter::{Gone, SendGate, Waiting};
use wheelhouse_core::{
    AcceptedOrder, BrokerId, BrokerOrderId, ClientOrderId, Effect, Error, ErrorKind,
    InstrumentRules, Order, OrderRequest, OrderState, Price, Raw, Rejection, Result, RetryAdvice,
    Side, Submission, TimeInForce, UnresolvedOrder,
};
use wheelhouse_http::{Answer, Endpoint};

use self::likeness::is_same;
use crate::{
    auth::random_uuid,
    client::Inner,
    config::Host,
    convert, endpoints, error,
    recent::{Letter, Standing, as_accepted},
    resolve::Book,
    wire::{self, Text, failure::Failure, order::Placed},
};

/// An order that has passed the checks of this side.
struct Prepared {
    book: Book,
    letter: Letter,
    /// What it is while its outcome is not known.
    open: UnresolvedOrder,
}

impl Inner {
    /// Checks an order and sends it once. From the moment it may have left, it goes on by itself:
    /// a caller who stops waiting does not stop the answer from being noted.
    pub(crate) async fn place(self: &Arc<Self>, request: &OrderRequest) -> Result<Submission> {
        self.may_change()?;
        self.capabilities().check_order(request)?;
        let mut request = request.clone();
        let id = self.identify(&mut request.client_order_id)?;
        let book = match convert::own_part(request.instrument.as_str()) {
            Some(_) => Book::Crypto,
            None => Book::Shares,
        };
        if let Some(outcome) = self.placed_before(book, &id, &request).await? {
            return Ok(outcome);
        }
        let prepared = match book {
            Book::Crypto => self.prepare_crypto(request).await?,
            _ => self.prepare_shares(request).await?,
        };
        self.dispatch(prepared).await
    }

    /// Says what became of an order that was placed before. If nobody knows, it is sent again just
    /// as it was, where the broker takes no order twice. Nothing is read before: what fails then
    /// would say nothing about the first sending.
    async fn placed_before(
        self: &Arc<Self>,
        book: Book,
        id: &ClientOrderId,
        request: &(impl Serialize + Sync),
    ) -> Result<Option<Submission>> {
        match self.recent.standing(id, &written(request)?)? {
            Standing::New => Ok(None),
            Standing::Known(outcome) => Ok(Some(*outcome)),
            Standing::Unclear(known) => {
                let (letter, mut open) = *known;
                open.sent_at = self.clock().now();
                let prepared = Prepared { book, letter, open };
                self.dispatch(prepared).await.map(Some)
            }
        }
    }

    async fn dispatch(self: &Arc<Self>, mut prepared: Prepared) -> Result<Submission> {
        let again = match self.recent.begin(&prepared.letter, &prepared.open)? {
            Standing::New => false,
            Standing::Known(outcome) => return Ok(*outcome),
            Standing::Unclear(known) => {
                prepared.letter = known.0;
                true
            }
        };
        let caller = Waiting::default();
        let (inner, gone) = (self.clone(), caller.watch());
        let open = prepared.open.clone();
        let sending = tokio::spawn(async move {
            let id = prepared.open.client_order_id.clone();
            let outcome = inner.send(&mut prepared, &gone, again).await;
            inner.recent.finish(&id, &outcome);
            if gone.is_set() {
                report_alone(&id, &outcome);
            }
            outcome
        });
        match sending.await {
            Ok(outcome) => outcome,
            // The runtime is going down: the request may be on its way.
            Err(_) => Ok(Submission::Unknown(open)),
        }
    }

    /// Gives an order its identifier, unless it has one.
    fn identify(&self, id: &mut Option<ClientOrderId>) -> Result<ClientOrderId> {
        if let Some(known) = id {
            return Ok(known.clone());
        }
        let new = ClientOrderId::new(random_uuid(&*self.random)?)?;
        *id = Some(new.clone());
        Ok(new)
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

    async fn send(&self, prepared: &mut Prepared, gone: &Gone, again: bool) -> Result<Submission> {
        let (session, clock) = (self.api.session.clone(), self.api.http.clock().clone());
        let gate = SendGate::new(session, clock, gone.clone());
        let (host, endpoint) = endpoint(prepared.book);
        let call = self.api.call_with(host, endpoint, &gate);
        let body = prepared.letter.body.clone();
        let answer = call.body(body, "application/json").send().await;
        if let Some(sent_at) = gate.passed_at() {
            prepared.open.sent_at = sent_at;
        }
        let outcome = match answer {
            Ok(answer) => self.classify(&answer, prepared, again).await,
            Err(failure) => {
                let error = self.api.failed(failure).await;
                match error.effect() {
                    Effect::None => Err(error),
                    _ => Ok(unknown(&prepared.open, &error)),
                }
            }
        };
        match outcome {
            // That nothing came of this sending says nothing about the one before.
            Err(error) if again => Ok(unknown(&prepared.open, &error)),
            outcome => outcome,
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
        let failure = Failure::read(answer.text().as_bytes());
        if answer.is_success() {
            let placed: Result<Placed<'_>, _> = wire::decode(answer.text().as_bytes());
            return match (placed, failure) {
                (Ok(placed), _) if status == 201 => self.accepted(&placed, prepared, answer),
                (Ok(_), _) => Ok(unknown(open, &convert::odd(NOT_CREATED))),
                // Refusals were seen with a status that is none.
                (Err(_), Some(failure)) if error::says_duplicate(status, &failure) => {
                    let error = error::of_failure(status, Some(&failure), None);
                    self.adopt(prepared, &error, again).await
                }
                (Err(_), Some(failure))
                    if status == 200 && !again && refuses(prepared, &failure) =>
                {
                    Ok(rejected(open, &failure))
                }
                (Err(misfit), _) => Ok(unknown(open, &error::misfit(&misfit))),
            };
        }
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
            .is_none_or(|it| it.as_str().eq_ignore_ascii_case(&prepared.letter.ref_id));
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
            let told = placed.reject_reason.as_ref().map(Text::as_str);
            let failure = Failure {
                detail: Some(told.unwrap_or("the order was rejected at once").to_owned()),
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
        let (open, letter) = (&prepared.open, &prepared.letter);
        let (account, from) = (&open.request.account, open.sent_at - ANY_TIME);
        let Ok(snapshot) = self.reading(prepared.book, account, from).await else {
            return Ok(unknown(open, error));
        };
        let [order] = snapshot.orders_of(&letter.ref_id) else {
            return Ok(unknown(open, error));
        };
        let there = order.raw.json().unwrap_or_default();
        if is_same(prepared.book, &letter.body, &there) {
            let accepted = as_accepted(&open.client_order_id, order);
            return Ok(Submission::Accepted(accepted));
        }
        let id = &open.client_order_id;
        let message = format!("the client order id {id} was used for another order");
        let reused = Error::new(ErrorKind::ClientOrderIdReused, message);
        if again {
            return Ok(unknown(open, &reused));
        }
        Err(reused)
    }
}

const NOT_CREATED: &str = "the answer is not that to a placement";
/// How far back an order is looked for that the broker says it has.
const ANY_TIME: time::Duration = time::Duration::days(7);
/// How long to wait after a 429 that does not say.
const AFTER_429: std::time::Duration = std::time::Duration::from_secs(15);

/// Whether words that came with status 200 refuse the order: by a field of it, or in general.
fn refuses(prepared: &Prepared, failure: &Failure) -> bool {
    let sent: BTreeMap<&str, IgnoredAny> =
        serde_json::from_slice(&prepared.letter.body).unwrap_or_default();
    failure.detail.is_some()
        || !failure.non_field.is_empty()
        || failure
            .fields
            .iter()
            .any(|(field, _)| sent.contains_key(field.as_str()))
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

fn written(value: &impl Serialize) -> Result<Bytes> {
    let text = serde_json::to_vec(value);
    let text = text.map_err(|_| error::invalid("the order cannot be written as JSON"))?;
    Ok(Bytes::from(text))
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

/// Puts a price that was computed on the grid, away from the market where it has to move. `None` if
/// it is beyond all numbers.
fn onto_grid(rules: &InstrumentRules, side: Side, price: Price) -> Option<Price> {
    let below = rules.price_at_or_below(price);
    if side == Side::Sell || below == price {
        return Some(below);
    }
    let tick = rules.tick_at(price.value())?;
    below.value().checked_add(tick).map(Price::new)
}

fn report_alone(id: &ClientOrderId, outcome: &Result<Submission>) {
    match outcome {
        Ok(outcome) => tracing::warn!(%id, %outcome, "an order was placed whose caller had gone"),
        Err(error) => tracing::info!(%id, %error, "an order was not placed; its caller had gone"),
    }
}

fn endpoint(book: Book) -> (Host, &'static Endpoint) {
    match book {
        Book::Crypto => (Host::Nummus, &endpoints::PLACE_CRYPTO_ORDER),
        Book::Options => (Host::Api, &endpoints::PLACE_OPTION_ORDER),
        Book::Shares => (Host::Api, &endpoints::PLACE_ORDER),
    }
}

/// Puts an order that was checked and its body together.
fn prepared(
    book: Book,
    request: &impl Serialize,
    body: &impl Serialize,
    open: UnresolvedOrder,
) -> Result<Prepared> {
    let letter = Letter {
        content: written(request)?,
        body: written(body)?,
        ref_id: ref_id_of(&open.client_order_id),
        repeatable: book.refuses_duplicates(),
    };
    Ok(Prepared { book, letter, open })
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
