//! Chains, contracts, their market data, and positions in them.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    context::Context,
    history::Span,
    host::{Links, tail},
    market::{Contract, Market, Right},
    reply::{self, Answer},
    shape,
    state::{State, World},
    text::{cash, date, nanos, new_york, parse_date, price, uuid_of},
};
use crate::server::Response;

/// Most contracts on a page, whatever was asked for.
const CONTRACTS: usize = 100;

impl Contract {
    pub(super) fn row(&self, market: &Market, links: &Links) -> Value {
        let instrument = &market.instruments[self.instrument];
        let day = date(self.expiration);
        let closes = super::text::second(super::text::at_new_york(self.expiration, 16, 0));
        let sells_out = super::text::second(super::text::at_new_york(self.expiration, 15, 30));
        let id = &self.id;
        shape::OPTION_INSTRUMENT.with(json!({
            "id": id,
            "url": links.option(id),
            "chain_id": instrument.chain,
            "chain_symbol": instrument.symbol,
            "type": self.right.text(),
            "strike_price": cash(self.strike),
            "expiration_date": day,
            "expiration_datetime": closes.replace('Z', "+00:00"),
            "sellout_datetime": sells_out.replace('Z', "+00:00"),
            "long_strategy_code": format!("{id}_L1"),
            "short_strategy_code": format!("{id}_S1"),
        }))
    }

    fn quote_row(&self, world: &World, context: &Context<'_>) -> Value {
        let market = &world.market;
        let today = new_york(context.now);
        let symbol = &market.instruments[self.instrument].symbol;
        let mark = market.mark(self, today);
        let (bid, ask) = market.option_quote(self, today);
        let even = match self.right {
            Right::Call => self.strike + mark,
            Right::Put => self.strike - mark,
        };
        let right = if self.right == Right::Call { "C" } else { "P" };
        let day = date(self.expiration).replace('-', "");
        let strike = (self.strike * Decimal::ONE_THOUSAND).round();
        let occ = format!("{symbol:<6}{}{right}{strike:0>8}", &day[2..]);
        let mut row = shape::OPTION_QUOTE.with(json!({
            "adjusted_mark_price": price(mark),
            "adjusted_mark_price_round_down": price(mark),
            "ask_price": price(ask),
            "bid_price": price(bid),
            "break_even_price": price(even),
            "high_fill_rate_buy_price": price(ask),
            "high_fill_rate_sell_price": price(bid),
            "low_fill_rate_buy_price": price(mark),
            "low_fill_rate_sell_price": price(mark),
            "instrument": context.links.option(&self.id),
            "instrument_id": self.id,
            "last_trade_price": price(mark),
            "mark_price": price(mark),
            "occ_symbol": occ,
            "symbol": symbol,
            "updated_at": nanos(context.now),
        }));
        shape::fill(
            &mut row["reg_session"],
            json!({
                "adjusted_mark_price": price(mark),
                "adjusted_mark_price_round_down": price(mark),
                "mark_price": price(mark),
                "mark_price_timestamp": nanos(context.now),
            }),
        );
        if world.settings.greeks {
            let delta = market.delta(self);
            shape::fill(
                &mut row,
                json!({
                    "delta": price(delta),
                    "chance_of_profit_long": price(delta.abs()),
                    "chance_of_profit_short": price(Decimal::ONE - delta.abs()),
                }),
            );
        } else {
            for name in [
                "chance_of_profit_long",
                "chance_of_profit_short",
                "delta",
                "gamma",
                "theta",
                "vega",
                "rho",
                "implied_volatility",
                "high_fill_rate_buy_price",
                "high_fill_rate_sell_price",
                "low_fill_rate_buy_price",
                "low_fill_rate_sell_price",
            ] {
                row[name] = Value::Null;
            }
        }
        row
    }
}

impl State {
    fn chain_row(&self, instrument: usize, links: &Links) -> Value {
        let market = &self.world.market;
        let listed = &market.instruments[instrument];
        let mut dates: Vec<String> = market
            .contracts
            .iter()
            .filter(|contract| contract.instrument == instrument)
            .map(|contract| date(contract.expiration))
            .collect();
        dates.sort();
        dates.dedup();
        shape::CHAIN.with(json!({
            "id": listed.chain,
            "symbol": listed.symbol,
            "expiration_dates": dates,
            "underlying_instruments": [{
                "id": uuid_of(&format!("underlying {}", listed.symbol)),
                "instrument": links.instrument(&listed.id),
                "quantity": 100,
            }],
            "underlyings": [{
                "id": listed.id,
                "quantity": 100,
                "symbol": listed.symbol,
                "type": "equity",
            }],
        }))
    }

    pub(super) fn option_chain(&self, id: &str, context: &Context<'_>) -> Answer {
        let at = self.world.market.chain(id).ok_or_else(reply::not_found)?;
        Ok(reply::ok(&self.chain_row(at, context.links)))
    }

