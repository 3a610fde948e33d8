//! Option chains, contracts, prices and positions.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Day, Num, Stamp, Text};

/// `GET /options/chains/` and `GET /options/chains/{id}/`.
#[derive(Debug, Deserialize)]
pub(crate) struct Chain<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) symbol: Text<'a>,
    #[serde(default)]
    pub(crate) can_open_position: Option<bool>,
    pub(crate) expiration_dates: Vec<Day>,
    #[serde(default)]
    pub(crate) trade_value_multiplier: Option<Num>,
    /// The form of what is not `null` is not known.
    #[serde(borrow, default)]
    pub(crate) cash_component: Option<&'a RawValue>,
    #[serde(default)]
    pub(crate) underlying_instruments: Option<Vec<Deliverable>>,
    #[serde(borrow, default)]
    pub(crate) underlyings: Option<Vec<Underlying<'a>>>,
    #[serde(default)]
    pub(crate) min_ticks: Option<Ticks>,
    #[serde(default)]
    pub(crate) min_ticks_multileg: Option<Ticks>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Deliverable {
    pub(crate) quantity: Num,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Underlying<'a> {
    #[serde(borrow, default)]
    pub(crate) id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) symbol: Option<Text<'a>>,
    #[serde(rename = "type", borrow, default)]
    pub(crate) kind: Option<Text<'a>>,
}

/// Price steps: `below_tick` under `cutoff_price`, `above_tick` from there on.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Ticks {
    pub(crate) above_tick: Num,
    pub(crate) below_tick: Num,
    pub(crate) cutoff_price: Num,
}

/// `GET /options/instruments/` and `GET /options/instruments/{id}/`.
#[derive(Debug, Deserialize)]
pub(crate) struct Contract<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow)]
    pub(crate) chain_id: Text<'a>,
    #[serde(borrow)]
    pub(crate) chain_symbol: Text<'a>,
    #[serde(rename = "type", borrow)]
    pub(crate) right: Text<'a>,
    pub(crate) strike_price: Num,
    pub(crate) expiration_date: Day,
    #[serde(borrow, default)]
    pub(crate) state: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) tradability: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) underlying_type: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) min_ticks: Option<Ticks>,
}

impl Contract<'_> {
    pub(crate) fn is_on_an_index(&self) -> bool {
        let kind = self.underlying_type.as_ref().map(Text::as_str);
        kind == Some("index")
    }
}

/// `GET /indexes/`. Only these fields are known.
#[derive(Debug, Deserialize)]
pub(crate) struct Index<'a> {
    #[serde(borrow)]
    pub(crate) symbol: Text<'a>,
    #[serde(borrow)]
    pub(crate) tradable_chain_ids: Vec<Text<'a>>,
}

/// `GET /marketdata/options/`. Rows can be `null`, and so can the greeks.
#[derive(Debug, Deserialize)]
pub(crate) struct OptionQuote<'a> {
    #[serde(borrow)]
    pub(crate) instrument: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) instrument_id: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) adjusted_mark_price: Option<Num>,
    #[serde(default)]
    pub(crate) mark_price: Option<Num>,
    #[serde(default)]
    pub(crate) ask_price: Option<Num>,
    #[serde(default)]
    pub(crate) bid_price: Option<Num>,
    #[serde(default)]
    pub(crate) last_trade_price: Option<Num>,
    #[serde(default)]
    pub(crate) implied_volatility: Option<Num>,
    #[serde(default)]
    pub(crate) delta: Option<Num>,
    #[serde(default)]
    pub(crate) gamma: Option<Num>,
    #[serde(default)]
    pub(crate) theta: Option<Num>,
    #[serde(default)]
    pub(crate) vega: Option<Num>,
    #[serde(default)]
    pub(crate) rho: Option<Num>,
    #[serde(default)]
    pub(crate) open_interest: Option<Num>,
    #[serde(default)]
    pub(crate) volume: Option<Num>,
}

