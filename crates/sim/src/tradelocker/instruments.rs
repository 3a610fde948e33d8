//! The instrument list, details, sessions and their statuses.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use super::{
    body::Parsed,
    catalog::{DEAD_ROUTE, Instrument, SessionStatus, TRADE_ROUTE},
    reply::{self, Float},
    state::State,
};
use crate::server::{Request, Response};

#[derive(Serialize)]
struct Instruments {
    instruments: Vec<Listed>,
}

/// Absent values are sent as null.
type Null = Option<()>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    bar_source: &'static str,
    continuous: bool,
    contract_month: Null,
    country: Null,
    description: &'static str,
    has_daily: bool,
    has_intraday: bool,
    id: u32,
    localized_name: &'static str,
    logo_url: Null,
    market_data_exchange: &'static str,
    name: &'static str,
    routes: Vec<Route>,
    strike_price: Null,
    strike_type: Null,
    tradable_instrument_id: u32,
    trading_exchange: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    underlier_id: Null,
}

#[derive(Serialize)]
struct Route {
    id: u32,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Details {
    bar_source: &'static str,
    base_currency: &'static str,
    bet_size: Null,
    bet_step: Null,
    betting_currency: Null,
    contract_month: Null,
    country: Null,
    delivery_status: Null,
    description: &'static str,
    exercise_style: Null,
    first_trade_date: Null,
    has_daily: bool,
    has_intraday: bool,
    industry: Null,
    isin: &'static str,
    last_trade_date: Null,
    leverage: String,
    localized_name: &'static str,
    logo_url: Null,
    lot_size: Number,
    lot_step: Number,
    #[serde(rename = "margin_hedging_type")]
    margin_hedging_type: &'static str,
    market_cap: Null,
    market_data_exchange: &'static str,
    max_lot: Option<Number>,
    min_lot: Number,
    name: &'static str,
    notice_date: Null,
    quoting_currency: &'static str,
    sector: Null,
    settlement_date: Null,
    settlement_system: &'static str,
    strike_price: Null,
    strike_type: Null,
    symbol_status: &'static str,
    tick_cost: [TickCost; 1],
    tick_size: Vec<TickSize>,
    trade_session_id: u32,
    trade_session_status_id: u32,
    trading_exchange: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TickCost {
    left_range_limit: Null,
    tick_cost: Float,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TickSize {
    left_range_limit: Option<Number>,
    tick_size: Float,
}

/// A number that is sent without a fraction when it has none.
#[derive(Serialize)]
#[serde(untagged)]
enum Number {
    Whole(i64),
    Broken(Float),
}

impl From<Decimal> for Number {
    fn from(value: Decimal) -> Self {
        let whole = value
            .is_integer()
            .then(|| i64::try_from(value).ok())
            .flatten();
        whole.map_or(Self::Broken(Float(value)), Self::Whole)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    block_trading: bool,
    holidays: [Holiday; 1],
    name: &'static str,
    sessions: BTreeMap<&'static str, Vec<Hours>>,
}

#[derive(Serialize)]
struct Holiday {
    date: &'static str,
    name: &'static str,
    comment: Null,
}

#[derive(Serialize)]
struct Hours {
    from: &'static str,
    to: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusDetails {
    allowed_operations: [u8; 3],
    allowed_order_types: [u8; 6],
}

impl State {
    pub(super) fn instruments(&self) -> Response {
        let listed = self.world.market.instruments.iter().map(listed).collect();
        reply::ok(Instruments {
            instruments: listed,
        })
    }

    pub(super) fn instrument_details(&self, id: &str, request: &Request) -> Response {
        let Some(index) = self.world.market.find(id) else {
            return reply::error("Instrument not found");
        };
        match self.checked_route(index, request) {
            Ok(()) => reply::ok(details(&self.world.market.instruments[index])),
            Err(refusal) => refusal,
        }
    }

    /// Refuses a request whose `routeId` is missing, foreign or dead.
    pub(super) fn checked_route(&self, index: usize, request: &Request) -> Parsed<()> {
        let route = request.param("routeId").ok_or_else(reply::bad_request)?;
        let instrument = &self.world.market.instruments[index];
        let info = instrument
            .info_routes
            .iter()
            .filter(|id| **id != DEAD_ROUTE);
        let known = info.chain([&TRADE_ROUTE]).any(|id| id.to_string() == route);
        known
            .then_some(())
            .ok_or_else(|| reply::error("Route not found"))
    }

    pub(super) fn session(&self, id: &str) -> Response {
        let instruments = self.world.market.instruments.iter();
        match instruments
            .map(|instrument| instrument.session)
            .find(|known| known.to_string() == id)
        {
            Some(id) => reply::ok(session(id)),
            None => reply::error("Session not found"),
        }
    }

    pub(super) fn session_status(&self, id: &str) -> Response {
        match SessionStatus::ALL
            .iter()
            .find(|status| status.id().to_string() == id)
        {
            Some(status) => reply::ok(StatusDetails {
                allowed_operations: status.operations(),
                allowed_order_types: status.order_types(),
            }),
            None => reply::error("Session status not found"),
        }
    }
}

fn listed(instrument: &Instrument) -> Listed {
    let info = instrument.info_routes.iter().map(|id| Route {
        id: *id,
        kind: "INFO",
    });
    Listed {
        bar_source: "BID",
        continuous: false,
        contract_month: None,
        country: None,
        description: instrument.description,
        has_daily: true,
        has_intraday: true,
        id: instrument.symbol_id,
        localized_name: instrument.name,
        logo_url: None,
        market_data_exchange: instrument.data_exchange,
        name: instrument.name,
        routes: std::iter::once(Route {
            id: TRADE_ROUTE,
            kind: "TRADE",
        })
        .chain(info)
        .collect(),
        strike_price: None,
        strike_type: None,
        tradable_instrument_id: instrument.tradable_id,
        trading_exchange: instrument.exchange,
        kind: instrument.kind,
        underlier_id: None,
    }
}

fn details(instrument: &Instrument) -> Details {
    let open = instrument.status != SessionStatus::Closed;
    Details {
        bar_source: "BID",
        base_currency: instrument.base_currency,
        bet_size: None,
        bet_step: None,
        betting_currency: None,
        contract_month: None,
        country: None,
        delivery_status: None,
        description: instrument.description,
        exercise_style: None,
        first_trade_date: None,
        has_daily: true,
        has_intraday: true,
        industry: None,
        isin: "",
        last_trade_date: None,
        leverage: instrument.leverage.to_string(),
        localized_name: instrument.name,
        logo_url: None,
        lot_size: instrument.lot_size.into(),
        lot_step: instrument.lot_step.into(),
        margin_hedging_type: "fx_cfd",
        market_cap: None,
        market_data_exchange: instrument.data_exchange,
        max_lot: instrument.max_lot.map(Number::from),
        min_lot: instrument.lot_step.into(),
        name: instrument.name,
        notice_date: None,
        quoting_currency: "USD",
        sector: None,
        settlement_date: None,
        settlement_system: "Immediate",
        strike_price: None,
        strike_type: None,
        symbol_status: if open { "FULLY_OPEN" } else { "CLOSED" },
        tick_cost: [TickCost {
            left_range_limit: None,
            tick_cost: Float(Decimal::ZERO),
        }],
        tick_size: instrument
            .ticks
            .iter()
            .map(|range| TickSize {
                left_range_limit: range.from.map(Number::from),
                tick_size: Float(range.tick),
            })
            .collect(),
        trade_session_id: instrument.session,
        trade_session_status_id: instrument.status.id(),
        trading_exchange: instrument.exchange,
        kind: instrument.kind,
    }
}

fn session(id: u32) -> Session {
    let (name, hours) = match id {
        12 => (
            "24/5",
            Hours {
                from: "00:00",
                to: "24:00",
            },
        ),
        13 => (
            "Exchange hours",
            Hours {
                from: "14:30",
                to: "21:00",
            },
        ),
        _ => (
            "24/7",
            Hours {
                from: "00:00",
                to: "24:00",
            },
        ),
    };
    Session {
        block_trading: false,
        holidays: [Holiday {
            date: "2030-12-25",
            name: "Christmas Day",
            comment: None,
        }],
        name,
        sessions: BTreeMap::from([("monday", vec![hours])]),
    }
}
