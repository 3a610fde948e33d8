//! Placing orders, and the rules for their fields.

use rust_decimal::Decimal;
use serde::Serialize;

use super::{
    body::{Body, Parsed, invalid},
    book::{Bracket, BracketType, Order, OrderType, Side, Status, seconds},
    catalog::TRADE_ROUTE,
    ledger::{Placement, Refusal},
    market::Quote,
    reply,
    state::State,
};
use crate::{
    clock::from_millis,
    server::{Request, Response},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Placed {
    order_id: String,
}

/// What is asked for, checked as far as that needs no account.
struct Wish {
    instrument: usize,
    side: Side,
    kind: OrderType,
    qty: Decimal,
    price: Option<Decimal>,
    stop_price: Option<Decimal>,
    stop_loss: Option<Bracket>,
    take_profit: Option<Bracket>,
    strategy: Option<String>,
}

const CLOSING_ONLY: &str = "Order cannot be created. Only positions closing is allowed";
const OUT_OF_SESSION: &str = "Order cannot be created since trading out of session is forbidden.";
const TYPE_NOT_ALLOWED: &str =
    "Order cannot be created since order type is not allowed for current session.";
const BAD_STOP_LOSS: &str = "SL price is not valid for the order. ";
const BAD_TAKE_PROFIT: &str = "TP price is not valid for the order. ";

impl State {
    pub(super) fn place(&mut self, account: usize, request: &Request, now: i64) -> Response {
        let placed = self
            .wish(request)
            .and_then(|wish| self.accept(account, wish, now));
        match placed {
            Ok(id) => reply::ok(Placed {
                order_id: id.to_string(),
            }),
            Err(refusal) => {
                self.world.ledger.push_refusal(Refusal {
                    at: from_millis(now),
                    account: self.accounts[account].spec.id.clone(),
                    reason: reason(&refusal),
                });
                refusal
            }
        }
    }

    fn wish(&self, request: &Request) -> Parsed<Wish> {
        let body = Body::of(request)?;
        let unknown = |field: &str| invalid(field, "unknown value");
        let id = body.required_text("tradableInstrumentId")?;
        let instrument = self
            .world
            .market
            .find(&id)
            .ok_or_else(|| reply::error("Instrument not found"))?;
        if body.required_text("routeId")? != TRADE_ROUTE.to_string() {
            return Err(reply::error("Route not found"));
        }
        let side = Side::parse(&body.required_text("side")?).ok_or_else(|| unknown("side"))?;
        let kind = OrderType::parse(&body.required_text("type")?).ok_or_else(|| unknown("type"))?;
        if body.required_text("validity")? != kind.validity() {
            let rule = format!(
                "TimeInForce must be {} for {} orders",
                kind.validity(),
                kind.text()
            );
            return Err(invalid("validity", &rule));
        }
        let qty = self.checked_qty(instrument, body.required_decimal("qty")?)?;
        let (mut price, mut stop_price) = (body.decimal("price")?, body.decimal("stopPrice")?);
        match kind {
            OrderType::Limit => {
                stop_price = None;
                price = Some(self.checked_price(instrument, "price", price)?);
            }
            OrderType::Market => (price, stop_price) = (None, None),
            OrderType::Stop => {
                price = None;
                stop_price = Some(self.checked_price(instrument, "stopPrice", stop_price)?);
            }
        }
        let strategy = body.text("strategyId")?;
        let longest = self.world.settings.strategy_id_length;
        if strategy
            .as_ref()
            .is_some_and(|text| text.chars().count() > longest)
        {
            let rule = format!("size must be between 0 and {longest}");
            return Err(invalid("strategyId", &rule));
        }
        let (stop_loss, take_profit) = (stop_loss(&body)?, take_profit(&body)?);
        Ok(Wish {
            instrument,
            side,
            kind,
            qty,
            price,
            stop_price,
            stop_loss,
            take_profit,
            strategy,
        })
    }

    fn accept(&mut self, account: usize, wish: Wish, now: i64) -> Parsed<u64> {
        let world = &mut self.world;
        let account = &mut self.accounts[account];
        let instrument = &world.market.instruments[wish.instrument];
        if account.spec.close_only || account.spec.status != "ACTIVE" {
            return Err(reply::error(CLOSING_ONLY));
        }
        let [new, ..] = instrument.status.operations();
        if new == 0 {
            return Err(reply::error(OUT_OF_SESSION));
        }
        let [_, market, stop, limit, ..] = instrument.status.order_types();
        let allowed = match wish.kind {
            OrderType::Limit => limit,
            OrderType::Market => market,
            OrderType::Stop => stop,
        };
        if allowed == 0 {
            return Err(reply::error(TYPE_NOT_ALLOWED));
        }
        let name = instrument.name;
        let quote = world.market.quote(wish.instrument, now);
        let entry = wish.price.or(wish.stop_price);
        check_brackets(&wish, entry, quote)?;
        let id = world.id();
        let price = entry.unwrap_or_else(|| wish.side.fill_price(quote));
        if world.worth(account, now).available < world.margin_for(wish.instrument, wish.qty, price)
        {
            let side = if wish.side == Side::Buy {
                "Buy"
            } else {
                "Sell"
            };
            let Wish { qty, .. } = wish;
            return Err(reply::error(format!(
                "Not enough margin to create Order #{id} {side}   {qty}  Price {price} "
            )));
        }
        world.ledger.push_placement(Placement {
            at: from_millis(now),
            account: account.spec.id.clone(),
            order_id: id.to_string(),
            strategy_id: wish.strategy.clone(),
            instrument: name,
            side: wish.side.text(),
            order_type: wish.kind.text(),
            qty: wish.qty,
        });
        let order = Order {
            id,
            instrument: wish.instrument,
            side: wish.side,
            kind: wish.kind,
            status: Status::New,
            qty: wish.qty,
            avg_price: None,
            price: if wish.kind == OrderType::Market {
                Some(price)
            } else {
                wish.price
            },
            stop_price: wish.stop_price,
            created: now,
            modified: seconds(now),
            since: now,
            opens: true,
            position: None,
            stop_loss: wish.stop_loss,
            take_profit: wish.take_profit,
            strategy: wish.strategy,
        };
        if order.is_due(quote) {
            account.fill(world, order, quote, now);
        } else {
            account.orders.insert(id, order);
        }
        Ok(id)
    }

    /// The instrument that `tradableInstrumentId` in the query asks for.
    pub(super) fn instrument_filter(&self, request: &Request) -> Parsed<Option<usize>> {
        let Some(id) = request.param("tradableInstrumentId") else {
            return Ok(None);
        };
        let found = self.world.market.find(&id);
        found
            .map(Some)
            .ok_or_else(|| reply::error("Instrument not found"))
    }

    pub(super) fn checked_qty(&self, instrument: usize, qty: Decimal) -> Parsed<Decimal> {
        let instrument = &self.world.market.instruments[instrument];
        let refuse = |rule: &str| Err(invalid("qty", rule));
        if qty <= Decimal::ZERO {
            return refuse("must be greater than 0");
        }
        if !(qty % instrument.lot_step).is_zero() {
            return refuse("must be a multiple of lot step");
        }
        match instrument.max_lot {
            Some(most) if qty > most => refuse("must be less than or equal to max lot"),
            _ => Ok(qty),
        }
    }

    pub(super) fn checked_price(
        &self,
        instrument: usize,
        field: &str,
        price: Option<Decimal>,
    ) -> Parsed<Decimal> {
        let price = price.ok_or_else(|| invalid(field, "must not be null"))?;
        if price <= Decimal::ZERO {
            return Err(invalid(field, "must be greater than 0"));
        }
        let instrument = &self.world.market.instruments[instrument];
        if self.world.settings.check_ticks && !instrument.is_on_tick(price) {
            return Err(invalid(field, "must be a multiple of tick size"));
        }
        Ok(price)
    }
}

/// The stop loss of a body. A value without its type is ignored, as the real broker does.
pub(super) fn stop_loss(body: &Body) -> Parsed<Option<Bracket>> {
    let value = body.decimal("stopLoss")?;
    let Some(kind) = bracket_type(body, "stopLossType")? else {
        return Ok(None);
    };
    let value = match kind {
        BracketType::TrailingOffset => body.decimal("trStopOffset")?.or(value),
        _ => value,
    };
    Ok(value.map(|value| Bracket { kind, value }))
}

pub(super) fn take_profit(body: &Body) -> Parsed<Option<Bracket>> {
    let value = body.decimal("takeProfit")?;
    match bracket_type(body, "takeProfitType")? {
        Some(BracketType::TrailingOffset) => Err(invalid("takeProfitType", "unknown value")),
        Some(kind) => Ok(value.map(|value| Bracket { kind, value })),
        None => Ok(None),
    }
}

fn bracket_type(body: &Body, field: &str) -> Parsed<Option<BracketType>> {
    let Some(text) = body.text(field)? else {
        return Ok(None);
    };
    BracketType::parse(&text)
        .map(Some)
        .ok_or_else(|| invalid(field, "unknown value"))
}

/// Stop losses lie on the losing side of the entry, take profits on the winning one.
fn check_brackets(wish: &Wish, entry: Option<Decimal>, quote: Quote) -> Parsed<()> {
    let entry = entry.unwrap_or_else(|| wish.side.opposite().fill_price(quote));
    let wins = |bracket: Bracket| match bracket.kind {
        BracketType::Absolute => wish.side.signed(bracket.value - entry),
        BracketType::Offset | BracketType::TrailingOffset => bracket.value,
    };
    let stop_is_wrong = |stop: Bracket| match stop.kind {
        BracketType::Absolute => wins(stop) >= Decimal::ZERO || stop.value <= Decimal::ZERO,
        BracketType::Offset | BracketType::TrailingOffset => stop.value <= Decimal::ZERO,
    };
    if wish.stop_loss.is_some_and(stop_is_wrong) {
        return Err(reply::error(BAD_STOP_LOSS));
    }
    if wish
        .take_profit
        .is_some_and(|target| wins(target) <= Decimal::ZERO)
    {
        return Err(reply::error(BAD_TAKE_PROFIT));
    }
    Ok(())
}

fn reason(refusal: &Response) -> String {
    let json: serde_json::Value = serde_json::from_slice(&refusal.body).unwrap_or_default();
    json["errmsg"].as_str().unwrap_or_default().to_owned()
}
