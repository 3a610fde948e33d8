//! Callers who give up.

use std::{future::Future, pin::pin, task::Poll, time::Duration};

use wheelhouse_core::{
    Broker, ClientOrderId, OrderRequest, OrderSize, Quantity, Resolution, Side, Submission, dec,
    shares,
};
use wheelhouse_robinhood::Robinhood;
use wheelhouse_testkit::SeededRandom;

use super::again::cheap_put;
use crate::rig::{AtSim, granted, rich};

/// How many placements are given up.
const DROPS: usize = 1_000;

/// Looks at a future so many times and then drops it; `None` if it was not done by then.
async fn looked_at<F: Future>(times: u64, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// Each placement is given up at another point, those before anything is sent among them. What was
/// sent is remembered: the same order again is never a second one, and is told as what it is.
#[tokio::test]
async fn ord_4_no_order_is_forgotten_whose_caller_has_gone() {
    let at = AtSim::built(granted(), rich(), |mut config| {
        config.private_crypto = true;
        config
    })
    .await;
    at.server()
        .change_settings(|settings| settings.option_ref_id_repeats = true);
    let f = at.instrument("F").await;
    let pair = at.instrument("BTC-USD").await;
    let put = cheap_put(&at).await;
    let options = at.broker.options().unwrap();
    let random = SeededRandom::new(4);
    let (mut turn, mut gone, mut sent_alone) = (0, 0, 0);
    while gone < DROPS {
        turn += 1;
        let id = ClientOrderId::new(format!("DROP-{turn:04}")).unwrap();
        let request = match turn % 3 {
            0 => OrderRequest::limit(&at.account, &f, Side::Buy, shares!(1), dec!(1)),
            1 => {
                let size = OrderSize::Units(Quantity::new(dec!(0.0001)));
                OrderRequest::limit(&at.account, &pair, Side::Buy, size, dec!(1000))
            }
            _ => OrderRequest::market(&at.account, &f, Side::Buy, shares!(1)),
        };
        let request = request.client_order_id(id.clone());
        let mut of_options = put.clone();
        of_options.client_order_id = Some(id.clone());
        let is_option = turn % 4 == 3;
        let place = || async {
            if is_option {
                options.place_option_order(&of_options).await
            } else {
                at.broker.place_order(&request).await
            }
        };
        let looks = 1 + random.below(4);
        let there = || {
            let ledger = at.server().ledger();
            ledger.placements_of(&Robinhood::ref_id(&id))
        };
        let given_up = looked_at(looks, place()).await.is_none();
        if given_up {
            gone += 1;
            // What went out alone may come to its end, or not yet.
            tokio::time::sleep(Duration::from_millis(random.below(4))).await;
        }
        let before = there().len();
        sent_alone += if given_up { before } else { 0 };
        let mut placed = place().await.unwrap();
        let order = loop {
            let open = match placed {
                Submission::Accepted(order) => break order.id,
                Submission::Unknown(open) => open,
                other => panic!("{id}: {other}"),
            };
            match at.broker.resolve(&open).await.unwrap() {
                Resolution::Found(order) => break order.id,
                // It was held back, for nobody waited any more.
                Resolution::NotFound(_) if there().is_empty() => {}
                other => panic!("{id}: {}", other.report()),
            }
            placed = place().await.unwrap();
        };
        let there = there();
        assert_eq!(there.len(), 1, "{id}: {before} before");
        let own = order.as_str();
        let own = own.strip_prefix("crypto:").unwrap_or(own);
        assert_eq!(there[0].order_id, own, "{id}");
    }
    println!("ORD-4: {gone} of {turn} given up, {sent_alone} of them sent by then");
    assert!(sent_alone >= 200, "{sent_alone} of {gone}");
}
