use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use time::OffsetDateTime;
use wheelhouse_core::{
    AcceptedOrder, ClientOrderId, Error, ErrorKind, Order, Result, RetryAdvice, Submission,
    UnresolvedOrder,
};

/// How many placements are remembered. The oldest goes first, but none that would be placed twice
/// if it came again.
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

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// What was asked for, to tell one order from another.
    pub(crate) content: Bytes,
    /// What is sent, byte for byte.
    pub(crate) body: Bytes,
    /// The identifier that the broker is given.
    pub(crate) ref_id: String,
    /// Whether the broker refuses a second one.
    pub(crate) repeatable: bool,
}

#[derive(Debug)]
struct Placement {
    letter: Letter,
    first_sent_at: OffsetDateTime,
    under_way: bool,
    outcome: Submission,
}

impl Placement {
    /// Whether forgetting it can place an order twice.
    fn has_to_stay(&self) -> bool {
        matches!(self.outcome, Submission::Unknown(_)) && !self.letter.repeatable
    }
}

/// What is to be done with a placement.
#[derive(Debug)]
pub(crate) enum Standing {
    /// It is the same one again, with this outcome: it is not sent a second time.
    Known(Box<Submission>),
    /// It is new.
    New,
    /// It is the same one again, nobody knows what became of it, and it may be sent again as it was.
    Unclear(Box<(Letter, UnresolvedOrder)>),
}

impl Recent {
    /// Returns what is known of an identifier, without noting anything.
    pub(crate) fn standing(&self, id: &ClientOrderId, content: &[u8]) -> Result<Standing> {
        self.lock().standing(id, content)
    }

    /// Notes that a letter is about to be sent; until its outcome is known it is `open`.
    pub(crate) fn begin(&self, letter: &Letter, open: &UnresolvedOrder) -> Result<Standing> {
        let mut state = self.lock();
        let id = &open.client_order_id;
        match state.standing(id, &letter.content)? {
            Standing::New => {}
            known => {
                if let (Standing::Unclear(_), Some(placement)) = (&known, state.by_id.get_mut(id)) {
                    placement.under_way = true;
                    placement.outcome = Submission::Unknown(open.clone());
                }
                return Ok(known);
            }
        }
        state.make_room()?;
        let placement = Placement {
            letter: letter.clone(),
            first_sent_at: open.sent_at,
            under_way: true,
            outcome: Submission::Unknown(open.clone()),
        };
        state.by_id.insert(id.clone(), placement);
        state.by_ref.insert(letter.ref_id.clone(), id.clone());
        state.oldest_first.push_back(id.clone());
        Ok(Standing::New)
    }

    /// Notes what became of it. An error says that nothing was placed: it is forgotten, so that it
    /// can be tried again.
    pub(crate) fn finish(&self, id: &ClientOrderId, outcome: &Result<Submission>) {
        let mut state = self.lock();
        match outcome {
            Ok(outcome) => {
                if let Some(placement) = state.by_id.get_mut(id) {
                    placement.outcome = outcome.clone();
                    placement.under_way = false;
                }
            }
            Err(_) => {
                if let Some(gone) = state.by_id.remove(id) {
                    state.by_ref.remove(&gone.letter.ref_id);
                }
                state.oldest_first.retain(|known| known != id);
            }
        }
    }

    /// Notes that an order was found to be the one of a placement.
    pub(crate) fn found(&self, id: &ClientOrderId, order: &Order) {
        if let Some(placement) = self.lock().by_id.get_mut(id)
            && matches!(placement.outcome, Submission::Unknown(_))
        {
            placement.outcome = Submission::Accepted(as_accepted(id, order));
        }
    }

    /// Returns when an order was first sent.
    pub(crate) fn first_sent_at(&self, id: &ClientOrderId) -> Option<OffsetDateTime> {
        let state = self.lock();
        state.by_id.get(id).map(|placement| placement.first_sent_at)
    }

