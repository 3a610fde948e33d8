use std::{fmt, path::Path, sync::Arc};

use async_trait::async_trait;
use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool};
use time::OffsetDateTime;
use tokio::sync::Mutex;
use wheelhouse_session::{
    LeaseRequest, Record, RecordHead, RecordKey, RecordQuery, SessionStore, StoreError, Write,
};

use crate::{
    SqliteConfig,
    error::Doing,
    open,
    records::{self, head_columns, micros},
};

/// A session store in one SQLite file. A clone is the same store.
#[derive(Clone)]
pub struct SqliteStore {
    config: SqliteConfig,
    namespace: Arc<str>,
    pool: SqlitePool,
    /// Writers of this process queue here, in order; SQLite would have them poll.
    writer: Arc<Mutex<()>>,
}

impl SqliteStore {
    /// Opens the file, and makes it, with its directory, if it is not there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Permission`] if the file or its directory may not be used or is open to
    /// others; [`StoreError::Corrupt`] if the file is empty, damaged or of another program;
    /// [`StoreError::Newer`] if a newer version has written it; [`StoreError::Locked`] if another
    /// process holds it for too long.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(SqliteConfig::new(path)).await
    }

    /// Opens the file as configured.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn open_with(config: SqliteConfig) -> Result<Self, StoreError> {
        let pool = open::open(&config).await?;
        let id: String = sqlx::query_scalar("SELECT id FROM store")
            .fetch_one(&pool)
            .await
            .map_err(Doing::Read.failed())?;
        Ok(Self {
            config,
            namespace: format!("sqlite:{id}").into(),
            pool,
            writer: Arc::default(),
        })
    }

    /// Returns where the file is.
    pub fn path(&self) -> &Path {
        &self.config.path
    }

    /// Closes the file once what runs has ended. All clones are closed with it.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn insert(
        &self,
        record: &Record,
        limit: Option<u32>,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let failed = Doing::Write.failed();
        let head = &record.head;
        // Takes the write lock at once: what is read here is still so when it is written.
        let mut transaction = self
            .pool
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let alive: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM record
             WHERE kind = ? AND id = ? AND (expires_at IS NULL OR expires_at > ?)",
        )
        .bind(head.key.kind.as_str())
        .bind(&head.key.id)
        .bind(micros(now))
        .fetch_one(&mut *transaction)
        .await
        .map_err(&failed)?;
        if alive > 0 {
            return Err(StoreError::Conflict);
        }
        if let Some(limit) = limit {
            let count: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM record
                 WHERE kind = ? AND broker = ? AND user = ? AND (expires_at IS NULL OR expires_at > ?)",
            )
            .bind(head.key.kind.as_str())
            .bind(head.broker.as_str())
            .bind(&head.user)
            .bind(micros(now))
            .fetch_one(&mut *transaction)
            .await
            .map_err(&failed)?;
            if count >= i64::from(limit) {
                return Err(StoreError::LimitReached { limit });
            }
        }
        let insert = sqlx::query(concat!(
            "INSERT OR REPLACE INTO record (",
            head_columns!(),
            ", body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        ));
        records::bind(insert, record)?
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    async fn replace(&self, record: &Record, before: u64) -> Result<(), StoreError> {
        if record.head.version <= before {
            return Err(StoreError::Conflict);
        }
        let update = sqlx::query(
            "UPDATE record SET (broker, user, version, created_at, expires_at, body)
                 = (?3, ?4, ?5, ?6, ?7, ?8)
             WHERE kind = ?1 AND id = ?2 AND version = ?9",
        );
        let done = records::bind(update, record)?
            .bind(records::version(before)?)
            .execute(&self.pool)
            .await
            .map_err(Doing::Write.failed())?;
        match done.rows_affected() {
            0 => Err(StoreError::Conflict),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.config.path)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl SessionStore for SqliteStore {
    fn namespace(&self) -> String {
        self.namespace.to_string()
    }

    async fn load(
        &self,
        key: &RecordKey,
        now: OffsetDateTime,
    ) -> Result<Option<Record>, StoreError> {
        let row = sqlx::query(concat!(
            "SELECT ",
            head_columns!(),
            ", body FROM record
             WHERE kind = ? AND id = ? AND (expires_at IS NULL OR expires_at > ?)"
        ))
        .bind(key.kind.as_str())
        .bind(&key.id)
        .bind(micros(now))
        .fetch_optional(&self.pool)
        .await
        .map_err(Doing::Read.failed())?;
        row.as_ref().map(records::record).transpose()
    }

    async fn save(&self, record: &Record, write: Write) -> Result<(), StoreError> {
        let _queue = self.writer.lock().await;
        match write {
            Write::Insert { limit, now } => self.insert(record, limit, now).await,
            Write::Replace { version } => self.replace(record, version).await,
            _ => Err(StoreError::Write(
                "this store does not know that way of writing".into(),
            )),
        }
    }

    async fn delete(&self, key: &RecordKey) -> Result<bool, StoreError> {
        let _queue = self.writer.lock().await;
        let done = sqlx::query("DELETE FROM record WHERE kind = ? AND id = ?")
            .bind(key.kind.as_str())
            .bind(&key.id)
            .execute(&self.pool)
            .await
            .map_err(Doing::Write.failed())?;
        Ok(done.rows_affected() > 0)
    }

    async fn list(&self, query: &RecordQuery) -> Result<Vec<RecordHead>, StoreError> {
        let mut sql = QueryBuilder::<Sqlite>::new(concat!(
            "SELECT ",
            head_columns!(),
            " FROM record WHERE TRUE"
        ));
        if let Some(kind) = &query.kind {
            sql.push(" AND kind = ").push_bind(kind.as_str());
        }
        if let Some(broker) = &query.broker {
            sql.push(" AND broker = ").push_bind(broker.as_str());
        }
        if let Some(user) = &query.user {
            sql.push(" AND user = ").push_bind(user);
        }
        if let Some(now) = query.alive_at {
            sql.push(" AND (expires_at IS NULL OR expires_at > ")
                .push_bind(micros(now))
                .push(")");
        }
        sql.push(" ORDER BY created_at, id");
        let rows = sql
            .build()
            .fetch_all(&self.pool)
            .await
            .map_err(Doing::Read.failed())?;
        rows.iter().map(records::head).collect()
    }

    async fn prune(&self, now: OffsetDateTime) -> Result<u64, StoreError> {
        let failed = Doing::Write.failed();
        let _queue = self.writer.lock().await;
        let records = sqlx::query("DELETE FROM record WHERE expires_at <= ?")
            .bind(micros(now))
            .execute(&self.pool)
            .await
            .map_err(&failed)?;
        sqlx::query("DELETE FROM lease WHERE until <= ?")
            .bind(micros(now))
            .execute(&self.pool)
            .await
            .map_err(&failed)?;
        Ok(records.rows_affected())
    }

    async fn lease(&self, request: &LeaseRequest) -> Result<Option<u64>, StoreError> {
        let failed = Doing::Write.failed();
        let _queue = self.writer.lock().await;
        if request.ttl.is_zero() {
            sqlx::query("UPDATE lease SET until = ? WHERE name = ? AND holder = ?")
                .bind(micros(request.now))
                .bind(&request.name)
                .bind(&request.holder)
                .execute(&self.pool)
                .await
                .map_err(&failed)?;
            return Ok(None);
        }
        let rows = sqlx::query(
            "INSERT INTO lease (name, holder, until, generation) VALUES (?1, ?2, ?3, 1)
             ON CONFLICT (name) DO UPDATE SET
                 generation = lease.generation + (lease.holder <> ?2 OR lease.until <= ?4),
                 holder = ?2,
                 until = ?3
             WHERE lease.holder = ?2 OR lease.until <= ?4
             RETURNING generation",
        )
        .bind(&request.name)
        .bind(&request.holder)
        .bind(micros(request.until()))
        .bind(micros(request.now))
        // All rows and not the first: until the statement is done it is not committed, and the lock
        // is held.
        .fetch_all(&self.pool)
        .await
        .map_err(&failed)?;
        match rows.first() {
            Some(row) => {
                let generation: i64 = row.try_get(0).map_err(&failed)?;
                Ok(Some(generation.unsigned_abs()))
            }
            None => Ok(None),
        }
    }
}
