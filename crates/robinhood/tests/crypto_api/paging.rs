//! Links in answers lead nowhere but to the API itself.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{io::AsyncReadExt, net::TcpListener};
use wheelhouse_core::{
    Broker, BrokerExt, ExecutionQuery, InstrumentQuery, OrderQuery, PositionQuery, dec,
};
use wheelhouse_sim::{Kind, robinhood_crypto::Route};

use crate::rig::{AtSim, accepted, code, user};

/// A host that keys must not be sent to; counts connections and bytes.
async fn foreign_host() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, seen) = (
        listener.local_addr().unwrap().port(),
        Arc::new(AtomicUsize::new(0)),
    );
    let count = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                count.fetch_add(read, Ordering::SeqCst);
            }
        }
    });
    (port.to_string(), seen)
}

async fn many() -> AtSim {
    let user = user()
        .coins("BTC", dec!(1))
        .coins("ETH", dec!(1))
        .coins("DOGE", dec!(1));
    let at = AtSim::with(user, |settings| settings.page_size = 1).await;
    for _ in 0..3 {
        accepted(at.broker.place_order(&at.resting()).await.unwrap());
    }
    at
}

#[tokio::test]
async fn sup_1_f30_no_link_of_any_list_is_followed_to_a_foreign_host() {
    let (port, seen) = foreign_host().await;
    let origin = format!("http://127.0.0.1:{port}");
    let at = many().await;
    at.api()
        .change_settings(|settings| settings.next_origin = Some(origin));
    let (broker, account) = (&at.broker, &at.account);
    assert_eq!(
        code(broker.all_orders(account, OrderQuery::all()).await),
        2005
    );
    assert_eq!(
        code(broker.all_orders(account, OrderQuery::open()).await),
        2005
    );
    assert_eq!(code(broker.all_positions(account).await), 2005);
    assert_eq!(code(broker.account_summary(account).await), 2005);
    let first = broker
        .executions(account, ExecutionQuery::all())
        .await
        .unwrap();
    let next = ExecutionQuery::all().page(first.next.unwrap());
    assert_eq!(code(broker.executions(account, next).await), 2005);
    let other = at.another(wheelhouse_robinhood::CryptoApiVersion::V2);
    assert_eq!(
        code(other.instruments(account, InstrumentQuery::all()).await),
        2005
    );
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn sup_1_every_form_of_a_foreign_link_is_refused() {
    let (port, seen) = foreign_host().await;
    let at = many().await;
    let own = at.api().origin();
    let own = own.trim_start_matches("http://");
    for link in [
        format!("http://127.0.0.1:{port}/api/v2/crypto/trading/orders/"),
        format!("//127.0.0.1:{port}/x"),
        format!("http://{own}@127.0.0.1:{port}/x"),
        format!("http://user:password@{own}/x"),
        format!("http://localhost:{port}/x"),
        format!("http://2130706433:{port}/x"),
        format!("http://[::ffff:127.0.0.1]:{port}/x"),
        format!("https://{own}/x"),
        format!("http:\\\\127.0.0.1:{port}\\x").replace('\\', "\\\\"),
        "https://trading.robinhood.com.example/x".to_owned(),
        "https://xn--trading-robinhood.example/x".to_owned(),
        "ftp://127.0.0.1/x".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        at.api().faults().clear();
        let value = format!("\"{link}\"");
        at.faults(
            Route::Orders,
            Kind::Set {
                pointer: "/next".into(),
                value,
            },
        );
        let outcome = at.broker.all_orders(&at.account, OrderQuery::all()).await;
        assert_eq!(code(outcome), 2005, "{link}");
    }
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn f30_pages_that_go_round_in_a_circle_end() {
    let at = many().await;
    let link = format!(
        "{}/api/v2/crypto/trading/holdings/?account_number={}",
        at.api().origin(),
        at.account
    );
    let value = format!("\"{link}\"");
    at.faults(
        Route::Holdings,
        Kind::Set {
            pointer: "/next".into(),
            value,
        },
    );
    assert_eq!(code(at.broker.account_summary(&at.account).await), 2005);
}

#[tokio::test]
async fn pages_are_handed_out_one_by_one_and_signed_each() {
    let at = many().await;
    let held = at.broker.all_positions(&at.account).await.unwrap();
    assert_eq!(held.len(), 3);
    let first = at
        .broker
        .positions(&at.account, PositionQuery::all())
        .await
        .unwrap();
    assert_eq!(first.items.len(), 1);
    let query = OrderQuery::all().limit(2);
    let first = at.broker.orders(&at.account, query.clone()).await.unwrap();
    assert_eq!(first.items.len(), 2);
    let second = at
        .broker
        .orders(&at.account, query.page(first.next.unwrap()))
        .await
        .unwrap();
    assert_eq!((second.items.len(), second.next), (1, None));
    assert!(at.api().ledger().rejections().is_empty());
}

#[tokio::test]
async fn links_are_signed_as_they_are_sent_whatever_is_in_them() {
    let at = many().await;
    for link in [
        "/api/v2/crypto/trading/orders/?account_number=123456789012&cursor=Mg%3D%3D&x=%7b|'^`{}",
        "/api/v2/crypto/trading/orders/?account_number=123456789012&cursor=Mg==&y=a+b%20c;d,e:f@g",
        "/api/v1/../v2/crypto/trading/./orders/?account_number=123456789012&cursor=Mg%3d%3d#part",
        "/api/v2/crypto/trading/orders/?symbol=BTC-USD&symbol=ETH-USD&account_number=123456789012&cursor=Mg%3D%3D",
    ] {
        at.api().faults().clear();
        let value = format!("\"{link}\"");
        let pointer = "/next".to_owned();
        at.fault(Route::Orders, Kind::Set { pointer, value });
        let listed = at.broker.all_orders(&at.account, OrderQuery::all()).await;
        assert_eq!(listed.unwrap().len(), 2, "{link}");
    }
    assert!(at.api().ledger().rejections().is_empty());
}

#[tokio::test]
async fn order_queries_are_kept_to_even_if_the_broker_ignores_them() {
    let at = many().await;
    let eth = wheelhouse_core::InstrumentId::new("ETH-USD").unwrap();
    let query = OrderQuery::all().instrument(eth);
    assert!(
        at.broker
            .all_orders(&at.account, query)
            .await
            .unwrap()
            .is_empty()
    );
    let created = at
        .broker
        .all_orders(&at.account, OrderQuery::all())
        .await
        .unwrap();
    let newest = created
        .iter()
        .filter_map(|order| order.created_at)
        .max()
        .unwrap();
    let query = OrderQuery::all().from(newest);
    let listed = at.broker.all_orders(&at.account, query).await.unwrap();
    assert!(!listed.is_empty() && listed.iter().all(|order| order.created_at >= Some(newest)));
    let query = OrderQuery::all().to(newest - time::Duration::hours(1));
    assert!(
        at.broker
            .all_orders(&at.account, query)
            .await
            .unwrap()
            .is_empty()
    );
}
