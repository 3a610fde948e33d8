//! What the wheel needs to know, from the wire through the adapter to the stages.

use serde_json::{Value, json};
use time::{OffsetDateTime, macros::datetime};
use wheelhouse_core::{
    Broker, BrokerExt, Clock, Decimal, Deliverable, OptionPosition, Price, Quantity, Side, Sleep,
    dec,
};
use wheelhouse_wheel::{AccountWheel, Hazard, Secured, Stage};

use crate::rig::{AtServer, AtSim, PUT, sample};

const NOW: OffsetDateTime = datetime!(2026-11-20 21:00 UTC);

/// A clock that stands still.
#[derive(Debug)]
struct Standing;

impl Clock for Standing {
    fn now(&self) -> OffsetDateTime {
        NOW
    }

    fn monotonic(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }

    fn sleep(&self, _: std::time::Duration) -> Sleep {
        Box::pin(std::future::ready(()))
    }
}

fn value(name: &str) -> Value {
    serde_json::from_slice(&sample(name)).unwrap()
}

pub(crate) fn page(rows: &[Value]) -> Vec<u8> {
    json!({"next": null, "previous": null, "results": rows})
        .to_string()
        .into()
}

/// The chain of F, told of another underlying.
fn chain(id: &str, symbol: &str) -> Value {
    let mut chain = value("options_chain_F");
    chain["id"] = json!(id);
    chain["symbol"] = json!(symbol);
    chain["underlyings"][0]["symbol"] = json!(symbol);
    chain
}

const SOFI_CHAIN: &str = "057a9d78-ec81-4e31-8424-79a73887038a";
const KO_CHAIN: &str = "f33c6630-58ae-4898-b021-3a6f23b51611";

/// A server that answers with the samples of the account `100200301`.
pub(crate) async fn world() -> AtServer {
    let at = AtServer::new().await;
    let contracts = page(&[
        value("option_instrument_detail_F_put_10"),
        value("option_instrument_detail_KO_call_75"),
        value("option_instrument_detail_SOFI_call_30"),
    ]);
    let chains = page(&[
        value("options_chain_F"),
        value("options_chains_by_instrument")["results"][0].clone(),
        chain(SOFI_CHAIN, "SOFI"),
    ]);
    let name = |name| sample(name);
    for (host, route, body) in [
        ("api", "/accounts/100200301/", name("account_detail")),
        ("api", "/portfolios/100200301/", name("portfolio_detail")),
        (
            "api",
            "/accounts/100200301/recent_day_trades/",
            name("recent_day_trades"),
        ),
        (
            "bonfire",
            "/accounts/unified/",
            name("bonfire_accounts_unified"),
        ),
        ("api", "/positions/", name("positions_nonzero")),
        (
            "api",
            "/options/positions/",
            name("options_positions_nonzero"),
        ),
        (
            "api",
            "/options/aggregate_positions/",
            name("options_aggregate_positions"),
        ),
        ("api", "/options/instruments/", contracts),
        ("api", "/options/chains/", chains),
        ("api", "/marketdata/options/", name("marketdata_options")),
        ("api", "/instruments/", name("instruments_by_symbol_F")),
        ("api", "/orders/", page(&[])),
        ("api", "/options/orders/", page(&[])),
    ] {
        at.mount("GET", host, route, 200, body, 3).await;
    }
    at
}

fn stages(wheel: &AccountWheel) -> Vec<(String, String, u64)> {
    let stage = |it: &Stage| it.as_str().to_owned();
    wheel
        .wheels
        .iter()
        .map(|it| {
            let stages: Vec<_> = it.stages.iter().map(stage).collect();
            (
                it.underlying.as_str().to_owned(),
                stages.join("+"),
                it.shares.free_lots,
            )
        })
        .collect()
}

fn expected() -> Vec<(String, String, u64)> {
    [
        ("F", "cash-secured-put-open", 0),
        ("KO", "covered-call-open", 0),
        ("SOFI", "shares-uncovered", 1),
        ("T", "sub-100-shares", 0),
    ]
    .map(|(symbol, stage, lots)| (symbol.to_owned(), stage.to_owned(), lots))
    .into()
}

