use std::sync::Arc;

use wheelhouse_core::ExposeSecret;
use wheelhouse_session::{SessionStore, StoreError, Write};

use super::harness::{NOW, StoreHarness, USER, insert, key, later, of_user, record, same, version};
use crate::{TestFailure, TestResult, outcome::ensure};

/// Inserting over a record and replacing another version than the one that stands there are conflicts.
pub async fn an_overwrite_needs_the_version_that_stands_there(h: &impl StoreHarness) -> TestResult {
    let store = h.open().await?;
    let replace = |version| Write::Replace { version };
    let second = version(record("a", "second"), 2);
    conflict(store.save(&second, replace(1)).await, "replacing nothing")?;
    store.save(&record("a", "first"), insert(None)).await?;
    conflict(
        store.save(&record("a", "other"), insert(None)).await,
        "inserting over a record",
    )?;
    store.save(&second, replace(1)).await?;
    conflict(
        store.save(&second, replace(1)).await,
        "replacing an old version",
    )?;
    let same_version = version(record("a", "third"), 2);
    conflict(
        store.save(&same_version, replace(2)).await,
        "a version that does not grow",
    )?;
    same(store.load(&key("a"), NOW).await?, &second)?;
    // Versions may leave gaps.
    let tenth = version(record("a", "tenth"), 10);
    store.save(&tenth, replace(2)).await?;
    same(store.load(&key("a"), NOW).await?, &tenth)
}

/// After a refused write the old value stands.
pub async fn a_refused_write_changes_nothing(h: &impl StoreHarness) -> TestResult {
    let store = h.open().await?;
    let first = record("a", "first");
    store.save(&first, insert(None)).await?;
    let late = version(record("a", "late"), 8);
    conflict(
        store.save(&late, Write::Replace { version: 7 }).await,
        "a wrong version",
    )?;
    let limited = store.save(&record("b", "b"), insert(Some(1))).await;
    limit_reached(limited, 1)?;
    same(store.load(&key("a"), NOW).await?, &first)?;
    ensure!(
        store.load(&key("b"), NOW).await?.is_none(),
        "a refused record is there"
    );
    Ok(())
}

/// Five of five fit; the sixth does not, until one goes. Other users and kinds do not count.
pub async fn a_sixth_session_is_refused(h: &impl StoreHarness) -> TestResult {
    let store = h.open().await?;
    let mut other = record("other", "body");
    other.head.user = "somebody else".into();
    store.save(&other, insert(Some(5))).await?;
    for id in ["1", "2", "3", "4", "5"] {
        store.save(&record(id, "body"), insert(Some(5))).await?;
    }
    let sixth = record("6", "body");
    limit_reached(store.save(&sixth, insert(Some(5))).await, 5)?;
    store.delete(&key("3")).await?;
    store.save(&sixth, insert(Some(5))).await?;
    store.save(&record("7", "body"), insert(None)).await?;
    Ok(())
}

/// An expired record counts towards no limit, and its key is free.
pub async fn an_expired_record_makes_room(h: &impl StoreHarness) -> TestResult {
    let store = h.open().await?;
    store.save(&record("a", "old"), insert(Some(1))).await?;
    let write = Write::Insert {
        limit: Some(1),
        now: later(3600),
    };
    let mut fresh = record("b", "fresh");
    fresh.head = fresh.head.with_expiry(later(7200));
    store.save(&fresh, write).await?;
    let mut again = record("a", "again");
    again.head = again.head.with_expiry(later(7200));
    let write = Write::Insert {
        limit: Some(2),
        now: later(3600),
    };
    store.save(&again, write).await?;
    same(store.load(&key("a"), later(3600)).await?, &again)
}

/// Two that have read the same version: the second write is a conflict.
pub async fn of_two_writers_one_is_refused(h: &impl StoreHarness) -> TestResult {
    let (one, two) = (h.open().await?, h.open().await?);
    one.save(&record("a", "first"), insert(None)).await?;
    let replace = Write::Replace { version: 1 };
    let by_one = version(record("a", "by one"), 2);
    one.save(&by_one, replace).await?;
    let by_two = version(record("a", "by two"), 2);
    conflict(two.save(&by_two, replace).await, "the second writer")?;
    same(two.load(&key("a"), NOW).await?, &by_one)
}

/// STO-4 in small: writers that retry conflicts lose no update.
pub async fn increments_of_many_writers_add_up(h: &impl StoreHarness) -> TestResult {
    const WRITERS: usize = 4;
    const ROUNDS: usize = 25;
    let store = h.open().await?;
    store.save(&record("a", "0"), insert(None)).await?;
    let mut tasks = Vec::new();
    for _ in 0..WRITERS {
        let store = h.open().await?;
        tasks.push(tokio::spawn(async move {
            for _ in 0..ROUNDS {
                increment(&store).await?;
            }
            Ok::<_, TestFailure>(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    let end = store.load(&key("a"), NOW).await?;
    let expected = (WRITERS * ROUNDS).to_string();
    let versions = WRITERS as u64 * ROUNDS as u64 + 1;
    same(end, &version(record("a", &expected), versions))
}

async fn increment(store: &Arc<dyn SessionStore>) -> TestResult {
    loop {
        let Some(found) = store.load(&key("a"), NOW).await? else {
            return Err(TestFailure::new("the counter is gone"));
        };
        let count: u64 = std::str::from_utf8(found.body.expose_secret())?.parse()?;
        let before = found.head.version;
        let next = version(record("a", &(count + 1).to_string()), before + 1);
        match store.save(&next, Write::Replace { version: before }).await {
            Ok(()) => return Ok(()),
            Err(StoreError::Conflict) => tokio::task::yield_now().await,
            Err(error) => return Err(error.into()),
        }
    }
}

/// The limit holds however many come at once.
pub async fn a_hundred_at_once_leave_as_many_as_the_limit(h: &impl StoreHarness) -> TestResult {
    let mut tasks = Vec::new();
    let stores = [h.open().await?, h.open().await?];
    for number in 0..100 {
        let store = Arc::clone(&stores[number % 2]);
        tasks.push(tokio::spawn(async move {
            let record = record(&number.to_string(), "body");
            store.save(&record, insert(Some(5))).await
        }));
    }
    let mut saved = 0;
    for task in tasks {
        match task.await? {
            Ok(()) => saved += 1,
            refused => limit_reached(refused, 5)?,
        }
    }
    ensure!(saved == 5, "{saved} records were saved");
    let listed = stores[0].list(&of_user(USER)).await?.len();
    ensure!(listed == 5, "{listed} records are there");
    Ok(())
}

fn conflict(result: Result<(), StoreError>, what: &str) -> TestResult {
    match result {
        Err(StoreError::Conflict) => Ok(()),
        other => Err(TestFailure::new(format!(
            "{what} gave {other:?}, not a conflict"
        ))),
    }
}

fn limit_reached(result: Result<(), StoreError>, expected: u32) -> TestResult {
    match result {
        Err(StoreError::LimitReached { limit }) if limit == expected => Ok(()),
        other => Err(TestFailure::new(format!(
            "a record beyond the limit of {expected} gave {other:?}"
        ))),
    }
}
