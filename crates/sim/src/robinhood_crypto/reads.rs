//! Accounts, pairs, holdings and prices.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    call::Call,
    reply::{self, Answer},
    route::Version,
    state::{Pair, State, User, number},
};
use crate::{
    robinhood::{
        body::decimal,
        text::{cash, fine, local},
    },
    server::Response,
};

impl State {
    pub(super) fn accounts(&self, call: &Call<'_>) -> Response {
        let user = &self.users[call.user];
        let mut row = json!({
            "account_number": user.account,
            "status": user.status,
            "buying_power": cash(self.buying_power(user)),
            "buying_power_currency": "USD",
        });
        if call.version == Version::V1 {
            return reply::ok(&row);
        }
        row["account_type"] = json!("individual");
        row["is_api_tradable"] = json!(user.api_tradable);
        let next = user.next_tier();
        row["fee_tier_status"] = json!({
            "fee_ratio": number(user.fee_ratio()),
            "thirty_day_volume": number(user.volume),
            "next_fee_tier_ratio": next.map(|(_, ratio)| number(ratio)),
            "next_fee_tier_threshold": next.map(|(from, _)| number(from)),
        });
        call.page(&self.world.settings, vec![row], |row| row)
    }

    /// Cash that no open order waits with.
    pub(super) fn buying_power(&self, user: &User) -> Decimal {
        (user.cash - user.waiting_cash(&self.world)).max(Decimal::ZERO)
    }

    pub(super) fn trading_pairs(&self, call: &Call<'_>) -> Answer {
        let symbols = call.symbols()?;
        let wanted = |pair: &&Pair| symbols.is_empty() || symbols.contains(&pair.symbol());
        let found = self.world.pairs.iter().filter(wanted).collect();
        Ok(call.page(&self.world.settings, found, |pair: &Pair| {
            let mut row = json!({
                "asset_code": pair.asset,
                "quote_code": "USD",
                "quote_increment": fine(pair.quote_increment),
                "asset_increment": fine(pair.asset_increment),
                "max_order_size": fine(pair.max_size),
                "status": "tradable",
                "symbol": pair.symbol(),
            });
            match call.version {
                Version::V1 => {
                    row["min_order_size"] = json!(fine(pair.min_size));
                    if !pair.tradable {
                        row["status"] = json!("untradable");
                    }
                }
                Version::V2 => {
                    row["min_order_amount"] = json!("1.00");
                    row["is_api_tradable"] = json!(pair.tradable);
                }
            }
            row
        }))
    }

    pub(super) fn holdings(&self, call: &Call<'_>) -> Answer {
        call.own_account(&self.users)?;
        let user = &self.users[call.user];
        let codes = call.all("asset_code");
        let held: Vec<(&String, &Decimal)> = user
            .coins
            .iter()
            .filter(|(code, quantity)| {
                !quantity.is_zero() && (codes.is_empty() || codes.contains(code))
            })
            .collect();
        Ok(call.page(&self.world.settings, held, |(code, quantity)| {
            json!({
                "account_number": user.account,
                "asset_code": code,
                "total_quantity": self.world.number(*quantity),
                "quantity_available_for_trading":
                    self.world.number(*quantity - user.waiting_coins(code)),
            })
        }))
    }

    pub(super) fn best_bid_ask(&self, call: &Call<'_>) -> Answer {
        let symbols = call.symbols()?;
        if symbols.is_empty() && call.version == Version::V2 {
            return Err(reply::invalid("symbol", "This field is required."));
        }
        let mut rows = Vec::new();
        for pair in &self.world.pairs {
            if !symbols.is_empty() && !symbols.contains(&pair.symbol()) {
                continue;
            }
            rows.push(match call.version {
                Version::V1 => spread(pair, call.now),
                Version::V2 => json!({
                    "symbol": pair.symbol(),
                    "bid": number(pair.bid),
                    "ask": number(pair.ask),
                }),
            });
        }
        Ok(reply::ok(&json!({"results": rows})))
    }

    pub(super) fn estimated_price(&self, call: &Call<'_>) -> Answer {
        let symbols = call.symbols()?;
        let symbol = symbols
            .first()
            .ok_or_else(|| reply::invalid("symbol", "This field is required."))?;
        let pair = self.world.pair(symbol).ok_or_else(reply::not_found)?;
        let sides: &[&str] = match call.one("side").as_deref() {
            Some("bid") => &["bid"],
            Some("ask") => &["ask"],
            Some("both") => &["bid", "ask"],
            _ => return Err(reply::invalid("side", "Must be one of bid, ask, both.")),
        };
        let quantities = call.one("quantity").unwrap_or_default();
        let quantities: Option<Vec<Decimal>> = quantities.split(',').map(decimal).collect();
        let quantities = quantities
            .filter(|list| list.len() <= 10 && list.iter().all(|q| *q > Decimal::ZERO))
            .ok_or_else(|| reply::invalid("quantity", "A list of up to 10 numbers is required."))?;
        let ratio = self.users[call.user].fee_ratio();
        let mut rows = Vec::new();
        for side in sides {
            for quantity in &quantities {
                rows.push(match call.version {
                    Version::V1 => {
                        let mut row = spread(pair, call.now);
                        row["side"] = json!(side);
                        row["quantity"] = number(*quantity);
                        row
                    }
                    Version::V2 => estimate(pair, side, *quantity, ratio, call.now),
                });
            }
        }
        Ok(reply::ok(&json!({"results": rows})))
    }
}

/// Prices that contain the broker's share.
fn spread(pair: &Pair, now: i64) -> Value {
    let share = Decimal::new(48, 4);
    let mid = pair.mid();
    json!({
        "symbol": pair.symbol(),
        "price": number(mid),
        "bid_inclusive_of_sell_spread": number((mid * (Decimal::ONE - share)).round_dp(6)),
        "sell_spread": number(share),
        "ask_inclusive_of_buy_spread": number((mid * (Decimal::ONE + share)).round_dp(6)),
        "buy_spread": number(share),
        "timestamp": local(now),
    })
}

fn estimate(pair: &Pair, side: &str, quantity: Decimal, ratio: Decimal, now: i64) -> Value {
    let buys = side == "ask";
    let value = quantity * if buys { pair.ask } else { pair.bid };
    let fee = (value * ratio).round_dp(2);
    let (cost, credit) = match buys {
        true => ((value + fee).round_dp(2), Decimal::ZERO),
        false => (Decimal::ZERO, (value - fee).round_dp(2)),
    };
    json!({
        "symbol": pair.symbol(),
        "side": side,
        "quantity": number(quantity),
        "timestamp": local(now),
        "bid": number(pair.bid),
        "ask": number(pair.ask),
        "fee_ratio": number(ratio),
        "est_fee": number(fee),
        "est_total_cost": number(cost),
        "est_total_credit": number(credit),
    })
}
