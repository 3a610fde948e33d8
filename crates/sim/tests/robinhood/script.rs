//! What a script does: each fault of the documented list, moves of prices and time, settings.

use std::time::Duration;

use serde_json::{Value, json};
use wheelhouse_sim::{
    Script, Sim, SimBuilder, Start,
    robinhood::{Route, Settings},
};

use super::rig::{Rig, friday, limit};

fn sim(script: &Value, settings: Settings) -> SimBuilder {
    let script = Script::from_json(&json!({"robinhood": script}).to_string()).unwrap();
    Sim::builder()
        .robinhood("127.0.0.1:0".parse().unwrap())
        .robinhood_settings(settings)
        .time(Start::Frozen(friday()))
        .script(script)
}

/// A simulator with a script, and its user logged in.
async fn scripted(script: Value) -> Rig {
    let mut merged = script;
    merged["settings"]["login"] = json!("granted");
    let mut rig = Rig {
        sim: sim(&merged, Settings::new()).start().await.unwrap(),
        token: String::new(),
        host: "api.robinhood.com",
    };
    let tokens = rig.login("d1").await.expect(200);
    rig.token = tokens["access_token"].as_str().unwrap().to_owned();
    rig
}

async fn faulty(fault: Value) -> Rig {
    scripted(json!({"faults": [fault], "settings": {"page_size": 2}})).await
}

#[tokio::test]
async fn an_order_is_throttled_with_and_without_a_wait_in_a_header() {
    let text = r#"{"detail": "Request was throttled. Expected available in 14 seconds."}"#;
    for headers in [json!({"retry-after": "14"}), json!({})] {
        let answer = json!({"status": {"status": 429, "headers": headers, "body": text}});
        let rig = faulty(json!({"route": "place_order", "fault": answer, "times": 1})).await;
        let order = limit("buy", "1", "12.00", "r");
        let refusal = rig.post("/orders/", &order).await;
        assert_eq!(
            refusal.header("retry-after"),
            headers["retry-after"].as_str()
        );
        let said = refusal.expect(429)["detail"].clone();
        assert!(said.as_str().unwrap().ends_with("in 14 seconds."));
        assert!(rig.broker().ledger().placements().is_empty());
        rig.post("/orders/", &order).await.expect(201);
    }
}

#[tokio::test]
async fn an_order_meets_a_page_of_the_server_before_or_after_it_is_placed() {
    for acting in [false, true] {
        let page = json!({"html": {"status": 500}});
        let fault = json!({"route": "place_order", "fault": page, "acting": acting, "times": 1});
        let rig = faulty(fault).await;
        let page = rig.post("/orders/", &limit("buy", "1", "12.00", "r")).await;
        assert_eq!(page.status, 500);
        assert!(page.text().starts_with("<!DOCTYPE html>"));
        assert_eq!(
            rig.broker().ledger().placements().len(),
            usize::from(acting)
        );
    }
}

#[tokio::test]
async fn an_order_times_out_before_or_after_it_is_placed() {
    for acting in [false, true] {
        let fault = json!({
            "route": "place_order", "fault": {"stall": "before_head"}, "acting": acting, "times": 1,
        });
        let rig = faulty(fault).await;
        let order = limit("buy", "1", "12.00", "r");
        let ledger = rig.broker().ledger();
        // Only then is it silent: before, the order may still be on its way.
        let silence = async {
            while ledger.count(Route::PlaceOrder) == 0 {
                tokio::task::yield_now().await;
            }
            #[allow(clippy::disallowed_methods, reason = "nothing else ends a silence")]
            tokio::time::sleep(Duration::from_millis(300)).await;
        };
        tokio::select! {
            answer = rig.post("/orders/", &order) => panic!("{}", answer.status),
            () = silence => {}
        }
        let status = rig.post("/orders/", &order).await.status;
        assert_eq!(status, if acting { 409 } else { 201 });
    }
}

