//! One-time codes.

use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

const STEP: i64 = 30_000;

/// Whether a code is the authenticator app's of now, or of a step before or after.
pub(super) fn is_totp(secret: &SecretString, code: &str, now: i64) -> bool {
    let step = now / STEP;
    [step - 1, step, step + 1]
        .iter()
        .any(|step| totp(secret, step * STEP).as_deref() == Some(code))
}

/// The code of a time: RFC 6238 with SHA-1, 30 seconds and 6 digits.
pub(in crate::robinhood) fn totp(secret: &SecretString, now: i64) -> Option<String> {
    let key = hmac::Key::new(
        hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        &base32(secret.expose_secret())?,
    );
    let counter = u64::try_from(now / STEP).ok()?;
    let tag = hmac::sign(&key, &counter.to_be_bytes());
    let digest = tag.as_ref();
    let at = usize::from(digest[digest.len() - 1] & 0x0F);
    let word = digest
        .get(at..at + 4)?
        .iter()
        .fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
    Some(format!("{:06}", (word & 0x7FFF_FFFF) % 1_000_000))
}

fn base32(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=')
    {
        let value = match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xFF) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors_hold() {
        let text = include_str!("../../../tests/data/robinhood/totp_vectors.json");
        let file: serde_json::Value = serde_json::from_str(text).unwrap();
        let secret = SecretString::from(file["secret_base32"].as_str().unwrap());
        let vectors = file["vectors"].as_array().unwrap();
        assert!(vectors.len() >= 3);
        for vector in vectors {
            let now = vector["unix_time"].as_i64().unwrap() * 1_000;
            let code = vector["code"].as_str().unwrap();
            assert_eq!(totp(&secret, now).as_deref(), Some(code));
            assert!(is_totp(&secret, code, now + STEP));
            assert!(!is_totp(&secret, code, now + 3 * STEP));
        }
    }

    #[test]
    fn a_secret_may_be_written_in_groups_and_small_letters() {
        let secret = SecretString::from("gezd gnbv gy3t qojq gezd gnbv gy3t qojq");
        assert_eq!(totp(&secret, 59_000).as_deref(), Some("287082"));
        assert_eq!(totp(&"not base32!".into(), 59_000), None);
    }
}
