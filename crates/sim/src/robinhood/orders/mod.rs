//! Equity orders.

mod life;
mod place;
mod read;
mod status;

pub(super) use self::{
    read::Since,
    status::{Life, Status},
};

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    context::Context,
    market::Market,
    shape,
    state::Account,
    text::{date, exact, fixed, money, stamp, uuid_of},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Buy,
    Sell,
}

#[derive(Debug, Clone)]
pub(super) struct Execution {
    pub(super) id: String,
    pub(super) price: Decimal,
    pub(super) quantity: Decimal,
    pub(super) at: i64,
}

/// A trailing stop: what was sent, and the best price since.
#[derive(Debug, Clone)]
struct Trail {
    /// As it comes back: the percentage is a number then.
    told: Value,
    kind: TrailKind,
    best: Decimal,
}

#[derive(Debug, Clone, Copy)]
enum TrailKind {
    Amount(Decimal),
    Percent(Decimal),
}

#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) id: String,
    ref_id: Option<String>,
    instrument: usize,
    side: Side,
    limit: bool,
    stop: bool,
    price: Option<Decimal>,
    stop_price: Option<Decimal>,
    trail: Option<Trail>,
    quantity: Decimal,
    dollars: Option<Decimal>,
    time_in_force: String,
    market_hours: String,
    extended_hours: bool,
    form_version: u64,
    preset: Option<String>,
    life: Life,
    executions: Vec<Execution>,
    triggered: Option<i64>,
    /// Whether more is sold than there is.
    short: bool,
    reject_reason: Option<String>,
}

impl Side {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "buy" => Some(Self::Buy),
            "sell" => Some(Self::Sell),
            _ => None,
        }
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

impl Order {
    fn filled(&self) -> Decimal {
        self.executions
            .iter()
            .map(|execution| execution.quantity)
            .sum()
    }

    fn remaining(&self) -> Decimal {
        self.quantity - self.filled()
    }

    fn spent(&self) -> Decimal {
        self.executions
            .iter()
            .map(|execution| execution.quantity * execution.price)
            .sum()
    }

    /// The order's cash that waits, a market order's with a margin of a twentieth.
    fn held(&self, market: &Market) -> Decimal {
        if self.side == Side::Sell || self.life.status.is_final() {
            return Decimal::ZERO;
        }
        let ask = market.instruments[self.instrument].quote.ask;
        let price = self.price.unwrap_or_else(|| match self.dollars {
            Some(_) => ask,
            None => self.stop_price.unwrap_or(ask) * Decimal::new(105, 2),
        });
        (self.remaining() * price).round_dp(4)
    }

    fn row(
        &self,
        account: &Account,
        market: &Market,
        american: bool,
        context: &Context<'_>,
    ) -> Value {
        let links = context.links;
        let instrument = &market.instruments[self.instrument];
        let path = format!("/orders/{}/", self.id);
        let is_final = self.life.status.is_final();
        let may_cancel = self.life.may_be_cancelled();
        let cancel = may_cancel.then(|| links.api(&format!("{path}cancel/")));
        let filled = self.filled();
        let average = (!filled.is_zero()).then(|| exact(self.spent() / filled));
        let executed = (!filled.is_zero()).then(|| money(self.spent()));
        let dollars = self.dollars.map(money);
        let total = dollars.clone().or_else(|| {
            self.price
                .filter(|_| is_final)
                .map(|price| money(price * self.quantity))
        });
        let status = self.life.status.text(american);
        let by = if self.dollars.is_some() {
            "dollar"
        } else {
            "share"
        };
        let kind = if self.limit { "limit" } else { "market" };
        let form = format!("{by}_based_{kind}_{}s", self.side.text());
        let mut row = shape::ORDER.with(json!({
            "id": self.id,
            "ref_id": self.ref_id,
            "url": links.api(&path),
            "account": links.account(&account.number),
            "user_uuid": context.user_id,
            "position": links.api(&format!("/positions/{}/{}/", account.number, instrument.id)),
            "cancel": cancel,
            "instrument": links.instrument(&instrument.id),
            "instrument_id": instrument.id,
            "cumulative_quantity": exact(filled),
            "average_price": average,
            "state": status,
            "derived_state": status,
            "type": kind,
            "side": self.side.text(),
            "time_in_force": self.time_in_force,
            "trigger": if self.stop { "stop" } else { "immediate" },
            "price": self.price.map(exact),
            "stop_price": self.stop_price.map(exact),
            "quantity": exact(self.quantity),
            "reject_reason": self.reject_reason,
            "created_at": stamp(self.life.created),
            "updated_at": stamp(self.life.updated),
            "last_transaction_at": stamp(self.life.updated),
            "executions": self.executions.iter().map(Execution::row).collect::<Vec<_>>(),
            "extended_hours": self.extended_hours,
            "market_hours": self.market_hours,
            "response_category": self.life.end_of_day.then_some("end_of_day"),
            "stop_triggered_at": self.triggered.map(stamp),
            "dollar_based_amount": dollars,
            "total_notional": total,
            "executed_notional": executed,
            "is_primary_account": account.is_default,
            "order_form_version": self.form_version,
            "preset_percent_limit": self.preset,
            "order_form_type": form,
            "is_editable": cancel.is_some(),
            "user_cancel_request_state": match (is_final, !may_cancel) {
                (true, _) => "order_finalized",
                (false, true) => "cancel_requested",
                (false, false) => "no_cancel_requested",
            },
            "position_effect": if self.side == Side::Buy { "open" } else { "close" },
        }));
        if let (Some(trail), Some(row)) = (&self.trail, row.as_object_mut()) {
            row.insert("trailing_peg".to_owned(), trail.told.clone());
            row.insert(
                "last_trail_price".to_owned(),
                Value::String(exact(trail.best)),
            );
        }
        row
    }
}

impl Execution {
    fn row(&self) -> Value {
        let day = super::text::new_york(self.at);
        shape::EXECUTION.with(json!({
            "id": self.id,
            "price": exact(self.price),
            "quantity": exact(self.quantity),
            "rounded_notional": exact((self.price * self.quantity).round_dp(2)),
            "settlement_date": date(super::text::next_business(day)),
            "timestamp": stamp(self.at),
            "trade_execution_date": date(day),
        }))
    }
}

/// An execution's id follows from the order and how much was filled before.
pub(super) fn execution_id(order: &str, before: Decimal) -> String {
    uuid_of(&format!("{order} {}", fixed(before, 8)))
}
