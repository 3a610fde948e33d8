//! Finding out what became of an order, by reading only.

mod reading;
mod window;

use wheelhouse_core::{
    AccountId, BrokerId, ClientOrderId, Error, ErrorKind, Evidence, Order, OrderRequest, OrderSize,
    Resolution, Result, UnresolvedOrder,
};

pub(crate) use self::reading::Readings;
use self::window::{Pauses, Window};
use crate::{client::Inner, convert, error, place::ref_id_of};

/// How much earlier than its sending an order may be dated: the two clocks differ.
const SKEW: time::Duration = time::Duration::seconds(60);

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
        self.known(account, "resolve").await?;
        let (book, ref_id) = (Book::of(&open.request), ref_id_of(&open.client_order_id));
        let window = Window::new(self.clock(), open.sent_at, self.config.consistency_window);
        let mut evidence = Evidence::new(window.ends_at());
        let mut pauses = Pauses::default();
        loop {
            self.clock().sleep(pauses.next(self.clock(), &window)).await;
            match self.reading(book, account, open.sent_at - SKEW).await {
                Ok(snapshot) => {
                    evidence.complete_reads += 1;
                    evidence.last_read_at = Some(snapshot.ended_at);
                    if let Some(order) = snapshot.order_of(&ref_id) {
                        let mut order = order.clone();
                        order.client_order_id = Some(open.client_order_id.clone());
                        return Ok(Resolution::Found(Box::new(order)));
                    }
                    if snapshot.began >= window.end() && evidence.complete_reads >= 3 {
                        return Ok(Resolution::NotFound(evidence));
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
        self.known(id, "order_by_client_id").await?;
        let ref_id = ref_id_of(client_id);
        let from = self.clock().now() - recent(self.config.recent_history);
        let books = [
            Some(Book::Shares),
            Some(Book::Options),
            self.config.private_crypto.then_some(Book::Crypto),
        ];
        for book in books.into_iter().flatten() {
            let snapshot = self
                .reading(book, id, from)
                .await
                .map_err(|error| (*error).clone())?;
            if let Some(order) = snapshot.order_of(&ref_id) {
                let mut order = order.clone();
                order.client_order_id = Some(client_id.clone());
                return Ok(Some(order));
            }
        }
        Ok(None)
    }
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
