//! Orders that move on while they are read.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use wheelhouse_core::{BrokerExt, OrderQuery};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers};

use crate::rig::{SkipClock, builder, http};

const PLACED: &str = include_str!("../data/crypto_v2_order_placed_limit.json");

#[tokio::test]
async fn an_order_that_opens_while_the_open_ones_are_read_is_among_them() {
    let server = MockServer::start().await;
    let accounts = include_str!("../data/crypto_v2_accounts.json");
    Mock::given(matchers::path("/api/v2/crypto/trading/accounts/"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(accounts, "application/json"))
        .mount(&server)
        .await;
    let mut order: Value = serde_json::from_str(PLACED).unwrap();
    // Pending at the first question, open from then on.
    let asked = AtomicBool::new(false);
    let answer = move |request: &Request| {
        let state = match asked.swap(true, Ordering::SeqCst) {
            false => "pending",
            true => "open",
        };
        let wanted = request.url.query_pairs().any(|(_, value)| value == state);
        order["state"] = json!(state);
        let rows = if wanted { vec![order.clone()] } else { vec![] };
        ResponseTemplate::new(200).set_body_json(json!({"next": null, "results": rows}))
    };
    let answer = std::sync::Mutex::new(answer);
    Mock::given(matchers::path("/api/v2/crypto/trading/orders/"))
        .respond_with(move |request: &Request| (answer.lock().unwrap())(request))
        .mount(&server)
        .await;
    let broker = builder(&server.uri(), http(&SkipClock::default()))
        .build()
        .unwrap();
    let account = serde_json::from_str::<Value>(PLACED).unwrap()["account_number"].clone();
    let account = wheelhouse_core::AccountId::new(account.as_str().unwrap()).unwrap();
    let open = broker
        .all_orders(&account, OrderQuery::open())
        .await
        .unwrap();
    assert_eq!(open.len(), 1);
}
