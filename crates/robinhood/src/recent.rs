use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use wheelhouse_core::{ClientOrderId, Error, ErrorKind, Result, Submission, UnresolvedOrder};

/// How many placements are remembered; the oldest goes first.
const MOST: usize = 4_096;

/// The placements of late, by this side's identifier: what an identifier became at the broker, and
/// what was sent under it, so that the very same can be sent again.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    by_id: HashMap<ClientOrderId, Placement>,
    oldest_first: VecDeque<ClientOrderId>,
    /// The identifiers of this side, by those that the broker was given.
    by_ref: HashMap<String, ClientOrderId>,
}

#[derive(Debug)]
struct Placement {
    /// What was asked for.
    content: Box<[u8]>,
    /// What was sent, byte for byte.
    body: Bytes,
    ref_id: String,
    under_way: bool,
    outcome: Submission,
}

/// What is to be done with a placement.
#[derive(Debug)]
pub(crate) enum Standing {
    /// It is the same one again, with this outcome: it is not sent a second time.
    Known(Box<Submission>),
    /// It is new.
    New,
    /// It is the same one again, and nobody knows what became of it. This was sent.
    Unclear(Bytes),
}

impl Recent {
    /// Returns what is known of an identifier, without noting anything.
    pub(crate) fn standing(&self, id: &ClientOrderId, content: &[u8]) -> Result<Standing> {
        self.lock().standing(id, content)
    }

    /// Notes that `body` is about to be sent; until its outcome is known it is `open`.
    pub(crate) fn begin(
        &self,
        content: &[u8],
        body: &Bytes,
        ref_id: &str,
        open: &UnresolvedOrder,
    ) -> Result<Standing> {
        let mut state = self.lock();
        let id = &open.client_order_id;
        match state.standing(id, content)? {
            Standing::New => {}
            known => {
                if let (Standing::Unclear(_), Some(placement)) = (&known, state.by_id.get_mut(id)) {
                    placement.under_way = true;
                }
                return Ok(known);
            }
        }
        if state.by_id.len() >= MOST
            && let Some(oldest) = state.oldest_first.pop_front()
            && let Some(gone) = state.by_id.remove(&oldest)
        {
            state.by_ref.remove(&gone.ref_id);
        }
        let placement = Placement {
            content: content.into(),
            body: body.clone(),
            ref_id: ref_id.to_owned(),
            under_way: true,
            outcome: Submission::Unknown(open.clone()),
        };
        state.by_id.insert(id.clone(), placement);
        state.by_ref.insert(ref_id.to_owned(), id.clone());
        state.oldest_first.push_back(id.clone());
        Ok(Standing::New)
    }

    /// Notes what became of it. What was not sent is forgotten, so that it can be tried again.
    pub(crate) fn finish(&self, id: &ClientOrderId, outcome: &Result<Submission>, again: bool) {
        let mut state = self.lock();
        match outcome {
            Ok(outcome) => {
                if let Some(placement) = state.by_id.get_mut(id) {
                    placement.outcome = outcome.clone();
                    placement.under_way = false;
                }
            }
            // The first sending may still have placed it.
            Err(_) if again => {
                if let Some(placement) = state.by_id.get_mut(id) {
                    placement.under_way = false;
                }
            }
            Err(_) => {
                if let Some(gone) = state.by_id.remove(id) {
                    state.by_ref.remove(&gone.ref_id);
                }
                state.oldest_first.retain(|known| known != id);
            }
        }
    }

