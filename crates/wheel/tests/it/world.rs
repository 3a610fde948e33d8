//! The world of `tests/data`, and makers of single rows.

use serde_json::Value;
use time::{Date, OffsetDateTime, macros::datetime};
use wheelhouse_core::{
    AccountId, AccountSummary, Currency, Decimal, InstrumentId, OptionContract, OptionPosition,
    OptionRight, OrderSize, Position, Price, Quantity, Side, Symbol,
};
use wheelhouse_wheel::{AccountWheel, Wheel, WheelInputs, classify};

pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-20 21:00 UTC);

pub(crate) fn account() -> AccountId {
    "100200301".parse().unwrap()
}

pub(crate) fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

pub(crate) fn price(value: Decimal) -> Price {
    Price::new(value)
}

/// Reads the whole world into inputs, as an adapter would.
pub(crate) fn world() -> WheelInputs {
    let mut inputs = WheelInputs::at(NOW);
    inputs.summaries.push(summary());
    inputs.positions = positions();
    inputs.options = options();
    for quote in rows(include_str!("../data/quotes.json")) {
        let last = Price::new(number(&quote, "last_trade_price"));
        inputs.prices.insert(symbol(text(&quote, "symbol")), last);
    }
    for quote in rows(include_str!("../data/marketdata_options.json")) {
        let mark = Price::new(number(&quote, "adjusted_mark_price"));
        inputs
            .marks
            .insert(text(&quote, "instrument_id").parse().unwrap(), mark);
    }
    inputs
}

pub(crate) fn summary() -> AccountSummary {
    let answer: Value = serde_json::from_str(include_str!("../data/account_detail.json")).unwrap();
    let mut summary = AccountSummary::new(text(&answer, "account_number").parse().unwrap(), NOW);
    summary.currency = Some(Currency::USD);
    summary.cash = Some(number(&answer, "cash"));
    summary.options_collateral = Some(number(&answer, "cash_held_for_options_collateral"));
    summary
}

pub(crate) fn positions() -> Vec<Position> {
    let held = rows(include_str!("../data/positions_nonzero.json"));
    held.iter()
        .map(|row| {
            let instrument = text(row, "instrument_id");
            let mut position = Position::new(
                instrument.parse().unwrap(),
                text(row, "account_number").parse().unwrap(),
                instrument.parse().unwrap(),
                Side::Buy,
                OrderSize::Shares(Quantity::new(number(row, "quantity"))),
            );
            position.symbol = Some(symbol(text(row, "symbol")));
            position.average_price = Some(Price::new(number(row, "clearing_average_cost")));
            position.available = Some(Quantity::new(number(row, "shares_available_for_sells")));
            let held = number(row, "shares_held_for_options_collateral");
            position.options_collateral = Some(Quantity::new(held));
            position
        })
        .collect()
}

pub(crate) fn options() -> Vec<OptionPosition> {
    let aggregates = rows(include_str!("../data/options_aggregate_positions.json"));
    aggregates.iter().map(aggregate).collect()
}

/// The same put on F with its assignment pending.
pub(crate) fn pending_put() -> OptionPosition {
    let rows = rows(include_str!(
        "../data/options_positions_pending_assignment.json"
    ));
    let pending = number(&rows[0], "pending_assignment_quantity");
    let id = text(&rows[0], "option_id").parse::<InstrumentId>().unwrap();
    let mut put = options()
        .into_iter()
        .find(|option| option.contract.id == id)
        .unwrap();
    put.pending_assignment = Some(Quantity::new(pending));
    put
}

fn aggregate(row: &Value) -> OptionPosition {
    let leg = &row["legs"][0];
    let contract = OptionContract::new(
        text(leg, "option_id").parse().unwrap(),
        symbol(text(row, "symbol")),
        date(text(leg, "expiration_date")),
        Price::new(number(leg, "strike_price")),
        match text(leg, "option_type") {
            "call" => OptionRight::Call,
            _ => OptionRight::Put,
        },
    );
    let mut option = OptionPosition::new(
        text(row, "id").parse().unwrap(),
        text(row, "account_number").parse().unwrap(),
        contract,
        match text(leg, "position_type") {
            "short" => Side::Sell,
            _ => Side::Buy,
        },
        Quantity::new(number(row, "quantity")),
    );
    let multiplier = number(row, "trade_value_multiplier");
    option.average_price = Some(Price::new(number(row, "average_open_price") / multiplier));
    option
}

/// Makes shares in the account of the world.
pub(crate) fn shares(name: &str, held: Decimal) -> Position {
    let mut position = Position::new(
        format!("position-{name}").parse().unwrap(),
        account(),
        format!("instrument-{name}").parse().unwrap(),
        Side::Buy,
        OrderSize::Shares(Quantity::new(held)),
    );
    position.symbol = Some(symbol(name));
    position
}

/// Makes an option position, 28 days from expiry, in the account of the world.
pub(crate) fn option(
    name: &str,
    side: Side,
    right: OptionRight,
    strike: Decimal,
    contracts: Decimal,
) -> OptionPosition {
    let id = format!("{name}-{right:?}-{strike}");
    let contract = OptionContract::new(
        id.parse().unwrap(),
        symbol(name),
        date("2026-12-18"),
        Price::new(strike),
        right,
    );
    let position = format!("{side:?}-{id}").parse().unwrap();
    OptionPosition::new(
        position,
        account(),
        contract,
        side,
        Quantity::new(contracts),
    )
}

/// Classifies rows of the account of the world.
pub(crate) fn only(positions: Vec<Position>, options: Vec<OptionPosition>) -> AccountWheel {
    let mut inputs = WheelInputs::at(NOW);
    inputs.positions = positions;
    inputs.options = options;
    report(&inputs)
}

pub(crate) fn report(inputs: &WheelInputs) -> AccountWheel {
    let report = classify(inputs).unwrap();
    report.account(&account()).unwrap().clone()
}

pub(crate) fn wheel(report: &AccountWheel, name: &str) -> Wheel {
    report.wheel(&symbol(name)).unwrap().clone()
}

fn rows(json: &str) -> Vec<Value> {
    let mut answer: Value = serde_json::from_str(json).unwrap();
    serde_json::from_value(answer["results"].take()).unwrap()
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap()
}

fn number(row: &Value, key: &str) -> Decimal {
    text(row, key).parse().unwrap()
}

fn date(text: &str) -> Date {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    Date::parse(text, format).unwrap()
}
