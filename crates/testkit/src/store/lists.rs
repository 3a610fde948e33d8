use wheelhouse_core::BrokerId;
use wheelhouse_session::{Record, RecordHead, RecordKey, RecordKind, RecordQuery, SessionStore};

use super::harness::{NOW, StoreHarness, insert, key, later, record};
use crate::{TestResult, outcome::ensure};

/// Each part of a query narrows, all together too, and the oldest come first.
pub async fn lists_keep_to_what_they_ask(h: &impl StoreHarness) -> TestResult {
    let store = h.open().await?;
    let (here, there) = (BrokerId::tradelocker(), BrokerId::robinhood());
    let (session, lockout) = (RecordKind::SESSION, RecordKind::LOCKOUT);
    let rows = [
        ("5", &session, &here, "ann", 50),
        ("4", &session, &here, "ann", 40),
        ("3", &session, &there, "ann", 30),
        ("2", &lockout, &here, "ann", 20),
        ("1", &session, &here, "bob", 10),
    ];
    for (id, kind, broker, user, age) in rows {
        let key = RecordKey::new(kind.clone(), id);
        let head = RecordHead::new(key, broker.clone(), user, later(-age));
        let head = head.with_expiry((id == "4").then(|| later(60)));
        store
            .save(&Record::new(head, b"body".to_vec()), insert(None))
            .await?;
    }

    let all = RecordQuery::new();
    expect(&*store, &all, "54321").await?;
    expect(&*store, &all.clone().with_user("ann"), "5432").await?;
    expect(&*store, &all.clone().with_user("Ann"), "").await?;
    expect(&*store, &all.clone().with_kind(session.clone()), "5431").await?;
    expect(&*store, &all.clone().with_broker(here.clone()), "5421").await?;
    expect(&*store, &all.clone().alive_at(later(59)), "54321").await?;
    expect(&*store, &all.clone().alive_at(later(60)), "5321").await?;
    let narrow = all.with_kind(session).with_broker(here).with_user("ann");
    expect(&*store, &narrow, "54").await?;
    expect(&*store, &narrow.alive_at(later(60)), "5").await
}

async fn expect(store: &dyn SessionStore, query: &RecordQuery, ids: &str) -> TestResult {
    let heads = store.list(query).await?;
    let found: String = heads.iter().map(|head| head.key.id.as_str()).collect();
    ensure!(found == ids, "{query:?} finds {found:?} instead of {ids:?}");
    Ok(())
}

/// Pruning counts what it takes; what lives and what never expires stays.
pub async fn pruning_takes_what_has_expired_and_nothing_else(h: &impl StoreHarness) -> TestResult {
    let store = h.open().await?;
    for (id, expiry) in [
        ("a", Some(10)),
        ("b", Some(20)),
        ("c", Some(30)),
        ("d", None),
    ] {
        let mut record = record(id, "body");
        record.head.expires_at = expiry.map(later);
        store.save(&record, insert(None)).await?;
    }
    let pruned = store.prune(later(20)).await?;
    ensure!(pruned == 2, "{pruned} records were pruned instead of 2");
    let pruned = store.prune(later(20)).await?;
    ensure!(pruned == 0, "{pruned} records were pruned the second time");
    for (id, there) in [("a", false), ("b", false), ("c", true), ("d", true)] {
        let found = store.load(&key(id), NOW).await?.is_some();
        ensure!(found == there, "after pruning, {id} is there: {found}");
    }
    Ok(())
}
