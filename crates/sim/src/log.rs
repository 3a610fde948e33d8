//! Bounded memories of what happened.

use std::{collections::VecDeque, time::Duration};

use time::OffsetDateTime;

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fate {
    /// An answer with this status was written, whole or spoilt.
    Answered(u16),
    /// The connection ended without an answer.
    Dropped,
    /// The connection was reset without an answer.
    Reset,
}

/// One request that reached a simulated broker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestRecord {
    /// Counts all requests of this broker, from 1; holes are records that fell out of the bound.
    pub serial: u64,
    /// Simulated time of the arrival.
    pub at: OffsetDateTime,
    /// The HTTP method in capitals.
    pub method: String,
    /// The path without its query.
    pub path: String,
    /// The query as sent, without the question mark.
    pub query: String,
    /// The broker's name for the route, as in scripts; `unknown` if there is none.
    pub route: &'static str,
    /// Whether an `Authorization` header came with it.
    pub authorized: bool,
    /// The `accNum` header, if there was one.
    pub acc_num: Option<String>,
    /// The `User-Agent` header, if there was one.
    pub user_agent: Option<String>,
    /// Whether the broker acted on it; false when a fault kept it from the broker.
    pub acted: bool,
    /// What became of it.
    pub fate: Fate,
    /// The name of the fault that was played, as in scripts.
    pub fault: Option<&'static str>,
    /// How long a fault held it back before the broker acted.
    pub held: Duration,
}

/// A log that forgets its oldest entries.
#[derive(Debug)]
pub(crate) struct Log<T> {
    entries: VecDeque<T>,
    capacity: usize,
    forgotten: u64,
}

impl<T: Clone> Log<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            capacity: capacity.max(1),
            forgotten: 0,
        }
    }

    pub(crate) fn push(&mut self, entry: T) {
        if self.entries.len() == self.capacity {
            self.entries.pop_front();
            self.forgotten += 1;
        }
        self.entries.push_back(entry);
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.entries.iter()
    }

    pub(crate) fn to_vec(&self) -> Vec<T> {
        self.entries.iter().cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        self.entries = VecDeque::new();
        self.forgotten = 0;
    }

    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entry_is_forgotten_first_and_counted() {
        let mut log = Log::new(2);
        (1..=3).for_each(|n| log.push(n));
        assert_eq!(log.to_vec(), [2, 3]);
        assert_eq!(log.forgotten(), 1);
        log.clear();
        assert_eq!((log.iter().count(), log.forgotten()), (0, 0));
    }
}
