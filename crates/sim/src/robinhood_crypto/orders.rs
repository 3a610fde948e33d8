//! Orders: what they are, what becomes of them, and how they are told.

use std::{cell::RefCell, sync::Arc};

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};

use super::{
    call::Call,
    ledger::{Cancel, Fill},
    reply::{self, Answer},
    route::Version,
    state::{Pair, State, User, World, number},
};
use crate::{
    clock::from_millis,
    robinhood::text::{DAY, instant, local, millis},
    server::Response,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Limit,
    Market,
    StopLimit,
    StopLoss,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Canceled,
    Failed,
    Filled,
    Open,
    PartiallyFilled,
}

#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) id: String,
    pub(super) client_order_id: String,
    pub(super) pair: usize,
    pub(super) buys: bool,
    pub(super) kind: Kind,
    /// Coins; worked out from the amount if that was given.
    pub(super) quantity: Decimal,
    pub(super) amount: Option<Decimal>,
    pub(super) limit: Option<Decimal>,
    pub(super) stop: Option<Decimal>,
    pub(super) time_in_force: Option<String>,
    pub(super) status: Status,
    pub(super) triggered: bool,
    /// Price, coins and time of each fill.
    pub(super) fills: Vec<(Decimal, Decimal, i64)>,
    pub(super) fee: Decimal,
    pub(super) fee_ratio: Decimal,
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) cancel_requested: bool,
    pub(super) written: Written,
}

/// An order as it was last written into a list: lists are read far more often than orders change.
#[derive(Debug, Clone, Default)]
pub(super) struct Written(RefCell<Option<(Look, Row)>>);

/// What the text of an order depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    version: Version,
    world: u64,
    status: Status,
    fills: usize,
    updated: i64,
}

/// A row of a list, in JSON already.
#[derive(Debug, Clone)]
pub(super) struct Row(Arc<RawValue>);

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Limit, Self::Market, Self::StopLimit, Self::StopLoss];

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Market => "market",
            Self::StopLimit => "stop_limit",
            Self::StopLoss => "stop_loss",
        }
    }

    pub(super) fn config(self) -> String {
        format!("{}_order_config", self.text())
    }
}

impl Status {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Canceled => "canceled",
            Self::Failed => "failed",
            Self::Filled => "filled",
            Self::Open => "open",
            Self::PartiallyFilled => "partially_filled",
        }
    }

    pub(super) fn is_final(self) -> bool {
        matches!(self, Self::Canceled | Self::Failed | Self::Filled)
    }
}

impl Order {
    fn filled(&self) -> Decimal {
        self.fills.iter().map(|(_, quantity, _)| *quantity).sum()
    }

    fn remaining(&self) -> Decimal {
        self.quantity - self.filled()
    }

    /// What a coin will cost at most, for the cash that waits.
    pub(super) fn worst(&self, pair: &Pair) -> Decimal {
        self.limit.or(self.stop).unwrap_or(pair.ask)
    }

    pub(super) fn row(&self, world: &World, account: &str, version: Version) -> Value {
        let pair = &world.pairs[self.pair];
        let filled = self.filled();
        let spent: Decimal = self.fills.iter().map(|(price, q, _)| price * q).sum();
        let average = (!filled.is_zero()).then(|| world.number(spent / filled));
        let executions: Vec<Value> = self
            .fills
            .iter()
            .map(|(price, quantity, at)| {
                json!({
                    "effective_price": world.number(*price),
                    "quantity": world.number(*quantity),
                    "timestamp": local(*at),
                })
            })
            .collect();
        let mut config = json!({});
        match self.amount {
            Some(amount) => config["quote_amount"] = world.number(amount),
            None => config["asset_quantity"] = world.number(self.quantity),
        }
        for (name, value) in [("limit_price", self.limit), ("stop_price", self.stop)] {
            if let Some(value) = value {
                config[name] = world.number(value);
            }
        }
        if let Some(time_in_force) = &self.time_in_force {
            config["time_in_force"] = json!(time_in_force);
        }
        let mut row = json!({
            "id": self.id,
            "account_number": account,
            "symbol": pair.symbol(),
            "client_order_id": self.client_order_id,
            "side": if self.buys { "buy" } else { "sell" },
            "type": self.kind.text(),
            "state": self.status.text(),
            "executions": executions,
            "average_price": average,
            "filled_asset_quantity": world.number(filled),
            "created_at": local(self.created),
            "updated_at": local(self.updated),
        });
        row[self.kind.config()] = config;
        if version == Version::V2 {
            let open = match self.status.is_final() {
                true => Decimal::ZERO,
                false => (self.remaining() * self.worst(pair) * self.fee_ratio).round_dp(2),
            };
            row["fee_charged"] = number(self.fee);
            row["estimated_fee_remaining"] = number(open);
        }
        row
    }

