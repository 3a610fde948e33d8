use secrecy::ExposeSecret;
use sqlx::{Row, sqlite::SqliteRow};
use time::OffsetDateTime;
use wheelhouse_core::BrokerId;
use wheelhouse_session::{Record, RecordHead, RecordKey, RecordKind, StoreError};

use crate::error::Doing;

/// What [`head`] reads.
macro_rules! head_columns {
    () => {
        "kind, id, broker, user, version, created_at, expires_at"
    };
}
pub(crate) use head_columns;

pub(crate) fn head(row: &SqliteRow) -> Result<RecordHead, StoreError> {
    let failed = Doing::Read.failed();
    let kind: String = row.try_get(0).map_err(&failed)?;
    let id: String = row.try_get(1).map_err(&failed)?;
    let broker: &str = row.try_get(2).map_err(&failed)?;
    let user: String = row.try_get(3).map_err(&failed)?;
    let version: i64 = row.try_get(4).map_err(&failed)?;
    let created_at: i64 = row.try_get(5).map_err(&failed)?;
    let expires_at: Option<i64> = row.try_get(6).map_err(&failed)?;

    let broker = BrokerId::new(broker).map_err(|_| corrupt("a broker's name"))?;
    let version = u64::try_from(version).map_err(|_| corrupt("a version"))?;
    let key = RecordKey::new(RecordKind::from_text(kind), id);
    Ok(RecordHead::new(key, broker, user, from_micros(created_at)?)
        .with_version(version)
        .with_expiry(expires_at.map(from_micros).transpose()?))
}

pub(crate) fn record(row: &SqliteRow) -> Result<Record, StoreError> {
    let body: Vec<u8> = row.try_get(7).map_err(Doing::Read.failed())?;
    Ok(Record::new(head(row)?, body))
}

/// Binds the columns of a record in the order `kind, id, broker, user, version, created_at,
/// expires_at, body`.
pub(crate) fn bind<'q>(
    query: sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>,
    record: &'q Record,
) -> Result<sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>, StoreError> {
    let head = &record.head;
    Ok(query
        .bind(head.key.kind.as_str())
        .bind(&head.key.id)
        .bind(head.broker.as_str())
        .bind(&head.user)
        .bind(version(head.version)?)
        .bind(micros(head.created_at))
        .bind(head.expires_at.map(micros))
        .bind(record.body.expose_secret()))
}

pub(crate) fn version(version: u64) -> Result<i64, StoreError> {
    i64::try_from(version).map_err(|_| StoreError::Conflict)
}

/// Every time that `time` can tell fits.
pub(crate) fn micros(at: OffsetDateTime) -> i64 {
    (at.unix_timestamp_nanos() / 1000) as i64
}

fn from_micros(micros: i64) -> Result<OffsetDateTime, StoreError> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000)
        .map_err(|_| corrupt("a time"))
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(format!("a record has {what} that is none"))
}
