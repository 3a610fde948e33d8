//! Readings of orders that find out what became of some, shared by all who want to know.

use std::{
    collections::HashMap,
    future::Future,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;
use wheelhouse_core::{Clock, Error, Order, Result};

/// Orders from some time on, read completely.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// By the identifier that this side gave them, as the broker has it.
    by_wire_id: HashMap<String, Vec<Order>>,
    /// When it began, in monotonic time.
    pub(crate) began: Duration,
    pub(crate) ended_at: OffsetDateTime,
}

impl Snapshot {
    pub(crate) fn new(orders: Vec<Order>, began: Duration, ended_at: OffsetDateTime) -> Self {
        let mut by_wire_id: HashMap<String, Vec<Order>> = HashMap::new();
        for order in orders {
            let Some(id) = &order.client_order_id else {
                continue;
            };
            let same = by_wire_id.entry(id.as_str().to_owned()).or_default();
            // Pages move when orders come in while they are read.
            if same.iter().all(|other| other.id != order.id) {
                same.push(order);
            }
        }
        Self {
            by_wire_id,
            began,
            ended_at,
        }
    }

    /// Returns the orders that bear an identifier.
    pub(crate) fn orders_of(&self, wire_id: &str) -> &[Order] {
        self.by_wire_id
            .get(wire_id)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }
}

pub(crate) type Outcome = Result<Arc<Snapshot>, Arc<Error>>;

/// The readings of each list. Of one list one runs at a time, and it serves everybody who was
/// waiting when it began: a thousand open questions take hardly more requests than one.
#[derive(Debug)]
pub(crate) struct Readings<K> {
    lines: Mutex<HashMap<K, Arc<Line>>>,
    rest: Option<Duration>,
}

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
    /// When the next one may begin, in monotonic time.
    rested: Duration,
}

impl<K> Default for Readings<K> {
    fn default() -> Self {
        Self {
            lines: Mutex::default(),
            rest: None,
        }
    }
}

impl<K: Clone + Eq + Hash> Readings<K> {
    /// Lets at least `rest` pass between two readings of a list, or as long as the last one took, if
    /// that is longer: half of the time is left to others.
    pub(crate) fn resting(rest: Duration) -> Self {
        Self {
            rest: Some(rest),
            ..Self::default()
        }
    }

