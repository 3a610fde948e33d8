//! Chains, contracts, their market data, and positions in them.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    context::Context,
    host::{Links, tail},
    market::{Contract, Market, Right},
    quotes::Span,
    reply::{self, Answer},
    shape,
    state::{Account, OptionPosition, State, World},
    text::{cash, date, exact, fixed, nanos, new_york, price, stamp, uuid_of},
};
use crate::server::Response;

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

impl OptionPosition {
    fn row(&self, account: &Account, world: &World, context: &Context<'_>) -> Value {
        let contract = &world.market.contracts[self.contract];
        let instrument = &world.market.instruments[contract.instrument];
        let links = context.links;
        let negative = self.short && world.settings.negative_short_average;
        let average = if negative {
            -self.average
        } else {
            self.average
        };
        shape::OPTION_POSITION.with(json!({
            "id": self.id,
            "url": self.url(links),
            "account": links.account(&account.number),
            "account_number": account.number,
            "account_number_rhs": account.number,
            "average_price": cash(average),
            "chain_id": instrument.chain,
            "chain_symbol": instrument.symbol,
            "type": if self.short { "short" } else { "long" },
            "quantity": cash(self.quantity),
            "option": links.option(&contract.id),
            "option_id": contract.id,
            "expiration_date": date(contract.expiration),
            "opened_at": stamp(self.since),
            "pending_assignment_quantity": cash(self.pending_assignment),
            "pending_exercise_quantity": cash(self.pending_exercise),
            "pending_expiration_quantity": cash(self.pending_expiration),
            "clearing_cost_basis": exact(self.average * self.quantity),
            "clearing_running_quantity": cash(self.quantity),
            "clearing_direction": if self.short { "credit" } else { "debit" },
            "created_at": stamp(self.since),
            "updated_at": stamp(self.updated),
        }))
    }

    pub(super) fn url(&self, links: &Links) -> String {
        links.api(&format!("/options/positions/{}/", self.id))
    }

    fn code(&self, market: &Market) -> String {
        let side = if self.short { 'S' } else { 'L' };
        format!("{}_{side}1", market.contracts[self.contract].id)
    }

    fn leg(&self, market: &Market, links: &Links) -> Value {
        let contract = &market.contracts[self.contract];
        json!({
            "id": uuid_of(&format!("leg {}", self.id)),
            "position": self.url(links),
            "position_type": if self.short { "short" } else { "long" },
            "option": links.option(&contract.id),
            "option_id": contract.id,
            "ratio_quantity": 1,
            "expiration_date": date(contract.expiration),
            "strike_price": cash(contract.strike),
            "option_type": contract.right.text(),
            "settle_on_open": false,
        })
    }
}

/// The name of a strategy from its legs: short or long, and the right.
pub(super) fn strategy(legs: &[(bool, Right)], credit: bool) -> String {
    match legs {
        [(short, right)] => {
            format!("{}_{}", if *short { "short" } else { "long" }, right.text())
        }
        [(_, one), (_, two)] if one == two => {
            format!(
                "{}_{}_spread",
                if credit { "short" } else { "long" },
                one.text()
            )
        }
        _ => "custom".to_owned(),
    }
}

impl Account {
    fn aggregates(&self, world: &World, context: &Context<'_>) -> Vec<Value> {
        let market = &world.market;
        let mut rows = Vec::new();
        for (at, first) in self.contracts.iter().enumerate() {
            let together: Vec<&OptionPosition> = match &first.group {
                None => vec![first],
                Some(group) => {
                    let same = |other: &&OptionPosition| other.group.as_ref() == Some(group);
                    if self.contracts[..at].iter().any(|earlier| same(&earlier)) {
                        continue;
                    }
                    self.contracts.iter().filter(same).collect()
                }
            };
            // Positive for money that was received.
            let open: Decimal = together
                .iter()
                .map(|position| {
                    if position.short {
                        position.average
                    } else {
                        -position.average
                    }
                })
                .sum();
            let credit = open > Decimal::ZERO;
            let legs: Vec<(bool, Right)> = together
                .iter()
                .map(|position| (position.short, market.contracts[position.contract].right))
                .collect();
            let codes: Vec<String> = together
                .iter()
                .map(|position| position.code(market))
                .collect();
            let contract = &market.contracts[first.contract];
            let instrument = &market.instruments[contract.instrument];
            let chain = instrument.chain.clone().unwrap_or_default();
            let direction = if credit { "credit" } else { "debit" };
            let links = context.links;
            rows.push(shape::AGGREGATE.with(json!({
                "id": uuid_of(&format!("aggregate {}", first.id)),
                "chain": links.api(&format!("/options/chains/{chain}/")),
                "account": links.account(&self.number),
                "account_number": self.number,
                "symbol": instrument.symbol,
                "strategy": strategy(&legs, credit),
                "strategy_code": codes.join("_"),
                "average_open_price": cash(open.abs()),
                "quantity": cash(first.quantity),
                "direction": direction,
                "legs": together.iter().map(|p| p.leg(market, links)).collect::<Vec<_>>(),
                "clearing_running_quantity": cash(first.quantity),
                "clearing_cost_basis": exact(open.abs() * first.quantity),
                "clearing_direction": direction,
                "created_at": stamp(first.since),
                "updated_at": stamp(first.updated),
            })));
        }
        rows
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
        let (ids, dates) = (context.list("ids"), context.list("expiration_dates"));
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
                    .is_none_or(|dates| dates.contains(&date(contract.expiration)))
                && strike.is_none_or(|strike| contract.strike == strike)
                && right
                    .as_ref()
                    .is_none_or(|right| contract.right.text() == right)
                && state
                    .as_ref()
                    .is_none_or(|state| (state == "active") == active)
        };
        let found = market.contracts.iter().filter(fits).collect();
        context.page(&self.world.settings, found, |contract| {
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
        let asked = context.list("instruments").or_else(|| context.list("ids"));
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

    pub(super) fn option_positions(&self, context: &Context<'_>) -> Response {
        let nonzero = context.flag("nonzero");
        let found: Vec<(&Account, &OptionPosition)> = self
            .asked_accounts(context, "account_numbers")
            .into_iter()
            .flat_map(|account| {
                account
                    .contracts
                    .iter()
                    .map(move |position| (account, position))
            })
            .filter(|(_, position)| !nonzero || !position.quantity.is_zero())
            .collect();
        context.page(&self.world.settings, found, |(account, position)| {
            position.row(account, &self.world, context)
        })
    }

    pub(super) fn aggregate_positions(&self, context: &Context<'_>) -> Response {
        let rows: Vec<Value> = self
            .asked_accounts(context, "account_numbers")
            .into_iter()
            .flat_map(|account| account.aggregates(&self.world, context))
            .filter(|row| !context.flag("nonzero") || row["quantity"] != fixed(Decimal::ZERO, 4))
            .collect();
        context.page(&self.world.settings, rows, |row| row)
    }
}
