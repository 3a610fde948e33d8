use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    thread,
};

use wheelhouse_core::Error as CoreError;
use wheelhouse_crypto::{Error, KeyFile, SystemRandom};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn code(error: Error) -> u16 {
    CoreError::from(error).code()
}

#[test]
fn sto_6_a_new_key_file_is_for_its_owner_only_and_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys/sealing.key");
    let random = SystemRandom::new();
    let made = KeyFile::open_or_create(&path, &random).unwrap();
    assert!(made.was_created());
    assert_eq!(made.path(), path);
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);

    let read = KeyFile::open_or_create(&path, &random).unwrap();
    assert!(!read.was_created());
    assert_eq!(made.into_key().id(), read.into_key().id());
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.len(), 65);
    let debug = format!("{:?}", KeyFile::open(&path).unwrap());
    assert!(!debug.contains(text.trim()), "{debug}");
}

#[test]
fn sto_6_a_key_file_that_others_may_use_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sealing.key");
    KeyFile::open_or_create(&path, &SystemRandom::new()).unwrap();
    for open in [0o640, 0o604, 0o620, 0o666] {
        set_mode(&path, open);
        let error = KeyFile::open(&path).unwrap_err();
        assert!(error.to_string().contains("chmod 600"), "{error}");
        assert_eq!(code(error), 4003);
    }
    set_mode(&path, 0o400);
    KeyFile::open(&path).unwrap();
    set_mode(directory.path(), 0o777);
    assert_eq!(code(KeyFile::open(&path).unwrap_err()), 4003);
    let other = directory.path().join("other.key");
    let made = KeyFile::open_or_create(&other, &SystemRandom::new());
    assert_eq!(code(made.unwrap_err()), 4003);
    assert!(!other.exists());
}

#[test]
fn f67_links_and_directories_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sealing.key");
    let random = SystemRandom::new();
    KeyFile::open_or_create(&path, &random).unwrap();
    let link = directory.path().join("link");
    symlink(&path, &link).unwrap();
    let dangling = directory.path().join("dangling");
    symlink(directory.path().join("nowhere"), &dangling).unwrap();
    for refused in [&link, &dangling, &directory.path().to_owned()] {
        let error = KeyFile::open_or_create(refused, &random).unwrap_err();
        assert!(matches!(error, Error::KeyFileRefused { .. }), "{error:?}");
    }
}

#[test]
fn a_file_without_a_key_is_refused_and_not_quoted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sealing.key");
    for text in ["", "hunter2-canary", &"x".repeat(100_000), &"0".repeat(64)] {
        fs::write(&path, text).unwrap();
        set_mode(&path, 0o600);
        let error = KeyFile::open_or_create(&path, &SystemRandom::new()).unwrap_err();
        assert!(matches!(error, Error::KeyFileRefused { .. }), "{error:?}");
        assert!(!format!("{error:?} {error}").contains("canary"));
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    let missing = KeyFile::open(directory.path().join("missing")).unwrap_err();
    assert_eq!(code(missing), 4001);
}

#[test]
fn of_many_who_make_the_file_at_once_all_get_the_same_key() {
    for _ in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keys/sealing.key");
        let ids: Vec<_> = thread::scope(|scope| {
            let open = || KeyFile::open_or_create(&path, &SystemRandom::new()).unwrap();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(ids.iter().filter(|file| file.was_created()).count(), 1);
        let mut ids: Vec<_> = ids
            .into_iter()
            .map(|file| file.into_key().id().clone())
            .collect();
        ids.dedup();
        assert_eq!(ids.len(), 1);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
