//! Over a broker that knows nothing of the wheel: the mock of the testkit.

use std::sync::Arc;

use wheelhouse_core::{
    Account, Broker, ErrorKind, Instrument, InstrumentId, InstrumentKind, OptionRight::*, Side::*,
    dec,
};
use wheelhouse_testkit::{Ability, MockBroker, MockBrokerBuilder, fixtures};
use wheelhouse_wheel::{Secured, Stage, read};

use crate::{
    broker::Standing,
    world::{NOW, account, option, shares, symbol},
};

fn instrument(name: &str) -> Instrument {
    let id = InstrumentId::new(format!("instrument-{name}")).unwrap();
    Instrument::new(id, symbol(name), InstrumentKind::Equity)
}

fn holding() -> MockBrokerBuilder {
    let written = [
        option("F", Sell, Put, dec!(10), dec!(1)),
        option("KO", Sell, Call, dec!(75), dec!(1)),
        option("SOFI", Buy, Call, dec!(30), dec!(2)),
    ];
    let held = [
        shares("KO", dec!(100)),
        shares("SOFI", dec!(150)),
        shares("T", dec!(40.125)),
    ];
    let mut builder = MockBroker::builder()
        .account(Account::new(account()))
        .options_collateral(&account(), dec!(1000));
    for (name, bid, ask) in [
        ("F", dec!(12.34), dec!(12.35)),
        ("KO", dec!(71), dec!(71.2)),
        ("SOFI", dec!(27.4), dec!(27.6)),
        ("T", dec!(24), dec!(24.02)),
    ] {
        builder = builder.instrument(instrument(name), bid, ask);
    }
    for row in &written {
        let quote = fixtures::quote(
            &Instrument::new(row.contract.id.clone(), symbol("F"), InstrumentKind::Option),
            dec!(0.20),
            dec!(0.24),
        );
        builder = builder.option(row.contract.clone()).quote(quote);
    }
    let builder = written
        .into_iter()
        .fold(builder, MockBrokerBuilder::option_position);
    held.into_iter().fold(builder, MockBrokerBuilder::position)
}

#[tokio::test]
async fn the_world_stands_the_same_over_any_broker_with_options() {
    let broker: Arc<dyn Broker> = Arc::new(holding().page_size(1).build());
    let report = read(&broker, &account(), &Standing(NOW)).await.unwrap();
    let found: Vec<_> = report
        .wheels
        .iter()
        .map(|wheel| {
            (
                wheel.underlying.as_str(),
                wheel.stage(),
                wheel.shares.free_lots,
            )
        })
        .collect();
    let expected = [
        ("F", Stage::CashSecuredPutOpen, 0),
        ("KO", Stage::CoveredCallOpen, 0),
        ("SOFI", Stage::SharesUncovered, 1),
        ("T", Stage::Sub100Shares, 0),
    ];
    assert_eq!(found, expected);
    assert_eq!(report.secured, Secured::Yes);
    let f = report.wheel(&symbol("F")).unwrap();
    assert_eq!(f.puts[0].leg.mark.unwrap().value(), dec!(0.22));
    assert_eq!(f.price.unwrap().value(), dec!(12.345));
}

#[tokio::test]
async fn a_broker_without_options_is_told_by_kind_and_asked_nothing() {
    let broker = holding().without(Ability::Options).build();
    let error = read(&broker, &account(), &Standing(NOW)).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unsupported, 3010));
    assert_eq!(error.broker(), Some(&broker.id()));
    assert!(broker.calls().is_empty());
}

#[tokio::test]
async fn rows_of_another_account_of_the_same_user_stay_there() {
    let other = "100200303".parse().unwrap();
    let mut theirs = shares("F", dec!(100));
    theirs.account = other;
    let broker = holding().position(theirs).build();
    let report = read(&broker, &account(), &Standing(NOW)).await.unwrap();
    let f = report.wheel(&symbol("F")).unwrap();
    assert_eq!(f.shares.held, dec!(0));
}
