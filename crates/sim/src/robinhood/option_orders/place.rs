//! Placing and reading option orders.

use rust_decimal::Decimal;
use serde_json::Value;

use super::{Leg, OptionOrder};
use crate::{
    clock::from_millis,
    robinhood::{
        body::{Body, decimal_of},
        context::Context,
        host::tail,
        ledger::{Asset, Placement},
        market::{Market, Right},
        orders::{Life, Side, Since},
        reply::{self, Answer},
        state::{Account, State},
        text::{millis, uuid_of},
    },
    server::Response,
};

impl State {
    pub(in crate::robinhood) fn place_option_order(&mut self, context: &Context<'_>) -> Response {
        match self.try_place_option(context) {
            Ok(response) => response,
            Err(refusal) => {
                self.refused(Asset::Option, &refusal, context.now);
                refusal
            }
        }
    }

    fn try_place_option(&mut self, context: &Context<'_>) -> Answer {
        let body = Body::of(context.request)?;
        // The body's account decides; one in the query is ignored.
        let user = &self.users[context.user];
        let at = user.own(tail(&body.required("account")?));
        let at = at
            .ok_or_else(|| reply::field("account", "Invalid hyperlink - Object does not exist."))?;
        let mut order = wished(&body, &self.world.market, context.now)?;
        let account = &user.accounts[at];
        if order.legs.len() > 1 && account.option_level != "option_level_3" {
            return Err(reply::forbidden());
        }
        match &self.world.settings.refuse_legs_with {
            Some(text) if order.legs.len() > 1 => return Err(reply::detail(400, text)),
            _ => {}
        }
        let ref_id = order.ref_id.as_deref().map(str::to_ascii_lowercase);
        let taken = ref_id.as_ref().is_some_and(|id| user.ref_ids.contains(id));
        if taken && !self.world.settings.option_ref_id_repeats {
            return Err(reply::detail(409, "Reference ID must be unique."));
        }
        order.held = self.requirement(account, &order, context.now)?;
        order.id = self.world.id();
        for (n, leg) in order.legs.iter_mut().enumerate() {
            leg.id = uuid_of(&format!("{} {n}", order.id));
        }
        let user = &mut self.users[context.user];
        user.ref_ids.extend(ref_id);
        let account = &mut user.accounts[at];
        let market = &self.world.market;
        let first = &market.contracts[order.legs[0].contract];
        self.world.ledger.push_placement(Placement {
            at: from_millis(context.now),
            asset: Asset::Option,
            account: account.number.clone(),
            order_id: order.id.clone(),
            ref_id: order.ref_id.clone(),
            symbol: market.instruments[first.instrument].symbol.clone(),
            side: if order.credit { "credit" } else { "debit" }.to_owned(),
            quantity: order.quantity,
            price: order.price,
        });
        let row = order.row(
            account,
            market,
            self.world.settings.american_cancel,
            context,
        );
        account.add_option_order(order, &self.world);
        Ok(reply::created(&row))
    }

    /// Cash that an order needs, if it may be placed at all.
    fn requirement(&self, account: &Account, order: &OptionOrder, now: i64) -> Answer<Decimal> {
        let world = &self.world;
        let mut needed = Decimal::ZERO;
        for leg in &order.legs {
            let contracts = leg.ratio * order.quantity;
            let contract = &world.market.contracts[leg.contract];
            if !leg.opens {
                let owned = account
                    .contracts
                    .iter()
                    .find(|held| held.contract == leg.contract && held.short == leg.is_short())
                    .map_or(Decimal::ZERO, |held| held.quantity);
                let waiting = account.closing(leg.contract, leg.is_short());
                if contracts > owned - waiting {
                    return Err(reply::detail(400, "Not enough contracts to close."));
                }
                continue;
            }
            if leg.side == Side::Buy {
                continue;
            }
            let long = order.legs.iter().find(|other| {
                let other_contract = &world.market.contracts[other.contract];
                other.opens
                    && other.side == Side::Buy
                    && other_contract.right == contract.right
                    && other_contract.expiration >= contract.expiration
            });
            match (contract.right, long) {
                (_, Some(long)) => {
                    let other = world.market.contracts[long.contract].strike;
                    let width = match contract.right {
                        Right::Call => other - contract.strike,
                        Right::Put => contract.strike - other,
                    };
                    needed += width.max(Decimal::ZERO) * Decimal::ONE_HUNDRED * contracts;
                }
                (Right::Put, None) => {
                    needed += contract.strike * Decimal::ONE_HUNDRED * contracts;
                }
                (Right::Call, None) => {
                    let free = account.free_shares(world, contract.instrument)
                        - account.waiting_calls(world, contract.instrument);
                    if contracts * Decimal::ONE_HUNDRED > free {
                        return Err(reply::detail(400, "This order introduces infinite risk."));
                    }
                }
            }
        }
        if !order.credit {
            let price = order.price.unwrap_or_default();
            needed += price * Decimal::ONE_HUNDRED * order.quantity;
        }
        if needed > account.worth(world, now).buying_power {
            let opens = order.legs.iter().any(|leg| leg.opens);
            let text = match order.time_in_force.as_str() {
                "gtc" if opens => "Not enough overnight buying power.",
                _ => "Sorry, you do not have enough buying power for this order.",
            };
            return Err(reply::detail(400, text));
        }
        Ok(needed)
    }

