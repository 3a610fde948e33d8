//! Every endpoint that Robinhood describes is reached by a method of the adapter.

use std::collections::BTreeSet;

use wheelhouse_core::{
    Broker, BrokerExt, ExecutionQuery, InstrumentId, OrderQuery, PositionQuery, Quantity, Side, dec,
};
use wheelhouse_robinhood::CryptoApiVersion;

use crate::rig::{AtSim, accepted, btc, user};

const README: &str = include_str!("../../README.md");

/// The endpoints of the table in the crate's documentation: method, version and path.
fn documented() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for row in README.lines().filter(|line| line.starts_with("| `/api/")) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let (path, methods) = (cells[1].trim_matches('`'), cells[2].trim_matches('`'));
        assert!(!cells[3].is_empty(), "{row}");
        for version in ["v1", "v2"] {
            if path.contains("{version}") || path.contains(&format!("/{version}/")) {
                all.insert(format!("{methods} {}", path.replace("{version}", version)));
            }
        }
    }
    all
}

#[tokio::test]
async fn every_endpoint_of_both_versions_is_reached_by_a_method() {
    let mut reached = BTreeSet::new();
    for version in [CryptoApiVersion::V1, CryptoApiVersion::V2] {
        let at = AtSim::with(user().coins("ETH", dec!(1)), |_| {}).await;
        let broker = at.another(version);
        let account = broker.accounts().await.unwrap().only().unwrap();
        let eth = InstrumentId::new("ETH-USD").unwrap();
        broker
            .find_instrument(&account.id, "BTC-USD")
            .await
            .unwrap();
        let held = PositionQuery::all().instrument(eth.clone());
        let held = broker.positions(&account.id, held).await.unwrap();
        assert_eq!(held.items[0].size.amount(), dec!(1));
        broker.quotes(&account.id, &[btc(), eth]).await.unwrap();
        let quantities = [Quantity::new(dec!(0.1)), Quantity::new(dec!(0.2))];
        for side in [Side::Buy, Side::Sell] {
            let estimates = broker.estimated_prices(&btc(), side, &quantities).await;
            assert_eq!(estimates.unwrap().len(), 2);
        }
        let placed = accepted(broker.place_order(&at.resting()).await.unwrap());
        broker.order(&account.id, &placed.id).await.unwrap();
        broker.orders(&account.id, OrderQuery::all()).await.unwrap();
        broker
            .executions(&account.id, ExecutionQuery::all())
            .await
            .unwrap();
        broker.cancel_order(&account.id, &placed.id).await.unwrap();

        for request in at.api().ledger().requests() {
            let path = request.path.replace(placed.id.as_str(), "{id}");
            reached.insert(format!("{} {path}", request.method));
            let query = request.query;
            match request.route {
                "best_bid_ask" => assert_eq!(query, "symbol=BTC-USD&symbol=ETH-USD"),
                "estimated_price" => assert!(query.ends_with("quantity=0.1%2C0.2"), "{query}"),
                // The account is named in the query of version 2, and never in a body.
                "holdings" | "orders" | "order" | "place_order" => assert_eq!(
                    query.contains("account_number=123456789012"),
                    version == CryptoApiVersion::V2,
                    "{query}"
                ),
                _ => assert!(!query.contains("account_number"), "{query}"),
            }
            if request.route == "holdings" {
                assert!(query.ends_with("asset_code=ETH"), "{query}");
            }
        }
        assert!(at.api().ledger().rejections().is_empty());
    }
    assert_eq!(reached.len(), 18);
    assert_eq!(reached, documented());
}
