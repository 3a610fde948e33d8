//! Instruments, quotes, history and hours.

use serde_json::Value;

use super::rig::{F, KO, Rig, dec};

#[tokio::test]
async fn instruments_are_found_by_symbol_id_and_words() {
    let rig = Rig::start().await;
    let one = rig.get("/instruments/?symbol=F").await.rows();
    assert_eq!((one.len(), &one[0]["id"]), (1, &Value::from(F)));
    assert!(
        rig.get("/instruments/?symbol=NOSUCH")
            .await
            .rows()
            .is_empty()
    );
    assert_eq!(
        rig.get(&format!("/instruments/?ids={F},{KO}"))
            .await
            .rows()
            .len(),
        2
    );
    assert_eq!(
        rig.get("/instruments/?query=cola").await.rows()[0]["symbol"],
        "KO"
    );
    assert_eq!(
        rig.get("/instruments/00000000-0000-0000-0000-000000000000/")
            .await
            .status,
        404
    );
    // An unknown parameter is ignored in silence.
    assert_eq!(rig.get("/instruments/?ticker=F").await.rows().len(), 5);
}

#[tokio::test]
async fn an_unknown_symbol_leaves_a_null_in_its_place() {
    let rig = Rig::start().await;
    let rows = rig.get("/quotes/?symbols=NOSUCH,F").await.rows();
    assert!(rows[0].is_null());
    assert_eq!(
        (&rows[1]["bid_price"], &rows[1]["ask_price"]),
        (&"12.340000".into(), &"12.350000".into())
    );
    assert_eq!(rows[1]["ask_size"], 400);
    let rows = rig.get("/fundamentals/?symbols=F,NOSUCH").await.rows();
    assert_eq!(
        (&rows[0]["sector"], &rows[1]),
        (&"Consumer Durables".into(), &Value::Null)
    );
    let by_id = rig
        .get(&format!("/marketdata/quotes/{F}/"))
        .await
        .expect(200);
    assert_eq!(by_id["symbol"], "F");
    assert_eq!(
        rig.get(&format!("/marketdata/quotes/?ids={F},{KO}"))
            .await
            .rows()
            .len(),
        2
    );
    rig.broker().set_price("F", dec("13")).unwrap();
    assert_eq!(
        rig.get("/quotes/F/").await.expect(200)["last_trade_price"],
        "13.000000"
    );
}

#[tokio::test]
async fn history_takes_only_known_pairs() {
    let rig = Rig::start().await;
    let week = rig
        .get("/quotes/historicals/?symbols=F&interval=day&span=week&bounds=regular")
        .await;
    let candles = week.rows()[0]["historicals"].as_array().unwrap().clone();
    assert_eq!(candles.len(), 5);
    for candle in &candles {
        let of = |name: &str| dec(candle[name].as_str().unwrap());
        assert!(of("low_price") <= of("open_price") && of("close_price") <= of("high_price"));
        assert!(candle["volume"].is_u64());
    }
    for (interval, span, status) in [
        ("day", "day", 400),
        ("5minute", "day", 200),
        ("week", "week", 400),
        ("hour", "3month", 200),
        ("year", "year", 400),
    ] {
        let path = format!("/marketdata/historicals/{F}/?interval={interval}&span={span}");
        assert_eq!(rig.get(&path).await.status, status, "{interval} {span}");
    }
}

#[tokio::test]
async fn hours_follow_the_new_york_calendar() {
    let rig = Rig::start().await;
    let friday = rig.get("/markets/XNYS/hours/2026-11-20/").await.expect(200);
    assert_eq!(friday["opens_at"], "2026-11-20T14:30:00Z");
    assert_eq!(
        friday["next_open_hours"],
        "https://api.robinhood.com/markets/XNYS/hours/2026-11-23/"
    );
    let sunday = rig.get("/markets/XNYS/hours/2026-11-22/").await.expect(200);
    assert!(sunday["is_open"] == false && sunday["opens_at"].is_null());
    let summer = rig.get("/markets/XNYS/hours/2026-07-01/").await.expect(200);
    assert_eq!(summer["opens_at"], "2026-07-01T13:30:00Z");
    assert_eq!(rig.get("/markets/").await.rows().len(), 3);
}
