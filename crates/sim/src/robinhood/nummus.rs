//! Crypto of the private API.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    context::Context,
    history::Span,
    ledger::{Asset, Cancel, Fill},
    market::{Market, Pair},
    orders::Side,
    reply::{self, Answer},
    shape,
    state::{State, World},
    text::{fine, millis, stamp, uuid_of},
};
use crate::{
    clock::from_millis,
    error::{Result, SimError},
    server::Response,
};

/// A user's coins and orders for them.
#[derive(Debug)]
pub(super) struct CryptoAccount {
    pub(super) id: String,
    pub(super) rhs_number: String,
    pub(super) coins: Vec<Coins>,
    pub(super) orders: Vec<CryptoOrder>,
    pub(super) open: Vec<usize>,
    /// Those of them whose next step does not wait for a price.
    pub(super) moving: Vec<usize>,
    /// The version of prices and settings that the others were looked at in.
    pub(super) version: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Coins {
    pub(super) pair: usize,
    pub(super) quantity: Decimal,
    pub(super) cost: Decimal,
}

#[derive(Debug, Clone)]
pub(super) struct CryptoOrder {
    pub(super) id: String,
    pub(super) ref_id: String,
    pub(super) pair: usize,
    pub(super) side: Side,
    pub(super) limit: bool,
    pub(super) price: Decimal,
    pub(super) quantity: Decimal,
    pub(super) time_in_force: String,
    pub(super) state: &'static str,
    pub(super) filled: Option<(Decimal, i64)>,
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) cancel_requested: bool,
}

impl CryptoAccount {
    pub(super) fn new(
        number: &str,
        coins: &[(String, Decimal, Decimal)],
        market: &Market,
    ) -> Result<Self> {
        let id = match number {
            "100200301" => "68e24428-91ac-4c00-869d-ce49b934ee11".to_owned(),
            _ => uuid_of(&format!("crypto {number}")),
        };
        let coins = coins.iter().map(|(code, quantity, cost)| {
            let pair = market.pair_of(code).ok_or_else(|| {
                let known: Vec<&str> = market.pairs.iter().map(|pair| pair.code).collect();
                SimError::UnknownInstrument {
                    name: code.clone(),
                    known: known.join(", "),
                }
            })?;
            Ok(Coins {
                pair,
                quantity: *quantity,
                cost: *cost,
            })
        });
        Ok(Self {
            id,
            rhs_number: number.to_owned(),
            coins: coins.collect::<Result<_>>()?,
            orders: Vec::new(),
            open: Vec::new(),
            moving: Vec::new(),
            version: 0,
        })
    }

    pub(super) fn worth(&self, market: &Market) -> Decimal {
        self.coins
            .iter()
            .map(|held| held.quantity * market.pairs[held.pair].mark())
            .sum()
    }

    pub(super) fn held(&self, pair: usize, side: Side) -> Decimal {
        let open = self.open.iter().map(|at| &self.orders[*at]);
        open.filter(|order| order.pair == pair && order.side == side)
            .map(|order| order.quantity)
            .sum()
    }

    pub(super) fn waiting_cash(&self) -> Decimal {
        let open = self.open.iter().map(|at| &self.orders[*at]);
        open.filter(|order| order.side == Side::Buy)
            .map(|order| order.quantity * order.price)
            .sum()
    }

    /// Takes open orders a step further, those that rest only when prices or settings have changed;
    /// returns the cash that came or went.
    pub(super) fn settle(&mut self, world: &World, now: i64) -> Decimal {
        let all = self.version != world.version();
        self.version = world.version();
        let moving = std::mem::take(&mut self.moving);
        let due = if all { self.open.clone() } else { moving };
        let mut cash = Decimal::ZERO;
        let mut ended = false;
        for at in due {
            let order = &mut self.orders[at];
            if now < order.created + millis(world.settings.confirm_after) {
                self.moving.push(at);
                continue;
            }
            let filled = order.step(world, now);
            ended |= !order.is_open();
            let (pair, side) = (order.pair, order.side);
            if let Some((price, quantity)) = filled {
                cash += if side == Side::Buy { -price } else { price } * quantity;
                self.trade(pair, side, quantity, price);
            }
        }
        if ended {
            let orders = &self.orders;
            self.open.retain(|at| orders[*at].is_open());
        }
        cash
    }

    /// Coins come or go.
    fn trade(&mut self, pair: usize, side: Side, quantity: Decimal, price: Decimal) {
        let place = self.coins.iter().position(|held| held.pair == pair);
        let place = place.unwrap_or_else(|| {
            self.coins.push(Coins {
                pair,
                quantity: Decimal::ZERO,
                cost: Decimal::ZERO,
            });
            self.coins.len() - 1
        });
        let held = &mut self.coins[place];
        match side {
            Side::Buy => {
                held.quantity += quantity;
                held.cost += quantity * price;
            }
            Side::Sell => {
                if !held.quantity.is_zero() {
                    held.cost -= held.cost * quantity / held.quantity;
                }
                held.quantity -= quantity;
            }
        }
    }
}