    pub(super) fn option_chains(&self, context: &Context<'_>) -> Response {
        let market = &self.world.market;
        let (ids, stocks) = (context.list("ids"), context.list("equity_instrument_ids"));
        let stocks = stocks.or_else(|| context.list("equity_instrument_id"));
        let found: Vec<usize> = (0..market.instruments.len())
            .filter(|at| {
                let listed = &market.instruments[*at];
                listed.chain.as_ref().is_some_and(|chain| {
                    ids.as_ref().is_none_or(|ids| ids.contains(chain))
                        && stocks
                            .as_ref()
                            .is_none_or(|stocks| stocks.contains(&listed.id))
                })
            })
            .collect();
        context.page(&self.world.settings, found, |at| {
            self.chain_row(at, context.links)
        })
    }

    pub(super) fn chain_collateral(&self, id: &str, context: &Context<'_>) -> Answer {
        let at = self.world.market.chain(id).ok_or_else(reply::not_found)?;
        let number = context.request.param("account_number").unwrap_or_default();
        let account = self.own(&number, context)?;
        let listed = &self.world.market.instruments[at];
        let amounts = |cash_amount: Decimal, shares: Decimal| {
            json!({
                "cash": {"amount": cash(cash_amount), "direction": "debit", "infinite": false},
                "equities": [{
                    "quantity": super::text::scientific(shares),
                    "direction": "debit",
                    "instrument": context.links.instrument(&listed.id),
                    "symbol": listed.symbol,
                }],
            })
        };
        let shares = account.held_for_calls(&self.world, at);
        Ok(reply::ok(&shape::CHAIN_COLLATERAL.with(json!({
            "account_number": number,
            "collateral": amounts(account.collateral_of(&self.world, Some(at)), shares),
            "collateral_held_for_orders": amounts(Decimal::ZERO, Decimal::ZERO),
        }))))
    }

    pub(super) fn option_instruments(&self, context: &Context<'_>) -> Response {
        let market = &self.world.market;
        let param = |name: &str| context.request.param(name);
        let ids = context.list("ids");
        let dates: Option<Vec<_>> = context
            .list("expiration_dates")
            .map(|dates| dates.iter().map(|text| parse_date(text)).collect());
        let (chain, symbol) = (param("chain_id"), param("chain_symbol"));
        let strike = param("strike_price").and_then(|text| super::body::decimal(&text));
        let (right, state) = (param("type"), param("state"));
        let today = new_york(context.now);
        let fits = |contract: &&Contract| {
            let listed = &market.instruments[contract.instrument];
            let active = contract.expiration >= today;
            ids.as_ref().is_none_or(|ids| ids.contains(&contract.id))
                && chain
                    .as_ref()
                    .is_none_or(|chain| listed.chain.as_ref() == Some(chain))
                && symbol
                    .as_ref()
                    .is_none_or(|symbol| listed.symbol == *symbol)
                && dates
                    .as_ref()
                    .is_none_or(|dates| dates.contains(&Some(contract.expiration)))
                && strike.is_none_or(|strike| contract.strike == strike)
                && right
                    .as_ref()
                    .is_none_or(|right| contract.right.text() == right)
                && state
                    .as_ref()
                    .is_none_or(|state| (state == "active") == active)
        };
        let found = market.contracts.iter().filter(fits).collect();
        context.page_of_at_most(CONTRACTS, &self.world.settings, found, |contract| {
            contract.row(market, context.links)
        })
    }

    pub(super) fn option_instrument(&self, id: &str, context: &Context<'_>) -> Answer {
        let market = &self.world.market;
        let at = market.contract(id).ok_or_else(reply::not_found)?;
        Ok(reply::ok(&market.contracts[at].row(market, context.links)))
    }

    /// Market data in the order that was asked for; an unknown contract leaves a null.
    pub(super) fn option_quotes(&self, context: &Context<'_>) -> Answer {
        let links = context.list("instruments");
        let most = self.world.settings.most_option_links;
        if links.as_ref().is_some_and(|links| links.len() > most) {
            return Err(reply::too_long());
        }
        let asked = links.or_else(|| context.list("ids"));
        let asked = asked.ok_or_else(|| {
            reply::detail(400, "Exactly one of 'instruments' or 'ids' is required.")
        })?;
        let market = &self.world.market;
        let today = new_york(context.now);
        let row = |name: &String| {
            let found = market.contract(tail(name)).map(|at| &market.contracts[at]);
            let found = found.filter(|contract| contract.expiration >= today);
            found.map_or(Value::Null, |contract| {
                contract.quote_row(&self.world, context)
            })
        };
        let results: Vec<Value> = asked.iter().map(row).collect();
        Ok(reply::ok(&json!({"results": results})))
    }

    pub(super) fn option_historicals(&self, id: &str, context: &Context<'_>) -> Answer {
        let market = &self.world.market;
        let at = market.contract(id).ok_or_else(reply::not_found)?;
        let span = Span::of(context)?;
        let mark = market.mark(&market.contracts[at], new_york(context.now));
        let mut candles = span.candles(id, mark, context.now);
        candles
            .iter_mut()
            .for_each(|candle| candle["volume"] = Value::Null);
        Ok(reply::ok(&shape::OPTION_HISTORICALS.with(json!({
            "data_points": candles,
            "interval": span.interval,
            "span": span.span,
            "bounds": span.bounds,
            "legs": [{"id": id, "ratio": "1.000000", "type": "long"}],
            "id": id,
            "instrument": context.links.option(id),
        }))))
    }
}