#[tokio::test]
async fn the_samples_stand_where_they_are_known_to_stand() {
    let at = world().await;
    let wheel = wheelhouse_wheel::read(&at.broker, &at.account, &Standing)
        .await
        .unwrap();
    assert_eq!(stages(&wheel), expected());
    assert_eq!(wheel.all_hazards().count(), 0, "{wheel:?}");
    assert_eq!(
        (wheel.secured, wheel.set_aside),
        (Secured::Yes, Some(dec!(1000)))
    );
    let f = &wheel.wheels[0].puts[0];
    assert_eq!(f.collateral, dec!(1000));
    assert_eq!(f.break_even, Some(Price::new(dec!(9.72))));
    assert_eq!(f.leg.days_to_expiry, 28);
    assert_eq!(f.leg.open_pnl, Some(dec!(6)));
    let ko = &wheel.wheels[1];
    assert_eq!(ko.calls[0].if_called.broker, Some(dec!(1417)));
    assert_eq!(ko.shares.held_for_options, Some(dec!(100)));
    assert_eq!(ko.shares.available, Some(dec!(0)));
    assert_eq!(wheel.totals.premium, Some(dec!(70)));
}

#[tokio::test]
async fn the_simulated_world_stands_there_too() {
    let at = AtSim::new().await;
    let wheel = wheelhouse_wheel::read(&at.broker, &at.account, &at.clock)
        .await
        .unwrap();
    assert_eq!(stages(&wheel), expected());
    assert_eq!(wheel.all_hazards().count(), 0, "{wheel:?}");
    assert_eq!(wheel.secured, Secured::Yes);
    let roth = "100200302".parse().unwrap();
    let empty = wheelhouse_wheel::read(&at.broker, &roth, &at.clock)
        .await
        .unwrap();
    assert!(empty.wheels.is_empty(), "{empty:?}");
    assert_eq!(empty.cash, Some(dec!(7210)));
}

#[tokio::test]
async fn shares_tell_what_can_be_sold_and_what_stands_behind_calls() {
    let at = world().await;
    let held = at.broker.all_positions(&at.account).await.unwrap();
    let rows: Vec<_> = held
        .iter()
        .map(|it| {
            (
                it.symbol.as_ref().unwrap().as_str(),
                it.available.map(Quantity::value),
                it.options_collateral.map(Quantity::value),
                it.average_price.map(Price::value),
            )
        })
        .collect();
    let some = |n| Some(n);
    assert_eq!(
        rows,
        [
            ("KO", some(dec!(0)), some(dec!(100)), some(dec!(61.25))),
            ("SOFI", some(dec!(150)), some(dec!(0)), some(dec!(14.1))),
            ("T", some(dec!(40.125)), some(dec!(0)), some(dec!(22.1))),
        ]
    );
}

#[tokio::test]
async fn a_cost_of_zero_is_not_known_and_never_a_price() {
    let at = AtServer::new().await;
    let mut row = value("positions_nonzero")["results"][0].clone();
    let mut rows = Vec::new();
    for (clearing, average) in [
        (json!("61.2500"), json!("50.0000")),
        (json!(null), json!("50.0000")),
        (json!("0E-8"), json!(50)),
        (json!("0.0000"), json!("0.0000")),
        (json!(null), json!(null)),
    ] {
        row["clearing_average_cost"] = clearing;
        row["average_buy_price"] = average;
        rows.push(row.clone());
    }
    at.mount("GET", "api", "/positions/", 200, page(&rows), 1)
        .await;
    let held = at.broker.positions(&at.account, Default::default()).await;
    let cost: Vec<_> = held
        .unwrap()
        .items
        .iter()
        .map(|it| it.average_price.map(Price::value))
        .collect();
    let fifty = Some(dec!(50));
    assert_eq!(cost, [Some(dec!(61.25)), fifty, fifty, None, None]);
}