    /// Returns this side's identifier for the one that the broker was given.
    pub(crate) fn own_id(&self, ref_id: &str) -> Option<ClientOrderId> {
        self.lock().by_ref.get(ref_id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes what a placement is answered with from the order that it became.
pub(crate) fn as_accepted(id: &ClientOrderId, order: &Order) -> AcceptedOrder {
    let mut accepted = AcceptedOrder::new(order.id.clone(), id.clone(), order.account.clone());
    accepted.state = order.state.clone();
    // It stands in a page with a hundred others.
    accepted.raw = order.raw.detached();
    accepted
}

impl State {
    fn standing(&self, id: &ClientOrderId, content: &[u8]) -> Result<Standing> {
        let Some(known) = self.by_id.get(id) else {
            return Ok(Standing::New);
        };
        if *known.letter.content != *content {
            let message = format!("the client order id {id} was used for another order");
            return Err(Error::new(ErrorKind::ClientOrderIdReused, message));
        }
        Ok(match &known.outcome {
            Submission::Unknown(open) if !known.under_way && known.letter.repeatable => {
                Standing::Unclear(Box::new((known.letter.clone(), open.clone())))
            }
            outcome => Standing::Known(Box::new(outcome.clone())),
        })
    }

    fn make_room(&mut self) -> Result<()> {
        if self.by_id.len() < MOST {
            return Ok(());
        }
        let may_go = |id: &ClientOrderId| {
            let placement = self.by_id.get(id);
            placement.is_none_or(|placement| !placement.has_to_stay())
        };
        let Some(at) = self.oldest_first.iter().position(may_go) else {
            let message = format!("the outcome of {MOST} orders is unknown; resolve them first");
            let error = Error::new(ErrorKind::OrderRejected, message);
            return Err(error.with_advice(RetryAdvice::ResolveFirst));
        };
        if let Some(oldest) = self.oldest_first.remove(at)
            && let Some(gone) = self.by_id.remove(&oldest)
        {
            self.by_ref.remove(&gone.letter.ref_id);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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

    fn letter(content: &'static [u8], id: &str, repeatable: bool) -> Letter {
        Letter {
            content: Bytes::from_static(content),
            body: Bytes::from_static(b"body"),
            ref_id: id.to_owned(),
            repeatable,
        }
    }

    fn begin(recent: &Recent, content: &'static [u8], id: &str) -> Result<Standing> {
        recent.begin(&letter(content, id, true), &open(id))
    }

    fn unknown(id: &str) -> Result<Submission> {
        Ok(Submission::Unknown(open(id)))
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
        recent.finish(&id, &unknown("x"));
        let again = begin(&recent, b"a", "x").unwrap();
        assert!(matches!(again, Standing::Unclear(known) if known.0.body == "body"));
        assert!(matches!(begin(&recent, b"a", "x"), Ok(Standing::Known(_))));
        recent.finish(&id, &unknown("x"));
        assert!(matches!(
            begin(&recent, b"a", "x"),
            Ok(Standing::Unclear(_))
        ));
    }

    #[test]
    fn where_the_broker_takes_an_order_twice_it_is_not_sent_again() {
        let recent = Recent::default();
        let _ = recent.begin(&letter(b"a", "x", false), &open("x")).unwrap();
        let id = ClientOrderId::new("x").unwrap();
        recent.finish(&id, &unknown("x"));
        let again = recent.begin(&letter(b"a", "x", false), &open("x")).unwrap();
        assert!(matches!(again, Standing::Known(_)), "{again:?}");
    }

    #[test]
    fn the_same_placement_again_has_the_same_outcome() {
        let recent = Recent::default();
        let id = ClientOrderId::new("x").unwrap();
        let _ = begin(&recent, b"a", "x").unwrap();
        let refused = Rejection::new(id.clone(), RejectReason::Other, "no");
        recent.finish(&id, &Ok(Submission::Rejected(refused)));
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
        recent.finish(&id, &Err(Error::new(ErrorKind::Network, "refused")));
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

    #[test]
    fn what_could_be_placed_twice_is_not_forgotten() {
        let recent = Recent::default();
        let place = |n: usize| {
            let id = n.to_string();
            let begun = recent.begin(&letter(b"a", &id, false), &open(&id))?;
            recent.finish(&ClientOrderId::new(id.clone())?, &unknown(&id));
            Ok::<_, Error>(begun)
        };
        let _ = begin(&recent, b"a", "shares").unwrap();
        for n in 0..MOST - 1 {
            place(n).unwrap();
        }
        // The one that the broker would refuse a second time makes room, and no other.
        place(MOST).unwrap();
        assert!(matches!(place(0).unwrap(), Standing::Known(_)));
        assert_eq!(place(MOST + 1).unwrap_err().code(), 3008);
        assert!(matches!(place(MOST).unwrap(), Standing::Known(_)));
    }
}
