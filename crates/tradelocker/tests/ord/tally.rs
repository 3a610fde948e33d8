use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use wheelhouse_core::{BrokerOrderId, ClientOrderId};
use wheelhouse_sim::tradelocker::Placement;

/// What a client knows of one placement at the end.
pub struct Outcome {
    id: ClientOrderId,
    belief: Belief,
    resolved: bool,
}

enum Belief {
    Placed(BrokerOrderId),
    NotPlaced,
    Unknown,
}

impl Outcome {
    pub fn accepted(id: ClientOrderId, order: BrokerOrderId) -> Self {
        Self::new(id, Belief::Placed(order))
    }

    pub fn refused(id: ClientOrderId) -> Self {
        Self::new(id, Belief::NotPlaced)
    }

    pub fn unknown(id: ClientOrderId) -> Self {
        Self::new(id, Belief::Unknown).resolved()
    }

    /// Says that it was unknown at first.
    pub fn resolved(mut self) -> Self {
        self.resolved = true;
        self
    }

    fn new(id: ClientOrderId, belief: Belief) -> Self {
        let resolved = false;
        Self {
            id,
            belief,
            resolved,
        }
    }
}

/// What a client knows of all its placements.
#[derive(Default)]
pub struct Tally {
    placed: BTreeMap<String, String>,
    not_placed: BTreeSet<String>,
    unknown: BTreeSet<String>,
    unknown_at_first: usize,
    longest: Duration,
    over_a_minute: usize,
}

/// How a client's knowledge compares with the ledger.
pub struct Verdict {
    /// Placements that have an outcome.
    pub reported: usize,
    pub unknown_at_first: usize,
    /// Placements whose outcome stayed unknown.
    pub left_unknown: usize,
    /// Placements whose outcome was unknown for longer than a minute of the client's time.
    pub unknown_for_over_a_minute: usize,
    /// Orders too many.
    pub duplicated: usize,
    /// Orders that there are and the client does not know, or not by this identifier.
    pub lost: usize,
    /// Orders that the client believes in and that there are not.
    pub made_up: usize,
    placed: usize,
    not_placed: usize,
    longest: Duration,
}

impl Tally {
    /// Adds an outcome, and how long it took after the answer to the placement or its end.
    pub fn add(&mut self, outcome: Outcome, took: Duration) {
        let id = outcome.id.to_string();
        match outcome.belief {
            Belief::Placed(order) => {
                self.placed.insert(id, order.to_string());
            }
            Belief::NotPlaced => {
                self.not_placed.insert(id);
            }
            Belief::Unknown => {
                self.unknown.insert(id);
            }
        }
        if outcome.resolved {
            self.unknown_at_first += 1;
            self.longest = self.longest.max(took);
            self.over_a_minute += usize::from(took > Duration::from_secs(60));
        }
    }

    pub fn against(&self, ledger: &[Placement]) -> Verdict {
        let real: BTreeMap<&str, &str> = ledger
            .iter()
            .filter_map(|placement| Some((placement.strategy_id.as_deref()?, &*placement.order_id)))
            .collect();
        let known =
            |(id, order): &(&&str, &&str)| self.placed.get(**id).is_some_and(|it| it == **order);
        let there =
            |(id, order): &(&String, &String)| real.get(id.as_str()) == Some(&order.as_str());
        Verdict {
            reported: self.placed.len() + self.not_placed.len() + self.unknown.len(),
            unknown_at_first: self.unknown_at_first,
            left_unknown: self.unknown.len(),
            unknown_for_over_a_minute: self.over_a_minute,
            duplicated: duplicates(ledger),
            lost: real.iter().filter(|entry| !known(entry)).count(),
            made_up: self.placed.iter().filter(|entry| !there(entry)).count(),
            placed: self.placed.len(),
            not_placed: self.not_placed.len(),
            longest: self.longest,
        }
    }
}

/// Returns how many orders there are beyond the first of each identifier.
pub fn duplicates(ledger: &[Placement]) -> usize {
    let ids: BTreeSet<_> = ledger
        .iter()
        .map(|placement| &placement.strategy_id)
        .collect();
    ledger.len() - ids.len()
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} outcomes ({} placed, {} not placed), {} duplicated, {} lost, {} made up; \
             {} unknown at first, {} left, the longest for {:.1} virtual s",
            self.reported,
            self.placed,
            self.not_placed,
            self.duplicated,
            self.lost,
            self.made_up,
            self.unknown_at_first,
            self.left_unknown,
            self.longest.as_secs_f32(),
        )
    }
}
