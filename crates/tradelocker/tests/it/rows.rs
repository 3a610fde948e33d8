//! Rows are mapped by the names of their columns.

use bytes::Bytes;
use proptest::prelude::*;
use wheelhouse_core::{AccountId, BrokerExt, ClientOrderId, Currency, Position, dec, lots};
use wheelhouse_sim::{
    Fault, Kind,
    faults::RowFault,
    tradelocker::{Columns as SimColumns, RateLimits, Route, Settings, Table, UserSpec},
};
use wheelhouse_tradelocker::wire::{
    positions::{self, position},
    table::Columns,
};

use crate::rig::{AtServer, AtSim};

const POSITIONS: &str = "/trade/accounts/1002003/positions";

fn read(body: &str, ids: &[&str]) -> wheelhouse_core::Result<Vec<Position>> {
    let columns = Columns::new(&position::IDS, ids.iter().copied());
    let table = positions::decode(&Bytes::copy_from_slice(body.as_bytes()), &columns)?;
    let mut all = Vec::new();
    let account = AccountId::new("1").unwrap();
    positions::for_each(&table, &account, Some(Currency::USD), |position| {
        all.push(position)
    })?;
    Ok(all)
}

#[tokio::test]
async fn f28_reordered_and_unknown_columns_are_mapped_by_name() {
    let at = AtServer::new().await;
    let usual = at.broker.all_positions(&at.account).await.unwrap();
    let at = AtServer::new().await;
    at.answer("GET", "/trade/config", "trade_config_reordered_columns_200")
        .await;
    at.answer("GET", POSITIONS, "trade_positions_reordered_200")
        .await;
    at.answer(
        "GET",
        "/trade/accounts/1002003/orders",
        "trade_orders_reordered_200",
    )
    .await;
    let reordered = at.broker.all_positions(&at.account).await.unwrap();
    assert_eq!(reordered, usual[..1]);
    let orders = at
        .broker
        .all_orders(&at.account, wheelhouse_core::OrderQuery::open())
        .await
        .unwrap();
    assert_eq!(orders[0].id.as_str(), "7100000000907673698");
    assert_eq!(orders[0].limit_price.unwrap().value(), dec!(85000));
    let label = ClientOrderId::new("sdk-01HZX0000000000000000001").unwrap();
    assert_eq!(orders[0].client_order_id, Some(label));
}

#[tokio::test]
async fn f28_columns_that_change_while_it_runs_are_read_again_once() {
    let at = AtServer::new().await;
    at.broker.all_positions(&at.account).await.unwrap();
    at.answer("GET", "/trade/config", "trade_config_reordered_columns_200")
        .await;
    at.answer("GET", POSITIONS, "trade_positions_reordered_200")
        .await;
    let reordered = at.broker.all_positions(&at.account).await.unwrap();
    assert_eq!(
        (reordered[0].id.as_str(), reordered[0].size),
        ("7100000000846858725", lots!(0.02))
    );
    at.broker.all_positions(&at.account).await.unwrap();
    assert_eq!(at.requests("GET", "/trade/config").await.len(), 2);
}

#[tokio::test]
async fn f28_rows_that_stay_longer_are_taken_and_the_columns_are_not_read_for_ever() {
    let at = AtSim::new().await;
    at.sim
        .tradelocker()
        .seed_positions(at.account.as_str(), "EURUSD", 3)
        .unwrap();
    at.sim
        .tradelocker()
        .faults()
        .add(Fault::new(Route::Positions, Kind::Rows(RowFault::Longer)));
    for _ in 0..3 {
        let positions = at.broker.all_positions(&at.account).await.unwrap();
        assert_eq!(positions.len(), 3);
    }
    assert_eq!(at.sim.tradelocker().ledger().count(Route::Config), 2);
}

#[tokio::test]
async fn f28_rows_that_cannot_be_mapped_are_an_error_that_names_the_value() {
    let at = AtSim::new().await;
    at.sim
        .tradelocker()
        .seed_positions(at.account.as_str(), "EURUSD", 1)
        .unwrap();
    at.sim
        .tradelocker()
        .faults()
        .add(Fault::new(Route::Positions, Kind::Rows(RowFault::Reversed)));
    let error = at.broker.all_positions(&at.account).await.unwrap_err();
    assert_eq!(error.code(), 3006);
    assert!(error.message().starts_with("d.positions[0]."), "{error}");
}

#[tokio::test]
async fn rows_that_stay_shorter_lack_their_last_value_only() {
    let at = AtSim::new().await;
    at.sim
        .tradelocker()
        .seed_positions(at.account.as_str(), "EURUSD", 1)
        .unwrap();
    at.sim
        .tradelocker()
        .faults()
        .add(Fault::new(Route::Positions, Kind::Rows(RowFault::Shorter)));
    let positions = at.broker.all_positions(&at.account).await.unwrap();
    assert_eq!(positions[0].client_order_id, None);
}

