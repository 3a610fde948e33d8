use std::{
    fmt,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use secrecy::{ExposeSecret, SecretString};
use wheelhouse_core::Random;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    Error, Result, UserHash,
    backend::{self, Cipher, KEY_LEN},
    format,
};

/// Names a key. A record says which key it was sealed with.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(String);

impl KeyId {
    /// The longest id, in bytes.
    pub const MAX_LEN: usize = 64;

    /// Checks `text` and makes an id of it.
    ///
    /// # Errors
    ///
    /// [`Error::KeyRefused`] unless it is 1 to 64 bytes of letters, digits and `. _ - : / @`.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        let fit = |b: u8| b.is_ascii_alphanumeric() || b"._-:/@".contains(&b);
        if text.is_empty() || text.len() > Self::MAX_LEN || !text.bytes().all(fit) {
            let problem = "a key id is 1 to 64 letters, digits and . _ - : / @";
            return Err(Error::KeyRefused(problem.into()));
        }
        Ok(Self(text))
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({})", self.0)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

/// A key-encryption key: 256 bits and an id.
///
/// The bits are not used directly: the key that wraps, the key that hashes user names and the id are
/// derived from them. Unless one is given, the id is a fingerprint, so that a wrong key is told
/// from a damaged record.
pub struct Key {
    id: KeyId,
    wrap: Cipher,
    index: Zeroizing<[u8; KEY_LEN]>,
    wraps: AtomicU64,
    limit: u64,
}

impl Key {
    /// The number of records after which a key should be replaced.
    pub const ROTATE_AFTER: u64 = 200_000;

    /// The number of records that one key seals in the life of one process, unless told otherwise:
    /// 2^28. Random 96-bit nonces are good for 2^32 under one key.
    pub const DEFAULT_LIMIT: u64 = 1 << 28;

    /// Makes a key of 32 random bytes.
    ///
    /// # Errors
    ///
    /// [`Error::KeyRefused`] if all bytes are the same: that is a placeholder, not a key.
    pub fn from_bytes(mut bytes: [u8; KEY_LEN]) -> Result<Self> {
        let secret = Zeroizing::new(bytes);
        bytes.zeroize();
        Self::from_secret(&secret)
    }

    /// Makes a key of a text: 64 hexadecimal digits, or base64 of 32 bytes (both alphabets, with or
    /// without padding). Blanks and line ends around it are ignored.
    ///
    /// # Errors
    ///
    /// [`Error::KeyRefused`], which says what is wrong without quoting the text.
    pub fn from_text(text: &SecretString) -> Result<Self> {
        Self::from_secret(&*parse_text(text.expose_secret().trim())?)
    }

    /// Makes a new key.
    ///
    /// # Errors
    ///
    /// [`Error::Random`] if the random source fails.
    pub fn generate(random: &dyn Random) -> Result<Self> {
        Self::from_secret(&*generate_bytes(random)?)
    }

    /// Replaces the id, for a key that has its name from elsewhere.
    #[must_use]
    pub fn with_id(mut self, id: KeyId) -> Self {
        self.id = id;
        self
    }

    /// Sets how many records the key may seal in this process.
    #[must_use]
    pub fn with_limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }

    /// Returns the id.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// Returns how many records the key has sealed in this process.
    pub fn wraps(&self) -> u64 {
        self.wraps.load(Ordering::Relaxed)
    }

    /// Tells whether it is time for a new primary key; see [`ROTATE_AFTER`](Self::ROTATE_AFTER).
    pub fn should_rotate(&self) -> bool {
        self.wraps() >= Self::ROTATE_AFTER.min(self.limit)
    }

    pub(crate) fn from_secret(secret: &[u8; KEY_LEN]) -> Result<Self> {
        if secret.iter().all(|byte| *byte == secret[0]) {
            let problem = "all of its bytes are the same; 32 random bytes are needed";
            return Err(Error::KeyRefused(problem.into()));
        }
        let fingerprint = backend::derive(secret, b"key id 1");
        Ok(Self {
            id: KeyId(format!("k-{}", format::hex(&fingerprint[..8]))),
            wrap: Cipher::new(&backend::derive(secret, b"wrap 1")),
            index: backend::derive(secret, b"user index 1"),
            wraps: AtomicU64::new(0),
            limit: Self::DEFAULT_LIMIT,
        })
    }

