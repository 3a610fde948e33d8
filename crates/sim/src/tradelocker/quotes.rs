//! Market data: quotes, depth, the day's bar and price history.

use rust_decimal::Decimal;
use serde::Serialize;

use super::{
    bars::{self, Bar, Resolution},
    body::Parsed,
    reply::{self, Float},
    state::State,
};
use crate::{
    random::mix,
    server::{Request, Response},
};

#[derive(Serialize)]
struct Quotes {
    ap: Float,
    r#as: Float,
    bp: Float,
    bs: Float,
}

#[derive(Serialize)]
struct Depth {
    asks: Vec<[Float; 2]>,
    bids: Vec<[Float; 2]>,
}

#[derive(Serialize)]
struct DailyBar {
    c: Float,
    h: Float,
    l: Float,
    o: Float,
    v: Float,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct History {
    bar_details: Vec<Bar>,
}

#[derive(Serialize)]
struct NoData {
    s: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    d: Option<Earlier>,
}

#[derive(Serialize)]
struct Earlier {
    nb: i64,
}

const LEVELS: u32 = 5;

impl State {
    pub(super) fn quotes(&self, request: &Request, now: i64) -> Parsed<Response> {
        let index = self.asked_instrument(request)?;
        let quote = self.world.market.quote(index, now);
        let [ask_size, bid_size] = [0, 1].map(|side| self.size(index, side, now));
        Ok(reply::ok(Quotes {
            ap: Float(quote.ask),
            r#as: ask_size,
            bp: Float(quote.bid),
            bs: bid_size,
        }))
    }

    pub(super) fn depth(&self, request: &Request, now: i64) -> Parsed<Response> {
        let index = self.asked_instrument(request)?;
        let quote = self.world.market.quote(index, now);
        let tick = self.world.market.instruments[index].tick(quote.bid);
        let level = |best: Decimal, away: Decimal, side: u64| {
            move |n: u32| {
                let size = self.size(index, side + 2 * u64::from(n), now);
                [Float(best + away * Decimal::from(n * 4)), size]
            }
        };
        Ok(reply::ok(Depth {
            asks: (0..LEVELS).map(level(quote.ask, tick, 0)).collect(),
            bids: (0..LEVELS).map(level(quote.bid, -tick, 1)).collect(),
        }))
    }

    pub(super) fn daily_bar(&self, request: &Request, now: i64) -> Parsed<Response> {
        let index = self.asked_instrument(request)?;
        let market = &self.world.market;
        let spread = market.spread(index, market.quote(index, now).bid);
        let shift = match request.param("barType").as_deref() {
            Some("ASK") => spread,
            Some("BID" | "TRADE") => Decimal::ZERO,
            _ => return Err(reply::bad_request()),
        };
        let Bar { o, h, l, c, v, .. } = bars::today(market, index, shift, now);
        Ok(reply::ok(DailyBar { c, h, l, o, v }))
    }

    pub(super) fn history(&self, request: &Request, now: i64) -> Parsed<Response> {
        let index = self.asked_instrument(request)?;
        let resolution = request.param("resolution");
        let resolution = resolution.and_then(|text| Resolution::parse(&text));
        let bound = |name| {
            request
                .param(name)
                .and_then(|text| text.parse::<i64>().ok())
        };
        let (Some(resolution), Some(from), Some(to)) = (resolution, bound("from"), bound("to"))
        else {
            return Err(reply::bad_request());
        };
        let (from, to) = (from.max(0), to.clamp(0, now));
        let most = i64::try_from(self.world.settings.history_bars).unwrap_or(i64::MAX);
        if resolution.count(from, to) > most {
            return Err(reply::error(format!(
                "Too many bars requested, the maximum is {most}"
            )));
        }
        let bar_details = bars::bars(&self.world.market, index, resolution, (from, to), now);
        if bar_details.is_empty() {
            let d = bars::earlier(resolution, from, now).map(|nb| Earlier { nb });
            return Ok(Response::json(200, &NoData { s: "no_data", d }));
        }
        Ok(reply::ok(History { bar_details }))
    }

    /// The instrument of a market data request, whose route has to be alive.
    fn asked_instrument(&self, request: &Request) -> Parsed<usize> {
        let id = request
            .param("tradableInstrumentId")
            .ok_or_else(reply::bad_request)?;
        let found = self.world.market.find(&id);
        let index = found.ok_or_else(|| reply::error("Instrument not found"))?;
        self.checked_route(index, request)?;
        Ok(index)
    }

    fn size(&self, index: usize, side: u64, now: i64) -> Float {
        let stream = self.world.market.seed ^ (index as u64) << 8 ^ side;
        let tenths = 5 + mix(stream, now.unsigned_abs() / 1_000) % 96;
        Float(Decimal::new(i64::try_from(tenths).unwrap_or(10), 1))
    }
}
