use std::{collections::BTreeMap, fmt, time::Duration};

#[cfg(feature = "proxy")]
use crate::{FaultProxy, ProxyFault};
use crate::{TestResult, outcome::ensure};

/// How many of the orders left unknown are shown with what is known of them.
const SHOWN: usize = 3;

/// What an [`OrderDrill`](super::OrderDrill) comes to.
#[derive(Clone, Debug, Default)]
#[must_use]
#[non_exhaustive]
pub struct DrillReport {
    /// Placements that were begun.
    pub begun: usize,
    /// Placements that have an outcome, each under its own label.
    pub outcomes: usize,
    /// Orders that the client believes in.
    pub placed: usize,
    /// Placements of which the client believes that nothing came: refused, or found to be not
    /// there.
    pub not_placed: usize,
    /// Placements that failed with an error, which says that nothing was placed.
    pub not_sent: usize,
    /// Orders that were placed [once more](super::DrillOrder::again), as they were.
    pub sent_again: usize,
    /// Orders too many: those beyond the first of each label.
    pub duplicated: usize,
    /// Orders that there are and the client does not know, or not by this identifier.
    pub lost: usize,
    /// Orders that the client believes in and that there are not.
    pub made_up: usize,
    /// Placements of which it was unknown at first what became.
    pub unknown_at_first: usize,
    /// Placements of which that stayed unknown: the label, and what is known instead.
    pub left_unknown: Vec<String>,
    /// How long it took to find out, for each limit that was set.
    pub waits: BTreeMap<Duration, DrillWait>,
    /// What proxies did to the placements, passing included.
    #[cfg(feature = "proxy")]
    pub deck: BTreeMap<ProxyFault, u64>,
}

/// How long it took to find out what became of orders that had the same limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DrillWait {
    /// Orders that were unknown at first.
    pub orders: usize,
    /// Those that were unknown for longer than the limit.
    pub late: usize,
    /// The longest that one was unknown.
    pub longest: Duration,
}

impl DrillReport {
    /// Fails unless every placement has an outcome, nothing is duplicated, lost or made up, nothing
    /// is left unknown, and nothing became known late. With a proxy it also fails if more requests
    /// came by than placements were begun.
    ///
    /// # Errors
    ///
    /// The report, after what is wrong with it.
    pub fn check(&self) -> TestResult {
        let late: usize = self.waits.values().map(|wait| wait.late).sum();
        ensure!(
            self.outcomes == self.begun,
            "placements without an outcome: {self}"
        );
        ensure!(self.duplicated == 0, "orders are duplicated: {self}");
        ensure!(self.lost == 0, "orders are lost: {self}");
        ensure!(self.made_up == 0, "orders are made up: {self}");
        ensure!(
            self.left_unknown.is_empty(),
            "orders are left unknown: {self}"
        );
        ensure!(late == 0, "orders became known late: {self}");
        #[cfg(feature = "proxy")]
        ensure!(
            self.requests() <= (self.begun + self.sent_again) as u64,
            "placements are sent more than once: {self}"
        );
        Ok(())
    }

    /// Adds the figures of another drill.
    pub fn merge(&mut self, other: Self) {
        self.begun += other.begun;
        self.outcomes += other.outcomes;
        self.placed += other.placed;
        self.not_placed += other.not_placed;
        self.not_sent += other.not_sent;
        self.sent_again += other.sent_again;
        self.duplicated += other.duplicated;
        self.lost += other.lost;
        self.made_up += other.made_up;
        self.unknown_at_first += other.unknown_at_first;
        self.left_unknown.extend(other.left_unknown);
        for (limit, wait) in other.waits {
            self.waits.entry(limit).or_default().merge(wait);
        }
        #[cfg(feature = "proxy")]
        for (fault, count) in other.deck {
            *self.deck.entry(fault).or_default() += count;
        }
    }
}

#[cfg(feature = "proxy")]
impl DrillReport {
    /// Adds what a proxy did to the placements. Its plan has to be for placements only.
    pub fn through(mut self, proxy: &FaultProxy) -> Self {
        for (fault, count) in proxy.counts() {
            *self.deck.entry(fault).or_default() += count;
        }
        self
    }

    /// Returns how many requests came to the proxies.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.deck.values().sum()
    }

    /// Fails unless the proxies broke so many of every hundred requests, and in every way that
    /// there is so often.
    ///
    /// # Errors
    ///
    /// The report, after what is wrong with it.
    pub fn check_deck(&self, percent: u64, of_each: u64) -> TestResult {
        let count = |fault| self.deck.get(fault).copied().unwrap_or_default();
        let broken: u64 = ProxyFault::ALL.iter().map(count).sum();
        ensure!(
            broken >= self.requests() / 100 * percent,
            "fewer than {percent} of a hundred requests are broken: {self}"
        );
        for fault in &ProxyFault::ALL {
            ensure!(
                count(fault) >= of_each,
                "fewer than {of_each} times {fault:?}: {self}"
            );
        }
        Ok(())
    }
}

impl DrillWait {
    fn merge(&mut self, other: Self) {
        self.orders += other.orders;
        self.late += other.late;
        self.longest = self.longest.max(other.longest);
    }
}

impl fmt::Display for DrillReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} outcomes of {} placements ({} placed, {} not placed, {} not sent, {} sent again), \
             {} duplicated, {} lost, {} made up; {} unknown at first, {} left unknown",
            self.outcomes,
            self.begun,
            self.placed,
            self.not_placed,
            self.not_sent,
            self.sent_again,
            self.duplicated,
            self.lost,
            self.made_up,
            self.unknown_at_first,
            self.left_unknown.len(),
        )?;
        for (limit, wait) in &self.waits {
            let (limit, longest) = (limit.as_secs_f32(), wait.longest.as_secs_f32());
            write!(
                f,
                "; of {} to be known within {limit} s {} late, the longest after {longest:.1} s",
                wait.orders, wait.late,
            )?;
        }
        for remark in self.left_unknown.iter().take(SHOWN) {
            write!(f, "; {remark}")?;
        }
        #[cfg(feature = "proxy")]
        if !self.deck.is_empty() {
            write!(f, "; proxy {:?}", self.deck)?;
        }
        Ok(())
    }
}
