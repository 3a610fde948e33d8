use std::path::Path;

use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use wheelhouse_session::StoreError;

use crate::{
    SqliteConfig,
    error::{Doing, migration_failed},
    files::{self, Draft},
    schema,
};

/// Opens the file, making it first if it is not there.
pub(crate) async fn open(config: &SqliteConfig) -> Result<SqlitePool, StoreError> {
    let path = &config.path;
    if !files::check(path)? {
        make(config).await?;
        files::check(path)?;
    }
    files::sweep(path);
    check_version(config).await?;
    let options = options(config, path)
        .journal_mode(SqliteJournalMode::Wal)
        // Overwrites what is deleted, so that ended sessions do not linger in free pages.
        .pragma("secure_delete", "ON");
    let pool = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        // Above the wait for the lock, so that the lock is what times out.
        .acquire_timeout(config.busy_timeout * 2)
        .connect_with(options)
        .await
        .map_err(Doing::Read.failed())?;
    schema::migrate(pool.clone())
        .await
        .map_err(migration_failed)?;
    Ok(pool)
}

/// Makes the whole database under another name and then gives it its own: a crash leaves all of it or
/// nothing, and of two processes that do this at once, one wins.
async fn make(config: &SqliteConfig) -> Result<(), StoreError> {
    files::make_directory(&config.path)?;
    let draft = Draft::new(&config.path)?;
    let failed = Doing::Write.failed();
    let options = options(config, draft.path())
        .journal_mode(SqliteJournalMode::Memory)
        .pragma("application_id", schema::APPLICATION_ID.to_string());
    let pool = SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect_with(options).await.map_err(&failed)?;
    schema::migrate(pool.clone())
        .await
        .map_err(migration_failed)?;
    // Here and not under the file's own name: a crash in the change leaves a journal behind, and who
    // only looks cannot play that back.
    sqlx::query("PRAGMA journal_mode = WAL")
        .execute(&pool)
        .await
        .map_err(&failed)?;
    pool.close().await;
    draft.publish(&config.path)
}

/// Looks, without writing, whether the file is ours and of a version that is known.
async fn check_version(config: &SqliteConfig) -> Result<(), StoreError> {
    let failed = |error| match Doing::Read.map(error) {
        StoreError::Corrupt(_) => {
            let path = config.path.display();
            let message =
                format!("{path} is not a whole SQLite database; move it away to start anew");
            StoreError::Corrupt(message)
        }
        error => error,
    };
    let options = options(config, &config.path).read_only(true);
    let mut connection: SqliteConnection = options.connect().await.map_err(failed)?;
    let application: i32 = sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    if application != schema::APPLICATION_ID {
        let path = config.path.display();
        let message = format!("{path} is the database of another program; name another file");
        return Err(StoreError::Corrupt(message));
    }
    let newest: i64 = sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations")
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    connection.close().await.map_err(failed)?;
    if newest > schema::VERSION {
        return Err(StoreError::Newer {
            found: newest as u64,
            known: schema::VERSION as u64,
        });
    }
    Ok(())
}

fn options(config: &SqliteConfig, path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(config.busy_timeout)
        .disable_statement_logging()
}

const CONNECTIONS: u32 = 4;
