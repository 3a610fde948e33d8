//! Modifying and cancelling orders.

use serde::Serialize;

use super::{
    body::{Body, Parsed, invalid},
    book::{Order, OrderType},
    ledger::Modification,
    orders::{stop_loss, take_profit},
    reply,
    state::State,
    tables,
};
use crate::{
    clock::from_millis,
    server::{Request, Response},
};

const UNKNOWN_ORDER: &str = "Order not found";

#[derive(Serialize)]
struct Modified {
    orders: [tables::Row; 1],
}

impl State {
    pub(super) fn modify(
        &mut self,
        account: usize,
        id: &str,
        request: &Request,
        now: i64,
    ) -> Response {
        self.try_modify(account, id, request, now)
            .unwrap_or_else(|refusal| refusal)
    }

    fn try_modify(&mut self, at: usize, id: &str, request: &Request, now: i64) -> Parsed<Response> {
        let body = Body::of(request)?;
        let known = id
            .parse()
            .ok()
            .and_then(|id: u64| self.accounts[at].orders.get(&id));
        let mut order = known.cloned().ok_or_else(|| reply::error(UNKNOWN_ORDER))?;
        if let Some(validity) = body
            .text("validity")?
            .filter(|text| text != order.kind.validity())
        {
            return Err(invalid(
                "validity",
                &format!("{validity} is not allowed for the order"),
            ));
        }
        if let Some(qty) = body.decimal("qty")?.filter(|_| order.opens) {
            order.qty = self.checked_qty(order.instrument, qty)?;
        }
        if order.kind == OrderType::Limit && body.has("price") {
            order.price =
                Some(self.checked_price(order.instrument, "price", body.decimal("price")?)?);
        }
        if order.kind == OrderType::Stop && body.has("stopPrice") {
            let stop_price = body.decimal("stopPrice")?;
            order.stop_price =
                Some(self.checked_price(order.instrument, "stopPrice", stop_price)?);
        }
        if body.has("stopLoss") || body.has("trStopOffset") {
            order.stop_loss = stop_loss(&body)?;
        }
        if body.has("takeProfit") {
            order.take_profit = take_profit(&body)?;
        }
        order.touch(now);
        let world = &mut self.world;
        let account = &mut self.accounts[at];
        world.ledger.push_modification(Modification {
            at: from_millis(now),
            account: account.spec.id.clone(),
            id: id.to_owned(),
        });
        let row = tables::order_row(world, &order, false);
        let quote = world.market.quote(order.instrument, now);
        if order.is_due(quote) {
            account.orders.remove(&order.id);
            account.fill(world, order, quote, now);
        } else {
            account.orders.insert(order.id, order);
        }
        if world.settings.no_content_writes {
            return Ok(reply::done(true));
        }
        Ok(reply::ok(Modified { orders: [row] }))
    }

    pub(super) fn cancel(&mut self, account: usize, id: &str, now: i64) -> Response {
        let account = &mut self.accounts[account];
        match id
            .parse()
            .ok()
            .filter(|id| account.cancel_order(&self.world, *id, now))
        {
            Some(_) => reply::done(self.world.settings.no_content_writes),
            None => reply::error(UNKNOWN_ORDER),
        }
    }

    pub(super) fn cancel_all(&mut self, account: usize, request: &Request, now: i64) -> Response {
        let only = match self.instrument_filter(request) {
            Ok(only) => only,
            Err(refusal) => return refusal,
        };
        let account = &mut self.accounts[account];
        let fits = |order: &&Order| only.is_none_or(|instrument| order.instrument == instrument);
        let ids: Vec<u64> = account
            .orders
            .values()
            .filter(fits)
            .map(|order| order.id)
            .collect();
        for id in ids {
            account.cancel_order(&self.world, id, now);
        }
        reply::done(self.world.settings.no_content_writes)
    }
}
