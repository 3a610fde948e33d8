use ring::hmac;
use time::OffsetDateTime;
use wheelhouse_core::{Error, ErrorKind, ExposeSecret, Result, SecretString};
use zeroize::Zeroizing;

/// How long a code is good for, in seconds.
pub(crate) const STEP: i64 = 30;

/// Returns which step of time a moment is in.
pub(crate) fn step_at(now: OffsetDateTime) -> i64 {
    now.unix_timestamp().div_euclid(STEP)
}

/// Computes the code of a step (RFC 6238: HMAC-SHA1, 30 s, 6 digits) from a base32 secret.
pub(crate) fn code(secret: &SecretString, step: i64) -> Result<SecretString> {
    let key = base32(secret.expose_secret()).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidInput,
            "the one-time code secret is not base32",
        )
    })?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    // SHA-1 gives 20 bytes; the last one names a place at most 15, so four bytes follow.
    let offset = usize::from(tag[19] & 15);
    let word = u32::from_be_bytes([
        tag[offset] & 0x7F,
        tag[offset + 1],
        tag[offset + 2],
        tag[offset + 3],
    ]);
    Ok(format!("{:06}", word % 1_000_000).into())
}

fn base32(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut bits, mut count) = (0u32, 0);
    for c in text
        .bytes()
        .filter(|c| *c != b'=' && !c.is_ascii_whitespace())
    {
        let value = match c.to_ascii_uppercase() {
            c @ b'A'..=b'Z' => c - b'A',
            c @ b'2'..=b'7' => c - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5 | u32::from(value)) & 0xFFFF;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors_pass() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/data/totp_vectors.json")).unwrap();
        let secret = SecretString::from(vectors["secret_base32"].as_str().unwrap());
        let rows = vectors["vectors"].as_array().unwrap();
        assert_eq!(rows.len(), 6);
        for row in rows {
            let at =
                OffsetDateTime::from_unix_timestamp(row["unix_time"].as_i64().unwrap()).unwrap();
            let code = code(&secret, step_at(at)).unwrap();
            assert_eq!(code.expose_secret(), row["code"].as_str().unwrap());
        }
    }

    #[test]
    fn f56_spaces_lower_case_and_padding_do_not_matter_and_other_signs_do() {
        let code = |text: &str| code(&text.into(), 1).map(|code| code.expose_secret().to_owned());
        assert_eq!(
            code("gezd gnbv gy3t qojq==").unwrap(),
            code("GEZDGNBVGY3TQOJQ").unwrap()
        );
        assert_eq!(code("GEZDGNBV1").unwrap_err().code(), 5001);
    }

    #[test]
    fn steps_begin_every_thirty_seconds_on_both_sides_of_the_epoch() {
        let at = |second| step_at(OffsetDateTime::from_unix_timestamp(second).unwrap());
        assert_eq!([at(0), at(29), at(30), at(59), at(60)], [0, 0, 1, 1, 2]);
        assert_eq!([at(-1), at(-30), at(-31)], [-1, -1, -2]);
        assert!(code(&"GEZDGNBVGY3TQOJQ".into(), i64::MIN).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn a_code_has_six_digits_whatever_the_secret(secret in "[A-Za-z2-7 =]{0,80}", step: i64) {
            let code = code(&secret.into(), step).unwrap();
            let code = code.expose_secret();
            proptest::prop_assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()));
        }

        #[test]
        fn no_secret_makes_it_panic(secret in ".{0,80}", step: i64) {
            let _ = code(&secret.into(), step);
        }
    }
}
