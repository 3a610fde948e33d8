use wheelhouse_core::BrokerId;
use wheelhouse_session::{Record, RecordHead, RecordKey, RecordKind};

use super::harness::{NOW, StoreHarness, head, insert, key, later, of_user, record, same};
use crate::{TestResult, outcome::ensure};

/// Every field comes back, with an expiry and without, and a body of any bytes.
pub async fn a_record_is_loaded_as_it_was_saved(h: &impl StoreHarness) -> TestResult {
    let store = h.open().await?;
    let every_byte: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let records = [
        record("with an expiry", "body"),
        Record::new(head("without"), every_byte),
        Record::new(head("empty"), Vec::new()),
    ];
    for saved in &records {
        store.save(saved, insert(None)).await?;
    }
    for saved in &records {
        same(store.load(&saved.head.key, NOW).await?, saved)?;
    }
    Ok(())
}

/// What was never saved is `None`, and so is the id under another kind.
pub async fn a_missing_record_is_none(h: &impl StoreHarness) -> TestResult {
    let store = h.open().await?;
    ensure!(
        store.load(&key("a"), NOW).await?.is_none(),
        "found in an empty store"
    );
    store.save(&record("a", "body"), insert(None)).await?;
    for other in [key("b"), key("A"), RecordKey::new(RecordKind::LOCKOUT, "a")] {
        ensure!(
            store.load(&other, NOW).await?.is_none(),
            "found under {other:?}"
        );
    }
    Ok(())
}

/// Deleting tells whether there was something; the record is gone.
pub async fn deleting_twice_finds_nothing_the_second_time(h: &impl StoreHarness) -> TestResult {
    let store = h.open().await?;
    store.save(&record("a", "body"), insert(None)).await?;
    store.save(&record("b", "body"), insert(None)).await?;
    ensure!(
        store.delete(&key("a")).await?,
        "the first delete found nothing"
    );
    ensure!(
        !store.delete(&key("a")).await?,
        "the second delete found something"
    );
    ensure!(
        store.load(&key("a"), NOW).await?.is_none(),
        "it is still there"
    );
    ensure!(
        store.load(&key("b"), NOW).await?.is_some(),
        "another is gone"
    );
    // The key is free again.
    store.save(&record("a", "new"), insert(None)).await?;
    same(store.load(&key("a"), NOW).await?, &record("a", "new"))
}

/// A record is there until just before its expiry, and not at it.
pub async fn expired_record_is_not_loaded(h: &impl StoreHarness) -> TestResult {
    let store = h.open().await?;
    store.save(&record("a", "body"), insert(None)).await?;
    ensure!(
        store.load(&key("a"), later(3599)).await?.is_some(),
        "gone too soon"
    );
    ensure!(
        store.load(&key("a"), later(3600)).await?.is_none(),
        "there at its expiry"
    );
    let listed = store
        .list(&of_user(super::harness::USER).alive_at(later(3600)))
        .await?;
    ensure!(listed.is_empty(), "listed at its expiry");
    Ok(())
}

/// STO-8: text that means something to a database, a shell or a path is only text.
pub async fn hostile_text_is_kept_and_has_no_effect(h: &impl StoreHarness) -> TestResult {
    let store = h.open().await?;
    store
        .save(&record("bystander", "body"), insert(None))
        .await?;
    let texts = [
        "'; DROP TABLE record; --",
        "\" OR 1=1 --",
        "a' UNION SELECT body FROM record --",
        "%",
        "_",
        "*",
        "?1",
        ":name",
        "$1",
        "\\",
        "../../etc/passwd",
        "a/b",
        "~",
        " ",
        "a\0b",
        "a",
        "line\r\nbreak",
        "\u{202E}\u{200B}",
        "\u{1F511}",
        "e\u{301}",
        "\u{e9}",
        "KEYS *",
        "{a}b",
        "NULL",
        "0x41",
        "1e3",
    ];
    let hostile = |text: &str| {
        let head = RecordHead::new(key(text), BrokerId::tradelocker(), text, NOW);
        Record::new(head, text.as_bytes().to_vec())
    };
    for text in texts {
        store.save(&hostile(text), insert(Some(1))).await?;
    }
    for text in texts {
        same(store.load(&key(text), NOW).await?, &hostile(text))?;
        let found = store.list(&of_user(text)).await?;
        ensure!(
            found.len() == 1,
            "{} users are found by {text:?}",
            found.len()
        );
        ensure!(
            found[0].key.id == text,
            "{text:?} finds {:?}",
            found[0].key.id
        );
    }
    for text in texts {
        ensure!(
            store.delete(&key(text)).await?,
            "{text:?} cannot be deleted"
        );
    }
    ensure!(
        store.load(&key("bystander"), NOW).await?.is_some(),
        "the bystander is gone"
    );
    Ok(())
}

/// A store is not the judge of what it keeps.
pub async fn unknown_kinds_and_bodies_are_kept(h: &impl StoreHarness) -> TestResult {
    let store = h.open().await?;
    let key = RecordKey::new(RecordKind::from_text("of a later version"), "a");
    let head = RecordHead::new(key.clone(), BrokerId::new("another-broker")?, "u", NOW);
    let saved = Record::new(head, vec![0xFF, 0, 0xFE]);
    store.save(&saved, insert(None)).await?;
    same(store.load(&key, NOW).await?, &saved)
}

/// A write that has returned is there when the store is opened again, under the same namespace.
pub async fn what_was_saved_is_there_for_the_next_process(h: &impl StoreHarness) -> TestResult {
    let first = h.open().await?;
    first.save(&record("a", "body"), insert(None)).await?;
    let second = h.open().await?;
    ensure!(
        first.namespace() == second.namespace(),
        "the namespace has changed"
    );
    drop(first);
    same(second.load(&key("a"), NOW).await?, &record("a", "body"))
}
