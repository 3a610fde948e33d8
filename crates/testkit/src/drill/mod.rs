//! Orders under fire: many placements, and what the client believes of them in the end beside what
//! the server really has.

mod order;
mod report;
mod tally;

use std::{fmt, sync::Arc};

use tokio::{sync::Semaphore, task::JoinSet};
use wheelhouse_core::Clock;

pub use self::{
    order::DrillOrder,
    report::{DrillReport, DrillWait},
    tally::LedgerEntry,
};
use self::{order::Outcome, tally::Tally};

/// How many placements are under way at once, unless it is told otherwise.
const IN_FLIGHT: usize = 64;

/// Places orders, many at once, finds out about those of which nobody knows what became, as a
/// program does, and compares what the client believes in the end with the server's own ledger.
///
/// The faults come from elsewhere, mostly from a `FaultProxy` (feature `proxy`) before a simulator.
/// The drill has to be on a tokio runtime. Dropped, it gives up what is under way.
///
/// ```
/// use std::sync::Arc;
/// use wheelhouse_core::{Clock, ClientOrderId, OrderRequest, Side, dec, lots};
/// use wheelhouse_testkit::{
///     DrillOrder, LedgerEntry, MockBroker, OrderDrill, PlacementAnswer, ScaledClock, TestResult,
///     fixtures,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> TestResult {
/// let mock = MockBroker::builder().with_fixtures().build();
/// // The third answer gets lost, and the order is there.
/// let clock: Arc<dyn Clock> = Arc::new(ScaledClock::new(60));
/// let mut drill = OrderDrill::new(clock).in_flight(4);
/// for number in 0..10 {
///     if number == 2 {
///         mock.next_placement(PlacementAnswer::Lost { placed: true, unclear: 0 });
///     }
///     let id = ClientOrderId::new(format!("drill-{number}"))?;
///     let order = fixtures::limit_request().client_order_id(id.clone());
///     drill.place(DrillOrder::new(Arc::new(mock.clone()), order, id)).await;
/// }
/// let ledger = || {
///     let orders = mock.ledger().into_iter();
///     orders.filter_map(|it| Some(LedgerEntry::new(it.client_order_id?, it.id))).collect()
/// };
/// let report = drill.report(ledger).await;
/// println!("{report}");
/// report.check()?;
/// assert_eq!((report.outcomes, report.unknown_at_first), (10, 1));
/// # Ok(())
/// # }
/// ```
pub struct OrderDrill {
    clock: Arc<dyn Clock>,
    permits: Arc<Semaphore>,
    placing: JoinSet<Vec<Outcome>>,
}

impl OrderDrill {
    /// Begins a drill whose times are measured by the client's clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            permits: Arc::new(Semaphore::new(IN_FLIGHT)),
            placing: JoinSet::new(),
        }
    }

    /// Sets how many placements are under way at once: 64 by default, at least 1. An order that is
    /// being looked for is not one of them.
    #[must_use]
    pub fn in_flight(mut self, limit: usize) -> Self {
        self.permits = Arc::new(Semaphore::new(limit.max(1)));
        self
    }

    /// Begins to place an order, as soon as fewer than the limit are under way.
    pub async fn place(&mut self, order: DrillOrder) {
        let permit = self.permits.clone().acquire_owned().await;
        let clock = self.clock.clone();
        self.placing.spawn(async move {
            let placed = order.place(&*clock).await;
            drop(permit);
            vec![placed.settle(&*clock).await]
        });
    }

    /// Begins to place orders one after the other, beside all others, and is back at once. It is
    /// for the orders of a user whom the broker lets place one only once in a while.
    pub fn place_in_turn<I>(&mut self, orders: I)
    where
        I: IntoIterator<Item = DrillOrder>,
        I::IntoIter: Send + 'static,
    {
        let (clock, permits) = (self.clock.clone(), self.permits.clone());
        let orders = orders.into_iter();
        self.placing.spawn(async move {
            let mut settling = JoinSet::new();
            for order in orders {
                let permit = permits.acquire().await;
                let placed = order.place(&*clock).await;
                drop(permit);
                let clock = clock.clone();
                settling.spawn(async move { placed.settle(&*clock).await });
            }
            settling.join_all().await
        });
    }

    /// Waits until all is found out that can be, then reads the ledger and compares.
    ///
    /// # Panics
    ///
    /// If a broker panicked.
    pub async fn report(self, ledger: impl FnOnce() -> Vec<LedgerEntry>) -> DrillReport {
        let mut tally = Tally::default();
        for outcome in self.placing.join_all().await.into_iter().flatten() {
            tally.add(outcome);
        }
        tally.against(&ledger())
    }
}

impl fmt::Debug for OrderDrill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrderDrill")
            .field("permits", &self.permits.available_permits())
            .finish_non_exhaustive()
    }
}
