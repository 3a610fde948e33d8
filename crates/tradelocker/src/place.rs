//! Placing an order: checked here, sent once, and never lost sight of.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use time::OffsetDateTime;
use wheelhouse_adapter::{Gone, Waiting};
use wheelhouse_core::{
    AcceptedOrder, BrokerId, BrokerOrderId, ClientOrderId, Effect, Error, ErrorKind, Offset,
    OrderKind, OrderRequest, OrderType, RejectReason, Rejection, Result, Side, StopLoss,
    Submission, TakeProfit, TimeInForce, TradingHours, UnresolvedOrder,
};
use wheelhouse_http::Answer;

use crate::{
    accounts::{AccountState, account_path},
    capabilities::capabilities,
    client::Inner,
    endpoints, error,
    instruments::Listed,
    wire::{
        number::to_millis,
        orders::{Brackets, ExactNumber, PlaceOrder, Placed},
        reply::Reply,
    },
};

/// How long a session status that was read counts as known.
const STATUS_AGE: Duration = Duration::from_secs(30);

/// An order that has passed the checks of this side.
struct Prepared {
    account: Arc<AccountState>,
    body: Bytes,
    /// What it is while its outcome is not known.
    open: UnresolvedOrder,
}

impl Inner {
    /// Checks an order and sends it once. From the moment it may have left, it goes on by itself:
    /// a caller who stops waiting does not stop the answer from being noted.
    pub(crate) async fn place(self: &Arc<Self>, request: &OrderRequest) -> Result<Submission> {
        let named = |error| self.place_error(error);
        let prepared = self.prepare(request).await.map_err(named)?;
        let content = [request.account.as_str().as_bytes(), &prepared.body].concat();
        let known = self.recent.begin(&content, &prepared.open).map_err(named)?;
        if let Some(outcome) = known {
            return Ok(outcome);
        }
        let waiting = Waiting::default();
        let (inner, gone) = (self.clone(), waiting.watch());
        let open = prepared.open.clone();
        let sending = tokio::spawn(async move {
            let outcome = inner.send(&prepared, &gone).await;
            inner
                .recent
                .finish(&prepared.open.client_order_id, &outcome);
            if gone.is_set() {
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

    async fn prepare(&self, request: &OrderRequest) -> Result<Prepared> {
        capabilities().check_order(request)?;
        if request.hours != TradingHours::Regular {
            let message = "orders have no trading hours of their own at this broker";
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let brackets = brackets(request.stop_loss.as_ref(), request.take_profit.as_ref())?;
        let account = self.account(&request.account, "place_order").await?;
        let listed = self.listed(&account, &request.instrument).await?;
        let details = self.details(&account, &listed).await?;
        request.check(&capabilities(), &details.instrument, None)?;
        self.check_session(&listed, request)?;
        let now = self.clock().now();
        let id = match &request.client_order_id {
            Some(id) => id.clone(),
            None => self.new_client_order_id(now)?,
        };
        let body = body(request, &id, &listed, brackets)?;
        let mut request = request.clone();
        request.client_order_id = Some(id.clone());
        let cause = Error::new(ErrorKind::OutcomeUnknown, "no answer has come yet");
        let open = UnresolvedOrder::new(BrokerId::tradelocker(), id, request, now, &cause);
        Ok(Prepared {
            account,
            body,
            open,
        })
    }

    pub(crate) fn new_client_order_id(&self, now: OffsetDateTime) -> Result<ClientOrderId> {
        let mut random = [0; 10];
        self.random.fill(&mut random)?;
        let millis = u64::try_from(to_millis(now)).unwrap_or(0);
        ClientOrderId::generate(&self.config.client_order_prefix, millis, random)
    }

    /// Refuses what the broker has just said that it does not take.
    fn check_session(&self, listed: &Listed, request: &OrderRequest) -> Result<()> {
        let Some(status) = listed.status.fresh(self.clock(), STATUS_AGE) else {
            return Ok(());
        };
        let symbol = &listed.instrument.symbol;
        if !status.can_place {
            return Err(error::invalid(format!(
                "{symbol} takes no orders in its present session"
            )));
        }
        let order_type = request.kind.order_type();
        if !status.order_types.contains(&order_type) {
            let message = format!("{symbol} takes no {order_type} orders in its present session");
            return Err(error::invalid(message));
        }
        Ok(())
    }

    async fn send(&self, prepared: &Prepared, gone: &Gone) -> Result<Submission> {
        let endpoint = &endpoints::PLACE_ORDER;
        let Prepared {
            account,
            body,
            open,
        } = prepared;
        let gate = self.api.gate(gone.clone());
        let call = self.api.call_with(endpoint, account.acc_num, &gate);
        let call = account_path(call, account.id()).body(body.clone(), "application/json");
        let outcome = call.max_wait(self.config.limit_wait).send().await;
        let mut open = open.clone();
        open.sent_at = gate.passed_at().unwrap_or(open.sent_at);
        match outcome {
            Ok(answer) => self.classify(&answer, &open),
            Err(failure) if failure.error().effect() == Effect::None => Err(failure.into_error()),
            Err(failure) => Ok(unknown(&open, failure.error())),
        }
    }

    /// Sorts what the broker answered. An error means that nothing was placed, so it takes the API's
    /// own word for that; what may come from anything in between leaves the outcome unknown.
    fn classify(&self, answer: &Answer, open: &UnresolvedOrder) -> Result<Submission> {
        if let Some(error) = error::of_status(answer) {
            return match (error::effect_of_status(answer), error.kind()) {
                (Effect::None, ErrorKind::InvalidRequest | ErrorKind::OrderRejected) => {
                    Ok(rejected(open, &error, RejectReason::InvalidField))
                }
                (Effect::None, kind) if kind != ErrorKind::BrokerFailure => {
                    Err(self.place_error(error.with_effect(Effect::None)))
                }
                _ => Ok(unknown(open, &error)),
            };
        }
        let reply = match Reply::read(answer.text()) {
            Ok(reply) => reply,
            Err(error) => return Ok(unknown(open, &error)),
        };
        if reply.is_ok() {
            let placed = reply.data::<Placed<'_>>();
            let id = placed.map(|placed| placed.id().and_then(|id| BrokerOrderId::new(id).ok()));
            return Ok(match id {
                Ok(Some(id)) => accepted(open, id, answer),
                Ok(None) => unknown(open, &error::unexpected("d.orderId", "is missing")),
                Err(error) => unknown(open, &error),
            });
        }
        match reply.refusal() {
            Some(error)
                if error.kind() == ErrorKind::BrokerFailure
                    || !reply.s.eq_ignore_ascii_case("error") =>
            {
                Ok(unknown(open, &error))
            }
            Some(error) => Ok(rejected(open, &error, RejectReason::Other)),
            None => Ok(unknown(open, &error::unexpected("s", "is not known"))),
        }
    }

    fn place_error(&self, error: Error) -> Error {
        self.place_in(error, "place_order")
    }
}

fn accepted(open: &UnresolvedOrder, id: BrokerOrderId, answer: &Answer) -> Submission {
    let account = open.request.account.clone();
    let mut order = AcceptedOrder::new(id, open.client_order_id.clone(), account);
    order.raw = wheelhouse_core::Raw::whole(Bytes::copy_from_slice(answer.text().as_bytes()));
    Submission::Accepted(order)
}

fn rejected(open: &UnresolvedOrder, error: &Error, otherwise: RejectReason) -> Submission {
    let message = error.broker_message().unwrap_or(error.message());
    let reason = error::meaning(message).map_or(otherwise, |(_, reason)| reason);
    let mut rejection = Rejection::new(open.client_order_id.clone(), reason, message);
    rejection.order = error::order_in(message);
    Submission::Rejected(rejection)
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

fn body(
    request: &OrderRequest,
    id: &ClientOrderId,
    listed: &Listed,
    brackets: Brackets,
) -> Result<Bytes> {
    let number = |text: &str| {
        text.parse()
            .map_err(|_| error::invalid("the instrument's id is not a number"))
    };
    let (order_type, default) = match request.kind {
        OrderKind::Market => ("market", TimeInForce::Ioc),
        OrderKind::Limit { .. } => ("limit", TimeInForce::Gtc),
        OrderKind::Stop { .. } => ("stop", TimeInForce::Gtc),
        kind => return Err(no_such_type(&kind.order_type())),
    };
    let order = PlaceOrder {
        qty: ExactNumber(request.size.amount()),
        route_id: listed.trade_route()?,
        side: match request.side {
            Side::Buy => "buy",
            Side::Sell => "sell",
        },
        validity: validity(request.time_in_force.as_ref().unwrap_or(&default))?,
        order_type,
        tradable_instrument_id: number(listed.number())?,
        price: request
            .kind
            .limit_price()
            .map(|price| ExactNumber(price.value())),
        stop_price: request
            .kind
            .stop_price()
            .map(|price| ExactNumber(price.value())),
        brackets,
        strategy_id: id.as_str(),
    };
    serde_json::to_vec(&order)
        .map(Bytes::from)
        .map_err(|_| error::invalid("the order cannot be written as JSON"))
}

pub(crate) fn no_such_type(order_type: &OrderType) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("this broker has no {order_type} orders"),
    )
}

pub(crate) fn validity(time_in_force: &TimeInForce) -> Result<&'static str> {
    match time_in_force {
        TimeInForce::Gtc => Ok("GTC"),
        TimeInForce::Ioc => Ok("IOC"),
        other => {
            let message =
                format!("this broker has no orders that stand {other}; there is GTC, IOC");
            Err(Error::new(ErrorKind::Unsupported, message))
        }
    }
}

/// Writes stop loss and take profit, each with its type: without it the broker ignores the value and
/// leaves the order unprotected.
pub(crate) fn brackets(
    stop_loss: Option<&StopLoss>,
    take_profit: Option<&TakeProfit>,
) -> Result<Brackets> {
    let mut brackets = Brackets::default();
    match stop_loss {
        None => {}
        Some(StopLoss::At(price)) => {
            brackets.stop_loss = Some(ExactNumber(price.value()));
            brackets.stop_loss_type = Some("absolute");
        }
        Some(StopLoss::Offset(offset)) => {
            brackets.stop_loss = Some(pips(offset)?);
            brackets.stop_loss_type = Some("offset");
        }
        Some(StopLoss::Trailing(offset)) => {
            brackets.tr_stop_offset = Some(pips(offset)?);
            brackets.stop_loss_type = Some("trailingOffset");
        }
        Some(_) => return Err(only_pips()),
    }
    match take_profit {
        None => {}
        Some(TakeProfit::At(price)) => {
            brackets.take_profit = Some(ExactNumber(price.value()));
            brackets.take_profit_type = Some("absolute");
        }
        Some(TakeProfit::Offset(offset)) => {
            brackets.take_profit = Some(pips(offset)?);
            brackets.take_profit_type = Some("offset");
        }
        Some(_) => return Err(only_pips()),
    }
    Ok(brackets)
}

pub(crate) fn pips(offset: &Offset) -> Result<ExactNumber> {
    match offset {
        Offset::Pips(pips) if pips.is_sign_positive() && !pips.is_zero() => Ok(ExactNumber(*pips)),
        Offset::Pips(pips) => Err(error::invalid(format!(
            "the distance of {pips} pips is not above zero"
        ))),
        _ => Err(only_pips()),
    }
}

fn only_pips() -> Error {
    let message = "this broker takes distances in pips only; an absolute price is surer";
    Error::new(ErrorKind::Unsupported, message)
}
