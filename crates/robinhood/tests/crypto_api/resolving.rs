use std::time::Duration;

use wheelhouse_core::{Broker, Resolution, dec};
use wheelhouse_robinhood::CryptoApiVersion;
use wheelhouse_sim::{Kind, robinhood_crypto::Route};

use crate::rig::{AtSim, refusal, unknown, user};

#[tokio::test]
async fn an_order_that_shows_late_is_waited_for() {
    let late = Duration::from_secs(5);
    let at = AtSim::with(user(), |settings| settings.visible_after = late).await;
    at.btc().await;
    at.fault(Route::PlaceOrder, Kind::DropAnswer);
    let open = unknown(at.broker.place_order(&at.resting()).await.unwrap());
    let resolution = at.broker.resolve(&open).await.unwrap();
    assert!(
        matches!(resolution, Resolution::Found(_)),
        "{}",
        resolution.report()
    );
}

#[tokio::test]
async fn an_order_on_a_later_page_is_found_from_another_process() {
    let at = AtSim::with(user(), |settings| settings.page_size = 2).await;
    at.btc().await;
    at.fault(Route::PlaceOrder, Kind::DropAnswer);
    let open = unknown(at.broker.place_order(&at.resting()).await.unwrap());
    for _ in 0..7 {
        let _ = at
            .broker
            .place_order(&at.limit(dec!(0.0002), dec!(40000)))
            .await
            .unwrap();
    }
    let stored = serde_json::to_string(&open).unwrap();
    let open = serde_json::from_str(&stored).unwrap();
    let other = at.another(CryptoApiVersion::V2);
    match other.resolve(&open).await.unwrap() {
        Resolution::Found(order) => assert_eq!(order.size, at.resting().size),
        resolution => panic!("{}", resolution.report()),
    }
}

#[tokio::test]
async fn readings_that_fail_are_evidence_and_never_a_verdict() {
    let at = AtSim::new().await;
    at.btc().await;
    at.fault(Route::PlaceOrder, Kind::DropAnswer);
    let open = unknown(at.broker.place_order(&at.resting()).await.unwrap());
    at.faults(Route::Orders, refusal(400, "No."));
    match at.broker.resolve(&open).await.unwrap() {
        Resolution::Unknown(_, evidence) => {
            assert_eq!(evidence.complete_reads, 0);
            assert!(
                evidence.failed_reads >= 3 && evidence.remark.is_some(),
                "{evidence}"
            );
        }
        resolution => panic!("{}", resolution.report()),
    }
    at.api().faults().clear();
    let resolution = at.broker.resolve(&open).await.unwrap();
    assert!(
        matches!(resolution, Resolution::Found(_)),
        "{}",
        resolution.report()
    );
}

#[tokio::test]
async fn a_key_that_is_refused_ends_the_search_without_a_verdict() {
    let at = AtSim::new().await;
    at.btc().await;
    at.fault(Route::PlaceOrder, Kind::DropAnswer);
    let open = unknown(at.broker.place_order(&at.resting()).await.unwrap());
    at.faults(
        Route::Orders,
        refusal(401, "Incorrect authentication credentials."),
    );
    let resolution = at.broker.resolve(&open).await.unwrap();
    assert!(
        matches!(resolution, Resolution::Unknown(..)),
        "{}",
        resolution.report()
    );
}

#[tokio::test]
async fn many_open_questions_share_their_readings() {
    let at = AtSim::with(user(), |settings| settings.limit = None).await;
    at.btc().await;
    let mut questions = Vec::new();
    for n in 1..=40 {
        at.fault(Route::PlaceOrder, Kind::DropAnswer);
        let order = at.limit(
            dec!(0.0001) * wheelhouse_core::Decimal::from(n),
            dec!(50000),
        );
        questions.push(unknown(at.broker.place_order(&order).await.unwrap()));
    }
    let before = at.count(Route::Orders);
    let mut tasks = tokio::task::JoinSet::new();
    for open in questions {
        let broker = at.broker.clone();
        tasks.spawn(async move { broker.resolve(&open).await.unwrap() });
    }
    while let Some(resolution) = tasks.join_next().await {
        assert!(matches!(resolution.unwrap(), Resolution::Found(_)));
    }
    let reads = at.count(Route::Orders) - before;
    assert!(reads <= 10, "{reads} readings for 40 questions");
}