impl CryptoOrder {
    /// One step of its life; returns price and quantity if it was filled.
    fn step(&mut self, world: &World, now: i64) -> Option<(Decimal, Decimal)> {
        if !self.is_open() {
            return None;
        }
        let settings = &world.settings;
        if self.cancel_requested && !settings.cancel_loses {
            self.state = if settings.american_cancel {
                "canceled"
            } else {
                "cancelled"
            };
            self.updated = now;
            world.ledger.push_cancel(Cancel {
                at: from_millis(now),
                asset: Asset::Crypto,
                order_id: self.id.clone(),
                requested: true,
            });
            return None;
        }
        if settings.reject_with.is_some() {
            self.state = "rejected";
            return None;
        }
        let pair = &world.market.pairs[self.pair];
        let (price, due) = match self.side {
            Side::Buy => (pair.ask, pair.ask <= self.price),
            Side::Sell => (pair.bid, pair.bid >= self.price),
        };
        if self.limit && !due && !self.cancel_requested {
            return None;
        }
        self.state = "filled";
        self.filled = Some((price, now));
        self.updated = now;
        world.ledger.push_fill(Fill {
            at: from_millis(now),
            asset: Asset::Crypto,
            order_id: self.id.clone(),
            quantity: self.quantity,
            price,
        });
        Some((price, self.quantity))
    }
}

impl Pair {
    fn currency(&self) -> Value {
        json!({
            "brand_color": "",
            "code": self.code,
            "crypto_type": "BASE_ASSET",
            "display_code": self.code,
            "display_only": false,
            "id": self.currency_id,
            "increment": fine(self.increment),
            "name": self.name,
            "type": "cryptocurrency",
        })
    }
}

impl State {
    pub(super) fn crypto_accounts(&self, context: &Context<'_>) -> Response {
        let user = &self.users[context.user];
        let account = &user.crypto;
        let mut row = shape::NUMMUS_ACCOUNT.with(json!({
            "id": account.id,
            "apex_account_number": account.rhs_number,
            "rhs_account_number": account.rhs_number,
            "user_id": user.id,
        }));
        row["funding_sources"][0]["rhs_account_number"] = json!(account.rhs_number);
        context.page(&self.world.settings, vec![row], |row| row)
    }

    pub(super) fn currency_pairs(&self, context: &Context<'_>) -> Response {
        let pairs = self.world.market.pairs.iter().collect();
        context.page(&self.world.settings, pairs, |pair: &Pair| {
            shape::CURRENCY_PAIR.with(json!({
                "id": pair.id,
                "symbol": pair.symbol(),
                "display_symbol": pair.code,
                "name": format!("{} to US Dollar", pair.name),
                "asset_currency": pair.currency(),
                "min_order_quantity_increment": fine(pair.increment),
            }))
        })
    }

    pub(super) fn crypto_holdings(&self, context: &Context<'_>) -> Response {
        let account = &self.users[context.user].crypto;
        let held: Vec<&Coins> = account.coins.iter().collect();
        context.page(&self.world.settings, held, |coins| {
            let pair = &self.world.market.pairs[coins.pair];
            let for_sell = account.held(coins.pair, Side::Sell);
            let free = coins.quantity - for_sell;
            let mut row = shape::HOLDING.with(json!({
                "id": uuid_of(&format!("holding {} {}", account.id, pair.code)),
                "account_id": account.id,
                "currency": pair.currency(),
                "currency_pair_id": pair.id,
                "quantity": fine(coins.quantity),
                "quantity_available": fine(free),
                "quantity_held": fine(for_sell),
                "quantity_held_for_sell": fine(for_sell),
                "quantity_transferable": fine(free),
            }));
            shape::fill(
                &mut row["cost_bases"][0],
                json!({
                    "direct_cost_basis": fine(coins.cost),
                    "direct_quantity": fine(coins.quantity),
                }),
            );
            row
        })
    }

    pub(super) fn forex_quote(&self, id: &str, now: i64) -> Answer {
        let market = &self.world.market;
        let at = market
            .pair(id)
            .or_else(|| market.pair_of(id))
            .ok_or_else(reply::not_found)?;
        let pair = &market.pairs[at];
        let near = |tenths: i64| {
            (pair.mark() * Decimal::new(tenths, 3))
                .round_dp(7)
                .normalize()
        };
        Ok(reply::ok(&shape::FOREX_QUOTE.with(json!({
            "ask_price": pair.ask.to_string(),
            "bid_price": pair.bid.to_string(),
            "mark_price": pair.mark().to_string(),
            "high_price": near(1_005).to_string(),
            "low_price": near(982).to_string(),
            "open_price": near(983).to_string(),
            "symbol": format!("{}USD", pair.code),
            "id": pair.id,
            "updated_at": stamp(now),
        }))))
    }

    pub(super) fn forex_historicals(&self, id: &str, context: &Context<'_>) -> Answer {
        let at = self.world.market.pair(id).ok_or_else(reply::not_found)?;
        let pair = &self.world.market.pairs[at];
        let span = Span::of(context)?;
        Ok(reply::ok(&json!({
            "data_points": span.candles(id, pair.mark(), context.now),
            "bounds": span.bounds,
            "interval": span.interval,
            "span": span.span,
            "symbol": format!("{}USD", pair.code),
            "id": pair.id,
            "open_price": null,
            "open_time": null,
            "previous_close_price": null,
            "previous_close_time": null,
        })))
    }
}