    /// Takes part in the next reading of a list, which goes back to `from` at least.
    pub(crate) async fn take_part<F>(
        &self,
        clock: &dyn Clock,
        list: &K,
        from: OffsetDateTime,
        read: impl FnOnce(OffsetDateTime) -> F + Send,
    ) -> Outcome
    where
        F: Future<Output = Result<Snapshot>> + Send,
    {
        let line = {
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.entry(list.clone()).or_default().clone()
        };
        let wanted = {
            let mut state = line.lock();
            state.ask(from);
            state.begun + 1
        };
        let _turn = line.turn.lock().await;
        let rest = {
            let state = line.lock();
            // One that began after this call is good enough.
            if let Some((number, outcome)) = &state.last
                && *number >= wanted
            {
                return outcome.clone();
            }
            state.rested.saturating_sub(clock.monotonic())
        };
        if !rest.is_zero() {
            clock.sleep(rest).await;
        }
        let began = clock.monotonic();
        let (number, from) = {
            let mut state = line.lock();
            state.begun += 1;
            (
                state.begun,
                state.from.take().map_or(from, |other| other.min(from)),
            )
        };
        // If it is given up half-way, the next one has to go back as far for those who wait.
        let mut unfinished = Unfinished {
            line: &line,
            from: Some(from),
        };
        let outcome = read(from).await.map(Arc::new).map_err(Arc::new);
        unfinished.from = None;
        let ended = clock.monotonic();
        let mut state = line.lock();
        state.last = Some((number, outcome.clone()));
        if let Some(rest) = self.rest {
            state.rested = ended + ended.saturating_sub(began).max(rest);
        }
        outcome
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn ask(&mut self, from: OffsetDateTime) {
        self.from = Some(self.from.map_or(from, |other| other.min(from)));
    }
}

struct Unfinished<'a> {
    line: &'a Line,
    from: Option<OffsetDateTime>,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(from) = self.from {
            self.line.lock().ask(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use wheelhouse_core::{AccountId, SystemClock};

    use super::*;

    fn empty() -> Snapshot {
        Snapshot::new(vec![], Duration::ZERO, OffsetDateTime::UNIX_EPOCH)
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_ask_all_the_time_readings_leave_half_of_it_to_others() {
        for (takes, most) in [(Duration::ZERO, 21), (Duration::from_secs(1), 6)] {
            let clock = Arc::new(SystemClock::new());
            let readings = Arc::new(Readings::resting(Duration::from_millis(500)));
            let count = Arc::new(AtomicU32::new(0));
            let account = AccountId::new("1").unwrap();
            let mut waiters = tokio::task::JoinSet::new();
            for n in 0..100 {
                let (readings, count, account) = (readings.clone(), count.clone(), account.clone());
                let clock = clock.clone();
                waiters.spawn(async move {
                    clock.sleep(Duration::from_millis(100 * n)).await;
                    let asked = clock.monotonic();
                    let read = |_| async {
                        count.fetch_add(1, Ordering::Relaxed);
                        let began = clock.monotonic();
                        clock.sleep(takes).await;
                        Ok(Snapshot::new(vec![], began, OffsetDateTime::UNIX_EPOCH))
                    };
                    let at = OffsetDateTime::UNIX_EPOCH;
                    let shared = readings
                        .take_part(&*clock, &account, at, read)
                        .await
                        .unwrap();
                    assert!(shared.began >= asked, "an older reading was shared");
                });
            }
            while let Some(done) = waiters.join_next().await {
                done.unwrap();
            }
            let count = count.load(Ordering::Relaxed);
            assert!(count <= most + 1, "{count} readings in ten seconds");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_waiters_share_readings_that_go_back_far_enough() {
        let readings = Arc::new(Readings::default());
        let count = Arc::new(AtomicU32::new(0));
        let account = AccountId::new("1").unwrap();
        let mut waiters = tokio::task::JoinSet::new();
        for n in 0..1_000 {
            let (readings, count, account) = (readings.clone(), count.clone(), account.clone());
            waiters.spawn(async move {
                let from = OffsetDateTime::UNIX_EPOCH + Duration::from_secs(n);
                let read = |from: OffsetDateTime| async move {
                    count.fetch_add(1, Ordering::Relaxed);
                    assert!(from <= OffsetDateTime::UNIX_EPOCH + Duration::from_secs(n));
                    tokio::task::yield_now().await;
                    Ok(empty())
                };
                let clock = SystemClock::new();
                assert!(
                    readings
                        .take_part(&clock, &account, from, read)
                        .await
                        .is_ok()
                );
            });
        }
        while let Some(done) = waiters.join_next().await {
            done.unwrap();
        }
        assert!(
            count.load(Ordering::Relaxed) <= 3,
            "{}",
            count.load(Ordering::Relaxed)
        );
    }

    #[tokio::test]
    async fn a_reader_that_gives_up_leaves_the_turn_to_the_next() {
        let (readings, account) = (Readings::default(), AccountId::new("1").unwrap());
        let at = OffsetDateTime::UNIX_EPOCH;
        let clock = SystemClock::new();
        let never = readings.take_part(&clock, &account, at, |_| std::future::pending());
        assert!(futures_util::poll!(std::pin::pin!(never)).is_pending());
        let later = at + Duration::from_secs(60);
        let read = |from: OffsetDateTime| async move {
            assert_eq!(from, OffsetDateTime::UNIX_EPOCH);
            Ok(empty())
        };
        assert!(
            readings
                .take_part(&clock, &account, later, read)
                .await
                .is_ok()
        );
    }
}
