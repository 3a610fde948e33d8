//! Closing and modifying positions.

use rust_decimal::Decimal;

use super::{
    body::{Body, Parsed, invalid},
    book::{Account, Order, OrderType, Status, seconds},
    ledger::Modification,
    reply,
    state::{State, World},
};
use crate::{
    clock::from_millis,
    server::{Request, Response},
};

const UNKNOWN_POSITION: &str = "Position not found";
const OUT_OF_SESSION: &str = "Order cannot be created since trading out of session is forbidden.";

impl State {
    pub(super) fn close(
        &mut self,
        account: usize,
        id: &str,
        request: &Request,
        now: i64,
    ) -> Response {
        self.try_close(account, id, request, now)
            .unwrap_or_else(|refusal| refusal)
    }

    fn try_close(&mut self, at: usize, id: &str, request: &Request, now: i64) -> Parsed<Response> {
        // A body that was lost on the way closes everything, as a proxy in front of the real
        // broker would make it do.
        let asked = Body::of(request)?.decimal("qty")?.unwrap_or_default();
        let position = id
            .parse()
            .ok()
            .and_then(|id: u64| self.accounts[at].positions.get(&id));
        let position = position.ok_or_else(|| reply::error(UNKNOWN_POSITION))?;
        let (id, instrument, held) = (position.id, position.instrument, position.qty);
        let qty = if asked.is_zero() {
            held
        } else {
            self.checked_qty(instrument, asked)?
        };
        if qty > held {
            return Err(invalid(
                "qty",
                "must be less than or equal to position quantity",
            ));
        }
        if !self.accounts[at].close_at_market(&mut self.world, id, qty, request, now) {
            return Err(reply::error(OUT_OF_SESSION));
        }
        Ok(reply::done(self.world.settings.no_content_writes))
    }

    pub(super) fn close_all(&mut self, account: usize, request: &Request, now: i64) -> Response {
        let only = match self.instrument_filter(request) {
            Ok(only) => only,
            Err(refusal) => return refusal,
        };
        let label = request.param("strategyId");
        let account = &mut self.accounts[account];
        let ids: Vec<(u64, Decimal)> = account
            .positions
            .values()
            .filter(|position| only.is_none_or(|instrument| position.instrument == instrument))
            .filter(|position| label.is_none() || position.strategy == label)
            .map(|position| (position.id, position.qty))
            .collect();
        for (id, qty) in ids {
            account.close_at_market(&mut self.world, id, qty, request, now);
        }
        reply::done(self.world.settings.no_content_writes)
    }

    pub(super) fn modify_position(
        &mut self,
        account: usize,
        id: &str,
        request: &Request,
        now: i64,
    ) -> Response {
        self.try_modify_position(account, id, request, now)
            .unwrap_or_else(|refusal| refusal)
    }

    fn try_modify_position(
        &mut self,
        at: usize,
        id: &str,
        request: &Request,
        now: i64,
    ) -> Parsed<Response> {
        let body = Body::of(request)?;
        let position = id
            .parse()
            .ok()
            .and_then(|id: u64| self.accounts[at].positions.get(&id));
        let position = position.ok_or_else(|| reply::error(UNKNOWN_POSITION))?;
        let (id, instrument, side) = (position.id, position.instrument, position.side);
        let price = side
            .opposite()
            .fill_price(self.world.market.quote(instrument, now));
        let bracket = |field: &str| -> Parsed<Option<Decimal>> {
            let value = body.decimal(field)?;
            value
                .map(|_| self.checked_price(instrument, field, value))
                .transpose()
        };
        let (stop, target) = (bracket("stopLoss")?, bracket("takeProfit")?);
        let offset = body.decimal("trailingOffset")?;
        if stop.is_some_and(|stop| side.signed(stop - price) >= Decimal::ZERO)
            || offset.is_some_and(|offset| offset <= Decimal::ZERO)
        {
            return Err(reply::error("SL price is not valid for the order. "));
        }
        if target.is_some_and(|target| side.signed(target - price) <= Decimal::ZERO) {
            return Err(reply::error("TP price is not valid for the order. "));
        }
        let world = &mut self.world;
        let account = &mut self.accounts[at];
        let shape = &world.market.instruments[instrument];
        let distance = offset.map(|offset| offset * shape.pip);
        let trailing = distance.map(|distance| shape.round(price - side.signed(distance)));
        if trailing.is_some() {
            account.set_stop_loss(world, id, trailing, distance, now);
        } else if body.has("stopLoss") {
            account.set_stop_loss(world, id, stop, None, now);
        }
        if body.has("takeProfit") {
            account.set_take_profit(world, id, target, now);
        }
        world.ledger.push_modification(Modification {
            at: from_millis(now),
            account: account.spec.id.clone(),
            id: id.to_string(),
        });
        Ok(reply::done(world.settings.no_content_writes))
    }
}

impl Account {
    /// Closes lots at the market; false if the instrument is out of its session.
    fn close_at_market(
        &mut self,
        world: &mut World,
        id: u64,
        qty: Decimal,
        request: &Request,
        now: i64,
    ) -> bool {
        let Some(position) = self.positions.get(&id) else {
            return true;
        };
        let [new, ..] = world.market.instruments[position.instrument]
            .status
            .operations();
        if new == 0 {
            return false;
        }
        let side = position.side.opposite();
        let price = side.fill_price(world.market.quote(position.instrument, now));
        let order = Order {
            id: world.id(),
            instrument: position.instrument,
            side,
            kind: OrderType::Market,
            status: Status::New,
            qty,
            avg_price: None,
            price: Some(price),
            stop_price: None,
            created: now,
            modified: seconds(now),
            since: now,
            opens: false,
            position: Some(id),
            stop_loss: None,
            take_profit: None,
            strategy: request.param("strategyId"),
        };
        self.close(world, order, price, true, now);
        true
    }
}
