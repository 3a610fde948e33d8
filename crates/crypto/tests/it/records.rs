use std::{collections::HashSet, sync::Arc};

use proptest::prelude::*;
use wheelhouse_core::{Error as CoreError, ExposeSecret};
use wheelhouse_crypto::{Binding, Error, Key, KeyRing, Sealer, sealing_key_id};

use crate::support::{Counting, KEY, place, sealer};

const PLAIN: &[u8] = b"refresh-token-canary";

fn code(error: Error) -> u16 {
    CoreError::from(error).code()
}

#[tokio::test]
async fn a_sealed_record_opens_where_it_belongs() {
    for plain in [&b""[..], PLAIN, &[0xA5; 100_000]] {
        let record = sealer().seal(&place(), plain).await.unwrap();
        let opened = sealer().open(&place(), &record).await.unwrap();
        assert_eq!(opened.expose_secret(), plain);
    }
}

#[tokio::test]
async fn enc_2_every_flipped_bit_is_refused() {
    let sealer = sealer();
    let record = sealer.seal(&place(), PLAIN).await.unwrap();
    for bit in 0..record.len() * 8 {
        let mut changed = record.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let error = sealer.open(&place(), &changed).await.unwrap_err();
        assert!([4004, 4005].contains(&code(error)), "bit {bit}");
    }
}

#[tokio::test]
async fn enc_2_every_truncation_and_extension_is_refused() {
    let sealer = sealer();
    let record = sealer.seal(&place(), PLAIN).await.unwrap();
    for len in 0..record.len() {
        let error = sealer.open(&place(), &record[..len]).await.unwrap_err();
        assert_eq!(code(error), 4004, "length {len}");
    }
    for extra in 1..40 {
        let mut longer = record.clone();
        longer.extend(vec![0; extra]);
        let error = sealer.open(&place(), &longer).await.unwrap_err();
        assert_eq!(code(error), 4004, "{extra} bytes more");
    }
}

#[tokio::test]
async fn enc_2_every_flipped_bit_of_the_binding_is_refused() {
    let sealer = sealer();
    let record = sealer.seal(&place(), PLAIN).await.unwrap();
    let fields = [
        "sqlite:1",
        "tradelocker",
        "9f86d081",
        "session-1",
        "session",
    ];
    for (number, field) in fields.iter().enumerate() {
        for bit in 0..field.len() * 8 {
            let mut bytes = field.as_bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // The top bit makes it no text at all, which a binding cannot be.
            let Ok(text) = String::from_utf8(bytes) else {
                continue;
            };
            let moved = with_field(number, &text);
            assert_ne!(moved, place());
            let error = sealer.open(&moved, &record).await.unwrap_err();
            assert!(matches!(error, Error::Failed));
        }
    }
    for bit in 0..64 {
        let moved = place().version(7 ^ (1 << bit));
        let error = sealer.open(&moved, &record).await.unwrap_err();
        assert!(matches!(error, Error::Failed));
    }
}

fn with_field(number: usize, text: &str) -> Binding {
    let place = place();
    match number {
        0 => place.store(text),
        1 => place.broker(text),
        2 => place.user(text),
        3 => place.record(text),
        _ => Binding::new(text)
            .store("sqlite:1")
            .broker("tradelocker")
            .user("9f86d081")
            .record("session-1")
            .version(7),
    }
}

#[tokio::test]
async fn enc_3_a_record_does_not_open_in_the_place_of_another() {
    let sealer = sealer();
    let record = sealer.seal(&place(), PLAIN).await.unwrap();
    for number in 0..5 {
        let elsewhere = with_field(number, "another");
        assert!(sealer.open(&elsewhere, &record).await.is_err());
    }
    // What one field loses another does not gain.
    let shifted = place().store("sqlite:1t").broker("radelocker");
    assert!(sealer.open(&shifted, &record).await.is_err());
    let swapped = place().store("tradelocker").broker("sqlite:1");
    assert!(sealer.open(&swapped, &record).await.is_err());
}

#[tokio::test]
async fn parts_of_two_records_do_not_make_a_third() {
    let sealer = sealer();
    let one = sealer
        .seal(&place(), b"one of 20 characters")
        .await
        .unwrap();
    let two = sealer
        .seal(&place(), b"two of 20 characters")
        .await
        .unwrap();
    assert_eq!(one.len(), two.len());
    for cut in 1..one.len() {
        let mixed = [&one[..cut], &two[cut..]].concat();
        if mixed == one || mixed == two {
            continue;
        }
        assert!(sealer.open(&place(), &mixed).await.is_err(), "cut at {cut}");
    }
}

#[tokio::test]
async fn unknown_version_algorithm_and_key_are_named() {
    let sealer = sealer();
    let record = sealer.seal(&place(), PLAIN).await.unwrap();
    let mut newer = record.clone();
    newer[4] = 2;
    let error = sealer.open(&place(), &newer).await.unwrap_err();
    assert!(matches!(error, Error::UnknownVersion(2)));
    assert_eq!(code(error), 4004);
    let mut other = record.clone();
    other[5] = 9;
    let error = sealer.open(&place(), &other).await.unwrap_err();
    assert!(matches!(error, Error::UnknownAlgorithm(9)));

    let stranger = Key::from_bytes(*b"another key for tests, 32 bytes.").unwrap();
    let stranger = Sealer::new(Arc::new(KeyRing::new(stranger)));
    let error = stranger.open(&place(), &record).await.unwrap_err();
    assert!(matches!(error, Error::UnknownKey(_)));
    assert_eq!(code(error), 4005);
}

