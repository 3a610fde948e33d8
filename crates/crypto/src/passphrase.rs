use std::{fmt, str::FromStr};

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use wheelhouse_core::Random;
use zeroize::Zeroizing;

use crate::{Error, Key, Result, backend::KEY_LEN};

/// What turns a passphrase into a key: Argon2id with these costs and this salt.
///
/// It is not secret and has to be kept, as text: the same passphrase gives another key without it.
/// Text read back is taken only between a floor and a ceiling, so that somebody who can write it can
/// neither weaken the key nor burn memory and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KdfParameters {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; SALT_LEN],
}

impl KdfParameters {
    /// Makes parameters with a new salt: 64 MiB, 3 passes, 1 lane.
    ///
    /// # Errors
    ///
    /// [`Error::Random`] if the random source fails.
    pub fn generate(random: &dyn Random) -> Result<Self> {
        let mut salt = [0; SALT_LEN];
        random.fill(&mut salt).map_err(Error::Random)?;
        Ok(Self {
            memory_kib: 65_536,
            passes: 3,
            lanes: 1,
            salt,
        })
    }

    /// Sets the costs: memory in KiB (19,456 to 1,048,576), passes (2 to 16), lanes (1 to 8).
    ///
    /// # Errors
    ///
    /// [`Error::KdfRefused`] outside of these bounds.
    pub fn with_costs(mut self, memory_kib: u32, passes: u32, lanes: u32) -> Result<Self> {
        let check = |what: &str, value: u32, (floor, ceiling): (u32, u32)| {
            if (floor..=ceiling).contains(&value) {
                return Ok(());
            }
            let problem = format!("{what} is {value}; {floor} to {ceiling} is allowed");
            Err(Error::KdfRefused(problem))
        };
        check("memory in KiB", memory_kib, MEMORY_KIB)?;
        check("the number of passes", passes, PASSES)?;
        check("the number of lanes", lanes, LANES)?;
        self.memory_kib = memory_kib;
        self.passes = passes;
        self.lanes = lanes;
        Ok(self)
    }
}

impl fmt::Display for KdfParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            memory_kib: memory,
            passes,
            lanes,
            salt,
        } = self;
        let salt = STANDARD_NO_PAD.encode(salt);
        write!(f, "argon2id$1$m={memory},t={passes},p={lanes}${salt}")
    }
}

impl FromStr for KdfParameters {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || {
            let expected = "argon2id$1$m=…,t=…,p=…$salt is expected";
            Error::KdfRefused(expected.into())
        };
        let rest = text
            .trim()
            .strip_prefix("argon2id$1$")
            .ok_or_else(refused)?;
        let (costs, salt) = rest.split_once('$').ok_or_else(refused)?;
        let mut costs = costs.split(',');
        let mut cost = |name: &str| {
            let text = costs.next()?.strip_prefix(name)?;
            text.parse::<u64>()
                .ok()
                .map(|v| v.min(u64::from(u32::MAX)) as u32)
        };
        let memory_kib = cost("m=").ok_or_else(refused)?;
        let passes = cost("t=").ok_or_else(refused)?;
        let lanes = cost("p=").ok_or_else(refused)?;
        let salt = STANDARD_NO_PAD.decode(salt).map_err(|_| refused())?;
        let salt = salt.try_into().map_err(|_| refused())?;
        Self {
            memory_kib,
            passes,
            lanes,
            salt,
        }
        .with_costs(memory_kib, passes, lanes)
    }
}

/// A passphrase that a key is derived from.
#[derive(Clone)]
pub struct Passphrase(SecretString);

impl Passphrase {
    /// Takes a passphrase as it is, byte for byte.
    ///
    /// # Errors
    ///
    /// [`Error::KeyRefused`] if it has fewer than 8 characters or more than 1 KiB.
    pub fn new(text: SecretString) -> Result<Self> {
        let characters = text.expose_secret().chars().count();
        if characters < 8 || text.expose_secret().len() > 1024 {
            let problem = "a passphrase has 8 characters to 1 KiB";
            return Err(Error::KeyRefused(problem.into()));
        }
        Ok(Self(text))
    }

    /// Derives the key. This takes a tenth of a second and blocks the thread for it.
    ///
    /// # Errors
    ///
    /// [`Error::KdfRefused`] if the derivation cannot be done, for want of memory.
    pub fn derive_key(&self, parameters: &KdfParameters) -> Result<Key> {
        let refused = |error: argon2::Error| Error::KdfRefused(error.to_string());
        let KdfParameters {
            memory_kib,
            passes,
            lanes,
            salt,
        } = parameters;
        let params = Params::new(*memory_kib, *passes, *lanes, Some(KEY_LEN)).map_err(refused)?;
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(self.0.expose_secret().as_bytes(), salt, &mut bytes[..])
            .map_err(refused)?;
        Key::from_secret(&bytes)
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passphrase").finish_non_exhaustive()
    }
}

const SALT_LEN: usize = 16;
// The floors are OWASP's: 19 MiB and 2 passes.
const MEMORY_KIB: (u32, u32) = (19_456, 1_048_576);
const PASSES: (u32, u32) = (2, 16);
const LANES: (u32, u32) = (1, 8);
