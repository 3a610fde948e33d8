use std::{fmt, sync::Arc, time::Duration};

use super::RequestHead;
use crate::SeededRandom;

/// What the proxy does with one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ProxyFault {
    /// Sends the answer late, after the plan's [delay](FaultPlan::delay).
    DelayAnswer,
    /// Takes the answer and closes the connection.
    DropAnswer,
    /// Sends the answer twice.
    DuplicateAnswer,
    /// Takes the answer and sends a 502 page of HTML instead.
    HtmlAfterForwarding,
    /// Sends a 502 page of HTML without forwarding the request.
    HtmlInsteadOfForwarding,
    /// Changes nothing.
    Pass,
    /// Takes the answer and resets the connection.
    ResetAfterForwarding,
    /// Reads the request and resets the connection without forwarding.
    ResetBeforeForwarding,
    /// Sends the first half of the body as if it were all.
    TruncateAnswer,
}

impl ProxyFault {
    /// Every fault, without [`Pass`](Self::Pass).
    pub const ALL: [Self; 8] = [
        Self::DelayAnswer,
        Self::DropAnswer,
        Self::DuplicateAnswer,
        Self::HtmlAfterForwarding,
        Self::HtmlInsteadOfForwarding,
        Self::ResetAfterForwarding,
        Self::ResetBeforeForwarding,
        Self::TruncateAnswer,
    ];

    /// Returns whether the server gets the request.
    pub fn forwards(self) -> bool {
        !matches!(
            self,
            Self::HtmlInsteadOfForwarding | Self::ResetBeforeForwarding
        )
    }
}

type Filter = Arc<dyn Fn(&RequestHead) -> bool + Send + Sync>;

/// Which requests a [`FaultProxy`](super::FaultProxy) breaks, and how: the same for the same seed
/// and order of requests.
#[derive(Clone)]
#[must_use]
pub struct FaultPlan {
    seed: u64,
    percent: u64,
    faults: Vec<ProxyFault>,
    delay: Duration,
    filter: Filter,
}

impl FaultPlan {
    /// Breaks every request, in all ways, in an order that follows from the seed. A late answer is
    /// one second late.
    pub fn seeded(seed: u64) -> Self {
        Self {
            seed,
            percent: 100,
            faults: ProxyFault::ALL.to_vec(),
            delay: Duration::from_secs(1),
            filter: Arc::new(|_| true),
        }
    }

    /// Breaks nothing.
    pub fn none() -> Self {
        Self::seeded(0).percent(0)
    }

    /// Breaks so many of a hundred requests: exactly of each hundred that the plan is for.
    pub fn percent(mut self, percent: u8) -> Self {
        self.percent = u64::from(percent.min(100));
        self
    }

    /// Breaks in these ways only, each as often as the others.
    pub fn faults(mut self, faults: impl IntoIterator<Item = ProxyFault>) -> Self {
        self.faults = faults.into_iter().collect();
        self
    }

    /// Breaks only requests for which this holds; others pass and are not counted.
    pub fn only(mut self, filter: impl Fn(&RequestHead) -> bool + Send + Sync + 'static) -> Self {
        self.filter = Arc::new(filter);
        self
    }

    /// Sets how late a late answer is, in real time: longer than the client waits.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    pub(super) fn is_for(&self, head: &RequestHead) -> bool {
        (self.filter)(head)
    }

    pub(super) fn late(&self) -> Duration {
        self.delay
    }

    /// Says what is done with the request of this number.
    pub(super) fn fault(&self, number: u64) -> ProxyFault {
        let (hundred, place) = (number / 100, number % 100);
        let shuffle = SeededRandom::new(self.seed ^ hundred.wrapping_mul(0xD134_2543_DE82_EF95));
        let mut places: Vec<u64> = (0..100).collect();
        for at in (1..100u64).rev() {
            let other = shuffle.below(at + 1);
            // Both are below 100.
            places.swap(at as usize, other as usize);
        }
        let rank = places[place as usize];
        if rank >= self.percent || self.faults.is_empty() {
            return ProxyFault::Pass;
        }
        let turn = hundred * self.percent + rank;
        self.faults[(turn % self.faults.len() as u64) as usize]
    }
}

impl fmt::Debug for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultPlan")
            .field("seed", &self.seed)
            .field("percent", &self.percent)
            .field("faults", &self.faults)
            .field("delay", &self.delay)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn of_each_hundred_requests_exactly_the_share_is_broken_in_all_ways_alike() {
        let plan = FaultPlan::seeded(7).percent(20);
        let mut counts = BTreeMap::<_, u64>::new();
        for number in 0..10_000 {
            *counts.entry(plan.fault(number)).or_default() += 1;
        }
        assert_eq!(counts[&ProxyFault::Pass], 8_000);
        for fault in ProxyFault::ALL {
            assert_eq!(counts[&fault], 250, "{fault:?}");
        }
    }

    #[test]
    fn the_seed_decides_which() {
        let of = |seed| -> Vec<_> {
            let plan = FaultPlan::seeded(seed).percent(20);
            (0..300).map(|number| plan.fault(number)).collect()
        };
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
    }
}
