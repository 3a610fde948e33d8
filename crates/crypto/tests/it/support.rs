use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use wheelhouse_core::{Random, Result};
use wheelhouse_crypto::{Binding, Key, KeyRing, Sealer};

/// The bytes 0, 1, 2, …
#[derive(Debug, Default)]
pub(crate) struct Counting(AtomicU8);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        for byte in bytes {
            *byte = self.0.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

pub(crate) const KEY: [u8; 32] = *b"a key for tests, of 32 bytes. Ok";

pub(crate) fn sealer() -> Sealer {
    Sealer::new(Arc::new(KeyRing::new(Key::from_bytes(KEY).unwrap())))
}

pub(crate) fn place() -> Binding {
    Binding::new("session")
        .store("sqlite:1")
        .broker("tradelocker")
        .user("9f86d081")
        .record("session-1")
        .version(7)
}