    /// The row in a list.
    fn listed(&self, world: &World, account: &str, version: Version) -> Row {
        let look = Look {
            version,
            world: world.version,
            status: self.status,
            fills: self.fills.len(),
            updated: self.updated,
        };
        let mut written = self.written.0.borrow_mut();
        if let Some((of, row)) = &*written
            && *of == look
        {
            return row.clone();
        }
        // A value of ours always turns into JSON; `null` would show at once in a test.
        let raw = to_raw_value(&self.row(world, account, version));
        let row = Row(Arc::from(raw.unwrap_or_default()));
        *written = Some((look, row.clone()));
        row
    }

    /// One step of its life; returns the cash and the coins that came or went.
    fn step(&mut self, world: &World, now: i64) -> (Decimal, Decimal) {
        let nothing = (Decimal::ZERO, Decimal::ZERO);
        let settings = &world.settings;
        if settings.fail_orders {
            self.status = Status::Failed;
            self.updated = now;
            return nothing;
        }
        if self.cancel_requested && !settings.cancel_loses {
            self.cancel(world, true, now);
            return nothing;
        }
        let life = match self.time_in_force.as_deref() {
            Some("gfd") => DAY,
            Some("gfw") => 7 * DAY,
            Some("gfm") => 30 * DAY,
            _ => i64::MAX,
        };
        if now - self.created >= life {
            self.cancel(world, false, now);
            return nothing;
        }
        let pair = &world.pairs[self.pair];
        let price = if self.buys { pair.ask } else { pair.bid };
        if let Some(stop) = self.stop {
            self.triggered |= if self.buys {
                price >= stop
            } else {
                price <= stop
            };
        }
        let waits = self.stop.is_some() && !self.triggered;
        let reached = self.limit.is_none_or(|limit| {
            if self.buys {
                price <= limit
            } else {
                price >= limit
            }
        });
        if (waits || !reached) && !self.cancel_requested {
            return nothing;
        }
        let remaining = self.remaining();
        let quantity = settings
            .fill_step
            .map_or(remaining, |step| step.min(remaining));
        let value = quantity * price;
        let fee = (value * self.fee_ratio).round_dp(2);
        self.fills.push((price, quantity, now));
        self.fee += fee;
        self.updated = now;
        let done = quantity == remaining;
        self.status = if done {
            Status::Filled
        } else {
            Status::PartiallyFilled
        };
        world.ledger.push_fill(Fill {
            at: from_millis(now),
            order_id: self.id.clone(),
            quantity,
            price,
        });
        if self.buys {
            (-value - fee, quantity)
        } else {
            (value - fee, -quantity)
        }
    }

    fn cancel(&mut self, world: &World, requested: bool, now: i64) {
        self.status = Status::Canceled;
        self.updated = now;
        world.ledger.push_cancel(Cancel {
            at: from_millis(now),
            order_id: self.id.clone(),
            requested,
        });
    }
}

const MINUTE: i64 = 60_000;

impl User {
    fn open(&self) -> impl Iterator<Item = &Order> {
        self.open.iter().map(|at| &self.orders[*at])
    }

    pub(super) fn waiting_cash(&self, world: &World) -> Decimal {
        if let Some((version, sum)) = self.held_cash.get()
            && version == world.version
        {
            return sum;
        }
        let sum = self.sum_of_buys(world);
        self.held_cash.set(Some((world.version, sum)));
        sum
    }

    fn sum_of_buys(&self, world: &World) -> Decimal {
        let buys = self.open().filter(|order| order.buys);
        buys.map(|order| order.remaining() * order.worst(&world.pairs[order.pair]))
            .sum()
    }

    pub(super) fn waiting_coins(&self, asset: &str) -> Decimal {
        let of = |order: &&Order| !order.buys && super::state::asset_of(order.pair) == asset;
        self.open().filter(of).map(Order::remaining).sum()
    }