    /// Returns this side's identifier for the one that the broker was given.
    pub(crate) fn own_id(&self, ref_id: &str) -> Option<ClientOrderId> {
        self.lock().by_ref.get(ref_id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn standing(&self, id: &ClientOrderId, content: &[u8]) -> Result<Standing> {
        let Some(known) = self.by_id.get(id) else {
            return Ok(Standing::New);
        };
        if *known.content != *content {
            let message = format!("the client order id {id} was used for another order");
            return Err(Error::new(ErrorKind::ClientOrderIdReused, message));
        }
        Ok(match &known.outcome {
            Submission::Unknown(_) if !known.under_way => Standing::Unclear(known.body.clone()),
            outcome => Standing::Known(Box::new(outcome.clone())),
        })
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use wheelhouse_core::{
        AccountId, BrokerId, InstrumentId, OrderRequest, RejectReason, Rejection, Side, shares,
    };

    use super::*;

    fn open(id: &str) -> UnresolvedOrder {
        let id = ClientOrderId::new(id).unwrap();
        let account = AccountId::new("1").unwrap();
        let instrument = InstrumentId::new("278").unwrap();
        let request = OrderRequest::market(account, instrument, Side::Buy, shares!(1));
        let cause = Error::new(ErrorKind::Timeout, "x");
        UnresolvedOrder::new(
            BrokerId::robinhood(),
            id,
            request,
            OffsetDateTime::UNIX_EPOCH,
            &cause,
        )
    }

    fn begin(recent: &Recent, content: &[u8], id: &str) -> Result<Standing> {
        recent.begin(content, &Bytes::from_static(b"body"), id, &open(id))
    }

    #[test]
    fn ord_9_an_identifier_with_other_content_is_refused() {
        let recent = Recent::default();
        assert!(matches!(begin(&recent, b"a", "x"), Ok(Standing::New)));
        assert_eq!(begin(&recent, b"b", "x").unwrap_err().code(), 3009);
        let again = begin(&recent, b"a", "x").unwrap();
        assert!(
            matches!(&again, Standing::Known(outcome) if matches!(**outcome, Submission::Unknown(_))),
            "{again:?}"
        );
    }

    #[test]
    fn what_is_unclear_can_be_sent_again_byte_for_byte_but_not_twice_at_once() {
        let recent = Recent::default();
        let _ = begin(&recent, b"a", "x").unwrap();
        let id = ClientOrderId::new("x").unwrap();
        recent.finish(&id, &Ok(Submission::Unknown(open("x"))), false);
        let again = begin(&recent, b"a", "x").unwrap();
        assert!(matches!(again, Standing::Unclear(body) if body == "body"));
        assert!(matches!(begin(&recent, b"a", "x"), Ok(Standing::Known(_))));
        recent.finish(&id, &Err(Error::new(ErrorKind::RateLimited, "later")), true);
        assert!(matches!(
            begin(&recent, b"a", "x"),
            Ok(Standing::Unclear(_))
        ));
    }

    #[test]
    fn the_same_placement_again_has_the_same_outcome() {
        let recent = Recent::default();
        let id = ClientOrderId::new("x").unwrap();
        let _ = begin(&recent, b"a", "x").unwrap();
        let refused = Rejection::new(id.clone(), RejectReason::Other, "no");
        recent.finish(&id, &Ok(Submission::Rejected(refused)), false);
        let again = begin(&recent, b"a", "x").unwrap();
        assert!(
            matches!(&again, Standing::Known(outcome) if matches!(**outcome, Submission::Rejected(_))),
            "{again:?}"
        );
        assert_eq!(recent.own_id("x"), Some(id));
    }

    #[test]
    fn what_was_not_sent_can_be_tried_again() {
        let recent = Recent::default();
        let id = ClientOrderId::new("x").unwrap();
        let _ = begin(&recent, b"a", "x").unwrap();
        recent.finish(&id, &Err(Error::new(ErrorKind::Network, "refused")), false);
        assert!(matches!(begin(&recent, b"b", "x"), Ok(Standing::New)));
    }

    #[test]
    fn only_the_latest_are_remembered() {
        let recent = Recent::default();
        for n in 0..MOST + 10 {
            let _ = begin(&recent, b"a", &n.to_string()).unwrap();
        }
        let state = recent.lock();
        assert_eq!(
            (
                state.by_id.len(),
                state.oldest_first.len(),
                state.by_ref.len()
            ),
            (MOST, MOST, MOST)
        );
    }
}
