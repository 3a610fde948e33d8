use std::pin::Pin;

use sqlx::{
    SqlSafeStr, SqlitePool,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

/// The newest schema version that is known here.
pub(crate) const VERSION: i64 = 1;

/// Marks the file as ours, in its header: "WHsl".
pub(crate) const APPLICATION_ID: i32 = 0x5748_736C;

/// Brings the tables to [`VERSION`].
// Boxed here, where no lifetime is left open: as a part of another future it is not seen to be Send.
pub(crate) fn migrate(
    pool: SqlitePool,
) -> Pin<Box<dyn Future<Output = Result<(), MigrateError>> + Send>> {
    Box::pin(async move { migrator().run(&pool).await })
}

fn migrator() -> Migrator {
    Migrator::with_migrations(vec![Migration::new(
        1,
        "sessions".into(),
        MigrationType::Simple,
        SESSIONS.into_sql_str(),
        false,
    )])
}

// Times are microseconds since 1970 in UTC. `user` is the name or its keyed hash. A published
// migration never changes: the next one gets the next number.
const SESSIONS: &str = "
CREATE TABLE record (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    broker TEXT NOT NULL,
    user TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    body BLOB NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;
CREATE INDEX record_by_user ON record (user, broker, kind);
CREATE INDEX record_by_expiry ON record (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE lease (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL,
    generation INTEGER NOT NULL
) STRICT;
CREATE TABLE store (
    id TEXT NOT NULL
) STRICT;
INSERT INTO store (id) VALUES (lower(hex(randomblob(16))));
";
