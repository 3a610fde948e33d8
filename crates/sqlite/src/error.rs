use sqlx::migrate::MigrateError;
use wheelhouse_session::StoreError;

/// What was being done when SQLite failed.
#[derive(Clone, Copy)]
pub(crate) enum Doing {
    Read,
    Write,
}

impl Doing {
    pub(crate) fn failed(self) -> impl Fn(sqlx::Error) -> StoreError {
        move |error| self.map(error)
    }

    pub(crate) fn map(self, error: sqlx::Error) -> StoreError {
        let code = error
            .as_database_error()
            .and_then(|error| error.code())
            .and_then(|code| code.parse::<u32>().ok());
        // The low byte is the primary result code: https://www.sqlite.org/rescode.html
        match code.map(|code| code & 0xFF) {
            Some(BUSY | LOCKED) => return StoreError::Locked,
            Some(CORRUPT | NOT_A_DATABASE) => {
                return StoreError::Corrupt("the file is not a whole SQLite database".into());
            }
            Some(PERMISSION | READ_ONLY | CANNOT_OPEN) => {
                let message = "the database or its directory cannot be written";
                return StoreError::Permission(message.into());
            }
            _ => {}
        }
        match error {
            sqlx::Error::PoolTimedOut => StoreError::Locked,
            sqlx::Error::ColumnDecode { .. } => {
                StoreError::Corrupt("a column holds what it cannot hold".into())
            }
            error => match self {
                Self::Read => StoreError::Read(Box::new(error)),
                Self::Write => StoreError::Write(Box::new(error)),
            },
        }
    }
}

pub(crate) fn migration_failed(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            Doing::Write.map(error)
        }
        MigrateError::VersionMismatch(_) | MigrateError::Dirty(_) => {
            StoreError::Corrupt("the tables are not those that this program makes".into())
        }
        error => StoreError::Write(Box::new(error)),
    }
}

const PERMISSION: u32 = 3;
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const READ_ONLY: u32 = 8;
const CORRUPT: u32 = 11;
const CANNOT_OPEN: u32 = 14;
const NOT_A_DATABASE: u32 = 26;