    pub(in crate::robinhood) fn option_orders(&self, context: &Context<'_>) -> Response {
        let world = &self.world;
        let since = Since::of(context);
        let (chains, states) = (context.list("chain_ids"), context.list("states"));
        let visible = context.now - millis(world.settings.visible_after);
        let american = world.settings.american_cancel;
        let fits = |order: &&OptionOrder| {
            let first = &world.market.contracts[order.legs[0].contract];
            let chain = &world.market.instruments[first.instrument].chain;
            order.life.created <= visible
                && since.fits(order.life.created, order.life.updated)
                && chains
                    .as_ref()
                    .is_none_or(|known| chain.as_ref().is_some_and(|chain| known.contains(chain)))
                && states.as_ref().is_none_or(|known| {
                    known
                        .iter()
                        .any(|state| *state == order.life.status.text(american))
                })
        };
        let mut found: Vec<(&Account, &OptionOrder)> = self
            .asked_accounts(context, "account_numbers")
            .into_iter()
            .flat_map(|account| {
                let orders = account.option_orders.iter().rev().filter(fits);
                orders.map(move |order| (account, order))
            })
            .collect();
        found.sort_by_key(|(_, order)| std::cmp::Reverse(order.life.created));
        context.page(&world.settings, found, |(account, order)| {
            order.row(account, &world.market, american, context)
        })
    }

    pub(in crate::robinhood) fn option_order(&self, id: &str, context: &Context<'_>) -> Answer {
        let found = self.users[context.user]
            .accounts
            .iter()
            .find_map(|account| {
                let order = account.option_orders.iter().find(|order| order.id == id)?;
                Some((account, order))
            });
        let (account, order) = found.ok_or_else(reply::not_found)?;
        let american = self.world.settings.american_cancel;
        Ok(reply::ok(&order.row(
            account,
            &self.world.market,
            american,
            context,
        )))
    }
}

/// The order that a body describes, checked by itself.
fn wished(body: &Body, market: &Market, now: i64) -> Answer<OptionOrder> {
    let choice = |name: &str, known: &[&str], default: Option<&str>| {
        let text = match (body.text(name), default) {
            (None, Some(default)) => default.to_owned(),
            (None, None) => body.required(name)?,
            (Some(text), _) => text,
        };
        let known = known.contains(&text.as_str());
        if known {
            return Ok(text);
        }
        Err(reply::field(
            name,
            &format!("\"{text}\" is not a valid choice."),
        ))
    };
    let credit = choice("direction", &["credit", "debit"], None)? == "credit";
    let limit = choice("type", &["limit", "market"], Some("limit"))? == "limit";
    let stop = choice("trigger", &["immediate", "stop"], Some("immediate"))? == "stop";
    let time_in_force = choice("time_in_force", &["gfd", "gtc", "ioc", "opg"], None)?;
    let legs = legs(body, market, now)?;
    let quantity = body.decimal("quantity")?;
    let quantity = quantity.ok_or_else(|| reply::field("quantity", "This field is required."))?;
    if quantity <= Decimal::ZERO || !quantity.fract().is_zero() {
        return Err(reply::field("quantity", "A valid integer is required."));
    }
    let (price, stop_price) = (body.decimal("price")?, body.decimal("stop_price")?);
    if limit && price.is_none() {
        return Err(reply::field("price", "This field is required."));
    }
    if stop && stop_price.is_none() {
        return Err(reply::field("stop_price", "This field is required."));
    }
    for price in [price, stop_price].into_iter().flatten() {
        // A dollar-and-cent grid for several legs; one leg has a coarser one from $3 on.
        let coarse = legs.len() == 1 && price >= Decimal::new(3, 0);
        let tick = Decimal::new(if coarse { 5 } else { 1 }, 2);
        if price <= Decimal::ZERO || !(price % tick).is_zero() {
            let text = "Limit price does not satisfy the minimum tick requirement.";
            return Err(reply::detail(400, text));
        }
    }
    Ok(OptionOrder {
        id: String::new(),
        ref_id: body.text("ref_id"),
        credit,
        legs,
        price,
        stop_price,
        stop,
        triggered: false,
        limit,
        quantity,
        processed: Decimal::ZERO,
        premium: Decimal::ZERO,
        fees: Decimal::ZERO,
        time_in_force,
        held: Decimal::ZERO,
        life: Life::new(now),
    })
}

fn legs(body: &Body, market: &Market, now: i64) -> Answer<Vec<Leg>> {
    let required = || reply::field("legs", "This field is required.");
    let rows = body
        .value("legs")
        .and_then(Value::as_array)
        .ok_or_else(required)?;
    if rows.is_empty() || rows.len() > 4 {
        return Err(reply::field(
            "legs",
            "Ensure this field has between 1 and 4 elements.",
        ));
    }
    let wrong = |name: &str| reply::field("legs", &format!("{name}: This is not a valid choice."));
    rows.iter()
        .map(|row| {
            let link = row["option"].as_str().ok_or_else(|| wrong("option"))?;
            let contract = market.contract(tail(link)).ok_or_else(|| {
                reply::field("legs", "option: Invalid hyperlink - Object does not exist.")
            })?;
            if market.contracts[contract].ends() <= now {
                return Err(reply::detail(400, "This contract is expired."));
            }
            let side = row["side"]
                .as_str()
                .and_then(Side::parse)
                .ok_or_else(|| wrong("side"))?;
            let opens = match row["position_effect"].as_str() {
                Some("open") => true,
                Some("close") => false,
                _ => return Err(wrong("position_effect")),
            };
            let ratio = decimal_of(&row["ratio_quantity"]).unwrap_or(Decimal::ONE);
            Ok(Leg {
                id: String::new(),
                contract,
                side,
                opens,
                ratio,
                fills: Vec::new(),
            })
        })
        .collect()
}
