//! Samples of the agentic gateway: it is not simulated, but what it hands through and names is of
//! the API that is.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Checked, listed, sample};
use crate::rig::{Reply, Rig, but, limit, send};

/// The text of a tool's result.
fn told(name: &str) -> String {
    let text = &sample(name)["result"]["content"][0]["text"];
    text.as_str().unwrap().to_owned()
}

fn data(name: &str) -> Value {
    let told: Value = serde_json::from_str(&told(name)).unwrap();
    told["data"].clone()
}

fn has(list: &Value, text: &Value) -> bool {
    list.as_array().unwrap().contains(text)
}

#[tokio::test]
async fn what_the_agentic_gateway_hands_through_is_answered() {
    let rig = Rig::start().await;
    let mut seen = BTreeSet::new();

    let name = "mcp_tools_call_get_accounts";
    let rows = rig.get("/accounts/").await.rows();
    for row in data(name)["accounts"].as_array().unwrap() {
        let same = |found: &&Value| found["account_number"] == row["account_number"];
        let found = rows.iter().find(same).unwrap();
        for (key, value) in row.as_object().unwrap() {
            assert_eq!(&found[key], value, "{key}");
        }
    }
    seen.insert(name);

    let name = "mcp_tools_call_place_option_order";
    let mut order = sample("req_option_sell_put_to_open");
    order["price"] = json!("0.30");
    let answer = rig.post("/options/orders/", &order).await;
    let mut checked = Checked::default();
    checked.row(name, &data(name), &answer.expect(201));
    assert!(checked.faults.is_empty(), "{:#?}", checked.faults);
    seen.insert(name);

    let name = "mcp_tools_call_error_duplicate_ref_id";
    let order = limit("buy", "1", "12.00", "r");
    rig.place(order.clone()).await;
    let refusal: Reply = rig
        .post("/orders/", &but(order, json!({"quantity": "2"})))
        .await;
    let text = format!("API error {}: {}", refusal.status, refusal.text());
    assert_eq!(text, told(name));
    seen.insert(name);

    let (name, server) = (
        "mcp_authorization_server_metadata",
        sample("mcp_authorization_server_metadata"),
    );
    let endpoint = server["token_endpoint"].as_str().unwrap();
    let path = endpoint.strip_prefix("https://api.robinhood.com").unwrap();
    let login = rig.login("d1").await.expect(200);
    let fields = json!({
        "grant_type": server["grant_types_supported"][1],
        "refresh_token": login["refresh_token"],
        "device_token": "d1",
    });
    let tokens = rig.form(path, &fields).await.expect(200);
    assert!(has(&server["scopes_supported"], &tokens["scope"]));
    seen.insert(name);

    let (name, resource) = (
        "mcp_protected_resource_metadata",
        sample("mcp_protected_resource_metadata"),
    );
    assert!(has(&resource["scopes_supported"], &tokens["scope"]));
    assert!(has(&resource["bearer_methods_supported"], &json!("header")));
    let token = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let header = [("Authorization", token.as_str())];
    send(rig.addr(), "GET", "/accounts/", &header, "")
        .await
        .expect(200);
    seen.insert(name);

    let seen: BTreeSet<String> = seen.into_iter().map(str::to_owned).collect();
    assert_eq!(seen, listed("within"));
}