/// `GET /options/positions/`. `type` is long or short; the quantity is always positive.
#[derive(Debug, Deserialize)]
pub(crate) struct OptionPosition<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) account: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) account_number: Option<Text<'a>>,
    #[serde(rename = "type", borrow)]
    pub(crate) direction: Text<'a>,
    pub(crate) quantity: Num,
    #[serde(borrow)]
    pub(crate) option: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) option_id: Option<Text<'a>>,
    #[serde(default)]
    pub(crate) average_price: Option<Num>,
    #[serde(default)]
    pub(crate) pending_assignment_quantity: Option<Num>,
    #[serde(default)]
    pub(crate) pending_expiration_quantity: Option<Num>,
    #[serde(default)]
    pub(crate) trade_value_multiplier: Option<Num>,
    #[serde(default)]
    pub(crate) opened_at: Option<Stamp>,
    #[serde(default)]
    pub(crate) created_at: Option<Stamp>,
}

/// `GET /options/aggregate_positions/`: a row for each strategy held.
#[derive(Debug, Deserialize)]
pub(crate) struct AggregatePosition<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) account: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) account_number: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) chain: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) symbol: Text<'a>,
    #[serde(borrow)]
    pub(crate) strategy: Text<'a>,
    #[serde(borrow)]
    pub(crate) direction: Text<'a>,
    pub(crate) quantity: Num,
    #[serde(default)]
    pub(crate) average_open_price: Option<Num>,
    #[serde(default)]
    pub(crate) trade_value_multiplier: Option<Num>,
    #[serde(default)]
    pub(crate) clearing_cost_basis: Option<Num>,
    #[serde(borrow, default)]
    pub(crate) clearing_direction: Option<Text<'a>>,
    #[serde(borrow)]
    pub(crate) legs: Vec<AggregateLeg<'a>>,
    #[serde(default)]
    pub(crate) created_at: Option<Stamp>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AggregateLeg<'a> {
    #[serde(borrow)]
    pub(crate) position: Text<'a>,
    #[serde(borrow)]
    pub(crate) position_type: Text<'a>,
    #[serde(borrow)]
    pub(crate) option: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) option_id: Option<Text<'a>>,
    pub(crate) ratio_quantity: Num,
    pub(crate) expiration_date: Day,
    pub(crate) strike_price: Num,
    #[serde(borrow)]
    pub(crate) option_type: Text<'a>,
}

/// `GET /options/events/`.
#[derive(Debug, Deserialize)]
pub(crate) struct OptionEvent<'a> {
    #[serde(borrow)]
    pub(crate) id: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) account: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) account_number: Option<Text<'a>>,
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Text<'a>,
    #[serde(borrow)]
    pub(crate) state: Text<'a>,
    #[serde(borrow)]
    pub(crate) option: Text<'a>,
    #[serde(default)]
    pub(crate) event_date: Option<Day>,
    #[serde(default)]
    pub(crate) quantity: Option<Num>,
    #[serde(default)]
    pub(crate) total_cash_amount: Option<Num>,
    #[serde(borrow, default)]
    pub(crate) direction: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(crate) equity_components: Vec<EquityComponent<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct EquityComponent<'a> {
    #[serde(borrow)]
    pub(crate) symbol: Text<'a>,
    #[serde(borrow)]
    pub(crate) side: Text<'a>,
    pub(crate) quantity: Num,
    #[serde(default)]
    pub(crate) price: Option<Num>,
}

/// `GET /options/chains/{id}/collateral/`.
#[derive(Debug, Deserialize)]
pub(crate) struct ChainCollateral<'a> {
    #[serde(borrow)]
    pub(crate) collateral: Collateral<'a>,
    #[serde(borrow)]
    pub(crate) collateral_held_for_orders: Collateral<'a>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Collateral<'a> {
    pub(crate) cash: CashCollateral,
    #[serde(borrow, default)]
    pub(crate) equities: Vec<ShareCollateral<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct CashCollateral {
    pub(crate) amount: Num,
    pub(crate) infinite: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ShareCollateral<'a> {
    pub(crate) quantity: Num,
    #[serde(borrow)]
    pub(crate) symbol: Text<'a>,
}
