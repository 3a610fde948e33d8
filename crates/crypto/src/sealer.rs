use std::sync::Arc;

use secrecy::{ExposeSecret, SecretSlice};
use wheelhouse_core::Random;
use zeroize::Zeroizing;

use crate::{
    Binding, Error, Key, KeyProvider, Result, SystemRandom, UserHash,
    backend::{Cipher, KEY_LEN, NONCE_LEN},
    format, key,
};

/// Seals records and opens them.
#[derive(Clone, Debug)]
pub struct Sealer {
    keys: Arc<dyn KeyProvider>,
    random: Arc<dyn Random>,
}

impl Sealer {
    /// Makes a sealer that takes its randomness from the operating system.
    pub fn new(keys: Arc<dyn KeyProvider>) -> Self {
        Self {
            keys,
            random: Arc::new(SystemRandom::new()),
        }
    }

    /// Replaces the random source. A source that repeats itself gives away what is sealed: this is
    /// for tests and for hardware sources.
    #[must_use]
    pub fn with_random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = random;
        self
    }

    /// Seals `plaintext` for the place that `binding` names, under the primary key and a data key of
    /// its own.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`] beyond 1 MiB, [`Error::KeyWorn`], [`Error::Random`] and what the key
    /// provider reports.
    pub async fn seal(&self, binding: &Binding, plaintext: &[u8]) -> Result<Vec<u8>> {
        let key = self.keys.primary().await?;
        self.seal_under(&key, binding, plaintext)
    }

    /// Opens a record.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownVersion`], [`Error::UnknownAlgorithm`], [`Error::UnknownKey`],
    /// [`Error::Malformed`], and [`Error::Failed`] for everything that only shows on decryption.
    pub async fn open(&self, binding: &Binding, record: &[u8]) -> Result<SecretSlice<u8>> {
        let sealed = format::parse(record)?;
        let key = self
            .keys
            .key(&sealed.key)
            .await?
            .ok_or_else(|| Error::UnknownKey(sealed.key.clone()))?;
        let wrap_aad = binding.associated_data(WRAP, &sealed.key);
        let data_key = key
            .cipher_to_unwrap()
            .open(sealed.wrap_nonce, &wrap_aad, sealed.wrapped)?;
        let data_key: &[u8; KEY_LEN] = data_key[..].try_into().map_err(|_| Error::Failed)?;
        let data_aad = binding.associated_data(DATA, &sealed.key);
        let mut plain = Cipher::new(data_key).open(sealed.nonce, &data_aad, sealed.data)?;
        Ok(std::mem::take(&mut *plain).into())
    }

    /// Seals a record again under the primary key, for the place and version that `to` names.
    ///
    /// The data key is new as well: the version is bound, and it has to grow with every write.
    /// `None` means that the record is under the primary key already.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open) and [`seal`](Self::seal).
    pub async fn rewrap(
        &self,
        from: &Binding,
        to: &Binding,
        record: &[u8],
    ) -> Result<Option<Vec<u8>>> {
        let primary = self.keys.primary().await?;
        if format::parse(record)?.key == *primary.id() {
            return Ok(None);
        }
        let plain = self.open(from, record).await?;
        self.seal_under(&primary, to, plain.expose_secret())
            .map(Some)
    }

    /// Returns the lookup key of a user's name under the primary key.
    ///
    /// # Errors
    ///
    /// What the key provider reports.
    pub async fn user_hash(&self, user: &str) -> Result<UserHash> {
        Ok(self.keys.primary().await?.hash_user(user))
    }

    /// Returns the lookup keys of a user's name under every key, the primary first: records that
    /// have not been sealed again since the primary changed are found by the others.
    ///
    /// # Errors
    ///
    /// What the key provider reports.
    pub async fn user_hashes(&self, user: &str) -> Result<Vec<UserHash>> {
        let mut hashes = Vec::new();
        for id in self.keys.ids().await? {
            let key = self.keys.key(&id).await?.ok_or(Error::UnknownKey(id))?;
            hashes.push(key.hash_user(user));
        }
        Ok(hashes)
    }

    fn seal_under(&self, key: &Key, binding: &Binding, plaintext: &[u8]) -> Result<Vec<u8>> {
        if plaintext.len() > format::MAX_PLAINTEXT {
            let limit = format::MAX_PLAINTEXT;
            return Err(Error::TooLarge { limit });
        }
        let data_key: Zeroizing<[u8; KEY_LEN]> = key::generate_bytes(&*self.random)?;
        let wrap_nonce = self.nonce()?;
        let nonce = self.nonce()?;

        let mut record = format::begin(key.id(), plaintext.len());
        record.extend_from_slice(&wrap_nonce);
        let wrap_aad = binding.associated_data(WRAP, key.id());
        key.cipher_to_wrap()?
            .seal(wrap_nonce, &wrap_aad, &data_key[..], &mut record)?;
        record.extend_from_slice(&nonce);
        let data_aad = binding.associated_data(DATA, key.id());
        Cipher::new(&data_key).seal(nonce, &data_aad, plaintext, &mut record)?;
        Ok(record)
    }

    fn nonce(&self) -> Result<[u8; NONCE_LEN]> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(Error::Random)?;
        Ok(nonce)
    }
}

const WRAP: &[u8] = b"wrapped key";
const DATA: &[u8] = b"data";
