use std::time::Duration;

use serde_json::json;
use time::macros::datetime;
use wheelhouse_sim::{
    Sim, Start,
    tradelocker::{RateLimits, Settings},
};

use crate::rig::{Rig, at, column::*, limit, market, row, stop, with};

#[tokio::test]
async fn resting_orders_fill_when_the_price_reaches_them() {
    let rig = at("1.10000").await;
    let low = rig.placed(limit("buy", "0.01", 1.09)).await;
    let high = rig.placed(stop("buy", 0.01, 1.11)).await;
    rig.broker()
        .set_price("EURUSD", "1.10900".parse().unwrap())
        .unwrap();
    assert_eq!(rig.orders().await.len(), 2);
    rig.broker()
        .set_price("EURUSD", "1.11005".parse().unwrap())
        .unwrap();
    assert_eq!(row(&rig.history().await, &high)[AVG], "1.11013");
    rig.broker()
        .set_price("EURUSD", "1.08900".parse().unwrap())
        .unwrap();
    assert_eq!(row(&rig.history().await, &low)[AVG], "1.08908");
    assert_eq!(
        (rig.orders().await.len(), rig.positions().await.len()),
        (0, 2)
    );
}

#[tokio::test]
async fn resting_orders_fill_while_time_passes() {
    let settings = Settings::new().access_token_life(Duration::from_secs(604_800));
    // On this day the price of the default seed goes through both; there are days it does not.
    let start = Start::Frozen(datetime!(2026-03-04 12:00 UTC));
    let rig = Rig::of(
        Sim::builder()
            .settings(settings.rate_limits(RateLimits::off()))
            .time(start),
    )
    .await;
    let (bid, ask) = rig.broker().quote("BTCUSD").unwrap();
    let near = (ask - bid) / rust_decimal::Decimal::from(2) + bid;
    let price: f64 = near.round_dp(2).to_string().parse().unwrap();
    let bitcoin = json!({"tradableInstrumentId": 206});
    rig.placed(with(limit("buy", "0.01", price - 20.0), bitcoin.clone()))
        .await;
    rig.placed(with(limit("sell", "0.01", price + 20.0), bitcoin))
        .await;
    rig.sim.advance(Duration::from_secs(86_400));
    assert_eq!(
        (rig.orders().await.len(), rig.positions().await.len()),
        (0, 2)
    );
}

#[tokio::test]
async fn a_resting_order_without_margin_is_rejected_when_its_price_comes() {
    let rig = at("1.10000").await;
    let first = rig.placed(limit("buy", "25", 1.09)).await;
    let second = rig.placed(limit("buy", "25", 1.09)).await;
    rig.broker()
        .set_price("EURUSD", "1.08990".parse().unwrap())
        .unwrap();
    let history = rig.history().await;
    assert_eq!(row(&history, &first)[STATUS], "Filled");
    let rejected = row(&history, &second);
    assert_eq!(
        (&rejected[STATUS], &rejected[FILLED]),
        (&json!("Rejected"), &json!("0"))
    );
    assert_eq!(
        (rig.positions().await.len(), rig.orders().await.len()),
        (1, 0)
    );
}

#[tokio::test]
async fn brackets_on_the_wrong_side_are_refused_and_without_type_ignored() {
    let rig = at("1.10000").await;
    let wrong = with(
        market("buy", 0.01),
        json!({"stopLoss": 1.2, "stopLossType": "absolute"}),
    );
    assert_eq!(
        rig.place(wrong).await.errmsg(),
        "SL price is not valid for the order. "
    );
    let wrong = with(
        limit("sell", "0.01", 1.2),
        json!({"takeProfit": 1.3, "takeProfitType": "absolute"}),
    );
    assert_eq!(
        rig.place(wrong).await.errmsg(),
        "TP price is not valid for the order. "
    );
    rig.placed(with(market("buy", 0.01), json!({"stopLoss": 1.05})))
        .await;
    let position = rig.positions().await[0].clone();
    assert!(position[POSITION_SL].is_null() && rig.orders().await.is_empty());
}

#[tokio::test]
async fn brackets_become_orders_of_the_position_and_one_cancels_the_other() {
    let rig = at("1.10000").await;
    let keys = json!({
        "stopLoss": 1.09, "stopLossType": "absolute", "takeProfit": 50, "takeProfitType": "offset"
    });
    let id = rig.placed(with(market("buy", 0.02), keys)).await;
    let position = rig.positions().await[0].clone();
    let orders = rig.orders().await;
    let (sl, tp) = (&position[POSITION_SL], &position[POSITION_TP]);
    let stop = row(&orders, sl.as_str().unwrap());
    let target = row(&orders, tp.as_str().unwrap());
    assert_eq!(
        (&stop[STOP_PRICE], &stop[SIDE], &stop[TYPE]),
        (&json!("1.09"), &json!("sell"), &json!("stop"))
    );
    assert_eq!(
        (&target[PRICE], &target[IS_OPEN]),
        (&json!("1.10508"), &json!("false"))
    );
    assert_eq!(
        (&stop[POSITION], &target[POSITION]),
        (&position[ID], &position[ID])
    );
    assert_eq!(row(&rig.history().await, &id)[STOP_LOSS], "1.09");

    rig.broker()
        .set_price("EURUSD", "1.08950".parse().unwrap())
        .unwrap();
    assert!(rig.positions().await.is_empty() && rig.orders().await.is_empty());
    let history = rig.history().await;
    assert_eq!(row(&history, sl.as_str().unwrap())[STATUS], "Filled");
    assert_eq!(row(&history, tp.as_str().unwrap())[STATUS], "Cancelled");
    let closes = rig.broker().ledger().closes();
    assert_eq!(
        (closes.len(), closes[0].requested, closes[0].profit),
        (1, false, "-21.16".parse().unwrap())
    );
}

#[tokio::test]
async fn a_trailing_stop_follows_the_price_and_never_turns_back() {
    let rig = at("1.10000").await;
    let keys = json!({"stopLossType": "trailingOffset", "trStopOffset": 20});
    rig.placed(with(market("buy", 0.02), keys)).await;
    let stop = async || {
        rig.orders().await[0][STOP_PRICE]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(stop().await, "1.09808");
    rig.broker()
        .set_price("EURUSD", "1.11000".parse().unwrap())
        .unwrap();
    assert_eq!(stop().await, "1.10800");
    rig.broker()
        .set_price("EURUSD", "1.10900".parse().unwrap())
        .unwrap();
    assert_eq!(stop().await, "1.10800");
    rig.broker()
        .set_price("EURUSD", "1.10790".parse().unwrap())
        .unwrap();
    assert!(rig.positions().await.is_empty());
}
