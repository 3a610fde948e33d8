use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use wheelhouse_core::{Random, Result};

/// Randomness that is the same in every run with the same seed. For tests only: it is predictable.
///
/// Clones share the sequence.
///
/// ```
/// use wheelhouse_testkit::SeededRandom;
///
/// assert_eq!(SeededRandom::new(7).next_u64(), SeededRandom::new(7).next_u64());
/// ```
#[derive(Clone, Debug)]
pub struct SeededRandom(Arc<AtomicU64>);

impl SeededRandom {
    /// Starts the sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seed)))
    }

    /// Returns the next number.
    pub fn next_u64(&self) -> u64 {
        // SplitMix64: http://xoshiro.di.unimi.it/splitmix64.c
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a number below `end`; 0 if `end` is 0. Small numbers are likelier by less than
    /// `end` in 2^64.
    pub fn below(&self, end: u64) -> u64 {
        self.next_u64().checked_rem(end).unwrap_or(0)
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        for chunk in bytes.chunks_mut(8) {
            let random = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_splitmix64() {
        let random = SeededRandom::new(1234567);
        assert_eq!(random.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(random.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn every_byte_of_an_odd_length_is_filled() {
        let mut bytes = [0; 43];
        SeededRandom::new(3).fill(&mut bytes).unwrap();
        assert!(bytes.chunks(4).all(|chunk| chunk.iter().any(|b| *b != 0)));
    }
}
