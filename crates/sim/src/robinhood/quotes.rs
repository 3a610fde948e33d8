//! Instruments, quotes, history, fundamentals and market hours.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use time::Date;

use super::{
    context::Context,
    host::{Links, tail},
    market::Instrument,
    reply::{self, Answer},
    shape,
    state::State,
    text::{
        DAY, at_new_york, date, is_weekend, nanos, new_york, next_business, parse_date, price,
        second, stamp,
    },
};
use crate::server::Response;

impl Instrument {
    fn row(&self, links: &Links) -> Value {
        let tradable = if self.otc { "untradable" } else { "tradable" };
        shape::INSTRUMENT.with(json!({
            "id": self.id,
            "url": links.instrument(&self.id),
            "quote": links.api(&format!("/quotes/{}/", self.symbol)),
            "fundamentals": links.api(&format!("/fundamentals/{}/", self.symbol)),
            "splits": links.api(&format!("/instruments/{}/splits/", self.id)),
            "market": links.api(&format!("/markets/{}/", self.mic)),
            "simple_name": self.simple_name,
            "name": self.name,
            "symbol": self.symbol,
            "tradable_chain_id": self.chain,
            "fractional_tradability": tradable,
            "all_day_tradability": tradable,
            "extended_hours_fractional_tradability": !self.otc,
            "otc_market_tier": if self.otc { "PS" } else { "" },
        }))
    }

    fn quote_row(&self, links: &Links, now: i64) -> Value {
        let quote = self.quote;
        let at = stamp(now);
        let yesterday = previous_business(new_york(now));
        shape::QUOTE.with(json!({
            "symbol": self.symbol,
            "instrument": links.instrument(&self.id),
            "instrument_id": self.id,
            "ask_price": price(quote.ask),
            "bid_price": price(quote.bid),
            "venue_ask_time": at,
            "venue_bid_time": at,
            "last_trade_price": price(quote.last),
            "venue_last_trade_time": nanos(now),
            "previous_close": price(quote.previous_close),
            "adjusted_previous_close": price(quote.previous_close),
            "previous_close_date": date(yesterday),
            "updated_at": second(now),
        }))
    }

    fn fundamentals_row(&self, links: &Links, now: i64) -> Value {
        let mut row = shape::FUNDAMENTALS.with(json!({
            "instrument": links.instrument(&self.id),
            "market_date": date(new_york(now)),
        }));
        if self.symbol != "F" {
            let quote = self.quote;
            shape::fill(
                &mut row,
                json!({
                    "open": price(quote.previous_close),
                    "high": price(quote.ask),
                    "low": price(quote.bid.min(quote.previous_close)),
                    "high_52_weeks": price(quote.ask * Decimal::new(12, 1)),
                    "low_52_weeks": price(quote.bid * Decimal::new(8, 1)),
                }),
            );
        }
        row
    }
}

impl State {
    pub(super) fn find(&self, id_or_symbol: &str) -> Option<&Instrument> {
        let market = &self.world.market;
        let at = market
            .instrument(id_or_symbol)
            .or_else(|| market.symbol(id_or_symbol))?;
        Some(&market.instruments[at])
    }

    pub(super) fn instruments(&self, context: &Context<'_>) -> Response {
        let ids = context.list("ids");
        let symbol = context.request.param("symbol");
        let query = context
            .request
            .param("query")
            .map(|query| query.to_lowercase());
        let fits = |instrument: &&Instrument| {
            ids.as_ref().is_none_or(|ids| ids.contains(&instrument.id))
                && symbol
                    .as_ref()
                    .is_none_or(|symbol| instrument.symbol.eq_ignore_ascii_case(symbol))
                && query.as_ref().is_none_or(|query| {
                    instrument.name.to_lowercase().contains(query)
                        || instrument.symbol.to_lowercase().contains(query)
                })
        };
        let found = self.world.market.instruments.iter().filter(fits).collect();
        context.page(&self.world.settings, found, |instrument| {
            instrument.row(context.links)
        })
    }

    pub(super) fn instrument(&self, id: &str, context: &Context<'_>) -> Answer {
        let at = self
            .world
            .market
            .instrument(id)
            .ok_or_else(reply::not_found)?;
        Ok(reply::ok(
            &self.world.market.instruments[at].row(context.links),
        ))
    }

