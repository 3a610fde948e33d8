//! Values that do not fit, field by field.

use wheelhouse_core::{Broker, BrokerExt, Effect, OrderQuery, OrderState, Result, Symbol, dec};

use crate::rig::AtServer;

const POSITIONS: &str = "/trade/accounts/1002003/positions";

async fn positions_with(body: impl Into<String>) -> Result<Vec<wheelhouse_core::Position>> {
    let at = AtServer::new().await;
    at.body("GET", POSITIONS, 200, body).await;
    at.broker.all_positions(&at.account).await
}

fn with_qty(qty: &str) -> String {
    format!(
        r#"{{"s":"ok","d":{{"positions":[["1","206","9001","buy",{qty},"90300.33",null,null,"1893456025500","-45.81",null]]}}}}"#
    )
}

#[tokio::test]
async fn f1_malformed_json_is_an_error_with_its_place_and_without_its_text() {
    for body in [
        r#"{"s":"ok","d":{"positions":[["canary"#,
        "canary",
        r#"{"s":"ok",}"#,
        "{\"s\":\"ok\"} canary",
    ] {
        let error = positions_with(body).await.unwrap_err();
        assert!(
            error.code() == 3006 || error.code() == 2004,
            "{body}: {error}"
        );
        assert_eq!(error.effect(), Effect::None);
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
    let error = positions_with("{\"s\":\"ok\",\n\"d\":x}")
        .await
        .unwrap_err();
    assert!(error.message().contains("line 2"), "{error}");
}

#[tokio::test]
async fn f3_f24_what_is_empty_null_or_missing_is_named() {
    for (body, hint) in [
        ("", "empty"),
        (" \n", "empty"),
        (r#"{"s":"ok"}"#, "d.positions is missing"),
        (r#"{"s":"ok","d":null}"#, "d.positions is missing"),
        (r#"{"s":"ok","d":{}}"#, "d.positions is missing"),
        (r#"{"d":{"positions":[]}}"#, "s is missing"),
        (
            r#"{"s":"ok","d":{"positions":[[null,"206","1","buy","1"]]}}"#,
            "d.positions[0].id is missing",
        ),
        (
            r#"{"s":"ok","d":{"positions":[["1","206","1","buy",""]]}}"#,
            "d.positions[0].qty is missing",
        ),
        (
            r#"{"s":"ok","d":{"positions":[["1","206","1","buy","1"],["2","206","1","up","1"]]}}"#,
            "d.positions[1].side is neither buy nor sell",
        ),
        (
            r#"{"s":"ok","d":{"positions":[["1/2","206","1","buy","1"]]}}"#,
            "d.positions[0].id is not an identifier",
        ),
        (
            r#"{"s":"ok","d":{"positions":[["1","206","1",["buy"],"1"]]}}"#,
            "d.positions[0].side is not text",
        ),
    ] {
        let error = positions_with(body).await.unwrap_err();
        assert_eq!(error.code(), 3006, "{body}");
        assert!(error.message().contains(hint), "{body}: {error}");
    }
}

#[tokio::test]
async fn f4_an_error_in_a_success_is_an_error() {
    let error = positions_with(crate::rig::sample("error_d_null_200"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.broker_message()),
        (3005, Some("Internal error"))
    );
    let error = positions_with(r#"{"s":"error"}"#).await.unwrap_err();
    assert_eq!(error.code(), 3001);
    let error =
        positions_with(r#"{"s":"error","errmsg":"Account not found","d":{"positions":[]}}"#)
            .await
            .unwrap_err();
    assert_eq!(error.code(), 3002);
}

#[tokio::test]
async fn f20_an_answer_ten_thousand_levels_deep_is_an_error() {
    for deep in [
        "[".repeat(10_000),
        format!(r#"{{"s":"ok","d":{}"#, r#"{"d":"#.repeat(10_000)),
    ] {
        let error = positions_with(deep).await.unwrap_err();
        assert!(error.code() == 3006 || error.code() == 2004, "{error}");
    }
    let inside = with_qty(&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)));
    assert_eq!(positions_with(inside).await.unwrap_err().code(), 3006);
}

#[tokio::test]
async fn f21_a_key_that_comes_twice_is_an_error() {
    for body in [
        r#"{"s":"ok","s":"ok","d":{"positions":[]}}"#,
        r#"{"s":"ok","d":{"positions":[]},"d":{"positions":[]}}"#,
        r#"{"s":"ok","d":{"positions":[],"positions":[]}}"#,
    ] {
        let error = positions_with(body).await.unwrap_err();
        assert_eq!(error.code(), 3006, "{body}");
        assert!(error.message().contains("duplicate field"), "{error}");
    }
}

#[tokio::test]
async fn f22_numbers_come_as_text_or_numbers_and_nothing_else() {
    for qty in ["0.02", "\"0.02\"", "2e-2", "\"2E-2\"", "0.0200"] {
        let position = positions_with(with_qty(qty)).await.unwrap().remove(0);
        assert_eq!(position.size.amount(), dec!(0.02), "{qty}");
    }
    for qty in [
        "\"1,000.5\"",
        "\"0x10\"",
        "true",
        "\" 1\"",
        "\"1_000\"",
        "\"one\"",
        "{}",
    ] {
        let error = positions_with(with_qty(qty)).await.unwrap_err();
        assert_eq!(error.code(), 3006, "{qty}");
        assert!(
            error.message().starts_with("d.positions[0].qty is not"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn f23_numbers_that_are_not_exact_are_refused() {
    let forty = "9".repeat(40);
    for qty in [
        "1e400",
        "1e-400",
        "\"NaN\"",
        "\"Infinity\"",
        "\"1e400\"",
        &forty,
        &format!("\"0.{forty}\""),
    ] {
        let error = positions_with(with_qty(qty)).await.unwrap_err();
        assert_eq!(error.code(), 3006, "{qty}");
    }
    for no_json in ["NaN", "Infinity", "01", "+1"] {
        assert_eq!(
            positions_with(with_qty(no_json)).await.unwrap_err().code(),
            3006,
            "{no_json}"
        );
    }
    let exact = positions_with(with_qty("1234567890123456789.123456789"))
        .await
        .unwrap();
    assert_eq!(
        exact[0].size.amount().to_string(),
        "1234567890123456789.123456789"
    );
    assert!(
        positions_with(with_qty("-0")).await.unwrap()[0]
            .size
            .amount()
            .is_zero()
    );
}

#[tokio::test]
async fn f25_f26_unknown_values_are_kept_and_extra_keys_ignored() {
    let at = AtServer::new().await;
    let body = r#"{"s":"ok","new":[1],"d":{"page":1,"orders":[["1","206","9001","1","buy","iceberg","Simmering",null,null,"5",null,"GTX",null,"1893456010123","1893456010000","true",null,"4","ratio",null,null,null]]}}"#;
    at.body("GET", "/trade/accounts/1002003/orders", 200, body)
        .await;
    let orders = at
        .broker
        .all_orders(&at.account, OrderQuery::open())
        .await
        .unwrap();
    assert_eq!(orders[0].state, OrderState::Other("Simmering".to_owned()));
    assert_eq!(orders[0].order_type.to_string(), "iceberg");
    assert_eq!(orders[0].time_in_force.to_string(), "GTX");
    assert_eq!(orders[0].stop_loss, None);
    assert!(orders[0].raw.json().unwrap().contains("ratio"));
}

#[tokio::test]
async fn f27_times_in_another_unit_are_refused() {
    for time in [
        "\"1893456025\"",
        "\"1893456025500000\"",
        "\"2030-01-01T00:00:00Z\"",
        "-1",
    ] {
        let body = with_qty("1").replace("\"1893456025500\"", time);
        let error = positions_with(body).await.unwrap_err();
        assert!(
            error.message().contains("openDate is not a time"),
            "{time}: {error}"
        );
    }
    let none = positions_with(with_qty("1").replace("\"1893456025500\"", "null"))
        .await
        .unwrap();
    assert_eq!(none[0].opened_at, None);
}

#[tokio::test]
async fn f29_a_byte_order_mark_is_taken_and_other_encodings_are_not() {
    let marked = format!("\u{FEFF}{}", with_qty("1"));
    assert_eq!(positions_with(marked).await.unwrap().len(), 1);
    let at = AtServer::new().await;
    let latin = wiremock::ResponseTemplate::new(200).set_body_raw(
        b"{\"s\":\"ok\",\"d\":{\"positions\":[[\"\xe9\"]]}}".to_vec(),
        "application/json",
    );
    at.respond("GET", POSITIONS, latin).await;
    assert_eq!(
        at.broker
            .all_positions(&at.account)
            .await
            .unwrap_err()
            .code(),
        3006
    );
}

#[tokio::test]
async fn f53_f54_symbols_are_looked_up_by_exact_name_and_never_guessed() {
    let at = AtServer::new().await;
    let find = async |symbol: &str| {
        let symbol = Symbol::new(symbol)?;
        at.broker.instrument(&at.account, &symbol).await
    };
    for (symbol, hint) in [
        ("BTCUSD.x", "alike are BTCUSD"),
        ("btcusd", "alike are BTCUSD"),
        ("NOPE", "called NOPE"),
    ] {
        let error = find(symbol).await.unwrap_err();
        assert_eq!(error.code(), 3002);
        assert!(error.message().contains(hint), "{symbol}: {error}");
    }
    for symbol in [
        "EUR\u{200B}USD",
        "\u{415}URUSD",
        "EURUSD ",
        "/../x",
        "%2e",
        "A\r\nX",
    ] {
        assert_eq!(find(symbol).await.unwrap_err().code(), 5001, "{symbol:?}");
    }
}

#[tokio::test]
async fn a_name_that_two_instruments_share_is_not_guessed() {
    let at = AtServer::new().await;
    let two = r#"{"s":"ok","d":{"instruments":[
        {"tradableInstrumentId":1,"name":"X","type":"EQUITY","routes":[]},
        {"tradableInstrumentId":2,"name":"X","type":"NEWTYPE","routes":[{"id":1,"type":"INFO"}]},
        {"tradableInstrumentId":3,"name":"Caf\u00e9","type":"ETF","routes":[]}]}}"#;
    at.body("GET", "/trade/accounts/1002003/instruments", 200, two)
        .await;
    let symbol = Symbol::new("X").unwrap();
    let error = at
        .broker
        .instrument(&at.account, &symbol)
        .await
        .unwrap_err();
    assert_eq!(error.code(), 5001);
    assert!(error.message().contains("1, 2"), "{error}");
    let all = at
        .broker
        .instruments(&at.account, Default::default())
        .await
        .unwrap()
        .items;
    // A name that is no symbol hides neither the instrument nor the others.
    assert_eq!(
        (all[2].symbol.as_str(), all[2].name.as_deref()),
        ("#3", Some("Caf\u{e9}"))
    );
    let quote = at
        .broker
        .quotes(&at.account, &[all[0].id.clone()])
        .await
        .unwrap_err();
    assert_eq!(quote.code(), 3010);
}
