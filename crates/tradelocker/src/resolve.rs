//! Finding out what became of an order, by reading only.

mod reading;

use std::sync::Arc;

use time::OffsetDateTime;
use wheelhouse_adapter::{ConsistencyWindow, Pauses};
use wheelhouse_core::{
    AccountId, BrokerId, ClientOrderId, Error, ErrorKind, Evidence, Order, OrderType,
    PositionEffect, Resolution, Result, Submission, UnresolvedOrder,
};

pub(crate) use self::reading::{SPACING, Snapshot};
use crate::{client::Inner, error};

/// How much earlier than its sending an order may be dated: the two clocks differ.
const SKEW: time::Duration = time::Duration::seconds(60);
/// How much further back is read for an order that bears a label, which mistakes it for no other: so
/// far may this side's clock be ahead.
const READ_BACK: time::Duration = time::Duration::HOUR;

/// What one reading tells of an order.
#[derive(Debug)]
enum Sight {
    Ambiguous(String),
    Found(Box<Order>),
    Missing,
}

impl Inner {
    pub(crate) async fn find_out(&self, open: &UnresolvedOrder) -> Result<Resolution> {
        if open.broker != BrokerId::tradelocker() {
            return Err(error::invalid("the order is another broker's"));
        }
        self.refuse_strangers(&open.request.account, "resolve")
            .await?;
        let window =
            ConsistencyWindow::new(self.clock(), open.sent_at, self.config.consistency_window);
        let mut evidence = Evidence::new(window.ends_at());
        let mut pauses = Pauses::default();
        loop {
            self.clock().sleep(pauses.next(self.clock(), &window)).await;
            let reading = self.reading(&open.request.account, open.sent_at - READ_BACK);
            match reading.await {
                Ok(snapshot) => {
                    evidence.complete_reads += 1;
                    evidence.last_read_at = Some(snapshot.ended_at);
                    match self.sight(&snapshot, open) {
                        Sight::Found(order) => {
                            self.recent.adopt(
                                &open.client_order_id,
                                &order.id,
                                &open.request.account,
                            );
                            return Ok(Resolution::Found(order));
                        }
                        // It can clear up: a position is there before its order is in the history.
                        Sight::Ambiguous(remark) => evidence.remark = Some(remark),
                        Sight::Missing => evidence.remark = None,
                    }
                    if snapshot.began >= window.end() && evidence.complete_reads >= 3 {
                        return Ok(match evidence.remark {
                            None => Resolution::NotFound(evidence),
                            Some(_) => Resolution::Unknown(Box::new(open.clone()), evidence),
                        });
                    }
                }
                Err(error) => {
                    evidence.failed_reads += 1;
                    if window.is_hopeless(self.clock()) || only_a_login_helps(&error) {
                        evidence.remark =
                            Some(format!("the last reading failed: {}", error.message()));
                        return Ok(Resolution::Unknown(Box::new(open.clone()), evidence));
                    }
                }
            }
        }
    }

    pub(crate) async fn find_by_client_id(
        &self,
        id: &AccountId,
        client_id: &ClientOrderId,
    ) -> Result<Option<Order>> {
        let now = self.clock().now();
        let recent = now - self.config.recent_history;
        let from = made_at(client_id, now).map_or(recent, |made_at| made_at - READ_BACK);
        let snapshot = self
            .reading(id, from)
            .await
            .map_err(|error| (*error).clone())?;
        match labelled(&snapshot, client_id) {
            Sight::Found(order) => Ok(Some(*order)),
            Sight::Missing if !snapshot.has_labels => {
                let message = "this account's orders do not all show the identifier";
                Err(self.place_in(
                    Error::new(ErrorKind::Unsupported, message),
                    "order_by_client_id",
                ))
            }
            Sight::Missing => Ok(None),
            Sight::Ambiguous(remark) => {
                let error =
                    error::unexpected(format_args!("the reading for {client_id}:"), &remark);
                Err(self.place_in(error, "order_by_client_id"))
            }
        }
    }

