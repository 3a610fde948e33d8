//! Users with several accounts.

use wheelhouse_core::{Broker, BrokerExt, OrderQuery, OrderState, dec};
use wheelhouse_sim::{Kind, robinhood_crypto::Route};

use crate::rig::{AtSim, accepted, answer, code, user};

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
