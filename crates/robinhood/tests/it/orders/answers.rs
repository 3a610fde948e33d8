//! What comes of every answer.

use serde_json::{Value, json};
use wheelhouse_core::{
    Broker, Effect, ErrorKind, OptionLeg, OrderKind, OrderRequest, OrderSize, PositionEffect,
    RejectReason, Side, Submission, TimeInForce, TradingHours, dec, shares,
};

use super::{FRIDAY, REF, accepted, at_friday, leg, option_order, price, share_order};
use crate::rig::{AtServer, PUT, sample};

#[tokio::test]
async fn every_answer_to_a_placement_has_its_outcome() {
    enum Expected {
        Error(u16),
        Rejected(RejectReason),
        Unknown,
    }
    use Expected::{Error, Rejected, Unknown};
    for (status, body, expected) in [
        (201, json!({}), Unknown),
        (200, json!({}), Unknown),
        // A refusal with a status that is none.
        (
            200,
            json!({"quantity": ["Enter a valid number."]}),
            Rejected(RejectReason::InvalidField),
        ),
        (
            200,
            json!({"detail": "Not enough shares to sell."}),
            Rejected(RejectReason::InsufficientFunds),
        ),
        // One that says that the order is there.
        (
            200,
            json!({"ref_id": ["Order with this ref_id already exists."]}),
            Unknown,
        ),
        (
            200,
            json!({"detail": "Reference ID must be unique."}),
            Unknown,
        ),
        // A placement is answered with 201; what else there is may be the answer to anything.
        (200, json!({"id": "1", "ref_id": REF}), Unknown),
        (202, json!({"id": "1", "ref_id": REF}), Unknown),
        (200, json!({"symbol": "F", "ask_price": "12.03"}), Unknown),
        (200, json!({"results": ["F"]}), Unknown),
        (400, json!({"message": "Bad Request"}), Unknown),
        (400, json!({"id": "1", "ref_id": REF}), Unknown),
        (400, json!([]), Unknown),
        (408, json!({"detail": "x"}), Unknown),
        (201, json!({"quantity": ["Enter a valid number."]}), Unknown),
        (
            201,
            json!({"id": "1", "ref_id": "7151eda4-3328-47a5-9b37-32cf886f8eb4"}),
            Unknown,
        ),
        (201, json!({"id": ""}), Unknown),
        (
            400,
            json!({"detail": "Not enough shares to sell."}),
            Rejected(RejectReason::InsufficientFunds),
        ),
        (
            400,
            json!({"quantity": ["Enter a valid number."]}),
            Rejected(RejectReason::InvalidField),
        ),
        (
            400,
            json!({"non_field_errors": ["Trailing stop limit orders not supported."]}),
            Rejected(RejectReason::OrderType),
        ),
        (
            400,
            json!({"non_field_errors": ["Your app version is missing important stock trading \
                    updates. You can still place orders on the web."]}),
            Rejected(RejectReason::OrderType),
        ),
        (
            400,
            json!({"detail": "The market is closed."}),
            Rejected(RejectReason::MarketClosed),
        ),
        (
            201,
            json!({"id": "1", "ref_id": REF, "state": "rejected",
                   "reject_reason": "Not enough buying power."}),
            Rejected(RejectReason::InsufficientFunds),
        ),
        (
            201,
            json!({"id": "1", "ref_id": REF, "state": "failed"}),
            Rejected(RejectReason::Other),
        ),
        (400, json!({}), Unknown),
        (
            401,
            json!({"detail": "Incorrect authentication credentials."}),
            Error(1003),
        ),
        (
            403,
            json!({"detail": "You do not have permission to perform this action."}),
            Error(3003),
        ),
        (404, json!({"detail": "Not found."}), Error(3002)),
        (
            429,
            json!({"detail": "Request was throttled. Expected available in 14 seconds."}),
            Error(3004),
        ),
        (
            429,
            json!({"detail": "Too many requests for fractional orders"}),
            Error(3004),
        ),
        (500, json!({"detail": "x"}), Unknown),
        (502, json!({}), Unknown),
    ] {
        let at = AtServer::new().await;
        at.mount(
            "POST",
            "api",
            "/orders/",
            status,
            body.to_string().into(),
            1,
        )
        .await;
        let kind = OrderKind::Limit {
            price: price(dec!(12)),
        };
        let outcome = at
            .broker
            .place_order(&share_order(&at, Side::Buy, shares!(1), kind))
            .await;
        match (&expected, &outcome) {
            (Error(code), Err(error)) if error.code() == *code => {
                assert_eq!(error.effect(), Effect::None);
            }
            (Rejected(reason), Ok(Submission::Rejected(refused))) if refused.reason == *reason => {}
            (Unknown, Ok(Submission::Unknown(_))) => {}
            _ => panic!("{status} {body}: {outcome:?}"),
        }
        assert_eq!(
            at.sent("POST", "/orders/").await.len(),
            1,
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn f10_the_wait_of_a_throttled_placement_is_told() {
    let at = AtServer::new().await;
    at.mount("POST", "api", "/orders/", 429, sample("error_429"), 1)
        .await;
    let kind = OrderKind::Limit {
        price: price(dec!(12)),
    };
    let error = at
        .broker
        .place_order(&share_order(&at, Side::Buy, shares!(1), kind))
        .await
        .unwrap_err();
    assert_eq!(error.retry_after().map(|wait| wait.as_secs()), Some(14));
}

#[tokio::test]
async fn an_order_that_is_rejected_at_once_is_told_in_the_brokers_words() {
    let at = AtServer::new().await;
    let body = json!({"id": "7", "ref_id": REF, "state": "rejected",
                      "reject_reason": "Insufficient buying power."});
    at.mount("POST", "api", "/orders/", 201, body.to_string().into(), 1)
        .await;
    let kind = OrderKind::Limit {
        price: price(dec!(12)),
    };
    let request = share_order(&at, Side::Buy, shares!(1), kind);
    let placed = at.broker.place_order(&request).await.unwrap();
    let Submission::Rejected(refused) = placed else {
        panic!("{placed}")
    };
    assert_eq!(refused.message, "Insufficient buying power.");
    assert_eq!(refused.order.unwrap().as_str(), "7");
}

/// What a placement that the broker says it has comes to, if this is the order that it has.
async fn adopted(
    request: impl Fn(&AtServer) -> OrderRequest,
    change: impl Fn(&mut Value),
) -> wheelhouse_core::Result<Submission> {
    adopted_after(409, request, change).await
}

async fn adopted_after(
    status: u16,
    request: impl Fn(&AtServer) -> OrderRequest,
    change: impl Fn(&mut Value),
) -> wheelhouse_core::Result<Submission> {
    let at = at_friday().await;
    let refusal = sample("order_error_duplicate_ref_id");
    at.mount("POST", "api", "/orders/", status, refusal, 1)
        .await;
    let mut there: Value = serde_json::from_slice(&sample("order_placed_limit")).unwrap();
    there["ref_id"] = REF.to_uppercase().into();
    there["time_in_force"] = "gfd".into();
    there["created_at"] = now();
    change(&mut there);
    let list = json!({"next": null, "results": [there]});
    at.mount("GET", "api", "/orders/", 200, list.to_string().into(), 1)
        .await;
    at.broker.place_order(&request(&at)).await
}

fn now() -> Value {
    FRIDAY
        .format(&time::format_description::well_known::Rfc3339)
        .unwrap()
        .into()
}

fn set(field: &'static str, value: Value) -> impl Fn(&mut Value) {
    move |row| row[field] = value.clone()
}

#[tokio::test]
async fn f9_an_identifier_that_is_taken_leads_to_its_order_and_to_no_other() {
    let limit = OrderKind::Limit {
        price: price(dec!(12)),
    };
    let ten = move |at: &AtServer| share_order(at, Side::Buy, shares!(10), limit);
    let same = adopted(ten, |_| {}).await.unwrap();
    assert_eq!(accepted(same).client_order_id.as_str(), REF);
    // Refusals were seen with a status that is none.
    let same = adopted_after(200, ten, |_| {}).await.unwrap();
    assert_eq!(accepted(same).client_order_id.as_str(), REF);
    for (field, value) in [
        ("side", json!("sell")),
        ("quantity", json!("9")),
        ("price", json!("12.01")),
        ("time_in_force", json!("gtc")),
        ("market_hours", json!("extended_hours")),
        ("trigger", json!("stop")),
        (
            "dollar_based_amount",
            json!({"amount": "120", "currency_code": "USD"}),
        ),
        (
            "trailing_peg",
            json!({"type": "percentage", "percentage": 5}),
        ),
    ] {
        let other = adopted(ten, set(field, value)).await;
        let error = other.expect_err(field);
        assert_eq!(error.kind(), ErrorKind::ClientOrderIdReused, "{field}");
        assert_eq!(error.effect(), Effect::None);
    }

    // Written in another way, it is the same.
    for (field, value) in [
        ("price", json!(12)),
        ("quantity", json!("10")),
        ("side", json!("buy")),
        ("trailing_peg", Value::Null),
    ] {
        assert!(adopted(ten, set(field, value)).await.is_ok(), "{field}");
    }
    let extended = move |at: &AtServer| ten(at).hours(TradingHours::Extended);
    let there = |row: &mut Value| {
        row["market_hours"] = "extended_hours".into();
        row["extended_hours"] = true.into();
    };
    assert!(adopted(extended, there).await.is_ok());
    let gtc = move |at: &AtServer| ten(at).time_in_force(TimeInForce::Gtc);
    assert!(
        adopted(gtc, set("time_in_force", json!("gtc")))
            .await
            .is_ok()
    );
    assert!(adopted(gtc, |_| {}).await.is_err());
}

#[tokio::test]
async fn f9_orders_by_amount_with_stops_and_trails_are_compared_by_those() {
    let dollars = |at: &AtServer| {
        let usd = wheelhouse_core::Currency::USD;
        let size = OrderSize::Notional(wheelhouse_core::Money::new(dec!(25), usd));
        share_order(at, Side::Buy, size, OrderKind::Market)
    };
    let amount = |amount: &'static str| {
        move |row: &mut Value| {
            row["type"] = "market".into();
            row["price"] = Value::Null;
            row["quantity"] = "2.07813800".into();
            row["dollar_based_amount"] = json!({"amount": amount, "currency_code": "USD"});
        }
    };
    assert!(adopted(dollars, amount("25.00000000")).await.is_ok());
    assert!(adopted(dollars, amount("26.00000000")).await.is_err());
    let by_share = |row: &mut Value| {
        amount("25")(row);
        row["dollar_based_amount"] = Value::Null;
    };
    assert!(adopted(dollars, by_share).await.is_err());

    let stop = |at: &AtServer| {
        let stop = price(dec!(11));
        share_order(at, Side::Sell, shares!(10), OrderKind::Stop { stop })
    };
    let stopped = |stop: &'static str| {
        move |row: &mut Value| {
            row["side"] = "sell".into();
            row["type"] = "market".into();
            row["trigger"] = "stop".into();
            row["price"] = Value::Null;
            row["stop_price"] = stop.into();
        }
    };
    assert!(adopted(stop, stopped("11.00000000")).await.is_ok());
    assert!(adopted(stop, stopped("10.99000000")).await.is_err());

    let trail = |at: &AtServer| {
        let trail = wheelhouse_core::Offset::Percent(dec!(5));
        share_order(
            at,
            Side::Sell,
            shares!(10),
            OrderKind::TrailingStop { trail },
        )
    };
    let trailed = |percent: u32| {
        move |row: &mut Value| {
            // The stop has followed the price in the meantime.
            stopped("11.80000000")(row);
            row["trailing_peg"] = json!({"type": "percentage", "percentage": percent});
        }
    };
    assert!(adopted(trail, trailed(5)).await.is_ok());
    assert!(adopted(trail, trailed(6)).await.is_err());
    assert!(adopted(trail, stopped("11.80000000")).await.is_err());
}

#[tokio::test]
async fn f9_orders_of_options_are_compared_leg_by_leg() {
    use PositionEffect::Open;
    let placed = |change: fn(&mut Value)| async move {
        let at = at_friday().await;
        let refusal = sample("order_error_duplicate_ref_id");
        at.mount("POST", "api", "/options/orders/", 409, refusal, 1)
            .await;
        let mut there: Value = serde_json::from_slice(&sample("option_order_placed")).unwrap();
        there["ref_id"] = REF.into();
        there["created_at"] = now();
        change(&mut there);
        let list = json!({"next": null, "results": [there]});
        at.mount(
            "GET",
            "api",
            "/options/orders/",
            200,
            list.to_string().into(),
            1,
        )
        .await;
        let kind = OrderKind::Limit {
            price: price(dec!(0.25)),
        };
        let legs: Vec<OptionLeg> = vec![leg(PUT, Side::Sell, Open)];
        let request = option_order(&at, legs, kind, Side::Sell);
        let options = at.broker.options().unwrap();
        options.place_option_order(&request).await
    };
    assert!(matches!(placed(|_| {}).await, Ok(Submission::Accepted(_))));
    for change in [
        (|row| row["legs"][0]["side"] = "buy".into()) as fn(&mut Value),
        |row| row["legs"][0]["ratio_quantity"] = 2.into(),
        |row| row["legs"][0]["position_effect"] = "close".into(),
        |row| row["direction"] = "debit".into(),
        |row| row["price"] = "0.26".into(),
        |row| row["quantity"] = "2.00000".into(),
        |row| row["time_in_force"] = "gtc".into(),
        |row| {
            let mut second = row["legs"][0].clone();
            second["option"] = "https://api.robinhood.com/options/instruments/x/".into();
            row["legs"].as_array_mut().unwrap().push(second);
        },
    ] {
        let error = placed(change).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ClientOrderIdReused);
    }
}

