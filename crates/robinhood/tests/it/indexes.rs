//! Options on indexes, which are no instruments.

use serde_json::{Value, json};
use wheelhouse_core::{Broker, BrokerExt, Deliverable, OptionQuery, Symbol};
use wiremock::{Mock, ResponseTemplate, matchers};

use crate::rig::{AtServer, PUT, sample};

const CHAINS: [(&str, &str); 2] = [("chain-of-spx", "SPX"), ("chain-of-spxw", "SPXW")];

fn value(name: &str) -> Value {
    serde_json::from_slice(&sample(name)).unwrap()
}

fn page(rows: &[Value]) -> Vec<u8> {
    json!({"next": null, "previous": null, "results": rows})
        .to_string()
        .into()
}

fn chain((id, symbol): (&str, &str)) -> Value {
    let mut chain = value("options_chain_F");
    chain["id"] = json!(id);
    chain["symbol"] = json!(symbol);
    chain["underlying_instruments"] = Value::Null;
    chain["underlyings"] = Value::Null;
    chain
}

fn contract((chain, symbol): (&str, &str)) -> Value {
    let mut contract = value("option_instrument_detail_F_put_10");
    contract["id"] = json!(format!("contract-of-{chain}"));
    contract["chain_id"] = json!(chain);
    contract["chain_symbol"] = json!(symbol);
    contract["underlying_type"] = json!("index");
    contract
}

async fn at_index() -> AtServer {
    let at = AtServer::new().await;
    let indexes = json!({"symbol": "SPX", "tradable_chain_ids": [CHAINS[0].0, CHAINS[1].0]});
    for (route, body) in [
        ("/instruments/", sample("instruments_empty")),
        ("/indexes/", page(&[indexes])),
        // The broker ignores filters now and then.
        (
            "/options/chains/",
            page(&[chain(CHAINS[0]), value("options_chain_F"), chain(CHAINS[1])]),
        ),
    ] {
        at.mount("GET", "api", route, 200, body, 2).await;
    }
    for it in CHAINS {
        let route = format!("/options/chains/{}/", it.0);
        at.mount("GET", "api", &route, 200, chain(it).to_string().into(), 2)
            .await;
        let body = page(&[contract(it)]);
        Mock::given(matchers::path("/api.robinhood.com/options/instruments/"))
            .and(matchers::query_param("chain_id", it.0))
            .respond_with(ResponseTemplate::new(200).set_body_raw(body, "application/json"))
            .with_priority(1)
            .mount(&at.server)
            .await;
    }
    at
}

#[tokio::test]
async fn chains_and_contracts_on_an_index_are_read_from_all_of_its_chains() {
    let at = at_index().await;
    let spx = Symbol::new("SPX").unwrap();
    let options = at.broker.options().unwrap();
    let chains = options.option_chains(&at.account, &spx).await.unwrap();
    let read: Vec<_> = chains
        .iter()
        .map(|it| (it.id.as_str(), it.root.as_ref().unwrap_or(&spx).as_str()))
        .collect();
    assert_eq!(read, CHAINS);
    assert!(chains.iter().all(|it| it.underlying == spx));
    let query = OptionQuery::new(spx.clone());
    let mut pages = at.broker.option_pages(&at.account, query).unwrap();
    let mut contracts = Vec::new();
    while let Some(page) = pages.next().await.unwrap() {
        contracts.extend(page);
    }
    let read: Vec<_> = contracts.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(
        read,
        ["contract-of-chain-of-spx", "contract-of-chain-of-spxw"]
    );
    for contract in contracts {
        assert_eq!(contract.underlying, spx);
        assert_eq!(contract.deliverable, Some(Deliverable::Cash));
    }
    assert_eq!(at.sent("GET", "/indexes/").await.len(), 1);
}

#[tokio::test]
async fn what_is_neither_a_share_nor_an_index_is_not_found() {
    let at = at_index().await;
    let options = at.broker.options().unwrap();
    for (body, status) in [(page(&[]), 200), (sample("error_404"), 404)] {
        at.mount("GET", "api", "/indexes/", status, body, 1).await;
        let name = Symbol::new("NOSUCH").unwrap();
        let chains = options.option_chains(&at.account, &name).await;
        assert_eq!(chains.unwrap_err().code(), 3002);
        let contracts = OptionQuery::new(name);
        let contracts = options.option_contracts(&at.account, contracts).await;
        assert_eq!(contracts.unwrap_err().code(), 3002);
    }
}

#[tokio::test]
async fn an_index_that_is_told_in_another_form_or_in_part_is_an_error() {
    let spx = Symbol::new("SPX").unwrap();
    let at = at_index().await;
    let other = page(&[json!({"symbol": "SPX", "chains": []})]);
    at.mount("GET", "api", "/indexes/", 200, other, 1).await;
    let options = at.broker.options().unwrap();
    let error = options.option_chains(&at.account, &spx).await;
    assert_eq!(error.unwrap_err().code(), 3006);

    let at = at_index().await;
    let one = page(&[chain(CHAINS[0])]);
    at.mount("GET", "api", "/options/chains/", 200, one, 1)
        .await;
    let options = at.broker.options().unwrap();
    let error = options.option_chains(&at.account, &spx).await;
    assert_eq!(error.unwrap_err().code(), 3006);
}

/// A put that is written on an index is no way to shares.
#[tokio::test]
async fn a_contract_held_on_an_index_delivers_cash_whatever_its_chain_leaves_out() {
    let at = at_index().await;
    let mut held = value("options_positions_nonzero");
    held["results"].as_array_mut().unwrap().truncate(1);
    let mut of_index = contract(CHAINS[1]);
    of_index["id"] = json!(PUT);
    let body = held.to_string().into();
    at.mount("GET", "api", "/options/positions/", 200, body, 1)
        .await;
    let body = page(&[of_index]);
    at.mount("GET", "api", "/options/instruments/", 200, body, 1)
        .await;
    let options = at.broker.options().unwrap();
    let held = options.option_positions(&at.account).await.unwrap();
    assert_eq!(held[0].contract.deliverable, Some(Deliverable::Cash));
    assert_eq!(held[0].contract.underlying.as_str(), "SPXW");
}
