use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use wheelhouse_core::{
    AcceptedOrder, ClientOrderId, Error, ErrorKind, Order, Result, RetryAdvice, Submission,
    UnresolvedOrder,
};

use super::ids;

/// How many placements are remembered. The oldest goes first, but none that nobody knows what became
/// of: it could be placed twice if it came again.
const MOST: usize = 4_096;

/// The placements of late, by their identifiers as the broker has them. What the broker does with a
/// second order of the same identifier is not known, so it is refused here.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    by_wire_id: HashMap<String, Placement>,
    oldest_first: VecDeque<String>,
}

impl State {
    fn make_room(&mut self) -> Result<()> {
        if self.by_wire_id.len() < MOST {
            return Ok(());
        }
        let may_go = |id: &String| {
            let placement = self.by_wire_id.get(id);
            placement.is_none_or(|it| !matches!(it.outcome, Submission::Unknown(_)))
        };
        let Some(at) = self.oldest_first.iter().position(may_go) else {
            let message = format!("the outcome of {MOST} orders is unknown; resolve them first");
            let error = Error::new(ErrorKind::OrderRejected, message);
            return Err(error.with_advice(RetryAdvice::ResolveFirst));
        };
        if let Some(oldest) = self.oldest_first.remove(at) {
            self.by_wire_id.remove(&oldest);
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Placement {
    id: ClientOrderId,
    /// What was sent, byte for byte.
    content: Box<[u8]>,
    outcome: Submission,
}

impl Recent {
    /// Notes that `content` is about to be sent; until its outcome is known it is `open`. If it is
    /// the same placement again, its outcome is returned, and it is not to be sent.
    pub(crate) fn begin(
        &self,
        content: &[u8],
        open: &UnresolvedOrder,
    ) -> Result<Option<Submission>> {
        let mut state = self.lock();
        let wire_id = ids::on_the_wire(&open.client_order_id);
        if let Some(known) = state.by_wire_id.get(&wire_id) {
            if *known.content == *content {
                return Ok(Some(known.outcome.clone()));
            }
            let id = &open.client_order_id;
            let message = format!("the client order id {id} was used for another order");
            return Err(Error::new(ErrorKind::ClientOrderIdReused, message));
        }
        state.make_room()?;
        let placement = Placement {
            id: open.client_order_id.clone(),
            content: content.into(),
            outcome: Submission::Unknown(open.clone()),
        };
        state.by_wire_id.insert(wire_id.clone(), placement);
        state.oldest_first.push_back(wire_id);
        Ok(None)
    }

    /// Notes what became of it. What was not sent is forgotten, so that it can be tried again.
    pub(crate) fn finish(&self, id: &ClientOrderId, outcome: &Result<Submission>) {
        let mut state = self.lock();
        let wire_id = ids::on_the_wire(id);
        match outcome {
            Ok(outcome) => {
                if let Some(placement) = state.by_wire_id.get_mut(&wire_id) {
                    placement.outcome = outcome.clone();
                }
            }
            Err(_) => {
                state.by_wire_id.remove(&wire_id);
                state.oldest_first.retain(|known| *known != wire_id);
            }
        }
    }

    /// Notes that an order was found to be the one of a placement.
    pub(crate) fn adopt(&self, order: &Order, id: &ClientOrderId) {
        if let Some(placement) = self.lock().by_wire_id.get_mut(&ids::on_the_wire(id))
            && matches!(placement.outcome, Submission::Unknown(_))
        {
            let (order, account) = (order.id.clone(), order.account.clone());
            let accepted = AcceptedOrder::new(order, placement.id.clone(), account);
            placement.outcome = Submission::Accepted(accepted);
        }
    }

    /// Gives orders the identifiers back under which they were placed.
    pub(crate) fn name(&self, orders: &mut [Order]) {
        let state = self.lock();
        for order in orders {
            let wire_id = order.client_order_id.as_ref().map(ClientOrderId::as_str);
            if let Some(placement) = wire_id.and_then(|id| state.by_wire_id.get(id)) {
                order.client_order_id = Some(placement.id.clone());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use wheelhouse_core::{
        AccountId, BrokerOrderId, InstrumentId, OrderRequest, OrderSize, OrderType, Quantity,
        RejectReason, Rejection, Side, dec,
    };

    use super::*;

    fn open(id: &str) -> UnresolvedOrder {
        let id = ClientOrderId::new(id).unwrap();
        let account = AccountId::new("1").unwrap();
        let size = OrderSize::Units(Quantity::new(dec!(1)));
        let instrument = InstrumentId::new("BTC-USD").unwrap();
        let request = OrderRequest::market(account, instrument, Side::Buy, size);
        let cause = Error::new(ErrorKind::Timeout, "x");
        let at = OffsetDateTime::UNIX_EPOCH;
        UnresolvedOrder::new(super::super::broker(), id, request, at, &cause)
    }

    #[test]
    fn ord_9_an_identifier_with_other_content_is_refused() {
        let recent = Recent::default();
        assert!(matches!(recent.begin(b"a", &open("x")), Ok(None)));
        assert_eq!(recent.begin(b"b", &open("x")).unwrap_err().code(), 3009);
        let again = recent.begin(b"a", &open("x")).unwrap();
        assert!(matches!(again, Some(Submission::Unknown(_))), "{again:?}");
    }

    #[test]
    fn what_was_not_sent_can_be_tried_again() {
        let recent = Recent::default();
        let _ = recent.begin(b"a", &open("x")).unwrap();
        let id = ClientOrderId::new("x").unwrap();
        recent.finish(&id, &Err(Error::new(ErrorKind::Network, "refused")));
        assert!(matches!(recent.begin(b"b", &open("x")), Ok(None)));
    }

    #[test]
    fn orders_get_back_the_identifier_they_were_placed_under() {
        let recent = Recent::default();
        let _ = recent.begin(b"a", &open("KIT-1")).unwrap();
        let wire_id = ids::on_the_wire(&ClientOrderId::new("KIT-1").unwrap());
        let mut order = Order::new(
            BrokerOrderId::new("7").unwrap(),
            AccountId::new("1").unwrap(),
            InstrumentId::new("BTC-USD").unwrap(),
            Side::Buy,
            OrderType::Market,
            OrderSize::Units(Quantity::new(dec!(1))),
        );
        order.client_order_id = Some(ClientOrderId::new(wire_id).unwrap());
        recent.name(std::slice::from_mut(&mut order));
        assert_eq!(order.client_order_id.unwrap().as_str(), "KIT-1");
    }

    fn place(recent: &Recent, n: usize, outcome: impl Fn(UnresolvedOrder) -> Submission) -> u16 {
        let open = open(&n.to_string());
        match recent.begin(b"a", &open) {
            Ok(_) => recent.finish(&open.client_order_id.clone(), &Ok(outcome(open))),
            Err(error) => return error.code(),
        }
        0
    }

    fn refused(open: UnresolvedOrder) -> Submission {
        let id = open.client_order_id;
        Submission::Rejected(Rejection::new(id, RejectReason::Other, "no"))
    }

    #[test]
    fn only_the_latest_are_remembered() {
        let recent = Recent::default();
        for n in 0..MOST + 10 {
            assert_eq!(place(&recent, n, refused), 0);
        }
        let state = recent.lock();
        assert_eq!(
            (state.by_wire_id.len(), state.oldest_first.len()),
            (MOST, MOST)
        );
    }

    #[test]
    fn what_could_be_placed_twice_is_not_forgotten() {
        let recent = Recent::default();
        assert_eq!(place(&recent, MOST, refused), 0);
        for n in 0..MOST {
            // The first of these takes the place of the one that was refused.
            let outcome = place(&recent, n, Submission::Unknown);
            assert_eq!(outcome, 0, "{n}");
        }
        assert_eq!(place(&recent, MOST + 1, refused), 3008);
        let again = recent.begin(b"a", &open("0")).unwrap();
        assert!(matches!(again, Some(Submission::Unknown(_))), "{again:?}");
    }
}
