use wheelhouse_testkit::{
    Ability, MockHarness,
    broker::{Boxed, Shared},
    broker_conformance,
};

broker_conformance!(plain, MockHarness::default());
broker_conformance!(shared, Shared(MockHarness::default()));
broker_conformance!(boxed, Boxed(MockHarness::default()));
broker_conformance!(paged, MockHarness::default().page_size(1).new_ids());
broker_conformance!(bare, everything_off());

fn everything_off() -> MockHarness {
    [
        Ability::Brackets,
        Ability::CancelAll,
        Ability::ClientOrderId,
        Ability::ClosePosition,
        Ability::ClosedTrades,
        Ability::Executions,
        Ability::MarketDepth,
        Ability::MarketHistory,
        Ability::Options,
        Ability::Preview,
        Ability::Questions,
        Ability::Replace,
        Ability::Streaming,
        Ability::TradingSessions,
    ]
    .into_iter()
    .fold(MockHarness::default(), MockHarness::without)
}
