//! Prices: a pure function of seed, instrument and time, unless a test has set one.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::catalog::{Instrument, catalog};
use crate::random::mix;

/// Waves that a price is made of: period in milliseconds, height in billionths of the price.
const WAVES: [(i64, i64); 7] = [
    (3_000, 15_000),
    (60_000, 80_000),
    (900_000, 300_000),
    (14_400_000, 1_500_000),
    (172_800_000, 6_000_000),
    (2_592_000_000, 25_000_000),
    (31_536_000_000, 90_000_000),
];
const BILLION: i64 = 1_000_000_000;

/// Bid and ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) bid: Decimal,
    pub(super) ask: Decimal,
}

#[derive(Debug)]
pub(super) struct Market {
    pub(super) seed: u64,
    pub(super) instruments: Vec<Instrument>,
    set: BTreeMap<usize, Quote>,
}

impl Market {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            instruments: catalog(),
            set: BTreeMap::new(),
        }
    }

    /// Finds an instrument by its tradable id.
    pub(super) fn find(&self, tradable_id: &str) -> Option<usize> {
        let id: u32 = tradable_id.parse().ok()?;
        self.instruments
            .iter()
            .position(|instrument| instrument.tradable_id == id)
    }

    pub(super) fn find_name(&self, name: &str) -> Option<usize> {
        self.instruments
            .iter()
            .position(|instrument| instrument.name == name)
    }

    pub(super) fn quote(&self, index: usize, at: i64) -> Quote {
        self.set.get(&index).copied().unwrap_or_else(|| {
            let bid = self.natural_bid(index, at);
            Quote {
                bid,
                ask: bid + self.spread(index, bid),
            }
        })
    }

    pub(super) fn spread(&self, index: usize, bid: Decimal) -> Decimal {
        let instrument = &self.instruments[index];
        instrument.tick(bid) * Decimal::from(instrument.spread_ticks)
    }

    pub(super) fn is_set(&self, index: usize) -> bool {
        self.set.contains_key(&index)
    }

    pub(super) fn set(&mut self, index: usize, quote: Quote) {
        self.set.insert(index, quote);
    }

    pub(super) fn release(&mut self, index: usize) {
        self.set.remove(&index);
    }

    /// The bid without anything that was set.
    pub(super) fn natural_bid(&self, index: usize, at: i64) -> Decimal {
        self.price(index, self.deviation(index, at))
    }

    /// A deviation as a price on a tick.
    pub(super) fn price(&self, index: usize, deviation: i64) -> Decimal {
        let instrument = &self.instruments[index];
        instrument.round(instrument.centre * Decimal::new(BILLION + deviation, 9))
    }

    /// How far the price is from its centre, in billionths.
    pub(super) fn deviation(&self, index: usize, at: i64) -> i64 {
        let instrument = &self.instruments[index];
        let stream = mix(self.seed, u64::from(instrument.tradable_id));
        let sum: i64 = WAVES
            .iter()
            .enumerate()
            .map(|(number, (period, height))| {
                wave(mix(stream, number as u64), at, *period) * (height / 1_000) / 1_000
            })
            .sum();
        sum * instrument.restlessness / 1_000
    }
}

/// A smooth curve through random points, one for each period, from -1,000,000 to 1,000,000.
fn wave(stream: u64, at: i64, period: i64) -> i64 {
    let point = |n: i64| (mix(stream, n as u64) % 2_000_001) as i64 - 1_000_000;
    let number = at.div_euclid(period);
    let (from, to) = (point(number), point(number + 1));
    let x = (at.rem_euclid(period) << 16) / period;
    let eased = (x * x / 65_536) * (3 * 65_536 - 2 * x) / 65_536;
    from + (((to - from) * eased) >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    #[test]
    fn prices_follow_from_seed_and_time_and_move() {
        let (one, other) = (Market::new(1), Market::new(2));
        assert_eq!(one.quote(1, 5 * DAY), Market::new(1).quote(1, 5 * DAY));
        assert_ne!(one.quote(1, 5 * DAY), other.quote(1, 5 * DAY));
        let moved = (0..60).filter(|n| one.quote(1, n * 1_000) != one.quote(1, n * 1_000 + 1_000));
        assert!(moved.count() > 50);
    }

    #[test]
    fn prices_stay_in_a_sane_range_without_jumps() {
        let market = Market::new(3);
        for index in 0..market.instruments.len() {
            let centre = market.instruments[index].centre;
            let mut last = market.natural_bid(index, 0);
            for n in 1..2_000 {
                let bid = market.natural_bid(index, n * 1_000);
                assert!(
                    (bid - last).abs() < centre * Decimal::new(1, 3),
                    "{bid} after {last}"
                );
                assert!(bid > centre / Decimal::TWO && bid < centre * Decimal::TWO);
                last = bid;
            }
        }
    }

    #[test]
    fn a_set_quote_stands_until_it_is_released() {
        let mut market = Market::new(1);
        let quote = Quote {
            bid: Decimal::ONE,
            ask: Decimal::TWO,
        };
        market.set(0, quote);
        assert_eq!(market.quote(0, 7), quote);
        market.release(0);
        assert_eq!(market.quote(0, 7), Market::new(1).quote(0, 7));
    }
}
