//! Numbers that look random and follow from a seed: nothing here has state.

/// The splitmix64 finaliser over a seed and a position.
pub(crate) fn mix(seed: u64, position: u64) -> u64 {
    let mut z = seed.wrapping_add(position.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// True for a share of positions: `share` in parts of a million.
pub(crate) fn happens(seed: u64, position: u64, share: u32) -> bool {
    mix(seed, position) % 1_000_000 < u64::from(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        assert_eq!(mix(7, 42), mix(7, 42));
        assert_ne!(mix(7, 42), mix(8, 42));
        assert_ne!(mix(7, 42), mix(7, 43));
    }

    #[test]
    fn a_share_of_a_fifth_happens_about_every_fifth_time() {
        let hits = (0..10_000).filter(|n| happens(1, *n, 200_000)).count();
        assert!((1_800..2_200).contains(&hits), "{hits}");
    }
}
