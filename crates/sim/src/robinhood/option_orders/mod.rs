//! Option orders.

mod life;
mod place;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    context::Context,
    host::Links,
    market::{Market, Right},
    option_positions::strategy,
    orders::{Life, Side, Status},
    shape,
    state::Account,
    text::{cash, date, exact, fixed, new_york, next_business, stamp},
};

#[derive(Debug, Clone)]
struct Leg {
    id: String,
    contract: usize,
    side: Side,
    opens: bool,
    ratio: Decimal,
    /// Price, contracts and time of each fill.
    fills: Vec<(String, Decimal, Decimal, i64)>,
}

#[derive(Debug, Clone)]
pub(super) struct OptionOrder {
    pub(super) id: String,
    ref_id: Option<String>,
    credit: bool,
    legs: Vec<Leg>,
    /// Per share, positive.
    price: Option<Decimal>,
    stop_price: Option<Decimal>,
    stop: bool,
    triggered: bool,
    limit: bool,
    quantity: Decimal,
    processed: Decimal,
    /// Cash that came or went, positive, without fees.
    premium: Decimal,
    fees: Decimal,
    time_in_force: String,
    /// Cash that is set aside while it waits.
    held: Decimal,
    life: Life,
}

impl Leg {
    /// The position that it makes bigger or smaller: true for a short one.
    fn is_short(&self) -> bool {
        (self.side == Side::Sell) == self.opens
    }

    fn row(&self, market: &Market, links: &Links) -> Value {
        let contract = &market.contracts[self.contract];
        let id = &contract.id;
        let fills: Vec<Value> = self
            .fills
            .iter()
            .map(|(id, price, quantity, at)| {
                json!({
                    "id": id,
                    "price": exact(*price),
                    "quantity": fixed(*quantity, 5),
                    "settlement_date": date(next_business(new_york(*at))),
                    "timestamp": stamp(*at),
                })
            })
            .collect();
        json!({
            "id": self.id,
            "option": links.option(id),
            "position_effect": if self.opens { "open" } else { "close" },
            "ratio_quantity": u64::try_from(self.ratio).unwrap_or(1),
            "side": self.side.text(),
            "expiration_date": date(contract.expiration),
            "strike_price": cash(contract.strike),
            "option_type": contract.right.text(),
            "long_strategy_code": format!("{id}_L1"),
            "short_strategy_code": format!("{id}_S1"),
            "executions": fills,
        })
    }
}

impl OptionOrder {
    fn pending(&self) -> Decimal {
        if self.life.status.is_final() {
            Decimal::ZERO
        } else {
            self.quantity - self.processed
        }
    }

    fn row(
        &self,
        account: &Account,
        market: &Market,
        american: bool,
        context: &Context<'_>,
    ) -> Value {
        let links = context.links;
        let cancel = self
            .life
            .may_be_cancelled()
            .then(|| links.api(&format!("/options/orders/{}/cancel/", self.id)));
        let direction = if self.credit { "credit" } else { "debit" };
        let strategy_of = |legs: &dyn Fn(&&Leg) -> bool, by: &dyn Fn(&Leg) -> bool, credit| {
            let legs: Vec<(bool, Right)> = self
                .legs
                .iter()
                .filter(legs)
                .map(|leg| (by(leg), market.contracts[leg.contract].right))
                .collect();
            (!legs.is_empty()).then(|| strategy(&legs, credit))
        };
        let opening = strategy_of(&|leg| leg.opens, &Leg::is_short, self.credit);
        let closing = strategy_of(&|leg| !leg.opens, &Leg::is_short, !self.credit);
        // Names the order's side: selling to close a long call reads `short_call`.
        let named = strategy_of(&|_| true, &|leg| leg.side == Side::Sell, self.credit);
        let first = &market.contracts[self.legs[0].contract];
        let listed = &market.instruments[first.instrument];
        let price = self.price.unwrap_or_default();
        let (processed, premium) = (self.processed, self.premium);
        let average = if processed.is_zero() {
            Decimal::ZERO
        } else {
            premium / processed
        };
        let average = if self.credit { -average } else { average };
        let net = if self.credit {
            premium - self.fees
        } else {
            premium + self.fees
        };
        let fee = Decimal::new(3, 2) * self.quantity * Decimal::from(self.legs.len());
        let whole = price * Decimal::ONE_HUNDRED * self.quantity;
        let estimate = if self.credit {
            whole - fee
        } else {
            whole + fee
        };
        let status = self.life.status.text(american);
        let canceled = match self.life.status {
            Status::Cancelled | Status::RestCancelled | Status::Voided => self.quantity - processed,
            _ => Decimal::ZERO,
        };
        let plain = |value: Decimal| value.normalize().to_string();
        shape::OPTION_ORDER.with(json!({
            "id": self.id,
            "ref_id": self.ref_id,
            "account_number": account.number,
            "account_number_rhs": account.number,
            "cancel_url": cancel,
            "canceled_quantity": fixed(canceled, 5),
            "chain_id": listed.chain,
            "chain_symbol": listed.symbol,
            "direction": direction,
            "legs": self.legs.iter().map(|leg| leg.row(market, links)).collect::<Vec<_>>(),
            "price": self.price.map(exact),
            "premium": exact(price * Decimal::ONE_HUNDRED),
            "quantity": fixed(self.quantity, 5),
            "pending_quantity": fixed(self.pending(), 5),
            "processed_quantity": fixed(processed, 5),
            "processed_premium": plain(premium),
            "processed_premium_direction": direction,
            "average_net_premium_paid": exact(average),
            "net_amount": if processed.is_zero() { "0".to_owned() } else { fixed(net, 2) },
            "net_amount_direction": direction,
            "estimated_total_net_amount": fixed(estimate, 2),
            "estimated_total_net_amount_direction": direction,
            "regulatory_fees": plain(self.fees),
            "state": status,
            "derived_state": status,
            "time_in_force": self.time_in_force,
            "trigger": if self.stop { "stop" } else { "immediate" },
            "type": if self.limit { "limit" } else { "market" },
            "stop_price": self.stop_price.map(exact),
            "opening_strategy": opening,
            "closing_strategy": closing,
            "strategy": named,
            "response_category": self.life.end_of_day.then_some("end_of_day"),
            "client_bid_at_submission": null,
            "client_ask_at_submission": null,
            "is_replaceable": cancel.is_some(),
            "created_at": stamp(self.life.created),
            "updated_at": stamp(self.life.updated),
        }))
    }
}
