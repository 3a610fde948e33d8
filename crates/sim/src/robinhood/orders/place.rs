//! Placing an equity order.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Life, Order, Side, Trail, TrailKind};
use crate::{
    clock::from_millis,
    robinhood::{
        body::{Body, decimal_of},
        context::Context,
        host::tail,
        ledger::{Asset, Placement, Refusal},
        reply::{self, Answer},
        settings::OrderEnd,
        state::State,
        text::fixed,
    },
    server::Response,
};

const MISSING: &str = "Invalid hyperlink - Object does not exist.";
const CHOICE: &str = "This is not a valid choice.";
const VERSION: &str = "Your app version is missing important stock trading updates. \
                       You can still place orders on the web.";

impl State {
    pub(in crate::robinhood) fn place_order(&mut self, context: &Context<'_>) -> Response {
        match self.try_place(context) {
            Ok(response) => response,
            Err(refusal) => {
                self.refused(Asset::Equity, &refusal, context.now);
                refusal
            }
        }
    }

    pub(in crate::robinhood) fn refused(&self, asset: Asset, refusal: &Response, now: i64) {
        self.world.ledger.push_refusal(Refusal {
            at: from_millis(now),
            asset,
            status: refusal.status,
            reason: reply::reason(refusal),
        });
    }

    fn try_place(&mut self, context: &Context<'_>) -> Answer {
        let body = Body::of(context.request)?;
        let (at, mut order) = self.wished(&body, context)?;
        let now = context.now;
        let whole = order.dollars.is_none() && order.quantity.fract().is_zero();
        if !whole {
            let user = self.users[context.user].username.clone();
            self.usage
                .fractional(&self.world.settings.rate_limits, &user, now)?;
        }
        if order.dollars.is_some() && !self.is_open(now) {
            return Err(reply::server_error());
        }
        let ref_id = order.ref_id.as_deref().map(str::to_ascii_lowercase);
        let user = &mut self.users[context.user];
        if ref_id.as_ref().is_some_and(|id| user.ref_ids.contains(id)) {
            return Err(reply::detail(409, "Reference ID must be unique."));
        }
        let account = &user.accounts[at];
        let worth = account.worth(&self.world, now);
        let instrument = &self.world.market.instruments[order.instrument];
        match order.side {
            Side::Buy => {
                let cost = order.held(&self.world.market);
                if cost > worth.buying_power {
                    let each = cost / order.quantity;
                    let most = (worth.buying_power / each).floor();
                    let text = format!(
                        "You can only purchase {most} shares of {}.",
                        instrument.symbol
                    );
                    return Err(reply::detail(400, &text));
                }
            }
            Side::Sell => {
                order.short = order.quantity > account.free_shares(&self.world, order.instrument);
                let lends = self.world.settings.order_end == Some(OrderEnd::LocateFailed);
                if order.short && !lends {
                    return Err(reply::detail(400, "Not enough shares to sell."));
                }
            }
        }
        order.id = self.world.id();
        user.ref_ids.extend(ref_id);
        let account = &mut user.accounts[at];
        self.world.ledger.push_placement(Placement {
            at: from_millis(now),
            asset: Asset::Equity,
            account: account.number.clone(),
            order_id: order.id.clone(),
            ref_id: order.ref_id.clone(),
            symbol: self.world.market.instruments[order.instrument]
                .symbol
                .clone(),
            side: order.side.text().to_owned(),
            quantity: order.quantity,
            price: order.price,
        });
        let american = self.world.settings.american_cancel;
        let row = order.row(account, &self.world.market, american, context);
        account.add_order(order, &self.world);
        Ok(reply::created(&row))
    }

