use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use wheelhouse_core::{BrokerOrderId, ClientOrderId};

/// An order that the server really has.
pub(crate) struct Entry {
    /// The identifier that the client gave.
    pub(crate) label: String,
    /// The identifier that the server gave.
    pub(crate) order: String,
}

/// What a client knows of one placement at the end.
pub(crate) struct Outcome {
    id: ClientOrderId,
    belief: Belief,
    resolved: bool,
}

enum Belief {
    Placed(BrokerOrderId),
    NotPlaced,
    NotSent,
    Unknown,
}

impl Outcome {
    pub(crate) fn accepted(id: ClientOrderId, order: BrokerOrderId) -> Self {
        Self::new(id, Belief::Placed(order))
    }

    pub(crate) fn refused(id: ClientOrderId) -> Self {
        Self::new(id, Belief::NotPlaced)
    }

    pub(crate) fn not_sent(id: ClientOrderId) -> Self {
        Self::new(id, Belief::NotSent)
    }

    pub(crate) fn unknown(id: ClientOrderId) -> Self {
        Self::new(id, Belief::Unknown).resolved()
    }

    /// Says that it was unknown at first.
    pub(crate) fn resolved(mut self) -> Self {
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
pub(crate) struct Tally {
    placed: BTreeMap<String, String>,
    not_placed: BTreeSet<String>,
    not_sent: BTreeSet<String>,
    unknown: BTreeSet<String>,
    unknown_at_first: usize,
    longest: Duration,
    over_a_minute: usize,
}

/// How a client's knowledge compares with the ledger.
pub(crate) struct Verdict {
    /// Placements that have an outcome.
    pub(crate) reported: usize,
    pub(crate) unknown_at_first: usize,
    /// Placements whose outcome stayed unknown.
    pub(crate) left_unknown: usize,
    /// Placements whose outcome was unknown for longer than a minute of the client's time.
    pub(crate) unknown_for_over_a_minute: usize,
    /// Orders too many.
    pub(crate) duplicated: usize,
    /// Orders that there are and the client does not know, or not by this identifier.
    pub(crate) lost: usize,
    /// Orders that the client believes in and that there are not.
    pub(crate) made_up: usize,
    /// Placements that failed before they left this side.
    pub(crate) not_sent: usize,
    placed: usize,
    not_placed: usize,
    longest: Duration,
}

impl Tally {
    /// Adds an outcome, and how long it took after the answer to the placement or its end.
    pub(crate) fn add(&mut self, outcome: Outcome, took: Duration) {
        let id = outcome.id.to_string();
        match outcome.belief {
            Belief::Placed(order) => {
                self.placed.insert(id, order.to_string());
            }
            Belief::NotPlaced => {
                self.not_placed.insert(id);
            }
            Belief::NotSent => {
                self.not_sent.insert(id);
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

    pub(crate) fn against(&self, ledger: &[Entry]) -> Verdict {
        let real: BTreeMap<&str, &str> = ledger
            .iter()
            .map(|entry| (entry.label.as_str(), entry.order.as_str()))
            .collect();
        let lost = |entry: &&Entry| self.placed.get(&entry.label) != Some(&entry.order);
        let made_up =
            |(label, order): &(&String, &String)| real.get(label.as_str()) != Some(&order.as_str());
        Verdict {
            reported: self.placed.len()
                + self.not_placed.len()
                + self.not_sent.len()
                + self.unknown.len(),
            unknown_at_first: self.unknown_at_first,
            left_unknown: self.unknown.len(),
            unknown_for_over_a_minute: self.over_a_minute,
            duplicated: duplicates(ledger),
            lost: ledger.iter().filter(lost).count(),
            made_up: self.placed.iter().filter(made_up).count(),
            not_sent: self.not_sent.len(),
            placed: self.placed.len(),
            not_placed: self.not_placed.len(),
            longest: self.longest,
        }
    }
}

/// Returns how many orders there are beyond the first of each identifier.
pub(crate) fn duplicates(ledger: &[Entry]) -> usize {
    let labels: BTreeSet<_> = ledger.iter().map(|entry| &entry.label).collect();
    ledger.len() - labels.len()
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} outcomes ({} placed, {} not placed, {} not sent), {} duplicated, {} lost, {} made up; \
             {} unknown at first, {} left, the longest for {:.1} s",
            self.reported,
            self.placed,
            self.not_placed,
            self.not_sent,
            self.duplicated,
            self.lost,
            self.made_up,
            self.unknown_at_first,
            self.left_unknown,
            self.longest.as_secs_f32(),
        )
    }
}

#[test]
fn the_tally_finds_what_is_doubled_lost_or_made_up() {
    let entry = |label: &str, order: &str| Entry {
        label: label.to_owned(),
        order: order.to_owned(),
    };
    let id = |label| ClientOrderId::new(label).unwrap();
    let order = |order| BrokerOrderId::new(order).unwrap();
    let mut tally = Tally::default();
    tally.add(Outcome::accepted(id("right"), order("1")), Duration::ZERO);
    tally.add(Outcome::accepted(id("other"), order("2")), Duration::ZERO);
    tally.add(Outcome::accepted(id("nowhere"), order("3")), Duration::ZERO);
    tally.add(Outcome::refused(id("there")), Duration::ZERO);
    tally.add(Outcome::unknown(id("open")), Duration::from_secs(61));
    let verdict = tally.against(&[
        entry("right", "1"),
        entry("right", "9"),
        entry("other", "8"),
        entry("there", "4"),
    ]);
    assert_eq!(verdict.reported, 5);
    assert_eq!(verdict.duplicated, 1);
    assert_eq!(
        verdict.lost, 3,
        "the double, the other's and the refused one"
    );
    assert_eq!(verdict.made_up, 3, "of the doubled one the last is taken");
    assert_eq!(
        (verdict.left_unknown, verdict.unknown_for_over_a_minute),
        (1, 1)
    );
}