    /// Fails for an account that is not the user's. That the accounts cannot be read at the moment
    /// is no reason to give up.
    pub(crate) async fn refuse_strangers(
        &self,
        id: &AccountId,
        operation: &'static str,
    ) -> Result<()> {
        match self.account(id, operation).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    async fn reading(
        &self,
        id: &AccountId,
        from: OffsetDateTime,
    ) -> Result<Arc<Snapshot>, Arc<Error>> {
        let account = self.account(id, "resolve").await.map_err(Arc::new)?;
        let read = |from| self.read_snapshot(&account, from);
        account.readings.take_part(self.clock(), from, read).await
    }

    fn sight(&self, snapshot: &Snapshot, open: &UnresolvedOrder) -> Sight {
        let id = &open.client_order_id;
        // The answer may have come after its caller had gone.
        if let Some(Submission::Accepted(known)) = self.recent.outcome(id)
            && let Some(order) = snapshot.orders.iter().find(|order| order.id == known.id)
        {
            return Sight::Found(Box::new(order.clone()));
        }
        match labelled(snapshot, id) {
            Sight::Missing if !snapshot.has_labels => self.look_alike(snapshot, open),
            sight => sight,
        }
    }

    /// Finds an order by what it is, where the broker does not show whose it is.
    fn look_alike(&self, snapshot: &Snapshot, open: &UnresolvedOrder) -> Sight {
        let request = &open.request;
        let latest = open.sent_at + self.config.consistency_window + SKEW;
        let alike = |order: &&Order| {
            let price = order.order_type == OrderType::Market
                || (order.limit_price == request.kind.limit_price()
                    && order.stop_price == request.kind.stop_price());
            let dated = order
                .created_at
                .is_none_or(|at| at >= open.sent_at - SKEW && at <= latest);
            order.instrument == request.instrument
                && order.side == request.side
                && order.size.amount() == request.size.amount()
                && order.order_type == request.kind.order_type()
                && order.effect != Some(PositionEffect::Close)
                && price
                && dated
                && !self
                    .recent
                    .belongs_to_another(&order.id, &open.client_order_id)
        };
        one_of(snapshot.orders.iter().filter(alike), "orders look like it")
    }
}

/// Finds an order by its label.
fn labelled(snapshot: &Snapshot, id: &ClientOrderId) -> Sight {
    let orders = || snapshot.orders_of(id);
    // Orders that protect or close the position can bear the label of the one that opened it.
    let opening = || orders().filter(|order| order.effect != Some(PositionEffect::Close));
    let sight = match opening().next() {
        Some(_) => one_of(opening(), "orders bear the identifier"),
        // The placement itself is not shown yet, or any more.
        None if orders().next().is_some() => {
            Sight::Ambiguous("only closing orders bear the identifier".to_owned())
        }
        None => Sight::Missing,
    };
    let Sight::Missing = sight else {
        return sight;
    };
    let Some(position) = snapshot
        .positions
        .iter()
        .find(|p| p.client_order_id.as_ref() == Some(id))
    else {
        return Sight::Missing;
    };
    let opened = |order: &&Order| {
        order.position.as_ref() == Some(&position.id) && order.effect == Some(PositionEffect::Open)
    };
    match one_of(
        snapshot.orders.iter().filter(opened),
        "orders opened its position",
    ) {
        Sight::Missing => Sight::Ambiguous(format!(
            "position {} bears the identifier, its order is not shown yet",
            position.id
        )),
        sight => sight,
    }
}

fn one_of<'a>(mut orders: impl Iterator<Item = &'a Order>, several: &str) -> Sight {
    match (orders.next(), orders.count()) {
        (None, _) => Sight::Missing,
        (Some(order), 0) => Sight::Found(Box::new(order.clone())),
        (Some(_), more) => Sight::Ambiguous(format!("{} {several}", more + 1)),
    }
}

fn only_a_login_helps(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::SessionExpired
            | ErrorKind::RefreshRefused
            | ErrorKind::SessionInvalidated
            | ErrorKind::InvalidCredentials
    )
}