    /// Takes open orders a step further: those in motion always, those that rest only when prices
    /// or settings have changed, or a minute has passed.
    pub(super) fn settle(&mut self, world: &World, now: i64) {
        let all = self.looked.0 != world.version || now >= self.looked.1;
        let moving = std::mem::take(&mut self.moving);
        let due = if all { self.open.clone() } else { moving };
        if all {
            self.looked = (world.version, now + MINUTE);
        }
        let mut changed = false;
        for at in due {
            let order = &mut self.orders[at];
            let before = order.status;
            let (cash, coins) = order.step(world, now);
            self.cash += cash;
            let asset = world.pairs[order.pair].asset;
            if !coins.is_zero() {
                *self.coins.entry(asset.to_owned()).or_default() += coins;
            }
            changed |= before != order.status || !coins.is_zero();
            if order.status == Status::PartiallyFilled {
                self.moving.push(at);
            }
        }
        if changed {
            let orders = &self.orders;
            self.open.retain(|at| !orders[*at].status.is_final());
            self.held_cash.set(None);
        }
    }

    /// Takes note of an order that was placed.
    pub(super) fn add(&mut self, order: Order, world: &World) {
        if let Some((version, sum)) = self.held_cash.get() {
            let more = match order.buys {
                true => order.remaining() * order.worst(&world.pairs[order.pair]),
                false => Decimal::ZERO,
            };
            self.held_cash.set(Some((version, sum + more)));
        }
        let at = self.orders.len();
        let id = order.client_order_id.to_ascii_lowercase();
        self.client_order_ids.insert(id, at);
        self.open.push(at);
        self.moving.push(at);
        self.orders.push(order);
    }
}

impl State {
    pub(super) fn orders(&self, call: &Call<'_>) -> Answer {
        call.own_account(&self.users)?;
        let symbols = call.symbols()?;
        let user = &self.users[call.user];
        let states: &[&str] = match call.version {
            Version::V1 => &["open", "canceled", "partially_filled", "filled", "failed"],
            Version::V2 => &["open", "canceled", "filled", "failed", "pending"],
        };
        let state = call.one("state");
        if state
            .as_deref()
            .is_some_and(|state| !states.contains(&state))
        {
            return Err(reply::invalid("state", "Select a valid choice."));
        }
        let (id, side, kind) = (call.one("id"), call.one("side"), call.one("type"));
        let bounds = [
            "created_at_start",
            "created_at_end",
            "updated_at_start",
            "updated_at_end",
        ]
        .map(|name| call.one(name).and_then(|text| instant(&text)));
        let visible = call.now - millis(self.world.settings.visible_after);
        let fits = |order: &&Order| {
            order.created <= visible
                && (symbols.is_empty() || symbols.contains(&self.world.pairs[order.pair].symbol()))
                && id.as_ref().is_none_or(|id| *id == order.id)
                && side
                    .as_ref()
                    .is_none_or(|side| (side == "buy") == order.buys)
                && kind.as_ref().is_none_or(|kind| kind == order.kind.text())
                && state
                    .as_ref()
                    .is_none_or(|state| state == order.status.text())
                && bounds[0].is_none_or(|from| order.created >= from)
                && bounds[1].is_none_or(|to| order.created <= to)
                && bounds[2].is_none_or(|from| order.updated >= from)
                && bounds[3].is_none_or(|to| order.updated <= to)
        };
        let found = user.orders.iter().rev().filter(fits).collect();
        Ok(call.page(&self.world.settings, found, |order: &Order| {
            order.listed(&self.world, &user.account, call.version)
        }))
    }

    pub(super) fn order(&self, id: &str, call: &Call<'_>) -> Answer {
        call.own_account(&self.users)?;
        let user = &self.users[call.user];
        let order = user.orders.iter().find(|order| order.id == id);
        let order = order.ok_or_else(reply::not_found)?;
        Ok(reply::ok(&order.row(
            &self.world,
            &user.account,
            call.version,
        )))
    }

    pub(super) fn cancel_order(&mut self, id: &str, call: &Call<'_>) -> Answer {
        let State { world, users } = self;
        let user = &mut users[call.user];
        let at = user.orders.iter().position(|order| order.id == id);
        let at = at.ok_or_else(reply::not_found)?;
        if user.orders[at].status.is_final() || user.orders[at].cancel_requested {
            return Err(reply::client(400, "Order can not be canceled."));
        }
        user.orders[at].cancel_requested = true;
        user.moving.push(at);
        if !world.settings.cancel_loses {
            user.settle(world, call.now);
        }
        Ok(match call.version {
            Version::V1 => Response::empty(200).with_body(
                "text/plain; charset=utf-8",
                format!("Cancel request was submitted for order {id}"),
            ),
            Version::V2 => reply::ok(&user.orders[at].row(world, &user.account, call.version)),
        })
    }
}
