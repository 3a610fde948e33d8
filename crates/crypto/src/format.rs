//! The bytes of a sealed record:
//!
//! ```text
//! 4   magic "WHSR"
//! 1   format version, 1
//! 1   algorithm, 1 = AES-256-GCM for both the data key and the data
//! 1   length of the key id, 1 to 64
//! n   key id, visible ASCII
//! 12  nonce of the wrapped data key
//! 48  wrapped data key and its tag
//! 12  nonce of the data
//! m   ciphertext
//! 16  tag
//! ```

use crate::{
    Error, KeyId, Result,
    backend::{KEY_LEN, NONCE_LEN, TAG_LEN},
};

pub(crate) const MAGIC: &[u8] = b"WHSR";
pub(crate) const AES_256_GCM: u8 = 1;
pub(crate) const WRAPPED_LEN: usize = KEY_LEN + TAG_LEN;

/// The version of the record format that this crate writes, and the only one that it reads.
pub const FORMAT_VERSION: u8 = 1;

/// The largest plaintext of one record, in bytes.
pub(crate) const MAX_PLAINTEXT: usize = 1 << 20;

pub(crate) struct Sealed<'a> {
    pub(crate) key: KeyId,
    pub(crate) wrap_nonce: [u8; NONCE_LEN],
    pub(crate) wrapped: &'a [u8],
    pub(crate) nonce: [u8; NONCE_LEN],
    pub(crate) data: &'a [u8],
}

/// Tells which key a record is sealed with, without opening it.
///
/// # Errors
///
/// As [`Sealer::open`](crate::Sealer::open) for a record that is malformed or of an unknown version.
pub fn sealing_key_id(record: &[u8]) -> Result<KeyId> {
    Ok(parse(record)?.key)
}

pub(crate) fn parse(record: &[u8]) -> Result<Sealed<'_>> {
    let mut rest = Reader(record);
    if rest.take(MAGIC.len())? != MAGIC {
        return Err(Error::Malformed("it does not begin like a sealed record"));
    }
    let version = rest.byte()?;
    if version != FORMAT_VERSION {
        return Err(Error::UnknownVersion(version));
    }
    let algorithm = rest.byte()?;
    if algorithm != AES_256_GCM {
        return Err(Error::UnknownAlgorithm(algorithm));
    }
    let len = usize::from(rest.byte()?);
    let key = std::str::from_utf8(rest.take(len)?)
        .ok()
        .and_then(|id| KeyId::new(id).ok())
        .ok_or(Error::Malformed("its key id is not one"))?;
    let wrap_nonce = rest.nonce()?;
    let wrapped = rest.take(WRAPPED_LEN)?;
    let nonce = rest.nonce()?;
    let data = rest.0;
    if data.len() < TAG_LEN {
        return Err(Error::Malformed("it is cut off"));
    }
    if data.len() > MAX_PLAINTEXT + TAG_LEN {
        return Err(Error::Malformed("it is larger than a record may be"));
    }
    Ok(Sealed {
        key,
        wrap_nonce,
        wrapped,
        nonce,
        data,
    })
}

/// Writes everything up to the wrapped key.
pub(crate) fn begin(key: &KeyId, plaintext_len: usize) -> Vec<u8> {
    let id = key.as_str().as_bytes();
    let len = MAGIC.len() + 3 + id.len() + 2 * NONCE_LEN + WRAPPED_LEN + plaintext_len + TAG_LEN;
    let mut out = Vec::with_capacity(len);
    out.extend_from_slice(MAGIC);
    out.push(FORMAT_VERSION);
    out.push(AES_256_GCM);
    // A KeyId has at most 64 bytes.
    out.push(id.len() as u8);
    out.extend_from_slice(id);
    out
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| {
            [
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 15)],
            ]
        })
        .map(char::from)
        .collect()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (head, tail) = self
            .0
            .split_at_checked(len)
            .ok_or(Error::Malformed("it is cut off"))?;
        self.0 = tail;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn nonce(&mut self) -> Result<[u8; NONCE_LEN]> {
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(self.take(NONCE_LEN)?);
        Ok(nonce)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_parser_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn the_parser_never_panics_behind_a_good_header(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut record = b"WHSR\x01\x01".to_vec();
            record.extend(bytes);
            let _ = parse(&record);
        }
    }
}
