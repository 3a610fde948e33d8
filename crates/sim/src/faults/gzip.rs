//! Compressed bodies, good and bad.

use std::io::Write;

use flate2::{Compress, Compression, Crc, FlushCompress, write::GzEncoder};

const MEBIBYTE: usize = 1024 * 1024;
const HEADER: [u8; 10] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255];
/// A final, empty block with fixed codes.
const END: [u8; 2] = [0x03, 0x00];

pub(super) fn pack(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

/// A body of about a thousandth of `bytes` that unpacks to `bytes` blanks.
///
/// One mebibyte is compressed with a full flush, which leaves whole bytes and no dictionary, and
/// then repeated: a large bomb costs no more work than a small one.
pub(super) fn bomb(bytes: u64) -> Vec<u8> {
    let count = usize::try_from(bytes.div_ceil(MEBIBYTE as u64))
        .unwrap_or(1)
        .max(1);
    let blanks = vec![b' '; MEBIBYTE];
    let mut block = Vec::with_capacity(16 * 1024);
    let mut deflate = Compress::new(Compression::best(), false);
    let _ = deflate.compress_vec(&blanks, &mut block, FlushCompress::Full);
    let mut one = Crc::new();
    one.update(&blanks);
    let mut all = Crc::new();
    (0..count).for_each(|_| all.combine(&one));

    let mut out = HEADER.to_vec();
    (0..count).for_each(|_| out.extend_from_slice(&block));
    out.extend_from_slice(&END);
    out.extend_from_slice(&all.sum().to_le_bytes());
    out.extend_from_slice(&all.amount().to_le_bytes());
    out
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_bomb_is_valid_and_much_smaller_than_what_it_unpacks_to() {
        let packed = bomb(3 * MEBIBYTE as u64);
        assert!(packed.len() < 3 * MEBIBYTE / 200, "{}", packed.len());
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&packed[..])
            .read_to_end(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked.len(), 3 * MEBIBYTE);
        assert!(unpacked.iter().all(|byte| *byte == b' '));
    }
}