/// Reads the time that an identifier of [`ClientOrderId::generate`] was made at.
fn made_at(id: &ClientOrderId, now: OffsetDateTime) -> Option<OffsetDateTime> {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let bytes = id.as_str().as_bytes();
    let ulid = bytes.get(bytes.len().checked_sub(26)?..)?;
    let mut value = 0u128;
    for byte in ulid {
        let digit = ALPHABET.iter().position(|known| known == byte)?;
        value = value.checked_mul(32)? + digit as u128;
    }
    let millis = i128::try_from(value >> 80).ok()?;
    let time = OffsetDateTime::from_unix_timestamp_nanos(millis * 1_000_000).ok()?;
    // What only looks like such an identifier tells no time that could be.
    let year = now - time::Duration::days(365);
    (time > year && time <= now + SKEW).then_some(time)
}

#[cfg(test)]
mod tests {
    use wheelhouse_core::{BrokerOrderId, InstrumentId, Position, PositionId, Side, lots};

    use super::*;

    fn order(id: &str, label: Option<&str>, effect: PositionEffect) -> Order {
        let mut order = Order::new(
            BrokerOrderId::new(id).unwrap(),
            AccountId::new("1").unwrap(),
            InstrumentId::new("278").unwrap(),
            Side::Buy,
            OrderType::Market,
            lots!(1),
        );
        order.client_order_id = label.map(|label| ClientOrderId::new(label).unwrap());
        order.effect = Some(effect);
        order
    }

    fn sight(orders: Vec<Order>, positions: Vec<Position>) -> Sight {
        let snapshot = Snapshot::new(
            orders,
            positions,
            true,
            std::time::Duration::ZERO,
            OffsetDateTime::UNIX_EPOCH,
        );
        labelled(&snapshot, &ClientOrderId::new("mine").unwrap())
    }

    #[test]
    fn the_opening_order_is_found_among_those_that_bear_the_label() {
        let orders = vec![
            order("1", Some("mine"), PositionEffect::Close),
            order("2", Some("mine"), PositionEffect::Open),
            order("3", Some("other"), PositionEffect::Open),
            order("4", None, PositionEffect::Open),
        ];
        assert!(matches!(sight(orders, vec![]), Sight::Found(order) if order.id.as_str() == "2"));
    }

    #[test]
    fn an_order_that_only_closes_is_not_taken_for_the_placement() {
        let closing = order("1", Some("mine"), PositionEffect::Close);
        assert!(matches!(
            sight(vec![closing.clone()], vec![]),
            Sight::Ambiguous(_)
        ));
        // Where the broker does not say which it is, an order counts as one that opens.
        let mut silent = order("2", Some("mine"), PositionEffect::Open);
        silent.effect = None;
        assert!(matches!(
            sight(vec![closing, silent], vec![]),
            Sight::Found(order) if order.id.as_str() == "2"
        ));
    }

    #[test]
    fn two_orders_with_one_label_are_not_chosen_from() {
        let twice = vec![
            order("1", Some("mine"), PositionEffect::Open),
            order("2", Some("mine"), PositionEffect::Open),
        ];
        assert!(matches!(sight(twice, vec![]), Sight::Ambiguous(_)));
    }

    #[test]
    fn a_position_leads_to_its_order_and_is_never_nothing() {
        let mut position = Position::new(
            PositionId::new("9").unwrap(),
            AccountId::new("1").unwrap(),
            InstrumentId::new("278").unwrap(),
            Side::Buy,
            lots!(1),
        );
        position.client_order_id = Some(ClientOrderId::new("mine").unwrap());
        assert!(matches!(
            sight(vec![], vec![position.clone()]),
            Sight::Ambiguous(_)
        ));
        let mut opened = order("1", None, PositionEffect::Open);
        opened.position = Some(position.id.clone());
        assert!(matches!(
            sight(vec![opened], vec![position]),
            Sight::Found(_)
        ));
    }

    #[test]
    fn an_identifier_tells_when_it_was_made() {
        let now = time::macros::datetime!(2026-11-22 10:00 UTC);
        let millis = 1_795_000_000_000;
        let id = ClientOrderId::generate("whl-", millis, [7; 10]).unwrap();
        let made = made_at(&id, now).unwrap();
        assert_eq!(made.unix_timestamp(), 1_795_000_000);
        for other in [
            "short",
            "0000000000000000000000000000000",
            "ffffffff-aaaa-bbbb-cccc-ddddd",
        ] {
            assert_eq!(
                made_at(&ClientOrderId::new(other).unwrap(), now),
                None,
                "{other}"
            );
        }
    }
}
