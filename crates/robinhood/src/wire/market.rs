//! Instruments, prices and hours.

use serde::Deserialize;

use super::{Day, Num, Stamp, Text};

/// `GET /instruments/` and `GET /instruments/{id}/`.
#[derive(Debug, Deserialize)]
pub(crate) struct Instrument<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) symbol: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) simple_name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) name: Option<Text<'a>>,
    #[serde(rename = "type", borrow, default)]
    pub(crate) kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) state: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) market: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) tradability: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) fractional_tradability: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) all_day_tradability: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) otc_market_tier: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) internal_halt_reason: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) tradable_chain_id: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) min_tick_size: Option<Num>,
    #[serde(default)]
    pub(crate) default_preset_percent_limit: Option<Num>,
}

/// `GET /quotes/` and `GET /marketdata/quotes/`. Unknown instruments are `null` rows.
#[derive(Debug, Deserialize)]
pub(crate) struct Quote<'a> {
    #[serde(borrow, default)]
    pub(crate) symbol: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) instrument: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) instrument_id: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) ask_price: Option<Num>,
    #[serde(default)]
    pub(crate) ask_size: Option<Num>,
    #[serde(default)]
    pub(crate) bid_price: Option<Num>,
    #[serde(default)]
    pub(crate) bid_size: Option<Num>,
    #[serde(default)]
    pub(crate) last_trade_price: Option<Num>,
    #[serde(default)]
    pub(crate) last_extended_hours_trade_price: Option<Num>,
    #[serde(default)]
    pub(crate) adjusted_previous_close: Option<Num>,
    #[serde(default)]
    pub(crate) previous_close: Option<Num>,
    #[serde(default)]
    pub(crate) updated_at: Option<Stamp>,
}

/// A row of `GET /quotes/historicals/`, and all of `GET /marketdata/historicals/{id}/`.
#[derive(Debug, Deserialize)]
pub(crate) struct Historicals {
    pub(crate) historicals: Vec<Candle>,
}

/// `GET /marketdata/options/historicals/{id}/`.
#[derive(Debug, Deserialize)]
pub(crate) struct OptionHistoricals {
    pub(crate) data_points: Vec<Candle>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Candle {
    pub(crate) begins_at: Stamp,
    pub(crate) open_price: Num,
    pub(crate) close_price: Num,
    pub(crate) high_price: Num,
    pub(crate) low_price: Num,
    #[serde(default)]
    pub(crate) volume: Option<Num>,
    #[serde(default)]
    pub(crate) interpolated: Option<bool>,
}

/// `GET /fundamentals/` (`null` rows for unknown ones) and `GET /marketdata/fundamentals/{id}/`.
#[derive(Debug, Deserialize)]
pub(crate) struct Fundamentals<'a> {
    #[serde(borrow)]
    pub(crate) instrument: Text<'a>,
    #[serde(default)]
    pub(crate) market_date: Option<Day>,
    #[serde(default)]
    pub(crate) open: Option<Num>,
    #[serde(default)]
    pub(crate) high: Option<Num>,
    #[serde(default)]
    pub(crate) low: Option<Num>,
    #[serde(default)]
    pub(crate) volume: Option<Num>,
    #[serde(default)]
    pub(crate) average_volume: Option<Num>,
    #[serde(default)]
    pub(crate) high_52_weeks: Option<Num>,
    #[serde(default)]
    pub(crate) low_52_weeks: Option<Num>,
    #[serde(default)]
    pub(crate) market_cap: Option<Num>,
    #[serde(default)]
    pub(crate) pe_ratio: Option<Num>,
    #[serde(default)]
    pub(crate) pb_ratio: Option<Num>,
    #[serde(default)]
    pub(crate) dividend_yield: Option<Num>,
    #[serde(default)]
    pub(crate) ex_dividend_date: Option<Day>,
    #[serde(default)]
    pub(crate) shares_outstanding: Option<Num>,
    #[serde(borrow, default)]
    pub(crate) sector: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) industry: Option<Text<'a>>,
}

/// `GET /markets/{mic}/hours/{date}/`. The times are `null` on a day without trading.
#[derive(Debug, Deserialize)]
pub(crate) struct Hours {
    pub(crate) date: Day,
    pub(crate) is_open: bool,
    #[serde(default)]
    pub(crate) opens_at: Option<Stamp>,
    #[serde(default)]
    pub(crate) closes_at: Option<Stamp>,
    #[serde(default)]
    pub(crate) extended_opens_at: Option<Stamp>,
    #[serde(default)]
    pub(crate) extended_closes_at: Option<Stamp>,
    #[serde(default)]
    pub(crate) late_option_closes_at: Option<Stamp>,
    #[serde(default)]
    pub(crate) all_day_opens_at: Option<Stamp>,
    #[serde(default)]
    pub(crate) all_day_closes_at: Option<Stamp>,
}
