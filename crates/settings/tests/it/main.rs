//! What the settings accept and refuse.

#![allow(clippy::unwrap_used, reason = "test helpers")]

mod robinhood;

use std::ffi::OsString;

use secrecy::ExposeSecret;
use wheelhouse_core::{Error, ErrorKind};
use wheelhouse_settings::{BrokerEnvironment, Key, Problem, Settings, SettingsError, Source};

fn vars(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn file(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".env");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

const LOGIN: &[(&str, &str)] = &[
    ("TRADELOCKER_EMAIL", "demo@example.com"),
    ("TRADELOCKER_PASSWORD", " p\"ä🦀 "),
    ("TRADELOCKER_SERVER", "DEMO"),
];

#[test]
fn nothing_set_is_no_login() {
    let settings = Settings::builder()
        .variables(vars(&[("PATH", "/bin")]))
        .build()
        .unwrap();
    assert!(settings.tradelocker().unwrap().is_none());
}

#[test]
fn f55_the_password_is_kept_byte_for_byte() {
    let settings = Settings::builder().variables(vars(LOGIN)).build().unwrap();
    let login = settings.tradelocker().unwrap().unwrap();
    assert_eq!(login.password.expose_secret(), " p\"ä🦀 ");
    assert_eq!(login.environment, BrokerEnvironment::Demo);
    assert!(!format!("{settings:?} {login:?}").contains("🦀"));
}

#[test]
fn every_missing_value_is_named_at_once() {
    let settings = Settings::builder()
        .variables(vars(&[("TRADELOCKER_EMAIL", "x")]))
        .build()
        .unwrap();
    let error = settings.tradelocker().unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("TRADELOCKER_PASSWORD") && text.contains("TRADELOCKER_SERVER"),
        "{text}"
    );
    assert_eq!(Error::from(error).kind(), ErrorKind::MissingField);
}

#[test]
fn a_slip_of_the_pen_is_an_error_that_names_the_right_setting() {
    let built = Settings::builder()
        .variables(vars(&[("TRADELOCKER_PASWORD", "secret-value")]))
        .build();
    let Err(SettingsError::Problems(problems)) = built else {
        panic!("accepted")
    };
    assert_eq!(
        problems,
        [Problem::Unknown {
            name: "TRADELOCKER_PASWORD".into(),
            source: Source::Environment,
            nearest: Some(Key::TradeLockerPassword),
        }]
    );
    assert!(!problems[0].to_string().contains("secret-value"));
}

#[test]
fn code_beats_the_environment_which_beats_the_file() {
    let (_dir, path) = file("TRADELOCKER_SERVER=FILE\nTRADELOCKER_EMAIL=file@example.com\n");
    let settings = Settings::builder()
        .env_file(&path)
        .variables(vars(LOGIN))
        .set(Key::TradeLockerServer, "CODE")
        .build()
        .unwrap();
    let login = settings.tradelocker().unwrap().unwrap();
    assert_eq!(
        (login.server.as_str(), login.email.as_str()),
        ("CODE", "demo@example.com")
    );
    assert_eq!(settings.source(Key::TradeLockerServer), Some(&Source::Code));
}

#[test]
fn f62_env_files_of_every_kind_are_read_as_documented() {
    let text = "\u{FEFF}export TRADELOCKER_EMAIL=a@example.com\r\nTRADELOCKER_PASSWORD='p # q'\r\n\
                TRADELOCKER_SERVER=\"X Y\" # comment\r\nOTHER=1\r\nTRADELOCKER_ENVIRONMENT=\r\n\
                WHEELHOUSE_DATA_DIR=/tmp/x";
    let (_dir, path) = file(text);
    let settings = Settings::builder().env_file(&path).build().unwrap();
    let login = settings.tradelocker().unwrap().unwrap();
    assert_eq!(login.email, "a@example.com");
    assert_eq!(login.password.expose_secret(), "p # q");
    assert_eq!(login.server, "X Y");
    assert_eq!(settings.data_dir().unwrap(), std::path::Path::new("/tmp/x"));
}

#[test]
fn f62_broken_lines_and_repeated_names_are_told_without_values() {
    let (_dir, path) =
        file("TRADELOCKER_EMAIL=a\nTRADELOCKER_EMAIL=b\nthis is = not 'a line\nnonsense hunter2\n");
    let text = Settings::builder()
        .env_file(&path)
        .build()
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("twice") && text.contains("NAME=value"),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_file_that_is_not_there_is_a_storage_error() {
    let error = Settings::builder()
        .env_file("/nonexistent/.env")
        .build()
        .unwrap_err();
    assert_eq!(Error::from(error).kind(), ErrorKind::StorageRead);
}

#[test]
fn a_wrong_environment_says_what_would_be_right() {
    let mut pairs = LOGIN.to_vec();
    pairs.push(("TRADELOCKER_ENVIRONMENT", "http://broker.example"));
    let settings = Settings::builder().variables(vars(&pairs)).build().unwrap();
    let error = settings.tradelocker().unwrap_err();
    assert!(error.to_string().contains("an https URL"), "{error}");
    assert_eq!(Error::from(error).code(), 5003);
}

#[test]
fn a_password_beyond_1_kib_is_refused() {
    let mut pairs = LOGIN.to_vec();
    let long = "x".repeat(1025);
    pairs[1].1 = &long;
    let settings = Settings::builder().variables(vars(&pairs)).build().unwrap();
    assert!(
        settings
            .tradelocker()
            .unwrap_err()
            .to_string()
            .contains("at most 1024 bytes")
    );
}
