//! The suite that every broker passes, against the simulator.

use std::sync::Arc;

use async_trait::async_trait;
use wheelhouse_core::ClientOrderId;
use wheelhouse_robinhood::Robinhood;
use wheelhouse_sim::{Fault, Kind, Sim, robinhood::Route};
use wheelhouse_testkit::{
    TestFailure,
    broker::{Backstage, BrokerHarness, BrokerWorld, Shared, Trouble},
    broker_conformance,
};

use crate::rig::{AtSim, PASSWORD, granted, rich};

#[derive(Default)]
struct Harness;

struct Behind(Arc<Sim>);

impl std::fmt::Debug for Behind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Behind")
    }
}

#[async_trait]
impl BrokerHarness for Harness {
    type Broker = Robinhood;

    async fn start(&self) -> Result<BrokerWorld<Robinhood>, TestFailure> {
        let at = AtSim::with(granted(), rich()).await;
        Ok(BrokerWorld {
            broker: at.broker,
            symbols: ["F".to_owned(), "KO".to_owned()],
            account: None,
            backstage: Box::new(Behind(at.sim)),
        })
    }

    fn secrets(&self) -> Vec<String> {
        vec![PASSWORD.to_owned()]
    }
}

#[async_trait]
impl Backstage for Behind {
    async fn orders_placed(&self, id: Option<&ClientOrderId>) -> Option<usize> {
        let ledger = self.0.robinhood().ledger();
        Some(match id {
            Some(id) => ledger.placements_of(&Robinhood::ref_id(id)).len(),
            None => ledger.placements().len(),
        })
    }

    async fn requests(&self) -> Option<u64> {
        Some(self.0.robinhood().ledger().requests().len() as u64)
    }

    async fn changes(&self) -> Option<u64> {
        let requests = self.0.robinhood().ledger().requests();
        Some(
            requests
                .iter()
                .filter(|request| request.method != "GET")
                .count() as u64,
        )
    }

    async fn cause(&self, trouble: Trouble) -> bool {
        let server = self.0.robinhood();
        let fault = |kind| {
            server
                .faults()
                .add(Fault::new(Route::PlaceOrder, kind).times(1));
            true
        };
        match trouble {
            Trouble::ExpireToken => {
                server.expire_access_tokens();
                true
            }
            Trouble::LoseAnswer => fault(Kind::DropAnswer),
            Trouble::LoseRequest => fault(Kind::Html(502)),
            Trouble::RefuseOrder => fault(Kind::Status {
                status: 400,
                headers: vec![("content-type".to_owned(), "application/json".to_owned())],
                body: r#"{"detail":"You can only purchase 0 shares of F."}"#.to_owned(),
            }),
            _ => false,
        }
    }
}

broker_conformance!(plain, Harness);
broker_conformance!(shared, Shared(Harness));