    /// Returns the cipher for one more wrap.
    pub(crate) fn cipher_to_wrap(&self) -> Result<&Cipher> {
        self.wraps
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |wraps| {
                (wraps < self.limit).then_some(wraps + 1)
            })
            .map_err(|_| Error::KeyWorn(self.id.clone()))?;
        Ok(&self.wrap)
    }

    pub(crate) fn cipher_to_unwrap(&self) -> &Cipher {
        &self.wrap
    }

    pub(crate) fn hash_user(&self, user: &str) -> UserHash {
        UserHash::new(backend::mac(&self.index, &[b"user", user.as_bytes()]))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("wraps", &self.wraps())
            .finish_non_exhaustive()
    }
}

pub(crate) fn generate_bytes(random: &dyn Random) -> Result<Zeroizing<[u8; KEY_LEN]>> {
    let mut bytes = Zeroizing::new([0; KEY_LEN]);
    random.fill(&mut bytes[..]).map_err(Error::Random)?;
    Ok(bytes)
}

fn parse_text(text: &str) -> Result<Zeroizing<[u8; KEY_LEN]>> {
    let refused = |problem: String| Err(Error::KeyRefused(problem));
    let expected = "64 hexadecimal digits or 44 base64 characters are expected";
    let mut key = Zeroizing::new([0; KEY_LEN]);
    match text.len() {
        0 => refused(format!("it is empty; {expected}")),
        64 => {
            for (place, pair) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else {
                    return refused("it has 64 characters that are not all hexadecimal".into());
                };
                *place = (high * 16 + low) as u8;
            }
            Ok(key)
        }
        43 | 44 => {
            let padding = DecodePaddingMode::Indifferent;
            let config = GeneralPurposeConfig::new().with_decode_padding_mode(padding);
            for alphabet in [alphabet::STANDARD, alphabet::URL_SAFE] {
                let engine = GeneralPurpose::new(&alphabet, config);
                if let Ok(bytes) = engine.decode(text).map(Zeroizing::new)
                    && bytes.len() == KEY_LEN
                {
                    key.copy_from_slice(&bytes);
                    return Ok(key);
                }
            }
            refused("it is as long as base64 of 32 bytes but is not that".into())
        }
        len => refused(format!("it has {len} characters; {expected}")),
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    const BYTES: [u8; 32] = *b"0123456789abcdefghijklmnopqrst\xFB\xFF";

    #[test]
    fn hex_and_both_base64_alphabets_give_the_same_key() {
        let id = Key::from_bytes(BYTES).unwrap().id().clone();
        let standard = STANDARD.encode(BYTES);
        for text in [
            format::hex(&BYTES),
            format::hex(&BYTES).to_uppercase(),
            format!("  {standard}\r\n"),
            standard.trim_end_matches('=').into(),
            URL_SAFE.encode(BYTES),
        ] {
            assert_eq!(Key::from_text(&text.into()).unwrap().id(), &id);
        }
    }

    #[test]
    fn a_bad_key_text_is_refused_without_being_quoted() {
        for text in [
            "",
            "hunter2hunter2",
            "hunter2hunter2hunter2hunter2hunt",
            &"z".repeat(64),
            &"*".repeat(44),
        ] {
            let error = Key::from_text(&text.into()).unwrap_err();
            assert!(matches!(error, Error::KeyRefused(_)), "{error:?}");
            assert!(text.is_empty() || !format!("{error} {error:?}").contains(text));
        }
        assert!(Key::from_bytes([0; 32]).is_err());
    }

    #[test]
    fn enc_6_a_worn_key_seals_nothing_more() {
        let key = Key::from_bytes(BYTES).unwrap().with_limit(2);
        assert!(key.cipher_to_wrap().is_ok());
        assert!(key.cipher_to_wrap().is_ok());
        assert!(matches!(key.cipher_to_wrap(), Err(Error::KeyWorn(_))));
        assert_eq!(key.wraps(), 2);
        assert!(key.should_rotate());
    }
}
