use secrecy::ExposeSecret;
use wheelhouse_core::{Error, ErrorKind};
use wheelhouse_settings::{BrokerEnvironment, Key, Problem, Settings, SettingsError};

use crate::vars;

const LOGIN: &[(&str, &str)] = &[
    ("ROBINHOOD_USERNAME", "ada@example.com"),
    ("ROBINHOOD_PASSWORD", " p\"ä🦀 "),
];
const KEYS: &[(&str, &str)] = &[
    ("ROBINHOOD_CRYPTO_API_KEY", "rh-api-🦀"),
    ("ROBINHOOD_CRYPTO_PRIVATE_KEY", "seed-🦀"),
];

fn settings(pairs: &[(&str, &str)]) -> Settings {
    Settings::builder().variables(vars(pairs)).build().unwrap()
}

#[test]
fn a_robinhood_login_needs_a_name_and_a_password_and_is_live() {
    let login = settings(LOGIN).robinhood().unwrap().unwrap();
    assert_eq!(login.username, "ada@example.com");
    assert_eq!(login.password.expose_secret(), " p\"ä🦀 ");
    assert!(login.totp_secret.is_none());
    assert_eq!(login.environment, BrokerEnvironment::Live);
    let shown = format!("{login:?}");
    assert!(!shown.contains("🦀") && !shown.contains("ada"), "{shown}");
    assert!(settings(KEYS).robinhood().unwrap().is_none());
}

#[test]
fn the_secret_of_one_time_codes_is_optional_and_asks_for_the_login() {
    let with = [LOGIN, &[("ROBINHOOD_MFA_CODE", "JBSWY3DPEHPK3PXP")]].concat();
    let login = settings(&with).robinhood().unwrap().unwrap();
    assert_eq!(
        login.totp_secret.unwrap().expose_secret(),
        "JBSWY3DPEHPK3PXP"
    );
    let error = settings(&with[2..]).robinhood().unwrap_err();
    let text = error.to_string();
    assert!(text.contains("ROBINHOOD_USERNAME") && text.contains("ROBINHOOD_PASSWORD"));
    assert_eq!(Error::from(error).kind(), ErrorKind::MissingField);
}

#[test]
fn crypto_keys_come_in_pairs() {
    let keys = settings(KEYS).robinhood_crypto().unwrap().unwrap();
    assert_eq!(keys.private_key.expose_secret(), "seed-🦀");
    assert_eq!(keys.environment, BrokerEnvironment::Live);
    assert!(!format!("{keys:?}").contains("🦀"));
    let SettingsError::Problems(problems) = settings(&KEYS[..1]).robinhood_crypto().unwrap_err()
    else {
        panic!("not a file");
    };
    let missing = Problem::Missing {
        key: Key::RobinhoodCryptoPrivateKey,
        needed_by: Key::RobinhoodCryptoApiKey,
    };
    assert_eq!(problems, [missing]);
    assert!(settings(LOGIN).robinhood_crypto().unwrap().is_none());
}

#[test]
fn there_is_no_demo_and_plain_http_is_for_loopback_only() {
    let read = |value: &str| {
        let with = [LOGIN, &[("ROBINHOOD_ENVIRONMENT", value)]].concat();
        settings(&with).robinhood().map(|login| login.unwrap())
    };
    let found = read("http://127.0.0.1:4020").unwrap();
    assert!(matches!(found.environment, BrokerEnvironment::Url(_)));
    assert_eq!(read("live").unwrap().environment, BrokerEnvironment::Live);
    for wrong in ["demo", "http://x.example", "https://u:p@x.example"] {
        let error = read(wrong).unwrap_err();
        assert!(error.to_string().contains("ROBINHOOD_ENVIRONMENT"));
        assert_eq!(Error::from(error).kind(), ErrorKind::Configuration);
    }
}

#[test]
fn an_unknown_robinhood_name_is_an_error_that_names_the_one_meant() {
    let error = Settings::builder()
        .variables(vars(&[("ROBINHOOD_PASWORD", "🦀")]))
        .build()
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("did you mean ROBINHOOD_PASSWORD?") && !text.contains("🦀"));
}
