use std::fmt::{Debug, Write};

use wheelhouse_core::{
    Broker, BrokerExt, BrokerOrderId, Error, InstrumentQuery, OrderQuery, PositionQuery,
};

use super::{BrokerHarness, Trouble, stage::Stage};
use crate::{Canaries, TestResult};

/// No secret shows in the `Debug` and `Display` text of anything that a broker gives, its errors
/// and their causes included, nor in what it was made from.
pub async fn enc_8_no_secret_shows_in_what_a_broker_gives(h: &impl BrokerHarness) -> TestResult {
    let stage = Stage::set(h).await?;
    let (broker, account) = (&stage.broker, &stage.account);
    let mut shown = Shown::default();
    shown.value(broker);
    shown.value(&broker.capabilities());
    shown.result(&broker.accounts().await);
    shown.result(&broker.account_summary(account).await);
    shown.result(&broker.positions(account, PositionQuery::all()).await);
    shown.result(&broker.orders(account, OrderQuery::all()).await);
    shown.result(&broker.instruments(account, InstrumentQuery::all()).await);
    shown.result(&broker.quote(account, &stage.first).await);
    let request = stage.resting().await?;
    shown.result(&broker.place_order(&request).await);
    for trouble in [
        Trouble::RefuseOrder,
        Trouble::LoseAnswer,
        Trouble::LoseRequest,
    ] {
        if stage.backstage.cause(trouble).await {
            let placed = broker.place_order(&request).await;
            shown.result(&placed);
            if let Ok(submission) = &placed {
                shown.line(submission);
                if let Ok(Some(resolution)) = broker.settle(submission).await {
                    shown.value(&resolution);
                    shown.line(&resolution.report());
                }
            }
        }
    }
    stage.backstage.cause(Trouble::ExpireToken).await;
    shown.result(&broker.accounts().await);
    let id = BrokerOrderId::new("123456789012")?;
    shown.result(&broker.order(account, &id).await);
    shown.result(&broker.cancel_order(account, &id).await);
    shown.result(&broker.find_instrument(account, "NOSUCHTHING").await);
    shown.value(&stage.backstage);
    Canaries::new(h.secrets()).absent_from("what the broker gives", &shown.0)
}

#[derive(Default)]
struct Shown(String);

impl Shown {
    fn value(&mut self, value: &impl Debug) {
        // Writing to a String does not fail.
        let _ = writeln!(self.0, "{value:?} {value:#?}");
    }

    fn line(&mut self, value: &impl ToString) {
        self.0.push_str(&value.to_string());
        self.0.push('\n');
    }

    fn result<T: Debug>(&mut self, result: &Result<T, Error>) {
        self.value(result);
        if let Err(error) = result {
            self.line(error);
            let mut cause = std::error::Error::source(error);
            while let Some(error) = cause {
                self.line(&error);
                cause = error.source();
            }
        }
    }
}
