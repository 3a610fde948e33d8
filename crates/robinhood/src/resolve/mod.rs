//! Finding out what became of an order, by reading only.

mod reading;

use std::{collections::HashSet, sync::Arc};

use wheelhouse_adapter::{ConsistencyWindow, Pauses};
use wheelhouse_core::{
    AccountId, BrokerId, ClientOrderId, Error, ErrorKind, Evidence, Order, OrderRequest, OrderSize,
    Resolution, Result, UnresolvedOrder,
};

pub(crate) use self::reading::{EndOfList, OPEN_STATES, Which};
use crate::{client::Inner, convert, error, place::ref_id_of, readings::Outcome};

/// How much earlier than its sending an order may be dated, where the two clocks are set.
const SKEW: time::Duration = time::Duration::seconds(60);
/// How far back the last readings look, before an order is said not to be there: the clock of this
/// machine may be ahead by minutes.
const FAR_SKEW: time::Duration = time::Duration::hours(1);

/// The books that the broker keeps orders in, each apart from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Book {
    Crypto,
    Options,
    Shares,
}

impl Book {
    fn of(request: &OrderRequest) -> Self {
        match request.size {
            OrderSize::Contracts(_) => Self::Options,
            _ if convert::own_part(request.instrument.as_str()).is_some() => Self::Crypto,
            _ => Self::Shares,
        }
    }

    /// Whether the broker refuses a second order with the same identifier. Of options, nobody knows.
    pub(crate) fn refuses_duplicates(self) -> bool {
        self != Self::Options
    }

    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Crypto => convert::PREFIX,
            Self::Options | Self::Shares => "",
        }
    }
}

impl Inner {
    pub(crate) async fn find_out(&self, open: &UnresolvedOrder) -> Result<Resolution> {
        if open.broker != BrokerId::robinhood() {
            return Err(error::invalid("the order is another broker's"));
        }
        let account = &open.request.account;
        let (book, ref_id) = (Book::of(&open.request), ref_id_of(&open.client_order_id));
        let window =
            ConsistencyWindow::new(self.clock(), open.sent_at, self.config.consistency_window);
        // It may have been sent more than once, and be there since the first time.
        let first = self.recent.first_sent_at(&open.client_order_id);
        let sent_at = first.map_or(open.sent_at, |first| first.min(open.sent_at));
        let mut evidence = Evidence::new(window.ends_at());
        let mut pauses = Pauses::default();
        loop {
            self.clock().sleep(pauses.next(self.clock(), &window)).await;
            let last = self.clock().monotonic() >= window.end();
            let from = sent_at - if last { FAR_SKEW } else { SKEW };
            match self.reading_of(book, account, from).await {
                Ok(snapshot) => {
                    evidence.complete_reads += 1;
                    evidence.last_read_at = Some(snapshot.ended_at);
                    evidence.remark = None;
                    match snapshot.orders_of(&ref_id) {
                        [] => {}
                        [order] => {
                            let mut order = order.clone();
                            order.client_order_id = Some(open.client_order_id.clone());
                            self.recent.found(&open.client_order_id, &order);
                            return Ok(Resolution::Found(Box::new(order)));
                        }
                        several => evidence.remark = Some(bear_it(several)),
                    }
                    if last && snapshot.began >= window.end() && evidence.complete_reads >= 3 {
                        return Ok(match evidence.remark {
                            None => Resolution::NotFound(evidence),
                            Some(_) => Resolution::Unknown(Box::new(open.clone()), evidence),
                        });
                    }
                }
                // The account is not the user's.
                Err(error) if error.kind() == ErrorKind::NotFound => return Err((*error).clone()),
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

    async fn reading_of(
        &self,
        book: Book,
        account: &AccountId,
        from: time::OffsetDateTime,
    ) -> Outcome {
        self.known(account, "resolve").await?;
        if book == Book::Crypto && self.crypto_account(account).await?.is_none() {
            // An order was placed there, so that it is not there now proves nothing.
            let message = "the account has no account of crypto beside it any more";
            return Err(Arc::new(convert::odd(message)));
        }
        self.reading(book, account, from).await
    }

    pub(crate) async fn find_by_client_id(
        &self,
        id: &AccountId,
        client_id: &ClientOrderId,
    ) -> Result<Option<Order>> {
        self.known(id, "order_by_client_id").await?;
        let ref_id = ref_id_of(client_id);
        let from = self.clock().now() - recent(self.config.recent_history);
        let books = [
            Some(Book::Shares),
            Some(Book::Options),
            self.config.private_crypto.then_some(Book::Crypto),
        ];
        let mut found: Vec<Order> = Vec::new();
        for book in books.into_iter().flatten() {
            let snapshot = self.reading(book, id, from).await;
            let snapshot = snapshot.map_err(|error| (*error).clone())?;
            found.extend_from_slice(snapshot.orders_of(&ref_id));
        }
        if found.is_empty() {
            // It may be older than that and still work.
            let bears = |order: &Order| {
                let told = order.client_order_id.as_ref();
                told.is_some_and(|it| it.as_str() == ref_id)
            };
            for book in books.into_iter().flatten() {
                let open = self.scan(book, id, Which::Open).await?;
                found.extend(open.into_iter().filter(bears));
            }
            // Pages move when orders come in while they are read.
            let mut seen = HashSet::new();
            found.retain(|order| seen.insert(order.id.clone()));
        }
        if found.len() > 1 {
            return Err(convert::odd(bear_it(&found)));
        }
        Ok(found.pop().map(|mut order| {
            order.client_order_id = Some(client_id.clone());
            order
        }))
    }
}

fn bear_it(orders: &[Order]) -> String {
    format!("{} orders bear the identifier", orders.len())
}

fn recent(history: std::time::Duration) -> time::Duration {
    history.try_into().unwrap_or(time::Duration::WEEK)
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