async fn options(at: &AtServer) -> Vec<OptionPosition> {
    let options = at.broker.options().unwrap();
    options.option_positions(&at.account).await.unwrap()
}

#[tokio::test]
async fn what_is_being_assigned_is_told_and_suggests_nothing() {
    let at = world().await;
    let pending = sample("options_positions_pending_assignment");
    at.mount("GET", "api", "/options/positions/", 200, pending, 1)
        .await;
    let held = options(&at).await;
    let [put] = held.as_slice() else {
        panic!("{held:?}")
    };
    assert_eq!(put.pending_assignment, Some(Quantity::new(dec!(1))));
    assert_eq!(put.pending_expiration, Some(Quantity::new(dec!(0))));
    let wheel = wheelhouse_wheel::read(&at.broker, &at.account, &Standing)
        .await
        .unwrap();
    let pending = |it: &Hazard| matches!(it, Hazard::AssignmentPending { .. });
    assert!(wheel.wheels[0].hazards.iter().any(pending), "{wheel:?}");
}

/// The position goes to 0 while its assignment is still under way.
#[tokio::test]
async fn a_position_of_zero_that_is_being_assigned_is_not_left_out() {
    let at = world().await;
    let mut row = value("options_positions_pending_assignment")["results"][0].clone();
    row["quantity"] = json!("0.0000");
    let mut over = row.clone();
    over["id"] = json!("over");
    over["pending_assignment_quantity"] = json!("0.0000");
    at.mount(
        "GET",
        "api",
        "/options/positions/",
        200,
        page(&[row, over]),
        1,
    )
    .await;
    let held = options(&at).await;
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(held[0].contracts, Quantity::new(dec!(0)));
    assert_eq!(held[0].pending_assignment, Some(Quantity::new(dec!(1))));
}

#[tokio::test]
async fn legs_of_a_spread_name_their_strategy_and_are_no_legs_of_the_wheel() {
    let at = world().await;
    let mut rows = value("options_aggregate_positions")["results"]
        .as_array()
        .unwrap()
        .clone();
    let second = rows[1]["legs"][0].clone();
    rows[0]["legs"].as_array_mut().unwrap().push(second);
    rows[0]["strategy"] = json!("custom");
    rows.remove(1);
    at.mount(
        "GET",
        "api",
        "/options/aggregate_positions/",
        200,
        page(&rows),
        1,
    )
    .await;
    let held = options(&at).await;
    let named: Vec<_> = held
        .iter()
        .map(|it| it.strategy.as_ref().map(|id| id.as_str()))
        .collect();
    let spread = rows[0]["id"].as_str();
    assert_eq!(named, [spread, spread, None]);
    let wheel = wheelhouse_wheel::read(&at.broker, &at.account, &Standing)
        .await
        .unwrap();
    assert!(
        wheel
            .wheels
            .iter()
            .all(|it| it.puts.is_empty() && it.calls.is_empty())
    );
}

