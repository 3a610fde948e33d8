use std::{fs, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use tempfile::TempDir;
use wheelhouse_session::SessionStore;
use wheelhouse_sqlite::SqliteStore;
use wheelhouse_testkit::{TestFailure, store::StoreHarness};

/// A database file in a directory of its own.
pub(crate) struct SqliteHarness(TempDir);

impl Default for SqliteHarness {
    fn default() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl SqliteHarness {
    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("data/sessions.db")
    }
}

#[async_trait]
impl StoreHarness for SqliteHarness {
    async fn open(&self) -> Result<Arc<dyn SessionStore>, TestFailure> {
        Ok(Arc::new(SqliteStore::open(self.path()).await?))
    }

    fn bytes_on_disk(&self) -> Result<Vec<u8>, TestFailure> {
        let mut bytes = Vec::new();
        for entry in fs::read_dir(self.path().parent().unwrap())? {
            bytes.append(&mut fs::read(entry?.path())?);
        }
        Ok(bytes)
    }
}
