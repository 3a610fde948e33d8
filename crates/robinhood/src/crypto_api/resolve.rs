//! Finding out what became of an order, by reading only.

use bytes::Bytes;
use time::OffsetDateTime;
use wheelhouse_adapter::{ConsistencyWindow, Pauses, Readings};
use wheelhouse_core::{
    AccountId, ClientOrderId, ErrorKind, Evidence, Order, Resolution, Result, UnresolvedOrder,
};

use super::{
    broker,
    client::Inner,
    error::{invalid, odd},
    ids,
    orders::{orders, stamp},
};
use crate::readings::{Outcome, Snapshot};

/// How much earlier than its sending an order may be dated: the two clocks differ.
const SKEW: time::Duration = time::Duration::seconds(60);
/// How many complete readings it takes to say that there is no order.
const ENOUGH: u32 = 3;
/// The least pause between two readings of an account.
const REST: std::time::Duration = std::time::Duration::from_millis(500);

impl Inner {
    pub(crate) async fn find_out(&self, open: &UnresolvedOrder) -> Result<Resolution> {
        if open.broker != broker() {
            return Err(invalid("the order is another broker's"));
        }
        let account = &open.request.account;
        self.check_account(account, "resolve").await?;
        let clock = &**self.api.clock();
        let window = ConsistencyWindow::new(clock, open.sent_at, self.config.consistency_window);
        let wire_id = ids::on_the_wire(&open.client_order_id);
        let mut evidence = Evidence::new(window.ends_at());
        let mut pauses = Pauses::default();
        loop {
            clock.sleep(pauses.next(clock, &window)).await;
            match self.reading(account, self.earliest(open.sent_at)).await {
                Ok(snapshot) => {
                    evidence.complete_reads += 1;
                    evidence.last_read_at = Some(snapshot.ended_at);
                    evidence.remark = None;
                    match snapshot.orders_of(&wire_id) {
                        [] => {}
                        [order] => {
                            self.recent.adopt(order, &open.client_order_id);
                            return Ok(Resolution::Found(Box::new(named(order, open))));
                        }
                        several => {
                            let count = several.len();
                            evidence.remark = Some(format!("{count} orders bear the identifier"));
                        }
                    }
                    if snapshot.began >= window.end() && evidence.complete_reads >= ENOUGH {
                        return Ok(match evidence.remark {
                            None => Resolution::NotFound(evidence),
                            Some(_) => Resolution::Unknown(Box::new(open.clone()), evidence),
                        });
                    }
                }
                Err(error) => {
                    evidence.failed_reads += 1;
                    if window.is_hopeless(clock) || error.kind() == ErrorKind::InvalidCredentials {
                        let remark = format!("the last reading failed: {}", error.message());
                        evidence.remark = Some(remark);
                        return Ok(Resolution::Unknown(Box::new(open.clone()), evidence));
                    }
                }
            }
        }
    }

    pub(crate) async fn find_by_client_id(
        &self,
        account: &AccountId,
        id: &ClientOrderId,
    ) -> Result<Option<Order>> {
        const OPERATION: &str = "order_by_client_id";
        self.check_account(account, OPERATION).await?;
        let from = self.api.clock().now() - self.config.recent_history;
        let reading = self.reading(account, self.earliest(from)).await;
        let snapshot = reading.map_err(|error| self.place_in((*error).clone(), OPERATION))?;
        let wire_id = ids::on_the_wire(id);
        let mut found = snapshot.orders_of(&wire_id).to_vec();
        if found.is_empty() {
            // It may be older than that and still work.
            found = self.read_open(account, None).await?;
            let bears = |order: &Order| {
                order
                    .client_order_id
                    .as_ref()
                    .is_some_and(|it| ids::on_the_wire(it) == wire_id)
            };
            found.retain(bears);
        }
        if found.len() > 1 {
            let message = format!("{} orders bear the identifier", found.len());
            return Err(self.place_in(odd(message), OPERATION));
        }
        Ok(found.pop().map(|mut order| {
            order.client_order_id = Some(id.clone());
            order
        }))
    }

    /// Moves a time of this side back to where an order of it can be dated at the broker.
    fn earliest(&self, at: OffsetDateTime) -> OffsetDateTime {
        let ahead = self.api.signer.server_clock.ahead();
        at + ahead.min(time::Duration::ZERO) - SKEW
    }

    async fn reading(&self, account: &AccountId, from: OffsetDateTime) -> Outcome {
        let read = |from| self.read_snapshot(account, from);
        let clock = &**self.api.clock();
        let readings = self.readings.of(account, || Readings::resting(REST));
        readings.take_part(clock, from, read).await
    }

    async fn read_snapshot(&self, account: &AccountId, from: OffsetDateTime) -> Result<Snapshot> {
        let began = self.api.clock().monotonic();
        let mut all = Vec::new();
        let page = |body: &Bytes| {
            let (some, next) = orders(body, account)?;
            all.extend(some);
            Ok(next)
        };
        let with = |call| {
            let call = self.of_account(call, account);
            match stamp(from) {
                Some(from) => call.query("created_at_start", from),
                None => call,
            }
        };
        self.api.walk(&self.api.routes.resolve, with, page).await?;
        Ok(Snapshot::new(all, began, self.api.clock().now()))
    }
}

fn named(order: &Order, open: &UnresolvedOrder) -> Order {
    let mut order = order.clone();
    order.client_order_id = Some(open.client_order_id.clone());
    order
}