    /// Quotes in the order that was asked for; an unknown name leaves a null in its place.
    pub(super) fn quotes(&self, context: &Context<'_>) -> Answer {
        let asked = context.list("symbols").or_else(|| context.list("ids"));
        let asked = asked
            .or_else(|| context.list("instruments"))
            .ok_or_else(|| {
                reply::detail(
                    400,
                    "Exactly one of 'symbols', 'ids' or 'instruments' is required.",
                )
            })?;
        let row = |name: &String| {
            let found = self.find(tail(name));
            found.map_or(Value::Null, |found| {
                found.quote_row(context.links, context.now)
            })
        };
        let results: Vec<Value> = asked.iter().map(row).collect();
        Ok(reply::ok(&json!({"results": results})))
    }

    pub(super) fn quote(&self, id: &str, context: &Context<'_>) -> Answer {
        let found = self.find(id).ok_or_else(reply::not_found)?;
        Ok(reply::ok(&found.quote_row(context.links, context.now)))
    }

    pub(super) fn fundamentals(&self, id: &str, context: &Context<'_>) -> Answer {
        let row = |name: &str| {
            let found = self.find(tail(name));
            found.map(|found| found.fundamentals_row(context.links, context.now))
        };
        if !id.is_empty() {
            return row(id)
                .map(|row| reply::ok(&row))
                .ok_or_else(reply::not_found);
        }
        let asked = context
            .list("symbols")
            .or_else(|| context.list("ids"))
            .unwrap_or_default();
        let results: Vec<Value> = asked
            .iter()
            .map(|name| row(name).unwrap_or_default())
            .collect();
        Ok(reply::ok(&json!({"results": results})))
    }

    pub(super) fn markets(&self, context: &Context<'_>) -> Response {
        let links = context.links;
        let today = date(new_york(context.now));
        let market = |mic: &str, name: &str| {
            json!({
                "url": links.api(&format!("/markets/{mic}/")),
                "todays_hours": links.api(&format!("/markets/{mic}/hours/{today}/")),
                "mic": mic,
                "operating_mic": mic,
                "acronym": name,
                "name": name,
                "city": "New York",
                "country": "US - United States of America",
                "timezone": "US/Eastern",
                "website": "",
            })
        };
        let rows = vec![
            market("XNYS", "NYSE"),
            market("XNAS", "NASDAQ"),
            market("OTCM", "OTC Markets"),
        ];
        context.page(&self.world.settings, rows, |row| row)
    }

    pub(super) fn market_hours(&self, day: &str, context: &Context<'_>) -> Answer {
        let day = parse_date(day).ok_or_else(reply::not_found)?;
        let mic = context.path.split('/').nth(2).unwrap_or("XNYS").to_owned();
        let link = |day: Date| {
            let path = format!("/markets/{mic}/hours/{}/", date(day));
            context.links.api(&path)
        };
        let (next, previous) = (link(next_business(day)), link(previous_business(day)));
        if is_weekend(day) {
            return Ok(reply::ok(&shape::HOURS_CLOSED.with(json!({
                "date": date(day),
                "next_open_hours": next,
                "previous_open_hours": previous,
            }))));
        }
        let at = |hour, minute| second(at_new_york(day, hour, minute));
        let eve = at_new_york(day, 20, 0) - DAY;
        let mut row = shape::HOURS.with(json!({
            "date": date(day),
            "opens_at": at(9, 30),
            "closes_at": at(16, 0),
            "extended_opens_at": at(7, 0),
            "extended_closes_at": at(20, 0),
            "late_option_closes_at": at(16, 15),
            "all_day_opens_at": second(eve),
            "all_day_closes_at": at(20, 0),
            "index_option_0dte_closes_at": at(16, 0),
            "index_option_non_0dte_closes_at": at(16, 15),
            "fx_next_open_hours": link(next_business(day)),
            "next_open_hours": next,
            "previous_open_hours": previous,
        }));
        shape::fill(
            &mut row["index_options_extended_hours"],
            json!({
                "curb_opens_at": at(16, 15),
                "curb_closes_at": at(17, 0),
            }),
        );
        Ok(reply::ok(&row))
    }
}

/// The last day before that is no weekend.
fn previous_business(date: Date) -> Date {
    let mut before = date.previous_day().unwrap_or(date);
    while is_weekend(before) {
        before = before.previous_day().unwrap_or(Date::MIN);
    }
    before
}
