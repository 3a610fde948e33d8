use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use wheelhouse_core::{
    AcceptedOrder, AccountId, BrokerOrderId, ClientOrderId, Error, ErrorKind, Result, Submission,
    UnresolvedOrder,
};

/// How many placements are remembered; the oldest goes first.
const MOST: usize = 4_096;

/// The placements of late, by this side's identifier. The broker does not refuse a second order with
/// the same one, so it is done here.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    by_id: HashMap<ClientOrderId, Placement>,
    oldest_first: VecDeque<ClientOrderId>,
}

#[derive(Debug)]
struct Placement {
    /// What was sent, byte for byte.
    content: Box<[u8]>,
    outcome: Submission,
}

impl Recent {
    /// Notes that `content` is about to be sent; until its outcome is known it is `open`. Returns
    /// the outcome if it is the same placement again, which must not be sent a second time.
    pub(crate) fn begin(
        &self,
        content: &[u8],
        open: &UnresolvedOrder,
    ) -> Result<Option<Submission>> {
        let mut state = self.lock();
        let id = &open.client_order_id;
        if let Some(known) = state.by_id.get(id) {
            if *known.content == *content {
                return Ok(Some(known.outcome.clone()));
            }
            let message = format!("the client order id {id} was used for another order");
            return Err(Error::new(ErrorKind::ClientOrderIdReused, message));
        }
        if state.by_id.len() >= MOST
            && let Some(oldest) = state.oldest_first.pop_front()
        {
            state.by_id.remove(&oldest);
        }
        let placement = Placement {
            content: content.into(),
            outcome: Submission::Unknown(open.clone()),
        };
        state.by_id.insert(id.clone(), placement);
        state.oldest_first.push_back(id.clone());
        Ok(None)
    }

    /// Notes what became of it. What was not sent is forgotten, so that it can be tried again.
    pub(crate) fn finish(&self, id: &ClientOrderId, outcome: &Result<Submission>) {
        let mut state = self.lock();
        match outcome {
            Ok(outcome) => {
                if let Some(placement) = state.by_id.get_mut(id) {
                    placement.outcome = outcome.clone();
                }
            }
            Err(_) => {
                state.by_id.remove(id);
                state.oldest_first.retain(|known| known != id);
            }
        }
    }

    /// Notes that an order was found to be the one of a placement.
    pub(crate) fn adopt(&self, id: &ClientOrderId, order: &BrokerOrderId, account: &AccountId) {
        if let Some(placement) = self.lock().by_id.get_mut(id)
            && matches!(placement.outcome, Submission::Unknown(_))
        {
            let accepted = AcceptedOrder::new(order.clone(), id.clone(), account.clone());
            placement.outcome = Submission::Accepted(accepted);
        }
    }

    /// Returns what became of a placement.
    pub(crate) fn outcome(&self, id: &ClientOrderId) -> Option<Submission> {
        self.lock()
            .by_id
            .get(id)
            .map(|placement| placement.outcome.clone())
    }

    /// Returns whether an order is known to belong to another placement than `id`.
    pub(crate) fn belongs_to_another(&self, order: &BrokerOrderId, id: &ClientOrderId) -> bool {
        let taken = |(other, placement): (&ClientOrderId, &Placement)| {
            other != id
                && matches!(&placement.outcome, Submission::Accepted(known) if known.id == *order)
        };
        self.lock().by_id.iter().any(taken)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use wheelhouse_core::{
        BrokerId, InstrumentId, OrderRequest, RejectReason, Rejection, Side, lots,
    };

    use super::*;

    fn open(id: &str) -> UnresolvedOrder {
        let id = ClientOrderId::new(id).unwrap();
        let account = AccountId::new("1").unwrap();
        let instrument = InstrumentId::new("278").unwrap();
        let request = OrderRequest::market(account, instrument, Side::Buy, lots!(1));
        let cause = Error::new(ErrorKind::Timeout, "x");
        UnresolvedOrder::new(
            BrokerId::tradelocker(),
            id,
            request,
            OffsetDateTime::UNIX_EPOCH,
            &cause,
        )
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
    fn the_same_placement_again_has_the_same_outcome() {
        let recent = Recent::default();
        let id = ClientOrderId::new("x").unwrap();
        let _ = recent.begin(b"a", &open("x")).unwrap();
        let refused = Rejection::new(id.clone(), RejectReason::Other, "no");
        recent.finish(&id, &Ok(Submission::Rejected(refused)));
        let again = recent.begin(b"a", &open("x")).unwrap();
        assert!(matches!(again, Some(Submission::Rejected(_))), "{again:?}");
    }

    #[test]
    fn what_was_not_sent_can_be_tried_again() {
        let recent = Recent::default();
        let id = ClientOrderId::new("x").unwrap();
        let _ = recent.begin(b"a", &open("x")).unwrap();
        recent.finish(&id, &Err(Error::new(ErrorKind::Network, "refused")));
        assert!(matches!(recent.begin(b"b", &open("x")), Ok(None)));
    }

    #[test]
    fn only_the_latest_are_remembered() {
        let recent = Recent::default();
        for n in 0..MOST + 10 {
            let _ = recent.begin(b"a", &open(&n.to_string())).unwrap();
        }
        let state = recent.lock();
        assert_eq!((state.by_id.len(), state.oldest_first.len()), (MOST, MOST));
    }
}
