use ring::rand::SecureRandom;
use wheelhouse_core::{Error, ErrorKind, Random, Result};

/// The operating system's random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        ring::rand::SystemRandom::new().fill(bytes).map_err(|_| {
            Error::new(
                ErrorKind::Configuration,
                "the system's random source has failed",
            )
        })
    }
}
