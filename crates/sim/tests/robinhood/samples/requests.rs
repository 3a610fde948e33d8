//! Request samples: bodies as clients send them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wheelhouse_sim::robinhood::{LoginFlow, Settings, UserSpec};

use super::{listed, sample};
use crate::rig::{Reply, Rig, dec, send};

/// Sends ordered pairs as a form.
async fn form(rig: &Rig, path: &str, pairs: &Value) -> Reply {
    let encoded: Vec<String> = pairs
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| {
            let value = pair[1]
                .as_str()
                .unwrap()
                .replace('%', "%25")
                .replace('&', "%26");
            format!(
                "{}={}",
                pair[0].as_str().unwrap(),
                value.replace('+', "%2B").replace(' ', "+")
            )
        })
        .collect();
    let bearer = format!("Bearer {}", rig.token);
    let headers = [
        ("Authorization", bearer.as_str()),
        (
            "Content-Type",
            "application/x-www-form-urlencoded; charset=utf-8",
        ),
    ];
    send(rig.addr(), "POST", path, &headers, &encoded.join("&")).await
}

fn user() -> UserSpec {
    UserSpec::new("user@example.com", "not-a-real-password").wheel_world()
}

#[tokio::test]
async fn every_request_sample_is_acted_on() {
    let mut taken = BTreeSet::new();
    let mut settings = Settings::new();
    settings.login = LoginFlow::Granted;
    let mut rig = Rig::out(user(), settings).await;
    let mut took = |name: &str, reply: Reply, status: u16| {
        assert_eq!(reply.status, status, "{name}: {}", reply.text());
        taken.insert(name.to_owned());
        reply.json()
    };

    let reply = rig
        .open("POST", "/oauth2/token/", &sample("req_login_web"))
        .await;
    let tokens = took("req_login_web", reply, 200);
    rig.token = tokens["access_token"].as_str().unwrap().to_owned();
    let reply = form(&rig, "/oauth2/token/", &sample("req_login_robin_stocks")).await;
    let second = took("req_login_robin_stocks", reply, 200);
    let with_token = |name: &str, token: &Value| {
        let mut pairs = sample(name);
        for pair in pairs.as_array_mut().unwrap() {
            if pair[1] == "madeUpRefreshTokenAAAAAAAAAAAA1" {
                pair[1] = token.clone();
            }
        }
        pairs
    };
    let pairs = with_token("req_refresh", &second["refresh_token"]);
    let third = took(
        "req_refresh",
        form(&rig, "/oauth2/token/", &pairs).await,
        200,
    );
    let pairs = with_token("req_revoke", &third["refresh_token"]);
    took(
        "req_revoke",
        form(&rig, "/oauth2/revoke_token/", &pairs).await,
        200,
    );

    // Shares for the orders that sell.
    let buy = crate::rig::limit("buy", "20", "12.40", "shares");
    rig.place(buy).await;
    for name in [
        "req_equity_buy_limit_robin_stocks",
        "req_equity_buy_market_robin_stocks",
        "req_equity_buy_limit_extended_robin_stocks",
        "req_equity_sell_market_robin_stocks",
        "req_equity_sell_stop_robin_stocks",
        "req_equity_sell_stop_limit_robin_stocks",
    ] {
        let mut pairs = sample(name);
        for pair in pairs.as_array_mut().unwrap() {
            if pair[0] == "ref_id" {
                pair[1] = json!(name);
            }
        }
        took(name, form(&rig, "/orders/", &pairs).await, 201);
    }
    for (name, status) in [
        ("req_equity_buy_dollars_web", 201),
        ("req_equity_buy_limit_web", 201),
        ("req_equity_trailing_stop_robin_stocks", 400),
    ] {
        let mut body = sample(name);
        body["ref_id"] = json!(name);
        took(name, rig.post("/orders/", &body).await, status);
    }
    for name in [
        "req_option_sell_put_to_open",
        "req_option_spread",
        "req_option_stop_limit",
    ] {
        took(name, rig.post("/options/orders/", &sample(name)).await, 201);
    }
    let reply = rig
        .call(
            "POST",
            "nummus.robinhood.com",
            "/orders/",
            &sample("req_nummus_order"),
        )
        .await;
    took("req_nummus_order", reply, 201);
    assert_eq!(
        rig.broker()
            .ledger()
            .placements()
            .iter()
            .filter(|p| p.quantity > dec("0"))
            .count(),
        13
    );

    let rig = Rig::out(user(), Settings::new()).await;
    let workflow = || async {
        let asked = rig
            .open("POST", "/oauth2/token/", &sample("req_login_web"))
            .await
            .json();
        asked["verification_workflow"]["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let id = workflow().await;
    let mut machine = sample("req_user_machine");
    machine["input"]["workflow_id"] = json!(id);
    let reply = rig
        .open("POST", "/pathfinder/user_machine/", &machine)
        .await;
    let made = took("req_user_machine", reply, 200);
    let view = format!(
        "/pathfinder/inquiries/{}/user_view/",
        made["id"].as_str().unwrap()
    );
    let reply = rig
        .open("POST", &view, &sample("req_user_view_continue"))
        .await;
    took("req_user_view_continue", reply, 200);
    let path = format!("/identi.robinhood.com/idl/v1/workflow/{id}/");
    let kind = [("Content-Type", "application/json")];
    for name in [
        "req_identi_entry",
        "req_identi_proceed",
        "req_identi_fallback",
    ] {
        let body = sample(name).to_string();
        took(
            name,
            send(rig.addr(), "PATCH", &path, &kind, &body).await,
            200,
        );
    }
    let screen = send(
        rig.addr(),
        "PATCH",
        &path,
        &kind,
        &sample("req_identi_entry").to_string(),
    )
    .await;
    let screen = &screen.json()["route"]["replace"]["screen"];
    let challenge = screen["smsChallengeScreenParams"]["sheriffChallenge"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/challenge/{challenge}/respond/");
    let reply = rig
        .open("POST", &path, &sample("req_challenge_respond"))
        .await;
    assert_eq!(
        took("req_challenge_respond", reply, 200)["status"],
        "validated"
    );

    for name in crate::crypto::requests().await {
        taken.insert(name);
    }
    let left: Vec<String> = listed("taken").difference(&taken).cloned().collect();
    assert!(left.is_empty(), "not sent: {left:?}");
}