#[tokio::test]
async fn f9_a_duplicate_that_cannot_be_found_stays_unknown() {
    for list in [
        (200, json!({"next": null, "results": []})),
        (500, json!({"detail": "x"})),
    ] {
        let at = AtServer::new().await;
        let refusal = sample("order_error_duplicate_ref_id");
        at.mount("POST", "api", "/orders/", 409, refusal, 1).await;
        at.mount(
            "GET",
            "api",
            "/orders/",
            list.0,
            list.1.to_string().into(),
            1,
        )
        .await;
        let kind = OrderKind::Limit {
            price: price(dec!(12)),
        };
        let request = share_order(&at, Side::Buy, shares!(1), kind);
        let placed = at.broker.place_order(&request).await.unwrap();
        assert!(matches!(placed, Submission::Unknown(_)), "{placed}");
    }
}

#[tokio::test]
async fn what_fails_before_anything_is_sent_is_an_error_and_nothing_was_placed() {
    for (route, status) in [
        ("/accounts/", 500),
        ("/marketdata/quotes/", 500),
        ("/marketdata/quotes/", 429),
        ("/instruments/1a55e189-5d08-417e-9e65-d549ba4b2a1b/", 404),
    ] {
        let at = AtServer::new().await;
        at.mount(
            "GET",
            "api",
            route,
            status,
            br#"{"detail":"x"}"#.to_vec(),
            1,
        )
        .await;
        let request = share_order(&at, Side::Buy, shares!(1), OrderKind::Market);
        let error = at.broker.place_order(&request).await.unwrap_err();
        assert_eq!(error.effect(), Effect::None, "{route}: {error}");
        assert!(at.sent("POST", "/orders/").await.is_empty());
    }
}

/// Trailing stops were kept from clients with an old form, or none.
#[tokio::test]
async fn a_trailing_stop_that_is_kept_from_this_client_is_rejected_for_its_kind() {
    let at = AtServer::new().await;
    let refusal = sample("order_error_app_version");
    at.mount("POST", "api", "/orders/", 400, refusal, 1).await;
    let trail = wheelhouse_core::Offset::Percent(dec!(5));
    let kind = OrderKind::TrailingStop { trail };
    let request = share_order(&at, Side::Sell, shares!(1), kind);
    let placed = at.broker.place_order(&request).await.unwrap();
    let Submission::Rejected(refused) = placed else {
        panic!("{placed}")
    };
    assert_eq!(refused.reason, RejectReason::OrderType);
    assert!(refused.message.contains("app version"));
}