#[tokio::test]
async fn a_row_is_null_and_a_second_page_is_cut_off() {
    let nothing = json!({"set": {"pointer": "/results/1", "value": null}});
    let rig = faulty(json!({"route": "option_quotes", "fault": nothing})).await;
    let ids = "be7c2476-573c-466d-8294-f7150e29271c,8c469713-9205-420c-9252-5988481ce6f4";
    let rows = rig
        .get(&format!("/marketdata/options/?ids={ids}"))
        .await
        .rows();
    assert_eq!((rows.len(), &rows[1]), (2, &Value::Null));
    let cut = json!({"route": "positions", "fault": {"truncate": {"keep": 40}}, "after": 1});
    let rig = faulty(cut).await;
    let first = rig.get("/positions/?nonzero=true").await.expect(200);
    let next = first["next"].as_str().unwrap();
    let path = next.strip_prefix("https://api.robinhood.com").unwrap();
    let second = rig.get(path).await;
    assert_eq!((second.status, second.body.len()), (200, 40));
    let said: usize = second.header("content-length").unwrap().parse().unwrap();
    assert!(said > 40);
}

#[tokio::test]
async fn an_answer_has_the_wrong_content_type() {
    let fault = json!({"header": {"name": "Content-Type", "value": "text/html"}});
    let rig = faulty(json!({"route": "positions", "fault": fault, "times": 1})).await;
    let answer = rig.get("/positions/?nonzero=true").await;
    assert_eq!(answer.header("content-type"), Some("text/html"));
    assert_eq!(answer.rows().len(), 2);
    let answer = rig.get("/positions/?nonzero=true").await;
    assert_eq!(
        answer.header("content-type"),
        Some("application/json; charset=utf-8")
    );
}

#[tokio::test]
async fn prices_move_after_requests_and_after_seconds() {
    let rig = scripted(json!({
        "moves": [
            {"route": "place_order", "requests": 2, "prices": {"F": "11.90"}},
            {"seconds": 60, "prices": {"F": "11.50"}},
            {"seconds": 90, "prices": {"F": "12.80"}},
        ],
        "settings": {"fill_step": "1"},
    }))
    .await;
    let first = rig.place(limit("buy", "2", "12.00", "r1")).await;
    let id = first["id"].as_str().unwrap();
    assert_eq!(rig.order(id).await["state"], "confirmed");
    assert_eq!(rig.order(id).await["state"], "confirmed");
    rig.place(limit("buy", "1", "11.60", "r2")).await;
    let order = rig.order(id).await;
    assert_eq!(
        (&order["state"], &order["average_price"]),
        (&json!("partially_filled"), &json!("11.91000000"))
    );
    assert_eq!(rig.order(id).await["state"], "filled");
    // Both moves are over at once, and the order was reached between them.
    rig.sim.advance(Duration::from_secs(120));
    let rows = rig.get("/orders/").await.rows();
    assert_eq!(rows[0]["average_price"], "11.51000000");
    let quote = rig.get("/quotes/F/").await.expect(200);
    assert_eq!(quote["bid_price"], "12.800000");
}

#[tokio::test]
async fn time_jumps_after_requests() {
    let rig = scripted(json!({
        "moves": [{"route": "markets", "prices": {"F": "9.42"}, "advance_s": 2_440_800}],
        "settings": {"access_token_life_s": 10_000_000},
    }))
    .await;
    assert!(rig.get("/options/events/").await.rows().is_empty());
    rig.get("/markets/").await.expect(200);
    let rows = rig.get("/options/events/").await.rows();
    assert_eq!(rows[1]["type"], "assignment");
}

#[tokio::test]
async fn a_script_changes_single_settings_and_leaves_the_others() {
    let mut settings = Settings::new();
    settings.page_size = 1;
    let script = json!({"settings": {"login": "granted", "next_origin": "https://evil.example"}});
    let mut rig = Rig {
        sim: sim(&script, settings).start().await.unwrap(),
        token: String::new(),
        host: "api.robinhood.com",
    };
    let tokens = rig.login("d1").await.expect(200);
    rig.token = tokens["access_token"].as_str().unwrap().to_owned();
    let page = rig.get("/positions/").await.expect(200);
    assert_eq!(page["results"].as_array().unwrap().len(), 1);
    let next = page["next"].as_str().unwrap();
    assert!(next.starts_with("https://evil.example/positions/?cursor="));
}

#[tokio::test]
async fn names_of_prices_to_come_are_looked_at_before_the_start() {
    let script = json!({"moves": [{"seconds": 1, "prices": {"NOSUCH": "1"}}]});
    let error = sim(&script, Settings::new()).start().await.unwrap_err();
    assert!(error.to_string().contains("NOSUCH"), "{error}");
}
