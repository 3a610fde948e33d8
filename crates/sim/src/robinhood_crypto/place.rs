//! Placing an order.

use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    call::Call,
    ledger::{Placement, Refusal},
    orders::{Kind, Order, Status, Written},
    reply::{self, Answer},
    settings::Duplicate,
    state::{Pair, State},
};
use crate::{clock::from_millis, robinhood::body::decimal_of, server::Response};

impl State {
    pub(super) fn place_order(&mut self, call: &Call<'_>) -> Response {
        match self.try_place(call) {
            Ok(response) => response,
            Err(refusal) => {
                self.world.ledger.push_refusal(Refusal {
                    at: from_millis(call.now),
                    status: refusal.status,
                    reason: reply::reason(&refusal),
                });
                refusal
            }
        }
    }

    fn try_place(&mut self, call: &Call<'_>) -> Answer {
        call.own_account(&self.users)?;
        let body: Value = serde_json::from_slice(&call.request.body)
            .map_err(|error| reply::client(400, &format!("JSON parse error - {error}")))?;
        let id = text(&body, "client_order_id")?;
        if !is_uuid(id) {
            return Err(reply::invalid("client_order_id", "Must be a valid UUID."));
        }
        let user = &self.users[call.user];
        let known = user.client_order_ids.get(&id.to_ascii_lowercase());
        let known = known.map(|at| &user.orders[*at]);
        match (known, self.world.settings.duplicate) {
            (None, _) | (Some(_), Duplicate::Another) => {}
            (Some(_), Duplicate::Refuse(status)) => {
                let text = "An order with this client_order_id already exists.";
                return Err(reply::client(status, text));
            }
            (Some(known), Duplicate::SameOrder) => {
                let row = known.row(&self.world, &user.account, call.version);
                return Ok(Response::json(201, &row));
            }
        }
        let order = self.wished(&body, id, call)?;
        let user = &self.users[call.user];
        let pair = &self.world.pairs[order.pair];
        let closed = user.status == "deactivated" || !user.api_tradable;
        if closed || (user.status == "sell_only" && order.buys) {
            return Err(reply::forbidden());
        }
        if order.buys {
            let cost = order.quantity * order.worst(pair) * (Decimal::ONE + user.fee_ratio());
            if cost > self.buying_power(user) {
                return Err(reply::client(400, "Insufficient buying power."));
            }
        } else if order.quantity > user.coins(pair.asset) - user.waiting_coins(pair.asset) {
            return Err(reply::client(400, "Insufficient holdings."));
        }
        self.world.ledger.push_placement(Placement {
            at: from_millis(call.now),
            account: user.account.clone(),
            order_id: order.id.clone(),
            client_order_id: order.client_order_id.clone(),
            symbol: pair.symbol(),
            side: if order.buys { "buy" } else { "sell" }.to_owned(),
            quantity: order.quantity,
        });
        let row = order.row(&self.world, &user.account, call.version);
        let user = &mut self.users[call.user];
        user.add(order, &self.world);
        Ok(Response::json(201, &row))
    }

    fn wished(&mut self, body: &Value, client_order_id: &str, call: &Call<'_>) -> Answer<Order> {
        let symbol = text(body, "symbol")?;
        let pair = self
            .world
            .pairs
            .iter()
            .position(|pair| pair.symbol() == symbol);
        let pair = pair.ok_or_else(|| reply::invalid("symbol", "Malformed symbol parameter"))?;
        let listed = &self.world.pairs[pair];
        if !listed.tradable {
            return Err(reply::invalid(
                "symbol",
                "This pair can not be traded over the API.",
            ));
        }
        let buys = match text(body, "side")? {
            "buy" => true,
            "sell" => false,
            _ => return Err(reply::invalid("side", "Must be one of buy, sell.")),
        };
        let wanted = text(body, "type")?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.text() == wanted);
        let kind = kind.ok_or_else(|| reply::invalid("type", "Select a valid choice."))?;
        for other in Kind::ALL {
            if (other == kind) == body[other.config()].is_null() {
                let text = format!("Exactly {} has to be set.", kind.config());
                return Err(reply::invalid(&other.config(), &text));
            }
        }
        let config = &body[kind.config()];
        let part = |name: &str| match &config[name] {
            Value::Null => Ok(None),
            value => decimal_of(value)
                .filter(|value| *value > Decimal::ZERO)
                .map(Some)
                .ok_or_else(|| reply::invalid(name, "A valid number is required.")),
        };
        let required = |name: &str, wanted: bool| match (part(name)?, wanted) {
            (None, true) => Err(reply::invalid(name, "This field is required.")),
            (Some(_), false) => Err(reply::invalid(name, "Unexpected field.")),
            (value, _) => Ok(value),
        };
        let limit = required("limit_price", matches!(kind, Kind::Limit | Kind::StopLimit))?;
        let stop = required(
            "stop_price",
            matches!(kind, Kind::StopLimit | Kind::StopLoss),
        )?;
        for (name, price) in [("limit_price", limit), ("stop_price", stop)] {
            if price.is_some_and(|price| !(price % listed.quote_increment).is_zero()) {
                return Err(reply::invalid(
                    name,
                    "Must be a multiple of the quote increment.",
                ));
            }
        }
        let (quantity, amount) = (part("asset_quantity")?, part("quote_amount")?);
        let quantity = match (quantity, amount) {
            (Some(quantity), None) => quantity,
            (None, Some(amount)) if kind != Kind::Market => {
                in_coins(amount, limit.or(stop).unwrap_or(listed.ask), listed)
            }
            _ => {
                let text = "Exactly one of asset_quantity and quote_amount has to be set.";
                return Err(reply::invalid("asset_quantity", text));
            }
        };
        if quantity < listed.min_size || quantity > listed.max_size {
            return Err(reply::invalid(
                "asset_quantity",
                "Outside of the order size limits.",
            ));
        }
        if !(quantity % listed.asset_increment).is_zero() {
            let text = "Must be a multiple of the asset increment.";
            return Err(reply::invalid("asset_quantity", text));
        }
        let time_in_force = match config["time_in_force"].as_str() {
            None => None,
            Some(text) if kind != Kind::Market && ["gtc", "gfd", "gfw", "gfm"].contains(&text) => {
                Some(text.to_owned())
            }
            Some(_) => return Err(reply::invalid("time_in_force", "Select a valid choice.")),
        };
        let fee_ratio = match call.version {
            super::route::Version::V1 => Decimal::ZERO,
            super::route::Version::V2 => self.users[call.user].fee_ratio(),
        };
        Ok(Order {
            id: self.world.id(),
            client_order_id: client_order_id.to_owned(),
            pair,
            buys,
            kind,
            quantity,
            amount,
            limit,
            stop,
            time_in_force,
            status: Status::Open,
            triggered: false,
            fills: Vec::new(),
            fee: Decimal::ZERO,
            fee_ratio,
            created: call.now,
            updated: call.now,
            cancel_requested: false,
            written: Written::default(),
        })
    }
}

/// Whole steps of coins for an amount.
fn in_coins(amount: Decimal, price: Decimal, pair: &Pair) -> Decimal {
    let coins = amount / price;
    coins - coins % pair.asset_increment
}

fn text<'a>(body: &'a Value, name: &str) -> Answer<&'a str> {
    body[name]
        .as_str()
        .ok_or_else(|| reply::invalid(name, "This field is required."))
}

fn is_uuid(text: &str) -> bool {
    let pieces: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = pieces.iter().map(|piece| piece.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && pieces
            .iter()
            .all(|piece| piece.bytes().all(|b| b.is_ascii_hexdigit()))
}
