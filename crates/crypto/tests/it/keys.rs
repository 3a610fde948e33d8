use std::sync::Arc;

use wheelhouse_core::Random;
use wheelhouse_crypto::{Error, Key, KeyId, KeyProvider, KeyRing, Sealer, SystemRandom};

use crate::support::{KEY, place};

#[tokio::test]
async fn enc_6_a_key_at_its_limit_forces_a_rotation() {
    let worn = || Key::from_bytes(KEY).unwrap().with_limit(2);
    let sealer = Sealer::new(Arc::new(KeyRing::new(worn())));
    sealer.seal(&place(), b"1").await.unwrap();
    let record = sealer.seal(&place(), b"2").await.unwrap();
    let error = sealer.seal(&place(), b"3").await.unwrap_err();
    assert!(matches!(error, Error::KeyWorn(_)), "{error:?}");
    assert!(sealer.open(&place(), &record).await.is_ok());

    let fresh = Key::generate(&SystemRandom::new()).unwrap();
    let sealer = Sealer::new(Arc::new(KeyRing::new(fresh).with_older(worn())));
    sealer.seal(&place(), b"3").await.unwrap();
    assert!(sealer.open(&place(), &record).await.is_ok());
}

#[tokio::test]
async fn a_ring_gives_the_primary_first() {
    let random = SystemRandom::new();
    let [one, two] = [(); 2].map(|()| Key::generate(&random).unwrap());
    let ids = [one.id().clone(), two.id().clone()];
    let ring = KeyRing::new(one).with_older(two);
    assert_eq!(ring.primary().await.unwrap().id(), &ids[0]);
    assert_eq!(ring.ids().await.unwrap(), ids);
    assert!(
        ring.key(&KeyId::new("k-none").unwrap())
            .await
            .unwrap()
            .is_none()
    );
}

#[test]
fn key_ids_are_short_and_plain() {
    assert!(KeyId::new("vault/wheelhouse@3").is_ok());
    for bad in ["", "a b", "a\n", "ü", &"x".repeat(65)] {
        assert!(KeyId::new(bad).is_err());
    }
}

#[test]
fn the_system_random_source_fills_every_length() {
    let random = SystemRandom::new();
    let mut bytes = [0; 1000];
    random.fill(&mut bytes).unwrap();
    assert!(
        bytes
            .chunks(20)
            .all(|chunk| chunk.iter().any(|byte| *byte != 0))
    );
}
