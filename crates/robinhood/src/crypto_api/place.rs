//! Placing an order: checked here, sent once, and never lost sight of.

use std::sync::Arc;

use bytes::Bytes;
use time::Duration;
use wheelhouse_adapter::{Gone, Waiting};
use wheelhouse_core::{
    AcceptedOrder, ClientOrderId, Effect, Error, ErrorKind, Order, OrderRequest, OrderState,
    RejectReason, Rejection, Result, Submission, TradingHours, UnresolvedOrder,
};
use wheelhouse_http::Answer;

use super::{
    api::{limited, read_json},
    broker,
    capabilities::capabilities,
    client::Inner,
    convert::{self, Pair, Place},
    error::{self, Refusal, invalid, odd, unsupported},
    ids,
    request::{body, check_amount, refused_now},
    sign::Gate,
};

/// An order that was made this much before it was sent here is an older one with its identifier.
const OLDER: Duration = Duration::seconds(60);

/// An order that has passed the checks of this side.
struct Prepared {
    wire_id: String,
    body: Bytes,
    /// What it is while its outcome is not known.
    open: UnresolvedOrder,
}

impl Inner {
    /// Checks an order and sends it once. From the moment it may have left, it goes on by itself:
    /// a caller who stops waiting does not stop the answer from being noted.
    pub(crate) async fn place(self: &Arc<Self>, request: &OrderRequest) -> Result<Submission> {
        let named = |error| self.place_in(error, "place_order");
        let mut prepared = self.prepare(request).await.map_err(named)?;
        let known = self.recent.begin(&prepared.body, &prepared.open);
        if let Some(outcome) = known.map_err(named)? {
            return Ok(outcome);
        }
        let waiting = Waiting::default();
        let (inner, gone) = (self.clone(), waiting.watch());
        let open = prepared.open.clone();
        let sending = tokio::spawn(async move {
            let outcome = inner.send(&mut prepared, &gone).await;
            inner
                .recent
                .finish(&prepared.open.client_order_id, &outcome);
            if gone.is_set() {
                report_alone(&prepared.open.client_order_id, &outcome);
            }
            outcome
        });
        match sending.await {
            Ok(outcome) => outcome.map_err(named),
            // The runtime is going down: the request may be on its way.
            Err(_) => Ok(Submission::Unknown(open)),
        }
    }

    async fn prepare(&self, request: &OrderRequest) -> Result<Prepared> {
        let capabilities = capabilities(self.config.version);
        capabilities.check_order(request)?;
        if request.hours == TradingHours::Extended {
            return Err(unsupported(
                "crypto trades around the clock; there are no extended hours",
            ));
        }
        self.check_may_trade(&request.account, request.side).await?;
        let takes = |pair: &Pair| refused_now(pair, request.side).is_none();
        let pair = self.pair(&request.instrument, "place_order", takes).await?;
        request.check(&capabilities, &pair.instrument, None)?;
        check_amount(request, &pair)?;
        if let Some(why) = refused_now(&pair, request.side) {
            return Err(invalid(format!("{} {why}", pair.instrument.symbol)));
        }
        let id = match &request.client_order_id {
            Some(id) => id.clone(),
            None => ids::generate(&*self.random)?,
        };
        let wire_id = ids::on_the_wire(&id);
        let body = body(request, &wire_id, self.config.version)?;
        let mut request = request.clone();
        request.client_order_id = Some(id.clone());
        let cause = Error::new(ErrorKind::OutcomeUnknown, "no answer has come yet");
        let now = self.api.clock().now();
        let open = UnresolvedOrder::new(broker(), id, request, now, &cause);
        Ok(Prepared {
            wire_id,
            body,
            open,
        })
    }

    async fn send(&self, prepared: &mut Prepared, gone: &Gone) -> Result<Submission> {
        let api = &self.api;
        let gate = Gate::new(&api.signer, gone);
        let call = api.http.call(&api.routes.place, &api.target).signer(&gate);
        let call = self.of_account(call, &prepared.open.request.account);
        let call = call.body(prepared.body.clone(), "application/json; charset=utf-8");
        let outcome = call.max_wait(api.limit_wait).send().await;
        // Before that it stood in the queue of the limit.
        prepared.open.sent_at = gate.signed_at().unwrap_or(prepared.open.sent_at);
        match outcome {
            Ok(answer) => {
                api.note(&answer, prepared.open.sent_at);
                self.classify(answer, prepared).await
            }
            Err(failure) if failure.error().effect() == Effect::None => Err(failure.into_error()),
            Err(failure) => Ok(unknown(&prepared.open, failure.error())),
        }
    }