#[tokio::test]
async fn columns_that_are_gone_are_missing_and_nothing_else() {
    let kept = ["qty", "id", "side", "tradableInstrumentId"].map(str::to_owned);
    let columns = SimColumns::default().with(Table::Positions, kept).unwrap();
    let settings = Settings::new()
        .rate_limits(RateLimits::off())
        .columns(columns);
    let at = AtSim::with(settings, UserSpec::demo()).await;
    at.sim
        .tradelocker()
        .seed_positions(at.account.as_str(), "EURUSD", 2)
        .unwrap();
    let positions = at.broker.all_positions(&at.account).await.unwrap();
    assert_eq!(positions.len(), 2);
    assert_eq!(
        (positions[0].average_price, positions[0].opened_at),
        (None, None)
    );
}

#[test]
fn every_position_tells_its_own_row() {
    let body = r#"{"d":{"positions":[["1","278","buy","1"],["2","278","sell","2"]]},"s":"ok"}"#;
    let all = read(body, &["id", "tradableInstrumentId", "side", "qty"]).unwrap();
    assert_eq!(all[1].raw.json().unwrap(), r#"["2","278","sell","2"]"#);
}

#[test]
fn escapes_numbers_and_nulls_are_read_as_what_they_mean() {
    let ids = [
        "id",
        "strategyId",
        "tradableInstrumentId",
        "qty",
        "side",
        "avgPrice",
    ];
    let body = r#"{"s":"ok","d":{"positions":[["71\u0030","a\u002db",278,1.50,"BUY",null]]}}"#;
    let all = read(body, &ids).unwrap();
    assert_eq!(all[0].id.as_str(), "710");
    assert_eq!(all[0].client_order_id.as_ref().unwrap().as_str(), "a-b");
    assert_eq!(
        (all[0].instrument.as_str(), all[0].size),
        ("278", lots!(1.50))
    );
}

#[test]
fn sup_3_a_flood_of_tiny_rows_is_refused() {
    let mut body = String::from(r#"{"s":"ok","d":{"positions":["#);
    body.push_str(&"[0],".repeat(1_000_000));
    body.push_str("[0]]}}");
    let error = read(&body, &["id"]).unwrap_err();
    assert_eq!(error.code(), 3006);
}

/// A row by the names of its columns.
fn row() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let text = |text: String| serde_json::Value::from(text).to_string();
    (
        1u64..u64::MAX,
        1u32..100_000,
        -1_000_000i64..1_000_000,
        "[ -~]{0,20}",
        any::<bool>(),
    )
        .prop_map(move |(id, qty, pnl, label, buy)| {
            vec![
                ("id", text(id.to_string())),
                ("tradableInstrumentId", text("278".to_owned())),
                ("routeId", "9001".to_owned()),
                ("side", text(if buy { "buy" } else { "sell" }.to_owned())),
                ("qty", text(format!("{}.{:02}", qty / 100, qty % 100))),
                ("avgPrice", format!("{}.5", qty)),
                ("stopLossId", "null".to_owned()),
                ("takeProfitId", text((id / 2 + 1).to_string())),
                ("openDate", text("1893456025500".to_owned())),
                ("unrealizedPl", text(format!("{pnl}"))),
                ("strategyId", text(label)),
                ("somethingNew", r#"{"a":[1,"]",null]}"#.to_owned()),
            ]
        })
}

fn written(row: &[(&str, String)]) -> String {
    let values: Vec<_> = row.iter().map(|(_, value)| value.as_str()).collect();
    format!(
        r#"{{"s":"ok","d":{{"positions":[[{}]]}}}}"#,
        values.join(",")
    )
}

proptest! {
    #[test]
    fn any_order_of_the_columns_gives_the_same_position(
        (straight, shuffled) in row().prop_flat_map(|row| (Just(row.clone()), Just(row).prop_shuffle())),
    ) {
        let ids = |row: &[(&'static str, String)]| row.iter().map(|(id, _)| *id).collect::<Vec<_>>();
        let one = read(&written(&straight), &ids(&straight)).unwrap();
        let other = read(&written(&shuffled), &ids(&shuffled)).unwrap();
        prop_assert_eq!(one, other);
    }

    #[test]
    fn sup_8_no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let columns = Columns::new(&position::IDS, position::IDS);
        let _ = positions::decode(&Bytes::from(bytes), &columns);
    }

    #[test]
    fn sup_8_no_rows_make_the_decoder_panic(
        rows in r#"(\[("[a-z0-9.\\"]{0,6}"|null|-?[0-9e.]{1,6}|true|\{\}|\[\]|,){0,13}\],?){0,4}"#,
        names in proptest::sample::subsequence(position::IDS.to_vec(), 0..=position::COUNT),
    ) {
        let body = format!(r#"{{"s":"ok","d":{{"positions":[{rows}]}}}}"#);
        let _ = read(&body, &names);
    }
}
