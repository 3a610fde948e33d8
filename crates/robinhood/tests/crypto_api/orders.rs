//! Many orders, and users with several accounts.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use wheelhouse_core::{
    Broker, BrokerExt, BrokerOrderId, ClientOrderId, Decimal, OrderQuery, OrderState, Resolution,
    Submission, dec,
};
use wheelhouse_ratelimit::{LimitClass, LimitScope, Quota};
use wheelhouse_robinhood::RobinhoodCrypto;
use wheelhouse_sim::{
    Fault, Kind,
    faults::Moment,
    robinhood_crypto::{Route, Settings},
};

use crate::rig::{AtSim, Hurried, accepted, answer, builder, code, http, refusal, user};

const AT_ONCE: usize = 25;

/// A broker whose limit is out of the way, at an API that spoils a fifth of the placements.
async fn faulty() -> (AtSim, RobinhoodCrypto) {
    let free = |settings: &mut Settings| settings.limit = None;
    let at = AtSim::with(user().cash(dec!(1_000_000_000)), free).await;
    at.btc().await;
    for (kind, acts) in [
        (Kind::DropAnswer, true),
        (Kind::Reset(Moment::AfterRead), false),
        (Kind::Html(502), true),
        (refusal(503, "Away."), false),
        (Kind::Truncate { keep: 30 }, true),
    ] {
        let fault = Fault::new(Route::PlaceOrder, kind)
            .share(45_000)
            .acting(acts);
        at.api().faults().add(fault);
    }
    let scope = LimitScope::new("many");
    let http = http(Hurried::new());
    let quota = Quota::every(10_000_000, Duration::from_secs(60));
    let class = LimitClass::new("robinhood_crypto.requests", Quota::per_second(1));
    http.limiter().configure(&scope, class, quota).await;
    let builder = builder(&at.api().origin(), http).limit_scope(scope);
    (at, builder.build().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ord_1_placements_at_a_faulty_api_are_neither_doubled_nor_lost() {
    placed_once(1_500).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes 40 s"]
async fn ord_1_ten_thousand_placements_at_a_faulty_api_are_neither_doubled_nor_lost() {
    placed_once(10_000).await;
}

async fn placed_once(many: u32) {
    let (at, broker) = faulty().await;
    let mut tasks = tokio::task::JoinSet::new();
    let mut outcomes: BTreeMap<ClientOrderId, Option<BrokerOrderId>> = BTreeMap::new();
    let mut open = Vec::new();
    let mut rejected = 0;
    for n in 0..many + AT_ONCE as u32 {
        if n < many {
            let price = dec!(30000) + Decimal::from(n);
            let (broker, request) = (broker.clone(), at.limit(dec!(0.0001), price));
            tasks.spawn(async move { broker.place_order(&request).await.unwrap() });
        }
        if n as usize >= AT_ONCE {
            match tasks.join_next().await.unwrap().unwrap() {
                Submission::Accepted(order) => {
                    outcomes.insert(order.client_order_id, Some(order.id));
                }
                Submission::Unknown(unknown) => open.push(unknown),
                Submission::Rejected(_) => rejected += 1,
                other => panic!("{other}"),
            }
        }
    }
    assert_eq!(rejected, 0);
    assert!(
        open.len() > many as usize / 10,
        "the API was too kind: {}",
        open.len()
    );
    for unknown in open {
        let broker = broker.clone();
        tasks.spawn(async move {
            let resolution = broker.resolve(&unknown).await.unwrap();
            let mut found = Submission::Unknown(unknown);
            if let Resolution::Found(order) = &resolution {
                let id = found.client_order_id().clone();
                let order = wheelhouse_core::AcceptedOrder::new(
                    order.id.clone(),
                    id,
                    order.account.clone(),
                );
                found = Submission::Accepted(order);
            }
            assert!(!matches!(resolution, Resolution::Unknown(..)));
            found
        });
    }
    while let Some(done) = tasks.join_next().await {
        let submission = done.unwrap();
        let order = match &submission {
            Submission::Accepted(order) => Some(order.id.clone()),
            _ => None,
        };
        outcomes.insert(submission.client_order_id().clone(), order);
    }
    assert_eq!(outcomes.len(), many as usize);
    let placements = at.api().ledger().placements();
    let ids: BTreeSet<_> = placements.iter().map(|it| &it.client_order_id).collect();
    assert_eq!(ids.len(), placements.len(), "an order was doubled");
    let real: BTreeMap<_, _> = placements
        .iter()
        .map(|it| (it.client_order_id.as_str(), it.order_id.as_str()))
        .collect();
    for (id, order) in &outcomes {
        let known = order.as_ref().map(BrokerOrderId::as_str);
        assert_eq!(real.get(id.as_str()).copied(), known, "{id}");
    }
    assert_eq!(at.count(Route::PlaceOrder), many as usize);
}

#[tokio::test]
async fn ord_2_who_sends_again_what_is_unknown_doubles_orders_at_the_same_api() {
    let (at, broker) = faulty().await;
    let mut wanted = 0;
    for n in 0..200 {
        let request = at.limit(dec!(0.0001), dec!(40000) + Decimal::from(n));
        for _ in 0..3 {
            if let Submission::Accepted(_) = broker.place_order(&request).await.unwrap() {
                wanted += 1;
                break;
            }
        }
    }
    let placed = at.api().ledger().placements().len();
    assert!(placed >= wanted + 10, "{placed} orders for {wanted} wishes");
}

const TWO_ACCOUNTS: &str = r#"{"next":null,"previous":null,"results":[
    {"account_number":"123456789012","status":"active","buying_power":"100000","buying_power_currency":"USD"},
    {"account_number":"210987654321","status":"deactivated","buying_power":"0","buying_power_currency":"USD"}]}"#;

#[tokio::test]
async fn of_several_accounts_none_is_guessed_and_none_is_mixed_up() {
    let at = AtSim::with(user(), |settings| settings.fill_step = Some(dec!(0.001))).await;
    at.faults(Route::Accounts, answer(200, TWO_ACCOUNTS));
    let accounts = at.broker.accounts().await.unwrap();
    assert_eq!(code(accounts.only()), 5002);
    let market = accepted(at.broker.place_order(&at.market(dec!(0.1))).await.unwrap());
    let open = at
        .broker
        .all_orders(&at.account, OrderQuery::open())
        .await
        .unwrap();
    assert_eq!(open[0].state, OrderState::PartiallyFilled);
    // Version 1 would not say of which account it tells.
    let requests = at.api().ledger().requests();
    assert!(
        requests
            .iter()
            .all(|request| request.path.starts_with("/api/v2/"))
    );

    at.broker
        .cancel_order(&at.account, &market.id)
        .await
        .unwrap();
    let placed = accepted(at.broker.place_order(&at.resting()).await.unwrap());
    let other = wheelhouse_core::AccountId::new("210987654321").unwrap();
    at.faults(
        Route::Order,
        Kind::Set {
            pointer: "/account_number".into(),
            value: "\"123456789012\"".into(),
        },
    );
    let before = at.count(Route::CancelOrder);
    assert!(at.broker.cancel_order(&other, &placed.id).await.is_err());
    assert_eq!(
        at.count(Route::CancelOrder),
        before,
        "another account's order was cancelled"
    );
}
