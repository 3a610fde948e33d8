use std::sync::Arc;

use async_trait::async_trait;
use wheelhouse_core::Broker;

use super::{BrokerHarness, BrokerWorld};
use crate::TestFailure;

/// A harness whose broker is held as `Arc<dyn Broker>`, the way programs hold it.
#[derive(Clone, Debug, Default)]
pub struct Shared<H>(pub H);

#[async_trait]
impl<H: BrokerHarness> BrokerHarness for Shared<H> {
    type Broker = Arc<dyn Broker>;

    async fn start(&self) -> Result<BrokerWorld<Self::Broker>, TestFailure> {
        let world = self.0.start().await?;
        Ok(world.map(|broker| Arc::new(broker) as Arc<dyn Broker>))
    }

    fn secrets(&self) -> Vec<String> {
        self.0.secrets()
    }
}

/// A harness whose broker is held as `Box<dyn Broker>`.
#[derive(Clone, Debug, Default)]
pub struct Boxed<H>(pub H);

#[async_trait]
impl<H: BrokerHarness> BrokerHarness for Boxed<H> {
    type Broker = Box<dyn Broker>;

    async fn start(&self) -> Result<BrokerWorld<Self::Broker>, TestFailure> {
        let world = self.0.start().await?;
        Ok(world.map(|broker| Box::new(broker) as Box<dyn Broker>))
    }

    fn secrets(&self) -> Vec<String> {
        self.0.secrets()
    }
}

impl<B> BrokerWorld<B> {
    /// Puts the broker into something else, such as a wrapper that is to be tested.
    pub fn map<C>(self, wrap: impl FnOnce(B) -> C) -> BrokerWorld<C> {
        BrokerWorld {
            broker: wrap(self.broker),
            symbols: self.symbols,
            account: self.account,
            backstage: self.backstage,
        }
    }
}
