use std::sync::Arc;

use wheelhouse_core::{
    Decimal, ErrorKind, InstrumentRules, OptionLeg, OptionOrderRequest, OrderKind, OrderRequest,
    OrderSize, PositionEffect, Quantity, Result, Side, Submission, Tick,
};

use super::{Prepared, open, prepared, ref_id_of, written_time_in_force};
use crate::{
    client::Inner,
    error,
    market::JUST_NOW,
    options::Terms,
    orders::{account_url, option_url},
    resolve::Book,
    wire::{
        option::Ticks,
        option_order::{NewLeg, NewOptionOrder},
    },
};

/// The most legs of an order.
const LEGS: usize = 4;

impl Inner {
    pub(crate) async fn place_options(
        self: &Arc<Self>,
        request: &OptionOrderRequest,
    ) -> Result<Submission> {
        self.may_change()?;
        let mut request = request.clone();
        let id = self.identify(&mut request.client_order_id)?;
        let most = self.capabilities().client_order_id.max_len;
        if id.as_str().len() > most {
            let message = format!("the client order id has more than {most} characters");
            return Err(error::invalid(message));
        }
        let before = self.placed_before(Book::Options, &id, &request).await?;
        if let Some(outcome) = before {
            return Ok(outcome);
        }
        let prepared = self.prepare_options(request).await?;
        self.dispatch(prepared).await
    }

    async fn prepare_options(&self, request: OptionOrderRequest) -> Result<Prepared> {
        check_form(&request)?;
        self.known(&request.account, "place_option_order").await?;
        let ids: Vec<_> = request
            .legs
            .iter()
            .map(|leg| leg.contract.clone())
            .collect();
        let mut terms = self.terms_of(&ids).await?;
        if terms.values().any(|it| it.contract.tradable == Some(false)) {
            // What was read a while ago may be over.
            let since = self.clock().monotonic().saturating_sub(JUST_NOW);
            terms = self.terms_told_since(since, &ids).await?;
        }
        let mut legs: Vec<Arc<Terms>> = Vec::new();
        for id in &ids {
            let Some(leg) = terms.get(id) else {
                let message = format!("the broker does not know the contract {id}");
                return Err(wheelhouse_core::Error::new(ErrorKind::NotFound, message));
            };
            if leg.contract.tradable == Some(false) {
                return Err(error::invalid(format!(
                    "the contract {id} is not traded any more"
                )));
            }
            legs.push(leg.clone());
        }
        let Some(first) = legs.first() else {
            return Err(error::invalid("the order has no legs"));
        };
        let chain = self.chain_terms(&first.chain).await?;
        let ticks = match legs.len() {
            1 => first.ticks.or(chain.ticks),
            _ => chain.ticks_multileg.or(chain.ticks),
        };
        check_prices(&request, ticks)?;

        let id = request
            .client_order_id
            .as_ref()
            .map(ref_id_of)
            .unwrap_or_default();
        let (kind, trigger) = match request.kind {
            OrderKind::StopLimit { .. } => ("limit", "stop"),
            _ => ("limit", "immediate"),
        };
        let body = NewOptionOrder {
            account: account_url(&request.account),
            direction: match request.direction {
                Side::Buy => "debit",
                Side::Sell => "credit",
            },
            time_in_force: written_time_in_force(&request.time_in_force)?,
            legs: request.legs.iter().map(written).collect(),
            kind,
            trigger,
            price: request
                .kind
                .limit_price()
                .map(|price| price.value().normalize()),
            stop_price: request
                .kind
                .stop_price()
                .map(|price| price.value().normalize()),
            quantity: request.quantity.value().normalize(),
            override_day_trade_checks: false,
            override_dtbp_checks: false,
            ref_id: &id,
        };
        let open = open(as_order(&request, &first.contract.id), self.clock().now())?;
        prepared(Book::Options, &request, &body, open)
    }
}

/// What stands for an order of options while its outcome is unknown: its first contract, its
/// direction, and its size in contracts.
fn as_order(
    request: &OptionOrderRequest,
    contract: &wheelhouse_core::InstrumentId,
) -> OrderRequest {
    let size = OrderSize::Contracts(request.quantity);
    let mut order = OrderRequest::new(
        &request.account,
        contract,
        request.direction,
        size,
        request.kind,
    );
    order.time_in_force = Some(request.time_in_force.clone());
    order.client_order_id.clone_from(&request.client_order_id);
    let effects = request.legs.iter().map(|leg| leg.effect);
    let first = request.legs.first().map(|leg| leg.effect);
    order.effect = first.filter(|first| effects.clone().all(|effect| effect == *first));
    order
}

fn written(leg: &OptionLeg) -> NewLeg {
    NewLeg {
        position_effect: match leg.effect {
            PositionEffect::Close => "close",
            PositionEffect::Open => "open",
        },
        side: match leg.side {
            Side::Buy => "buy",
            Side::Sell => "sell",
        },
        ratio_quantity: leg.ratio,
        option: option_url(leg.contract.as_str()),
    }
}

fn check_form(request: &OptionOrderRequest) -> Result<()> {
    match request.kind {
        OrderKind::Limit { .. } | OrderKind::StopLimit { .. } => {}
        kind => {
            let message = format!(
                "options have no {} orders at this broker; there is limit, stop limit",
                kind.order_type()
            );
            return Err(error::unsupported(message));
        }
    }
    match request.time_in_force {
        wheelhouse_core::TimeInForce::Day | wheelhouse_core::TimeInForce::Gtc => {}
        ref other => {
            let message = format!(
                "options have no orders that stand {other} at this broker; there is day, GTC"
            );
            return Err(error::unsupported(message));
        }
    }
    if request.legs.is_empty() || request.legs.len() > LEGS {
        return Err(error::invalid(format!(
            "an order of options has 1 to {LEGS} legs"
        )));
    }
    if request.legs.iter().any(|leg| leg.ratio == 0) {
        return Err(error::invalid("the ratio of a leg is zero"));
    }
    for (index, leg) in request.legs.iter().enumerate() {
        if request.legs[..index]
            .iter()
            .any(|other| other.contract == leg.contract)
        {
            return Err(error::invalid(format!(
                "the contract {} stands in two legs",
                leg.contract
            )));
        }
    }
    if let ([leg], Side::Buy, Side::Sell) | ([leg], Side::Sell, Side::Buy) = (
        request.legs.as_slice(),
        request.direction,
        request.legs[0].side,
    ) {
        let message = format!(
            "to {} one contract is not an order to {}",
            leg.side, request.direction
        );
        return Err(error::invalid(message));
    }
    let mut rules = InstrumentRules::default();
    rules.min_quantity = Some(Quantity::new(Decimal::ONE));
    rules.quantity_step = Some(Quantity::new(Decimal::ONE));
    rules.check_quantity(request.quantity)
}

/// Checks prices against the steps of the chain: a small one below the cutoff, a large one from
/// there on.
fn check_prices(request: &OptionOrderRequest, ticks: Option<Ticks>) -> Result<()> {
    let mut rules = InstrumentRules::default();
    if let Some(ticks) = ticks {
        rules.ticks = vec![Tick {
            from: None,
            size: ticks.below_tick.0,
        }];
        let cutoff = ticks.cutoff_price.0;
        rules.ticks.push(Tick {
            from: Some(cutoff),
            size: ticks.above_tick.0,
        });
    }
    if let Some(price) = request.kind.limit_price() {
        rules.check_price("limit price", price)?;
    }
    if let Some(stop) = request.kind.stop_price() {
        rules.check_price("stop price", stop)?;
    }
    Ok(())
}
