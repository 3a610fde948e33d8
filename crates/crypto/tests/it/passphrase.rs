use wheelhouse_crypto::{Error, KdfParameters, Passphrase};

use crate::support::Counting;

fn cheapest() -> KdfParameters {
    KdfParameters::generate(&Counting::default())
        .unwrap()
        .with_costs(19_456, 2, 1)
        .unwrap()
}

#[test]
fn a_passphrase_gives_the_same_key_with_the_same_parameters() {
    let passphrase = Passphrase::new("correct horse battery".into()).unwrap();
    let text = cheapest().to_string();
    insta::assert_snapshot!(text, @"argon2id$1$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw");
    let read: KdfParameters = text.parse().unwrap();
    let key = passphrase.derive_key(&read).unwrap();
    insta::assert_snapshot!(key.id().as_str());
    let other = Passphrase::new("correct horse batterz".into()).unwrap();
    assert_ne!(other.derive_key(&read).unwrap().id(), key.id());
}

#[test]
fn enc_7_costs_outside_of_floor_and_ceiling_are_refused_unused() {
    for costs in [
        "m=19456,t=1,p=1",
        "m=19456,t=2147483648,p=1",
        "m=19456,t=99999999999999999999,p=1",
        "m=16777216,t=2,p=1",
        "m=4294967296,t=2,p=1",
        "m=8,t=2,p=1",
        "m=19456,t=2,p=0",
        "m=19456,t=2,p=9",
        "m=-1,t=2,p=1",
        "t=2,m=19456,p=1",
        "",
    ] {
        let text = format!("argon2id$1$${costs}$AAECAwQFBgcICQoLDA0ODw").replace("$$", "$");
        let error = text.parse::<KdfParameters>().unwrap_err();
        assert!(matches!(error, Error::KdfRefused(_)), "{costs}: {error:?}");
    }
    for text in [
        "pbkdf2$1$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw",
        "argon2id$2$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw",
        "argon2id$1$m=19456,t=2,p=1$AAEC",
        "argon2id$1$m=19456,t=2,p=1",
    ] {
        assert!(text.parse::<KdfParameters>().is_err(), "{text}");
    }
}

#[test]
fn a_passphrase_of_a_few_characters_is_refused_and_none_is_shown() {
    assert!(Passphrase::new("hunter2".into()).is_err());
    assert!(Passphrase::new("x".repeat(1025).into()).is_err());
    let debug = format!("{:?}", Passphrase::new("hunter2-canary".into()).unwrap());
    assert!(!debug.contains("canary"), "{debug}");
}