#[tokio::test]
async fn what_a_contract_delivers_is_read_from_its_chain() {
    let share =
        |quantity: i64| json!({"id": "x", "instrument": "https://x/1/", "quantity": quantity});
    let cash = json!({"amount": "12.50", "direction": "credit"});
    for (field, told, deliverable, multiplier) in [
        ("symbol", json!("F"), Some(Deliverable::Standard), dec!(100)),
        (
            "cash_component",
            cash,
            Some(Deliverable::Adjusted),
            dec!(100),
        ),
        (
            "cash_component",
            json!("0.00"),
            Some(Deliverable::Standard),
            dec!(100),
        ),
        (
            "underlying_instruments",
            json!([share(10)]),
            Some(Deliverable::Adjusted),
            dec!(10),
        ),
        (
            "underlying_instruments",
            json!([share(100), share(5)]),
            Some(Deliverable::Adjusted),
            dec!(100),
        ),
        (
            "underlying_instruments",
            json!([]),
            Some(Deliverable::Cash),
            dec!(100),
        ),
        ("underlying_instruments", json!(null), None, dec!(100)),
    ] {
        let at = world().await;
        let mut of_f = value("options_chain_F");
        of_f[field] = told.clone();
        let chains = page(&[
            of_f.clone(),
            chain(KO_CHAIN, "KO"),
            chain(SOFI_CHAIN, "SOFI"),
        ]);
        at.mount("GET", "api", "/options/chains/", 200, chains, 1)
            .await;
        let one = "/options/chains/11057328-9f9a-46b3-b665-bc5dc944f363/";
        at.mount("GET", "api", one, 200, of_f.to_string().into(), 1)
            .await;
        let held = options(&at).await;
        let put = held
            .iter()
            .find(|it| it.contract.id.as_str() == PUT)
            .unwrap();
        assert_eq!(put.side, Side::Sell);
        let read = (put.contract.deliverable, put.contract.multiplier);
        assert_eq!(read, (deliverable, multiplier), "{field} {told}");
        // A premium is per unit of a hundred, whatever is delivered.
        assert_eq!(put.average_price, Some(Price::new(dec!(0.28))));
        let mut query = wheelhouse_core::OptionQuery::new("F".parse().unwrap());
        query.strike = Some(Price::new(dec!(10)));
        let listed = at.broker.options().unwrap();
        let listed = listed.option_contracts(&at.account, query).await.unwrap();
        let read = (listed.items[0].deliverable, listed.items[0].multiplier);
        assert_eq!(read, (deliverable, multiplier), "{field} {told}");
        let wheel = wheelhouse_wheel::read(&at.broker, &at.account, &Standing)
            .await
            .unwrap();
        let counts = matches!(deliverable, None | Some(Deliverable::Standard));
        let puts: usize = wheel.wheels.iter().map(|it| it.puts.len()).sum();
        assert_eq!(puts == 1, counts, "{field} {told}");
    }
}

#[tokio::test]
async fn a_contract_that_was_adjusted_is_on_the_share_and_not_on_its_root() {
    let at = world().await;
    let mut adjusted = value("options_chain_F");
    adjusted["symbol"] = json!("F1");
    adjusted["underlying_instruments"][0]["quantity"] = json!("150.0000");
    let chains = page(&[adjusted, chain(KO_CHAIN, "KO"), chain(SOFI_CHAIN, "SOFI")]);
    at.mount("GET", "api", "/options/chains/", 200, chains, 1)
        .await;
    let mut contract = value("option_instrument_detail_F_put_10");
    contract["chain_symbol"] = json!("F1");
    let contracts = page(&[
        contract,
        value("option_instrument_detail_KO_call_75"),
        value("option_instrument_detail_SOFI_call_30"),
    ]);
    at.mount("GET", "api", "/options/instruments/", 200, contracts, 1)
        .await;
    let held = options(&at).await;
    let put = held
        .iter()
        .find(|it| it.contract.id.as_str() == PUT)
        .unwrap();
    assert_eq!(put.contract.underlying.as_str(), "F");
    assert_eq!(put.contract.deliverable, Some(Deliverable::Adjusted));
}

#[tokio::test]
async fn strikes_of_any_size_are_asked_for_without_a_panic() {
    let at = AtSim::new().await;
    let options = at.broker.options().unwrap();
    for strike in [Decimal::MAX, dec!(0.0000000000000000000000000001)] {
        let mut query = wheelhouse_core::OptionQuery::new("F".parse().unwrap());
        query.strike = Some(Price::new(strike));
        let page = options.option_contracts(&at.account, query).await;
        assert!(page.is_ok_and(|page| page.items.is_empty()), "{strike}");
    }
    let mut query = wheelhouse_core::OptionQuery::new("F".parse().unwrap());
    query.strike = Some(Price::new(dec!(10)));
    let page = options.option_contracts(&at.account, query).await.unwrap();
    assert!(!page.items.is_empty());
}
