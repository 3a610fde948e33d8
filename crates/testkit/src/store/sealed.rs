use std::sync::Arc;

use wheelhouse_core::{BrokerId, ExposeSecret};
use wheelhouse_session::{Record, RecordKey, RecordKind, RecordQuery, SessionStore, Write};

use super::harness::{NOW, StoreHarness, USER, head, insert, key, later, record, same};
use crate::{Canaries, TestFailure, TestResult, outcome::ensure};

/// A record that was moved or whose clear part was edited below the encryption does not open. A store
/// without encryption keeps what it is given.
pub async fn enc_3_records_do_not_open_elsewhere(h: &impl StoreHarness) -> TestResult {
    let store = h.open().await?;
    store.save(&record("a", "body"), insert(None)).await?;
    let Some(below) = h.open_below().await? else {
        return same(store.load(&key("a"), NOW).await?, &record("a", "body"));
    };
    let mut other = record("b", "body");
    other.head.user = "somebody else".into();
    store.save(&other, insert(None)).await?;
    let a = raw(&below, &key("a")).await?;
    let b = raw(&below, &key("b")).await?;

    type Edit = Box<dyn Fn(&mut Record) + Send>;
    let other_user = b.head.user.clone();
    let edits: [(&str, Edit); 9] = [
        (
            "body of another user",
            Box::new(move |r| r.body = b.body.clone()),
        ),
        (
            "user",
            Box::new(move |r| r.head.user.clone_from(&other_user)),
        ),
        ("session", Box::new(|r| r.head.key.id = "c".into())),
        ("kind", Box::new(|r| r.head.key.kind = RecordKind::LOCKOUT)),
        (
            "broker",
            Box::new(|r| r.head.broker = BrokerId::robinhood()),
        ),
        ("version", Box::new(|r| r.head.version = 2)),
        (
            "expiry",
            Box::new(|r| r.head.expires_at = Some(later(7200))),
        ),
        ("no expiry", Box::new(|r| r.head.expires_at = None)),
        (
            "time of creation",
            Box::new(|r| r.head.created_at = later(1)),
        ),
    ];
    for (what, edit) in edits {
        let mut moved = a.clone();
        edit(&mut moved);
        put(&below, &moved).await?;
        match store.load(&moved.head.key, NOW).await {
            Err(error) if error.kind().code() == 4004 => {}
            other => {
                let message = format!("after a change of the {what}, loading gave {other:?}");
                return Err(TestFailure::new(message));
            }
        }
    }
    put(&below, &a).await?;
    same(store.load(&key("a"), NOW).await?, &record("a", "body"))
}

/// Neither the body nor the user's name can be read below the encryption, in memory or on disk. The
/// same search does find them in a store without encryption.
pub async fn enc_8_no_secret_is_readable_in_an_encrypted_store(
    h: &impl StoreHarness,
) -> TestResult {
    const SECRET: &str = "canary-refresh-token-5f1c";
    let store = h.open().await?;
    let body = format!("{{\"refresh\":\"{SECRET}\"}}");
    store.save(&record("a", &body), insert(None)).await?;
    let second = super::harness::version(record("a", &body), 2);
    store.save(&second, Write::Replace { version: 1 }).await?;
    store.save(&record("b", &body), insert(None)).await?;
    store.delete(&key("b")).await?;

    let below = h.open_below().await?;
    let encrypted = below.is_some();
    let mut found = String::new();
    let plain = below.unwrap_or(store);
    for head in plain.list(&RecordQuery::new()).await? {
        let record = raw(&plain, &head.key).await?;
        found.push_str(&format!("{} {:?} ", head.user, head));
        found.push_str(&String::from_utf8_lossy(record.body.expose_secret()));
    }
    found.push_str(&String::from_utf8_lossy(&h.bytes_on_disk()?));

    let hidden = Canaries::new([SECRET, USER]).absent_from("the store", &found);
    if encrypted {
        return hidden;
    }
    ensure!(
        hidden.is_err(),
        "the search finds nothing even without encryption"
    );
    Ok(())
}

/// A sealed record of a later format is an error, and stays as it is; so does a body of any format in
/// a store without encryption.
pub async fn records_of_a_newer_format_are_refused_and_kept(h: &impl StoreHarness) -> TestResult {
    const FORMAT_BYTE: usize = 4;
    let store = h.open().await?;
    store.save(&record("a", "body"), insert(None)).await?;
    let Some(below) = h.open_below().await? else {
        let newer = Record::new(head("newer"), b"WHSR\xFFwhatever comes".to_vec());
        store.save(&newer, insert(None)).await?;
        return same(store.load(&key("newer"), NOW).await?, &newer);
    };
    let mut newer = raw(&below, &key("a")).await?;
    let mut body = newer.body.expose_secret().to_vec();
    body[FORMAT_BYTE] += 1;
    newer.body = body.into();
    put(&below, &newer).await?;
    match store.load(&key("a"), NOW).await {
        Err(error) if error.kind().code() == 4004 => {}
        other => return Err(TestFailure::new(format!("loading it gave {other:?}"))),
    }
    same(below.load(&key("a"), NOW).await?, &newer)
}

async fn raw(store: &Arc<dyn SessionStore>, key: &RecordKey) -> Result<Record, TestFailure> {
    let record = store.load(key, NOW).await?;
    record.ok_or_else(|| TestFailure::new("a record is missing below the encryption"))
}

/// Puts a record in place of whatever has its key.
async fn put(store: &Arc<dyn SessionStore>, record: &Record) -> TestResult {
    store.delete(&record.head.key).await?;
    store.save(record, insert(None)).await?;
    Ok(())
}
