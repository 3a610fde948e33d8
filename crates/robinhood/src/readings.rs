//! Readings of orders that find out what became of some, shared by all who want to know.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use time::OffsetDateTime;
use wheelhouse_core::{Error, Order, Result};

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

/// The readings of each list.
#[derive(Debug)]
pub(crate) struct Readings<K>(Mutex<HashMap<K, Arc<Line>>>);

type Line = wheelhouse_adapter::Readings<Snapshot>;

impl<K> Default for Readings<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash> Readings<K> {
    /// Returns those of a list. The first who asks says how they follow each other.
    pub(crate) fn of(&self, list: &K, first: impl FnOnce() -> Line) -> Arc<Line> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = lines.entry(list.clone());
        line.or_insert_with(|| Arc::new(first())).clone()
    }
}
