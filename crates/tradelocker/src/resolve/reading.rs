use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;
use wheelhouse_core::{ClientOrderId, Clock, Error, Order, Position, Result};

use crate::{
    accounts::AccountState,
    client::Inner,
    endpoints,
    history::{Span, merged},
    wire::{orders::order, positions::position},
};

/// Everything in which an order can show, read completely.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) orders: Vec<Order>,
    pub(crate) positions: Vec<Position>,
    /// Whether orders show this side's identifiers.
    pub(crate) has_labels: bool,
    /// When it began, in monotonic time.
    pub(crate) began: Duration,
    pub(crate) ended_at: OffsetDateTime,
    by_label: HashMap<ClientOrderId, Vec<usize>>,
}

impl Snapshot {
    pub(crate) fn new(
        orders: Vec<Order>,
        positions: Vec<Position>,
        has_labels: bool,
        began: Duration,
        ended_at: OffsetDateTime,
    ) -> Self {
        let mut by_label: HashMap<ClientOrderId, Vec<usize>> = HashMap::new();
        for (index, order) in orders.iter().enumerate() {
            if let Some(label) = &order.client_order_id {
                by_label.entry(label.clone()).or_default().push(index);
            }
        }
        Self {
            orders,
            positions,
            has_labels,
            began,
            ended_at,
            by_label,
        }
    }

    /// Returns the orders that bear an identifier.
    pub(crate) fn orders_of(&self, id: &ClientOrderId) -> impl Iterator<Item = &Order> {
        let places = self.by_label.get(id).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|index| self.orders.get(*index))
    }
}

type Outcome = Result<Arc<Snapshot>, Arc<Error>>;

/// The pause between two readings of an account. Who comes in it shares the next one.
const SPACING: Duration = Duration::from_millis(500);

/// The readings of an account. One runs at a time, and it serves everybody who was waiting when it
/// began: two thousand open questions take as many requests as one.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    state: Mutex<State>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// How many readings have begun.
    begun: u64,
    /// How far back the next one has to go.
    from: Option<OffsetDateTime>,
    last: Option<Ended>,
}

/// The last reading that ended.
#[derive(Debug)]
struct Ended {
    number: u64,
    /// In monotonic time.
    at: Duration,
    outcome: Outcome,
}

impl Readings {
    /// Takes part in the next reading, which goes back to `from` at least.
    pub(crate) async fn take_part<F>(
        &self,
        clock: &dyn Clock,
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
        if let Some(last) = &self.lock().last
            && last.number >= wanted
        {
            return last.outcome.clone();
        }
        let next = self.lock().last.as_ref().map(|last| last.at + SPACING);
        let wait = next.map_or(Duration::ZERO, |next| {
            next.saturating_sub(clock.monotonic())
        });
        if !wait.is_zero() {
            clock.sleep(wait).await;
        }
        // Everybody who has come until now is served by this one. If it is given up half-way, the
        // next in line runs another.
        let (number, from) = {
            let mut state = self.lock();
            state.begun += 1;
            let earliest = state.from.take().map_or(from, |other| other.min(from));
            (state.begun, earliest)
        };
        let mut unfinished = Unfinished {
            readings: self,
            from: Some(from),
        };
        let outcome = read(from).await.map(Arc::new).map_err(Arc::new);
        unfinished.from = None;
        self.lock().last = Some(Ended {
            number,
            at: clock.monotonic(),
            outcome: outcome.clone(),
        });
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reading under way. If it is given up, the next one has to go back as far for those who wait.
struct Unfinished<'a> {
    readings: &'a Readings,
    from: Option<OffsetDateTime>,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(from) = self.from {
            let mut state = self.readings.lock();
            state.from = Some(state.from.map_or(from, |other| other.min(from)));
        }
    }
}

impl Inner {
    pub(super) async fn read_snapshot(
        &self,
        account: &AccountState,
        from: OffsetDateTime,
    ) -> Result<Snapshot> {
        let began = self.clock().monotonic();
        // In this order: what moves on from one list to the next meanwhile is seen twice, not never.
        let open = self
            .read_open(account, &endpoints::RESOLVE_ORDERS, None)
            .await?;
        let span = Span {
            from: Some(from),
            to: None,
        };
        let history = self
            .read_history(account, &endpoints::RESOLVE_HISTORY, span, None)
            .await?;
        let positions = self
            .read_positions(account, &endpoints::RESOLVE_POSITIONS)
            .await?;
        let config = self.config(account).await?;
        let has_labels = config.orders.has(order::STRATEGY)
            && config.history.has(order::STRATEGY)
            && config.positions.has(position::STRATEGY)
            // Rows that do not fit their columns may lack the label: that it is not seen proves nothing.
            && !account.rows_are_uneven();
        let orders = merged(open, history);
        Ok(Snapshot::new(
            orders,
            positions,
            has_labels,
            began,
            self.clock().now(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use wheelhouse_core::SystemClock;

    use super::*;

    fn empty() -> Snapshot {
        Snapshot::new(
            vec![],
            vec![],
            true,
            Duration::ZERO,
            OffsetDateTime::UNIX_EPOCH,
        )
    }

    #[tokio::test(start_paused = true)]
    async fn two_thousand_waiters_share_readings() {
        let readings = Arc::new(Readings::default());
        let count = Arc::new(AtomicU32::new(0));
        let clock = SystemClock::new();
        let waiters: Vec<_> = (0..2_000)
            .map(|n| {
                let (readings, count) = (readings.clone(), count.clone());
                tokio::spawn(async move {
                    let from = OffsetDateTime::UNIX_EPOCH + Duration::from_secs(n);
                    let outcome = readings
                        .take_part(&clock, from, |_| async {
                            count.fetch_add(1, Ordering::Relaxed);
                            tokio::task::yield_now().await;
                            Ok(empty())
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

    #[tokio::test(start_paused = true)]
    async fn a_reading_that_began_earlier_does_not_serve_who_came_later() {
        let readings = Arc::new(Readings::default());
        let clock = SystemClock::new();
        let (go, gate) = tokio::sync::oneshot::channel::<()>();
        let first = {
            let readings = readings.clone();
            tokio::spawn(async move {
                let read = |_| async {
                    gate.await.unwrap();
                    Ok(empty())
                };
                readings
                    .take_part(&clock, OffsetDateTime::UNIX_EPOCH, read)
                    .await
            })
        };
        tokio::task::yield_now().await;
        let second = {
            let readings = readings.clone();
            tokio::spawn(async move {
                let read = |_| async { Ok(empty()) };
                readings
                    .take_part(&clock, OffsetDateTime::UNIX_EPOCH, read)
                    .await
            })
        };
        tokio::task::yield_now().await;
        go.send(()).unwrap();
        let (first, second) = (
            first.await.unwrap().unwrap(),
            second.await.unwrap().unwrap(),
        );
        assert!(!Arc::ptr_eq(&first, &second));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_gives_up_leaves_the_turn_to_the_next() {
        let (readings, clock) = (Readings::default(), SystemClock::new());
        let never = readings.take_part(&clock, OffsetDateTime::UNIX_EPOCH, |_| {
            std::future::pending()
        });
        assert!(futures_util::poll!(std::pin::pin!(never)).is_pending());
        let read = |_| async { Ok(empty()) };
        assert!(
            readings
                .take_part(&clock, OffsetDateTime::UNIX_EPOCH, read)
                .await
                .is_ok()
        );
    }
}
