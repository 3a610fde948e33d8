//! Orders for coins.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    body::Body,
    context::Context,
    host::{Host, Links},
    ledger::{Asset, Placement},
    market::Market,
    nummus::{CryptoAccount, CryptoOrder},
    orders::{Side, execution_id},
    reply::{self, Answer},
    shape,
    state::State,
    text::{fine, fixed, local, millis},
};
use crate::{clock::from_millis, server::Response};

impl CryptoOrder {
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, "unconfirmed" | "confirmed")
    }

    fn row(&self, account: &CryptoAccount, market: &Market, links: &Links) -> Value {
        let pair = &market.pairs[self.pair];
        let cancel = (self.is_open() && !self.cancel_requested)
            .then(|| links.to(Host::Nummus, &format!("/orders/{}/cancel/", self.id)));
        let executions: Vec<Value> = self
            .filled
            .iter()
            .map(|(price, at)| {
                json!({
                    "id": execution_id(&self.id, Decimal::ZERO),
                    "effective_price": fine(*price),
                    "quantity": fine(self.quantity),
                    "timestamp": local(*at),
                })
            })
            .collect();
        let notional = self
            .filled
            .map_or(Decimal::ZERO, |(price, _)| price * self.quantity);
        let cumulative = if self.filled.is_some() {
            self.quantity
        } else {
            Decimal::ZERO
        };
        shape::NUMMUS_ORDER.with(json!({
            "id": self.id,
            "ref_id": self.ref_id,
            "account_id": account.id,
            "currency_pair_id": pair.id,
            "currency_code": pair.code,
            "side": self.side.text(),
            "type": if self.limit { "limit" } else { "market" },
            "state": self.state,
            "derived_state": self.state,
            "state_group": if self.is_open() { "open" } else { "closed" },
            "time_in_force": self.time_in_force,
            "price": fine(self.price),
            "entered_price": fine(self.price),
            "quantity": fine(self.quantity),
            "cumulative_quantity": fine(cumulative),
            "average_price": self.filled.map(|(price, _)| fine(price)),
            "executions": executions,
            "rounded_executed_notional": fixed(notional, 2),
            "total_executed_notional": fixed(notional, 2),
            "cancel_url": cancel,
            "created_at": local(self.created),
            "updated_at": local(self.updated),
            "last_transaction_at": self.filled.map(|(_, at)| local(at)),
        }))
    }
}
impl State {
    pub(super) fn place_crypto_order(&mut self, context: &Context<'_>) -> Response {
        match self.try_place_crypto(context) {
            Ok(response) => response,
            Err(refusal) => {
                self.refused(Asset::Crypto, &refusal, context.now);
                refusal
            }
        }
    }

    fn try_place_crypto(&mut self, context: &Context<'_>) -> Answer {
        let body = Body::of(context.request)?;
        let user = &self.users[context.user];
        let missing = |name: &str| reply::field(name, "Object does not exist.");
        if body.required("account_id")? != user.crypto.id {
            return Err(missing("account_id"));
        }
        let pair = self.world.market.pair(&body.required("currency_pair_id")?);
        let pair = pair.ok_or_else(|| missing("currency_pair_id"))?;
        let side = Side::parse(&body.required("side")?);
        let side = side.ok_or_else(|| reply::field("side", "This is not a valid choice."))?;
        let required = |name: &str| {
            let value = body.decimal(name)?.filter(|value| *value > Decimal::ZERO);
            value.ok_or_else(|| reply::field(name, "A valid number is required."))
        };
        let (price, quantity) = (required("price")?, required("quantity")?);
        let listed = &self.world.market.pairs[pair];
        if !(quantity % listed.increment).is_zero() {
            return Err(reply::field(
                "quantity",
                "Order quantity has invalid increment.",
            ));
        }
        let ref_id = body.required("ref_id")?;
        let taken = user
            .crypto
            .orders
            .iter()
            .any(|order| order.ref_id.eq_ignore_ascii_case(&ref_id));
        if taken {
            return Err(reply::field(
                "ref_id",
                "Order with this ref_id already exists.",
            ));
        }
        let main = user.accounts.first().ok_or_else(reply::forbidden)?;
        let power = main.worth(&self.world, context.now).buying_power - user.crypto.waiting_cash();
        let owned = user.crypto.coins.iter().find(|held| held.pair == pair);
        let owned = owned.map_or(Decimal::ZERO, |held| held.quantity);
        match side {
            Side::Buy if price * quantity > power => {
                return Err(reply::general("Insufficient buying power."));
            }
            Side::Sell if quantity > owned - user.crypto.held(pair, Side::Sell) => {
                return Err(reply::general("Insufficient holdings."));
            }
            _ => {}
        }
        let order = CryptoOrder {
            id: self.world.id(),
            ref_id,
            pair,
            side,
            limit: body.required("type")? == "limit",
            price,
            quantity,
            time_in_force: body.required("time_in_force")?,
            state: "confirmed",
            filled: None,
            created: context.now,
            updated: context.now,
            cancel_requested: false,
        };
        self.world.ledger.push_placement(Placement {
            at: from_millis(context.now),
            asset: Asset::Crypto,
            account: user.crypto.id.clone(),
            order_id: order.id.clone(),
            ref_id: Some(order.ref_id.clone()),
            symbol: self.world.market.pairs[pair].symbol(),
            side: side.text().to_owned(),
            quantity,
            price: Some(price),
        });
        let account = &mut self.users[context.user].crypto;
        let row = order.row(account, &self.world.market, context.links);
        account.open.push(account.orders.len());
        account.moving.push(account.orders.len());
        account.orders.push(order);
        Ok(reply::created(&row))
    }

    pub(super) fn crypto_orders(&self, context: &Context<'_>) -> Response {
        let account = &self.users[context.user].crypto;
        let visible = context.now - millis(self.world.settings.visible_after);
        let found = account
            .orders
            .iter()
            .rev()
            .filter(|order| order.created <= visible)
            .collect();
        context.page(&self.world.settings, found, |order: &CryptoOrder| {
            order.row(account, &self.world.market, context.links)
        })
    }

    pub(super) fn crypto_order(&self, id: &str, context: &Context<'_>) -> Answer {
        let account = &self.users[context.user].crypto;
        let found = account.orders.iter().find(|order| order.id == id);
        let order = found.ok_or_else(reply::not_found)?;
        Ok(reply::ok(&order.row(
            account,
            &self.world.market,
            context.links,
        )))
    }

    pub(super) fn cancel_crypto_order(&mut self, user: usize, id: &str) -> Answer {
        let account = &mut self.users[user].crypto;
        let at = account.orders.iter().rposition(|order| order.id == id);
        let at = at.ok_or_else(reply::not_found)?;
        let order = &mut account.orders[at];
        if !order.is_open() || order.cancel_requested {
            return Err(reply::detail(
                403,
                "Order cannot be cancelled at this time.",
            ));
        }
        order.cancel_requested = true;
        account.moving.push(at);
        Ok(reply::ok(&json!({})))
    }
}