#[tokio::test]
async fn enc_6_nothing_random_is_used_twice() {
    let sealer = sealer();
    let id_len = usize::from(sealer.seal(&place(), b"").await.unwrap()[6]);
    let nonces = 7 + id_len;
    let mut seen = HashSet::new();
    for _ in 0..4096 {
        let record = sealer.seal(&place(), PLAIN).await.unwrap();
        let wrap_nonce = record[nonces..nonces + 12].to_vec();
        let wrapped_key = record[nonces + 12..nonces + 60].to_vec();
        assert!(seen.insert(wrap_nonce) && seen.insert(wrapped_key));
    }
}

#[tokio::test]
async fn the_format_stays_as_it_is() {
    let sealer = sealer().with_random(Arc::new(Counting::default()));
    let record = sealer.seal(&place(), PLAIN).await.unwrap();
    let hex: String = record.iter().map(|byte| format!("{byte:02x}")).collect();
    insta::assert_snapshot!(hex);
    let opened = sealer.open(&place(), &record).await.unwrap();
    assert_eq!(opened.expose_secret(), PLAIN);
}

#[tokio::test]
async fn an_older_key_opens_and_a_rewrapped_record_is_under_the_new_one() {
    let old = || Key::from_bytes(KEY).unwrap();
    let new = || Key::from_bytes(*b"another key for tests, 32 bytes.").unwrap();
    let record = sealer().seal(&place(), PLAIN).await.unwrap();

    let both = Sealer::new(Arc::new(KeyRing::new(new()).with_older(old())));
    let opened = both.open(&place(), &record).await.unwrap();
    assert_eq!(opened.expose_secret(), PLAIN);

    let next = place().version(8);
    let rewrapped = both
        .rewrap(&place(), &next, &record)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(sealing_key_id(&record).unwrap(), *old().id());
    assert_eq!(sealing_key_id(&rewrapped).unwrap(), *new().id());
    let again = both.rewrap(&next, &next, &rewrapped).await.unwrap();
    assert!(again.is_none());

    let only_new = Sealer::new(Arc::new(KeyRing::new(new())));
    let opened = only_new.open(&next, &rewrapped).await.unwrap();
    assert_eq!(opened.expose_secret(), PLAIN);
}

#[tokio::test]
async fn a_record_holds_one_mebibyte_and_no_more() {
    let plain = vec![1; (1 << 20) + 1];
    let sealer = sealer();
    assert!(sealer.seal(&place(), &plain[1..]).await.is_ok());
    let error = sealer.seal(&place(), &plain).await.unwrap_err();
    assert_eq!(code(error), 5001);
}

#[tokio::test]
async fn user_names_are_hashed_with_the_key() {
    let hash = sealer().user_hash("demo@example.com").await.unwrap();
    assert_eq!(hash, sealer().user_hash("demo@example.com").await.unwrap());
    assert_ne!(hash, sealer().user_hash("Demo@example.com").await.unwrap());
    assert_eq!(hash.as_str().len(), 64);
    let other = Key::from_bytes(*b"another key for tests, 32 bytes.").unwrap();
    let ring = KeyRing::new(other).with_older(Key::from_bytes(KEY).unwrap());
    let hashes = Sealer::new(Arc::new(ring))
        .user_hashes("demo@example.com")
        .await
        .unwrap();
    assert_eq!(hashes.len(), 2);
    assert_ne!(hashes[0], hash);
    assert_eq!(hashes[1], hash);
}

#[tokio::test]
async fn enc_8_errors_and_debug_hold_neither_key_nor_plaintext() {
    let sealer = sealer();
    let mut record = sealer.seal(&place(), PLAIN).await.unwrap();
    let opened = sealer.open(&place(), &record).await.unwrap();
    *record.last_mut().unwrap() ^= 1;
    let error = sealer.open(&place(), &record).await.unwrap_err();
    let core = CoreError::from(sealer.open(&place(), &record).await.unwrap_err());
    let key = Key::from_bytes(KEY).unwrap();
    let text = format!("{sealer:?} {opened:?} {error:?} {error} {core:?} {core} {key:?}");
    for canary in [PLAIN, &KEY] {
        assert!(
            !text.contains(std::str::from_utf8(canary).unwrap()),
            "{text}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_sealed_opens(plain in proptest::collection::vec(any::<u8>(), 0..2048), version: u64, user in ".{0,40}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let place = place().version(version).user(user);
        runtime.block_on(async {
            let record = sealer().seal(&place, &plain).await.unwrap();
            let opened = sealer().open(&place, &record).await.unwrap();
            assert_eq!(opened.expose_secret(), &plain);
        });
    }

    #[test]
    fn enc_9_no_bytes_make_opening_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), header: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut record = if header { b"WHSR\x01\x01".to_vec() } else { Vec::new() };
        record.extend(bytes);
        runtime.block_on(async { assert!(sealer().open(&place(), &record).await.is_err()) });
    }
}