    /// The account's place and the order that a body describes, checked by itself.
    fn wished(&self, body: &Body, context: &Context<'_>) -> Answer<(usize, Order)> {
        let user = &self.users[context.user];
        let at = user.own(tail(&body.required("account")?));
        let at = at.ok_or_else(|| reply::field("account", MISSING))?;
        let market = &self.world.market;
        let instrument = market.instrument(tail(&body.required("instrument")?));
        let instrument = instrument.ok_or_else(|| reply::field("instrument", MISSING))?;
        let form_version = body
            .decimal("order_form_version")?
            .and_then(|v| u64::try_from(v).ok());
        let form_version = form_version.unwrap_or(0);
        if form_version < self.world.settings.order_form_version {
            return Err(reply::general(VERSION));
        }
        let side = Side::parse(&body.required("side")?);
        let side = side.ok_or_else(|| reply::field("side", CHOICE))?;
        let limit = choice(body, "type", &["market", "limit"])? == "limit";
        let stop = choice(body, "trigger", &["immediate", "stop"])? == "stop";
        let time_in_force = choice(body, "time_in_force", &["gfd", "gtc", "ioc", "opg"])?;
        let extended_hours = body.flag("extended_hours");
        let market_hours = match body.text("market_hours") {
            None if extended_hours == Some(true) => "extended_hours".to_owned(),
            None => "regular_hours".to_owned(),
            Some(_) => choice(
                body,
                "market_hours",
                &["regular_hours", "extended_hours", "all_day_hours"],
            )?,
        };
        let outside = market_hours != "regular_hours";
        if extended_hours.is_some_and(|said| said != outside) {
            return Err(reply::general("Extended hours and market hours mismatch"));
        }
        let quote = market.instruments[instrument].quote;
        let (price, stop_price) = (body.decimal("price")?, body.decimal("stop_price")?);
        let trail = trail(body, side, quote.bid, quote.ask)?;
        if trail.is_some() && limit {
            return Err(reply::general("Trailing stop limit orders not supported."));
        }
        if limit && price.is_none() {
            return Err(reply::field("price", "This field is required."));
        }
        if stop && stop_price.is_none() && trail.is_none() {
            return Err(reply::field("stop_price", "This field is required."));
        }
        for (name, value) in [("price", price), ("stop_price", stop_price)] {
            check_tick(name, value)?;
        }
        let dollars = body
            .value("dollar_based_amount")
            .map(|value| decimal_of(&value["amount"]));
        let dollars = match dollars {
            Some(None) => return Err(reply::field("dollar_based_amount", "Enter a valid number.")),
            Some(amount) => amount,
            None => None,
        };
        let quantity = match dollars {
            Some(amount) => (amount / quote.ask).round_dp(6),
            None => {
                let asked = body.decimal("quantity")?;
                asked.ok_or_else(|| reply::field("quantity", "This field is required."))?
            }
        };
        if quantity <= Decimal::ZERO {
            return Err(reply::field(
                "quantity",
                "Ensure this value is greater than 0.",
            ));
        }
        let whole = quantity.fract().is_zero() && dollars.is_none();
        let preset = body.decimal("preset_percent_limit")?;
        if !whole {
            // The collar of a market-like order is a limit too, so only plain limits are refused.
            let crosses = match side {
                Side::Buy => price.is_some_and(|price| price >= quote.ask),
                Side::Sell => price.is_some_and(|price| price <= quote.bid),
            };
            if limit && !(preset.is_some() && crosses) {
                let text = "Limit order quantity cannot include fractional shares.";
                return Err(reply::general(text));
            }
            if dollars.unwrap_or(quantity * quote.ask) < Decimal::ONE {
                return Err(reply::general("Fractional orders must be at least $1."));
            }
            if time_in_force == "gtc" && (dollars.is_some() || !limit) {
                return Err(reply::field(
                    "time_in_force",
                    "Invalid Good Til Canceled order.",
                ));
            }
        }
        if side == Side::Buy && !limit && price.is_none() && dollars.is_none() && trail.is_none() {
            let text = "Market buy order requested, but no price provided.";
            return Err(reply::general(text));
        }
        if market.instruments[instrument].otc && (!limit || !whole) {
            return Err(reply::general(
                "Only limit orders of whole shares are supported for this stock.",
            ));
        }
        let order = Order {
            id: String::new(),
            ref_id: body.text("ref_id"),
            instrument,
            side,
            limit,
            stop,
            price,
            stop_price: trail.as_ref().map(|trail| trail.stop(side)).or(stop_price),
            trail,
            quantity,
            dollars,
            time_in_force,
            market_hours,
            extended_hours: outside,
            form_version,
            preset: preset.map(|preset| fixed(preset, 4)),
            life: Life::new(context.now),
            executions: Vec::new(),
            triggered: None,
            short: false,
            reject_reason: None,
        };
        Ok((at, order))
    }
}

fn choice(body: &Body, name: &str, known: &[&str]) -> Answer<String> {
    let text = body.required(name)?;
    if known.contains(&text.as_str()) {
        return Ok(text);
    }
    Err(reply::field(
        name,
        &format!("\"{text}\" is not a valid choice."),
    ))
}

/// Two places from a dollar on, four below.
fn check_tick(name: &str, price: Option<Decimal>) -> Answer<()> {
    let Some(price) = price else { return Ok(()) };
    if price <= Decimal::ZERO {
        return Err(reply::field(name, "Ensure this value is greater than 0."));
    }
    let places = if price >= Decimal::ONE { 2 } else { 4 };
    if price.round_dp(places) == price || price < Decimal::new(1, 2) {
        return Ok(());
    }
    let text = format!("Ensure that there are no more than {places} decimal places.");
    Err(reply::field(name, &text))
}

fn trail(body: &Body, side: Side, bid: Decimal, ask: Decimal) -> Answer<Option<Trail>> {
    let Some(peg) = body.value("trailing_peg") else {
        return Ok(None);
    };
    let wrong = || reply::field("trailing_peg", CHOICE);
    let (kind, told) = match peg["type"].as_str() {
        Some("percentage") => {
            let percent = decimal_of(&peg["percentage"]).ok_or_else(wrong)?;
            let number: Value =
                serde_json::from_str(&percent.normalize().to_string()).unwrap_or(Value::Null);
            (
                TrailKind::Percent(percent),
                json!({"type": "percentage", "percentage": number}),
            )
        }
        Some("price") => {
            let amount = decimal_of(&peg["price"]["amount"]).ok_or_else(wrong)?;
            let told = json!({"type": "price", "price": {
                "amount": fixed(amount, 2),
                "currency_code": "USD",
            }});
            (TrailKind::Amount(amount), told)
        }
        _ => return Err(wrong()),
    };
    let best = if side == Side::Buy { ask } else { bid };
    Ok(Some(Trail { told, kind, best }))
}

impl Trail {
    pub(super) fn stop(&self, side: Side) -> Decimal {
        let away = match self.kind {
            TrailKind::Amount(amount) => amount,
            TrailKind::Percent(percent) => self.best * percent / Decimal::ONE_HUNDRED,
        };
        let stop = if side == Side::Buy {
            self.best + away
        } else {
            self.best - away
        };
        stop.round_dp(2)
    }
}