    /// Sorts what the broker answered. An error means that nothing was placed, so it takes the API's
    /// own word for that; what may come from anything in between leaves the outcome unknown.
    async fn classify(&self, answer: Answer, prepared: &Prepared) -> Result<Submission> {
        let open = &prepared.open;
        let Some(error) = error::of_status(&answer) else {
            return self.accepted(&answer.into_bytes(), prepared);
        };
        let status = answer.status();
        match error::refusal_of(&answer) {
            Some(refusal) if status == 409 || refusal.says_duplicate() => {
                self.adopt(prepared, &error).await
            }
            Some(refusal) if !matches!(status, 401 | 403 | 429) => Ok(rejected(open, &refusal)),
            Some(_) if status == 401 => Err(self.unauthorized(error).await),
            Some(_) => Err(error.with_effect(Effect::None)),
            None if status == 401 => Err(self.unauthorized(error).await),
            // Keys and limits are looked at before the order is, whoever says so.
            None if status == 429 => Err(error.with_effect(Effect::None)),
            None => Ok(unknown(open, &error)),
        }
    }

    /// Says what a 401 to an order means, of which nothing was placed: a read with the same key
    /// tells whether the key is wrong. The order is not sent again here.
    async fn unauthorized(&self, refusal: Error) -> Error {
        let wrong = matches!(
            self.read_accounts().await,
            Err(error) if error.kind() == ErrorKind::InvalidCredentials
        );
        let error = if wrong { refusal } else { limited() };
        error.with_effect(Effect::None)
    }

    /// Reads the order that the broker has answered with.
    fn accepted(&self, body: &Bytes, prepared: &Prepared) -> Result<Submission> {
        let open = &prepared.open;
        let order =
            match read_json(body).and_then(|order| convert::order(&order, Place::Whole(body))) {
                Ok(order) => order,
                Err(error) => return Ok(unknown(open, &error)),
            };
        let bears = order.client_order_id.as_ref().map(ClientOrderId::as_str);
        if bears != Some(prepared.wire_id.as_str()) || order.account != open.request.account {
            return Ok(unknown(open, &odd("the answer is about another order")));
        }
        self.taken(order, open)
    }

    /// Returns the outcome for an order that the broker has under our identifier.
    fn taken(&self, order: Order, open: &UnresolvedOrder) -> Result<Submission> {
        if !is_same_kind(&order, &open.request) {
            return Err(reused(&open.client_order_id));
        }
        if !is_alike(&order, &open.request) {
            let ahead = self.api.signer.server_clock.ahead();
            let older = order
                .created_at
                .is_some_and(|at| at < open.sent_at + ahead - OLDER);
            return match older {
                true => Err(reused(&open.client_order_id)),
                false => Ok(unknown(
                    open,
                    &odd("the answer shows other numbers than were sent"),
                )),
            };
        }
        if order.state == OrderState::Rejected {
            let message = "the broker took the order and failed it at once";
            let reason = RejectReason::Other;
            let mut rejection = Rejection::new(open.client_order_id.clone(), reason, message);
            rejection.order = Some(order.id);
            return Ok(Submission::Rejected(rejection));
        }
        let mut accepted =
            AcceptedOrder::new(order.id, open.client_order_id.clone(), order.account);
        accepted.state = order.state;
        accepted.raw = order.raw;
        Ok(Submission::Accepted(accepted))
    }

    /// Looks for the order that already has the identifier. Without it in sight nothing is certain.
    async fn adopt(&self, prepared: &Prepared, refusal: &Error) -> Result<Submission> {
        let open = &prepared.open;
        match self
            .find_by_client_id(&open.request.account, &open.client_order_id)
            .await
        {
            Ok(Some(order)) if is_alike(&order, &open.request) => self.taken(order, open),
            Ok(Some(_)) => Err(reused(&open.client_order_id)),
            Ok(None) | Err(_) => Ok(unknown(open, refusal)),
        }
    }
}

/// Whether an order can be the one that was sent, as far as the broker never changes it.
fn is_same_kind(order: &Order, request: &OrderRequest) -> bool {
    order.instrument == request.instrument
        && order.side == request.side
        && order.order_type == request.kind.order_type()
}

/// Whether an order has the numbers that were sent. A size that is shown in the other unit is no
/// difference.
fn is_alike(order: &Order, request: &OrderRequest) -> bool {
    is_same_kind(order, request)
        && (order.size == request.size || order.size.unit() != request.size.unit())
        && order.limit_price == request.kind.limit_price()
        && order.stop_price == request.kind.stop_price()
}

fn reused(id: &ClientOrderId) -> Error {
    let message = format!("the broker has another order with the client order id {id}");
    Error::new(ErrorKind::ClientOrderIdReused, message)
}

fn rejected(open: &UnresolvedOrder, refusal: &Refusal) -> Submission {
    let id = open.client_order_id.clone();
    Submission::Rejected(Rejection::new(id, refusal.reason(), refusal.message()))
}

fn unknown(open: &UnresolvedOrder, cause: &Error) -> Submission {
    let mut open = open.clone();
    open.cause_code = cause.code();
    open.cause = cause.message().to_owned();
    Submission::Unknown(open)
}

fn report_alone(id: &ClientOrderId, outcome: &Result<Submission>) {
    match outcome {
        Ok(outcome) => tracing::warn!(%id, %outcome, "an order was placed whose caller had gone"),
        Err(error) => tracing::info!(%id, %error, "an order was not placed; its caller had gone"),
    }
}
