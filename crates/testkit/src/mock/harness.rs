use async_trait::async_trait;
use wheelhouse_core::{
    ClientOrderId, Error, ErrorKind, InstrumentId, OptionContract, OptionRight, Price,
    ReplaceSupport, Symbol, dec,
};

use super::{Ability, ClosingAnswer, MockBroker, Operation, PlacementAnswer};
use crate::{
    TestFailure,
    broker::{Backstage, BrokerHarness, BrokerWorld, Trouble},
    fixtures,
};

/// The suite's harness for the [`MockBroker`]; also the pattern for wrappers around any broker:
/// [`BrokerWorld::map`] puts one around the mock.
#[derive(Clone, Debug, Default)]
pub struct MockHarness {
    without: Vec<Ability>,
    page_size: Option<usize>,
    new_ids: bool,
}

impl MockHarness {
    /// Takes an ability from the mock.
    #[must_use]
    pub fn without(mut self, ability: Ability) -> Self {
        self.without.push(ability);
        self
    }

    /// Lets the mock give pages of this size.
    #[must_use]
    pub fn page_size(mut self, size: usize) -> Self {
        self.page_size = Some(size);
        self
    }

    /// Lets the mock give changed orders a new identifier.
    #[must_use]
    pub fn new_ids(mut self) -> Self {
        self.new_ids = true;
        self
    }
}

#[async_trait]
impl BrokerHarness for MockHarness {
    type Broker = MockBroker;

    async fn start(&self) -> Result<BrokerWorld<MockBroker>, TestFailure> {
        let mut builder = MockBroker::builder().with_fixtures();
        for ability in &self.without {
            builder = builder.without(*ability);
        }
        if let Some(size) = self.page_size {
            builder = builder.page_size(size);
        }
        if self.new_ids {
            builder = builder.capabilities(|it| it.replace = ReplaceSupport::NewId);
        }
        let broker = builder.option(call()?).build();
        Ok(BrokerWorld {
            backstage: Box::new(broker.clone()),
            broker,
            symbols: ["EURUSD".to_owned(), "BTCUSD".to_owned()],
            account: None,
        })
    }

    /// A mock has none.
    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }
}

/// An option on the first of the symbols.
fn call() -> Result<OptionContract, Error> {
    Ok(OptionContract::new(
        InstrumentId::new("EURUSD-CALL")?,
        Symbol::new("EURUSD")?,
        fixtures::TIME.date(),
        Price::new(dec!(1.2)),
        OptionRight::Call,
    ))
}

#[async_trait]
impl Backstage for MockBroker {
    async fn orders_placed(&self, id: Option<&ClientOrderId>) -> Option<usize> {
        let ledger = self.ledger();
        let of = ledger
            .iter()
            .filter(|order| id.is_none() || order.client_order_id.as_ref() == id);
        Some(of.count())
    }

    async fn requests(&self) -> Option<u64> {
        Some(self.reached())
    }

    async fn changes(&self) -> Option<u64> {
        Some(self.lock().changes)
    }

    async fn cause(&self, trouble: Trouble) -> bool {
        let lost = |placed| PlacementAnswer::Lost { placed, unclear: 0 };
        match trouble {
            Trouble::Ask => self.next_placement(PlacementAnswer::Ask(vec!["sure?".to_owned()])),
            Trouble::BreakReads => {
                let error = Error::new(ErrorKind::NotTheProtocol, "the answer is HTML");
                self.fail_next(Operation::Orders, error);
            }
            Trouble::ExpireToken => return false,
            Trouble::LimitRead => {
                let error = Error::new(ErrorKind::RateLimited, "too many requests");
                self.fail_next(Operation::Orders, error);
            }
            Trouble::LoseAnswer => self.next_placement(lost(true)),
            Trouble::LoseClosingAnswer => self.next_closing(ClosingAnswer::Lost { closed: true }),
            Trouble::LoseRequest => self.next_placement(lost(false)),
            Trouble::RefuseOrder => self.next_placement(PlacementAnswer::insufficient_funds()),
        }
        true
    }
}
