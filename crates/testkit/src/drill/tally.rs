use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use super::{
    order::{Belief, Outcome},
    report::{DrillReport, DrillWait},
};

/// An order that the server really has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct LedgerEntry {
    /// What the client called it: the client order id as it was sent.
    pub label: String,
    /// What the server calls it: the id that the adapter's orders bear.
    pub order: String,
}

impl LedgerEntry {
    /// Makes an entry from the client's identifier and the server's.
    #[must_use]
    pub fn new(label: impl fmt::Display, order: impl fmt::Display) -> Self {
        Self {
            label: label.to_string(),
            order: order.to_string(),
        }
    }

    /// Returns how many orders there are beyond the first of each label.
    ///
    /// A drill has to fail for a client that simply tries again, or it proves nothing: let one
    /// place as often through the same faults, and this tells how many orders it doubled.
    #[must_use]
    pub fn duplicates(ledger: &[Self]) -> usize {
        let labels: BTreeSet<_> = ledger.iter().map(|entry| &entry.label).collect();
        ledger.len() - labels.len()
    }
}

/// What a client knows of all its placements.
#[derive(Default)]
pub(super) struct Tally {
    begun: usize,
    beliefs: BTreeMap<String, Belief>,
    sent_again: usize,
    waits: BTreeMap<Duration, DrillWait>,
}

impl Tally {
    pub(super) fn add(&mut self, outcome: Outcome) {
        self.begun += 1;
        self.sent_again += usize::from(outcome.sent_again);
        if let Some(took) = outcome.unknown_for {
            let wait = self.waits.entry(outcome.known_within).or_default();
            wait.orders += 1;
            wait.late += usize::from(took > outcome.known_within);
            wait.longest = wait.longest.max(took);
        }
        self.beliefs.insert(outcome.label, outcome.belief);
    }

    pub(super) fn against(self, ledger: &[LedgerEntry]) -> DrillReport {
        let mut report = DrillReport {
            begun: self.begun,
            outcomes: self.beliefs.len(),
            sent_again: self.sent_again,
            unknown_at_first: self.waits.values().map(|wait| wait.orders).sum(),
            duplicated: LedgerEntry::duplicates(ledger),
            waits: self.waits,
            ..DrillReport::default()
        };
        let mut believed = BTreeSet::new();
        for (label, belief) in self.beliefs {
            match belief {
                Belief::NotPlaced => report.not_placed += 1,
                Belief::NotSent => report.not_sent += 1,
                Belief::Placed(order) => {
                    believed.insert(LedgerEntry { label, order });
                }
                Belief::Unknown(remark) => report.left_unknown.push(format!("{label}: {remark}")),
            }
        }
        let real: BTreeSet<_> = ledger.iter().cloned().collect();
        report.placed = believed.len();
        report.lost = real.difference(&believed).count();
        report.made_up = believed.difference(&real).count();
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(label: &str, belief: Belief) -> Outcome {
        Outcome {
            label: label.to_owned(),
            belief,
            sent_again: false,
            unknown_for: None,
            known_within: Duration::from_secs(60),
        }
    }

    fn placed(label: &str, order: &str) -> Outcome {
        outcome(label, Belief::Placed(order.to_owned()))
    }

    fn report(outcomes: impl IntoIterator<Item = Outcome>, ledger: &[(&str, &str)]) -> DrillReport {
        let mut tally = Tally::default();
        outcomes.into_iter().for_each(|it| tally.add(it));
        let entry = |(label, order): &(&str, &str)| LedgerEntry::new(label, order);
        tally.against(&ledger.iter().map(entry).collect::<Vec<_>>())
    }

    fn wrong(report: &DrillReport) -> (usize, usize, usize, usize) {
        let DrillReport {
            duplicated,
            lost,
            made_up,
            left_unknown,
            ..
        } = report;
        (*duplicated, *lost, *made_up, left_unknown.len())
    }

    #[test]
    fn what_agrees_with_the_ledger_passes() {
        let refused = outcome("b", Belief::NotPlaced);
        let report = report([placed("a", "1"), refused], &[("a", "1")]);
        assert_eq!(wrong(&report), (0, 0, 0, 0));
        assert_eq!((report.placed, report.not_placed), (1, 1));
        report.check().unwrap();
    }

    #[test]
    fn an_order_that_is_there_twice_is_a_duplicate_and_its_double_is_lost() {
        let report = report([placed("a", "1")], &[("a", "1"), ("a", "2")]);
        assert_eq!(wrong(&report), (1, 1, 0, 0));
        report.check().unwrap_err();
    }

    #[test]
    fn an_order_is_lost_whose_placement_was_refused_failed_or_is_unknown() {
        for belief in [
            Belief::NotPlaced,
            Belief::NotSent,
            Belief::Unknown(String::new()),
        ] {
            let report = report([outcome("a", belief)], &[("a", "1")]);
            assert_eq!((report.duplicated, report.lost, report.made_up), (0, 1, 0));
            report.check().unwrap_err();
        }
    }

    #[test]
    fn an_order_of_no_placement_at_all_is_lost() {
        assert_eq!(wrong(&report([], &[("", "1")])), (0, 1, 0, 0));
    }

    #[test]
    fn an_order_that_is_believed_in_and_not_there_is_made_up() {
        assert_eq!(wrong(&report([placed("a", "1")], &[])), (0, 0, 1, 0));
        let by_another_id = report([placed("a", "1")], &[("a", "2")]);
        assert_eq!(wrong(&by_another_id), (0, 1, 1, 0));
        by_another_id.check().unwrap_err();
    }

    #[test]
    fn what_is_left_unknown_fails_and_is_shown() {
        let unknown = outcome("a", Belief::Unknown("nobody knows".to_owned()));
        let report = report([unknown], &[]);
        assert_eq!(wrong(&report), (0, 0, 0, 1));
        let failure = report.check().unwrap_err();
        assert!(failure.message().ends_with("a: nobody knows"), "{failure}");
    }

    #[test]
    fn what_became_known_late_fails_by_its_own_limit() {
        let unknown_for = |label, seconds, limit| Outcome {
            unknown_for: Some(Duration::from_secs(seconds)),
            known_within: Duration::from_secs(limit),
            ..outcome(label, Belief::NotPlaced)
        };
        let in_time = report([unknown_for("a", 60, 60), unknown_for("b", 61, 120)], &[]);
        assert_eq!(in_time.unknown_at_first, 2);
        in_time.check().unwrap();
        let late = report([unknown_for("a", 61, 60), unknown_for("b", 61, 120)], &[]);
        let wait = late.waits[&Duration::from_secs(60)];
        assert_eq!((wait.orders, wait.late), (1, 1));
        assert_eq!(wait.longest, Duration::from_secs(61));
        late.check().unwrap_err();
    }

    #[test]
    fn two_placements_of_one_label_are_one_outcome_and_fail() {
        let report = report([placed("a", "1"), placed("a", "1")], &[("a", "1")]);
        assert_eq!((report.begun, report.outcomes), (2, 1));
        report.check().unwrap_err();
    }
}
