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

    /// Takes every open order a step further; returns the cash that came or went.
    pub(super) fn settle(&mut self, world: &World, now: i64) -> Decimal {
        let mut cash = Decimal::ZERO;
        let mut open = std::mem::take(&mut self.open);
        open.retain(|at| {
            let order = &mut self.orders[*at];
            if now < order.created + millis(world.settings.confirm_after) {
                return true;
            }
            let late = world.settings.cancel_loses;
            if order.cancel_requested && !late {
                order.state = if world.settings.american_cancel {
                    "canceled"
                } else {
                    "cancelled"
                };
                order.updated = now;
                world.ledger.push_cancel(Cancel {
                    at: from_millis(now),
                    asset: Asset::Crypto,
                    order_id: order.id.clone(),
                    requested: true,
                });
                return false;
            }
            if let Some(_reason) = &world.settings.reject_with {
                order.state = "rejected";
                return false;
            }
            let pair = &world.market.pairs[order.pair];
            let price = if order.side == Side::Buy {
                pair.ask
            } else {
                pair.bid
            };
            let due = match order.side {
                Side::Buy => price <= order.price,
                Side::Sell => price >= order.price,
            };
            if order.limit && !due && !order.cancel_requested {
                return true;
            }
            order.state = "filled";
            order.filled = Some((price, now));
            order.updated = now;
            let (pair, side, quantity) = (order.pair, order.side, order.quantity);
            world.ledger.push_fill(Fill {
                at: from_millis(now),
                asset: Asset::Crypto,
                order_id: order.id.clone(),
                quantity,
                price,
            });
            cash += if side == Side::Buy { -price } else { price } * quantity;
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
            false
        });
        self.open = open;
        cash
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
