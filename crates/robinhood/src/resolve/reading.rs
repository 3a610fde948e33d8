use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;
use wheelhouse_core::{AccountId, Error, Order, Result};

use super::Book;
use crate::{
    api::rows,
    client::Inner,
    config::Host,
    convert::{self, Place},
    endpoints,
    orders::written,
    wire::{option_order as option_wire, order as wire},
};

/// The orders of one book, read completely as far back as was asked for.
#[derive(Debug)]
pub(crate) struct Snapshot {
    orders: HashMap<String, Order>,
    /// When it began, in monotonic time.
    pub(crate) began: Duration,
    pub(crate) ended_at: OffsetDateTime,
}

impl Snapshot {
    fn new(orders: Vec<Order>, began: Duration, ended_at: OffsetDateTime) -> Self {
        let by_ref =
            |order: Order| Some((order.client_order_id.as_ref()?.as_str().to_owned(), order));
        Self {
            orders: orders.into_iter().filter_map(by_ref).collect(),
            began,
            ended_at,
        }
    }

    /// Returns the order that bears an identifier, in lower case.
    pub(crate) fn order_of(&self, ref_id: &str) -> Option<&Order> {
        self.orders.get(ref_id)
    }
}

type Outcome = Result<Arc<Snapshot>, Arc<Error>>;

/// The readings of each account and book. One runs at a time, and it serves everybody who was
/// waiting when it began: two thousand open questions take as many requests as one.
#[derive(Debug, Default)]
pub(crate) struct Readings(Mutex<HashMap<(AccountId, Book), Arc<Line>>>);

#[derive(Debug, Default)]
struct Line {
    state: Mutex<State>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// How many readings have begun.
    begun: u64,
    /// How far back the next one has to go.
    from: Option<OffsetDateTime>,
    /// The last one that ended, and which it was.
    last: Option<(u64, Outcome)>,
}

impl Readings {
    fn line(&self, account: &AccountId, book: Book) -> Arc<Line> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.entry((account.clone(), book)).or_default().clone()
    }
}

impl Line {
    /// Takes part in the next reading, which goes back to `from` at least.
    async fn take_part<F>(
        &self,
        from: OffsetDateTime,
        read: impl FnOnce(OffsetDateTime) -> F + Send,
    ) -> Outcome
    where
        F: Future<Output = Result<Snapshot>> + Send,
    {
        let wanted = {
            let mut state = self.lock();
            state.from = Some(state.from.map_or(from, |other| other.min(from)));
            state.begun + 1
        };
        let _turn = self.turn.lock().await;
        let (number, from) = {
            let mut state = self.lock();
            // One that began after this call is good enough. If it was given up half-way, there is
            // none and the next one runs here.
            if let Some((number, outcome)) = &state.last
                && *number >= wanted
            {
                return outcome.clone();
            }
            state.begun += 1;
            let earliest = state.from.take().map_or(from, |other| other.min(from));
            (state.begun, earliest)
        };
        let outcome = read(from).await.map(Arc::new).map_err(Arc::new);
        self.lock().last = Some((number, outcome.clone()));
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Reads the orders of a book that were made at `from` or later.
    pub(crate) async fn reading(
        &self,
        book: Book,
        account: &AccountId,
        from: OffsetDateTime,
    ) -> Outcome {
        let line = self.readings.line(account, book);
        line.take_part(from, |from| self.read_book(book, account, from))
            .await
    }

    async fn read_book(
        &self,
        book: Book,
        account: &AccountId,
        from: OffsetDateTime,
    ) -> Result<Snapshot> {
        let began = self.clock().monotonic();
        let orders = match book {
            Book::Crypto => {
                self.read_crypto_orders(account, &endpoints::SCAN_CRYPTO_ORDERS)
                    .await?
            }
            Book::Options => self.scan_option_orders(account, from).await?,
            Book::Shares => self.scan_orders(account, from).await?,
        };
        Ok(Snapshot::new(orders, began, self.clock().now()))
    }

    async fn scan_orders(&self, account: &AccountId, from: OffsetDateTime) -> Result<Vec<Order>> {
        let endpoint = &endpoints::SCAN_ORDERS;
        let call = self
            .api
            .call(Host::Api, endpoint)
            .query("account_numbers", account);
        let call = call.query("created_at[gte]", written(from)?);
        let mut orders = Vec::new();
        self.api
            .all_pages(Host::Api, endpoint, call, |body| {
                let (items, next) = rows(body, |row: &wire::Order<'_>, index| {
                    convert::equity_order(row, Place::Row(body, index)).map(Some)
                })?;
                let go_on = any_since(items.iter(), from);
                orders.extend(items.into_iter().filter(|order| order.account == *account));
                Ok((next, go_on))
            })
            .await?;
        Ok(orders)
    }

    async fn scan_option_orders(
        &self,
        account: &AccountId,
        from: OffsetDateTime,
    ) -> Result<Vec<Order>> {
        let endpoint = &endpoints::SCAN_OPTION_ORDERS;
        let call = self
            .api
            .call(Host::Api, endpoint)
            .query("account_numbers", account);
        let call = call.query("created_at__gte", written(from)?);
        let mut orders = Vec::new();
        self.api
            .all_pages(Host::Api, endpoint, call, |body| {
                let (items, next) = rows(body, |row: &option_wire::OptionOrder<'_>, index| {
                    let order = convert::option_order(row, Place::Row(body, index))?;
                    Ok(Some(order.order))
                })?;
                let go_on = any_since(items.iter(), from);
                orders.extend(items.into_iter().filter(|order| order.account == *account));
                Ok((next, go_on))
            })
            .await?;
        Ok(orders)
    }
}

/// Lists are the newest first. If the broker has ignored the filter, a page of older orders only is
/// where to stop, and a day more than that for orders that were changed since.
fn any_since<'a>(mut orders: impl Iterator<Item = &'a Order>, from: OffsetDateTime) -> bool {
    let from = from - time::Duration::DAY;
    orders.any(|order| order.created_at.is_none_or(|at| at >= from))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn two_thousand_waiters_share_readings() {
        let line = Arc::new(Line::default());
        let count = Arc::new(AtomicU32::new(0));
        let waiters: Vec<_> = (0..2_000)
            .map(|n| {
                let (line, count) = (line.clone(), count.clone());
                tokio::spawn(async move {
                    let from = OffsetDateTime::UNIX_EPOCH + Duration::from_secs(n);
                    let outcome = line
                        .take_part(from, |_| async {
                            count.fetch_add(1, Ordering::Relaxed);
                            tokio::task::yield_now().await;
                            Ok(Snapshot::new(
                                vec![],
                                Duration::ZERO,
                                OffsetDateTime::UNIX_EPOCH,
                            ))
                        })
                        .await;
                    assert!(outcome.is_ok());
                })
            })
            .collect();
        for waiter in waiters {
            waiter.await.unwrap();
        }
        assert!(
            count.load(Ordering::Relaxed) <= 3,
            "{}",
            count.load(Ordering::Relaxed)
        );
    }
}
