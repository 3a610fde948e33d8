//! The only module that names ring.

use std::fmt;

use ring::{aead, hkdf, hmac, rand::SecureRandom};
use wheelhouse_core::{Error as CoreError, ErrorKind, Random};
use zeroize::Zeroizing;

use crate::{Error, Result};

pub(crate) const KEY_LEN: usize = 32;
pub(crate) const NONCE_LEN: usize = 12;
pub(crate) const TAG_LEN: usize = 16;
pub(crate) const HASH_LEN: usize = 32;

/// The operating system's random source.
#[derive(Clone)]
pub struct SystemRandom(ring::rand::SystemRandom);

impl SystemRandom {
    /// Opens the source.
    pub fn new() -> Self {
        Self(ring::rand::SystemRandom::new())
    }
}

impl Default for SystemRandom {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SystemRandom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemRandom")
    }
}

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> wheelhouse_core::Result<()> {
        self.0.fill(bytes).map_err(|_| {
            CoreError::new(
                ErrorKind::KeyUnavailable,
                "the operating system's random source failed",
            )
        })
    }
}

/// AES-256-GCM with a 96-bit nonce and a 128-bit tag.
pub(crate) struct Cipher(aead::LessSafeKey);

impl Cipher {
    pub(crate) fn new(key: &[u8; KEY_LEN]) -> Self {
        // AES-256 takes any 32 bytes, which the type says these are.
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, key).expect("32 bytes are a key");
        Self(aead::LessSafeKey::new(key))
    }

    /// Appends the ciphertext and its tag to `out`.
    pub(crate) fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let start = out.len();
        out.extend_from_slice(plaintext);
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        let aad = aead::Aad::from(aad);
        match self
            .0
            .seal_in_place_separate_tag(nonce, aad, &mut out[start..])
        {
            Ok(tag) => {
                out.extend_from_slice(tag.as_ref());
                Ok(())
            }
            Err(_) => {
                zeroize::Zeroize::zeroize(&mut out[start..]);
                out.truncate(start);
                Err(Error::Failed)
            }
        }
    }

    /// Returns the plaintext, or nothing at all.
    pub(crate) fn open(
        &self,
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        let len = self
            .0
            .open_in_place(nonce, aead::Aad::from(aad), &mut buffer)
            .map_err(|_| Error::Failed)?
            .len();
        buffer.truncate(len);
        Ok(buffer)
    }
}

/// Derives a key for one purpose out of `secret` (HKDF-SHA-256).
pub(crate) fn derive(secret: &[u8; KEY_LEN], purpose: &[u8]) -> Zeroizing<[u8; KEY_LEN]> {
    let mut out = Zeroizing::new([0; KEY_LEN]);
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"wheelhouse-crypto");
    // One output block is asked for; HKDF gives up to 255.
    salt.extract(secret)
        .expand(&[purpose], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut out[..]))
        .expect("32 bytes are one block");
    out
}

/// Computes HMAC-SHA-256 of `parts`, one after the other.
pub(crate) fn mac(key: &[u8; KEY_LEN], parts: &[&[u8]]) -> [u8; HASH_LEN] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut out = [0; HASH_LEN];
    out.copy_from_slice(context.sign().as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
            .collect()
    }

    // The GCM specification (McGrew and Viega), appendix B, test cases 14 and 16.
    #[test]
    fn published_aes_256_gcm_vectors_match() {
        let cases = [
            (
                "0000000000000000000000000000000000000000000000000000000000000000",
                "000000000000000000000000",
                "",
                "00000000000000000000000000000000",
                "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
            ),
            (
                "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
                "cafebabefacedbaddecaf888",
                "feedfacedeadbeeffeedfacedeadbeefabaddad2",
                "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
                "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
            ),
        ];
        for (key, nonce, aad, plain, sealed) in cases {
            let key: [u8; 32] = bytes(key).try_into().unwrap();
            let nonce: [u8; 12] = bytes(nonce).try_into().unwrap();
            let cipher = Cipher::new(&key);
            let mut out = Vec::new();
            cipher
                .seal(nonce, &bytes(aad), &bytes(plain), &mut out)
                .unwrap();
            assert_eq!(out, bytes(sealed));
            let opened = cipher.open(nonce, &bytes(aad), &out).unwrap();
            assert_eq!(*opened, bytes(plain));
        }
    }

    #[test]
    fn keys_for_different_purposes_differ() {
        assert_ne!(*derive(&[7; 32], b"a"), *derive(&[7; 32], b"b"));
    }

    #[test]
    fn a_boundary_that_moves_changes_the_mac() {
        assert_ne!(mac(&[1; 32], &[b"ab", b"c"]), mac(&[1; 32], &[b"a", b"bc"]));
    }
}
